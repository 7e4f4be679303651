"""Which dates are shown: all that are needed, spread over time, and steady when one more comes."""

from __future__ import annotations

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.products.dates import CLEAR, seen_scenes, site_dates

START = pd.Timestamp(2023, 6, 1)


def scenes(
    days: list[int], sensors: list[str] | None = None, seen: list[float] | None = None
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "scene_id": [f"s{k:04}" for k in range(len(days))],
            "acquired": [START + pd.Timedelta(days=day) for day in days],
            "sensor": sensors or ["optical"] * len(days),
            "pixel_m": 3.0,
            "seen": seen or [1.0] * len(days),
        }
    )


def test_seen_is_told_by_what_lies_ashore() -> None:
    rows = [("a", "harbour_water", 0.0), ("a", "berth", 1.0), ("a", "pier", 0.5), ("b", "berth", None)]
    looks = pd.DataFrame(rows, columns=["scene_id", "zone_kind", "seen_fraction"])
    looks = looks.assign(acquired=START, sensor="optical", pixel_m=3.0)
    assert seen_scenes(looks)["seen"].tolist() == [0.75, 0.0]


def test_radar_only_where_no_camera_saw() -> None:
    table = scenes([0, 1, 200, 201], ["optical", "radar", "radar", "optical"], [1.0, 1.0, 1.0, CLEAR - 0.1])
    assert site_dates(table, (), (), most=2) == ["s0000", "s0002"]


def test_denser_around_a_change() -> None:
    table = scenes(list(range(300)))
    chosen = table[table["scene_id"].isin(site_dates(table, (), [START + pd.Timedelta(days=150)]))]
    near = ((chosen["acquired"] - START).dt.days - 150).abs() <= 28
    assert len(chosen) <= 40
    assert near.sum() / 57 > 3 * (~near).sum() / 243


@settings(max_examples=40, deadline=None)
@given(
    days=st.lists(st.integers(0, 900), min_size=1, max_size=120).map(sorted),
    most=st.integers(1, 40),
    needed=st.sets(st.integers(0, 119), max_size=5),
)
def test_few_and_all_that_are_needed(days: list[int], most: int, needed: set[int]) -> None:
    table = scenes(days)
    wanted = {f"s{k:04}" for k in needed}
    chosen = site_dates(table, wanted, (), most)
    present = wanted & set(table["scene_id"])
    assert present <= set(chosen)
    assert len(chosen) <= max(most, len(present))
    assert chosen == sorted(chosen)


def test_one_more_look_leaves_nearly_all_others() -> None:
    days = list(range(0, 450, 2))
    before = set(site_dates(scenes(days), (), ()))
    after = set(site_dates(scenes([*days, 451]), (), ()))
    assert len(before - after) <= 1
    assert len(before) > 30
