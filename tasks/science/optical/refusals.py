"""Why a group of bright pixels on the water can be no vessel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.optical.blocks import Window
from tasks.science.optical.candidates import AfloatOptions, Group, Part
from tasks.science.optical.water import DEEPEST, Mask, Plane, first_of, sharpest
from tasks.science.shapes import EIGHT, Vessel


def why_not(
    vessel: Vessel, group: Group, part: Part, pixel_m: float, *, known: bool, options: AfloatOptions
) -> str:
    """Say why a group can be no vessel; nothing if it can. `known`: the land is, whatever the image shows."""
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
        "point": not known and _is_point(vessel, filled, pixel_m, options),
        "leaves": _grows(group, part, options),
        "cut": _is_cut(group, part),
        "shore": not known and part.shore_m[middle] < options.shore_m and small_at_shore,
        "narrow": not known and part.shore_m[near].max() < options.fairway_m,
        "shoal": not known and _on_shoal(group, part, pixel_m, options),
        "restless": not known and _is_one_of_many(group, part, pixel_m, options),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _ship_shaped(vessel: Vessel, group: Group, pixel_m: float, options: AfloatOptions) -> bool:
    length, width = vessel.length_m, vessel.width_m
    if not max(options.min_length_m, options.min_length_px * pixel_m) <= length <= options.max_length_m:
        return False
    resolved = width > 2 * pixel_m and not group.foam
    least = options.min_elongation_resolved if resolved else options.min_elongation
    slim = length > options.slim_from_px * pixel_m and length > options.max_elongation * width
    return width <= options.max_width_m and length >= least * width and not slim


def _is_point(vessel: Vessel, filled_m2: float, pixel_m: float, options: AfloatOptions) -> bool:
    short = vessel.length_m < options.min_length_unknown_px * pixel_m
    return short and filled_m2 < options.min_filled_px * pixel_m**2


def _grows(group: Group, part: Part, options: AfloatOptions) -> bool:
    if not group.has("nir", "red"):
        return False
    bright = group.inside & (group.sharp >= 0.5 * group.sharp[group.inside].max())
    nir, red = (float(part.planes[band][group.box][bright].mean()) for band in ("nir", "red"))
    above = group.flux("nir") / max(group.flux("red"), 1e-6)
    return nir > options.red_edge * red or (above > options.red_edge_above_water and nir > 1.3 * red)


def _is_cut(group: Group, part: Part) -> bool:
    for axis, size in enumerate(part.body.shape):
        at = np.flatnonzero(group.inside.any(axis=1 - axis)) + group.box[axis].start
        before, after = part.frame[axis]
        if (at[0] == 0 and not before) or (at[-1] == size - 1 and not after):
            return True
    return False


def _on_shoal(group: Group, part: Part, pixel_m: float, options: AfloatOptions) -> bool:
    """Whether the water around a group is nearly as pale as the group, in the band that sees deepest."""
    band = first_of(part.planes, DEEPEST)
    contrast, away_m, water = _around_group(group, part, band, 50.0, pixel_m)
    own = away_m == 0
    ring = (away_m > 20) & (away_m < 50) & water
    if not ring.any():
        return False
    pale, spread = (
        float(np.median(contrast[ring])),
        float(part.spread[band][_box_around(group, part, 50.0, pixel_m)].mean()),
    )
    return pale > max(options.shoal_spreads * spread, options.shoal_share * float(contrast[own].max()))


def _is_one_of_many(group: Group, part: Part, pixel_m: float, options: AfloatOptions) -> bool:
    """Whether the water around a group varies nearly as much as the group stands out of it."""
    reach_m = options.restless_reach_m
    contrast, away_m, water = _around_group(group, part, sharpest(part.planes), reach_m, pixel_m)
    ring = (away_m > 20) & (away_m < reach_m) & ndimage.binary_erosion(water, EIGHT, 2, border_value=1)
    if not ring.any():
        return False
    own = float(np.percentile(group.sharp[group.inside], 90))
    return float(contrast[ring].std()) > options.restless * own


def _around_group(
    group: Group, part: Part, band: str, reach_m: float, pixel_m: float
) -> tuple[Plane, npt.NDArray[np.floating], Mask]:
    """Contrast to the open water, distance to the group, and what is seen water, in a box around it."""
    rows, cols = _box_around(group, part, reach_m, pixel_m)
    contrast = part.planes[band][rows, cols] - part.level[band][rows, cols]
    own = np.zeros(contrast.shape, bool)
    top, left = group.box[0].start - rows.start, group.box[1].start - cols.start
    own[top : top + group.inside.shape[0], left : left + group.inside.shape[1]] = group.inside
    away_m = ndimage.distance_transform_edt(~own) * pixel_m
    return contrast, away_m, part.body[rows, cols] & np.isfinite(contrast)


def _box_around(group: Group, part: Part, reach_m: float, pixel_m: float) -> Window:
    reach = int(np.ceil(reach_m / pixel_m))
    rows, cols = (
        slice(max(0, side.start - reach), min(size, side.stop + reach))
        for side, size in zip(group.box, part.body.shape, strict=True)
    )
    return rows, cols


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
