"""Bright pixels that touch become groups, and groups get extents: on lists of pixels, never on planes.

A scene of a hundred million pixels has some ten thousand bright ones. Neighbours are found by one walk
along their sorted flat indices, so the cost follows what is bright, and a ship on the border of two tiles is
one ship: tiles only make the list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

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
    labels = np.empty(index.size, np.int32)
    count = _label(index, width, np.zeros(index.size, np.int32) if owner is None else owner, labels)
    return int(count), labels


@numba.njit(cache=True, nogil=True)
def _label(index: Any, width: int, owner: Any, labels: Any) -> int:
    """Join each pixel with its neighbours before it; a group's root is its first pixel."""
    root = np.arange(index.size)
    above = 0
    for k in range(index.size):
        here = index[k]
        col = here % width
        while index[above] < here - width - 1:
            above += 1
        near = above
        while near < k and index[near] <= here - width + 1:
            if 0 <= col + index[near] - (here - width) < width and owner[near] == owner[k]:
                _unite(root, near, k)
            near += 1
        if k > 0 and col > 0 and index[k - 1] == here - 1 and owner[k - 1] == owner[k]:
            _unite(root, k - 1, k)
    count = 0
    for k in range(index.size):
        first = _root(root, k)
        if first == k:
            labels[k] = count
            count += 1
        else:
            labels[k] = labels[first]
    return count


@numba.njit(cache=True, nogil=True)
def _root(root: Any, k: int) -> int:
    while root[k] != k:
        root[k] = root[root[k]]
        k = root[k]
    return k


@numba.njit(cache=True, nogil=True)
def _unite(root: Any, a: int, b: int) -> None:
    a, b = _root(root, a), _root(root, b)
    root[max(a, b)] = min(a, b)


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
    order = np.argsort(labels, kind="stable")
    length, width = (_extent(a[order], size) + pixel_m for a in (along, across))
    # A square of pixels has no axis of its own, and a bent group may reach farther across than along.
    turned = width > length
    return Boxes(
        row, col, np.where(turned, width, length), np.where(turned, length, width),
        np.where(turned, -north, east), np.where(turned, east, north),
    )  # fmt: skip


def _extent(values: Vector, size: Indices) -> Vector:
    """Give the range of each group's values, which lie group by group."""
    starts = np.concatenate([[0], np.cumsum(size)[:-1]])
    spread: Vector = np.maximum.reduceat(values, starts) - np.minimum.reduceat(values, starts)
    return spread


def tops(score: npt.NDArray[Any], labels: Labels, count: int) -> Indices:
    """Find the brightest pixel of each group, the first of equals: positions in the list."""
    highest = np.full(count, -np.inf, score.dtype)
    np.maximum.at(highest, labels, score)
    at = np.flatnonzero(score == highest[labels])[::-1]
    first = np.empty(count, np.int64)
    first[labels[at]] = at  # the last to be written is the first in the list
    return first
