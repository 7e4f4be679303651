"""Two piers with ships alongside, as a radar of 20 m resolution sees them; what lies where is known.

Piers 110 m wide and 310 m long, 190 m of water between them, turned as Najin's are. Reflectivity is
drawn at 5 m, blurred to a PSF of 20 m, sampled at 10 m and speckled. Along every wall runs a double
bounce that changes by 1 dB from date to date, on the piers stand stacks that come and go.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from rasterio.features import rasterize
from scipy import ndimage
from shapely.affinity import rotate, translate

from tasks.model import Site, Zone, ZoneKind
from tests.science.water import LOOKS

SIDE = 100
BOX = GeoBox((SIDE, SIDE), Affine(10, 0, 500_000, 0, -10, 4_700_000), "EPSG:32652")
FINE = BOX.affine * Affine.scale(0.5)
CENTRE = (500_500.0, 4_699_500.0)
TURN_DEG = 34.0
SLOT_M, PIER_M, SLIP_M, STRIP_M = 150.0, 110.0, 190.0, 50.0
WALLS = (-SLIP_M / 2 - PIER_M, -SLIP_M / 2, SLIP_M / 2, SLIP_M / 2 + PIER_M)
"""Where the four faces stand across the piers; water lies outside of each pair."""

REGISTRATION_M = 3.0
"""Images of one orbit shift against one another by this much, standard deviation."""

SIGNS = (-1, 1, -1, 1)
SLOTS = [(wall, k) for wall in range(4) for k in range(2)]


@dataclass(frozen=True)
class Ship:
    """A ship alongside: which wall, where its stern is along it, and how large it is."""

    wall: int
    start_m: float
    length_m: float
    beam_m: float = 18.0
    power: float = 0.6


def _placed(along0: float, across0: float, along1: float, across1: float) -> shapely.Polygon:
    """Rectangle in the piers' frame, metres UTM."""
    box = shapely.box(along0, across0, along1, across1)
    return translate(rotate(box, TURN_DEG, origin=(0, 0)), *CENTRE)


def _strip(wall: int, start: float, end: float, off: float, width: float) -> shapely.Polygon:
    near, far = (WALLS[wall] + SIGNS[wall] * d for d in (off, off + width))
    return _placed(start, min(near, far), end, max(near, far))


def _lonlat(shape: shapely.Polygon) -> shapely.Polygon:
    back = Transformer.from_crs(str(BOX.crs), "EPSG:4326", always_xy=True)
    return shapely.transform(shape, lambda xy: np.column_stack(back.transform(xy[:, 0], xy[:, 1])))


def piers() -> list[shapely.Polygon]:
    return [_placed(-155, WALLS[k], 155, WALLS[k + 1]) for k in (0, 2)]


def port() -> Site:
    """Eight berths on four faces; the rest is harbour."""
    berths = [
        Zone(f"{w}-{k}", ZoneKind.BERTH, _lonlat(strip), length_m=SLOT_M)
        for w, k in SLOTS
        for strip in [_strip(w, -SLOT_M + k * SLOT_M, k * SLOT_M, 0, STRIP_M)]
    ]
    x, y = CENTRE
    solid = shapely.union_all([*piers(), *(_strip(w, -150, 150, 0, STRIP_M) for w in range(4))])
    water = shapely.box(x - 480, y - 480, x + 480, y + 480).difference(solid.buffer(1))
    zones = (
        Zone("harbour", ZoneKind.HARBOUR_WATER, _lonlat(water)),
        *(Zone(f"pier-{k}", ZoneKind.PIER, _lonlat(p)) for k, p in enumerate(piers())),
        *berths,
    )
    return Site("quay", "Quay", zones, digest="quay")


def some_ships(rng: np.random.Generator, occupancy: float) -> list[Ship]:
    """Ships of 80 to 140 m at a share of the berths, somewhere along each."""
    ships = []
    for wall, k in SLOTS:
        if rng.random() < occupancy:
            length = rng.uniform(80, 140)
            start = -SLOT_M + k * SLOT_M + rng.uniform(2, SLOT_M - length - 2)
            ships.append(Ship(wall, start, length, rng.uniform(14, 20), 0.6 * 4 ** rng.random()))
    return ships


def radar(rng: np.random.Generator, ships: list[Ship], sea: float, flicker_db: float = 0.5) -> np.ndarray:
    """``(y, x)`` linear power of one date."""
    shapes = [(p, 0.1) for p in piers()]
    for wall in range(4):
        shapes += [
            (_strip(wall, s, s + 31, -3, 6), 10 ** rng.normal(0, flicker_db / 10))
            for s in range(-155, 155, 31)
        ]
        stacks = rng.uniform(-140, 120, rng.integers(3))
        shapes += [(_strip(wall, s, s + 20, -35, 12), 1.0) for s in stacks]
    for ship in ships:
        end = ship.start_m + ship.length_m
        shapes.append((_strip(ship.wall, ship.start_m, end, 2, ship.beam_m), ship.power))
        shapes.append((_strip(ship.wall, ship.start_m, ship.start_m + 15, 2, ship.beam_m), 4 * ship.power))
    there = FINE * Affine.translation(*rng.normal(0, REGISTRATION_M / 5, 2))
    fine = rasterize(shapes, out_shape=(2 * SIDE, 2 * SIDE), transform=there, fill=sea, dtype="float32")
    blurred = ndimage.gaussian_filter(fine, 20 / 2.355 / 5)
    coarse = blurred.reshape(SIDE, 2, SIDE, 2).mean(axis=(1, 3))
    return (coarse * rng.gamma(LOOKS, 1 / LOOKS, coarse.shape)).astype("float32")


def taken_m(ships: list[Ship]) -> dict[str, float]:
    """Metres of each berth along which a ship lies."""
    return {
        f"{w}-{k}": sum(
            max(0.0, min(s.start_m + s.length_m, k * SLOT_M) - max(s.start_m, (k - 1) * SLOT_M))
            for s in ships
            if s.wall == w
        )
        for w, k in SLOTS
    }
