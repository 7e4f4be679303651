"""The rules of a site file, zone by zone, with a reason for every refusal.

All problems are found in one pass: a file with five mistakes is corrected once, not five times.
Sizes are bounded widely; they are there for the wrong unit, the forgotten zero and the wrong kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from shapely.geometry.base import BaseGeometry

from tasks.model import Zone, ZoneKind
from tasks.sites.events import events_problems
from tasks.sites.layout import layout_problems
from tasks.sites.measure import area_m2, perimeter_m, place
from tasks.sites.outline import OutlineError, is_number, read_outline
from tasks.sites.problem import ID_PATTERN, ID_RULE, Problem
from tasks.sites.read import id_problems, land_beside, read_collection
from tasks.sites.weights import weights_problems

AREA_RANGE_M2: dict[ZoneKind, tuple[float, float]] = {
    ZoneKind.BERTH: (200, 200_000),
    ZoneKind.CONTAINER_YARD: (100, 20_000_000),
    ZoneKind.RAIL_YARD: (100, 20_000_000),
    ZoneKind.PIER: (100, 5_000_000),
    ZoneKind.HARBOUR_WATER: (1_000, 5_000_000_000),
    ZoneKind.ANCHORAGE: (1_000, 5_000_000_000),
}
"""Least and greatest area by kind; structures may have any, or none."""

LON_LAT_NAMES = ("CRS84", "EPSG:4326", "EPSG::4326")
"""Ends of the names that programs give longitude/latitude in GeoJSON's retired ``crs`` member."""


class Examined(NamedTuple):
    """Everything a site file yields: usable zones, in file order, and what is wrong."""

    zones: tuple[Zone, ...]
    problems: list[Problem]


def check_file(path: str | Path) -> list[Problem]:
    """Check a site file against every rule.

    Parameters
    ----------
    path
        GeoJSON file. A bundled file is checked against its land polygons, as when it is loaded.

    Returns
    -------
    list of Problem
        Empty when the file is in order; errors first.

    Raises
    ------
    InputError
        If the file cannot be read or is not JSON.
    """
    path = Path(path)
    collection = read_collection(path)
    problems = [*file_problems(collection, path), *check_features(collection, land_beside(path))]
    return sorted(problems, key=lambda p: p.severity)


def file_problems(collection: object, path: Path) -> Iterator[Problem]:
    """Check what a file says of the whole site: its id, weights and events."""
    yield from id_problems(collection, path)
    yield from weights_problems(collection)
    yield from events_problems(collection)


def check_features(collection: object, land: BaseGeometry | None = None) -> list[Problem]:
    """Check a parsed FeatureCollection against every rule but those of its name, weights and events.

    Parameters
    ----------
    collection
        What `json.loads` gave.
    land
        Land polygons around the site, EPSG:4326; None when they are not known.

    Returns
    -------
    list of Problem
        In file order, then the rules between zones.

    Examples
    --------
    >>> check_features({"type": "Feature"})[0].message
    "type is 'Feature'; a site file is a GeoJSON FeatureCollection with one feature per zone"
    """
    return examine(collection, land).problems


def examine(collection: object, land: BaseGeometry | None = None) -> Examined:
    """Read zones and problems in one go; see `check_features`."""
    if problem := _collection_problem(collection):
        return Examined((), [problem])
    assert isinstance(collection, Mapping)  # said by _collection_problem
    problems = list(_crs_problems(collection))
    zones: list[Zone] = []
    first_use: dict[str, int] = {}
    for number, feature in enumerate(collection["features"], 1):
        where = f"feature {number}"
        zone, found = _read_feature(feature, where)
        problems += found
        zone_id = _zone_id(feature)
        if zone_id and first_use.setdefault(zone_id, number) != number:
            message = (
                f"zone_id {zone_id!r} is already used by feature {first_use[zone_id]}; ids must be unique"
            )
            problems.append(Problem(zone_id, where, message))
        elif zone is not None:
            zones.append(zone)
    if zones and all(z.kind is ZoneKind.STRUCTURE for z in zones):
        kinds = _kinds(without=ZoneKind.STRUCTURE)
        problems.append(
            Problem("", "features", f"all zones are structures; at least one of {kinds} is needed")
        )
    return Examined(tuple(zones), [*problems, *layout_problems(zones, land)])


def _collection_problem(collection: object) -> Problem | None:
    needed = "a site file is a GeoJSON FeatureCollection with one feature per zone"
    if not isinstance(collection, Mapping):
        return Problem("", "file", f"content is a {type(collection).__name__}; {needed}")
    if collection.get("type") != "FeatureCollection":
        return Problem("", "file", f"type is {collection.get('type')!r}; {needed}")
    features = collection.get("features")
    if not isinstance(features, list) or not features:
        shown = "missing" if features is None else "empty" if features == [] else type(features).__name__
        return Problem("", "features", f"features is {shown}; {needed}")
    return None


def _crs_problems(collection: Mapping[str, Any]) -> Iterator[Problem]:
    crs = collection.get("crs")
    if crs is None:
        return
    properties = crs.get("properties") if isinstance(crs, Mapping) else None
    name = properties.get("name") if isinstance(properties, Mapping) else None
    if not str(name).endswith(LON_LAT_NAMES):
        yield Problem("", "crs", f"crs is {name!r}; coordinates must be longitude, latitude (EPSG:4326)")


def _zone_id(feature: object) -> str:
    """Return the zone's id, empty when there is no usable one."""
    properties = feature.get("properties") if isinstance(feature, Mapping) else None
    zone_id = properties.get("zone_id") if isinstance(properties, Mapping) else None
    return zone_id if isinstance(zone_id, str) and ID_PATTERN.fullmatch(zone_id) else ""


def _read_feature(feature: object, where: str) -> tuple[Zone | None, list[Problem]]:
    if not isinstance(feature, Mapping) or not isinstance(feature.get("properties"), Mapping):
        return None, [Problem("", where, "not a Feature with properties; zone_id and kind are needed there")]
    properties: Mapping[str, Any] = feature["properties"]
    zone_id = _zone_id(feature)
    problems = []
    if not zone_id:
        found = repr(properties["zone_id"]) if "zone_id" in properties else "missing"
        problems.append(Problem("", where, f"zone_id is {found}; it must be text of {ID_RULE}"))
    kind = _kind(properties.get("kind"))
    if kind is None:
        problems.append(
            Problem(zone_id, where, f"kind is {properties.get('kind')!r}; it must be one of {_kinds()}")
        )
    try:
        outline = read_outline(feature.get("geometry"), kind)
    except OutlineError as error:
        inside = ", ".join(filter(None, (where, error.where)))
        return None, [*problems, Problem(zone_id, inside, error.message)]
    if not zone_id or kind is None:
        return None, problems
    zone = Zone(
        zone_id=zone_id,
        kind=kind,
        geometry=outline,
        name=_text(properties.get("name")),
        confidence=_text(properties.get("confidence")) or "unknown",
        provenance=_text(properties.get("provenance")),
        length_m=_length_m(properties) if kind is ZoneKind.BERTH else None,
    )
    return zone, [*_size_problems(zone), *_length_problems(zone, properties)]


def _size_problems(zone: Zone) -> Iterator[Problem]:
    if zone.kind not in AREA_RANGE_M2:
        return
    least, most = AREA_RANGE_M2[zone.kind]
    area = area_m2(zone.geometry)
    if not least <= area <= most:
        yield Problem(
            zone.zone_id,
            place(zone.geometry),
            f"area is {area:,.0f} m²; {zone.kind.value} zones have {least:,.0f} to {most:,.0f} m²",
        )


def _length_problems(zone: Zone, properties: Mapping[str, Any]) -> Iterator[Problem]:
    """Check a berth's quay metres, the denominator of its occupancy."""
    given = properties.get("length_m")
    here = place(zone.geometry)
    if zone.kind is not ZoneKind.BERTH:
        if given is not None:
            yield Problem(
                zone.zone_id, here, f"length_m {given!r} is ignored: only berths have one", "warning"
            )
        return
    if given is None:
        yield Problem(
            zone.zone_id,
            here,
            "length_m is missing; the long side of the outline stands in for it",
            "warning",
        )
        return
    half_perimeter = perimeter_m(zone.geometry) / 2
    if zone.length_m is None or not 0 < zone.length_m <= half_perimeter:
        yield Problem(
            zone.zone_id,
            here,
            f"length_m is {given!r}; usable quay metres must be a number above 0 and at most half "
            f"the berth's perimeter, {half_perimeter:,.1f} m",
        )


def _length_m(properties: Mapping[str, Any]) -> float | None:
    given = properties.get("length_m")
    return float(given) if is_number(given) else None


def _kind(value: object) -> ZoneKind | None:
    return ZoneKind(value) if value in [k.value for k in ZoneKind] else None


def _kinds(without: ZoneKind | None = None) -> str:
    return ", ".join(k.value for k in ZoneKind if k is not without)


def _text(value: object) -> str:
    # Drawing programs write null for an empty cell and a bare number for a quay called 12.
    return "" if value is None else str(value)
