"""Which metres of a quay are taken in an optical image, told without looking for hulls.

Every cross-section of a berth is compared with the berth's own empty look on the same date: what lies
beside the quay is set against what the place shows without a ship, and the water farther out, where no
ship reaches, says how much of the difference is haze. The cross-sections of a date fall into two heaps,
free and taken, and along the quay a heap goes on for a ship's length: a chain of two states (Rabiner,
Proc. IEEE 77, 1989) gives each cross-section its probability.

Independent of `moorings.lay_alongside`: what spoils an outline spoils no cross-section.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.chain import chained
from tasks.science.flags import NOT_MEASURED, NOT_SEEN
from tasks.science.moorings import BerthLook
from tasks.science.optical.baseline import Baseline
from tasks.science.optical.water import WaterModel
from tasks.science.quays import SHIP_M, Face, Slot, cross_sections
from tasks.science.shapes import Vessel

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Column = npt.NDArray[np.float64]


@dataclass(frozen=True)
class QuaysideOptions:
    """What tells a taken cross-section from a free one."""

    edge_px: float = 0.7
    edge_m: float = 4.5
    """So near to the quay pixels hold some of it, and images lie half a pixel off: not looked at."""

    reach_m: float = 20.0
    """How far from the quay a hull is looked for: small ships are 10 m broad."""

    open_m: float = 34.0
    """From here on no ship alongside reaches: the widest at such quays have 32 m."""

    around_m: float = 30.0
    """Half length of the quay over which the open water is taken together."""

    strange: float = 0.05
    """Reflectance by which the open water may differ from the remembered; beyond, ice, a cloud's edge or a
    raft lies there, and what lies beside the quay cannot be told."""

    least: float = 0.008
    """Difference of free cross-sections at least, reflectance: ripples and half a pixel's slide."""

    free_sd: float = 0.5
    """Spread of its logarithm between free cross-sections."""

    hull: float = 0.10
    hull_sd: float = 0.6
    """Difference that hulls make, and spread of its logarithm: decks reflect 0.05 to 0.3, water 0.02."""

    prior_sections: float = 30.0
    """Cross-sections that this is worth when a date's own hulls say otherwise."""

    gap_m: float = 12.0
    """Gaps that are closed: a dark hatch or a shadow on deck, not a free berth."""

    too_long: float = 1.15
    """A stretch longer than so many lengths of the longest berth is more than one ship: it is parted where
    the berths are."""

    length_sd_px: float = 2.0
    """Standard error of a ship's length: a cross-section at each end, and those its bow does not fill."""

    stretch_m: float = 150.0
    """Length for which a quay is mostly free, or taken: a ship's."""

    sure: float = 0.5
    """Probability from which a cross-section counts as taken."""


DEFAULT_QUAYSIDE = QuaysideOptions()


def measure_quayside(
    planes: Mapping[str, Plane],
    baseline: Baseline,
    today: WaterModel,
    faces: Sequence[Face],
    seen: Mask,
    pixel_m: float,
    min_seen: float,
    options: QuaysideOptions = DEFAULT_QUAYSIDE,
) -> dict[str, BerthLook]:
    """Measure every berth in one scene against its own empty look.

    Parameters
    ----------
    planes
        Reflectance ``(y, x)`` by band; NaN where not seen.
    baseline
        The empty place; NaN where it is not known.
    today
        The date's own water, which tells its haze.
    faces
        The site's berths, as `draw_faces` lays them out.
    seen
        ``(y, x)`` pixels that the scene shows.
    pixel_m
        Edge of a pixel on the ground, metres.
    min_seen
        Share of a berth's cross-sections that must be told.
    options
        Thresholds.

    Returns
    -------
    dict
        A look per berth by zone id. Its ships are stretches of taken quay, their width NaN. Flag
        ``not_measured`` where the empty berth is not known or no side of it is land, ``not_seen`` where too
        little could be told on this date.
    """
    differences = [_differences(planes, baseline, today, face, seen, pixel_m, options) for face in faces]
    likely = _mixture(np.concatenate([d.beside for d in differences] or [np.zeros(0)]), differences, options)
    berths: dict[str, BerthLook] = {}
    first = 0
    for face, date in zip(faces, differences, strict=True):
        odds = likely[first : first + date.beside.size]
        first += date.beside.size
        taken = chained(odds, pixel_m / options.stretch_m) > options.sure
        taken = _ships_only(taken, pixel_m, options)
        ships = _ships(taken & np.isfinite(date.beside), date, face, pixel_m, options)
        for slot in face.slots:
            berths[slot.zone_id] = _look(slot, date, taken, ships, pixel_m, min_seen)
    return berths


def _look(
    slot: Slot,
    date: _Date,
    taken: Mask,
    ships: Sequence[tuple[Slot, Vessel]],
    pixel_m: float,
    min_seen: float,
) -> BerthLook:
    middles = date.origin_m + (np.arange(date.beside.size) + 0.5) * pixel_m
    own = (middles >= slot.start_m) & (middles < slot.end_m)
    if not own.any() or date.known[own].mean() < min_seen:
        return BerthLook(NOT_MEASURED)
    told = np.isfinite(date.beside[own])
    if told.mean() < min_seen:
        return BerthLook(NOT_SEEN)
    metres = float((taken[own] & told).mean()) * slot.length_m
    share = float((taken[own] & told).sum() / told.sum())
    return BerthLook("", metres, share, tuple(ship for home, ship in ships if home is slot))


def _ships(
    taken: Mask, date: _Date, face: Face, pixel_m: float, options: QuaysideOptions
) -> list[tuple[Slot, Vessel]]:
    """Tell ships from stretches of taken quay, each with the berth of which it takes most."""
    labels, _ = ndimage.label(taken)
    longest = max(slot.length_m for slot in face.slots)
    ships = []
    for (part,) in ndimage.find_objects(labels):
        ends = [date.origin_m + part.start * pixel_m, date.origin_m + part.stop * pixel_m]
        if ends[1] - ends[0] > options.too_long * longest:
            borders = {slot.start_m for slot in face.slots}
            ends[1:1] = sorted(b for b in borders if ends[0] + SHIP_M < b < ends[1] - SHIP_M)
        for start, end in pairwise(ends):
            home = max(face.slots, key=lambda slot: min(end, slot.end_m) - max(start, slot.start_m))
            beside = (face.along_m >= start) & (face.along_m < end) & (face.off_m <= options.reach_m)
            if not beside.any():
                continue
            middle = float(face.rows[beside].mean()), float(face.cols[beside].mean())
            score = float(np.nanmax(date.beside[part]) / options.least)
            sd = options.length_sd_px * pixel_m
            ships.append((home, Vessel(*middle, end - start, np.nan, sd, np.nan, face.axis, score)))
    return ships


@dataclass(frozen=True)
class _Date:
    """The cross-sections of one face on one date."""

    beside: Column
    """Difference from the empty berth, reflectance; NaN where it cannot be told."""

    calm: Column
    """The same of the open water before it: what a free cross-section shows."""

    known: Mask
    """Whether the empty berth is known."""

    origin_m: float


def _differences(
    planes: Mapping[str, Plane],
    baseline: Baseline,
    today: WaterModel,
    face: Face,
    seen: Mask,
    pixel_m: float,
    options: QuaysideOptions,
) -> _Date:
    bins, origin_m = cross_sections(face, pixel_m)
    count = int(bins.max(initial=-1)) + 1
    if not count or not np.isfinite(face.off_m).any():
        return _Date(np.zeros(0), np.zeros(0), np.zeros(0, bool), origin_m)
    top, left = face.rows.min(), face.cols.min()
    window = slice(int(top), int(face.rows.max()) + 1), slice(int(left), int(face.cols.max()) + 1)
    at = face.rows - top, face.cols - left
    level, _ = baseline.as_today(today, window)
    near = (face.off_m > max(options.edge_m, options.edge_px * pixel_m)) & (face.off_m <= options.reach_m)
    far = face.off_m > options.open_m
    shown = seen[face.rows, face.cols]
    known = np.ones(len(bins), bool)
    squares, calm, strange = np.zeros(count), np.zeros(count), np.zeros(count)
    half = max(1, round(options.around_m / pixel_m))
    for band, plane in planes.items():
        empty = level[band][at]
        known &= np.isfinite(empty)
        off = np.where(shown, plane[face.rows, face.cols] - empty, np.nan)
        haze = _median_along(_means(off, bins, far, count), half)
        strange = np.fmax(strange, np.abs(haze))
        own = off - haze[bins]
        squares += _means(own**2, bins, near, count)
        calm += _means(own**2, bins, far, count)
    beside = np.sqrt(squares / len(planes))
    beside[~(strange < options.strange)] = np.nan
    told = np.bincount(bins[near], known[near], count) > 0.5 * np.maximum(
        np.bincount(bins[near], minlength=count), 1
    )
    return _Date(beside, _median_along(np.sqrt(calm / len(planes)), half), told, origin_m)


def _means(values: Column, bins: npt.NDArray[np.intp], where: Mask, count: int) -> Column:
    """Mean of each cross-section over some of its pixels; NaN where less than half of them is seen."""
    seen = where & np.isfinite(values)
    shown = np.bincount(bins[seen], minlength=count)
    total = np.bincount(bins[seen], values[seen], count)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / shown
    return np.where(shown > 0.5 * np.bincount(bins[where], minlength=count), mean, np.nan)


@numba.njit(cache=True, nogil=True)
def _median_along(values: Any, half: int) -> Any:
    """Median of a cross-section and its neighbours on either side; NaN left out."""
    out = np.full(values.size, np.nan)
    for k in range(values.size):
        near = values[max(k - half, 0) : k + half + 1]
        near = near[np.isfinite(near)]
        if near.size:
            out[k] = np.median(near)
    return out


def _mixture(beside: Column, dates: Sequence[_Date], options: QuaysideOptions) -> Column:
    """Weigh taken against free, as log odds, for every cross-section of a date; 0 where it cannot be told.

    The free heap is that of the open water before the same quay: where that is rough or icy, more is needed.
    The other begins as hulls usually are and goes
    to where the date's own taken cross-sections lie.
    """
    calm = np.concatenate([d.calm for d in dates] or [np.zeros(0)])
    usual = float(np.nanmedian(calm)) if np.isfinite(calm).any() else 0.0
    told = np.isfinite(beside)
    free = np.maximum(np.where(np.isfinite(calm), calm, usual)[told], options.least)
    logs = np.log(np.maximum(beside[told], 1e-4))
    hull, odds = np.log(options.hull), np.zeros(beside.size)
    for _ in range(3):
        # Nothing is freer than free: below its middle the heap goes on.
        off = np.maximum(logs - np.log(free), 0) / options.free_sd
        near = np.minimum(logs - hull, 0) / options.hull_sd
        odds[told] = 0.5 * (off**2 - near**2) + np.log(options.free_sd / options.hull_sd)
        share = 1 / (1 + np.exp(-np.clip(odds[told], -30, 30)))
        prior = options.prior_sections
        hull = (prior * np.log(options.hull) + (share * logs).sum()) / (prior + share.sum())
    return np.clip(odds, -30, 30)


def _ships_only(taken: Mask, pixel_m: float, options: QuaysideOptions) -> Mask:
    """Close what is narrower than a gap between ships, and leave out what is shorter than a ship."""
    width = round(options.gap_m / pixel_m) + 1
    whole = ndimage.binary_closing(np.pad(taken, width), np.ones(width, bool))[width:-width]
    labels, _ = ndimage.label(whole)
    return np.asarray(whole & (np.bincount(labels)[labels] * pixel_m >= SHIP_M))
