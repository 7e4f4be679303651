"""Sea clutter around every pixel: the ring of a censored two-parameter CFAR.

The ring is an outer square without its guard square, summed with running sums, so the cost does
not depend on its size. Pixels that are not open water are never in it, and targets are censored
from it twice: first against the water's own robust spread, then against the ring's.

The censoring follows the trimmed CFAR of Tao, Anfinsen and Brekke (IEEE TGRS 54, 2016); the ring
with a guard is Novak's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from tasks.science.radiometry import level_and_spread

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class RingOptions:
    """Geometry and censoring of the clutter ring."""

    guard_m: float = 100.0
    """Half side of the guard square: half of a long ship, so that it does not hide itself."""

    reach_m: float = 200.0
    """Half side of the outer square."""

    censor: float = 3.0
    """Spreads above the level beyond which a pixel is taken for a target and leaves the ring."""

    min_share: float = 0.15
    """Share of the ring that must be usable water; below it the whole water's level is used."""

    spread_range: tuple[float, float] = (0.8, 1.3)
    """A ring's spread, relative to the whole water's. In decibels speckle has one spread at any wind:
    a ring far above it still holds targets, one far below it is a smoothed or saturated patch."""


DEFAULT_RING = RingOptions()


@numba.njit(cache=True, nogil=True)
def box_sums(values: Any, usable: Any, radius: int) -> Any:
    """Count, sum and sum of squares over ``(2 radius + 1)²`` windows, usable pixels only.

    Parameters
    ----------
    values
        ``(y, x)`` float32.
    usable
        ``(y, x)`` bool.
    radius
        Half side, pixels; windows are cut at the edges of the plane.

    Returns
    -------
    numpy.ndarray
        ``(3, y, x)`` float64: float32 running sums would drift.
    """
    height, width = values.shape
    out = np.empty((3, height, width))
    column = np.zeros((3, width))
    for y in range(-radius, height):
        for x in range(width):
            low, high = y - radius - 1, y + radius
            if high < height and usable[high, x]:
                v = float(values[high, x])
                column[0, x] += 1
                column[1, x] += v
                column[2, x] += v * v
            if low >= 0 and usable[low, x]:
                v = float(values[low, x])
                column[0, x] -= 1
                column[1, x] -= v
                column[2, x] -= v * v
        if y < 0:
            continue
        for k in range(3):
            running = 0.0
            for x in range(min(radius, width)):
                running += column[k, x]
            for x in range(width):
                if x + radius < width:
                    running += column[k, x + radius]
                if x - radius - 1 >= 0:
                    running -= column[k, x - radius - 1]
                out[k, y, x] = running
    return out


def multilook(db: Plane, radius: int) -> Plane:
    """Mean of the seen pixels around each seen pixel; NaN where the pixel itself is not seen."""
    if radius == 0:
        return db
    seen = np.isfinite(db)
    count, total, _ = box_sums(np.where(seen, db, 0).astype(np.float32), seen, radius)
    return np.where(seen, total / np.maximum(count, 1), np.nan).astype(np.float32)


def significance(db: Plane, water: Mask, pixel_m: float, options: RingOptions = DEFAULT_RING) -> Plane:
    """How many clutter spreads each pixel stands above the water around it.

    Parameters
    ----------
    db
        ``(y, x)`` decibels, calibrated or not; NaN where not seen.
    water
        ``(y, x)`` pixels that may serve as clutter: open water, no fixed structures.
    pixel_m
        Edge of a pixel on the ground, metres.
    options
        Ring geometry and censoring.

    Returns
    -------
    numpy.ndarray
        ``(y, x)`` float32; NaN where `db` is NaN, and everywhere if no water is seen.
    """
    seen = np.isfinite(db)
    usable = water & seen
    if not usable.any():
        return np.full(db.shape, np.nan, np.float32)
    level, spread = level_and_spread(db[usable])
    spread = max(spread, 1e-6)
    values = np.where(seen, (db - level) / spread, 0).astype(np.float32)
    usable &= values < options.censor
    mean, ring_spread = _ring(values, usable, pixel_m, options)
    usable &= values < mean + options.censor * ring_spread
    mean, ring_spread = _ring(values, usable, pixel_m, options)
    return np.where(seen, (values - mean) / ring_spread, np.nan).astype(np.float32)


def _ring(values: Plane, usable: Mask, pixel_m: float, options: RingOptions) -> tuple[Plane, Plane]:
    guard = max(1, round(options.guard_m / pixel_m))
    reach = max(guard + 1, round(options.reach_m / pixel_m))
    count, total, squares = box_sums(values, usable, reach) - box_sums(values, usable, guard)
    few = count < options.min_share * ((2 * reach + 1) ** 2 - (2 * guard + 1) ** 2)
    whole = values[usable]
    level, spread = (float(whole.mean()), float(whole.std())) if whole.size else (0.0, 1.0)
    spread = max(spread, 1e-3)
    mean = np.where(few, level, total / np.maximum(count, 1))
    variance = np.maximum(squares / np.maximum(count, 1) - mean**2, 0)
    low, high = (spread * limit for limit in options.spread_range)
    return mean.astype(np.float32), np.where(few, spread, np.clip(np.sqrt(variance), low, high)).astype(
        np.float32
    )
