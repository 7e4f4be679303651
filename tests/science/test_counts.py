"""Changes of level in counts: the sums against a slow twin, and the story told of simulated looks."""

from __future__ import annotations

from functools import cache
from itertools import combinations, pairwise

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from tasks.science.regimes import counts as module
from tasks.science.regimes.chance import NEVER, SEEN_AGAIN, log_chances
from tasks.science.regimes.changes import Changes, changes_of, find_changes
from tasks.science.regimes.counts import MIN_LOOKS, WAYS, CountSeries
from tasks.science.regimes.levels import repetition, within
from tasks.science.regimes.segments import backward, evidence, forward, log_places
from tests.benchmarks.regime_series import Sighted, day_of, look_days, lying, moments, stepped

SEEDS = 30


def found(series: Sighted) -> Changes:
    told = find_changes(series.times, series.counts, series.exposure)
    assert told is not None
    return told


@cache
def runs(before: float, after: float) -> tuple[float, float, float]:
    """Share detected, median error in days, share of the detected whose interval covers the date."""
    errors, covered = [], 0
    for seed in range(SEEDS):
        series = stepped(seed, before, after)
        if told := found(series).told:
            errors.append(min(abs(day_of(c.date) - series.day) for c in told))
            covered += any(day_of(c.low) <= series.day <= day_of(c.high) for c in told)
    return len(errors) / SEEDS, float(np.median(errors or [0.0])), covered / max(len(errors), 1)


@pytest.mark.parametrize(("before", "after"), [(0.05, 0.6), (0.6, 0.05)])
def test_a_dormant_port_that_wakes_up_or_falls_asleep(before: float, after: float) -> None:
    detected, error, covered = runs(before, after)
    assert detected >= 0.93
    assert error <= 10
    assert covered >= 0.8


@pytest.mark.parametrize("clumping", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("rate", [0.05, 0.5, 3.0])
def test_false_alarms_are_rare(rate: float, clumping: float) -> None:
    assert sum(bool(found(stepped(s, rate, rate, clumping)).told) for s in range(20)) <= 1


@pytest.mark.parametrize("stay_days", [3, 10])
def test_ships_that_stay_are_no_change(stay_days: float) -> None:
    assert sum(bool(found(lying(s, 0.2 * stay_days, stay_days)).told) for s in range(20)) <= 1


def test_two_changes_and_a_pause_are_each_found() -> None:
    rng = np.random.default_rng(2)
    days, exposure = look_days(rng)
    rate = np.select([days < 200, days < 400, days < 500], [0.05, 1.5, 0.05], 1.5)
    series = Sighted(moments(days), rng.poisson(rate * exposure).astype(float), exposure, np.nan)
    told = found(series)
    assert [round(day_of(c.date) / 100) for c in told.told] == [2, 4, 5]
    assert all(c.low_95 <= c.low <= c.date <= c.high <= c.high_95 for c in told.told)
    assert np.argmax(told.numbers) == 3
    assert sum(told.numbers) == pytest.approx(1)
    assert sum(told.looks) == len(days)
    assert [level.mean > 0.5 for level in told.levels] == [False, True, False, True]


SHORT = np.array([0, 0, 1, 0, 2, 3, 2.0])
LEVELS, PRIOR = np.array([0.1, 0.7, 2.5]), np.array([0.5, 0.3, 0.2])
CHANCES = np.array([0, 0.1, 0.3, 0.05, 0.2, 0.1, 0.4])


def divisions(logs: np.ndarray) -> dict[tuple[int, ...], float]:
    """Log probability of the looks with every division: every part summed over its own levels."""
    n = len(logs)
    out = {}
    for number in range(n):
        for places in combinations(range(1, n), number):
            total = sum(np.log(CHANCES[j] if j in places else 1 - CHANCES[j]) for j in range(1, n))
            edges = (0, *places, n)
            for a, b in pairwise(edges):
                total += logsumexp(logs[a:b].sum(axis=0) + np.log(PRIOR))
            out[places] = float(total)
    return out


def test_sums_over_divisions_equal_their_slow_twin() -> None:
    logs = stats.poisson.logpmf(SHORT[:, None], LEVELS)
    every = divisions(logs)
    whole = logsumexp(list(every.values()))
    grown = evidence(logs, CHANCES, PRIOR)
    assert grown[-1] == pytest.approx(whole)
    assert grown[3] == pytest.approx(evidence(logs[:4], CHANCES[:4], PRIOR)[-1])

    state, scales = forward(logs, CHANCES, PRIOR, 2)
    assert scales.sum() == pytest.approx(whole)
    for number in (0, 1):
        true = logsumexp([v for k, v in every.items() if len(k) == number])
        assert np.log(state[-1, number].sum()) + whole == pytest.approx(true)
    beyond = logsumexp([v for k, v in every.items() if len(k) >= 2])
    assert np.log(state[-1, 2].sum()) + whole == pytest.approx(beyond)

    places = log_places(logs, CHANCES, PRIOR, 2)
    for c in (0, 1):
        for j in range(1, len(SHORT)):
            true = logsumexp([-np.inf, *(v for k, v in every.items() if len(k) == 2 and k[c] == j)])
            assert places[c, j] == pytest.approx(true)
    back, left = backward(logs, CHANCES, PRIOR, 1)
    assert np.log((PRIOR * np.exp(logs[0]) * back[0, 0]).sum()) + left[0] == pytest.approx(every[()])


@pytest.mark.parametrize(("size", "stay"), WAYS)
def test_a_look_shows_something(size: float, stay: float) -> None:
    """Whatever the look before showed, the chances of all counts sum to 1, and their mean is the level's."""
    most, levels = 60, np.array([0.05, 0.9])
    chances = np.zeros((3, most, 2))
    for before in range(3):
        for count in range(most):
            pair, seen = np.array([before, count], float), np.array([0.8, 0.6])
            logs = log_chances(pair, seen, np.array([0, 1.5]), levels, size, stay)
            chances[before, count] = np.exp(logs[1])
    possible = chances[:2] if size == -1 else chances
    assert possible.sum(axis=1) == pytest.approx(1, abs=2e-3)
    kept = SEEN_AGAIN * 0.6 * (np.exp(-1.5 / stay) if stay else 0.0)
    fresh = 0.6 * levels * (1 - 0.8 * kept / 0.6)
    mean = (possible * np.arange(most)[None, :, None]).sum(axis=1)
    assert mean[1] == pytest.approx(kept + fresh, abs=0.03)


def test_what_cannot_be_is_never() -> None:
    logs = log_chances(np.array([2.0]), np.ones(1), np.zeros(1), np.array([0.5, 1.5]), -1.0, 0.0)
    assert (logs == NEVER).all()


def test_no_later_look_matters_for_what_was_known() -> None:
    whole = stepped(3, 0.05, 0.6)
    series = CountSeries(whole.times, whole.counts, whole.exposure)
    upto = 70
    early = CountSeries(whole.times[:upto], whole.counts[:upto], whole.exposure[:upto])
    late = series.probability_by_look(20, 60)[:upto]
    assert late == pytest.approx(early.probability_by_look(20, 60), abs=0.01)  # the quadrature's fineness


def test_looks_of_one_moment_have_no_order() -> None:
    rng = np.random.default_rng(8)
    days = np.repeat(np.arange(0, 300, 10.0), 2)
    counts, exposure = rng.poisson(np.where(days < 150, 0.1, 1.5)), rng.uniform(0.5, 1, 60)
    swapped = np.arange(60) ^ 1
    one = find_changes(moments(days), counts, exposure)
    other = find_changes(moments(days[swapped]), counts[swapped], exposure[swapped])
    assert one == other
    mixed = rng.permutation(60)
    assert find_changes(moments(days[mixed]), counts[mixed], exposure[mixed]) == one


def test_the_date_lies_between_looks() -> None:
    days = np.arange(0, 120, 6.0)
    after = np.array([4, 6, 3, 5, 1, 4, 7, 2, 4.0])
    told = find_changes(moments(days), np.r_[np.zeros(11), after], np.ones(len(days)))
    assert told is not None
    (change,) = told.told
    assert change.probability > 0.99
    assert change.low <= moments(60) < change.date < moments(66) <= change.high
    assert told.looks == (11, 9)
    before, after = told.levels
    assert before.mean == 0
    assert before.low < before.high < after.low < after.mean == 4


def test_half_the_exposure_is_half_the_count() -> None:
    days = np.arange(0, 240, 6.0)
    exposure = np.where(days < 120, 1.0, 0.5)
    told = find_changes(moments(days), np.where(days < 120, 4.0, 2.0), exposure)
    assert told is not None
    assert told.any < 0.25


@pytest.mark.parametrize(("count", "most"), [(0.0, 0.35), (1.0, 0.25)])
def test_what_never_changes_has_no_change(count: float, most: float) -> None:
    days = np.arange(0, 360, 6.0)
    told = find_changes(moments(days), np.full(60, count), np.ones(60))
    assert told is not None
    assert told.any < most
    assert told.levels[0].low <= count <= told.levels[0].high


def test_a_ship_that_lies_for_months_is_no_clear_wake_up() -> None:
    """One ship on every look from some day on: it may be the same."""
    days = np.arange(0, 240, 6.0)
    told = find_changes(moments(days), np.where(days < 120, 0, 1.0), np.ones(40))
    assert told is not None
    assert told.told == ()
    assert 0.3 < told.any < 0.9


def test_too_few_looks_say_nothing() -> None:
    few = MIN_LOOKS - 1
    assert find_changes(moments(np.arange(few)), np.arange(few, dtype=float), np.ones(few)) is None
    assert find_changes(moments(np.zeros(9)), np.arange(9.0), np.ones(9)) is None


def test_more_changes_than_are_looked_for_at_first() -> None:
    rng = np.random.default_rng(5)
    days = np.arange(0, 3000, 6.0)
    rate = np.where((days // 300) % 2 == 0, 0.1, 3.0)
    series = CountSeries(moments(days), rng.poisson(rate), np.ones(len(days)))
    told = changes_of(series)
    assert [round(day_of(c.date) / 300) for c in told.told] == list(range(1, 10))


def test_worths_sum_to_one() -> None:
    assert sum(module.WAYS.values()) == pytest.approx(1)


def test_a_change_is_no_scatter() -> None:
    counts = np.r_[np.zeros(20), np.full(20, 5.0)]
    assert within(counts, np.ones(40), 20) == 1
    assert within(counts, np.ones(40), 40) > 3


def test_a_ship_seen_ten_times_is_not_ten_ships() -> None:
    rng = np.random.default_rng(1)
    long = np.repeat(rng.normal(size=12), 10)
    assert repetition(long - long.mean()) > 5
    assert repetition(rng.normal(size=120)) < 1.5
    assert repetition(np.zeros(5)) == 1
