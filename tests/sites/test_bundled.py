from __future__ import annotations

import json
from collections import Counter

import pytest

from tasks.model import Zone
from tasks.sites import bundled_sites, check_file, load_site
from tasks.sites.measure import area_m2
from tasks.sites.read import BUNDLED

KINDS = {
    "najin": {
        "pier": 3,
        "berth": 15,
        "harbour_water": 1,
        "anchorage": 1,
        "container_yard": 7,
        "rail_yard": 4,
    },
    "dunay": {
        "pier": 3,
        "berth": 8,
        "harbour_water": 1,
        "anchorage": 1,
        "container_yard": 1,
        "rail_yard": 1,
    },
    "tikhoretsk": {"container_yard": 1},
    "latakia": {"harbour_water": 1, "anchorage": 1, "structure": 1},
}


def zone(site_id: str, zone_id: str) -> Zone:
    return next(z for z in load_site(site_id).zones if z.zone_id == zone_id)


def test_the_bundled_ids_are_sorted() -> None:
    assert bundled_sites() == ("dunay", "latakia", "najin", "tikhoretsk")


@pytest.mark.parametrize("site_id", sorted(KINDS))
def test_a_bundled_site_loads_with_its_zones(site_id: str) -> None:
    site = load_site(site_id)
    assert site.site_id == site_id
    assert site.title
    assert site.attribution
    assert Counter(z.kind.value for z in site.zones) == KINDS[site_id]
    assert all(z.name and z.provenance for z in site.zones)
    assert all(z.confidence.startswith(("high", "medium", "low")) for z in site.zones)


@pytest.mark.parametrize("site_id", sorted(KINDS))
def test_a_bundled_file_breaks_no_rule(site_id: str) -> None:
    problems = check_file(BUNDLED / f"{site_id}.geojson")
    assert [str(p) for p in problems if p.severity == "error"] == []


def test_only_latakias_far_breakwater_draws_a_warning() -> None:
    warned = [(s, p.zone_id) for s in bundled_sites() for p in check_file(BUNDLED / f"{s}.geojson")]
    assert warned == [("latakia", "BREAKWATER")]


def test_najins_zones_are_named_by_place_not_number() -> None:
    ids = {z.zone_id for z in load_site("najin").zones}
    assert {
        "north-pier",
        "middle-pier",
        "south-pier",
        "north-ne-1",
        "north-yard-ne",
        "slip-north-middle-root",
    } <= ids
    assert not any("p1" in i or "p2" in i or "p3" in i for i in ids)


def test_najins_quay_agrees_with_the_published_length() -> None:
    """Whole faces and slip roots: 2,486 m against 2,515 m published (1993)."""
    collection = json.loads((BUNDLED / "najin.geojson").read_text(encoding="utf-8"))
    faces = {
        f["properties"]["zone_id"].rstrip("0123456789"): f["properties"]["face_length_m"]
        for f in collection["features"]
        if f["properties"]["kind"] == "berth"
    }
    assert sum(faces.values()) == pytest.approx(2486, abs=1)
    assert sum(faces.values()) == pytest.approx(2515, rel=0.02)


def test_najins_usable_quay_leaves_out_the_slip_corners() -> None:
    """Both slip roots are trimmed by 60 m at either corner, where no ship fits."""
    lengths = [z.length_m for z in load_site("najin").zones if z.length_m is not None]
    assert len(lengths) == 15
    assert sum(lengths) == pytest.approx(2486 - 4 * 60, abs=1)


@pytest.mark.parametrize(("site_id", "has_land"), [("najin", True), ("dunay", True), ("latakia", False)])
def test_land_comes_with_the_site_where_it_is_known(site_id: str, has_land: bool) -> None:
    assert (load_site(site_id).land is not None) is has_land


def test_stated_areas_are_the_areas_drawn() -> None:
    """Stated in UTM, measured here on the ellipsoid: apart by the projection's scale only."""
    for site_id in ("najin", "dunay", "tikhoretsk"):
        collection = json.loads((BUNDLED / f"{site_id}.geojson").read_text(encoding="utf-8"))
        stated = {f["properties"]["zone_id"]: f["properties"]["area_m2"] for f in collection["features"]}
        for z in load_site(site_id).zones:
            assert area_m2(z.geometry) == pytest.approx(stated[z.zone_id], rel=0.003, abs=2)


def test_the_depot_says_that_it_is_a_placeholder() -> None:
    depot = zone("tikhoretsk", "depot")
    assert depot.provenance.startswith("guessed: placeholder square")
    assert depot.confidence.startswith("low")


@pytest.mark.parametrize("path", sorted(BUNDLED.rglob("*.geojson")), ids=lambda p: str(p.name))
def test_every_file_names_its_source_and_licence(path: object) -> None:
    collection = json.loads((BUNDLED / str(path)).read_text(encoding="utf-8"))
    assert collection["license"] in ("ODbL-1.0", "CC-BY-SA-4.0")
    if collection["license"] == "ODbL-1.0":
        assert "OpenStreetMap contributors" in collection["attribution"]
        assert "Open Database License" in collection["license_note"]
