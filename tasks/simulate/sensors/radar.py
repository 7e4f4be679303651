"""What a C-band radar makes of a port at one moment: Sentinel-1 IW, gamma0, both polarisations.

Fields (sea, land, decks) are drawn as mean power and multiplied by white gamma noise; walls, corners
and lattice are added as steady points; then everything goes through one point response, which gives
the speckle its correlation. Noise of the receiver is added before and subtracted as the
processor does, negative power being set to nothing, so dark water has fewer looks than bright.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from odc.geo.geobox import GeoBox
from rasterio.features import rasterize
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from tasks.errors import InputError
from tasks.grid import project
from tasks.model import ZoneKind
from tasks.simulate.sensors.calendar import Acquisition
from tasks.simulate.sensors.echoes import Echoes, Lit, folded, seen, sow, strangers, together
from tasks.simulate.sensors.scatterers import Scatterers, gather, of_block, of_port
from tasks.simulate.sensors.sea_clutter import (
    COARSE_PX,
    HEADING_DEG,
    Look,
    Plane,
    coarse_shape,
    fill,
    sea,
    smooth_noise,
)
from tasks.simulate.world.blocks import Block, Matter, lay, pooled
from tasks.simulate.world.port import Port
from tasks.simulate.world.seeds import generator
from tasks.simulate.world.weather import Weather

FINER = 4
"""Sub-pixels along an edge of a pixel."""

BLUR_M = 20.0
"""Width of the point response at half its height: IW GRD resolves 20 × 22 m."""

LOOKS = 4.4
"""Equivalent number of looks of Sentinel-1 IW GRD in high resolution (product specification)."""

NOISE_DB = -25.0
"""Of the receiver, in gamma0. Subtracted with clipping, it leaves a floor of about −28 dB."""

LEAST = 1e-5
"""Smallest power delivered, −50 dB: a product has no zeros where it has seen something."""

LAND_DB = {"vv": -9.5, "vh": -16.0}
LAND_FIELD_DB = 1.6
LAND_FIELD_PX = 16.0
LAND_GRAIN_DB = 1.8
LAND_GRAIN_PX = 1.2
"""Fields and slopes; then trees, walls and ditches."""

LAND_PASS_DB = 0.5
"""Spread of the land's level from pass to pass: moisture."""

SNOW_DB = -0.8
"""Of land wholly under snow: dry snow lets C band through, so little changes."""

PAVED = frozenset({ZoneKind.CONTAINER_YARD, ZoneKind.RAIL_YARD})
PAVED_DB = {"vv": -9.0, "vh": -17.0}

SHELTER = 0.55
"""Share of the wind lost in the lee of a coast that fills the whole quarter upwind."""

SHELTER_M = 350.0
NEAR_M = 300.0
"""How far the lee of a coast, and the ice along it, reach out."""

HARD_VH_DB = -8.5
"""VH of hard echoes against VV: walls seen squarely depolarise little, lattice more."""


@dataclass(frozen=True, eq=False)
class RadarGround:
    """What never moves, drawn once for a site."""

    box: GeoBox

    land: Plane
    paved: Plane
    """Share of each pixel, ``(y, x)``, 0 to 1: piers, yards and rail yards lie over land."""

    mass: Plane
    """Land and piers, blurred over `SHELTER_M`, on the coarse grid of the sea: keeps off the wind."""

    near: Plane
    """Nearness of land on the same grid: 1 at the shore, falling over `NEAR_M`."""

    fixed: Scatterers
    """Quays, sheds, houses and rubble."""


def radar_ground(port: Port, box: GeoBox, seed: int) -> RadarGround:
    """Draw what never moves.

    Parameters
    ----------
    port
        Its layout.
    box
        North-up window in the CRS of the port.
    seed
        Places what the layout does not say.

    Raises
    ------
    InputError
        If the window is in another CRS than the port.
    """
    if str(box.crs) != port.crs:
        raise InputError(
            f"radar window of {port.site_id} is in {box.crs}; {port.crs} is needed, as for its port"
        )
    paved = [p for p in shapely.get_parts(port.piers) if isinstance(p, shapely.Polygon)]
    paved += [project(z.geometry, port.crs) for z in port.site.zones if z.kind in PAVED]
    land, hard = _share(box, [port.land]), _share(box, paved)
    solid = np.maximum(land, hard)
    pixel = float(box.affine.a)
    mass = ndimage.gaussian_filter(solid, SHELTER_M / pixel, mode="nearest")
    away = ndimage.distance_transform_edt(solid < 0.5) * pixel if solid.max() >= 0.5 else np.inf
    near = np.broadcast_to(np.exp(-away / NEAR_M).astype(np.float32), solid.shape)
    window = shapely.box(*box.boundingbox.bbox)
    return RadarGround(box, land, hard, _coarse(mass), _coarse(near), of_port(port, window, seed))


def _share(box: GeoBox, shapes: list[BaseGeometry]) -> Plane:
    height, width = box.shape
    listed = [(s, 1) for s in shapes if not s.is_empty]
    if not listed:
        return np.zeros((height, width), np.float32)
    fine = box.affine * box.affine.scale(1 / FINER)
    burnt = rasterize(listed, out_shape=(height * FINER, width * FINER), transform=fine, dtype="uint8")
    return pooled(np.asarray(burnt, np.float32), FINER)


def _coarse(plane: Plane) -> Plane:
    rows, cols = (
        np.minimum(np.arange(n) * COARSE_PX, edge - 1)
        for n, edge in zip(coarse_shape(plane.shape), plane.shape, strict=True)
    )
    return np.asarray(plane[np.ix_(rows, cols)], dtype=np.float32)


def render_radar(
    ground: RadarGround, blocks: Sequence[Block], acquisition: Acquisition, weather: Weather, seed: int
) -> dict[str, Plane]:
    """Render one pass.

    Parameters
    ----------
    ground
        What never moves.
    blocks
        What stands or floats there at the moment, in the CRS of the ground.
    acquisition
        Direction, orbit, incidence and moment.
    weather
        Wind, ice and snow of the moment.
    seed
        0 or more. The same inputs give the same bytes; blocks do not change the random numbers of pixels
        that they do not touch.

    Returns
    -------
    dict
        ``vv`` and ``vh``, ``(y, x)`` float32, gamma0 in linear power, above 0 everywhere.

    Raises
    ------
    InputError
        If the direction is neither ascending nor descending, or the incidence is not of a radar.
    """
    if acquisition.direction not in HEADING_DEG or not 15 <= acquisition.incidence_deg <= 60:
        raise InputError(
            f"radar pass of {acquisition.acquired.isoformat()} is {acquisition.direction!r} at "
            f"{acquisition.incidence_deg:g} degrees; ascending or descending at 15 to 60 is needed"
        )
    look, box = Look.of(acquisition), ground.box
    shape = (int(box.shape[0]), int(box.shape[1]))
    names = ("radar", acquisition.site_id, acquisition.acquired.isoformat())
    cover = _hulls(box, blocks)
    moving = gather(of_block(block, seed) for block in blocks)
    lit = seen(ground.fixed, moving, cover, look, box, generator(seed, *names, "aspect"))
    lit = together([lit, folded(lit, look, box), strangers(look, box, acquisition, seed)])
    turned = Lit(lit.row, lit.col, lit.power * np.float32(10 ** (HARD_VH_DB / 10)), lit.speckled)
    shelter = SHELTER * _upwind(ground.mass, weather.wind_from_deg, float(box.affine.a))
    water = sea(
        shape, float(box.affine.a), shelter, ground.near, weather, look, generator(seed, *names, "sea")
    )
    texture = _land_texture(shape, generator(seed, "radar land", acquisition.site_id, acquisition.orbit))
    moist = SNOW_DB * weather.snow + generator(seed, *names, "moisture").normal(0.0, LAND_PASS_DB)
    planes = {}
    for band in ("vv", "vh"):
        rng = generator(seed, *names, band)
        hard = sow(lit if band == "vv" else turned, look, shape, float(box.affine.a), rng)
        mean = _fields(ground, water[band], cover, texture, band, moist)
        planes[band] = image_of(mean, hard, rng, float(box.affine.a))
    return planes


def _hulls(box: GeoBox, blocks: Sequence[Block]) -> Plane:
    """Share of each pixel in which a hull has taken the place of the water."""
    cover = np.zeros(box.shape, np.float32)
    for block in blocks:
        laid = lay(block, box, FINER) if block.matter is Matter.HULL else None
        if laid is not None:
            cover[laid.rows, laid.cols] += laid.share
    return np.minimum(cover, 1.0)


def _upwind(mass: Plane, wind_from_deg: float, pixel_m: float) -> Plane:
    """Mass of land at some distance towards the wind, the edge of the window carried on."""
    turn, reach = math.radians(wind_from_deg), SHELTER_M * 1.2 / (pixel_m * COARSE_PX)
    height, width = mass.shape
    rows = np.clip(np.arange(height) - round(reach * math.cos(turn)), 0, height - 1)
    cols = np.clip(np.arange(width) + round(reach * math.sin(turn)), 0, width - 1)
    return np.asarray(mass[np.ix_(rows, cols)])


def _land_texture(shape: tuple[int, int], rng: np.random.Generator) -> Plane:
    """Texture of the ground, the same on every pass of one orbit, mean about 1."""
    wide = LAND_FIELD_PX / COARSE_PX
    fields = fill(smooth_noise(rng, coarse_shape(shape), (wide, wide)), shape)
    grain = smooth_noise(rng, shape, (LAND_GRAIN_PX, LAND_GRAIN_PX))
    nepers = math.log(10) / 10
    return np.exp(np.float32(LAND_FIELD_DB * nepers) * fields + np.float32(LAND_GRAIN_DB * nepers) * grain)


def _fields(
    ground: RadarGround, water: Plane, cover: Plane, texture: Plane, band: str, moist_db: float
) -> Plane:
    """Mean power of what speckles."""
    land = np.float32(10 ** ((LAND_DB[band] + moist_db) / 10))
    bare = np.float32(10 ** (PAVED_DB[band] / 10))
    mean = water * (1 - cover)
    mean += ground.land * (land * texture - mean)
    mean += ground.paved * (bare * np.sqrt(texture) - mean)
    return mean


def image_of(mean: Plane, hard: Echoes, rng: np.random.Generator, pixel_m: float) -> Plane:
    """Put speckle, receiver noise and the point response on a scene.

    Parameters
    ----------
    mean
        ``(y, x)`` mean power of what speckles.
    hard
        Point echoes.
    rng
        Of this pass and band.
    pixel_m
        Edge of a pixel, metres.

    Returns
    -------
    numpy.ndarray
        ``(y, x)`` float32, `LEAST` or more.
    """
    sigma = BLUR_M / 2.3548 / pixel_m
    noise = np.float32(10 ** (NOISE_DB / 10))
    looks = np.float32(LOOKS * _concentration(sigma))
    white = rng.standard_gamma(looks, mean.shape, dtype=np.float32)
    raw = (mean + hard.speckled + noise) * (white / looks) - noise
    np.maximum(raw, 0, out=raw)
    raw += hard.steady
    image = ndimage.gaussian_filter(raw, sigma, mode="nearest")
    return np.maximum(image, np.float32(LEAST))


def _concentration(sigma_px: float) -> float:
    """Sum of the squared weights of the point response: what it leaves of the variance of white noise."""
    impulse = np.zeros((21, 21))
    impulse[10, 10] = 1
    return float((ndimage.gaussian_filter(impulse, sigma_px) ** 2).sum())
