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
from itertools import pairwise, product
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

SPREAD = 0.999
"""Of the date, within which a change must lie to be this one."""

PLACED = 0.75
"""Probability of a change within `SPREAD` of its date, below which it is not told: all that is known then is
that there is one somewhere."""


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


@dataclass(frozen=True)
class Change:
    """One change of level."""

    probability: float
    """That there was a change between the one before and the one after, or the ends of the series."""

    placed: float
    """That there was one within 99.9 % of its date."""

    date: np.datetime64
    """Median of the date, within the interval of two looks evenly."""

    low: np.datetime64
    high: np.datetime64
    """Looks between which the change lies with 90 %."""

    low_95: np.datetime64
    high_95: np.datetime64
    """The same with 95 %."""

    first: int
    """Number of the first look at or after `date`: it begins the new level."""

    between: tuple[int, int]
    """First and last look before which it may have come: beyond are the changes told next to it."""

    earliest: int
    """First look before which it may have come, with 99.9 %."""


@dataclass(frozen=True)
class Changes:
    """What a series of counts tells of its changes."""

    told: tuple[Change, ...]
    """In order of time; as many as there are with the probability asked for."""

    candidate: Change
    """The change if there is just one; the place to look where none can be told."""

    any: float
    """Probability of at least one change."""

    numbers: tuple[float, ...]
    """Probability of no change, one, two, …; the last is that of all beyond."""

    levels: tuple[Rate, ...]
    """Before, between and after the changes told: one more than changes."""

    looks: tuple[int, ...]
    """Looks in each."""


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

    @cached_property
    def grown(self) -> Floats:
        """``(ways, n)`` log probability of every way and the looks up to each."""
        return self._grown(self.chances)

    def _grown(self, chances: Floats, ways: Sequence[int] | None = None) -> Floats:
        chosen = range(len(self.options.ways)) if ways is None else ways
        worth = np.log(list(self.options.ways.values()))[list(chosen)]
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
    top = 3 * max(float(counts.max() / exposure[np.argmax(counts)]), 1.0)
    number = int(np.ceil(np.log(top / 0.005) / step))
    edges = 0.005 * np.exp(step * np.arange(number + 1))
    part = edges / (1 + edges)
    share = np.sqrt(part) * (3 - part) / 2
    share[0] = 0.0  # a port at which nothing ever happens is among the lowest
    return np.sqrt(edges[1:] * edges[:-1]), np.diff(share)


def find_changes(
    times: Times, counts: Floats, exposure: Floats, options: CountOptions = DEFAULT_COUNTS
) -> Changes | None:
    """Date every change of level in a series of counts; parameters as `CountSeries` has them.

    Returns
    -------
    Changes or None
        None from fewer than `MIN_LOOKS` looks, or if all came at one time.
    """
    if len(times) < MIN_LOOKS or np.min(times) == np.max(times):
        return None
    return changes_of(CountSeries(times, counts, exposure, options))


def changes_of(series: CountSeries) -> Changes:
    """Date every change of a series."""
    numbers = _numbers(series)
    beyond = np.cumsum(numbers[::-1])[::-1]
    told: list[Change] = []
    for number in range(int((beyond >= series.options.sure).sum()) - 1, 0, -1):
        told = _dated(series, number)
        if all(c.probability >= series.options.sure and c.placed >= PLACED for c in told):
            break
        told = []
    edges = [0, *(change.first for change in told), len(series.times)]
    parts = list(pairwise(edges))
    return Changes(
        told=tuple(told),
        candidate=told[0] if len(told) == 1 else _dated(series, 1)[0],
        any=float(beyond[1]),
        numbers=tuple(float(p) for p in numbers),
        levels=tuple(_level(series, a, b) for a, b in parts),
        looks=tuple(b - a for a, b in parts),
    )


def _numbers(series: CountSeries) -> Floats:
    """Probability of every number of changes; more are looked for until the last is next to impossible."""
    most = 6
    while True:
        parts = [
            series.weights[w] * forward(series.ways[w], series.chances, series.prior, most)[0][-1].sum(axis=1)
            for w in series.likely
        ]
        numbers = np.sum(parts, axis=0) / series.weights[series.likely].sum()
        if numbers[-1] < UNLIKELY or most > len(series.times):
            return np.asarray(numbers)
        most *= 2


def _places(series: CountSeries, number: int) -> Floats:
    """Probability of each of `number` changes before each look, if there are so many; ``(number, n)``."""
    logs = [log_places(series.ways[w], series.chances, series.prior, number) for w in series.likely]
    total = logsumexp(logs, axis=0)
    return np.asarray(np.exp(total - logsumexp(total, axis=1, keepdims=True)))


def _dated(series: CountSeries, number: int) -> list[Change]:
    """Date changes if there are just so many; none if two of them cannot be told apart."""
    places = _places(series, number)
    middles = [_looks_at(place, [0.5])[0] for place in places]
    if any(a >= b for a, b in pairwise(middles)):
        return []
    bounds = [0, *middles, len(series.times)]
    return [
        _change(series, place, after + 1, before - 1)
        for place, after, before in zip(places, bounds[:-2], bounds[2:], strict=True)
    ]


def _looks_at(place: Floats, ends: list[float]) -> list[int]:
    """Find the looks at which the share of the date's probability passes `ends`."""
    at = np.searchsorted(np.cumsum(place), ends)
    return [int(a) for a in np.clip(at, 1, len(place) - 1)]


def _change(series: CountSeries, place: Floats, earliest: int, latest: int) -> Change:
    """Read one change off the probability of its place; its neighbours bound what counts as this one."""
    ends = [(1 - SPREAD) / 2, 0.025, (1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2, 0.975, (1 + SPREAD) / 2]
    begin, low_95, low, middle, high, high_95, end = _looks_at(place, ends)
    times, before = series.times, float(place[:middle].sum())
    part = (0.5 - before) / float(place[middle])
    gap = float((times[middle] - times[middle - 1]).astype(float))
    return Change(
        probability=series.probability(earliest, latest),
        placed=series.probability(max(begin, earliest), min(end, latest)),
        date=times[middle - 1] + np.timedelta64(round(part * gap), "s"),
        low=times[low - 1],
        high=times[high],
        low_95=times[low_95 - 1],
        high_95=times[high_95],
        first=middle,
        between=(earliest, latest),
        earliest=max(begin, earliest),
    )


def _level(series: CountSeries, first: int, after: int) -> Rate:
    """Mean of some looks, and the interval of their level over all ways of scattering."""
    logs = np.stack([series.ways[w][first:after].sum(axis=0) for w in series.likely])
    logs += np.log(series.prior) + np.log(series.weights[series.likely])[:, None]
    share = np.cumsum(np.exp(logsumexp(logs, axis=0) - logsumexp(logs)))
    low, high = np.interp([(1 - LEVEL) / 2, (1 + LEVEL) / 2], share, series.grid)
    mean = float(series.counts[first:after].sum() / series.exposure[first:after].sum())
    return Rate(mean, float(min(low, mean)), float(max(high, mean)))
