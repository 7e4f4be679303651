"""What may be a vessel on the water: a part of a scene, groups of bright pixels in it, and what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scipy import ndimage

from tasks.science.optical.blocks import Window
from tasks.science.optical.hulls import DEFAULT_HULLS, HullOptions
from tasks.science.optical.nearby import DEFAULT_NEARBY, NearbyOptions
from tasks.science.optical.water import Mask, Plane, sharpest
from tasks.science.shapes import EIGHT, Vessel


@dataclass(frozen=True)
class AfloatOptions:
    """What counts as a vessel with water around it."""

    hull: HullOptions = DEFAULT_HULLS

    nearby: NearbyOptions = DEFAULT_NEARBY

    grow: float = 4.0
    """Spreads above the water that a vessel's pixels have."""

    peak: float = 6.5
    """Spreads that its brightest pixel has, in the infrared and another band at once."""

    min_height: float = 0.5
    """Contrast of its brightest pixel by that of the land's edge: haze dims both alike."""

    min_area_m2: float = 250.0
    """Pixels, each as far as it is land-like, that it fills."""

    foam_red: float = 1.05
    """Red by near infrared, above which a group may be foam,"""

    foam_short: float = 0.5
    """if its short-wave infrared is less than this share of the near: hulls have 0.5 to 1.2, tugs' wakes in
    Port Hedland 0.2 to 0.4;"""

    foam_red_alone: float = 1.2
    """or, without short-wave infrared, if red is as far above."""

    head: float = 0.75
    """Share of the brightest infrared that a hull has before its own foam."""

    twin: float = 0.9
    """The same of a second hull in one foam: tugs run side by side."""

    red_edge: float = 2.0
    """Near infrared by red, above which leaves grow there."""

    red_edge_above_water: float = 3.0
    """The same of what both have above the water: haze hides leaves from the other."""

    min_length_px: float = 3.1
    """Nothing shorter can be told from a point: a boat of one pixel, blurred, measures two to three."""

    min_length_unknown_px: float = 4.0
    """The same where no site says that there is water: a point of three pixels is as often a buoy, a
    beacon, a dolphin or a rock,"""

    min_filled_px: float = 15.0
    """unless it fills so many pixels: at half its height a very bright hull is shorter than it is."""

    min_length_m: float = 18.0
    max_length_m: float = 420.0
    max_width_m: float = 80.0
    """Longest ship 400 m, widest 66 m, and a pixel."""

    min_elongation: float = 1.8

    min_elongation_resolved: float = 2.5
    """The same of what is wider than two pixels and has no foam about it: platforms, pontoons, islets."""

    max_elongation: float = 11.0
    """Ships are five to nine times as long as wide; breakwaters, booms and the edges of quays are longer."""

    slim_from_px: float = 12.0
    """Length from which a width is known well enough to say so."""

    shoal_spreads: float = 3.0
    """Spreads above the open water at which the water around a group is shallow, foam or a cloud's edge,"""

    shoal_share: float = 0.3
    """if it is this share of the group's own contrast besides."""

    restless: float = 0.25
    """Standard deviation of the water around a group, by its own contrast, above which it is a streak of
    silt, foam or haze among others (labelled ships in silty Klang and hazy Cartagena have up to 0.22),"""

    restless_reach_m: float = 120.0
    """in this distance."""

    shore_m: float = 60.0
    """Nearer to land, a small group may be a groyne, a jetty's head or surf,"""

    min_length_at_shore_m: float = 65.0
    min_height_at_shore: float = 1.5
    """so it must be as long, and this much brighter than the land's edge."""

    fairway_m: float = 50.0
    """Distance from land that the water within `fairway_reach_m` must have somewhere."""

    fairway_reach_m: float = 200.0


DEFAULT_AFLOAT = AfloatOptions()


@dataclass(frozen=True)
class Part:
    """One part of a scene; all planes ``(y, x)``."""

    planes: Mapping[str, Plane]
    """Reflectance by band; NaN where not seen."""

    level: Mapping[str, Plane]
    spread: Mapping[str, Plane]
    """The open water's, by band, reflectance."""

    body: Mask
    """The water body, without the ships."""

    sea: Mask
    """Water of a basin that ships can come to."""

    solid: Mask
    """Land, as far as it is known or too large for a ship."""

    rise: Plane
    """Contrast of the water's edge in the sharpest band, reflectance."""

    shore_m: Plane
    """Distance to land."""

    frame: tuple[tuple[bool, ...], ...]
    """Whether the scene goes on before and after, by axis: at its own edge a ship is cut."""

    empty: tuple[Mapping[str, Plane], Mapping[str, Plane]] | None = None
    """Level and spread of the empty place, by band; NaN where it is not known."""


@dataclass(frozen=True)
class Found:
    """A vessel, or what was refused and why."""

    vessel: Vessel
    refused: str = ""


@dataclass(frozen=True)
class Group:
    """Bright pixels that hang together, with a margin around them; planes ``(y, x)`` of its box."""

    box: Window
    inside: Mask
    contrast: Mapping[str, Plane]
    """Reflectance above the water, by band."""

    foam: bool = False

    @property
    def sharp(self) -> Plane:
        """Contrast in the sharpest band."""
        return self.contrast[sharpest(self.contrast)]

    def flux(self, band: str) -> float:
        """Sum the contrast of the group and what it blurs into."""
        return float(self.contrast[band][ndimage.binary_dilation(self.inside, EIGHT)].sum())

    def has(self, *bands: str) -> bool:
        """Say whether all of these bands are there."""
        return all(band in self.contrast for band in bands)
