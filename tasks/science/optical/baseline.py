"""What a place looks like empty (`learnt_water`), brought to the haze of the date it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tasks.science.optical.water import (
    DEFAULT_WATER,
    Mask,
    Plane,
    WaterModel,
    WaterOptions,
    Window,
    model_water,
    water_body,
)


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
