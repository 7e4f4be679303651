"""The nouns every part shares: sites and zones, scenes, and what a run was asked to do.

All are frozen: they cross process borders and take part in content hashes. Geometry is
EPSG:4326 (longitude, latitude); times are aware UTC.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
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


UTILISATION_WEIGHTS = {"berths": 0.5, "yards": 0.3, "rails": 0.2}
"""Parts of the combined utilisation index where a site file does not weigh them: ships are the surest seen,
and in most scenes; tracks the least, and only in fine images."""


@dataclass(frozen=True)
class Event:
    """Something dated that readers of a site's series know of, from a report and not from images."""

    on: date

    title: str

    source: str
    """Whose report."""


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

    weights: Mapping[str, float] = field(default_factory=lambda: dict(UTILISATION_WEIGHTS), hash=False)
    """Weight of each part of the combined utilisation index, all names of `UTILISATION_WEIGHTS`. Only their
    ratios matter; they change no mask, so they do not enter the digest. Not to be written to."""

    events: tuple[Event, ...] = ()
    """In order of time; they are shown, and change no measure."""

    @property
    def said(self) -> str:
        """SHA-256 of what is published of the site besides its zones: title, credit, weights and events."""
        told = (self.title, self.attribution, sorted(self.weights.items()), self.events)
        return hashlib.sha256(repr(told).encode()).hexdigest()

    @property
    def measured_zones(self) -> tuple[Zone, ...]:
        """Zones that get a row per look: all but structures."""
        return tuple(z for z in self.zones if z.kind is not ZoneKind.STRUCTURE)

    @property
    def water_zones(self) -> tuple[Zone, ...]:
        """Zones in which free-lying vessels are counted."""
        return tuple(z for z in self.zones if z.kind in WATER_KINDS)


RADAR_BANDS = ("vv", "vh", "hh", "hv")
"""Common names of radar's bands; an image that has one is radar, any other is optical."""

Units = Literal["1", "dB", "relative dB", "reflectance", "class"]
"""Linear power, calibrated decibel, decibel with unknown zero and step, surface reflectance (0 to 1
for most ground), or class codes that must never be averaged."""


@dataclass(frozen=True)
class Claim:
    """What a catalogue says of the grid and type of a band's file; None where it does not say.

    The file is held against it when it is opened: an item that describes another file is not believed.
    """

    crs: str | None = None
    """As the catalogue spells it: ``EPSG:32652``."""

    transform: tuple[float, ...] | None = None
    """Six numbers in affine order (a, b, c, d, e, f): x = a·col + b·row + c, y = d·col + e·row + f."""

    shape: tuple[int, int] | None = None
    """Rows, columns."""

    dtype: str | None = None
    """NumPy's name of the pixel's type: ``uint16``."""


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

    claim: Claim = Claim()
    """What the catalogue says the file is."""


@dataclass(frozen=True)
class Rights:
    """What a catalogue says of who may use its images and whom to credit; empty where it says nothing."""

    licence: str = ""
    """SPDX identifier, or STAC's ``proprietary``, ``other`` or ``various``; several joined by ``; ``."""

    credit: str = ""
    """Those who made and license the images, joined by commas."""


def rights_together(some: Iterable[Rights]) -> Rights:
    """Join what is said of several images: all licences hold."""
    told = set(some)
    licences = {one.licence for one in told if one.licence}
    names = {name for one in told for name in one.credit.split(", ") if name}
    return Rights("; ".join(sorted(licences)), ", ".join(sorted(names)))


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

    supersedes: tuple[str, ...] = ()
    """Ids of older deliveries of the same acquisition that the catalogue still lists."""

    older: tuple[SceneRef, ...] = ()
    """Those deliveries, the newest first: an older one that can be read is better than none."""

    rights: Rights = Rights()

    @property
    def acquisition(self) -> str:
        """Key under which re-deliveries of the same acquisition replace each other."""
        return "|".join((f"{self.acquired:%Y%m%dT%H%M%S}", self.platform, str(self.orbit), self.tile))

    @property
    def delivery(self) -> Delivery:
        """What the archive remembers of it."""
        return Delivery(self.scene_id, self.acquisition, self.processing)


@dataclass(frozen=True, order=True)
class Delivery:
    """One product as the archive remembers it."""

    scene_id: str
    acquisition: str
    processing: str


def newest_outside(scene: SceneRef, refused: Container[str]) -> SceneRef | None:
    """Give a scene, or the newest older delivery of it, whose id is not refused; None if all are."""
    return next((one for one in (scene, *scene.older) if one.scene_id not in refused), None)


Pass = tuple[SceneRef, ...]
"""Scenes of one collection that one satellite took on one pass: tiles of one picture, in a fixed order."""

PASS_GAP = timedelta(minutes=2)
"""Time between neighbouring tiles of a pass. Slices of Sentinel-1 begin 25 s apart, tiles of Sentinel-2 15 s,
bursts 3 s; the same orbit comes again after days, two images on order of one place after minutes."""


def passes_of(scenes: Iterable[SceneRef]) -> list[Pass]:
    """Group scenes into passes, in order of time.

    Scenes belong together if collection, satellite and orbit are the same and each begins at most `PASS_GAP`
    after the one before. Where the catalogue does not name the satellite, every scene stands for itself.
    """
    ordered = sorted(scenes, key=lambda s: (s.collection, s.platform, s.orbit, s.acquired, s.scene_id))
    groups: list[list[SceneRef]] = [[scene] for scene in ordered[:1]]
    for before, scene in pairwise(ordered):
        if same_pass(before, scene):
            groups[-1].append(scene)
        else:
            groups.append([scene])
    grouped = [tuple(sorted(g, key=lambda s: (s.acquisition, s.scene_id))) for g in groups]
    return sorted(grouped, key=lambda p: (p[0].acquired, p[0].collection, pass_id(p)))


def same_pass(one: SceneRef, other: SceneRef) -> bool:
    """Tell whether two scenes are tiles of one pass."""
    return (
        bool(one.platform)
        and (one.collection, one.platform, one.orbit) == (other.collection, other.platform, other.orbit)
        and abs(one.acquired - other.acquired) <= PASS_GAP
    )


def pass_id(scenes: Pass) -> str:
    """Name a pass: the id of its scene, or of all its tiles joined by ``+``."""
    return "+".join(scene.scene_id for scene in scenes)


@dataclass(frozen=True)
class Rejection:
    """One scene that was left out, and why."""

    scene_id: str
    reason: str

    permanent: bool = True
    """False when a later run should try again by itself."""

    bare: bool = False
    """True when it is not broken but shows nothing of the site: a tile beside it, or the edge of a swath."""


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

    repair: bool = False
    """Read the archive back first, and fetch again what is damaged."""

    public: bool = False
    """Leave pictures out of the publication whose licence does not let everybody see them."""


@dataclass(frozen=True)
class Plan:
    """What a run would do, known before anything expensive starts."""

    request: Request
    new: tuple[SceneRef, ...]
    """Scenes to ingest, in order of acquisition; a pass of several tiles comes whole."""

    known: int
    """Scenes of the request that the archive already holds."""

    rejected: tuple[Rejection, ...] = field(default=())
    """Scenes of the request that stay out: broken now, or found broken earlier."""

    superseded: tuple[str, ...] = field(default=())
    """Re-delivered scene ids for which the catalogue has something newer."""

    stale: bool = False
    """True when the publication does not yet show what the archive holds."""

    damaged_backgrounds: tuple[tuple[str, str], ...] = field(default=())
    """Collection and name of stored backgrounds that a repair has found damaged."""

    @property
    def nothing_to_do(self) -> bool:
        """True when neither archive nor publication would change."""
        return not self.new and not self.stale
