# %% [markdown]
# # Check one claim, from the sentence to the pixel
#
# Takes the latest change that a publication claims (or, without one, its busiest look) and goes back: to the
# looks it rests on, to the ships in one of them, to the picture, to the scene, and to the bytes.
# `ROADSTEAD_NOTEBOOK_OUT` and `ROADSTEAD_NOTEBOOK_SITE` name the publication.

# %%
from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

out = Path(os.environ.get("ROADSTEAD_NOTEBOOK_OUT", "demo"))
folder = out / os.environ.get("ROADSTEAD_NOTEBOOK_SITE", "najin")
looks = pd.read_parquet(folder / "looks.parquet")
vessels = gpd.read_parquet(folder / "vessels.parquet")
manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))

# %% [markdown]
# ## The claim

# %%
regimes = pd.read_parquet(folder / "regimes.parquet")
changes = regimes[(regimes["zone_id"] == "*") & regimes["start_low"].notna()]
if len(changes):
    change = changes.iloc[-1]
    around = change["start"]
    print(
        f"{change['state']} since {change['start']:%d %b %Y}, between {change['start_low']:%d %b} and "
        f"{change['start_high']:%d %b %Y} (90 %), {change['status']}, probability {change['probability']:.2f}"
    )
else:
    at_berth = looks[looks["zone_kind"] == "berth"] if (looks["zone_kind"] == "berth").any() else looks
    around = at_berth.groupby("acquired")["vessel_count"].sum().idxmax()
    print(f"no change is claimed; the busiest look is that of {around:%d %b %Y %H:%M} UTC")

# %% [markdown]
# ## The looks that it rests on
#
# Ships at berth, look by look, where a look could tell; below, the share of berths that each look could not
# tell. A change that falls into a gap is known no better than the gap is short.

# %%
kind = "berth" if (looks["zone_kind"] == "berth").any() else "anchorage"
here = looks[looks["zone_kind"] == kind]
per_look = here.groupby(["acquired", "scene_id"])["vessel_count"].agg(["sum", "count", "size"]).reset_index()
told = per_look[per_look["count"] > 0]
heights = {"height_ratios": (3, 1)}
fig, (top, below) = plt.subplots(2, 1, figsize=(9, 4), sharex=True, gridspec_kw=heights, layout="constrained")
top.vlines(told["acquired"], 0, told["sum"].astype(float), color="#1f4e79", lw=1)
top.plot(told["acquired"], told["sum"].astype(float), "o", ms=3, color="#1f4e79")
top.axvline(around, color="tab:orange", lw=2)
top.set(ylabel="ships seen", ylim=(0, None), title=f"looks that could tell a {kind}; orange: the claim")
below.vlines(per_look["acquired"], 0, 1 - per_look["count"] / per_look["size"], color="0.6", lw=1)
below.set(ylabel="not told", ylim=(0, 1))

# %% [markdown]
# ## One look: its ships
#
# The first look at or after the claimed moment that saw a ship. Lengths carry their standard error; nothing
# here is finer than the pixel.

# %%
after = vessels[vessels["acquired"] >= around]
scene_id = (after if len(after) else vessels)["scene_id"].iloc[0]
ships = vessels[vessels["scene_id"] == scene_id]
print(ships[["zone_id", "length_m", "length_sd_m", "heading_deg", "score"]].round(1).to_string(index=False))
metres = ships.set_geometry("outline").to_crs(ships.estimate_utm_crs())
west, south, _, _ = metres.total_bounds
hulls = metres.geometry.translate(-west, -south)
fig, ax = plt.subplots(figsize=(6, 5), layout="constrained")
hulls.boundary.plot(ax=ax, color="#1f4e79")
longest = ships.assign(hull=hulls).nlargest(12, "length_m")  # more words than that hide the hulls
for hull, ship in zip(longest["hull"], longest.itertuples(), strict=True):
    words, place = f"{ship.length_m:.0f} ± {ship.length_sd_m:.0f} m", (hull.centroid.x, hull.centroid.y)
    ax.annotate(words, place, (8, 8), textcoords="offset points")
ax.set_title(f"hulls in {scene_id}", fontsize=8)
ax.set(xlabel="metres to the east", ylabel="metres to the north", aspect="equal")
ax.margins(0.2)

# %% [markdown]
# ## The picture
#
# `evidence/` holds pictures cut from the scenes, and `evidence.json` says what each shows and does not. An
# outline on the picture, times metres per pixel, must give a length of the table.

# %%
listing = folder / "evidence" / "evidence.json"
chips = json.loads(listing.read_text(encoding="utf-8"))["chips"] if listing.is_file() else []
there = [c for c in chips if (folder / "evidence" / c["name"]).is_file()]
there.sort(key=lambda c: (c["scene_id"] != scene_id, not c["outlines"]))
measured_m: list[float] = []
if not there:
    print("this publication holds no pictures")
else:
    chip = there[0]
    metres_per_px = (chip["east"] - chip["west"]) / chip["width_px"]
    fig, ax = plt.subplots(figsize=(7, 6), layout="constrained")
    ax.imshow(plt.imread(folder / "evidence" / chip["name"]))
    for outline in chip["outlines"]:
        corners = np.array([*outline, outline[0]], dtype=float)
        ax.plot(*corners.T, color="tab:orange", lw=1)
        measured_m.append(float(np.hypot(*np.diff(corners, axis=0).T).max() * metres_per_px))
    ax.set_axis_off()
    taken = f"{chip['acquired']}, {chip['sensor']}, {chip['pixel_m']:g} m"
    ax.set_title(f"{taken}; {chip['attribution']}", fontsize=8)
    in_table = vessels.loc[vessels["scene_id"] == chip["scene_id"], "length_m"]
    print(chip["caption"])
    print("longest sides of its outlines, metres:", [round(m) for m in measured_m])
    print("lengths of that scene in the table:", in_table.round().tolist())

# %% [markdown]
# ## The scene and the bytes
#
# The manifest names every input scene with the recipe that it was measured with; each file has its checksum
# in its STAC item, here held against the bytes (`roadstead verify` does it for all).

# %%
source = next((s for s in manifest["inputs"] if s["scene_id"] == scene_id), None)
state = manifest["state"]
print("scene:", source)
print("archive state:", state["snapshot"], "measure version:", state["measure_version"])
item = json.loads(next((folder / "items").glob("*-vessels.json")).read_text(encoding="utf-8"))
digest = hashlib.sha256((folder / "vessels.parquet").read_bytes()).hexdigest()
matches = item["assets"]["parquet"]["file:checksum"] == "1220" + digest  # multihash: SHA2-256, 32 bytes
print("vessels.parquet is what was published:", matches)

# %% [markdown]
# What stays unknown: which ship it was, what it carried, and what happened between two looks. No picture of
# these kinds shows it.
