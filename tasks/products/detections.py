"""Vessels of single images as one file: GeoJSON for maps, GeoParquet for tables.

Both hold the same rows, rounded to what they are good for, and say in themselves what was searched: a file
without vessels still tells how much water had none. Nothing in them depends on when or where they were
written.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import shapely
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

Rows = list[dict[str, Any]]

SUFFIXES = (".geojson", ".parquet")

METADATA_KEY = "roadstead"
"""Member of the GeoJSON document, and key of the Parquet metadata, that says how the file came about."""

COLUMNS: dict[str, tuple[str, int | None]] = {
    "image": ("string", None),
    "acquired": ("datetime64[ms, UTC]", None),
    "sensor": ("string", None),
    "longitude": ("float64", 6),
    "latitude": ("float64", 6),
    "length_m": ("Float64", 1),
    "length_sd_m": ("Float64", 1),
    "width_m": ("Float64", 1),
    "width_sd_m": ("Float64", 1),
    "heading_deg": ("Float64", 1),
    "zone_id": ("string", None),
    "score": ("Float64", 2),
}
"""Type of each column, and decimals: a place to a tenth of a metre."""

COORDINATE_GRID = 1e-7
"""Of outlines, degrees: a centimetre."""


def detections_table(rows: Rows) -> gpd.GeoDataFrame:
    """Bring vessels to their published shape, in the order given.

    Returns
    -------
    geopandas.GeoDataFrame
        `COLUMNS`, ``outline`` (EPSG:4326, rings counter-clockwise) as the geometry, ``point`` its centre.
    """
    frame = pd.DataFrame(rows, columns=[*COLUMNS, "outline"])
    frame = frame.astype({name: dtype for name, (dtype, _) in COLUMNS.items()})
    frame = frame.round({name: digits for name, (_, digits) in COLUMNS.items() if digits is not None})
    frame["heading_deg"] %= 180.0  # 179.96 is rounded to 180: north
    outlines = gpd.GeoSeries([_published(shape) for shape in frame["outline"]], crs="EPSG:4326")
    points = gpd.GeoSeries(shapely.points(frame["longitude"], frame["latitude"]), crs="EPSG:4326")
    return gpd.GeoDataFrame(frame.assign(point=points, outline=outlines), geometry="outline")


def _published(shape: BaseGeometry) -> BaseGeometry:
    """Round an outline, and turn it as RFC 7946 wants: counter-clockwise."""
    return orient(shapely.set_precision(shape, COORDINATE_GRID), 1.0)


def write_detections(path: Path, table: gpd.GeoDataFrame, about: Mapping[str, Any]) -> None:
    """Write vessels aside and move them in whole; the folder is made.

    Parameters
    ----------
    path
        Ends in one of `SUFFIXES`.
    table
        As from `detections_table`.
    about
        How they were found: becomes part of the file.
    """
    data = _parquet(table, about) if path.suffix.lower() == ".parquet" else _geojson(table, about)
    write_whole(path, data)


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in its place at once: a reader sees the old one or the new one, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.new")
    try:
        aside.write_bytes(data)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _geojson(table: gpd.GeoDataFrame, about: Mapping[str, Any]) -> bytes:
    features = [
        {
            "type": "Feature",
            "geometry": shapely.geometry.mapping(row["outline"]),
            "properties": {name: plain(row[name]) for name in COLUMNS},
        }
        for row in table.to_dict("records")
    ]
    # One vessel a line, after what the file is about: people read and compare these files.
    lines = ",\n".join(_json(feature) for feature in features)
    head = f'{{"type": "FeatureCollection",\n"{METADATA_KEY}": {_json(plain(about))},\n"features": ['
    return f"{head}\n{lines}\n]}}\n".encode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _parquet(table: gpd.GeoDataFrame, about: Mapping[str, Any]) -> bytes:
    plain_file, file = io.BytesIO(), io.BytesIO()
    table.to_parquet(plain_file, index=False)
    whole = pq.read_table(plain_file)
    told = _json(plain(about)).encode()
    whole = whole.replace_schema_metadata({**whole.schema.metadata, METADATA_KEY.encode(): told})
    pq.write_table(whole, file, compression="zstd")
    return file.getvalue()


def plain(value: Any) -> Any:
    """Bring a value to what JSON has: times in UTC to the second, null for what is not known."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, (float, np.floating)):
        return round(float(value), 6) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
