"""Where the water is in one optical image, and what it looks like there.

Water is the dark mode of the near and short-wave infrared. Haze, glint and silt lift it, in some images
above an NDWI of nought, so no reflectance is fixed: the scene's own histogram says where water ends and
land begins, and a coarse field of the water's own level and spread follows what changes across the scene.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.optical.blocks import Window, bilinear, block_stats, filled_blocks, no_blocks, strips_of

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

INFRARED = ("nir", "swir16")
"""Bands in which water is darkest; the brighter of the two is judged, since silt lifts the one and dark
roofs and wet mud are dark in the other."""

FALLBACK = ("red", "green", "blue")
"""Judged instead, the first that is there, where no infrared is."""

SHARPEST = ("nir", "red", "green", "blue", "swir16")
"""Bands in which hulls are drawn, the best first: Sentinel-2's short-wave infrared has pixels twice as
large."""

DEEPEST = ("green", "blue", "red", "nir", "swir16")
"""Bands that see into the water, the best first in harbours: blue is lost in haze."""

LIFT = 0.01
"""Reflectance added before the logarithm: below it lies sensor noise."""

BINS = np.log(np.geomspace(LIFT, 2.0, 161))
"""Edges of the histogram of log(darkness + LIFT)."""


@dataclass(frozen=True)
class WaterOptions:
    """What counts as the water body."""

    block_m: float = 500.0
    """Side of the blocks in which the water's level is taken: wider than a ship is long, so that its median
    is the water's; haze and silt plumes of Cartagena and Klang change over kilometres."""

    enough_px: int = 4000
    """Pixels of a block that tell its median to a fiftieth of their spread."""

    min_block_px: int = 60
    """Water pixels from which a block has a level of its own; others take their neighbours'."""

    shore_m: float = 30.0
    """Nearer to what is not water, pixels are not sampled: blur, adjacency and the ships' own flanks."""

    noise: float = 0.001
    """Least spread, reflectance: the sensor's noise."""

    valley: float = 0.7
    """Share of the lesser mode's height that the histogram must fall to between two modes; if it does not,
    there is no land in the image. (The five ports: 0.01 to 0.15.)"""

    min_share: float = 1e-3
    """Share of the image that is land, or water, at least where there are both."""

    lone: float = 1.0
    """Where there is no land: distance above the water's median of log reflectance that ends it."""

    min_body_m2: float = 20_000.0
    """A smaller dark patch is a roof, a shadow or a pond; a dock for one ship is 30 m × 700 m."""


DEFAULT_WATER = WaterOptions()


@dataclass(frozen=True)
class WaterModel:
    """Level and spread of the open water, per band, on a coarse grid of blocks."""

    level: Mapping[str, Plane]
    """``(blocks, blocks)`` reflectance."""

    spread: Mapping[str, Plane]
    """``(blocks, blocks)`` robust standard deviation, reflectance."""

    limit: Plane
    """``(blocks, blocks)`` darkness above which a pixel is not water."""

    block_px: int

    def field(self, grid: Plane, window: Window) -> Plane:
        """Interpolate a grid between the blocks' middles onto a window's pixels."""
        rows, cols = (
            np.clip((np.arange(part.start, part.stop) + 0.5) / self.block_px - 0.5, 0, size - 1)
            for part, size in zip(window, grid.shape, strict=True)
        )
        return np.asarray(bilinear(grid, rows, cols))


def first_of(bands: Mapping[str, object], order: tuple[str, ...]) -> str:
    """Give the first of `order` that is among `bands`."""
    return next(band for band in order if band in bands)


def sharpest(bands: Mapping[str, object]) -> str:
    """Give the band in which hulls are drawn."""
    return first_of(bands, SHARPEST)


def darkness(reflectance: Mapping[str, Plane], window: Window | None = None) -> Plane:
    """Reflectance in which water is told from land: the brighter of the infrared bands.

    Parameters
    ----------
    reflectance
        Planes ``(y, x)`` by band; NaN where not seen.
    window
        Part of the planes; all of it by default.

    Raises
    ------
    ValueError
        If there is no band to tell water by.
    """
    part = window or (slice(None), slice(None))
    bands = [band for band in INFRARED if band in reflectance]
    bands = bands or [band for band in FALLBACK if band in reflectance][:1]
    if not bands:
        raise ValueError(f"bands={sorted(reflectance)}. Needs one of: {[*INFRARED, *FALLBACK]}")
    dark = reflectance[bands[0]][part]
    for band in bands[1:]:
        dark = np.maximum(dark, reflectance[band][part])  # NaN in either is not seen
    return dark


def model_water(
    reflectance: Mapping[str, Plane],
    pixel_m: float,
    usable: Mask | None = None,
    options: WaterOptions = DEFAULT_WATER,
) -> WaterModel | None:
    """Find the water's level and spread across a scene, in two passes over it; None if it shows no water.

    Parameters
    ----------
    reflectance
        Planes ``(y, x)`` by band; NaN where not seen.
    pixel_m
        Edge of a pixel on the ground, metres.
    usable
        ``(y, x)`` where water may be sampled: known water, no cloud. Everywhere by default.
    options
        What counts as water.
    """
    shape = next(iter(reflectance.values())).shape
    block = max(4, round(options.block_m / pixel_m))
    limit = _limit(reflectance, shape, usable, block, options)
    if limit is None:
        return None
    least, enough = options.min_block_px, options.enough_px
    grids = {band: no_blocks(shape, block) for band in [*reflectance, "dark"]}
    spreads = {band: no_blocks(shape, block) for band in reflectance}
    margin = max(1, round(options.shore_m / pixel_m))
    for strip, core in strips_of(shape, block, margin):
        dark = darkness(reflectance, strip)
        held = np.flatnonzero(np.isfinite(dark).any(axis=0))
        if not held.size:
            continue
        part = slice(max(held[0] - 1, 0), held[-1] + 2)  # and what is not seen beside it: no water
        # As far as `margin` dilations reach, in one pass.
        away = ndimage.distance_transform_cdt(dark[:, part] < limit, "taxicab")
        water = np.zeros(dark.shape, bool)
        water[:, part] = (away > margin) | (away < 0)  # below 0: water all over
        if usable is not None:
            water &= usable[strip]
        row = core.start // block
        grids["dark"][row] = block_stats(dark, water, strip, core, block, least, enough)[0]
        for band, plane in reflectance.items():
            stats = block_stats(plane[strip], water, strip, core, block, least, enough)
            grids[band][row], spreads[band][row] = stats
    if not np.isfinite(grids["dark"]).any():
        return None
    level = {band: filled_blocks(grids[band]) for band in reflectance}
    spread = {
        band: np.maximum(filled_blocks(spreads[band]), np.float32(options.noise)) for band in reflectance
    }
    dark = filled_blocks(grids["dark"])
    shift = dark - np.float32(np.nanmedian(grids["dark"]))  # haze lifts water and land alike
    return WaterModel(level, spread, (np.float32(limit) + shift).astype(np.float32), block)


def water_body(
    reflectance: Mapping[str, Plane],
    model: WaterModel,
    pixel_m: float,
    options: WaterOptions = DEFAULT_WATER,
) -> Mask:
    """Every pixel that looks like water and lies in a large body of it; ships are holes in it.

    Parameters
    ----------
    reflectance
        Planes ``(y, x)`` by band; NaN where not seen.
    model
        From `model_water`.
    pixel_m
        Edge of a pixel on the ground, metres.
    options
        What counts as the water body.
    """
    shape = next(iter(reflectance.values())).shape
    water = np.zeros(shape, bool)
    for strip, _ in strips_of(shape, model.block_px, 0):
        water[strip] = darkness(reflectance, strip) < model.field(model.limit, strip)
    labels, count = ndimage.label(water)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    large = sizes * pixel_m**2 >= options.min_body_m2
    large[0] = False
    return np.asarray(large[labels])


def _limit(
    reflectance: Mapping[str, Plane],
    shape: tuple[int, ...],
    usable: Mask | None,
    block: int,
    options: WaterOptions,
) -> float | None:
    """Darkness that parts water from land: Otsu's threshold of its logarithm (IEEE SMC 9, 1979)."""
    counts = np.zeros(len(BINS) - 1)
    for strip, _ in strips_of(shape, block, 0):
        dark = darkness(reflectance, strip)
        if usable is not None:
            dark = dark[usable[strip]]
        dark = dark[np.isfinite(dark)]
        counts += np.histogram(np.log(np.clip(dark, 0, 1.9) + LIFT), len(BINS) - 1, (BINS[0], BINS[-1]))[0]
    if not counts.any():
        return None
    middle = (BINS[1:] + BINS[:-1]) / 2
    smooth = ndimage.gaussian_filter1d(counts, 2.0)
    below, mass = np.cumsum(smooth), np.cumsum(smooth * middle)
    share = below / below[-1]
    both = (share > options.min_share) & (share < 1 - options.min_share)  # else rounding decides
    if not both.any():
        both = np.ones_like(both)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mass[-1] * share - mass) ** 2 / (share * (1 - share))
    cut = int(np.nanargmax(np.where(both, between, -1)[:-1]))
    left, right = int(smooth[: cut + 1].argmax()), cut + 1 + int(smooth[cut + 1 :].argmax())
    lesser = min(smooth[left], smooth[right])
    if smooth[left : right + 1].min() > options.valley * lesser:
        median = float(np.interp(below[-1] / 2, below, middle))
        return float(np.exp(median + options.lone) - LIFT)
    return float(np.exp(BINS[cut + 1]) - LIFT)
