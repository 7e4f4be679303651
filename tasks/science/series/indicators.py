"""How many vessels lay in a zone on average, and how sure that is.

The interval is that of a Gamma–Poisson rate under Jeffreys' prior, widened where the zone's counts vary
more than Poisson's: ships stay for days, so looks are not independent.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

LEVEL = 0.9
"""Probability of the intervals."""


def overdispersion(counts: np.ndarray[Any, Any]) -> float:
    """Variance over mean of all counts of a zone, at least 1; 1 where there is nothing to tell."""
    if len(counts) < 2 or counts.mean() == 0:
        return 1.0
    return max(1.0, float(counts.var(ddof=1) / counts.mean()))


def mean_interval(counts: np.ndarray[Any, Any], inflation: float = 1.0) -> tuple[float, float, float]:
    """Mean count per look with its 90 % interval (Jeffreys Gamma–Poisson, quasi-Poisson widened).

    Inflation φ divides the information: k vessels in n looks weigh like k/φ in n/φ.

    Examples
    --------
    >>> low, mean, high = mean_interval(np.array([0.0, 0.0, 0.0]))
    >>> round(low, 3), mean, round(high, 2)
    (0.0, 0.0, 0.64)
    >>> mean_interval(np.array([]))
    (nan, nan, nan)
    """
    if not len(counts):
        return float("nan"), float("nan"), float("nan")
    exposure = len(counts) / inflation
    ends = np.array([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    low, high = special.gammaincinv(counts.sum() / inflation + 0.5, ends) / exposure
    mean = float(counts.mean())
    return float(min(low, mean)), mean, float(max(high, mean))
