"""Vessels with water around them: groups of pixels that stand out from the water nearby.

The water within a few ships' breadths says what is usual, band by band, so glint, whitecaps, haze and
silt raise the bar where they are. The infrared draws the hull; foam is as white as paint in the visible
but not there, so a wake does not lengthen its ship.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from scipy import ndimage

from tasks.science.optical.blocks import Window
from tasks.science.optical.candidates import DEFAULT_AFLOAT, AfloatOptions, Found, Group, Part
from tasks.science.optical.hulls import measure_hull
from tasks.science.optical.nearby import stand_out
from tasks.science.optical.refusals import why_not
from tasks.science.optical.water import Mask, Plane
from tasks.science.shapes import EIGHT

MARGIN_PX = 4
"""Around a group: what it blurs into belongs to its hull."""


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
    # Known land holds no ship; the margin around a ship beside it is compared with the same water.
    wanted = np.ones(part.solid.shape, bool)
    if known:
        wanted = ndimage.maximum_filter(~part.solid, 2 * MARGIN_PX + 3, mode="constant")
    score, contrast = stand_out(
        part.planes, part.level, part.spread, part.body, wanted, pixel_m, part.empty, options.nearby
    )
    found = []
    for group, top in _groups(part, score, contrast, pixel_m, known=known, options=options):
        parts = _heads(group, options) if _is_foam(group, options) else [group]
        for piece in parts:
            vessel = measure_hull(piece.sharp, piece.inside, pixel_m, top, options.hull)
            if vessel is None:
                continue
            box = piece.box
            vessel = replace(vessel, row=vessel.row + box[0].start, col=vessel.col + box[1].start)
            found.append(Found(vessel, why_not(vessel, piece, part, pixel_m, known=known, options=options)))
    return found


def _groups(
    part: Part,
    score: Plane,
    contrast: Mapping[str, Plane],
    pixel_m: float,
    *,
    known: bool,
    options: AfloatOptions,
) -> Iterator[tuple[Group, float]]:
    """Find bright pixels apart from the land, at the lowest of several thresholds that parts them."""
    # A pixel beside a known quay is partly quay; only a baseline knows how much.
    shore = part.solid if part.empty is not None else ndimage.binary_dilation(part.solid, EIGHT)
    frames: list[Window] = [(slice(0, score.shape[0]), slice(0, score.shape[1]))]
    whole = np.ones(score.shape, bool)
    inner = [whole]
    for level in options.grow * 2.0 ** np.arange(6):
        deeper: list[tuple[Window, Mask]] = []
        for frame, own in zip(frames, inner, strict=True):
            bright = score[frame] > level
            bright = own & (bright & ~shore[frame] if known else bright | part.solid[frame])
            labels, _ = ndimage.label(bright, EIGHT)
            ashore = set() if known else set(np.unique(labels[part.solid[frame]]))
            for label, found in enumerate(ndimage.find_objects(labels), start=1):
                box = _within(frame, found)
                inside = labels[found] == label
                extent = np.hypot(*(side.stop - side.start for side in box)) * pixel_m
                top = float(score[box][inside].max())
                if label in ashore or extent > 3 * options.max_length_m:
                    deeper.append((box, inside))
                    continue
                if top < max(options.peak, 1.2 * level):
                    continue  # nor would a part of it be
                group = _grouped(box, inside, contrast)
                if extent > 1.5 * options.max_length_m and not _is_foam(group, options):
                    deeper.append((box, inside))
                    continue
                yield group, top
        frames, inner = [box for box, _ in deeper], [own for _, own in deeper]


def _within(frame: Window, box: tuple[slice, ...]) -> Window:
    rows, cols = (
        slice(outer.start + side.start, outer.start + side.stop)
        for outer, side in zip(frame, box, strict=True)
    )
    return rows, cols


def _grouped(box: Window, inside: Mask, contrast: Mapping[str, Plane]) -> Group:
    """Take a group with a margin, as far as the plane goes."""
    shape = next(iter(contrast.values())).shape
    before = [min(MARGIN_PX, side.start) for side in box]
    after = [min(MARGIN_PX, size - side.stop) for side, size in zip(box, shape, strict=True)]
    rows, cols = (slice(side.start - b, side.stop + a) for side, b, a in zip(box, before, after, strict=True))
    wider = np.pad(inside, tuple(zip(before, after, strict=True)))
    return Group((rows, cols), wider, {band: plane[rows, cols] for band, plane in contrast.items()})


def _is_foam(group: Group, options: AfloatOptions) -> bool:
    """Foam is as white as paint, but water takes the infrared out of it, the longer waves the more."""
    if not group.has("nir", "red"):
        return False
    nir = max(group.flux("nir"), 1e-6)
    if group.has("swir16"):
        return group.flux("red") > options.foam_red * nir and group.flux("swir16") < options.foam_short * nir
    return group.flux("red") > options.foam_red_alone * nir


def _heads(group: Group, options: AfloatOptions) -> list[Group]:
    """Where the infrared is brightest, there are the hulls that make the foam."""
    short = group.has("swir16") and group.flux("swir16") > 0.15 * group.flux("nir")
    own = np.where(group.inside, group.contrast["swir16" if short else "nir"], -np.inf)
    labels, count = ndimage.label(own >= options.head * own.max(), EIGHT)
    peaks = ndimage.maximum(own, labels, np.arange(1, count + 1))
    hulls = 1 + np.flatnonzero(peaks >= options.twin * own.max())
    return [Group(group.box, labels == k, group.contrast, foam=True) for k in hulls]
