"""Metres and square metres of longitude/latitude shapes.

Areas and perimeters are geodesic, exact anywhere. Distances and long sides use a flat frame
scaled to metres at the shape's own place: within 0.1 % over a port, and no UTM zone to choose.
"""

from __future__ import annotations

import numpy as np
import shapely
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

WGS84 = Geod(ellps="WGS84")


def area_m2(geometry: BaseGeometry) -> float:
    """Geodesic area of the polygons in an EPSG:4326 geometry, m²; lines and points count nothing."""
    # An overlap of two polygons may come with shared edges and corners, which have no area. Rings are
    # oriented first: pyproj subtracts a hole only when it runs against its shell.
    polygons = [p for p in shapely.get_parts(geometry).tolist() if p.geom_type == "Polygon"]
    return float(
        sum(
            abs(WGS84.geometry_area_perimeter(shapely.orient_polygons(p))[0])
            for p in polygons
            if not p.is_empty
        )
    )


def perimeter_m(geometry: BaseGeometry) -> float:
    """Geodesic length of an EPSG:4326 polygon's outer rings, metres."""
    return float(sum(WGS84.geometry_length(p.exterior) for p in shapely.get_parts(geometry).tolist()))


def overlap_m2(a: BaseGeometry, b: BaseGeometry) -> float:
    """Geodesic area that two EPSG:4326 geometries share, m²."""
    return area_m2(a.intersection(b)) if a.intersects(b) else 0.0


def distance_m(a: BaseGeometry, b: BaseGeometry) -> float:
    """Shortest distance between two EPSG:4326 geometries, metres; 0 where they touch.

    Meant for distances within a site: at 50 km it is good to 1 %.
    """
    lon, lat = lonlat(a)
    return float(shapely.distance(_flatten(a, lon, lat), _flatten(b, lon, lat)))


def long_side_m(geometry: BaseGeometry) -> float:
    """Long side of the smallest rectangle around an EPSG:4326 geometry, metres."""
    return sides_m(geometry)[0]


def sides_m(geometry: BaseGeometry) -> tuple[float, float]:
    """Long and short side of the smallest rectangle around an EPSG:4326 geometry, metres."""
    rectangle = shapely.minimum_rotated_rectangle(_flatten(geometry, *lonlat(geometry)))
    sides = np.hypot(*np.diff(shapely.get_coordinates(rectangle), axis=0).T)
    return float(sides.max()), float(sides.min())


def lonlat(geometry: BaseGeometry) -> tuple[float, float]:
    """Longitude and latitude of a geometry's middle, degrees."""
    middle = geometry.centroid
    return float(middle.x), float(middle.y)


def place(geometry: BaseGeometry) -> str:
    """Middle of a geometry for a message: ``lon 130.28530 lat 42.22580``."""
    lon, lat = lonlat(geometry)
    return f"lon {lon:.5f} lat {lat:.5f}"


def _flatten(geometry: BaseGeometry, lon: float, lat: float) -> BaseGeometry:
    # Central differences over 0.01 degree give the ellipsoid's own metres per degree at this latitude.
    east = WGS84.line_length([lon - 0.005, lon + 0.005], [lat, lat]) * 100
    north = WGS84.line_length([lon, lon], [lat - 0.005, lat + 0.005]) * 100
    return shapely.transform(geometry, lambda xy: (xy - (lon, lat)) * (east, north))
