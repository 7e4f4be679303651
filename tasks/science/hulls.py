"""From bright pixels to hulls: groups that touch, rafts taken apart, each measured or refused.

What passes a detector is a list of pixels with scores. Groups are cut at a share of their peak, since a
bright ship blooms and grows a cross of sidelobes; rafts of ships alongside one another are taken apart
where a group is wider than any ship; and what no ship can be (a streak of a kilometre) is told apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tasks.science.groups import Boxes, Indices, Labels, boxes, cores, label, tops
from tasks.science.hull_options import DEFAULT_HULLS, HullOptions
from tasks.science.rafts import take_apart
from tasks.science.shapes import Vessel, length_sd_m


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
    """Bright pixels in groups."""

    index: Indices
    score: npt.NDArray[np.float32]
    labels: Labels
    count: int
    width: int

    def only(self, keep: npt.NDArray[np.bool_]) -> Pixels:
        """Some of the groups, numbered anew."""
        number = np.cumsum(keep, dtype=np.int32) - 1
        inside = keep[self.labels]
        labels = number[self.labels[inside]].astype(np.int32)
        return Pixels(self.index[inside], self.score[inside], labels, int(keep.sum()), self.width)

    def boxes(self, pixel_m: float, inside: npt.NDArray[np.bool_] | None = None) -> Boxes:
        """Oriented boxes of the groups, or of some of their pixels."""
        some = slice(None) if inside is None else inside
        rows, cols = np.divmod(self.index[some], self.width)
        return boxes(rows, cols, self.labels[some], self.count, pixel_m)

    def members(self) -> list[Indices]:
        """Positions of each group's pixels."""
        order = np.argsort(self.labels, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.labels, minlength=self.count))[:-1])


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
    peak = score[tops(score, labels, count)]
    bright = (peak >= options.peak) & (area_m2 >= options.min_area_m2)
    wide = (peak >= options.wide_peak) & (area_m2 >= max(options.wide_area_m2, 3 * pixel_m**2))
    pixels = pixels.only(bright | wide)
    return _measure(_part(pixels, pixel_m, options), pixel_m, options) if pixels.count else []


def _part(pixels: Pixels, pixel_m: float, options: HullOptions) -> Pixels:
    """Give each ship of a raft a group of its own."""
    core = cores(pixels.index, pixels.score, pixels.labels, pixels.count, options.cores[0], pixels.width)
    wide = pixels.boxes(pixel_m, core.inside).width_m - options.blur_m > options.raft_width_m
    labels, count, members = pixels.labels.copy(), pixels.count, pixels.members()
    for group in np.flatnonzero(wide):
        own = members[group]
        rows, cols = np.divmod(pixels.index[own], pixels.width)
        parts = take_apart(rows, cols, pixels.score[own], pixel_m, options)
        labels[own] = np.where(parts > 1, count + parts - 2, group)
        count += max(int(parts.max()) - 1, 0)
    return Pixels(pixels.index, pixels.score, labels, count, pixels.width)


def _measure(pixels: Pixels, pixel_m: float, options: HullOptions) -> list[Hull]:
    """Measure each group at the first height at which it may be a ship, else as a whole."""
    whole = pixels.boxes(pixel_m)
    best = [_vessel(whole, k, 0.0, pixel_m, options) for k in range(pixels.count)]
    fits = np.zeros(pixels.count, bool)
    for share in options.cores:
        core = cores(pixels.index, pixels.score, pixels.labels, pixels.count, share, pixels.width)
        size = np.bincount(pixels.labels[core.inside], minlength=pixels.count)
        box = pixels.boxes(pixel_m, core.inside)
        good = (box.length_m - options.blur_m <= options.max_length_m) & ~fits
        good &= box.width_m - options.blur_m <= options.max_width_m
        good &= core.elsewhere <= options.scattered * size
        for k in np.flatnonzero(good):
            best[k] = _vessel(box, k, 0.0, pixel_m, options)
        fits |= good
        if fits.all():
            break
    peak = pixels.score[tops(pixels.score, pixels.labels, pixels.count)]
    return [
        Hull(replace(best[k], score=float(peak[k])), bool(fits[k]), pixels.index[own])
        for k, own in enumerate(pixels.members())
    ]


def _vessel(box: Boxes, k: int, score: float, pixel_m: float, options: HullOptions) -> Vessel:
    length, width = (max(float(e[k]) - options.blur_m, pixel_m) for e in (box.length_m, box.width_m))
    sds = length_sd_m(length, pixel_m), length_sd_m(width, pixel_m)
    axis = float(box.east[k]), float(box.north[k])
    return Vessel(float(box.row[k]), float(box.col[k]), length, width, *sds, axis, score)
