"""Bright pixels that touch become groups, and groups get extents: on lists of pixels, never on planes.

A scene of a hundred million pixels has some ten thousand bright ones. Neighbours are found by search in
their sorted flat indices, so the cost follows what is bright, and a ship on the border of two tiles is
one ship: tiles only make the list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Indices = npt.NDArray[np.int64]
Labels = npt.NDArray[np.int32]
Vector = npt.NDArray[np.float64]


def label(index: Indices, width: int, owner: Labels | None = None) -> tuple[int, Labels]:
    """Group pixels that touch, corners too.

    Parameters
    ----------
    index
        Flat indices in a plane `width` pixels wide, sorted, each once.
    width
        Pixels in a row.
    owner
        Pixels of different owners are kept apart.

    Returns
    -------
    count, labels
        How many groups, and each pixel's, numbered in the order of their first pixels.

    Examples
    --------
    >>> label(np.array([0, 1, 11, 25]), 10)
    (2, array([0, 0, 0, 1], dtype=int32))
    """
    cols = index % width
    pairs = [_neighbours(index, 1, cols < width - 1)]
    pairs += [_neighbours(index, width + k, (cols + k >= 0) & (cols + k < width)) for k in (-1, 0, 1)]
    first, second = (np.concatenate(side) for side in zip(*pairs, strict=True))
    if owner is not None:
        same = owner[first] == owner[second]
        first, second = first[same], second[same]
    edges = coo_array((np.ones(first.size, np.int8), (first, second)), shape=(index.size, index.size))
    count, labels = connected_components(edges, directed=False)
    return int(count), _by_first_pixel(int(count), labels)


def _neighbours(index: Indices, step: int, inside: npt.NDArray[np.bool_]) -> tuple[Any, Any]:
    own = np.flatnonzero(inside)
    wanted = index[own] + step
    place = np.searchsorted(index, wanted)
    there = place < index.size
    there[there] = index[place[there]] == wanted[there]
    return own[there], place[there]


def _by_first_pixel(count: int, labels: Labels) -> Labels:
    _, first = np.unique(labels, return_index=True)
    rank = np.empty(count, np.int32)
    rank[np.argsort(first)] = np.arange(count, dtype=np.int32)
    return rank[labels]


@dataclass(frozen=True)
class Boxes:
    """Oriented boxes of groups, one each; metres on the ground, pixels of the plane."""

    row: Vector
    col: Vector
    """Centres of mass, fractional pixels."""

    length_m: Vector
    width_m: Vector
    """Extents of the pixels' squares along the axis and across it."""

    east: Vector
    north: Vector
    """Unit vector along the axis: to the east and to the north of the grid."""


def boxes(rows: Indices, cols: Indices, labels: Labels, count: int, pixel_m: float) -> Boxes:
    """Measure groups of pixels along their principal axes, by moments.

    Parameters
    ----------
    rows, cols
        Pixels of all groups.
    labels
        Which group each pixel is of, 0 to `count` − 1; every group has one.
    pixel_m
        Edge of a pixel on the ground, metres.
    """
    size = np.bincount(labels, minlength=count)
    row, col = (np.bincount(labels, at, count) / size for at in (rows, cols))
    x, y = (cols - col[labels]) * pixel_m, (row[labels] - rows) * pixel_m
    xx, yy, xy = (np.bincount(labels, m, count) / size for m in (x * x, y * y, x * y))
    angle = np.arctan2(2 * xy, xx - yy) / 2
    east, north = np.cos(angle), np.sin(angle)
    along, across = x * east[labels] + y * north[labels], y * east[labels] - x * north[labels]
    length, width = (_extent(a, labels, size) + pixel_m for a in (along, across))
    # A square of pixels has no axis of its own, and a bent group may reach farther across than along.
    turned = width > length
    return Boxes(
        row, col, np.where(turned, width, length), np.where(turned, length, width),
        np.where(turned, -north, east), np.where(turned, east, north),
    )  # fmt: skip


def _extent(values: Vector, labels: Labels, size: Indices) -> Vector:
    order = np.argsort(labels, kind="stable")
    starts = np.concatenate([[0], np.cumsum(size)[:-1]])
    spread: Vector = np.maximum.reduceat(values[order], starts) - np.minimum.reduceat(values[order], starts)
    return spread


def tops(score: npt.NDArray[Any], labels: Labels, count: int) -> Indices:
    """Find the brightest pixel of each group, the first of equals: positions in the list."""
    highest = np.full(count, -np.inf, score.dtype)
    np.maximum.at(highest, labels, score)
    at = np.flatnonzero(score == highest[labels])[::-1]
    first = np.empty(count, np.int64)
    first[labels[at]] = at  # the last to be written is the first in the list
    return first
