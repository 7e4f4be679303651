"""Compare passes with the stack that came before there was one.

The first dates of an archive go in with nothing to compare them with, and a displaced one would
stay for ever. Once enough dates of an orbit have been compared, those that never were are compared
with them; what does not fit leaves its slot and goes to the quarantine list, as if it had come last.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from typing import Any

from tasks.archive.cube import record, vacate
from tasks.archive.jobs import PASSES_PER_JOB, Source, compare_job
from tasks.archive.ledger import ArchivedScene, scenes_of
from tasks.archive.reading import cube_box
from tasks.archive.schema import open_group
from tasks.archive.stack import STACK, comparable, reference_of
from tasks.archive.store import ArchiveRef, transact
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
                    compare_job, ref, at, collection, early[k : k + PASSES_PER_JOB], source, reference
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
