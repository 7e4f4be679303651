"""A first walk over a whole scene: its brightness in blocks of 40 m, and a sparse sample of its speckle.

What follows (where land is, how bright the sea is from place to place) works on the blocks, a sixteenth
of the pixels at 10 m, and so costs next to nothing beside the detector.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.science.radar.cfar import Image, Plane
from tasks.science.radar.cfar_kernel import ONE, ZERO, add, compiled, copy_seen, decibels, spread_out
from tasks.science.radar.cfar_tile import as_lines, load_row

QUAD = 4
"""Side of a block, pixels: what a detected vessel's own shore is told by."""

EVERY = 32
"""One pixel in so many rows and columns is looked at for the speckle."""


@dataclass(frozen=True)
class Survey:
    """A scene in blocks, and some of its pixels."""

    quads: Plane
    """``(y, x)`` mean decibels of each block of `QUAD` pixels; NaN where less than half of it is seen."""

    sample: Plane
    """``(y, x)`` multilooked decibels of one pixel in each block of `EVERY`; NaN where not seen."""


def survey(image: Image, windows: Iterable[tuple[slice, slice]]) -> Survey:
    """Walk over an image, window by window; windows begin at multiples of `EVERY`, and cover it once."""
    quads = np.empty([-(-side // QUAD) for side in image.shape], np.float32)
    sample = np.empty([-(-side // EVERY) for side in image.shape], np.float32)
    for rows, cols in windows:
        block = as_lines(np.asarray(image.read(rows, cols), dtype=np.float32))
        small = [slice(w.start // QUAD, -(-w.stop // QUAD)) for w in (rows, cols)]
        average(block, image.power, quads[small[0], small[1]])
        few = [slice(w.start // EVERY, -(-w.stop // EVERY)) for w in (rows, cols)]
        pick(block, image.power, image.multilook, sample[few[0], few[1]])
    return Survey(quads, sample)


@compiled
def average(block: Any, power: bool, out: Any) -> None:
    """Mean decibels of blocks of `QUAD` pixels; NaN where less than half is seen."""
    width = out.shape[1] * QUAD
    first, second = np.empty(width, np.float32), np.empty(width, np.float32)
    seen, also = np.empty(width, np.float32), np.empty(width, np.float32)
    for i in range(out.shape[0]):  # every other row says as much, at half the cost
        many = load_row(block, i * QUAD, 0, power, first, seen)
        many += load_row(block, i * QUAD + QUAD // 2, 0, power, second, also)
        if many == 2 * width:
            _fold_whole(first, second, out[i])
        else:
            add(first, second)
            add(seen, also)
            _fold(first, seen, out[i])


@compiled
def _fold_whole(first: Any, second: Any, out: Any) -> None:
    for j in range(out.size):
        x = QUAD * j
        sum_of = (first[x] + second[x]) + (first[x + 1] + second[x + 1])
        sum_of += first[x + 2] + second[x + 2]
        sum_of += first[x + 3] + second[x + 3]
        out[j] = sum_of * np.float32(1 / (2 * QUAD))


@compiled
def _fold(total: Any, count: Any, out: Any) -> None:
    for j in range(out.size):
        x = QUAD * j
        sum_of = total[x] + total[x + 1] + total[x + 2] + total[x + 3]
        seen = count[x] + count[x + 1] + count[x + 2] + count[x + 3]
        enough = seen >= np.float32(QUAD * QUAD // 4)
        out[j] = sum_of * (ONE / max(seen, ONE)) if enough else np.float32(np.nan)


@compiled
def pick(block: Any, power: bool, radius: int, out: Any) -> None:
    """Multilook one pixel in each block of `EVERY`, from its middle; NaN where its window is not whole."""
    line, step, height, width = block
    many = 2 * radius + 1
    gathered = np.full(many * out.shape[1], np.float32(np.nan), np.float32)
    row, seen = np.empty_like(gathered), np.empty_like(gathered)
    total, count, own = np.empty_like(gathered), np.empty_like(gathered), np.empty_like(gathered)
    for i in range(out.shape[0]):
        out[i] = np.nan
        middle_row = i * EVERY + EVERY // 2
        if middle_row < radius or middle_row + radius >= height:
            continue
        total[:] = ZERO
        count[:] = ZERO
        for y in range(middle_row - radius, middle_row + radius + 1):
            _gather(line[y * step : y * step + width], radius, gathered)
            if power:
                decibels(gathered, row, seen)
            else:
                copy_seen(gathered, row, seen)
            add(total, row)
            add(count, seen)
            if y == middle_row:
                own[:] = seen
        for j in range(out.shape[1]):
            if own[j * many + radius] > ZERO:
                here = slice(j * many, (j + 1) * many)
                out[i, j] = total[here].sum() * (ONE / count[here].sum())


@compiled
def _gather(row: Any, radius: int, out: Any) -> None:
    """Collect the pixels around the middle of each block; leave the rest where the window is not whole."""
    many = 2 * radius + 1
    for j in range(out.size // many):
        first = j * EVERY + EVERY // 2 - radius
        if first >= 0 and first + many <= row.size:
            for k in range(many):
                out[j * many + k] = row[first + k]


def means(plane: Plane, times: int) -> Plane:
    """Mean of what is seen in each block of `times` by `times`; NaN where nothing is."""
    out = np.empty([-(-side // times) for side in plane.shape], np.float32)
    _means(plane, times, out)
    return out


@compiled
def _means(plane: Any, times: int, out: Any) -> None:
    total, count = np.empty(plane.shape[1], np.float32), np.empty(plane.shape[1], np.float32)
    row, seen = np.empty(plane.shape[1], np.float32), np.empty(plane.shape[1], np.float32)
    for i in range(out.shape[0]):
        total[:] = ZERO
        count[:] = ZERO
        for y in range(i * times, min((i + 1) * times, plane.shape[0])):
            copy_seen(plane[y], row, seen)
            add(total, row)
            add(count, seen)
        for j in range(out.shape[1]):
            sum_of, many = ZERO, ZERO
            for x in range(j * times, min((j + 1) * times, plane.shape[1])):
                sum_of += total[x]
                many += count[x]
            out[i, j] = sum_of / many if many > ZERO else np.nan


@compiled
def brighter(plane: Any, edges: Any, times: int, unseen: Any) -> Any:
    """Tell what is brighter than an edge that holds for blocks of `times` by `times`.

    What is not seen counts as `unseen` says of its block.
    """
    out = np.empty(plane.shape, np.bool_)
    edge, blank = np.empty(plane.shape[1], np.float32), np.empty(plane.shape[1], np.bool_)
    for y in range(plane.shape[0]):
        if y % times == 0:
            spread_out(edges[y // times], times, edge)
            spread_out(unseen[y // times], times, blank)
        _exceeds(plane[y], edge, blank, out[y])
    return out


@compiled
def _exceeds(row: Any, edge: Any, blank: Any, out: Any) -> None:
    for x in range(out.size):
        known = row[x] == row[x]
        out[x] = (known & (row[x] > edge[x])) | (~known & blank[x])


def shrink(plane: npt.NDArray[Any], times: int) -> npt.NDArray[Any]:
    """Cut a plane into blocks: ``(y, x, times²)``, filled up with NaN at the far edges.

    Examples
    --------
    >>> shrink(np.arange(6.0).reshape(2, 3), 2)[0, 1]
    array([ 2., nan,  5., nan])
    """
    height, width = (-(-side // times) for side in plane.shape)
    spare = [(0, n * times - side) for n, side in zip((height, width), plane.shape, strict=True)]
    padded = np.pad(plane, spare, constant_values=np.nan) if np.any(spare) else plane
    blocks = padded.reshape(height, times, width, times).swapaxes(1, 2)
    return blocks.reshape(height, width, times * times)


def middle(blocks: npt.NDArray[Any]) -> Plane:
    """Median along the last axis, NaN left out; NaN where nothing is left."""
    ordered = np.sort(blocks, axis=-1)  # NaN last
    count = np.isfinite(ordered).sum(axis=-1)
    at = np.maximum(count - 1, 0) // 2
    return np.asarray(np.take_along_axis(ordered, at[..., None], axis=-1)[..., 0], dtype=np.float32)
