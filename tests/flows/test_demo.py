"""The demo as a user runs it, on a short stretch of the story; and what its findings may say."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

import tasks.simulate
from flows import demo
from flows.findings import Awakening, Findings, PortFindings, _awakening, sentences
from tasks.infer import Share
from tests.flows.tiny import roadstead

BEFORE, AFTER, WHOLE = (
    Share(0.01, 0.0, 0.03, 18),
    Share(0.11, 0.08, 0.14, 30),
    Share(0.07, 0.05, 0.1, 48),
)
WOKE = Awakening(
    date(2023, 8, 20), date(2023, 8, 1), date(2023, 9, 6), 0.994, "confirmed", date(2023, 9, 18), 0.1, 0.9
)
PORT = PortFindings(
    "dunay", "Dunay (Dunai), Russia", 48, date(2023, 6, 1), date(2023, 12, 31), 0.994, date(2023, 8, 1),
    date(2023, 9, 6), WOKE, BEFORE, AFTER, WHOLE,
)  # fmt: skip
UNTOLD = replace(
    PORT, site="najin", title="Najin (Rajin), DPRK", chance=0.71, awakening=None, before=None, after=None
)
FOUND = Findings((UNTOLD, PORT), date(2023, 8, 1), 9, 134, 1.0, 10.0)


def test_a_wake_up_is_told_with_its_interval_its_probability_and_when_it_could_be_known() -> None:
    told = "\n".join(sentences(FOUND))
    assert "Dunay woke about 20 Aug 2023, between 1 Aug 2023 and 6 Sep 2023 (90 %)" in told
    assert "probability over 0.99; it is confirmed, and could have been known on 18 Sep 2023" in told
    assert (
        "before: 1 % of the quay taken (0 to 3 %, 18 looks); after: 11 % of the quay taken (8 to 14 %" in told
    )


def test_what_the_looks_cannot_tell_is_not_told() -> None:
    told = "\n".join(sentences(FOUND))
    assert "Najin: whether it woke cannot be told from 48 looks. A change has probability 0.71" in told
    assert "Najin woke" not in told
    never = replace(UNTOLD, chance=None, chance_low=None, chance_high=None, looks=3)
    assert "Najin: too few looks (3)" in "\n".join(sentences(replace(FOUND, ports=(never, PORT))))
    steady = replace(UNTOLD, chance=0.04)
    assert "activity did not change, with probability 0.96" in "\n".join(
        sentences(replace(FOUND, ports=(steady, PORT)))
    )


def test_falling_quiet_is_no_waking_up() -> None:
    """From 3 ships a look to none, and from 4 to 1, which is still active."""
    for before, after in ((3.0, 0.0), (4.0, 1.0)):
        state = "active" if after > 0.25 else "dormant"
        start = pd.Timestamp("2023-09-06")
        rows = [
            {
                "start_low": None,
                "start": pd.Timestamp("2023-06-01"),
                "end": start,
                "state": "active",
                "level": before,
            },
            {"start_low": start, "start": start, "end": None, "state": state, "level": after},
        ]
        assert _awakening(pd.DataFrame(rows)) is None
    sure = replace(UNTOLD, chance=0.999)
    told = "\n".join(sentences(replace(FOUND, ports=(sure, PORT))))
    assert "probability over 0.99, but it was no waking up" in told


def test_trips_are_bounds_with_their_assumptions_and_contents_are_never_known() -> None:
    told = "\n".join(sentences(FOUND))
    assert "Trips Najin to Dunay since 1 Aug 2023: at least 9, at most 134." in told
    assert "if all belong to one trade" in told
    assert "Not known: what the ships carried, and which ship was which; no image can show it." in told
    assert "no upper limit from these looks" in "\n".join(sentences(replace(FOUND, trips_at_most=None)))


def test_findings_are_plain_json() -> None:
    assert json.loads(json.dumps(FOUND.as_dict()))["ports"][1]["awakening"]["about"] == "2023-08-20"


@pytest.mark.slow
@pytest.mark.prefect
@pytest.mark.usefixtures("prefect_server")
def test_the_demo_runs_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A month of radar: the whole chain at both ports, then nothing to do and the same words."""
    radar_only = partial(tasks.simulate.simulate, sensors=[tasks.simulate.Sensor.SENTINEL_1])
    monkeypatch.setattr(tasks.simulate, "simulate", radar_only)  # the others are tested as images
    monkeypatch.setattr(demo, "START", date(2023, 10, 1))
    monkeypatch.setattr(demo, "END", date(2023, 10, 28))
    first = demo.run_demo(tmp_path / "demo", 7, Console(stderr=True))
    for site in demo.SITES:
        page = tmp_path / "demo" / site / "index.html"
        assert str(page) == first["pages"][site]
        assert "SIMULATED" in page.read_text(encoding="utf-8").upper()
    assert first["lines"][-1].startswith("All images of this demo are simulated")
    assert first["left_out"], "one file of each port is broken on purpose"
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "demo").rglob("*") if p.is_file()}
    again = demo.run_demo(tmp_path / "demo", 7, Console(stderr=True))
    assert again["findings"] == first["findings"]
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "demo").rglob("*") if p.is_file()} == before


def test_simulate_says_where_catalogue_and_truth_are(tmp_path: Path) -> None:
    period = ("--start", "2023-06-01", "--end", "2023-06-04", "--sensor", "sentinel-2", "--site", "dunay")
    result = roadstead("simulate", "quiet", str(tmp_path / "sim"), *period, "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert Path(told["catalog"]).is_file()
    assert (Path(told["truth"]) / "COLUMNS.md").is_file()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("atlantis",), "najin-2023"),
        (("quiet", "--sensor", "sonar"), "sensor 'sonar' is not known"),
        (("najin-2023", "--site", "latakia"), "plays at najin and dunay"),
        (("quiet", "--start", "tomorrow"), "--start 'tomorrow' is not a day"),
    ],
)
def test_what_cannot_be_simulated_is_refused_in_one_line(
    args: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    result = roadstead("simulate", args[0], str(tmp_path / "sim"), *args[1:])
    assert result.exit_code == 2
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "sim").exists()
