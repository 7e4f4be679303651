from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tasks.science.series.activity import activity_looks, berth_looks, occupancy_between
from tasks.science.series.activity import regime_rows as all_rows

QUAY = {"a": 100.0, "b": 300.0}
START = pd.Timestamp("2023-01-01T21:31:12")


def regime_rows(looks: pd.DataFrame, quay_m: Mapping[str, float]) -> list[dict[str, Any]]:
    """Of the whole site."""
    return [row for row in all_rows(looks, quay_m) if row["zone_id"] == "*"]


def table(counts: Sequence[Sequence[int | None]], step_days: int = 6, ship_m: float = 50.0) -> pd.DataFrame:
    """One row per look and berth; None could not be seen."""
    rows = []
    for k, by_berth in enumerate(counts):
        when = START + pd.Timedelta(days=step_days * k)
        for berth, n in zip(QUAY, by_berth, strict=True):
            rows.append(
                {
                    "zone_id": berth,
                    "zone_kind": "berth",
                    "scene_id": f"s{k:03}",
                    "acquired": when,
                    "seen_fraction": 0.0 if n is None else 1.0,
                    "vessel_count": n,
                    "vessel_length_m": None if n is None else n * ship_m,
                    "occupied_fraction": None if n is None else n * ship_m / QUAY[berth],
                }
            )
        rows.append(rows[-1] | {"zone_id": "roads", "zone_kind": "anchorage", "vessel_count": 9})
    frame = pd.DataFrame(rows)
    types = {
        "vessel_count": "Int32",
        "vessel_length_m": "Float64",
        "occupied_fraction": "Float64",
        "seen_fraction": "Float64",
    }
    return frame.astype(types | {"acquired": "datetime64[ms]"})


def woken(after: int, before: int = 20) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return table([(0, 0)] * before + [(1, int(n)) for n in rng.integers(1, 3, after)])


def test_a_look_sums_its_berths() -> None:
    summed = berth_looks(table([(1, 2), (0, 1)]), QUAY)
    assert list(summed["vessels"]) == [3, 1]
    assert list(summed["exposure"]) == [1, 1]
    assert list(summed["occupied_m"]) == [150, 50]


def test_a_look_that_saw_less_than_half_of_the_quay_does_not_count() -> None:
    summed = berth_looks(table([(1, 2), (1, None), (None, 2)]), QUAY)
    assert list(summed["exposure"]) == [1, 0.75]
    assert list(summed["vessels"]) == [3, 2]


def test_a_berth_that_can_never_be_measured_is_in_no_denominator() -> None:
    assert list(berth_looks(table([(1, None)] * 3), QUAY)["exposure"]) == [1, 1, 1]


def test_a_wake_up_is_two_regimes() -> None:
    before, after = regime_rows(woken(20), QUAY)
    assert (before["state"], after["state"]) == ("dormant", "active")
    assert before["end"] == after["start"]
    assert np.datetime64("2023-04-19") <= after["start_low"] <= after["start"] <= after["start_high"]
    assert np.datetime64("2023-05-01") <= after["start_high"] <= np.datetime64("2023-05-08")
    assert before["level_high"] < after["level_low"] <= after["level"] <= after["level_high"]
    assert after["probability"] > 0.99
    assert after["status"] == "confirmed"
    assert before["start_low"] is after["end"] is before["knowable_on"] is None


def test_it_was_knowable_with_the_looks_up_to_then() -> None:
    """The same day comes out whatever follows, and from the looks up to then alone."""
    known = regime_rows(woken(20), QUAY)[1]["knowable_on"]
    assert known == regime_rows(woken(12), QUAY)[1]["knowable_on"]
    looks = woken(20)
    upto = looks[looks["acquired"] <= pd.Timestamp(known)]
    assert regime_rows(upto, QUAY)[1]["knowable_on"] == known
    assert len(regime_rows(looks[looks["acquired"] < pd.Timestamp(known)], QUAY)) == 1


def test_three_further_looks_confirm_a_change() -> None:
    told = {n: regime_rows(table([(0, 0)] * 30 + [(3, 4)] * n), QUAY) for n in range(1, 8)}
    first = next(n for n, rows in told.items() if len(rows) == 2)
    assert first <= 4
    statuses = [told[n][1]["status"] for n in range(first, 8)]
    assert statuses == ["provisional"] * 3 + ["confirmed"] * (5 - first)


def test_every_berth_has_regimes_of_its_own() -> None:
    rows = all_rows(table([(0, 1)] * 25 + [(2, 1)] * 25), QUAY)
    assert [row["state"] for row in rows if row["zone_id"] == "a"] == ["dormant", "active"]
    assert [row["state"] for row in rows if row["zone_id"] == "b"] == ["active"]
    assert {row["zone_id"] for row in rows} == {"*", "a", "b"}


def test_a_neighbour_that_always_lies_there_does_not_hide_a_wake_up() -> None:
    looks = table([(0, 1)] * 30 + [(int(n), 1) for n in np.random.default_rng(6).poisson(0.8, 25)])
    assert [row["state"] for row in regime_rows(looks, QUAY)] == ["dormant", "active"]
    assert list(activity_looks(looks, QUAY)["vessels"])[:3] == [0, 0, 0]
    assert list(activity_looks(table([(1, 1)] * 8), QUAY)["vessels"])[:3] == [2, 2, 2]
    busy = table([(0, int(n)) for n in np.random.default_rng(6).poisson(4.0, 40)])
    assert activity_looks(busy, QUAY)["vessels"].mean() > 3


def test_a_sensor_that_misses_ships_is_no_change() -> None:
    """Coarse optical images in the second half find three ships in five."""
    rng = np.random.default_rng(2)
    counts = np.r_[rng.poisson(3.0, 120), rng.poisson(3.0 * 0.6, 120)]
    looks = table([(int(n), 0) for n in counts])
    coarse = looks["scene_id"] >= "s120"
    told = looks.assign(sensor=np.where(coarse, "optical", "radar"), pixel_m=10.0)
    assert len(regime_rows(told, QUAY)) == 1
    assert len(regime_rows(looks, QUAY)) == 2


def test_quiet_between_two_active_stretches_is_a_pause() -> None:
    rows = regime_rows(table([(0, 0)] * 40 + [(2, 1)] * 30 + [(0, 0)] * 15 + [(2, 1)] * 20), QUAY)
    assert [row["state"] for row in rows] == ["dormant", "active", "paused", "active"]
    assert [row["end"] for row in rows[:-1]] == [row["start"] for row in rows[1:]]


def test_steady_is_one_regime() -> None:
    rng = np.random.default_rng(5)
    (row,) = regime_rows(table([(int(n), int(m)) for n, m in rng.poisson(1.0, (60, 2))]), QUAY)
    assert row["state"] == "active"
    assert row["probability"] > 0.5
    assert row["end"] is row["knowable_on"] is None
    assert row["level_low"] < 2 < row["level_high"]


@pytest.mark.parametrize("looks", [table([(1, 1)]).iloc[:0], table([(None, None)] * 9), table([(1, 1)] * 3)])
def test_what_cannot_be_told_has_no_rows(looks: pd.DataFrame) -> None:
    assert regime_rows(looks, QUAY) == []


def test_occupancy_is_weighted_by_metres() -> None:
    found = occupancy_between(table([(1, 0), (1, 0), (0, 3)]), "2023-01-01", "2023-02-01", QUAY)
    assert found.mean == pytest.approx((50 + 50 + 150) / 1200)
    assert found.low < found.mean < found.high
    assert found.looks == 3


def test_occupancy_of_an_empty_port_is_not_certain() -> None:
    found = occupancy_between(table([(0, 0)] * 10), "2023-01-01", "2023-03-01", QUAY)
    assert found.low == 0
    assert 0.01 < found.high < 0.25


def test_occupancy_without_a_look_is_null() -> None:
    found = occupancy_between(table([(1, 1)] * 5), "2024-01-01", "2024-02-01", QUAY)
    assert (found.mean, found.low, found.high, found.looks) == (None, None, None, 0)
