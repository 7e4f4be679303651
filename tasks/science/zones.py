"""From pixels and detections to one row per look: what each zone showed, and how much of it was seen.

A look that saw less than half of a zone gives null for that zone, never 0. So do measures that the
sensor cannot give: radar at 10 m counts vessels on water and the quay metres they take at berths, and
says nothing yet of yards and rails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox
from scipy import ndimage

from tasks.grid import cell_lonlat, draw, pixel_size_m, zone_masks
from tasks.model import WATER_KINDS, Site, Zone, ZoneKind
from tasks.science.berths import BerthLook
from tasks.science.quays import Face, draw_faces
from tasks.science.shapes import Detection, Vessel, heading_deg, outline
from tasks.science.vessels import EIGHT

MIN_SEEN = 0.5
"""Share of a zone that a look must see before the zone gets a value."""

STRUCTURE_MARGIN_PX = 2
"""Layover and blur carry a breakwater's brightness this far beyond its outline."""

NO_MEMORY = "no_memory"
"""Flag of a background from too few scenes to tell a fixed object from a vessel that stays."""

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
    """Water, berths and the pixels around them whose background is needed."""

    pixel_m: float

    faces: tuple[Face, ...] = ()
    """Berths, by the quay that they lie at; their strips are not part of `water`."""


def draw_site(site: Site, box: GeoBox) -> Layers:
    """Draw a site's zones on a grid."""
    zones = zone_masks(box, site.measured_zones)
    structures = draw(box, [z.geometry for z in site.zones if z.kind is ZoneKind.STRUCTURE], touched=True)
    structures = ndimage.binary_dilation(structures, EIGHT, iterations=STRUCTURE_MARGIN_PX)
    water = np.zeros(box.shape, bool)
    for zone in site.water_zones:
        water |= zones[zone.zone_id]
    berths = [zones[z.zone_id] for z in site.zones if z.kind is ZoneKind.BERTH]
    near = ndimage.binary_dilation(np.logical_or.reduce([water, *berths]), EIGHT, iterations=4)
    piers = [z.geometry for z in site.zones if z.kind is ZoneKind.PIER]
    land = draw(box, [*piers, *([site.land] if site.land is not None else [])]) & ~water
    faces = draw_faces(site, box, zones)
    return Layers(box, zones, water & ~structures, land, near, pixel_size_m(box), faces)


Rows = list[dict[str, Any]]


def look_rows(
    site: Site,
    layers: Layers,
    seen: npt.NDArray[np.bool_],
    found: Detection,
    berths: dict[str, BerthLook],
    memory_flag: str,
    min_seen: float,
) -> tuple[Rows, list[tuple[Vessel, Zone]]]:
    """Write one row per measured zone, and list the vessels in those that were seen.

    Parameters
    ----------
    site, layers
        The zones, and where they lie on the grid.
    seen
        ``(y, x)`` pixels that the scene shows.
    found
        Vessels that lie freely.
    berths
        What each berth showed; a berth that is not among them is not measured.
    memory_flag
        Flag that every row carries when there was little to compare with.
    min_seen
        Share of a zone that must be seen.
    """
    rows: Rows = []
    counted: list[tuple[Vessel, Zone]] = []
    for zone in site.measured_zones:
        mask = layers.zones[zone.zone_id]
        share = float(seen[mask].mean()) if mask.any() else 0.0
        row: dict[str, Any] = {"zone_id": zone.zone_id, "zone_kind": zone.kind.value, "seen_fraction": share}
        row |= dict.fromkeys(LOOK_MEASURES)
        if zone.zone_id in berths:
            row |= _berth_values(berths[zone.zone_id], memory_flag)
            if row["vessel_count"]:
                counted += [(ship, zone) for ship in berths[zone.zone_id].ships]
        elif share < min_seen:
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


def _berth_values(berth: BerthLook, memory_flag: str) -> dict[str, Any]:
    if berth.flag or memory_flag == NO_MEMORY:
        # Against one to three dates a ship that stays is part of the quay: free would be a guess.
        return {"flags": ";".join(filter(None, (berth.flag or "not_measured", memory_flag)))}
    return {
        "occupied_m": berth.occupied_m,
        "occupied_fraction": berth.occupied_fraction,
        "vessel_count": len(berth.ships),
        "vessel_length_m": float(sum(ship.length_m for ship in berth.ships)),
        "flags": memory_flag,
    }


def vessel_row(vessel: Vessel, zone: Zone, box: GeoBox) -> dict[str, Any]:
    """Write one vessel as a plain row, its place and outline in EPSG:4326."""
    lon, lat = cell_lonlat(box, [vessel.row], [vessel.col])
    return {
        "zone_id": zone.zone_id,
        "longitude": float(lon[0]),
        "latitude": float(lat[0]),
        "length_m": vessel.length_m,
        "width_m": None if np.isnan(vessel.width_m) else vessel.width_m,
        "length_sd_m": vessel.length_sd_m,
        "width_sd_m": None if np.isnan(vessel.width_sd_m) else vessel.width_sd_m,
        "heading_deg": heading_deg(vessel),
        "score": vessel.score,
        "outline": outline(vessel, float(lon[0]), float(lat[0])),
    }
