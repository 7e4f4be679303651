"""A hull's place, extents and direction from a plane of contrast, to a fraction of a pixel.

Pixels on a hull's edge are part ship, part water. Where contrast, interpolated, falls to half of the
hull's own contrast nearby, there its edge lies: "nearby", because a white bridge must not make the
dark deck before it look like water.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.optical.blocks import bilinear
from tasks.science.shapes import Vessel

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class HullOptions:
    """How a hull is measured."""

    fine: int = 4
    """Steps into which a pixel is interpolated."""

    edges: tuple[float, ...] = (0.5, 0.35)
    """Shares of the hull's contrast one, two, … pixels away at which it ends: half beside it; less farther
    away, where blur reaches hardly, and a dark deck may lie before a white bridge."""

    floor: float = 0.15
    """Share of the hull's highest contrast below which nothing belongs to it: a wake's foam, or glow."""

    piece: float = 0.3
    """Area by that of the largest piece from which another belongs to the hull: hatches between are dark."""

    point: float = 0.5
    """Widths by which a ship is longer than what is seen of it: its bow's point is finer than a pixel and
    its mooring decks are darker than half of what stands beside them (simulated ships)."""

    end: float = 0.2
    """Share of its usual breadth that a hull has at its ends: what is thinner is a wake, a boom or a mast's
    shadow, or the blur of a bow."""

    blur_px: float = 1.4
    """Breadth that a line has in the image at half its height."""

    min_fill: float = 0.5
    """Share of its box that a hull fills; angled breakwaters and chains of floats do not."""

    fullness: float = 0.92
    """Area of a deck by that of its box."""

    length_sd_px: float = 0.4
    """Standard error of a length, pixels; to this adds `relative_sd`."""

    width_sd_px: float = 0.3
    relative_sd: float = 0.03


DEFAULT_HULLS = HullOptions()


def measure_hull(
    contrast: Plane, inside: Mask, pixel_m: float, score: float, options: HullOptions = DEFAULT_HULLS
) -> Vessel | None:
    """Measure one hull; None if nothing is left of it.

    Parameters
    ----------
    contrast
        ``(y, x)`` reflectance above the water, the object and a margin of some pixels.
    inside
        ``(y, x)`` the object's own pixels.
    pixel_m
        Edge of a pixel on the ground, metres.
    score
        Carried into the vessel.
    options
        How hulls are measured.
    """
    outline = hull_pixels(contrast, inside, options)
    if outline is None:
        return None
    rows, cols = np.nonzero(outline)
    step = pixel_m / options.fine
    y, x = -rows * step, cols * step
    axis = _axis(x, y)
    along = x * axis[0] + y * axis[1]
    across = -x * axis[1] + y * axis[0]
    start, stop = _ends(along, step, options)
    inner = (along >= start) & (along <= stop)
    length = stop - start
    if inner.sum() * step**2 < options.min_fill * length * (np.ptp(across[inner]) + step):
        return None
    width = inner.sum() * step**2 / length / options.fullness
    middle, side = (start + stop) / 2, float(across[inner].mean())
    mx, my = middle * axis[0] - side * axis[1], middle * axis[1] + side * axis[0]
    if width > length:
        length, width, axis = width, length, (-axis[1], axis[0])
    row, col = (-my / step + 0.5) / options.fine - 0.5, (mx / step + 0.5) / options.fine - 0.5
    length, width = (_without_blur(extent, pixel_m, options) for extent in (length, width))
    length += options.point * width
    length_sd = float(np.hypot(options.length_sd_px * pixel_m, options.relative_sd * length))
    width_sd = float(np.hypot(options.width_sd_px * pixel_m, options.relative_sd * width))
    return Vessel(float(row), float(col), float(length), width, length_sd, width_sd, axis, score)


def hull_pixels(contrast: Plane, inside: Mask, options: HullOptions = DEFAULT_HULLS) -> Mask | None:
    """Give the hull on a grid `fine` times finer, its holes closed; None if it vanishes."""
    own = np.where(inside, contrast, 0)
    peak = float(np.percentile(own[inside], 90)) if inside.any() else 0.0
    if peak <= 0:
        return None
    needed = np.full(own.shape, options.floor * peak)
    for reach, share in enumerate(options.edges, start=1):
        needed = np.maximum(needed, share * ndimage.maximum_filter(own, 2 * reach + 1))
    around = ndimage.binary_dilation(inside, np.ones((3, 3), bool))
    # Between pixel middles all is linear: where the interpolated difference is positive, there is hull.
    fine = _finer((contrast - needed).astype(np.float32), options.fine) >= 0
    fine &= around.repeat(options.fine, axis=0).repeat(options.fine, axis=1)
    fine = ndimage.binary_closing(np.pad(fine, 12), iterations=options.fine)[12:-12, 12:-12]
    labels, count = ndimage.label(_without_holes(fine))
    if not count:
        return None
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray((sizes >= options.piece * sizes.max())[labels])


def _finer(plane: Plane, fine: int) -> Plane:
    """Interpolate between pixel middles, linearly."""
    rows, cols = (np.clip((np.arange(size * fine) + 0.5) / fine - 0.5, 0, size - 1) for size in plane.shape)
    return np.asarray(bilinear(plane, rows, cols))


def _without_holes(mask: Mask) -> Mask:
    """Fill what the outside does not reach: a label of the outside is quicker than growing it."""
    labels, _ = ndimage.label(~np.pad(mask, 1))
    return np.asarray(labels[1:-1, 1:-1] != labels[0, 0])


def _without_blur(extent_m: float, pixel_m: float, options: HullOptions) -> float:
    """Give the breadth whose blurred image is this broad at half its height.

    A wide hull's is its own, a line's the blur's; fourth powers come within 5 % of a box under a Gaussian.
    """
    blur_m = options.blur_px * pixel_m
    return float(max(extent_m**4 - blur_m**4, (0.5 * pixel_m) ** 4) ** 0.25)


def _axis(x: npt.NDArray[np.floating], y: npt.NDArray[np.floating]) -> tuple[float, float]:
    centred = np.stack([x - x.mean(), y - y.mean()])
    _, vectors = np.linalg.eigh(centred @ centred.T + np.eye(2) * 1e-9)
    return float(vectors[0, 1]), float(vectors[1, 1])


def _ends(along: npt.NDArray[np.floating], step: float, options: HullOptions) -> tuple[float, float]:
    """First and last place at which the hull has its breadth."""
    origin = along.min()
    bins = ((along - origin) / step).astype(int)
    breadth = ndimage.uniform_filter1d(np.bincount(bins).astype(float), 3, mode="constant")
    wide = np.flatnonzero(breadth >= options.end * np.median(breadth[breadth > 0]))
    return float(origin + wide[0] * step), float(origin + (wide[-1] + 1) * step)
