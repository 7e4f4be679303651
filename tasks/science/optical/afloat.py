"""Vessels with water around them: groups of pixels that stand out from the water nearby.

The water within a few ships' breadths says what is usual, band by band, so glint, whitecaps, haze and
silt raise the bar where they are. The infrared draws the hull; foam is as white as paint in the visible
but not there, so a wake does not lengthen its ship.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.optical.hulls import DEFAULT_HULLS, HullOptions, measure_hull
from tasks.science.optical.water import DEEPEST, Mask, Plane, Window, first_of, sharpest
from tasks.science.shapes import EIGHT, Vessel
from tasks.science.sums import box_sums

MARGIN_PX = 4


@dataclass(frozen=True)
class AfloatOptions:
    """What counts as a vessel with water around it."""

    hull: HullOptions = DEFAULT_HULLS

    ring_m: float = 80.0
    """Half side of the square in which a pixel's water is sampled: silt and haze change within hundreds of
    metres (Klang's boats stand 8 spreads out of 80 m of river, 5 out of 150 m)."""

    censor: float = 3.0
    """Spreads from the water beyond which a pixel is no sample of it."""

    min_samples: int = 40
    """Pixels of water in that square below which the scene's own model is used."""

    noise: float = 0.001
    """Least spread, reflectance: the sensor's noise."""

    grow: float = 4.0
    """Spreads above the water that a vessel's pixels have."""

    peak: float = 6.5
    """Spreads that its brightest pixel has, in the infrared and another band at once."""

    min_height: float = 0.5
    """Contrast of its brightest pixel by that of the land's edge: haze dims both alike."""

    min_area_m2: float = 250.0
    """Pixels, each as far as it is land-like, that it fills."""

    foam_red: float = 1.05
    """Red by near infrared, above which a group may be foam,"""

    foam_short: float = 0.5
    """if its short-wave infrared is less than this share of the near: hulls have 0.5 to 1.2, tugs' wakes in
    Port Hedland 0.2 to 0.4;"""

    foam_red_alone: float = 1.2
    """or, without short-wave infrared, if red is as far above."""

    head: float = 0.75
    """Share of the brightest infrared that a hull has before its own foam."""

    twin: float = 0.9
    """The same of a second hull in one foam: tugs run side by side."""

    red_edge: float = 2.0
    """Near infrared by red, above which leaves grow there."""

    red_edge_above_water: float = 3.0
    """The same of what both have above the water: haze hides leaves from the other."""

    min_length_px: float = 3.1
    """Nothing shorter can be told from a point: a boat of one pixel, blurred, measures two to three."""

    min_length_m: float = 18.0
    max_length_m: float = 420.0
    max_width_m: float = 80.0
    """Longest ship 400 m, widest 66 m, and a pixel."""

    min_elongation: float = 1.8

    min_elongation_resolved: float = 2.5
    """The same of what is wider than two pixels and has no foam about it: platforms, pontoons, islets."""

    max_elongation: float = 11.0
    """Ships are five to nine times as long as wide; breakwaters, booms and the edges of quays are longer."""

    slim_from_px: float = 12.0
    """Length from which a width is known well enough to say so."""

    shoal_spreads: float = 3.0
    """Spreads above the open water at which the water around a group is shallow, foam or a cloud's edge,"""

    shoal_share: float = 0.3
    """if it is this share of the group's own contrast besides."""

    shore_m: float = 60.0
    """Nearer to land, a small group may be a groyne, a jetty's head or surf,"""

    min_length_at_shore_m: float = 65.0
    min_height_at_shore: float = 1.5
    """so it must be as long, and this much brighter than the land's edge."""

    fairway_m: float = 50.0
    """Distance from land that the water within `fairway_reach_m` must have somewhere."""

    fairway_reach_m: float = 200.0


DEFAULT_AFLOAT = AfloatOptions()


@dataclass(frozen=True)
class Part:
    """One part of a scene; all planes ``(y, x)``."""

    planes: Mapping[str, Plane]
    """Reflectance by band; NaN where not seen."""

    level: Mapping[str, Plane]
    spread: Mapping[str, Plane]
    """The open water's, by band, reflectance."""

    body: Mask
    """The water body, without the ships."""

    solid: Mask
    """Land, as far as it is known or too large for a ship."""

    rise: Plane
    """Contrast of the water's edge in the sharpest band, reflectance."""

    shore_m: Plane
    """Distance to land."""

    frame: tuple[tuple[bool, ...], ...]
    """Whether the scene goes on before and after, by axis: at its own edge a ship is cut."""

    empty: tuple[Mapping[str, Plane], Mapping[str, Plane]] | None = None
    """Level and spread of the empty place, by band; NaN where it is not known."""


@dataclass(frozen=True)
class Found:
    """A vessel, or what was refused and why."""

    vessel: Vessel
    refused: str = ""


@dataclass(frozen=True)
class _Group:
    box: Window
    inside: Mask
    contrast: Mapping[str, Plane]
    foam: bool = False

    @property
    def sharp(self) -> Plane:
        return self.contrast[sharpest(self.contrast)]

    def flux(self, band: str) -> float:
        return float(self.contrast[band][ndimage.binary_dilation(self.inside, EIGHT)].sum())

    def has(self, *bands: str) -> bool:
        return all(band in self.contrast for band in bands)


def find_afloat(
    part: Part, pixel_m: float, *, known: bool, options: AfloatOptions = DEFAULT_AFLOAT
) -> list[Found]:
    """Find groups of bright pixels, and say of each whether it can be a vessel.

    Parameters
    ----------
    part
        Part of a scene.
    pixel_m
        Edge of a pixel on the ground, metres.
    known
        Whether `part.solid` is known to be land whatever the image shows: then a ship may touch it.
    options
        What counts.
    """
    score, contrast = significance(part, pixel_m, options)
    found = []
    for group, top in _groups(part, score, contrast, pixel_m, known=known, options=options):
        parts = _heads(group, options) if _is_foam(group, options) else [group]
        for piece in parts:
            vessel = measure_hull(piece.sharp, piece.inside, pixel_m, top, options.hull)
            if vessel is None:
                continue
            box = piece.box
            vessel = replace(vessel, row=vessel.row + box[0].start, col=vessel.col + box[1].start)
            found.append(Found(vessel, _why_not(vessel, piece, part, pixel_m, known=known, options=options)))
    return found


def significance(
    part: Part, pixel_m: float, options: AfloatOptions = DEFAULT_AFLOAT
) -> tuple[Plane, dict[str, Plane]]:
    """Spreads above the water nearby, and reflectance above it by band, ``(y, x)``; 0 where not seen."""
    scores: dict[str, Plane] = {}
    contrasts: dict[str, Plane] = {}
    for band, plane in part.planes.items():
        seen = np.isfinite(plane)
        mean, spread = _nearby(np.where(seen, plane - part.level[band], 0), part, band, pixel_m, options)
        level = part.level[band] + mean
        if part.empty is not None:
            known = np.isfinite(part.empty[0][band])
            bare = np.where(known, part.empty[0][band], 0)
            spread = np.where(known & (bare > level), np.maximum(spread, part.empty[1][band]), spread)
            level = np.where(known, np.maximum(level, bare), level)
        contrasts[band] = np.where(seen, plane - level, 0).astype(np.float32)
        scores[band] = (contrasts[band] / spread).astype(np.float32)
    main = sharpest(scores)
    others = [scores[band] for band in scores if band != main]
    score = (scores[main] + np.max(others, axis=0)) / 2 if others else scores[main]
    return np.asarray(score, dtype=np.float32), contrasts


def _nearby(
    contrast: npt.NDArray[np.floating], part: Part, band: str, pixel_m: float, options: AfloatOptions
) -> tuple[Plane, Plane]:
    """Mean and spread of the water in the square around each pixel, censored twice."""
    usable = ndimage.binary_erosion(part.body, EIGHT, border_value=1) & np.isfinite(part.planes[band])
    usable &= np.abs(contrast) < 2 * options.censor * part.spread[band]
    contrast = contrast.astype(np.float32)
    radius = max(2, round(options.ring_m / pixel_m))
    mean, spread = np.zeros_like(contrast), part.spread[band]
    for _ in range(2):
        usable &= np.abs(contrast - mean) < options.censor * spread
        count, total, squares = box_sums(contrast, usable, radius)
        enough = count >= options.min_samples
        count = np.maximum(count, 1)
        mean = np.where(enough, total / count, 0).astype(np.float32)
        variance = np.maximum(squares / count - (total / count) ** 2, options.noise**2)
        spread = np.where(enough, np.sqrt(variance), part.spread[band]).astype(np.float32)
    return mean, spread


def _groups(
    part: Part,
    score: Plane,
    contrast: Mapping[str, Plane],
    pixel_m: float,
    *,
    known: bool,
    options: AfloatOptions,
) -> Iterator[tuple[_Group, float]]:
    """Find bright pixels apart from the land, at the lowest of several thresholds that parts them."""
    taken = np.zeros(score.shape, bool)
    # A pixel beside a known quay is partly quay; only a baseline knows how much.
    shore = part.solid if part.empty is not None else ndimage.binary_dilation(part.solid, EIGHT)
    for level in options.grow * 2.0 ** np.arange(6):
        bright = (score > level) & ~shore if known else (score > level) | part.solid
        labels, _ = ndimage.label(bright, EIGHT)
        ashore = set() if known else set(np.unique(labels[part.solid]))
        for label, own in enumerate(ndimage.find_objects(labels), start=1):
            extent = np.hypot(*(side.stop - side.start for side in own)) * pixel_m
            if label in ashore or extent > 3 * options.max_length_m:
                continue
            rows, cols = (slice(max(0, s.start - MARGIN_PX), s.stop + MARGIN_PX) for s in own)
            inside = labels[rows, cols] == label
            top = float(score[rows, cols][inside].max())
            if top < max(options.peak, 1.2 * level) or taken[rows, cols][inside].any():
                continue
            group = _Group(
                (rows, cols), inside, {band: plane[rows, cols] for band, plane in contrast.items()}
            )
            if extent > 1.5 * options.max_length_m and not _is_foam(group, options):
                continue
            taken[rows, cols] |= inside
            yield group, top


def _is_foam(group: _Group, options: AfloatOptions) -> bool:
    """Foam is as white as paint, but water takes the infrared out of it, the longer waves the more."""
    if not group.has("nir", "red"):
        return False
    nir = max(group.flux("nir"), 1e-6)
    if group.has("swir16"):
        return group.flux("red") > options.foam_red * nir and group.flux("swir16") < options.foam_short * nir
    return group.flux("red") > options.foam_red_alone * nir


def _heads(group: _Group, options: AfloatOptions) -> list[_Group]:
    """Where the infrared is brightest, there are the hulls that make the foam."""
    short = group.has("swir16") and group.flux("swir16") > 0.15 * group.flux("nir")
    own = np.where(group.inside, group.contrast["swir16" if short else "nir"], -np.inf)
    labels, count = ndimage.label(own >= options.head * own.max(), EIGHT)
    peaks = ndimage.maximum(own, labels, np.arange(1, count + 1))
    hulls = 1 + np.flatnonzero(peaks >= options.twin * own.max())
    return [_Group(group.box, labels == k, group.contrast, foam=True) for k in hulls]


def _why_not(
    vessel: Vessel, group: _Group, part: Part, pixel_m: float, *, known: bool, options: AfloatOptions
) -> str:
    """Say why a group can be no vessel; nothing if it can."""
    middle = _pixel(vessel, part.body.shape)
    height = group.sharp / part.rise[middle]
    tallest = float(height[group.inside].max())
    filled = np.clip(height, 0, 1)[ndimage.binary_dilation(group.inside, EIGHT)].sum() * pixel_m**2
    near = _around(middle, part.body.shape, options.fairway_reach_m / pixel_m)
    small_at_shore = vessel.length_m < options.min_length_at_shore_m or tallest < options.min_height_at_shore
    reasons = {
        "shape": not _ship_shaped(vessel, group, pixel_m, options),
        "faint": tallest < options.min_height,
        "small": filled < options.min_area_m2,
        "leaves": _grows(group, part, options),
        "cut": _is_cut(group, part),
        "shore": not known and part.shore_m[middle] < options.shore_m and small_at_shore,
        "narrow": not known and part.shore_m[near].max() < options.fairway_m,
        "shoal": not known and _on_shoal(group, part, pixel_m, options),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _ship_shaped(vessel: Vessel, group: _Group, pixel_m: float, options: AfloatOptions) -> bool:
    length, width = vessel.length_m, vessel.width_m
    if not max(options.min_length_m, options.min_length_px * pixel_m) <= length <= options.max_length_m:
        return False
    resolved = width > 2 * pixel_m and not group.foam
    least = options.min_elongation_resolved if resolved else options.min_elongation
    slim = length > options.slim_from_px * pixel_m and length > options.max_elongation * width
    return width <= options.max_width_m and length >= least * width and not slim


def _grows(group: _Group, part: Part, options: AfloatOptions) -> bool:
    if not group.has("nir", "red"):
        return False
    bright = group.inside & (group.sharp >= 0.5 * group.sharp[group.inside].max())
    nir, red = (float(part.planes[band][group.box][bright].mean()) for band in ("nir", "red"))
    above = group.flux("nir") / max(group.flux("red"), 1e-6)
    return nir > options.red_edge * red or (above > options.red_edge_above_water and nir > 1.3 * red)


def _is_cut(group: _Group, part: Part) -> bool:
    for axis, size in enumerate(part.body.shape):
        at = np.flatnonzero(group.inside.any(axis=1 - axis)) + group.box[axis].start
        before, after = part.frame[axis]
        if (at[0] == 0 and not before) or (at[-1] == size - 1 and not after):
            return True
    return False


def _on_shoal(group: _Group, part: Part, pixel_m: float, options: AfloatOptions) -> bool:
    """Whether the water around a group is nearly as pale as the group, in the band that sees deepest."""
    band = first_of(part.planes, DEEPEST)
    reach = int(np.ceil(50 / pixel_m))
    rows, cols = (
        slice(max(0, side.start - reach), min(size, side.stop + reach))
        for side, size in zip(group.box, part.body.shape, strict=True)
    )
    contrast = part.planes[band][rows, cols] - part.level[band][rows, cols]
    own = np.zeros(contrast.shape, bool)
    top, left = group.box[0].start - rows.start, group.box[1].start - cols.start
    own[top : top + group.inside.shape[0], left : left + group.inside.shape[1]] = group.inside
    away_m = ndimage.distance_transform_edt(~own) * pixel_m
    ring = (away_m > 20) & (away_m < 50) & part.body[rows, cols] & np.isfinite(contrast)
    if not ring.any():
        return False
    pale, spread = float(np.median(contrast[ring])), float(part.spread[band][rows, cols].mean())
    return pale > max(options.shoal_spreads * spread, options.shoal_share * float(contrast[own].max()))


def _pixel(vessel: Vessel, shape: tuple[int, ...]) -> tuple[int, int]:
    row, col = (
        min(max(round(at), 0), size - 1) for at, size in zip((vessel.row, vessel.col), shape, strict=True)
    )
    return row, col


def _around(middle: tuple[int, int], shape: tuple[int, ...], reach: float) -> Window:
    k = int(np.ceil(reach))
    rows, cols = (
        slice(max(0, at - k), min(size, at + k + 1)) for at, size in zip(middle, shape, strict=True)
    )
    return rows, cols
