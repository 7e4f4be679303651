"""Point echoes: what walls, corners, boxes and lattice send back to a radar, in square metres.

A wall that meets ground or water at a right angle returns its echo to the foot of the wall
(double bounce); what a tall thing sends back by itself arrives early and is drawn towards the
radar (layover). Both are lists of points with a height and a side that they face, so that one
rule serves ships, sheds, stacks, cranes and quays, whichever way the satellite looks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from tasks.simulate.world.blocks import EMPTY, Block, Matter
from tasks.simulate.world.port import Port
from tasks.simulate.world.seeds import generator

Column = npt.NDArray[np.float32]

STEP_M = 7.0
"""Between the points of a wall or a roof: finer than the 10 m pixel, so nothing looks dotted."""


@dataclass(frozen=True)
class Clutter:
    """How one matter returns a radar's pulse (C band, VV)."""

    roof_db: float
    """Echo of the footprint, decibels per square metre of ground."""

    roof_speckled: float
    """Share of it that speckles like a field; the rest comes from a few hard corners and is steady."""

    wall: float
    """Echo per square metre of a wall that faces the radar squarely."""

    lobe: float
    """Exponent of the cosine with which a wall's echo falls when it turns away: plates 6, lattice 1."""

    spread_db: float
    """Between one specimen and the next."""


CLUTTER = {
    Matter.HULL: Clutter(-4.5, 0.5, 0.6, 4.0, 2.0),
    Matter.SUPERSTRUCTURE: Clutter(0.0, 0.2, 0.7, 2.0, 1.5),
    Matter.CONTAINER: Clutter(-1.2, 0.5, 0.0, 2.0, 0.5),
    Matter.RAIL_CAR: Clutter(-2.5, 0.5, 0.0, 2.0, 0.5),
    Matter.CRANE: Clutter(-2.0, 0.0, 0.04, 1.0, 1.5),
    Matter.HEAP: Clutter(-7.0, 1.0, 0.0, 2.0, 0.5),
    Matter.BUILDING: Clutter(-11.0, 1.0, 0.5, 6.0, 3.0),
}
"""A cargo ship of 120 m comes to about 31 dB m²: mean levels of such ships in Sentinel-1 images are −6 to
+3 dB, 10 to 18 dB above a moderate sea. A yard full of boxes lies 7 dB above the bare one. Plausible, not
calibrated: no image of a quay with known ships was at hand."""

BACKSIDE = 0.06
"""What a wall still returns when it is turned away: lattice, railings and openings."""

AT_FOOT = 0.55
"""Share of a wall's echo that is double bounce; the rest comes from the wall itself and is laid over."""

CORNER_ECHO_M2 = {Matter.SUPERSTRUCTURE: 180.0, Matter.CRANE: 50.0}
CORNER_SPREAD_DB = 8.0
CORNER_MOST_M2 = {Matter.SUPERSTRUCTURE: 12_000.0, Matter.CRANE: 4_000.0}
"""Masts, bridges and cranes have one corner that outshines the rest: a trihedral of 1 m returns 1350 m²
(4π a⁴ / 3 λ²). These few leave the crosses."""

QUAY_HEIGHT_M = 2.5
QUAY_WALL = 2.4
"""Per square metre of quay wall: concrete over flat water is a good mirror."""

QUAY_SPREAD_DB = 3.0
"""Along a quay: fenders, ladders, bollards."""

RUBBLE_ECHO_M2 = 35.0
"""One dolphin, or 7 m of a breakwater drawn as a line: tetrapods and blocks, from every side."""

HOUSES_PER_KM2 = 70.0
HOUSE_ECHO_M2 = 90.0
HOUSE_SPREAD_DB = 5.0


@dataclass(frozen=True, eq=False)
class Scatterers:
    """Point echoes, one column per property, float32 unless said otherwise."""

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    """Foot, metres in the CRS of the port."""

    height_m: Column
    """Above the ground: decides how far the echo is drawn towards the radar."""

    facing_x: Column
    facing_y: Column
    """Unit vector out of the wall; both 0 for what looks alike from all sides."""

    lobe: Column

    echo_m2: Column
    """Radar cross-section in VV, m², seen squarely."""

    speckled: Column
    """Share of the echo that speckles."""

    def __len__(self) -> int:
        return len(self.x)


def gather(parts: Iterable[Scatterers]) -> Scatterers:
    """Put lists of scatterers end to end."""
    listed = list(parts) or [omni(np.zeros((0, 2)), 0.0, 0.0, 0.0)]
    return Scatterers(*(np.concatenate([getattr(p, f.name) for p in listed]) for f in fields(Scatterers)))


def omni(
    places: npt.NDArray[np.float64], height_m: npt.ArrayLike, echo_m2: npt.ArrayLike, speckled: float
) -> Scatterers:
    """Make points that look alike from all sides, at ``(n, 2)`` places in metres."""
    count = len(places)

    def column(value: npt.ArrayLike) -> Column:
        return np.broadcast_to(np.asarray(value, np.float32), (count,))

    none, one = column(0.0), column(1.0)
    return Scatterers(
        places[:, 0], places[:, 1], column(height_m), none, none, one, column(echo_m2), column(speckled)
    )


def of_block(block: Block, seed: int) -> Scatterers:
    """List the echoes of one block.

    Parameters
    ----------
    block
        Its matter sets what it returns, its filled cells how much; a specimen's own brightness follows
        from the seed and its size, so a ship keeps it from pass to pass (a crane: its place).
    seed
        0 or more.
    """
    clutter = CLUTTER[block.matter]
    # A ship is known by its size; cranes are all alike and differ by where they stand.
    known_by = (block.x, block.y) if block.matter is Matter.CRANE else (block.length_m, block.width_m)
    own = generator(seed, "rcs", block.matter.value, *(f"{value:.1f}" for value in known_by))
    gain = float(10 ** (own.normal(0.0, clutter.spread_db) / 10))
    roof = _roof(block, clutter, gain, own)
    if clutter.wall == 0:
        return roof
    parts = [roof, walls(block, clutter.wall * gain, clutter.lobe)]
    if block.matter in CORNER_ECHO_M2:
        corner = CORNER_ECHO_M2[block.matter] * 10 ** (own.normal(0.0, CORNER_SPREAD_DB) / 10)
        corner = min(corner, CORNER_MOST_M2[block.matter])
        parts.append(omni(np.array([[block.x, block.y]]), block.top_m / 2, corner, 0.0))
    return gather(parts)


def _roof(block: Block, clutter: Clutter, gain: float, own: np.random.Generator) -> Scatterers:
    many, wide = (
        max(cells, int(np.ceil(edge / STEP_M)))
        for cells, edge in zip(block.colours.shape, (block.length_m, block.width_m), strict=True)
    )
    row, col = np.divmod(np.arange(many * wide), wide)
    along, across = (row + 0.5) / many, (col + 0.5) / wide
    rows, cols = block.colours.shape
    filled = block.colours[(along * rows).astype(np.intp), (across * cols).astype(np.intp)] != EMPTY
    along_m, across_m = (along - 0.5) * block.length_m, (across - 0.5) * block.width_m
    if block.pointed:
        filled &= np.abs(across_m) <= (block.length_m / 2 - along_m) / 4
    along_m, across_m = along_m[filled], across_m[filled]
    area = block.length_m * block.width_m / (many * wide)
    echo = 10 ** (clutter.roof_db / 10) * area * gain
    # A deck is a few bright corners among much that is dull; their places belong to the specimen.
    uneven = own.standard_gamma(1.0, many * wide).astype(np.float32)[filled]
    height = block.top_m * (np.arange(len(along_m)) % 3 / 2 if block.matter is Matter.CRANE else 0.8)
    ax, ay = block.axis
    places = np.column_stack([block.x + along_m * ax + across_m * ay, block.y + along_m * ay - across_m * ax])
    weight = uneven if block.matter is Matter.HULL else 1.0
    return omni(places, height, echo * weight, clutter.roof_speckled)


def walls(block: Block, echo_per_m2: float, lobe: float) -> Scatterers:
    """List the echoes of a block's walls, in proportion to how much of the block is filled."""
    ring = shapely.get_coordinates(block.outline)
    filled = float((block.colours != EMPTY).mean())
    return wall_points(ring, block.top_m, echo_per_m2 * filled, lobe)


def wall_points(
    ring: npt.NDArray[np.float64], height_m: float, echo_per_m2: float, lobe: float, *, closed: bool = True
) -> Scatterers:
    """List the echoes of walls along a line of corners, ``(n, 2)`` metres.

    Of a closed ring the walls face outwards, of an open line to its right.
    """
    start, edge = ring[:-1], np.diff(ring, axis=0)
    length = np.hypot(edge[:, 0], edge[:, 1])
    side = 1.0
    if closed:  # to the right of a ring that runs anticlockwise is outside
        turning = float(np.sum(ring[:-1, 0] * ring[1:, 1] - ring[1:, 0] * ring[:-1, 1]))
        side = 1.0 if turning > 0 else -1.0
    pieces = np.maximum(np.ceil(length / STEP_M), 1).astype(np.intp)
    wall = np.repeat(np.arange(len(edge)), pieces)
    within = np.arange(len(wall)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    share = (within + 0.5) / pieces[wall]
    places = start[wall] + share[:, None] * edge[wall]
    unit = edge[wall] / np.maximum(length[wall], 1e-9)[:, None]
    echo = echo_per_m2 * height_m * length[wall] / pieces[wall]
    levels = [(0.0, AT_FOOT), (0.35, (1 - AT_FOOT) / 2), (0.9, (1 - AT_FOOT) / 2)]
    count = len(places)

    def column(value: npt.ArrayLike) -> Column:
        return np.broadcast_to(np.asarray(value, np.float32), (count,))

    return gather(
        Scatterers(
            places[:, 0], places[:, 1], column(part * height_m), column(side * unit[:, 1]),
            column(-side * unit[:, 0]), column(lobe), column(echo * weight), column(0.0),
        )
        for part, weight in levels
    )  # fmt: skip


def of_port(port: Port, window: BaseGeometry, seed: int) -> Scatterers:
    """List what never moves: quay walls, sheds, lines and points of rubble, houses.

    Parameters
    ----------
    port
        Its layout.
    window
        Houses are strewn over the land in it, metres.
    seed
        0 or more.
    """
    rng = generator(seed, "fixed echoes", port.site_id)
    parts = [of_block(shed, seed) for shed in port.fixtures]
    parts += [_quays(port, rng), _rubble(port.piers), _houses(port, window, rng)]
    return gather(parts)


def _quays(port: Port, rng: np.random.Generator) -> Scatterers:
    """Walls of piers, and of quays on the shore that no pier outline covers."""
    lines = [
        wall_points(shapely.get_coordinates(ring), QUAY_HEIGHT_M, QUAY_WALL, 4.0)
        for part in shapely.get_parts(port.piers)
        if isinstance(part, shapely.Polygon)
        for ring in [part.exterior]
    ]
    for quay in port.quays.values():
        ends = np.array([quay.at(0.0), quay.at(quay.length_m)])
        if port.piers.boundary.distance(shapely.LineString(ends).centroid) > STEP_M:
            lines.append(wall_points(ends, QUAY_HEIGHT_M, QUAY_WALL, 4.0, closed=False))
    found = gather(lines)
    ahead = shapely.points(found.x + 10 * found.facing_x, found.y + 10 * found.facing_y)
    ground = port.ground
    shapely.prepare(ground)
    kept = ~shapely.contains(ground, ahead)  # where a pier joins the land there is no wall
    uneven = 10 ** (rng.normal(0.0, QUAY_SPREAD_DB, len(found)) / 10)
    echo = (found.echo_m2 * uneven * kept).astype(np.float32)
    return Scatterers(**{f.name: getattr(found, f.name) for f in fields(found)} | {"echo_m2": echo})


def _rubble(piers: BaseGeometry) -> Scatterers:
    """Echoes of structures that a site gives as lines or points."""
    places: list[tuple[float, float]] = []
    for part in shapely.get_parts(piers):
        if part.geom_type == "Point":
            places.append((part.x, part.y))
        elif part.geom_type == "LineString":
            steps = np.arange(STEP_M / 2, part.length, STEP_M)
            places += [(p.x, p.y) for p in shapely.line_interpolate_point(part, steps)]
    return omni(np.array(places).reshape(-1, 2), 2.0, RUBBLE_ECHO_M2, 0.0)


def _houses(port: Port, window: BaseGeometry, rng: np.random.Generator) -> Scatterers:
    """Hard targets strewn over the land, as any inhabited coast has them."""
    west, south, east, north = window.bounds
    count = round(window.area / 1e6 * HOUSES_PER_KM2)
    places = np.column_stack([rng.uniform(west, east, count), rng.uniform(south, north, count)])
    echo = HOUSE_ECHO_M2 * 10 ** (rng.normal(0.0, HOUSE_SPREAD_DB, count) / 10)
    shapely.prepare(port.land)
    ashore = shapely.contains_xy(port.land, places)
    return omni(places[ashore], 5.0, echo[ashore], 0.3)
