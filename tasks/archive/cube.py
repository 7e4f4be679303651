"""Fill a cube: a batch of passes in one transaction.

A batch is two commits: the first makes room (free slots, invisible to readers), the second fills
it. Workers get forks of the session between the two, each writing whole shards of its own; the
committer alone writes coordinates. Killed anywhere, the archive is at the last commit and the
free slots are used by the next run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox

from tasks.archive.ledger import ArchivedScene, match_passes, note, scenes_of, write_note
from tasks.archive.numbers import conform, is_data, mosaic
from tasks.archive.reading import read_plane
from tasks.archive.schema import (
    COORDINATES,
    band_arrays,
    bands_of,
    box_of,
    create_cube,
    open_group,
    stored_assets,
)
from tasks.archive.shards import write_plane
from tasks.archive.store import ArchiveRef, transact
from tasks.errors import SceneError
from tasks.model import BandAsset, Delivery, Pass, Rejection, SceneRef, pass_id, passes_of

Planes = dict[str, npt.NDArray[Any]]

PASSES_PER_JOB = 4
"""Passes that one worker reads and writes in one go: 0.3 to 3 s of work, so a scheduler keeps up."""

STACK = 5
"""Dates whose median new passes are compared with, no fewer: two displaced among them do no harm."""


class Source(Protocol):
    """Where pixels come from and who judges them; crosses process borders."""

    def read(self, scenes: Sequence[SceneRef], box: GeoBox) -> Iterator[tuple[SceneRef, Planes | SceneError]]:
        """Read every band of every scene on a grid, in order; what fails comes as its error."""
        ...

    def compared(self, bands: Sequence[BandAsset]) -> list[str]:
        """Name the bands in which passes are compared with other dates."""
        ...

    def reference(self, dates: Sequence[Planes], bands: Sequence[BandAsset]) -> Any:
        """Prepare what new passes are compared with from those bands of a few dates of the same orbit."""
        ...

    def inspect(self, planes: Planes, bands: Sequence[BandAsset], reference: Any) -> None:
        """Judge a scene in the archive's numbers; raises SceneError if it is not fit."""
        ...


@dataclass(frozen=True)
class CubeSpec:
    """What a new cube looks like, taken from the first readable scene."""

    box: GeoBox

    bands: Mapping[str, tuple[str, str]]
    """Band name to (dtype, units)."""


@dataclass(frozen=True)
class Ingested:
    """What became of one batch."""

    written: tuple[str, ...]
    rejected: tuple[Rejection, ...]
    superseded: tuple[str, ...]
    snapshot: str


@dataclass(frozen=True)
class Slot:
    """Where a pass goes."""

    number: int
    scenes: Pass
    before: tuple[Delivery, ...] = ()
    """What the slot holds now."""

    @property
    def orbit(self) -> int:
        """Relative orbit of the pass."""
        return self.scenes[0].orbit


@dataclass(frozen=True)
class Written:
    """One pass that a worker has put into its slot."""

    slot: Slot
    scenes: Pass
    """Those of its tiles that could be read."""

    valid_share: float
    compared: bool
    """Whether there was a stack to compare it with."""


def add_scenes(
    ref: ArchiveRef,
    collection: str,
    scenes: Sequence[SceneRef],
    spec: CubeSpec,
    source: Source,
    executor: Executor,
    *,
    rejected: Sequence[Rejection] = (),
    advance: Callable[[int], None] = lambda _: None,
) -> Ingested:
    """Put a batch of scenes into a site's cube: all that can be read, in one transaction.

    Harmless to repeat: a pass that is there already takes the same slot, and the newest delivery wins.

    Parameters
    ----------
    ref, collection
        Which cube; made from `spec` if it is not there yet.
    scenes
        The batch; tiles of one pass are mosaicked into one date.
    spec
        Grid and bands of a new cube; an existing cube keeps its own.
    source
        Reads and judges; runs on the executor's workers.
    executor
        Threads or a Dask cluster's.
    rejected
        Scenes of the batch that are already known to be unusable; recorded with those found here.
    advance
        Called with the number of scenes that are read.
    """

    def work(repository: Any) -> Ingested:
        slots, archived = _make_room(repository, collection, scenes, spec)
        session = repository.writable_session("main")
        cube = open_group(session.store, mode="a", path=collection)
        references = _references(ref, cube, archived, slots, source)
        written, left_out = _fill(session, collection, slots, source, references, executor, advance)
        left_out = [*rejected, *left_out]
        _write_coordinates(cube, written)
        superseded = _superseded(written)
        record(session, left_out, superseded, cleared=[s.scene_id for w in written for s in w.scenes])
        ids = tuple(sorted(s.scene_id for w in written for s in w.scenes))
        snapshot = session.snapshot_id
        if session.has_uncommitted_changes:  # nothing changes when every scene failed for the moment only
            message = f"ingest {len(ids)} scenes of {collection}"
            snapshot = session.commit(message, metadata={"items": list(ids)})
        return Ingested(ids, tuple(left_out), tuple(sorted(superseded)), str(snapshot))

    return transact(ref, work)


def reject_scenes(ref: ArchiveRef, rejected: Sequence[Rejection]) -> None:
    """Write scenes that cannot be used into a repository's quarantine list."""

    def work(repository: Any) -> None:
        session = repository.writable_session("main")
        record(session, rejected, {}, cleared=[])
        if session.has_uncommitted_changes:
            session.commit(f"{len(rejected)} scenes left out")

    transact(ref, work)


def record(
    session: Any, rejected: Sequence[Rejection], superseded: dict[str, str], cleared: Sequence[str]
) -> None:
    """Keep the quarantine and supersession lists beside the cubes."""
    root = open_group(session.store, mode="a")
    known = note(root, "rejected") | {r.scene_id: r.reason for r in rejected if r.permanent}
    write_note(root, "rejected", {k: v for k, v in known.items() if k not in cleared})
    write_note(root, "superseded", note(root, "superseded") | superseded)


def _make_room(
    repository: Any, collection: str, scenes: Sequence[SceneRef], spec: CubeSpec
) -> tuple[list[Slot], list[ArchivedScene]]:
    """Find a slot for every pass, beside those archived; commits new free slots before anyone forks."""
    session = repository.writable_session("main")
    root = open_group(session.store, mode="a")
    if collection not in root:
        create_cube(root, collection, spec.box, spec.bands)
    cube = root[collection]
    archived = list(scenes_of(collection, cube))
    passes = passes_of(scenes)
    taken = match_passes(passes, archived)
    size, filled = cube["scene_id"].shape[0], {a.slot for a in archived}
    free = [number for number in range(size) if number not in filled]
    missing = len(passes) - len(taken) - len(free)
    if missing > 0:
        free += range(size, size + missing)
        for name in (*bands_of(cube), *COORDINATES):
            array = cube[name]
            array.resize((size + missing, *array.shape[1:]))
    if session.has_uncommitted_changes:
        session.commit(f"room for {len(scenes)} scenes of {collection}")
    room = iter(free)
    slots = []
    for k, scenes_of_pass in enumerate(passes):
        before = taken.get(k)
        number = next(room) if before is None else before.slot
        slots.append(Slot(number, scenes_of_pass, before.deliveries if before else ()))
    return slots, archived


def _references(
    ref: ArchiveRef, cube: Any, archived: Sequence[ArchivedScene], slots: Sequence[Slot], source: Source
) -> dict[int, Any]:
    """By orbit, what the passes of a batch are compared with; orbits with too few dates have none.

    Read once for a batch and sent along with every job: reading it where it is used took longer than
    reading the scenes.
    """
    renewed = {slot.number for slot in slots}
    found = {}
    for orbit in sorted({slot.orbit for slot in slots}):
        times = sorted(s.scenes[0].acquired for s in slots if s.orbit == orbit)
        stack = [a for a in archived if a.orbit == orbit and a.slot not in renewed]
        if len(stack) >= STACK:
            found[orbit] = reference_of(ref, cube, stack, times[len(times) // 2], source)
    return found


def reference_of(
    ref: ArchiveRef, cube: Any, dates: Sequence[ArchivedScene], middle: datetime, source: Source
) -> Any:
    """Prepare a reference from the `STACK` dates that are nearest to a moment."""
    arrays = band_arrays(cube)
    assets = list(stored_assets(arrays).values())
    arrays = {name: arrays[name] for name in source.compared(assets)}
    nearest = sorted(dates, key=lambda a: (abs(a.acquired - middle), a.scene_id))[:STACK]
    planes = [
        {name: read_plane(array, a.slot, a.scene_id, ref.site_id) for name, array in arrays.items()}
        for a in sorted(nearest, key=lambda a: a.slot)
    ]
    return source.reference(planes, assets)


def _fill(
    session: Any,
    collection: str,
    slots: Sequence[Slot],
    source: Source,
    references: Mapping[int, Any],
    executor: Executor,
    advance: Callable[[int], None],
) -> tuple[list[Written], list[Rejection]]:
    """Have the slots written by workers and merge what they wrote into the session."""
    jobs = [slots[k : k + PASSES_PER_JOB] for k in range(0, len(slots), PASSES_PER_JOB)]
    futures = {}
    for job in jobs:
        needed = {orbit: references[orbit] for orbit in {s.orbit for s in job} if orbit in references}
        futures[executor.submit(_write_job, session.fork(), collection, job, source, needed)] = job
    written: list[Written] = []
    left_out: list[Rejection] = []
    for future in as_completed(futures):
        fork, done, failed = future.result()
        session.merge(fork)
        written += done
        left_out += failed
        advance(sum(len(slot.scenes) for slot in futures[future]))
    written.sort(key=lambda w: w.slot.number)
    return written, sorted(left_out, key=lambda r: r.scene_id)


def _write_job(
    fork: Any, collection: str, slots: Sequence[Slot], source: Source, references: Mapping[int, Any]
) -> tuple[Any, list[Written], list[Rejection]]:
    """Write whole shards of a few dates; runs on a worker and returns its fork for merging."""
    cube = open_group(fork.store, mode="a", path=collection)
    arrays = band_arrays(cube)
    assets = stored_assets(arrays)
    written: list[Written] = []
    rejected: list[Rejection] = []
    arriving = source.read([scene for slot in slots for scene in slot.scenes], box_of(cube))
    for slot in slots:
        reference = references.get(slot.orbit)
        tiles: list[Planes] = []
        scenes: list[SceneRef] = []
        for scene, planes in (next(arriving) for _ in slot.scenes):
            try:
                if isinstance(planes, SceneError):
                    raise planes
                tile = conform(scene.bands, planes, assets)
                source.inspect(tile, list(assets.values()), reference)
            except SceneError as fault:
                rejected.append(Rejection(scene.scene_id, str(fault), fault.permanent))
                continue
            tiles.append(tile)
            scenes.append(scene)
        if tiles:
            share = _write_pass(arrays, slot.number, mosaic(tiles))
            written.append(Written(slot, tuple(scenes), share, reference is not None))
    return fork, written, rejected


def _write_pass(arrays: Mapping[str, Any], slot: int, planes: Planes) -> float:
    """Write every band of a date, those without data too; returns the share of pixels seen."""
    for name, array in arrays.items():
        empty = np.broadcast_to(np.asarray(array.fill_value, array.dtype), array.shape[1:])
        write_plane(array, slot, planes.get(name, empty))
    return float(is_data(next(iter(planes.values()))).mean())


def _write_coordinates(cube: Any, written: Sequence[Written]) -> None:
    if not written:
        return
    slots = np.array([w.slot.number for w in written])
    rows = [_coordinates(w) for w in written]
    for name, (dtype, _, _) in COORDINATES.items():
        column = np.array([row[name] for row in rows], dtype=object if dtype is str else dtype)
        cube[name].oindex[slots] = column


def free(cube: Any, slots: Sequence[int]) -> None:
    """Make slots free again: readers no longer see them, and the next batch writes over them."""
    for name, (_, fill, _) in COORDINATES.items():
        cube[name].oindex[np.array(slots)] = fill


def _coordinates(written: Written) -> dict[str, Any]:
    scenes = written.scenes
    first = scenes[0]
    clouds = [s.cloud_cover for s in scenes if s.cloud_cover is not None]
    return {
        "time": int(min(s.acquired for s in scenes).timestamp()),
        "scene_id": pass_id(scenes),
        "platform": first.platform,
        "direction": first.direction,
        "processing": " ".join(s.processing for s in scenes),
        "deliveries": json.dumps([astuple(s.delivery) for s in scenes]),
        "orbit": first.orbit,
        "cloud_cover": float(np.mean(clouds)) if clouds else np.nan,
        "valid_share": written.valid_share,
        "compared": int(written.compared),
    }


def _superseded(written: Sequence[Written]) -> dict[str, str]:
    """Every product that a batch replaced, here or in the catalogue, and what took its place."""
    replaced = {}
    for one in written:
        present = {s.scene_id for s in one.scenes}
        newest = {s.acquisition: s.scene_id for s in one.scenes}
        for old in one.slot.before:
            if old.scene_id not in present:
                replaced[old.scene_id] = newest.get(old.acquisition, pass_id(one.scenes))
        for scene in one.scenes:
            replaced |= dict.fromkeys(scene.supersedes, scene.scene_id)
    return replaced
