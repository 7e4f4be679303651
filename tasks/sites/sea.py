"""Land between two sites, so that ways over water can be found: bundled, or of the extra `sites`."""

from __future__ import annotations

import json
from typing import NamedTuple

import shapely
from shapely.geometry import box, shape
from shapely.geometry.base import BaseGeometry

from tasks.errors import InputError
from tasks.model import Site, ZoneKind
from tasks.sites.coastline import openstreetmap_land
from tasks.sites.measure import lonlat
from tasks.sites.read import BUNDLED

BUNDLED_SEAS = ("najin-to-vostochny",)
"""Files in ``land/``, each with its ``bbox``: all land within."""

MARGIN_DEG = 0.3
"""Land known around the two places: ways lead around capes that lie beyond both."""

FARTHEST_DEG = 12.0
"""Beyond this the coast is not unpacked: the way is the great circle, and said to be a lower bound."""


class Sea(NamedTuple):
    """What lies between two places."""

    land: BaseGeometry | None
    """Polygons, EPSG:4326; None where no coast is at hand."""

    source: str


def quayside(site: Site) -> tuple[float, float]:
    """Longitude and latitude of the middle of a site's berths, or of its zones where it has none."""
    berths = [z.geometry for z in site.zones if z.kind is ZoneKind.BERTH]
    return lonlat(shapely.union_all(berths or [z.geometry for z in site.zones]))


def sea_between(one: Site, other: Site) -> Sea:
    """Find the land around two sites' quays and between them."""
    ends = shapely.MultiPoint([quayside(one), quayside(other)])
    west, south, east, north = shapely.buffer(ends, MARGIN_DEG).bounds
    for name in BUNDLED_SEAS:
        document = json.loads((BUNDLED / "land" / f"{name}.geojson").read_text(encoding="utf-8"))
        if box(*document["bbox"]).covers(ends):
            land = shapely.union_all([shape(f["geometry"]) for f in document["features"]])
            return Sea(land, document["attribution"])
    if max(east - west, north - south) <= FARTHEST_DEG:
        try:
            coast = openstreetmap_land((west, south, east, north))
            return Sea(coast.land, coast.attribution)
        except InputError:
            pass
    return Sea(None, "no coast at hand; install the extra `sites` (pip install 'roadstead[sites]')")
