"""How far every pixel of an optical image stands out of the water nearby, band by band.

The water within a few ships' breadths says what is usual there, so glint, whitecaps, haze and silt raise
the bar where they are. Samples are censored twice: other ships, and their wakes, are no water.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.optical.water import sharpest
from tasks.science.shapes import EIGHT

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Empty = tuple[Mapping[str, Plane], Mapping[str, Plane]]


@dataclass(frozen=True)
class NearbyOptions:
    """Which water a pixel is compared with."""

    ring_m: float = 80.0
    """Half side of the square in which a pixel's water is sampled: silt and haze change within hundreds of
    metres (Klang's boats stand 8 spreads out of 80 m of river, 5 out of 150 m)."""

    censor: float = 3.0
    """Spreads from the water beyond which a pixel is no sample of it."""

    min_samples: int = 40
    """Pixels of water in that square below which the scene's own model is used."""

    noise: float = 0.001
    """Least spread, reflectance: the sensor's noise."""


DEFAULT_NEARBY = NearbyOptions()


def stand_out(
    planes: Mapping[str, Plane],
    level: Mapping[str, Plane],
    spread: Mapping[str, Plane],
    body: Mask,
    wanted: Mask,
    pixel_m: float,
    empty: Empty | None = None,
    options: NearbyOptions = DEFAULT_NEARBY,
) -> tuple[Plane, dict[str, Plane]]:
    """Compare every pixel with the water around it.

    Parameters
    ----------
    planes
        Reflectance ``(y, x)`` by band; NaN where not seen.
    level, spread
        The open water's, by band, reflectance.
    body
        ``(y, x)`` the water body, without the ships.
    wanted
        ``(y, x)`` where the water nearby is asked for; elsewhere pixels are compared with `level`.
    pixel_m
        Edge of a pixel on the ground, metres.
    empty
        Level and spread of the empty place, by band; NaN where it is not known.
    options
        Which water.

    Returns
    -------
    score, contrast
        Spreads above the water nearby, in the sharpest band and another at once, and reflectance above it by
        band, ``(y, x)``; 0 where not seen.
    """
    radius = max(2, round(options.ring_m / pixel_m))
    pool = ndimage.binary_erosion(body, EIGHT, border_value=1)
    scores, contrasts = {}, {}
    for band, plane in planes.items():
        contrast, score = np.empty(plane.shape, np.float32), np.empty(plane.shape, np.float32)
        none = np.zeros((0, 0), np.float32)
        bare, bare_spread = (none, none) if empty is None else (empty[0][band], empty[1][band])
        _band(
            plane, level[band], spread[band], pool, wanted, bare, bare_spread,
            radius, options.censor, options.min_samples, options.noise, contrast, score,
        )  # fmt: skip
        contrasts[band], scores[band] = contrast, score
    main = sharpest(scores)
    others = [scores[band] for band in scores if band != main]
    if not others:
        return scores[main], contrasts
    best = others[0].copy()
    for other in others[1:]:
        np.maximum(best, other, out=best)
    best += scores[main]
    best *= np.float32(0.5)
    return best, contrasts


@numba.njit(cache=True, nogil=True)
def _band(
    plane: Any, level: Any, spread: Any, pool: Any, wanted: Any, bare: Any, bare_spread: Any,
    radius: int, censor: float, least: int, noise: float, contrast: Any, score: Any,
) -> None:  # fmt: skip
    height, width = plane.shape
    usable = np.zeros((height, width), np.bool_)
    asked = np.zeros((height, width), np.bool_)
    for y in range(height):
        for x in range(width):
            off = plane[y, x] - level[y, x]
            if np.isnan(off):
                off = np.float32(0)
            elif pool[y, x]:
                usable[y, x] = abs(off) < censor * spread[y, x]
            contrast[y, x] = off
            asked[y, x] = usable[y, x] or wanted[y, x]
    mean = np.zeros((height, width), np.float32)
    around = spread.copy()
    _local(contrast, usable, asked, radius, least, noise, mean, around)
    for y in range(height):
        for x in range(width):
            if usable[y, x]:
                usable[y, x] = abs(contrast[y, x] - mean[y, x]) < censor * around[y, x]
            mean[y, x] = 0
            around[y, x] = spread[y, x]
    _local(contrast, usable, wanted, radius, least, noise, mean, around)
    remembers = bare.size > 0
    for y in range(height):
        for x in range(width):
            if np.isnan(plane[y, x]):
                contrast[y, x] = 0
                score[y, x] = 0
                continue
            here, noisy = level[y, x] + mean[y, x], around[y, x]
            if remembers and bare[y, x] > here:
                here, noisy = bare[y, x], max(noisy, bare_spread[y, x])
            contrast[y, x] = plane[y, x] - here
            score[y, x] = contrast[y, x] / noisy


@numba.njit(cache=True, nogil=True)
def _local(
    values: Any, usable: Any, wanted: Any, radius: int, least: int, noise: float, mean: Any, spread: Any
) -> None:
    """Write mean and spread over ``(2 radius + 1)²`` windows where wanted and where there is enough."""
    height, width = values.shape
    count, total, squares = np.zeros(width, np.int32), np.zeros(width), np.zeros(width)
    for y in range(-radius, height):
        low, high = y - radius - 1, y + radius
        if high < height:
            for x in range(width):
                if usable[high, x]:
                    v = np.float64(values[high, x])
                    count[x] += 1
                    total[x] += v
                    squares[x] += v * v
        if low >= 0:
            for x in range(width):
                if usable[low, x]:
                    v = np.float64(values[low, x])
                    count[x] -= 1
                    total[x] -= v
                    squares[x] -= v * v
        if y < 0:
            continue
        n, s, q = 0, 0.0, 0.0
        for x in range(min(radius, width)):
            n += count[x]
            s += total[x]
            q += squares[x]
        for x in range(width):
            if x + radius < width:
                n += count[x + radius]
                s += total[x + radius]
                q += squares[x + radius]
            if x - radius - 1 >= 0:
                n -= count[x - radius - 1]
                s -= total[x - radius - 1]
                q -= squares[x - radius - 1]
            if wanted[y, x] and n >= least:
                m = s / n
                mean[y, x] = m
                spread[y, x] = np.sqrt(max(q / n - m * m, noise * noise))
