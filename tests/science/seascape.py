"""A stretch of sea with ships of known size, as a radar of 20 m resolution shows it: linear power."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

LOOKS = 4.4
PIXEL_M = 10.0
BLUR_PX = 0.85
"""Standard deviation of the point response: 20 m between its half-power points."""

Plane = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Hull:
    """A ship; metres east and south of the upper left pixel's centre."""

    x_m: float
    y_m: float
    length_m: float
    width_m: float
    heading_deg: float = 90.0
    db: float = 2.0
    """Brightness of its deck."""

    ends: float = 0.0
    """If above 0, only this share of the length at either end is bright."""


def echo(shape: tuple[int, int], hull: Hull, rng: np.random.Generator) -> Plane:
    """Power of a hull before speckle: uneven from place to place, blurred."""
    times = 2  # fine enough for a beam of 10 m
    y, x = np.mgrid[: shape[0] * times, : shape[1] * times] * (PIXEL_M / times) - PIXEL_M / 4
    angle = np.radians(hull.heading_deg)
    along = (x - hull.x_m) * np.sin(angle) - (y - hull.y_m) * np.cos(angle)
    across = (x - hull.x_m) * np.cos(angle) + (y - hull.y_m) * np.sin(angle)
    inside = (abs(along) <= hull.length_m / 2) & (abs(across) <= hull.width_m / 2)
    if hull.ends:
        inside &= abs(along) > hull.length_m * (0.5 - hull.ends)
    power = np.where(inside, 10 ** (hull.db / 10) * rng.gamma(1.0, 1.0, inside.shape), 0)
    blurred = ndimage.gaussian_filter(power, BLUR_PX * times)
    return blurred.reshape(shape[0], times, shape[1], times).mean(axis=(1, 3)).astype(np.float32)


def seascape(
    shape: tuple[int, int], hulls: list[Hull], rng: np.random.Generator, sea_db: float = -17.0
) -> Plane:
    """Sea and ships with speckle, ``(y, x)`` linear power."""
    power = np.full(shape, 10 ** (sea_db / 10), np.float32)
    for hull in hulls:
        half = round(hull.length_m / PIXEL_M) + 8
        row, col = round(hull.y_m / PIXEL_M), round(hull.x_m / PIXEL_M)
        top, left = max(0, row - half), max(0, col - half)
        window = power[top : row + half, left : col + half]
        moved = Hull(
            hull.x_m - left * PIXEL_M, hull.y_m - top * PIXEL_M, hull.length_m, hull.width_m,
            hull.heading_deg, hull.db, hull.ends,
        )  # fmt: skip
        window += echo((window.shape[0], window.shape[1]), moved, rng)
    return (power * rng.gamma(LOOKS, 1 / LOOKS, shape)).astype(np.float32)


def rugged(shape: tuple[int, int], rng: np.random.Generator, level_db: float = -9.0) -> Plane:
    """Land in decibels: fields of 160 m, houses of 40 m."""
    plane = np.full(shape, level_db, np.float32)
    for side, spread in ((16, 2.0), (4, 1.5)):
        cells = rng.normal(0, spread, [-(-n // side) for n in shape])
        plane += cells.repeat(side, 0).repeat(side, 1)[: shape[0], : shape[1]]
    return plane
