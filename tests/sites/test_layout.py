"""Rules between zones, each broken alone in a port that is otherwise in order."""

from __future__ import annotations

import re
from typing import Any

from shapely.geometry import Polygon

from tasks.sites import Problem, check_features
from tests.sites.port import feature, port, position, ring, set_box, zone

LAND = Polygon(ring(-500, -1000, 800, 40))
"""Shore along the pier's north face."""


def only(collection: dict[str, Any], land: Polygon | None = None) -> Problem:
    problems = check_features(collection, land)
    assert len(problems) == 1, [str(p) for p in problems]
    return problems[0]


def test_the_port_is_in_order_on_its_shore() -> None:
    assert check_features(port(), LAND) == []


def test_a_berth_on_land() -> None:
    collection = port()
    set_box(collection, "berth", 0, 30, 200, 80)
    problem = only(collection, LAND)
    assert (problem.zone_id, problem.severity) == ("berth", "error")
    assert re.match(r"20% of the berth \((2,00\d|1,99\d) m²\) lies on land; a berth is", problem.message)
    assert problem.message.endswith("at most 10% ashore")


def test_a_tenth_of_a_berth_may_lie_on_land() -> None:
    collection = port()
    set_box(collection, "berth", 0, 36, 200, 86)
    assert check_features(collection, LAND) == []


def test_a_berth_on_its_pier_where_land_is_not_known() -> None:
    collection = port()
    set_box(collection, "berth", 0, 30, 200, 80)
    message = only(collection).message
    assert re.match(r"20% of the berth \((2,00\d|1,99\d) m²\) lies on pier, rail; a berth is the w", message)


def test_overlapping_ground_counts_once() -> None:
    """Yard and track lie on the pier: their overlap with the berth is the pier's, not three times it."""
    collection = port()
    set_box(collection, "berth", 0, 36, 200, 86)
    set_box(collection, "yard", 0, 5, 200, 40)
    set_box(collection, "rail", 0, 5, 200, 40)
    assert check_features(collection) == []


def test_a_berth_off_the_water() -> None:
    collection = port()
    set_box(collection, "harbour", -200, 240, 400, 600)
    problem = only(collection)
    assert problem.zone_id == "berth"
    assert problem.message.startswith("the berth is 150 m from the nearest water zone (harbour)")
    assert "within 100 m of a harbour_water or anchorage zone" in problem.message


def test_a_berth_needs_no_water_zone_where_the_site_has_none() -> None:
    collection = port()
    waters = ("harbour_water", "anchorage")
    collection["features"] = [f for f in collection["features"] if f["properties"]["kind"] not in waters]
    assert check_features(collection) == []


def test_two_waters_over_one_another() -> None:
    collection = port()
    set_box(collection, "roads", -200, 580, 400, 1600)
    problem = only(collection)
    assert problem.zone_id == "roads"
    assert re.match(
        r"overlaps water zone harbour by 1[12],\d{3} m², 3\.9% of the smaller one; at m", problem.message
    )
    assert problem.message.endswith("at most 1%, or vessels there count twice")


def test_waters_may_touch_and_hardly_overlap() -> None:
    collection = port()
    set_box(collection, "roads", -200, 598, 400, 1600)
    assert check_features(collection) == []


def test_a_zone_at_another_port_is_the_only_one_blamed() -> None:
    collection = port()
    collection["features"].append(zone("far", "container_yard", (300_000, 0, 300_100, 100)))
    problem = only(collection)
    assert problem.zone_id == "far"
    assert problem.message.startswith("lies 300 km from the middle of the site (")
    assert "measured zones must lie within 50 km" in problem.message


def test_swapped_axes_that_are_still_in_range() -> None:
    collection = port()
    rings = feature(collection, "yard")["geometry"]["coordinates"]
    feature(collection, "yard")["geometry"]["coordinates"] = [[p[::-1] for p in r] for r in rings]
    assert "longitude and latitude swapped?" in only(collection).message


def test_wide_roads_are_no_stray() -> None:
    collection = port()
    set_box(collection, "roads", 25_000, 800, 45_000, 20_000)
    assert check_features(collection) == []


def test_a_structure_far_off_is_a_warning() -> None:
    collection = port()
    feature(collection, "mole")["geometry"] = {"type": "Point", "coordinates": position(0, 6600)}
    problem = only(collection)
    assert (problem.zone_id, problem.severity) == ("mole", "warning")
    assert problem.message.startswith("the structure is 5.0 km from every measured zone, so it masks nothing")
    assert problem.message.endswith("within 3 km is expected")


def test_where_says_the_place_on_the_ground() -> None:
    collection = port()
    set_box(collection, "roads", -200, 580, 400, 1600)
    assert only(collection).where == "lon 10.00152 lat 54.00979"
