"""Changes of any series: the division against a slow twin, and the families against their truth."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from tasks.science.regimes.general import DEFAULT_GENERAL, fenced, find_shifts
from tasks.science.regimes.partition import cheapest, rest, sums
from tests.benchmarks.regime_families import FAMILIES, cover, f1


def left(values: np.ndarray, sloped: bool) -> float:
    return float(
        (values - np.polyval(np.polyfit(np.arange(len(values)), values, int(sloped)), range(len(values))))
        @ values
    )


@pytest.mark.parametrize("sloped", [False, True])
def test_the_division_equals_its_slow_twin(sloped: bool) -> None:
    rng = np.random.default_rng(3)
    values = np.r_[rng.normal(size=5), 4 + rng.normal(size=4), rng.normal(size=4)]
    running, n, price = sums(values), len(values), 3.0
    assert rest(running, 2, 9, sloped) == pytest.approx(left(values[2:9], sloped))
    every = {}
    for number in range(4):
        for places in combinations(range(1, n), number):
            edges = [0, *places, n]
            if min(np.diff(edges)) >= 3:
                squares = sum(rest(running, a, b, sloped) for a, b in pairwise(edges))
                every[places] = squares + price * number
    assert tuple(cheapest(running, price, 3, sloped)) == min(every, key=every.__getitem__)


@pytest.mark.parametrize(
    ("family", "least"),
    [
        ("one shift", 0.85),
        ("several shifts", 0.75),
        ("trend", 0.95),
        ("kink", 0.7),
        ("shifts and outliers", 0.8),
        ("neighbours alike", 0.7),
        ("short", 0.8),
        ("counts", 0.85),
    ],
)
def test_a_family_is_divided_as_it_was_made(family: str, least: float) -> None:
    number = list(FAMILIES).index(family)
    scores = []
    for seed in range(12):
        values, true = FAMILIES[family](np.random.default_rng([seed, number, 1]))
        told = [shift.index for shift in find_shifts(values)]
        scores.append((f1(true, told), cover(true, told, len(values))))
    assert np.mean(scores, axis=0).min() >= least


def test_a_shift_says_what_it_is() -> None:
    rng = np.random.default_rng(1)
    values = np.r_[rng.normal(size=60), 3 + rng.normal(size=50)]
    (shift,) = find_shifts(values)
    assert abs(shift.index - 60) <= 2
    assert shift.low <= shift.index <= shift.high
    assert shift.high - shift.low <= 8
    assert shift.probability > 0.99
    assert shift.level_before == pytest.approx(values[: shift.index].mean())
    assert shift.level_after == pytest.approx(values[shift.index :].mean())


def test_scale_and_offset_do_not_matter() -> None:
    values, _ = FAMILIES["several shifts"](np.random.default_rng(4))
    once, other = find_shifts(values), find_shifts(1e6 - 1e4 * values)
    assert [s.index for s in once] == [s.index for s in other]
    assert len(once) >= 2


@pytest.mark.parametrize("values", [[], [1.0] * 5, [2.0] * 50, [1, 2, 1, 2, 1]])
def test_what_has_nothing_to_divide(values: list[float]) -> None:
    assert find_shifts(np.array(values)) == []


def test_a_clean_step_is_found_whatever_its_noise() -> None:
    assert [s.index for s in find_shifts(np.r_[np.zeros(20), np.ones(20)])] == [20]


def test_a_value_that_stands_alone_is_drawn_in() -> None:
    values = np.random.default_rng(2).normal(size=50)
    values[20] = 1e6
    assert np.abs(fenced(values, DEFAULT_GENERAL)).max() < 10
    assert find_shifts(values) == []


def test_scores_of_the_benchmark() -> None:
    assert f1([50], []) == pytest.approx(2 / 3)
    assert f1([50], [55]) == 1
    assert f1([50], [56]) == 0.5
    assert f1([], []) == 1
    assert f1([50], [48, 52]) == pytest.approx(0.8)
    assert cover([50], [], 100) == 0.5
    assert cover([50], [50], 100) == 1
    assert cover([], [50], 100) == 0.5
