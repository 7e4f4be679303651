"""Tables as CSV for people with spreadsheets: plain columns, ISO dates, and a sheet that explains them.

Times are UTC, written ``2023-12-09 02:10:00``, which spreadsheets read as times. An empty cell is "could not
be told", never 0.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import pandas as pd

from tasks.products.columns import meaning

SHEETS = ("looks", "vessels", "utilisation", "regimes", "stays", "voyages", "balance")

LEFT_OUT = frozenset({"outline", "change_energy", "change_explained", "baseline_change_fraction"})
"""Shapes, and numbers for those who work on the methods; they are in the Parquet files."""

DECIMALS = {"longitude": 6, "latitude": 6, "_m": 1, "_m2": 1, "_deg": 1, "teu_low": 1, "teu_high": 1}
"""By ending of the column's name: a tenth of a metre is finer than any image, 1e-6 of a degree is 0.1 m."""

OTHER_DECIMALS = 4

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How text begins that a spreadsheet would run; ids come from catalogues that others write."""

GUIDE = "columns.csv"


def write_sheets(folder: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write each table of `SHEETS` that is given as CSV, and what the columns of all CSV there mean."""
    for name in SHEETS:
        if name in tables:
            sheet = _sheet(tables[name])
            sheet.to_csv(folder / f"{name}.csv", index=False, date_format="%Y-%m-%d %H:%M:%S")
    said = [("file", "column", "meaning")]
    for name in SHEETS:
        if (path := folder / f"{name}.csv").is_file():
            with path.open(encoding="utf-8", newline="") as file:
                said += [(path.name, column, meaning(name, column)) for column in next(csv.reader(file), [])]
    with (folder / GUIDE).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(said)


def _sheet(table: pd.DataFrame) -> pd.DataFrame:
    plain = pd.DataFrame(table.drop(columns=[c for c in table.columns if c in LEFT_OUT]))
    if isinstance(table, gpd.GeoDataFrame):
        points = table.geometry
        plain = plain.drop(columns=points.name).assign(longitude=points.x, latitude=points.y)
    return plain.apply(_cells)


def _cells(column: pd.Series) -> pd.Series:
    if pd.api.types.is_float_dtype(column):
        return column.round(_decimals(str(column.name)))
    if pd.api.types.is_string_dtype(column):
        return column.map(_inert, na_action="ignore")
    return column


def _decimals(name: str) -> int:
    return next((n for ending, n in DECIMALS.items() if name.endswith(ending)), OTHER_DECIMALS)


def _inert(cell: object) -> object:
    """Put a quote before text that begins like a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
