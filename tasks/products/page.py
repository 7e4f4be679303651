"""The page of a publication: one file that says what was seen, how surely, and what was not.

Every number stands beside its denominator, null reads "not seen" or "no look" and never 0. The page
holds no script, asks the network for nothing and knows no clock: same inputs, same bytes. All text
comes from outside (site files, scene ids) and goes through Jinja's escaping.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tasks.model import WATER_KINDS, Site, Zone
from tasks.products.chart import (
    MONTHS,
    Look,
    Month,
    Positions,
    looks_chart,
    monthly_chart,
    numbered,
    site_map,
)

WIDTHS_PX = {"wide": 860, "narrow": 340}
"""Each chart is drawn for a desk or paper, and for a phone."""

NEWEST_ROWS = 10
MOST_REJECTED = 20
"""Rejected scenes listed by name; the manifest has all."""

FLAG_WORDS = {
    "no_memory": "almost no earlier image to compare with: uncertain",
    "thin_memory": "few earlier images to compare with: less certain",
    "artefact": "bright streaks that no ship can make were left out",
    "not_seen": "not seen",
    "not_measured": "not measured",
}

FILES = (
    ("looks.parquet", "one row per look and zone: count, share seen, flags; null where it could not be told"),
    ("vessels.parquet", "one row per detection: position, outline, length with its error, heading, scene"),
    ("utilisation.csv", "the weekly and monthly means with their intervals and numbers of looks"),
    ("series.zarr", "the same as arrays, for xarray.open_zarr"),
    ("manifest.json", "versions, snapshot, every input scene, every rejected scene, checksums"),
)


@dataclass(frozen=True)
class ZoneStory:
    """A water zone with everything that is known of it, in order of time."""

    number: int
    zone: Zone
    looks: list[Look]
    months: list[Month]

    @property
    def name(self) -> str:
        """What to call it."""
        return self.zone.name or self.zone.zone_id

    @property
    def told(self) -> list[Look]:
        """Looks that gave a count."""
        return [look for look in self.looks if look.count is not None]


def render_page(
    site: Site,
    looks: pd.DataFrame,
    vessels: gpd.GeoDataFrame,
    utilisation: pd.DataFrame,
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
        Weekly and monthly means; only the months are shown.
    manifest
        Snapshot, versions, inputs, rejected scenes, permanent scatterers, and whether all is simulated.
    pictures
        PNG bytes by caption.

    Returns
    -------
    str
        A whole HTML document.
    """
    stories = _stories(site, looks, utilisation)
    context = {
        "site": site,
        "stories": [_zone_view(story) for story in stories],
        "facts": _facts(looks, stories),
        "map": _map_view(site, vessels, stories, manifest),
        "zones": _zone_rows(site, looks),
        "newest": _newest_rows(stories),
        "manifest": manifest,
        "inputs": _input_rows(manifest),
        "most_rejected": MOST_REJECTED,
        "pictures": {caption: base64.b64encode(data).decode() for caption, data in (pictures or {}).items()},
        "credit": _credit(looks, manifest),
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
    return environment


def day(when: datetime) -> str:
    """Write a date, the same in every locale.

    Examples
    --------
    >>> day(datetime(2023, 12, 9))
    '9 Dec 2023'
    """
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


def minute(when: datetime) -> str:
    """Write a date and time."""
    return f"{day(when)}, {when:%H:%M} UTC"


def month_name(when: datetime) -> str:
    """Write a month."""
    return f"{MONTHS[when.month - 1]} {when.year}"


def share(value: float | None) -> str:
    r"""Write a share; only all is 100 % and only nothing is 0 %.

    Examples
    --------
    >>> share(0.9999), share(0.5), share(0.0001)
    ('>99\xa0%', '50\xa0%', '<1\xa0%')
    """
    if value is None:
        return "an unknown share"
    if 0.995 <= value < 1:
        return ">99\xa0%"
    return "<1\xa0%" if 0 < value < 0.005 else f"{100 * value:.0f}\xa0%"


def many(number: int, noun: str) -> str:
    r"""Write a number with its noun.

    Examples
    --------
    >>> many(1, "look"), many(0, "look")
    ('1\xa0look', '0\xa0looks')
    """
    return f"{number}\xa0{noun}{'' if number == 1 else 's'}"


def _stories(site: Site, looks: pd.DataFrame, utilisation: pd.DataFrame) -> list[ZoneStory]:
    by_zone = {zone.zone_id: _read_looks(looks, zone.zone_id) for zone in site.water_zones}
    times = [look.when for some in by_zone.values() for look in some]
    return [
        ZoneStory(number, zone, here, _read_months(utilisation, zone.zone_id, here, times))
        for number, zone in numbered(site)
        if (here := by_zone.get(zone.zone_id)) is not None
    ]


def _read_looks(looks: pd.DataFrame, zone_id: str) -> list[Look]:
    if not len(looks):
        return []
    rows = looks[looks["zone_id"] == zone_id].sort_values(["acquired", "scene_id"], kind="stable")
    found = []
    for row in rows.to_dict("records"):
        flags = frozenset(row["flags"].split(";")) - {""} if isinstance(row["flags"], str) else frozenset()
        seen, told = _value(row["seen_fraction"]), _value(row["vessel_count"])
        number = None if told is None else int(told)
        when = pd.Timestamp(row["acquired"]).to_pydatetime()
        found.append(Look(when, str(row["scene_id"]), number, seen, flags))
    return found


def _value(cell: Any) -> float | None:
    """Read a number that may be None, NaN or NA."""
    return None if pd.isna(cell) else float(cell)


def _read_months(
    utilisation: pd.DataFrame, zone_id: str, looks: Sequence[Look], times: Sequence[datetime]
) -> list[Month]:
    """Give every month between the first and the last look at any zone its row, those without a look too."""
    known = {}
    if len(utilisation):
        rows = utilisation[(utilisation["zone_id"] == zone_id) & (utilisation["period"] == "month")]
        known = {(start.year, start.month): row for start, row in _by_start(rows)}
    months = []
    month = Month(min(times).replace(day=1, hour=0, minute=0, second=0, microsecond=0)) if times else None
    while month is not None and month.start <= max(times):
        row = known.get((month.start.year, month.start.month))
        months.append(_month(month.start, row) if row is not None else _uncounted(month, looks))
        month = Month(month.end)
    return months


def _by_start(rows: pd.DataFrame) -> list[tuple[pd.Timestamp, dict[str, Any]]]:
    records: list[dict[str, Any]] = [{str(k): v for k, v in row.items()} for row in rows.to_dict("records")]
    return [(pd.Timestamp(row["start"]), row) for row in records]


def _month(start: datetime, row: Mapping[str, Any]) -> Month:
    most = _value(row["vessels_max"])
    return Month(
        start,
        int(row["looks"]),
        int(row["looks_seen"]),
        _value(row["seen_fraction"]),
        _value(row["vessels_mean"]),
        _value(row["vessels_low"]),
        _value(row["vessels_high"]),
        None if most is None else int(most),
    )


def _uncounted(month: Month, looks: Sequence[Look]) -> Month:
    here = [look for look in looks if month.start <= look.when < month.end]
    shares = [look.share for look in here if look.share is not None]
    told = sum(look.count is not None for look in here)
    return Month(month.start, len(here), told, float(np.mean(shares)) if shares else None)


def _zone_view(story: ZoneStory) -> dict[str, Any]:
    """Give everything that the template says of a water zone."""
    valued = [month for month in story.months if month.mean is not None]
    best = max(valued, key=lambda m: (m.mean or 0.0, m.start), default=None)
    return {
        "story": story,
        "name": story.name,
        "key": f"zone-{story.number}",
        "kind": story.zone.kind.value.replace("_", " "),
        "guessed": _guessed(story.zone),
        "told": story.told,
        "valued": valued,
        "best": best,
        "as_busy": sum(_overlap(best, month) for month in valued if month is not best) if best else 0,
        "changed": len(valued) > 1 and not _overlap(valued[0], valued[-1]),
        "empty_months": sum(bool(month.gap) for month in story.months),
        "unsettled": sum(look.unsettled for look in story.told),
        "streaked": sum("artefact" in look.flags for look in story.told),
        "charts": _charts(story) if story.looks else {},
    }


def _guessed(zone: Zone) -> bool:
    return zone.confidence.lower().startswith("low")


def _overlap(one: Month, other: Month) -> bool:
    """Tell whether the intervals of two months have anything in common."""
    low_one, high_one, low_other, high_other = (
        value if value is not None else float("nan") for value in (one.low, one.high, other.low, other.high)
    )
    return not (high_one < low_other or high_other < low_one)


def _charts(story: ZoneStory) -> dict[str, dict[str, Markup]]:
    """Draw both charts in both widths; `chart` escapes what it is given."""
    mean, every = (
        f"{story.name}: {what}" for what in ("vessels per look, by month", "vessels in every look")
    )
    return {
        size: {
            "months": Markup(monthly_chart(story.months, mean, f"m{story.number}-{size}", width)),
            "looks": Markup(looks_chart(story.looks, story.months, every, f"l{story.number}-{size}", width)),
        }
        for size, width in WIDTHS_PX.items()
    }


def _facts(looks: pd.DataFrame, stories: Sequence[ZoneStory]) -> dict[str, Any]:
    """Count what the whole page rests on."""
    times = [pd.Timestamp(t).to_pydatetime() for t in looks["acquired"]] if len(looks) else []
    return {
        "first": min(times, default=None),
        "last": max(times, default=None),
        "scenes": looks["scene_id"].nunique() if len(looks) else 0,
        "looks": sum(len(story.looks) for story in stories),
        "told": sum(len(story.told) for story in stories),
    }


def _zone_rows(site: Site, looks: pd.DataFrame) -> list[dict[str, Any]]:
    """Tell of each measured zone whether this sensor could measure it."""
    rows = []
    for number, zone in numbered(site):
        here = looks[looks["zone_id"] == zone.zone_id] if len(looks) else looks
        flags = set(here["flags"].dropna()) if len(here) else set()
        silent = not len(here) or not here["vessel_count"].notna().any()
        unmeasured = silent and (zone.kind not in WATER_KINDS or flags == {"not_measured"})
        rows.append(
            {
                "number": number,
                "zone": zone,
                "name": zone.name or zone.zone_id,
                "kind": zone.kind.value.replace("_", " "),
                "guessed": _guessed(zone),
                "unmeasured": unmeasured,
                "state": _state(unmeasured, silent, len(here)),
            }
        )
    return rows


def _state(unmeasured: bool, silent: bool, looks: int) -> str:
    if unmeasured:
        return "not measurable"
    return "counted" if not silent else "not seen" if looks else "no look"


def _newest_rows(stories: Sequence[ZoneStory]) -> list[dict[str, Any]]:
    """List the newest scenes with what each zone showed in them."""
    scenes = sorted({(look.when, look.scene_id) for story in stories for look in story.looks})
    rows = []
    for when, scene_id in reversed(scenes[-NEWEST_ROWS:]):
        cells = [
            next((k for k in s.looks if (k.when, k.scene_id) == (when, scene_id)), None) for s in stories
        ]
        flags = {flag for look in cells if look for flag in look.flags} - {"not_seen"}
        notes = [FLAG_WORDS.get(flag, flag) for flag in sorted(flags)]
        rows.append({"when": when, "scene_id": scene_id, "cells": cells, "notes": notes})
    return rows


def _map_view(
    site: Site, vessels: gpd.GeoDataFrame, stories: Sequence[ZoneStory], manifest: Mapping[str, Any]
) -> dict[str, Any]:
    """Draw the map and count what is on it; its newest image is the newest that gave a count."""
    last = max(((k.when, k.scene_id) for story in stories for k in story.told), default=None)
    places, newest = np.empty((0, 2)), np.empty(0, bool)
    if len(vessels):
        places = np.column_stack([vessels.geometry.x, vessels.geometry.y])
        newest = (vessels["scene_id"] == (last[1] if last else "")).to_numpy(bool)
    listed = manifest.get("permanent_scatterers", [])
    fixed: Positions = np.array([(s["longitude"], s["latitude"]) for s in listed], float).reshape(-1, 2)
    drawn = site_map(site, places[~newest], places[newest], fixed, "map") if site.zones else ""
    return {
        "svg": Markup(drawn),
        "last": last[0] if last else None,
        "vessels": len(places),
        "newest": int(newest.sum()),
        "scatterers": len(fixed),
        "other": len(site.measured_zones) > len(site.water_zones),
        "structures": len(site.zones) > len(site.measured_zones),
        "guessed": any(_guessed(zone) for zone in site.zones),
    }


def _input_rows(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Summarise the input scenes by collection."""
    listed = manifest.get("inputs", [])
    rows = []
    for collection in sorted({str(item["collection"]) for item in listed}):
        times = sorted(pd.Timestamp(i["acquired"]) for i in listed if str(i["collection"]) == collection)
        rows.append({"collection": collection, "scenes": len(times), "first": times[0], "last": times[-1]})
    return rows


def _credit(looks: pd.DataFrame, manifest: Mapping[str, Any]) -> str:
    """Credit Copernicus where its images were used, as its licence asks."""
    if manifest.get("simulated") or not len(looks):
        return ""
    sentinel = looks["scene_id"].astype(str).str.startswith("S1") | looks["collection"].astype(
        str
    ).str.contains("sentinel-1", case=False)
    if not sentinel.any():
        return ""
    years = sorted(set(looks.loc[sentinel, "acquired"].dt.year))
    period = str(years[0]) if len(years) == 1 else f"{years[0]}–{years[-1]}"
    return f"contains modified Copernicus Sentinel data {period}"
