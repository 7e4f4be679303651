"""How an archive would deliver the passes: cloud-optimised GeoTIFFs, STAC items, one collection.

Items carry what Planetary Computer's ``sentinel-1-rtc`` carries, so whatever reads those reads
these. The word SIMULATED stands in every place that a name, a title or a description has.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from odc.geo.geobox import GeoBox
from shapely.geometry import mapping

from tasks.grid import cell_lonlat
from tasks.simulate.image import Plane

COLLECTION = "sentinel-1-rtc-simulated"

PIXEL_M = 10.0

PASSES = (("descending", 61, time(21, 31, 12)), ("ascending", 134, time(9, 22, 47)))
"""Direction, relative orbit and UTC of the two passes in turn; the numbers are made up."""

KEPT_BITS = 12
"""Mantissa bits that carry anything beside speckle: 0.001 dB; the rest is zeroed so that files pack."""

NOTICE = "SIMULATED. Not a satellite image: made by a program, with made-up vessels."


@dataclass(frozen=True)
class Pass:
    """One simulated acquisition."""

    acquired: datetime
    direction: str
    orbit: int

    partial: bool
    """True for the pass whose swath ends over the port."""

    @property
    def utc(self) -> str:
        """Moment as STAC writes it."""
        return f"{self.acquired:%Y-%m-%dT%H:%M:%SZ}"

    @property
    def scene_id(self) -> str:
        """Begins with SIMULATED: the name is what travels farthest."""
        return (
            f"SIMULATED_S1A_IW_{self.acquired:%Y%m%dT%H%M%S}_{self.direction[0].upper()}{self.orbit:03d}_rtc"
        )


def passes(start: date, end: date, every_days: int) -> tuple[Pass, ...]:
    """List the acquisitions of a period."""
    count = (end - start).days // every_days + 1
    found = []
    for number in range(count):
        direction, orbit, clock = PASSES[number % 2]
        acquired = datetime.combine(start + timedelta(days=number * every_days), clock, UTC)
        found.append(Pass(acquired, direction, orbit, partial=count >= 3 and number == count // 2))
    return tuple(found)


def write_image(path: Path, plane: Plane, box: GeoBox, band: str) -> None:
    """Write one band, ``(y, x)`` gamma0 in linear power, NaN where not seen."""
    path.parent.mkdir(exist_ok=True)
    profile = {"count": 1, "dtype": "float32", "nodata": float("nan"), "crs": str(box.crs)}
    profile |= {"height": box.shape[0], "width": box.shape[1], "transform": box.affine}
    pack = {"compress": "DEFLATE", "predictor": "YES", "level": 6, "blocksize": 128}
    with rasterio.open(path, "w", driver="COG", overview_resampling="average", **pack, **profile) as image:
        image.write(_round_bits(plane), 1)
        image.set_band_description(1, band)
        image.update_tags(TIFFTAG_IMAGEDESCRIPTION=NOTICE)


def _round_bits(plane: Plane) -> Plane:
    """Round the mantissa; NaN stays NaN, and negative values do not occur."""
    drop = 23 - KEPT_BITS
    mask = np.uint32(0xFFFFFFFF >> drop << drop)
    bits = np.ascontiguousarray(plane).view(np.uint32)
    rounded = ((bits + np.uint32(1 << (drop - 1))) & mask).view(np.float32)
    return np.where(np.isfinite(plane), rounded, np.float32(np.nan))


def item(moment: Pass, box: GeoBox) -> dict[str, Any]:
    """Describe one pass; hrefs are relative to the ``items`` folder."""
    height, width = box.shape
    corners = [(0, 0), (height, 0), (height, width), (0, width)]
    lon, lat = cell_lonlat(box, *(np.array(side) - 0.5 for side in zip(*corners, strict=True)))
    footprint = shapely.Polygon(zip(lon.round(7), lat.round(7), strict=True))
    image = "image/tiff; application=geotiff; profile=cloud-optimized"
    pixel = {
        "data_type": "float32",
        "nodata": "nan",
        "unit": "gamma0 linear power",
        "spatial_resolution": PIXEL_M,
    }
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [
            "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
            "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
            "https://stac-extensions.github.io/sar/v1.0.0/schema.json",
            "https://stac-extensions.github.io/sat/v1.0.0/schema.json",
        ],
        "id": moment.scene_id,
        "collection": COLLECTION,
        "geometry": mapping(footprint),
        "bbox": list(footprint.bounds),
        "properties": {
            "datetime": moment.utc,
            "title": f"SIMULATED Sentinel-1 RTC, {moment.acquired:%Y-%m-%d}",
            "description": NOTICE,
            "roadstead:simulated": True,
            "platform": "sentinel-1a",
            "constellation": "sentinel-1",
            "gsd": PIXEL_M,
            "sar:instrument_mode": "IW",
            "sar:frequency_band": "C",
            "sar:polarizations": ["VV", "VH"],
            "sar:product_type": "RTC",
            "sat:orbit_state": moment.direction,
            "sat:relative_orbit": moment.orbit,
            "proj:code": str(box.crs),
            "proj:shape": list(box.shape),
            "proj:transform": list(box.affine)[:6],
        },
        "links": [
            {"rel": rel, "href": "../collection.json", "type": "application/json"}
            for rel in ("root", "parent", "collection")
        ],
        "assets": {
            band: {
                "href": f"../{band}/{moment.scene_id}.tif",
                "title": f"SIMULATED {band.upper()}",
                "type": image,
                "raster:bands": [pixel],
                "roles": ["data"],
            }
            for band in ("vv", "vh")
        },
    }


def collection(title: str, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Describe all passes over the place called `title`; hrefs are relative to its own folder."""
    times = [one["properties"]["datetime"] for one in items]
    links = [{"rel": "root", "href": "./collection.json", "type": "application/json"}]
    links += [
        {"rel": "item", "href": f"./items/{one['id']}.json", "type": "application/geo+json"} for one in items
    ]
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": COLLECTION,
        "title": f"SIMULATED Sentinel-1 RTC over {title}",
        "description": f"{NOTICE} {len(items)} scenes; the truth stands beside them in truth_*.csv.",
        "keywords": ["simulated", "sentinel-1", "rtc"],
        "license": "Apache-2.0",
        "extent": {
            "spatial": {"bbox": [items[0]["bbox"]]},
            "temporal": {"interval": [[min(times), max(times)]]},
        },
        "links": links,
    }


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document; the folder is made if it is missing."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
