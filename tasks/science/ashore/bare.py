"""What bare ground ashore looks like, learnt from dates on most of which goods may stand on it.

Goods come in any colour and go again; the ground below them is the state that comes back. So per pixel the
densest group of dates in all bands together is taken for bare, not a median: a yard may be covered on more
dates than not. Light, haze and wet weather change whole images; each date is first brought to one light by
ground on which nothing stands (`light`). Snow looks like no other date and joins no group.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.ashore.light import Light, find_light, lasting
from tasks.science.medians import middle, order
from tasks.science.radiometry import MAD_TO_SD, median_seen

Column = npt.NDArray[np.float32]
Stack = npt.NDArray[np.float32]

FEWEST = 6
"""Dates at least: of five, two may be one batch of goods and two another."""

GROUP = 0.3
"""Share of a pixel's dates that makes the core of its group: ground that is bare on one date in three."""

JOIN = 3.5
"""Spreads within which further dates join the group."""

LEAST_SPREAD = 0.004
"""Reflectance by which bare ground differs from date to date at least: damp, dust, the sun's height."""

UNEVEN = 0.08
"""Spread of a date's steady ground, as a share of its level, from which the date has no one light: snow in
patches, shadows of clouds. Even light leaves 0.02 to 0.04."""

REACH_PX, SHORE_PX, GOODS_PX = 20, 3, 2
"""Steady ground lies so near yards and tracks, so far from water, and so far from where goods stand."""

BLOCK_PX = 65_536
"""Pixels laid out at a time, the dates of each side by side: 32 of four bands in 34 MB."""


def learn_bare(stack: Mapping[str, Stack], steady: npt.NDArray[np.bool_]) -> dict[str, Column]:
    """Estimate what every pixel looks like bare.

    Parameters
    ----------
    stack
        Reflectance ``(time, pixel)`` by band; NaN where a date did not see the pixel.
    steady
        ``(pixel,)`` ground on which nothing stands: streets, roofs, soil. Gives the light of each date.

    Returns
    -------
    dict
        By band its reflectance, and as ``<band>_spread`` its spread from date to date; ``(pixel,)`` float32,
        in the median date's light. NaN where it cannot be told: fewer than six dates saw the pixel.

    Notes
    -----
    The order of the dates does not matter, nor does what pixels are learnt together, given the same steady
    ground. The mode by nearest neighbours is Loftsgaarden and Quesenberry's density (1965).
    """
    lit = in_one_light(stack, steady)
    pixels = steady.size
    learnt = {name: np.full(pixels, np.nan, np.float32) for b in lit for name in (b, f"{b}_spread")}
    for start in range(0, pixels, BLOCK_PX):
        part = slice(start, start + BLOCK_PX)
        level, spread = bare_ground(np.stack([values[:, part].T for values in lit.values()], axis=1))
        for k, band in enumerate(lit):
            learnt[band][part], learnt[f"{band}_spread"][part] = level[:, k], spread[:, k]
    return learnt


def steady_ground(used: npt.NDArray[np.bool_], land: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Choose the ground that tells the light: land beside yards and tracks.

    Parameters
    ----------
    used
        ``(y, x)`` pixels of all yards and tracks.
    land
        ``(y, x)`` land and piers.
    """
    if not used.any():
        return np.zeros_like(used)
    near = ndimage.binary_dilation(used, iterations=REACH_PX)
    inland = ndimage.binary_erosion(land, iterations=SHORE_PX)
    return np.asarray(near & inland & ~ndimage.binary_dilation(used, iterations=GOODS_PX))


def in_one_light(stack: Mapping[str, Stack], steady: npt.NDArray[np.bool_]) -> dict[str, Stack]:
    """Bring every date to one light; NaN throughout where a date's light is not told, as under snow."""
    ground = {band: values[:, steady] for band, values in stack.items()}
    first = {band: _lower_third(values) for band, values in ground.items()}
    levelled = {band: _relit(values, _even(values, first[band])) for band, values in ground.items()}
    both = {band: _level_and_spread(values) for band, values in levelled.items()}
    calm = lasting(
        {b: level for b, (level, _) in both.items()}, {b: spread for b, (_, spread) in both.items()}
    )
    lights = {b: _even(values[:, calm], both[b][0][calm]) for b, values in ground.items()}
    told = np.logical_and.reduce([[light is not None for light in each] for each in lights.values()])
    return {
        band: _relit(values, [light if ok else None for light, ok in zip(lights[band], told, strict=True)])
        for band, values in stack.items()
    }


def _lower_third(values: Stack) -> Column:
    """Level in time that snow on two dates of three does not lift."""
    ordered = np.sort(values, axis=0)  # NaN go last
    count = np.isfinite(values).sum(axis=0)
    return np.asarray(np.take_along_axis(ordered, (np.maximum(count - 1, 0) // 3)[None], axis=0)[0])


def _even(dates: Stack, known: Column) -> list[Light | None]:
    """Light of each date; None where the date has no one light."""
    tone = float(np.nanmedian(known)) if np.isfinite(known).any() else np.nan
    found = [find_light(known, date) for date in dates]
    return [
        light if light and light.spread < UNEVEN * (light.offset + light.gain * tone) else None
        for light in found
    ]


def _relit(dates: Stack, lights: list[Light | None]) -> Stack:
    return np.stack(
        [
            light.off(date) if light else np.full_like(date, np.nan)
            for light, date in zip(lights, dates, strict=True)
        ]
    )


def bare_ground(values: npt.NDArray[np.float32]) -> tuple[Stack, Stack]:
    """Find the densest group of dates of each pixel.

    Parameters
    ----------
    values
        ``(pixel, band, time)`` in one light, NaN where not seen.

    Returns
    -------
    level, spread
        ``(pixel, band)`` float32 of that group; NaN where fewer than `FEWEST` dates saw the pixel.
    """
    level, spread = (np.full(values.shape[:2], np.nan, np.float32) for _ in range(2))
    _densest(values, level, spread)
    return level, spread


@numba.njit(cache=True, nogil=True)
def _densest(values: Any, level: Any, spread: Any) -> None:
    pixels, bands, dates = values.shape
    own, apart = np.empty((bands, dates), np.float32), np.empty((dates, dates), np.float32)
    row, bare = np.empty(dates, np.float32), np.empty(dates, np.bool_)
    for p in range(pixels):
        count = _seen(values[p], own)
        if count < FEWEST:
            continue
        core = max(int(np.ceil(GROUP * count)), 3)
        _distances(own, count, apart)
        reach, centre = np.float32(np.inf), 0
        for i in range(count):
            nearer = 0
            for j in range(count):
                nearer += apart[i, j] < reach
            if nearer >= core:  # denser than the densest so far: few are, so few are sorted
                row[:count] = apart[i, :count]
                order(row, count)
                reach, centre = row[core - 1], i
        for j in range(count):
            bare[j] = apart[centre, j] <= reach
        for _ in range(3):
            _group_level(own, bare, count, row, level[p], spread[p])
            for j in range(count):
                bare[j] = True
                for b in range(bands):
                    bare[j] &= abs(own[b, j] - level[p, b]) < np.float32(JOIN) * spread[p, b]
        _group_level(own, bare, count, row, level[p], spread[p])


@numba.njit(cache=True, nogil=True)
def _seen(values: Any, own: Any) -> int:
    """Take the dates that all bands saw; gives their number."""
    bands, dates = values.shape
    count = 0
    for t in range(dates):
        whole = True
        for b in range(bands):
            own[b, count] = values[b, t]
            whole &= np.isfinite(values[b, t])
        count += whole
    return count


@numba.njit(cache=True, nogil=True)
def _distances(own: Any, count: int, apart: Any) -> None:
    """Square distances of every date from every other, all bands together."""
    for i in range(count):
        for j in range(count):
            apart[i, j] = 0
        for b in range(len(own)):
            for j in range(count):
                off = own[b, i] - own[b, j]
                apart[i, j] += off * off


@numba.njit(cache=True, nogil=True)
def _group_level(own: Any, bare: Any, count: int, row: Any, level: Any, spread: Any) -> None:
    """Write median and MAD-based spread of some dates, by band; NaN of none."""
    for b in range(len(own)):
        held = 0
        for j in range(count):
            row[held] = own[b, j]
            held += bare[j]
        level[b] = spread[b] = np.float32(np.nan)
        if held:
            order(row, held)
            level[b], deviation = middle(row, held)
            spread[b] = max(np.float32(MAD_TO_SD) * deviation, np.float32(LEAST_SPREAD))


def _level_and_spread(values: Stack) -> tuple[Column, Column]:
    """Median in time and MAD-based spread; NaN where nothing is."""
    level = median_seen(values)
    return level, np.maximum(MAD_TO_SD * median_seen(np.abs(values - level)), np.float32(LEAST_SPREAD))
