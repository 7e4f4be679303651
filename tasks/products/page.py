"""The page of a publication: one file that says what was seen, how surely, and what was not.

Every number stands beside its denominator, null reads "not seen" or "no look" and never 0. The page
holds no script, asks the network for nothing and knows no clock: same inputs, same bytes. All text
comes from outside (site files, scene ids) and goes through Jinja's escaping.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tasks.model import WATER_KINDS, Site, ZoneKind
from tasks.products.drawings import quay_charts, shaded, water_charts, yard_charts
from tasks.products.headline import headline, read_regimes
from tasks.products.quay import Quay, over, quay_view, read_quay
from tasks.products.site_months import months_view
from tasks.products.sketch import Positions, numbered, site_map
from tasks.products.story import ZoneStory, guessed, read_stories, zone_view
from tasks.products.wording import day, fenced, many, minute, month_name, share, tens
from tasks.products.yards import Ashore, read_ashore
from tasks.products.yards_view import ashore_view

COUNTED_KINDS = WATER_KINDS | {ZoneKind.BERTH}
"""Kinds of which radar at 10 m can tell something."""

NEWEST_ROWS = 10
MOST_REJECTED = 20
"""Rejected scenes listed by name; the manifest has all."""

FLAG_WORDS = {
    "no_memory": "almost no other image to compare with: uncertain",
    "thin_memory": "few other images to compare with: less certain",
    "artefact": "bright streaks that no ship can make were left out",
    "not_seen": "not seen",
    "not_measured": "not measured",
}

FILES = (
    ("looks.parquet", "one row per look and zone: count, share seen, flags; null where it could not be told"),
    ("vessels.parquet", "one row per detection: position, outline, length with its error, heading, scene"),
    ("stacks.parquet", "outlines of stacks in the yards, and of what a look did not see of them"),
    ("stays.parquet", "vessels at berths: arrival and departure bracketed by looks, with probabilities"),
    ("balance.parquet", "what left the yards and what came up on them while a ship lay at a berth"),
    ("utilisation.csv", "the weekly and monthly means with their intervals and numbers of looks"),
    ("regimes.parquet", "when activity changed: date, interval, probability, status, when it could be known"),
    ("series.zarr", "looks, means and shares of the quay as arrays, for xarray.open_zarr"),
    ("manifest.json", "versions, snapshot, every input scene, every rejected scene, checksums"),
)


def render_page(
    site: Site,
    looks: pd.DataFrame,
    vessels: gpd.GeoDataFrame,
    utilisation: pd.DataFrame,
    regimes: pd.DataFrame,
    occupancy: pd.DataFrame,
    ashore: pd.DataFrame,
    manifest: dict[str, Any],
    pictures: dict[str, bytes] | None = None,
) -> str:
    """Write the page of a site.

    Parameters
    ----------
    site
        Zones, title, land and attribution.
    looks
        One row per look × zone, ``acquired`` in UTC without a zone; may be empty.
    vessels
        Points with ``scene_id``; may be empty.
    utilisation
        Weekly and monthly means and shares; only the months are shown.
    regimes
        Columns of ``regimes.parquet``; without a row the page says why nothing is said.
    occupancy
        Share of the quay metres taken by month, `tasks.products.quay.OCCUPANCY_COLUMNS`; may be empty.
    ashore
        Looks at yards and tracks, columns `tasks.products.yards.ASHORE_COLUMNS`; may be empty, and of other
        scenes than `looks`.
    manifest
        Snapshot, versions, inputs, rejected scenes, permanent scatterers, and whether all is simulated.
    pictures
        PNG bytes by caption.

    Returns
    -------
    str
        A whole HTML document.
    """
    stories = read_stories(site, looks, utilisation)
    quay, spells = read_quay(site, looks, occupancy), read_regimes(regimes)
    grounds = read_ashore(site, ashore)
    axis = grounds.over(look.when for look in quay.looks)
    quay = over(quay, axis) if quay.berths else quay
    context = {
        "site": site,
        "headline": headline(spells, quay),
        "shaded": shaded(spells),
        "berths": quay_view(quay) | {"charts": quay_charts(quay, spells)},
        "yards": ashore_view(grounds) | {"charts": yard_charts(grounds, axis, spells)},
        "whole": months_view(site, utilisation),
        "stories": [zone_view(story) | {"charts": water_charts(story)} for story in stories],
        "radar": "sensor" not in looks or not len(looks) or bool((looks["sensor"] == "radar").any()),
        "facts": _facts(looks, stories, grounds),
        "map": _map_view(site, vessels, stories, quay, manifest),
        "zones": _zone_rows(site, looks, grounds),
        "newest": _newest_rows(stories, quay),
        "manifest": manifest,
        "inputs": _input_rows(manifest),
        "most_rejected": MOST_REJECTED,
        "pictures": {caption: base64.b64encode(data).decode() for caption, data in (pictures or {}).items()},
        "credit": _credit([looks, ashore], manifest),
        "files": FILES,
    }
    return _environment().get_template("page.html.j2").render(context)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("tasks.products", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters |= {"day": day, "minute": minute, "month": month_name, "share": share, "many": many}
    environment.filters |= {"tens": tens, "fenced": fenced}
    return environment


def _facts(looks: pd.DataFrame, stories: Sequence[ZoneStory], grounds: Ashore) -> dict[str, Any]:
    """Count what the whole page rests on."""
    pairs = zip(looks["acquired"], looks["scene_id"], strict=True) if len(looks) else ()
    scenes = {(pd.Timestamp(when).to_pydatetime(), str(scene_id)) for when, scene_id in pairs}
    scenes |= {(look.when, look.scene_id) for ground in grounds.grounds for look in ground.looks}
    return {
        "first": min((when for when, _ in scenes), default=None),
        "last": max((when for when, _ in scenes), default=None),
        "scenes": len({scene_id for _, scene_id in scenes}),
        "looks": sum(len(story.looks) for story in stories),
        "told": sum(len(story.told) for story in stories),
    }


def _zone_rows(site: Site, looks: pd.DataFrame, grounds: Ashore) -> list[dict[str, Any]]:
    """Tell of each measured zone what could be told of it, or why nothing."""
    rows, ashore = [], {ground.zone.zone_id: ground.told_of for ground in grounds.grounds}
    for number, zone in numbered(site):
        here = looks[looks["zone_id"] == zone.zone_id] if len(looks) else looks
        flags = {flag for cell in here["flags"].dropna() for flag in cell.split(";")} if len(here) else set()
        silent = zone.zone_id not in ashore and (not len(here) or not here["vessel_count"].notna().any())
        unmeasured = silent and (zone.kind not in COUNTED_KINDS or "not_measured" in flags)
        rows.append(
            {
                "number": number,
                "zone": zone,
                "name": zone.name or zone.zone_id,
                "berth": zone.kind is ZoneKind.BERTH,
                "kind": zone.kind.value.replace("_", " "),
                "guessed": guessed(zone),
                "unmeasured": unmeasured,
                "told": "" if silent else ashore.get(zone.zone_id, "vessels"),
                "state": _state(unmeasured, silent, len(here)),
            }
        )
    return rows


def _state(unmeasured: bool, silent: bool, looks: int) -> str:
    if unmeasured:
        return "not measurable"
    return "counted" if not silent else "not seen" if looks else "no look"


def _newest_rows(stories: Sequence[ZoneStory], quay: Quay) -> list[dict[str, Any]]:
    """List the newest scenes with what each zone, and the berths together, showed in them."""
    afloat = {(look.when, look.scene_id) for story in stories for look in story.looks}
    scenes = sorted(afloat | {(look.when, look.scene_id) for look in quay.looks})
    rows = []
    for when, scene_id in reversed(scenes[-NEWEST_ROWS:]):
        cells = [
            next((k for k in s.looks if (k.when, k.scene_id) == (when, scene_id)), None) for s in stories
        ]
        moored = next((k for k in quay.looks if (k.when, k.scene_id) == (when, scene_id)), None)
        flags = {flag for look in (*cells, moored) if look for flag in look.flags} - {"not_seen"}
        notes = [FLAG_WORDS.get(flag, flag) for flag in sorted(flags)]
        rows.append({"when": when, "scene_id": scene_id, "cells": cells, "quay": moored, "notes": notes})
    return rows


def _map_view(
    site: Site,
    vessels: gpd.GeoDataFrame,
    stories: Sequence[ZoneStory],
    quay: Quay,
    manifest: Mapping[str, Any],
) -> dict[str, Any]:
    """Draw the map and count what is on it; its newest image is the newest that gave a count."""
    afloat = {(look.when, look.scene_id) for story in stories for look in story.told}
    last = max(afloat | {(look.when, look.scene_id) for look in quay.told}, default=None)
    places, newest = np.empty((0, 2)), np.empty(0, bool)
    if len(vessels):
        places = np.column_stack([vessels.geometry.x, vessels.geometry.y])
        newest = (vessels["scene_id"] == (last[1] if last else "")).to_numpy(bool)
    listed = manifest.get("permanent_scatterers", [])
    fixed: Positions = np.array([(s["longitude"], s["latitude"]) for s in listed], float).reshape(-1, 2)
    drawn = site_map(site, places[~newest], places[newest], fixed, "map") if site.zones else ""
    kinds = {zone.kind for zone in site.measured_zones}
    return {
        "svg": Markup(drawn),
        "last": last[0] if last else None,
        "vessels": len(places),
        "newest": int(newest.sum()),
        "scatterers": len(fixed),
        "berths": ZoneKind.BERTH in kinds,
        "afloat": bool(quay.berths) and not _any_alongside(quay, vessels),
        "other": bool(kinds - COUNTED_KINDS),
        "structures": len(site.zones) > len(site.measured_zones),
        "guessed": any(guessed(zone) for zone in site.zones),
    }


def _any_alongside(quay: Quay, vessels: gpd.GeoDataFrame) -> bool:
    """Tell whether ships at berth are among the positions too."""
    berths = [berth.zone.zone_id for berth in quay.berths]
    return "zone_id" in vessels and bool(vessels["zone_id"].isin(berths).any())


def _input_rows(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Summarise the input scenes by collection."""
    listed = manifest.get("inputs", [])
    rows = []
    for collection in sorted({str(item["collection"]) for item in listed}):
        times = sorted(pd.Timestamp(i["acquired"]) for i in listed if str(i["collection"]) == collection)
        rows.append({"collection": collection, "scenes": len(times), "first": times[0], "last": times[-1]})
    return rows


def _credit(tables: Sequence[pd.DataFrame], manifest: Mapping[str, Any]) -> str:
    """Credit Copernicus where its images were used, as its licence asks."""
    if manifest.get("simulated"):
        return ""
    years = {year for table in tables if len(table) for year in _sentinel_years(table)}
    if not years:
        return ""
    period = str(min(years)) if len(years) == 1 else f"{min(years)}–{max(years)}"
    return f"contains modified Copernicus Sentinel data {period}"


def _sentinel_years(looks: pd.DataFrame) -> set[int]:
    """List the years of the looks that rest on Sentinel images."""
    named = looks["scene_id"].astype(str).str.match(r"S[12][A-D]_")
    sentinel = named | looks["collection"].astype(str).str.contains(r"sentinel-[12]", case=False)
    return {int(year) for year in looks.loc[sentinel, "acquired"].dt.year}
