"""A row of cells in one of two states, each mostly in its neighbour's (Rabiner, Proc. IEEE 77, 1989)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.float64]

LIMIT = 60.0
"""Log odds beyond which nothing changes."""


def chained(odds: Column, turn: float) -> Column:
    """Join what every cell tells of itself with what its neighbours do.

    Parameters
    ----------
    odds
        ``(cell,)`` log odds of the second state from the cell alone; 0 where it tells nothing.
    turn
        Probability that the next cell is in the other state.

    Returns
    -------
    numpy.ndarray
        ``(cell,)`` probability of the second state.
    """
    turn = min(0.5, turn)
    total = _passed(odds, turn) + _passed(odds[::-1], turn)[::-1] + odds
    return np.asarray(1 / (1 + np.exp(-np.clip(total, -LIMIT, LIMIT))))


def _passed(odds: Column, turn: float) -> Column:
    """Log odds that come down the row to each cell, its own left out."""
    out, state = np.zeros(len(odds)), 0.0
    for k, own in enumerate(odds):
        out[k] = state
        share = 1 / (1 + np.exp(-min(max(state + own, -LIMIT), LIMIT)))
        share = share * (1 - turn) + (1 - share) * turn
        state = float(np.log(share / (1 - share)))
    return out
