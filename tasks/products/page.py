"""The page of a publication: one file that says what was seen, how surely, and what was not.

Every number stands beside its denominator, null reads "not seen" or "no look" and never 0. The page asks
the network for nothing and knows no clock: same inputs, same bytes. All text comes from outside (site
files, scene ids) and goes through Jinja's escaping; its one script and its style are allowed by their hashes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from markupsafe import Markup

from tasks.model import WATER_KINDS, Event, Site, ZoneKind
from tasks.products.answers import answers
from tasks.products.chips import Card, Chip
from tasks.products.days import Day, first_shown, read_days, says, script_data
from tasks.products.document import document
from tasks.products.drawings import quay_charts, shaded, water_charts, yard_charts
from tasks.products.gallery import gallery_view
from tasks.products.headline import headline, names, read_regimes, zone_regimes
from tasks.products.journeys import round_trips, stays_listing, voyages_listing
from tasks.products.page_rows import (
    COUNTED_KINDS,
    MOST_REJECTED,
    credit,
    facts,
    input_rows,
    zone_rows,
)
from tasks.products.places import places_of
from tasks.products.quay import Quay, over, quay_view, read_quay
from tasks.products.since import TOO_FEW, Since
from tasks.products.site_months import months_view
from tasks.products.sketch import Positions, site_map, view_of
from tasks.products.small import small_multiples
from tasks.products.story import guessed, read_stories, zone_view
from tasks.products.yards import read_ashore
from tasks.products.yards_view import ashore_view

FILES = (
    ("looks.parquet", "one row per look and zone: count, share seen, flags; null where it could not be told"),
    ("vessels.parquet", "one row per detection: position, outline, length with its error, heading, scene"),
    ("stacks.parquet", "outlines of stacks in the yards, and of what a look did not see of them"),
    ("stays.parquet", "vessels at berths: arrival and departure bracketed by looks, with probabilities"),
    ("balance.parquet", "what left the yards and what came up on them while a ship lay at a berth"),
    ("utilisation.csv", "the weekly and monthly means with their intervals and numbers of looks"),
    ("stays.parquet", "each ship at each berth: arrival and departure between looks, length, probability"),
    ("voyages.parquet", "departures at one port linked to arrivals at another, with their probability"),
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
    stays: pd.DataFrame | None = None,
    voyages: pd.DataFrame | None = None,
    chips: Sequence[Chip] = (),
    cards: Sequence[Card] = (),
    since: Mapping[Event, Since] | None = None,
) -> str:
    """Write the page of a site.

    Parameters
    ----------
    site
        Zones, title, land and attribution.
    looks
        One row per look × zone, ``acquired`` in UTC without a zone; may be empty.
    vessels
        Points with ``scene_id``, outlines where they are known; may be empty.
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
    stays, voyages
        As in their files; None where there is no such table.
    chips, cards
        Pictures, and which of them back which claim.
    since
        What looks tell of the time after each of the site's events; one that is not in it is not told of.

    Returns
    -------
    str
        A whole HTML document.
    """
    stories = read_stories(site, looks, utilisation)
    quay, spells = read_quay(site, looks, occupancy), read_regimes(regimes)
    grounds = read_ashore(site, ashore)
    axis = grounds.over([*(k.when for k in quay.looks), *(k.when for s in stories for k in s.looks)])
    quay = over(quay, axis) if quay.berths else quay
    places, close = places_of(site), view_of(site, close=True) if site.zones else None
    days = read_days([looks, ashore], stories, quay, grounds, vessels, close)
    shown, whole = first_shown(days, places), months_view(site, utilisation)
    stays_told, voyages_told = stays_listing(site, stays), voyages_listing(voyages)
    trips = round_trips(manifest, site.site_id)
    tables = {"stays.parquet": stays, "voyages.parquet": voyages}
    gallery = gallery_view(chips, cards, {z.zone_id: z.name or z.zone_id for z in site.zones})
    events = [e for e in site.events if axis and axis[0].start.date() <= e.on < axis[-1].end.date()]
    context = {
        "site": site,
        "headline": headline(spells, quay),
        "answers": answers(spells, quay, days, shown, places, whole["months"], trips, stays_told),
        "regimes": list(zip(names(spells), spells, strict=True)),
        "shaded": shaded(spells),
        "events": [(event, _after(event, since or {})) for event in events],
        "berths": quay_view(quay) | {"charts": quay_charts(quay, spells, events)},
        "yards": ashore_view(grounds) | {"charts": yard_charts(grounds, axis, spells)},
        "whole": whole,
        "stories": [
            zone_view(story) | {"charts": {} if quay.berths else water_charts(story, axis, events)}
            for story in stories
        ],
        "smalls": small_multiples(site, utilisation, axis, zone_regimes(regimes)),
        "radar": "sensor" not in looks or not len(looks) or bool((looks["sensor"] == "radar").any()),
        "facts": facts(looks, stories, grounds),
        "days": days,
        "first_shown": shown,
        "shown_says": says(days[shown], places) if days else [],
        "places": places,
        "map": _map_view(site, vessels, quay, manifest, days[shown] if days else None),
        "zones": zone_rows(site, looks, grounds),
        "stays": stays_told,
        "voyages": voyages_told,
        "trips": trips,
        "gallery": gallery,
        "manifest": manifest,
        "inputs": input_rows(manifest),
        "most_rejected": MOST_REJECTED,
        "credit": credit([looks, ashore], manifest),
        "files": [f for f in FILES if tables.get(f[0], tables) is not None],
        "script_data": Markup(script_data(days, places, gallery["strip"])),
    }
    return document("page.html.j2", context)


def _after(event: Event, since: Mapping[Event, Since]) -> str:
    return since[event].words if event in since else TOO_FEW


def _map_view(
    site: Site, vessels: gpd.GeoDataFrame, quay: Quay, manifest: Mapping[str, Any], on: Day | None
) -> dict[str, Any]:
    """Draw the whole site with all that was ever found, and its piers with what one day showed."""
    places: Positions = np.empty((0, 2))
    if len(vessels):
        places = np.column_stack([vessels.geometry.x, vessels.geometry.y])
    listed = manifest.get("permanent_scatterers", [])
    fixed: Positions = np.array([(s["longitude"], s["latitude"]) for s in listed], float).reshape(-1, 2)
    whole = close = ""
    if site.zones:
        whole = site_map(site, view_of(site), "map", vessels=places, scatterers=fixed)
    if site.zones and on:
        shown = [zone for zone in site.measured_zones if zone.kind not in (*WATER_KINDS, ZoneKind.PIER)]
        states = {zone.zone_id: on.state(zone.zone_id) for zone in shown or site.measured_zones}
        hulls = "".join(look.hulls for look in on.looks)
        close = site_map(site, view_of(site, close=True), "map-day", states=states, hulls=hulls)
    kinds = {zone.kind for zone in site.measured_zones}
    return {
        "whole": Markup(whole),
        "day": Markup(close),
        "vessels": len(places),
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
