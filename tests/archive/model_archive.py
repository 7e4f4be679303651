"""An archive as plain dictionaries, by the documented rules alone: what the real one must equal."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.errors import SceneError
from tasks.model import BandAsset, SceneRef, pass_id
from tests.archive.cubes import COLLECTION, pixels
from tests.scenes import grid

BOX = grid(0, 0, 16, 40)
BANDS = ("vv", "vh")
COLUMNS = {"": slice(0, 40), "W": slice(0, 23), "E": slice(18, 40)}
"""What each tile of a pass sees of the window; the two of a split pass overlap by five columns."""

MIDNIGHT = datetime(2023, 10, 1, 23, 59, 50, tzinfo=UTC)
"""The eastern tile of a split pass is taken on the next day."""

ORBITS = {61: "sentinel-1a", 7: "sentinel-1a", 0: ""}
"""Satellite of each orbit; an analyst's own folder of images names neither."""

UNKNOWN = 0
"""Orbit of what is compared with nothing: from unknown tracks, ground of another height lies elsewhere."""

ODD = 7.0
"""Power that marks a scene which does not fit its stack."""

UNFIT = "unlike its stack"
FOREIGN = "none of its bands ['hh'] is in the cube"
STACK = 5

Plane = npt.NDArray[Any]
Key = tuple[int, int]
"""Orbit and day: one pass."""

Tile = frozenset[bytes]
"""Pixels of one product, whatever its name."""


def delivery(
    key: Key, tile: str, version: int, bands: Sequence[str], odd: bool, clouds: int | None
) -> SceneRef:
    """One product; everything about its pixels follows from its id."""
    orbit, day = key
    return SceneRef(
        scene_id=f"o{orbit}d{day:02d}{tile}{'odd' if odd else ''}_{version}",
        collection=COLLECTION,
        acquired=MIDNIGHT + timedelta(days=day, hours=orbit, seconds=25 * (tile == "E")),
        bands=tuple(BandAsset(band, f"{band}.tif", "1") for band in bands),
        platform=ORBITS[orbit],
        orbit=orbit,
        direction="descending" if orbit else "",
        tile=tile,
        processing=str(version),
        cloud_cover=clouds,
    )


def delivered(scene: SceneRef) -> dict[str, Plane]:
    """Bands of a scene in its file's numbers: power, with zeros and NaN, NaN beside the tile."""
    columns = COLUMNS[scene.tile]
    planes = {}
    for band in scene.bands:
        plane = np.full(BOX.shape, np.nan, "float32")
        plane[:, columns] = pixels(scene.scene_id, band, BOX)[:, columns]
        if "odd" in scene.scene_id:
            plane[8, 5 if scene.tile != "E" else 35] = ODD
        planes[band.name] = plane
    return planes


def stored(plane: Plane) -> Plane:
    """Power as a cube keeps it: ten bits behind the leading one, what is not above zero is no data."""
    mantissa, exponent = np.frexp(plane.astype("float64"))
    rounded = np.ldexp(np.rint(np.ldexp(mantissa, 11)), exponent - 11)
    with np.errstate(invalid="ignore"):
        return np.where(plane > 0, rounded, np.nan).astype("float32")


def painted(scenes: Sequence[SceneRef]) -> dict[str, Plane]:
    """Tiles painted over one another, the first one last."""
    whole = {band: np.full(BOX.shape, np.nan, "float32") for band in BANDS}
    for scene in reversed(scenes):
        for band, plane in delivered(scene).items():
            mine = stored(plane)
            whole[band][np.isfinite(mine)] = mine[np.isfinite(mine)]
    return whole


@dataclass(frozen=True)
class Held:
    """One pass in the archive."""

    scenes: tuple[SceneRef, ...]
    planes: Mapping[str, Plane]
    compared: bool
    write: str
    """Names the writing: the same scene written again is another object."""

    @property
    def name(self) -> str:
        return pass_id(self.scenes)

    @property
    def seconds(self) -> int:
        return min(int(scene.acquired.timestamp()) for scene in self.scenes)

    @property
    def date(self) -> tuple[bytes, ...]:
        """Its pixels, as the judge is shown them."""
        return tuple(self.planes[band].tobytes() for band in sorted(BANDS))

    @property
    def coordinates(self) -> dict[str, Any]:
        first = self.scenes[0]
        clouds = [s.cloud_cover for s in self.scenes if s.cloud_cover is not None]
        return {
            "time": self.seconds,
            "scene_id": self.name,
            "platform": first.platform,
            "direction": first.direction,
            "processing": " ".join(s.processing for s in self.scenes),
            "deliveries": json.dumps([[s.scene_id, s.acquisition, s.processing] for s in self.scenes]),
            "orbit": first.orbit,
            "cloud_cover": float(np.float32(sum(clouds) / len(clouds))) if clouds else None,
            "valid_share": float(np.float32(np.isfinite(self.planes[first.bands[0].name]).mean())),
            "compared": int(self.compared),
        }


@dataclass(frozen=True)
class Background:
    """One stored background."""

    digest: str
    members: tuple[str, ...]
    planes: Mapping[str, Plane]
    write: str


@dataclass
class Model:
    """One site's archive with one collection."""

    passes: dict[Key, Held] = field(default_factory=dict)
    rejected: dict[str, str] = field(default_factory=dict)
    superseded: dict[str, str] = field(default_factory=dict)
    backgrounds: dict[tuple[datetime, int], Background] = field(default_factory=dict)
    room: int | None = None
    """Slots of the cube; None before there is one."""

    def copy(self) -> Model:
        return replace(
            self,
            passes=dict(self.passes),
            rejected=dict(self.rejected),
            superseded=dict(self.superseded),
            backgrounds=dict(self.backgrounds),
        )

    def in_order(self) -> list[Held]:
        return sorted(self.passes.values(), key=lambda held: (held.seconds, held.name))

    def make_room(self, keys: Iterable[Key]) -> None:
        """Free slots are used before new ones are made; none is ever taken away."""
        self.room = max(self.room or 0, len(self.passes.keys() | set(keys)))

    def ingest(
        self,
        batch: Mapping[Key, Sequence[SceneRef]],
        faults: Mapping[str, SceneError],
        judged: Mapping[Tile, bool],
        rotten: Collection[str],
        tag: str,
    ) -> tuple[list[str], dict[str, tuple[str, bool]], dict[str, str]]:
        """Put passes in; returns the ids written, reasons of what is left out, and what was replaced.

        Parameters
        ----------
        batch, faults
            Tiles of each pass, and which cannot be read.
        judged
            Whether each tile was judged beside a stack: a matter of speed, settled later if not.
        rotten
            Writings that cannot be read back: no stack has them.
        tag
            Names the writing.
        """
        self.make_room(batch)
        written: dict[Key, Held] = {}
        left_out: dict[str, tuple[str, bool]] = {}
        replaced: dict[str, str] = {}
        for key, scenes in batch.items():
            tiles = sorted(scenes, key=lambda s: (s.acquired, s.tile))
            compared = any(judged.get(as_tile(s), False) for s in tiles)
            sound = {k for k, held in self.passes.items() if held.write not in rotten}
            others = {k for k in sound if k[0] == key[0] and k not in batch}
            together = others | {k for k in batch if k[0] == key[0]}
            assert not compared or (len(together) > STACK and key[0] != UNKNOWN)
            assert (
                compared
                or len(others) < STACK
                or key[0] == UNKNOWN
                or not any(as_tile(s) in judged for s in tiles)
            )
            mine = {s.scene_id: f for s in tiles if (f := _fault(s, faults, judged)) is not None}
            left_out |= {scene_id: (str(fault), fault.permanent) for scene_id, fault in mine.items()}
            read = tuple(s for s in tiles if s.scene_id not in mine)
            old = self.passes[key].scenes if key in self.passes else ()
            best = {s.acquisition: (s.processing, s.scene_id) for s in read}
            lost = [s for s in old if best.get(s.acquisition, ("", "")) < (s.processing, s.scene_id)]
            if lost:  # what is there stays: writing it anew would lose something of it
                names = ", ".join(s.scene_id for s in lost)
                reason = (
                    f"its date is archived with {names}, which cannot be read in that or a newer delivery; "
                    "the date stays as it is"
                )
                held = {s.scene_id for s in old}
                left_out |= {s.scene_id: (reason, False) for s in read if s.scene_id not in held}
            if lost or not read:
                continue
            written[key] = Held(read, painted(read), compared, f"{tag}:{key}")
            newest = {s.acquisition: s.scene_id for s in read}
            gone = [s for s in old if s.scene_id not in newest.values()]
            replaced |= {s.scene_id: newest.get(s.acquisition, pass_id(read)) for s in gone}
            replaced |= {listed: s.scene_id for s in read for listed in s.supersedes}
        ids = sorted(s.scene_id for held in written.values() for s in held.scenes)
        self.passes |= written
        self.rejected |= {k: reason for k, (reason, permanent) in left_out.items() if permanent}
        self.rejected = {k: v for k, v in self.rejected.items() if k not in ids}
        self.superseded = {k: v for k, v in (self.superseded | replaced).items() if k not in ids}
        return ids, left_out, replaced

    def never_compared(self, rotten: Collection[str]) -> list[Key]:
        """The passes that can be compared now: where enough sound dates of their orbit have been."""
        settled = [key for key, held in self.passes.items() if held.compared and held.write not in rotten]
        dates = Counter(orbit for orbit, _ in settled if orbit != UNKNOWN)
        return [key for key, held in self.passes.items() if not held.compared and dates[key[0]] >= STACK]

    def compare(self, rotten: Collection[str]) -> dict[str, str]:
        """Take out the early passes that do not fit; returns the reason for each product."""
        gone: dict[str, str] = {}
        for key in self.never_compared(rotten):
            held = self.passes[key]
            if any((plane == ODD).any() for plane in held.planes.values()):
                del self.passes[key]
                gone |= {s.scene_id: UNFIT for s in held.scenes}
            else:
                self.passes[key] = replace(held, compared=True)
        self.rejected |= gone
        return gone


def as_tile(scene: SceneRef) -> Tile:
    """One product as the judge is shown it: its bands that the cube has."""
    return frozenset(stored(plane).tobytes() for band, plane in delivered(scene).items() if band in BANDS)


def _fault(
    scene: SceneRef, faults: Mapping[str, SceneError], judged: Mapping[Tile, bool]
) -> SceneError | None:
    if scene.scene_id in faults:
        return faults[scene.scene_id]
    if scene.bands[0].name not in BANDS:
        return SceneError(FOREIGN)
    if "odd" in scene.scene_id and judged[as_tile(scene)]:
        return SceneError(UNFIT)
    return None
