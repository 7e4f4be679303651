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

    heights_db: tuple[float, ...] = (6.0, 4.0, 2.5)
    """Decibels under a group's peak at which it is measured: the first at which it is no larger than a
    ship. Half the peak's amplitude; higher for what blooms in a saturated picture."""

    cores: tuple[float, ...] = (0.5, 0.6, 0.7, 0.8)
    """Shares of the peak's significance at one of which a group must look like a ship: what hangs together
    with the peak no larger than one, and little apart from it. Half way down its flank in decibels, whatever
    the scale; higher for very bright ships, which grow crosses of sidelobes."""

    scattered: float = 0.5
    """A streak is bright in many places, a ship in one: pixels at that height apart from the peak's, per
    pixel that hangs together with it, from which a group is a streak or a front."""

    min_area_m2: float = 400.0

    min_length_m: float = 35.0
    """Nothing shorter is claimed at a resolution of 20 m; what measures less is the edge of a masked
    scatterer or a single point, which measures 25 to 35 m."""

    max_length_m: float = 450.0
    max_width_m: float = 110.0
    """Longest ship 400 m, widest 66 m, plus the blur of the image."""

    bloom_m: float = 9.0
    """By how much the box at half amplitude is longer than the ship (simulated: 5 to 10 m)."""

    blur_sd_m: float = 9.2
    """Standard deviation of the response, averaging and threshold together, across a hull."""

    length_sd_px: float = 1.3
    length_sd_share: float = 0.05
    width_sd_px: float = 0.9
    """Standard errors, pixels and share of the length. Two thirds of ships of 50 to 300 m lie within them in
    images of two simulators that know nothing of one another."""

    raft_width_m: float = 80.0
    """A group wider than this is more than one ship, or none."""

    raft_length_m: float = 600.0
    """A group longer than this is not taken apart: it hangs together by sidelobes, not by hulls."""

    prominence: float = 1.0
    """Significance by which each ship of a raft must rise above the saddle between them."""

    abreast: float = 0.33
    abreast_length_m: float = 80.0
    abreast_width_m: float = 38.0
    """Width over length from which a long and wide group is ships abreast: of ships over 80 m hardly one in
    a thousand is wider than a quarter of its length. Two of 120 m measure 43 m together at 25 m from keel to
    keel, one 19 m."""

    abreast_peak: float = 12.0
    abreast_fill: float = 0.65
    """Only what is bright, and fills its box, is halved: a crooked group is a quay's, not a raft."""

    astern: float = 8.5
    """Length over the greatest likely width from which a group is ships bow to stern: no ship is as slim."""

    dip_db: float = 2.0
    """And how far the brightness must fall between them."""

    broken_length_m: float = 250.0
    """No longer ship is put together from parts."""

    broken_gap_m: float = 60.0
    """Two compact groups in line, as near as this, are the bright ends of one ship."""


DEFAULT_HULLS = HullOptions()
