"""What a site's repository holds, without its pixels; light enough for the planning step."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from math import isnan
from typing import Any

from tasks.archive.damage import DAMAGE, DamagedError, first_line
from tasks.archive.schema import bands_of, check_layout, rights_of
from tasks.archive.storage import remove
from tasks.archive.store import ArchiveRef, alone, exists, history, lock_path, open_root, read_session
from tasks.model import PASS_GAP, Delivery, Pass, Rights

INGESTED = "ingest "
"""How the message of a commit begins that brought scenes."""

LEDGER_COLUMNS = ("scene_id", "time", "orbit", "platform", "processing", "deliveries", "cloud_cover")


@dataclass(frozen=True)
class ArchivedScene:
    """One filled slot of a cube: a pass, of one product or of several tiles."""

    scene_id: str
    collection: str
    acquired: datetime
    orbit: int
    slot: int
    processing: str
    platform: str = ""
    listed: str = "[]"
    """Its products as the archive lists them, JSON."""

    cloud_cover: float | None = None
    """Percent, as delivered; None for radar and where nobody tells."""

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """Products of the pass; read when asked for, as of most dates nobody asks."""
        return tuple(Delivery(*fields) for fields in json.loads(self.listed))


@dataclass(frozen=True)
class Ledger:
    """What a site's repository holds."""

    snapshot: str | None = None
    """Snapshot id; None while there is no repository."""

    scenes: tuple[ArchivedScene, ...] = ()
    """In order of time, collection, id."""

    rejected: dict[str, str] = field(default_factory=dict)
    """Scene id to the reason for which it stays out."""

    bare: dict[str, str] = field(default_factory=dict)
    """Scene id to what tells that it shows nothing of the site; not broken, and not asked for again."""

    superseded: dict[str, str] = field(default_factory=dict)
    """Replaced scene id to the id that took its place."""

    bands: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Bands of each collection's cube."""

    rights: dict[str, Rights] = field(default_factory=dict)
    """Who may use each collection's images."""

    def of(self, collection: str) -> tuple[ArchivedScene, ...]:
        """Scenes of one collection, in order of time."""
        return tuple(s for s in self.scenes if s.collection == collection)

    @property
    def collections(self) -> tuple[str, ...]:
        """Collections that hold a scene."""
        return tuple(sorted({s.collection for s in self.scenes}))


def read_ledger(ref: ArchiveRef, snapshot: str | None = None) -> Ledger:
    """List what is in a site's repository; an empty ledger if there is none."""
    if not exists(ref):
        return Ledger()
    session = read_session(ref, snapshot)
    root = open_root(ref, session)
    if root is None:  # killed between making the repository and its first commit
        return Ledger()
    scenes: list[ArchivedScene] = []
    bands, rights = {}, {}
    for name, cube in root.groups():
        scenes.extend(scenes_of(name, cube))
        bands[name] = tuple(bands_of(cube))
        rights[name] = rights_of(cube)
    scenes.sort(key=lambda s: (s.acquired, s.collection, s.scene_id))
    lists = (note(root, "rejected"), note(root, "bare"), note(root, "superseded"))
    return Ledger(str(session.snapshot_id), tuple(scenes), *lists, bands, rights)


def remove_if_empty(ref: ArchiveRef) -> None:
    """Take away a local repository that never got a scene, so a failed first run leaves nothing.

    One that had scenes once stays, whatever is the matter with it; so does one in an object store, where
    nothing would keep a rival from filling it meanwhile.
    """
    if ref.place.local is None or not exists(ref):
        return
    with alone(ref):
        if read_ledger(ref).scenes or any(s.message.startswith(INGESTED) for s in history(ref)):
            return
        remove(ref.place)
        lock_path(ref).unlink(missing_ok=True)
        if not any(ref.root.iterdir()):
            ref.root.rmdir()


def scenes_of(collection: str, cube: Any) -> Iterator[ArchivedScene]:
    """List the filled slots of an open cube."""
    check_layout(collection, cube)
    try:
        columns = [cube[k][:].tolist() for k in LEDGER_COLUMNS]
    except DAMAGE as fault:
        raise DamagedError(
            f"the coordinates of {collection} are damaged in the archive ({first_line(fault)}); an earlier "
            "state may be whole (`roadstead status --as-of`), else gather the period into a new archive"
        ) from fault
    for slot, (scene_id, seconds, orbit, platform, processing, deliveries, cloud) in enumerate(
        zip(*columns, strict=True)
    ):
        if scene_id:
            acquired = datetime.fromtimestamp(seconds, UTC)
            told = (processing, platform, deliveries, None if isnan(cloud) else cloud)
            yield ArchivedScene(scene_id, collection, acquired, orbit, slot, *told)


def match_passes(passes: Sequence[Pass], archived: Sequence[ArchivedScene]) -> dict[int, ArchivedScene]:
    """Find the passes that have a slot already, by their number in the list; no slot is given twice.

    A pass has the slot that holds a delivery of one of its acquisitions, or else one of the same
    satellite and orbit at most `PASS_GAP` from it: other tiles of it.
    """
    days: dict[date, list[ArchivedScene]] = defaultdict(list)
    for one in archived:
        days[one.acquired.date()].append(one)
    found: dict[int, ArchivedScene] = {}
    given: set[int] = set()
    for k, scenes in enumerate(passes):
        near = {(s.acquired + gap).date() for s in scenes for gap in (-PASS_GAP, PASS_GAP)}
        rivals = [a for day in sorted(near) for a in days[day] if a.slot not in given]
        best = min(rivals, key=lambda a: _kinship(scenes, a), default=None)
        if best is not None and _kinship(scenes, best) < STRANGER:
            found[k] = best
            given.add(best.slot)
    return found


STRANGER = 2


def _kinship(scenes: Pass, archived: ArchivedScene) -> int:
    """Tell what an archived pass is to one of the catalogue: 0 the same product, 1 a tile beside it."""
    if {s.acquisition for s in scenes} & {d.acquisition for d in archived.deliveries}:
        return 0
    first = scenes[0]
    beside = (
        bool(first.platform)
        and (first.platform, first.orbit) == (archived.platform, archived.orbit)
        and any(abs(s.acquired - archived.acquired) <= PASS_GAP for s in scenes)
    )
    return 1 if beside else STRANGER


def outdated(scenes: Pass, archived: ArchivedScene) -> bool:
    """Tell whether the catalogue has more of an archived pass, or something newer."""
    stored = {d.acquisition: (d.processing, d.scene_id) for d in archived.deliveries}
    return any(
        s.acquisition not in stored or (s.processing, s.scene_id) > stored[s.acquisition] for s in scenes
    )


def note(root: Any, name: str) -> dict[str, str]:
    """Read one of the lists kept in the root's attributes: ``rejected``, ``bare`` or ``superseded``."""
    found: dict[str, str] = json.loads(str(root.attrs.get(name, "{}")))
    return found


def write_note(root: Any, name: str, entries: dict[str, str]) -> None:
    """Write one of those lists, unless it says so already."""
    if entries != note(root, name):
        root.attrs[name] = json.dumps(entries, sort_keys=True)
