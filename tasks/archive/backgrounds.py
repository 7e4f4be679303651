"""Frozen backgrounds beside the cube, each with the scenes it came from.

Group ``<collection>/background``: planes ``(epoch, y, x)`` and, along epoch, quarter, orbit, the
member scene ids and a digest of everything that decides the planes. A digest that still fits
means that nothing is computed; one that does not is a correction, and is logged as one.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.archive.damage import DAMAGE, DamagedError, first_line
from tasks.archive.reading import on_scenes
from tasks.archive.schema import TIME_CHUNK, box_of, coordinate_codecs, create_planes, open_group
from tasks.archive.shards import read_whole, write_plane
from tasks.archive.store import ArchiveRef, read_session, session_at, transact

log = logging.getLogger(__name__)

GROUP = "background"

PLANES = "planes"
"""Attribute of the group: names of its planes, and what each is."""

Planes = dict[str, npt.NDArray[np.float32]]
Estimate = Callable[..., Iterator[Planes]]

EPOCHS_PER_JOB = 4
"""Backgrounds of one orbit that a worker estimates in one go: a year of them, which share most of their
scenes. Latakia's 30 take 3.0 s of CPU so, 7.4 s one by one and 2.7 s eight by eight, but then two workers
cannot share two years of one orbit."""


@dataclass(frozen=True)
class EpochRecord:
    """One background as the archive keeps it."""

    quarter: datetime
    orbit: int
    digest: str
    """Of the members and of everything else that decides the planes."""

    members: tuple[str, ...]
    slots: tuple[int, ...] = ()
    """Slots of the members in the cube; needed to estimate, not kept."""

    slot: int = -1
    """Slot of the background itself; −1 until stored."""


def stored_epochs(ref: ArchiveRef, collection: str, snapshot: str) -> dict[tuple[datetime, int], EpochRecord]:
    """List the stored backgrounds of a collection by quarter and orbit."""
    root = open_group(read_session(ref, snapshot).store, mode="r", path=collection)
    if GROUP not in root:
        return {}
    group = root[GROUP]
    if PLANES not in group.attrs:
        return {}  # of an older version: the next run makes them anew
    columns = [group[k][:] for k in ("quarter", "orbit", "digest", "members")]
    records = {}
    for slot, (seconds, orbit, digest, members) in enumerate(zip(*columns, strict=True)):
        if digest:
            quarter = datetime.fromtimestamp(int(seconds), UTC)
            records[quarter, int(orbit)] = EpochRecord(
                quarter, int(orbit), str(digest), tuple(json.loads(str(members))), slot=slot
            )
    return records


def store_epochs(
    ref: ArchiveRef,
    collection: str,
    epochs: Sequence[EpochRecord],
    executor: Executor,
    advance: Callable[[int], None],
    planes: Mapping[str, str],
    estimate: Estimate,
    *args: Any,
) -> str:
    """Estimate backgrounds on the workers and store them in one commit.

    Parameters
    ----------
    ref, collection
        Which cube.
    epochs
        What to estimate; a stored epoch of the same quarter and orbit is replaced.
    executor
        Where ``estimate(block, epochs, *args)`` runs, on the members of a few epochs of one orbit.
    advance
        Called after each of these runs with its number of epochs.
    planes
        Names of the planes, and what each is. Where others are stored, those go.
    estimate
        Block of scenes, and the numbers in it of each epoch's members, to planes by name, epoch by epoch.

    Returns
    -------
    str
        The new snapshot.
    """

    def work(repository: Any) -> str:
        before = str(repository.readonly_session("main").snapshot_id)
        session = session_at(repository, before)
        root = open_group(session.store, mode="a", path=collection)
        alike = GROUP in root and planes_of(root[GROUP]) == dict(planes)
        stored = stored_epochs(ref, collection, before) if alike else {}
        slots, at = _make_room(session, root if alike else _create(root, planes), epochs, stored)
        session = session_at(repository, at)
        jobs = {
            executor.submit(_estimate_run, session.fork(), ref, before, collection, run, estimate, args): run
            for run in _runs(epochs, slots)
        }
        for job in as_completed(jobs):
            session.merge(job.result())
            advance(len(jobs[job]))
        group = open_group(session.store, mode="a", path=f"{collection}/{GROUP}")
        _write_columns(group, epochs, slots)
        corrected = sorted(name_of(e.quarter, e.orbit) for e in epochs if (e.quarter, e.orbit) in stored)
        if corrected:
            log.info("%s %s: corrected backgrounds %s", ref.site_id, collection, ", ".join(corrected))
        message = f"{len(epochs)} backgrounds of {collection}, {len(corrected)} corrected"
        return str(session.commit(message, metadata={"corrected": corrected}))

    return transact(ref, work)


def planes_of(group: Any) -> dict[str, str]:
    """Names of the planes of an open group of backgrounds, and what each is."""
    return dict(group.attrs.get(PLANES, {}))


def name_of(quarter: datetime, orbit: int) -> str:
    """Name a background by quarter and orbit: ``2023-10/61``."""
    return f"{quarter:%Y-%m}/{orbit}"


def forget_epochs(ref: ArchiveRef, collection: str, names: Sequence[str]) -> None:
    """Take away stored backgrounds, by `name_of`, so that the next run estimates them again."""

    def work(repository: Any) -> None:
        session = repository.writable_session("main")
        group = open_group(session.store, mode="a", path=f"{collection}/{GROUP}")
        digests = group["digest"][:]
        for slot, (seconds, orbit) in enumerate(zip(group["quarter"][:], group["orbit"][:], strict=True)):
            if name_of(datetime.fromtimestamp(int(seconds), UTC), int(orbit)) in names:
                digests[slot] = ""
        group["digest"][:] = digests
        session.commit(f"{len(names)} damaged backgrounds of {collection} forgotten")

    transact(ref, work)


def on_looks(
    ref: ArchiveRef,
    snapshot: str,
    collection: str,
    slots: Sequence[int],
    background: int,
    function: Callable[..., Any],
    *args: Any,
) -> Any:
    """Run a pure function on a few scenes and the background they are measured against."""
    planes = read_background(ref, snapshot, collection, background)
    return on_scenes(ref, snapshot, collection, slots, function, planes, *args)


def read_background(ref: ArchiveRef, snapshot: str, collection: str, slot: int) -> Planes:
    """Read the planes of one stored background.

    Raises
    ------
    DamagedError
        If what is stored does not fit its checksum.
    """
    group = open_group(read_session(ref, snapshot).store, mode="r", path=f"{collection}/{GROUP}")
    try:
        return {name: read_whole(group[name], slot) for name in planes_of(group)}
    except DAMAGE as fault:
        raise DamagedError(
            f"background number {slot} of {collection} is damaged in the archive ({first_line(fault)}); "
            f"`roadstead backfill {ref.site_id} --repair` estimates it again"
        ) from fault


Run = tuple[tuple[EpochRecord, int], ...]
"""Epochs of one orbit, each with the slot where it goes."""


def _runs(epochs: Sequence[EpochRecord], slots: Sequence[int]) -> list[Run]:
    """Cut epochs into jobs: neighbours in time share most of their scenes."""
    runs: list[Run] = []
    for orbit in sorted({e.orbit for e in epochs}):
        own = [(e, slot) for e, slot in zip(epochs, slots, strict=True) if e.orbit == orbit]
        own.sort(key=lambda one: one[0].quarter)
        runs += [tuple(own[k : k + EPOCHS_PER_JOB]) for k in range(0, len(own), EPOCHS_PER_JOB)]
    return runs


def _estimate_run(
    fork: Any,
    ref: ArchiveRef,
    snapshot: str,
    collection: str,
    run: Run,
    estimate: Estimate,
    args: tuple[Any, ...],
) -> Any:
    scenes = list(dict.fromkeys(scene for epoch, _ in run for scene in epoch.slots))
    number = {scene: k for k, scene in enumerate(scenes)}
    members = [tuple(number[scene] for scene in epoch.slots) for epoch, _ in run]
    group = open_group(fork.store, mode="a", path=f"{collection}/{GROUP}")
    found = on_scenes(ref, snapshot, collection, scenes, estimate, members, *args)
    for (_, slot), planes in zip(run, found, strict=True):
        for name in planes_of(group):
            write_plane(group[name], slot, planes[name])
    return fork


def _make_room(
    session: Any, root: Any, epochs: Sequence[EpochRecord], stored: dict[tuple[datetime, int], EpochRecord]
) -> tuple[list[int], str]:
    """Find a slot for every epoch; commits new slots before anyone forks, and tells the snapshot."""
    group = root[GROUP]
    taken = {record.slot for record in stored.values()}
    free = [slot for slot in range(group["quarter"].shape[0]) if slot not in taken]
    missing = sum((e.quarter, e.orbit) not in stored for e in epochs) - len(free)
    if missing > 0:
        size = group["quarter"].shape[0]
        free += range(size, size + missing)
        for _, array in group.arrays():
            array.resize((size + missing, *array.shape[1:]))
    at = str(session.snapshot_id)
    if session.has_uncommitted_changes:
        at = str(session.commit(f"room for {len(epochs)} backgrounds of {root.basename}"))
    room = iter(free)
    keys = [(e.quarter, e.orbit) for e in epochs]
    return [stored[key].slot if key in stored else next(room) for key in keys], at


def _create(cube: Any, planes: Mapping[str, str]) -> Any:
    """Begin a cube's backgrounds, in place of those that another version had; gives the cube back."""
    if GROUP in cube:
        del cube[GROUP]
    group = cube.create_group(GROUP, attributes={PLANES: dict(planes)})
    box = box_of(cube)
    for name, long_name in planes.items():
        plane = create_planes(group, name, box, "float32", along="epoch")
        plane.attrs.update({"long_name": long_name, "units": "1"})
    for name, dtype in (("quarter", "int64"), ("orbit", "int16"), ("digest", str), ("members", str)):
        group.create_array(
            name,
            shape=(0,),
            chunks=(TIME_CHUNK,),
            dtype=dtype,
            compressors=coordinate_codecs(),
            dimension_names=("epoch",),
        )
    group["quarter"].attrs.update({"units": "seconds since 1970-01-01", "long_name": "quarter's first day"})
    return cube


def _write_columns(group: Any, epochs: Sequence[EpochRecord], slots: Sequence[int]) -> None:
    values: dict[str, list[Any]] = {
        "quarter": [int(e.quarter.timestamp()) for e in epochs],
        "orbit": [e.orbit for e in epochs],
        "digest": [e.digest for e in epochs],
        "members": [json.dumps(e.members) for e in epochs],
    }
    for name, column in values.items():
        whole = group[name][:]
        whole[list(slots)] = np.array(column, dtype=object if whole.dtype.kind in "OT" else whole.dtype)
        group[name][:] = whole
