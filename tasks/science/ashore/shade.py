"""What a shadow does to ground, and what is left of a difference when a shadow is allowed for.

A shadow takes the sun and leaves the sky: every band loses, the longer the wavelength the more. A pixel
partly in shadow lies on the line between the two. So the distance from that line, in spreads, tells goods
from shadow, and falls evenly to nothing across an edge between goods and either ground.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float32]

SKY = {"blue": 0.34, "green": 0.26, "red": 0.2, "nir": 0.12}
"""Share of full light that the sky gives in a shadow, by band: direct and diffuse irradiance under a clear
sky at middle latitudes, rounded."""

UNSURE = 0.15
"""Of the light lost, how much a sky differs from that: haze, walls, a low sun."""


def lost_in_shade(ground: Mapping[str, Values]) -> dict[str, Values]:
    """Tell what full shadow takes from ground, by band: differences below zero."""
    return {band: -(1 - np.float32(SKY[band])) * np.maximum(level, 0) for band, level in ground.items()}


def share_of(
    goods: Mapping[str, Values],
    difference: Mapping[str, Values],
    lost: Mapping[str, Values],
    spread: Mapping[str, Values],
) -> Values:
    """Unmix pixels of an edge into goods, ground in the sun and ground in the shade.

    Parameters
    ----------
    goods
        How goods differ from the ground, by band.
    difference
        How the pixel does.
    lost
        Of `lost_in_shade`.
    spread
        Of bare ground.

    Returns
    -------
    numpy.ndarray
        Share of goods that fits best, any number; not below zero is the share of shade.
    """
    gg, gd, gs, ss, sd = (
        sum(a[b] * c[b] / spread[b] ** 2 for b in difference)
        for a, c in ((goods, goods), (goods, difference), (goods, lost), (lost, lost), (lost, difference))
    )
    # A ridge of one spread: goods of the colour of shade share with it instead of trading for it.
    both = (gg + 1) * (ss + 1) - gs**2
    shade = ((gg + 1) * sd - gs * gd) / both
    with_shade = ((ss + 1) * gd - gs * sd) / both
    return np.asarray(np.where(shade > 0, with_shade, gd / (gg + 1)), np.float32)


def off_shadow(
    difference: Mapping[str, Values], ground: Mapping[str, Values], spread: Mapping[str, Values]
) -> tuple[Values, Values]:
    """Measure how far pixels are from bare ground in sun or shade.

    Parameters
    ----------
    difference
        Of what is shown from the ground in this light, by band.
    ground
        The ground in this light.
    spread
        Of bare ground about that.

    Returns
    -------
    distance, shade
        Root mean square over the bands, in spreads; and the share of shadow that fits best, 0 to 1.
    """
    lost = lost_in_shade(ground)
    down = sum(difference[b] * lost[b] / spread[b] ** 2 for b in difference)
    full = sum(lost[b] ** 2 / spread[b] ** 2 for b in difference)
    shade = np.clip(down / np.maximum(full, 1e-12), 0, 1)
    square = sum(
        (difference[b] - shade * lost[b]) ** 2 / (spread[b] ** 2 + (UNSURE * shade * lost[b]) ** 2)
        for b in difference
    )
    distance = np.sqrt(np.asarray(square) / max(len(difference), 1))
    return np.asarray(distance, np.float32), np.asarray(shade, np.float32)
