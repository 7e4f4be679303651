"""What a place looks like empty, from a stack of dates on which ships come and go.

At a quay a pixel is water when its berth is free and deck when it is taken, so its dates fall into two
clusters, of which the darker in the infrared is the empty one, however often the berth is taken.
A median follows the ships as soon as they are there on half of the dates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.science.radiometry import MAD_TO_SD
from tasks.science.water import (
    DEFAULT_WATER,
    Mask,
    Plane,
    WaterModel,
    WaterOptions,
    Window,
    darkness,
    model_water,
    water_body,
)


@dataclass(frozen=True)
class BaselineOptions:
    """How the empty state is told from the others."""

    low: float = 0.2
    """Quantile of darkness over the dates that is taken for empty: holds while a berth is free on more than a
    fifth of them, and is no lone shadow."""

    reach: float = 0.03
    """Reflectance above that quantile up to which a date shows the same state: haze and glint come and go by
    this much, decks stand 0.05 and more above water."""

    min_dates: int = 3
    """Dates of a state from which its level is known."""

    min_spread: float = 0.003
    """Least spread over the dates, reflectance: the atmosphere's correction is no better."""


DEFAULT_BASELINE = BaselineOptions()


@dataclass(frozen=True)
class Baseline:
    """Level and spread of the empty place, by band, ``(y, x)`` reflectance; NaN where not known."""

    level: Mapping[str, Plane]
    spread: Mapping[str, Plane]
    pixel_m: float
    model: WaterModel | None = None
    """Of the water in `level`, to bring it to another date's haze."""

    def water(self, pixel_m: float, options: WaterOptions = DEFAULT_WATER) -> Mask:
        """Give the water body of the empty place, up to the quay."""
        model = self.model or model_water(self.level, pixel_m, None, options)
        if model is None:
            return np.zeros(next(iter(self.level.values())).shape, bool)
        return water_body(self.level, model, pixel_m, options)

    def as_today(
        self, today: WaterModel, window: Window, shift_px: float = 0.5
    ) -> tuple[dict[str, Plane], dict[str, Plane]]:
        """Give level and spread in a window as they are under another date's haze: that of its water.

        Images lie up to `shift_px` off one another, so beside a quay the empty place is less certain.
        """
        level, spread = {}, {}
        for band in today.level:
            plane = self.level[band][window]
            if self.model is not None:
                plane = plane + today.field(today.level[band], window)
                plane = plane - self.model.field(self.model.level[band], window)
            level[band] = plane
            across = np.hypot(*np.gradient(np.nan_to_num(self.level[band][window])))
            spread[band] = np.hypot(self.spread[band][window], shift_px * across).astype(np.float32)
        return level, spread


def estimate_baseline(
    stack: Mapping[str, Sequence[Plane]],
    pixel_m: float,
    options: BaselineOptions = DEFAULT_BASELINE,
    water: WaterOptions = DEFAULT_WATER,
    rows: int = 256,
) -> Baseline | None:
    """Estimate what a place looks like empty; None if there are too few dates.

    Parameters
    ----------
    stack
        By band, one plane ``(y, x)`` per date, or one array ``(dates, y, x)``; NaN where not seen.
    pixel_m
        Edge of a pixel on the ground, metres.
    options
        How the empty state is told from the others.
    water
        What counts as water.
    rows
        Rows worked on at a time: memory beyond the result is that of their dates.
    """
    dates = len(next(iter(stack.values())))
    if dates < options.min_dates:
        return None
    shape = np.shape(next(iter(stack.values()))[0])
    level = {band: np.full(shape, np.nan, np.float32) for band in stack}
    spread = {band: np.full(shape, np.nan, np.float32) for band in stack}
    for top in range(0, shape[0], rows):
        part = slice(top, top + rows)
        block = {band: np.stack([plane[part] for plane in planes]) for band, planes in stack.items()}
        for band, (middle, width) in _empty(block, options).items():
            level[band][part], spread[band][part] = middle, width
    return Baseline(level, spread, pixel_m, model_water(level, pixel_m, None, water))


def _empty(
    block: Mapping[str, npt.NDArray[np.float32]], options: BaselineOptions
) -> dict[str, tuple[Plane, Plane]]:
    """Median and robust spread of each band over the dates on which each pixel is empty."""
    dark = darkness(block)
    low = _quantile(dark, options.low)
    empty = dark <= low + options.reach
    found = {}
    for band, values in block.items():
        own = np.where(empty, values, np.nan)
        level = _quantile(own, 0.5)
        spread = MAD_TO_SD * _quantile(np.abs(own - level), 0.5)
        known = np.isfinite(own).sum(axis=0) >= options.min_dates
        found[band] = (
            np.where(known, level, np.nan).astype(np.float32),
            np.where(known, np.maximum(spread, options.min_spread), np.nan).astype(np.float32),
        )
    return found


def _quantile(values: npt.NDArray[np.floating], share: float) -> Plane:
    """Quantile over the first axis, NaN left out; NaN where there is nothing else."""
    ordered = np.sort(values, axis=0)  # NaN last
    count = np.isfinite(values).sum(axis=0)
    place = share * np.maximum(count - 1, 0)
    below = np.floor(place).astype(int)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    lower, upper = (np.take_along_axis(ordered, k[None], axis=0)[0] for k in (below, above))
    return np.asarray(lower + (upper - lower) * (place - below), dtype=np.float32)
