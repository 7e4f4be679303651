"""Compare passes with the stack that came before there was one.

The first dates of an archive go in with nothing to compare them with, and a displaced one would
stay for ever. Once enough dates of an orbit have been compared, those that never were are compared
with them; what does not fit leaves its slot and goes to the quarantine list, as if it had come last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from typing import Any

from tasks.archive.cube import record, vacate
from tasks.archive.jobs import PASSES_PER_JOB, Source
from tasks.archive.ledger import ArchivedScene, scenes_of
from tasks.archive.reading import cube_box, read_plane
from tasks.archive.schema import band_arrays, open_group, stored_assets
from tasks.archive.stack import STACK, comparable, reference_of
from tasks.archive.store import ArchiveRef, read_session, transact
from tasks.errors import SceneError
from tasks.model import Rejection


def compare_early_passes(
    ref: ArchiveRef, collection: str, source: Source, executor: Executor
) -> list[Rejection]:
    """Compare what was never compared, now that there is a stack; returns what had to go.

    Costs a look at the coordinates when there is nothing to compare.
    """
    if cube_box(ref, collection) is None:  # none of its scenes could be read
        return []

    def work(repository: Any) -> list[Rejection]:
        session = repository.writable_session("main")
        cube = open_group(session.store, mode="a", path=collection)
        at = str(session.snapshot_id)
        checked: list[ArchivedScene] = []
        futures = []
        for early, reference in _never_compared(ref, cube, collection, source):
            checked += early
            futures += [
                executor.submit(
                    _compare, ref, at, collection, early[k : k + PASSES_PER_JOB], source, reference
                )
                for k in range(0, len(early), PASSES_PER_JOB)
            ]
        if not checked:
            return []
        unfit = {slot: reason for future in futures for slot, reason in future.result().items()}
        compared = cube["compared"][:]
        compared[[one.slot for one in checked]] = 1
        cube["compared"][:] = compared
        rejected = [
            Rejection(delivery.scene_id, unfit[one.slot])
            for one in checked
            if one.slot in unfit
            for delivery in one.deliveries
        ]
        if unfit:
            vacate(cube, sorted(unfit))
            record(session, rejected, {}, cleared=[])
        session.commit(f"{len(checked)} early passes of {collection} compared, {len(unfit)} taken out")
        return rejected

    return transact(ref, work)


def _never_compared(
    ref: ArchiveRef, cube: Any, collection: str, source: Source
) -> Iterator[tuple[list[ArchivedScene], Any]]:
    """List the passes never compared though `STACK` others of their orbit have been, with the reference.

    Never with themselves among the dates: their own speckle would always lie where it lies.
    """
    compared = cube["compared"][:]
    if compared.all():
        return
    archived = list(scenes_of(collection, cube))
    for orbit in sorted({a.orbit for a in archived}):
        dates = sorted((a for a in archived if a.orbit == orbit), key=lambda a: a.acquired)
        early = [a for a in dates if not compared[a.slot]]
        others = [a for a in dates if compared[a.slot]]
        if early and len(others) >= STACK and comparable(cube, orbit):
            reference = reference_of(ref, cube, others, early[len(early) // 2].acquired, source)
            if reference is not None:
                yield early, reference


def _compare(
    ref: ArchiveRef,
    snapshot: str,
    collection: str,
    passes: Sequence[ArchivedScene],
    source: Source,
    reference: Any,
) -> dict[int, str]:
    """Reasons by slot of the passes that do not fit."""
    cube = open_group(read_session(ref, snapshot).store, mode="r", path=collection)
    arrays = band_arrays(cube)
    assets = list(stored_assets(arrays).values())
    arrays = {name: arrays[name] for name in source.compared(assets)}
    unfit = {}
    for one in passes:
        planes = {name: read_plane(a, one.slot, one.scene_id, ref.site_id) for name, a in arrays.items()}
        try:
            source.inspect(planes, assets, reference)
        except SceneError as fault:
            unfit[one.slot] = str(fault)
    return unfit
