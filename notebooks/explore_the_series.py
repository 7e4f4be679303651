# %% [markdown]
# # Explore the series of a port
#
# From the published files alone, with xarray, pandas and matplotlib. Run `make demo` first, or name another
# folder: `ROADSTEAD_NOTEBOOK_OUT=roadstead-out ROADSTEAD_NOTEBOOK_SITE=latakia`.

# %%
from __future__ import annotations

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import xarray as xr

out = Path(os.environ.get("ROADSTEAD_NOTEBOOK_OUT", "demo"))
folder = out / os.environ.get("ROADSTEAD_NOTEBOOK_SITE", "najin")

# %% [markdown]
# One line opens everything that was measured. NaN is "could not be told", 0 is "seen, and empty"; the
# denominators stand beside the values, and `ancillary_variables` names them.

# %%
series = xr.open_zarr(folder / "series.zarr").load()
print(series)
print(series["occupancy_mean"].attrs)

# %% [markdown]
# The tables say themselves what their columns mean.

# %%
for field in pq.read_schema(folder / "looks.parquet"):
    print(f"{field.name:26} {(field.metadata or {}).get(b'description', b'').decode()}")

# %% [markdown]
# ## Months, with their intervals and looks
#
# A month that no look could tell stays empty: a gap is a gap, not a zero. The bars below are the looks that
# could tell, without which no height above means anything.

# %%
monthly = series.isel(period=(series["period_kind"] == "month").values)
months = pd.DatetimeIndex(monthly["period_start"].values)
if np.isfinite(monthly["site_occupancy_mean"]).any():
    label = "share of the quay taken (%)"
    mean, low, high = (100 * monthly[f"site_occupancy_{end}"] for end in ("mean", "low", "high"))
    looks = monthly["site_occupancy_looks"]
else:  # a site without berths: the zone with most vessels
    here = monthly.isel(zone=int(monthly["vessels_mean"].mean("period").fillna(-1).argmax("zone")))
    label = f"vessels per look in {here['zone'].item()}"
    mean, low, high, looks = (here[n] for n in ("vessels_mean", "vessels_low", "vessels_high", "looks_seen"))

regimes = pd.read_parquet(folder / "regimes.parquet").query("zone_id == '*'")
heights = {"height_ratios": (4, 1)}
fig, (top, below) = plt.subplots(2, 1, figsize=(9, 5), sharex=True, gridspec_kw=heights, layout="constrained")
last = months[-1] + pd.offsets.MonthBegin(1)
for row in regimes.itertuples():
    if row.state == "active":
        top.axvspan(row.start, last if pd.isna(row.end) else row.end, color="tab:orange", alpha=0.1, lw=0)
    if not pd.isna(row.start_low):
        top.axvspan(row.start_low, row.start_high, color="tab:orange", alpha=0.4, lw=0)
middle, half = months + pd.Timedelta(days=15), pd.Timedelta(days=15)
error = [(mean - low).clip(min=0), (high - mean).clip(min=0)]
top.errorbar(middle, mean, yerr=error, fmt="o", ms=5, color="#1f4e79", capsize=3)
for when in middle[np.isnan(mean.values)]:
    top.axvspan(when - half, when + half, fc="0.9", ec="0.7", hatch="///", lw=0)
top.set(ylabel=label, ylim=(0, None), title=series.attrs["title"])
below.bar(middle, looks.fillna(0), width=20, color="0.5")
below.set(ylabel="looks", xlabel="shaded: active; darker: the change lies there with 90 %; hatched: not told")
for ax in (top, below):
    ax.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# ## Every zone and every look
#
# Rows are zones, columns the images in order of time; grey is "not seen or not measurable". Blocks of grey
# are snow and cloud, or a sensor that cannot tell that zone: compare zones only where both were seen.

# %%
kind = "occupied_fraction" if np.isfinite(series["occupied_fraction"]).any() else "vessel_count"
shown = series[kind].dropna("zone", how="all")
fig, ax = plt.subplots(figsize=(9, 1.5 + 0.28 * shown.sizes["zone"]), layout="constrained")
colours = plt.get_cmap("viridis").with_extremes(bad="0.85")
image = ax.imshow(shown.T.values, aspect="auto", cmap=colours, interpolation="none", vmin=0)
ax.set_yticks(range(shown.sizes["zone"]), shown["zone"].values)
step = max(shown.sizes["look"] // 6, 1)
times = pd.DatetimeIndex(shown["time"].values)
ax.set_xticks(range(0, shown.sizes["look"], step), [f"{t:%d %b %Y}" for t in times[::step]])
words = {"occupied_fraction": "share of the berth taken", "vessel_count": "vessels"}
fig.colorbar(image, label=words[kind], shrink=0.9)

# %% [markdown]
# ## The same in a table
#
# `utilisation.csv` opens in a spreadsheet; here the months of the whole site.

# %%
table = pd.read_parquet(folder / "utilisation.parquet").query("period == 'month'")
site_rows = table[table["zone_id"] == "*"]
columns = [
    "zone_id",
    "start",
    "looks_seen",
    "vessels_mean",
    "occupancy_mean",
    "occupancy_low",
    "occupancy_high",
]
print((site_rows if len(site_rows) else table)[columns].round(3).to_string(index=False))
