# %% [markdown]
# # Compare two ports
#
# Two publications side by side: were they looked at alike, when was each busy, and do they move together?
# `ROADSTEAD_NOTEBOOK_OUT` names the folder, `ROADSTEAD_NOTEBOOK_SITES` two of its ports (`najin,dunay`).

# %%
from __future__ import annotations

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr

out = Path(os.environ.get("ROADSTEAD_NOTEBOOK_OUT", "demo"))
one, other = os.environ.get("ROADSTEAD_NOTEBOOK_SITES", "najin,dunay").split(",")
colours = {one: "#1f4e79", other: "#c55a11"}
NAMES = {
    "quay_occupancy": "mean",
    "quay_occupancy_low": "low",
    "quay_occupancy_high": "high",
    "quay_occupancy_n_looks": "looks",
}


def months_of(site: str) -> pd.DataFrame:
    """Share of the quay taken by month, with its interval and looks; NaN where no look could tell."""
    table = xr.open_zarr(out / site / "series.zarr")[list(NAMES)].to_dataframe()
    return table.rename(columns=NAMES)[list(NAMES.values())]


months = {site: months_of(site) for site in (one, other)}

# %% [markdown]
# ## Were they looked at alike?
#
# A port that is looked at twice as often shows more ships, not because it has more. So shares of looks are
# compared, never sums, and only with the looks beside them.

# %%
coverage = pd.DataFrame({site: table["looks"] for site, table in months.items()}).fillna(0).astype(int)
print("looks that saw enough of the quay, by month")
print(coverage.set_axis(coverage.index.strftime("%Y-%m")).to_string())

# %% [markdown]
# ## When was each busy?

# %%
fig, ax = plt.subplots(figsize=(9, 4), layout="constrained")
for k, (site, table) in enumerate(months.items()):
    when = table.index + pd.Timedelta(days=12 + 6 * k)
    mean, low, high = (100 * table[name] for name in ("mean", "low", "high"))
    error = [(mean - low).clip(lower=0), (high - mean).clip(lower=0)]
    ax.errorbar(when, mean, yerr=error, fmt="o", capsize=3, color=colours[site], label=site)
    regimes = pd.read_parquet(out / site / "regimes.parquet")
    for row in regimes[(regimes["zone_id"] == "*") & regimes["start_low"].notna()].itertuples():
        ax.axvspan(row.start_low, row.start_high, color=colours[site], alpha=0.2, lw=0)
ax.set(
    ylabel="share of the quay taken (%)",
    ylim=(0, None),
    title="months, 90 % intervals; bands: activity changed",
)
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# ## Do they move together?
#
# Months in which both were told. With a handful of months even unrelated ports correlate now and then: the
# shuffled months show how often by chance.

# %%
both = pd.concat({site: 100 * table["mean"] for site, table in months.items()}, axis=1).dropna()
if len(both) >= 4 and (both.std() > 0).all():
    rng = np.random.default_rng(1)
    found = float(np.corrcoef(both[one], both[other])[0, 1])
    shuffled = [np.corrcoef(both[one], rng.permutation(both[other]))[0, 1] for _ in range(2000)]
    reached = 100 * float(np.mean(np.array(shuffled) >= found))
    print(f"correlation over {len(both)} months: {found:.2f}; {reached:.0f} % of shuffled months reach it")
else:
    print(f"{len(both)} months in which both were told: too few to say, or nothing moved")
fig, ax = plt.subplots(figsize=(4.5, 4.5), layout="constrained")
ax.plot(both[one], both[other], "o", color="0.3")
for month, row in both.iterrows():
    ax.annotate(f"{month:%b %y}", (row[one], row[other]), (4, 4), textcoords="offset points", fontsize=7)
ax.set(xlabel=f"{one}: quay taken (%)", ylabel=f"{other}: quay taken (%)")
ax.margins(0.2)
ax.set(xlim=(0, None), ylim=(0, None))

# %% [markdown]
# ## The sizes of their ships
#
# Sightings, not ships: one that stays is seen again. Lengths have standard errors (printed), which widen the
# spread; two ports differ only if they differ by more than that.

# %%
columns = ["site", "length_m", "length_sd_m"]
ships = pd.concat([pd.read_parquet(out / site / "vessels.parquet", columns=columns) for site in (one, other)])
print(ships.groupby("site")[["length_m", "length_sd_m"]].median().round(0))
fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
for site in (one, other):
    lengths = ships.loc[ships["site"] == site, "length_m"]
    ax.hist(lengths, bins=np.arange(0, 280, 20), histtype="step", lw=2, color=colours[site], label=site)
ax.set(xlabel="length (m)", ylabel="sightings")
ax.legend(frameon=False)
