"""Where pictures are cut: one rectangle of ground for a site and for each zone, whatever the sensor.

A place has the same frame on every date and from every camera, so that pictures can be laid over one
another. Pixels of the image are never invented: a picture is at most four times enlarged, each pixel to a
little square; where it is made smaller, its pixels are means.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from odc.geo.overlap import compute_reproject_roi
from odc.geo.warp import rio_reproject
from shapely.geometry.base import BaseGeometry

from tasks.grid import AOI_MARGIN_M, project
from tasks.model import WATER_KINDS, Site, Zone
from tasks.products.chips import SITE

STEP_M = 30.0
"""Frames begin and end on multiples of this: whole pixels of most sensors."""

MARGIN_M, ZONE_MARGIN_M = 150.0, 100.0
"""Ground kept around what a picture is about."""

LEAST_M = 600.0
"""Shortest side: less could not be recognised in 10 m pixels, nor would the strip have room."""

SITE_PX, ZONE_PX = 560, 440
"""Longest side of a picture, about."""

ENLARGED_MOST = 4

OUTLINE_DIGITS = 1
"""Decimals of a pixel."""

Plane = npt.NDArray[np.floating]
Rings = tuple[tuple[tuple[float, float], ...], ...]


@dataclass(frozen=True)
class Frame:
    """A rectangle of ground, metres of a UTM zone, north up."""

    shows: str
    west: float
    south: float
    east: float
    north: float
    epsg: int

    @property
    def side_m(self) -> float:
        """Longer side."""
        return max(self.east - self.west, self.north - self.south)


def site_frame(site: Site) -> Frame:
    """Frame a port's berths, piers, yards and tracks; its waters where it has nothing else."""
    ashore = [zone for zone in site.measured_zones if zone.kind not in WATER_KINDS]
    return _frame(site, SITE, ashore or site.measured_zones, MARGIN_M)


def zone_frame(site: Site, zone: Zone) -> Frame:
    """Frame one zone with some ground around it."""
    return _frame(site, zone.zone_id, [zone], ZONE_MARGIN_M)


def _frame(site: Site, shows: str, zones: Iterable[Zone], margin_m: float) -> Frame:
    epsg = utm_of(site)
    archived = _bounds(site.measured_zones, epsg) + AOI_MARGIN_M * np.array([-1, -1, 1, 1])
    west, south, east, north = _bounds(zones, epsg) + margin_m * np.array([-1, -1, 1, 1])
    west, east = _along(west, east, archived[0], archived[2])
    south, north = _along(south, north, archived[1], archived[3])
    return Frame(shows, west, south, east, north, epsg)


def _bounds(zones: Iterable[Zone], epsg: int) -> npt.NDArray[np.float64]:
    return np.asarray(shapely.total_bounds([project(zone.geometry, f"EPSG:{epsg}") for zone in zones]))


def _along(low: float, high: float, first: float, last: float) -> tuple[float, float]:
    """Lengthen a side to the least, moved to where there are images, and to whole steps."""
    if (short := LEAST_M - (high - low)) > 0:
        low, high = low - short / 2, high + short / 2
    moved = max(first - low, 0.0) - max(high - last, 0.0)
    low, high = low + moved, high + moved
    return math.floor(low / STEP_M) * STEP_M, math.ceil(high / STEP_M) * STEP_M


def utm_of(site: Site) -> int:
    """EPSG code of the UTM zone in whose meridians the middle of a site lies."""
    west, south, east, north = shapely.total_bounds([zone.geometry for zone in site.measured_zones])
    zone = int(((west + east) / 2 + 180) // 6) % 60 + 1
    return (32600 if south + north >= 0 else 32700) + zone


def paper_of(frame: Frame, finest_m: float, coarsest_m: float) -> GeoBox:
    """Lay a picture's pixels on its frame.

    Parameters
    ----------
    frame
        The ground.
    finest_m, coarsest_m
        Pixels of the images that are to be drawn alike: the coarsest is enlarged `ENLARGED_MOST` times at
        most, and a pixel of the finest becomes a whole number of pixels, or a whole number becomes one.
    """
    wanted = max(frame.side_m / (SITE_PX if frame.shows == SITE else ZONE_PX), coarsest_m / ENLARGED_MOST)
    near = 1 + 1e-6
    if wanted <= finest_m:
        edge_m = finest_m / max(math.floor(finest_m / wanted * near), 1)
    else:
        edge_m = finest_m * math.ceil(wanted / finest_m / near)
    width = max(round((frame.east - frame.west) / edge_m), 1)
    height = max(round((frame.north - frame.south) / edge_m), 1)
    pixel = Affine((frame.east - frame.west) / width, 0, frame.west, 0, 0, frame.north)
    pixel = Affine(pixel.a, 0, frame.west, 0, -(frame.north - frame.south) / height, frame.north)
    return GeoBox((height, width), pixel, f"EPSG:{frame.epsg}")


def source_window(image: GeoBox, paper: GeoBox) -> tuple[slice, slice]:
    """Rows and columns of an image that a picture needs; empty where they have nothing in common."""
    rows, cols = compute_reproject_roi(image, paper).roi_src
    return slice(rows.start, rows.stop), slice(cols.start, cols.stop)


def onto_paper(plane: Plane, image: GeoBox, paper: GeoBox) -> Plane:
    """Bring an image, or a window of it, to a picture's pixels.

    Parameters
    ----------
    plane
        ``(y, x)`` float on `image`; NaN where not seen.
    image, paper
        Grids of the image and of the picture; they may differ in CRS.

    Returns
    -------
    numpy.ndarray
        ``(y, x)`` float32: means where the image is finer, else its nearest pixel; NaN where it was not seen
        or does not reach.
    """
    drawn = np.full(paper.shape, np.nan, np.float32)
    if not plane.size:
        return drawn
    finer = abs(image.affine.a) < 0.99 * abs(paper.affine.a)
    rio_reproject(
        np.ascontiguousarray(plane, np.float32),
        drawn,
        image,
        paper,
        resampling="average" if finer else "nearest",
        src_nodata=np.nan,
        dst_nodata=np.nan,
    )
    return drawn


def outlines_on(paper: GeoBox, shapes: Iterable[BaseGeometry]) -> Rings:
    """Bring outlines (EPSG:4326) to a picture's pixels, each as far as the picture shows it."""
    back = ~paper.affine
    height, width = paper.shape
    projected = project(shapely.GeometryCollection(list(shapes)), str(paper.crs))
    placed = shapely.transform(projected, lambda xy: np.column_stack(back * (xy[:, 0], xy[:, 1])))
    # One by one: what touches must not be joined. Not beyond the picture, where the strip is.
    inside = shapely.intersection(shapely.get_parts(placed), shapely.box(0, 0, width, height))
    return tuple(
        tuple(_rounded(xy) for xy in part.exterior.coords)
        for part in shapely.get_parts(inside)
        if part.geom_type == "Polygon" and not part.is_empty
    )


def _rounded(xy: tuple[float, ...]) -> tuple[float, float]:
    return round(float(xy[0]), OUTLINE_DIGITS) + 0.0, round(float(xy[1]), OUTLINE_DIGITS) + 0.0
