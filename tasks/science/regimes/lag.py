"""How long after a port its inland depot moves: lagged correlation of two series that were seen at odd times.

Nothing is interpolated. Each series first loses its level, its trend and its memory (a first-order process
over irregular gaps), for two series with memory seem to follow one another where neither does. What is left
is correlated by pairs of looks whose distance in time is near the lag (Gaussian kernel; Rehfeld et al. 2011).
How large the best of all lags gets by chance is told by shifting one series round against the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

Floats = npt.NDArray[np.float64]

DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class LagOptions:
    """What is looked for."""

    longest_days: float = 60.0
    """Longest lag: from quay to depot goods take days to weeks."""

    kernel: float = 0.5
    """Width of the kernel in mean gaps between looks. Rehfeld et al. take a quarter; with the dozens of looks
    a season gives, half keeps enough pairs at every lag."""

    shifts: int = 999
    """Shifted series that chance is told from."""

    resamples: int = 400
    """Of the bootstrap that tells the lag's interval."""

    block_days: float = 30.0
    """Length of its blocks: longer than what memory prewhitening leaves."""

    level: float = 0.9
    """Probability of the lag's interval."""

    chance: float = 0.02
    """Probability by chance up to which a lag is told. Shifting wraps a series round and so tells a little
    too little: of strangers with memories of 3 to 25 days 6.6 % come out below 0.05, and 3 % below 0.02."""

    least_looks: int = 20
    """Of either series."""


DEFAULT_LAG = LagOptions()


@dataclass(frozen=True)
class Lag:
    """Whether one series follows another, and how long after."""

    told: bool
    """Whether a lag is told at all; if not, the looks show none, and that is the result."""

    days: float | None
    low: float | None
    high: float | None
    """The lag with its 90 % interval; None where none is told."""

    correlation: float
    """At the best lag, of what memory leaves."""

    chance: float
    """Probability of as large a correlation at any lag, were the series strangers."""

    looks: tuple[int, int]


def lag(
    times_a: npt.NDArray[np.datetime64],
    values_a: Floats,
    times_b: npt.NDArray[np.datetime64],
    values_b: Floats,
    rng: np.random.Generator,
    options: LagOptions = DEFAULT_LAG,
) -> Lag | None:
    """Find how long after the first series the second one does the same.

    Parameters
    ----------
    times_a, times_b
        ``(n,)`` and ``(m,)`` of looks, ascending; those that could not tell are left out.
    values_a, values_b
        What they told, in any unit: a constant factor or offset changes nothing.
    rng
        Where chance comes from.
    options
        What is looked for.

    Returns
    -------
    Lag or None
        None from too few looks, or where one series never changes.
    """
    day_a, day_b = ((t - times_a[0]) / DAY for t in (times_a, times_b))
    if min(len(day_a), len(day_b)) < options.least_looks or not (np.ptp(values_a) and np.ptp(values_b)):
        return None
    a, b = fresh(day_a, values_a), fresh(day_b, values_b)
    width = options.kernel * max(np.ptp(d) / (len(d) - 1) for d in (day_a, day_b))
    lags = np.arange(0.0, options.longest_days + 1e-9, max(width / 2, 0.25))
    pairs, weight = _paired(day_a, day_b, b, lags, width)
    found = _correlation(a, pairs, weight)
    best = int(np.nanargmax(found))
    size = _highest(_shifted(a, options.shifts, rng), pairs, weight)
    chance = (1 + float((size >= found[best]).sum())) / (1 + options.shifts)
    looks = (len(day_a), len(day_b))
    if chance > options.chance:
        return Lag(False, None, None, None, float(found[best]), chance, looks)
    picked = lags[_resampled(a, day_a, pairs, weight, options, rng)]
    low, high = np.quantile(picked, [(1 - options.level) / 2, (1 + options.level) / 2])
    # No finer than the kernel sees.
    low, high = max(min(low, lags[best]) - width / 2, 0.0), max(high, lags[best]) + width / 2
    return Lag(True, float(lags[best]), float(low), float(high), float(found[best]), chance, looks)


def fresh(days: Floats, values: Floats) -> Floats:
    """Take from a series what it had before: level, trend and first-order memory; mean 0, variance 1.

    The memory is that which leaves the smallest squares (Mudelsee 2002), gaps of any length.
    """
    design = np.column_stack([np.ones(len(days)), days - days.mean()])
    rest = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
    rest = rest / rest.std() if rest.std() > 0 else rest
    gap = np.diff(days)

    def left(log_memory: float) -> Floats:
        kept = np.exp(-gap / np.exp(log_memory))
        return np.asarray((rest[1:] - kept * rest[:-1]) / np.sqrt(1 - kept**2 + 1e-9))

    def cost(log_memory: float) -> float:
        kept = np.exp(-gap / np.exp(log_memory))
        spread = 1 - kept**2 + 1e-9
        news = (rest[1:] - kept * rest[:-1]) ** 2
        return float((news / spread).sum() / len(gap) + np.log(spread).mean())

    span = np.log([max(np.median(gap), 1e-3) / 5, np.ptp(days) / 3])
    memory = minimize_scalar(cost, bounds=tuple(np.sort(span)), method="bounded").x
    out = np.concatenate([rest[:1], left(float(memory))])
    return np.asarray((out - out.mean()) / (out.std() or 1.0))


def _paired(day_a: Floats, day_b: Floats, b: Floats, lags: Floats, width: float) -> tuple[Floats, Floats]:
    """Sum, for each look of the first series and each lag, the second's about then, and their weights."""
    pairs, weight = np.zeros((len(day_a), len(lags))), np.zeros((len(day_a), len(lags)))
    apart = day_b[None, :] - day_a[:, None]
    for k, shift in enumerate(lags):
        near = np.exp(-0.5 * ((apart - shift) / width) ** 2)
        near[near < 0.01] = 0
        pairs[:, k], weight[:, k] = near @ b, near.sum(axis=1)
    return pairs, weight


def _correlation(a: Floats, pairs: Floats, weight: Floats) -> Any:
    """Weigh pairs to a correlation at each lag; of several series at once where `a` has rows.

    A lag that few pairs reach varies more, so it is shrunk: its weight is at least that of a fifth of the
    best-covered lag's.
    """
    total = weight.sum(axis=0)
    return (a @ pairs) / np.maximum(total, 0.2 * total.max())


def _shifted(a: Floats, shifts: int, rng: np.random.Generator) -> Floats:
    """Shift a series round against itself, ``(shift, n)``."""
    by = rng.integers(1, len(a), shifts)
    return np.asarray(a[(np.arange(len(a)) + by[:, None]) % len(a)])


def _highest(shifted: Floats, pairs: Floats, weight: Floats) -> Floats:
    return np.asarray(_correlation(shifted, pairs, weight).max(axis=1))


def _resampled(
    a: Floats, days: Floats, pairs: Floats, weight: Floats, options: LagOptions, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Find the best lag in series put together from blocks of this one."""
    block = ((days - days[0]) // options.block_days).astype(int)
    count = int(block.max()) + 1
    of_block = np.zeros((count, *pairs.shape[1:], 2))
    np.add.at(of_block, block, np.stack([a[:, None] * pairs, weight], axis=-1))
    times = rng.multinomial(count, np.full(count, 1 / count), options.resamples)
    total = np.einsum("rb,blk->rlk", times, of_block)
    floor = 0.2 * total[..., 1].max(axis=1, keepdims=True)
    return np.asarray(np.argmax(total[..., 0] / np.maximum(total[..., 1], floor), axis=1))
