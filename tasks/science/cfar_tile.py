"""One tile of the ring CFAR: from a block of an image to scores, all between two reads of memory.

A tile is computed with a halo of two rings (the second censoring asks for the rings of a ring's own
pixels), so that it knows everything that the whole image would have told it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tasks.science.cfar_kernel import (
    MAX_STEPS,
    NEVER,
    ONE,
    ZERO,
    add,
    add_three,
    compiled,
    copy_seen,
    count_above,
    decibels,
    divide_seen,
    lower_limits,
    ring,
    round_row,
    scale_by,
    score_row,
    spread_out,
    standardise,
    sum_cells,
)


@compiled
def load_row(block: Any, y: int, left: int, power: bool, out: Any, seen: Any) -> int:
    """Write row `y` of a block, from column `left` on, as decibels, 0 where there is nothing.

    Returns how many pixels are seen; ``seen`` is 1 there.
    """
    height, width = block.shape
    first, last = max(0, -left), min(out.size, width - left)
    if y < 0 or y >= height or last <= first:
        out[:] = ZERO
        seen[:] = ZERO
        return 0
    for rest in (slice(0, first), slice(last, out.size)):
        out[rest] = ZERO
        seen[rest] = ZERO
    here, there = slice(first, last), slice(first + left, last + left)
    if power:
        return decibels(block[y][there], out[here], seen[here])
    return copy_seen(block[y][there], out[here], seen[here])


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
def sum_shifts(row: Any, many: int, out: Any) -> None:
    """Add a row's neighbours along it."""
    if many == 3:
        add_three(row[: out.size], row[1 : 1 + out.size], row[2 : 2 + out.size], out)
        return
    out[:] = ZERO
    for k in range(many):
        add(out, row[k : k + out.size])


@compiled
def prepare(block: Any, top: int, left: int, power: bool, radius: int, scale: Any, out: Any) -> None:
    """Multilook a block and put it in spreads above a level; NaN where a pixel is not seen itself.

    ``out[0, 0]`` is the block's pixel ``(top, left)``, which may lie outside of it.
    """
    height, width = out.shape
    level, per_spread = scale
    many = 2 * radius + 1
    long = width + 2 * radius
    values, seen = np.zeros((many, long), np.float32), np.zeros((many, long), np.float32)
    total, count = np.empty(long, np.float32), np.empty(width, np.float32)
    full = np.zeros(many, np.int64)
    for y in range(-radius, height + radius):
        slot = (y + radius) % many
        full[slot] = load_row(block, y + top, left - radius, power, values[slot], seen[slot])
        at = y - radius
        if at < 0:
            continue
        oldest = (slot + 1) % many
        sum_rows(values, oldest, total)
        sum_shifts(total, many, out[at])
        if full.sum() == many * long:
            scale_by(out[at], ONE / np.float32(many * many))
        else:
            sum_rows(seen, oldest, total)
            sum_shifts(total, many, count)
            divide_seen(out[at], count, seen[(oldest + radius) % many][radius : radius + width])
        standardise(out[at], level, per_spread)


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
    k = first
    while k < last:
        end = min(last, ((x + k) // step + 1) * step - x)
        out[k:end] = row[(x + k) // step]
        k = end


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
def rings(values: Any, allowed: Any, y: int, x: int, sea: Any, geometry: Any, censor: Any) -> Any:
    """Mean and spread of the clutter around each cell of a tile."""
    mask, mask_step, shape = allowed
    level, level_step, whole_mean, whole_spread, low, high = sea
    cell, reach, gap, least = geometry
    height, width = values.shape
    rounded = np.empty(values.shape, np.int16)
    row = np.empty(width, np.uint8)
    for k in range(height):
        allow_row(mask, y + k, x, mask_step, shape, row)
        round_row(values[k], row, rounded[k])
    cells = np.empty((height // cell, width // cell), np.int64)
    few = np.empty(cells.shape, np.float32)
    coarse_rows(level, level_step, y, x, cell, few)
    limit = np.full(cells.shape, np.int16(MAX_STEPS), np.int16)
    mean, spread = few.copy(), np.zeros(cells.shape, np.float32)
    lower_limits(limit, few, np.ones(cells.shape, np.float32), censor)
    few += whole_mean
    spread[:] = whole_spread
    spreads = (whole_spread, low * whole_spread, high * whole_spread)
    sum_cells(rounded, limit, cell, cells)
    ring(cells, reach, gap, least, few, spreads, mean, spread)
    lower_limits(limit, mean, spread, censor)
    sum_cells(rounded, limit, cell, cells)
    ring(cells, reach, gap, least, few, spreads, mean, spread)
    return rounded, mean, spread


@compiled
def write_scores(values: Any, mean: Any, spread: Any, cell: int, halo: int, out: Any) -> None:
    """Write the scores of a tile without its halo."""
    width = values.shape[1]
    wide_mean, wide_spread = np.empty(width, np.float32), np.empty(width, np.float32)
    inside = slice(halo, halo + out.shape[1])
    for y in range(out.shape[0]):
        if y % cell == 0:
            spread_out(mean[(y + halo) // cell], cell, wide_mean)
            spread_out(spread[(y + halo) // cell], cell, wide_spread)
        score_row(values[y + halo][inside], wide_mean[inside], wide_spread[inside], out[y])


CHUNK = 256
"""Pixels of a row that are passed over together where none of them exceeds."""


@compiled
def list_above(score: Any, rounded: Any, halo: int, least: Any, out: Any) -> Any:
    """List the pixels of a plane of scores that exceed one: flat indices in `out`; return how many.

    ``rounded`` has a halo, ``score`` has none.
    """
    height, width = score.shape
    found = 0
    for y in range(height):
        line = rounded[y + halo][halo : halo + width]
        for first in range(0, width, CHUNK):
            last = min(first + CHUNK, width)
            if count_above(score[y][first:last], line[first:last], least) == 0:
                continue
            for x in range(first, last):
                if score[y, x] > least and line[x] != NEVER:
                    out[found] = y * width + x
                    found += 1
    return found
