"""Which zones belong together on the page: those of one pier, and the rest by what they are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import shapely

from tasks.model import Site, Zone, ZoneKind
from tasks.products.sketch import METRES_PER_DEGREE, numbered

REACH_M = 20.0
"""A zone this close to a pier is at it: berths are strips along its faces, yards lie on it."""

ELSEWHERE = {
    ZoneKind.BERTH: "Other quays",
    ZoneKind.CONTAINER_YARD: "Ashore",
    ZoneKind.RAIL_YARD: "Ashore",
    ZoneKind.HARBOUR_WATER: "On the water",
    ZoneKind.ANCHORAGE: "On the water",
}
"""Where zones are that are at no pier; piers themselves are not measured."""


@dataclass(frozen=True)
class Spot:
    """A measured zone as one place calls it."""

    number: int
    zone: Zone
    name: str
    """Short: without the name of the place."""


@dataclass(frozen=True)
class Place:
    """A pier with its berths, yards and tracks, or zones elsewhere."""

    name: str
    spots: tuple[Spot, ...]


def places_of(site: Site) -> list[Place]:
    """Sort a site's zones to its piers, berths first; what is at none comes last."""
    piers = [zone for zone in site.zones if zone.kind is ZoneKind.PIER]
    found: dict[str, list[Spot]] = {_name(pier): [] for pier in piers}
    for name in ELSEWHERE.values():
        found.setdefault(name, [])
    for number, zone in numbered(site):
        if zone.kind in ELSEWHERE:
            pier = _pier_of(zone, piers)
            name = _name(pier) if pier else ELSEWHERE[zone.kind]
            found[name].append(Spot(number, zone, _short(_name(zone), name if pier else "")))
    return [Place(name, tuple(spots)) for name, spots in found.items() if spots]


def _pier_of(zone: Zone, piers: list[Zone]) -> Zone | None:
    if zone.kind in (ZoneKind.HARBOUR_WATER, ZoneKind.ANCHORAGE) or not piers:
        return None
    nearest = min(piers, key=lambda pier: _metres(zone, pier))
    return nearest if _metres(zone, nearest) <= REACH_M else None


def _metres(zone: Zone, pier: Zone) -> float:
    """Tell how far a berth lies from the pier; of a yard its middle counts, for large ones reach its root."""
    own = zone.geometry if zone.kind is ZoneKind.BERTH else zone.geometry.centroid
    squeeze = math.cos(math.radians(pier.geometry.centroid.y))
    shapes = [
        shapely.transform(shape, lambda xy: xy * [squeeze * METRES_PER_DEGREE, METRES_PER_DEGREE])
        for shape in (own, pier.geometry)
    ]
    return float(shapely.distance(*shapes))


def _name(zone: Zone) -> str:
    return zone.name or zone.zone_id


def _short(name: str, place: str) -> str:
    start = place.split(" (")[0]
    if not start or not name.lower().startswith(start.lower()):
        return name
    rest = name[len(start) :].lstrip(" ,:·–-")
    return rest[:1].upper() + rest[1:] if rest else name
