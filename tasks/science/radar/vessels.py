"""Vessels as objects: bright against the water around them and against the site's own memory.

Two tests must agree. In space, a pixel must stand out from its clutter ring (`clutter`). In time,
it must stand out from the brightest empty background within the registration error
(`background`): this is what keeps breakwaters and dolphins out. What passes is grouped, rafts of
ships alongside one another are taken apart where the group is wider than any ship, and what no
ship can be (a sidelobe streak of a kilometre) is dropped and reported.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from tasks.science.radar.background import permanent_scatterers
from tasks.science.radar.cfar import DEFAULT_RING, Mask, Plane, RingOptions, significance
from tasks.science.radar.clutter import multilook
from tasks.science.radar.groups import Indices
from tasks.science.radar.hull_options import DEFAULT_HULLS, HullOptions
from tasks.science.radar.hulls import find_hulls
from tasks.science.radiometry import level_and_spread
from tasks.science.shapes import EIGHT, Detection, Vessel


@dataclass(frozen=True)
class VesselOptions:
    """What counts as a vessel at a site with a memory."""

    ring: RingOptions = DEFAULT_RING
    hulls: HullOptions = DEFAULT_HULLS

    multilook_m: float = 30.0
    """Side of the averaging window; one pixel where pixels are as large."""

    over_background: float = 3.0
    """Spreads above the epoch's background."""

    registration_px: int = 1
    """Images shift by up to a pixel, so the background is the highest within this distance."""

    quay_m: float = 20.0
    """A group that comes this near to land, a pier or pixels that are never seen (masked quays) belongs
    to the quay: a ship alongside cannot be told there from the quay's double bounce, so it is not
    counted."""

    shore_m: float = 45.0
    """Nor is one whose centre is as near as this, where layover and blur reach; a berth is 50 m."""

    faint_m: float = 150.0
    """What does not reach `HullOptions.peak` must be as far from land and from what is always bright: beside
    them it is their sidelobes and blur (Latakia's basin: 1.4 more a look than the eye sees)."""


DEFAULT_VESSELS = VesselOptions()


def detect_vessels(
    db: Plane,
    water: Mask,
    land: Mask,
    background: dict[str, Plane],
    pixel_m: float,
    options: VesselOptions = DEFAULT_VESSELS,
) -> Detection:
    """Find the vessels of one scene.

    Parameters
    ----------
    db
        ``(y, x)`` decibels, calibrated or not; NaN where not seen.
    water
        ``(y, x)`` where vessels are looked for; no structures.
    land
        ``(y, x)`` land and piers, as far as they are known.
    background
        The epoch's ``level`` and ``seen_share``, ``(y, x)``; level NaN where it is not known.
    pixel_m
        Edge of a pixel on the ground, metres.
    options
        What counts as a vessel.
    """
    water = water & np.isfinite(db)  # a hull's middle must not lie on a pixel that holds nothing
    smooth = multilook(db, multilook_radius(pixel_m, options))
    permanent = permanent_scatterers(background["level"])
    clutter = water & ~ndimage.binary_dilation(permanent, EIGHT, iterations=2)
    score = significance(smooth, clutter, pixel_m, options.ring)
    sample = smooth[clutter & np.isfinite(smooth)]
    if not sample.size:
        return Detection(())
    level, spread = level_and_spread(sample)
    bright = (smooth - level) / max(spread, 1e-6)
    empty = ndimage.maximum_filter(
        np.nan_to_num(background["level"], nan=0.0), 2 * options.registration_px + 1
    )
    with np.errstate(invalid="ignore"):
        new = (score > options.hulls.grow) & (bright - empty > options.over_background)
    index = np.flatnonzero(new & water & ~permanent)
    hulls = find_hulls(index, score.ravel()[index], score.shape[1], pixel_m, options.hulls)
    shore_m = _distance_to_shore_m(land | (np.nan_to_num(background["seen_share"], nan=1.0) <= 0), pixel_m)
    fixed_m = np.minimum(shore_m, _distance_to_shore_m(permanent, pixel_m))
    free = [
        hull for hull in hulls
        if _lies_free(hull.vessel, hull.index, shore_m, water, options)
        and (hull.vessel.score >= options.hulls.peak or fixed_m.ravel()[hull.index].min() > options.faint_m)
    ]  # fmt: skip
    vessels = sorted((h.vessel for h in free if h.fits), key=lambda v: (v.row, v.col))
    long = tuple(v for v in vessels if v.length_m >= options.hulls.min_length_m)
    return Detection(long, tuple((h.vessel.row, h.vessel.col) for h in free if not h.fits))


def multilook_radius(pixel_m: float, options: VesselOptions = DEFAULT_VESSELS) -> int:
    """Half side of the averaging window in pixels.

    Examples
    --------
    >>> multilook_radius(10.0), multilook_radius(30.0)
    (1, 0)
    """
    return max(0, round((options.multilook_m / pixel_m - 1) / 2))


def _distance_to_shore_m(shore: Mask, pixel_m: float) -> Plane:
    if not shore.any():
        return np.full(shore.shape, np.inf, np.float32)
    return np.asarray(ndimage.distance_transform_edt(~shore) * pixel_m, dtype=np.float32)


def _lies_free(vessel: Vessel, own: Indices, shore_m: Plane, water: Mask, options: VesselOptions) -> bool:
    centre = round(vessel.row), round(vessel.col)
    nearest_m = shore_m.ravel()[own].min()
    return bool(water[centre] and shore_m[centre] > options.shore_m and nearest_m > options.quay_m)
