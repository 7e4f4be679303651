"""What a group of bright pixels must be to pass for a ship."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HullOptions:
    """What a group of bright pixels must be to pass for a ship."""

    grow: float = 4.0
    """Significance that a vessel's pixels must have."""

    peak: float = 6.5
    """Significance that its brightest pixel must have, however small it is."""

    wide_peak: float = 5.0
    wide_area_m2: float = 800.0
    """Or this significance, if it has this area above `grow`. Ships of 50 to 120 m with their broadside
    away often reach no more; of what is no ship, nothing came near in 800 km² × dates (none above 400 m²,
    none above 4.5)."""

    cores: tuple[float, ...] = (0.5, 0.6, 0.7, 0.8)
    """Shares of the peak's significance at which a vessel is measured: the first at which it is no larger
    than a ship. Half way down its flank in decibels, whatever the scale; higher for very bright
    ships, which bloom and grow crosses of sidelobes (at `grow` itself half of Latakia's did)."""

    scattered: float = 0.5
    """A streak is bright in many places, a ship in one: pixels at core level outside the core, per pixel
    of the core, from which a group is a streak or a front."""

    min_area_m2: float = 400.0

    min_length_m: float = 25.0
    """Nothing shorter is claimed at a resolution of 20 m; what measures less is the edge of a masked
    scatterer (25 of 420 detections in Latakia's basin, none of 112 in its roads)."""

    max_length_m: float = 450.0
    max_width_m: float = 110.0
    """Longest ship 400 m, widest 66 m, plus the blur of the image."""

    raft_width_m: float = 80.0
    """A group wider than this is more than one ship, or none."""

    raft_length_m: float = 600.0
    """A group longer than this is not taken apart: it hangs together by sidelobes, not by hulls."""

    prominence: float = 1.0
    """Significance by which each ship of a raft must rise above the saddle between them."""

    blur_m: float = 20.0
    """Resolution cell, taken off measured extents."""


DEFAULT_HULLS = HullOptions()
