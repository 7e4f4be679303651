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
    low, mean, high = mean_intervals(np.array([counts.sum()]), np.array([len(counts)]), inflation)
    return float(low[0]), float(mean[0]), float(high[0])


def mean_intervals(total: Any, looks: Any, inflation: float = 1.0) -> tuple[Any, Any, Any]:
    """Tell `mean_interval` of many periods, from their vessels and looks: lows, means, highs; NaN without."""
    ends = np.array([(1 - LEVEL) / 2, (1 + LEVEL) / 2])[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / looks
        low, high = special.gammaincinv(total / inflation + 0.5, ends) / (looks / inflation)
    told = np.where(looks > 0, [np.minimum(low, mean), mean, np.maximum(high, mean)], np.nan)
    return told[0], told[1], told[2]
