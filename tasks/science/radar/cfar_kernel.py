"""The arithmetic of one tile of the ring CFAR, in small loops that the compiler turns into vector code.

Brightness is kept in 16 bits, and every sum over a ring is a sum of whole numbers: eighths of a spread.
So no sum depends on the order in which it was made, neither tiles nor threads change a bit of the
result, and a tile stays in the processor's own cache.

The ring is laid in cells of about the sensor's resolution, two pixels of 10 m a side: clutter over
hundreds of metres does not change within twenty. From a larger cell four pixels are taken. A cell's
count, sum and sum of squares are packed into one integer, so that one running sum serves all three.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

FINE = 128
"""Steps of brightness in one spread, in which a pixel is kept: 0.006 dB of multilooked speckle."""

MAX_FINE = 127 * FINE
"""Brightness ends here, in fine steps on either side of the water's level: 95 dB."""

UNSEEN = -32768
"""A pixel that holds nothing. Any other is its fine steps times two, plus 1 where it may be clutter."""

STEPS = 8
"""Steps in one spread of what is summed; rounding adds 0.1 % to a spread."""

COARSER = 5
"""Bits by which a kept pixel is more than what is summed: 16 fine steps in one, and the mark."""

MAX_STEPS = 32 * STEPS
"""What is summed ends here on either side of the water's level."""

COUNT_BITS, SUM_BITS = 12, 22
"""Room in the packed integer; the squares have the 29 bits that are left beside the sign."""

MAX_SAMPLES = 2**COUNT_BITS - 1
"""Pixels that a window may have: with `MAX_STEPS` no field runs over."""

compiled = numba.njit(cache=True, nogil=True, error_model="numpy")

STEP = np.float32(1 / STEPS)
HALF = np.float32(0.5)
"""Steps are rounded down, half a step on average."""

ROUNDING = np.float32(1 / 12)
"""Variance that rounding adds, in steps (Sheppard)."""

NAN = np.float32(np.nan)
ZERO, ONE, INFINITE = np.float32(0), np.float32(1), np.float32(np.inf)
DB_PER_OCTAVE = np.float32(10 * np.log10(2))


MANTISSA, EXPONENT_BITS, BIAS = 0x7FFFFF, 23, 127
"""Layout of a float32."""


def _logarithm(degree: int) -> list[np.float32]:
    """Coefficients of 10 log10(1 + f), f counted in a mantissa's last bit, from Chebyshev's nodes."""
    fit = np.polynomial.Chebyshev.interpolate(lambda f: 10 * np.log10(1 + f), degree, [0, 1])
    coefficients: list[float] = fit.convert(kind=np.polynomial.Polynomial).coef.tolist()
    return [np.float32(c * 2.0 ** (-EXPONENT_BITS * k)) for k, c in enumerate(coefficients)]


L0, L1, L2, L3, L4, L5 = _logarithm(5)
"""Errors stay below 1e-4 dB."""


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def decibels(power: Any, out: Any, seen: Any) -> Any:
    """Write 10 log10 of a row of linear power, 0 where it is not above 0 and finite; count what is.

    Products and sums are rounded together where the processor can: the same for every pixel.
    """
    bits = power.view(np.int32)
    total = np.int32(0)
    for x in range(out.size):
        f = np.float32(bits[x] & MANTISSA)
        octaves = np.float32((bits[x] >> EXPONENT_BITS) - BIAS)
        value = octaves * DB_PER_OCTAVE + (L0 + f * (L1 + f * (L2 + f * (L3 + f * (L4 + f * L5)))))
        good = (power[x] > ZERO) & (power[x] < INFINITE)
        out[x] = value if good else ZERO
        seen[x] = ONE if good else ZERO
        total += np.int32(good)
    return total


@compiled
def copy_seen(values: Any, out: Any, seen: Any) -> Any:
    """Copy a row of decibels, 0 where it is not finite; count what is."""
    total = np.int32(0)
    for x in range(out.size):
        good = abs(values[x]) < INFINITE
        out[x] = values[x] if good else ZERO
        seen[x] = ONE if good else ZERO
        total += np.int32(good)
    return total


@compiled
def add_three(a: Any, b: Any, c: Any, out: Any) -> None:
    """Add three rows, in this order."""
    for x in range(out.size):
        out[x] = a[x] + b[x] + c[x]


@compiled
def add(to: Any, more: Any) -> None:
    """Add one row to another."""
    for x in range(to.size):
        to[x] += more[x]


@compiled
def mean_three(a: Any, b: Any, c: Any, share: Any, out: Any) -> None:
    """Add three rows, in this order, and multiply by a share."""
    for x in range(out.size):
        out[x] = (a[x] + b[x] + c[x]) * share


@compiled
def scale_by(row: Any, factor: Any) -> None:
    """Multiply a row by one number."""
    for x in range(row.size):
        row[x] *= factor


@compiled
def divide_seen(total: Any, count: Any, seen: Any) -> None:
    """Divide sums by counts; NaN where a pixel is not seen itself."""
    for x in range(total.size):
        mean = total[x] * (ONE / max(count[x], ONE))
        total[x] = mean if seen[x] > ZERO else NAN


@compiled
def keep_row(values: Any, level: Any, per_spread: Any, allowed: Any, out: Any) -> None:
    """Keep decibels as fine steps of a spread above a level, with a mark where they may be clutter."""
    for x in range(out.size):
        steps = np.floor((values[x] - level) * per_spread * np.float32(FINE) + np.float32(0.5))
        steps = min(max(steps, np.float32(-MAX_FINE)), np.float32(MAX_FINE))
        good = values[x] == values[x]
        out[x] = np.int16(np.int32(steps) * 2 + np.int32(allowed[x] != 0)) if good else np.int16(UNSEEN)


@compiled
def _packed(kept: Any, limit: Any) -> Any:
    value = np.int32(kept) >> COARSER
    usable = np.int32((kept & 1 != 0) & (value < limit))
    value = usable * max(value, np.int32(-MAX_STEPS))
    return usable, value, value * value


@compiled
def _pack(count: Any, total: Any, squares: Any) -> Any:
    return np.int64(count) + (np.int64(total) << COUNT_BITS) + (np.int64(squares) << (COUNT_BITS + SUM_BITS))


@compiled
def sum_single(first: Any, limit: Any, out: Any) -> None:
    """Pack the pixels below the limit, one a cell."""
    for j in range(out.size):
        count, value, square = _packed(first[j], limit[j])
        out[j] = _pack(count, value, square)


@compiled
def sum_pairs(first: Any, second: Any, limit: Any, out: Any) -> None:
    """Pack the pixels below each cell's limit, 2 × 2 a cell."""
    for j in range(out.size):
        na, va, qa = _packed(first[2 * j], limit[j])
        nb, vb, qb = _packed(first[2 * j + 1], limit[j])
        nc, vc, qc = _packed(second[2 * j], limit[j])
        nd, vd, qd = _packed(second[2 * j + 1], limit[j])
        out[j] = _pack(na + nb + nc + nd, va + vb + vc + vd, qa + qb + qc + qd)


@compiled
def sum_corners(first: Any, second: Any, cell: int, limit: Any, out: Any) -> None:
    """Pack four pixels below the limit of each larger cell."""
    half = cell // 2
    for j in range(out.size):
        x = j * cell
        na, va, qa = _packed(first[x], limit[j])
        nb, vb, qb = _packed(first[x + half], limit[j])
        nc, vc, qc = _packed(second[x], limit[j])
        nd, vd, qd = _packed(second[x + half], limit[j])
        out[j] = _pack(na + nb + nc + nd, va + vb + vc + vd, qa + qb + qc + qd)


@compiled
def sum_cells(kept: Any, limit: Any, cell: int, out: Any) -> None:
    """Pack count, sum and sum of squares of every cell's pixels below its limit."""
    for i in range(out.shape[0]):
        y = i * cell
        if cell == 1:
            sum_single(kept[y], limit[i], out[i])
        elif cell == 2:
            sum_pairs(kept[y], kept[y + 1], limit[i], out[i])
        else:
            sum_corners(kept[y], kept[y + cell // 2], cell, limit[i], out[i])


@compiled
def slide(column: Any, entering: Any, leaving: Any) -> None:
    """Move column sums by one row."""
    for x in range(column.size):
        column[x] += entering[x] - leaving[x]


@compiled
def gains(outer_in: Any, outer_out: Any, guard_out: Any, guard_in: Any, out: Any) -> None:
    """Tell what a ring's sum gains from each column to the next."""
    for x in range(out.size):
        out[x] = outer_in[x] - outer_out[x] - guard_out[x] + guard_in[x]


@compiled
def accumulate(steps: Any, start: Any, out: Any) -> None:
    """Sum up from the left."""
    running = start
    out[0] = running
    for x in range(steps.size):
        running += steps[x]
        out[x + 1] = running


@compiled
def unpack(
    packed: Any, least: Any, few: Any, whole: Any, low: Any, high: Any, mean: Any, spread: Any
) -> None:
    """Turn packed sums into means and spreads; where pixels are few, those of the whole water."""
    field = (1 << SUM_BITS) - 1
    sign = 1 << (SUM_BITS - 1)
    for x in range(mean.size):
        count = np.float32(np.int32(packed[x] & MAX_SAMPLES))
        rest = packed[x] >> COUNT_BITS
        total = ((rest & field) ^ sign) - sign
        squares = (rest - total) >> SUM_BITS
        share = ONE / max(count, ONE)
        middle = np.float32(np.int32(total)) * share
        variance = np.float32(np.int32(squares)) * share - middle * middle - ROUNDING
        own = np.sqrt(max(variance, ZERO)) * STEP
        scarce = count < least
        mean[x] = few[x] if scarce else (middle + HALF) * STEP
        spread[x] = whole if scarce else min(max(own, low), high)


@compiled
def ring(
    cells: Any, reach: int, guard: int, least: Any, few: Any, spreads: Any, mean: Any, spread: Any
) -> None:
    """Mean and spread of the ring of every cell that lies `reach` cells inside the plane."""
    height, width = cells.shape
    whole, low, high = spreads
    wide = width - 2 * reach
    near = reach - guard
    outside, inside = np.zeros(width + 1, np.int64), np.zeros(width + 1, np.int64)
    gained, sums = np.empty(wide, np.int64), np.empty(wide + 1, np.int64)
    here = slice(reach, reach + wide)
    for y in range(reach, height - reach):
        if y == reach:
            for k in range(2 * reach + 1):
                add(outside[:width], cells[k])
            for k in range(near, near + 2 * guard + 1):
                add(inside[:width], cells[k])
        else:
            slide(outside[:width], cells[y + reach], cells[y - reach - 1])
            slide(inside[:width], cells[y + guard], cells[y - guard - 1])
        first = outside[: 2 * reach + 1].sum() - inside[near : near + 2 * guard + 1].sum()
        gains(
            outside[2 * reach + 1 :], outside[:wide],
            inside[near + 2 * guard + 1 : near + 2 * guard + 1 + wide], inside[near : near + wide], gained,
        )  # fmt: skip
        accumulate(gained, first, sums)
        unpack(sums[:wide], least, few[y][here], whole, low, high, mean[y][here], spread[y][here])


@compiled
def lower_limits(limit: Any, mean: Any, spread: Any, censor: Any) -> None:
    """Censor against the ring as well: the lower of two limits, in steps."""
    for y in range(limit.shape[0]):
        _lower(limit[y], mean[y], spread[y], censor)


@compiled
def _lower(limit: Any, mean: Any, spread: Any, censor: Any) -> None:
    for x in range(limit.size):
        top = np.ceil((mean[x] + censor * spread[x]) * np.float32(STEPS))
        top = min(max(top, np.float32(-MAX_STEPS)), np.float32(limit[x]))
        limit[x] = np.int16(top)


@compiled
def spread_out(cells: Any, cell: int, out: Any) -> None:
    """Repeat each cell's value over its pixels."""
    if cell == 2:
        for j in range(out.size // 2):
            out[2 * j] = cells[j]
            out[2 * j + 1] = cells[j]
        if out.size % 2:
            out[out.size - 1] = cells[out.size // 2]
    else:
        for j in range((out.size + cell - 1) // cell):
            for x in range(j * cell, min((j + 1) * cell, out.size)):
                out[x] = cells[j]


@compiled
def score_row(kept: Any, mean: Any, spread: Any, out: Any) -> None:
    """Spreads above the ring; NaN where not seen."""
    for x in range(out.size):
        value = np.float32(np.int32(kept[x]) >> 1) * np.float32(1 / FINE)
        out[x] = (value - mean[x]) / spread[x] if kept[x] != UNSEEN else NAN


@compiled
def count_above(score: Any, kept: Any, least: Any) -> Any:
    """Count the pixels of a row that exceed a score where they may."""
    total = np.int32(0)
    for x in range(score.size):
        total += np.int32((score[x] > least) & (kept[x] & 1 != 0))
    return total
