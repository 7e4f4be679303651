"""When a port woke, went faster or fell quiet: every change of level in a series of counts, exactly.

A level holds until a change comes, at any time alike; then a new one is drawn. Looks at irregular times weigh
by what they saw, show survivors of the look before, and scatter more than Poisson's where ships come in
clumps (`chance`); how long ships stay and how they clump is not assumed but summed over. All divisions of
the series are summed too (`segments`), so that the number of changes, the place of each, and what was known
on any day are probabilities and not the outcome of a search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from tasks.science.regimes.chance import log_chances
from tasks.science.regimes.levels import LEVEL, Rate
from tasks.science.regimes.segments import evidence, forward, log_places

Floats = npt.NDArray[np.floating[Any]]
Times = npt.NDArray[np.datetime64]

MIN_LOOKS = 6
"""Below this there is nothing to divide: three looks on either side."""

MOST_COUNT = 300
"""Largest count for which sums over survivors hold in double precision."""

SIZES = {np.inf: 0.5, 2.0: 0.2, 0.8: 0.2, 0.3: 0.1}
"""Sizes of the negative binomial that are summed over, with what each is worth before any look; infinite is
Poisson, which a port's calls are unless the looks say otherwise."""

STAYS = {0.0: 0.45, 2.0: 0.35}
"""Mean days of a stay that are summed over, with what each is worth; 0 leaves looks independent."""

LONG_STAYS = {8.0: 0.15, 25.0: 0.05}
"""The same, without clumps: that many ships come at once and then lie for weeks is a change of level."""

ROOMS = (1, 2, 3)
"""Ships that there is room for, where a quay that is nearly always full scatters less than Poisson's. Without
them a berth that is suddenly taken on every look reads as one ship that lies there for months."""

FULL = 0.2
"""What a quay with so little room is worth before any look."""

WAYS = (
    {(z, d): (1 - FULL) * a * b for (z, a), (d, b) in product(SIZES.items(), STAYS.items())}
    | {(np.inf, stay): (1 - FULL) * worth for stay, worth in LONG_STAYS.items()}
    | {(-float(room), 0.0): FULL / len(ROOMS) for room in ROOMS}
)
"""Every way of scattering: size (or, below 0, room) and stay, with its worth; they sum to 1."""

DAYS_A_YEAR = 365.25

UNLIKELY = 0.01
"""Share of the evidence below which a way of scattering is left out of the dating."""


@dataclass(frozen=True)
class CountOptions:
    """What is believed before any look."""

    changes_a_year: float = 0.4
    """Expected: the prior is on time, so that a port looked at twice as often has not twice as many."""

    sure: float = 0.9
    """Probability from which a change is told."""

    lasting: bool = True
    """Whether a look may show what the one before did; not if newcomers alone are counted."""

    @property
    def ways(self) -> dict[tuple[float, float], float]:
        """Ways of scattering that may be, with their worth; they sum to 1."""
        if self.lasting:
            return WAYS
        fresh = {(size, stay): worth for (size, stay), worth in WAYS.items() if stay == 0 and size > 0}
        return {way: worth / sum(fresh.values()) for way, worth in fresh.items()}


DEFAULT_COUNTS = CountOptions()


class CountSeries:
    """Looks in order of time, with everything that any sum over them needs.

    Parameters
    ----------
    times
        ``(n,)`` of the looks; looks that could not see are left out, they are not zeros.
    counts
        ``(n,)`` vessels, whole numbers up to `MOST_COUNT`.
    exposure
        ``(n,)`` share of the quay that each look saw, above 0.
    options
        What is believed before any look.
    """

    def __init__(
        self, times: Times, counts: Floats, exposure: Floats, options: CountOptions = DEFAULT_COUNTS
    ) -> None:
        seconds = np.asarray(times, "datetime64[s]")
        counts, exposure = np.asarray(counts, float), np.asarray(exposure, float)
        # Looks of one moment have no order of their own.
        self.order = order = np.lexsort((exposure, counts, seconds))
        self.times, self.counts, self.exposure = seconds[order], counts[order], exposure[order]
        self.options = options
        self.gaps = np.r_[0.0, np.diff(self.times).astype(float) / 86_400]
        self.chances = -np.expm1(-options.changes_a_year * self.gaps / DAYS_A_YEAR)
        self.grid, self.prior = _levels(self.counts, self.exposure)

    @cached_property
    def ways(self) -> list[Floats]:
        """``(n, k)`` log probability of looks at levels, for every way of clumping and staying."""
        return [
            log_chances(self.counts, self.exposure, self.gaps, self.grid, size, stay)
            for size, stay in self.options.ways
        ]

    @property
    def worths(self) -> list[float]:
        """What each way is worth before any look."""
        return list(self.options.ways.values())

    @cached_property
    def grown(self) -> Floats:
        """``(ways, n)`` log probability of every way and the looks up to each."""
        return self._grown(self.chances)

    def _grown(self, chances: Floats, ways: Sequence[int] | None = None) -> Floats:
        chosen = range(len(self.options.ways)) if ways is None else ways
        worth = np.log(self.worths)[list(chosen)]
        grown = np.stack([evidence(self.ways[w], chances, self.prior) for w in chosen])
        return np.asarray(grown + worth[:, None])

    @cached_property
    def weights(self) -> Floats:
        """Probability of every way, with all looks."""
        last = self.grown[:, -1]
        return np.asarray(np.exp(last - logsumexp(last)))

    @cached_property
    def likely(self) -> list[int]:
        """Ways that are not ruled out."""
        return [int(w) for w in np.flatnonzero(self.weights >= UNLIKELY)]

    def probability_by_look(self, first: int, last: int) -> Floats:
        """Tell how probable a change just before the looks `first` to `last` was with the looks up to each.

        Returns
        -------
        numpy.ndarray
            ``(n,)``; what look `j` holds is not touched by any later one.
        """
        odds: Floats = logsumexp(self._grown(self._closed(first, last)), axis=0)
        return np.asarray(-np.expm1(np.minimum(odds - logsumexp(self.grown, axis=0), 0.0)))

    def probability(self, first: int, last: int) -> float:
        """Tell how probable a change just before the looks `first` to `last` is with all looks.

        Of the ways that all looks do not rule out: the others weigh next to nothing.
        """
        without = self._grown(self._closed(first, last), self.likely)[:, -1]
        odds = float(logsumexp(without) - logsumexp(self.grown[self.likely, -1]))
        return float(-np.expm1(min(odds, 0.0)))

    def numbers(self) -> Floats:
        """Tell how probable every number of changes is; the last is that of all beyond.

        More are looked for until the last is next to impossible.
        """
        most = 6
        while True:
            parts = [
                self.weights[w] * forward(self.ways[w], self.chances, self.prior, most)[0][-1].sum(axis=1)
                for w in self.likely
            ]
            numbers = np.sum(parts, axis=0) / self.weights[self.likely].sum()
            if numbers[-1] < UNLIKELY or most > len(self.times):
                return np.asarray(numbers)
            most *= 2

    def places(self, number: int) -> Floats:
        """Tell how probable each of `number` changes is before each look, if so many; ``(number, n)``."""
        logs = [log_places(self.ways[w], self.chances, self.prior, number) for w in self.likely]
        total = logsumexp(logs, axis=0)
        return np.asarray(np.exp(total - logsumexp(total, axis=1, keepdims=True)))

    def level(self, first: int, after: int) -> Rate:
        """Mean of some looks, and the interval of their level over all ways of scattering."""
        logs = np.stack([self.ways[w][first:after].sum(axis=0) for w in self.likely])
        logs += np.log(self.prior) + np.log(self.weights[self.likely])[:, None]
        share = np.cumsum(np.exp(logsumexp(logs, axis=0) - logsumexp(logs)))
        low, high = np.interp([(1 - LEVEL) / 2, (1 + LEVEL) / 2], share, self.grid)
        mean = float(self.counts[first:after].sum() / self.exposure[first:after].sum())
        return Rate(mean, float(min(low, mean)), float(max(high, mean)))

    def _closed(self, first: int, last: int) -> Floats:
        closed: Floats = self.chances.copy()
        closed[first : last + 1] = 0.0
        return closed


def _levels(counts: Floats, exposure: Floats) -> tuple[Floats, Floats]:
    """Choose levels and their prior, density ∝ level^-1/2 · (1 + level)^-5/2: Jeffreys' near 0, and proper.

    It has no scale of the series in it, for what is known on a day must not hang on later looks; only how
    fine the quadrature is does.
    """
    step = float(np.clip(1 / np.sqrt(counts.sum() + 1), 0.06, 0.125))
    return level_prior(step, 3 * max(float(counts.max() / exposure[np.argmax(counts)]), 1.0))


def level_prior(step: float, top: float) -> tuple[Floats, Floats]:
    """Lay levels from 0.005 to `top`, `step` apart in logarithms, with the prior's share of each."""
    number = int(np.ceil(np.log(top / 0.005) / step))
    edges = 0.005 * np.exp(step * np.arange(number + 1))
    part = edges / (1 + edges)
    share = np.sqrt(part) * (3 - part) / 2
    share[0] = 0.0  # a port at which nothing ever happens is among the lowest
    return np.sqrt(edges[1:] * edges[:-1]), np.diff(share)
