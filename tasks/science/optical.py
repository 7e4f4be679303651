"""Vessels in one optical image: bright against the water around them, or standing out from a quay.

On open water a pixel is compared with the water within a few ship's breadths, band by band. Foam is
as bright as a hull in the visible but not in the infrared, so the infrared says what is hull.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.sums import box_sums
from tasks.science.optical_hulls import DEFAULT_HULLS, HullOptions, measure_hull
from tasks.science.shapes import Detection, Vessel
from tasks.science.water import (
    DEFAULT_WATER,
    Mask,
    Plane,
    WaterModel,
    WaterOptions,
    Window,
    darkness,
    model_water,
    water_body,
)

VISIBLE = ("red", "green", "blue")
EIGHT = np.ones((3, 3), bool)


@dataclass(frozen=True)
class OpticalOptions:
    """What counts as a vessel in an optical image."""

    water: WaterOptions = DEFAULT_WATER
    hull: HullOptions = DEFAULT_HULLS

    ring_m: float = 150.0
    """Half side of the square in which a pixel's water is sampled: three breadths of a large ship."""

    censor: float = 3.0
    """Spreads from the water beyond which a pixel is no sample of it."""

    min_samples: int = 40
    """Pixels of water in that square below which the scene's own model is used."""

    grow: float = 4.0
    """Spreads above the water that a vessel's pixels have."""

    peak: float = 8.0
    """Spreads that its brightest pixel has: the maximum of a million pixels of noise is 5, glint's is more."""

    noise: float = 0.001
    """Least spread, reflectance: the sensor's noise."""

    min_length_px: float = 2.0
    """Nothing shorter can be told from a point."""

    min_length_m: float = 15.0
    max_length_m: float = 420.0
    max_width_m: float = 80.0
    """Longest ship 400 m, widest 66 m, and a pixel."""

    min_elongation: float = 1.3

    tile_px: int = 1024
    """Side of the tiles in which a scene is worked through."""

    halo_m: float = 700.0
    """Margin of a tile: the longest ship, and the water around it."""


DEFAULT_OPTICAL = OpticalOptions()


def detect_optical_scene(
    reflectance: Mapping[str, Plane],
    pixel_m: float,
    *,
    water: Mask | None = None,
    land: Mask | None = None,
    unclear: Mask | None = None,
    baseline: Mapping[str, Plane] | None = None,
    options: OpticalOptions = DEFAULT_OPTICAL,
) -> Detection:
    """Find the vessels of one scene.

    Parameters
    ----------
    reflectance
        Planes ``(y, x)`` by band, any of blue, green, red, nir, swir16; NaN where not seen.
    pixel_m
        Edge of a pixel on the ground, metres.
    water
        ``(y, x)`` where water may be; found in the image by default.
    land
        ``(y, x)`` where no vessel can be.
    unclear
        ``(y, x)`` cloud and its shadow.
    baseline
        What the place looks like empty: ``<band>`` and ``<band>_spread`` planes ``(y, x)``.
    options
        What counts as a vessel.

    Raises
    ------
    ValueError
        If there is no band in which water can be told from land.
    """
    seen = _seen(reflectance, unclear)
    planes = {band: np.where(seen, np.nan_to_num(plane), np.nan) for band, plane in reflectance.items()}
    model = model_water(planes, pixel_m, water, options.water)
    if model is None:
        return Detection(())
    body = water_body(planes, model, pixel_m, options.water)
    if water is not None:
        body &= water
    solid = _land(body, seen, pixel_m, options)
    if land is not None:
        solid |= land
    vessels: list[Vessel] = []
    artefacts: list[tuple[float, float]] = []
    for window, core in _tiles(seen.shape, pixel_m, options):
        part = _Part({band: plane[window] for band, plane in planes.items()}, body[window], solid[window])
        for vessel, is_vessel in _open_water(part, model, window, pixel_m, options):
            row, col = vessel.row + window[0].start, vessel.col + window[1].start
            inside = core[0].start <= round(row) < core[0].stop and core[1].start <= round(col) < core[1].stop
            if inside and is_vessel:
                vessels.append(_moved(vessel, row, col))
            elif inside:
                artefacts.append((row, col))
    vessels.sort(key=lambda v: (v.row, v.col))
    return Detection(tuple(vessels), tuple(sorted(artefacts)))


@dataclass(frozen=True)
class _Part:
    planes: dict[str, Plane]
    body: Mask
    solid: Mask
    land: Mask | None = field(default=None)


def _moved(vessel: Vessel, row: float, col: float) -> Vessel:
    return Vessel(
        row,
        col,
        vessel.length_m,
        vessel.width_m,
        vessel.length_sd_m,
        vessel.width_sd_m,
        vessel.axis,
        vessel.score,
    )


def _seen(reflectance: Mapping[str, Plane], unclear: Mask | None) -> Mask:
    """Seen is what two bands saw: clear water that reflects nothing in the infrared is stored as no data."""
    count = sum(np.isfinite(plane).astype(np.int8) for plane in reflectance.values())
    seen = np.asarray(count >= min(2, len(reflectance)))
    return seen if unclear is None else seen & ~unclear


def _tiles(
    shape: tuple[int, ...], pixel_m: float, options: OpticalOptions
) -> Iterator[tuple[Window, Window]]:
    halo = int(np.ceil(options.halo_m / pixel_m))
    side = options.tile_px
    for top in range(0, shape[0], side):
        for left in range(0, shape[1], side):
            core = slice(top, min(top + side, shape[0])), slice(left, min(left + side, shape[1]))
            rows, cols = (
                slice(max(0, part.start - halo), min(size, part.stop + halo))
                for part, size in zip(core, shape, strict=True)
            )
            yield (rows, cols), core


def _land(body: Mask, seen: Mask, pixel_m: float, options: OpticalOptions) -> Mask:
    """Find what is no water and too large for a ship."""
    labels, _ = ndimage.label(~body & seen, EIGHT)
    solid = np.zeros(len(np.bincount(labels.ravel())), bool)
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        extent = np.hypot(*(part.stop - part.start for part in box)) * pixel_m
        solid[label] = extent > 1.2 * options.max_length_m
    return np.asarray(solid[labels])


def significance(
    part: _Part, model: WaterModel, window: Window, pixel_m: float, options: OpticalOptions
) -> tuple[Plane, Plane]:
    """Spreads above the water nearby, and infrared reflectance above it."""
    scores: dict[str, Plane] = {}
    contrasts: dict[str, Plane] = {}
    shore = ndimage.binary_erosion(part.body, EIGHT, border_value=1)
    radius = max(2, round(options.ring_m / pixel_m))
    for band, plane in part.planes.items():
        seen = np.isfinite(plane)
        spread = model.field(model.spread[band], window)
        contrast = np.where(seen, plane - model.field(model.level[band], window), 0).astype(np.float32)
        usable = shore & seen & (np.abs(contrast) < 2 * options.censor * spread)
        mean, std = np.zeros_like(contrast), spread
        for _ in range(2):
            usable &= np.abs(contrast - mean) < options.censor * std
            count, total, squares = box_sums(contrast, usable, radius)
            enough = count >= options.min_samples
            count = np.maximum(count, 1)
            mean = np.where(enough, total / count, 0).astype(np.float32)
            std = np.sqrt(np.maximum(squares / count - (total / count) ** 2, 0))
            std = np.where(enough, np.maximum(std, options.noise), spread).astype(np.float32)
        contrasts[band] = contrast - mean
        scores[band] = np.where(seen, contrasts[band] / std, 0).astype(np.float32)
    main = next(band for band in ("nir", "red", "green", "blue", "swir16") if band in scores)
    others = [scores[band] for band in scores if band != main]
    score = scores[main]
    if others:
        score = (score + np.max(others, axis=0)) / 2
    return score, contrasts[main]


def _open_water(
    part: _Part, model: WaterModel, window: Window, pixel_m: float, options: OpticalOptions
) -> Iterator[tuple[Vessel, bool]]:
    """Groups of bright pixels that water parts from the land, and whether each can be a vessel."""
    score, contrast = significance(part, model, window, pixel_m, options)
    taken = np.zeros(score.shape, bool)
    for level in options.grow * 2.0 ** np.arange(6):
        bright = (score > level) | part.solid
        labels, _ = ndimage.label(bright, EIGHT)
        ashore = np.unique(labels[part.solid])
        for label, box in enumerate(ndimage.find_objects(labels), start=1):
            extent = np.hypot(*(side.stop - side.start for side in box)) * pixel_m
            if label in ashore or extent > 1.5 * options.max_length_m:
                continue
            box = tuple(slice(max(0, s.start - 4), s.stop + 4) for s in box)
            inside = labels[box] == label
            top = float(score[box][inside].max())
            if top < max(options.peak, 1.5 * level) or taken[box][inside].any():
                continue
            taken[box] |= inside
            vessel = measure_hull(contrast[box], inside, pixel_m, top, options.hull)
            if vessel is None:
                continue
            vessel = _moved(vessel, vessel.row + box[0].start, vessel.col + box[1].start)
            yield vessel, _can_be(vessel, pixel_m, options)


def _can_be(vessel: Vessel, pixel_m: float, options: OpticalOptions) -> bool:
    shortest = max(options.min_length_m, options.min_length_px * pixel_m)
    fits = shortest <= vessel.length_m <= options.max_length_m and vessel.width_m <= options.max_width_m
    return fits and vessel.length_m >= options.min_elongation * vessel.width_m
