"""The whole main job on a simulated archive: two ports, one story, and what the images tell of it.

The findings come from the publications alone; the truth tables that lie beside the images are for
the benchmark and are never read here.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console

from flows.findings import findings, sentences
from flows.summary import summary_lines
from flows.voyages import run_voyages

START, END = date(2023, 6, 1), date(2023, 12, 31)

A_DAY = date(2023, 12, 9)
"""Of which reports say: one ship unloads at one pier while containers wait at the next."""

SCENARIO = "najin-2023"

SITES = ("najin", "dunay")

NOTICE = "All images of this demo are simulated; they say nothing about the real ports."


def run_demo(out: Path, seed: int, console: Console) -> dict[str, Any]:
    """Simulate once, bring both ports up to date, and say what was found.

    Returns
    -------
    dict
        ``findings``, the same as ``lines`` for people, ``pages``, and ``left_out`` (scene id to reason:
        files that are broken on purpose).
    """
    home = _world_of(seed)
    images, archive = out / "images" / home, out / "archive" / home
    catalog = str(simulated_catalog(images, seed, console))
    outcomes = {site: _bring_up_to_date(site, catalog, str(archive), str(out), console) for site in SITES}
    run_voyages(*SITES, str(out))
    found = findings(out, *SITES, START, END, A_DAY)
    pages = {site: outcome["page"] for site, outcome in outcomes.items()}
    left_out = {k: v for outcome in outcomes.values() for k, v in outcome["rejected"].items()}
    lines = [
        *_account(outcomes, left_out),
        "",
        *(line for site in SITES for line in summary_lines(out / site)),
        "",
        *sentences(found),
        "",
        *_pointers(pages, images, archive, out),
        NOTICE,
    ]
    return {"findings": found.as_dict(), "lines": lines, "pages": pages, "left_out": left_out}


def simulated_catalog(folder: Path, seed: int, console: Console) -> Path:
    """Make the simulated archive, or reuse it; returns its catalogue."""
    from flows.progress import Reporter
    from tasks.simulate import simulate

    console.print(f"simulated images of {' and '.join(SITES)}, {START} to {END}: {folder}", markup=False)
    reporter = Reporter(console)
    with reporter.running():
        advance, expect = reporter.stage("simulate")
        return simulate(SCENARIO, folder, seed=seed, start=START, end=END, expect=expect, advance=advance)


def _world_of(seed: int) -> str:
    """Name of the folders of one world: images of two seeds must not meet in one archive."""
    from tasks.simulate import sites_of, world_mark

    return f"seed-{seed}-{world_mark(SCENARIO, sites_of(SCENARIO, None), seed)}"


def _bring_up_to_date(site: str, catalog: str, archive: str, out: str, console: Console) -> dict[str, Any]:
    """Backfill one site, unless there is nothing to do; Prefect starts only if there is."""
    from flows.chain import make_request, starting
    from tasks.discover import plan

    request = make_request(site, START, END, catalog, None, archive, out)
    todo = plan(request)
    if todo.nothing_to_do:
        return starting(todo).as_dict()
    console.print(f"{site}: {len(todo.new)} scenes to gather and measure", markup=False)
    if console.is_terminal and "PREFECT_API_URL" not in os.environ:
        console.print("starting Prefect; 10 to 20 s without a server", style="dim")
    from flows.backfill import backfill

    return backfill(site, START, END, catalog, None, request.archive, request.out)


def _account(outcomes: dict[str, dict[str, Any]], left_out: dict[str, str]) -> list[str]:
    lines = [
        f"{site}: {one['ingested']} scenes ingested, {one['known']} archived already, "
        f"{one['measured']} measured"
        for site, one in outcomes.items()
    ]
    lines += [f"left out {scene_id}: {reason}" for scene_id, reason in sorted(left_out.items())]
    if left_out:
        lines.append("(broken on purpose, one of each defect that archives really have)")
    return lines


def _pointers(pages: dict[str, str], images: Path, archive: Path, out: Path) -> list[str]:
    return [
        f"overview: {out / 'index.html'}",
        *(f"page of {site}: {page}" for site, page in pages.items()),
        f"images and truth: {images}",
        f"what is archived: roadstead status --archive {archive} --out {out}",
    ]
