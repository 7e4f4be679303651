"""Put one batch of scenes into the archive: catalogue on one side, cube on the other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path

from affine import Affine
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.archive.backgrounds import forget_epochs
from tasks.archive.cube import CubeSpec, Ingested, add_scenes, reject_scenes
from tasks.archive.ledger import Ledger, remove_if_empty
from tasks.archive.numbers import stored_dtype
from tasks.archive.reading import cube_bands, cube_box
from tasks.archive.recheck import compare_early_passes
from tasks.archive.storage import Place, require_conditional_writes
from tasks.archive.store import archive_ref
from tasks.catalog.read import read_header
from tasks.errors import SceneError
from tasks.gate import Gate
from tasks.grid import site_box
from tasks.model import Rejection, Request, SceneRef, newest_outside

log = logging.getLogger(__name__)


SOURCE = Gate()

ENOUGH_CLAIMS = 3
"""Items that must agree on a grid before it is taken without opening a file: one may be wrong."""


def check_archive(request: Request) -> None:
    """Refuse a store in which two commits could overwrite one another, before anything is read."""
    require_conditional_writes(Place(request.archive))


def forget_backgrounds(request: Request, damaged: Sequence[tuple[str, str]]) -> None:
    """Take away backgrounds that cannot be read, by collection and name: they are estimated again."""
    for collection in sorted({collection for collection, _ in damaged}):
        forget_epochs(archive_ref(request), collection, [name for c, name in damaged if c == collection])


@task(task_run_name="ingest-{collection}", cache_policy=NO_CACHE)
def ingest_batch(
    request: Request,
    collection: str,
    scenes: Sequence[SceneRef],
    executor: Executor,
    advance: Callable[[int], None],
) -> Ingested:
    """Ingest a batch in one transaction; harmless to repeat. Broken scenes are reported, the rest is done."""
    ref = archive_ref(request)
    spec, unreadable = cube_spec(request, collection, scenes)
    broken = {r.scene_id for r in unreadable}
    readable = [one for scene in scenes if (one := newest_outside(scene, broken)) is not None]
    advance(len(broken))
    if spec is None:
        done = Ingested((), tuple(unreadable), (), "")
    else:
        done = add_scenes(
            ref, collection, readable, spec, SOURCE, executor, rejected=unreadable, advance=advance
        )
    _say(done.rejected)
    if done.bands_left_out:
        log.warning(
            "%s %s: %s left out, for this archive was begun with %s alone; "
            "to have all bands, gather the period into a new --archive",
            ref.site_id,
            collection,
            ", ".join(done.bands_left_out),
            ", ".join(cube_bands(ref, collection)),
        )
    log.info(
        "%s %s: %d scenes in, %d left out", ref.site_id, collection, len(done.written), len(done.rejected)
    )
    return done


@task(task_run_name="compare-{collection}", cache_policy=NO_CACHE)
def compare_early(request: Request, collection: str, executor: Executor) -> list[Rejection]:
    """Hold the scenes that came before there was a stack against it, once there is one."""
    rejected = compare_early_passes(archive_ref(request), collection, SOURCE, executor)
    _say(rejected)
    return rejected


@task(cache_policy=NO_CACHE)
def record_rejected(request: Request, ledger: Ledger, rejections: Sequence[Rejection]) -> None:
    """Write down the scenes that are broken for good, so that later runs leave them alone and say so."""
    known = ledger.rejected.keys() | ledger.bare.keys()
    unknown = [r for r in rejections if r.permanent and r.scene_id not in known]
    if unknown:
        reject_scenes(archive_ref(request), unknown)


def cube_spec(
    request: Request, collection: str, scenes: Sequence[SceneRef]
) -> tuple[CubeSpec | None, list[Rejection]]:
    """Take grid and types from the cube, from what items say alike, or from the first header to be read."""
    box = cube_box(archive_ref(request), collection)
    if box is not None:
        return CubeSpec(box, {}), []
    if (claimed := _claimed_spec(request, scenes)) is not None:
        return claimed, []
    unreadable: list[Rejection] = []
    for scene in scenes:
        try:
            headers = {band.name: read_header(band) for band in scene.bands}
            first = next(iter(headers.values()))
            grid = site_box(request.site, first.crs, first.transform)
        except SceneError as fault:
            unreadable.append(Rejection(scene.scene_id, str(fault), fault.permanent))
            continue
        bands = {b.name: (stored_dtype(headers[b.name].dtype, b.units), b.units) for b in scene.bands}
        return CubeSpec(grid, bands), unreadable
    return None, unreadable


def _claimed_spec(request: Request, scenes: Sequence[SceneRef]) -> CubeSpec | None:
    """Grid and types as the items tell them, if enough do and all alike; each file is held against it."""
    specs: list[CubeSpec] = []
    for scene in scenes:
        claims = [(band, band.claim) for band in scene.bands]
        if not claims or any(c.crs is None or c.transform is None or c.dtype is None for _, c in claims):
            return None
        first = claims[0][1]
        try:
            grid = site_box(request.site, str(first.crs), Affine(*(first.transform or ())))
        except SceneError:
            return None
        bands = {b.name: (stored_dtype(str(c.dtype), b.units), b.units) for b, c in claims}
        specs.append(CubeSpec(grid, bands))
    alike = all(spec == specs[0] for spec in specs)
    return specs[0] if alike and len(specs) >= ENOUGH_CLAIMS else None


def missing_folders(request: Request) -> list[Path]:
    """List the folders on the way to a local archive that are not there yet, the innermost first."""
    folder = Place(request.archive).local
    return [p for p in (folder, *folder.parents) if not p.exists()] if folder else []


def undo_empty(request: Request, made: Sequence[Path]) -> None:
    """Take away an archive that this run could not put anything into, and the folders it `made` for it."""
    remove_if_empty(archive_ref(request))
    for folder in made:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _say(rejected: Sequence[Rejection]) -> None:
    for rejection in rejected:
        log.warning("scene %s left out: %s", rejection.scene_id, rejection.reason)
