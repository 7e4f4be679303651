"""Ground gained and lost by stacks between looks.

A yard that is emptied and filled between two looks looks full twice; so gained and lost ground are counted
apart, against what was last seen of the same ground, and both are at least so much. A stack swapped for
another of the same outline counts as neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry.base import BaseGeometry

SLIVER_PX = 2.0
"""Strips narrower than this are no change: each look places an edge to half a pixel or so."""

GRID_M = 0.01
"""Corners are rounded to this: outlines share long edges, which exact arithmetic cannot cut apart."""

DETECTION_M2 = 300.0
"""Least ground gained or lost that is called an event: a stack across a yard of 24 m needs to be 12 m long.
Edges of one unchanged stack differ by less from look to look."""


@dataclass(frozen=True)
class Standing:
    """What one look showed of one yard."""

    stacks: tuple[BaseGeometry, ...]
    """Outlines in a CRS in metres."""

    hidden: tuple[BaseGeometry, ...] = ()
    """Parts of the yard that were not seen."""


@dataclass(frozen=True)
class Turnover:
    """Change of a yard against what was last seen of it; null where that cannot be told."""

    gained_m2: float | None
    lost_m2: float | None


UNTOLD = Turnover(None, None)


def turnover(looks: Sequence[Standing | None], pixel_m: float) -> list[Turnover]:
    """Tell what each look of one yard gained and lost.

    Parameters
    ----------
    looks
        Of one yard and one collection, in order of time; None where the yard was not told.
    pixel_m
        Edge of a pixel, metres.

    Returns
    -------
    list of Turnover
        One per look. Null for the first look, and where the yard was not told. Ground is compared with
        the last look that saw it, and not at all before it was seen once.
    """
    found = []
    known: _Known | None = None
    for look in looks:
        if look is None:
            found.append(UNTOLD)
            continue
        now = _Known(_joined(look.stacks), _joined(look.hidden))
        if known is None:
            found.append(UNTOLD)
            known = now
            continue
        before = _joined([known.stacks, known.hidden, now.hidden])
        gained = _ground(shapely.difference(now.stacks, before, grid_size=GRID_M))
        after = _joined([now.stacks, known.hidden, now.hidden])
        lost = _ground(shapely.difference(known.stacks, after, grid_size=GRID_M))
        found.append(Turnover(_broad(gained, pixel_m), _broad(lost, pixel_m)))
        kept = _ground(shapely.intersection(known.stacks, now.hidden, grid_size=GRID_M))
        hidden = _ground(shapely.intersection(known.hidden, now.hidden, grid_size=GRID_M))
        known = _Known(_joined([now.stacks, kept]), hidden)
    return found


@dataclass(frozen=True)
class _Known:
    """Stacks as last seen, and ground that no look has seen yet."""

    stacks: BaseGeometry
    hidden: BaseGeometry


def _joined(parts: Iterable[BaseGeometry]) -> BaseGeometry:
    return _ground(shapely.union_all(list(parts), grid_size=GRID_M))


def _ground(shape: BaseGeometry) -> BaseGeometry:
    """Keep what has an area; where outlines touch, lines and points are left over."""
    parts = shapely.get_parts(shape)
    return shapely.MultiPolygon([p for p in parts if p.geom_type == "Polygon" and not p.is_empty])


def _broad(change: BaseGeometry, pixel_m: float) -> float:
    """Area of what is broader than a sliver."""
    if change.is_empty:
        return 0.0
    half = SLIVER_PX * pixel_m / 2
    core = shapely.buffer(change, -half, join_style="mitre")
    # Grown back by more than it lost: corners are cut by what is not square to the grid.
    grown = shapely.buffer(core, 1.1 * half, join_style="mitre")
    return float(shapely.intersection(_ground(grown), change, grid_size=GRID_M).area)
