"""From archived pixels to looks and vessels, new ones only.

What each look is measured against follows from the list of scenes (its epoch), and what it was
measured with is written down as its recipe. A look whose recipe has not changed is taken over
from the last publication; so a run costs what is new, and the result does not depend on the
order in which scenes came.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.archive.backgrounds import EpochRecord, on_looks, read_background, store_epochs, stored_epochs
from tasks.archive.ledger import ArchivedScene, Ledger
from tasks.archive.reading import cube_bands, cube_box
from tasks.archive.store import archive_ref
from tasks.errors import ArchiveError
from tasks.grid import cell_lonlat
from tasks.model import Request
from tasks.science import MEASURE_VERSION
from tasks.science.epochs import MIN_SCENES, Epoch, Moment, quarter_of
from tasks.science.flags import NO_MEMORY, THIN_MEMORY
from tasks.science.methods import RADAR, Method, method_of
from tasks.science.radar.background import scatterer_list
from tasks.science.rows import LOOKS_BACK, Measured, Rows
from tasks.science.zones import draw_site

LOOKS_PER_JOB = 16
"""Scenes per job: coarse enough (≥ 0.3 s of work) for a scheduler, small enough to show progress."""

JOB_BYTES = 256e6
"""Stored pixels that a job holds at most, those it compares with included; so a large port at 3 m gets small
jobs, not large workers."""

RADAR_BYTES, OPTICAL_BYTES = 4, 2
"""Stored, of one pixel in one band."""

FEWEST_SCENES = 4
"""Below this many scenes a background cannot tell a fixed object from a vessel that stays."""


@dataclass(frozen=True)
class Job:
    """A few looks that share one background."""

    collection: str

    before: tuple[int, ...]
    """Slots of the scenes before the first, which it is compared with."""

    slots: tuple[int, ...]
    scene_ids: tuple[str, ...]
    background: int
    memory_flag: str


def epoch_records(request: Request, ledger: Ledger, collection: str) -> list[EpochRecord]:
    """List the backgrounds that a collection's scenes need, each with its digest."""
    scenes = ledger.of(collection)
    slots = {s.scene_id: s.slot for s in scenes}
    marks = {s.scene_id: s.processing for s in scenes}
    method = method_of(ledger.bands[collection])
    recipe = f"{MEASURE_VERSION}|{request.site.digest}|{method.recipe}"
    return [
        EpochRecord(
            epoch.quarter,
            epoch.orbit,
            _digest(recipe, epoch.digest, *(marks[m] for m in epoch.members)),  # a reprocessing keeps its id
            epoch.members,
            tuple(slots[m] for m in epoch.members),
        )
        for epoch in _epochs(method, scenes)
    ]


def recipes(request: Request, ledger: Ledger) -> dict[str, str]:
    """For every archived scene, a digest of all that decides its looks."""
    result = {}
    for collection in sorted({s.collection for s in ledger.scenes}):
        digests = {(e.quarter, e.orbit): e.digest for e in epoch_records(request, ledger, collection)}
        method = method_of(ledger.bands[collection])
        for series in _series(method, ledger.of(collection)):
            for k, scene in enumerate(series):
                known = series[max(k - LOOKS_BACK, 0) : k + 1]
                marks = [mark for s in known for mark in (s.scene_id, s.processing)]
                result[scene.scene_id] = _digest(digests[_epoch_key(method, scene)], *marks)
    return result


@task(task_run_name="backgrounds-{collection}", cache_policy=NO_CACHE)
def refresh_backgrounds(
    request: Request,
    ledger: Ledger,
    collection: str,
    executor: Executor,
    expect: Callable[[int], None],
    advance: Callable[[int], None],
) -> None:
    """Estimate the backgrounds that are missing or whose members have changed."""
    ref = archive_ref(request)
    stored = stored_epochs(ref, collection, str(ledger.snapshot))
    needed = [
        e
        for e in epoch_records(request, ledger, collection)
        if (known := stored.get((e.quarter, e.orbit))) is None or known.digest != e.digest
    ]
    expect(len(needed))
    if not needed:
        return
    bands = tuple(cube_bands(ref, collection))
    method, box = method_of(bands), _box(request, collection)
    planes = method.planes(bands)
    store_epochs(
        ref, collection, needed, executor, advance, planes, method.estimate, bands, request.site, box
    )


def measuring_jobs(request: Request, ledger: Ledger, measured: dict[str, str]) -> list[Job]:
    """Cut the looks that need measuring into jobs.

    Parameters
    ----------
    request, ledger
        What is archived, backgrounds included.
    measured
        Scene id to the recipe it was last measured with.
    """
    wanted = {k for k, recipe in recipes(request, ledger).items() if measured.get(k) != recipe}
    jobs = []
    for collection in sorted({s.collection for s in ledger.scenes}):
        scenes = ledger.of(collection)
        stored = stored_epochs(archive_ref(request), collection, str(ledger.snapshot))
        method = method_of(ledger.bands[collection])
        settled = {(e.quarter, e.orbit): e for e in _epochs(method, scenes)}
        most = _looks_per_job(_box(request, collection).shape, ledger.bands[collection])
        for series in _series(method, scenes):
            for part in _runs(series, [s.scene_id in wanted for s in series], method, most):
                key = _epoch_key(method, series[part.start])
                before = tuple(s.slot for s in series[max(part.start - LOOKS_BACK, 0) : part.start])
                slots, ids = zip(*((series[k].slot, series[k].scene_id) for k in part), strict=True)
                jobs.append(Job(collection, before, slots, ids, stored[key].slot, memory_flag(settled[key])))
    return jobs


def _series(method: Method, scenes: Sequence[ArchivedScene]) -> list[list[ArchivedScene]]:
    """Scenes that can be compared with one another, in order of time: of radar those of one orbit."""
    groups: dict[int, list[ArchivedScene]] = defaultdict(list)
    for scene in sorted(scenes, key=lambda s: (s.acquired, s.scene_id)):
        groups[scene.orbit if method.by_orbit else 0].append(scene)
    return [groups[orbit] for orbit in sorted(groups)]


def _runs(
    series: Sequence[ArchivedScene], wanted: Sequence[bool], method: Method, most: int
) -> Iterator[range]:
    """Cut a series into runs of neighbouring wanted scenes that share a background."""
    start = 0
    for k in range(1, len(series) + 1):
        full = k - start == most
        parted = k == len(series) or _epoch_key(method, series[k]) != _epoch_key(method, series[start])
        if full or parted or wanted[k] != wanted[start]:
            if wanted[start]:
                yield range(start, k)
            start = k


def _looks_per_job(shape: tuple[int, int], bands: Sequence[str]) -> int:
    """Scenes per job within the bytes that it may hold."""
    each = RADAR_BYTES if method_of(bands) is RADAR else OPTICAL_BYTES
    held = JOB_BYTES / (shape[0] * shape[1] * len(bands) * each)
    return int(min(max(held - LOOKS_BACK, 1), LOOKS_PER_JOB))


def memory_flag(epoch: Epoch) -> str:
    """Say how far a background can be trusted; empty when it is settled."""
    if len(epoch.members) < FEWEST_SCENES:
        return NO_MEMORY
    return "" if len(epoch.members) >= MIN_SCENES else THIN_MEMORY


@task(task_run_name="measure", cache_policy=NO_CACHE)
def measure_batch(
    request: Request,
    ledger: Ledger,
    jobs: Sequence[Job],
    executor: Executor,
    advance: Callable[[int], None],
) -> Measured:
    """Measure a batch of jobs on the workers."""
    ref = archive_ref(request)
    boxes = {c: _box(request, c) for c in {job.collection for job in jobs}}
    bands = {c: tuple(cube_bands(ref, c)) for c in boxes}
    futures = {
        executor.submit(
            on_looks,
            ref,
            str(ledger.snapshot),
            job.collection,
            (*job.before, *job.slots),
            job.background,
            method_of(bands[job.collection]).measure,
            bands[job.collection],
            request.site,
            boxes[job.collection],
            job.memory_flag,
            len(job.before),
        ): job
        for job in jobs
    }
    parts = []
    for future in as_completed(futures):
        parts.append(future.result())
        advance(len(futures[future].slots))
    return joined(parts)


def joined(parts: Sequence[Measured]) -> Measured:
    """Join the rows of several batches."""
    whole = Measured([], [], [])
    for part in parts:
        for rows, more in zip(whole, part, strict=True):
            rows += more
    return whole


@task(cache_policy=NO_CACHE)
def list_scatterers(request: Request, ledger: Ledger) -> Rows:
    """List the permanent scatterers of each orbit's newest background, for the manifest."""
    ref = archive_ref(request)
    listed: Rows = []
    for collection in sorted({s.collection for s in ledger.scenes}):
        if method_of(ledger.bands[collection]) is not RADAR:
            continue
        box = _box(request, collection)
        layers = draw_site(request.site, box)
        newest: dict[int, EpochRecord] = {}
        for (_, orbit), record in sorted(stored_epochs(ref, collection, str(ledger.snapshot)).items()):
            newest[orbit] = record
        for orbit, record in sorted(newest.items()):
            planes = read_background(ref, str(ledger.snapshot), collection, record.slot)
            for found in scatterer_list(planes, layers.water):
                lon, lat = cell_lonlat(box, [found["row"]], [found["col"]])
                listed.append(
                    {
                        "collection": collection,
                        "orbit": orbit,
                        "epoch": record.quarter.date().isoformat(),
                        "longitude": round(float(lon[0]), 6),
                        "latitude": round(float(lat[0]), 6),
                        "area_m2": round(found["pixels"] * layers.pixel_m**2),
                        "share_of_dates": round(found["share"], 3),
                    }
                )
    return listed


def _epochs(method: Method, scenes: Sequence[ArchivedScene]) -> list[Epoch]:
    return method.epochs([Moment(s.scene_id, s.acquired, s.orbit, s.cloud_cover) for s in scenes])


def _epoch_key(method: Method, scene: ArchivedScene) -> tuple[datetime, int]:
    """Name the background that a scene is measured against: its quarter and, for radar, its orbit."""
    return quarter_of(scene.acquired), scene.orbit if method.by_orbit else 0


def _box(request: Request, collection: str) -> Any:
    box = cube_box(archive_ref(request), collection)
    if box is None:
        raise ArchiveError(f"archive of {request.site.site_id} has no collection {collection!r}")
    return box


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
