"""The light of one image against the remembered ground, told by ground on which nothing ever stands.

Sun, haze and calibration change whole images: each band by a factor, haze by an offset too. Both are read
off steady ground, robustly, for a lorry, a puddle or a crane always stands on some of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from tasks.science.radiometry import MAD_TO_SD

Values = npt.NDArray[np.float32]

ENOUGH_PX = 30
"""Pixels of steady ground from which light is told."""

GAIN = (0.4, 2.5)
"""Least and most; light that differs by more is a cloud, a shadow, or no light."""

GREEN = 0.15
"""Normalised difference of infrared and red from which plants or soil with weeds are seen: concrete, asphalt,
roofs and ballast have less. Plants make a season of their own; taken for light, they tint whole images."""

KEEP = 3.0
"""Spreads within which a pixel of steady ground is believed to be as it always is."""

LEAST_SPREAD = 0.003
"""Reflectance below which ground does not repeat: noise of a camera at 3 m, dust, damp."""


def lasting(remembered: Mapping[str, Values], spread: Mapping[str, Values]) -> npt.NDArray[np.bool_]:
    """Choose the pixels that repeat best: no plants, and the calmer half of what is left.

    Parameters
    ----------
    remembered, spread
        ``(pixel,)`` by band: reflectance, and its spread from date to date; NaN where not known.

    Returns
    -------
    numpy.ndarray
        ``(pixel,)`` bool.
    """
    known = np.logical_and.reduce([np.isfinite(plane) for plane in remembered.values()])
    if {"nir", "red"} <= set(remembered):
        red, nir = remembered["red"], remembered["nir"]
        with np.errstate(invalid="ignore", divide="ignore"):
            mineral = known & ((nir - red) / (nir + red) < GREEN)
        known = mineral if mineral.sum() >= ENOUGH_PX else known
    if not known.any():
        return np.asarray(known)
    restless = np.sum(list(spread.values()), axis=0)
    return np.asarray(known & (restless <= np.median(restless[known])))


@dataclass(frozen=True)
class Light:
    """What remembered reflectance becomes in one image: ``offset + gain × remembered``."""

    gain: float
    offset: float

    spread: float
    """Of steady ground about that, reflectance."""

    def on(self, remembered: Values) -> Values:
        """Bring remembered reflectance into this image's light."""
        return np.asarray(self.offset + self.gain * remembered, dtype=np.float32)

    def off(self, shown: Values) -> Values:
        """Bring what an image shows into the remembered light."""
        return np.asarray((shown - self.offset) / self.gain, dtype=np.float32)


def find_light(remembered: Values, shown: Values) -> Light | None:
    """Fit the light of one band.

    Parameters
    ----------
    remembered, shown
        ``(pixel,)`` reflectance of steady ground, NaN where not known.

    Returns
    -------
    Light or None
        None where too little is seen, or where no light makes one of the other.
    """
    known = np.isfinite(remembered) & np.isfinite(shown)
    if known.sum() < ENOUGH_PX:
        return None
    fit = Light(*_fit(remembered[known].astype(float), shown[known].astype(float)))
    return fit if GAIN[0] <= fit.gain <= GAIN[1] else None


def find_lights(remembered: Mapping[str, Values], shown: Mapping[str, Values]) -> dict[str, Light] | None:
    """Fit the light of every band; None where it cannot be told of one."""
    lights = {band: find_light(remembered[band], shown[band]) for band in shown}
    told = {band: light for band, light in lights.items() if light is not None}
    return told if len(told) == len(lights) else None


@numba.njit(cache=True, nogil=True)
def _fit(x: Any, y: Any) -> Any:
    """Fit a line by least squares, and again without what lies off it: gain, offset and spread."""
    kept, off = np.ones(x.size, np.bool_), np.zeros(x.size)
    gain, offset, spread = 1.0, 0.0, 0.0
    for _ in range(4):
        gain, offset = _line(x, y, kept)
        for k in range(x.size):
            off[k] = abs(y[k] - offset - gain * x[k])
        spread = max(MAD_TO_SD * np.median(off), LEAST_SPREAD)
        for k in range(x.size):
            kept[k] = off[k] < KEEP * spread
    return gain, offset, spread


@numba.njit(cache=True, nogil=True)
def _line(x: Any, y: Any, kept: Any) -> Any:
    """Least squares of what is kept; ground of one tone gives a factor alone."""
    count, middle, level = 0, 0.0, 0.0
    for k in range(x.size):
        if kept[k]:
            count, middle, level = count + 1, middle + x[k], level + y[k]
    middle, level = middle / count, level / count
    variance = both = 0.0
    for k in range(x.size):
        if kept[k]:
            variance += (x[k] - middle) ** 2
            both += (x[k] - middle) * (y[k] - level)
    # A line through points that lie together turns freely: of one tone, the ratio is all there is to tell.
    prior = 0.1 * (0.1 * middle) ** 2
    gain = (both / count + prior * level / max(middle, 1e-6)) / (variance / count + prior)
    return gain, level - gain * middle
