"""A coarse grid of blocks over a scene: what changes over kilometres is known by block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.radiometry import MAD_TO_SD

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Window = tuple[slice, slice]


def no_blocks(shape: tuple[int, ...], block: int) -> Plane:
    """Lay an unknown grid of blocks over a scene."""
    return np.full((-(-shape[0] // block), -(-shape[1] // block)), np.nan, np.float32)


def strips_of(shape: tuple[int, ...], block: int, margin: int) -> Iterator[tuple[Window, slice]]:
    """Rows of blocks, each as a window with a margin and its own rows."""
    for start in range(0, shape[0], block):
        core = slice(start, min(start + block, shape[0]))
        rows = slice(max(0, core.start - margin), min(shape[0], core.stop + margin))
        yield (rows, slice(0, shape[1])), core


def block_stats(
    plane: Plane, water: Mask, strip: Window, core: slice, block: int, least_px: int, enough_px: int
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]:
    """Median and robust spread of each block of one strip; NaN where less than `least_px` is water.

    Of more than `enough_px` pixels of a block some are taken.
    """
    own = slice(core.start - strip[0].start, core.stop - strip[0].start)
    columns = -(-plane.shape[1] // block)
    level, spread = np.full(columns, np.nan), np.full(columns, np.nan)
    for k in range(columns):
        part = own, slice(k * block, (k + 1) * block)
        sample = _sample(plane[part], water[part], least_px, enough_px)
        if sample.size:
            level[k] = np.median(sample)
            spread[k] = MAD_TO_SD * np.median(np.abs(sample - level[k]))
    return level, spread


@numba.njit(cache=True, nogil=True)
def _sample(plane: Any, water: Any, least: int, enough: int) -> Any:
    """Take what is known of the water, none of too little; of too much every nth."""
    height, width = plane.shape
    count = 0
    for y in range(height):
        for x in range(width):
            count += water[y, x] and np.isfinite(plane[y, x])
    step = max(-(-count // enough), 1)
    taken = np.empty(-(-count // step) if count >= least else 0, np.float32)
    count = 0
    for y in range(height):
        for x in range(width):
            if taken.size and water[y, x] and np.isfinite(plane[y, x]):
                if count % step == 0:
                    taken[count // step] = plane[y, x]
                count += 1
    return taken


def filled_blocks(grid: Plane) -> Plane:
    """Smooth a grid over its neighbours, and give blocks without water the level of the nearest with it."""
    known = np.isfinite(grid)
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    whole = grid[tuple(nearest)]
    weight = ndimage.gaussian_filter(np.where(known, 1.0, 0.05), 0.7, mode="nearest")
    total = ndimage.gaussian_filter(np.where(known, 1.0, 0.05) * whole, 0.7, mode="nearest")
    return np.asarray(total / weight, dtype=np.float32)


@numba.njit(cache=True, nogil=True)
def bilinear(grid: Any, rows: Any, cols: Any) -> Any:
    """Interpolate a grid at rows and columns, both fractional: ``(rows, cols)`` float32."""
    height, width = grid.shape
    out = np.empty((rows.size, cols.size), np.float32)
    left, across = np.empty(cols.size, np.int64), np.empty(cols.size, np.float32)
    for x in range(cols.size):
        left[x] = min(int(cols[x]), max(width - 2, 0))
        across[x] = cols[x] - left[x]
    line = np.empty(width, np.float32)
    for y in range(rows.size):
        top = min(int(rows[y]), max(height - 2, 0))
        bottom, down = min(top + 1, height - 1), np.float32(rows[y] - top)
        for x in range(width):
            line[x] = grid[top, x] * (1 - down) + grid[bottom, x] * down
        for x in range(cols.size):
            k, share = left[x], across[x]
            out[y, x] = line[k] * (1 - share) + line[min(k + 1, width - 1)] * share
    return out
