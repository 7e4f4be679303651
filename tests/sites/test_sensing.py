from __future__ import annotations

import math
from pathlib import Path

import pytest

from tasks.model import ZoneKind
from tasks.science.change import FEWEST_PX
from tasks.science.optical.afloat import AfloatOptions
from tasks.science.optical.alongside import DEFAULT_ALONGSIDE
from tasks.science.radar.hull_options import HullOptions
from tasks.science.radar.runs import DEFAULT_RUNS
from tasks.sites import load_site
from tasks.sites.measure import area_m2, sides_m
from tasks.sites.sensing import NEEDS, SENSORS, Need, can_feed, limit, limit_m, sensing_of
from tests.sites.port import port
from tests.sites.test_load import write

YARD, RAIL = ZoneKind.CONTAINER_YARD, ZoneKind.RAIL_YARD
S1, S2, PLANET, VHR = SENSORS


@pytest.mark.parametrize(
    ("measure", "kind", "fed"),
    [
        ("vessels", ZoneKind.ANCHORAGE, {S1, S2, PLANET, VHR}),
        ("vessels", ZoneKind.HARBOUR_WATER, {S1, S2, PLANET, VHR}),
        ("vessels", ZoneKind.BERTH, set()),
        ("occupancy", ZoneKind.BERTH, {S1, S2, PLANET, VHR}),
        ("fill", YARD, {S1, S2}),
        ("stacks", YARD, {PLANET, VHR}),
        ("stacks", RAIL, set()),
        ("rail", RAIL, {PLANET, VHR}),
        ("cars", RAIL, {VHR}),
        ("change", ZoneKind.PIER, {S1, S2, PLANET, VHR}),
        ("change", ZoneKind.STRUCTURE, set()),
    ],
)
def test_nothing_finer_than_the_pixel(measure: str, kind: ZoneKind, fed: set[object]) -> None:
    verdicts = {s: can_feed(measure, kind, radar=s.radar, pixel_m=s.pixel_m) for s in SENSORS}
    assert {s for s, verdict in verdicts.items() if verdict.ok} == fed
    assert all(bool(verdict.reason) != verdict.ok for verdict in verdicts.values())


@pytest.mark.parametrize("need", NEEDS.values(), ids=lambda need: str(need.measure))
def test_the_bounds_themselves(need: Need) -> None:
    """The coarsest pixel still does, a hair more does not; a pixel left to another measure does not."""
    kind = next(iter(need.kinds))
    for radar, pixels in ((True, need.radar), (False, need.optical)):
        if pixels is None:
            assert not any(can_feed(need.measure, kind, radar=radar, pixel_m=m).ok for m in (0.1, 3, 10))
            continue
        sizes = (pixels.coarsest_m, pixels.coarsest_m + 0.1, pixels.finer_than_m)
        found = [can_feed(need.measure, kind, radar=radar, pixel_m=m).ok for m in sizes]
        assert found == [True, False, False] if pixels.finer_than_m else found[:2] == [True, False]
        least = need.least_px * pixels.coarsest_m**2
        areas = [
            can_feed(need.measure, kind, radar=radar, pixel_m=pixels.coarsest_m, area_m2=a).ok
            for a in (least, 0.99 * least)
        ]
        assert areas == [True, False]


def test_limits_are_those_of_the_detectors() -> None:
    """The table states what `tasks.science` does; it may not import it."""
    assert limit_m("occupancy", radar=True, pixel_m=10) == DEFAULT_RUNS.min_length_m
    assert limit_m("occupancy", radar=False, pixel_m=3) == DEFAULT_ALONGSIDE.min_length_m
    assert limit_m("vessels", radar=False, pixel_m=0.5) == AfloatOptions().min_length_m
    assert limit_m("vessels", radar=False, pixel_m=10) == 10 * AfloatOptions().min_length_px
    assert limit_m("vessels", radar=True, pixel_m=0.5) == HullOptions().min_length_m
    assert NEEDS["change"].least_px == FEWEST_PX


def test_limits_grow_with_the_pixel_and_are_nan_where_nothing_is_told() -> None:
    vessels = [limit_m("vessels", radar=True, pixel_m=m) for m in (3, 10, 20, 40)]
    assert vessels == [35, 50, 100, 200]
    assert math.isnan(limit_m("cars", radar=False, pixel_m=3))
    assert limit("cars", radar=False, pixel_m=3) == ""
    assert limit_m("fill", radar=True, pixel_m=10) == 0
    assert limit("stacks", radar=False, pixel_m=3) == "stacks from 18 m"


def test_every_measured_zone_of_najin_by_every_sensor() -> None:
    site = load_site("najin")
    rows = sensing_of(site)
    assert [row.zone_id for row in rows[:: len(SENSORS)]] == [z.zone_id for z in site.measured_zones]
    of = {(row.zone_id, row.sensor): row for row in rows}
    zones = {z.zone_id: z for z in site.zones}
    sliver = of["south-yard-sw", S1]
    assert sliver.pixels == pytest.approx(area_m2(zones["south-yard-sw"].geometry) / 100)
    assert sliver.pixels_across == pytest.approx(sides_m(zones["south-yard-sw"].geometry)[1] / 10)
    said = {told.measure: told for told in sliver.measures}
    assert (said["fill"].ok, said["fill"].reason) == (False, "needs 50 pixels, has 10")
    assert all(told.limit == "" for told in sliver.measures)
    fine = {told.measure: told.ok for told in of["landside-rail", VHR].measures}
    assert fine == {"rail": True, "cars": True, "change": True}


def test_structures_have_no_rows(tmp_path: Path) -> None:
    site = load_site(write(tmp_path, port()))
    assert "mole" not in {row.zone_id for row in sensing_of(site)}
