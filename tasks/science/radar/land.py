"""Where a radar scene shows land, told from the scene alone.

Sea is smooth: neighbouring blocks of 160 m differ by little more than speckle, whatever the wind, while
land changes from field to field. So large rough regions are land; regions that they close in, or that are
as bright as they are, belong to them. This holds for a scene that is all sea and for one with calm and
windy parts, where any threshold on brightness would find a shore. Near the shore the mask is drawn
again on blocks of 40 m: what is brighter than half way from sea to land and hangs together with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.radar.cfar import Mask, Plane
from tasks.science.radar.cfar_kernel import compiled, spread_out
from tasks.science.radar.survey import brighter, means, middle, shrink
from tasks.science.shapes import EIGHT


@dataclass(frozen=True)
class LandOptions:
    """How land is told from sea."""

    block: int = 4
    """Side of a coarse block, in quads of four pixels: 160 m at 10 m."""

    rough: float = 2.5
    """How many times the sea's own roughness a region's must be."""

    calmest: float = 0.1
    """The sea's roughness is that of the smoothest tenth of a scene."""

    reach: int = 2
    """Roughness is a median over so many coarse blocks on every side: a ship in one of nine blocks does
    not make a region rough."""

    min_step_db: float = 3.0
    """What is no brighter above the sea than this is no land, however rough: a front, a rain cell."""

    min_blocks: int = 24
    """Smaller regions are no land: 0.6 km² at 10 m. A raft, a dense anchorage."""

    shore: int = 3
    """Coarse blocks on either side of the shore that are drawn again."""


DEFAULT_LAND = LandOptions()


def find_land(quads: Plane, options: LandOptions = DEFAULT_LAND) -> Mask:
    """Tell land from sea.

    Parameters
    ----------
    quads
        ``(y, x)`` mean decibels of small blocks, as `survey.Survey` has them; NaN where not seen.
    options
        How land is told.

    Returns
    -------
    numpy.ndarray
        ``(y, x)`` bool, on the grid of `quads`; nothing is land where nothing is seen.
    """
    coarse = means(quads, options.block)
    region = _rough_regions(coarse, _calm_limit(quads), options)
    if not region.any():
        return np.zeros(quads.shape, bool)
    region = _beyond_what_is_seen(region, np.isfinite(coarse))
    return _draw_shore(quads, coarse, region, options)


def _calm_limit(quads: Plane) -> float:
    """Greatest roughness of coarse blocks that speckle can make, decibels; NaN where nothing is seen.

    Speckle averages out: between blocks of four times the side a step is a quarter of that between quads.
    On land it is as large. Without this a scene that is all land would pass for a rough sea.
    """
    some = abs(np.diff(quads[::8], axis=1))
    some = some[np.isfinite(some)]
    return float(0.7 * np.quantile(some, 0.25)) if some.size else np.nan


def _beyond_what_is_seen(region: Mask, seen: Mask) -> Mask:
    """Let land and sea go on where nothing is seen."""
    if seen.all():
        return region
    at = ndimage.distance_transform_edt(~seen, return_distances=False, return_indices=True)
    return np.asarray(region[tuple(at)])


def _rough_regions(coarse: Plane, calm_limit: float, options: LandOptions) -> Mask:
    seen = np.isfinite(coarse)
    steps = steps_between(coarse)
    calm = min(_calmest(steps, options), calm_limit)
    if not np.isfinite(calm):
        return np.zeros(coarse.shape, bool)
    wild = most_above(steps, options.rough * calm, options.reach)
    smooth = _opened(seen & ~wild) if wild.any() else seen
    if wild.sum() > smooth.sum() and not _is_darker(coarse, smooth, wild & ~smooth, options):
        return seen  # land from edge to edge, with a smooth field here and there
    level = _sea_level(coarse, smooth)
    with np.errstate(invalid="ignore"):
        bright = seen & (coarse > level + options.min_step_db)
    core = _opened(wild & bright)
    # Fields and towns between rough blocks, and holes: lakes, airfields.
    body = bright & most_above(steps, options.rough * calm / 2, options.reach)
    body = ndimage.binary_propagation(core, EIGHT, mask=body | core)
    labels, count = ndimage.label(ndimage.binary_fill_holes(body), EIGHT)
    size = np.bincount(labels.ravel(), minlength=count + 1)
    size[0] = 0
    return np.asarray(size[labels] >= options.min_blocks)


def _is_darker(coarse: Plane, smooth: Mask, wild: Mask, options: LandOptions) -> bool:
    if not smooth.any():
        return False
    return bool(np.median(coarse[smooth]) < np.nanmedian(coarse[wild]) - options.min_step_db)


def steps_between(coarse: Plane) -> Plane:
    """Give the steps ``(2, y, x)`` from the blocks on the left and above, decibels; NaN where unknown."""
    steps = np.full((2, *coarse.shape), np.nan, np.float32)
    steps[0, :, 1:] = abs(np.diff(coarse, axis=1))
    steps[1, 1:] = abs(np.diff(coarse, axis=0))
    return steps


def most_above(steps: Plane, limit: float, reach: int) -> Mask:
    """Tell where the median of the steps within `reach` blocks exceeds a limit."""
    with np.errstate(invalid="ignore"):
        above, known = (_sum_within(part.sum(axis=0), reach) for part in (steps > limit, np.isfinite(steps)))
    return np.asarray((2 * above > known) & (known > (2 * reach + 1) ** 2 / 10))


def _sum_within(counts: npt.NDArray[np.intp], reach: int) -> npt.NDArray[np.uint16]:
    """Sum small counts over the square within `reach` of each block."""
    height, width = counts.shape
    padded = np.pad(counts.astype(np.uint16), reach)
    rows = padded[:height].copy()
    for k in range(1, 2 * reach + 1):
        rows += padded[k : k + height]
    total = rows[:, :width].copy()
    for k in range(1, 2 * reach + 1):
        total += rows[:, k : k + width]
    return total


def _widened(mask: Mask, by: int) -> Mask:
    """Grow a mask by so many blocks on every side, corners too."""
    for _ in range(by):
        tall = mask.copy()
        tall[1:] |= mask[:-1]
        tall[:-1] |= mask[1:]
        mask = tall.copy()
        mask[:, 1:] |= tall[:, :-1]
        mask[:, :-1] |= tall[:, 1:]
    return mask


def _opened(mask: Mask) -> Mask:
    """Keep the squares of three by three blocks that a mask holds."""
    inner = ~_widened(np.pad(~mask, 1, constant_values=True), 1)
    return _widened(inner[1:-1, 1:-1], 1)


def _calmest(steps: Plane, options: LandOptions) -> float:
    """Roughness of the smoothest of a scene's parts: a low quantile of medians; NaN where nothing is seen."""
    parts = np.concatenate([shrink(part, 2 * options.reach + 1) for part in steps], axis=-1)
    rough = middle(parts)
    return float(np.nanquantile(rough, options.calmest)) if np.isfinite(rough).any() else np.nan


def _sea_level(coarse: Plane, smooth: Mask) -> Plane:
    """Level of the smooth blocks around each block, decibels; that of all where there are none near."""
    whole = float(np.median(coarse[smooth])) if smooth.any() else float(np.nanmin(coarse))
    parts = middle(shrink(np.where(smooth, coarse, np.nan), 16))
    parts = np.where(np.isfinite(parts), parts, whole)
    near = ndimage.median_filter(parts, 3, mode="nearest")
    return near.repeat(16, 0).repeat(16, 1)[: coarse.shape[0], : coarse.shape[1]].astype(np.float32)


def _draw_shore(quads: Plane, coarse: Plane, region: Mask, options: LandOptions) -> Mask:
    """Draw the shore again on the small blocks: what is bright and hangs together with the land."""
    inland, off = ~_widened(~region, options.shore), ~_widened(region, options.shore)
    water = _level_around(coarse, ~region & np.isfinite(coarse), options)
    land = _level_around(coarse, region, options)
    edge = np.where(inland, -np.inf, np.where(off, np.inf, (water + land) / 2)).astype(np.float32)
    drawn = brighter(quads, edge, options.block, region)
    drawn = touching(drawn, inland if inland.any() else region & ~off, options.block, True)
    return np.asarray(~touching(~drawn, off, options.block, False) if off.any() else drawn)


@compiled
def touching(mask: Any, seeds: Any, block: int, corners: bool) -> Any:
    """Keep the parts of a mask in which the first small block of a seed lies.

    A part spreads from the seeds pixel by pixel. Seeds that are wholly in the mask and surrounded by such
    need not be walked through: beside a shore, that is nearly all.
    """
    kept = np.empty(mask.shape, np.bool_)
    whole = np.zeros((seeds.shape[0] + 2, seeds.shape[1] + 2), np.bool_)
    for i in range(seeds.shape[0]):
        here = slice(i * block, (i + 1) * block)
        _keep_seeds(mask[here], seeds[i], block, kept[here], whole[i + 1][1:-1])
    rows, cols = [0 for _ in range(0)], [0 for _ in range(0)]  # a compiled list must know what it holds
    for i in range(seeds.shape[0]):
        for j in range(seeds.shape[1]):
            if not seeds[i, j] or _surrounded(whole, i + 1, j + 1):
                continue
            for y in range(i * block, min((i + 1) * block, mask.shape[0])):
                for x in range(j * block, min((j + 1) * block, mask.shape[1])):
                    if kept[y, x]:
                        rows.append(y)
                        cols.append(x)
    while rows:
        y, x = rows.pop(), cols.pop()
        for v in range(max(y - 1, 0), min(y + 2, mask.shape[0])):
            for u in range(max(x - 1, 0), min(x + 2, mask.shape[1])):
                if mask[v, u] and not kept[v, u] and (corners or v == y or u == x):
                    kept[v, u] = True
                    rows.append(v)
                    cols.append(u)
    return kept


@compiled
def _surrounded(whole: Any, i: int, j: int) -> Any:
    return _three(whole[i], j) and _three(whole[i - 1], j) and _three(whole[i + 1], j)


@compiled
def _three(row: Any, j: int) -> Any:
    return row[j] and row[j - 1] and row[j + 1]


@compiled
def _keep_seeds(mask: Any, seeds: Any, block: int, kept: Any, whole: Any) -> None:
    """Keep the seeds of one row of blocks: those wholly in the mask, of others the first pixel."""
    width = mask.shape[1]
    wide, every = np.empty(width, np.bool_), np.ones(width, np.bool_)
    spread_out(seeds, block, wide)
    for y in range(mask.shape[0]):
        _both(mask[y], wide, kept[y])
        _both(every, kept[y], every)
    for j in range(seeds.size):
        first, last = j * block, min((j + 1) * block, width)
        complete = seeds[j]
        for x in range(first, last):
            complete = complete and every[x]
        whole[j] = complete
        if seeds[j] and not complete:
            kept[:, first:last] = False
            kept[0, first] = mask[0, first]


@compiled
def _both(a: Any, b: Any, out: Any) -> None:
    for x in range(out.size):
        out[x] = a[x] & b[x]


def _level_around(coarse: Plane, where: Mask, options: LandOptions) -> Plane:
    """Level of some blocks near each block: the median of those within a few blocks, decibels."""
    parts = middle(shrink(np.where(where, coarse, np.nan), 2 * options.shore))
    known = np.isfinite(parts)
    if not known.any():
        return np.zeros_like(coarse)
    at = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    near = parts[tuple(at)].repeat(2 * options.shore, 0).repeat(2 * options.shore, 1)
    return np.asarray(near[: coarse.shape[0], : coarse.shape[1]], dtype=np.float32)
