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
from flows.sight import Ship, Sight, Yard
from tasks.infer import Goods, Share
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
    date(2023, 9, 6), WOKE, BEFORE, AFTER, WHOLE, None, None,
)  # fmt: skip
GOODS = Goods(
    looks=59, set_down=39, taken_away=37, gained_m2=42_000.0, lost_m2=38_000.0, most_m2=5_400.0,
    most_on=pd.Timestamp("2023-09-08 02:00"), most_teu_low=185.0, most_teu_high=2158.0, track_looks=67,
    with_trains=20, most_track_m=857.0,
)  # fmt: skip
SIGHT = Sight(
    "2023-12-09T02:00Z", 3.0, (Ship("North pier, slot 1", 113.0),),
    (Yard("Middle pier, NE half", 2000.0, 68.0, 654.0),), 60.0, 26, 26,
)  # fmt: skip
UNTOLD = replace(
    PORT, site="najin", title="Najin (Rajin), DPRK", chance=0.71, awakening=None, before=None, after=None
)
FOUND = Findings((UNTOLD, PORT), date(2023, 8, 1), 9, 34, 4, 30, 107.3, 0.99)


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
    assert "Trips Najin to Dunay since 1 Aug 2023: at least 9, at most 34. Round trips" in told
    assert "if all belong to one trade" in told
    assert "Not known: what the containers and ships carried, and which ship was which" in told
    assert "no upper limit from these looks" in "\n".join(sentences(replace(FOUND, trips_at_most=None)))


def test_goods_are_told_at_least_and_as_an_interval() -> None:
    told = "\n".join(sentences(replace(FOUND, ports=(replace(UNTOLD, goods=GOODS), PORT))))
    assert "stacks set down at least 39 times (4.2 ha) and taken away at least 37 times (3.8 ha)" in told
    assert "0.54 ha on 8 Sep 2023, 185 to 2158 TEU" in told
    assert "rail cars stood in 20 of 67 looks, on 857 m at most" in told
    assert "Yards" not in "\n".join(sentences(FOUND))


def test_one_day_is_told_as_it_was_seen() -> None:
    told = "\n".join(sentences(replace(FOUND, ports=(replace(UNTOLD, sight=SIGHT), PORT))))
    assert "Najin on 2023-12-09 at 02:00 UTC (3 m pixels, 26 of 26 zones told):" in told
    assert "Ships: 113 m at North pier, slot 1." in told
    assert "Containers: 0.20 ha (68 to 654 TEU) in Middle pier, NE half. Rail cars on 60 m of track." in told
    bare = replace(SIGHT, ships=(), yards=(), track_m=None)
    empty = "\n".join(sentences(replace(FOUND, ports=(replace(UNTOLD, sight=bare), PORT))))
    assert "Ships: no ship at berth." in empty
    assert "Containers: none seen." in empty


def test_findings_are_plain_json() -> None:
    assert json.loads(
        json.dumps(replace(FOUND, ports=(replace(PORT, goods=GOODS, sight=SIGHT), PORT)).as_dict())
    )
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
