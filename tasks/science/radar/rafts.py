"""Ships that lie so near to one another that they show as one group, and ships that show as two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.radar.groups import Indices
from tasks.science.radar.hull_options import HullOptions
from tasks.science.shapes import EIGHT

Parts = npt.NDArray[np.int64]
Score = npt.NDArray[np.float32]
Measure = Callable[[Indices, Indices, Score, float, HullOptions], tuple[float, float, float, float, bool]]
"""Rows, columns, scores, edge of a pixel: length, width, axis to the east and north, whether a ship fits."""


def take_apart(
    rows: Indices,
    cols: Indices,
    score: Score,
    pixel_m: float,
    options: HullOptions,
    measure: Measure,
    parted: bool = False,
) -> Parts:
    """Part a group that is no single ship into ships.

    Bow to stern where the brightness falls along the axis; alongside one another where a threshold parts
    them, or else along the middle line: 25 m from keel to keel is no more than the resolution.

    `parted` says that the group is a part already: what brightness has parted is not halved by its width,
    since it holds half of what lies between the ships.

    Returns
    -------
    numpy.ndarray
        Part of each pixel, from 1; 0 everywhere if the group stays whole.
    """
    length, width, east, north, _ = measure(rows, cols, score, pixel_m, options)
    parts = np.zeros(rows.size, np.int64)
    if length > options.raft_length_m:
        return parts
    along = (cols * east - rows * north) * pixel_m
    across = (-rows * east - cols * north) * pixel_m
    if length > options.astern * (width + options.width_sd_px * pixel_m):
        parts = _cut_across(along, score, pixel_m, options)
    elif width > options.raft_width_m:
        parts = _fall_apart(rows - rows.min(), cols - cols.min(), score, pixel_m, options)
    least = options.raft_width_m if parted else max(options.abreast_width_m, options.abreast * length)
    if (
        not parts.any()
        and length >= options.abreast_length_m
        and width > least
        and _is_full(along, across, score, pixel_m, options)
    ):
        parts = 1 + (across > np.average(across, weights=score)).astype(np.int64)
    return _finer(parts, rows, cols, score, pixel_m, options, measure) if parts.any() else parts


def _finer(
    parts: Parts, rows: Indices, cols: Indices, score: Score, pixel_m: float, options: HullOptions,
    measure: Measure,
) -> Parts:  # fmt: skip
    found = np.zeros(rows.size, np.int64)
    for part in range(1, int(parts.max()) + 1):
        own = np.flatnonzero(parts == part)
        if own.size == rows.size:
            return np.zeros(rows.size, np.int64)
        inner = take_apart(rows[own], cols[own], score[own], pixel_m, options, measure, True)
        found[own] = found.max() + np.maximum(inner, 1)
    return found


def _is_full(
    along: npt.NDArray[np.float64], across: npt.NDArray[np.float64], score: Score, pixel_m: float,
    options: HullOptions,
) -> bool:  # fmt: skip
    """Tell whether a group is bright, and fills its box at half amplitude."""
    high = score >= score.max() - options.heights_db[0] / 0.8
    box_m2 = (np.ptp(along[high]) + pixel_m) * (np.ptp(across[high]) + pixel_m)
    return bool(
        score.max() >= options.abreast_peak and high.sum() * pixel_m**2 >= options.abreast_fill * box_m2
    )


def _cut_across(along: npt.NDArray[np.float64], score: Score, pixel_m: float, options: HullOptions) -> Parts:
    """Cut at the darkest place that is not near an end, if it is dark enough."""
    place = np.floor((along - along.min()) / pixel_m).astype(np.int64)
    highest = np.full(int(place.max()) + 1, options.grow, np.float64)
    np.maximum.at(highest, place, score)
    edge = len(highest) // 4
    inner = highest[edge : len(highest) - edge]
    if len(inner) < 3:
        return np.zeros(along.size, np.int64)
    at = edge + int(inner.argmin())
    sides = min(np.median(highest[:at]), np.median(highest[at + 1 :]))
    if sides - highest[at] < options.dip_db / 0.8:
        return np.zeros(along.size, np.int64)
    return np.where(place > at, 2, 1)


def _fall_apart(rows: Indices, cols: Indices, score: Score, pixel_m: float, options: HullOptions) -> Parts:
    """Raise the threshold until the group falls into targets of their own.

    SUMO's several clustering thresholds (Greidanus et al., Remote Sensing 9, 246, 2017); pixels
    below the threshold that parts them go to the nearest part.
    """
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
        return np.asarray(np.searchsorted(seeds, seeded[tuple(nearest)][rows, cols]) + 1)
    return np.zeros(rows.size, np.int64)


def join_ends(
    groups: Sequence[tuple[Indices, Indices, Score]],
    compact: npt.NDArray[np.bool_],
    pixel_m: float,
    options: HullOptions,
    measure: Measure,
) -> list[tuple[int, int]]:
    """Find pairs of compact groups in line that are the bright ends of one ship.

    Parameters
    ----------
    groups
        Rows, columns and scores of each.
    compact
        Which of them may be an end: not slim enough for a ship of their own.
    pixel_m, options, measure
        As for `take_apart`.
    """
    ends = [int(k) for k in np.flatnonzero(compact)]
    centres = np.array([(groups[k][0].mean(), groups[k][1].mean()) for k in ends]).reshape(-1, 2) * pixel_m
    pairs: list[tuple[int, int]] = []
    used: set[int] = set()
    for i, j in _near_pairs(centres, 2 * options.raft_width_m + options.broken_gap_m):
        first, second = int(ends[i]), int(ends[j])
        if used & {first, second} or not _one_ship(groups[first], groups[second], pixel_m, options, measure):
            continue
        pairs.append((first, second))
        used |= {first, second}
    return pairs


def _near_pairs(centres: npt.NDArray[np.float64], reach_m: float) -> list[tuple[int, int]]:
    from scipy.spatial import cKDTree

    return sorted(cKDTree(centres).query_pairs(reach_m)) if len(centres) > 1 else []


def _one_ship(first: Any, second: Any, pixel_m: float, options: HullOptions, measure: Measure) -> bool:
    apart = np.hypot(*(a[:, None] - b[None] for a, b in zip(first[:2], second[:2], strict=True)))
    if (apart.min() - 1) * pixel_m > options.broken_gap_m:
        return False
    # The dimmer end is lifted to the brighter: only the shape counts here.
    lift = first[2].max() - second[2].max()
    score = np.concatenate([first[2] + max(-lift, 0), second[2] + max(lift, 0)]).astype(np.float32)
    rows, cols = (np.concatenate([a, b]) for a, b in zip(first[:2], second[:2], strict=True))
    length, width, _, _, fits = measure(rows, cols, score, pixel_m, options)
    own = [measure(r, c, s, pixel_m, options)[0] for r, c, s in (first, second)]
    slim = width + options.width_sd_px * pixel_m
    return fits and max(own) < 0.5 * length and length > 3.5 * width and length < options.astern * slim
