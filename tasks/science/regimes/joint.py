"""Witnesses of one port that change together: ships that came, and goods and trains that moved.

A port that wakes shows it in all that it does, so a change is one moment for all series, while each has
levels and scatter of its own. What they tell of a division adds up, so it is told sooner than by either, and
a change that only one has must stand against the other. But they are witnesses of the same calls: `WEIGHT`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import product

import numpy as np
from scipy.special import logsumexp

from tasks.science.regimes.counts import DAYS_A_YEAR, UNLIKELY, CountOptions, CountSeries, Floats, Times
from tasks.science.regimes.divisions import counted, known, placed, stretches, unchanged
from tasks.science.regimes.levels import Rate
from tasks.science.regimes.working import WorkSeries

WEIGHT = 0.85
"""What the evidence of each counts for where several are heard: a chance run of calls shows in all. At 1.0,
steady ports of 0.03 to 0.5 calls a day had false alarms of up to 5 % in two years; so, of up to 2 %."""


class JointSeries:
    """Looks of several series, in order of time.

    Parameters
    ----------
    series
        Each with looks of its own; levels told are the first one's. A look that shows only some of them says
        nothing of the others.
    """

    def __init__(self, series: Sequence[CountSeries | WorkSeries]) -> None:
        self.series = tuple(series)
        self.options: CountOptions = self.series[0].options
        self.times: Times = np.unique(np.concatenate([one.times for one in self.series]))
        gaps = np.r_[0.0, np.diff(self.times).astype(float) / 86_400]
        self.chances = -np.expm1(-self.options.changes_a_year * gaps / DAYS_A_YEAR)

    @cached_property
    def _worth(self) -> list[list[Floats]]:
        """``(n, n)`` of every stretch, for each series and each way in which it may scatter."""
        return [[stretches(self._at(one, way), one.prior) for way in one.ways] for one in self.series]

    def _at(self, one: CountSeries | WorkSeries, way: Floats) -> Floats:
        """``(n, k)`` of one series at the looks of all."""
        logs = np.zeros((len(self.times), way.shape[1]))
        np.add.at(logs, np.searchsorted(self.times, one.times), way)
        return logs

    @cached_property
    def _ways(self) -> list[tuple[tuple[int, ...], float]]:
        """Every way in which all may scatter: which of each, and the logarithm of its worth."""
        worths = [list(enumerate(np.log(one.worths))) for one in self.series]
        return [(tuple(w for w, _ in way), sum(worth for _, worth in way)) for way in product(*worths)]

    def _held(self, way: tuple[int, ...], chances: Floats) -> Floats:
        told = np.sum([own[w] for own, w in zip(self._worth, way, strict=True)], axis=0)
        return unchanged(WEIGHT * told, chances)

    def _known(self, chances: Floats, ways: Sequence[int] | None = None) -> Floats:
        """``(ways, n)`` log probability of each way and the looks up to each."""
        with np.errstate(divide="ignore"):
            drawn = np.log(chances)
        chosen = self._ways if ways is None else [self._ways[w] for w in ways]
        return np.stack([known(self._held(way, chances), drawn) + worth for way, worth in chosen])

    @cached_property
    def _all(self) -> Floats:
        return self._known(self.chances)

    @cached_property
    def _likely(self) -> list[int]:
        """Ways that are not ruled out by all looks."""
        last = self._all[:, -1]
        return [int(w) for w in np.flatnonzero(last - logsumexp(last) >= np.log(UNLIKELY))]

    def numbers(self) -> Floats:
        """Tell how probable every number of changes is; the last is that of all beyond."""
        most = 6
        while True:
            logs = [counted(self._held(way, self.chances), self._drawn, most)[:, -1] + worth
                    for way, worth in self._likely_ways]  # fmt: skip
            total = logsumexp(logs, axis=0)
            numbers = np.exp(total - logsumexp(total))
            if numbers[-1] < UNLIKELY or most > len(self.times):
                return np.asarray(numbers)
            most *= 2

    def places(self, number: int) -> Floats:
        """Tell how probable each of `number` changes is before each look, if so many; ``(number, n)``."""
        logs = [placed(self._held(way, self.chances), self._drawn, number) + worth
                for way, worth in self._likely_ways]  # fmt: skip
        total = logsumexp(logs, axis=0)
        return np.asarray(np.exp(total - logsumexp(total, axis=1, keepdims=True)))

    @property
    def _likely_ways(self) -> list[tuple[tuple[int, ...], float]]:
        return [self._ways[w] for w in self._likely]

    @cached_property
    def _drawn(self) -> Floats:
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.chances))

    def probability(self, first: int, last: int) -> float:
        """Tell how probable a change just before the looks `first` to `last` is with all looks."""
        without = self._known(self._closed(first, last), self._likely)[:, -1]
        odds = float(logsumexp(without) - logsumexp(self._all[self._likely, -1]))
        return float(-np.expm1(min(odds, 0.0)))

    def probability_by_look(self, first: int, last: int) -> Floats:
        """Tell the same with the looks up to each alone; ``(n,)``, and no later look touches it."""
        odds: Floats = logsumexp(self._known(self._closed(first, last)), axis=0)
        return np.asarray(-np.expm1(np.minimum(odds - logsumexp(self._all, axis=0), 0.0)))

    def _closed(self, first: int, last: int) -> Floats:
        closed: Floats = self.chances.copy()
        closed[first : last + 1] = 0.0
        return closed

    def level(self, first: int, after: int) -> Rate:
        """Mean and interval of the first series; NaN if none of its looks lies there."""
        one = self.series[0]
        begin = int(np.searchsorted(one.times, self.times[first], side="left"))
        end = int(np.searchsorted(one.times, self.times[after - 1], side="right"))
        return one.level(begin, end) if end > begin else Rate(np.nan, np.nan, np.nan)
