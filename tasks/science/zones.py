"""From pixels and detections to one row per look: what each zone showed, and how much of it was seen.

A look that saw less than half of a zone gives null for that zone, never 0. So do measures that the
sensor cannot give: radar at 10 m counts vessels on water and says nothing yet of yards and rails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
import xarray as xr
from odc.geo.geobox import GeoBox
from scipy import ndimage
from shapely.affinity import rotate, translate
from shapely.geometry.base import BaseGeometry

from tasks.grid import cell_lonlat, draw, pixel_size_m, zone_masks
from tasks.model import WATER_KINDS, Site, Zone, ZoneKind
from tasks.science.radiometry import to_db
from tasks.science.vessels import DEFAULT_VESSELS, EIGHT, Detection, Vessel, VesselOptions, detect_vessels

MIN_SEEN = 0.5
"""Share of a zone that a look must see before the zone gets a value."""

STRUCTURE_MARGIN_PX = 2
"""Layover and blur carry a breakwater's brightness this far beyond its outline."""

LOOK_MEASURES = (
    "vessel_count",
    "vessel_length_m",
    "occupied_m",
    "occupied_fraction",
    "fill_fraction",
    "stack_area_m2",
    "gained_m2",
    "lost_m2",
    "teu_low",
    "teu_high",
    "rail_occupied_m",
    "change_fraction",
)
"""Columns of a look; null where the sensor or the look cannot tell."""


@dataclass(frozen=True)
class Layers:
    """A site drawn on a grid."""

    box: GeoBox
    zones: dict[str, npt.NDArray[np.bool_]]
    """Pixels of each measured zone."""

    water: npt.NDArray[np.bool_]
    """Pixels of the water zones that no structure touches."""

    land: npt.NDArray[np.bool_]
    """Land and piers, as far as the site knows them."""

    near: npt.NDArray[np.bool_]
    """Water and the pixels around it whose background is needed."""

    pixel_m: float


def draw_site(site: Site, box: GeoBox) -> Layers:
    """Draw a site's zones on a grid."""
    zones = zone_masks(box, site.measured_zones)
    structures = draw(box, [z.geometry for z in site.zones if z.kind is ZoneKind.STRUCTURE], touched=True)
    structures = ndimage.binary_dilation(structures, EIGHT, iterations=STRUCTURE_MARGIN_PX)
    water = np.zeros(box.shape, bool)
    for zone in site.water_zones:
        water |= zones[zone.zone_id]
    near = ndimage.binary_dilation(water, EIGHT, iterations=4)
    piers = [z.geometry for z in site.zones if z.kind is ZoneKind.PIER]
    land = draw(box, [*piers, *([site.land] if site.land is not None else [])]) & ~water
    return Layers(box, zones, water & ~structures, land, near, pixel_size_m(box))


@dataclass(frozen=True)
class LookOptions:
    """Everything that decides a look's numbers; part of each look's recipe."""

    vessels: VesselOptions = DEFAULT_VESSELS
    min_seen: float = MIN_SEEN


DEFAULT_LOOK = LookOptions()

Rows = list[dict[str, Any]]


def measure_scenes(
    block: xr.Dataset,
    background: dict[str, npt.NDArray[np.float32]],
    band: str,
    site: Site,
    box: GeoBox,
    memory_flag: str = "",
    options: LookOptions = DEFAULT_LOOK,
) -> tuple[Rows, Rows]:
    """Measure every zone of a site in a few scenes that share one background epoch.

    Parameters
    ----------
    block
        ``(time, y, x)`` per band, with ``scene_id`` and ``collection`` along time or in the attributes.
    background
        ``level`` and ``seen_share`` of the epoch, ``(y, x)``.
    band
        Band in which vessels are looked for.
    site, box
        Zones, and the grid that the block is on.
    memory_flag
        Flag that every row carries when the epoch is not settled; empty otherwise.
    options
        Thresholds.

    Returns
    -------
    looks, vessels
        Plain rows: one per scene × zone, one per vessel inside a zone that was seen.
    """
    layers = draw_site(site, box)
    looks: Rows = []
    vessels: Rows = []
    for k in range(block.sizes["time"]):
        scene = block.isel(time=k)
        db = to_db(scene[band]).values
        found = detect_vessels(db, layers.water, layers.land, background, layers.pixel_m, options.vessels)
        header = {
            "site": site.site_id,
            "scene_id": str(scene["scene_id"].values),
            "collection": str(block.attrs["collection"]),
            "acquired": scene["time"].values.astype("datetime64[s]"),
        }
        rows, seen = _look_rows(site, layers, np.isfinite(db), found, memory_flag, options)
        looks += [header | row for row in rows]
        vessels += [header | _vessel_row(v, zone, box) for v, zone in seen]
    return looks, vessels


def _look_rows(
    site: Site,
    layers: Layers,
    seen: npt.NDArray[np.bool_],
    found: Detection,
    memory_flag: str,
    options: LookOptions,
) -> tuple[Rows, list[tuple[Vessel, Zone]]]:
    rows: Rows = []
    counted: list[tuple[Vessel, Zone]] = []
    for zone in site.measured_zones:
        mask = layers.zones[zone.zone_id]
        share = float(seen[mask].mean()) if mask.any() else 0.0
        row: dict[str, Any] = {"zone_id": zone.zone_id, "zone_kind": zone.kind.value, "seen_fraction": share}
        row |= dict.fromkeys(LOOK_MEASURES)
        if share < options.min_seen:
            row["flags"] = "not_seen"
        elif zone.kind not in WATER_KINDS:
            row["flags"] = "not_measured"
        else:
            here = [v for v in found.vessels if mask[round(v.row), round(v.col)]]
            row["vessel_count"] = len(here)
            row["vessel_length_m"] = float(sum(v.length_m for v in here))
            artefact = any(mask[round(r), round(c)] for r, c in found.artefacts)
            row["flags"] = ";".join(filter(None, (memory_flag, "artefact" if artefact else "")))
            counted += [(v, zone) for v in here]
        rows.append(row)
    return rows, counted


def _vessel_row(vessel: Vessel, zone: Zone, box: GeoBox) -> dict[str, Any]:
    lon, lat = cell_lonlat(box, [vessel.row], [vessel.col])
    heading = np.degrees(np.arctan2(vessel.axis[0], vessel.axis[1])) % 180
    return {
        "zone_id": zone.zone_id,
        "longitude": float(lon[0]),
        "latitude": float(lat[0]),
        "length_m": vessel.length_m,
        "width_m": vessel.width_m,
        "length_sd_m": vessel.length_sd_m,
        "heading_deg": float(heading),
        "score": vessel.score,
        "outline": outline(vessel, float(lon[0]), float(lat[0]), float(heading)),
    }


def outline(vessel: Vessel, lon: float, lat: float, heading_deg: float) -> BaseGeometry:
    """Oriented box of a vessel, EPSG:4326.

    Drawn in local metres about its own centre; grid north is taken for true north, which is off by
    the meridian convergence (below 2° within a UTM zone).
    """
    half_length, half_width = vessel.length_m / 2, vessel.width_m / 2
    hull = rotate(
        shapely.box(-half_width, -half_length, half_width, half_length), -heading_deg, origin=(0, 0)
    )
    metres = 111_320.0  # per degree of latitude; outlines are good to a pixel, not to a centimetre
    degrees = shapely.transform(hull, lambda xy: xy / [metres * np.cos(np.radians(lat)), metres])
    return translate(degrees, lon, lat)
