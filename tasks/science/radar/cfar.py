"""Radar clutter around every pixel: a censored two-parameter ring CFAR over images of any size.

The ring is an outer square without its guard square. Pixels that are not open water are never in it,
and targets are censored from it twice: first against the water's own robust level and spread, then
against the ring's. An image is worked off in tiles that fit into a processor's cache; whole scenes give
only the pixels that exceed a score, so that nothing as large as the scene is made beside it.

The censoring follows the trimmed CFAR of Tao, Anfinsen and Brekke (IEEE TGRS 54, 2016); the ring
with a guard is Novak's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.science.radar.cfar_kernel import MAX_SAMPLES
from tasks.science.radar.cfar_tile import as_lines, keep, list_above, rings, score_rows
from tasks.science.radiometry import level_and_spread

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

CELL_M = 20.0
"""Side of the cells in which rings are laid: the resolution of Sentinel-1."""

TILE = (512, 1024)
"""Pixels of a tile, rounded to whole cells: with its halo some 8 MB of work."""


@dataclass(frozen=True)
class RingOptions:
    """Geometry and censoring of the clutter ring."""

    guard_m: float = 100.0
    """Half side of the guard square: half of a long ship, so that it does not hide itself."""

    reach_m: float = 200.0
    """Half side of the outer square."""

    censor: float = 3.0
    """Spreads above the level beyond which a pixel is taken for a target and leaves the ring."""

    min_share: float = 0.15
    """Share of the ring that must be usable water; below it the whole water's level is used."""

    spread_range: tuple[float, float] = (0.8, 1.3)
    """A ring's spread, relative to the whole water's. In decibels speckle has one spread at any wind:
    a ring far above it still holds targets, one far below it is a smoothed or saturated patch."""


DEFAULT_RING = RingOptions()


@dataclass(frozen=True)
class Ring:
    """A ring on the grid of an image."""

    cell: int
    """Side of a cell, pixels."""

    reach: int
    guard: int
    """Cells from the middle cell to the edge of the outer and of the guard square."""

    @property
    def samples(self) -> int:
        """Pixels that are summed in a whole ring."""
        return ((2 * self.reach + 1) ** 2 - (2 * self.guard + 1) ** 2) * min(self.cell, 2) ** 2

    @property
    def halo(self) -> int:
        """Pixels around a tile that its scores depend on, multilook aside."""
        return 2 * self.reach * self.cell


def lay_ring(pixel_m: float, options: RingOptions = DEFAULT_RING) -> Ring:
    """Lay a ring in cells of about the sensor's resolution.

    Examples
    --------
    >>> lay_ring(10.0), lay_ring(30.0)
    (Ring(cell=2, reach=10, guard=5), Ring(cell=1, reach=7, guard=3))
    """
    cell = max(1, round(CELL_M / pixel_m))
    while True:
        guard = max(1, round(options.guard_m / pixel_m / cell))
        reach = max(guard + 1, round(options.reach_m / pixel_m / cell))
        if ((2 * reach + 1) * min(cell, 2)) ** 2 <= MAX_SAMPLES:
            return Ring(cell, reach, guard)
        cell += 1


@dataclass(frozen=True)
class Sea:
    """What open water looks like in one image, after multilook."""

    level: float
    """Median, decibels."""

    spread: float
    """Robust standard deviation about the local level, decibels."""

    mean: float
    deviation: float
    """Of what the first censoring leaves, in spreads about the local level."""

    local: Plane
    """``(y, x)`` level of each block of `step` pixels, in spreads above `level`."""

    step: int


def known_sea(values: npt.NDArray[Any], options: RingOptions = DEFAULT_RING) -> Sea | None:
    """Describe water that is the same everywhere by a sample of it, decibels; None without a sample."""
    if not values.size:
        return None
    level, spread = level_and_spread(values)
    spread = max(spread, 1e-6)
    return Sea(level, spread, *censored((values - level) / spread, options), np.zeros((1, 1), np.float32), 1)


def censored(values: npt.NDArray[Any], options: RingOptions) -> tuple[float, float]:
    """Mean and standard deviation of a standardised sample below the censoring level."""
    rest = values[values < options.censor].astype(np.float64)
    return (float(rest.mean()), max(float(rest.std()), 1e-3)) if rest.size else (0.0, 1.0)


@dataclass(frozen=True)
class Image:
    """An image that is read block by block."""

    read: Callable[[slice, slice], npt.NDArray[Any]]
    """Gives ``(y, x)`` values of a block: decibels, or linear power; NaN where not seen."""

    shape: tuple[int, int]
    power: bool = False
    """Whether values are linear power, of which only what is above 0 counts as seen."""

    multilook: int = 0
    """Half side of the averaging window, pixels. Decibels are averaged, as backgrounds are."""


@dataclass(frozen=True)
class Scan:
    """Everything that the scores of an image's tiles depend on."""

    image: Image
    sea: Sea
    ring: Ring
    water: Mask
    """Pixels, or blocks of `water_step` pixels, that may serve as clutter and hold targets."""

    water_step: int = 1
    options: RingOptions = DEFAULT_RING

    def tiles(self, size: tuple[int, int] = TILE) -> Iterator[tuple[slice, slice]]:
        """Tiles of whole cells that cover the image, row by row."""
        steps = [max(1, s // self.ring.cell) * self.ring.cell for s in size]
        height, width = self.image.shape
        for y in range(0, height, steps[0]):
            for x in range(0, width, steps[1]):
                yield slice(y, min(y + steps[0], height)), slice(x, min(x + steps[1], width))

    def rings(self, tile: tuple[slice, slice]) -> tuple[npt.NDArray[np.int16], Plane, Plane]:
        """Brightness and clutter of a tile with its halo: the kernel's work."""
        image, ring, sea = self.image, self.ring, self.sea
        origin = [s.start - ring.halo for s in tile]
        size = [ceil((s.stop - s.start) / ring.cell) * ring.cell + 2 * ring.halo for s in tile]
        rows, cols = (
            slice(max(o - image.multilook, 0), min(o + n + image.multilook, whole))
            for o, n, whole in zip(origin, size, image.shape, strict=True)
        )
        block = as_lines(np.asarray(image.read(rows, cols), dtype=np.float32))
        scale = np.float32(sea.level), np.float32(1 / sea.spread)
        allowed = self.water, self.water_step, image.shape, (size[0], size[1])
        offset = origin[0] - rows.start, origin[1] - cols.start
        y, x = origin
        kept = keep(block, *offset, image.power, image.multilook, scale, allowed, y, x)
        known = np.float32(sea.mean), np.float32(sea.deviation)
        low, high = (np.float32(limit) for limit in self.options.spread_range)
        least = np.float32(self.options.min_share * ring.samples)
        around = rings(
            kept, y, x, (sea.local, sea.step, *known, low, high),
            (ring.cell, ring.reach, ring.guard, least), np.float32(self.options.censor),
        )  # fmt: skip
        return kept, *around

    def has_water(self, tile: tuple[slice, slice]) -> bool:
        """Whether a tile can hold a target."""
        rows, cols = (slice(s.start // self.water_step, -(-s.stop // self.water_step)) for s in tile)
        return bool(self.water[rows, cols].any())


@dataclass(frozen=True)
class Exceeding:
    """The pixels of an image that exceed a score, in order."""

    index: npt.NDArray[np.int64]
    """Flat index, row by row."""

    score: Plane


def exceeding(scan: Scan, least: float, threads: int = 1, tile: tuple[int, int] = TILE) -> Exceeding:
    """List the water's pixels that stand more than `least` spreads above their ring.

    The same whatever the tiles and the threads.
    """
    tiles = [t for t in scan.tiles(tile) if scan.has_water(t)]
    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            parts = list(pool.map(lambda t: _exceeding_tile(scan, t, least), tiles))
    else:
        parts = [_exceeding_tile(scan, t, least) for t in tiles]
    index = np.concatenate([np.empty(0, np.int64), *(p[0] for p in parts)])
    score = np.concatenate([np.empty(0, np.float32), *(p[1] for p in parts)])
    order = np.argsort(index, kind="stable")
    return Exceeding(index[order], score[order])


def _exceeding_tile(scan: Scan, tile: tuple[slice, slice], least: float) -> tuple[Any, Any]:
    size = tile[0].stop - tile[0].start, tile[1].stop - tile[1].start
    room = np.empty(size[0] * size[1], np.int32), np.empty(size[0] * size[1], np.float32)
    count = list_above(*scan.rings(tile), scan.ring.cell, scan.ring.halo, np.float32(least), size, *room)
    rows, cols = np.divmod(room[0][:count], size[1])
    index = (rows + tile[0].start).astype(np.int64) * scan.image.shape[1] + cols + tile[1].start
    return index, room[1][:count].copy()


def significance(db: Plane, water: Mask, pixel_m: float, options: RingOptions = DEFAULT_RING) -> Plane:
    """How many clutter spreads each pixel stands above the water around it.

    Parameters
    ----------
    db
        ``(y, x)`` decibels, calibrated or not; NaN where not seen.
    water
        ``(y, x)`` pixels that may serve as clutter: open water, no fixed structures.
    pixel_m
        Edge of a pixel on the ground, metres.
    options
        Ring geometry and censoring.

    Returns
    -------
    numpy.ndarray
        ``(y, x)`` float32; NaN where `db` is NaN, and everywhere if no water is seen.
    """
    score = np.full(db.shape, np.nan, np.float32)
    sea = known_sea(db[water & np.isfinite(db)], options)
    if sea is None:
        return score
    image = Image(lambda rows, cols: db[rows, cols], (db.shape[0], db.shape[1]))
    scan = Scan(image, sea, lay_ring(pixel_m, options), water, options=options)
    for tile in scan.tiles():
        score_rows(*scan.rings(tile), scan.ring.cell, scan.ring.halo, score[tile])
    return score
