"""Turn looks and series into a folder that others read, with the way back to every input."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import shapely
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.archive.ledger import Ledger
from tasks.evidence import gather_evidence, pointed_to
from tasks.model import Event, Request, Site
from tasks.products.chips import Earlier, Evidence, write_evidence
from tasks.products.manifest import read_manifest, state, write_manifest
from tasks.products.overview import write_overview
from tasks.products.page import render_page
from tasks.products.parquet import write_parquet
from tasks.products.publication import written_aside
from tasks.products.series import series_dataset, write_series
from tasks.products.since import Since
from tasks.products.spreadsheets import write_sheets
from tasks.products.stac import place_of, write_stac
from tasks.products.tables import (
    Rows,
    Tables,
    looks_table,
    read_rows,
    read_tables,
    read_voyages,
    stacks_table,
    vessels_table,
    voyages_table,
    write_tables,
)
from tasks.products.yards import ASHORE_COLUMNS
from tasks.science import MEASURE_VERSION
from tasks.science.basis import comparable
from tasks.science.plots import TRACK_M
from tasks.science.quays import quay_metres
from tasks.science.rows import Measured
from tasks.science.series.after import effects
from tasks.science.series.balance import REACH_M
from tasks.science.series.stated import quay_months
from tasks.science.series.turnover import DETECTION_M2
from tasks.science.series.utilisation import components
from tasks.science.teu import AREA_ERROR, PACKING, TEU_M2, TIERS, UNNOTICED_M2

log = logging.getLogger(__name__)


def folder_of(request: Request) -> Path:
    """Where the request's site is published."""
    return Path(request.out) / request.site.site_id


def published_recipes(request: Request) -> dict[str, str]:
    """Scene id to the recipe with which the last publication measured it."""
    inputs = read_manifest(folder_of(request)).get("inputs", [])
    return {i["scene_id"]: i["recipe"] for i in inputs}


@task(cache_policy=NO_CACHE)
def gather(request: Request, recipes: dict[str, str], fresh: Measured) -> tuple[pd.DataFrame, Any, Any]:
    """Join fresh looks, vessels and stacks with those that the last publication already has.

    Parameters
    ----------
    request
        Says where the last publication is.
    recipes
        Recipe of every archived scene; a published look is taken over only if it has the same.
    fresh
        Rows measured in this run.
    """
    before = published_recipes(request)
    kept = {k for k, recipe in recipes.items() if before.get(k) == recipe}
    old = read_rows(folder_of(request), kept - {r["scene_id"] for r in fresh.looks})
    looks, vessels, stacks = (a + b for a, b in zip(old, fresh, strict=True))
    return looks_table(looks), vessels_table(vessels), stacks_table(stacks)


@task(cache_policy=NO_CACHE)
def publish_site(
    request: Request,
    ledger: Ledger,
    recipes: dict[str, str],
    tables: Tables,
    scatterers: Rows,
) -> Path:
    """Write the site's publication aside and swap it in; same inputs, same bytes."""
    folder = folder_of(request)
    evidence = gather_evidence(request, ledger, tables)
    tables = replace(tables, vessels=pointed_to(tables.vessels, evidence))
    manifest = _manifest(request, ledger, recipes, scatterers)
    voyages = read_voyages(folder)
    if told := read_manifest(folder).get("voyages"):
        manifest["voyages"] = told  # as they were told last; each says from which looks
    with written_aside(folder) as aside:
        write_tables(aside, tables)
        write_series(aside, series_dataset(request.site, tables.looks, tables.utilisation, tables.occupancy))
        write_evidence(aside, evidence)
        _write_rest(aside, request.site, tables, evidence, voyages, manifest)
    write_overview(folder.parent)
    log.info("published %s: %d looks, %d vessels", folder, len(tables.looks), len(tables.vessels))
    return folder


def _write_rest(
    aside: Path,
    site: Site,
    tables: Tables,
    evidence: Evidence,
    voyages: pd.DataFrame,
    manifest: dict[str, Any],
) -> dict[str, Any]:
    """Write what voyages are part of: their table, the page, and the lists of all files."""
    if "voyages" in manifest:
        write_parquet(aside / VOYAGES, voyages)
        write_sheets(aside, {"voyages": voyages})
    page = _page(site, tables, evidence, voyages if "voyages" in manifest else None, manifest)
    (aside / "index.html").write_text(page, encoding="utf-8")
    write_stac(aside, place_of(site), manifest)
    return write_manifest(aside, manifest)


def _page(
    site: Site, tables: Tables, evidence: Evidence, voyages: pd.DataFrame | None, manifest: dict[str, Any]
) -> str:
    looks, vessels = tables.looks, tables.vessels
    shown, where = comparable(looks), ["scene_id", "zone_id"]
    drawn = vessels[pd.MultiIndex.from_frame(vessels[where]).isin(pd.MultiIndex.from_frame(shown[where]))]
    return render_page(
        site,
        shown,
        drawn,
        tables.utilisation,
        tables.regimes,
        tables.occupancy,
        ashore_looks(site, looks),
        manifest | _other(looks, shown),
        stays=tables.stays,
        voyages=voyages,
        chips=evidence.chips,
        cards=evidence.cards,
        since=_since(site, looks),
    )


def _since(site: Site, looks: pd.DataFrame) -> dict[Event, Since]:
    found = effects(looks, quay_metres(site), [event.on for event in site.events])
    return {
        event: Since(e.before, e.after, e.ratio, e.low, e.high, e.verdict, e.drop)
        for event, e in zip(site.events, found, strict=True)
        if e is not None
    }


VOYAGES = "voyages.parquet"


def publish_voyages(
    publications: Sequence[Path], sites: Sequence[Site], voyages: pd.DataFrame, told: Mapping[str, Any]
) -> list[Path]:
    """Put the voyages between two published sites into both publications; same inputs, same bytes.

    Voyages with other sites that a publication has stay. Each is written aside and swapped in whole.

    Parameters
    ----------
    publications, sites
        Folders of the two sites, named as their sites, and the sites.
    voyages
        One row per link.
    told
        Trips between the two, for the manifest and the page.

    Returns
    -------
    list of Path
        The tables.
    """
    names = {folder.name for folder in publications}
    pair = " ".join(sorted(names))
    for folder, site in zip(publications, sites, strict=True):
        old = read_voyages(folder)
        others = old[~(old["origin"].isin(names) & old["destination"].isin(names))]
        rows = _rows(pd.concat([t for t in (others, voyages) if len(t)] or [others]))
        table, manifest = voyages_table(rows), read_manifest(folder)
        if manifest.get("voyages", {}).get(pair) == dict(told) and table.equals(voyages_table(_rows(old))):
            continue
        tables = read_tables(folder)
        tables = replace(tables, occupancy=quay_months(tables.utilisation, comparable(tables.looks)))
        manifest.pop("files", None)
        manifest["voyages"] = manifest.get("voyages", {}) | {pair: dict(told)}
        with written_aside(folder) as aside:
            shutil.copytree(folder, aside, dirs_exist_ok=True)
            _write_rest(aside, site, tables, Earlier(folder).evidence(), table, manifest)
        write_overview(folder.parent)
        log.info("voyages %s: %d links", folder, len(table))
    return [folder / VOYAGES for folder in publications]


def _rows(table: pd.DataFrame) -> Rows:
    return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]


def ashore_looks(site: Site, looks: pd.DataFrame) -> pd.DataFrame:
    """Keep the looks at yards and tracks that series are made from, with what each zone holds."""
    _, *parts = components(site, looks)
    rows = [part.looks[part.looks["zone_kind"] == part.kind.value] for part in parts]
    table = pd.concat(
        [
            here.assign(share=here[part.column].astype(float), capacity=here["zone_id"].map(part.capacity))
            for part, here in zip(parts, rows, strict=True)
        ],
        ignore_index=True,
    )
    return table[list(ASHORE_COLUMNS)]


def _centre(site: Site) -> list[float]:
    """Longitude and latitude of the middle of a site's zones."""
    west, south, east, north = shapely.total_bounds([zone.geometry for zone in site.zones])
    return [round(float(west + east) / 2, 4), round(float(south + north) / 2, 4)]


def _other(looks: pd.DataFrame, shown: pd.DataFrame) -> dict[str, int]:
    """Count the scenes whose looks are in the tables but in no series."""
    return {"other_scenes": looks["scene_id"].nunique() - shown["scene_id"].nunique()}


def _manifest(request: Request, ledger: Ledger, recipes: dict[str, str], scatterers: Rows) -> dict[str, Any]:
    current = state(str(ledger.snapshot), request.site, MEASURE_VERSION, request.public)
    return {
        "roadstead": current["roadstead"],
        "site": request.site.site_id,
        "title": request.site.title,
        "centre": _centre(request.site),
        "state": current,
        "archive": {"snapshot": ledger.snapshot, "repository": f"{request.site.site_id}.icechunk"},
        "catalog": request.catalog.split("?")[0],  # a signed URL's query is a credential
        "simulated": any("simulated" in s.collection for s in ledger.scenes),
        "inputs": [
            {
                "scene_id": s.scene_id,
                "collection": s.collection,
                "acquired": f"{s.acquired:%Y-%m-%dT%H:%M:%SZ}",
                "orbit": s.orbit,
                "recipe": recipes[s.scene_id],
            }
            for s in ledger.scenes
        ],
        "rejected": [{"scene_id": k, "reason": v} for k, v in sorted(ledger.rejected.items())],
        "superseded": ledger.superseded,
        "permanent_scatterers": scatterers,
        "assumptions": {
            "teu": {
                "rule": "area / ground of a container x tiers x packing, the area with its own error",
                "container_m2": TEU_M2,
                "tiers": TIERS,
                "packing": PACKING,
                "area_error_share": AREA_ERROR,
                "unnoticed_m2": UNNOTICED_M2,
            },
            "loaded_or_unloaded_from_m2": DETECTION_M2,
            "yard_reached_from_berth_m": REACH_M,
            "track_spacing_m": TRACK_M,
            "index_weights": dict(request.site.weights),
        },
    }
