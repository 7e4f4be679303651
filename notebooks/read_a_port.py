# %% [markdown]
# # Read a port
#
# What a publication holds, and how to ask it. Run `make demo` first, or name another folder:
# `ROADSTEAD_NOTEBOOK_OUT=out ROADSTEAD_NOTEBOOK_SITE=latakia`.

# %%
from __future__ import annotations

import os
from pathlib import Path

import geopandas as gpd
import pandas as pd
import xarray as xr

from tasks.archive.ledger import read_ledger
from tasks.archive.reading import open_cube
from tasks.archive.store import ArchiveRef

out = Path(os.environ.get("ROADSTEAD_NOTEBOOK_OUT", "demo"))
site = os.environ.get("ROADSTEAD_NOTEBOOK_SITE", "najin")

# %% [markdown]
# The series: NaN is "could not be told", 0 is "seen, and empty". The denominators stand beside the values.

# %%
series = xr.open_zarr(out / site / "series.zarr")
monthly = series.isel(period=(series.period_kind == "month").values).set_index(period="period_start")
table = monthly[["vessels_mean", "vessels_low", "vessels_high", "looks_seen"]].to_dataframe()
table = table[table["looks_seen"].notna()].drop(columns=["period_kind", "period_end", "zone_kind"])
print(table.round(2))

# %% [markdown]
# Every number leads back to images: the busiest look, its vessels, and the scene in the archive.

# %%
looks = pd.read_parquet(out / site / "looks.parquet")
counted = looks[looks["vessel_count"].notna()]
busiest = counted.loc[counted["vessel_count"].idxmax()]
print(busiest[["zone_id", "scene_id", "acquired", "vessel_count", "seen_fraction"]])
vessels = gpd.read_parquet(out / site / "vessels.parquet")
print(
    vessels.loc[vessels["scene_id"] == busiest["scene_id"], ["zone_id", "length_m", "length_sd_m", "score"]]
)

# %% [markdown]
# The cube, lazily: one Dask chunk per date, dates in order, decibels or power as delivered.

# %%
archive = ArchiveRef(str(out / "archive"), site)
collection = read_ledger(archive).scenes[0].collection
cube = open_cube(archive, collection)
print(cube)
scene = cube.isel(time=int((cube.scene_id.values == busiest["scene_id"]).argmax()))
print(scene.vv.shape, scene.vv.attrs["units"], float(scene.vv.mean().compute()))
