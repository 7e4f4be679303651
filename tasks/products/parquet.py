"""Tables as Parquet and GeoParquet files that say themselves what their columns mean.

A field carries its sentence as Parquet metadata ``description``, the file that of the table: pyarrow shows
both, GDAL the table's (``ogrinfo -mdd _PARQUET_METADATA_``). Geometry is GeoParquet 1.1: WKB, EPSG:4326, with
bounds in ``bbox`` for reading a window. GDAL takes a file's first geometry column for its own, whichever is
primary, and writes no WKB whose field says something but not that it is geometry (seen in 3.10 and 3.13).
"""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.products.columns import TABLES, meaning

GEOPARQUET = "1.1.0"

DESCRIPTION = b"description"
"""Key of the sentence in the metadata of a field and of a file."""


def write_parquet(path: Path, frame: pd.DataFrame) -> None:
    """Write a table; the name of the file, without its ending, says which of `COLUMNS` describe it."""
    name = path.stem
    table = _geographic(frame) if isinstance(frame, gpd.GeoDataFrame) else _plain(frame)
    fields = [
        f.with_metadata((f.metadata or {}) | {DESCRIPTION: said.encode()})
        if (said := meaning(name, f.name))
        else f
        for f in table.schema
    ]
    about = {DESCRIPTION: TABLES[name].encode()} if name in TABLES else {}
    schema = pa.schema(fields, metadata=(table.schema.metadata or {}) | about)
    pq.write_table(table.cast(schema), path, compression="zstd")


def descriptions(path: Path) -> dict[str, str]:
    """Read what a file says of its columns, in their order; empty where it says nothing."""
    return {f.name: (f.metadata or {}).get(DESCRIPTION, b"").decode() for f in pq.read_schema(path)}


def _plain(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False)


def _geographic(frame: gpd.GeoDataFrame) -> pa.Table:
    buffer = BytesIO()
    frame.to_parquet(buffer, index=False, schema_version=GEOPARQUET, write_covering_bbox=True)
    table = pq.read_table(BytesIO(buffer.getvalue()))
    about = json.loads(table.schema.metadata[b"geo"])
    for name, column in about["columns"].items():
        if name != about["primary_column"]:
            # GeoPandas says of every geometry that `bbox` bounds it; it bounds only the first.
            column.pop("covering", None)
    return table.replace_schema_metadata(table.schema.metadata | {b"geo": json.dumps(about).encode()})
