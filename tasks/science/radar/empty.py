"""What an empty berth looks like, even where a ship lies on nine dates in ten.

A quantile in time fails where a berth is seldom free. But a ship alongside brightens a whole cross-section
of the berth's water by several times what speckle and wind do to it, so the dates of one cross-section
fall into two heaps, and the lower one is the empty berth: the dates are told free or taken first, by
cross-section, and the free ones are averaged, by pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.quays import Face, Skirt, clear_of, cross_sections, skirts
from tasks.science.radiometry import MAD_TO_SD, Transfer, mean_seen, median_seen, transfer_between
from tasks.science.registration import filled, find_slide, slid

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Column = npt.NDArray[np.float64]

AROUND_M = 300.0
"""How far about the berths the ground tells what wind and geometry have done to a date: the lee of the same
piers, and enough shore."""


@dataclass(frozen=True)
class EmptyOptions:
    """When a cross-section was free."""

    step: float = 0.5
    """Spreads by which pixels away from the berths are sorted, to read off what each brightness became."""

    enough_px: int = 20
    """Pixels of one step from which its median is taken."""

    alongside_m: float = 30.0
    """How far from the quay a hull lies, and its brightness with it."""

    least: int = 2
    least_share: float = 0.05
    """Dates, and their share, with which the heap of the free begins: one may be a misfit."""

    reach: float = 1.0
    """How far a free date may stand above the mean of those below it; here and below in spreads of one
    pixel's noise, two of a cross-section's. At 1.2 ships come into the heap (a year of simulated `busy`: 68
    of 917 missed, for 62 of 964); below 0.9 what is free falls out of it, and a quiet year has thirteen
    false alarms for one."""

    alone: float = 2.4
    """Distance to the next from which a single date is the heap."""

    usual: float = 0.05
    raised: float = 2.5
    bright: float = 3.0
    min_length_m: float = 40.0
    """A length of quay whose lower heap stands so much higher than this quantile of its face (over dates and
    sections) and is as long as a ship was never seen free; nor was one that is `bright`, in spreads above the
    water, where only the outer third of a hull lies. What is bright on an empty quay is shorter: a corner, a
    crane. In simulated ports none of 4,250 sections free on three dates or more was taken for one."""

    together_m: float = 70.0
    """No date on which so much of a quay was free together: it was never seen free, and what is lowest there
    are the dark ends of ships, now of one, now of another. In a year of simulated `busy` all 18 sections
    never free were among those so told, and 35 of 1,356 others; in `random`, free on many dates, none."""


DEFAULT_EMPTY = EmptyOptions()


def surroundings(near: Mask, faces: tuple[Face, ...], pixel_m: float) -> tuple[Mask, Mask]:
    """Draw the berths with what lies about them, and the part of it that no ship alongside reaches."""
    strips = np.zeros(near.shape, bool)
    for face in faces:
        strips[face.rows, face.cols] = True
    if not strips.any():
        return strips, strips
    away = ndimage.distance_transform_edt(~strips)
    around = near & (away * pixel_m <= AROUND_M)
    return around, around & clear_of(faces, near.shape)


def estimate_empty(
    planes: Callable[[int], Plane],
    dates: int,
    near: Mask,
    faces: tuple[Face, ...],
    pixel_m: float,
    options: EmptyOptions = DEFAULT_EMPTY,
) -> Plane:
    """Estimate the empty berths and their surroundings.

    Parameters
    ----------
    planes
        Gives the date of a number: ``(y, x)`` spreads above the date's own water, NaN where not seen.
    dates
        How many there are.
    near
        ``(y, x)`` pixels that are of any interest.
    faces
        The site's berths.
    pixel_m
        Edge of a pixel on the ground, metres.
    options
        Thresholds.

    Returns
    -------
    numpy.ndarray
        ``(y, x)`` spreads on a date of middling wind; NaN beyond `AROUND_M`, where never seen, and in
        cross-sections of which too few dates were free.
    """
    around, fixed = surroundings(near, faces, pixel_m)
    level = np.full(near.shape, np.nan, np.float32)
    if not around.any():
        return level
    rows, cols = np.nonzero(around)
    window = slice(rows.min(), rows.max() + 1), slice(cols.min(), cols.max() + 1)
    around, fixed = around[window], fixed[window]
    number = np.full(near.shape, -1)
    number[window][around] = np.arange(around.sum())
    quays = [
        _quay(face, skirt, number, pixel_m, options)
        for face, skirt in zip(faces, skirts(faces, near.shape), strict=True)
    ]
    original = np.stack([planes(k)[window][around] for k in range(dates)])
    known = median_seen(original)
    free = np.zeros(original.shape, bool)
    free[:, fixed[around]] = True
    # Twice: where a date's quays lie can be told once it is known which of them were free.
    for again in (False, True):
        stack = np.empty_like(original)
        for k in range(dates):
            usable = _spread_out(free[k], around) == 1
            plane, level_now = _spread_out(original[k], around), _spread_out(known, around)
            date = Date.of(plane, level_now, usable, options, slides=again)
            stack[k] = date.as_known[around]
        rest = stack[:, fixed[around]] - known[fixed[around]]
        noise = MAD_TO_SD * float(median_seen(np.abs(rest).ravel()))
        known = median_seen(stack)
        for quay in quays:
            known[quay.pixels], free[:, quay.pixels] = _of_quay(stack, quay, noise, pixel_m, options)
    level[window] = _spread_out(known, around)
    return level


@dataclass(frozen=True)
class _Quay:
    """A face's pixels, its skirt's too, among those that are kept."""

    pixels: npt.NDArray[np.intp]
    bins: npt.NDArray[np.intp]
    beside: Mask
    """Where a hull lies."""
    outer: Mask
    """The outer third of that."""


def _quay(
    face: Face, skirt: Skirt, number: npt.NDArray[np.intp], pixel_m: float, options: EmptyOptions
) -> _Quay:
    rows, cols, nearest = skirt
    bins, _ = cross_sections(face, pixel_m)
    pixels = np.concatenate([number[face.rows, face.cols], number[rows, cols]])
    bins = np.concatenate([bins, bins[nearest]])
    off_m = np.concatenate([face.off_m, np.full(len(rows), np.inf)])[pixels >= 0]
    beside = ~(off_m > options.alongside_m)
    return _Quay(
        pixels[pixels >= 0], bins[pixels >= 0], beside, beside & (off_m > 2 / 3 * options.alongside_m)
    )


@dataclass(frozen=True)
class Date:
    """One date against what is known of the empty port."""

    plane: Plane
    transfer: Transfer
    slide: tuple[float, float]

    @classmethod
    def of(cls, plane: Plane, known: Plane, usable: Mask, options: EmptyOptions, *, slides: bool) -> Date:
        """Find a date's brightness and slide; `usable` are pixels, ``(y, x)``, at which no ship lies."""
        usable = usable & np.isfinite(plane) & np.isfinite(known)
        transfer = transfer_between(known[usable], plane[usable], options.step, options.enough_px)
        slide = find_slide(transfer.to_shown(filled(known)), plane, usable) if slides else (0.0, 0.0)
        return cls(plane, transfer, slide)

    def as_shown(self, known: Plane) -> Plane:
        """Tell what the date would show of the empty port."""
        return slid(self.transfer.to_shown(filled(known)), self.slide)

    @property
    def as_known(self) -> Plane:
        """The date as it would be in the wind and the place of what is known; NaN where not seen."""
        back = self.transfer.to_known(slid(filled(self.plane), (-self.slide[0], -self.slide[1])))
        return np.where(np.isfinite(self.plane), back, np.nan).astype(np.float32)


def _spread_out(values: npt.NDArray[Any], where: Mask) -> Plane:
    plane = np.full(where.shape, np.nan, np.float32)
    plane[where] = values
    return plane


def _of_quay(
    stack: Plane, quay: _Quay, noise: float, pixel_m: float, options: EmptyOptions
) -> tuple[Column, Mask]:
    """Average each pixel over the dates on which its cross-section was free; tells which those were."""
    count = quay.bins.max(initial=-1) + 1
    means = section_means(stack[:, quay.pixels[quay.beside]], quay.bins[quay.beside], count)
    profiles = smoothed(means)
    free = free_dates(profiles, noise, options)
    free &= free_together(free, np.isfinite(profiles), max(1, round(options.together_m / pixel_m)))
    level = mean_seen(np.where(free, profiles, np.nan))
    shown = profiles[np.isfinite(profiles)]
    usual = np.quantile(shown, options.usual) if shown.size else np.nan
    raised = level > usual + options.raised * noise
    column = mean_seen(np.where(free[:, quay.bins], stack[:, quay.pixels], np.nan))
    bright = section_means(column[None, quay.outer], quay.bins[quay.outer], count)[0] > options.bright
    free[:, _ship_long(raised, pixel_m, options) | _ship_long(bright, pixel_m, options)] = False
    free = free[:, quay.bins]
    return np.where(free.any(axis=0), column, np.nan), free


def free_together(free: Mask, seen: Mask, sections: int) -> Mask:
    """Mark cross-sections, ``(section,)``, of a stretch so long that was free as a whole on some date.

    Parameters
    ----------
    free, seen
        ``(date, section)``; what was not seen speaks for neither.
    sections
        Length of the stretch; at most the whole face.
    """
    sections = min(sections, free.shape[1])
    if not sections:
        return np.zeros(0, bool)
    windows = np.lib.stride_tricks.sliding_window_view
    whole = windows(free | ~seen, sections, axis=1).all(axis=2) & windows(free, sections, axis=1).any(axis=2)
    return np.asarray(np.convolve(whole.any(axis=0), np.ones(sections)) > 0.5)


def _ship_long(marked: Mask, pixel_m: float, options: EmptyOptions) -> Mask:
    """Keep marked stretches that are as long as a ship."""
    labels, _ = ndimage.label(marked)
    return np.asarray(marked & (np.bincount(labels)[labels] * pixel_m >= options.min_length_m))


def section_means(stack: npt.NDArray[np.floating], bins: npt.NDArray[np.intp], count: int) -> Column:
    """Mean of every cross-section on every date, ``(date, section)``; NaN where none of it is seen."""
    seen = np.isfinite(stack)
    with np.errstate(invalid="ignore"):
        return np.array(
            [
                np.bincount(bins, np.where(ok, row, 0), count) / np.bincount(bins, ok, count)
                for row, ok in zip(stack, seen, strict=True)
            ]
        )


def smoothed(profiles: Column) -> Column:
    """Mean of each cross-section and its neighbours, ``(..., section)``, NaN left out."""
    seen = np.isfinite(profiles)
    total = ndimage.uniform_filter1d(np.where(seen, profiles, 0), 3, axis=-1, mode="nearest")
    share = ndimage.uniform_filter1d(seen.astype(float), 3, axis=-1, mode="nearest")
    return np.where(seen, total / np.maximum(share, 1e-9), np.nan)


def free_dates(profiles: Column, noise: float, options: EmptyOptions = DEFAULT_EMPTY) -> Mask:
    """Tell on which dates each cross-section was free: those of the lower heap, gathered from below.

    Parameters
    ----------
    profiles
        ``(date, section)`` brightness; NaN where not seen.
    noise
        Spread of one pixel from date to date.
    options
        Width of the heap.

    Returns
    -------
    numpy.ndarray
        ``(date, section)``; all False for a section seen too seldom.
    """
    free = np.zeros(profiles.shape, bool)
    for k, column in enumerate(profiles.T):
        seen = np.flatnonzero(np.isfinite(column))
        order = seen[np.argsort(column[seen], kind="stable")]
        count = max(options.least, int(np.ceil(options.least_share * len(seen))))
        if len(order) < count:
            continue
        values = column[order] / max(noise, 1e-6)
        if values[1] > values[0] + options.alone:
            count = 1
        while count < len(values) and values[count] <= values[:count].mean() + options.reach:
            count += 1
        free[order[:count], k] = True
    return free
