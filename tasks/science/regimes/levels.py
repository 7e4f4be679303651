"""How high a series stands over some looks: its mean with an interval, and what its looks are worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

LEVEL = 0.9
"""Probability of the intervals."""

MAX_SHARED = 0.8
"""Correlation of neighbouring looks beyond which it cannot be told from a drift."""

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Rate:
    """A level with its 90 % interval, per look that sees everything."""

    mean: float
    low: float
    high: float


def within(counts: Floats, exposure: Floats, k: int) -> float:
    """Count the looks that weigh as one independent Poisson look, in the parts before and from look `k`.

    Variance over mean, times what neighbouring looks share: a ship that stays for weeks is seen again and
    again. At least 1. Within the parts, not over the whole: the change itself would pass for scatter.
    """
    parts = [(counts[s], exposure[s]) for s in (slice(0, k), slice(k, None)) if len(counts[s])]
    expected = np.concatenate([held * seen.sum() / held.sum() for seen, held in parts])
    free = len(counts) - len(parts)
    if expected.sum() == 0 or free < 1:
        return 1.0
    rest = counts - expected
    scatter = float((rest**2).sum() / expected.sum()) * len(counts) / free
    return max(1.0, scatter) * repetition(rest)


def repetition(rest: Floats, allowance: float = 1.0) -> float:
    """Count the looks that weigh as one because neighbours show the same ships; at least 1.

    Of a first-order chain with the correlation of neighbours, less `allowance` standard errors: half of all
    independent series share something by chance.
    """
    if not rest.any():
        return 1.0
    n = len(rest)
    shared = float((rest[1:] * rest[:-1]).sum() / (rest**2).sum())
    shared += (
        1 + 3 * shared
    ) / n  # residuals about their own mean look less alike than they are (Kendall 1954)
    shared = float(np.clip(shared - allowance / np.sqrt(n), 0, MAX_SHARED))
    return (1 + shared) / (1 - shared)


def rate(counts: Floats, exposure: Floats, inflation: float = 1.0) -> Rate:
    """Mean count per full look with its 90 % interval (Jeffreys Gamma–Poisson, quasi-Poisson widened)."""
    held = exposure.sum() / inflation
    posterior = stats.gamma(counts.sum() / inflation + 0.5, scale=1 / held)
    low, high = posterior.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    mean = float(counts.sum() / exposure.sum())
    return Rate(mean, float(min(low, mean)), float(max(high, mean)))
