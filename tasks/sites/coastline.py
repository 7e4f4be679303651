"""Land polygons to draft a site on: from a GeoJSON file, or from the package that carries OpenStreetMap's."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from tasks.errors import InputError
from tasks.sites.read import read_collection

OSM = "© OpenStreetMap contributors, ODbL 1.0"
OSM_LAND = f"{OSM}; land polygons of PyPI roaring-landmask, simplified to some 50 m"

NO_PACKAGE = (
    "no coastline is at hand: install the extra `sites`, which carries OpenStreetMap's (pip install "
    "'roadstead[sites]', 100 MB), or name a GeoJSON file of land polygons with --coastline"
)


class Coastline(NamedTuple):
    """Land around a place."""

    land: BaseGeometry
    """Polygons, EPSG:4326, cut at the box that was asked for."""

    attribution: str
    """Whose it is; stands in every file made from it."""


Box = tuple[float, float, float, float]
"""West, south, east, north, degrees."""


def read_coastline(path: str | Path, box: Box) -> Coastline:
    """Read the land polygons of a GeoJSON file.

    Parameters
    ----------
    path
        FeatureCollection, feature or geometry; longitude and latitude. Its member ``attribution`` is kept.
    box
        What to cut out.

    Raises
    ------
    InputError
        If it cannot be read, has no polygons, or its numbers are not degrees.
    """
    document = read_collection(Path(path))
    try:
        polygons = [
            p for p in map(shape, _geometries(document)) if p.geom_type in ("Polygon", "MultiPolygon")
        ]
    except (KeyError, TypeError, ValueError, AttributeError, shapely.errors.ShapelyError) as error:
        raise InputError(f"coastline {path} is not GeoJSON that can be read: {error!r}") from error
    if not polygons:
        raise InputError(f"coastline {path} has no polygons; polygons of the land are needed, not lines")
    bounds = np.abs(shapely.bounds(polygons).reshape(-1, 2))
    if not (bounds <= (180, 90)).all():
        raise InputError(f"coastline {path} is not in degrees; reproject it to EPSG:4326")
    given = document.get("attribution") if isinstance(document, dict) else None
    whole = shapely.union_all(shapely.make_valid(np.array(polygons, dtype=object)))
    return Coastline(_cut(whole, box), str(given or f"coastline: {Path(path).name}"))


def openstreetmap_land(box: Box) -> Coastline:
    """Cut land out of OpenStreetMap's polygons, which the package ``roaring-landmask`` carries.

    Notes
    -----
    Takes about 20 s and 0.7 GB: the polygons of the whole Earth are unpacked. Docks behind locks and rivers
    are land in them, and what is narrower than some 50 m may be missing.

    Raises
    ------
    InputError
        If the package is not installed; the message names the extra.
    """
    try:  # the extra `sites`
        from roaring_landmask import LandmaskProvider, Shapes
    except ImportError as error:
        raise InputError(NO_PACKAGE) from error
    earth = shapely.get_parts(shapely.from_wkb(Shapes.wkb(LandmaskProvider.Osm)))
    west, south, east, north = shapely.bounds(earth).T
    near = (west <= box[2]) & (east >= box[0]) & (south <= box[3]) & (north >= box[1])
    # Cut before anything else: the continent's own ring has millions of corners.
    cut = shapely.clip_by_rect(earth[near], *box)
    return Coastline(_cut(shapely.union_all(shapely.make_valid(cut)), box), OSM_LAND)


def _geometries(document: Any) -> list[Any]:
    if document["type"] == "FeatureCollection":
        return [feature["geometry"] for feature in document["features"] if feature["geometry"]]
    return [document["geometry"] if document["type"] == "Feature" else document]


def _cut(land: BaseGeometry, box: Box) -> BaseGeometry:
    # Parts twice: what was mended may be a collection of collections.
    parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(shapely.clip_by_rect(land, *box))))
    return shapely.MultiPolygon([p for p in parts.tolist() if p.geom_type == "Polygon"])
