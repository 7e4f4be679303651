"""What hangs between a port and a camera: haze, clouds with their shadows, and a mask that errs.

Clouds are fractal noise cut at the height that leaves the weather's share of the sky, seen straight
down; the light comes from the side, so the shadow lies a kilometre or more off. The provider's mask
is made from the truth with the mistakes that real masks are known for: thin cloud missed, edges off
by some pixels, and bright roofs, decks, ice and snow taken for cloud (or cloud for snow).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox
from scipy import ndimage
from scipy.special import ndtri

from tasks.simulate.sensors.sun import Sun
from tasks.simulate.world.weather import Weather

Plane = npt.NDArray[np.float32]

LATTICE = 97
"""Noise repeats after this many grains: further than one looks at that scale."""

SPLINE_SPREAD = 0.479
"""Mean over all places of the spread of a cubic B-spline through white noise, in two directions."""

VEIL = {"blue": 0.075, "green": 0.06, "red": 0.047, "nir": 0.028, "swir16": 0.009}
"""Path reflectance that thick haze leaves in a surface product; thin in the infrared."""

CLOUD_TOP = {"blue": 0.66, "green": 0.66, "red": 0.67, "nir": 0.7, "swir16": 0.45}
"""Reflectance of a bright cloud top; droplets absorb at 1.6 µm."""

CLOUD_GRAINS_M = (2600.0, 1300.0, 640.0, 320.0, 160.0, 80.0, 40.0)
SHADOW_OCTAVES = 5
"""The sun is half a degree wide: from a kilometre up, its shadow loses what is finer than ~10 m, and
thin edges more."""

MASK_SHADOW, MASK_PLANTS, MASK_BARE, MASK_WATER, MASK_UNSURE = 3, 4, 5, 6, 7
MASK_CLOUD, MASK_DENSE, MASK_CIRRUS, MASK_SNOW = 8, 9, 10, 11
CLOUD_CODES = (MASK_CLOUD, MASK_DENSE, MASK_CIRRUS)
"""Scene classification of Sentinel-2 (Sen2Cor); 0 is nodata."""

BRIGHT_BLUE = 0.27
"""Reflectance in blue from which masks begin to suspect cloud."""


@dataclass(frozen=True, eq=False)
class Noise:
    """Smooth fractal noise over the whole plane: mean 0, spread 1, periodic far away."""

    lattices: tuple[Plane, ...]
    grains_m: tuple[float, ...]
    amplitudes: tuple[float, ...]

    def at(self, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], octaves: int | None = None) -> Plane:
        """Evaluate on the grid of columns `x` and rows `y`, metres; leave out the finest if asked to."""
        total = np.zeros((len(y), len(x)), np.float32)
        for lattice, grain, amplitude in list(
            zip(self.lattices, self.grains_m, self.amplitudes, strict=True)
        )[:octaves]:
            across = _splined(lattice.T.copy(), x / grain).T
            total += _splined(np.ascontiguousarray(across), y / grain) * np.float32(amplitude / SPLINE_SPREAD)
        return total


def noise(rng: np.random.Generator, grains_m: Sequence[float], roughness: float = 0.5) -> Noise:
    """Draw a noise; the amplitude of an octave goes with ``grain ** roughness``."""
    lattices = tuple(rng.standard_normal((LATTICE, LATTICE), dtype=np.float32) for _ in grains_m)
    raw = np.asarray(grains_m, float) ** roughness
    return Noise(lattices, tuple(grains_m), tuple(float(a) for a in raw / np.sqrt((raw**2).sum())))


def _splined(lattice: Plane, place: npt.NDArray[np.float64]) -> Plane:
    """Cubic B-spline along the first axis at fractional places."""
    start = np.floor(place).astype(np.int64)
    t = (place - start).astype(np.float32)
    weights = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    out = np.zeros((len(place), lattice.shape[1]), np.float32)
    for k, weight in enumerate(weights):
        out += lattice[(start + k) % LATTICE] * (weight / 6)[:, None]
    return out


def axes_of(box: GeoBox) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Coordinates of the columns and the rows of a north-up grid: centres of pixels."""
    height, width = box.shape
    to = box.affine
    x = to.c + (np.arange(width, dtype=np.float64) + 0.5) * to.a
    return x, to.f + (np.arange(height, dtype=np.float64) + 0.5) * to.e


def ramp(plane: Plane, low: float, high: float) -> Plane:
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    t = np.clip((plane - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Sky:
    """Clouds and haze over one image, ``(y, x)``."""

    cloud: Plane
    """Opacity, 0 to 1."""

    shadow: Plane
    """Share of the direct light that clouds take, 0 to 1."""

    brightness: Plane
    """Of the cloud tops, about 1."""

    haze: Plane
    """Strength, about the weather's."""


def draw_sky(
    box: GeoBox, weather: Weather, sun: Sun, grid_azimuth_deg: float, rng: np.random.Generator
) -> Sky:
    """Draw the sky of one moment.

    Parameters
    ----------
    box
        Grid of the image.
    weather
        `cloud` is the share of the wider sky; the share over one box scatters around it.
    sun
        Where the light comes from.
    grid_azimuth_deg
        The sun's azimuth clockwise from grid north.
    rng
        Makes kind, height and shape of the clouds.
    """
    x, y = axes_of(box)
    haze = weather.haze * (1 + 0.25 * noise(rng, (2500.0, 900.0)).at(x, y))
    nothing = np.zeros(box.shape, np.float32)
    height_m, thin, soft = rng.uniform(600, 2500), rng.random() < 0.2, float(rng.uniform(0.2, 0.9))
    densest = float(rng.uniform(0.2, 0.5)) if thin else float(rng.uniform(0.88, 1.0))
    shapes = noise(rng, CLOUD_GRAINS_M, roughness=0.45)
    if weather.cloud < 0.01:
        return Sky(nothing, nothing, nothing, np.clip(haze, 0, None).astype(np.float32))
    level = float(ndtri(1 - min(weather.cloud, 0.999)))
    field = shapes.at(x, y)
    reach = height_m / sun.rise
    east, north = np.sin(np.radians(grid_azimuth_deg)), np.cos(np.radians(grid_azimuth_deg))
    above = shapes.at(x + reach * east, y + reach * north, SHADOW_OCTAVES)
    cloud = densest * ramp(field, level - soft / 2, level + soft / 2)
    shadow = densest * ramp(above, level - soft / 2, level + soft / 2)
    # The sunlit side of a bulge is brighter: the slope of the field towards the sun (rows run south).
    slope = np.gradient(ndimage.uniform_filter(field, 3))
    lit = (slope[0] * np.float32(north) - slope[1] * np.float32(east)) * np.float32(150 / box.affine.a)
    tops = 0.84 + 0.07 * np.tanh(lit) + 0.11 * np.tanh(field - level)
    return Sky(
        cloud.astype(np.float32), shadow.astype(np.float32), tops.astype(np.float32),
        np.clip(haze, 0, None).astype(np.float32),
    )  # fmt: skip


def seen_through(surface: Plane, band: str, sky: Sky, sky_light: float) -> Plane:
    """Put cloud shadow, haze and cloud over the reflectance of the surface."""
    lit = surface * (1 - sky.shadow * np.float32(1 - sky_light))
    hazy = lit * (1 - 3.5 * np.float32(VEIL[band]) * sky.haze) + np.float32(VEIL[band]) * sky.haze
    return np.asarray(
        hazy + sky.cloud * (np.float32(CLOUD_TOP[band]) * sky.brightness - hazy), dtype=np.float32
    )


def provider_mask(
    bands: Mapping[str, Plane],
    sky: Sky,
    open_water: Plane,
    frozen: Plane,
    coarse: int,
    rng: np.random.Generator,
) -> npt.NDArray[np.uint8]:
    """Classify a scene as its provider does, with the provider's mistakes.

    Parameters
    ----------
    bands
        Reflectance as delivered: blue, green, red, nir.
    sky
        The truth.
    open_water
        Share of open water.
    frozen
        Share of ice and snow.
    coarse
        Edge of the mask's own pixels in pixels of the image (2 for Sentinel-2's 20 m in 10 m).
    rng
        Decides which mistakes are made.

    Returns
    -------
    numpy.ndarray
        ``(y, x)`` uint8, codes of the Sentinel-2 scene classification.
    """
    mask = _surface_classes(bands, open_water, frozen, rng)
    moved = tuple(int(v) for v in rng.integers(-1, 2, 2))
    bright = _mistaken(bands["blue"] > BRIGHT_BLUE, float(rng.uniform(0.0, 0.35)), rng)
    mask[bright & (frozen < 0.3)] = MASK_CLOUD
    if rng.random() < 0.25:
        mask[_mistaken(frozen > 0.4, 0.35, rng)] = MASK_CLOUD
    shade = _edged(ndimage.shift(sky.shadow, np.multiply(moved, 2), order=0, mode="nearest") > 0.45, rng)
    over_water = open_water > 0.5
    mask[shade & (~over_water | (rng.random() < 0.5))] = MASK_SHADOW
    least = float(rng.uniform(0.22, 0.5))
    seen = ndimage.shift(sky.cloud, moved, order=0, mode="nearest")
    if rng.random() < 0.5:
        mask[(seen > least / 2) & (seen <= least)] = MASK_CIRRUS
    mask[_edged(seen > least, rng)] = MASK_CLOUD
    dense = seen > max(0.75, least)
    mask[dense] = MASK_DENSE
    if frozen.mean() > 0.1 and rng.random() < 0.3:
        mask[_mistaken(dense, 0.4, rng)] = MASK_SNOW
    if coarse > 1:
        height, width = mask.shape
        mask = np.repeat(np.repeat(mask[::coarse, ::coarse], coarse, 0), coarse, 1)[:height, :width]
    return mask


def _surface_classes(
    bands: Mapping[str, Plane], open_water: Plane, frozen: Plane, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    greenness = (bands["nir"] - bands["red"]) / np.maximum(bands["nir"] + bands["red"], 0.01)
    mask = np.where(greenness > 0.42, MASK_PLANTS, MASK_BARE).astype(np.uint8)
    mask[(greenness > 0.25) & (greenness <= 0.32)] = MASK_UNSURE
    mask[(open_water > 0.5) & (bands["nir"] < 0.2)] = MASK_WATER
    mask[(frozen > 0.35 + 0.2 * rng.random()) & (bands["green"] > 0.25)] = MASK_SNOW
    return mask


def _mistaken(
    suspect: npt.NDArray[np.bool_], chance: float, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Keep each connected patch with some chance, a pixel larger than it is."""
    labels, count = ndimage.label(suspect, np.ones((3, 3)))
    kept = np.concatenate([[False], rng.random(count) < chance])
    return np.asarray(ndimage.maximum_filter(kept[labels], 3), dtype=np.bool_)


def _edged(area: npt.NDArray[np.bool_], rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Move the edge of an area out or in by up to three pixels."""
    by = int(rng.integers(-1, 4))
    if by == 0 or not area.any():
        return area
    size = 2 * abs(by) + 1
    grown = ndimage.maximum_filter(area, size) if by > 0 else ndimage.minimum_filter(area, size)
    return np.asarray(grown, dtype=np.bool_)
