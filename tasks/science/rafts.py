"""Rafts: ships alongside one another, taken apart where their brightness falls between them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.groups import Indices, boxes, cores
from tasks.science.hull_options import HullOptions

EIGHT = np.ones((3, 3), bool)

Parts = npt.NDArray[np.int64]


def take_apart(
    rows: Indices, cols: Indices, score: npt.NDArray[Any], pixel_m: float, options: HullOptions
) -> Parts:
    """Raise the threshold on a group wider than a ship until it falls into targets of their own.

    SUMO's several clustering thresholds (Greidanus et al., Remote Sensing 9, 246, 2017); pixels
    below the threshold that parts them go to the nearest part.

    Returns
    -------
    numpy.ndarray
        Part of each pixel, from 1; 0 everywhere if the group stays whole.
    """
    if not _is_wide(rows, cols, score, pixel_m, options):
        return np.zeros(rows.size, np.int64)
    parts = _fall_apart(rows - rows.min(), cols - cols.min(), score, pixel_m, options)
    found = np.zeros(rows.size, np.int64)
    for part in range(1, int(parts.max()) + 1):
        own = np.flatnonzero(parts == part)
        finer = take_apart(rows[own], cols[own], score[own], pixel_m, options)
        found[own] = found.max() + np.maximum(finer, 1)
    return found


def _is_wide(
    rows: Indices, cols: Indices, score: npt.NDArray[Any], pixel_m: float, options: HullOptions
) -> bool:
    one = np.zeros(rows.size, np.int32)
    width = int(cols.max()) + 2
    core = cores(rows * width + cols, score, one, 1, options.cores[0], width).inside
    wide_m = boxes(rows[core], cols[core], one[core], 1, pixel_m).width_m[0] - options.blur_m
    long_m = boxes(rows, cols, one, 1, pixel_m).length_m[0] - options.blur_m
    return bool(wide_m > options.raft_width_m and long_m <= options.raft_length_m)


def _fall_apart(
    rows: Indices, cols: Indices, score: npt.NDArray[Any], pixel_m: float, options: HullOptions
) -> Parts:
    local = np.full((rows.max() + 1, cols.max() + 1), -np.inf, np.float32)
    local[rows, cols] = score
    for threshold in np.linspace(options.grow, float(score.max()), 12)[1:-1]:
        labels, count = ndimage.label(local > threshold, EIGHT)
        index = np.arange(1, count + 1)
        area_m2 = ndimage.sum_labels(labels > 0, labels, index) * pixel_m**2
        highest = ndimage.maximum(local, labels, index)
        tall = (area_m2 >= options.min_area_m2) & (highest >= threshold + options.prominence)
        seeds = index[tall & (highest >= options.peak)]
        if len(seeds) < 2:
            continue
        seeded = np.where(np.isin(labels, seeds), labels, 0)
        nearest = ndimage.distance_transform_edt(seeded == 0, return_distances=False, return_indices=True)
        return np.searchsorted(seeds, seeded[tuple(nearest)][rows, cols]) + 1
    return np.zeros(rows.size, np.int64)
