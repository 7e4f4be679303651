from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shapely import affinity
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from tasks.errors import InputError
from tasks.model import ZoneKind
from tasks.sites import check_features, load_site
from tasks.sites.coastline import OSM, Coastline, openstreetmap_land, read_coastline
from tasks.sites.draft import Draft, box_around, draft_site
from tasks.sites.measure import area_m2, distance_m, overlap_m2
from tasks.sites.read import BUNDLED
from tests.sites.port import M_PER_DEG_LAT, M_PER_DEG_LON

LON, LAT = 10.0, 54.0
NAJIN = 130.285, 42.2265
NAJIN_LAND = BUNDLED / "land" / "najin.geojson"

COAST = shapely.Polygon(
    [(-6000, 9000), (-6000, 30), (-2500, -40), (-900, 0), (900, 0), (2600, 70), (6000, 9000)]
)
"""A shore that bends here and there, water to the south."""

PIER = shapely.box(-60, -500, 60, 0)


def coast_of(metres: BaseGeometry) -> Coastline:
    degrees = shapely.transform(metres, lambda xy: xy / (M_PER_DEG_LON, M_PER_DEG_LAT) + (LON, LAT))
    return Coastline(degrees, "drawn for a test")


def draft(metres: BaseGeometry, radius_km: float = 2.0) -> Draft:
    return draft_site(coast_of(metres), LON, LAT, radius_km, "made-up", "Made up")


def najin() -> Draft:
    coast = read_coastline(NAJIN_LAND, box_around(*NAJIN, 3))
    return draft_site(coast, *NAJIN, 3, "made-up", "Made up")


def of_kind(made: Draft, kind: ZoneKind) -> list[BaseGeometry]:
    features = made.collection["features"]
    return [shape(f["geometry"]) for f in features if f["properties"]["kind"] == kind.value]


def written(made: Draft) -> dict[str, Any]:
    """As it is read back from a file: lists instead of tuples."""
    read: dict[str, Any] = json.loads(json.dumps(made.collection))
    return read


def test_a_natural_shore_has_no_quays() -> None:
    assert draft(COAST).strips == ()
    assert draft(COAST).count == {"harbour_water": 1, "anchorage": 1, "pier": 1}


def test_both_sides_and_the_head_of_a_pier() -> None:
    made = draft(COAST.union(PIER))
    lengths = sorted(
        sum(s.length_m for s in made.strips if s.name.startswith(f"quay-{k}-")) for k in (1, 2, 3)
    )
    assert lengths == pytest.approx([120, 500, 500], abs=10)
    assert {s.width_m for s in made.strips} == {50.0}
    assert len(made.strips) == 1 + 3 + 3


@settings(max_examples=15, deadline=None)
@given(turn=st.floats(0, 360), skew=st.floats(0, 4))
def test_a_pier_is_found_whichever_way_it_points(turn: float, skew: float) -> None:
    """Turned, and with its two sides not quite parallel."""
    head = 500 * np.tan(np.radians(skew))
    pier = shapely.Polygon([(-60, 10), (-60, -500), (60 + head, -500), (60, 10)])
    made = draft(affinity.rotate(COAST.union(pier), turn, origin=(0, -100)))
    assert made.quay_m == pytest.approx(1120 + head, rel=0.05)


def test_a_breakwater_is_no_quay_and_an_islet_a_structure() -> None:
    mole = shapely.box(-1000, -700, -500, -690)
    rock = shapely.Point(400, -600).buffer(30)
    made = draft(shapely.union_all([COAST, mole, rock]))
    assert made.strips == ()
    assert made.count["structure"] == 2


def test_a_narrow_slip_gets_narrower_berths() -> None:
    slip = shapely.union_all([COAST, shapely.box(-200, -400, -40, 10), shapely.box(40, -400, 200, 10)])
    made = draft(slip)
    inside = [s for s in made.strips if abs(s.outline.centroid.x) < 40]
    assert {s.width_m for s in inside} == {50.0, 25.0}


def test_najin_by_itself_has_the_berths_that_were_drawn_by_hand() -> None:
    """Six faces of three piers; the two roots of the slips are not told from a shore."""
    made, site = najin(), load_site("najin")
    drafted = shapely.union_all(of_kind(made, ZoneKind.BERTH))
    faces = [z for z in site.zones if z.kind is ZoneKind.BERTH and "root" not in z.zone_id]
    covered = [overlap_m2(z.geometry, drafted) / area_m2(z.geometry) for z in faces]
    assert np.mean(covered) > 0.9
    assert made.quay_m == pytest.approx(sum(z.length_m or 0 for z in faces), rel=0.05)
    by_hand = shapely.union_all([z.geometry for z in site.zones if z.kind is ZoneKind.BERTH])
    assert overlap_m2(drafted, by_hand) / area_m2(drafted) > 0.9


def test_water_is_shared_out_once_and_wholly() -> None:
    made = najin()
    waters = [*of_kind(made, ZoneKind.HARBOUR_WATER), *of_kind(made, ZoneKind.ANCHORAGE)]
    parts = [*waters, *of_kind(made, ZoneKind.BERTH)]
    whole = area_m2(shapely.union_all(parts))
    assert sum(map(area_m2, parts)) == pytest.approx(whole, rel=1e-4)
    land = read_coastline(NAJIN_LAND, box_around(*NAJIN, 3)).land
    assert overlap_m2(shapely.union_all(waters), land) < 1e-4 * whole


def test_every_berth_has_known_ground_behind_it_and_passes_with_and_without_land() -> None:
    made = najin()
    ground = shapely.union_all(of_kind(made, ZoneKind.PIER))
    assert all(distance_m(berth, ground) < 6 for berth in of_kind(made, ZoneKind.BERTH))
    land = read_coastline(NAJIN_LAND, box_around(*NAJIN, 3)).land
    assert check_features(written(made)) == check_features(written(made), land) == []


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.5, 1.0, 3.0]))
@example(seed=47815, radius_km=0.5)
def test_any_land_gives_a_file_in_order(seed: int, radius_km: float) -> None:
    """Piers, islets and holes thrown at random on and off a shore."""
    rng = np.random.default_rng(seed)
    boxes = [
        affinity.rotate(shapely.box(0, 0, *rng.uniform(10, 900, 2)), rng.uniform(0, 360))
        for _ in range(rng.integers(1, 12))
    ]
    blots = [affinity.translate(b, *rng.uniform(-1500, 1500, 2)) for b in boxes]
    half = len(blots) // 2
    land = COAST.union(shapely.union_all(blots[:half])).difference(shapely.union_all(blots[half:]))
    coast = coast_of(land.union(shapely.box(-100, 0, 100, 50)).difference(shapely.box(-100, -50, 100, 0)))
    made = draft_site(coast, LON, LAT, radius_km, "made-up", "Made up")
    assert check_features(written(made)) == []
    assert check_features(written(made), coast.land) == []


def test_the_same_coast_gives_the_same_draft() -> None:
    assert najin().collection == najin().collection


def test_the_file_says_where_it_comes_from_and_that_nobody_looked(tmp_path: Path) -> None:
    made = najin()
    (tmp_path / "made-up.geojson").write_text(json.dumps(made.collection))
    site = load_site(str(tmp_path / "made-up.geojson"))
    assert "OpenStreetMap contributors, ODbL" in site.attribution
    assert all(zone.confidence.startswith("low: ") for zone in site.zones)
    assert all("ODbL" in zone.provenance for zone in site.zones)
    assert {z.kind for z in site.zones} == {
        ZoneKind.HARBOUR_WATER,
        ZoneKind.ANCHORAGE,
        ZoneKind.BERTH,
        ZoneKind.PIER,
    }


@pytest.mark.parametrize(
    ("land", "said"),
    [
        (affinity.translate(COAST, 0, 20_000), "no land within 2 km of longitude 10, latitude 54; --at is"),
        (shapely.box(-9000, -9000, 9000, 9000), "no water within 2 km of longitude 10, latitude 54: rivers"),
    ],
)
def test_a_place_without_a_shore(land: BaseGeometry, said: str) -> None:
    with pytest.raises(InputError, match=said):
        draft(land)


@pytest.mark.parametrize("place", [(10, 54, 0.1), (10, 54, 11), (179.99, 54, 3), (10, 89, 3)])
def test_boxes_that_are_none(place: tuple[float, float, float]) -> None:
    with pytest.raises(InputError, match=r"0\.5 to 10 km are possible|too near to a pole or to 180"):
        box_around(*place)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"type": "LineString", "coordinates": [[0, 0], [1, 1]]}, "has no polygons"),
        ({"type": "FeatureCollection", "features": []}, "has no polygons"),
        ({"type": "Feature"}, "is not GeoJSON that can be read"),
        ([], "is not GeoJSON that can be read"),
        (mapping(shapely.box(5e5, 4e6, 6e5, 5e6)), "is not in degrees"),
    ],
)
def test_a_coastline_that_is_none(tmp_path: Path, document: object, said: str) -> None:
    file = tmp_path / "coast.geojson"
    file.write_text(json.dumps(document))
    with pytest.raises(InputError, match=said):
        read_coastline(file, (0, 0, 1, 1))


def test_a_coastline_is_cut_mended_and_named(tmp_path: Path) -> None:
    bow_tie = {"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]}
    file = tmp_path / "coast.geojson"
    file.write_text(json.dumps(bow_tie))
    land, attribution = read_coastline(file, (0, 0, 1, 1))
    assert land.equals(shapely.Polygon([(0, 0), (1, 1), (0, 1)]))
    assert attribution == "coastline: coast.geojson"


@pytest.mark.slow
def test_openstreetmaps_land_at_najin_is_what_is_bundled() -> None:
    pytest.importorskip("roaring_landmask", reason="the extra `sites` is not installed")
    box = box_around(*NAJIN, 1)
    land, attribution = openstreetmap_land(box)
    bundled = read_coastline(NAJIN_LAND, box).land
    assert area_m2(land.symmetric_difference(bundled)) < 1e-4 * area_m2(bundled)
    assert attribution.startswith(OSM)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "roaring_landmask", None)
    with pytest.raises(InputError, match=r"install the extra `sites`.*--coastline"):
        openstreetmap_land((0, 0, 1, 1))
