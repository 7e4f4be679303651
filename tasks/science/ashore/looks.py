"""What one scene tells of yards and tracks: areas and metres at 5 m and finer, else a level."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tasks.science.ashore.fill import FillLook, fill_levels
from tasks.science.ashore.memory import COLOUR, ECHO, Remembered
from tasks.science.ashore.rails import RailLook, measure_rails
from tasks.science.ashore.stacks import YardLook, find_stacks
from tasks.science.flags import LEVEL, NOT_MEASURED
from tasks.science.rows import GroundLook
from tasks.science.teu import teu_interval

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def look_ashore(
    shown: Mapping[str, Plane], remembered: Remembered, seen: Mask, *, radar: bool
) -> dict[str, GroundLook]:
    """Measure all yards and tracks in one scene.

    Parameters
    ----------
    shown
        Each band, ``(y, x)`` decibels or reflectance, NaN where there is no data.
    remembered
        The ground, and what was learnt of it.
    seen
        ``(y, x)`` pixels that the scene shows, without clouds and their shadows.
    radar
        Whether the bands are decibels.

    Returns
    -------
    dict
        By zone id; a zone that is not among them is not measured.
    """
    ashore, memory = remembered.ashore, remembered.planes
    layers = ashore.layers
    if not ashore.fine:
        if not np.isfinite(memory["yard_low"]).any():
            return {}
        clear = {band: np.where(seen, plane, np.float32(np.nan)) for band, plane in shown.items()}
        cover = ECHO if radar else COLOUR
        levels = fill_levels(clear, memory, layers.plots, layers.pixel_m, cover)
        return {zone: _of_level(look) for zone, look in levels.items()}
    stacks = find_stacks(shown, memory, remembered.yards, seen, ashore.steady, layers.box)
    trains = measure_rails(shown, memory, layers.plots, seen, ashore.steady, layers.pixel_m)
    return {zone: _of_yard(look) for zone, look in stacks.items()} | {
        zone: _of_tracks(look) for zone, look in trains.items()
    }


def _of_level(look: FillLook) -> GroundLook:
    if look.level is None:
        return GroundLook(look.flag)
    return GroundLook(values={"fill_fraction": look.level}, note=";".join(filter(None, (LEVEL, look.flag))))


def _of_yard(look: YardLook) -> GroundLook:
    if look.flag or look.area_m2 is None:
        return GroundLook(look.flag or NOT_MEASURED)
    low, high = teu_interval(look.area_m2, sum(part.area for part in look.hidden))
    values = {
        "stack_area_m2": look.area_m2,
        "fill_fraction": look.fill_fraction,
        "teu_low": low,
        "teu_high": high,
    }
    return GroundLook(values=values, outlines=look.outlines, hidden=look.hidden)


def _of_tracks(look: RailLook) -> GroundLook:
    if look.flag:
        return GroundLook(look.flag)
    cars = {"rail_cars_low": look.cars_low, "rail_cars_high": look.cars_high}
    return GroundLook(values={"rail_occupied_m": look.occupied_m} | cars)
