"""Multilook of radar images in decibels, as backgrounds and detectors share it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tasks.science.cfar_tile import look

Plane = npt.NDArray[np.float32]


def multilook(db: Plane, radius: int) -> Plane:
    """Mean of the seen pixels around each seen pixel; NaN where the pixel itself is not seen."""
    if radius == 0:
        return db
    out = np.empty(db.shape, np.float32)
    look(np.ascontiguousarray(db, np.float32), 0, 0, False, radius, out)
    return out
