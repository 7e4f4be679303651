"""Put one batch of scenes into the archive: catalogue on one side, cube on the other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.archive.cube import CubeSpec, Ingested, add_scenes, cube_box, reject_scenes
from tasks.archive.store import Ledger, archive_ref, remove_if_empty
from tasks.catalog.read import read_header, read_planes
from tasks.errors import SceneError
from tasks.grid import site_box
from tasks.model import Rejection, Request, SceneRef

log = logging.getLogger(__name__)


@task(task_run_name="ingest-{collection}", cache_policy=NO_CACHE)
def ingest_batch(
    request: Request,
    collection: str,
    scenes: Sequence[SceneRef],
    executor: Executor,
    advance: Callable[[int], None],
) -> Ingested:
    """Ingest a batch in one commit; harmless to repeat. Broken scenes are reported, the rest is done."""
    ref = archive_ref(request)
    spec, unreadable = cube_spec(request, collection, scenes)
    broken = {r.scene_id for r in unreadable}
    readable = [s for s in scenes if s.scene_id not in broken]
    if spec is None:
        done = Ingested((), tuple(unreadable), (), "")
    else:
        done = add_scenes(ref, collection, readable, spec, read_planes, executor, rejected=unreadable)
    for rejection in done.rejected:
        log.warning("scene %s left out: %s", rejection.scene_id, rejection.reason)
    log.info(
        "%s %s: %d scenes in, %d left out", ref.site_id, collection, len(done.written), len(done.rejected)
    )
    advance(len(scenes))
    return done


@task(cache_policy=NO_CACHE)
def record_rejected(request: Request, ledger: Ledger, rejections: Sequence[Rejection]) -> None:
    """Write down the scenes that are broken for good, so that later runs leave them alone and say so."""
    unknown = [r for r in rejections if r.permanent and r.scene_id not in ledger.rejected]
    if unknown:
        reject_scenes(archive_ref(request), unknown)


def cube_spec(
    request: Request, collection: str, scenes: Sequence[SceneRef]
) -> tuple[CubeSpec | None, list[Rejection]]:
    """Take grid and types from the cube, or from the first scene whose header can be read."""
    box = cube_box(archive_ref(request), collection)
    unreadable: list[Rejection] = []
    for scene in scenes:
        try:
            headers = {band.name: read_header(band) for band in scene.bands}
            first = next(iter(headers.values()))
            grid = box or site_box(request.site, first.crs, first.transform)
        except SceneError as fault:
            unreadable.append(Rejection(scene.scene_id, str(fault), fault.permanent))
            continue
        bands = {b.name: (headers[b.name].dtype, b.units) for b in scene.bands}
        return CubeSpec(grid, bands), unreadable
    return None, unreadable


def missing_folders(request: Request) -> list[Path]:
    """List the folders on the way to the archive that are not there yet, the innermost first."""
    folder = archive_ref(request).root
    return [p for p in (folder, *folder.parents) if not p.exists()]


def undo_empty(request: Request, made: Sequence[Path]) -> None:
    """Take away an archive that this run could not put anything into, and the folders it `made` for it."""
    remove_if_empty(archive_ref(request))
    for folder in made:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
