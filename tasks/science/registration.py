"""How far one image has slid against the stack's memory, from the fixed structures that both show.

A quay's edge is steep: half a pixel of slide makes a bright line beside it that is as long as a ship.
The slide is estimated by least squares on the gradients (Lucas and Kanade, 1981), leaving out what
differs by more than a slide can explain: ships.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

MAX_SLIDE_PX = 2.0
"""Delivered images are good to a pixel; a larger estimate is a failure and is not used."""

OUTLIER = 4.0
"""Spreads by which a pixel may differ and still take part; more is something that came or went."""

ENOUGH_PX = 50
"""Pixels on steep ground without which no slide is estimated."""

STEEP = 1.5
"""Spreads a pixel: twice what speckle does to the background's level."""


def find_slide(reference: Plane, image: Plane, known: Mask) -> tuple[float, float]:
    """Find the whole-image shift that slides a reference onto an image best.

    Parameters
    ----------
    reference, image
        ``(y, x)`` on one scale, any units of about unit noise.
    known
        ``(y, x)`` where both are known.

    Returns
    -------
    tuple of float
        Rows and columns, in parts of a pixel; (0, 0) where no slide can be told.
    """
    inside = ndimage.binary_erosion(known, np.ones((3, 3), bool), iterations=2)
    slide = np.zeros(2)
    moved = reference
    for _ in range(4):
        gradient = np.array([np.gradient(moved, axis=0), np.gradient(moved, axis=1)])
        rest = image - moved
        with np.errstate(invalid="ignore"):
            used = inside & (np.hypot(*gradient) > STEEP) & (np.abs(rest) < OUTLIER)
        if used.sum() < ENOUGH_PX:
            return 0.0, 0.0
        step, *_ = np.linalg.lstsq(gradient[:, used].T.astype(float), -rest[used].astype(float), rcond=None)
        slide += step
        if np.abs(slide).max() > MAX_SLIDE_PX:
            return 0.0, 0.0
        moved = slid(reference, (float(slide[0]), float(slide[1])))
    return float(slide[0]), float(slide[1])


def filled(plane: Plane) -> Plane:
    """Carry the nearest known pixel into each that is NaN, so that a slide draws no hole's edge along."""
    hole = ~np.isfinite(plane)
    if not hole.any() or hole.all():
        return plane
    rows, cols = ndimage.distance_transform_edt(hole, return_distances=False, return_indices=True)
    return np.asarray(plane[rows, cols])


def slid(plane: Plane, slide: tuple[float, float]) -> Plane:
    """Slide a plane, ``(y, x)``, by rows and columns; the edge is carried on."""
    if slide == (0.0, 0.0):
        return plane
    return np.asarray(ndimage.shift(plane, slide, order=1, mode="nearest"), dtype=np.float32)
