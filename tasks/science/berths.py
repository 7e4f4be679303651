"""Berth occupancy from radar: how many metres of a quay have a ship alongside.

The quay's own double bounce is as bright as a ship, so the test is in time: a pixel of the berth's
strip of water must stand out from what the epoch remembers of it, slid onto this image and brought to
this date's wind, and be bright against open water besides. (The brightest within a pixel, as on open
water, would hide the ship beside its quay.) What stands out is laid along the face as runs. Two
ships moored bow to stern within the blur of the image are one run, so runs are *at least* the ships
there; nothing shorter than `min_length_m` is claimed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.background import permanent_scatterers
from tasks.science.quays import Face, Slot
from tasks.science.radiometry import MAD_TO_SD
from tasks.science.registration import slide_to
from tasks.science.shapes import Vessel, length_sd_m

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


WATERLINE = 1.0
"""Background below which a pixel is water, spreads."""

ENOUGH_PX = 100
"""Differences from which a spread can be told."""

SPECKLE_RANGE = (0.25, 1.0)
"""Speckle is part of the water's spread, so never more; a quarter is a slick beside a storm."""


@dataclass(frozen=True)
class BerthOptions:
    """What counts as a ship alongside."""

    over_water: float = 4.0
    """Spreads above the date's open water that a ship's pixels must have; as `VesselOptions.grow`. Here and
    below spreads are those of the speckle (`_speckle`)."""

    over_background: float = 3.0
    """Spreads above the empty berth that they must have besides; as for vessels on open water."""

    peak: float = 5.5
    """Spreads above the empty berth that a run's brightest pixel must have: bounces and cranes change from
    date to date. On seven simulated months of Najin and Dunay F1 is 0.90 and 0.88 at 6.5, 0.96 and 0.98 at
    5.5; a quiet year has one false alarm among 1,365 looks at a berth at either, eight at 4.5."""

    step: float = 0.5
    """Spreads by which pixels away from the berths are sorted, to read off what each brightness is today."""

    enough_px: int = 20
    """Pixels of one step from which its median is taken."""

    core: float = 0.45
    """Share of the brightest excess nearby that a pixel of a hull has. Below it lies the skirt: a ship 18 dB
    above the water stays above any threshold for 25 m beyond its ends, and across a thin pier."""

    core_reach_m: float = 30.0
    """How far "nearby" reaches: as far as that skirt."""

    gap_m: float = 20.0
    """Gaps in a run that are closed: a dark deck, not a free berth."""

    blur_m: float = 20.0
    """Resolution cell, taken off each run, half at either end; nor does a run that reaches less than this
    into the next berth take it."""

    min_length_m: float = 40.0
    """Detection limit: two resolution cells. A shorter run is a tug, a crane or a truck, or noise."""

    too_long: float = 1.25
    """A run longer than this many lengths of its berth is more than one ship: a berth is as long as the
    ships that use it."""

    fixed_share: float = 0.8
    """Share of a cross-section that the background must find bright for it to be unknown: something lies
    there on more than four dates in five, and whether it is a ship cannot be told."""

    min_seen: float = 0.5
    """Share of a berth that must be known, and seen."""


DEFAULT_BERTHS = BerthOptions()


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


@dataclass(frozen=True)
class _Run:
    start_m: float
    end_m: float
    ship: Vessel | None = None

    @property
    def length_m(self) -> float:
        return self.end_m - self.start_m

    def within(self, slot: Slot) -> float:
        return max(0.0, min(self.end_m, slot.end_m) - max(self.start_m, slot.start_m))


def measure_berths(
    standard: Plane,
    background: dict[str, Plane],
    faces: tuple[Face, ...],
    pixel_m: float,
    options: BerthOptions = DEFAULT_BERTHS,
) -> tuple[dict[str, BerthLook], Mask]:
    """Measure every berth in one scene.

    Parameters
    ----------
    standard
        ``(y, x)`` spreads above the date's own water, as the background was made from; NaN where not seen.
    background
        The epoch's ``level`` and ``seen_share``, ``(y, x)``; level NaN where it is not known.
    faces
        The site's berths, as `draw_faces` lays them out.
    pixel_m
        Edge of a pixel on the ground, metres.
    options
        Thresholds.

    Returns
    -------
    berths, hulls
        A look per berth by zone id, and ``(y, x)`` the pixels of the ships found.
    """
    scale = _speckle(standard, background["level"])
    standard, level = standard / scale, background["level"] / scale
    known = np.isfinite(level) & (np.nan_to_num(background["seen_share"], nan=0.0) > 0)
    seen = known & np.isfinite(standard)
    excess = np.where(seen, standard - _empty(standard, level, seen, faces, options), 0)
    bright = seen & (excess > options.over_background) & (standard > options.over_water)
    reach = 2 * round(options.core_reach_m / pixel_m) + 1
    hull = bright & (excess >= options.core * ndimage.maximum_filter(np.where(bright, excess, 0), reach))
    fixed = permanent_scatterers(level)

    berths: dict[str, BerthLook] = {}
    hulls = np.zeros(level.shape, bool)
    for face in faces:
        at = face.rows, face.cols
        bins, origin = _bins(face, pixel_m)
        usable = known[at] & ~_mostly(fixed[at], bins, options.fixed_share)[bins]
        score = np.where(hull[at] & usable, excess[at], 0)
        found = _runs(_highest(score, bins), origin, pixel_m, options)
        parts = [part for run in found for part in _parted(run, face.slots, options)]
        runs = [replace(run, ship=_ship(run, face, score, pixel_m)) for run in parts]
        for k, slot in enumerate(face.slots):
            here = face.slot == k
            berths[slot.zone_id] = _look(
                slot, face.slots, runs, usable[here], (usable & seen[at])[here], options
            )
        for run in runs:
            inside = (score > 0) & (face.along_m >= run.start_m - options.blur_m)
            inside &= face.along_m <= run.end_m + options.blur_m
            hulls[face.rows[inside], face.cols[inside]] = True
    return berths, hulls


def _speckle(standard: Plane, level: Plane) -> np.float32:
    """Spread of the speckle alone, where `standard` counts in spreads of the whole water.

    Swell, slicks and gusts widen the spread of a wide water, not the noise of a pixel beside a quay. Pixels
    three apart share no look; their difference is speckle and little else.
    """
    water = np.where(level < WATERLINE, standard, np.nan)
    apart = np.abs(water[:, 3:] - water[:, :-3])
    apart = apart[np.isfinite(apart)]
    if apart.size < ENOUGH_PX:
        return np.float32(1)
    return np.float32(np.clip(MAD_TO_SD * np.median(apart) / np.sqrt(2), *SPECKLE_RANGE))


def _empty(
    standard: Plane, level: Plane, seen: Mask, faces: tuple[Face, ...], options: BerthOptions
) -> Plane:
    """Brightness of the empty berth on this date, spreads above the date's water."""
    elsewhere = seen.copy()
    for face in faces:
        elsewhere[face.rows, face.cols] = False
    return slide_to(_as_today(np.where(seen, level, 0), level, standard, elsewhere, options), standard, seen)


def _as_today(values: Plane, level: Plane, standard: Plane, elsewhere: Mask, options: BerthOptions) -> Plane:
    """Translate remembered brightness into that of this date, as the ground away from the berths has it.

    Quays keep their power while the sea's goes with the wind, and so does the blur that carries them over the
    water; above a calm sea all of it stands higher, its faint outskirts most of all. What pixels of one
    remembered brightness show today, where no ship can lie, tells how much: median by median.
    """
    number = np.floor(level[elsewhere] / options.step).astype(int)
    known, shown = level[elsewhere], standard[elsewhere]
    old, new = [], []
    for step in range(number.max(initial=-1) + 1):
        here = number == step
        if here.sum() >= options.enough_px:
            old.append(float(np.median(known[here])))
            new.append(float(np.median(shown[here])))
    if len(old) < 2:
        return values.astype(np.float32)
    new = list(np.maximum.accumulate(new))
    inside = np.interp(values, old, new)
    beyond = np.where(values > old[-1], values - old[-1], np.where(values < old[0], values - old[0], 0))
    return np.asarray(inside + beyond, dtype=np.float32)


def _bins(face: Face, pixel_m: float) -> tuple[npt.NDArray[np.intp], float]:
    """Give each pixel its cross-section's number, and say where the first begins."""
    if not face.along_m.size:
        return np.zeros(0, np.intp), 0.0
    origin = float(face.along_m.min()) - pixel_m / 2
    return ((face.along_m - origin) / pixel_m).astype(np.intp), origin


def _mostly(marked: Mask, bins: npt.NDArray[np.intp], share: float) -> Mask:
    count = np.maximum(np.bincount(bins), 1)
    return np.asarray(np.bincount(bins, weights=marked) / count >= share)


def _highest(score: npt.NDArray[np.floating], bins: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    profile = np.zeros(bins.max() + 1 if bins.size else 0)
    np.maximum.at(profile, bins, score)
    return profile


def _runs(
    profile: npt.NDArray[np.float64], origin: float, pixel_m: float, options: BerthOptions
) -> list[_Run]:
    """Find where a face is taken: gaps closed, blur taken off, the short and the faint left out."""
    lit = np.flatnonzero(profile > 0)
    gaps = np.flatnonzero(np.diff(lit) - 1 > round(options.gap_m / pixel_m))
    runs = []
    for part in np.split(lit, gaps + 1):
        if not part.size or profile[part].max() < options.peak:
            continue
        start, end = origin + part[0] * pixel_m, origin + (part[-1] + 1) * pixel_m
        run = _Run(float(start + options.blur_m / 2), float(end - options.blur_m / 2))
        if run.length_m >= options.min_length_m:
            runs.append(run)
    return runs


def _parted(run: _Run, slots: tuple[Slot, ...], options: BerthOptions) -> list[_Run]:
    """Part a run that is too long for one ship where one berth ends and the next begins."""
    under = [slot for slot in slots if run.within(slot) > 0]
    if not under or run.length_m <= options.too_long * max(slot.length_m for slot in under):
        return [run]
    for cut in sorted(slot.start_m for slot in under):
        if cut - run.start_m >= options.min_length_m and run.end_m - cut >= options.min_length_m:
            return [_Run(run.start_m, cut), *_parted(_Run(cut, run.end_m), slots, options)]
    return [run]


def _look(
    slot: Slot, slots: tuple[Slot, ...], runs: list[_Run], usable: Mask, seen: Mask, options: BerthOptions
) -> BerthLook:
    if not usable.size or usable.mean() < options.min_seen:
        return BerthLook("not_measured")
    if seen.mean() < options.min_seen:
        return BerthLook("not_seen")
    parts = [run.within(slot) for run in runs]
    occupied = min(sum(part for part in parts if part >= options.blur_m), slot.length_m)
    own = [run for run in runs if max(slots, key=run.within) is slot and run.within(slot) > 0]
    fraction = min(1.0, occupied / (slot.length_m * float(seen.mean())))
    return BerthLook("", occupied, fraction, tuple(run.ship for run in own if run.ship is not None))


def _ship(run: _Run, face: Face, score: npt.NDArray[np.floating], pixel_m: float) -> Vessel | None:
    """Place a run on the grid: the middle of its bright pixels; None if a cut left it none."""
    inside = (score > 0) & (face.along_m >= run.start_m) & (face.along_m <= run.end_m)
    if not inside.any():
        return None
    rows, cols = face.rows[inside], face.cols[inside]
    sd = length_sd_m(run.length_m, pixel_m)
    peak = float(score[inside].max())
    middle = float(rows.mean()), float(cols.mean())
    return Vessel(*middle, run.length_m, np.nan, sd, np.nan, face.axis, peak)
