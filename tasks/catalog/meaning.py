"""What the numbers of an image mean where no catalogue tells: by the file's words, else by the numbers.

Whatever is taken from the numbers alone is an assumption, worded here and handed on with every result.
The bounds are physical: power is not below −1, decibels of sea are, and no ground reflects twice what falls
on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.catalog.optical import INTEGER_SCALE, SENTINEL_2_OFFSET
from tasks.catalog.records import units_of
from tasks.errors import SceneError
from tasks.model import Units

LOWEST_POWER = -1.0
"""Linear power may fall a little below 0 where noise was taken off; decibels of water lie at −25 to −5."""

SHARE_OF_DB = 0.01
"""Pixels below `LOWEST_POWER` from which numbers are decibels."""

BRIGHTEST_REFLECTANCE = 2.0
"""Reflected by 0.1 % of pixels at most: sunlit clouds and roofs tilted to the sun reach 1.5."""

LOWEST_DN, FULL_RANGE = 150, 65535
"""An image of at most 0.015 is none: numbers that small are per cent, or radiances."""

BRIGHT_PERCENTILE, DARK_PERCENTILE = 99.9, 1.0

OFFSET_DN = 1000
"""What Sentinel-2 adds to its numbers since 2022: then nothing is darker than this, not even water in the
infrared, which is at 50 to 300 without it."""


@dataclass(frozen=True)
class Meaning:
    """What a number of a band means: number × scale + offset, in `units`."""

    units: Units
    scale: float = 1.0
    offset: float = 0.0
    assumed: str = ""
    """What was taken from the numbers alone, for people; empty if the file says all."""


@dataclass(frozen=True)
class Numbers:
    """What a file says of one band, and a sample of its numbers."""

    dtype: str
    about: str
    """Description, unit and tags in one text."""

    scale: float
    offset: float
    nodata: float | None
    sample: npt.NDArray[Any]
    """``(n,)`` numbers that are data, before scale and offset."""

    @property
    def scaled(self) -> bool:
        """True if the file states a scale or an offset."""
        return self.scale != 1 or self.offset != 0

    @property
    def is_integer(self) -> bool:
        """True for counts of any size."""
        return "int" in self.dtype

    @property
    def is_byte(self) -> bool:
        """True for 8-bit pictures."""
        return self.dtype in ("uint8", "int8")


def radar_meaning(bands: Sequence[Numbers], units: str) -> list[Meaning]:
    """Tell what the numbers of a radar image's bands mean; one unit for all.

    Parameters
    ----------
    bands
        Its bands.
    units
        ``db`` or ``linear`` where the user says so, else ``auto``.

    Raises
    ------
    SceneError
        If the bands' words contradict one another.
    """
    stated = {units_of({}, {"unit": band.about.replace("_", " ")}) for band in bands}
    if units == "auto" and len(stated) > 1:
        raise SceneError("one of its bands is said to be in dB and another is not; say --units db or linear")
    unit, assumed = _radar_unit(bands, units, stated.pop())
    return [Meaning(unit, band.scale, band.offset, assumed) for band in bands]


def _radar_unit(bands: Sequence[Numbers], units: str, stated: Units) -> tuple[Units, str]:
    if units != "auto":
        return ("dB" if units == "db" else "1"), ""
    if stated != "1":
        return stated, ""
    if any("linear" in band.about.lower() or "power" in band.about.lower() for band in bands):
        return "1", ""
    if all(band.is_byte for band in bands):
        return "relative dB", "8-bit radar picture taken as uncalibrated decibels"
    values = np.concatenate([band.sample * band.scale + band.offset for band in bands])
    if values.size and (values < LOWEST_POWER).mean() > SHARE_OF_DB:
        return "dB", "no unit in the file: negative numbers taken as decibels"
    return "1", "no unit in the file: numbers without negatives taken as linear power"


def optical_meaning(bands: Sequence[Numbers], sensor: str) -> list[Meaning]:
    """Tell how the numbers of an optical image's bands become reflectance.

    Raises
    ------
    SceneError
        If neither the file nor the numbers tell a scale, or the file tells it for some bands only.
    """
    if any(band.scaled for band in bands):
        bare = [number for number, band in enumerate(bands, 1) if not band.scaled and band.is_integer]
        if bare:
            raise SceneError(f"of its bands used, {bare} have no scale and the others do; set it for all")
        return [Meaning("reflectance", band.scale, band.offset) for band in bands]
    return [_guessed(bands, sensor)] * len(bands)


def _guessed(bands: Sequence[Numbers], sensor: str) -> Meaning:
    samples = [band.sample for band in bands if band.sample.size]
    bright = max((float(np.percentile(s, BRIGHT_PERCENTILE)) for s in samples), default=0.0)
    dark = min((float(np.percentile(s, DARK_PERCENTILE)) for s in samples), default=0.0)
    if bands[0].is_byte:
        return Meaning("reflectance", 1 / 255, 0.0, "8-bit numbers taken as reflectance × 255")
    if not bands[0].is_integer and bright <= BRIGHTEST_REFLECTANCE:
        return Meaning("reflectance")
    if bright < LOWEST_DN:
        raise SceneError(
            f"its numbers, up to {bright:.3g}, are no reflectance (0 to 1), and nothing says what they are; "
            "set the bands' scale so that number × scale is reflectance"
        )
    if bright * INTEGER_SCALE > BRIGHTEST_REFLECTANCE:
        if bright > FULL_RANGE:
            raise SceneError(f"its numbers go up to {bright:.3g}; set the bands' scale to reflectance")
        told = "no scale in the file: numbers above 20000 taken as reflectance × 65535"
        return Meaning("reflectance", 1 / FULL_RANGE, 0.0, told)
    if dark >= OFFSET_DN and sensor == "sentinel-2":
        told = "no scale in the file: nothing is darker than 1000, so reflectance = number × 0.0001 − 0.1"
        return Meaning("reflectance", INTEGER_SCALE, SENTINEL_2_OFFSET, told)
    told = "no scale in the file: reflectance = number × 0.0001"
    return Meaning("reflectance", INTEGER_SCALE, 0.0, told)
