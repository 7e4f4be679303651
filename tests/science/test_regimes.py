from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from scipy.special import gammaln

from tasks.science.series.regimes import MIN_LOOKS, PRIOR_COUNT, find_change, repetition, within

DAYS = 730
START = np.datetime64("2022-01-01", "s")
SEEDS = 60


def moments(days: np.ndarray) -> np.ndarray:
    return START + (np.asarray(days) * 86400).astype("timedelta64[s]")


def day_of(moment: np.datetime64) -> float:
    return float((moment - START).astype(float)) / 86400


def looks(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Radar every 6 or 12 days, optical every 5 with 55 % lost to cloud; one look in five sees part."""
    radar = np.arange(rng.integers(0, 12), DAYS, rng.choice([6, 12])).astype(float)
    optical = np.arange(rng.integers(0, 5), DAYS, 5).astype(float)
    days = np.unique(np.r_[radar, optical[rng.random(len(optical)) > 0.55]])
    return days, np.where(rng.random(len(days)) < 0.2, rng.uniform(0.4, 1, len(days)), 1.0)


Draw = Callable[[np.random.Generator, np.ndarray], np.ndarray]


def poisson(rng: np.random.Generator, mean: np.ndarray) -> np.ndarray:
    return rng.poisson(mean)


def clumped(rng: np.random.Generator, mean: np.ndarray) -> np.ndarray:
    """Negative binomial of size 1: variance = mean + mean²."""
    return rng.negative_binomial(1, 1 / (1 + mean))


@cache
def runs(before: float, after: float, draw: Draw = poisson) -> tuple[float, float, float]:
    """Share detected, median error in days, share of the detected whose interval covers the date."""
    errors, covered = [], 0
    for seed in range(SEEDS):
        rng = np.random.default_rng([seed, 4])
        days, exposure = looks(rng)
        date = rng.uniform(0.25, 0.75) * DAYS
        counts = draw(rng, np.where(days < date, before, after) * exposure)
        found = find_change(moments(days), counts.astype(float), exposure)
        assert found is not None
        if found.probability >= 0.9:
            errors.append(abs(day_of(found.date) - date))
            covered += day_of(found.low) <= date <= day_of(found.high)
    return len(errors) / SEEDS, float(np.median(errors or [0.0])), covered / max(len(errors), 1)


@pytest.mark.parametrize(("before", "after"), [(0.05, 0.6), (0.6, 0.05)])
def test_a_dormant_port_that_wakes_up_or_falls_asleep(before: float, after: float) -> None:
    detected, error, covered = runs(before, after)
    assert detected >= 0.9
    assert error <= 12
    assert covered >= 0.8


@pytest.mark.parametrize("rate", [0.05, 0.5, 3.0])
@pytest.mark.parametrize("draw", [poisson, clumped])
def test_false_alarms_are_rare(rate: float, draw: Draw) -> None:
    detected, _, _ = runs(rate, rate, draw)
    assert detected <= 0.1


@pytest.mark.parametrize("stay_days", [3, 10])
def test_ships_that_stay_are_no_change(stay_days: int) -> None:
    alarms = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng([seed, 5])
        days, exposure = looks(rng)
        arrived = rng.uniform(-100, DAYS, rng.poisson(0.2 * (DAYS + 100)))
        left = arrived + rng.exponential(stay_days, len(arrived))
        counts = ((days[:, None] >= arrived) & (days[:, None] < left)).sum(axis=1)
        found = find_change(moments(days), counts.astype(float), exposure)
        assert found is not None
        alarms += found.probability >= 0.9
    assert alarms / SEEDS <= 0.1


def test_equals_its_slow_twin() -> None:
    """Every division summed by its own Gamma integral."""
    rng = np.random.default_rng(7)
    days = np.array([0, 6, 12, 30, 36, 42, 48, 60.0])
    counts, exposure = np.array([0, 1, 0, 0, 2, 1, 3, 1.0]), rng.uniform(0.5, 1, 8)
    found = find_change(moments(days), counts, exposure)
    assert found is not None
    phi = found.inflation
    scale = PRIOR_COUNT * exposure.sum() / counts.sum()

    def integral(n: np.ndarray, e: np.ndarray) -> float:
        shape = PRIOR_COUNT + n.sum() / phi
        constant = PRIOR_COUNT * np.log(scale) - gammaln(PRIOR_COUNT)
        return float(np.exp(constant + gammaln(shape) - shape * np.log(scale + e.sum() / phi)))

    odds = sum(
        (days[k] - days[k - 1]) / 60 * integral(counts[:k], exposure[:k]) * integral(counts[k:], exposure[k:])
        for k in range(1, 8)
    ) / integral(counts, exposure)
    assert found.probability == pytest.approx(odds / (1 + odds))


def test_the_date_lies_between_looks() -> None:
    days = np.arange(0, 120, 6.0)
    found = find_change(moments(days), np.where(days < 61, 0, 4.0), np.ones(len(days)))
    assert found is not None
    assert found.probability > 0.99
    assert (found.low, found.high) == (moments(60), moments(66))
    assert found.low < found.date < found.high
    assert (found.looks_before, found.looks_after) == (11, 9)
    assert found.before.mean == 0
    assert found.before.low < found.before.high < found.after.low < found.after.mean == 4


def test_half_the_exposure_is_half_the_count() -> None:
    days = np.arange(0, 240, 6.0)
    exposure = np.where(days < 120, 1.0, 0.5)
    found = find_change(moments(days), np.where(days < 120, 4.0, 2.0), exposure)
    assert found is not None
    assert found.probability < 0.25


@pytest.mark.parametrize("count", [0.0, 1.0])
def test_what_never_changes_has_no_change(count: float) -> None:
    """Of a port in which nothing was ever seen the looks cannot tell: two rates near 0 look like one."""
    days = np.arange(0, 360, 6.0)
    found = find_change(moments(days), np.full(60, count), np.ones(60))
    assert found is not None
    assert found.probability < (0.25 if count else 0.51)
    assert found.whole.low <= count <= found.whole.high


def test_too_few_looks_say_nothing() -> None:
    few = MIN_LOOKS - 1
    assert find_change(moments(np.arange(few)), np.arange(few, dtype=float), np.ones(few)) is None
    assert find_change(moments(np.zeros(9)), np.arange(9.0), np.ones(9)) is None


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
