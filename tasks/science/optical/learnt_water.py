"""What a place looks like from above when no ship lies there, learnt from dates on which one often does.

A berth may be taken on two dates in three, so no mean and no median shows its water. Hulls are brighter
than water in the infrared; so per pixel the darkest dates there are taken for empty, and all dates that
look like them join. Each date is first brought to one level by its own open water: haze and glint lift
whole images.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.medians import middle, order
from tasks.science.radiometry import MAD_TO_SD

Column = npt.NDArray[np.float32]

DARKEST = 0.25
"""Share of a pixel's dates that begin its empty state: a berth that is free on one date in four."""

FEWEST = 3
"""Dates at least: a median of two cannot leave one out."""

JOIN = 4.0
"""Spreads within which further dates join; a hull is ten and more above the water."""

RISE = 0.04
"""Infrared reflectance above the open water from which a pixel's empty state is no water: a quay's edge, a
shoal, something moored for good, or a ship that never left."""

HEAP = 0.015
"""Reflectance by which a free date may stand above the mean of those below it, over a cross-section: water
differs by a third of that, the darkest hulls by three times as much."""

ENOUGH = 12
"""Clear dates from which such a state is believed. Of fewer a berth in use may show no free one; what is
not known is then taken for water, as berths are."""

NOISE = 0.003
"""Least spread, reflectance: what water varies by within minutes."""

LEADS = ("nir", "swir16", "red", "green", "blue")
"""Bands by which hulls are told from water, the best first."""

ENOUGH_WATER = 10_000
"""Pixels of open water that tell its level on a date to a hundredth of their spread."""

BLOCK_PX = 65_536
"""Pixels sorted at a time: 32 dates of four bands in 34 MB."""


def learn_empty(
    stack: Mapping[str, npt.NDArray[np.float32]],
    open_water: npt.NDArray[np.bool_],
    berths: npt.NDArray[np.bool_],
    sections: npt.NDArray[np.intp] | None = None,
    least_sections: int = 1,
) -> dict[str, Column]:
    """Estimate the empty state of every pixel.

    Parameters
    ----------
    stack
        Reflectance ``(time, pixel)`` by band; NaN where a date did not see the pixel.
    open_water
        ``(pixel,)`` water away from the berths, by which dates are brought to one level.
    berths
        ``(pixel,)`` where hulls lie: water when empty, off the mixed pixels of the quay's edge.
    sections
        ``(pixel,)`` number of the cross-section of a berth that a pixel belongs to, −1 elsewhere. Dates on
        which a ship lies in a cross-section are left out in it whole: its dark hatches and shadows are no
        water. Without it pixels are judged one by one.
    least_sections
        Cross-sections in a row that a ship takes: so many that were never free are not known; fewer are a
        dolphin or a pontoon, and believed.

    Returns
    -------
    dict
        By band its reflectance, and as ``<band>_spread`` its spread from date to date; ``(pixel,)`` float32,
        on the level of the median date. NaN where it cannot be told: fewer than three dates saw the pixel,
        or, at a berth, fewer than twelve and none of them showed water.
    """
    lead = next(band for band in LEADS if band in stack)
    levels = {band: _date_levels(values, open_water) for band, values in stack.items()}
    pixels = open_water.size
    learnt = {name: np.full(pixels, np.nan, np.float32) for b in stack for name in (b, f"{b}_spread")}
    if sections is not None and not (sections >= 0).any():
        sections = None  # a site without berths
    taken = None if sections is None else taken_dates(stack[lead], levels[lead], berths, sections)
    for start in range(0, pixels, BLOCK_PX):
        part = slice(start, start + BLOCK_PX)
        flat = {band: values[:, part] - levels[band][:, None] for band, values in stack.items()}
        empty = empty_dates(flat[lead])
        if taken is not None and sections is not None:
            never = np.asarray(taken.all(axis=0))
            ours = (sections[part] >= 0) & (~never | _ship_long(never, least_sections))[sections[part]]
            free = ~taken[:, sections[part][ours]] & np.isfinite(flat[lead][:, ours])
            empty[:, ours] = free
        quay = np.flatnonzero(berths[part])
        shown = flat[lead][:, quay]
        dry = _level_and_spread(shown, empty[:, quay])[0] > RISE
        empty[:, quay[dry & (np.isfinite(shown).sum(axis=0) < ENOUGH)]] = False
        for band, values in flat.items():
            level, spread = _level_and_spread(values, empty)
            learnt[band][part] = level + np.nanmedian(levels[band])
            learnt[f"{band}_spread"][part] = spread
    return learnt


def empty_dates(lead: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Tell on which dates each pixel is empty, from the band in which hulls are brightest.

    Parameters
    ----------
    lead
        ``(time, pixel)``, NaN where not seen.

    Returns
    -------
    numpy.ndarray
        ``(time, pixel)`` bool; no date where fewer than `FEWEST` saw the pixel.
    """
    empty = np.zeros(lead.shape, np.bool_)
    _gather(lead, empty)
    return empty


@numba.njit(cache=True, nogil=True)
def _gather(lead: Any, empty: Any) -> None:
    dates, pixels = lead.shape
    own = np.empty(dates, np.float32)
    for p in range(pixels):
        count = 0
        for t in range(dates):
            if np.isfinite(lead[t, p]):
                own[count] = lead[t, p]
                count += 1
        if count < FEWEST:
            continue
        order(own, count)
        # In order, what is empty comes first: the darkest, and what joins them from above.
        held = min(max(int(np.ceil(DARKEST * count)), FEWEST), count)
        for _ in range(2):
            level, spread = _level(own, held)
            while held < count and own[held] - level < JOIN * spread:
                held += 1
        darkest, left = own[held - 1], held
        for t in range(dates):
            if left and lead[t, p] <= darkest:
                empty[t, p] = True
                left -= 1


def taken_dates(
    lead: npt.NDArray[np.float32],
    levels: Column,
    berths: npt.NDArray[np.bool_],
    sections: npt.NDArray[np.intp],
) -> npt.NDArray[np.bool_]:
    """Tell on which dates a ship lies in each cross-section of the berths.

    A hull takes most of a cross-section and stands `RISE` and more above its water, so the dates fall into
    two heaps. The lower one is gathered from below; a berth taken on nine dates in ten has one too.

    Parameters
    ----------
    lead
        ``(time, pixel)`` the band in which hulls are brightest, NaN where not seen.
    levels
        ``(time,)`` of the open water.
    berths, sections
        ``(pixel,)`` as `learn_empty` takes them.

    Returns
    -------
    numpy.ndarray
        ``(time, section)``; True too where too little of it was seen. All True where even the lowest date
        stands above `RISE`: then nothing tells a ship that stays from a shoal.
    """
    count = int(sections.max(initial=-1)) + 1
    ours = np.flatnonzero(berths & (sections >= 0))
    own = np.bincount(sections[ours], minlength=count)
    means = np.full((len(lead), count), np.nan)
    for k, (date, level) in enumerate(zip(lead, levels, strict=True)):
        above = date[ours] - level
        seen = np.isfinite(above)
        shown = np.bincount(sections[ours][seen], minlength=count)
        total = np.bincount(sections[ours][seen], np.clip(above[seen], -RISE, 3 * RISE), count)
        enough = shown > own / 2
        means[k, enough] = total[enough] / shown[enough]
    taken = np.ones(means.shape, bool)
    for number, column in enumerate(means.T):
        order = np.argsort(column, kind="stable")[: np.isfinite(column).sum()]  # NaN go last
        first = held = _lowest_heap(column[order])
        while held < len(order) and column[order[held]] <= (
            RISE if held == first else column[order[first:held]].mean() + HEAP
        ):
            held += 1
        taken[order[first:held], number] = False
    return taken


def _lowest_heap(ordered: npt.NDArray[np.floating[Any]]) -> int:
    """Find where the empty dates begin.

    Below them are those in a cloud's shadow, or with haze over the open water alone: dates much darker than
    that water are believed in company only. One of 32 such made 367 false alarms in half a year of
    `najin-2023`.
    """
    for k, value in enumerate(ordered):
        alike = ordered[k : k + FEWEST]
        if value >= -HEAP or (len(alike) == FEWEST and alike[-1] - value <= HEAP):
            return k
    return len(ordered)


def _ship_long(never: npt.NDArray[np.bool_], least: int) -> npt.NDArray[np.bool_]:
    labels, _ = ndimage.label(never)
    return np.asarray(never & (np.bincount(labels)[labels] >= least))


def _date_levels(values: npt.NDArray[np.float32], open_water: npt.NDArray[np.bool_]) -> Column:
    """Median of each date's open water; NaN, so that the date is left out, where it shows too little."""
    water = values[:, open_water]
    water = water[:, :: max(1, water.shape[1] // ENOUGH_WATER)]
    enough = np.isfinite(water).sum(axis=1) >= max(1, water.shape[1] // 20)
    levels = np.full(len(values), np.nan, np.float32)
    if enough.any():
        levels[enough] = np.nanmedian(water[enough], axis=1)
    return levels


@numba.njit(cache=True, nogil=True)
def _level(ordered: Any, count: int) -> Any:
    """Median and MAD-based spread of the first numbers of an ordered array."""
    level, deviation = middle(ordered, count)
    return level, max(np.float32(MAD_TO_SD) * deviation, np.float32(NOISE))


def _level_and_spread(values: npt.NDArray[np.float32], where: npt.NDArray[np.bool_]) -> tuple[Column, Column]:
    """Median in time and MAD-based spread of what is marked; NaN where nothing is."""
    level, spread = (np.full(values.shape[1], np.nan, np.float32) for _ in range(2))
    _middles(values, where, level, spread)
    return level, spread


@numba.njit(cache=True, nogil=True)
def _middles(values: Any, where: Any, level: Any, spread: Any) -> None:
    dates, pixels = values.shape
    own = np.empty(dates, np.float32)
    for p in range(pixels):
        count = 0
        for t in range(dates):
            if where[t, p] and np.isfinite(values[t, p]):
                own[count] = values[t, p]
                count += 1
        if count:
            order(own, count)
            level[p], spread[p] = _level(own, count)
