"""What a place looks like empty (`learnt_water`), brought to the haze of the date it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tasks.science.optical.blocks import Window
from tasks.science.optical.water import (
    DEFAULT_WATER,
    Mask,
    Plane,
    WaterModel,
    WaterOptions,
    model_water,
    water_body,
)

SHIFT_PX = 0.5
"""How far images lie off one another, mostly."""


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

    @cached_property
    def _relief(self) -> dict[str, Plane]:
        """How far the empty place stands above its own water."""
        if self.model is None:
            return dict(self.level)
        whole = [slice(0, size) for size in next(iter(self.level.values())).shape]
        window = whole[0], whole[1]
        return {
            band: plane - self.model.field(self.model.level[band], window)
            for band, plane in self.level.items()
        }

    @cached_property
    def _doubt(self) -> dict[str, Plane]:
        """Spread from date to date, and what a slide by `SHIFT_PX` adds."""
        doubt = {}
        for band, plane in self.level.items():
            down, right = np.gradient(np.nan_to_num(plane))
            slid = np.float32(SHIFT_PX**2) * (down**2 + right**2)
            doubt[band] = np.sqrt(self.spread[band] ** 2 + slid)
        return doubt

    def as_today(self, today: WaterModel, window: Window) -> tuple[dict[str, Plane], dict[str, Plane]]:
        """Give level and spread in a window as they are under another date's haze: that of its water.

        Images lie up to `SHIFT_PX` off one another, so beside a quay the empty place is less certain.
        """
        level = {band: self._relief[band][window] for band in today.level}
        if self.model is not None:
            level = {b: plane + today.field(today.level[b], window) for b, plane in level.items()}
        return level, {band: self._doubt[band][window] for band in today.level}
