"""How blocks look in sun and shade: every roof, deck and stack darkens what lies behind it.

Blocks are painted on sub-pixels from the lowest to the highest, so a container hides the deck, and
each raises the height below which no sunlight comes. A place is in shadow when its own height is
less than that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox

from tasks.simulate.sensors.sun import Sun
from tasks.simulate.world.blocks import EMPTY, Block, Fine, Matter, lay
from tasks.simulate.world.palette import BANDS, REFLECTANCE

SKY_LIGHT = {"blue": 0.34, "green": 0.26, "red": 0.2, "nir": 0.12, "swir16": 0.07}
"""Light that a shadow still gets, as a share of full light: the sky is blue and nearly black at 1.6 µm.
From direct and diffuse irradiance under a clear mid-latitude sky, rounded."""

WEATHERING = 0.14
"""Paint fades and rusts: no two containers of one colour are quite alike."""

GIRDER_M = 1.2
"""Thickness of a crane's legs and girders; light passes between and under them."""

SHADE_MARGIN_M = 0.05
"""A surface is shaded where the shadow passes higher above it than this."""


def light_boxes(block: Block) -> list[tuple[float, float, float, float]]:
    """Cut a block into rectangles without holes, for its shadow.

    Returns
    -------
    list of tuple
        ``(along, across)`` of the centre from the block's own centre, length and width, metres. A bow
        counts as one beam shorter than it is, which is its area.
    """
    if block.pointed:
        return [(-block.width_m / 2, 0.0, max(block.length_m - block.width_m, block.width_m), block.width_m)]
    solid = block.colours != EMPTY
    if solid.all():
        return [(0.0, 0.0, block.length_m, block.width_m)]
    many, wide = solid.shape
    deep, broad = block.length_m / many, block.width_m / wide
    new = np.ones(many, bool)
    new[1:] = (solid[1:] != solid[:-1]).any(axis=1)
    starts = np.flatnonzero(new)
    boxes = []
    for first, last in zip(starts, [*starts[1:], many], strict=True):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], solid[first], [False]]).astype(np.int8)))
        for left, right in zip(edges[::2], edges[1::2], strict=True):
            along = (first + last) / 2 * deep - block.length_m / 2
            across = (left + right) / 2 * broad - block.width_m / 2
            boxes.append(
                (float(along), float(across), float((last - first) * deep), float((right - left) * broad))
            )
    return boxes


def ray_height(
    along: npt.NDArray[np.float64],
    across: npt.NDArray[np.float64],
    size: tuple[float, float],
    toward: tuple[float, float],
    heights_m: tuple[float, float],
    rise: float,
) -> npt.NDArray[np.float32]:
    """Height below which a rectangle's top keeps the sun away.

    Parameters
    ----------
    along, across
        Places relative to the rectangle's centre, in its own axes, metres.
    size
        Length and width, metres.
    toward
        Unit vector to the sun over ground, in the rectangle's axes.
    heights_m
        Of the underside (0 if it stands on the ground) and of the top. Light comes through below; that is
        reckoned for ground at level 0.
    rise
        Metres that light climbs per metre over ground.

    Returns
    -------
    numpy.ndarray
        Metres above ground; 0 or less where the shadow does not reach.
    """
    enter, leave = np.full(along.shape, -np.inf), np.full(along.shape, np.inf)
    for place, half, step in ((along, size[0] / 2, toward[0]), (across, size[1] / 2, toward[1])):
        step = step if abs(step) > 1e-9 else 1e-9  # the sun in line with a side: never divide by zero
        one, other = (-half - place) / step, (half - place) / step
        enter, leave = np.maximum(enter, np.minimum(one, other)), np.minimum(leave, np.maximum(one, other))
    bottom, top = heights_m
    met = (enter <= leave) & (leave > 0) & (leave * rise >= bottom)
    return np.where(met, top - np.maximum(enter, 0) * rise, 0.0).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Blocks:
    """Blocks drawn on sub-pixels of a grid; only what they touch is kept."""

    touched: npt.NDArray[np.bool_]
    """``(y, x)`` pixels that a block or its shadow may reach."""

    paint: npt.NDArray[np.float32]
    """``(pixel, band)`` reflectance × share of blocks, shaded where they are."""

    lit: npt.NDArray[np.float32]
    """``(pixel,)`` share of ground in the sun."""

    dark: npt.NDArray[np.float32]
    """``(pixel,)`` share of ground in shadow."""


def draw_blocks(
    blocks: Sequence[Block],
    box: GeoBox,
    finer: int,
    bands: Sequence[str],
    sun: Sun,
    grid_azimuth_deg: float,
    seed: int,
) -> Blocks:
    """Draw blocks over one another, the highest last, each with its shadow on what is lower.

    Parameters
    ----------
    blocks
        In the CRS of `box`.
    box
        Grid, north-up.
    finer
        Sub-pixels along an edge of a pixel.
    bands
        Names from the palette.
    sun
        Its elevation sets the length of shadows.
    grid_azimuth_deg
        Where the sun is, clockwise from grid north.
    seed
        Makes no two cells of one colour quite alike; the same block always looks the same.
    """
    height, width = box.shape
    # Zeros take no memory until a block writes to them.
    cell = np.zeros((height * finer, width * finer), np.int32)
    top = np.zeros(cell.shape, np.float32)
    ray = np.zeros(cell.shape, np.float32)
    touched = np.zeros(box.shape, bool)
    columns = [BANDS.index(band) for band in bands]
    colours = [np.zeros((1, len(columns)), np.float32)]
    used = 1
    for block in sorted(blocks, key=lambda b: (b.top_m, b.x, b.y)):
        _cast(block, box, finer, sun, grid_azimuth_deg, ray, touched)
        laid = lay(block, box, finer)
        if laid is None:
            continue
        where = _fine_window(laid)
        hit = laid.cell >= 0
        cell[where][hit] = used + laid.cell[hit]
        top[where][hit] = block.top_m
        touched[laid.rows, laid.cols] = True
        colours.append(_weathered(block, seed)[:, columns])
        used += block.colours.size
    return _averaged(cell, top, ray, touched, np.concatenate(colours), finer, bands)


def _weathered(block: Block, seed: int) -> npt.NDArray[np.float32]:
    """Reflectance of each cell of a block: ``(cell, band)``; what does not move keeps its shade."""
    many, wide = block.colours.shape
    along = ((np.arange(many) + 0.5) / many - 0.5) * block.length_m
    across = ((np.arange(wide) + 0.5) / wide - 0.5) * block.width_m
    ax, ay = block.axis
    east = block.x + along[:, None] * ax + across[None, :] * ay
    north = block.y + along[:, None] * ay - across[None, :] * ax
    tone = 1 + WEATHERING * _chance(np.round(east), np.round(north), seed).reshape(-1, 1)
    return np.asarray(REFLECTANCE[np.maximum(block.colours.ravel(), 0)] * tone, dtype=np.float32)


def _chance(
    east: npt.NDArray[np.float64], north: npt.NDArray[np.float64], seed: int
) -> npt.NDArray[np.float32]:
    """Draw a number between -1 and 1 for a square metre from its coordinates alone (splitmix64)."""
    word = (east.astype(np.int64) * 0x1F123BB5 + north.astype(np.int64) * 0x5BD1E995 + seed).view(np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        word = (word ^ (word >> np.uint64(shift))) * np.uint64(factor)
    return ((word >> np.uint64(40)).astype(np.float32) / 2**23 - 1).astype(np.float32)


def _fine_window(laid: Fine) -> tuple[slice, slice]:
    n = laid.finer
    return slice(laid.rows.start * n, laid.rows.stop * n), slice(laid.cols.start * n, laid.cols.stop * n)


def _casters(block: Block) -> list[tuple[tuple[float, float, float, float], float]]:
    """Rectangles that cast a block's shadow, each with the height of its underside."""
    if block.matter is not Matter.CRANE:
        return [(part, 0.0) for part in light_boxes(block)]
    out, side = (block.length_m - GIRDER_M) / 2, (block.width_m - GIRDER_M) / 2
    legs = [(a * out, b * side, GIRDER_M, GIRDER_M) for a in (-1, 1) for b in (-1, 1)]
    girders = [(part, block.top_m - GIRDER_M) for part in light_boxes(block)]
    return girders + [(leg, 0.0) for leg in legs]


def _cast(
    block: Block,
    box: GeoBox,
    finer: int,
    sun: Sun,
    grid_azimuth_deg: float,
    ray: npt.NDArray[np.float32],
    touched: npt.NDArray[np.bool_],
) -> None:
    """Raise the height below which no sunlight comes, wherever a block's shadow may fall."""
    reach = block.top_m / sun.rise
    east, north = math.sin(math.radians(grid_azimuth_deg)), math.cos(math.radians(grid_azimuth_deg))
    ax, ay = block.axis
    toward = (east * ax + north * ay, east * ay - north * ax)
    pixel = float(box.affine.a)
    for (along, across, length, width), bottom in _casters(block):
        cx, cy = block.x + along * ax + across * ay, block.y + along * ay - across * ax
        half_x = abs(ax) * length / 2 + abs(ay) * width / 2
        half_y = abs(ay) * length / 2 + abs(ax) * width / 2
        west, right = cx - half_x - max(east, 0) * reach, cx + half_x + max(-east, 0) * reach
        south, up = cy - half_y - max(north, 0) * reach, cy + half_y + max(-north, 0) * reach
        rows = slice(
            max(int((box.affine.f - up) // pixel), 0),
            min(int((box.affine.f - south) // pixel) + 1, box.shape[0]),
        )
        cols = slice(
            max(int((west - box.affine.c) // pixel), 0),
            min(int((right - box.affine.c) // pixel) + 1, box.shape[1]),
        )
        if rows.start >= rows.stop or cols.start >= cols.stop:
            continue
        window = _fine_window(Fine(rows, cols, finer, np.empty((0, 0), np.int32)))
        step = pixel / finer
        x = box.affine.c + (np.arange(window[1].start, window[1].stop) + 0.5) * step - cx
        y = box.affine.f - (np.arange(window[0].start, window[0].stop) + 0.5) * step - cy
        places = x[None, :] * ax + y[:, None] * ay, x[None, :] * ay - y[:, None] * ax
        height = ray_height(*places, (length, width), toward, (bottom, block.top_m), sun.rise)
        np.maximum(ray[window], height, out=ray[window])
        touched[rows, cols] = True


def _averaged(
    cell: npt.NDArray[np.int32],
    top: npt.NDArray[np.float32],
    ray: npt.NDArray[np.float32],
    touched: npt.NDArray[np.bool_],
    colours: npt.NDArray[np.float32],
    finer: int,
    bands: Sequence[str],
) -> Blocks:
    """Average sub-pixels in the pixels that were touched."""
    height, width = touched.shape

    def gathered(fine: npt.NDArray[Any]) -> npt.NDArray[Any]:
        tiles = fine.reshape(height, finer, width, finer).transpose(0, 2, 1, 3)
        return tiles[touched].reshape(-1, finer * finer)

    index = gathered(cell).astype(np.intp)
    shaded = gathered(ray) > gathered(top) + SHADE_MARGIN_M
    bare = index == 0
    paint = np.empty((len(index), len(bands)), np.float32)
    for k, band in enumerate(bands):
        light = np.where(shaded, np.float32(SKY_LIGHT[band]), np.float32(1))
        paint[:, k] = (colours[:, k][index] * light).mean(axis=1)
    lit = (bare & ~shaded).mean(axis=1, dtype=np.float32)
    return Blocks(touched, paint, lit, (bare & shaded).mean(axis=1, dtype=np.float32))
