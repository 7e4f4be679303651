"""One zone's geometry, from raw GeoJSON to a shape that can be trusted.

The raw numbers are read before shapely sees them: shapely closes open rings silently and takes
metres or swapped axes for degrees, and these are the mistakes that hand-made files have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from tasks.model import ZoneKind

AREA_TYPES = ("Polygon", "MultiPolygon")
STRUCTURE_TYPES = (*AREA_TYPES, "LineString", "Point")
"""A breakwater is often mapped as a line and a dolphin as a point; nothing is measured on them."""

MIN_RING_POSITIONS = 4  # RFC 7946: a triangle with its first corner repeated
MIN_LINE_POSITIONS = 2

PLACED_REASON = re.compile(r"(?P<reason>.*)\[(?P<x>\S+) (?P<y>\S+)\]")
"""How GEOS says what is wrong and where: ``Self-intersection[130.285 42.226]``."""

Line = tuple[str, Sequence[object], bool]
"""Where in the geometry, its positions, and whether they must form a ring."""


class OutlineError(Exception):
    """A geometry that cannot be used: the place inside it, and why."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(message)
        self.where = where
        self.message = message


def read_outline(geometry: object, kind: ZoneKind | None) -> BaseGeometry:
    """Read a zone's GeoJSON geometry.

    Parameters
    ----------
    geometry
        The feature's ``geometry`` member, as parsed from JSON.
    kind
        Decides which geometry types are allowed; None when the kind itself is unknown.

    Returns
    -------
    BaseGeometry
        Valid, not empty, EPSG:4326, two-dimensional (heights are dropped).

    Raises
    ------
    OutlineError
        At the first thing wrong, in this order: type, nesting, numbers, rings, validity.
    """
    if not isinstance(geometry, Mapping):
        raise OutlineError("", f"geometry is {_shown(geometry)}; a GeoJSON geometry object is needed")
    allowed = AREA_TYPES if kind not in (None, ZoneKind.STRUCTURE) else STRUCTURE_TYPES
    if (geometry_type := geometry.get("type")) not in allowed:
        which = f"{kind.value} zones" if kind else "zones"
        raise OutlineError("", f"geometry type is {geometry_type!r}; {which} must be {_either(allowed)}")
    lines = list(_lines(str(geometry_type), geometry.get("coordinates")))
    for where, positions, _ in lines:
        _check_positions(where, positions)
    for where, positions, is_ring in lines:
        _check_line(where, positions, is_ring)
    outline = shape({"type": geometry_type, "coordinates": _without_heights(geometry["coordinates"])})
    _check_validity(outline)
    return outline


def _lines(geometry_type: str, coordinates: object) -> Iterator[Line]:
    if not isinstance(coordinates, list) or not coordinates:
        raise OutlineError(
            "", f"geometry is empty: coordinates are {_shown(coordinates)}; positions are needed"
        )
    if geometry_type == "Point":
        yield "", [coordinates], False
    elif geometry_type == "LineString":
        yield "line", coordinates, False
    elif geometry_type == "Polygon":
        yield from _rings("", coordinates)
    else:
        for number, polygon in enumerate(coordinates, 1):
            yield from _rings(f"polygon {number}, ", polygon)


def _rings(prefix: str, polygon: object) -> Iterator[Line]:
    if not isinstance(polygon, list) or not polygon:
        raise OutlineError(prefix.rstrip(", "), f"polygon is {_shown(polygon)}; a list of rings is needed")
    for number, ring in enumerate(polygon, 1):
        where = f"{prefix}ring {number}"
        if not isinstance(ring, list) or not ring:
            raise OutlineError(where, f"ring is {_shown(ring)}; a list of positions is needed")
        yield where, ring, True


def _check_positions(where: str, positions: Sequence[object]) -> None:
    for number, position in enumerate(positions, 1):
        here = ", ".join(filter(None, (where, f"position {number}")))
        if not isinstance(position, list) or len(position) < 2 or not all(map(is_number, position)):
            raise OutlineError(here, f"position is {_shown(position)}; [longitude, latitude] is needed")
        if complaint := _range_complaint(float(position[0]), float(position[1])):
            raise OutlineError(here, complaint)


def _range_complaint(lon: float, lat: float) -> str:
    """Say why a position cannot be longitude, latitude; empty when it can."""
    if abs(lon) <= 180 and abs(lat) <= 90:
        return ""
    found = f"({lon:g}, {lat:g}) is not longitude -180..180, latitude -90..90"
    if abs(lon) > 360 or abs(lat) > 360:
        return f"{found}; it looks like projected metres: reproject the file to EPSG:4326 degrees"
    if abs(lon) <= 90 and abs(lat) <= 180:
        return f"{found}; the two look swapped: GeoJSON has longitude first, then latitude"
    return f"{found}; longitudes past 180 are written minus 360"


def _check_line(where: str, positions: Sequence[object], is_ring: bool) -> None:
    if is_ring and positions[0] != positions[-1]:
        raise OutlineError(
            where,
            f"ring is not closed: it starts at {positions[0]} and ends at {positions[-1]}; repeat the first",
        )
    if is_ring and len(positions) < MIN_RING_POSITIONS:
        raise OutlineError(
            where, f"ring has {len(positions)} positions; a closed ring has at least {MIN_RING_POSITIONS}"
        )
    if where == "line" and len(positions) < MIN_LINE_POSITIONS:
        raise OutlineError(
            where, f"line has {len(positions)} position; at least {MIN_LINE_POSITIONS} are needed"
        )


def _without_heights(coordinates: list[Any]) -> list[Any]:
    # Before shapely, not after: it refuses a ring in which only some positions have a height.
    if is_number(coordinates[0]):
        return coordinates[:2]
    return [_without_heights(part) for part in coordinates]


def _check_validity(outline: BaseGeometry) -> None:
    if outline.is_empty:
        raise OutlineError("", "geometry is empty; positions are needed")
    if outline.is_valid:
        return
    explained = str(shapely.is_valid_reason(outline))
    if match := PLACED_REASON.fullmatch(explained):
        where = f"lon {float(match['x']):.6f} lat {float(match['y']):.6f}"
        raise OutlineError(
            where,
            f"geometry is not valid: {match['reason']}; an outline has no crossings, spikes or stray holes",
        )
    raise OutlineError("", f"geometry is not valid: {explained}")


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether a JSON value is a finite number."""
    # bool is an int in Python, and Python's JSON reader lets NaN, Infinity and 400-digit integers through.
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e300 < value < 1e300


def _either(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + " or " + words[-1]


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
