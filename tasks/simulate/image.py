"""What a C-band radar makes of the ground: mean brightness, blur, speckle.

The mean is drawn four times finer than the pixel and averaged, so that a hull of half a pixel is
half as bright. Speckle has the correlation that the blur gives it; white speckle would let any
3 × 3 average look better than it is on real images.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from tasks.grid import draw, project
from tasks.model import Site, ZoneKind
from tasks.simulate.traffic import Stay

FINER = 4
"""Sub-pixels along an edge."""

BLUR_M = 20.0
"""Width of the point response at half its height."""

LOOKS = 4.4
"""Equivalent number of looks of a Sentinel-1 IW GRD image."""

LAND_DB = -9.0
LAND_TEXTURE_DB = 2.5
LAND_GRAIN_PX = 2.0
PIER_DB = -6.0
DOUBLE_BOUNCE_DB = 2.0
DOLPHIN_DB = 2.0
"""VV of the pixel that a dolphin stands in, before the blur takes 7 dB: brighter than any sea."""

DOLPHIN_FLICKER_DB = 0.7
"""From pass to pass. A dolphin is one steady echo: it does not speckle as the sea and hulls do."""

SPOT_DB = 6.0
"""Superstructure above its hull."""

RIPPLE_DB = 0.7
RIPPLE_PX = 40.0
"""Slow unevenness of the wind over the water."""

CROSS_POL_DB = {
    "vv": {"sea": 0.0, "land": 0.0, "built": 0.0},
    "vh": {"sea": -8.0, "land": -6.0, "built": -7.0},
}
"""Each polarisation against VV; vessels and dolphins keep their contrast to the sea."""

Plane = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Ground:
    """What never moves, drawn once: shares of each pixel, ``(y, x)``."""

    box: GeoBox
    land: Plane
    built: Plane
    dolphins: Plane


def draw_ground(site: Site, box: GeoBox, dolphins: BaseGeometry) -> Ground:
    """Draw land, piers and dolphins (points in metres of the box's CRS; each fills its pixel)."""
    piers = [z.geometry for z in site.zones if z.kind in (ZoneKind.PIER, ZoneKind.STRUCTURE)]
    land = area_share(box, [] if site.land is None else [site.land])
    points = np.zeros(box.shape, np.float32)
    for point in dolphins.geoms:
        col, row = ~box.affine * (point.x, point.y)
        points[int(row), int(col)] = 1
    return Ground(box, land, area_share(box, piers), points)


def area_share(box: GeoBox, geometries: Iterable[BaseGeometry]) -> Plane:
    """Share of each pixel that longitude/latitude polygons cover: ``(y, x)``, 0 to 1."""
    height, width = box.shape
    fine = GeoBox((height * FINER, width * FINER), box.affine * Affine.scale(1 / FINER), box.crs)
    mask = draw(fine, geometries).reshape(height, FINER, width, FINER)
    return np.asarray(mask.mean(axis=(1, 3)), dtype=np.float32)


def render(
    ground: Ground, stays: Iterable[Stay], sea_db: float, direction: str, orbit: int, seed: int, day: int
) -> dict[str, Plane]:
    """Render one pass.

    Parameters
    ----------
    ground
        What never moves.
    stays
        Vessels that lie there during the pass.
    sea_db
        Mean of the sea in VV, decibels.
    direction
        ``ascending`` looks east, ``descending`` looks west: the quays that face the radar shine.
    orbit
        Relative orbit; the texture of the land is its own, the same on every pass.
    seed, day
        Seed and ordinal of the day: what makes the speckle.

    Returns
    -------
    dict
        ``vv`` and ``vh``, ``(y, x)`` float32, gamma0 in linear power.
    """
    shape = ground.land.shape
    texture = _smooth_noise(np.random.default_rng([seed, 2, orbit]), shape, LAND_GRAIN_PX) * LAND_TEXTURE_DB
    # np.roll wraps round the window; a pier on its very edge would be 1 km from any zone.
    open_side = 1 - np.roll(np.maximum(ground.built, ground.land), 1 if direction == "ascending" else -1, 1)
    bounce = ground.built * open_side
    rng = np.random.default_rng([seed, 3, day])
    ripple = power(_smooth_noise(rng, shape, RIPPLE_PX) * RIPPLE_DB)
    hulls = [_hull_shares(ground.box, stay) for stay in stays]
    planes = {}
    for band, offset in CROSS_POL_DB.items():
        sea = power(sea_db + offset["sea"])
        mean = sea * ripple
        for window, hull, brightness in hulls:
            mean[window] += hull * (sea * power(brightness))
        mean = _over(mean, ground.land, power(LAND_DB + offset["land"] + texture))
        mean = _over(mean, ground.built, power(PIER_DB + offset["built"] + texture))
        mean += power(DOUBLE_BOUNCE_DB + offset["built"]) * bounce
        flicker = power(rng.normal(0.0, DOLPHIN_FLICKER_DB))
        dolphins = ground.dolphins * (power(DOLPHIN_DB + offset["sea"]) * flicker)
        speckled = _blur(mean, ground.box) * _speckle(rng, ground.box)
        planes[band] = speckled + _blur(dolphins, ground.box)
    return planes


def power(db: float | Plane) -> Plane:
    """Decibels to linear power."""
    return np.asarray(10.0 ** (np.asarray(db) / 10.0), dtype=np.float32)


def hull_pixels(box: GeoBox, stay: Stay, margin_px: int = 2) -> tuple[slice, slice]:
    """Rows and columns around a hull, cut at the edge of the box."""
    west, south, east, north = project(stay.hull, str(box.crs)).bounds
    left, top = ~box.affine * (west, north)
    right, bottom = ~box.affine * (east, south)
    return (
        slice(max(int(top) - margin_px, 0), min(int(bottom) + margin_px + 1, box.shape[0])),
        slice(max(int(left) - margin_px, 0), min(int(right) + margin_px + 1, box.shape[1])),
    )


def _hull_shares(box: GeoBox, stay: Stay) -> tuple[tuple[slice, slice], Plane, float]:
    window = hull_pixels(box, stay)
    part = box[window]
    shares = area_share(part, [stay.hull]) + power(SPOT_DB) * area_share(part, [stay.spots])
    return window, shares, stay.brightness_db


def _over(below: Plane, share: Plane, above: Plane) -> Plane:
    return below * (1 - share) + above * share


def _sigma_px(box: GeoBox) -> float:
    return float(BLUR_M / 2.3548 / abs(box.affine.a))


def _blur(mean: Plane, box: GeoBox) -> Plane:
    return np.asarray(ndimage.gaussian_filter(mean, _sigma_px(box), mode="nearest"), dtype=np.float32)


def _speckle(rng: np.random.Generator, box: GeoBox) -> Plane:
    """Gamma noise of mean 1 that has `LOOKS` looks once it is blurred like the image."""
    impulse = np.zeros((15, 15))
    impulse[7, 7] = 1
    looks = LOOKS * float((ndimage.gaussian_filter(impulse, _sigma_px(box)) ** 2).sum())
    return _blur((rng.standard_gamma(looks, box.shape) / looks).astype(np.float32), box)


def _smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], sigma_px: float) -> Plane:
    """Gaussian field of mean 0 and spread 1."""
    noise = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), sigma_px, mode="wrap")
    return np.asarray((noise - noise.mean()) / noise.std(), dtype=np.float32)


def blank_half(planes: Mapping[str, Plane]) -> dict[str, Plane]:
    """Cut the pass off at a slanting swath edge through the middle: NaN to the east of it."""
    height, width = next(iter(planes.values())).shape
    rows, cols = np.mgrid[:height, :width]
    unseen = cols - width / 2 > 0.2 * (rows - height / 2)
    return {band: np.where(unseen, np.float32(np.nan), plane) for band, plane in planes.items()}
