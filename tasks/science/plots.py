"""Yards and bundles of tracks on the pixel grid, each with its own axes.

Stacks stand in rows along a yard, trains along a track; so what lies on such ground is described along
and across the long axis of its zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from odc.geo.geobox import GeoBox

from tasks.grid import project
from tasks.model import Site, ZoneKind
from tasks.sites.measure import area_m2, long_side_m

Mask = npt.NDArray[np.bool_]

PLOT_KINDS = frozenset({ZoneKind.CONTAINER_YARD, ZoneKind.RAIL_YARD})
"""Kinds of ground on which goods stand."""


@dataclass(frozen=True)
class Plot:
    """One yard or bundle of tracks, and its pixels."""

    zone_id: str
    kind: ZoneKind

    rows: npt.NDArray[np.intp]
    cols: npt.NDArray[np.intp]
    """Pixels whose centre lies inside."""

    along_m: npt.NDArray[np.float64]
    """Where each pixel's centre lies along the long axis, metres from one end."""

    across_m: npt.NDArray[np.float64]
    """How far each pixel's centre lies from the middle line, metres; positive to the left of the axis."""

    axis: tuple[float, float]
    """Unit vector of the long axis (x to the east of the grid, y to its north)."""

    length_m: float
    width_m: float
    """Sides of the smallest rectangle around the zone."""

    area_m2: float
    """Of the zone as it is drawn, not of its pixels."""


TRACK_M = 5.2
"""Between the middle lines of parallel tracks: 4.5 to 5.5 m in yards everywhere."""

TRACK_EDGE_M = 3.0
"""Of a bundle's width, what lies outside its tracks."""


def track_metres(site: Site) -> dict[str, float]:
    """Metres of track in every rail yard by zone id, as many tracks as its width has room for."""
    metres = {}
    for zone in site.zones:
        if zone.kind is ZoneKind.RAIL_YARD:
            length = long_side_m(zone.geometry)
            tracks = max(int((area_m2(zone.geometry) / length - TRACK_EDGE_M) // TRACK_M), 1)
            metres[zone.zone_id] = tracks * length
    return metres


def draw_plots(site: Site, box: GeoBox, masks: Mapping[str, Mask]) -> tuple[Plot, ...]:
    """Lay a site's yards and tracks out on a grid.

    Parameters
    ----------
    site
        Its container yards and rail yards count.
    box
        The grid, metres.
    masks
        ``(y, x)`` pixels of each zone by zone id.

    Returns
    -------
    tuple of Plot
        In the order of the site file.
    """
    plots = []
    for zone in site.zones:
        if zone.kind in PLOT_KINDS:
            shape = project(zone.geometry, str(box.crs))
            corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(shape))[:3]
            sides = np.diff(corners, axis=0)
            metres = np.hypot(*sides.T)
            k = int(np.argmax(metres))
            axis = sides[k] / metres[k]
            rows, cols = np.nonzero(masks[zone.zone_id])
            to, col, row = box.affine, cols + 0.5, rows + 0.5
            places = np.column_stack([to.a * col + to.b * row + to.c, to.d * col + to.e * row + to.f])
            offset = places - (corners[0] + corners[2]) / 2
            along = offset @ axis + metres[k] / 2
            across = offset @ np.array([-axis[1], axis[0]])
            plots.append(
                Plot(
                    zone.zone_id, zone.kind, rows, cols, along, across, (float(axis[0]), float(axis[1])),
                    float(metres[k]), float(metres[1 - k]), float(shape.area),
                )
            )  # fmt: skip
    return tuple(plots)
