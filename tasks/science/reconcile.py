"""One answer from two readings of a berth: the hulls found there, and its difference from its empty look.

They err for different reasons. Hulls are missed where two lie bow to stern or a deck has two colours; ice,
a cloud's edge or a change of the quay look like a ship to the other. So where both say the same, both are
nearly always right, and where they differ one of them is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tasks.science.flags import NOT_SEEN
from tasks.science.moorings import BerthLook
from tasks.science.shapes import Vessel


@dataclass(frozen=True)
class ReconcileOptions:
    """Which reading is published."""

    apart_m: float = 25.0
    apart: float = 0.2
    """Metres, and share of the berth's length, the larger of the two: readings that differ by more disagree.
    Of simulated looks at a crowded port at which both were right to within as much, 3 % are flagged; of those
    at which one was wrong, nine in ten."""

    fine_m: float = 5.0
    """Pixels up to which the difference from the empty look is published. At 3 m its metres are the better
    (median error 4 m for 6 m; 8 m for 22 m where ships lie bow to stern), and where the two disagree it
    tells taken from free more often; at 10 m few pixels lie beside a quay, and hulls do (5 m for 10 m)."""

    pieces: float = 0.85
    """Share of a stretch of taken quay that its hulls must cover to be the ships that lie there; if they do
    not, they are pieces of one whose deck has two colours. Ships bow to stern leave a tenth of it free."""


DEFAULT_RECONCILE = ReconcileOptions()


def reconcile(
    detected: Mapping[str, BerthLook],
    compared: Mapping[str, BerthLook],
    lengths_m: Mapping[str, float],
    pixel_m: float,
    options: ReconcileOptions = DEFAULT_RECONCILE,
) -> dict[str, BerthLook]:
    """Choose what is published of every berth, and mark where the readings disagree.

    Parameters
    ----------
    detected
        Looks by zone id, from hulls (`lay_alongside`).
    compared
        The same from the empty berth (`measure_quayside`); berths may be missing.
    lengths_m
        Usable metres of each berth.
    pixel_m
        Edge of a pixel on the ground, metres.
    options
        The rule.

    Returns
    -------
    dict
        A look per berth of `detected`. A berth of which too little was seen stays untold. What only one
        reading can tell is that reading's, and never marked: there is nothing to disagree with. Hulls keep
        their outlines where both found ships and agree; pieces of one hull are put together.
    """
    return {
        zone_id: _one(look, compared.get(zone_id), lengths_m[zone_id], pixel_m, options)
        for zone_id, look in detected.items()
    }


def _one(
    hulls: BerthLook, quay: BerthLook | None, length_m: float, pixel_m: float, options: ReconcileOptions
) -> BerthLook:
    if quay is None or quay.occupied_m is None or hulls.flag == NOT_SEEN:
        return hulls
    if hulls.occupied_m is None:
        return quay
    disagree = abs(hulls.occupied_m - quay.occupied_m) > max(options.apart_m, options.apart * length_m)
    if pixel_m > options.fine_m:
        return replace(hulls, disagree=disagree)
    ships = _whole(hulls.ships, quay.ships, pixel_m, options) if hulls.ships and not disagree else quay.ships
    return replace(quay, ships=ships, disagree=disagree)


def _whole(
    hulls: tuple[Vessel, ...], stretches: tuple[Vessel, ...], pixel_m: float, options: ReconcileOptions
) -> tuple[Vessel, ...]:
    """Take for every stretch of taken quay the hulls that lie there, or one ship if they are its pieces."""
    left, ships = list(hulls), []
    for stretch in stretches:
        here = [hull for hull in left if _apart_m(hull, stretch, pixel_m) <= stretch.length_m / 2]
        left = [hull for hull in left if hull not in here]
        if sum(hull.length_m for hull in here) >= options.pieces * stretch.length_m:
            ships += here
            continue
        widest = max(here, key=lambda hull: hull.width_m, default=stretch)
        ships.append(replace(stretch, width_m=widest.width_m, width_sd_m=widest.width_sd_m))
    return (*ships, *left)


def _apart_m(one: Vessel, other: Vessel, pixel_m: float) -> float:
    """Distance of two centres along the other's axis."""
    east, north = one.col - other.col, other.row - one.row
    return abs(east * other.axis[0] + north * other.axis[1]) * pixel_m
