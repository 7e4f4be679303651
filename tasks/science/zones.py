"""From pixels and detections to one row per look: what each zone showed, and how much of it was seen.

A look that saw less than half of a zone gives null for that zone, never 0. So do measures that the
sensor cannot give: radar at 10 m counts vessels on water and the quay metres they take at berths, and
says nothing yet of yards and rails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from odc.geo.geobox import GeoBox
from scipy import ndimage

from tasks.grid import cell_lonlat, draw, pixel_size_m, zone_masks
from tasks.model import WATER_KINDS, Site, Zone, ZoneKind
from tasks.science.moorings import BerthLook
from tasks.science.quays import Face, draw_faces
from tasks.science.shapes import EIGHT, Detection, Vessel, described

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

    @cached_property
    def pixels(self) -> dict[str, npt.NDArray[np.intp]]:
        """Flat indices of each zone's pixels: a zone is a hundredth of the grid."""
        return {zone_id: np.flatnonzero(mask) for zone_id, mask in self.zones.items()}

    @property
    def strips(self) -> npt.NDArray[np.bool_]:
        """Pixels of the berths' strips of water."""
        drawn = np.zeros(self.water.shape, bool)
        for face in self.faces:
            drawn[face.rows, face.cols] = True
        return drawn


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


@dataclass(frozen=True)
class Shown:
    """What one scene shows."""

    seen: npt.NDArray[np.bool_]
    """``(y, x)`` pixels that it shows."""

    found: Detection
    """Vessels that lie freely."""

    berths: Mapping[str, BerthLook]
    """By zone id; a berth that is not among them is not measured."""


def write_looks(
    block: xr.Dataset,
    site: Site,
    layers: Layers,
    read: Callable[[xr.Dataset], Shown],
    sensor: str,
    memory_flag: str,
    min_seen: float,
) -> tuple[Rows, Rows]:
    """Read the scenes of a block one by one, and write down what they show.

    Parameters
    ----------
    block
        ``(time, y, x)`` per band, ``scene_id`` along time, ``collection`` in the attributes.
    site, layers
        The zones, and where they lie on the grid.
    read
        Tells what one scene shows.
    sensor
        Kind of sensor, for every row.
    memory_flag
        Flag that every row carries when there was little to compare with.
    min_seen
        Share of a zone that must be seen.

    Returns
    -------
    looks, vessels
        Plain rows: one per scene × zone, one per vessel inside a zone that was seen.
    """
    looks: Rows = []
    vessels: Rows = []
    for k in range(block.sizes["time"]):
        scene = block.isel(time=k)
        header = {
            "site": site.site_id,
            "scene_id": str(scene["scene_id"].values),
            "collection": str(block.attrs["collection"]),
            "sensor": sensor,
            "acquired": scene["time"].values.astype("datetime64[s]"),
        }
        rows, counted = _look_rows(site, layers, read(scene), memory_flag, min_seen)
        looks += [header | row for row in rows]
        vessels += [header | _vessel_row(v, zone, layers.box) for v, zone in counted]
    return looks, vessels


def _look_rows(
    site: Site, layers: Layers, shown: Shown, memory_flag: str, min_seen: float
) -> tuple[Rows, list[tuple[Vessel, Zone]]]:
    """Write one row per measured zone, and list the vessels in those that were seen."""
    rows: Rows = []
    counted: list[tuple[Vessel, Zone]] = []
    for zone in site.measured_zones:
        mask = layers.zones[zone.zone_id]
        pixels = layers.pixels[zone.zone_id]
        share = float(shown.seen.ravel()[pixels].mean()) if pixels.size else 0.0
        row: dict[str, Any] = {"zone_id": zone.zone_id, "zone_kind": zone.kind.value, "seen_fraction": share}
        row |= dict.fromkeys(LOOK_MEASURES)
        if zone.zone_id in shown.berths:
            row |= _berth_values(shown.berths[zone.zone_id], memory_flag)
            if row["vessel_count"]:
                counted += [(ship, zone) for ship in shown.berths[zone.zone_id].ships]
        elif share < min_seen:
            row["flags"] = "not_seen"
        elif zone.kind not in WATER_KINDS:
            row["flags"] = "not_measured"
        else:
            here = [v for v in shown.found.vessels if mask[round(v.row), round(v.col)]]
            row["vessel_count"] = len(here)
            row["vessel_length_m"] = float(sum(v.length_m for v in here))
            artefact = any(mask[round(r), round(c)] for r, c in shown.found.artefacts)
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


def _vessel_row(vessel: Vessel, zone: Zone, box: GeoBox) -> dict[str, Any]:
    lon, lat = cell_lonlat(box, [vessel.row], [vessel.col])
    return {"zone_id": zone.zone_id} | described(vessel, float(lon[0]), float(lat[0]))
