"""What stands on the ground or floats at one moment, for any sensor to draw.

The world model says what there is as blocks: boxes with a place, a heading, a height and coloured
cells. Radar and optics each make of a block what they can see of it; neither knows of ships'
schedules, and the world knows of neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt
import shapely
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

TAPER = 1.2
"""Length of a bow, in widths of the hull."""

EMPTY = -1
"""Cell of a block through which one sees what is below."""


class Matter(StrEnum):
    """What a block is, which decides how a sensor sees it."""

    HULL = "hull"
    CONTAINER = "container"
    SUPERSTRUCTURE = "superstructure"
    RAIL_CAR = "rail_car"
    CRANE = "crane"
    HEAP = "heap"
    BUILDING = "building"


@dataclass(frozen=True)
class Block:
    """One box, level, with its long axis along `heading_deg`."""

    matter: Matter

    x: float
    y: float
    """Centre, metres in the CRS of the port."""

    heading_deg: float
    """Of the long axis, clockwise from grid north; for a hull the bow."""

    length_m: float
    width_m: float

    top_m: float
    """Height of the top above the ground or the water, metres."""

    colours: npt.NDArray[np.int16]
    """``(along, across)`` index into the palette, `EMPTY` for a hole; row 0 is the stern."""

    pointed: bool = False
    """True for a hull: the bow tapers to a point over `TAPER` widths."""

    @property
    def axis(self) -> tuple[float, float]:
        """Unit vector along the heading, ``(x, y)``."""
        turn = np.radians(self.heading_deg)
        return float(np.sin(turn)), float(np.cos(turn))

    @cached_property
    def outline(self) -> BaseGeometry:
        """Footprint, metres in the CRS of the port."""
        half, beam = self.length_m / 2, self.width_m / 2
        ring = np.array([(-half, -beam), (-half, beam), (half, beam), (half, -beam)])
        if self.pointed:
            shoulder = half - TAPER * self.width_m
            ring = np.array([(-half, -beam), (-half, beam), (shoulder, beam), (half, 0), (shoulder, -beam)])
        ax, ay = self.axis
        along, across = ring[:, 0], ring[:, 1]
        return shapely.Polygon(
            np.column_stack([self.x + along * ax + across * ay, self.y + along * ay - across * ax])
        )


def solid(colour: int) -> npt.NDArray[np.int16]:
    """Give a block of one colour."""
    return np.full((1, 1), colour, np.int16)


@dataclass(frozen=True)
class Fine:
    """Sub-pixels of a window of a grid, and the cell of a block that each falls into."""

    rows: slice
    cols: slice
    finer: int

    cell: npt.NDArray[np.int32]
    """``(y × finer, x × finer)`` flat index into the block's cells; -1 outside or over a hole."""

    @property
    def share(self) -> npt.NDArray[np.float32]:
        """Share of each pixel of the window that the block covers, ``(y, x)``, 0 to 1."""
        return pooled((self.cell >= 0).astype(np.float32), self.finer)


def pooled(fine: npt.NDArray[np.float32], finer: int) -> npt.NDArray[np.float32]:
    """Average sub-pixels to pixels; the last two axes are ``(y, x)``."""
    *lead, height, width = fine.shape
    parts = fine.reshape(*lead, height // finer, finer, width // finer, finer)
    return np.asarray(parts.mean(axis=(-3, -1)), dtype=np.float32)


def lay(
    block: Block, box: GeoBox, finer: int, shift_m: tuple[float, float] = (0.0, 0.0), margin_m: float = 0.0
) -> Fine | None:
    """Find which sub-pixels a block covers.

    Parameters
    ----------
    block
        In the CRS of `box`.
    box
        Grid of the image, north-up.
    finer
        Sub-pixels along an edge of a pixel: objects smaller than a pixel count by their area.
    shift_m
        Moves the block by ``(x, y)``, for layover and shadows.
    margin_m
        Metres added around the footprint to the window (not to the block).

    Returns
    -------
    Fine or None
        None if the block lies outside the grid.
    """
    pixel = float(box.affine.a)
    cx, cy = block.x + shift_m[0], block.y + shift_m[1]
    ax, ay = block.axis
    reach_x = abs(ax) * block.length_m / 2 + abs(ay) * block.width_m / 2 + margin_m
    reach_y = abs(ay) * block.length_m / 2 + abs(ax) * block.width_m / 2 + margin_m
    left, top = (cx - reach_x - box.affine.c) / pixel, (box.affine.f - cy - reach_y) / pixel
    right, bottom = (cx + reach_x - box.affine.c) / pixel, (box.affine.f - cy + reach_y) / pixel
    height, width = box.shape
    rows = slice(max(int(np.floor(top)), 0), min(int(np.ceil(bottom)), height))
    cols = slice(max(int(np.floor(left)), 0), min(int(np.ceil(right)), width))
    if rows.start >= rows.stop or cols.start >= cols.stop:
        return None
    step = pixel / finer
    x = box.affine.c + cols.start * pixel + (np.arange((cols.stop - cols.start) * finer) + 0.5) * step - cx
    y = box.affine.f - rows.start * pixel - (np.arange((rows.stop - rows.start) * finer) + 0.5) * step - cy
    along = x[None, :] * ax + y[:, None] * ay
    across = x[None, :] * ay - y[:, None] * ax
    return Fine(rows, cols, finer, _cells(block, along, across))


def _cells(
    block: Block, along: npt.NDArray[np.float64], across: npt.NDArray[np.float64]
) -> npt.NDArray[np.int32]:
    many, wide = block.colours.shape
    beam = np.full(along.shape, block.width_m / 2)
    if block.pointed:
        beam = np.minimum(beam, (block.length_m / 2 - along) / (2 * TAPER))
    inside = (np.abs(along) <= block.length_m / 2) & (np.abs(across) <= beam)
    row = np.clip((along / block.length_m + 0.5) * many, 0, many - 1).astype(np.int32)
    col = np.clip((across / block.width_m + 0.5) * wide, 0, wide - 1).astype(np.int32)
    index = row * wide + col
    return np.where(inside & (block.colours.ravel()[index] != EMPTY), index, -1)
