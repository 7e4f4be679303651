"""The truth obeys its own arithmetic, whatever the seed; the replay keeps the dates of the reports."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import shapely

from tasks.errors import InputError
from tasks.grid import project, transformer
from tasks.model import Site, Zone, ZoneKind
from tasks.simulate.scenarios.najin import najin_2023, wanted_calls
from tasks.simulate.scenarios.najin_story import LEG_NM, PAUSE, SITES, SPEED_KN
from tasks.simulate.scenarios.random_port import busy, quiet, random
from tasks.simulate.sensors.calendar import Acquisition, Defect, Sensor
from tasks.simulate.studio import Studio
from tasks.simulate.truth import CONTAINER_COLUMNS, berth_rows, vessel_row
from tasks.simulate.world.cargo import Cargo
from tasks.simulate.world.harbour import Harbour
from tasks.simulate.world.ledger import Ledger, overdrawn
from tasks.simulate.world.model import Ship, World
from tasks.simulate.world.port import Strip, port_of
from tasks.simulate.world.scenery import deck_capacity, hull_block, train_block
from tasks.simulate.world.seeds import generator
from tasks.sites import load_site

SEEDS = (0, 7, 2023)
START, END = date(2023, 6, 1), date(2023, 9, 30)
MIDDLE = ("yard:najin/middle-yard-ne", "yard:najin/middle-yard-sw")


@cache
def story(seed: int) -> World:
    return najin_2023({name: load_site(name) for name in SITES}, seed)


@cache
def worlds() -> list[World]:
    site = load_site("najin")
    return [
        *(story(seed) for seed in SEEDS),
        *(build(site, START, END, seed) for build in (quiet, busy, random) for seed in SEEDS),
    ]


def at(month: int, day: int, hour: int = 2, minute: int = 0, year: int = 2023) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def alongside(world: World, moment: datetime, pier: str) -> list[str]:
    return [s.ship_id for s in world.lying("najin", moment) if s.zone_id.startswith(pier) and s.along_m]


def test_containers_are_conserved() -> None:
    for world in worlds():
        ledger = world.ledger
        total = sum(ledger.opening.values())
        for share in (0.0, 0.3, 0.55, 0.8, 1.0):
            moment = world.start + (world.end - world.start) * share
            assert sum(ledger.stock(place, moment) for place in ledger.places) == total


def test_no_place_ever_holds_less_than_nothing_or_more_than_fits() -> None:
    for world in worlds():
        assert overdrawn(world.ledger) == []
        for stack in world.stacks:
            most = max(
                (world.ledger.stock(stack.place, m) for m in world.ledger.moments(stack.place)), default=0
            )
            assert most <= stack.capacity
        for ship in world.ships.values():
            most = max(
                (world.ledger.stock(ship.place, m) for m in world.ledger.moments(ship.place)), default=0
            )
            assert most <= deck_capacity(ship)


def test_no_ship_is_in_two_places_and_none_sails_faster_than_it_can() -> None:
    for world in worlds():
        by_ship = defaultdict(list)
        for stay in sorted(world.stays, key=lambda s: s.arrives):
            by_ship[stay.ship_id].append(stay)
        for stays in by_ship.values():
            for before, after in pairwise(stays):
                assert before.leaves <= after.arrives
                if before.site_id != after.site_id:
                    fastest = timedelta(hours=LEG_NM["dunay"] / SPEED_KN[1])
                    assert after.arrives - before.leaves >= fastest - timedelta(seconds=1)


def test_hulls_never_overlap() -> None:
    for world in worlds():
        for share in (0.2, 0.5, 0.65, 0.9):
            moment = world.start + (world.end - world.start) * share
            for site_id in world.ports:
                lying = world.lying(site_id, moment)
                hulls = [hull_block(world.ships[stay.ship_id], stay).outline for stay in lying]
                assert shapely.union_all(hulls).area == pytest.approx(sum(h.area for h in hulls), rel=1e-9)


def test_occupied_metres_never_exceed_the_quay() -> None:
    for world in worlds():
        rows = list(berth_rows(world))
        assert all(0 <= r["occupied_m"] <= r["quay_m"] and r["start"] < r["end"] for r in rows)
        per_berth = defaultdict(list)
        for row in rows:
            per_berth[row["site"], row["zone_id"]].append(row)
        for steps in per_berth.values():
            assert all(a["end"] == b["start"] for a, b in pairwise(steps))


def test_hulls_lie_on_water_beside_their_quay() -> None:
    for world in worlds():
        for stay in world.stays[::7]:
            port = world.ports[stay.site_id]
            hull = hull_block(world.ships[stay.ship_id], stay).outline
            assert (
                hull.intersection(port.ground).area < 0.06 * hull.area
            )  # roots of slips are not quite straight
            if stay.along_m:
                quay = port.quays[stay.zone_id]
                edge = shapely.LineString([quay.at(0), quay.at(quay.length_m)])
                assert hull.distance(edge) < 3


@pytest.mark.parametrize("seed", [*SEEDS, 11, 42])
def test_the_replay_keeps_the_dates_of_the_reports(seed: int) -> None:
    world = story(seed)
    stock = world.ledger.stock
    for moment in (at(9, 7), at(9, 8)):
        assert stock(MIDDLE[0], moment) == 300
    assert stock(MIDDLE[0], at(10, 17)) == 250  # 14 rows of 6.4 m: the 90 m stack
    assert alongside(world, at(10, 17), "middle") == []
    assert alongside(world, at(10, 19), "middle") == ["angara"]
    assert alongside(world, at(10, 20, 2, 1), "middle") == ["angara"]
    assert alongside(world, at(10, 20, 6, 43), "middle") == []
    assert [stock(place, at(10, 20, 6, 43)) for place in MIDDLE] == [0, 0]
    assert stock(MIDDLE[1], at(10, 21)) == 300
    # The day of the story: one ship unloading at one pier while containers wait at the next.
    assert alongside(world, at(12, 9), "north-sw") == ["angara"]
    assert stock("ship:angara", at(12, 9, 6)) < stock("ship:angara", at(12, 9, 0))
    assert stock(MIDDLE[0], at(12, 9)) == 240


@pytest.mark.parametrize("seed", [*SEEDS, 11, 42])
def test_the_replay_has_the_trips_and_the_pause_of_the_reports(seed: int) -> None:
    world = story(seed)
    to_dunay = [v.departs for v in world.voyages if v.destination == "dunay"]
    back = [v.arrives for v in world.voyages if v.destination == "najin"]
    assert sum(d < PAUSE[0] for d in to_dunay) >= 32
    assert sum(d < at(10, 14) for d in back) >= 5
    assert sum(d < at(10, 16) for d in back) >= 6
    october = [s for s in world.stays if s.site_id == "najin" and s.zone_id.startswith("north")]
    assert 10 <= sum(at(10, 1) <= s.arrives < at(11, 1) for s in october) <= 12
    first = min(call.arrives for call in wanted_calls(seed))
    assert at(8, 17) < first < at(8, 22)
    assert not [d for d in (*to_dunay, *back) if d < first]
    pause = [
        s for s in world.stays if s.site_id == "najin" and s.ship_id.startswith(("ang", "lady", "mar", "mai"))
    ]
    assert not [s for s in pause if PAUSE[0] + timedelta(days=1) <= s.arrives < PAUSE[1] - timedelta(days=1)]
    assert world.ledger.stock(MIDDLE[0], at(2, 27, year=2024)) >= 150
    assert world.ledger.stock("yard:najin/north-yard-sw", at(2, 27, year=2024)) >= 50
    after = [v for v in world.voyages if v.departs > PAUSE[1]]
    assert {v.destination for v in after if v.origin == "najin"} == {"vostochny"}
    assert {v.origin for v in after if v.destination == "najin"} == {"vostochny"}


def test_dormant_months_have_a_distractor_and_nothing_else() -> None:
    for seed in SEEDS:
        before = [s for s in story(seed).stays if s.site_id == "najin" and s.arrives < at(8, 17)]
        assert before
        assert all(s.ship_id.startswith("bulker") and s.zone_id.startswith("north-ne") for s in before)


def test_busy_takes_seven_tenths_of_the_quay_and_quiet_nothing() -> None:
    for world in worlds():
        rows = list(berth_rows(world))
        metres = sum(r["quay_m"] * (r["end"] - r["start"]).total_seconds() for r in rows)
        taken = sum(r["occupied_m"] * (r["end"] - r["start"]).total_seconds() for r in rows)
        if world.scenario == "busy":
            assert taken / metres == pytest.approx(0.7, abs=0.05)
        if world.scenario == "quiet":
            assert not world.stays
            assert not world.ledger.transfers


def test_another_seed_tells_the_story_otherwise_and_the_same_one_alike() -> None:
    again = najin_2023({name: load_site(name) for name in SITES}, 7)
    assert again.stays == story(7).stays
    assert again.ledger == story(7).ledger
    assert story(0).stays != story(7).stays


@pytest.mark.parametrize("seed", [*SEEDS, *range(20, 28)])
def test_trains_never_share_a_track_and_fit_on_it(seed: int) -> None:
    world = story(seed)
    by_track = defaultdict(list)
    for train in sorted(world.trains, key=lambda t: t.arrives):
        by_track[train.site_id, train.zone_id, train.track].append(train)
        bundle = world.ports[train.site_id].tracks[train.zone_id]
        assert 4.0 + train.cars * 14.0 <= bundle.length_m
        block = train_block(train, bundle, world.ledger.stock(train.place, train.arrives))
        assert _ground(bundle).buffer(0.01).contains(block.outline)
    assert len(by_track) > 6
    for trains in by_track.values():
        assert all(before.leaves < after.arrives for before, after in pairwise(trains))


def _ground(bundle: Strip) -> shapely.Polygon:
    half, end = bundle.width_m / 2, bundle.length_m
    return shapely.Polygon([bundle.at(*c) for c in ((0, -half), (end, -half), (end, half), (0, half))])


def test_trains_carry_no_more_than_their_cars_and_leave_nothing_behind() -> None:
    for seed in SEEDS:
        ledger = story(seed).ledger
        for train in story(seed).trains:
            assert max(ledger.stock(train.place, m) for m in ledger.moments(train.place)) <= 2 * train.cars
            assert ledger.stock(train.place, train.arrives - timedelta(seconds=1)) == 0
            assert ledger.stock(train.place, train.leaves) == 0


@pytest.mark.parametrize("boxes", [1, 76, 77, 300])
def test_rail_keeps_its_word_where_tracks_are_taken(boxes: int) -> None:
    port, cargo = port_of(load_site("najin")), Cargo()
    by, rng = at(10, 1), generator(0, "rail")
    for yard in ("a", "b"):  # the same tracks at the same time, both in and out
        cargo.bring_by_rail(port, "middle-rail", boxes, away="there", yard=yard, by=by, rng=rng)
        cargo.take_by_rail(port, "middle-rail", boxes, yard=yard, away="there", start=by, rng=rng)
    ledger = Ledger(cargo.opening, tuple(cargo.transfers))
    assert overdrawn(ledger, ["a", "b"]) == []
    assert [ledger.stock(yard, by) for yard in ("a", "b")] == [boxes, boxes]
    assert [ledger.stock(yard, by + timedelta(days=30)) for yard in ("a", "b")] == [0, 0]
    assert ledger.stock("there", by + timedelta(days=30)) == 0


def test_voyages_join_up_and_end_where_a_stay_begins() -> None:
    for seed in SEEDS:
        world = story(seed)
        begins = {(s.ship_id, s.site_id, s.arrives) for s in world.stays}
        ends = {(s.ship_id, s.site_id, s.leaves) for s in world.stays if s.along_m}
        by_ship = defaultdict(list)
        for voyage in world.voyages:
            by_ship[voyage.ship_id].append(voyage)
            if voyage.destination in world.ports:
                assert (voyage.ship_id, voyage.destination, voyage.arrives) in begins
            if voyage.origin in world.ports:
                assert (voyage.ship_id, voyage.origin, voyage.departs) in ends
        assert "vostochny" in {v.origin for v in world.voyages}
        for voyages in by_ship.values():
            for before, after in pairwise(voyages):
                assert before.destination == after.origin
                assert before.arrives < after.departs
                nm = LEG_NM["vostochny" if "vostochny" in (after.origin, after.destination) else "dunay"]
                assert after.arrives - after.departs >= timedelta(hours=nm / SPEED_KN[1])


def test_a_vessel_is_told_by_the_middle_of_its_hull() -> None:
    world = story(7)
    for stay in world.stays[::40]:
        port, ship = world.ports[stay.site_id], world.ships[stay.ship_id]
        outline = port.lonlat(hull_block(ship, stay).outline)
        row = vessel_row(world, stay, "scene", stay.arrives, outline, 1.0)
        told = project(shapely.Point(row["longitude"], row["latitude"]), port.crs)
        ends = shapely.minimum_rotated_rectangle(project(outline, port.crs)).centroid
        assert told.distance(ends) < 0.1
        assert told.distance(shapely.Point(stay.x, stay.y)) < 1e-3


def test_the_older_of_two_deliveries_is_told_as_superseded(tmp_path: Path) -> None:
    look = Acquisition(
        "dunay", Sensor.SENTINEL_1, "sentinel-1a", at(7, 1), 61, "descending", 38.6, Defect.DUPLICATE
    )
    world = quiet(load_site("dunay"), START, END, 0)
    taken = Studio(world, tmp_path).take(look)
    (older, newer), (first, second) = taken.scenes, taken.items
    assert (older["superseded"], newer["superseded"]) == (True, False)
    assert [older["scene_id"], newer["scene_id"]] == [first["id"], second["id"]]
    (alone,) = Studio(world, tmp_path).take(replace(look, defect=None)).scenes
    assert alone["superseded"] is False


def test_every_place_is_named_after_its_kind() -> None:
    told = CONTAINER_COLUMNS["source"][1]
    for world in worlds():
        assert all(f"{place.partition(':')[0]}:" in told and ":" in place for place in world.ledger.places)


@pytest.mark.parametrize(("stated", "length", "width"), [(40.0, 40, 50), (50.0, 50, 40), (None, 50, 40)])
def test_a_quay_runs_along_the_side_of_the_stated_length(
    stated: float | None, length: float, width: float
) -> None:
    """A berth 40 m wide and 50 m long to the north; land to its south and west."""

    def lonlat(west: float, south: float, east: float, north: float) -> shapely.Polygon:
        to = transformer("EPSG:32652")
        ring = shapely.box(500_000 + west, 4_600_000 + south, 500_000 + east, 4_600_000 + north)
        return shapely.transform(
            ring, lambda xy: np.column_stack(to.transform(xy[:, 0], xy[:, 1], direction="INVERSE"))
        )

    berth = Zone("slip", ZoneKind.BERTH, lonlat(0, 0, 40, 50), length_m=stated)
    land = shapely.union_all([lonlat(-200, -200, 40, -1), lonlat(-200, -200, -1, 50)])
    harbour = Harbour(port_of(Site("made-up", "Made up", (berth,), "made-up", land=land)))
    quay = harbour.port.quays["slip"]
    assert (quay.length_m, quay.width_m) == pytest.approx((length, width), abs=0.05)
    ship = Ship("boat", "boat", length - 4.0, 9.0, 2.0, -0.4, 6.0, 0)
    stay = harbour.berth(ship, ["slip"], at(6, 1), at(6, 2), generator(0, "boat"))
    assert stay is not None
    strip = project(berth.geometry, harbour.port.crs)
    assert strip.buffer(0.1).contains(hull_block(ship, stay).outline)
    edge = shapely.LineString([quay.at(0), quay.at(quay.length_m)])
    assert edge.distance(project(land, harbour.port.crs)) < 1.1


def test_sheds_depend_on_the_seed_and_the_site() -> None:
    site = load_site("najin")
    sheds = port_of(site, 3).fixtures
    assert sheds == port_of(site, 3).fixtures
    assert sheds != port_of(site, 4).fixtures
    assert sheds != port_of(replace(site, site_id="elsewhere"), 3).fixtures


def test_a_site_without_water_is_refused() -> None:
    with pytest.raises(InputError, match="tikhoretsk has no berth"):
        port_of(load_site("tikhoretsk"))
