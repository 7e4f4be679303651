"""What bare ground ashore looks like, learnt from dates on most of which goods may stand on it.

Goods come in any colour and go again; the ground below them is the state that comes back. So per pixel the
densest group of dates in all bands together is taken for bare, not a median: a yard may be covered on more
dates than not. Light, haze and wet weather change whole images; each date is first brought to one light by
ground on which nothing stands (`light`). Snow looks like no other date and joins no group.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.ashore.light import Light, find_light, lasting
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

BLOCK_PX = 2_048
"""Pixels compared at a time: every date with every other, 32 dates in 8 MB."""


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
    bands = list(lit)
    pixels = steady.size
    learnt = {name: np.full(pixels, np.nan, np.float32) for b in bands for name in (b, f"{b}_spread")}
    for start in range(0, pixels, BLOCK_PX):
        part = slice(start, start + BLOCK_PX)
        values = np.stack([lit[band][:, part] for band in bands])
        bare = bare_dates(values)
        for band, plane in zip(bands, values, strict=True):
            level, spread = _level_and_spread(np.where(bare, plane, np.nan))
            learnt[band][part], learnt[f"{band}_spread"][part] = level, spread
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


def bare_dates(values: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Tell on which dates each pixel is bare.

    Parameters
    ----------
    values
        ``(band, time, pixel)`` in one light, NaN where not seen.

    Returns
    -------
    numpy.ndarray
        ``(time, pixel)`` bool; no date where fewer than `FEWEST` saw the pixel.
    """
    seen = np.isfinite(values).all(axis=0)
    count = seen.sum(axis=0)
    enough = count >= FEWEST
    apart = np.zeros((values.shape[1], *seen.shape), np.float32)
    for plane in values:
        apart += np.nan_to_num((plane[:, None] - plane[None]) ** 2, nan=np.inf)
    apart[:, ~seen] = np.inf
    apart.sort(axis=0)
    core = np.clip(np.ceil(GROUP * count).astype(int), 3, None)
    reach = np.take_along_axis(apart, np.broadcast_to(core - 1, (1, *seen.shape)), axis=0)[0]
    reach[~seen] = np.inf
    middle = reach.argmin(axis=0)
    centre = np.take_along_axis(values, middle[None, None], axis=1)
    off = ((values - centre) ** 2).sum(axis=0)
    with np.errstate(invalid="ignore"):
        bare = seen & (off <= np.take_along_axis(reach, middle[None], axis=0)) & enough
        for _ in range(3):
            within = seen & enough
            for plane in values:
                level, spread = _level_and_spread(np.where(bare, plane, np.nan))
                within &= np.abs(plane - level) < JOIN * spread
            bare = within
    return np.asarray(bare)


def _level_and_spread(values: Stack) -> tuple[Column, Column]:
    """Median in time and MAD-based spread; NaN where nothing is."""
    level = median_seen(values)
    return level, np.maximum(MAD_TO_SD * median_seen(np.abs(values - level)), np.float32(LEAST_SPREAD))
