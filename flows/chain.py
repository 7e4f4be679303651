"""The way of the data, once: discover, ingest, analyse, infer, publish.

`backfill` and `monitor` differ only in the period they ask for. The chain runs inside a Prefect
flow; its stages are Prefect tasks of whole batches, and the pixels travel on the executor below.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console

from flows.cluster import workers
from flows.progress import Reporter
from flows.settings import Settings
from tasks.discover import Ledger, ledger_of, plan
from tasks.errors import InputError
from tasks.model import Pass, Plan, Request, SceneRef, passes_of

JOBS_PER_TASK = 8
"""Measuring jobs in one Prefect task: a task costs Prefect milliseconds, a thousand cost it minutes."""

log = logging.getLogger("roadstead")


@dataclass
class Outcome:
    """What a run did; the answer of the flows and of ``--json``."""

    site: str
    publication: str
    ingested: int = 0
    known: int = 0
    measured: int = 0
    looks: int = 0
    vessels: int = 0
    rejected: dict[str, str] = field(default_factory=dict)
    superseded: list[str] = field(default_factory=list)
    snapshot: str = ""
    page: str = ""
    cluster: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain types only, as a flow returns it."""
        return asdict(self)


def make_request(
    site: str,
    start: date,
    end: date,
    catalog: str,
    collections: list[str] | None,
    archive: str | None,
    out: str | None,
    retry_rejected: bool = False,
    repair: bool = False,
    public: bool = False,
) -> Request:
    """Fill a request's defaults from the settings.

    Raises
    ------
    InputError
        If the site is unknown or its file breaks a rule.
    """
    from tasks.sites import load_site

    settings = Settings()
    target = out or settings.out
    return Request(
        site=load_site(site),
        start=start,
        end=end,
        catalog=catalog,
        archive=_absolute(archive or settings.archive_for(target)),
        out=target,
        collections=tuple(collections or ()),
        retry_rejected=retry_rejected,
        repair=repair,
        public=public or settings.public,
    )


def _absolute(place: str) -> str:
    """Make a path independent of the working folder, for workers sit elsewhere; a URL stays one."""
    return place if "://" in place else str(Path(place).absolute())


def run_chain(request: Request, cluster: str) -> Outcome:
    """Do everything a request asks for that is not done yet; inside a Prefect flow."""
    from tasks import analyse, infer, ingest, publish

    todo = plan(request)
    outcome = starting(todo)
    if todo.nothing_to_do:
        return outcome
    ingest.check_archive(request)
    ingest.forget_backgrounds(request, todo.damaged_backgrounds)
    settings, reporter = Settings(), Reporter(Console(stderr=True))
    with workers(cluster, megapixels(request, todo)) as executor, reporter.running():
        made, left_out = ingest.missing_folders(request), list(todo.rejected)
        advance, expect = reporter.stage("ingest", len(todo.new))
        for collection, scenes in batches(todo.new, settings.batch):
            done = ingest.ingest_batch(request, collection, scenes, executor, advance)
            outcome.ingested += len(done.written)
            outcome.rejected |= {r.scene_id: r.reason for r in done.rejected if not r.bare}
            left_out += done.rejected
            outcome.superseded += done.superseded
        for collection in ledger_of(request).collections:
            early = ingest.compare_early(request, collection, executor)
            outcome.rejected |= {r.scene_id: r.reason for r in early}
        ledger = ledger_of(request)
        if not ledger.scenes:
            ingest.undo_empty(request, made)
            first = left_out[0]
            raise InputError(
                f"none of the {len(todo.new)} scenes can be used; {first.scene_id}: {first.reason}"
            )
        ingest.record_rejected(request, ledger, left_out)
        ledger = ledger_of(request)

        advance, expect = reporter.stage("backgrounds")
        for collection in sorted({s.collection for s in ledger.scenes}):
            analyse.refresh_backgrounds(request, ledger, collection, executor, expect, advance)
        ledger = ledger_of(request)

        jobs = analyse.measuring_jobs(request, ledger, publish.published_recipes(request))
        outcome.measured = sum(len(job.slots) for job in jobs)
        advance, _ = reporter.stage("measure", outcome.measured)
        parts = [
            analyse.measure_batch.submit(request, ledger, jobs[k : k + JOBS_PER_TASK], executor, advance)
            for k in range(0, len(jobs), JOBS_PER_TASK)
        ]
        measured = analyse.joined([part.result() for part in parts])
        scatterers = analyse.list_scatterers(request, ledger)

    advance, _ = reporter.stage("publish", 1)
    recipes = analyse.recipes(request, ledger)
    tables = infer.infer_tables(request.site, *publish.gather(request, recipes, measured))
    folder = publish.publish_site(request, ledger, recipes, tables, scatterers)
    advance(1)
    return finished(outcome, ledger, tables.looks, tables.vessels, str(folder))


def starting(todo: Plan) -> Outcome:
    """Begin the account of a run with what its plan already knows."""
    request = todo.request
    folder = f"{request.out}/{request.site.site_id}"
    return Outcome(
        site=request.site.site_id,
        publication=folder,
        page=f"{folder}/index.html" if Path(folder, "index.html").is_file() else "",
        known=todo.known,
        rejected={r.scene_id: r.reason for r in todo.rejected},
        superseded=list(todo.superseded),
    )


def finished(outcome: Outcome, ledger: Ledger, looks: Any, vessels: Any, folder: str) -> Outcome:
    """Complete the account of a run."""
    outcome.looks, outcome.vessels = len(looks), len(vessels)
    outcome.snapshot = str(ledger.snapshot)
    outcome.publication, outcome.page = folder, f"{folder}/index.html"
    return outcome


def batches(scenes: tuple[SceneRef, ...], size: int) -> list[tuple[str, list[SceneRef]]]:
    """Cut scenes into batches of one collection each, in order of time; tiles of one pass stay together."""
    by_collection: dict[str, list[Pass]] = {}
    for tiles in passes_of(scenes):
        by_collection.setdefault(tiles[0].collection, []).append(tiles)
    return [
        (collection, [scene for tiles in group[k : k + size] for scene in tiles])
        for collection, group in sorted(by_collection.items())
        for k in range(0, len(group), size)
    ]


def megapixels(request: Request, todo: Plan) -> float:
    """Estimate the pixels a run will touch, at 10 m; decides whether a cluster pays."""
    import shapely

    west, south, east, north = shapely.total_bounds([z.geometry for z in request.site.measured_zones])
    area_km2 = (east - west) * 85 * (north - south) * 111  # mid-latitudes; an order is enough
    return float((len(todo.new) or todo.known) * area_km2 * 1e4 / 1e6)
