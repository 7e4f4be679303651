"""Berths along straight quays: strips of water as wide as a ship and as long as the ships that use them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from tasks.sites.layout import MAX_BERTH_TO_WATER_M
from tasks.sites.quay_lines import Edge

STRIP_M = (50.0, 35.0, 25.0)
"""Widths that are tried: the widest ship and some room, and what is left in a narrow slip."""

SHIP_M = 170.0
"""About how long a berth is; longer quays are parted into equal ones. Published berths are 150 to 350 m long;
an echo longer than its berth is taken for two ships, a shorter one never for half a ship."""

MIN_FREE_M = 80.0
"""Shortest stretch of a quay that is kept where another quay's berths or land cut it."""

STEP_M = 5.0
"""Distance of the cross-sections at which a quay is tried."""

OFF_M = 6.0
"""From the quay to the first place that must be water, and between places: the quay's line was straightened
by up to 5 m."""


@dataclass(frozen=True)
class Strip:
    """One berth, metres."""

    name: str
    outline: BaseGeometry
    length_m: float
    width_m: float

    edge_m: float
    """Length of the straight edge that it is a part of."""


def lay_strips(quays: Sequence[Edge], water: BaseGeometry, harbour: BaseGeometry) -> list[Strip]:
    """Lay berths along quays, the longest quay first; none lies on land or on another.

    Parameters
    ----------
    quays
        Straight edges, longest first.
    water
        Water in which berths may lie, metres in the frame of the edges.
    harbour
        Harbour before berths are taken from it; what is left of it must stay near each.

    Returns
    -------
    list of Strip
        From north to south, named by quay and place along it.
    """
    laid: list[list[Strip]] = []
    free = water
    for edge in quays:
        for width in STRIP_M:
            strips = list(_along(edge, width, free))
            if strips:
                laid.append(strips)
                free = free.difference(shapely.union_all([s.outline for s in strips]))
                break
    left = harbour.intersection(free)
    reached = [
        [s for s in strips if s.outline.distance(left) < 0.9 * MAX_BERTH_TO_WATER_M] for strips in laid
    ]
    ordered = sorted(filter(None, reached), key=lambda strips: _place(strips[0]))
    return [
        Strip(f"quay-{k}-{n}", s.outline, s.length_m, s.width_m, s.edge_m)
        for k, strips in enumerate(ordered, 1)
        for n, s in enumerate(strips, 1)
    ]


def _along(edge: Edge, width_m: float, free: BaseGeometry) -> Iterator[Strip]:
    for start, end in _free_stretches(edge, width_m, free):
        count = max(1, round((end - start) / SHIP_M))
        ends = np.linspace(start, end, count + 1)
        for a, b in pairwise(ends):
            corners = [(a, 0.0), (a, width_m), (b, width_m), (b, 0.0)]
            places = [edge.start + s * edge.along + t * edge.seaward for s, t in corners]
            yield Strip("", shapely.Polygon(places), float(b - a), width_m, edge.length_m)


def _free_stretches(edge: Edge, width_m: float, free: BaseGeometry) -> Iterator[tuple[float, float]]:
    """Stretches of an edge, metres from its start, off which the water is free to the full width."""
    count = max(round(edge.length_m / STEP_M), 1)
    step = edge.length_m / count
    # In the middle of each step, and not at the quay itself: there rounding would tell land from water.
    along = (np.arange(count) + 0.5)[:, None, None] * step * edge.along
    across = np.linspace(OFF_M, width_m, round(width_m / OFF_M))[None, :, None] * edge.seaward
    places = edge.start + along + across
    shapely.prepare(free)
    clear = np.concatenate(
        [[False], shapely.contains_xy(free, places[..., 0], places[..., 1]).all(axis=1), [False]]
    )
    starts, ends = np.flatnonzero(~clear[:-1] & clear[1:]), np.flatnonzero(clear[:-1] & ~clear[1:])
    for start, end in zip(starts * step, ends * step, strict=True):
        if end - start >= MIN_FREE_M:
            yield float(start), float(end)


def _place(strip: Strip) -> tuple[float, float]:
    middle = strip.outline.centroid
    return -middle.y, middle.x
