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
import numpy.typing as npt
from scipy import ndimage

from tasks.science.background import permanent_scatterers
from tasks.science.clutter import DEFAULT_RING, Mask, Plane, RingOptions, multilook, significance
from tasks.science.radiometry import level_and_spread
from tasks.science.shapes import Detection, Vessel, length_sd_m

EIGHT = np.ones((3, 3), bool)


@dataclass(frozen=True)
class VesselOptions:
    """What counts as a vessel."""

    ring: RingOptions = DEFAULT_RING

    multilook_m: float = 30.0
    """Side of the averaging window; one pixel where pixels are as large."""

    grow: float = 4.0
    """Significance that a vessel's pixels must have."""

    peak: float = 6.5
    """Significance that its brightest pixel must have."""

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

    cores: tuple[float, ...] = (0.5, 0.6, 0.7, 0.8)
    """Shares of the peak's significance at which a vessel is measured: the first at which it is no larger
    than a ship. Half way down its flank in decibels, whatever the scale; higher for very bright
    ships, which bloom and grow crosses of sidelobes (at `grow` itself half of Latakia's did)."""

    scattered: float = 0.5
    """A streak is bright in many places, a ship in one: pixels at core level outside the core, per pixel
    of the core, from which a group is a streak or a front."""

    min_area_m2: float = 400.0

    min_length_m: float = 25.0
    """Nothing shorter is claimed at a resolution of 20 m; what measures less is the edge of a masked
    scatterer (25 of 420 detections in Latakia's basin, none of 112 in its roads)."""

    max_length_m: float = 450.0
    max_width_m: float = 110.0
    """Longest ship 400 m, widest 66 m, plus the blur of the image."""

    raft_width_m: float = 80.0
    """A group wider than this is more than one ship, or none."""

    raft_length_m: float = 600.0
    """A group longer than this is not taken apart: it hangs together by sidelobes, not by hulls."""

    prominence: float = 1.0
    """Significance by which each ship of a raft must rise above the saddle between them."""

    blur_m: float = 20.0
    """Resolution cell, taken off measured extents."""


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
        mask = (score > options.grow) & (bright - empty > options.over_background) & water & ~permanent
    groups = _groups(mask, score, pixel_m, options)
    shore_m = _distance_to_shore_m(land | (np.nan_to_num(background["seen_share"], nan=1.0) <= 0), pixel_m)
    vessels, artefacts = [], []
    for rows, cols in groups:
        vessel = _vessel((rows, cols), score, pixel_m, options)
        shape = vessel or _measure((rows, cols), score, pixel_m, options)
        if not _lies_free(shape, shore_m[rows, cols], shore_m, water, options):
            continue
        if vessel is None:
            artefacts.append((shape.row, shape.col))
        elif vessel.length_m >= options.min_length_m:
            vessels.append(vessel)
    vessels.sort(key=lambda v: (v.row, v.col))
    return Detection(tuple(vessels), tuple(artefacts))


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


def _lies_free(vessel: Vessel, own_m: Plane, shore_m: Plane, water: Mask, options: VesselOptions) -> bool:
    centre = round(vessel.row), round(vessel.col)
    return bool(water[centre] and shore_m[centre] > options.shore_m and own_m.min() > options.quay_m)


Pixels = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]


def _groups(mask: Mask, score: Plane, pixel_m: float, options: VesselOptions) -> list[Pixels]:
    """Find connected groups that are bright and large enough, rafts taken apart."""
    labels, _ = ndimage.label(mask, EIGHT)
    found: list[Pixels] = []
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        rows, cols = np.nonzero(labels[box] == label)
        group = rows + box[0].start, cols + box[1].start
        if _is_target(group, score, pixel_m, options):
            found += _take_apart(group, score, pixel_m, options)
    return found


def _is_target(group: Pixels, score: Plane, pixel_m: float, options: VesselOptions) -> bool:
    return bool(len(group[0]) * pixel_m**2 >= options.min_area_m2 and score[group].max() >= options.peak)


def _take_apart(group: Pixels, score: Plane, pixel_m: float, options: VesselOptions) -> list[Pixels]:
    """Raise the threshold on a group wider than a ship until it falls into targets of their own.

    SUMO's several clustering thresholds (Greidanus et al., Remote Sensing 9, 246, 2017); pixels
    below the threshold that parts them go to the nearest part.
    """
    core, _ = _core(group, score, options.cores[0])
    whole = _measure(group, score, pixel_m, options)
    narrow = _measure(core, score, pixel_m, options).width_m <= options.raft_width_m
    if narrow or whole.length_m > options.raft_length_m:
        return [group]
    rows, cols = group[0] - group[0].min(), group[1] - group[1].min()
    local = np.full((rows.max() + 1, cols.max() + 1), -np.inf, np.float32)
    local[rows, cols] = score[group]
    for threshold in np.linspace(options.grow, float(score[group].max()), 12)[1:-1]:
        labels, count = ndimage.label(local > threshold, EIGHT)
        index = np.arange(1, count + 1)
        area_m2 = ndimage.sum_labels(labels > 0, labels, index) * pixel_m**2
        peaks = ndimage.maximum(local, labels, index)
        tall = (area_m2 >= options.min_area_m2) & (peaks >= threshold + options.prominence)
        cores = index[tall & (peaks >= options.peak)]
        if len(cores) < 2:
            continue
        seeds = np.where(np.isin(labels, cores), labels, 0)
        nearest = ndimage.distance_transform_edt(seeds == 0, return_distances=False, return_indices=True)
        owner = seeds[tuple(nearest)][rows, cols]
        parts = [(group[0][owner == k], group[1][owner == k]) for k in cores]
        return [piece for part in parts for piece in _take_apart(part, score, pixel_m, options)]
    return [group]


def _vessel(group: Pixels, score: Plane, pixel_m: float, options: VesselOptions) -> Vessel | None:
    """Measure a group at the first core level at which it may be a ship; None if there is none."""
    for level in options.cores:
        core, elsewhere = _core(group, score, level)
        vessel = _measure(core, score, pixel_m, options)
        fits = vessel.length_m <= options.max_length_m and vessel.width_m <= options.max_width_m
        if fits and elsewhere <= options.scattered * len(core[0]):
            return vessel
    return None


def _core(group: Pixels, score: Plane, level: float) -> tuple[Pixels, int]:
    """Take a group's pixels around its peak at `level` of it, and count those elsewhere in the group."""
    rows, cols = group[0] - group[0].min(), group[1] - group[1].min()
    local = np.full((rows.max() + 1, cols.max() + 1), -np.inf, np.float32)
    local[rows, cols] = score[group]
    labels, _ = ndimage.label(local >= level * local.max(), EIGHT)
    own = labels[rows, cols]
    inside = own == labels.flat[int(local.argmax())]
    return (group[0][inside], group[1][inside]), int((own > 0).sum() - inside.sum())


def _measure(group: Pixels, score: Plane, pixel_m: float, options: VesselOptions) -> Vessel:
    """Centre, extents along the principal axes less the blur, and their error."""
    rows, cols = group
    x, y = cols * pixel_m, -rows * pixel_m
    centred = np.stack([x - x.mean(), y - y.mean()])
    _, vectors = np.linalg.eigh(centred @ centred.T + np.eye(2) * 1e-9)
    along, across = vectors[:, 1] @ centred, vectors[:, 0] @ centred
    length, width = (float(np.ptp(a)) + pixel_m - options.blur_m for a in (along, across))
    length, width = max(length, pixel_m), max(width, pixel_m)
    if width > length:
        length, width = width, length
        vectors = vectors[:, ::-1]
    sds = length_sd_m(length, pixel_m), length_sd_m(width, pixel_m)
    axis = (float(vectors[0, 1]), float(vectors[1, 1]))
    peak = float(score[rows, cols].max())
    return Vessel(float(rows.mean()), float(cols.mean()), length, width, *sds, axis, peak)
