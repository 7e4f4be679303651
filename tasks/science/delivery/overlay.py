"""How far a whole image lies from where the stack of other dates shows the same ground.

What stays where it is (quays, roofs, roads, breakwaters) is compared by its fine contrast: a plane less
its own surroundings, cut at a few spreads so that ships, whose echo is a hundred times stronger, count by
their area alone. Its cross-correlation with the stack's has one sharp peak, at the displacement; sea and
cloud add noise all over. A peak is believed when it stands high above that noise, and a displacement when
it fits clearly better than lying still does: along a straight coast it does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from tasks.model import Units

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Band = npt.NDArray[Any]

SURROUNDINGS_PX = 11
"""Contrast is against the mean over this square. Of 7, 11, 15, 25 and 41 px with and without smoothing, 7 and
11 gave the highest peaks on radar and optical images alike; 7 loses 20 m bands on 10 m pixels."""

CUT = 3.0
"""Spreads at which contrast is cut."""

WINDOW_PX = 512
"""Edge of the part that is compared: the busiest one that the image shows."""

BLOCK_PX = 32
"""Grain in which the busiest part is looked for."""

REACH_PX = 16
"""Longest displacement along an axis that is looked for: a wrong grid is off by less, or by kilometres."""

AROUND_PX = 48
"""Correlation beyond `REACH_PX` and up to here tells how high noise reaches."""

LEAST_PX = 48
"""Shortest edge of a window that can be compared."""

STANDS_OUT = 7.0
"""Spreads above the noise from which a peak is believed. Measured: at most 4.8 where there is nothing to go
by (open sea, full cloud cover), at least 17 on all 136 real radar images of a port."""

BETTER = 4.0
"""Spreads by which a displacement must fit better than lying still. Measured on the same images against 4 to
7 dates: at most 3.4 as delivered (1.1 against 7), where one lies 2 px off or not, and at least 4.3 displaced
(10 against 7)."""

STILL_PX = 1
"""Displacements along each axis up to this count as lying still."""


@dataclass(frozen=True, eq=False)
class Structure:
    """What of one plane can be recognised on other dates."""

    detail: npt.NDArray[np.int8]
    """``(y, x)`` contrast with the surroundings, -127 to 127 for -`CUT` to `CUT` spreads; 0 where nothing is
    known. Of one byte, for it goes along with every job."""

    busy: Plane
    """Sum of the squared detail of each whole block of `BLOCK_PX`, ``(y, x)`` of blocks."""

    part: tuple[slice, slice] | None = None
    """Busiest part of the whole window; None if the window is too small."""

    @cached_property
    def spectrum(self) -> npt.NDArray[np.complex64]:
        """Spectrum of that part, conjugate: scenes that show the whole window need it made once."""
        return _spectrum(self.detail[self.part].astype(np.float32))


@dataclass(frozen=True)
class Displacement:
    """How an image lies on the stack."""

    right_px: float
    down_px: float

    stands_out: float
    """Height of the correlation's peak over its noise, in spreads of the noise."""

    better: float
    """How much better it fits than lying still, in the same spreads."""

    @property
    def told(self) -> bool:
        """True where image and stack show the same things."""
        return self.stands_out >= STANDS_OUT

    @property
    def length_px(self) -> float:
        """Length of the displacement, pixels."""
        return math.hypot(self.right_px, self.down_px)


def structure_of(plane: Band, units: Units) -> Structure:
    """Find what stands out from its surroundings.

    Parameters
    ----------
    plane
        ``(y, x)``; no data is NaN (floats) or 0 (integers), power of 0 or less too. Scale and offset do not
        matter.
    units
        Linear power is compared by its logarithm.
    """
    detail = _detail(plane, units)
    height, width = (side // BLOCK_PX for side in plane.shape)
    whole = detail[: height * BLOCK_PX, : width * BLOCK_PX] ** 2
    busy = whole.reshape(height, BLOCK_PX, width, BLOCK_PX).sum(axis=(1, 3))
    fits = min(plane.shape) >= LEAST_PX
    part = _busiest(busy, np.ones(busy.shape, bool), plane.shape) if fits else None
    return Structure(np.rint(detail * (127 / CUT)).astype(np.int8), busy, part)


def displacement(reference: Structure, plane: Band, units: Units) -> Displacement | None:
    """Measure where an image lies on a reference of the same grid.

    Parameters
    ----------
    reference
        Of the median of other dates, same band.
    plane, units
        The image, as for `structure_of`.

    Returns
    -------
    Displacement or None
        To a fraction of a pixel; None if the window is too small or nothing is known in both.
    """
    if min(plane.shape) < LEAST_PX:
        return None
    part = _busiest(reference.busy, _seen(reference, plane), plane.shape)
    fixed, image = reference.detail[part].astype(np.float32), _detail(plane[part], units)
    scale = math.sqrt(float((fixed[image != 0] ** 2).sum()) * float((image[fixed != 0] ** 2).sum()))
    if scale == 0:
        return None
    spectrum = reference.spectrum if part == reference.part else _spectrum(fixed)
    return _peak(_correlation(spectrum, image) / np.float32(scale))


def _detail(plane: Band, units: Units) -> Plane:
    known = np.isfinite(plane) if plane.dtype.kind == "f" else plane != 0
    known = known & (plane > 0) if units == "1" else known
    level, whole = plane.astype(np.float32), bool(known.all())
    if not whole:
        level[~known] = 1 if units == "1" else 0
    level = np.log(level) if units == "1" else level
    if whole:  # the usual case, at half the price
        rest = level - ndimage.uniform_filter(level, SURROUNDINGS_PX, mode="nearest")
    else:
        weight = ndimage.uniform_filter(known.astype(np.float32), SURROUNDINGS_PX, mode="constant")
        mean = ndimage.uniform_filter(level, SURROUNDINGS_PX, mode="constant")
        rest = np.where(known, level - mean / np.maximum(weight, np.float32(1e-3)), np.float32(0))
    few = np.abs(rest[::3, ::3][known[::3, ::3]])
    spread = 1.4826 * float(np.median(few)) if few.size else 0.0
    if spread == 0:
        return np.zeros(plane.shape, np.float32)
    return np.asarray(np.clip(rest / np.float32(spread), -CUT, CUT), dtype=np.float32)


def _seen(reference: Structure, plane: Band) -> Mask:
    """Blocks whose middle the image shows."""
    middles = plane[BLOCK_PX // 2 :: BLOCK_PX, BLOCK_PX // 2 :: BLOCK_PX]
    middles = middles[: reference.busy.shape[0], : reference.busy.shape[1]]
    return np.asarray(np.isfinite(middles) & (middles != 0))


def _busiest(busy: Plane, seen: Mask, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Choose the part of the window where the image shows most of the reference's detail."""
    total = np.pad((busy * seen).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    rows, cols = (min(WINDOW_PX // BLOCK_PX, n) for n in busy.shape)
    sums = total[rows:, cols:] - total[:-rows, cols:] - total[rows:, :-cols] + total[:-rows, :-cols]
    first = np.unravel_index(int(sums.argmax()), sums.shape)
    row, col = (
        slice(0, side) if side <= WINDOW_PX else slice(int(k) * BLOCK_PX, int(k) * BLOCK_PX + WINDOW_PX)
        for k, side in zip(first, shape, strict=True)
    )
    return row, col


def _spectrum(fixed: Plane) -> npt.NDArray[np.complex64]:
    return np.asarray(np.conj(fft.rfft2(fixed, _padded(fixed.shape))), dtype=np.complex64)


def _padded(shape: tuple[int, ...]) -> list[int]:
    return [fft.next_fast_len(side, real=True) for side in shape]


def _correlation(spectrum: npt.NDArray[np.complex64], image: Plane) -> Plane:
    """Cross-correlation for displacements up to `AROUND_PX`; no displacement is in the middle."""
    shape = _padded(image.shape)
    circular = fft.irfft2(fft.rfft2(image, shape) * spectrum, shape)
    reach = [min(AROUND_PX, (side - 1) // 2) for side in image.shape]
    return np.asarray(circular[np.ix_(*(np.arange(-r, r + 1) for r in reach))], dtype=np.float32)


def _peak(correlation: Plane) -> Displacement:
    middle = [side // 2 for side in correlation.shape]
    down, right = (np.abs(np.arange(side) - side // 2) for side in correlation.shape)
    away = np.maximum(down[:, None], right[None, :])
    around = correlation[away > REACH_PX + SURROUNDINGS_PX // 2]
    noise = float(np.median(around))
    spread = 1.4826 * float(np.median(np.abs(around - noise)))
    near = np.where(away <= REACH_PX, correlation, -np.inf)
    at = np.unravel_index(int(near.argmax()), near.shape)
    highest, still = float(near[at]), float(correlation[away <= STILL_PX].max())
    i, j = int(at[0]), int(at[1])
    return Displacement(
        j - middle[1] + _between(*correlation[i, j - 1 : j + 2].tolist()),
        i - middle[0] + _between(*correlation[i - 1 : i + 2, j].tolist()),
        (highest - noise) / spread if spread > 0 else 0.0,
        (highest - still) / spread if spread > 0 else 0.0,
    )


def _between(before: float, peak: float, after: float) -> float:
    """Place of a parabola's top between three neighbours, from the middle one."""
    bend = before - 2 * peak + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0
