"""Where vessels are looked for in a single image, and what a vessel found there is written down as."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox
from scipy import ndimage

from tasks.grid import bearing_deg, cell_lonlat, draw
from tasks.model import Site, ZoneKind
from tasks.science.radar.vessels import VesselOptions
from tasks.science.shapes import EIGHT, Vessel, described
from tasks.science.zones import STRUCTURE_MARGIN_PX, draw_site

Mask = npt.NDArray[np.bool_]
Window = tuple[slice, slice]

MASKED_PX = 5
"""Side of the smallest patch without data that was masked by somebody: where noise was taken off, a calm sea
has single pixels without an echo."""

SEARCHED = (ZoneKind.BERTH, ZoneKind.HARBOUR_WATER, ZoneKind.ANCHORAGE)
"""Zones in which a vessel may lie. Berths first: their strips lie in the water of the port."""


@dataclass(frozen=True)
class Ground:
    """Where to look in an image, ``(y, x)`` on its grid; None where nobody says."""

    searched: Mask | None = None
    land: Mask | None = None
    hard: Mask | None = None
    """Land, piers and what is built in the water."""

    berths: Mask | None = None

    zones: tuple[tuple[str, Mask], ...] = ()
    """Id and pixels, in the order of `SEARCHED`."""

    def zone_at(self, row: float, col: float) -> str | None:
        """Zone that holds a place; None if none does."""
        place = round(row), round(col)
        return next((zone_id for zone_id, mask in self.zones if mask[place]), None)

    def holds(self, vessel: Vessel) -> bool:
        """Tell whether a vessel's centre lies where vessels are looked for."""
        return self.searched is None or bool(self.searched[round(vessel.row), round(vessel.col)])


def ground_of(site: Site | None, box: GeoBox) -> Ground:
    """Draw where a site has water and berths, less what is built in them."""
    if site is None:
        return Ground()
    layers = draw_site(site, box)
    zones = sorted((z for z in site.zones if z.kind in SEARCHED), key=lambda z: SEARCHED.index(z.kind))
    built = draw(box, [z.geometry for z in site.zones if z.kind is ZoneKind.STRUCTURE], touched=True)
    blurred = ndimage.binary_dilation(built, EIGHT, iterations=STRUCTURE_MARGIN_PX)
    masks = tuple((zone.zone_id, layers.zones[zone.zone_id]) for zone in zones)
    nowhere = np.zeros(box.shape, bool)
    searched = np.logical_or.reduce([nowhere, *(mask for _, mask in masks)]) & ~blurred
    quays = [layers.zones[zone.zone_id] for zone in zones if zone.kind is ZoneKind.BERTH]
    land = layers.land & ~searched
    return Ground(searched, land, land | built, np.logical_or.reduce([nowhere, *quays]), masks)


def lies_free(
    vessel: Vessel,
    hard: Callable[[Window], Mask],
    shape: tuple[int, int],
    pixel_m: float,
    options: VesselOptions,
) -> bool:
    """Tell whether a radar vessel lies off all that is hard: a ship alongside cannot be told from its quay.

    Parameters
    ----------
    vessel
        Where it is.
    hard
        Gives ``(y, x)`` land, structures and masked pixels of a window.
    shape
        Of the image.
    pixel_m
        Edge of a pixel, metres.
    options
        Their `quay_m` and `shore_m`.
    """
    reach_px = int(np.ceil((vessel.length_m / 2 + options.shore_m) / pixel_m)) + 1
    window = _around(vessel.row, reach_px, shape[0]), _around(vessel.col, reach_px, shape[1])
    rows, cols = np.nonzero(hard(window))
    east = (cols + window[1].start - vessel.col) * pixel_m
    north = (vessel.row - rows - window[0].start) * pixel_m
    along = east * vessel.axis[0] + north * vessel.axis[1]
    across = east * vessel.axis[1] - north * vessel.axis[0]
    half_length, half_width = (side / 2 + options.quay_m for side in (vessel.length_m, vessel.width_m))
    touches = (np.abs(along) < half_length) & (np.abs(across) < half_width)
    return not (touches | (np.hypot(along, across) < options.shore_m)).any()


def _around(middle: float, reach: int, size: int) -> slice:
    return slice(max(round(middle) - reach, 0), min(round(middle) + reach + 1, size))


def masked(seen: Mask) -> Mask:
    """Patches that hold no data, ``(y, x)``: masked quays and land, not single pixels without an echo."""
    return np.asarray(ndimage.binary_opening(~seen, np.ones((MASKED_PX, MASKED_PX), bool)))


def vessel_row(vessel: Vessel, box: GeoBox, ground: Ground) -> dict[str, Any]:
    """Write a vessel down: place and outline in EPSG:4326, heading from true north; None is not known."""
    lon, lat = (float(v[0]) for v in cell_lonlat(box, [vessel.row], [vessel.col]))
    bearing = np.radians(bearing_deg(box, vessel.row, vessel.col, vessel.axis))
    true = replace(vessel, axis=(float(np.sin(bearing)), float(np.cos(bearing))))
    return {"zone_id": ground.zone_at(vessel.row, vessel.col)} | described(true, lon, lat)
