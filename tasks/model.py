"""The nouns every part shares: sites and zones, scenes, and what a run was asked to do.

All are frozen: they cross process borders and take part in content hashes. Geometry is
EPSG:4326 (longitude, latitude); times are aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from shapely.geometry.base import BaseGeometry


class ZoneKind(StrEnum):
    """What a zone's ground is used for, which decides what can be measured on it."""

    HARBOUR_WATER = "harbour_water"
    ANCHORAGE = "anchorage"
    BERTH = "berth"
    PIER = "pier"
    CONTAINER_YARD = "container_yard"
    RAIL_YARD = "rail_yard"
    STRUCTURE = "structure"
    """Breakwater, dolphin, island: never a vessel, never measured."""


WATER_KINDS = frozenset({ZoneKind.HARBOUR_WATER, ZoneKind.ANCHORAGE})
"""Kinds in which free-lying vessels are counted."""


@dataclass(frozen=True)
class Zone:
    """One polygon of a site."""

    zone_id: str
    """Unique within the site; ``[A-Za-z0-9._-]``."""

    kind: ZoneKind

    geometry: BaseGeometry
    """EPSG:4326; a Polygon or MultiPolygon, for a structure also a LineString or Point."""

    name: str = ""

    confidence: str = "unknown"
    """Free text beginning with high, medium or low."""

    provenance: str = ""

    length_m: float | None = None
    """Usable quay metres; berths only."""


@dataclass(frozen=True)
class Site:
    """A port or inland depot with its zones."""

    site_id: str

    title: str

    zones: tuple[Zone, ...]

    digest: str
    """SHA-256 of the zones' ids, kinds and geometry: two sites with one digest measure alike."""

    attribution: str = ""

    land: BaseGeometry | None = None
    """Land polygons around the site where they are known, EPSG:4326."""

    @property
    def measured_zones(self) -> tuple[Zone, ...]:
        """Zones that get a row per look: all but structures."""
        return tuple(z for z in self.zones if z.kind is not ZoneKind.STRUCTURE)

    @property
    def water_zones(self) -> tuple[Zone, ...]:
        """Zones in which free-lying vessels are counted."""
        return tuple(z for z in self.zones if z.kind in WATER_KINDS)


Units = Literal["1", "dB", "relative dB", "reflectance", "class"]
"""Linear power, calibrated decibel, decibel with unknown zero and step, surface reflectance (0 to 1
for most ground), or class codes that must never be averaged."""


@dataclass(frozen=True)
class BandAsset:
    """One band of one scene: where its pixels are and what they mean."""

    name: str
    """Common name: ``vv``, ``vh``, ``hh``, ``hv``; ``blue``, ``green``, ``red``, ``nir``, ``swir16``; ``scl``
    for Sentinel-2's scene classes."""

    href: str

    units: Units

    nodata: float | None = None
    """The catalogue's word for "no data"; the file's own tag is used where this is None."""

    scale: float = 1.0
    offset: float = 0.0
    """A pixel means number × scale + offset, in `units`."""

    index: int = 1
    """Number of the band within its file, from 1."""


@dataclass(frozen=True)
class SceneRef:
    """One delivered image product, as the catalogue describes it."""

    scene_id: str
    collection: str

    acquired: datetime
    """Start of the acquisition, aware, UTC."""

    bands: tuple[BandAsset, ...]

    bbox: tuple[float, float, float, float] | None = None
    """West, south, east, north in EPSG:4326; None when the catalogue does not say."""

    platform: str = ""
    orbit: int = 0
    """Relative orbit number; 0 when it is not known."""

    direction: str = ""
    """``ascending``, ``descending`` or empty."""

    tile: str = ""
    """Tile or burst that tells apart products of one acquisition."""

    processing: str = ""
    """Sorts re-deliveries: the greatest is the newest."""

    cloud_cover: float | None = None
    """Percent, as delivered; None for radar."""

    assets: tuple[str, ...] = ()
    """All asset keys of the item, for messages."""

    @property
    def acquisition(self) -> str:
        """Key under which re-deliveries of the same acquisition replace each other."""
        return "|".join((f"{self.acquired:%Y%m%dT%H%M%S}", self.platform, str(self.orbit), self.tile))


@dataclass(frozen=True)
class Rejection:
    """One scene that was left out, and why."""

    scene_id: str
    reason: str

    permanent: bool = True
    """False when a later run should try again by itself."""


@dataclass(frozen=True)
class Request:
    """What a run was asked to do; the one argument of every step."""

    site: Site
    start: date
    end: date
    """Last day, included."""

    catalog: str
    """STAC API, static catalogue or collection, or stac-geoparquet file: path or URL."""

    archive: str
    """Folder that holds one repository per site."""

    out: str
    """Folder that holds one publication per site."""

    collections: tuple[str, ...] = ()
    """Collections to take; empty for all that a static catalogue has."""

    retry_rejected: bool = False
    """Try scenes again that an earlier run found broken."""


@dataclass(frozen=True)
class Plan:
    """What a run would do, known before anything expensive starts."""

    request: Request
    new: tuple[SceneRef, ...]
    """Scenes to ingest, in order of acquisition."""

    known: int
    """Scenes of the request that the archive already holds."""

    rejected: tuple[Rejection, ...] = field(default=())
    """Scenes of the request that stay out: broken now, or found broken earlier."""

    superseded: tuple[str, ...] = field(default=())
    """Re-delivered scene ids for which the catalogue has something newer."""

    stale: bool = False
    """True when the publication does not yet show what the archive holds."""

    @property
    def nothing_to_do(self) -> bool:
        """True when neither archive nor publication would change."""
        return not self.new and not self.stale
