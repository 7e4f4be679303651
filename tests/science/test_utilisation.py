from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely

from tasks.model import Site, Zone, ZoneKind
from tasks.science.plots import track_metres
from tasks.science.series.balance import balances
from tasks.science.series.shares import Share
from tasks.science.series.utilisation import COLUMNS, index_of, utilisation

DEG = 1e-3
"""About 100 m."""


def zone(name: str, kind: ZoneKind, west: float) -> Zone:
    box = shapely.box(130 + west * DEG, 42, 130 + (west + 1) * DEG, 42 + DEG)
    return Zone(name, kind, box, length_m=100.0 if kind is ZoneKind.BERTH else None)


SITE = Site(
    "port",
    "Port",
    (
        zone("quay", ZoneKind.BERTH, 0),
        zone("yard", ZoneKind.CONTAINER_YARD, 1.2),
        zone("rails", ZoneKind.RAIL_YARD, 3),
        zone("roads", ZoneKind.ANCHORAGE, 5),
    ),
    "digest",
)
KINDS = {z.zone_id: z.kind.value for z in SITE.zones}
MEASURES = (
    "vessel_count", "vessel_length_m", "occupied_fraction", "fill_fraction", "stack_area_m2", "gained_m2",
    "lost_m2", "rail_occupied_m",
)  # fmt: skip


def looks(
    zone_id: str, days: Sequence[int], sensor: str = "optical", **values: Sequence[Any]
) -> pd.DataFrame:
    count = len(days)
    table = pd.DataFrame(
        {
            "site": "port",
            "zone_id": zone_id,
            "zone_kind": KINDS[zone_id],
            "collection": sensor,
            "sensor": sensor,
            "scene_id": [f"{sensor}-{day:03d}" for day in days],
            "acquired": pd.Timestamp("2023-05-01") + pd.to_timedelta(np.array(days), "D"),
            "seen_fraction": 1.0,
        }
    )
    for name in MEASURES:
        table[name] = pd.array(values.get(name, [None] * count), dtype="Float64")
    return table


def whole(table: pd.DataFrame, period: str = "month") -> pd.DataFrame:
    return table[(table["zone_id"] == "*") & (table["period"] == period)].reset_index(drop=True)


QUAY = looks("quay", [0, 10, 11, 35, 45], occupied_fraction=[0, 1, 0.5, 0, 0], vessel_count=[0, 1, 1, 0, 0],
             vessel_length_m=[0, 100, 98, 0, 0])  # fmt: skip
YARD = looks("yard", [0, 10, 20, 35, 45], fill_fraction=[0.2, 0.4, 0.6, 0.6, 0.1],
             stack_area_m2=[1000, 2000, 3000, 3000, 500], gained_m2=[None, 1000, 1000, 0, 0],
             lost_m2=[None, 0, 0, 0, 2500])  # fmt: skip
RAILS = looks("rails", [0, 10, 20, 35], rail_occupied_m=[100, 0, 50, 0])


def test_components_are_shares_of_what_the_site_has() -> None:
    table = utilisation(SITE, pd.concat([QUAY, YARD, RAILS]))
    assert list(table.columns) == list(COLUMNS)
    may = whole(table).iloc[0]
    assert may["occupancy_mean"] == pytest.approx(0.5)
    assert may["fill_mean"] == pytest.approx(0.4)
    assert may["rail_mean"] * track_metres(SITE)["rails"] == pytest.approx(50)
    assert may["index_of"] == "fill+occupancy+rail"
    mixed = 0.5 * may["occupancy_mean"] + 0.3 * may["fill_mean"] + 0.2 * may["rail_mean"]
    assert may["index"] == pytest.approx(100 * mixed)
    assert may["index_low"] < may["index"] < may["index_high"]
    assert (may["gained_m2"], may["lost_m2"]) == (2000, 0)


def test_a_period_that_misses_a_component_has_no_index() -> None:
    table = whole(utilisation(SITE, pd.concat([QUAY, YARD, RAILS])), "week")
    quiet = table[table["occupancy_looks"] == 0]
    assert len(quiet) > 0
    assert quiet[["index", "occupancy_mean", "calls_at_least", "calls_at_most"]].isna().all(axis=None)
    assert (
        table["index"].notna().sum()
        == (table[["occupancy_looks", "fill_looks", "rail_looks"]] > 0).all(axis=1).sum()
    )


def test_what_no_image_can_tell_is_not_in_the_index() -> None:
    table = whole(utilisation(SITE, QUAY))
    assert set(table["index_of"]) == {"occupancy"}
    assert table["index"].iloc[0] == pytest.approx(50)
    assert table["rail_mean"].isna().all()


def test_weights_are_the_sites() -> None:
    only_yards = replace(SITE, weights={"berths": 0.0, "yards": 1.0, "rails": 0.0})
    may = whole(utilisation(only_yards, pd.concat([QUAY, YARD, RAILS]))).iloc[0]
    assert (may["index_of"], may["index"]) == ("fill", pytest.approx(40))


def test_levels_do_not_mix_with_areas() -> None:
    level = looks("yard", [3, 13], sensor="radar", fill_fraction=[0.9, 0.9])
    may = whole(utilisation(SITE, pd.concat([QUAY, YARD, level]))).iloc[0]
    assert may["fill_mean"] == pytest.approx(0.4)
    assert whole(utilisation(SITE, pd.concat([QUAY, level]))).iloc[0]["fill_mean"] == pytest.approx(0.9)


def test_calls_are_bracketed() -> None:
    """One look of a camera at 3 m tells a free berth; one at 10 m misses ships, and surely tells none."""
    may, june = (row for _, row in whole(utilisation(SITE, QUAY.assign(pixel_m=3.0))).iterrows())
    assert may["calls_at_least"] == 1
    assert whole(utilisation(SITE, QUAY.assign(pixel_m=10.0)))["calls_at_least"].iloc[0] == 0
    assert may["calls_at_most"] >= may["calls_at_least"]
    assert june["calls_at_least"] == 0


def test_order_of_looks_does_not_matter() -> None:
    rows = pd.concat([QUAY, YARD, RAILS])
    shuffled = rows.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(utilisation(SITE, rows), utilisation(SITE, shuffled))


def test_an_index_lies_between_its_components() -> None:
    one, other = Share(0.2, 0.1, 0.4, 5), Share(0.8, 0.7, 0.9, 5)
    told = index_of({"a": one, "b": other}, {"a": 1.0, "b": 2.0})
    assert told["index"] == pytest.approx(60)
    assert 20 < told["index_low"] < 60 < told["index_high"] < 90


def test_a_visit_is_balanced_against_the_yard_beside_it() -> None:
    (row,) = balances(SITE, pd.concat([QUAY, YARD]))
    assert (row["berth_id"], row["yard_id"]) == ("quay", "yard")
    assert row["free_before"] == pd.Timestamp("2023-05-01")
    assert row["free_after"] == pd.Timestamp("2023-06-05")
    assert (row["gained_m2"], row["lost_m2"], row["looks"]) == (2000, 0, 3)
    assert row["gained_teu_low"] < row["gained_teu_high"]


def test_without_areas_there_is_no_balance() -> None:
    level = looks("yard", [3, 13], sensor="radar", fill_fraction=[0.9, 0.9])
    assert balances(SITE, pd.concat([QUAY, level])) == []
