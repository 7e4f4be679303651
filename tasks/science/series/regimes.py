"""When a port woke up: one change of level in a series of counts, exactly.

Counts are Poisson with a rate that changes at most once; both rates have Gamma priors, so every
place of the change has its likelihood in closed form, and so have its interval and the probability
that there was a change at all. Looks at irregular times weigh by what they saw (exposure). Where counts vary
more than Poisson's, each weighs less (quasi-Poisson). Several changes are a dynamic programme over
the same `_evidence`; not yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.special import gammaln, logsumexp

LEVEL = 0.9
"""Probability of the intervals."""

MIN_LOOKS = 6
"""Below this there is nothing to divide: three looks on either side."""

PRIOR_COUNT = 0.5
"""Shape of the Gamma prior of a rate: Jeffreys'. Its scale is set so that its mean is the whole series'
(it must be proper to compare with no change): the prior weighs half a vessel."""

LEAST_MEAN = 0.25
"""Vessels per look that the prior expects at least, a ship on one look in four: were it scaled to a port at
which nothing was ever seen, no number of looks could show that nothing happened."""

PRIOR_CHANGE = 0.5
"""Probability of a change before any look."""


MAX_SHARED = 0.8
"""Correlation of neighbouring looks beyond which it cannot be told from a drift."""


@dataclass(frozen=True)
class Rate:
    """A level with its 90 % interval, per look that sees everything."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Change:
    """The one change that a series may hold."""

    probability: float
    """That there is a change at all."""

    log_bayes_factor: float
    """Natural logarithm, change against no change."""

    date: np.datetime64
    """Median of the date, within the interval of two looks evenly."""

    low: np.datetime64
    high: np.datetime64
    """Looks between which the change lies with 90 %."""

    before: Rate
    after: Rate
    whole: Rate
    """Levels if it is placed where it is most probable, and if there is none."""

    looks_before: int
    looks_after: int

    inflation: float
    """Looks that weigh as one independent Poisson look; see `within`."""


Floats = npt.NDArray[np.floating[Any]]


def find_change(times: npt.NDArray[np.datetime64], counts: Floats, exposure: Floats) -> Change | None:
    """Date the change of level in a series of counts.

    Parameters
    ----------
    times
        ``(n,)`` of the looks, ascending; looks that could not see are left out, they are not zeros.
    counts
        ``(n,)`` vessels.
    exposure
        ``(n,)`` share of the quay that each look saw, above 0.

    Returns
    -------
    Change or None
        None from fewer than `MIN_LOOKS` looks, or if all came at one time.
    """
    if len(times) < MIN_LOOKS or times[0] == times[-1]:
        return None
    counts, exposure = np.asarray(counts, float), np.asarray(exposure, float)
    plain = _weights(times, counts, exposure, 1.0)
    inflation = within(counts, exposure, int(np.argmax(plain)) + 1)
    weights = _weights(times, counts, exposure, inflation)
    factor = float(logsumexp(weights))
    odds = factor + np.log(PRIOR_CHANGE / (1 - PRIOR_CHANGE))
    date, low, high = _dates(times, np.exp(weights - factor))
    k = int(np.argmax(weights)) + 1
    return Change(
        probability=float(1 / (1 + np.exp(-np.clip(odds, -700, 700)))),
        log_bayes_factor=factor,
        date=date,
        low=low,
        high=high,
        before=rate(counts[:k], exposure[:k], inflation),
        after=rate(counts[k:], exposure[k:], inflation),
        whole=rate(counts, exposure, within(counts, exposure, len(counts))),
        looks_before=k,
        looks_after=len(counts) - k,
        inflation=inflation,
    )


def _weights(times: npt.NDArray[np.datetime64], counts: Floats, exposure: Floats, inflation: float) -> Floats:
    """Logarithm of prior × Bayes factor of a change after each look but the last.

    A change comes at any time alike, so an interval between looks has its length as prior.
    """
    gap = np.diff(times).astype("timedelta64[s]").astype(float)
    seen, held = np.cumsum(counts) / inflation, np.cumsum(exposure) / inflation
    scale = PRIOR_COUNT / max(seen[-1] / held[-1], LEAST_MEAN)
    parts = _evidence(seen[:-1], held[:-1], scale) + _evidence(
        seen[-1] - seen[:-1], held[-1] - held[:-1], scale
    )
    with np.errstate(divide="ignore"):
        prior = np.log(gap / gap.sum())
    return np.asarray(prior + parts - _evidence(seen[-1], held[-1], scale))


def _evidence(seen: Any, held: Any, scale: float) -> Any:
    """Log marginal likelihood of a part with one rate, without what is common to all divisions."""
    shape = PRIOR_COUNT + seen
    return gammaln(shape) - gammaln(PRIOR_COUNT) + PRIOR_COUNT * np.log(scale) - shape * np.log(scale + held)


def _dates(
    times: npt.NDArray[np.datetime64], posterior: Floats
) -> tuple[np.datetime64, np.datetime64, np.datetime64]:
    share = np.cumsum(posterior) / posterior.sum()
    first, middle, last = np.searchsorted(share, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2])
    last = min(last, len(share) - 1)  # rounding may leave the last share a hair below 1
    before = share[middle - 1] if middle else 0.0
    part = (0.5 - before) / (share[middle] - before)
    seconds = times.astype("datetime64[s]")
    date = seconds[middle] + np.timedelta64(
        round(part * float((seconds[middle + 1] - seconds[middle]).astype(float))), "s"
    )
    return date, seconds[first], seconds[last + 1]


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
