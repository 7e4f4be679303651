"""Each test breaks one rule of a port that is otherwise in order, and reads the message."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon

from tasks.sites import Problem, check_features
from tests.sites.port import feature, port, position, ring, set_box


def only(collection: object, land: Polygon | None = None) -> Problem:
    problems = check_features(collection, land)
    assert len(problems) == 1, [str(p) for p in problems]
    return problems[0]


def broken(zone_id: str, /, **properties: Any) -> Problem:
    collection = port()
    feature(collection, zone_id)["properties"].update(properties)
    return only(collection)


def redrawn(zone_id: str, geometry: object) -> Problem:
    collection = port()
    feature(collection, zone_id)["geometry"] = geometry
    return only(collection)


def polygon(*rings: object) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": list(rings)}


def test_the_port_is_in_order() -> None:
    assert check_features(port()) == []


@pytest.mark.parametrize(
    ("collection", "found"),
    [
        ([], "content is a list"),
        ({"type": "Polygon"}, "type is 'Polygon'"),
        ({"type": "FeatureCollection"}, "features is missing"),
        ({"type": "FeatureCollection", "features": []}, "features is empty"),
        ({"type": "FeatureCollection", "features": {}}, "features is dict"),
    ],
)
def test_anything_but_a_feature_collection(collection: object, found: str) -> None:
    message = only(collection).message
    assert message.startswith(found)
    assert "FeatureCollection with one feature per zone" in message


@pytest.mark.parametrize("item", [None, 7, {"type": "Feature"}, {"properties": None}])
def test_a_feature_without_properties(item: object) -> None:
    collection = port()
    collection["features"].append(item)
    problem = only(collection)
    assert problem.where == "feature 8"
    assert "zone_id and kind are needed" in problem.message


def test_a_foreign_crs() -> None:
    name = "urn:ogc:def:crs:EPSG::32632"
    message = only({**port(), "crs": {"type": "name", "properties": {"name": name}}}).message
    assert name in message
    assert "EPSG:4326" in message


def test_the_old_spelling_of_longitude_latitude_passes() -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    assert check_features({**port(), "crs": crs}) == []


def test_a_site_of_structures_only() -> None:
    collection = port()
    collection["features"] = [feature(collection, "mole")]
    assert "all zones are structures; at least one of harbour_water" in only(collection).message


@pytest.mark.parametrize("zone_id", [None, 12, "", "no spaces", "../up", "-dash", "a" * 65, "line\n"])
def test_an_unusable_zone_id(zone_id: object) -> None:
    problem = broken("yard", zone_id=zone_id)
    assert (problem.zone_id, problem.where) == ("", "feature 3")
    assert problem.message.startswith(f"zone_id is {zone_id!r}; it must be text of 1 to 64")


def test_a_missing_zone_id() -> None:
    collection = port()
    del feature(collection, "yard")["properties"]["zone_id"]
    assert only(collection).message.startswith("zone_id is missing")


def test_a_zone_id_used_twice() -> None:
    problem = broken("rail", zone_id="yard")
    assert (problem.zone_id, problem.where) == ("yard", "feature 4")
    assert problem.message == "zone_id 'yard' is already used by feature 3; ids must be unique"


@pytest.mark.parametrize("kind", ["dock", None, ["berth"]])
def test_an_unknown_kind(kind: object) -> None:
    problem = broken("yard", kind=kind)
    assert problem.message.startswith(f"kind is {kind!r}; it must be one of harbour_water, anchorage, berth")
    assert problem.message.endswith("structure")


@pytest.mark.parametrize("geometry", [None, "POLYGON EMPTY"])
def test_a_missing_geometry(geometry: object) -> None:
    message = redrawn("yard", geometry).message
    assert message == f"geometry is {geometry!r}; a GeoJSON geometry object is needed"


def test_a_line_where_an_area_is_needed() -> None:
    message = redrawn("yard", {"type": "LineString", "coordinates": ring(0, 0, 9, 9)}).message
    assert message == "geometry type is 'LineString'; container_yard zones must be Polygon or MultiPolygon"


def test_a_structure_may_be_a_point_but_not_a_collection() -> None:
    collection = port()
    feature(collection, "mole")["geometry"] = {"type": "Point", "coordinates": [*position(0, 700), 3.5]}
    assert check_features(collection) == []
    message = redrawn("mole", {"type": "GeometryCollection", "geometries": []}).message
    assert message.endswith("structure zones must be Polygon, MultiPolygon, LineString or Point")


@pytest.mark.parametrize("geometry", [{"type": "Polygon", "coordinates": []}, {"type": "Polygon"}])
def test_an_empty_geometry(geometry: object) -> None:
    assert redrawn("yard", geometry).message.startswith("geometry is empty")


@pytest.mark.parametrize(
    ("geometry", "where", "found"),
    [
        (polygon(7), "feature 3, ring 1", "ring is 7"),
        (polygon([]), "feature 3, ring 1", "ring is []"),
        (polygon([[1, 2], "x"]), "feature 3, ring 1, position 2", "position is 'x'"),
        (polygon([[1]]), "feature 3, ring 1, position 1", "position is [1]"),
        (polygon([[1, True]]), "feature 3, ring 1, position 1", "position is [1, True]"),
        (polygon([[1, float("nan")]]), "feature 3, ring 1, position 1", "position is [1, nan]"),
        (polygon([[1, 10**400]]), "feature 3, ring 1, position 1", "position is [1, 1000"),
        ({"type": "MultiPolygon", "coordinates": [3]}, "feature 3, polygon 1", "polygon is 3"),
    ],
)
def test_wrong_nesting(geometry: object, where: str, found: str) -> None:
    problem = redrawn("yard", geometry)
    assert problem.where == where
    assert problem.message.startswith(found)
    assert "needed" in problem.message


def test_heights_are_dropped_even_where_only_some_positions_have_one() -> None:
    collection = port()
    feature(collection, "yard")["geometry"]["coordinates"][0][1].append(4.0)
    assert check_features(collection) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-200, 200) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=20,
)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(["Polygon", "MultiPolygon", "LineString", "Point", "x"]), JSON)
def test_no_coordinates_bring_the_check_down(geometry_type: str, coordinates: object) -> None:
    collection = port()
    feature(collection, "yard")["geometry"] = {"type": geometry_type, "coordinates": coordinates}
    feature(collection, "mole")["geometry"] = {"type": geometry_type, "coordinates": coordinates}
    assert "yard" in {p.zone_id for p in check_features(collection)}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=3, max_size=7))
def test_any_outline_is_taken_or_refused_with_a_reason(corners: list[tuple[int, int]]) -> None:
    """Spikes, crossings and repeated corners: whatever shapely makes of them is said, never raised."""
    drawn = [position(20.0 * x, 300 + 20.0 * y) for x, y in [*corners, corners[0]]]
    for kind in ("harbour_water", "structure", "berth"):
        collection = port()
        feature(collection, "yard")["geometry"] = polygon(drawn)
        feature(collection, "yard")["properties"]["kind"] = kind
        assert all(p.message for p in check_features(collection))


def test_a_line_of_one_position() -> None:
    problem = redrawn("mole", {"type": "LineString", "coordinates": [position(0, 700)]})
    assert problem.message == "line has 1 position; at least 2 are needed"


@pytest.mark.parametrize(
    ("bad", "hint"),
    [
        ([42.2, 130.3], "the two look swapped: GeoJSON has longitude first"),
        ([565_000.0, 5_983_000.0], "it looks like projected metres: reproject the file to EPSG:4326"),
        ([190.5, 54.0], "longitudes past 180 are written minus 360"),
    ],
)
def test_positions_that_are_not_longitude_latitude(bad: list[float], hint: str) -> None:
    problem = redrawn("yard", polygon([position(5, 5), bad, position(195, 20), position(5, 5)]))
    assert problem.where == "feature 3, ring 1, position 2"
    assert f"({bad[0]:g}, {bad[1]:g}) is not longitude -180..180, latitude -90..90; {hint}" in problem.message


def test_an_open_ring() -> None:
    """Shapely alone would close it without a word."""
    problem = redrawn("yard", polygon(ring(5, 5, 195, 20)[:-1]))
    assert (problem.zone_id, problem.where) == ("yard", "feature 3, ring 1")
    assert problem.message.startswith(f"ring is not closed: it starts at {position(5, 5)}")


def test_a_ring_of_three_positions() -> None:
    message = redrawn("yard", polygon([position(5, 5), position(195, 5), position(5, 5)])).message
    assert message == "ring has 3 positions; a closed ring has at least 4"


def test_a_ring_that_crosses_itself_says_where() -> None:
    bow_tie = [(0, 0), (100, 40), (100, 0), (0, 40), (0, 0)]
    problem = redrawn("yard", polygon([position(x, y) for x, y in bow_tie]))
    assert re.fullmatch(r"feature 3, lon 10\.00076\d lat 54\.0001[78]\d", problem.where)
    assert problem.message.startswith("geometry is not valid: Self-intersection;")


@pytest.mark.parametrize(
    ("zone_id", "box", "found"),
    [
        ("yard", (5, 5, 10, 10), "area is 25 m²; container_yard zones have 100 to 20,000,000 m²"),
        ("rail", (5, 24, 10, 29), "area is 25 m²; rail_yard zones have 100 to"),
        ("pier", (0, 0, 5, 5), "area is 25 m²; pier zones have 100 to 5,000,000 m²"),
        ("roads", (0, 800, 20, 820), "area is 400 m²; anchorage zones have 1,000 to"),
        ("yard", (5, -9000, 9005, 20), "m²; container_yard zones have 100 to 20,000,000 m²"),
    ],
)
def test_an_area_out_of_range(zone_id: str, box: tuple[float, ...], found: str) -> None:
    collection = port()
    set_box(collection, zone_id, *box)
    problem = only(collection)
    assert problem.zone_id == zone_id
    assert found in problem.message


def test_a_berth_too_small_and_one_too_large() -> None:
    collection = port()
    set_box(collection, "berth", 0, 40, 10, 50)
    feature(collection, "berth")["properties"]["length_m"] = 9
    assert only(collection).message.startswith("area is 100 m²; berth zones have 200 to 200,000 m²")
    set_box(collection, "berth", 0, 40, 1000, 300)
    assert "berth zones have 200 to 200,000 m²" in only(collection).message


@pytest.mark.parametrize("length", [0, -5, "190", True, 251.0, float("nan"), float("inf")])
def test_a_quay_length_that_cannot_be(length: object) -> None:
    problem = broken("berth", length_m=length)
    assert problem.message.startswith(f"length_m is {length!r}; usable quay metres must be a number above 0")
    assert "half the berth's perimeter, 250.0 m" in problem.message


def test_a_missing_quay_length_is_only_a_warning() -> None:
    problem = broken("berth", length_m=None)
    assert problem.severity == "warning"
    assert problem.message == "length_m is missing; the long side of the outline stands in for it"


def test_a_quay_length_on_something_else_is_only_a_warning() -> None:
    problem = broken("yard", length_m=40)
    assert problem.severity == "warning"
    assert problem.message == "length_m 40 is ignored: only berths have one"


def test_five_mistakes_are_found_at_once() -> None:
    collection = port()
    for zone_id, kind in [("pier", "quay"), ("yard", "yards"), ("rail", "tracks")]:
        feature(collection, zone_id)["properties"]["kind"] = kind
    feature(collection, "berth")["properties"]["length_m"] = -1
    feature(collection, "harbour")["geometry"] = None
    assert {p.zone_id for p in check_features(collection)} == {"pier", "berth", "yard", "rail", "harbour"}


def test_a_problem_reads_as_one_line() -> None:
    assert str(Problem("yard", "feature 3", "bad")) == "zone yard, feature 3: bad"
    assert str(Problem("", "features", "bad")) == "features: bad"


@pytest.mark.parametrize("step", [1, -1])
def test_a_hole_is_taken_off_the_area_whatever_its_direction(step: int) -> None:
    collection = port()
    feature(collection, "yard")["geometry"] = polygon(ring(5, 5, 15, 17), ring(6, 6, 14, 16)[::step])
    assert only(collection).message.startswith("area is 40 m²;")
