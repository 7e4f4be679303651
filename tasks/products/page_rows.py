"""What the page lists: facts, zones, the newest looks, the images used, and who is to be credited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from tasks.model import WATER_KINDS, Site, ZoneKind
from tasks.products.sketch import numbered
from tasks.products.story import ZoneStory, guessed
from tasks.products.yards import Ashore

COUNTED_KINDS = WATER_KINDS | {ZoneKind.BERTH}
"""Kinds of which radar at 10 m can tell something."""

MOST_REJECTED = 20
"""Rejected scenes listed by name; the manifest has all."""


def facts(looks: pd.DataFrame, stories: Sequence[ZoneStory], grounds: Ashore) -> dict[str, Any]:
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


def zone_rows(site: Site, looks: pd.DataFrame, grounds: Ashore) -> list[dict[str, Any]]:
    """Tell of each measured zone what could be told of it, or why nothing."""
    rows, ashore = [], {ground.zone.zone_id: ground.told_of for ground in grounds.grounds}
    for number, zone in numbered(site):
        if zone.kind is ZoneKind.PIER:
            continue  # told of by its berths, yards and tracks
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


def input_rows(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Summarise the input scenes by collection."""
    listed = manifest.get("inputs", [])
    rows = []
    for collection in sorted({str(item["collection"]) for item in listed}):
        times = sorted(pd.Timestamp(i["acquired"]) for i in listed if str(i["collection"]) == collection)
        rows.append({"collection": collection, "scenes": len(times), "first": times[0], "last": times[-1]})
    return rows


def credit(tables: Sequence[pd.DataFrame], manifest: Mapping[str, Any]) -> str:
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
