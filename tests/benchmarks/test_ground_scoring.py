"""Scores of yards and tracks on tables small enough to check by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.benchmarks.ground_scoring import join_trains, score_cars, score_fill, score_rails


def test_fill_is_scored_by_rank() -> None:
    looks = pd.DataFrame(
        {"scene_id": list("abcdef"), "zone_id": "yard", "fill_fraction": [0, 0, 0.2, 0.5, 0.9, None]}
    )
    stacks = pd.DataFrame(
        {"scene_id": list("abcdef"), "zone_id": "yard", "area_m2": [0, 0, 100, 300, 700, 900]}
    )
    row = score_fill(looks, stacks).iloc[0]
    assert (row["looks"], row["told"], row["in_use"]) == (6, 5, 3)
    assert row["rank"] == pytest.approx(1.0)
    assert row["rank_in_use"] == pytest.approx(1.0)
    assert (row["missed"], row["false"]) == (0.0, 0.0)


def test_trains_are_scored_by_metres_and_cars() -> None:
    days = pd.to_datetime(["2023-09-01", "2023-09-02", "2023-09-03"], utc=True)
    looks = pd.DataFrame(
        {
            "site": "port", "zone_id": "rails", "zone_kind": "rail_yard", "acquired": days,
            "rail_occupied_m": [120.0, 0.0, 30.0], "cars_low": [8, 0, 2], "cars_high": [10, 0, 2],
        }
    )  # fmt: skip
    trains = pd.DataFrame(
        {
            "site": "port", "zone_id": "rails", "arrives": days[:1], "leaves": days[1:2],
            "length_m": 140.0, "cars": 10,
        }
    )  # fmt: skip
    joined = join_trains(looks, trains)
    assert joined["true_m"].tolist() == [140.0, 0.0, 0.0]
    rails = score_rails(joined)
    assert rails["median_error"] == pytest.approx(1 / 7)
    assert (rails["false_looks"], rails["false_m"]) == (0.5, 15.0)
    assert rails["agreement"] == pytest.approx(2 / 3)
    cars = score_cars(joined)
    assert (cars["recall"], cars["precision"], cars["covered"]) == (0.8, 0.8, 1.0)
