"""Images of a small sea with ships of known size, written as people's GeoTIFFs are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.warp import reproject
from scipy import ndimage
from shapely.geometry import Point, Polygon

from tasks.grid import cell_lonlat, rim_lonlat, transformer
from tests.scenes import NORTH, PIXEL_M, SCENE_BOX, WEST, sea

Plane = npt.NDArray[Any]

SHIP_PX = (4, 14)
"""Rows and columns: 140 m long, lying east to west."""

SHIPS = ((5, 12), (44, 30))
"""Upper left corners from the zones' corner: one in the harbour of the small site, one in its roads."""

RESOLUTION_M = 20.0

LIT = {"blue": 0.06, "green": 0.05, "red": 0.03, "nir": 0.015, "swir16": 0.008}
"""Reflectance of water."""

GREEN = {"blue": 0.03, "green": 0.06, "red": 0.04, "nir": 0.3, "swir16": 0.15}
"""Reflectance of land under plants."""


def radar(
    seed: int = 1, ships: Sequence[tuple[int, int]] = SHIPS, box: GeoBox = SCENE_BOX
) -> dict[str, Plane]:
    """Linear power of vv and vh, as RTC images are."""
    return {
        "vv": sea(seed, box, level=0.02) + echoes(ships, box, 5.0),
        "vh": sea(seed + 100, box, level=0.004) + echoes(ships, box, 1.0),
    }


def echoes(ships: Sequence[tuple[int, int]], box: GeoBox, power: float) -> Plane:
    """Hulls as a radar of 20 m resolution sees them: blurred; linear power."""
    sharp = sea(0, box, vessels=ships, vessel_px=SHIP_PX, level=0.0, vessel_level=power)
    return ndimage.gaussian_filter(sharp, RESOLUTION_M / 2.355 / PIXEL_M).astype("float32")


def optical(
    seed: int = 1,
    ships: Sequence[tuple[int, int]] = SHIPS,
    box: GeoBox = SCENE_BOX,
    bands: Sequence[str] = tuple(LIT),
) -> dict[str, Plane]:
    """Reflectance of water with grey ships, and a strip of land along the eastern edge."""
    rng = np.random.default_rng(seed)
    planes = {}
    for band in bands:
        plane = rng.normal(LIT[band], 0.002, box.shape).clip(1e-3)
        plane[:, -15:] = rng.normal(GREEN[band], 0.1 * GREEN[band], (box.shape[0], 15))
        for row, col in ships:
            top, left = corner(row, col, box)
            plane[top : top + SHIP_PX[0], left : left + SHIP_PX[1]] = 0.22
        planes[band] = plane.astype("float32")
    return planes


def corner(row: int, col: int, box: GeoBox = SCENE_BOX) -> tuple[int, int]:
    """Row and column in an image of a place given from the zones' corner."""
    return row + round((box.affine.f - NORTH) / PIXEL_M), col + round((WEST - box.affine.c) / PIXEL_M)


def centres(ships: Sequence[tuple[int, int]] = SHIPS, box: GeoBox = SCENE_BOX) -> list[Point]:
    """Middles of ships, EPSG:4326."""
    corners = np.array([corner(*ship, box) for ship in ships], float)
    rows, cols = (corners[:, k] + (SHIP_PX[k] - 1) / 2 for k in (0, 1))
    return [Point(*place) for place in zip(*cell_lonlat(box, rows, cols), strict=True)]


def write(
    path: Path,
    planes: Mapping[str, Plane],
    *,
    names: Sequence[str | None] | None = None,
    box: GeoBox | None = SCENE_BOX,
    nodata: float | None = None,
    scale: float | None = None,
    offset: float = 0.0,
    unit: str = "",
    colours: Sequence[Any] = (),
    **tags: str,
) -> Path:
    """Write planes as one GeoTIFF; bands are described by `names`, by default their own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stack = np.stack(list(planes.values()))
    grid = SCENE_BOX if box is None else box
    profile: dict[str, Any] = {"height": stack.shape[1], "width": stack.shape[2], "count": len(stack)}
    profile |= {"dtype": stack.dtype.name, "nodata": nodata, "transform": grid.affine}
    profile |= {"crs": None if box is None else str(box.crs), "photometric": "minisblack"}
    with rasterio.open(path, "w", driver="GTiff", **profile) as image:
        image.write(stack)
        image.descriptions = tuple(planes) if names is None else tuple(names)
        image.units = [unit] * len(stack)
        if scale is not None:
            image.scales, image.offsets = [scale] * len(stack), [offset] * len(stack)
        if colours:
            image.colorinterp = colours
        image.update_tags(**tags)
    return path


def warped(planes: Mapping[str, Plane], box: GeoBox, onto: GeoBox) -> dict[str, Plane]:
    """Bring planes onto another grid; NaN outside."""
    moved = {}
    for name, plane in planes.items():
        target = np.full(onto.shape, np.nan, "float32")
        reproject(
            plane,
            target,
            src_transform=box.affine,
            src_crs=str(box.crs),
            dst_transform=onto.affine,
            dst_crs=str(onto.crs),
            dst_nodata=np.nan,
            resampling=Resampling.bilinear,
        )
        moved[name] = target
    return moved


def degrees_box(box: GeoBox = SCENE_BOX) -> GeoBox:
    """Grid in degrees over an image, its pixels about as large."""
    lon, lat = rim_lonlat(box)
    step = PIXEL_M / 111_320
    shape = round(np.ptp(lat) / step), round(np.ptp(lon) / step)
    return GeoBox(shape, Affine(step, 0, lon.min(), 0, -step, lat.max()), "EPSG:4326")


def mercator_box(box: GeoBox = SCENE_BOX, edge: float = 13.5) -> GeoBox:
    """Grid in Web-Mercator inside an image; its pixels are 10 m on the ground at the small site."""
    lon, lat = rim_lonlat(box)
    x, y = transformer("EPSG:3857").transform(lon, lat)
    shape = round(np.ptp(y) / edge), round(np.ptp(x) / edge)
    return GeoBox(shape, Affine(edge, 0, x.min(), 0, -edge, y.max()), "EPSG:3857")


def metres_between(point: Point, other: Point) -> float:
    """Distance on the ground."""
    from tasks.grid import GEOD

    return float(GEOD.inv(point.x, point.y, other.x, other.y)[2])


def is_right_handed(ring: Sequence[Sequence[float]]) -> bool:
    """Closed, and counter-clockwise by its signed area, as RFC 7946 has exteriors."""
    area = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise(ring))
    return list(ring[0]) == list(ring[-1]) and area > 0 and Polygon(ring).is_valid
