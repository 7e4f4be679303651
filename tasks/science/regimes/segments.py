"""Exact sums over every way to divide a series into stretches of one level each.

Between two looks the level is drawn anew with the chance that the time between them gives a change; then a
division's probability is a product, and sums over all divisions are passes from the first look to the last
(and back), whose cost is looks × levels. Levels are the points of a quadrature of their prior. As the pass
forward meets the looks in order, what it holds after a look is what was known then: a replay costs nothing.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]


@nb.njit(cache=True)
def evidence(logs: Floats, chances: Floats, prior: Floats) -> Floats:
    """Log probability of the looks up to each, over all divisions.

    Parameters
    ----------
    logs
        ``(n, k)`` log probability of each look at each level.
    chances
        ``(n,)`` that the level is drawn anew before each look; the first is not read.
    prior
        ``(k,)`` of the levels.
    """
    n, k = logs.shape
    out, state = np.empty(n), prior.copy()
    known = 0.0
    for j in range(n):
        top = logs[j].max()
        total = 0.0
        for i in range(k):
            if j:
                state[i] = (1 - chances[j]) * state[i] + chances[j] * prior[i]
            state[i] *= np.exp(logs[j, i] - top)
            total += state[i]
        for i in range(k):
            state[i] /= total
        known += top + np.log(total)
        out[j] = known
    return out


@nb.njit(cache=True, error_model="numpy")
def forward(logs: Floats, chances: Floats, prior: Floats, most: int) -> tuple[Floats, Floats]:
    """Go through the looks with the number of changes so far; the last number stands for all beyond.

    Returns
    -------
    tuple
        ``(n, most + 1, k)`` probability of number and level with the looks up to each, scaled to a sum of 1,
        and ``(n,)`` the logarithms of what each was scaled by.
    """
    n, k = logs.shape
    state, scales = np.zeros((n, most + 1, k)), np.empty(n)
    likely = np.empty(k)
    for j in range(n):
        top = logs[j].max()
        for i in range(k):
            likely[i] = np.exp(logs[j, i] - top)
        if j == 0:
            for i in range(k):
                state[0, 0, i] = prior[i] * likely[i]
        else:
            for c in range(most + 1):
                drawn = state[j - 1, c - 1].sum() * chances[j] if c else 0.0
                stays = 1 - chances[j]
                if c == most:
                    drawn += state[j - 1, c].sum() * chances[j]
                for i in range(k):
                    state[j, c, i] = (stays * state[j - 1, c, i] + drawn * prior[i]) * likely[i]
        total = state[j].sum()
        for c in range(most + 1):
            for i in range(k):
                state[j, c, i] /= total
        scales[j] = top + np.log(total)
    return state, scales


@nb.njit(cache=True, error_model="numpy")
def backward(logs: Floats, chances: Floats, prior: Floats, most: int) -> tuple[Floats, Floats]:
    """Go back through the looks with the number of changes still to come.

    Returns
    -------
    tuple
        ``(n, most + 1, k)`` probability of the looks after each with just so many changes, at each level,
        scaled to a largest of 1, and ``(n,)`` logarithms of all the scales up to there.
    """
    n, k = logs.shape
    state, scales = np.zeros((n, most + 1, k)), np.zeros(n)
    for i in range(k):
        state[n - 1, 0, i] = 1.0
    likely = np.empty(k)
    for j in range(n - 2, -1, -1):
        top = logs[j + 1].max()
        for i in range(k):
            likely[i] = np.exp(logs[j + 1, i] - top)
        for c in range(most + 1):
            drawn = 0.0
            if c:
                for i in range(k):
                    drawn += prior[i] * likely[i] * state[j + 1, c - 1, i]
            for i in range(k):
                same = (1 - chances[j + 1]) * likely[i] * state[j + 1, c, i]
                state[j, c, i] = same + chances[j + 1] * drawn
        total = state[j].max()
        for c in range(most + 1):
            for i in range(k):
                state[j, c, i] /= total
        scales[j] = scales[j + 1] + top + np.log(total)
    return state, scales


@nb.njit(cache=True)
def log_places(logs: Floats, chances: Floats, prior: Floats, number: int) -> Floats:
    """Log probability of the looks with just `number` changes, each of them before each look.

    Returns
    -------
    numpy.ndarray
        ``(number, n)``; -inf before the first look.
    """
    n, k = logs.shape
    ahead, grown = forward(logs, chances, prior, number + 1)
    behind, left = backward(logs, chances, prior, number)
    out = np.full((number, n), -np.inf)
    known = 0.0
    for j in range(1, n):
        known += grown[j - 1]
        top = logs[j].max()
        for c in range(number):
            reached = ahead[j - 1, c].sum() * chances[j]
            rest = 0.0
            for i in range(k):
                rest += prior[i] * np.exp(logs[j, i] - top) * behind[j, number - 1 - c, i]
            if reached > 0 and rest > 0:
                out[c, j] = known + np.log(reached) + top + np.log(rest) + left[j]
    return out
