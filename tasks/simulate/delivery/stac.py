"""What the catalogues of all simulated sensors share: items, collections, the catalogue, and their files.

Documents are STAC 1.0.0, which is what the imitated providers answer. The word SIMULATED stands in
every id, title and description; an href never leaves the catalogue's folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from odc.geo.geobox import GeoBox

from tasks.errors import InputError
from tasks.grid import cell_lonlat
from tasks.simulate.delivery.cog import NOTICE
from tasks.simulate.delivery.defects import SwathEdge
from tasks.simulate.sensors.calendar import Acquisition

__all__ = ["COLLECTIONS", "NOTICE", "item", "write_catalog"]

STAC_VERSION = "1.0.0"

COLLECTIONS = {
    "sentinel-1-rtc-simulated": "SIMULATED Sentinel-1 RTC",
    "sentinel-2-l2a-simulated": "SIMULATED Sentinel-2 L2A",
    "planetscope-simulated": "SIMULATED PlanetScope surface reflectance",
    "submetre-simulated": "SIMULATED 0.5 m surface reflectance",
}
"""Title of each collection."""

COG = "image/tiff; application=geotiff; profile=cloud-optimized"
JSON = "application/json"
EXTENSION = "https://stac-extensions.github.io/{}/schema.json"

WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def utc(moment: datetime) -> str:
    """Write a moment as STAC does."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def simulated(acquisition: Acquisition, name: str) -> str:
    """Mark a provider's name; site and world keep apart what one pass shows of two of them."""
    return "_".join(filter(None, ("SIMULATED", acquisition.site_id, acquisition.world, name)))


def image_path(folder: Path, collection: str, name: str) -> Path:
    """Place of a file of a collection under the catalogue's folder."""
    return folder / collection / "images" / name


def image_href(name: str) -> str:
    """Refer to `image_path` from an item."""
    return f"../images/{name}"


def thumbnail(name: str) -> dict[str, Any]:
    """Describe the small picture of an item."""
    return {
        "href": image_href(name),
        "type": "image/jpeg",
        "title": "SIMULATED thumbnail image",
        "roles": ["thumbnail"],
    }


def item(
    scene_id: str,
    collection: str,
    extensions: Sequence[str],
    box: GeoBox,
    edge: SwathEdge | None,
    properties: Mapping[str, Any],
    assets: Mapping[str, Any],
) -> dict[str, Any]:
    """Describe one delivery.

    Parameters
    ----------
    scene_id
        Begins with SIMULATED.
    collection
        One of `COLLECTIONS`.
    extensions
        Name and version (``view/v1.0.0``), or a whole URL.
    box
        Grid of the finest band.
    edge
        End of the swath; the footprint ends there too.
    properties
        With ``datetime``; title, description and the mark of simulation are added.
    assets
        By key, hrefs relative to the collection's ``items`` folder.
    """
    footprint = _footprint(box, edge)
    title = {"title": f"{COLLECTIONS[collection]}, {properties['datetime'][:10]}", "description": NOTICE}
    return {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": [e if e.startswith("https:") else EXTENSION.format(e) for e in extensions],
        "id": scene_id,
        "collection": collection,
        "geometry": json.loads(shapely.to_geojson(footprint)),
        "bbox": list(footprint.bounds),
        "properties": {**properties, **title, "roadstead:simulated": True},
        "links": [
            {"rel": "root", "href": "../../catalog.json", "type": JSON},
            {"rel": "parent", "href": "../collection.json", "type": JSON},
            {"rel": "collection", "href": "../collection.json", "type": JSON},
        ],
        "assets": dict(assets),
    }


def _footprint(box: GeoBox, edge: SwathEdge | None) -> shapely.Polygon:
    across, down = np.array(WHOLE if edge is None else edge.ring).T
    lon, lat = cell_lonlat(box, down * box.shape[0] - 0.5, across * box.shape[1] - 0.5)
    return shapely.orient_polygons(shapely.Polygon(zip(lon.round(7), lat.round(7), strict=True)))


def transform_of(box: GeoBox) -> list[float]:
    """Give the six numbers of ``proj:transform``."""
    return [float(v) for v in tuple(box.affine)[:6]]


def epsg_of(box: GeoBox) -> int:
    """Give the number of the grid's CRS.

    Raises
    ------
    InputError
        If the CRS has none: no catalogue could name it.
    """
    code = box.crs.epsg if box.crs is not None else None
    if code is None:
        raise InputError(f"grid CRS {box.crs} has no EPSG code; a simulated image needs one, e.g. EPSG:32652")
    return int(code)


def write_catalog(folder: Path, title: str, items: Sequence[Mapping[str, Any]]) -> Path:
    """Write a static catalogue of delivered items: one folder a collection, one file an item.

    Parameters
    ----------
    folder
        Where the images were delivered to.
    title
        What the scenes show, e.g. the name of the port.
    items
        In any order; the files do not depend on it.

    Returns
    -------
    Path
        Its ``catalog.json``.

    Raises
    ------
    InputError
        If two items have one id, or there is none.
    """
    ids = [one["id"] for one in items]
    if not ids or len(set(ids)) < len(ids):
        twice = sorted({name for name in ids if ids.count(name) > 1})
        raise InputError(
            f"{len(ids)} items to catalogue, twice: {twice}; at least one, with ids of their own"
        )
    ordered = sorted(items, key=lambda one: (one["properties"]["datetime"], one["id"]))
    children = []
    for name in COLLECTIONS:
        if here := [one for one in ordered if one["collection"] == name]:
            for one in here:
                _write_json(folder / name / "items" / f"{one['id']}.json", one)
            _write_json(folder / name / "collection.json", _collection(name, title, here))
            link = {"rel": "child", "href": f"./{name}/collection.json", "type": JSON}
            children.append(link | {"title": COLLECTIONS[name]})
    head = {
        "type": "Catalog",
        "stac_version": STAC_VERSION,
        "id": "simulated",
        "title": f"SIMULATED images of {title}",
        "description": f"{NOTICE} {len(ids)} scenes.",
        "roadstead:simulated": True,
    }
    root = [{"rel": "root", "href": "./catalog.json", "type": JSON}]
    _write_json(folder / "catalog.json", {**head, "links": [*root, *children]})
    return folder / "catalog.json"


def _collection(name: str, title: str, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    times = [one["properties"]["datetime"] for one in items]
    bounds = shapely.total_bounds([shapely.box(*one["bbox"]) for one in items])
    links = [
        {"rel": "root", "href": "../catalog.json", "type": JSON},
        {"rel": "parent", "href": "../catalog.json", "type": JSON},
    ]
    links += [
        {"rel": "item", "href": f"./items/{one['id']}.json", "type": "application/geo+json"} for one in items
    ]
    return {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "id": name,
        "title": f"{COLLECTIONS[name]} over {title}",
        "description": f"{NOTICE} {len(items)} scenes.",
        "keywords": ["simulated"],
        "license": "Apache-2.0",
        "roadstead:simulated": True,
        "extent": {
            "spatial": {"bbox": [[float(v) for v in bounds]]},
            "temporal": {"interval": [[min(times), max(times)]]},
        },
        "summaries": {"platform": sorted({one["properties"]["platform"] for one in items})},
        "links": links,
    }


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
