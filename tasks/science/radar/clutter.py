"""Multilook of radar images in decibels, as backgrounds and detectors share it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tasks.science.radar.cfar_tile import as_lines, look

Plane = npt.NDArray[np.float32]


def multilook(db: Plane, radius: int) -> Plane:
    """Mean of the seen pixels around each seen pixel; NaN where the pixel itself is not seen."""
    if radius == 0:
        return db
    out = np.empty(db.shape, np.float32)
    look(as_lines(db.astype(np.float32, copy=False)), 0, 0, False, radius, out)
    return out
