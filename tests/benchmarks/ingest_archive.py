"""Images to ingest: an archive of cloud-optimised GeoTIFFs, its catalogue, and a port to cut out of it.

Every date shows the same ground under its own light and noise, so that a check of registration has
something to hold on to; a wedge of every fourth is without data, as at the edge of a swath. A few dates are
drawn, the others are hard links to them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
import rasterio.shutil
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from tasks.grid import AOI_MARGIN_M
from tasks.model import Site, Zone, ZoneKind
from tasks.sites.load import zones_digest

CRS = "EPSG:32652"
PIXEL_M = 10.0
WEST, NORTH = 600_000.0, 4_700_040.0
MARGIN_PX = round(AOI_MARGIN_M / PIXEL_M)
BANDS = ("blue", "green", "nir")
COLLECTION = "bench-l2a"
FIRST = datetime(2021, 1, 1, 2, 11, tzinfo=UTC)

NOISE = 45.0
"""Standard deviation of a pixel's own noise, in numbers of 0.0001 reflectance. Gives files of 28 MB for 4000²
pixels, a factor of 1.5 as real ones have."""

PATCHES = ((500, 400.0), (100, 250.0), (20, 150.0))
"""Side (px) and standard deviation of the patches that make up the ground."""

EXTENSIONS = (
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
)


@dataclass(frozen=True)
class Layout:
    """How big the images are, and where the port lies in them."""

    side_px: int
    tile_px: int
    window: tuple[int, int, int]
    """First row, first column and side of the port's window, pixels."""

    @property
    def transform(self) -> Affine:
        """Of every image."""
        return Affine(PIXEL_M, 0.0, WEST, 0.0, -PIXEL_M, NORTH)

    @property
    def box(self) -> GeoBox:
        """The port's window."""
        row, col, side = self.window
        return GeoBox((side, side), self.transform * Affine.translation(col, row), CRS)


SCENES = Layout(4000, 512, (700, 1300, 1000))
"""A port of 10 km in images of 40 km: the window meets 3 × 3 tiles of each file."""

CHIPS = Layout(256, 128, (40, 40, 120))
"""A port of 1.2 km, for runs in which only the number of dates matters."""


def draw_images(folder: Path, layout: Layout, dates: int, unique: int) -> Path:
    """Write ``<band>/<date>.tif`` for every date; files that are there stay.

    Parameters
    ----------
    folder
        Where; a later run with the same layout may use it again.
    layout
        Sizes.
    dates, unique
        Number of dates, and how many of them are drawn.
    """
    painter = Painter(layout)
    for number in range(dates):
        for band in range(len(BANDS)):
            path = folder / BANDS[band] / f"{number:04d}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                continue
            if number < unique:
                part = path.with_suffix(".part")
                write_cog(part, painter.plane(number, band), layout)
                part.replace(path)
            else:
                os.link(path.with_name(f"{number % unique:04d}.tif"), path)
    return folder


class Painter:
    """Draws planes; the same number and band always gives the same pixels."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        rng = np.random.default_rng(1)
        side = layout.side_px
        self.noise = rng.standard_normal((side, side), dtype="float32") * NOISE
        self.ground = np.full((side, side), 3000, "float32")
        for cell, spread in PATCHES:
            count = -(-side // cell)
            coarse = (rng.standard_normal((count, count)) * spread).astype("float32")
            self.ground += np.kron(coarse, np.ones((cell, cell), "float32"))[:side, :side]

    def plane(self, number: int, band: int) -> npt.NDArray[np.uint16]:
        """Draw one band of one date ``(y, x)``, uint16; 0 is no data."""
        rng = np.random.default_rng((number, band))
        light, (down, right) = rng.uniform(0.9, 1.1), rng.integers(0, self.layout.side_px, 2)
        plane = self.ground * np.float32(light) + np.roll(self.noise, (int(down), int(right)), (0, 1))
        numbers = np.clip(plane, 1, 65_535).astype(np.uint16)
        if number % 4 == 3:
            row, col, side = self.layout.window
            rows, cols = np.ogrid[: self.layout.side_px, : self.layout.side_px]
            numbers[rows + cols < row + col + side // 3] = 0
        return numbers


def write_cog(path: Path, plane: npt.NDArray[Any], layout: Layout) -> None:
    """Write one plane as providers do: tiles, deflate, predictor 2, overviews."""
    side = layout.side_px
    shape = {"width": side, "height": side, "count": 1, "dtype": "uint16"}
    with rasterio.open(
        "", "w", driver="MEM", crs=CRS, transform=layout.transform, nodata=0, **shape
    ) as memory:
        memory.write(plane, 1)
        rasterio.shutil.copy(
            memory,
            path,
            driver="COG",
            compress="DEFLATE",
            level=1,  # 3 % more bytes than level 6, in less time
            predictor="YES",
            blocksize=layout.tile_px,
            overview_resampling="nearest",
            num_threads=2,
        )


def write_catalog(folder: Path, layout: Layout, images: str, numbers: Iterable[int]) -> Path:
    """Write a static collection of some dates.

    Parameters
    ----------
    folder
        For the collection and its items.
    layout
        Of the images.
    images
        Folder or URL of the images.
    numbers
        Which dates.
    """
    (folder / "items").mkdir(parents=True, exist_ok=True)
    links = []
    for number in numbers:
        item = make_item(layout, images, number)
        name = f"items/{item['id']}.json"
        (folder / name).write_text(json.dumps(item), encoding="utf-8")
        links.append({"rel": "item", "href": f"./{name}", "type": "application/geo+json"})
    collection = {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": COLLECTION,
        "description": "Drawn for a benchmark",
        "license": "CC0-1.0",
        "links": links,
        "extent": {
            "spatial": {"bbox": [list(_outline(layout).bounds)]},
            "temporal": {"interval": [[FIRST.isoformat(), None]]},
        },
    }
    path = folder / "collection.json"
    path.write_text(json.dumps(collection), encoding="utf-8")
    return path


def taken(number: int) -> datetime:
    """When a date was taken: one a day."""
    return FIRST + timedelta(days=number)


def period(numbers: range) -> tuple[date, date]:
    """First and last day of some dates."""
    return taken(numbers[0]).date(), taken(numbers[-1]).date()


def make_item(layout: Layout, images: str, number: int) -> dict[str, Any]:
    """Item of one date, with all that a reader needs to leave the headers alone."""
    outline = _outline(layout)
    grid = {
        "proj:code": CRS,
        "proj:shape": [layout.side_px, layout.side_px],
        "proj:transform": list(layout.transform)[:6],
    }
    band = {
        "data_type": "uint16",
        "nodata": 0,
        "scale": 0.0001,
        "offset": -0.1,
        "spatial_resolution": PIXEL_M,
    }
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": list(EXTENSIONS),
        "id": f"bench_{number:04d}",
        "collection": COLLECTION,
        "bbox": list(outline.bounds),
        "geometry": shapely.geometry.mapping(outline),
        "properties": {
            "datetime": taken(number).isoformat().replace("+00:00", "Z"),
            "platform": "sentinel-2a",
            "sat:relative_orbit": 89,
            "s2:processing_baseline": "05.10",
            "eo:cloud_cover": 1.0,
            **grid,
        },
        "links": [],
        "assets": {
            name: {
                "href": f"{images}/{name}/{number:04d}.tif",
                "type": "image/tiff; application=geotiff; profile=cloud-optimized",
                "roles": ["data"],
                "eo:bands": [{"name": name, "common_name": name}],
                "raster:bands": [band],
                **grid,
            }
            for name in BANDS
        },
    }


def port(layout: Layout, site_id: str = "bench") -> Site:
    """Make a site whose window is the layout's, to the pixel."""
    row, col, side = layout.window
    west, north = WEST + (col + MARGIN_PX) * PIXEL_M + 1, NORTH - (row + MARGIN_PX) * PIXEL_M - 1
    size = (side - 2 * MARGIN_PX) * PIXEL_M - 2
    water = _lonlat(shapely.box(west, north - size, west + size, north))
    zones = (Zone("water", ZoneKind.HARBOUR_WATER, water, "Water", "high", "drawn for a benchmark"),)
    return Site(site_id, "A port", zones, zones_digest(zones), "drawn for a benchmark")


def _outline(layout: Layout) -> shapely.Polygon:
    size = layout.side_px * PIXEL_M
    return _lonlat(shapely.box(WEST, NORTH - size, WEST + size, NORTH))


def _lonlat(box: shapely.Polygon) -> shapely.Polygon:
    to = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    return shapely.transform(box, lambda xy: np.column_stack(to.transform(xy[:, 0], xy[:, 1])))


@dataclass(frozen=True)
class Part:
    """A stretch of whole tiles in one file."""

    path: Path
    first: int
    size: int


def tiles_of(path: Path, layout: Layout) -> list[Part]:
    """List the tiles that a port's window meets, in the order in which they lie in the file."""
    row, col, side = layout.window
    with rasterio.open(path) as image:
        parts = []
        for y in range(row // layout.tile_px, (row + side - 1) // layout.tile_px + 1):
            for x in range(col // layout.tile_px, (col + side - 1) // layout.tile_px + 1):
                where = [
                    image.get_tag_item(f"BLOCK_{what}_{x}_{y}", "TIFF", bidx=1) for what in ("OFFSET", "SIZE")
                ]
                if where[0] is not None:  # a tile without data is not written
                    parts.append(Part(path, int(where[0]), int(where[1])))
    return sorted(parts, key=lambda part: part.first)


GAP = 8
"""Bytes between neighbouring tiles of a COG: each repeats its size before itself and its end after."""


def joined(parts: Iterable[Part]) -> list[Part]:
    """Join tiles that touch into one range each."""
    ranges: list[Part] = []
    for part in parts:
        if ranges and part.first - (ranges[-1].first + ranges[-1].size) <= GAP:
            last = ranges.pop()
            part = Part(last.path, last.first, part.first + part.size - last.first)
        ranges.append(part)
    return ranges
