"""What a vessel is to every detector: a place, extents with their errors, and a direction.

Radar and optical detectors end here, so that a vessel means the same whatever saw it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.affinity import rotate, translate
from shapely.geometry.base import BaseGeometry

UNKNOWN_WIDTH_M = 20.0
"""Drawn where a width cannot be told: a resolution cell of the radar."""


EIGHT = np.ones((3, 3), bool)
"""Pixels that touch at a corner belong together."""


@dataclass(frozen=True)
class Vessel:
    """One detection, in pixels and metres of its grid."""

    row: float
    col: float
    """Centre, fractional pixels; (0, 0) is the first pixel's centre."""

    length_m: float
    width_m: float
    """NaN where it cannot be told: beside a quay."""

    length_sd_m: float

    width_sd_m: float
    """NaN where the width is."""

    axis: tuple[float, float]
    """Unit vector (x to the east of the grid, y to its north) along the hull; its sign means nothing."""

    score: float
    """Peak significance: clutter spreads above the surrounding water."""


@dataclass(frozen=True)
class Detection:
    """Everything found in one scene."""

    vessels: tuple[Vessel, ...]

    artefacts: tuple[tuple[float, float], ...] = ()
    """Centres (row, col) of bright groups that no ship can be."""

    searched: npt.NDArray[np.bool_] | None = field(default=None, compare=False)
    """``(y, x)`` water that the scene itself shows; radar's on square blocks of the grid. None where the
    caller said where to look."""


def heading_deg(vessel: Vessel) -> float:
    """Direction of the hull, degrees clockwise from grid north, modulo 180: bow and stern look alike."""
    return float(np.degrees(np.arctan2(vessel.axis[0], vessel.axis[1])) % 180)


def outline(vessel: Vessel, lon: float, lat: float) -> BaseGeometry:
    """Oriented box of a vessel, EPSG:4326.

    Drawn in local metres about its own centre; grid north is taken for true north, which is off by
    the meridian convergence (below 2° within a UTM zone).
    """
    width = UNKNOWN_WIDTH_M if np.isnan(vessel.width_m) else vessel.width_m
    half_length, half_width = vessel.length_m / 2, width / 2
    hull = rotate(
        shapely.box(-half_width, -half_length, half_width, half_length), -heading_deg(vessel), origin=(0, 0)
    )
    metres = 111_320.0  # per degree of latitude; outlines are good to a pixel, not to a centimetre
    degrees = shapely.transform(hull, lambda xy: xy / [metres * np.cos(np.radians(lat)), metres])
    return translate(degrees, lon, lat)


def described(vessel: Vessel, lon: float, lat: float) -> dict[str, Any]:
    """Write a vessel at a place down, EPSG:4326; None is not known."""
    return {
        "longitude": lon,
        "latitude": lat,
        "length_m": vessel.length_m,
        "length_sd_m": vessel.length_sd_m,
        "width_m": _known(vessel.width_m),
        "width_sd_m": _known(vessel.width_sd_m),
        "heading_deg": heading_deg(vessel),
        "score": vessel.score,
        "outline": outline(vessel, lon, lat),
    }


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
