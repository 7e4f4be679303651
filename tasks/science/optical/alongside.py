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


def find_alongside(
    height: Plane,
    pixel_m: float,
    options: AlongsideOptions = DEFAULT_ALONGSIDE,
    origin: tuple[int, int] = (0, 0),
) -> list[Box]:
    """Find boxes that stand out from the shore, many to a ship.

    Parameters
    ----------
    height
        ``(y, x)`` 0 on water, 1 at its edge, more on land and ships; NaN where not seen.
    pixel_m
        Edge of a pixel on the ground, metres.
    options
        What shape counts.
    origin
        Row and column of the plane's first pixel in the scene: samples lie at the same places in every tile.
    """
    found: list[Box] = []
    for k in range(options.directions):
        found += _along(height, np.pi * k / options.directions, pixel_m, options, origin)
    return found


def _along(
    height: Plane, angle: float, pixel_m: float, options: AlongsideOptions, origin: tuple[int, int]
) -> Iterator[Box]:
    """Give boxes whose axis lies at an angle (counter-clockwise from the grid's east)."""
    if min(height.shape) < 2:
        return
    step = options.step_px
    axis = float(np.cos(angle)), float(np.sin(angle))
    # Columns run along the axis and rows to the right of it, counted from the scene's first pixel.
    matrix = np.array([[axis[0], -axis[1]], [axis[1], axis[0]]]) * step
    corners = np.array([(row, col) for row in (0, height.shape[0] - 1) for col in (0, height.shape[1] - 1)])
    turned_corners = (corners + origin) @ np.linalg.inv(matrix).T
    low, high = np.floor(turned_corners.min(axis=0)), np.ceil(turned_corners.max(axis=0))
    offset = matrix @ low - origin
    n_across, n_along = (int(n) + 1 for n in high - low)
    turned = _turned(height, matrix, offset, n_across, n_along)
    step_m = step * pixel_m
    lengths = options.min_length_m / step_m, options.max_length_m / step_m
    beyond = max(1, round(options.beyond_m / step_m))
    wet = _wet(turned)
    for level in options.levels:
        runs = _runs(turned, np.float32(level), lengths[0] * 0.6, lengths[1], beyond)
        if not len(runs):
            continue
        for across, along, length, width, straight, outer in _boxes(
            runs, _chains(runs, options.same), wet, step_m, options
        ):
            row, col = offset + matrix @ np.array([across, along])
            yield Box(float(row), float(col), length, width, axis, straight, outer, level)


@numba.njit(cache=True, nogil=True)
def _turned(plane: Any, matrix: Any, offset: Any, rows: int, cols: int) -> Any:
    """Resample a plane along turned axes, linearly; NaN outside."""
    out = np.full((rows, cols), np.nan, np.float32)
    height, width = plane.shape
    for i in range(rows):
        for j in range(cols):
            y = offset[0] + matrix[0, 0] * i + matrix[0, 1] * j
            x = offset[1] + matrix[1, 0] * i + matrix[1, 1] * j
            if y < 0 or x < 0 or y > height - 1 or x > width - 1:
                continue
            top, left = min(int(y), height - 2), min(int(x), width - 2)
            down, across = np.float32(y - top), np.float32(x - left)
            above = plane[top, left] + across * (plane[top, left + 1] - plane[top, left])
            below = plane[top + 1, left] + across * (plane[top + 1, left + 1] - plane[top + 1, left])
            out[i, j] = above + down * (below - above)
    return out


@numba.njit(cache=True, nogil=True)
def _wet(turned: Any) -> Any:
    """Count the water before each place of each row, ``(row, place + 1)``."""
    wet = np.zeros((turned.shape[0], turned.shape[1] + 1), np.int32)
    for y in range(turned.shape[0]):
        count = 0
        for x in range(turned.shape[1]):
            count += turned[y, x] < 1
            wet[y, x + 1] = count
    return wet


@numba.njit(cache=True, nogil=True)
def _runs(turned: Any, level: Any, shortest: float, longest: float, beyond: int) -> Any:
    """Stretches of a height along rows, with water seen beyond both ends: row, first, one past the last."""
    out = []
    for y in range(turned.shape[0]):
        x = 0
        width = turned.shape[1]
        while x < width:
            if not turned[y, x] >= level:
                x += 1
                continue
            start = x
            while x < width and turned[y, x] >= level:
                x += 1
            if x - start < shortest or x - start > longest:
                continue
            if start - beyond < 0 or x + beyond > width:
                continue
            free = True
            for k in range(beyond):
                left, right = start - 1 - k, x + k
                if not (turned[y, left] < level and turned[y, right] < level):  # nor NaN, which is not seen
                    free = False
            if free:
                out.append((y, start, x))
    result = np.empty((len(out), 3), np.int64)
    for i in range(len(out)):
        result[i, 0], result[i, 1], result[i, 2] = out[i]
    return result


@numba.njit(cache=True, nogil=True)
def _chains(runs: Any, same: float) -> Any:
    """Give each stretch the number of the chain that goes on through it from row to row."""
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


def _boxes(
    runs: npt.NDArray[np.int64],
    chains: npt.NDArray[np.int64],
    wet: npt.NDArray[np.int32],
    step_m: float,
    options: AlongsideOptions,
) -> Iterator[tuple[float, float, float, float, float, tuple[float, float]]]:
    """Chains of a ship's proportions with water beside them; a chain's middle stretch stands for its ends."""
    order = np.argsort(chains, kind="stable")
    runs = runs[order]
    starts = np.flatnonzero(np.diff(chains[order], prepend=-1))
    counts = np.diff(np.append(starts, len(runs)))
    middle = runs[starts + counts // 2]
    width, length = counts * step_m, (middle[:, 2] - middle[:, 1]) * step_m
    first, last = runs[starts, 0] - 2, runs[starts + counts - 1, 0] + 2
    ship = (width >= options.min_width_m) & (width <= options.max_width_m)
    ship &= length >= np.maximum(options.min_length_m, options.min_elongation * width)
    ship &= (length <= options.max_length_m) & (first >= 0) & (last < len(wet))
    inner = (middle[:, 2] - middle[:, 1]) // 10
    left, right = middle[:, 1] + inner, middle[:, 2] - inner
    first, last = np.maximum(first, 0), np.minimum(last, len(wet) - 1)
    sides = [(wet[row, right] - wet[row, left]) / np.maximum(right - left, 1) for row in (first, last)]
    ship &= np.maximum(*sides) >= options.open_side
    centre = np.repeat(middle, counts, axis=0)
    union = np.maximum(runs[:, 2], centre[:, 2]) - np.minimum(runs[:, 1], centre[:, 1])
    shared = np.minimum(runs[:, 2], centre[:, 2]) - np.maximum(runs[:, 1], centre[:, 1])
    straight = np.add.reduceat(shared / union, starts) / counts
    for k in np.flatnonzero(ship):
        across, along = (first[k] + last[k]) / 2, (middle[k, 1] + middle[k, 2] - 1) / 2
        outer = float(sides[0][k]), float(sides[1][k])
        yield float(across), float(along), float(length[k]), float(width[k]), float(straight[k]), outer
