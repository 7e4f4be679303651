"""What a stretch of steady activity is called: dormant, active or paused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

DORMANT, ACTIVE, PAUSED = "dormant", "active", "paused"

LONGEST_PAUSE_DAYS = 365.0
"""Quiet for longer than this after it was active, a port is dormant again: no season explains it."""


def states(levels: Sequence[float], quiet: float, edges: Sequence[np.datetime64]) -> list[str]:
    """Name stretches in order of time.

    A quiet stretch after an active one is a pause, whether activity has come back yet or not, until it has
    lasted for `LONGEST_PAUSE_DAYS`; what was quiet from the first look on is dormant.

    Parameters
    ----------
    levels
        ``(n,)`` mean of every stretch.
    quiet
        Highest level that is called quiet.
    edges
        ``(n + 1,)`` where each begins, and the last look.
    """
    named: list[str] = []
    awake = False
    for level, begin, end in zip(levels, edges[:-1], edges[1:], strict=True):
        lasted = float((end - begin) / np.timedelta64(1, "D"))
        if level > quiet:
            named.append(ACTIVE)
        else:
            named.append(PAUSED if awake and lasted < LONGEST_PAUSE_DAYS else DORMANT)
        awake = awake or level > quiet
    return named
