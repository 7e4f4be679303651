"""A site in metres: quays to lie at, yards to stack in, tracks to stand on, roads to anchor in.

Read from the zones alone, so that any site file can be simulated. What a site file does not say
(sheds, cranes, trees) is invented from the seed and never moves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

from tasks.errors import InputError
from tasks.grid import project, transformer
from tasks.model import Site, Zone, ZoneKind
from tasks.simulate.world.blocks import Block, Matter, solid
from tasks.simulate.world.seeds import generator

CLEARANCE_M = 60.0
"""Kept by a vessel at anchor from land, quays, berths and other vessels."""

FENDER_M = 1.5
"""Between a quay and the hull."""

APRON_M = 22.0
"""Behind a quay: where cranes stand and nothing is stored."""

CRANE_SPACING_M = 120.0
CRANE_HEIGHT_M = 28.0
SHED_HEIGHT_M = 9.0


@dataclass(frozen=True)
class Strip:
    """A straight piece of port with a direction: a quay, a yard or a bundle of tracks."""

    zone_id: str

    x: float
    y: float
    """One end: of a quay the end of its edge, of a yard or a track bundle that of its middle line."""

    heading_deg: float
    """From that end along the strip, clockwise from grid north."""

    length_m: float
    width_m: float

    def at(self, along_m: float, across_m: float = 0.0) -> tuple[float, float]:
        """Place a point: metres along the strip and to the right of it."""
        turn = math.radians(self.heading_deg)
        ax, ay = math.sin(turn), math.cos(turn)
        return self.x + along_m * ax + across_m * ay, self.y + along_m * ay - across_m * ax


@dataclass(frozen=True)
class Port:
    """Everything of a site that a simulation needs and that never moves."""

    site: Site

    crs: str
    """UTM, metres; all that follows is in it."""

    land: BaseGeometry
    piers: BaseGeometry

    quays: dict[str, Strip]
    """By berth; the water lies to the right of the strip."""

    yards: dict[str, Strip]
    tracks: dict[str, Strip]

    roads: dict[str, BaseGeometry]
    """By water zone: where a vessel may lie at anchor."""

    fixtures: tuple[Block, ...]
    """Sheds ashore, the same on every date."""

    @property
    def site_id(self) -> str:
        """Id of the site."""
        return self.site.site_id

    @cached_property
    def ground(self) -> BaseGeometry:
        """Land and piers."""
        return shapely.union_all([self.land, self.piers])

    def lonlat(self, geometry: BaseGeometry) -> BaseGeometry:
        """Bring a geometry from metres to EPSG:4326."""
        to = transformer(self.crs)
        return shapely.transform(
            geometry, lambda xy: np.column_stack(to.transform(xy[:, 0], xy[:, 1], direction="INVERSE"))
        )

    def window(self, pixel_m: float, margin_m: float, kinds: frozenset[ZoneKind] | None = None) -> GeoBox:
        """Lay a north-up window over the zones (of some kinds), corners on multiples of 60 m.

        Sixty metres is what the pixels of all sensors share, so their grids nest.
        """
        zones = [z for z in self.site.measured_zones if kinds is None or z.kind in kinds]
        bounds = shapely.total_bounds([project(z.geometry, self.crs) for z in zones or self.site.zones])
        west, south = (math.floor((v - margin_m) / 60) * 60 for v in bounds[:2])
        east, north = (math.ceil((v + margin_m) / 60) * 60 for v in bounds[2:])
        return GeoBox.from_bbox((west, south, east, north), self.crs, resolution=pixel_m)


def utm_of(site: Site) -> str:
    """UTM zone of the site's middle.

    Examples
    --------
    >>> from tasks.sites import load_site
    >>> utm_of(load_site("najin"))
    'EPSG:32652'
    """
    west, south, east, north = shapely.total_bounds([z.geometry for z in site.measured_zones])
    number = int(((west + east) / 2 + 180) // 6) + 1
    return f"EPSG:{(32600 if south + north >= 0 else 32700) + number}"


def port_of(site: Site, seed: int = 0) -> Port:
    """Read a site's layout.

    Parameters
    ----------
    site
        Needs a berth, or water with room for a vessel at anchor.
    seed
        Places the sheds.

    Raises
    ------
    InputError
        If there is nowhere for a vessel to lie.
    """
    crs = utm_of(site)

    def metres(*kinds: ZoneKind) -> dict[str, BaseGeometry]:
        return {z.zone_id: project(z.geometry, crs) for z in site.zones if z.kind in kinds}

    piers = metres(ZoneKind.PIER, ZoneKind.STRUCTURE)
    fixed = shapely.union_all(list(piers.values()))
    land = project(site.land, crs) if site.land is not None else shapely.Polygon()
    ashore = metres(ZoneKind.CONTAINER_YARD, ZoneKind.RAIL_YARD)
    ground = shapely.union_all([land, fixed, *ashore.values()])
    quays = {
        z.zone_id: _quay(z, project(z.geometry, crs), ground) for z in site.zones if z.kind is ZoneKind.BERTH
    }
    yards = {name: _strip(name, shape) for name, shape in metres(ZoneKind.CONTAINER_YARD).items()}
    tracks = {name: _strip(name, shape) for name, shape in metres(ZoneKind.RAIL_YARD).items()}
    roads = _roads(site.water_zones, crs, [ground, *metres(ZoneKind.BERTH).values()])
    if not quays and not roads:
        raise InputError(
            f"site {site.site_id} has no berth, and no harbour_water or anchorage zone with "
            f"{CLEARANCE_M:.0f} m of clear water around a vessel; nothing can be simulated among its "
            f"{len(site.zones)} zones"
        )
    free = land.difference(shapely.union_all([fixed, *ashore.values()]))
    sheds = _sheds(site.site_id, free, ashore, seed)
    return Port(
        site, crs, shapely.union_all([land, *ashore.values()]), fixed, quays, yards, tracks, roads, sheds
    )


def _quay(zone: Zone, shape: BaseGeometry, ground: BaseGeometry) -> Strip:
    """Take the side of a berth along which its quay runs, nearest to land; its water is then to the right."""
    corners = np.array(shapely.minimum_rotated_rectangle(shape).exterior.coords)[:4]
    sides = [(corners[k], corners[(k + 1) % 4]) for k in range(4)]
    metres = np.array([math.dist(*side) for side in sides[:2]])
    # A quay shorter than its strip is wide runs along the short side; the stated length tells.
    k = int(np.argmax(metres) if zone.length_m is None else np.argmin(np.abs(metres - zone.length_m)))
    start, end = min(
        sides[k::2], key=lambda s: shapely.LineString(s).interpolate(0.5, normalized=True).distance(ground)
    )
    middle, centre = (start + end) / 2, np.array(shape.centroid.coords[0])
    along, out = end - start, centre - middle
    if along[1] * out[0] - along[0] * out[1] < 0:  # water to the left: walk the other way
        start, end = end, start
    return _strip_between(zone.zone_id, start, end, float(metres[1 - k]))


def _strip(zone_id: str, shape: BaseGeometry) -> Strip:
    """Take the middle line of a zone's smallest rectangle."""
    corners = np.array(shapely.minimum_rotated_rectangle(shape).exterior.coords)[:4]
    if math.dist(corners[0], corners[1]) < math.dist(corners[1], corners[2]):
        corners = np.roll(corners, -1, axis=0)
    start, end = (corners[0] + corners[3]) / 2, (corners[1] + corners[2]) / 2
    return _strip_between(zone_id, start, end, _short(corners))


def _short(corners: np.ndarray) -> float:
    return min(math.dist(corners[0], corners[1]), math.dist(corners[1], corners[2]))


def _strip_between(zone_id: str, start: np.ndarray, end: np.ndarray, width_m: float) -> Strip:
    heading, length = _heading(start, end), math.dist(start, end)
    return Strip(zone_id, float(start[0]), float(start[1]), heading, length, width_m)


def _heading(start: np.ndarray, end: np.ndarray) -> float:
    return math.degrees(math.atan2(end[0] - start[0], end[1] - start[1])) % 360


def _roads(zones: tuple[Zone, ...], crs: str, taken: list[BaseGeometry]) -> dict[str, BaseGeometry]:
    solid_ground = shapely.union_all(taken)
    roads = {}
    for zone in zones:
        clear = project(zone.geometry, crs).difference(solid_ground.buffer(CLEARANCE_M)).buffer(-CLEARANCE_M)
        if not clear.is_empty:
            roads[zone.zone_id] = clear
    return roads


def _sheds(site_id: str, free: BaseGeometry, ashore: dict[str, BaseGeometry], seed: int) -> tuple[Block, ...]:
    """Strew sheds over the land near the port."""
    if free.is_empty or not ashore:
        return ()
    rng = generator(seed, "sheds", site_id)
    near = shapely.union_all(list(ashore.values())).buffer(700)
    west, south, east, north = near.bounds
    sheds: list[Block] = []
    for _ in range(140):
        x, y = rng.uniform(west, east), rng.uniform(south, north)
        length, width = rng.uniform(15, 80), rng.uniform(10, 28)
        shed = Block(
            Matter.BUILDING, x, y, float(rng.choice([56.0, 146.0])) + rng.normal(0, 6), length, width,
            float(rng.uniform(4, SHED_HEIGHT_M)), solid(int(rng.integers(3))),
        )  # fmt: skip
        if free.contains(shed.outline.buffer(8)) and near.contains(shed.outline):
            free = free.difference(shed.outline.buffer(4))
            sheds.append(shed)
    return tuple(sheds)
