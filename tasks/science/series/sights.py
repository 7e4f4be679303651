"""From published rows to what each scene showed of a port: which berths were seen, which ships lay there.

Sensors differ in what they miss, in what they invent and in how they measure; a look brings that with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tasks.model import ZoneKind
from tasks.science.basis import FINE_M, RADAR

METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True)
class SensorQuality:
    """How well one kind of image tells of ships at berths."""

    recall: float
    """Share of the ships of 60 m and more at a wholly seen berth that it shows."""

    false_per_look: float
    """Ships of 60 m and more that it shows at the berths of a port in one look and that are none."""

    length_share: float
    """Standard error of a length as a share of it, beside what the detector says."""

    length_floor_m: float
    """The same, metres; the detectors' own errors leave out what hides a part of the hull."""

    place_m: float
    """Standard error of the middle of a hull along the quay."""


QUALITIES = {
    "radar": SensorQuality(0.96, 0.04, 0.10, 5.0, 12.0),
    "optical 10 m": SensorQuality(0.6, 0.06, 0.05, 12.0, 10.0),
    "optical": SensorQuality(0.97, 0.03, 0.0, 6.0, 4.0),
}
"""Measured against truth on simulated images of Najin and Dunay, June to December 2023: radar showed 61 of 63
ships, Sentinel-2 20 of 36, cameras at 3 m 131 of 132; in 105, 85 and 262 looks they showed 4, 4 and 8 ships
of 60 m and more that were none. Errors of length: 13 to 14 m (12 %), 14 to 29 m, 6 m if nothing is hidden.
Of place, against other looks at the ship while it lay there (464 sights of fifteen months): 8 m in radar and
some 12 m between radar and camera; 1 m at 3 m, 4 m with hulls that are hidden in part."""

USUAL_M = 110.0
"""Length of a ship of which a look told no length: a small freighter's."""


def kind_of_image(sensor: str, pixel_m: float) -> str:
    """Name the entry of `QUALITIES` that holds for an image."""
    if sensor == RADAR:
        return "radar"
    return "optical" if pixel_m <= FINE_M else "optical 10 m"


@dataclass(frozen=True)
class Hull:
    """One ship in one look."""

    zone_id: str
    length_m: float
    length_sd_m: float
    width_m: float
    """NaN where it was not told."""

    width_sd_m: float
    east_m: float
    north_m: float
    """Middle of the hull from the port's corner, metres; NaN where only the berth is known."""


@dataclass(frozen=True)
class BerthsSeen:
    """One scene of a port."""

    acquired: pd.Timestamp
    """UTC, without a zone."""

    scene_id: str
    quality: SensorQuality
    fine: bool
    """Whether it is a camera's image at `FINE_M` or finer."""

    seen: Mapping[str, float]
    """Share seen, by berth; berths that the look could not tell of are left out."""

    hulls: tuple[Hull, ...]


def sights(looks: pd.DataFrame, vessels: pd.DataFrame | None = None) -> list[BerthsSeen]:
    """Gather what every scene showed of the berths, in order of time.

    Parameters
    ----------
    looks
        One row per look × zone, as published.
    vessels
        One row per vessel with ``longitude`` and ``latitude`` or a point ``geometry``, as published. Without
        them the mean length of a berth's ships stands for them all: at least one ship.

    Returns
    -------
    list of BerthsSeen
        Scenes that saw no berth at all are left out.
    """
    rows = looks[(looks["zone_kind"] == ZoneKind.BERTH.value) & looks["vessel_count"].notna()]
    rows = rows.sort_values(["acquired", "scene_id", "zone_id"], kind="stable")
    hulls = _from_berths(rows) if vessels is None else _from_vessels(vessels, set(rows["zone_id"]))
    if rows.empty:
        return []
    found = []
    columns = {
        name: rows[name].to_numpy(object) if name in rows else np.full(len(rows), None)
        for name in ("acquired", "scene_id", "zone_id", "sensor", "pixel_m", "seen_fraction")
    }
    starts = np.flatnonzero(np.r_[True, columns["scene_id"][1:] != columns["scene_id"][:-1]])
    for first, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        scene = str(columns["scene_id"][first])
        pixel, sensor = columns["pixel_m"][first], columns["sensor"][first]
        kind = kind_of_image(
            RADAR if pd.isna(sensor) else str(sensor),
            10.0 if pixel is None or pd.isna(pixel) else float(pixel),
        )
        seen = {
            str(zone): 1.0 if share is None or pd.isna(share) else float(share)
            for zone, share in zip(
                columns["zone_id"][first:end], columns["seen_fraction"][first:end], strict=True
            )
        }
        here = tuple(h for h in hulls.get(scene, ()) if h.zone_id in seen)
        moment = pd.Timestamp(columns["acquired"][first])
        found.append(BerthsSeen(moment, scene, QUALITIES[kind], kind == "optical", seen, here))
    return found


def _from_berths(rows: pd.DataFrame) -> dict[str, list[Hull]]:
    """Take a berth's ships for one of their mean length."""
    found: dict[str, list[Hull]] = {}
    taken = rows[rows["vessel_count"] > 0]
    for scene, zone, count, total in zip(
        taken["scene_id"], taken["zone_id"], taken["vessel_count"], taken["vessel_length_m"], strict=True
    ):
        length = USUAL_M if pd.isna(total) else float(total) / int(count)
        hull = Hull(str(zone), length, 0.1 * length, np.nan, np.nan, np.nan, np.nan)
        found.setdefault(str(scene), []).append(hull)
    return found


def _from_vessels(vessels: pd.DataFrame, berths: set[str]) -> dict[str, list[Hull]]:
    own = vessels[vessels["zone_id"].isin(berths)]
    if own.empty:
        return {}
    if "longitude" in own:
        lon, lat = own["longitude"].to_numpy(float), own["latitude"].to_numpy(float)
    else:
        lon, lat = own["geometry"].x.to_numpy(float), own["geometry"].y.to_numpy(float)
    # A corner that does not move when more ships are seen: whole degrees.
    corner = np.floor(lon.min()), np.floor(lat.min())
    east = (lon - corner[0]) * METRES_PER_DEGREE * np.cos(np.radians(corner[1] + 0.5))
    north = (lat - corner[1]) * METRES_PER_DEGREE
    order = np.lexsort((north, east, own["zone_id"].to_numpy(str)))
    numbers = own[["length_m", "length_sd_m", "width_m", "width_sd_m"]].to_numpy(float)
    zones, scenes = own["zone_id"].to_numpy(str), own["scene_id"].to_numpy(str)
    found: dict[str, list[Hull]] = {}
    for k in order:
        length, length_sd, width, width_sd = (float(v) for v in numbers[k])
        hull = Hull(str(zones[k]), length, length_sd, width, width_sd, float(east[k]), float(north[k]))
        found.setdefault(str(scenes[k]), []).append(hull)
    return found
