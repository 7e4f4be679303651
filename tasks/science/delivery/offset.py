"""Whether reflectance has been moved by the offset of Sentinel-2's numbers, whatever the catalogue says.

Since processing baseline 04.00 numbers stand 1000 higher; a provider that takes that off again, or a
catalogue that says so and does not, moves every band by 0.1. That is known by what cannot be (reflectance
far below zero, water that is not black in any infrared band) and by comparison with other dates: an
offset moves every band by the same, on dark ground and on bright. Haze and cloud move blue more than the
infrared and dark ground more than bright, glint moves water alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float32]

OFFSET = 0.1

DARK_BANDS = ("red", "nir", "swir16")
TOO_DARK, TOO_DARK_SHARE = -0.06, 0.02
"""Reflectance that no pixel has, and the share of pixels that shows it is no accident: overcorrected shadow
reads -0.03, water with the offset taken off twice -0.09."""

WATER_FLOOR, FLOOR_SPREAD = (0.098, 0.125), 0.01
"""Where the darkest pixels lie if 0.1 too much is on them, and how close together: water has 0.000 to 0.015
in the infrared. Glint and haze at Cartagena bring it to 0.07 to 0.09, spread over 0.02; thin cloud leaves a
third less at 1.6 µm than in the near infrared."""

ABOVE_FLOOR, BELOW_FLOOR = 0.08, -0.03
"""Darkest hundredth that an image with 0.1 too much has at least in every band, and one with 0.1 too little
at most in some: else it is the stack that is wrong."""

LIKE_OFFSET, VOTES, LEAD = 0.03, 0.15, 5.0
"""A pixel votes for a step if every band differs from the stack by it, so far. A share of the pixels must
vote, of the dark half of the ground and of the bright half, and many times more than vote for no step."""

LEAST_BANDS = 3
"""Fewer cannot tell an offset from haze."""


def wrong_offset(values: Mapping[str, Values], stack: Mapping[str, Values]) -> str:
    """Say what is wrong with the offset, if physics or other dates leave no doubt.

    Parameters
    ----------
    values
        Band name to reflectance ``(y, x)``, NaN where unknown; every n-th pixel is enough.
    stack
        The same pixels' median of other dates; empty if there is none.

    Returns
    -------
    str
        One line, empty if nothing is known to be wrong.
    """
    flat = {name: v[np.isfinite(v)] for name, v in values.items()}
    if not flat or min(v.size for v in flat.values()) == 0:
        return ""
    for name in DARK_BANDS:
        if name in flat and (share := float((flat[name] < TOO_DARK).mean())) > TOO_DARK_SHARE:
            return (
                f"reflectance in {name} is below {TOO_DARK:g} on {share:.0%} of what it shows: "
                "an offset seems to be taken off that is not in the numbers"
            )
    floors = [float(np.percentile(v, 1)) for v in flat.values()]
    if min(floors) <= BELOW_FLOOR and _stands_off(values, stack, -OFFSET):
        return (
            f"reflectance lies {OFFSET:.2f} below the stack in every band: an offset seems to be taken off "
            "that is not in the numbers"
        )
    if min(floors) >= ABOVE_FLOOR and _stands_off(values, stack, OFFSET):
        return (
            f"reflectance lies {OFFSET:.2f} above the stack in every band: the offset of processing baseline "
            "04.00 seems not to be applied"
        )
    if _on_a_floor(flat):
        return (
            f"reflectance is nowhere below {min(floors):.2f}, water has 0.01 in the infrared: the offset "
            "of processing baseline 04.00 seems not to be applied"
        )
    return ""


def _on_a_floor(flat: Mapping[str, Values]) -> bool:
    """Whether water lies where an offset of 0.1 would put it, in both bands in which it is black."""
    if not {"nir", "swir16"} <= set(flat):
        return False
    low, high = WATER_FLOOR
    floors = {name: np.percentile(v, (0.5, 5.0)) for name, v in flat.items()}
    water = (floors["nir"], floors["swir16"])
    return min(f[0] for f in floors.values()) >= low and all(
        f[0] <= high and f[1] - f[0] <= FLOOR_SPREAD for f in water
    )


def _stands_off(values: Mapping[str, Values], stack: Mapping[str, Values], step: float) -> bool:
    """Whether every band differs from the stack by a step, on dark ground and on bright."""
    common = [name for name in values if name in stack]
    if len(common) < LEAST_BANDS:
        return False
    apart = np.stack([values[name] - stack[name] for name in common])
    ground = stack[next(name for name in ("swir16", "nir", *common) if name in common)]
    known = np.asarray(np.isfinite(apart).all(axis=0))
    if not known.any():
        return False
    for_step = np.asarray((np.abs(apart - step) <= LIKE_OFFSET).all(axis=0))
    for_none = np.asarray((np.abs(apart) <= LIKE_OFFSET).all(axis=0))
    bright = ground > np.median(ground[known])
    for half in (known & bright, known & ~bright):
        if not half.any() or for_step[half].mean() < max(VOTES, LEAD * for_none[half].mean()):
            return False
    return True
