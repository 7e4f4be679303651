"""The doorways to inference: from published looks, in days, to tables and bounds."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tasks.errors import InputError
from tasks.infer import (
    Crossing,
    infer_regimes,
    infer_stays,
    occupancy_between,
    quay_metres,
    trips_between,
)
from tasks.model import Zone, ZoneKind
from tasks.products.tables import REGIME_TYPES, STAY_TYPES, looks_table, vessels_table
from tests.science.water import polygon, site

QUAY = {"north": 150.0, "south": 100.0}


def looks(days: list[int], taken: list[int], offset: int = 0) -> pd.DataFrame:
    """Two berths; a ship of 100 m at the northern one where `taken`."""
    rows = []
    for day, ship in zip(days, taken, strict=True):
        for berth, metres in QUAY.items():
            n = ship if berth == "north" else 0
            rows.append(
                {
                    "site": "test",
                    "zone_id": berth,
                    "zone_kind": "berth",
                    "scene_id": f"s{day + offset:03}",
                    "collection": "s1",
                    "acquired": np.datetime64("2023-08-01T21:31:12") + np.timedelta64(day + offset, "D"),
                    "seen_fraction": 1.0,
                    "vessel_count": n,
                    "vessel_length_m": 100.0 * n,
                    "occupied_m": 100.0 * n,
                    "occupied_fraction": 100 * n / metres,
                    "flags": "",
                }
            )
    return looks_table(rows)


SLEEPY = looks(list(range(0, 240, 6)), [0] * 20 + [1] * 20)

WOKEN = looks(list(range(0, 360, 6)), [0] * 30 + [1, 1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0] * 2 + [1] * 6)
"""Ships come and go: one that lay there for months would be no port that woke."""


def test_quay_metres_are_as_stated_or_as_drawn() -> None:
    stated = Zone("stated", ZoneKind.BERTH, polygon(0, 0, 5, 15), length_m=120.0)
    drawn = Zone("drawn", ZoneKind.BERTH, polygon(20, 0, 25, 15))
    found = quay_metres(site(stated, drawn))
    assert found == {"stated": 120.0, "drawn": pytest.approx(150, rel=0.01)}


def test_regimes_have_their_published_shape() -> None:
    found = infer_regimes(WOKEN, QUAY)
    assert {name: str(kind) for name, kind in found.dtypes.items()} == REGIME_TYPES
    found = found[found["zone_id"] == "*"]
    assert list(found["state"]) == ["dormant", "active"]
    assert found["start"].iloc[1] == found["end"].iloc[0]
    assert found["knowable_on"].iloc[1] > found["start_high"].iloc[1]


def test_what_was_known_on_a_day_uses_no_later_look() -> None:
    known = pd.Timestamp(infer_regimes(WOKEN, QUAY)["knowable_on"].dropna().iloc[0]).date()
    later = WOKEN.assign(vessel_count=WOKEN["vessel_count"].where(WOKEN["acquired"].dt.date <= known, 9))
    then = infer_regimes(WOKEN, QUAY, as_known_on=known)
    pd.testing.assert_frame_equal(infer_regimes(later, QUAY, as_known_on=known), then)
    assert list(then.loc[then["zone_id"] == "*", "status"])[-1] == "provisional"
    before = infer_regimes(WOKEN, QUAY, as_known_on=known - timedelta(days=6))
    assert list(before.loc[before["zone_id"] == "*", "state"]) == ["dormant"]


def test_without_berths_there_is_an_empty_table_of_the_same_shape() -> None:
    found = infer_regimes(SLEEPY.assign(zone_kind="anchorage"))
    assert found.empty
    assert {name: str(kind) for name, kind in found.dtypes.items()} == REGIME_TYPES


def test_occupancy_before_and_after() -> None:
    before = occupancy_between(SLEEPY, date(2023, 8, 1), date(2023, 11, 23), QUAY)
    after = occupancy_between(SLEEPY, date(2023, 11, 29), date(2024, 12, 31), QUAY)
    assert (before.low, before.looks) == (0, 20)
    assert before.mean < 0.02
    assert (after.mean, after.looks) == (pytest.approx(0.4, abs=0.05), 20)
    assert before.high < after.low < after.mean < after.high


def test_the_last_day_counts() -> None:
    assert occupancy_between(SLEEPY, date(2023, 8, 1), date(2023, 8, 7), QUAY).looks == 2
    assert occupancy_between(SLEEPY, date(2023, 8, 1), date(2023, 8, 6), QUAY).looks == 1


def test_a_folder_without_a_publication_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        trips_between(tmp_path / "nowhere", tmp_path, Crossing(100.0, 5.0, 95.0, (), over_water=True))


def test_stays_of_a_site_have_their_columns() -> None:
    some = vessels_table([])
    assert list(infer_stays(site(), SLEEPY, some).columns) == list(STAY_TYPES)
