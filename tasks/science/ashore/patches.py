"""Which strange cells of a yard are stacks: patches long enough along the axis, cut at half their contrast.

Blur spreads an edge over two pixels and leaves its half height where it is; so a cell belongs to a stack
if goods like those deeper inside cover more than half of it (`shade.share_of`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.ashore.frames import FINER, Frame
from tasks.science.ashore.shade import share_of

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Span = tuple[slice, slice]

NEAR = 1e-3
"""Weight of the core at a cell, out of 1, from which its colour is known there."""


@dataclass(frozen=True)
class StackOptions:
    """What counts as a stack."""

    strange: float = 3.0
    """Spreads, root mean square of the bands, from which a cell is not bare ground."""

    faint: float = 1.0
    """Spreads below which a cell is bare, whatever its share of goods: shadow looks like dark goods."""

    half: float = 0.5
    """Share of the contrast at the middle of a stack that its edge has."""

    nearby_m: float = 6.0
    """How far the contrast of a stack is carried to its edge: two boxes, which come in batches."""

    row_m: float = 12.0
    """Length along the axis that goods have at least: two rows of 20-foot boxes."""

    least_m: float = 18.0
    """Length along the axis of a whole stack; cranes, lorries and huts are shorter."""

    gap_m: float = 6.0
    """Gaps that belong to a stack: a box of the ground's own colour."""

    black: float = 0.55
    """Share of the ground's reflectance below which, in every band, lies shadow or coal: painted steel is
    brighter in some band."""

    least_inside: float = 0.6
    """Share of a patch that lies in the yard; less is something on the apron."""

    puff_m: float = 36.0
    puff: float = 0.8
    """Broader both ways than this, and as white as a cloud on such a share of it, is a puff of cloud
    too small for the cloud mask: so many boxes are not all white."""

    soft: float = 0.25
    """Share of its contrast that a patch keeps two to three pixels off its edge, from which it is no stack:
    the camera's blur leaves 0.1 there, puffs of cloud and the last snow 0.3 and more."""

    snow: float = 0.05
    """Reflectance by which snow whitens ground in every visible band."""

    snow_lies: float = 0.08
    """Share of the steady ground that is so white when snow lies all over."""

    snow_rests: float = 0.02
    """Share of it when some snow is left; then what is white in a yard may be snow."""

    uneven: float = 0.06
    """Spread of steady ground about its light, as a share of it, from which the light is too uneven to
    measure in: the edge of a cloud's shadow, wet patches. Even light leaves 0.02."""

    min_seen: float = 0.5
    """Share of a yard that must be seen."""


DEFAULT_STACKS = StackOptions()


@dataclass(frozen=True, eq=False)
class Odd:
    """How cells of a yard differ from bare ground; by band but for the first."""

    distance: Plane
    difference: Mapping[str, Plane]
    lost: Mapping[str, Plane]
    spread: Mapping[str, Plane]

    cloudy: Mask
    """Cells that are white enough for a cloud."""

    def within(self, part: Span) -> Odd:
        """Cut to a part of the yard."""
        difference, lost, spread = (
            {b: plane[part] for b, plane in planes.items()}
            for planes in (self.difference, self.lost, self.spread)
        )
        return Odd(self.distance[part], difference, lost, spread, self.cloudy[part])


def cut_stacks(odd: Odd, frame: Frame, options: StackOptions) -> Mask:
    """Cells of stacks: patches that are strange, long enough along the axis, cut at half their contrast."""

    def cells(metres: float) -> int:
        return max(1, round(metres / frame.step_m))

    strange = _closed(odd.distance > options.strange, cells(options.gap_m))
    long = ndimage.binary_opening(strange, np.ones((cells(options.row_m), 3), bool))
    if not long.any():
        return long
    part = _span(long, 4 * FINER)
    found = np.zeros_like(long)
    found[part] = _cut(odd.within(part), long[part], frame.inside[part], frame.step_m, options)
    return found


def _span(mask: Mask, margin: int) -> Span:
    """Rows and columns that hold a mask, and some around them."""
    held = [np.flatnonzero(mask.any(axis=k)) for k in (1, 0)]
    return (
        slice(max(int(held[0][0]) - margin, 0), int(held[0][-1]) + margin + 1),
        slice(max(int(held[1][0]) - margin, 0), int(held[1][-1]) + margin + 1),
    )


def _cut(odd: Odd, long: Mask, inside: Mask, step_m: float, options: StackOptions) -> Mask:
    """Cut strange patches at half their contrast, and keep those that are stacks."""

    def cells(metres: float) -> int:
        return max(1, round(metres / step_m))

    reach = ndimage.binary_dilation(long, np.ones((3, 3), bool), iterations=2)
    core = ndimage.binary_erosion(long, np.ones((3, 3), bool)) & (odd.distance > options.strange)
    for _ in range(2):
        stack = _closed(
            reach & _more_than_half(odd, core, cells(options.nearby_m) / 2, options), cells(options.gap_m)
        )
        # Bright goods shine beyond their edge; what is deeper inside shows them pure.
        pure = ndimage.binary_erosion(stack, np.ones((3, 3), bool), iterations=FINER)
        core = pure & (odd.distance > options.strange) if pure.any() else core
    stack = ndimage.binary_opening(stack, np.ones((cells(options.row_m), 3), bool))
    labels, count = ndimage.label(stack, np.ones((3, 3), int))
    if not count:
        return stack
    size = np.bincount(labels.ravel(), minlength=count + 1)
    within = np.bincount(labels[inside], minlength=count + 1)
    keep = within >= options.least_inside * size
    keep[0] = False
    for k, span in enumerate(ndimage.find_objects(labels), start=1):
        long_enough = (span[0].stop - span[0].start) * step_m >= options.least_m
        here = labels[span] == k
        broad = min(s.stop - s.start for s in span) * step_m > options.puff_m
        puff = broad and odd.cloudy[span][here].mean() > options.puff
        keep[k] &= long_enough and not puff and _soft(odd.distance, labels, k, span) < options.soft
    return np.asarray(keep[labels])


def _soft(distance: Plane, labels: npt.NDArray[Any], k: int, span: tuple[slice, ...]) -> float:
    """Tell what is left of a patch's contrast two to three pixels outside it, as a share."""
    reach = 2 * FINER + 1
    around = tuple(slice(max(s.start - reach, 0), s.stop + reach) for s in span)
    here, part = labels[around] == k, distance[around]
    cells = np.ones((3, 3), bool)
    others = ndimage.binary_dilation((labels[around] != 0) & ~here, cells, iterations=FINER)
    inner = ndimage.binary_dilation(here, cells, iterations=FINER + 1)
    ring = ndimage.binary_dilation(inner, cells, iterations=FINER) & ~inner & ~others
    return float(np.median(part[ring]) / np.median(part[here])) if ring.any() else 0.0


def _more_than_half(odd: Odd, core: Mask, sigma: float, options: StackOptions) -> Mask:
    """Cells that goods cover by more than half, if they are such as the core beside them."""
    weight = np.maximum(ndimage.gaussian_filter(core.astype(np.float32), sigma), 1e-6)
    goods = {
        b: np.asarray(ndimage.gaussian_filter(np.where(core, d, np.float32(0)), sigma) / weight, np.float32)
        for b, d in odd.difference.items()
    }
    share = share_of(goods, odd.difference, odd.lost, odd.spread)
    # A mean of logarithms: one white box among green ones must not set the level for all.
    log = ndimage.gaussian_filter(np.where(core, np.log(np.maximum(odd.distance, 1e-3)), 0), sigma)
    # Boxes of another colour than their neighbours are no share of these, but as strange.
    as_strange = odd.distance > np.maximum(options.half * np.exp(log / weight), options.strange)
    near = weight > NEAR
    return np.asarray(near & ((share > options.half) & (odd.distance > options.faint) | as_strange))


def _closed(mask: Mask, cells: int) -> Mask:
    """Close gaps along the axis, away from the frame's ends."""
    line = np.ones((cells, 1), bool)
    padded = np.pad(mask, ((cells, cells), (0, 0)))
    return np.asarray(ndimage.binary_closing(padded, line)[cells:-cells])
