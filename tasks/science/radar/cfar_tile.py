"""One tile of the ring CFAR: from a block of an image to scores, all between two reads of memory.

A tile is computed with a halo of two rings (the second censoring asks for the rings of a ring's own
pixels), so that it knows everything that the whole image would have told it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from tasks.science.radar.cfar_kernel import (
    MAX_STEPS,
    ONE,
    ZERO,
    add,
    add_three,
    compiled,
    copy_seen,
    count_above,
    decibels,
    divide_seen,
    keep_row,
    lower_limits,
    mean_three,
    ring,
    scale_by,
    score_row,
    spread_out,
    sum_cells,
)


def as_lines(block: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], int, int, int]:
    """Lay a block of a larger array out as one line, for the kernel: no copy if its rows are whole.

    Returns
    -------
    line, step, height, width
        Row `y` is ``line[y * step : y * step + width]``.
    """
    height, width = block.shape
    if not block.size or block.strides[1] != block.itemsize or block.strides[0] < width * block.itemsize:
        block = np.ascontiguousarray(block)
    step = block.strides[0] // block.itemsize if block.size else width
    length = (height - 1) * step + width if block.size else 0
    return as_strided(block, (length,), (block.itemsize,), writeable=False), step, height, width


@compiled
def load_row(block: Any, y: int, left: int, power: bool, out: Any, seen: Any) -> Any:
    """Write row `y` of a block, from column `left` on, as decibels, 0 where there is nothing.

    Returns how many pixels are seen; ``seen`` is 1 there.
    """
    line, step, height, width = block
    first, last = max(0, -left), min(out.size, width - left)
    if y < 0 or y >= height or last <= first:
        out[:] = ZERO
        seen[:] = ZERO
        return 0
    for rest in (slice(0, first), slice(last, out.size)):
        out[rest] = ZERO
        seen[rest] = ZERO
    here = slice(first, last)
    start = y * step + first + left
    row = line[start : start + last - first]
    if power:
        return decibels(row, out[here], seen[here])
    return copy_seen(row, out[here], seen[here])


@compiled
def sum_rows(rows: Any, first: int, out: Any) -> None:
    """Add the rows of a rolling store, the oldest first."""
    many = rows.shape[0]
    if many == 3:
        add_three(rows[first], rows[(first + 1) % 3], rows[(first + 2) % 3], out)
        return
    out[:] = ZERO
    for k in range(many):
        add(out, rows[(first + k) % many])


@compiled
def sum_shifts(row: Any, many: int, share: Any, out: Any) -> None:
    """Add a row's neighbours along it, and multiply by a share."""
    if many == 3:
        mean_three(row[: out.size], row[1 : 1 + out.size], row[2 : 2 + out.size], share, out)
        return
    out[:] = ZERO
    for k in range(many):
        add(out, row[k : k + out.size])
    scale_by(out, share)


@compiled
def start_look(width: int, radius: int) -> Any:
    """Make room for the rows that a multilook holds at a time: see `look_row`."""
    many, long = 2 * radius + 1, width + 2 * radius
    rows = np.zeros((many, long), np.float32), np.zeros((many, long), np.float32)
    return (*rows, np.empty(long, np.float32), np.empty(width, np.float32), np.zeros(many, np.int64))


@compiled
def look_row(block: Any, y: int, left: int, power: bool, room: Any, out: Any) -> None:
    """Load row `y` of a block, and multilook the row in the middle of those loaded before it.

    Means of the seen pixels around each pixel; NaN where a pixel is not seen itself. Rows are to come in
    order; ``out[0]`` is the block's column `left`, which may lie outside of it.
    """
    values, seen, total, count, full = room
    many, long = values.shape
    radius = many // 2
    slot = y % many
    full[slot] = load_row(block, y, left - radius, power, values[slot], seen[slot])
    oldest = (slot + 1) % many
    sum_rows(values, oldest, total)
    whole = full.sum() == many * long
    sum_shifts(total, many, ONE / np.float32(many * many) if whole else ONE, out)
    if not whole:
        sum_rows(seen, oldest, total)
        sum_shifts(total, many, ONE, count)
        divide_seen(out, count, seen[(oldest + radius) % many][radius : radius + out.size])


@compiled
def look(block: Any, top: int, left: int, power: bool, radius: int, out: Any) -> None:
    """Multilook a block; ``out[0, 0]`` is its pixel ``(top, left)``."""
    room = start_look(out.shape[1], radius)
    for y in range(-radius, out.shape[0] + radius):
        look_row(block, y + top, left, power, room, out[max(y - radius, 0)])


@compiled
def allow_row(mask: Any, y: int, x: int, step: int, shape: Any, out: Any) -> None:
    """Write which pixels of row `y`, from column `x` on, may serve as clutter."""
    height, width = shape
    out[:] = 0
    if y < 0 or y >= height:
        return
    first, last = max(0, -x), min(out.size, width - x)
    if step == 1:
        out[first:last] = mask[y, x + first : x + last]
        return
    row = mask[y // step]
    k, at = first, (x + first) // step
    while k < last:
        end = min(last, (at + 1) * step - x)
        may = row[at]
        for i in range(k, end):
            out[i] = may
        k, at = end, at + 1


@compiled
def coarse_rows(level: Any, step: int, y: int, x: int, cell: int, out: Any) -> None:
    """Write the local level at every cell; the plane's edge goes on beyond it."""
    before = -1
    for i in range(out.shape[0]):
        at = min(max((y + i * cell) // step, 0), level.shape[0] - 1)
        if at == before:
            out[i] = out[i - 1]
            continue
        before = at
        for j in range(out.shape[1]):
            out[i, j] = level[at, min(max((x + j * cell) // step, 0), level.shape[1] - 1)]


@compiled
def keep(
    block: Any, top: int, left: int, power: bool, radius: int, scale: Any, allowed: Any, y: int, x: int
) -> Any:
    """Multilook a block and keep it as steps; ``(top, left)`` of the block is ``(y, x)`` of the image."""
    mask, step, shape, size = allowed
    level, per_spread = scale
    kept = np.empty(size, np.int16)
    row, may = np.empty(size[1], np.float32), np.empty(size[1], np.uint8)
    room = start_look(size[1], radius)
    before = -2
    for k in range(-radius, size[0] + radius):
        look_row(block, k + top, left, power, room, row)
        at = k - radius
        if at >= 0:
            here = (y + at) // step if 0 <= y + at < shape[0] else -1
            if here != before:  # pixels of one row of blocks may all be the same
                allow_row(mask, y + at, x, step, shape, may)
                before = here
            keep_row(row, level, per_spread, may, kept[at])
    return kept


@compiled
def rings(kept: Any, y: int, x: int, sea: Any, geometry: Any, censor: Any) -> Any:
    """Mean and spread of the clutter around each cell of a tile."""
    level, level_step, whole_mean, whole_spread, low, high = sea
    cell, reach, guard, least = geometry
    cells = np.empty((kept.shape[0] // cell, kept.shape[1] // cell), np.int64)
    few = np.empty(cells.shape, np.float32)
    coarse_rows(level, level_step, y, x, cell, few)
    limit = np.full(cells.shape, np.int16(MAX_STEPS), np.int16)
    mean, spread = few.copy(), np.ones(cells.shape, np.float32)
    lower_limits(limit, few, spread, censor)
    few += whole_mean
    spread[:] = whole_spread
    spreads = (whole_spread, low * whole_spread, high * whole_spread)
    sum_cells(kept, limit, cell, cells)
    ring(cells, reach, guard, least, few, spreads, mean, spread)
    # The outermost rows were for the rings of others only.
    inner, lines = slice(reach, cells.shape[0] - reach), slice(reach * cell, kept.shape[0] - reach * cell)
    cells, limit, few = cells[inner], limit[inner], few[inner]
    lower_limits(limit, mean[inner], spread[inner], censor)
    sum_cells(kept[lines], limit, cell, cells)
    ring(cells, reach, guard, least, few, spreads, mean[inner], spread[inner])
    return mean, spread


@compiled
def score_rows(kept: Any, mean: Any, spread: Any, cell: int, halo: int, out: Any) -> None:
    """Write the scores of a tile without its halo."""
    width = kept.shape[1]
    wide_mean, wide_spread = np.empty(width, np.float32), np.empty(width, np.float32)
    inside = slice(halo, halo + out.shape[1])
    for y in range(out.shape[0]):
        if y % cell == 0:
            spread_out(mean[(y + halo) // cell], cell, wide_mean)
            spread_out(spread[(y + halo) // cell], cell, wide_spread)
        score_row(kept[y + halo][inside], wide_mean[inside], wide_spread[inside], out[y])


CHUNK = 256
"""Pixels of a row that are passed over together where none of them exceeds."""


@compiled
def list_above(
    kept: Any, mean: Any, spread: Any, cell: int, halo: int, least: Any, size: Any, out: Any, scores: Any
) -> int:
    """List the pixels of a tile that exceed a score where they may; return how many.

    Writes flat indices in the tile without its halo, which has `size`, and scores.
    """
    height, width = size
    found = 0
    lines = np.empty((cell, width), np.float32)
    for top in range(0, height, cell):
        at = top // cell
        score_rows(kept[top:], mean[at:], spread[at:], cell, halo, lines)
        for k in range(min(cell, height - top)):
            line, here = lines[k], kept[top + k + halo][halo : halo + width]
            for first in range(0, width, CHUNK):
                last = min(first + CHUNK, width)
                if count_above(line[first:last], here[first:last], least) == 0:
                    continue
                for x in range(first, last):
                    if line[x] > least and here[x] & 1 != 0:
                        out[found] = (top + k) * width + x
                        scores[found] = line[x]
                        found += 1
    return found
