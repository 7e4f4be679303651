"""``roadstead effect``, ``lag`` and ``detectability`` as a user runs them on published looks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tasks.products.tables import looks_table
from tasks.sites import load_site
from tests.flows.tiny import answer, roadstead


def publish(out: Path, site_id: str, shares: np.ndarray) -> None:
    """Publish looks every four days in which ships took some of the berths."""
    berths = [z.zone_id for z in load_site(site_id).zones if z.kind.value == "berth"]
    rng = np.random.default_rng(1)
    rows = []
    for k, share in enumerate(shares):
        for zone in berths:
            taken = int(rng.random() < share)
            rows.append(
                {
                    "site": site_id, "zone_id": zone, "zone_kind": "berth", "scene_id": f"s{k:04}",
                    "collection": "s1", "sensor": "radar", "pixel_m": 10.0, "seen_fraction": 1.0,
                    "acquired": pd.Timestamp("2022-01-01") + pd.Timedelta(days=4 * k),
                    "vessel_count": taken, "vessel_length_m": 100.0 * taken, "flags": "",
                    "occupied_m": 100.0 * taken, "occupied_fraction": 0.7 * taken,
                }
            )  # fmt: skip
    (out / site_id).mkdir()
    looks_table(rows).to_parquet(out / site_id / "looks.parquet")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    publish(folder, "najin", np.repeat([0.3, 0.05], [70, 40]))
    publish(folder, "dunay", np.repeat(0.3, 110))
    return folder


def test_an_event_is_told_with_its_ratio(out: Path) -> None:
    args = ("effect", "najin", "--on", "2022-10-08", "--control", "dunay", "--out", out)
    told = answer(roadstead(*args, "--json"))
    assert (told["verdict"], told["excluded"], told["controls"]) == ("fell", False, 1)
    assert told["low"] < told["ratio"] < told["high"] < 1
    text = roadstead(*args).stdout
    assert "activity fell" in text
    assert "90 %" in text


def test_too_little_is_said_to_be_too_little(out: Path) -> None:
    assert answer(roadstead("effect", "najin", "--on", "2030-01-01", "--out", out, "--json"))["told"] is False
    assert "too few looks" in roadstead("effect", "najin", "--on", "2030-01-01", "--out", out).stdout


def test_a_lag_or_that_there_is_none(out: Path) -> None:
    told = answer(roadstead("lag", "najin", "dunay", "--out", out, "--json"))
    assert told["compared"] == ["berths", "berths"]
    assert told["told"] is False
    assert "show no lag" in roadstead("lag", "najin", "dunay", "--out", out).stdout


def test_detectability_of_own_looks_and_of_a_revisit(out: Path) -> None:
    change = ("--before", "0.2", "--after", "6")
    own = answer(roadstead("detectability", "najin", *change, "--out", out, "--json"))
    assert list(own["looks"]) == ["own looks"]
    none, rise = own["looks"]["own looks"]
    assert none["found"] <= 0.1 < 0.8 <= rise["found"]
    text = roadstead(
        "detectability", "najin", "--revisit", "12", "--loss", "0.2", *change, "--out", out
    ).stdout
    assert "looks every 12 days" in text
    assert "no change" in text


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (("effect", "najin", "--on", "soon"), "is not a day"),
        (("effect", "najin", "--on", "2023-01-01", "--drop", "30"), "--drop 30 is no share"),
        (("effect", "najin", "--on", "2023-01-01", "--out", "nowhere"), "holds no looks.parquet"),
        (("lag", "najin", "nowhere"), "nowhere"),
        (("detectability", "najin", "--out", "nowhere"), "--revisit 6"),
        (("detectability", "najin", "--revisit", "6", "--loss", "1"), "--loss 1"),
        (("detectability", "najin", "--revisit", "0"), "--revisit must be above 0"),
        (("detectability", "najin", "--revisit", "6", "--before", "1"), "belong together"),
        (("detectability", "najin", "--revisit", "6", "--before", "0", "--after", "0"), "not both 0"),
    ],
)
def test_bad_questions_are_refused_in_one_line(args: tuple[str, ...], reason: str) -> None:
    result = roadstead(*args)
    assert result.exit_code == 2
    lines = [line for line in result.stderr.splitlines() if line.startswith("roadstead: ")]
    assert len(lines) == 1
    assert reason in lines[0]
