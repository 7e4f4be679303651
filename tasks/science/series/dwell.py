"""How long ships lie at berths, from stays of which both ends are known only between looks.

A stay's length lies between last minus first sight and the two looks around them (interval censoring); of a
ship that still lies there only the least is known (right censoring). Stays that no look saw are missing,
and those are the short ones: so far, times come out long where looks are rare.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize
from scipy.special import ndtr, ndtri

from tasks.science.series.stays import Stay

Floats = npt.NDArray[np.float64]

DAY_S = 86_400.0


@dataclass(frozen=True)
class Dwell:
    """Log-normal distribution of the time at a berth."""

    median_days: float
    spread: float
    """Standard deviation of its natural logarithm."""

    stays: int
    """From so many; the prior weighs as two."""

    def quantiles(self, shares: Floats) -> Floats:
        """Days that these shares of the stays do not exceed."""
        return np.asarray(self.median_days * np.exp(self.spread * ndtri(shares)))


PRIOR_MEDIAN_DAYS, PRIOR_SPREAD = 2.0, 0.7
"""General cargo ships of 5,000 t lie two days, half of them between one and four."""


def dwell_times(stays: Sequence[Stay]) -> Dwell:
    """Fit the time at a berth, by the likelihood of its brackets and a weak prior."""
    low, high = brackets_days(stays)
    weight = np.array([s.probability for s in stays], float)

    def loss(theta: Floats) -> float:
        middle, spread = theta[0], math.exp(theta[1])
        with np.errstate(divide="ignore"):
            ends = [ndtr((np.log(np.maximum(x, 1e-9)) - middle) / spread) for x in (low, high)]
        held = np.where(np.isinf(high), 1.0, ends[1]) - ends[0]
        prior = ((middle - math.log(PRIOR_MEDIAN_DAYS)) / 0.7) ** 2 + (
            (theta[1] - math.log(PRIOR_SPREAD)) / 0.4
        ) ** 2
        return float(-(weight * np.log(np.maximum(held, 1e-12))).sum() + prior / 2)

    start = np.array([math.log(PRIOR_MEDIAN_DAYS), math.log(PRIOR_SPREAD)])
    if not len(stays):
        return Dwell(PRIOR_MEDIAN_DAYS, PRIOR_SPREAD, 0)
    best = optimize.minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-3})
    return Dwell(float(math.exp(best.x[0])), float(math.exp(best.x[1])), len(stays))


def brackets_days(stays: Sequence[Stay]) -> tuple[Floats, Floats]:
    """Least and greatest length of each stay, days; infinite where an end is open."""
    low = [(s.last_seen - s.first_seen).total_seconds() / DAY_S for s in stays]
    high = [
        math.inf
        if s.free_before is None or s.free_after is None
        else (s.free_after - s.free_before).total_seconds() / DAY_S
        for s in stays
    ]
    return np.array(low, float), np.array(high, float)
