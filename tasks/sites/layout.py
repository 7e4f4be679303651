"""Rules between the zones of a site: what must not overlap, and what must lie near what.

They catch what no single zone shows: a berth drawn on its quay instead of beside it (the ship is
missed), two waters over one another (the ship is counted twice), a zone at another port.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from tasks.model import WATER_KINDS, Zone, ZoneKind
from tasks.sites.measure import WGS84, area_m2, distance_m, lonlat, overlap_m2, place
from tasks.sites.problem import Problem

GROUND_KINDS = frozenset({ZoneKind.PIER, ZoneKind.CONTAINER_YARD, ZoneKind.RAIL_YARD})

MAX_BERTH_ON_GROUND = 0.10
"""Share of a berth that may lie ashore: coastlines at hand are simplified to some tens of metres,
a berth is about 50 m wide."""

MAX_BERTH_TO_WATER_M = 100.0
"""A berth opens onto the harbour; two ship's beams leave room for coarse drawing."""

MAX_WATER_OVERLAP = 0.01
"""Share of the smaller zone: room for edges drawn by hand, not for a vessel counted twice."""

MAX_SITE_REACH_M = 50_000.0
"""From the middle zone: the widest roads are some 30 km off, the next port is mostly farther."""

MAX_STRUCTURE_REACH_M = 3_000.0
"""A breakwater farther from every measured zone cannot be mistaken for a vessel in one."""


def layout_problems(zones: Sequence[Zone], land: BaseGeometry | None) -> Iterator[Problem]:
    """Check zones against one another.

    Parameters
    ----------
    zones
        Zones whose own outlines are in order, EPSG:4326.
    land
        Land polygons, EPSG:4326; None when they are not known, and piers and yards stand in for them.

    Yields
    ------
    Problem
        One for every rule broken by every zone.
    """
    berths = [z for z in zones if z.kind is ZoneKind.BERTH]
    waters = [z for z in zones if z.kind in WATER_KINDS]
    measured = [z for z in zones if z.kind is not ZoneKind.STRUCTURE]
    structures = [z for z in zones if z.kind is ZoneKind.STRUCTURE]
    yield from _berths_ashore(berths, [z for z in zones if z.kind in GROUND_KINDS], land)
    yield from _berths_off_the_water(berths, waters)
    yield from _double_waters(waters)
    yield from _strays(measured)
    yield from _useless_structures(structures, measured)


def _berths_ashore(
    berths: Sequence[Zone], ground: Sequence[Zone], land: BaseGeometry | None
) -> Iterator[Problem]:
    ashore = land if land is not None else shapely.union_all([z.geometry for z in ground])
    for berth in berths:
        overlap = overlap_m2(berth.geometry, ashore)
        if (share := overlap / _area_m2(berth)) <= MAX_BERTH_ON_GROUND:
            continue
        if land is not None:
            under = "land"
        else:
            under = ", ".join(z.zone_id for z in ground if overlap_m2(z.geometry, berth.geometry) > 0)
        yield _problem(
            berth,
            f"{share:.0%} of the berth ({overlap:,.0f} m²) lies on {under}; "
            f"a berth is the water beside a quay, at most {MAX_BERTH_ON_GROUND:.0%} ashore",
        )


def _berths_off_the_water(berths: Sequence[Zone], waters: Sequence[Zone]) -> Iterator[Problem]:
    if not waters:
        return
    for berth in berths:
        metres, nearest = min((distance_m(berth.geometry, w.geometry), w.zone_id) for w in waters)
        if metres > MAX_BERTH_TO_WATER_M:
            yield _problem(
                berth,
                f"the berth is {metres:,.0f} m from the nearest water zone ({nearest}); "
                f"it must lie within {MAX_BERTH_TO_WATER_M:.0f} m of a harbour_water or anchorage zone",
            )


def _double_waters(waters: Sequence[Zone]) -> Iterator[Problem]:
    for first, second in combinations(waters, 2):
        overlap = overlap_m2(first.geometry, second.geometry)
        share = overlap / min(_area_m2(first), _area_m2(second))
        if share > MAX_WATER_OVERLAP:
            yield _problem(
                second,
                f"overlaps water zone {first.zone_id} by {overlap:,.0f} m², {share:.1%} of the smaller one; "
                f"at most {MAX_WATER_OVERLAP:.0%}, or vessels there count twice",
            )


def _strays(measured: Sequence[Zone]) -> Iterator[Problem]:
    if len(measured) < 2:
        return
    lon, lat = np.array([lonlat(z.geometry) for z in measured]).T
    a, b = np.indices((len(measured),) * 2)
    _, _, metres = WGS84.inv(lon[a], lat[a], lon[b], lat[b])
    # The middle is the zone nearest to all others, not a mean: one stray would drag a mean away
    # and put every honest zone in the wrong.
    middle = int(np.argmin(metres.sum(axis=1)))
    for zone, reach in zip(measured, metres[middle], strict=True):
        if reach > MAX_SITE_REACH_M:
            yield _problem(
                zone,
                f"lies {reach / 1000:,.0f} km from the middle of the site ({measured[middle].zone_id}); "
                f"measured zones must lie within {MAX_SITE_REACH_M / 1000:.0f} km: is it at another port, "
                "or are its longitude and latitude swapped?",
            )


def _useless_structures(structures: Sequence[Zone], measured: Sequence[Zone]) -> Iterator[Problem]:
    if not measured:
        return
    for structure in structures:
        metres = min(distance_m(structure.geometry, z.geometry) for z in measured)
        if metres > MAX_STRUCTURE_REACH_M:
            yield Problem(
                structure.zone_id,
                place(structure.geometry),
                f"the structure is {metres / 1000:,.1f} km from every measured zone, so it masks nothing; "
                f"within {MAX_STRUCTURE_REACH_M / 1000:.0f} km is expected",
                "warning",
            )


def _area_m2(zone: Zone) -> float:
    # A zone below 1 m² is refused for its size already; here it must only not divide by zero.
    return max(area_m2(zone.geometry), 1.0)


def _problem(zone: Zone, message: str) -> Problem:
    return Problem(zone.zone_id, place(zone.geometry), message)
