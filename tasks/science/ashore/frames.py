"""A yard laid straight: a grid along and across its axis, sampled from images that lie askew and askance.

Stacks stand in rows along a yard, so on such a grid a stack is a rectangle and a line along the axis is a
column. An image's slide against the background is taken out in the same step: cells are places on the ground.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.features import shapes
from shapely.geometry.base import BaseGeometry

from tasks.science.plots import Plot
from tasks.science.registration import filled

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

FINER = 2
"""Cells along an edge of a pixel: an edge is placed to half a pixel or better, whatever the axis."""

MARGIN_PX = 4
"""Pixels around a yard that are looked at with it: what stands half inside is seen whole."""


@dataclass(frozen=True, eq=False)
class Places:
    """Where on an image cells lie, ready to sample one plane after another.

    Bilinear by hand: several times faster than a general transform.
    """

    window: tuple[slice, slice]

    corner: npt.NDArray[np.intp]
    """Index of the pixel above and to the left, in the flattened window."""

    down: Plane
    right: Plane
    """Parts of a pixel from there."""

    def sample(self, plane: Plane) -> Plane:
        """Sample a plane of the whole image, ``(y, x)``; what is NaN is filled from beside it."""
        part = filled(plane[self.window])
        flat, width = np.ascontiguousarray(part).ravel(), part.shape[1]
        above = flat[self.corner] * (1 - self.right) + flat[self.corner + 1] * self.right
        below = flat[self.corner + width] * (1 - self.right) + flat[self.corner + width + 1] * self.right
        return np.asarray(above * (1 - self.down) + below * self.down, np.float32)


@dataclass(frozen=True, eq=False)
class Frame:
    """Cells of one yard, ``(along, across)``."""

    affine: Affine
    """From (across, along) cell corners to the CRS of the grid."""

    rows: npt.NDArray[np.float64]
    cols: npt.NDArray[np.float64]
    """Where each cell's centre lies on the image's grid, pixel centres being whole numbers."""

    inside: Mask
    """Cells of the yard."""

    step_m: float

    window: tuple[slice, slice]
    """Of the image: everything that sampling may touch."""

    @property
    def cell_m2(self) -> float:
        """Ground that a cell covers."""
        return self.step_m**2

    def places(self, slide: tuple[float, float] = (0.0, 0.0)) -> Places:
        """Tell where on an image each cell's centre lies, if the image lies off the ground by a slide."""
        height, width = (s.stop - s.start for s in self.window)
        row = np.clip(self.rows + slide[0] - self.window[0].start, 0, height - 1.001)
        col = np.clip(self.cols + slide[1] - self.window[1].start, 0, width - 1.001)
        top, left = np.floor(row).astype(np.intp), np.floor(col).astype(np.intp)
        return Places(
            self.window, top * width + left, (row - top).astype(np.float32), (col - left).astype(np.float32)
        )

    def sample(self, plane: Plane, slide: tuple[float, float] = (0.0, 0.0)) -> Plane:
        """Sample a plane of the whole image where it shows each cell.

        Parameters
        ----------
        plane
            ``(y, x)``; what is NaN is filled from beside it, so ask `known` too.
        slide
            Rows and columns by which the plane lies off the ground.
        """
        return self.places(slide).sample(plane)

    def known(self, mask: Mask, slide: tuple[float, float] = (0.0, 0.0)) -> Mask:
        """Tell which cells lie on pixels of a mask, ``(y, x)``; none off the image."""
        rows = np.rint(self.rows + slide[0]).astype(np.intp)
        cols = np.rint(self.cols + slide[1]).astype(np.intp)
        height, width = mask.shape
        on = (rows >= 0) & (rows < height) & (cols >= 0) & (cols < width)
        return np.asarray(on & mask[np.clip(rows, 0, height - 1), np.clip(cols, 0, width - 1)])

    def outline(self, cells: Mask) -> list[BaseGeometry]:
        """Draw patches of cells as polygons in the CRS of the grid."""
        if not cells.any():
            return []
        drawn = shapes(cells.astype(np.uint8), mask=cells, transform=self.affine)
        return [shapely.geometry.shape(one) for one, _ in drawn]


def lay_frame(plot: Plot, box: GeoBox, pixel_m: float) -> Frame:
    """Lay a grid along a yard's axis."""
    to = box.affine
    step = pixel_m / FINER
    margin = MARGIN_PX * pixel_m
    along_axis = np.array(plot.axis)
    across_axis = np.array([-along_axis[1], along_axis[0]])
    first = np.array(to * (plot.cols[0] + 0.5, plot.rows[0] + 0.5))
    origin = first - plot.along_m[0] * along_axis - plot.across_m[0] * across_axis
    long = int(np.ceil((np.ptp(plot.along_m) + pixel_m + 2 * margin) / step))
    wide = int(np.ceil((np.ptp(plot.across_m) + pixel_m + 2 * margin) / step))
    corner = (
        origin
        + (plot.along_m.min() - pixel_m / 2 - margin) * along_axis
        + (plot.across_m.min() - pixel_m / 2 - margin) * across_axis
    )
    a, b = across_axis * step, along_axis * step
    affine = Affine(a[0], b[0], corner[0], a[1], b[1], corner[1])
    j, i = np.meshgrid(np.arange(wide) + 0.5, np.arange(long) + 0.5)
    x, y = affine.c + affine.a * j + affine.b * i, affine.f + affine.d * j + affine.e * i
    back = ~to
    cols = back.a * x + back.b * y + back.c - 0.5
    rows = back.d * x + back.e * y + back.f - 0.5
    height, width = box.shape
    window = _reach(rows, height), _reach(cols, width)
    frame = Frame(affine, rows, cols, np.zeros(rows.shape, bool), step, window)
    share = np.zeros(box.shape, np.float32)
    share[plot.rows, plot.cols] = 1.0
    inside = frame.sample(share) >= 0.5
    return Frame(affine, rows, cols, inside, step, window)


def _reach(at: npt.NDArray[np.float64], size: int) -> slice:
    """Pixels around places, a slide of two pixels and the neighbours of interpolation included."""
    return slice(max(int(np.floor(at.min())) - 4, 0), min(int(np.ceil(at.max())) + 5, size))
