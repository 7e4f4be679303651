"""Vessels in a whole radar scene with no site and no memory: land is found, every band is searched.

A scene is walked over twice, window by window: once for land and the level of the sea, once for what
stands out from its ring. Nothing as large as the scene is made on the way, so a scene may lie in a file,
in chunks or in memory, and gives the same vessels to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tasks.errors import InputError
from tasks.science.radar.artefacts import Track, are_traces
from tasks.science.radar.cfar import (
    DEFAULT_RING,
    TILE,
    Exceeding,
    Image,
    Mask,
    Plane,
    RingOptions,
    Scan,
    Sea,
    censored,
    exceeding,
    known_sea,
    lay_ring,
)
from tasks.science.radar.clutter import multilook
from tasks.science.radar.groups import Indices, label
from tasks.science.radar.hull_options import DEFAULT_HULLS, HullOptions
from tasks.science.radar.hulls import SPREAD_DB, Hull, find_hulls
from tasks.science.radar.land import DEFAULT_LAND, LandOptions, find_land
from tasks.science.radar.survey import EVERY, QUAD, Survey, middle, shrink, survey
from tasks.science.radiometry import MAD_TO_SD, UNITS
from tasks.science.shapes import Detection

LEVEL_BLOCK = 8
"""Side of the blocks that have a sea level of their own, in blocks of `EVERY` pixels: 2.6 km at 10 m."""


class Array(Protocol):
    """A band: NumPy array, memory map, dask array, or anything else that is cut like one."""

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102

    @property
    def dtype(self) -> Any: ...  # noqa: D102

    def __getitem__(self, window: tuple[slice, slice], /) -> Any: ...


FEW_SAMPLES, SMALL_PX = LEVEL_BLOCK**2, 2000 * 2000
"""The survey's samples of water below which every pixel of a small image is one: where there are less than
one such block has. By the 9 samples of 100 × 100 pixels the spread is off by a third, and 300 ships stood in
OPERA's empty sea."""


@dataclass(frozen=True)
class SceneOptions:
    """How a whole scene is searched."""

    ring: RingOptions = DEFAULT_RING
    hulls: HullOptions = DEFAULT_HULLS
    land: LandOptions = DEFAULT_LAND

    multilook_m: float = 30.0
    """Side of the averaging window; one pixel where pixels are as large."""

    shore_m: float = 45.0
    """A vessel whose centre is as near to land belongs to the shore, where layover and blur reach."""

    track: Track | None = None
    """Flight of the satellite, by which ghosts and sidelobes are told; without it none is."""

    threads: int = 1
    """Tiles that are computed at the same time; no result depends on it."""


DEFAULT_SCENE = SceneOptions()


def detect_radar_scene(
    bands: Mapping[str, Array],
    units: str,
    pixel_m: float,
    water: Mask | None = None,
    options: SceneOptions = DEFAULT_SCENE,
) -> Detection:
    """Find the vessels of a radar scene.

    Parameters
    ----------
    bands
        ``(y, x)`` planes of one scene and one shape by name (vv, vh, hh, hv): arrays, memory maps, or
        `xarray.DataArray` and dask arrays, which are read chunk by chunk. A vessel need stand out in one
        band only. Not seen: NaN in floats, 0 in anything.
    units
        "1" (linear power), "dB" or "relative dB".
    pixel_m
        Edge of a pixel on the ground, metres.
    water
        ``(y, x)`` where vessels are looked for; without it, land is told from the scene.
    options
        How it is searched.

    Returns
    -------
    Detection
        From the north, vessels of at least the shortest length that is claimed.

    Raises
    ------
    InputError
        If there is no band, bands differ in shape, or units are none of these.
    """
    images = _open(bands, units, pixel_m, options)
    step, tile = _steps(next(iter(bands.values())))
    windows = list(cut(images[0].shape, step))
    surveys = [survey(image, windows) for image in images]
    land = None if water is not None else _shared_land(surveys, options.land)
    found: list[Exceeding] = []
    for image, seen in zip(images, surveys, strict=True):
        free = _allowed(image.shape, water, land)
        sea = describe_sea(seen, *free, options.ring)
        if seen.sample.size * free[0].mean() < FEW_SAMPLES and prod(image.shape) < SMALL_PX:
            sea = _sea_of_all(image, *free, options.ring)
        if sea is not None:
            scan = Scan(image, sea, lay_ring(pixel_m, options.ring), *free, options.ring)
            found.append(exceeding(scan, options.hulls.grow, options.threads, tile))
    searched = None if land is None else ~land & np.any([np.isfinite(s.quads) for s in surveys], axis=0)
    if not found:
        return Detection((), searched=searched)
    index, score = unite(found)
    width = images[0].shape[1]
    if land is not None:
        index, score = off_shore(index, score, land, width)
    hulls = find_hulls(index, score, width, pixel_m, options.hulls)
    if land is not None:
        hulls = _free_of_land(hulls, land, pixel_m, options)
    ships = [h.vessel for h in hulls if h.fits and h.vessel.length_m >= options.hulls.min_length_m]
    other = [(h.vessel.row, h.vessel.col) for h in hulls if not h.fits]
    if options.track is not None:
        peak_db = np.array([v.score * SPREAD_DB for v in ships])
        traces = are_traces(ships, peak_db, options.track, pixel_m)
        other += [(v.row, v.col) for v, trace in zip(ships, traces, strict=True) if trace]
        ships = [v for v, trace in zip(ships, traces, strict=True) if not trace]
    return Detection(tuple(sorted(ships, key=lambda v: (v.row, v.col))), tuple(sorted(other)), searched)


def _open(bands: Mapping[str, Array], units: str, pixel_m: float, options: SceneOptions) -> list[Image]:
    if units not in UNITS:
        raise InputError(f"backscatter units are {units!r}; one of {', '.join(map(repr, UNITS))} is needed")
    shapes = {name: tuple(array.shape) for name, array in bands.items()}
    if len(set(shapes.values())) != 1 or any(len(shape) != 2 for shape in shapes.values()):
        raise InputError(f"bands of one scene share one shape (y, x); these are {shapes}")
    radius = max(0, round((options.multilook_m / pixel_m - 1) / 2))
    power = units == "1"
    return [
        Image(_reader(array, power), (int(array.shape[0]), int(array.shape[1])), power, radius)
        for array in bands.values()
    ]


def _reader(array: Array, power: bool) -> Any:
    """Read blocks of a band as float32, NaN where 0; linear power keeps its 0, which counts as not seen."""

    def read(rows: slice, cols: slice) -> npt.NDArray[np.float32]:
        block = array[rows, cols]
        data = np.asarray(block.compute() if hasattr(block, "compute") else block)
        if power:
            return data.astype(np.float32, copy=False)
        return np.where(data == 0, np.float32(np.nan), data).astype(np.float32, copy=False)

    return read


def _steps(array: Array) -> tuple[tuple[int, int], tuple[int, int]]:
    """Sides of the survey's windows and of the detector's tiles: about a chunk's where there are any."""
    chunks = getattr(array, "chunks", None)
    if not chunks:
        return (4 * TILE[0], 4 * TILE[1]), TILE
    sides = [max(EVERY, max(side) // EVERY * EVERY) for side in chunks]
    return (sides[0], sides[1]), (sides[0], sides[1])


def cut(shape: tuple[int, int], steps: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    """Cut a scene into windows."""
    for y in range(0, shape[0], steps[0]):
        for x in range(0, shape[1], steps[1]):
            yield slice(y, min(y + steps[0], shape[0])), slice(x, min(x + steps[1], shape[1]))


def _shared_land(surveys: list[Survey], options: LandOptions) -> Mask:
    """Take the land of the band in which it stands out best: cross polarisation, where there is one."""
    masks = [find_land(seen.quads, options) for seen in surveys]
    if len(masks) == 1:
        return masks[0]
    return masks[int(np.argmax([_step_db(s.quads, m) for s, m in zip(surveys, masks, strict=True)]))]


def _step_db(quads: Plane, land: Mask) -> float:
    """How far land stands above the rest, by one block in sixteen; 0 where there is only one of them."""
    some, ashore = quads[::4, ::4], land[::4, ::4]
    on, off = (some[part & np.isfinite(some)] for part in (ashore, ~ashore))
    return float(np.median(on) - np.median(off)) if on.size and off.size else 0.0


def _allowed(shape: tuple[int, int], water: Mask | None, land: Mask | None) -> tuple[Mask, int]:
    """Where clutter and vessels may lie, and the side of that mask's blocks in pixels."""
    if water is not None:
        return np.ascontiguousarray(water), 1
    return (~land, QUAD) if land is not None else (np.ones((1, 1), bool), max(shape))


def describe_sea(seen: Survey, free: Mask, step: int, options: RingOptions = DEFAULT_RING) -> Sea | None:
    """Describe a scene's water, which is brighter here than there, by a sparse sample of it.

    Returns
    -------
    Sea or None
        None where no water is seen.
    """
    rows, cols = (np.arange(n) * EVERY + EVERY // 2 for n in seen.sample.shape)
    at = [np.minimum(k // step, n - 1) for k, n in zip((rows, cols), free.shape, strict=True)]
    inside = free[np.ix_(*at)]
    sample = np.where(inside, seen.sample, np.nan)
    known = np.isfinite(sample)
    if not known.any():
        return None
    level = float(np.median(sample[known]))
    local = middle(shrink(sample - level, LEVEL_BLOCK))
    local = np.where(np.isfinite(local), local, 0).astype(np.float32)
    around = local.repeat(LEVEL_BLOCK, 0).repeat(LEVEL_BLOCK, 1)[: sample.shape[0], : sample.shape[1]]
    residual = (sample - level - around)[known]
    spread = max(MAD_TO_SD * float(np.median(abs(residual))), 1e-6)
    return Sea(
        level, spread, *censored(residual / spread, options), local / np.float32(spread), LEVEL_BLOCK * EVERY
    )


def _sea_of_all(image: Image, free: Mask, step: int, options: RingOptions) -> Sea | None:
    """Describe the water of a small image by all its pixels."""
    block = image.read(slice(0, image.shape[0]), slice(0, image.shape[1]))
    if image.power:
        block = np.where(block > 0, 10 * np.log10(np.maximum(block, np.float32(1e-30))), np.float32(np.nan))
    db = multilook(np.ascontiguousarray(block, dtype=np.float32), image.multilook)
    whole = free.repeat(step, 0).repeat(step, 1)[: db.shape[0], : db.shape[1]] if step > 1 else free
    return known_sea(db[whole & np.isfinite(db)], options)


def unite(found: list[Exceeding]) -> tuple[Indices, Plane]:
    """Unite the pixels of several bands, each with its highest score."""
    index = np.unique(np.concatenate([some.index for some in found]))
    score = np.full(index.size, -np.inf, np.float32)
    for some in found:
        at = np.searchsorted(index, some.index)
        score[at] = np.maximum(score[at], some.score)
    return index, score


def _free_of_land(hulls: list[Hull], land: Mask, pixel_m: float, options: SceneOptions) -> list[Hull]:
    """Keep hulls whose centres lie far enough from land."""
    if not hulls:
        return []
    ashore = np.zeros(len(hulls), bool)
    centre = np.array([(h.vessel.row, h.vessel.col) for h in hulls])
    reach = options.shore_m / pixel_m
    for down in (-reach, 0, reach):
        for right in (-reach, 0, reach):
            beside = centre + np.array([down, right])
            ashore |= land[_block(beside[:, 0], land.shape[0]), _block(beside[:, 1], land.shape[1])]
    return [hull for hull, near in zip(hulls, ashore, strict=True) if not near]


def off_shore(index: Indices, score: Plane, land: Mask, width: int) -> tuple[Indices, Plane]:
    """Leave out groups of bright pixels that touch land, before anything is measured."""
    rows, cols = np.divmod(index, width)
    touches = np.zeros(rows.size, bool)
    for dy, dx in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        touches |= land[_block(rows + dy, land.shape[0]), _block(cols + dx, land.shape[1])]
    count, labels = label(index, width)
    ashore = np.bincount(labels[touches], minlength=count) > 0
    free = ~ashore[labels]
    return index[free], score[free]


def _block(pixels: npt.NDArray[Any], count: int) -> npt.NDArray[np.intp]:
    """Give the blocks that pixels lie in; beyond the edge, the last ones."""
    return np.asarray(np.clip(np.rint(pixels).astype(np.intp) // QUAD, 0, count - 1))
