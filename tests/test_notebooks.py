"""The notebooks run from published files alone, and what they compute is what was published."""

from __future__ import annotations

import json
import re
import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from tasks.model import Site, Zone, ZoneKind
from tasks.sites.load import zones_digest
from tests.products.small_publication import publish
from tests.products.test_tables import look
from tests.scenes import rectangle, small_site

mpl.use("Agg")  # no window

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
NAMES = ("explore_the_series", "check_a_claim", "compare_two_ports")

LOOKS, WOKE, UNSEEN = 60, 30, range(40, 48)
"""One look in three days; from look `WOKE` on a ship lies at the quay, and a month of looks sees nothing."""

METRES_PER_PX, SHIP_PX = 3.0, (40, 8)


def port(site_id: str) -> Site:
    site = small_site(site_id)
    quay = Zone("quay", ZoneKind.BERTH, rectangle(0, 0, 4, 40), "Quay", "high", "drawn for a test", 400.0)
    zones = (*site.zones, quay)
    return replace(site, zones=zones, digest=zones_digest(zones))


def looks_of(site_id: str, woke: int) -> list[dict[str, Any]]:
    rows = []
    for k in range(LOOKS):
        when = np.datetime64("2023-06-01T21:31:12", "s") + np.timedelta64(3 * k, "D")
        ships = int(k >= woke and k % 4 > 0)
        told = {"vessel_count": ships, "vessel_length_m": 120.0 * ships, "occupied_m": 120.0 * ships}
        told |= {"occupied_fraction": 0.3 * ships, "seen_fraction": 1.0, "flags": ""}
        if k in UNSEEN:
            told = dict.fromkeys(told) | {"seen_fraction": 0.0, "flags": "not_seen"}
        given = {"site": site_id, "acquired": when, "zone_kind": "berth", "sensor": "radar", "pixel_m": 10.0}
        rows.append(look(f"S1A_{k:03d}", "quay", 1, **given, **told))
    return rows


def write_evidence(folder: Path) -> None:
    """One picture: a bright hull of 120 m, of the scene that the vessels are in."""
    (folder / "evidence").mkdir(parents=True)
    picture = np.full((60, 80, 3), 40, "uint8")
    picture[20 : 20 + SHIP_PX[1], 10 : 10 + SHIP_PX[0]] = 220
    Image.fromarray(picture).save(folder / "evidence" / "a.webp")
    x, y = (10, 10 + SHIP_PX[0]), (20, 20 + SHIP_PX[1])
    chip = {
        "name": "a.webp", "scene_id": "S1A_tiny_20231001", "acquired": "2023-10-01T21:31:12",
        "sensor": "radar", "pixel_m": 10.0, "west": 0.0, "east": 80 * METRES_PER_PX, "width_px": 80,
        "caption": "A ship at the quay", "attribution": "simulated",
        "outlines": [[(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])]],
    }  # fmt: skip
    (folder / "evidence" / "evidence.json").write_text(json.dumps({"chips": [chip], "cards": []}))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """All three, run on two ports: the names that each has at its end."""
    out = tmp_path_factory.mktemp("published")
    write_evidence(out / "here")
    publish(out / "here", looks_of("here", WOKE), site=port("here"))
    publish(out / "there", looks_of("there", 0), site=port("there"))
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROADSTEAD_NOTEBOOK_OUT", str(out))
        patch.setenv("ROADSTEAD_NOTEBOOK_SITE", "here")
        patch.setenv("ROADSTEAD_NOTEBOOK_SITES", "here,there")
        for name in NAMES:
            found[name] = runpy.run_path(str(NOTEBOOKS / f"{name}.py"))
            found[name]["figures"] = [mpl.pyplot.figure(k) for k in mpl.pyplot.get_fignums()]
            for figure in found[name]["figures"]:
                figure.canvas.draw()
            mpl.pyplot.close("all")
    return found


def test_all_of_them_are_run() -> None:
    assert {p.stem for p in NOTEBOOKS.glob("*.py")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_they_need_the_published_files_alone(name: str) -> None:
    text = (NOTEBOOKS / f"{name}.py").read_text(encoding="utf-8")
    assert text.startswith("# %% [markdown]\n# # ")
    assert not re.search(r"^\s*(from|import) (tasks|flows|prefect|icechunk)", text, re.MULTILINE)


def test_the_series_are_explored(ran: dict[str, dict[str, Any]]) -> None:
    names = ran["explore_the_series"]
    assert len(names["figures"]) == 2
    assert names["label"] == "share of the quay taken (%)"
    mean = names["mean"].values
    assert mean[0] < 2  # seen, and empty but for what a sensor may miss
    assert mean[-1] > 10
    assert names["kind"] == "occupied_fraction"


def test_a_claim_is_followed_to_the_pixel(ran: dict[str, dict[str, Any]]) -> None:
    names = ran["check_a_claim"]
    assert len(names["figures"]) == 3
    change = names["change"]
    assert change["state"] == "active"
    assert change["start_low"] <= np.datetime64("2023-06-01T21:31:12") + np.timedelta64(3 * WOKE, "D")
    assert names["measured_m"] == pytest.approx([SHIP_PX[0] * METRES_PER_PX])
    assert names["matches"] is True


def test_two_ports_are_compared(ran: dict[str, dict[str, Any]]) -> None:
    names = ran["compare_two_ports"]
    assert len(names["figures"]) == 3
    assert (names["coverage"]["here"] == names["coverage"]["there"]).all()
    assert set(names["both"].columns) == {"here", "there"}
