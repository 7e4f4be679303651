"""Looks, vessels, utilisation and regimes as Parquet and CSV, with fixed columns, types and order.

A column exists whether or not this sensor can fill it: null means that it could not be told, and
is never written as 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from tasks.products.parquet import write_parquet
from tasks.products.spreadsheets import write_sheets

Rows = list[dict[str, Any]]

PUBLISHED = ("looks", "vessels", "stacks", "utilisation", "regimes", "balance", "stays")
"""Tables that are written, by their names in `Tables`; `tasks.products.columns` says what they mean."""


@dataclass(frozen=True)
class Tables:
    """All tables of a publication."""

    looks: pd.DataFrame
    vessels: gpd.GeoDataFrame
    stacks: gpd.GeoDataFrame
    """Outlines of what stands in the yards, and of what a look did not see of them."""

    utilisation: pd.DataFrame
    regimes: pd.DataFrame

    occupancy: pd.DataFrame
    """Share of the quay metres taken, by month."""

    balance: pd.DataFrame
    """What left the yards and what came up on them while a ship lay at a berth."""

    stays: pd.DataFrame
    """Vessels at berths, bracketed."""


LOOK_TYPES: dict[str, str] = {
    "site": "string",
    "zone_id": "string",
    "zone_kind": "string",
    "scene_id": "string",
    "collection": "string",
    "sensor": "string",
    "pixel_m": "float64",
    "acquired": "datetime64[ms]",
    "seen_fraction": "Float64",
    "vessel_count": "Int32",
    "vessel_length_m": "Float64",
    "occupied_m": "Float64",
    "occupied_fraction": "Float64",
    "fill_fraction": "Float64",
    "stack_area_m2": "Float64",
    "gained_m2": "Float64",
    "lost_m2": "Float64",
    "teu_low": "Float64",
    "teu_high": "Float64",
    "rail_occupied_m": "Float64",
    "rail_cars_low": "Float64",
    "rail_cars_high": "Float64",
    "change_fraction": "Float64",
    "change_energy": "Float64",
    "change_explained": "Float64",
    "baseline_change_fraction": "Float64",
    "flags": "string",
}

REGIME_TYPES: dict[str, str] = {
    "zone_id": "string",
    "measure": "string",
    "state": "string",
    "start": "datetime64[ms]",
    "start_low": "datetime64[ms]",
    "start_high": "datetime64[ms]",
    "end": "datetime64[ms]",
    "level": "Float64",
    "level_low": "Float64",
    "level_high": "Float64",
    "probability": "Float64",
    "status": "string",
    "knowable_on": "datetime64[ms]",
}

STACK_TYPES: dict[str, str] = {
    "site": "string",
    "scene_id": "string",
    "collection": "string",
    "sensor": "string",
    "acquired": "datetime64[ms]",
    "zone_id": "string",
    "what": "string",
    "area_m2": "float64",
}

BALANCE_TYPES: dict[str, str] = {
    "site": "string",
    "berth_id": "string",
    "first_seen": "datetime64[ms]",
    "last_seen": "datetime64[ms]",
    "free_before": "datetime64[ms]",
    "free_after": "datetime64[ms]",
    "vessel_length_m": "Float64",
    "yard_id": "string",
    "distance_m": "float64",
    "lost_m2": "Float64",
    "lost_teu_low": "Float64",
    "lost_teu_high": "Float64",
    "gained_m2": "Float64",
    "gained_teu_low": "Float64",
    "gained_teu_high": "Float64",
    "looks": "Int32",
    "flags": "string",
}

STAY_TYPES: dict[str, str] = {
    "site": "string",
    "zone_id": "string",
    "arrive_low": "datetime64[ms]",
    "arrive_high": "datetime64[ms]",
    "leave_low": "datetime64[ms]",
    "leave_high": "datetime64[ms]",
    "came_by": "datetime64[ms]",
    "left_from": "datetime64[ms]",
    "looks": "Int32",
    "length_m": "float64",
    "length_sd_m": "float64",
    "width_m": "Float64",
    "width_sd_m": "Float64",
    "probability": "float64",
    "real_probability": "float64",
    "continues_probability": "float64",
    "status": "string",
    "knowable_on": "datetime64[ms]",
    "scenes": "string",
}
"""Brackets are looks: null where none is. ``arrive_high`` and ``leave_low`` are the first and the last look
that show the vessel. The ship seen last came between ``arrive_low`` and ``came_by``, the one seen first left
between ``left_from`` and ``leave_high``, each with 95 %: where two ships may pass for one, these are other
looks than the first and the last. ``status`` is open until looks surely saw the berth without it,
``knowable_on`` the look by which it was known. ``scenes`` are the ids of the looks that show it, then of
those that bracket it, joined by spaces."""

VOYAGE_TYPES: dict[str, str] = {
    "origin": "string",
    "destination": "string",
    "origin_berth": "string",
    "destination_berth": "string",
    "leave_low": "datetime64[ms]",
    "leave_high": "datetime64[ms]",
    "arrive_low": "datetime64[ms]",
    "arrive_high": "datetime64[ms]",
    "origin_length_m": "float64",
    "origin_length_sd_m": "float64",
    "destination_length_m": "float64",
    "destination_length_sd_m": "float64",
    "probability": "float64",
    "prompt_probability": "float64",
    "candidates": "Int32",
    "named": "bool",
    "knowable_on": "datetime64[ms]",
    "scenes": "string",
}
"""One row per pair of stays that may be of one ship; ``probability`` is that they are, and identity is never
more than that. ``candidates`` counts the stays that either end could be linked to, ``named`` says whether the
link may be told as the likeliest."""

VESSEL_TYPES: dict[str, str] = {
    "site": "string",
    "scene_id": "string",
    "collection": "string",
    "sensor": "string",
    "acquired": "datetime64[ms]",
    "zone_id": "string",
    "longitude": "float64",
    "latitude": "float64",
    "length_m": "float64",
    "length_sd_m": "float64",
    "width_m": "float64",
    "width_sd_m": "float64",
    "heading_deg": "float64",
    "score": "float64",
    "evidence": "string",
}


def looks_table(rows: Rows) -> pd.DataFrame:
    """Bring looks to their published shape, in order of time, scene and zone; times are UTC."""
    frame = pd.DataFrame(rows, columns=list(LOOK_TYPES)).astype(LOOK_TYPES)
    return frame.sort_values(["acquired", "scene_id", "zone_id"], ignore_index=True)


def regimes_table(rows: Rows) -> pd.DataFrame:
    """Bring regimes to their published shape, in order of zone, measure and start; times are UTC."""
    frame = pd.DataFrame(rows, columns=list(REGIME_TYPES)).astype(REGIME_TYPES)
    return frame.sort_values(["zone_id", "measure", "start"], ignore_index=True)


def vessels_table(rows: Rows) -> gpd.GeoDataFrame:
    """Bring vessels to their published shape: point and oriented outline, EPSG:4326."""
    frame = pd.DataFrame(rows, columns=[*VESSEL_TYPES, "outline"]).astype(VESSEL_TYPES)
    order = ["acquired", "scene_id", "zone_id", "longitude", "latitude"]
    frame = frame.sort_values(order, ignore_index=True)
    outlines = gpd.GeoSeries(list(frame["outline"]), crs="EPSG:4326")
    points = gpd.GeoSeries(shapely.points(frame["longitude"], frame["latitude"]), crs="EPSG:4326")
    plain = frame.drop(columns=["outline", "longitude", "latitude"])
    return gpd.GeoDataFrame(plain.assign(geometry=points, outline=outlines), geometry="geometry")


def stacks_table(rows: Rows) -> gpd.GeoDataFrame:
    """Bring outlines of what stands in yards to their published shape, EPSG:4326."""
    frame = pd.DataFrame(rows, columns=[*STACK_TYPES, "outline"]).astype(STACK_TYPES)
    corner = shapely.bounds(np.asarray(frame["outline"], object))[:, :2] if len(frame) else np.empty((0, 2))
    order = frame.assign(west=corner[:, 0], south=corner[:, 1])
    by = ["acquired", "scene_id", "zone_id", "what", "west", "south"]
    order = order.sort_values(by, ignore_index=True)
    outlines = gpd.GeoSeries(list(order["outline"]), crs="EPSG:4326")
    return gpd.GeoDataFrame(order[list(STACK_TYPES)], geometry=outlines)


def balance_table(rows: Rows) -> pd.DataFrame:
    """Bring balances of visits to their published shape, in order of the ship's first look; times are UTC."""
    frame = pd.DataFrame(rows, columns=list(BALANCE_TYPES)).astype(BALANCE_TYPES)
    return frame.sort_values(["first_seen", "berth_id", "yard_id"], ignore_index=True)


def stays_table(rows: Rows) -> pd.DataFrame:
    """Bring stays to their published shape, in order of the first look that shows them; times are UTC."""
    frame = pd.DataFrame(rows, columns=list(STAY_TYPES)).astype(STAY_TYPES)
    return frame.sort_values(["arrive_high", "zone_id", "length_m", "scenes"], ignore_index=True)


def voyages_table(rows: Rows) -> pd.DataFrame:
    """Bring links between stays to their published shape, in order of departure; times are UTC."""
    frame = pd.DataFrame(rows, columns=list(VOYAGE_TYPES)).astype(VOYAGE_TYPES)
    by = ["leave_low", "arrive_high", "origin", "destination", "origin_berth", "destination_berth", "scenes"]
    return frame.sort_values(by, ignore_index=True)


def site_regimes(folder: Path) -> Rows:
    """Read the published regimes of a whole site, the present one last; none if there is no such table."""
    path = folder / "regimes.parquet"
    if not path.is_file():
        return []
    columns = ["zone_id", "measure", "state", "start", "level", "probability", "status"]
    table = pd.read_parquet(path, columns=columns)
    whole = table[table["zone_id"] == "*"].sort_values(["measure", "start"])
    return [{str(k): None if pd.isna(v) else v for k, v in row.items()} for row in whole.to_dict("records")]


def write_tables(folder: Path, tables: Tables) -> None:
    """Write the tables of a publication: Parquet for programs, CSV for people."""
    published = {name: getattr(tables, name) for name in PUBLISHED}
    for name, table in published.items():
        write_parquet(folder / f"{name}.parquet", table)
    write_sheets(folder, published)


def read_tables(folder: Path) -> Tables:
    """Read the tables of a publication; without the occupancy by month, which follows from utilisation."""
    shapes = {"vessels", "stacks"}
    read = {
        name: (gpd.read_parquet if name in shapes else pd.read_parquet)(folder / f"{name}.parquet")
        for name in PUBLISHED
    }
    return Tables(**read, occupancy=pd.DataFrame())


def read_looks(folder: Path) -> pd.DataFrame:
    """Read the looks of a publication."""
    return pd.read_parquet(folder / "looks.parquet")


def read_regimes(folder: Path) -> pd.DataFrame:
    """Read the regimes of a publication."""
    return pd.read_parquet(folder / "regimes.parquet")


def read_vessels(folder: Path) -> gpd.GeoDataFrame:
    """Read the vessels of a publication."""
    return gpd.read_parquet(folder / "vessels.parquet")


def read_voyages(folder: Path) -> pd.DataFrame:
    """Read the voyages of a publication; no row where none were told yet."""
    path = folder / "voyages.parquet"
    return pd.read_parquet(path) if path.is_file() else voyages_table([])


def read_rows(folder: Path, scene_ids: set[str]) -> tuple[Rows, Rows, Rows]:
    """Read back the looks, vessels and stacks of some scenes from an earlier publication."""
    if not scene_ids or not (folder / "looks.parquet").is_file():
        return [], [], []
    looks = pd.read_parquet(folder / "looks.parquet")
    vessels = gpd.read_parquet(folder / "vessels.parquet")
    vessels = vessels.assign(longitude=vessels.geometry.x, latitude=vessels.geometry.y)
    stacks = gpd.read_parquet(folder / "stacks.parquet").rename_geometry("outline")
    return tuple(  # type: ignore[return-value]
        table[table["scene_id"].isin(scene_ids)].to_dict("records") for table in (looks, vessels, stacks)
    )
