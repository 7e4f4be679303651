"""The division of a series into stretches of one level, or of one straight line, that costs least."""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.int64]


@nb.njit(cache=True)
def sums(values: Floats) -> Floats:
    """``(4, n + 1)`` running sums of y, y², t·y and t²; of t they are known."""
    n = len(values)
    out = np.zeros((4, n + 1))
    for i in range(n):
        y = values[i]
        out[0, i + 1] = out[0, i] + y
        out[1, i + 1] = out[1, i] + y * y
        out[2, i + 1] = out[2, i] + i * y
        out[3, i + 1] = out[3, i] + float(i) * i
    return out


@nb.njit(cache=True)
def rest(running: Floats, first: int, after: int, sloped: bool) -> float:
    """Sum of squares about the mean, or about the straight line, of ``values[first:after]``."""
    length = float(after - first)
    y = running[0, after] - running[0, first]
    left = running[1, after] - running[1, first] - y * y / length
    if sloped and length > 1:
        t = (first + after - 1) / 2
        ty = running[2, after] - running[2, first] - t * y
        left -= ty * ty * 12 / (length * (length * length - 1))
    return float(max(left, 0.0))


@nb.njit(cache=True)
def cheapest(running: Floats, price: float, shortest: int, sloped: bool) -> Ints:
    """Find where to divide so that squares left plus `price` for every division are least.

    Optimal partitioning (Jackson et al. 2005): exact, in time that grows with the square of the values.

    Parameters
    ----------
    running
        Of `sums`.
    price
        Of a division.
    shortest
        Least length of a stretch.
    sloped
        Whether a stretch is a straight line and not a level.

    Returns
    -------
    numpy.ndarray
        First index of every stretch but the first, ascending.
    """
    n = running.shape[1] - 1
    best = np.full(n + 1, np.inf)
    best[0] = -price
    last = np.zeros(n + 1, np.int64)
    for end in range(shortest, n + 1):
        for begin in range(end - shortest + 1):
            if 0 < begin < shortest:  # the first stretch must be long enough too
                continue
            cost = best[begin] + rest(running, begin, end, sloped) + price
            if cost < best[end]:
                best[end], last[end] = cost, begin
    found = np.empty(n, np.int64)
    count, at = 0, last[n]
    while at > 0:
        found[count] = at
        count += 1
        at = last[at]
    return found[:count][::-1]
