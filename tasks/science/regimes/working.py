"""Whether a port was at work when looked at: the second witness of its changes, beside the ships.

Work comes in spells: before a ship comes, stacks grow and cars stand ready; after it has left they go. All
that looks show within one spell is one event, so a port at work on ten looks in a row may have begun to work
once. A spell begins at a rate, the level, and lasts for an exponential time (a two-state Markov chain in
continuous time); looks miss some of it and make some up.
"""

from __future__ import annotations

from functools import cached_property
from itertools import product
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from tasks.science.regimes.counts import DEFAULT_COUNTS, CountOptions, Floats, Times, level_prior
from tasks.science.regimes.levels import Rate, rate

PER_DAYS = 5.0
"""Levels are spells begun within so many days, with the prior of ships at berth (`counts`)."""

MOST = 10.0
"""Highest level: two spells a day."""

FINENESS = 0.125
"""Of the quadrature over levels, in logarithms."""

LASTS_DAYS = (3.0, 6.0, 12.0)
"""Mean days of a spell that are summed over, each worth the same."""

SHOWN = 0.75
"""Share of the looks at a port that worked since the last one that show it."""

MADE_UP = (0.005, 0.05)
"""Share of the looks at an idle port that show work; summed over, each worth the same."""


@nb.njit(cache=True)
def log_at_work(
    working: npt.NDArray[np.bool_], gaps: Floats, begun: Floats, lasts: float, shown: float, made_up: float
) -> Floats:
    """Log probability of every look at every rate, given the looks before.

    Parameters
    ----------
    working
        ``(n,)`` whether a look shows that there was work since the one before.
    gaps
        ``(n,)`` days since the look before; the first is not read.
    begun
        ``(k,)`` spells begun a day while idle.
    lasts
        Mean days of a spell.
    shown, made_up
        Probability that a look shows work if there was some, and if there was none.

    Returns
    -------
    numpy.ndarray
        ``(n, k)``.
    """
    n, k = len(working), len(begun)
    out = np.empty((n, k))
    for i in range(k):
        share = begun[i] / (begun[i] + 1 / lasts)
        busy = share
        for j in range(n):
            gap = gaps[j] if j else 0.0
            faded = np.exp(-(begun[i] + 1 / lasts) * gap)
            quiet = np.exp(-begun[i] * gap)  # idle all the time
            begins = share * (1 - faded)  # idle before, at work now
            idle = (1 - busy) * quiet
            at_work = (1 - busy) * begins + busy * (share + (1 - share) * faded)
            is_shown = shown if working[j] else 1 - shown
            is_made_up = made_up if working[j] else 1 - made_up
            total = idle * is_made_up + (1 - idle) * is_shown
            out[j, i] = np.log(total)
            busy = at_work * is_shown / total
    return out


class WorkSeries:
    """Looks in order of time at which a port was seen at work or idle.

    Parameters
    ----------
    times
        ``(n,)`` of the looks, each once.
    working
        ``(n,)`` whether there was work since the look before.
    options
        What is believed before any look.
    """

    def __init__(
        self, times: Times, working: npt.NDArray[np.bool_], options: CountOptions = DEFAULT_COUNTS
    ) -> None:
        self.times = np.asarray(times, "datetime64[s]")
        self.working = np.asarray(working, bool)
        self.options = options
        self.grid, self.prior = level_prior(FINENESS, MOST)

    @cached_property
    def ways(self) -> list[Floats]:
        """``(n, k)`` log probability of looks at levels, for every length of a spell and error of a look."""
        gaps = np.r_[0.0, np.diff(self.times).astype(float) / 86_400]
        rates: Floats = self.grid / PER_DAYS
        return [
            log_at_work(self.working, gaps, rates, *way) for way in product(LASTS_DAYS, (SHOWN,), MADE_UP)
        ]

    @property
    def worths(self) -> list[float]:
        """What each way is worth before any look."""
        return [1 / len(self.ways)] * len(self.ways)

    def level(self, first: int, after: int) -> Rate:
        """Share of the looks that show work, and its interval as if each stood alone."""
        shows: npt.NDArray[np.floating[Any]] = self.working[first:after].astype(float)
        return rate(shows, np.ones(len(shows)))
