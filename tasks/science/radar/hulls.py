"""From bright pixels to hulls: groups that touch, rafts taken apart, each measured or refused.

What passes a detector is a list of pixels with scores. A group is measured at half the amplitude of its
peak, since a bright ship blooms and grows a cross of sidelobes; its width comes from the spread of its
power across the hull, since 20 m of beam are one resolution cell. What no ship can be (a streak of a
kilometre) is told apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tasks.science.radar.groups import Boxes, Indices, Labels, Vector, boxes, label, tops
from tasks.science.radar.hull_options import DEFAULT_HULLS, HullOptions
from tasks.science.radar.rafts import join_ends, take_apart
from tasks.science.shapes import Vessel

SPREAD_DB = 0.8
"""Decibels of one spread: multilooked speckle of Sentinel-1 GRD, whatever the scale of the picture."""


@dataclass(frozen=True)
class Hull:
    """A group of bright pixels, measured."""

    vessel: Vessel
    fits: bool
    """Whether a ship can be like this."""

    index: Indices
    """Its pixels, flat indices."""


@dataclass(frozen=True)
class Pixels:
    """Bright pixels in groups, in a plane `width` pixels wide."""

    index: Indices
    score: npt.NDArray[np.float32]
    labels: Labels
    count: int
    width: int

    def only(self, keep: npt.NDArray[np.bool_]) -> Pixels:
        """Keep some of the groups, numbered anew."""
        number = np.cumsum(keep, dtype=np.int32) - 1
        inside = keep[self.labels]
        labels = number[self.labels[inside]].astype(np.int32)
        return Pixels(self.index[inside], self.score[inside], labels, int(keep.sum()), self.width)

    def relabelled(self, labels: Labels) -> Pixels:
        """Group the same pixels otherwise."""
        names, numbers = np.unique(labels, return_inverse=True)
        return Pixels(self.index, self.score, numbers.astype(np.int32), len(names), self.width)

    def peaks(self) -> npt.NDArray[np.float32]:
        """Highest score of each group."""
        return self.score[tops(self.score, self.labels, self.count)]

    def members(self) -> list[Indices]:
        """Positions of each group's pixels."""
        order = np.argsort(self.labels, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.labels, minlength=self.count))[:-1])


@dataclass(frozen=True)
class Sizes:
    """Measures of all groups."""

    box: Boxes
    length_m: Vector
    width_m: Vector
    fits: npt.NDArray[np.bool_]


def find_hulls(
    index: Indices,
    score: npt.NDArray[np.float32],
    width: int,
    pixel_m: float,
    options: HullOptions = DEFAULT_HULLS,
) -> list[Hull]:
    """Group bright pixels and measure each group.

    Parameters
    ----------
    index
        Flat indices of the pixels above `HullOptions.grow` in a plane `width` pixels wide, sorted.
    score
        Their significance.
    width
        Pixels in a row of the plane.
    pixel_m
        Edge of a pixel on the ground, metres.
    options
        What a ship can be.

    Returns
    -------
    list of Hull
        Everything large and bright enough, whether or not it can be a ship.
    """
    count, labels = label(index, width)
    pixels = Pixels(index, score, labels, count, width)
    area_m2 = np.bincount(labels, minlength=count) * pixel_m**2
    peak = pixels.peaks()
    bright = (peak >= options.peak) & (area_m2 >= options.min_area_m2)
    wide = (peak >= options.wide_peak) & (area_m2 >= max(options.wide_area_m2, 3 * pixel_m**2))
    pixels = pixels.only(bright | wide)
    if not pixels.count:
        return []
    pixels = _part(pixels, pixel_m, options)
    pixels = _join(pixels, pixel_m, options)
    return _hulls(pixels, measure(pixels, pixel_m, options), pixel_m, options)


def _part(pixels: Pixels, pixel_m: float, options: HullOptions) -> Pixels:
    """Give each ship of a raft a group of its own."""
    size = measure(pixels, pixel_m, options)
    slim = size.length_m > options.astern * (size.width_m + options.width_sd_px * pixel_m)
    wide = size.width_m > np.minimum(options.raft_width_m, np.maximum(
        options.abreast_width_m, options.abreast * size.length_m))  # fmt: skip
    labels, count, members = pixels.labels.copy(), pixels.count, pixels.members()
    for group in np.flatnonzero(slim | wide):
        own = members[group]
        rows, cols = np.divmod(pixels.index[own], pixels.width)
        parts = take_apart(rows, cols, pixels.score[own], pixel_m, options, measure_one)
        labels[own] = np.where(parts > 1, count + parts - 2, group)
        count += max(int(parts.max()) - 1, 0)
    return pixels.relabelled(labels)


def _join(pixels: Pixels, pixel_m: float, options: HullOptions) -> Pixels:
    """Make one group of the bright ends of one ship."""
    size = measure(pixels, pixel_m, options)
    members = pixels.members()
    rows, cols = np.divmod(pixels.index, pixels.width)
    near = size.fits & (size.length_m < 3 * np.maximum(size.width_m, 2 * pixel_m))
    pairs = join_ends(
        [(rows[own], cols[own], pixels.score[own]) for own in members], near, pixel_m, options, measure_one
    )
    labels = pixels.labels.copy()
    for first, second in pairs:
        labels[members[second]] = first
    return pixels.relabelled(labels)


def measure_one(
    rows: Indices, cols: Indices, score: npt.NDArray[np.float32], pixel_m: float, options: HullOptions
) -> tuple[float, float, float, float, bool]:
    """Length and width, metres, the axis' east and north, and whether it fits, of one group."""
    width = int(cols.max()) + 2
    one = Pixels(rows * width + cols, score, np.zeros(rows.size, np.int32), 1, width)
    size = measure(one, pixel_m, options)
    axis = float(size.box.east[0]), float(size.box.north[0])
    return float(size.length_m[0]), float(size.width_m[0]), *axis, bool(size.fits[0])


def measure(pixels: Pixels, pixel_m: float, options: HullOptions) -> Sizes:
    """Measure each group at the first height at which it is no larger than a ship, else at the last."""
    peak = pixels.peaks()
    rows, cols = np.divmod(pixels.index, pixels.width)
    best: Sizes | None = None
    for height_db in options.heights_db:
        high = pixels.score >= peak[pixels.labels] - height_db / SPREAD_DB
        box = boxes(rows[high], cols[high], pixels.labels[high], pixels.count, pixel_m)
        length = np.maximum(box.length_m - options.bloom_m, pixel_m)
        width = np.maximum(np.minimum(_width_m(pixels, box, pixel_m, options), length), pixel_m)
        good = (length <= options.max_length_m) & (box.width_m - options.bloom_m <= options.max_width_m)
        now = Sizes(box, length, width, good)
        best = now if best is None else _choose(best, now)
        if best.fits.all():
            break
    assert best is not None
    # Two bright ends of a ship hang together only at the foot; together they are as slim as a ship.
    slim = (best.length_m > 3.5 * best.width_m) & (best.length_m < options.astern * (best.width_m + pixel_m))
    ends = slim & (peak > options.abreast_peak) & (best.length_m <= options.broken_length_m)
    return replace(best, fits=best.fits & (ends | _may_be_ships(pixels, pixel_m, options)))


def _may_be_ships(pixels: Pixels, pixel_m: float, options: HullOptions) -> npt.NDArray[np.bool_]:
    """Tell which groups look like a ship at one of the heights."""
    peak = pixels.peaks()
    rows, cols = np.divmod(pixels.index, pixels.width)
    fits = np.zeros(pixels.count, bool)
    for share in options.cores:
        high = pixels.score >= share * peak[pixels.labels]
        labels = pixels.labels[high]
        _, parts = label(pixels.index[high], pixels.width, labels)
        of_peak = parts[tops(pixels.score[high], labels, pixels.count)]
        core = of_peak[labels] == parts
        size = np.bincount(labels[core], minlength=pixels.count)
        box = boxes(rows[high][core], cols[high][core], labels[core], pixels.count, pixel_m)
        good = np.bincount(labels, minlength=pixels.count) - size <= options.scattered * size
        good &= box.length_m - options.bloom_m <= options.max_length_m
        fits |= good & (box.width_m - options.bloom_m <= options.max_width_m)
        if fits.all():
            break
    return fits


def _choose(first: Sizes, second: Sizes) -> Sizes:
    """Take the first measure where it fits, else the second."""
    keep = first.fits
    box = Boxes(*(
        np.where(keep, getattr(first.box, name), getattr(second.box, name))
        for name in ("row", "col", "length_m", "width_m", "east", "north")
    ))  # fmt: skip
    length, width = (
        np.where(keep, getattr(first, name), getattr(second, name)) for name in ("length_m", "width_m")
    )
    return Sizes(box, length, width, keep | second.fits)


def _width_m(pixels: Pixels, box: Boxes, pixel_m: float, options: HullOptions) -> Vector:
    """Width of a band as wide as the power spreads across the axis, less what the image blurs."""
    labels = pixels.labels
    rows, cols = np.divmod(pixels.index, pixels.width)
    power = 10 ** (pixels.score.astype(np.float64) * (SPREAD_DB / 10)) - 1
    across = -(rows * box.east[labels] + cols * box.north[labels]) * pixel_m
    total = np.bincount(labels, power, pixels.count)
    middle = np.bincount(labels, power * across, pixels.count) / total
    spread = np.bincount(labels, power * (across - middle[labels]) ** 2, pixels.count) / total
    width: Vector = np.sqrt(12 * np.maximum(spread - options.blur_sd_m**2, 0))
    return width


def _hulls(pixels: Pixels, size: Sizes, pixel_m: float, options: HullOptions) -> list[Hull]:
    peak, box = pixels.peaks(), size.box
    found = []
    for k, own in enumerate(pixels.members()):
        length_m = float(size.length_m[k])
        sds = (
            float(np.hypot(options.length_sd_px * pixel_m, options.length_sd_share * length_m)),
            options.width_sd_px * pixel_m,
        )
        axis = float(box.east[k]), float(box.north[k])
        place = float(box.row[k]), float(box.col[k])
        vessel = Vessel(*place, length_m, float(size.width_m[k]), *sds, axis, float(peak[k]))
        found.append(Hull(vessel, bool(size.fits[k]), pixels.index[own]))
    return found
