"""Chips and cards: pictures cut from scenes, and which of them back which claim."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

SITE = "site"
"""What a chip shows that is not about one zone."""


@dataclass(frozen=True)
class Chip:
    """One picture cut from one scene, north up."""

    name: str
    """File name in evidence/, unique."""

    scene_id: str
    acquired: datetime
    """UTC, naive as in the tables."""

    collection: str
    sensor: str
    """``radar`` or ``optical``."""

    pixel_m: float
    """Of the source image."""

    shows: str
    """``site``, or a zone's id."""

    west: float
    south: float
    east: float
    north: float
    """Ground that the picture covers; metres in `epsg`."""

    epsg: int
    width_px: int
    height_px: int
    """Of the file. The ground is its upper (north - south) / (east - west) × `width_px` rows; the rest is the
    strip of facts."""

    caption: str
    """What it shows, and what it does not."""

    attribution: str
    public: bool
    """False: the licence does not let the image be shown in a public bundle."""

    outlines: tuple[tuple[tuple[float, float], ...], ...]
    """Of vessels and stacks, in pixels of the picture from its upper left corner, x to the right, y down."""

    data: bytes
    """WebP (PNG where WebP is not at hand); empty where the picture is left out of a public bundle."""


@dataclass(frozen=True)
class Card:
    """Evidence of one claim: a change, a stay, a voyage, a day."""

    key: str
    """Anchor in the page."""

    title: str
    claim: str
    """The sentence of the page that it backs."""

    chips: tuple[str, ...]
    """Names, in order of time."""

    unknown: str
    """What it does not show."""
