"""Fill a cube: a batch of passes in one transaction.

A batch is two commits: the first makes room (free slots, invisible to readers), the second fills
it. Workers get forks of the session between the two, each writing whole shards of its own; the
committer alone writes coordinates. Killed anywhere, the archive is at the last commit and the
free slots are used by the next run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox

from tasks.archive.jobs import Job, Slot, Source, Written, coordinates_of, count_jobs, cut_jobs, write_job
from tasks.archive.ledger import INGESTED, ArchivedScene, match_passes, note, scenes_of, write_note
from tasks.archive.schema import COORDINATES, bands_of, create_cube, open_group, write_rights
from tasks.archive.stack import references_of, waves
from tasks.archive.store import ArchiveRef, session_at, transact
from tasks.model import Rejection, SceneRef, pass_id, passes_of, rights_together


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

    bands_left_out: tuple[str, ...] = ()
    """Bands of its scenes that the cube has not, sorted."""


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

    A cube keeps the bands that it was made with: dates before one that is added later would count as not
    seen. Other bands of later scenes stay out, and are named.

    Harmless to repeat: a pass that is there already takes the same slot, and the newest delivery wins. A slot
    is written anew only if everything that it holds was read, in that delivery or a newer one.

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
        slots, archived, at = _make_room(repository, collection, scenes, spec)
        session = session_at(repository, at)
        cube = open_group(session.store, mode="a", path=collection)

        def fill(part: Sequence[Slot]) -> tuple[list[Written], list[Rejection]]:
            return _fill(session, cut_jobs(forks, collection, part, references), source, executor, advance)

        references = references_of(ref, cube, archived, slots, source)
        first, then = waves(slots, archived, references)
        # All forks now: a session that has merged one gives no more.
        forks = iter([session.fork() for _ in range(count_jobs(first) + count_jobs(then))])
        written, left_out = fill(first)
        if then:
            dates = _with_written(archived, written, first, collection)
            references |= references_of(ref, cube, dates, then, source)
            more, also_left_out = fill(then)
            written, left_out = written + more, left_out + also_left_out
        written.sort(key=lambda w: w.slot.number)
        left_out = [*rejected, *sorted(left_out, key=lambda r: r.scene_id)]
        _write_coordinates(cube, written)
        if written:
            write_rights(cube, rights_together(s.rights for w in written for s in w.scenes))
        superseded = _superseded(written)
        record(session, left_out, superseded, cleared=[s.scene_id for w in written for s in w.scenes])
        ids = tuple(sorted(s.scene_id for w in written for s in w.scenes))
        snapshot = session.snapshot_id
        if session.has_uncommitted_changes:  # nothing changes when every scene failed for the moment only
            message = f"{INGESTED}{len(ids)} scenes of {collection}" if ids else f"{collection}: nothing fit"
            snapshot = session.commit(message, metadata={"items": list(ids)})
        others = tuple(sorted({band.name for s in scenes for band in s.bands} - set(bands_of(cube))))
        return Ingested(ids, tuple(left_out), tuple(sorted(superseded)), str(snapshot), others)

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
    """Keep the lists of what is broken, bare and superseded beside the cubes."""
    root = open_group(session.store, mode="a")
    for name, bare in (("rejected", False), ("bare", True)):
        others = {r.scene_id for r in rejected if r.permanent and r.bare != bare}.union(cleared)
        known = note(root, name) | {r.scene_id: r.reason for r in rejected if r.permanent}
        write_note(root, name, {k: v for k, v in known.items() if k not in others})
    replaced = note(root, "superseded") | superseded
    write_note(root, "superseded", {k: v for k, v in replaced.items() if k not in cleared})


def _make_room(
    repository: Any, collection: str, scenes: Sequence[SceneRef], spec: CubeSpec
) -> tuple[list[Slot], list[ArchivedScene], str]:
    """Find a slot for every pass, beside those archived; commits new free slots before anyone forks.

    The snapshot comes along on which the slots were chosen: on another they may be somebody else's.
    """
    session = repository.writable_session("main")
    root = open_group(session.store, mode="a")
    if collection in root and spec.bands and not any(root[collection]["scene_id"][:]):
        del root[collection]  # nothing came of an earlier first batch: its grid binds nobody
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
    at = str(session.snapshot_id)
    if session.has_uncommitted_changes:
        at = str(session.commit(f"room for {len(scenes)} scenes of {collection}"))
    room = iter(free)
    slots = []
    for k, scenes_of_pass in enumerate(passes):
        before = taken.get(k)
        number = next(room) if before is None else before.slot
        slots.append(Slot(number, scenes_of_pass, before.deliveries if before else ()))
    return slots, archived, at


def _with_written(
    archived: Sequence[ArchivedScene], written: Sequence[Written], first: Sequence[Slot], collection: str
) -> list[ArchivedScene]:
    """List the archived dates with those that the first part of a batch has just brought or made anew."""
    anew = {slot.number for slot in first}
    dates = [a for a in archived if a.slot not in anew]
    for one in written:
        acquired = min(s.acquired for s in one.scenes)
        slot = one.slot
        dates.append(ArchivedScene(pass_id(one.scenes), collection, acquired, slot.orbit, slot.number, ""))
    return dates


def _fill(
    session: Any,
    jobs: Sequence[Job],
    source: Source,
    executor: Executor,
    advance: Callable[[int], None],
) -> tuple[list[Written], list[Rejection]]:
    """Have the jobs' slots written by workers and merge what they wrote into the session."""
    futures = {executor.submit(write_job, job, source): job for job in jobs}
    written: list[Written] = []
    left_out: list[Rejection] = []
    for future in as_completed(futures):
        fork, done, failed = future.result()
        session.merge(fork)
        written += done
        left_out += failed
        advance(sum(len(slot.scenes) for slot in futures[future].slots))
    return written, left_out


def _write_coordinates(cube: Any, written: Sequence[Written]) -> None:
    if not written:
        return
    slots = np.array([w.slot.number for w in written])
    rows = [coordinates_of(w) for w in written]
    for name, (dtype, _, _) in COORDINATES.items():
        column = np.array([row[name] for row in rows], dtype=object if dtype is str else dtype)
        cube[name].oindex[slots] = column


def vacate(cube: Any, slots: Sequence[int]) -> None:
    """Make slots free again: readers no longer see them, and the next batch writes over them."""
    for name, (_, fill, _) in COORDINATES.items():
        cube[name].oindex[np.array(slots)] = fill


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
