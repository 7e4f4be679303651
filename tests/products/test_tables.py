"""Tables keep their columns, types and order, and null stays null on the way through Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.products.tables import (
    LOOK_TYPES,
    REGIME_TYPES,
    VESSEL_TYPES,
    Tables,
    balance_table,
    looks_table,
    read_looks,
    read_rows,
    regimes_table,
    stacks_table,
    stays_table,
    vessels_table,
    write_tables,
)

NOTHING_MEASURED = dict.fromkeys(name for name in LOOK_TYPES if name.endswith(("_m", "_m2", "_fraction")))


def look(scene: str, zone: str, day: int, **values: Any) -> dict[str, Any]:
    return {
        **NOTHING_MEASURED,
        "site": "tiny",
        "zone_id": zone,
        "zone_kind": "anchorage",
        "scene_id": scene,
        "collection": "s1",
        "acquired": np.datetime64(f"2023-10-{day:02d}T21:31:12", "s"),
        "seen_fraction": 1.0,
        "flags": "",
        **values,
    }


def vessel(scene: str, day: int, lon: float, lat: float) -> dict[str, Any]:
    return {
        "site": "tiny",
        "scene_id": scene,
        "collection": "s1",
        "acquired": np.datetime64(f"2023-10-{day:02d}T21:31:12", "s"),
        "zone_id": "roads",
        "longitude": lon,
        "latitude": lat,
        "length_m": 120.0,
        "length_sd_m": 18.0,
        "width_m": 20.0,
        "heading_deg": 45.0,
        "score": 9.5,
        "outline": shapely.box(lon - 0.001, lat - 0.001, lon + 0.001, lat + 0.001),
    }


LOOKS = [
    look("b", "roads", 7, vessel_count=0, vessel_length_m=0.0),
    look("a", "roads", 1, vessel_count=2, vessel_length_m=240.0),
    look("a", "harbour", 1, vessel_count=None, seen_fraction=0.2, flags="not_seen"),
]
VESSELS = [vessel("b", 7, 130.2, 42.2), vessel("a", 1, 130.4, 42.1), vessel("a", 1, 130.3, 42.3)]


AWAKE = {
    "zone_id": "*",
    "measure": "vessels_at_berth",
    "state": "active",
    "start": np.datetime64("2023-10-04T12:00:00", "s"),
    "start_low": np.datetime64("2023-10-01T21:31:12", "s"),
    "start_high": np.datetime64("2023-10-07T21:31:12", "s"),
    "end": None,
    "level": 1.5,
    "probability": 0.97,
    "status": "provisional",
    "knowable_on": np.datetime64("2023-10-13T21:31:12", "s"),
}
DORMANT = AWAKE | {"state": "dormant", "start": np.datetime64("2023-01-01", "s"), "start_low": None}


STACKS = [
    {
        "site": "x", "scene_id": scene, "collection": "c", "sensor": "optical", "zone_id": "yard",
        "acquired": np.datetime64(day, "s"), "area_m2": 300.0,
        "outline": shapely.box(130.3 + k / 1e4, 42.2, 130.3 + (k + 1) / 1e4, 42.2001),
    }
    for scene, day, k in (("b", "2023-01-02", 1), ("a", "2023-01-01", 2), ("a", "2023-01-01", 0))
]  # fmt: skip


def written(
    folder: Path,
    looks: list[dict[str, Any]],
    vessels: list[dict[str, Any]],
    regimes: list[dict[str, Any]] | None = None,
    stacks: list[dict[str, Any]] | None = None,
) -> Path:
    folder.mkdir(exist_ok=True)
    series = pd.DataFrame({"vessels_mean": [np.nan]})
    tables = Tables(
        looks=looks_table(looks),
        vessels=vessels_table(vessels),
        stacks=stacks_table(stacks or []),
        utilisation=series,
        regimes=regimes_table(regimes or []),
        occupancy=pd.DataFrame(),
        balance=balance_table([]),
        stays=stays_table([]),
    )
    write_tables(folder, tables)
    return folder


def test_columns_and_types(tmp_path: Path) -> None:
    folder = written(tmp_path, LOOKS, VESSELS)
    looks = pd.read_parquet(folder / "looks.parquet")
    assert list(looks.columns) == list(LOOK_TYPES)
    assert looks["vessel_count"].dtype == "Int32"
    assert looks["seen_fraction"].dtype == "Float64"
    assert looks["acquired"].dtype == "datetime64[ms]"
    vessels = gpd.read_parquet(folder / "vessels.parquet")
    points = {"longitude", "latitude"}
    assert list(vessels.columns) == [*(c for c in VESSEL_TYPES if c not in points), "geometry", "outline"]
    assert vessels.crs == vessels["outline"].crs == "EPSG:4326"


@pytest.mark.parametrize("rows", [[], LOOKS])
def test_an_empty_table_has_the_same_columns_and_types(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    folder = written(tmp_path, rows, [])
    looks, full = pd.read_parquet(folder / "looks.parquet"), looks_table(LOOKS)
    pd.testing.assert_series_equal(looks.dtypes, full.dtypes)
    vessels, some = gpd.read_parquet(folder / "vessels.parquet"), vessels_table(VESSELS)
    assert vessels.empty
    pd.testing.assert_series_equal(vessels.dtypes, some.dtypes)


@pytest.mark.parametrize("rows", [[], [AWAKE, DORMANT]])
def test_regimes_keep_their_columns_types_and_order(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    regimes = pd.read_parquet(written(tmp_path, LOOKS, [], rows) / "regimes.parquet")
    assert {name: str(kind) for name, kind in regimes.dtypes.items()} == REGIME_TYPES
    assert list(regimes["state"]) == ["dormant", "active"][: len(rows)]
    assert regimes["end"].isna().all()


def test_looks_are_read_back_whole(tmp_path: Path) -> None:
    pd.testing.assert_frame_equal(read_looks(written(tmp_path, LOOKS, [])), looks_table(LOOKS))


def test_null_is_null_and_zero_is_zero(tmp_path: Path) -> None:
    looks = pd.read_parquet(written(tmp_path, LOOKS, []) / "looks.parquet")
    assert looks["vessel_count"].isna().tolist() == [True, False, False]
    assert looks["vessel_count"].dropna().tolist() == [2, 0]
    assert (
        looks[[name for name in NOTHING_MEASURED if name not in ("seen_fraction", "vessel_length_m")]]
        .isna()
        .all(axis=None)
    )


def test_order_is_time_scene_zone() -> None:
    looks = looks_table(LOOKS)
    assert looks[["scene_id", "zone_id"]].values.tolist() == [
        ["a", "harbour"],
        ["a", "roads"],
        ["b", "roads"],
    ]
    assert vessels_table(VESSELS).geometry.x.tolist() == [130.3, 130.4, 130.2]


def test_what_is_read_back_makes_the_same_table(tmp_path: Path) -> None:
    folder = written(tmp_path / "once", LOOKS, VESSELS, stacks=STACKS)
    looks, vessels, stacks = read_rows(folder, {"a", "b"})
    again = written(tmp_path / "again", looks, vessels, stacks=stacks)
    for name in ("looks.parquet", "vessels.parquet", "stacks.parquet"):
        assert (folder / name).read_bytes() == (again / name).read_bytes()


def test_only_the_scenes_asked_for_are_read_back(tmp_path: Path) -> None:
    folder = written(tmp_path, LOOKS, VESSELS)
    looks, vessels, stacks = read_rows(folder, {"b"})
    assert stacks == []
    assert [row["scene_id"] for row in looks] == [row["scene_id"] for row in vessels] == ["b"]
    assert read_rows(folder, set()) == read_rows(tmp_path / "none", {"a"}) == ([], [], [])


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(looks=st.permutations(LOOKS), vessels=st.permutations(VESSELS))
def test_any_order_of_rows_gives_the_same_bytes(
    looks: list[dict[str, Any]], vessels: list[dict[str, Any]], tmp_path: Path
) -> None:
    once, other = written(tmp_path / "once", LOOKS, VESSELS), written(tmp_path / "other", looks, vessels)
    for name in ("looks.parquet", "vessels.parquet", "utilisation.parquet", "utilisation.csv"):
        assert (once / name).read_bytes() == (other / name).read_bytes()


def test_what_could_not_be_told_is_empty_in_csv(tmp_path: Path) -> None:
    assert (written(tmp_path, LOOKS, []) / "utilisation.csv").read_text() == 'vessels_mean\n""\n'
