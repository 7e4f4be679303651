from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from tasks.model import Site
from tasks.science.series.indicators import mean_interval, overdispersion
from tasks.science.series.utilisation import COLUMNS, utilisation

SITE = Site("test", "Test", (), "digest")
NOTHING = ("fill_fraction", "stack_area_m2", "gained_m2", "lost_m2", "rail_occupied_m", "occupied_fraction")


def looks(counts: dict[str, list[float | None]], start: str = "2023-01-02", step: str = "6D") -> pd.DataFrame:
    frames = []
    for zone, values in counts.items():
        frames.append(
            pd.DataFrame(
                {
                    "site": "test",
                    "zone_id": zone,
                    "zone_kind": "anchorage",
                    "acquired": pd.date_range(start, periods=len(values), freq=step),
                    "seen_fraction": [0.0 if v is None else 1.0 for v in values],
                    "vessel_count": pd.array(values, dtype="Int32"),
                    "vessel_length_m": 0.0,
                    "scene_id": [f"{k:03d}" for k in range(len(values))],
                    "collection": "c",
                    "sensor": "radar",
                }
                | {name: pd.array([None] * len(values), dtype="Float64") for name in NOTHING}
            )
        )
    return pd.concat(frames, ignore_index=True)


def test_means_and_denominators() -> None:
    table = utilisation(SITE, looks({"roads": [1, 3, None, 2, 2]}))
    month = table[(table["period"] == "month") & (table["zone_id"] == "roads")].iloc[0]
    assert month["start"] == date(2023, 1, 1)
    assert month["end"] == date(2023, 2, 1)
    assert (month["looks"], month["looks_seen"]) == (5, 4)
    assert month["vessels_mean"] == 2
    assert month["vessels_max"] == 3
    assert month["vessels_low"] < 2 < month["vessels_high"]


def test_a_period_without_a_look_is_null_with_zero_looks() -> None:
    table = utilisation(SITE, looks({"roads": [1, 1, 1]}, step="31D"))
    weeks = table[table["period"] == "week"]
    empty = weeks[weeks["looks"] == 0]
    assert len(empty) > 5
    assert empty[["vessels_mean", "vessels_low", "vessels_high", "vessels_max"]].isna().all(axis=None)


def test_a_period_of_blind_looks_is_null_and_not_quiet() -> None:
    table = utilisation(SITE, looks({"roads": [0, 0, None, None, None]}, step="31D"))
    march = table[(table["period"] == "month") & (table["start"] == date(2023, 3, 1))].iloc[0]
    assert (march["looks"], march["looks_seen"]) == (1, 0)
    assert np.isnan(march["vessels_mean"])


def test_zones_that_were_never_counted_have_no_series() -> None:
    table = utilisation(SITE, looks({"roads": [1, 2], "yard": [None, None]}))
    assert set(table["zone_id"]) == {"roads", "*"}


def test_no_looks_give_an_empty_table_with_the_same_columns() -> None:
    table = utilisation(SITE, looks({"yard": [None]}))
    assert list(table.columns) == list(COLUMNS)
    assert table.empty


@pytest.mark.parametrize("rate", [0.05, 0.5, 2.0])
def test_intervals_cover_the_truth(rate: float) -> None:
    """A 90 % interval holds the true rate in 88 to 97 % of 2,000 Poisson months of five looks."""
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(2000):
        low, _, high = mean_interval(rng.poisson(rate, 5).astype(float))
        covered += low <= rate <= high
    assert 0.85 <= covered / 2000 <= 0.99


def test_clumped_counts_widen_the_interval() -> None:
    counts = np.array([0, 0, 0, 6, 6, 6], float)
    assert overdispersion(counts) > 3
    low, _, high = mean_interval(counts, overdispersion(counts))
    plain_low, _, plain_high = mean_interval(counts)
    assert low < plain_low < plain_high < high


def test_row_order_does_not_matter() -> None:
    rows = looks({"roads": [1, 3, None, 2, 2], "harbour": [0, 1, 0, 0, 4]})
    shuffled = rows.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(utilisation(SITE, rows), utilisation(SITE, shuffled))
