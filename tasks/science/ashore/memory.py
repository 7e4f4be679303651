"""What is remembered of a site's ground ashore, by the size of the pixel.

At 5 m and finer, the colour of bare yards and tracks and its spread, by which stacks and trains are
outlined; above, the scale on which a yard's fill is a level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tasks.model import ZoneKind
from tasks.science.ashore.bare import learn_bare, steady_ground
from tasks.science.ashore.colour_cover import ColourCover
from tasks.science.ashore.echo_cover import EchoCover
from tasks.science.ashore.fill import learn_levels
from tasks.science.ashore.stacks import COARSEST_M, LaidYard, lay_yards
from tasks.science.ashore.steady import ground_near, yards_of
from tasks.science.zones import Layers

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

ECHO, COLOUR = EchoCover(), ColourCover()


@dataclass(frozen=True)
class Ashore:
    """Ground ashore on a grid."""

    layers: Layers

    where: Mask
    """``(y, x)`` all that is remembered."""

    steady: Mask
    """``(y, x)`` of it, ground on which nothing is set down."""

    fine: bool
    """Whether single stacks and trains can be told."""


@dataclass(frozen=True, eq=False)
class Remembered:
    """Ground ashore and one background of it, for all scenes that are measured against that."""

    ashore: Ashore

    planes: Mapping[str, Plane]
    """What `learn_ashore` found, ``(y, x)``."""

    @cached_property
    def yards(self) -> list[LaidYard]:
        """Container yards, laid straight once for all scenes."""
        layers = self.ashore.layers
        plots = [plot for plot in layers.plots if plot.kind is ZoneKind.CONTAINER_YARD]
        return lay_yards(self.planes, plots, layers.box)


def ground_ashore(layers: Layers, *, radar: bool) -> Ashore | None:
    """Draw the ground that yards and tracks are measured on; None for a site without any."""
    if not layers.plots:
        return None
    if radar or layers.pixel_m > COARSEST_M:
        return Ashore(layers, *ground_near(layers.plots, layers.land, layers.pixel_m), fine=False)
    steady = steady_ground(yards_of(layers.plots, layers.land.shape), layers.land)
    return Ashore(layers, layers.ashore, layers.ashore & steady, fine=True)


def cover_planes(bands: Sequence[str], *, radar: bool) -> dict[str, str]:
    """Planes of a background that hold the scales of levels, and what each is."""
    planes = {f"bare_{band}": f"{band} of bare yards and of steady ground near by" for band in bands}
    if not radar:
        planes |= {f"bare_{band}_spread": f"spread of it between dates, {band}" for band in bands}
    return planes | {
        "steady": "1 on the ground that brings dates to one light",
        "yard_low": "mean cover of the yard on its emptiest dates",
        "yard_high": "mean cover of the yard on its fullest dates",
    }


def learn_ashore(columns: Mapping[str, Plane], ashore: Ashore, *, radar: bool) -> dict[str, Plane]:
    """Learn what ground ashore looks like with nothing on it.

    Parameters
    ----------
    columns
        Each band, ``(time, pixel)`` of the pixels of `Ashore.where`: reflectance or decibels; NaN where not
        seen.
    ashore
        Of the grid.
    radar
        Whether the columns are decibels.

    Returns
    -------
    dict
        ``(y, x)`` float32: each band and its spread where single goods can be told, else `cover_planes`.
    """
    where, layers = ashore.where, ashore.layers
    if not ashore.fine:
        cover = ECHO if radar else COLOUR
        return learn_levels(columns, where, ashore.steady, layers.plots, layers.pixel_m, cover)
    planes = {}
    for name, column in learn_bare(columns, ashore.steady[where]).items():
        planes[name] = np.full(where.shape, np.nan, np.float32)
        planes[name][where] = column
    return planes
