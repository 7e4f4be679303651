"""Which vessels lie at which berth, when the vessels are known as shapes.

Radar reads a berth as a profile along its quay (`berths`), for beside the quay's echo a hull has no
outline there. Optical images show hulls; here those are laid along the faces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.science.flags import NOT_SEEN
from tasks.science.quays import Face, Slot
from tasks.science.shapes import Vessel

Mask = npt.NDArray[np.bool_]

SAME_DIRECTION_DEG = 35.0
"""A ship that lies at a larger angle to the quay passes it, or lies at another one."""

ROUND = 1.6
"""Length by width below which a direction says nothing: a tug."""

MIN_PART_M = 10.0
"""A ship that reaches less than this into the next berth does not take it: a pixel, or the flare of a bow."""


@dataclass(frozen=True)
class BerthLook:
    """One berth in one scene; nothing is claimed where `flag` is set."""

    flag: str = ""
    """``not_measured`` where the background does not know the berth, ``not_seen`` where the look did not."""

    occupied_m: float | None = None

    occupied_fraction: float | None = None
    """Of the quay metres seen."""

    ships: tuple[Vessel, ...] = ()
    """Each run whose larger part lies here: the whole run, over the next berth too. Width NaN: beside a
    quay it cannot be told from the quay's own brightness."""

    disagree: bool = False
    """Two independent readings of the berth differ (`reconcile`); the one that is published is less sure."""


def lay_alongside(
    vessels: Sequence[Vessel],
    faces: Sequence[Face],
    seen: Mask,
    pixel_m: float,
    min_seen: float,
) -> tuple[dict[str, BerthLook], tuple[Vessel, ...]]:
    """Give every vessel whose centre lies in a berth's strip to its berth.

    Parameters
    ----------
    vessels
        Of one scene.
    faces
        The site's berths, as `draw_faces` lays them out on the scene's grid.
    seen
        ``(y, x)`` pixels that the scene shows.
    pixel_m
        Edge of a pixel on the ground, metres.
    min_seen
        Share of a berth's pixels that must be seen before anything is said of it.

    Returns
    -------
    berths, free
        A look per berth by zone id, flag ``not_seen`` where too little of it was; and the vessels that lie
        at no berth. A vessel belongs to the berth of which it takes most, and takes metres of each.
    """
    berths: dict[str, BerthLook] = {}
    moored: set[int] = set()
    for face in faces:
        spans = {k: span for k, v in enumerate(vessels) if (span := _span(v, face, pixel_m)) is not None}
        moored |= set(spans)
        for number, slot in enumerate(face.slots):
            here = face.slot == number
            shown = seen[face.rows[here], face.cols[here]]
            share = float(shown.mean()) if shown.size else 0.0
            if share < min_seen:
                berths[slot.zone_id] = BerthLook(NOT_SEEN)
                continue
            own = [vessels[k] for k, span in spans.items() if _main_slot(span, face.slots) is slot]
            occupied = _covered_m(list(spans.values()), slot)
            berths[slot.zone_id] = BerthLook(
                "", occupied, min(1.0, occupied / (slot.length_m * share)), tuple(own)
            )
    return berths, tuple(v for k, v in enumerate(vessels) if k not in moored)


Span = tuple[float, float]


def _span(vessel: Vessel, face: Face, pixel_m: float) -> Span | None:
    """Tell where along a face a vessel lies, metres; None if its centre is outside, or it lies across."""
    at = np.flatnonzero((face.rows == round(vessel.row)) & (face.cols == round(vessel.col)))
    cosine = abs(vessel.axis[0] * face.axis[0] + vessel.axis[1] * face.axis[1])
    slim = vessel.length_m > ROUND * vessel.width_m
    if not at.size or (slim and cosine < np.cos(np.radians(SAME_DIRECTION_DEG))):
        return None
    east = (vessel.col - face.cols[at[0]]) * pixel_m
    north = -(vessel.row - face.rows[at[0]]) * pixel_m
    middle = float(face.along_m[at[0]] + face.axis[0] * east + face.axis[1] * north)
    half = vessel.length_m / 2 * (cosine if slim else 1.0)
    return middle - half, middle + half


def _within(span: Span, slot: Slot) -> float:
    return max(0.0, min(span[1], slot.end_m) - max(span[0], slot.start_m))


def _main_slot(span: Span, slots: Sequence[Slot]) -> Slot:
    return max(slots, key=lambda slot: _within(span, slot))


def _covered_m(spans: Sequence[Span], slot: Slot) -> float:
    """Metres of a berth that any vessel takes; those lying abreast take the same ones once."""
    covered, reached = 0.0, slot.start_m
    for start, end in sorted(span for span in spans if _within(span, slot) >= MIN_PART_M):
        start, end = max(start, reached), min(end, slot.end_m)
        covered += max(0.0, end - start)
        reached = max(reached, end)
    return min(covered, slot.length_m)
