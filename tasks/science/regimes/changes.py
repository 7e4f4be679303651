"""The changes that a series of looks tells: how many, when, how surely, and the levels between them.

What a series is made of is its own affair (`counts`, `joint`): here its sums over all divisions become dates
with their intervals.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from tasks.science.regimes.counts import (
    DEFAULT_COUNTS,
    MIN_LOOKS,
    CountOptions,
    CountSeries,
    Floats,
    Times,
)
from tasks.science.regimes.levels import LEVEL, Rate

SPREAD = 0.999
"""Of the date, within which a change must lie to be this one."""

PLACED = 0.75
"""Probability of a change within `SPREAD` of its date, below which it is not told: all that is known then is
that there is one somewhere."""


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


class Looks(Protocol):
    """Looks in order of time, and sums over every way to divide them into stretches of one level."""

    times: Times
    options: CountOptions

    def numbers(self) -> Floats:
        """Tell how probable no change, one, two, … are; the last is that of all beyond."""

    def places(self, number: int) -> Floats:
        """Tell how probable each of `number` changes is before each look, if so many; ``(number, n)``."""

    def probability(self, first: int, last: int) -> float:
        """Tell how probable a change just before the looks `first` to `last` is with all looks."""

    def probability_by_look(self, first: int, last: int) -> Floats:
        """Tell the same with the looks up to each alone; ``(n,)``."""

    def level(self, first: int, after: int) -> Rate:
        """Mean and interval from look `first` to the one before `after`."""


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


def changes_of(series: Looks) -> Changes:
    """Date every change of a series."""
    numbers = series.numbers()
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
        levels=tuple(series.level(a, b) for a, b in parts),
        looks=tuple(b - a for a, b in parts),
    )


def _dated(series: Looks, number: int) -> list[Change]:
    """Date changes if there are just so many; none if two of them cannot be told apart."""
    places = series.places(number)
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


def _change(series: Looks, place: Floats, earliest: int, latest: int) -> Change:
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
