"""Running sums over square windows: their cost does not depend on the window's size."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np


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
