"""The benchmarks are imported by the tests, so that they cannot rot unseen; their scoring is tested."""

from __future__ import annotations

import numpy as np
import pandas as pd
import psutil
import pytest

from tests.benchmarks import bench_accuracy, bench_foundation, scoring

METRE = 1 / 111_320
"""Degrees of latitude."""


def test_the_benchmark_can_measure() -> None:
    assert bench_foundation.tree_mb(psutil.Process()) > 10
    assert callable(bench_foundation.bench_latakia)
    assert callable(bench_accuracy.main)


def ships(*rows: tuple[str, float, bool, float]) -> pd.DataFrame:
    """``scene, metres north, alongside, share seen``; 100 m long."""
    return pd.DataFrame(
        [
            {"scene_id": s, "longitude": 0.0, "latitude": m * METRE, "length_m": 100.0, "width_m": 16.0,
             "alongside": a, "seen_share": seen, "zone_id": "b"}
            for s, m, a, seen in rows
        ]
    )  # fmt: skip


def vessels(*rows: tuple[str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"scene_id": s, "longitude": 0.0, "latitude": m * METRE, "length_m": n, "alongside": False}
            for s, m, n in rows
        ]
    )


def test_each_ship_is_matched_once_and_the_nearest_pairs_win() -> None:
    truth = ships(("a", 0, False, 1.0), ("a", 150, False, 1.0))
    found = vessels(("a", 140, 90.0), ("a", 160, 110.0))
    told = scoring.outcomes(truth, found, ["a"])
    assert sorted(told["kind"]) == ["hit", "hit"]  # the first is 140 m off, and still hit


def test_a_quay_is_stricter_than_the_roads() -> None:
    found = vessels(("a", 80, 100.0))
    assert "hit" in set(scoring.outcomes(ships(("a", 0, False, 1.0)), found, ["a"])["kind"])
    assert set(scoring.outcomes(ships(("a", 0, True, 1.0)), found, ["a"])["kind"]) == {"miss", "false"}


def test_a_ship_hardly_seen_is_neither_owed_nor_a_false_alarm() -> None:
    told = scoring.outcomes(ships(("a", 0, False, 0.2)), vessels(("a", 10, 100.0)), ["a"])
    assert told.empty


def test_rates_agree_with_counting_by_hand() -> None:
    truth = ships(("a", 0, False, 1.0), ("a", 1000, False, 1.0), ("b", 0, False, 1.0))
    found = vessels(("a", 10, 100.0), ("b", 5000, 80.0), ("b", 20, 100.0))
    rates = scoring.rates(scoring.outcomes(truth, found, ["a", "b", "c"]), ["a", "b", "c"], seed=1)
    assert rates["precision"].value == pytest.approx(2 / 3)
    assert rates["recall"].value == pytest.approx(2 / 3)
    assert rates["f1"].value == pytest.approx(2 / 3)
    assert rates["f1"].low <= rates["f1"].value <= rates["f1"].high


def test_what_has_no_case_is_not_zero() -> None:
    empty = scoring.outcomes(ships(("a", 0, False, 1.0)).iloc[:0], vessels(("a", 0, 1.0)).iloc[:0], ["a"])
    rates = scoring.rates(empty, ["a"], seed=1)
    assert all(np.isnan(rate.value) for rate in rates.values())
    assert bench_accuracy.short(rates["f1"]) == "no case"


def test_the_true_mean_counts_metre_hours() -> None:
    day, noon = pd.Timestamp("2023-10-01"), pd.Timestamp("2023-10-01 12:00")
    night = pd.Timestamp("2023-10-02")
    steps = pd.DataFrame(
        {"start": [day, noon], "end": [noon, night], "occupied_m": [100.0, 0.0], "quay_m": [200.0, 200.0]}
    )
    assert scoring.true_mean(steps, day, day + pd.Timedelta(days=1)) == pytest.approx(0.25)
    assert scoring.true_mean(steps, day, day + pd.Timedelta(hours=12)) == pytest.approx(0.5)


def test_length_classes_leave_no_gap() -> None:
    classes = scoring.class_of(pd.Series([10.0, 50.0, 99.9, 100.0, 199.0, 200.0, 399.0]))
    assert classes.tolist() == [
        "under 50 m", "50 to 100 m", "50 to 100 m", "100 to 200 m", "100 to 200 m",
        "over 200 m", "over 200 m",
    ]  # fmt: skip
