"""The sea between two places: the shortest way over water, and how long ships take for it.

The way is a shortest path in the visibility graph of the land's corners, the land widened by what ships keep
off it. It knows no depths, lanes and closed areas, so ships sail at least so far. Route libraries fail at
this scale: they snap a port to a far node of a world-wide net, and give 43 nautical miles (searoute) or 100,
straight over land (scgraph), for the 107 from Najin to Dunay.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

NAUTICAL_MILE_M = 1852.0
EARTH = Geod(ellps="WGS84")

Floats = npt.NDArray[np.float64]
Place = tuple[float, float]
"""Longitude and latitude, degrees."""


@dataclass(frozen=True)
class CrossingOptions:
    """What ships keep off, and how exactly the coast is followed."""

    offshore_m: float = 600.0
    """Distance kept from land. At 300 m Najin to Dunay is 1 % shorter."""

    port_m: float = 4000.0
    """Around either end, land is kept off by nothing: ports lie ashore."""

    detail_m: float = 150.0
    """Capes smaller than this are cut: well below what is kept off."""


@dataclass(frozen=True)
class Crossing:
    """The way from one place to another."""

    distance_nm: float
    """Shortest way over water, nautical miles; ships sail at least so far."""

    distance_sd_nm: float
    """How much longer ships' ways are, roughly, for lanes and weather; half of it where no coast is known."""

    great_circle_nm: float
    along: tuple[Place, ...]
    """The way, corner by corner."""

    over_water: bool
    """False where no land was given: then it is the great circle, which may cross land."""


LONGER_WAYS = 0.05
"""Share by which ships' ways are longer than the shortest, typically."""


def crossing(
    origin: Place,
    destination: Place,
    land: BaseGeometry | None,
    options: CrossingOptions = CrossingOptions(),
) -> Crossing:
    """Find the shortest way over water.

    Parameters
    ----------
    origin, destination
        Longitude and latitude of places in the water, or at most `port_m` from it.
    land
        Polygons of all land between and around them, EPSG:4326; None where it is not known.

    Raises
    ------
    ValueError
        If land lies all around one of the ends.
    """
    lons, lats = zip(origin, destination, strict=True)
    straight = EARTH.line_length(lons, lats) / NAUTICAL_MILE_M
    if land is None:
        return Crossing(straight, 0.25 * straight, straight, (origin, destination), over_water=False)
    frame = _Frame.around(origin, destination)
    ends = frame.to_metres(np.array([origin, destination]))
    kept_off = _kept_off(shapely.transform(land, frame.to_metres), ends, options)
    path = shortest_path(ends[0], ends[1], kept_off)
    along = frame.to_degrees(path)
    metres = float(EARTH.line_length(along[:, 0], along[:, 1]))
    distance = metres / NAUTICAL_MILE_M
    places = tuple((float(lon), float(lat)) for lon, lat in along)
    return Crossing(distance, LONGER_WAYS * distance, straight, places, over_water=True)


@dataclass(frozen=True)
class _Frame:
    """Metres on a plane that is true along the middle parallel; some hundred miles wide, good to 1 %."""

    lon: float
    lat: float
    east_m: float
    north_m: float

    @classmethod
    def around(cls, one: Place, other: Place) -> _Frame:
        lon, lat = (one[0] + other[0]) / 2, (one[1] + other[1]) / 2
        east = EARTH.line_length([lon - 0.5, lon + 0.5], [lat, lat])
        north = EARTH.line_length([lon, lon], [lat - 0.5, lat + 0.5])
        return cls(lon, lat, east, north)

    def to_metres(self, lonlat: Floats) -> Floats:
        return (lonlat - (self.lon, self.lat)) * (self.east_m, self.north_m)

    def to_degrees(self, metres: Floats) -> Floats:
        return metres / (self.east_m, self.north_m) + (self.lon, self.lat)


def _kept_off(land: BaseGeometry, ends: Floats, options: CrossingOptions) -> BaseGeometry:
    """Widen the land by what ships keep off it, but not near the ends; quays themselves do not block."""
    parts = shapely.get_parts(shapely.make_valid(land))
    wide = shapely.union_all(shapely.buffer(parts, options.offshore_m, quad_segs=2))
    wide = shapely.simplify(wide, options.detail_m)
    ports = shapely.union_all(shapely.buffer(shapely.points(ends), options.port_m))
    near = shapely.difference(shapely.intersection(shapely.union_all(parts), ports), _quays(ends))
    return shapely.union(shapely.difference(wide, ports), near)


def _quays(ends: Floats) -> BaseGeometry:
    return shapely.union_all(shapely.buffer(shapely.points(ends), 250.0))


def shortest_path(start: Floats, goal: Floats, blocked: BaseGeometry) -> Floats:
    """Find the shortest way around polygons on a plane: A* over the corners that see one another.

    Parameters
    ----------
    start, goal
        ``(2,)`` metres.
    blocked
        Polygons that the way may touch and not cross.

    Returns
    -------
    numpy.ndarray
        ``(n, 2)`` corners of the way, ends included.

    Raises
    ------
    ValueError
        If there is no way.
    """
    # Corners stand out a hand's breadth, so that a way along the edge is not taken for one across it.
    corners = shapely.get_coordinates(shapely.buffer(blocked, 1.0, join_style="mitre"))
    nodes = np.vstack([start, goal, np.unique(corners, axis=0)])
    shapely.prepare(blocked)
    ahead = np.hypot(*(nodes - goal).T)
    best = np.full(len(nodes), np.inf)
    best[0], before = 0.0, np.full(len(nodes), -1)
    done = np.zeros(len(nodes), bool)
    queue = [(float(ahead[0]), 0)]
    while queue:
        _, here = heapq.heappop(queue)
        if done[here]:
            continue
        done[here] = True
        if here == 1:
            return nodes[_back(before)]
        length = best[here] + np.hypot(*(nodes - nodes[here]).T)
        better = np.flatnonzero(~done & (length < best - 1e-6))
        lines = shapely.linestrings(
            np.stack([np.broadcast_to(nodes[here], (len(better), 2)), nodes[better]], 1)
        )
        for k in better[~shapely.intersects(blocked, lines)]:
            best[k], before[k] = length[k], here
            heapq.heappush(queue, (float(length[k] + ahead[k]), int(k)))
    raise ValueError("there is no way over water between the two places: land lies around one of them")


def _back(before: npt.NDArray[np.intp]) -> list[int]:
    way = [1]
    while way[-1] != 0:
        way.append(int(before[way[-1]]))
    return way[::-1]
