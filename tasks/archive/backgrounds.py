"""Frozen backgrounds beside the cube, each with the scenes it came from.

Group ``<collection>/background``: planes ``(epoch, y, x)`` and, along epoch, quarter, orbit, the
member scene ids and a digest of everything that decides the planes. A digest that still fits
means that nothing is computed; one that does not is a correction, and is logged as one.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox

from tasks.archive.damage import DAMAGE, DamagedError, first_line
from tasks.archive.reading import on_scenes
from tasks.archive.schema import TIME_CHUNK, box_of, coordinate_codecs, create_planes, open_group
from tasks.archive.shards import read_whole, write_plane
from tasks.archive.store import ArchiveRef, read_session, session_at, transact

log = logging.getLogger(__name__)

GROUP = "background"
PLANES = {
    "level": "standardised brightness, 20th percentile in time",
    "bright_share": "share of dates on which the pixel is bright",
    "seen_share": "share of dates on which the pixel is seen",
    "empty": "standardised brightness of berths with no ship alongside, and of what lies around them",
}
Planes = dict[str, npt.NDArray[np.float32]]
Estimate = Callable[..., Planes]


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
        Where ``estimate(block, *args)`` runs, once per epoch, on the epoch's members.
    advance
        Called with 1 after each epoch.
    estimate
        Block of scenes to planes by name.

    Returns
    -------
    str
        The new snapshot.
    """

    def work(repository: Any) -> str:
        before = str(repository.readonly_session("main").snapshot_id)
        stored = stored_epochs(ref, collection, before)
        slots, at = _make_room(session_at(repository, before), collection, epochs, stored)
        session = session_at(repository, at)
        jobs = [
            executor.submit(_estimate_one, session.fork(), ref, before, collection, e, slot, estimate, args)
            for e, slot in zip(epochs, slots, strict=True)
        ]
        for job in as_completed(jobs):
            session.merge(job.result())
            advance(1)
        group = open_group(session.store, mode="a", path=f"{collection}/{GROUP}")
        _write_columns(group, epochs, slots)
        corrected = sorted(name_of(e.quarter, e.orbit) for e in epochs if (e.quarter, e.orbit) in stored)
        if corrected:
            log.info("%s %s: corrected backgrounds %s", ref.site_id, collection, ", ".join(corrected))
        message = f"{len(epochs)} backgrounds of {collection}, {len(corrected)} corrected"
        return str(session.commit(message, metadata={"corrected": corrected}))

    return transact(ref, work)


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
        return {name: read_whole(group[name], slot) for name in PLANES}
    except DAMAGE as fault:
        raise DamagedError(
            f"background number {slot} of {collection} is damaged in the archive ({first_line(fault)}); "
            f"`roadstead backfill {ref.site_id} --repair` estimates it again"
        ) from fault


def _estimate_one(
    fork: Any,
    ref: ArchiveRef,
    snapshot: str,
    collection: str,
    epoch: EpochRecord,
    slot: int,
    estimate: Estimate,
    args: tuple[Any, ...],
) -> Any:
    planes = on_scenes(ref, snapshot, collection, epoch.slots, estimate, *args)
    group = open_group(fork.store, mode="a", path=f"{collection}/{GROUP}")
    for name in PLANES:
        write_plane(group[name], slot, planes[name])
    return fork


def _make_room(
    session: Any,
    collection: str,
    epochs: Sequence[EpochRecord],
    stored: dict[tuple[datetime, int], EpochRecord],
) -> tuple[list[int], str]:
    """Find a slot for every epoch; commits new slots before anyone forks, and tells the snapshot."""
    root = open_group(session.store, mode="a", path=collection)
    group = root[GROUP] if GROUP in root else _create(root)
    _add_planes(group, box_of(root))
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
        at = str(session.commit(f"room for {len(epochs)} backgrounds of {collection}"))
    room = iter(free)
    keys = [(e.quarter, e.orbit) for e in epochs]
    return [stored[key].slot if key in stored else next(room) for key in keys], at


def _create(cube: Any) -> Any:
    group = cube.create_group(GROUP)
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
    return group


def _add_planes(group: Any, box: GeoBox) -> None:
    """Make the planes that a group does not have, all of them or those that older ones knew nothing of."""
    for name, long_name in PLANES.items():
        if name not in group:
            plane = create_planes(group, name, box, "float32", along="epoch")
            plane.resize((group["quarter"].shape[0], *plane.shape[1:]))
            plane.attrs.update({"long_name": long_name, "units": "1"})


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
