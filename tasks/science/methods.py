"""How each kind of image is measured: what is remembered of the site, and what a look tells.

A collection is radar if it has a radar band, else optical. Everything that differs between them in the way
from archived pixels to looks is in these two tables of functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from tasks.model import RADAR_BANDS
from tasks.science.epochs import Epoch, Moment, epochs_of
from tasks.science.optical.clear_epochs import clear_epochs
from tasks.science.optical.looks import DEFAULT_OPTICAL_LOOK, learn_optical, measure_optical, optical_planes
from tasks.science.radar.background import QUANTILE
from tasks.science.radar.looks import DEFAULT_LOOK, learn_radar, measure_scenes, radar_planes
from tasks.science.rows import Measured


@dataclass(frozen=True)
class Method:
    """The way from archived pixels to looks, for one kind of image."""

    epochs: Callable[[Sequence[Moment]], list[Epoch]]
    """Which scenes each background is estimated from."""

    by_orbit: bool
    """Whether every orbit has backgrounds of its own."""

    planes: Callable[[Sequence[str]], Mapping[str, str]]
    """Planes of a background for these bands, and what each is."""

    estimate: Callable[..., Iterator[dict[str, npt.NDArray[np.float32]]]]
    """``(block, epochs, bands, site, box)`` to those planes, ``(y, x)``, of each epoch."""

    measure: Callable[..., Measured]
    """``(block, background, bands, site, box, memory_flag, first)`` to rows of looks, vessels and stacks."""

    recipe: str
    """All settings that decide the result."""


RADAR = Method(
    epochs_of,
    True,
    radar_planes,
    learn_radar,
    measure_scenes,
    f"{QUANTILE}|{asdict(DEFAULT_LOOK)}",
)
OPTICAL = Method(
    clear_epochs, False, optical_planes, learn_optical, measure_optical, f"{asdict(DEFAULT_OPTICAL_LOOK)}"
)


def method_of(bands: Sequence[str]) -> Method:
    """Choose by the bands of a collection."""
    return RADAR if set(RADAR_BANDS) & set(bands) else OPTICAL
