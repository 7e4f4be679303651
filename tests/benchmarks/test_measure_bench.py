"""The bench of berths, yards and rails: its table says what is met, missed and not judged."""

from __future__ import annotations

import math

import pytest

from tests.benchmarks.bench_measures import median, table
from tests.benchmarks.measure_scoring import Figure


@pytest.mark.parametrize(
    ("value", "count", "target", "met"),
    [
        (0.71, 9, ">= 0.70", True),
        (0.69, 9, ">= 0.70", False),
        (0.04, 9, "<= 0.03", False),
        (0.5, 9, "", None),
        (math.nan, 0, ">= 0.70", None),
        (math.nan, 3, ">= 0.70", False),
    ],
)
def test_a_target_is_met_missed_or_not_judged(
    value: float, count: int, target: str, met: bool | None
) -> None:
    assert Figure("x", value, count, target).met is met


def test_the_median_leaves_out_seeds_that_had_nothing_to_judge() -> None:
    seeds = [Figure("x", 0.2, 3), Figure("x", math.nan, 0), Figure("x", 0.4, 5)]
    assert (median(seeds).value, median(seeds).count) == (pytest.approx(0.3), 8)
    assert math.isnan(median([Figure("x", math.nan, 0)]).value)


def test_a_missed_bar_stands_in_the_table() -> None:
    told = table(
        [("busy", "planet", Figure("bias", 0.05, 9, "<= 0.03")), ("quiet", "planet", Figure("n", 1, 2))]
    )
    missed, plain = told.splitlines()[1:]
    assert missed.split()[-3:] == ["<=", "0.03", "MISSED"]
    assert "MISSED" not in plain
