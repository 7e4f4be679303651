"""Which vessels lie where and when: quiet months, then a wake-up in the autumn of 2023.

Only vessels that lie freely are simulated, well away from quays and shores: what a 10 m radar can
be held to. Arrivals are a Poisson process whose rate climbs between two dates; a vessel stays for
days, so the next pass may find it in the same place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import shapely
from shapely.affinity import rotate, translate
from shapely.geometry import Point
from shapely.geometry.base import BaseGeometry

from tasks.grid import project, transformer
from tasks.model import Site

QUIET_UNTIL = date(2023, 9, 1)
BUSY_FROM = date(2023, 10, 5)
QUIET_RATE_PER_DAY = 0.1
BUSY_RATE_PER_DAY = 0.5
"""Arrivals at the whole site; between the two dates the rate climbs in a straight line."""

STAY_DAYS = (1.0, 10.0)
LENGTH_M = (80.0, 160.0)
LENGTH_TO_WIDTH = 6.5
BRIGHTNESS_DB = (10.0, 18.0)
"""Of the hull above the sea of the day. A real hull keeps its own brightness and fades in a storm."""

WIND_FROM_DEG = 320.0
SWING_DEG = 15.0
"""Bows lie into one wind, with this spread."""

CLEARANCE_M = 80.0
"""Kept between a hull and everything that is not its own zone, dolphins and other hulls too."""

DOLPHINS = 3
DOLPHIN_SPACING_M = 150.0
SPOTS = ((0.38, 0.5), (-0.05, 0.3), (-0.33, 0.3))
"""Superstructure and gear: share of the length astern of midships, radius as share of the width."""

PLACING_TRIES = 200


@dataclass(frozen=True)
class Stay:
    """One vessel, lying still between two moments."""

    vessel_id: str
    zone_id: str

    arrives: datetime
    leaves: datetime

    longitude: float
    latitude: float

    length_m: float
    width_m: float

    heading_deg: float
    """Bow, clockwise from grid north, 0 to 360."""

    brightness_db: float
    """Hull above the sea of the day."""

    hull: BaseGeometry
    """EPSG:4326."""

    spots: BaseGeometry
    """Brightest parts of the hull, EPSG:4326."""


def free_water(site: Site, crs: str) -> dict[str, BaseGeometry]:
    """Find the water of each zone that lies clear of everything else, by zone id, in `crs`."""
    free = {}
    for zone in site.water_zones:
        others = [z.geometry for z in site.zones if z is not zone]
        rest = [project(g, crs) for g in ([site.land] if site.land is not None else []) + others]
        own = project(zone.geometry, crs).difference(shapely.union_all(rest))
        if not (clear := own.buffer(-CLEARANCE_M)).is_empty:
            free[zone.zone_id] = clear
    return free


def place_dolphins(free: dict[str, BaseGeometry], zone_id: str, rng: np.random.Generator) -> BaseGeometry:
    """Choose the places of the fixed mooring dolphins of one zone: a MultiPoint in metres."""
    room, points = free[zone_id], list[Point]()
    while len(points) < DOLPHINS and not room.is_empty:
        points.append(_point_in(room, rng))
        room = room.difference(points[-1].buffer(DOLPHIN_SPACING_M))
    return shapely.MultiPoint(points)


def draw_stays(
    free: dict[str, BaseGeometry], dolphins: BaseGeometry, crs: str, start: date, end: date, seed: int
) -> tuple[Stay, ...]:
    """Draw all stays that touch a period.

    Parameters
    ----------
    free
        Where hulls may lie, by zone id, metres in `crs`; each zone is as likely as the next.
    dolphins
        Fixed points to stay clear of, metres.
    crs
        Projected CRS of both.
    start, end
        First and last day of interest, UTC; vessels that came shortly before `start` are drawn too.
    seed
        Each day has its own random numbers, so a longer period does not reshuffle the arrivals.

    Returns
    -------
    tuple of Stay
        In order of arrival; one that finds no free place sails on and is left out.
    """
    stays: list[Stay] = []
    hulls: list[BaseGeometry] = []
    zones = sorted(free)
    day = start - timedelta(days=int(STAY_DAYS[1]))
    while day <= end:
        rng = np.random.default_rng([seed, 1, day.toordinal()])
        for number in range(rng.poisson(arrivals_per_day(day))):
            arrives = datetime.combine(day, time(), UTC) + timedelta(seconds=int(rng.integers(86_400)))
            leaves = arrives + timedelta(seconds=int(86_400 * rng.uniform(*STAY_DAYS)))
            zone_id = zones[rng.integers(len(zones))]
            length, brightness = rng.uniform(*LENGTH_M), rng.uniform(*BRIGHTNESS_DB)
            heading = rng.normal(WIND_FROM_DEG, SWING_DEG) % 360
            there = [h for h, s in zip(hulls, stays, strict=True) if s.leaves > arrives]
            taken = shapely.union_all([dolphins, *there]).buffer(CLEARANCE_M)
            room = free[zone_id].difference(taken)
            if (hull := _place(_hull(length, heading), room, rng)) is None:
                continue
            centre = hull.centroid
            lon, lat = _to_lonlat(centre, crs).coords[0]
            spots = translate(_spots(length, heading), centre.x, centre.y)
            vessel_id = f"v{day:%Y%m%d}-{number + 1}"
            width = length / LENGTH_TO_WIDTH
            outlines = _to_lonlat(hull, crs), _to_lonlat(spots, crs)
            moments = arrives, leaves
            hulls.append(hull)
            stays.append(
                Stay(vessel_id, zone_id, *moments, lon, lat, length, width, heading, brightness, *outlines)
            )
        day += timedelta(days=1)
    return tuple(sorted(stays, key=lambda s: (s.arrives, s.vessel_id)))


def arrivals_per_day(day: date) -> float:
    """Rate of arrivals.

    Examples
    --------
    >>> arrivals_per_day(date(2023, 8, 1)), arrivals_per_day(date(2023, 12, 1))
    (0.1, 0.5)
    """
    share = (day - QUIET_UNTIL) / (BUSY_FROM - QUIET_UNTIL)
    return QUIET_RATE_PER_DAY + min(max(share, 0.0), 1.0) * (BUSY_RATE_PER_DAY - QUIET_RATE_PER_DAY)


def _hull(length_m: float, heading_deg: float) -> BaseGeometry:
    """Box with a pointed bow about the origin."""
    half, beam = length_m / 2, length_m / LENGTH_TO_WIDTH / 2
    shoulder = half - 2 * beam
    outline = [(-beam, -half), (beam, -half), (beam, shoulder), (0, half), (-beam, shoulder)]
    return rotate(shapely.Polygon(outline), -heading_deg, origin=(0, 0))


def _spots(length_m: float, heading_deg: float) -> BaseGeometry:
    width = length_m / LENGTH_TO_WIDTH
    discs = [Point(0, -place * length_m).buffer(radius * width) for place, radius in SPOTS]
    return rotate(shapely.union_all(discs), -heading_deg, origin=(0, 0))


def _place(hull: BaseGeometry, room: BaseGeometry, rng: np.random.Generator) -> BaseGeometry | None:
    if room.is_empty:
        return None
    shapely.prepare(room)
    for _ in range(PLACING_TRIES):
        at = _point_in(room, rng)
        if room.contains(placed := translate(hull, at.x, at.y)):
            return placed
    return None


def _point_in(area: BaseGeometry, rng: np.random.Generator) -> Point:
    west, south, east, north = area.bounds
    while True:
        point = Point(rng.uniform(west, east), rng.uniform(south, north))
        if area.contains(point):
            return point


def _to_lonlat(geometry: BaseGeometry, crs: str) -> BaseGeometry:
    to = transformer(crs)
    return shapely.transform(
        geometry, lambda xy: np.column_stack(to.transform(xy[:, 0], xy[:, 1], direction="INVERSE"))
    )
