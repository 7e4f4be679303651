"""A site drawn on a grid: its zones, water and land, quays, yards and tracks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox
from scipy import ndimage

from tasks.grid import draw, pixel_size_m, zone_masks
from tasks.model import Site, ZoneKind
from tasks.science.plots import Plot, draw_plots
from tasks.science.quays import Face, draw_faces
from tasks.science.shapes import EIGHT

MIN_SEEN = 0.5
"""Share of a zone that a look must see before the zone gets a value."""

STRUCTURE_MARGIN_PX = 2
"""Layover and blur carry a breakwater's brightness this far beyond its outline."""

ASHORE_MARGIN_M = 60.0
"""Ground around yards and tracks that tells the light of a date, and where an image lies."""


@dataclass(frozen=True, eq=False)
class Layers:
    """A site drawn on a grid; shared by all that ask for it, so not to be written to."""

    box: GeoBox
    zones: dict[str, npt.NDArray[np.bool_]]
    """Pixels of each measured zone."""

    water: npt.NDArray[np.bool_]
    """Pixels of the water zones that no structure touches."""

    land: npt.NDArray[np.bool_]
    """Land and piers, as far as the site knows them."""

    near: npt.NDArray[np.bool_]
    """Water, berths and the pixels around them whose background is needed."""

    ashore: npt.NDArray[np.bool_]
    """Yards, tracks and what lies around them, off the water: ground whose bare look is needed."""

    pixel_m: float

    faces: tuple[Face, ...] = ()
    """Berths, by the quay that they lie at; their strips are not part of `water`."""

    plots: tuple[Plot, ...] = ()
    """Yards and tracks."""

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


@lru_cache(maxsize=4)
def draw_site(site: Site, box: GeoBox) -> Layers:
    """Draw a site's zones on a grid, once in a process: it costs as much as measuring two scenes."""
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
    plots = draw_plots(site, box, zones)
    standing = np.zeros(box.shape, bool)
    for plot in plots:
        standing[plot.rows, plot.cols] = True
    margin = max(round(ASHORE_MARGIN_M / pixel_size_m(box)), 1)
    around = ndimage.binary_dilation(standing, EIGHT, iterations=margin) if plots else standing
    ashore = around & ~np.logical_or.reduce([water, *berths])
    return Layers(box, zones, water & ~structures, land, near, ashore, pixel_size_m(box), faces, plots)
