"""Ground that keeps its face, by which dates are brought to one scale.

Light, haze, moisture and frost change a yard as they change the paved ground beside it, and not as they
change a field. So the reference is chosen by what it did: of the ground near the yards, that which followed
them most closely through the past. Stacks in some yards on some dates do not matter: medians tell.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.plots import Plot
from tasks.science.radiometry import MAD_TO_SD, median_seen

Columns = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

NEAR_M = 300.0
"""Ground further off has other weather, and other soil."""

SURROUNDINGS_PX = 4
"""Of a yard: what stands there may light it up."""

LEAST_REFERENCE_PX = 400
"""Their median is then good to 0.2 dB in radar, and lorries and puddles do not move it."""

MOST_REFERENCE_PX = 4000
"""More of it only costs time."""


def ground_near(plots: Sequence[Plot], land: Mask, pixel_m: float) -> tuple[Mask, Mask]:
    """Draw the pixels that a level needs.

    Parameters
    ----------
    plots
        Of the site.
    land
        ``(y, x)`` land and piers.
    pixel_m
        Edge of a pixel, metres.

    Returns
    -------
    where, candidates
        ``(y, x)``: all that has to be remembered; and of it, where steady ground is looked for.
    """
    yards = yards_of(plots, land.shape)
    if not yards.any():
        return yards, yards
    away = ndimage.distance_transform_edt(~yards)
    candidates = (land & (away * pixel_m <= NEAR_M)) | yards
    return candidates | (away <= SURROUNDINGS_PX), candidates


def yards_of(plots: Sequence[Plot], shape: tuple[int, ...]) -> Mask:
    """Draw all plots, ``(y, x)``."""
    drawn = np.zeros(shape, bool)
    for plot in plots:
        drawn[plot.rows, plot.cols] = True
    return drawn


def steadiest(bands: Sequence[Columns], yards: Mask, candidates: Mask, share: float) -> Mask:
    """Choose the ground that followed the yards most closely.

    Parameters
    ----------
    bands
        Each ``(time, pixel)``, NaN where not seen.
    yards, candidates
        ``(pixel,)``.
    share
        Of the candidates.

    Returns
    -------
    numpy.ndarray
        ``(pixel,)``.
    """
    total = np.zeros(len(yards))
    for values in bands:
        rest = values - median_seen(values[:, yards].T)[:, None]
        spread = MAD_TO_SD * median_seen(np.abs(rest - median_seen(rest)))
        total += np.where(np.isfinite(spread), spread, np.inf) ** 2
    total[~candidates] = np.inf
    count = int(np.clip(share * candidates.sum(), LEAST_REFERENCE_PX, MOST_REFERENCE_PX))
    order = np.argsort(total, kind="stable")[:count]
    chosen = np.zeros(len(yards), bool)
    chosen[order[np.isfinite(total[order])]] = True
    return chosen


def shift_of(values: npt.NDArray[np.floating]) -> float:
    """Median of what a date differs by on reference ground; NaN where too little of it is seen."""
    seen = values[np.isfinite(values)]
    return float(np.median(seen)) if seen.size >= LEAST_REFERENCE_PX // 8 else float("nan")
