"""The benchmarks are imported by the tests, so that they cannot rot unseen; their scoring is tested."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from tests.benchmarks import accuracy, bench_accuracy, bench_foundation, scoring

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
             "alongside": a, "seen_share": seen, "zone_id": "b" if a else "w",
             "zone_kind": "berth" if a else "anchorage", "told": True}
            for s, m, a, seen in rows
        ]
    )  # fmt: skip


def vessels(*rows: tuple[str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "scene_id": s,
                "longitude": 0.0,
                "latitude": m * METRE,
                "length_m": n,
                "length_sd_m": 10.0,
                "zone_kind": "anchorage",
            }
            for s, m, n in rows
        ]
    )


def looks(*rows: tuple[str, str, str, float, int | None]) -> pd.DataFrame:
    """``scene, zone, kind, share seen, vessels counted``, typed as published."""
    columns = ["scene_id", "zone_id", "zone_kind", "seen_fraction", "vessel_count"]
    types = {"seen_fraction": "Float64", "vessel_count": "Int32"}
    return pd.DataFrame(rows, columns=columns).astype(types)


def test_each_ship_is_matched_once_and_as_many_as_can_be() -> None:
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


def test_a_ship_in_a_zone_that_could_not_be_told_is_neither_owed_nor_a_false_alarm() -> None:
    truth = ships(("a", 0, False, 1.0), ("b", 0, False, 1.0), ("c", 0, False, 1.0))
    seen = looks(("a", "w", "anchorage", 0.4, None), ("b", "w", "anchorage", 1.0, 0))
    truth = scoring.in_zones(truth.drop(columns=["zone_kind", "told"]), seen)
    assert truth["told"].tolist() == [False, True, False]  # of c there is no look at all
    assert truth["zone_kind"].tolist() == ["anchorage"] * 3
    told = scoring.outcomes(truth, vessels(("a", 10, 100.0)), ["a", "b"])
    assert told[["scene_id", "kind"]].to_numpy().tolist() == [["b", "miss"]]


def test_a_false_alarm_stands_where_it_was_told_and_a_ship_where_it_lay() -> None:
    truth = ships(("a", 0, True, 1.0))
    told = scoring.outcomes(truth, vessels(("a", 10, 90.0), ("a", 900, 40.0)), ["a"]).set_index("kind")
    assert told["zone_kind"].to_dict() == {"hit": "berth", "false": "anchorage"}


def test_no_outcome_has_the_types_of_some() -> None:
    some = scoring.outcomes(ships(("a", 0, False, 1.0)), vessels(("a", 500, 90.0)), ["a"])
    none = scoring.outcomes(ships(("a", 0, False, 1.0)), vessels(("a", 500, 90.0)), [])
    assert none.empty
    assert none.dtypes.to_dict() == some.dtypes.to_dict()
    assert pd.concat([none, some]).dtypes.to_dict() == some.dtypes.to_dict()


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
    assert rates["f1"].brief == str(rates["f1"]) == "no case"


def test_false_alarms_alone_have_a_precision_of_0_and_no_recall() -> None:
    told = scoring.outcomes(ships(("a", 0, False, 1.0)).iloc[:0], vessels(("a", 0, 60.0)), ["a", "b"])
    rates = scoring.rates(told, ["a", "b"], seed=1)
    assert rates["precision"].value == 0
    assert [rates[name].brief for name in ("recall", "f1")] == ["no case", "no case"]


def test_clusters_are_drawn_whole() -> None:
    values, scenes = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0], ["a", "a", "a", "b", "b", "b"]
    rate = scoring.clustered(values, scenes, np.mean, seed=1)
    assert (rate.low, rate.value, rate.high, rate.n) == (0.0, 0.5, 1.0, 6)  # half the draws are aa or bb
    apart = scoring.clustered(values, list("abcdef"), np.mean, seed=1)
    assert rate.low < apart.low <= apart.high < rate.high


def test_one_cluster_has_no_interval() -> None:
    rate = scoring.clustered([1.0, 3.0, np.nan], ["a", "a", "b"], np.median, seed=1)
    assert str(rate) == "2.00 (no interval), n = 2"
    assert str(scoring.clustered([], [], np.median, seed=1)) == "no case"


def test_only_water_that_could_be_told_was_looked_at() -> None:
    seen = looks(
        ("a", "w", "anchorage", 0.75, 0),
        ("a", "h", "harbour_water", 1.0, 2),
        ("a", "q", "berth", 1.0, 1),
        ("b", "w", "anchorage", 0.25, None),
        ("b", "h", "harbour_water", 0.5, 0),
        ("c", "w", "anchorage", 0.0, None),
    )
    area = scoring.seen_km2(seen, {"w": 8.0, "h": 2.0})
    assert area.to_dict() == {"a": 8.0, "b": 1.0, "c": 0.0}


def regimes(*rows: tuple[str, float, str]) -> pd.DataFrame:
    """``state, level, zone``, one a month."""
    months = pd.date_range("2023-01-01", periods=len(rows), freq="MS")
    table = pd.DataFrame(rows, columns=["state", "level", "zone_id"]).assign(
        measure="vessels_at_berth", start=months, start_low=months
    )
    table.loc[0, "start_low"] = pd.NaT  # the first began before the first look
    return table.astype({"level": "Float64"})


def test_every_change_told_counts_and_a_wake_up_is_a_rise_to_an_active_level() -> None:
    told = scoring.changes_told(
        regimes(("active", 2.0, "*"), ("active", 1.0, "*"), ("dormant", 0.1, "*"), ("active", 0.9, "*"))
    )
    assert told["woke"].tolist() == [False, False, True]
    assert scoring.changes_told(regimes(("active", 2.0, "*"), ("active", 9.0, "q"))).empty
    assert scoring.changes_told(regimes(("active", 2.0, "*")).iloc[:0]).empty


def test_a_trip_of_the_last_day_counts() -> None:
    moments = ["2023-09-01 00:00", "2023-11-30 23:59", "2023-12-01 00:00"]
    legs = pd.DataFrame({"departs": pd.to_datetime(moments)})
    legs = legs.assign(origin="a", destination="b")
    assert scoring.legs_begun(legs, "a", "b", date(2023, 9, 1), date(2023, 11, 30)) == 2
    assert scoring.legs_begun(legs, "b", "a", date(2023, 9, 1), date(2023, 11, 30)) == 0


def test_what_has_no_upper_limit_does_not_hold_one() -> None:
    def values(*told: tuple[int, int | None, int]) -> list[str]:
        return [line.value for line in accuracy.bounds("story", told)]

    assert values((3, 9, 5), (4, None, 2)) == [
        "3 to 9 (true 5); 4 to no upper limit (true 2)", "1 of 2 seeds",
        "1 of 1 seeds, 1 with no upper limit",
    ]  # fmt: skip
    assert values((3, None, 5)) == ["3 to no upper limit (true 5)", "1 of 1 seeds", "no upper limit"]


def test_without_the_real_images_the_table_says_so(tmp_path: Path) -> None:
    lines, details = bench_accuracy.realism(tmp_path, tmp_path)
    assert [line.value for line in lines] == ["not compared: set ROADSTEAD_REAL_DATA"] * 2
    assert not details


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
