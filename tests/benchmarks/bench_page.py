"""What a publication costs: to write, to write again after one more look, and to open.

    roadstead demo
    python -m tests.benchmarks.bench_page --published demo demo/archive/seed-*

Publishes every site anew from its tables and the archive, with all pictures, into a folder thrown away; then
as if its last scene were new. Opens each page in Chromium, and a page of ten years and thirty berths.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import shapely

from tasks.discover import ledger_of
from tasks.infer import infer_tables
from tasks.model import Request, Site, Zone, ZoneKind
from tasks.products.manifest import read_manifest
from tasks.products.tables import LOOK_TYPES, Tables, read_tables, stacks_table, vessels_table
from tasks.publish import publish_site
from tasks.science.basis import comparable
from tasks.science.series.stated import quay_months
from tasks.sites import load_site
from tests.benchmarks.bench_regimes import Row
from tests.science.berth_histories import BERTH_M, Way, port

YEARS, BERTHS = 10, 30
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
PERIOD = date(1990, 1, 1), date(2100, 1, 1)


def publish_rows(out: Path, archive: Path) -> Iterator[Row]:
    """Publish sites from their tables: whole, and once more after one look."""
    whole = again = 0.0
    scenes = sites = 0
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(out.glob("*/manifest.json")):
            site, manifest = load_site(path.parent.name), read_manifest(path.parent)
            request = Request(site, *PERIOD, str(manifest["catalog"]), str(archive), folder)
            ledger, tables = ledger_of(request), read_tables(path.parent)
            tables = replace(tables, occupancy=quay_months(tables.utilisation, comparable(tables.looks)))
            recipes = {item["scene_id"]: item["recipe"] for item in manifest["inputs"]}
            whole += _publish(request, ledger, recipes, _without(tables, ledger.scenes[-1].scene_id))
            again += _publish(request, ledger, recipes, tables)
            scenes, sites = scenes + len(recipes), sites + 1
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        yield Row(f"publishing {scenes} scenes with evidence, s", "< 40", f"{whole:.1f}", whole < 40)
        yield Row(
            "the same sites after one more look each, s a site",
            "< 8",
            f"{again / sites:.1f}",
            again / sites < 8,
        )
        yield Row("peak memory, GB", "< 1.5", f"{peak:.2f}", peak < 1.5)
        for page in sorted(Path(folder).glob("*/index.html")):
            yield from open_rows(page.parent.name, page, 6, 2)


def _publish(request: Request, ledger: object, recipes: dict[str, str], tables: Tables) -> float:
    began = time.perf_counter()
    publish_site.fn(request, ledger, recipes, tables, [])
    return time.perf_counter() - began


def _without(tables: Tables, scene: str) -> Tables:
    rows = {name: getattr(tables, name) for name in ("looks", "vessels", "stacks")}
    return replace(tables, **{name: t[t["scene_id"] != scene] for name, t in rows.items()})


def ten_years() -> tuple[Site, Tables]:
    """Two thousand looks at thirty berths, and all that is told of them."""
    looks, truth = port(np.random.default_rng(1), BERTHS, 365.0 * YEARS, Way(revisit_days=1.825))
    ground = [shapely.box(130 + k * 0.002, 42, 130.0015 + k * 0.002, 42.0005) for k in range(BERTHS)]
    zones = [Zone(z, ZoneKind.BERTH, g, length_m=BERTH_M) for z, g in zip(truth.stays, ground, strict=True)]
    frame = looks.reindex(columns=list(LOOK_TYPES)).assign(
        site="port", collection="radar", sensor="radar", pixel_m=10.0, flags=""
    )
    frame = frame.astype({k: v for k, v in LOOK_TYPES.items() if k != "acquired"})
    site = Site("port", "A port of ten years", tuple(zones), "0")
    return site, infer_tables.fn(site, frame, vessels_table([]), stacks_table([]))


def written(folder: Path, site: Site, tables: Tables) -> Path:
    """Write a page without pictures."""
    from tasks.products.page import render_page
    from tasks.publish import ashore_looks

    manifest = {"inputs": [], "rejected": [], "archive": {"snapshot": "s"}, "state": {}, "catalog": "c"}
    path = folder / "index.html"
    page = render_page(
        site, tables.looks, tables.vessels, tables.utilisation, tables.regimes, tables.occupancy,
        ashore_looks(site, tables.looks), manifest, stays=tables.stays,
    )  # fmt: skip
    path.write_text(page, encoding="utf-8")
    return path


def open_rows(name: str, page: Path, most_mb: float, most_s: float) -> Iterator[Row]:
    """Measure a page: its bytes, and seconds until another day is shown on a key press."""
    size = page.stat().st_size / 1e6
    yield Row(f"{name}: MB", f"< {most_mb:g}", f"{size:.2f}", size < most_mb)
    chromium = os.environ.get("ROADSTEAD_CHROMIUM") or shutil.which("chromium")
    if not chromium:
        yield Row(f"{name}: interactive, s", f"< {most_s:g}", "no chromium")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        tab = browser.new_page(viewport={"width": 1440, "height": 900})
        began = time.perf_counter()
        tab.goto(page.as_uri())
        slider = tab.locator("input[type=range]").first
        before = tab.locator("h2", has_text="What was there on").first.inner_text()
        slider.press("ArrowLeft")
        tab.wait_for_function(
            "was => [...document.querySelectorAll('h2')].every(h => h.innerText !== was)", arg=before
        )
        took = time.perf_counter() - began
        browser.close()
    yield Row(f"{name}: opened, and another day shown, s", f"< {most_s:g}", f"{took:.2f}", took < most_s)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--published", nargs=2, type=Path, metavar=("OUT", "ARCHIVE"))
    given = parser.parse_args()
    rows: list[Row] = []
    if given.published:
        rows += publish_rows(*given.published)
    began = time.process_time()
    site, tables = ten_years()
    rows.append(Row("ten years, thirty berths: inferred, CPU s", "", f"{time.process_time() - began:.1f}"))
    with tempfile.TemporaryDirectory() as folder:
        rows += open_rows("ten years, thirty berths", written(Path(folder), site, tables), 15, 3)
    print("\n".join(map(str, rows)))
    sys.exit(int(any(row.met is False for row in rows)))


if __name__ == "__main__":
    main()
