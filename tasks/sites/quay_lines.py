"""Straight quays in a coastline: what men built has right angles and parallel sides.

A coastline at hand is simplified to some tens of metres, so its natural shores have straight edges of
hundreds of metres as well: length tells nothing. Corners and parallels do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

XY = npt.NDArray[np.float64]

MIN_QUAY_M = 100.0
"""Shortest edge that is taken for a quay: a coaster and its lines."""

IN_LINE_M = 5.0
"""Corners nearer than this to the line past them are none: a fender, a stair, a slip in drawing."""

RIGHT_ANGLE_DEG = 15.0
"""How far from 90° a corner may be: two vertices 3 m off on a head of 30 m."""

CORNER_SIDE_M = 20.0
"""Shortest other side of a right angle: the head of a jetty."""

HEAD_DEG = (50.0, 130.0)
"""Turns at the two corners of a pier's head (or a slip's root) that is not square to its sides."""

PARALLEL_DEG = 8.0
PARALLEL_M = (20.0, 400.0)
"""Width of the finger or the slip between two opposite sides; the widest container piers are about 400 m."""

MIN_DEEP_M = 20.0
"""Land behind a quay."""

SHARED = 0.5
"""Part of the shorter of two opposite sides that must lie opposite."""


@dataclass(frozen=True)
class Edge:
    """A straight stretch of shore, metres; on its way from start to end land lies to the left."""

    start: XY
    end: XY

    corners: int
    """How many of its ends are right angles."""

    joined: bool = False
    """True where one side, the head of a pier or the root of a slip, joins it to another that runs back."""

    @property
    def length_m(self) -> float:
        """Length."""
        return float(np.hypot(*(self.end - self.start)))

    @property
    def along(self) -> XY:
        """Unit vector from start to end."""
        return np.asarray((self.end - self.start) / self.length_m)

    @property
    def seaward(self) -> XY:
        """Unit vector towards the water."""
        return np.array([self.along[1], -self.along[0]])


def find_quays(land: BaseGeometry) -> list[Edge]:
    """Find the edges of land that are straight quays by their shape.

    An edge of `MIN_QUAY_M` counts if both its ends are right angles; if one is, and an opposite side runs
    parallel to it across a finger of land or a slip of water; or if one head joins it to such a side. Behind
    it there must be `MIN_DEEP_M` of land: a breakwater is drawn thinner than that.

    Parameters
    ----------
    land
        Land polygons in metres of any local frame.

    Returns
    -------
    list of Edge
        Longest first.
    """
    edges = [edge for ring in _rings(land) for edge in _edges(ring)]
    shapely.prepare(land)
    quays = [e for e in edges if e.length_m >= MIN_QUAY_M and _built(e, edges) and _deep(e, land)]
    return sorted(quays, key=lambda e: (-e.length_m, *e.start))


def _rings(land: BaseGeometry) -> Iterator[XY]:
    """Rings without their repeated corner, land to the left of each."""
    for part in shapely.get_parts(shapely.get_parts(shapely.simplify(land, IN_LINE_M))).tolist():
        if part.geom_type == "Polygon" and not part.is_empty:
            polygon = shapely.orient_polygons(part)
            for ring in (polygon.exterior, *polygon.interiors):
                yield shapely.get_coordinates(ring)[:-1]


def _edges(ring: XY) -> Iterator[Edge]:
    sides = np.roll(ring, -1, axis=0) - ring
    metres = np.hypot(*sides.T)
    bearing = np.degrees(np.arctan2(sides[:, 1], sides[:, 0]))
    turn = (bearing - np.roll(bearing, 1) + 180) % 360 - 180  # at the start of each side
    shorter = np.minimum(metres, np.roll(metres, 1))
    right = (np.abs(np.abs(turn) - 90) <= RIGHT_ANGLE_DEG) & (shorter >= CORNER_SIDE_M)
    heads = _heads(metres, turn)
    for k in range(len(ring)):
        after = (k + 1) % len(ring)
        joined = bool(heads[k - 1] or heads[after])
        yield Edge(ring[k], ring[after], int(right[k]) + int(right[after]), joined)


def _heads(metres: XY, turn: XY) -> npt.NDArray[np.bool_]:
    """Tell which sides join two long ones that run against one another."""
    before, after = turn, np.roll(turn, -1)
    backwards = np.abs(np.abs(before + after) - 180) <= PARALLEL_DEG
    cornered = (np.abs(before) >= HEAD_DEG[0]) & (np.abs(before) <= HEAD_DEG[1])
    long = np.minimum(np.roll(metres, 1), np.roll(metres, -1)) >= MIN_QUAY_M
    wide = (metres >= PARALLEL_M[0]) & (metres <= PARALLEL_M[1])
    return np.asarray(backwards & cornered & long & wide)


def _built(edge: Edge, edges: Sequence[Edge]) -> bool:
    if edge.joined or edge.corners == 2:
        return True
    return edge.corners == 1 and any(_opposite(edge, other) for other in edges)


def _deep(edge: Edge, land: BaseGeometry) -> bool:
    steps = np.linspace(0.1, 0.9, 9)[:, None]
    inside = edge.start + steps * (edge.end - edge.start) - MIN_DEEP_M * edge.seaward
    return bool(shapely.contains_xy(land, inside).mean() > SHARED)


def _opposite(edge: Edge, other: Edge) -> bool:
    """Tell whether another edge runs back along this one, at the distance of a finger or a slip."""
    if other.length_m < MIN_QUAY_M / 2 or edge.along @ other.along > -np.cos(np.radians(PARALLEL_DEG)):
        return False
    away = abs(((other.start + other.end) / 2 - edge.start) @ edge.seaward)
    # It runs back: its end lies nearer to this one's start.
    low, high = (float((place - edge.start) @ edge.along) for place in (other.end, other.start))
    shared = min(high, edge.length_m) - max(low, 0.0)
    least = SHARED * min(edge.length_m, other.length_m)
    return bool(PARALLEL_M[0] <= away <= PARALLEL_M[1] and shared >= least)
