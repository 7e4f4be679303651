"""Bright spots that a radar makes of a bright target: its ghosts along the track, and its cross of sidelobes.

A ghost lies where the sampling along the track folds the spectrum over: at λ · range · PRF / (2 · speed) up
and down the track, some 25 dB weaker and smeared, so it can look like a ship of its own. Sidelobes lie
on the lines of the track and of the look through a target. A real neighbour that happens to lie there is
kept as long as it is not much weaker than the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.science.shapes import Vessel


@dataclass(frozen=True)
class Track:
    """How a radar flew and sampled; the defaults are those of Sentinel-1 IW at mid-swath."""

    heading_deg: float
    """Direction of flight, clockwise from grid north: about 349 ascending and 191 descending at 40° north."""

    wavelength_m: float = 0.0555
    """5.405 GHz."""

    range_m: float = 880_000.0
    """Slant range: 800 km in the near swath, 960 km in the far one."""

    prf_hz: float = 1685.0
    """Pulses per second of one subswath: 1717, 1452 and 1686 in IW1 to IW3."""

    speed_m_s: float = 7590.0
    """Of the satellite."""

    @property
    def ghost_m(self) -> float:
        """Distance of the first ghosts along the track, metres on the ground.

        Examples
        --------
        >>> round(Track(349.0).ghost_m)
        4889
        """
        # From speed in orbit to the speed of the footprint: radius of the Earth over that of the orbit.
        on_ground = 6371.0 / (6371.0 + 693.0)
        return self.wavelength_m * self.range_m * self.prf_hz / (2 * self.speed_m_s) * on_ground


@dataclass(frozen=True)
class ArtefactOptions:
    """When a detection is taken for a trace of a brighter one."""

    ghost_db: float = 15.0
    """By how much the target must be stronger; IW's ambiguities lie 20 to 30 dB below."""

    ghost_px: float = 3.0
    """Pixels by which a ghost may miss its place across the track."""

    ghost_share: float = 0.12
    """And along it, as a share of the distance, where range and PRF of the subswath are not known."""

    lobe_db: float = 20.0
    """The same for sidelobes, of which the first lies 25 dB below."""

    lobe_m: tuple[float, float] = (0.0, 300.0)
    """Where sidelobes show, metres from the target's edge."""

    lobe_px: float = 2.0
    """Pixels by which a sidelobe may lie off its line."""


DEFAULT_ARTEFACTS = ArtefactOptions()


def are_traces(
    vessels: Sequence[Vessel],
    peak_db: npt.NDArray[np.float64],
    track: Track,
    pixel_m: float,
    options: ArtefactOptions = DEFAULT_ARTEFACTS,
) -> npt.NDArray[np.bool_]:
    """Tell which detections are ghosts or sidelobes of another.

    Parameters
    ----------
    vessels
        Detections of one scene.
    peak_db
        Their peaks above the sea, decibels.
    track
        Flight of the satellite.
    pixel_m
        Edge of a pixel on the ground, metres.
    options
        How much weaker, and how near to the predicted place.
    """
    if len(vessels) < 2:
        return np.zeros(len(vessels), bool)
    row, col = (np.array([getattr(v, name) for v in vessels]) for name in ("row", "col"))
    half = np.array([v.length_m for v in vessels]) / 2
    angle = np.radians(track.heading_deg)
    east, north = (np.subtract.outer(c, c) * pixel_m for c in (col, -row))
    along = np.abs(east * np.sin(angle) + north * np.cos(angle))
    across = np.abs(east * np.cos(angle) - north * np.sin(angle))
    weaker = peak_db[None, :] - peak_db[:, None]
    ghost = (across <= options.ghost_px * pixel_m) & (weaker >= options.ghost_db)
    slack = max(options.ghost_px * pixel_m, options.ghost_share * track.ghost_m)
    ghost &= np.abs(along - track.ghost_m) <= slack
    near, far = options.lobe_m
    lobe = weaker >= options.lobe_db
    on_line = np.minimum(along, across) <= options.lobe_px * pixel_m
    gap = np.maximum(along, across) - half[None, :]
    lobe &= on_line & (gap >= near) & (gap <= far)
    return np.asarray((ghost | lobe).any(axis=1))
