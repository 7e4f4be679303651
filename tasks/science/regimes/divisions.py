"""Exact sums over every way to divide a series, from what each stretch of it is worth by itself.

`segments` goes from look to look with the probability of every level, at a cost of looks × levels. Where a
stretch holds a level for each of several series, levels would multiply; stretches do not, so here a series is
the table of its stretches (Fearnhead 2006), at a cost of looks². Columns are in order of time: what is summed
up to a column is what was known with its look.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]

FAINT = 30.0
"""Logarithms so far below the largest add nothing: their exponential is 1e-13 of it."""


@nb.njit(cache=True)
def stretches(logs: Floats, prior: Floats) -> Floats:
    """Log probability of every stretch of looks at one level, summed over its prior.

    Parameters
    ----------
    logs
        ``(n, k)`` log probability of each look at each level.
    prior
        ``(k,)`` of the levels.

    Returns
    -------
    numpy.ndarray
        ``(n, n)``: from the look of the row to that of the column, both included; 0 below the diagonal.
    """
    n, k = logs.shape
    likely, tops = np.empty((n, k)), np.empty(n)
    for j in range(n):
        tops[j] = logs[j].max()
        likely[j] = np.exp(logs[j] - tops[j])
    out, state = np.zeros((n, n)), np.empty(k)
    for i in range(n):
        state[:] = prior
        known = 0.0
        for j in range(i, n):
            total = 0.0
            for m in range(k):
                state[m] *= likely[j, m]
                total += state[m]
            for m in range(k):
                state[m] /= total
            known += tops[j] + np.log(total)
            out[i, j] = known
    return out


@nb.njit(cache=True)
def _sum(logs: Floats, first: int, after: int) -> float:
    """Add up part of the logarithms."""
    top = -np.inf
    for i in range(first, after):
        top = max(top, logs[i])
    total = 0.0
    for i in range(first, after):
        if logs[i] > top - FAINT:
            total += np.exp(logs[i] - top)
    return float(top + np.log(total)) if top > -np.inf else top


def unchanged(worth: Floats, chances: Floats) -> Floats:
    """Add to every stretch that no change came within it.

    Parameters
    ----------
    worth
        ``(n, n)`` of `stretches`, summed over whatever holds together.
    chances
        ``(n,)`` of a change before each look, below 1; the first is not read.
    """
    held = np.cumsum(np.log1p(-np.r_[0.0, chances[1:]]))
    return np.asarray(worth + held[None, :] - held[:, None])


@nb.njit(cache=True)
def known(held: Floats, drawn: Floats) -> Floats:
    """Log probability of the looks up to each, over all divisions.

    Parameters
    ----------
    held
        ``(n, n)`` of `unchanged`.
    drawn
        ``(n,)`` log chance of a change before each look.
    """
    n = len(held)
    out, parts = np.empty(n), np.empty(n)
    for j in range(n):
        parts[0] = held[0, j]
        for i in range(1, j + 1):
            parts[i] = held[i, j] + out[i - 1] + drawn[i]
        out[j] = _sum(parts, 0, j + 1)
    return out


@nb.njit(cache=True)
def counted(held: Floats, drawn: Floats, most: int) -> Floats:
    """Log probability of the looks up to each with 0 to `most` changes; the last stands for all beyond.

    Returns
    -------
    numpy.ndarray
        ``(most + 1, n)``.
    """
    n = len(held)
    out, parts = np.full((most + 1, n), -np.inf), np.empty(n)
    out[0] = held[0]
    for c in range(1, most + 1):
        for j in range(c, n):
            for i in range(1, j + 1):
                before = out[c - 1, i - 1]
                if c == most:
                    before = np.logaddexp(before, out[c, i - 1])
                parts[i] = before + drawn[i] + held[i, j]
            out[c, j] = _sum(parts, 1, j + 1)
    return out


@nb.njit(cache=True)
def placed(held: Floats, drawn: Floats, number: int) -> Floats:
    """Log probability of the looks with just `number` changes, each of them before each look.

    Returns
    -------
    numpy.ndarray
        ``(number, n)``; -inf before the first look.
    """
    n = len(held)
    ahead = counted(held, drawn, number + 1)
    behind = np.full((number, n), -np.inf)  # of the looks from each on, with so many more changes
    behind[0] = held[:, n - 1]
    parts = np.empty(n)
    for c in range(1, number):
        for i in range(n - 1):
            for j in range(i + 1, n):
                parts[j] = held[i, j - 1] + drawn[j] + behind[c - 1, j]
            behind[c, i] = _sum(parts, i + 1, n)
    out = np.full((number, n), -np.inf)
    for c in range(number):
        for j in range(1, n):
            out[c, j] = ahead[c, j - 1] + drawn[j] + behind[number - 1 - c, j]
    return out
