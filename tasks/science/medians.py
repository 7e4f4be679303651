"""Medians of the few dates of a pixel, in compiled loops: sorted once, the spread costs next to nothing."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def order(values: Any, count: int) -> None:
    """Sort the first numbers of a short array."""
    for k in range(1, count):
        value, at = values[k], k
        while at and values[at - 1] > value:
            values[at] = values[at - 1]
            at -= 1
        values[at] = value


@numba.njit(cache=True, nogil=True)
def middle(ordered: Any, count: int) -> Any:
    """Median, and median distance from it, of the first numbers of an ordered array."""
    half = np.float32(0.5)
    level = (ordered[(count - 1) // 2] + ordered[count // 2]) * half
    # Deviations grow from the middle outwards on either side: they are merged, not sorted.
    low, high = (count - 1) // 2, (count - 1) // 2 + 1
    before = after = np.float32(0)
    for _ in range(count // 2 + 1):
        before = after
        if high >= count or (low >= 0 and level - ordered[low] <= ordered[high] - level):
            after = level - ordered[low]
            low -= 1
        else:
            after = ordered[high] - level
            high += 1
    return level, after if count % 2 else (before + after) * half
