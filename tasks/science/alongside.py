"""Ships alongside, from one image: what stands out into the water from a straight quay.

One date remembers nothing of the empty quay, but a ship has two ends, and beyond each lies water
again. So the shore is read along every direction: where a stretch of what is not water, as long as a
ship, ends in water fore and aft, and the stretches beside it do so at the same places, side by side
to a ship's breadth, there lies something of a ship's shape; the quay behind it goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from scipy import ndimage

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class AlongsideOptions:
    """What shape counts as a ship alongside."""

    directions: int = 36
    """Directions tried over half a turn: 2.5° off is 13 m over a long ship, about a pixel."""

    step_px: float = 0.6
    """Spacing of samples along and across, pixels."""

    levels: tuple[float, ...] = (1.0, 1.5, 2.2, 3.3)
    """Heights at which shapes are looked for: the water's edge, and higher, where a bright ship parts from a
    darker quay."""

    min_length_m: float = 45.0
    max_length_m: float = 420.0

    min_width_m: float = 12.0
    max_width_m: float = 75.0
    """Widest ship 66 m, and a pixel."""

    min_elongation: float = 2.2

    same: float = 0.75
    """Overlap (intersection over union) of a stretch with the next beside it."""

    beyond_m: float = 12.0
    """Water beyond either end."""

    open_side: float = 0.75
    """Share of the outer side that lies on water."""


DEFAULT_ALONGSIDE = AlongsideOptions()


@dataclass(frozen=True)
class Box:
    """A box of a ship's shape, in pixels of its plane and metres."""

    row: float
    col: float
    length_m: float
    width_m: float
    axis: tuple[float, float]
    straight: float
    """Mean overlap of its stretches with those beside them."""
    outer: tuple[float, float]
    """Share of water on the one side and on the other."""
    level: float = 1.0
    """Height at which it was found."""


def find_alongside(height: Plane, pixel_m: float, options: AlongsideOptions = DEFAULT_ALONGSIDE) -> list[Box]:
    """Find boxes that stand out from the shore, many to a ship.

    Parameters
    ----------
    height
        ``(y, x)`` 0 on water, 1 at its edge, more on land and ships; NaN where not seen.
    pixel_m
        Edge of a pixel on the ground, metres.
    options
        What shape counts.
    """
    found: list[Box] = []
    for k in range(options.directions):
        found += _along(height, np.pi * k / options.directions, pixel_m, options)
    return found


def _along(height: Plane, angle: float, pixel_m: float, options: AlongsideOptions) -> Iterator[Box]:
    """Boxs whose axis lies at an angle (counter-clockwise from the grid's east)."""
    rows, cols = height.shape
    step = options.step_px
    axis = float(np.cos(angle)), float(np.sin(angle))
    n_along = int(2 * (abs(axis[0]) * cols + abs(axis[1]) * rows) / 2 / step) + 1
    n_across = int(2 * (abs(axis[1]) * cols + abs(axis[0]) * rows) / 2 / step) + 1
    middle = (rows - 1) / 2, (cols - 1) / 2
    # row = middle + across * a - along * b; along to (axis), across to the right of it
    matrix = np.array([[axis[0] * step, -axis[1] * step], [axis[1] * step, axis[0] * step]])
    centre = np.array([(n_across - 1) / 2, (n_along - 1) / 2])
    offset = np.array(middle) - matrix @ centre
    turned = ndimage.affine_transform(
        height, matrix, offset, output_shape=(n_across, n_along), order=1, mode="constant", cval=np.nan
    )
    water = turned < 1
    unseen = ~np.isfinite(turned)
    step_m = step * pixel_m
    lengths = options.min_length_m / step_m, options.max_length_m / step_m
    beyond = max(1, round(options.beyond_m / step_m))
    for level in options.levels:
        runs = _runs(turned >= level, unseen, lengths[0] * 0.6, lengths[1], beyond)
        if not len(runs):
            continue
        chains = _chains(runs, options.same)
        order = np.argsort(chains, kind="stable")
        for part in np.split(runs[order], np.flatnonzero(np.diff(chains[order])) + 1):
            box = _box(part, water, step_m, options)
            if box is None:
                continue
            across, along, length, width, straight, outer = box
            row, col = offset + matrix @ np.array([across, along])
            yield Box(float(row), float(col), length, width, axis, straight, outer, level)


@numba.njit(cache=True, nogil=True)
def _runs(ground: Any, unseen: Any, shortest: float, longest: float, beyond: int) -> Any:
    """Stretches of ground along rows, with water seen beyond both ends: row, first, one past the last."""
    out = []
    for y in range(ground.shape[0]):
        x = 0
        width = ground.shape[1]
        while x < width:
            if not ground[y, x]:
                x += 1
                continue
            start = x
            while x < width and ground[y, x]:
                x += 1
            if x - start < shortest or x - start > longest:
                continue
            if start - beyond < 0 or x + beyond > width:
                continue
            free = True
            for k in range(beyond):
                left, right = start - 1 - k, x + k
                if ground[y, left] or unseen[y, left] or ground[y, right] or unseen[y, right]:
                    free = False
            if free:
                out.append((y, start, x))
    result = np.empty((len(out), 3), np.int64)
    for i in range(len(out)):
        result[i, 0], result[i, 1], result[i, 2] = out[i]
    return result


@numba.njit(cache=True, nogil=True)
def _chains(runs: Any, same: float) -> Any:
    """Number the chains of stretches that go on from row to row."""
    count = len(runs)
    chain = np.full(count, -1)
    following = 0
    first = 0
    for i in range(count):
        y, start, stop = runs[i]
        while runs[first, 0] < y - 1:
            first += 1
        best, owner = same, -1
        j = first
        while runs[j, 0] < y:
            shared = min(stop, runs[j, 2]) - max(start, runs[j, 1])
            overlap = shared / (max(stop, runs[j, 2]) - min(start, runs[j, 1]))
            if overlap >= best:
                best, owner = overlap, j
            j += 1
        if owner >= 0:
            chain[i] = chain[owner]
        else:
            chain[i] = following
            following += 1
    return chain


def _box(
    part: npt.NDArray[np.int64], water: Mask, step_m: float, options: AlongsideOptions
) -> tuple[float, float, float, float, float, tuple[float, float]] | None:
    width = len(part) * step_m
    if not options.min_width_m <= width <= options.max_width_m:
        return None
    start, stop = np.median(part[:, 1]), np.median(part[:, 2])
    length = float(stop - start) * step_m
    if not max(options.min_length_m, options.min_elongation * width) <= length <= options.max_length_m:
        return None
    first, last = int(part[0, 0]), int(part[-1, 0])
    sides = []
    for row in (first - 2, last + 2):
        if not 0 <= row < len(water):
            return None
        inner = slice(int(start + 0.1 * (stop - start)), int(stop - 0.1 * (stop - start)))
        sides.append(float(water[row, inner].mean()))
    if max(sides) < options.open_side:
        return None
    union = np.maximum(part[:, 2], stop) - np.minimum(part[:, 1], start)
    shared = np.minimum(part[:, 2], stop) - np.maximum(part[:, 1], start)
    straight = float((shared / union).mean())
    return (first + last) / 2, (start + stop - 1) / 2, length, width, straight, (sides[0], sides[1])
