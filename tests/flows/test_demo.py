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
from flows.sight import Ship, Sight, Standing, Yard, sight_on
from tasks.infer import Goods, Share
from tasks.sites import load_site
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
IN_YARDS = Standing("2023-12-09T02:00Z", (Yard("Middle pier, NE half", 2000.0, 68.0, 654.0),), 7, 7, 60.0)
SIGHT = Sight(
    "2023-12-09T02:00Z", 3.0, (Ship("North pier, slot 1", 113.0),), 15, 15, IN_YARDS, {"not_seen": 1}, None
)
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
    assert "chance matches allowed for" in told
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
    assert "Najin on 2023-12-09 at 02:00 UTC (3 m pixels):" in told
    assert "Ships: 113 m at North pier, slot 1 (15 of 15 berths told)." in told
    assert "Yards and tracks not told: 1 not seen." in told
    assert "Containers: 0.20 ha (68 to 654 TEU) in Middle pier, NE half (7 of 7 yards told). Rail" in told
    nothing = Standing("2023-12-09T02:00Z", (), 0, 7, None)
    earlier = replace(IN_YARDS, taken="2023-11-27T01:20Z")
    bare = replace(SIGHT, ships=(), standing=nothing, untold={"snow": 7}, nearest=earlier)
    empty = "\n".join(sentences(replace(FOUND, ports=(replace(UNTOLD, sight=bare), PORT))))
    assert "Ships: none at berth" in empty
    assert "not told: 7 under snow." in empty
    assert "2023-12-09 could not tell; nearest look at them, 2023-11-27 at 01:20 UTC: containers" in empty


def test_a_look_that_saw_no_yard_stands_beside_the_nearest_that_did(tmp_path: Path) -> None:
    days = pd.to_datetime(["2023-11-01 02:00", "2023-11-27 02:00", "2023-12-09 02:00", "2023-12-09 09:00"])
    rows = pd.MultiIndex.from_product([range(4), range(2)]).to_frame(index=False)
    looks = pd.DataFrame(
        {
            "scene_id": rows[0].map("scene-{}".format),
            "acquired": days[rows[0]],
            "zone_id": rows[1].map({0: "north-sw-1", 1: "middle-yard-ne"}),
            "zone_kind": rows[1].map({0: "berth", 1: "container_yard"}),
            "pixel_m": [3.0] * 6 + [10.0] * 2,
            "occupied_m": [0.0, None, 0.0, None, 108.0, None, 0.0, None],
            "stack_area_m2": [None, 900.0, None, 500.0, None, None, None, None],
            "teu_low": [None, 30.0, None, 20.0, None, None, None, None],
            "teu_high": [None, 300.0, None, 200.0, None, None, None, None],
            "rail_occupied_m": [None] * 8,
            "flags": ["", "", "", "", "", "snow", "", "not_measured"],
        }
    )
    looks.to_parquet(tmp_path / "looks.parquet")
    vessels = pd.DataFrame({"scene_id": ["scene-2"], "zone_id": ["north-sw-1"], "length_m": [110.0]})
    vessels.to_parquet(tmp_path / "vessels.parquet")
    site = load_site("najin")
    sight = sight_on(tmp_path, site, date(2023, 12, 9))
    assert sight is not None
    assert (sight.pixel_m, sight.ships[0].length_m, sight.untold) == (3.0, 110.0, {"snow": 1})
    assert sight.nearest is not None
    assert (sight.nearest.taken, sight.nearest.yards[0].area_m2) == ("2023-11-27T02:00Z", 500.0)
    assert sight_on(tmp_path, site, date(2023, 12, 10)) is None


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
