"""Tiny ports and tiny scenes for tests: a site of 60 × 60 pixels, and static STAC collections over it.

Everything lies in UTM 52N near Najin, on 10 m pixels whose corners are multiples of 10 m. The site's
window (its zones and `tasks.grid.AOI_MARGIN_M` around them) is `WINDOW`, 120 × 120 pixels; scenes
cover it with ten pixels to spare unless they are given another box.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from tasks.model import Site, Zone, ZoneKind
from tasks.sites.load import zones_digest

CRS = "EPSG:32652"
PIXEL_M = 10.0
WEST, NORTH = 607_000.0, 4_674_000.0  # upper left corner of the zones
ZONES_PX = 60
MARGIN_PX = 30  # AOI_MARGIN_M
COLLECTION = "tiny-s1"
FIRST = datetime(2023, 10, 1, 21, 31, 12, tzinfo=UTC)

Plane = npt.NDArray[Any]


def grid(row: int, col: int, height: int, width: int, *, pixel_m: float = PIXEL_M, crs: str = CRS) -> GeoBox:
    """Box whose corner lies `row`, `col` pixels from the zones' upper left corner."""
    corner = Affine(pixel_m, 0.0, WEST + col * pixel_m, 0.0, -pixel_m, NORTH - row * pixel_m)
    return GeoBox((height, width), corner, crs)


WINDOW = grid(-MARGIN_PX, -MARGIN_PX, ZONES_PX + 2 * MARGIN_PX, ZONES_PX + 2 * MARGIN_PX)
"""What `tasks.grid.site_box` gives for `small_site`."""

SCENE_BOX = grid(
    -MARGIN_PX - 10, -MARGIN_PX - 10, ZONES_PX + 2 * MARGIN_PX + 20, ZONES_PX + 2 * MARGIN_PX + 20
)


def lonlat(x: npt.ArrayLike, y: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Longitudes and latitudes ``(n, 2)`` of places in metres."""
    return np.column_stack(Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(x, y))


def rectangle(row: float, col: float, height: float, width: float) -> shapely.Polygon:
    """Rectangle in EPSG:4326, given in pixels from the zones' upper left corner; a metre off each edge.

    The metre keeps rounding in projections from claiming one more row of pixels.
    """
    west, north = WEST + col * PIXEL_M + 1, NORTH - row * PIXEL_M - 1
    box = shapely.box(west, north - height * PIXEL_M + 2, west + width * PIXEL_M - 2, north)
    return shapely.transform(box, lambda xy: lonlat(xy[:, 0], xy[:, 1]))


def small_site(site_id: str = "tiny") -> Site:
    """Anchorage in the south, harbour in the north, a breakwater between: 60 × 60 pixels."""
    zones = (
        Zone(
            "harbour", ZoneKind.HARBOUR_WATER, rectangle(0, 0, 24, 60), "Harbour", "high", "drawn for a test"
        ),
        Zone("roads", ZoneKind.ANCHORAGE, rectangle(30, 0, 30, 60), "Roads", "high", "drawn for a test"),
        Zone("mole", ZoneKind.STRUCTURE, rectangle(26, 10, 2, 40), "Mole", "high", "drawn for a test"),
    )
    return Site(site_id, "Tiny port", zones, zones_digest(zones), "drawn for a test")


def site_geojson(site: Site) -> dict[str, Any]:
    """The site as a file that `tasks.sites.load_site` reads."""
    return {
        "type": "FeatureCollection",
        "name": site.site_id,
        "title": site.title,
        "attribution": site.attribution,
        "features": [
            {
                "type": "Feature",
                "properties": {
                    "zone_id": zone.zone_id,
                    "kind": zone.kind.value,
                    "name": zone.name,
                    "confidence": zone.confidence,
                    "provenance": zone.provenance,
                },
                "geometry": shapely.geometry.mapping(shapely.set_precision(zone.geometry, 1e-7)),
            }
            for zone in site.zones
        ],
    }


def site_bbox(site: Site | None = None) -> tuple[float, float, float, float]:
    """West, south, east, north of the measured zones, EPSG:4326."""
    bounds = shapely.total_bounds([z.geometry for z in (site or small_site()).measured_zones])
    west, south, east, north = map(float, bounds)
    return west, south, east, north


def sea(
    seed: int,
    box: GeoBox = SCENE_BOX,
    *,
    vessels: Sequence[tuple[int, int]] = (),
    level: float = 0.02,
    vessel_level: float = 5.0,
    vessel_px: tuple[int, int] = (4, 10),
) -> Plane:
    """Speckled water in linear power, float32, with bright rectangles as vessels.

    `vessels` are the upper left corners (row, col) in pixels from the zones' upper left corner,
    whatever `box` is.
    """
    rng = np.random.default_rng(seed)
    plane = (rng.gamma(4.4, level / 4.4, box.shape)).astype("float32")
    row0 = round((NORTH - box.affine.f) / PIXEL_M)
    col0 = round((box.affine.c - WEST) / PIXEL_M)
    for row, col in vessels:
        top, left = row - row0, col - col0
        plane[top : top + vessel_px[0], left : left + vessel_px[1]] = vessel_level
    return plane


@dataclass(frozen=True)
class Scene:
    """One scene to write: planes by band, and what its item says."""

    scene_id: str
    acquired: datetime
    planes: Mapping[str, Plane]
    box: GeoBox = SCENE_BOX

    unit: str | None = "gamma0 linear power"
    """``raster:bands`` unit; None leaves it out."""

    nodata: float | None = float("nan")
    """Both the file's tag and the item's word; None leaves both out."""

    orbit: int | None = 61
    direction: str = "descending"
    properties: Mapping[str, Any] = field(default_factory=dict)
    """Added to the item's properties; a value of None removes the property."""


def passes(
    count: int,
    *,
    first: datetime = FIRST,
    every_days: int = 6,
    bands: Sequence[str] = ("vv", "vh"),
    vessels: Sequence[Sequence[tuple[int, int]]] = (),
    box: GeoBox = SCENE_BOX,
    orbit: int | None = 61,
) -> list[Scene]:
    """Scenes `every_days` apart, each with its own speckle; ``vessels[k]`` lie in the k-th."""
    scenes = []
    for number in range(count):
        moment = first + timedelta(days=number * every_days)
        there = vessels[number] if number < len(vessels) else ()
        planes = {
            band: sea(10 * number + k, box, vessels=there, level=0.02 / 4**k) for k, band in enumerate(bands)
        }
        scenes.append(Scene(f"tiny_{moment:%Y%m%dT%H%M%S}", moment, planes, box, orbit=orbit))
    return scenes


def write_tiff(
    path: Path,
    array: Plane,
    crs: str | None = CRS,
    transform: Affine = SCENE_BOX.affine,
    nodata: float | None = None,
    **profile: Any,
) -> Path:
    """Write one band as a tiled, deflated GeoTIFF; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options: dict[str, Any] = {"tiled": True, "blockxsize": 64, "blockysize": 64, "compress": "deflate"}
    options |= {"height": array.shape[0], "width": array.shape[1], "count": 1, "dtype": array.dtype.name}
    options |= {"crs": crs, "transform": transform, "nodata": nodata, **profile}
    with rasterio.open(path, "w", driver="GTiff", **options) as image:
        image.write(array, 1)
    return path


def make_item(scene: Scene, collection: str = COLLECTION, *, projection: bool = True) -> dict[str, Any]:
    """Item of a scene whose bands lie at ``../<band>/<id>.tif``."""
    height, width = scene.box.shape
    to = scene.box.affine
    xs, ys = np.array([0, width, width, 0]) * to.a + to.c, np.array([0, 0, height, height]) * to.e + to.f
    back = Transformer.from_crs(str(scene.box.crs), "EPSG:4326", always_xy=True)
    footprint = shapely.Polygon(np.column_stack(back.transform(xs, ys)).round(7))
    properties: dict[str, Any] = {
        "datetime": f"{scene.acquired:%Y-%m-%dT%H:%M:%SZ}",
        "platform": "sentinel-1a",
        "constellation": "sentinel-1",
        "sar:instrument_mode": "IW",
        "sar:frequency_band": "C",
        "sar:polarizations": [band.upper() for band in scene.planes],
        "sat:orbit_state": scene.direction,
        "sat:relative_orbit": scene.orbit,
    }
    if projection:
        properties |= {
            "proj:code": str(scene.box.crs),
            "proj:shape": list(scene.box.shape),
            "proj:transform": list(to)[:6],
        }
    properties |= scene.properties
    assets = {}
    for band, plane in scene.planes.items():
        pixel: dict[str, Any] = {"data_type": plane.dtype.name}
        if scene.nodata is not None:
            pixel["nodata"] = "nan" if np.isnan(scene.nodata) else scene.nodata
        if scene.unit is not None:
            pixel["unit"] = scene.unit
        assets[band] = {
            "href": f"../{band}/{scene.scene_id}.tif",
            "type": "image/tiff; application=geotiff",
            "raster:bands": [pixel],
            "roles": ["data"],
        }
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": scene.scene_id,
        "collection": collection,
        "geometry": shapely.geometry.mapping(footprint),
        "bbox": list(footprint.bounds),
        "properties": {k: v for k, v in properties.items() if v is not None},
        "links": [{"rel": "collection", "href": "../collection.json", "type": "application/json"}],
        "assets": assets,
    }


def make_collection(
    folder: Path, *scenes: Scene, collection: str = COLLECTION, projection: bool = True, pixels: bool = True
) -> Path:
    """Write scenes as a static STAC collection; return the path of its ``collection.json``.

    Images at ``<band>/<id>.tif``, items at ``items/<id>.json``. Writing into a folder that has a
    collection already replaces the list of items (files of scenes no longer named stay).
    """
    items = [make_item(scene, collection, projection=projection) for scene in scenes]
    for scene, item in zip(scenes, items, strict=True):
        if pixels:
            for band, plane in scene.planes.items():
                transform = scene.box.affine
                write_tiff(
                    folder / band / f"{scene.scene_id}.tif",
                    plane,
                    str(scene.box.crs),
                    transform,
                    scene.nodata,
                )
        write_json(folder / "items" / f"{item['id']}.json", item)
    return write_json(folder / "collection.json", collection_document(collection, items))


def collection_document(collection: str, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Collection whose items lie at ``./items/<id>.json``."""
    boxes = np.array([item["bbox"] for item in items]) if items else np.array([[-180, -90, 180, 90]])
    extent = [*boxes[:, :2].min(0), *boxes[:, 2:].max(0)]
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": collection,
        "title": "Tiny scenes for tests",
        "description": "Tiny scenes for tests",
        "license": "Apache-2.0",
        "extent": {"spatial": {"bbox": [list(map(float, extent))]}, "temporal": {"interval": [[None, None]]}},
        "links": [
            {"rel": "item", "href": f"./items/{item['id']}.json", "type": "application/geo+json"}
            for item in items
        ],
    }


def write_json(path: Path, document: Any) -> Path:
    """Write a document; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return path
