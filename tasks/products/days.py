"""What was where on a day: what every look told of every zone, in words and in one of four states.

All words are made here; the page's script only chooses among them. A zone that no look of a day told of
reads "not seen" or "not measurable" and never free.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from tasks.products.places import Place, Spot
from tasks.products.quay import FREE, TAKEN, UNKNOWN, BerthLook, Quay
from tasks.products.sketch import View
from tasks.products.story import UNSETTLED, Look, ZoneStory
from tasks.products.svg import tenths
from tasks.products.wording import day, fenced, many, share, tens
from tasks.products.yards import UNKNOWN as NOT_MEASURED
from tasks.products.yards import Ashore, Ground, GroundLook

BUSY, EMPTY, UNTOLD = "t", "f", "x"
"""States of a zone in a look: something on it, nothing seen on it, not told."""

Cell = tuple[str, str]
"""State and words."""


@dataclass(frozen=True)
class DayLook:
    """One scene: when, by what, and what it told of each zone."""

    when: datetime
    scene_id: str
    source: str
    """Collection, sensor and pixel in words."""

    cells: Mapping[str, Cell]
    """By zone id."""

    hulls: str = ""
    """Outlines of its vessels as path data of the map."""


@dataclass(frozen=True)
class Day:
    """All looks of one day (UTC)."""

    on: date
    looks: list[DayLook] = field(default_factory=list)

    def state(self, zone_id: str) -> str:
        """Tell what the day showed of a zone: busy if any look did."""
        states = {look.cells[zone_id][0] for look in self.looks if zone_id in look.cells}
        return next((s for s in (BUSY, EMPTY) if s in states), UNTOLD)


def read_days(
    tables: Sequence[pd.DataFrame],
    stories: Sequence[ZoneStory],
    quay: Quay,
    ashore: Ashore,
    vessels: gpd.GeoDataFrame,
    view: View | None,
) -> list[Day]:
    """Gather what was told on each day that has a look, in order of time.

    Parameters
    ----------
    tables
        Tables of looks that name each scene's collection, sensor and pixel.
    stories, quay, ashore
        What was told of water, berths, and yards and tracks.
    vessels
        Ships with their outlines, if the table has them.
    view
        The map that hulls are drawn on; None draws none.
    """
    cells: dict[tuple[datetime, str], dict[str, Cell]] = defaultdict(dict)
    lengths = _lengths(vessels)
    for story in stories:
        for seen in story.looks:
            cells[seen.when, seen.scene_id][story.zone.zone_id] = _water(seen)
    for berth in (*quay.berths, *quay.silent):
        for look in berth.looks:
            zone_id = berth.zone.zone_id
            cells[look.when, look.scene_id][zone_id] = _berth(look, lengths.get((look.scene_id, zone_id), []))
    for ground in ashore.grounds:
        for told in ground.looks:
            cells[told.when, told.scene_id][ground.zone.zone_id] = _ground(ground, told)
    sources, hulls = _sources(tables), _hulls(vessels, view)
    days: dict[date, Day] = {}
    for (when, scene_id), of_look in sorted(cells.items()):
        seen_by = DayLook(when, scene_id, sources.get(scene_id, ""), of_look, hulls.get(scene_id, ""))
        days.setdefault(when.date(), Day(when.date())).looks.append(seen_by)
    return list(days.values())


def _water(look: Look) -> Cell:
    if look.count is None:
        return UNTOLD, "not seen"
    words = many(look.count, "vessel") if look.count else "no vessel seen"
    if look.share is not None and look.share < 0.995:
        words += f" in the {share(look.share)} seen"
    return (BUSY if look.count else EMPTY), words + _doubt(look.flags)


def _berth(look: BerthLook, lengths: Sequence[tuple[float, float]]) -> Cell:
    if look.state == FREE:
        return EMPTY, "free" + _doubt(look.flags)
    if look.state != TAKEN:
        return UNTOLD, "not measurable" if look.state == UNKNOWN else "not seen"
    ships = [f"{length:.0f} ± {sd:.0f} m" if sd else f"{length:.0f} m" for length, sd in lengths]
    if len(ships) == 1:
        words = f"a ship of {ships[0]}"
    elif ships:
        words = f"{len(ships)} ships: {', '.join(ships)}"
    else:
        words = "taken" + (f", {look.metres:.0f} m of it" if look.metres is not None else "")
    return BUSY, words + _doubt(look.flags)


def _ground(ground: Ground, look: GroundLook) -> Cell:
    if look.share is None:
        return UNTOLD, "not measurable" if NOT_MEASURED in look.flags else "not seen"
    if look.level:
        return (BUSY if look.share > 0.5 else EMPTY), f"level {look.share:.2f} on its own scale, no area"
    if not ground.yard:
        words = f"{tens(look.amount or 0.0)} m under cars, at least" if look.amount else "no cars seen"
        return (BUSY if look.amount else EMPTY), words
    parts = [f"{tens(look.amount)} m² under stacks" if look.amount else "no stack seen"]
    if look.teu:
        parts.append(
            f"{fenced(look.teu)} TEU" if look.amount else f"at most {fenced(look.teu).split()[-1]} TEU"
        )
    parts += [f"{tens(look.gained_m2 or 0.0)} m² gained"] if look.gained else []
    parts += [f"{tens(look.lost_m2 or 0.0)} m² lost"] if look.lost else []
    return (BUSY if look.amount else EMPTY), ", ".join(parts)


def _doubt(flags: frozenset[str]) -> str:
    return " (few images to compare with)" if flags & UNSETTLED else ""


def _lengths(vessels: gpd.GeoDataFrame) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """Length and standard error of the ships of each scene and zone, longest first; 0 where it has none."""
    if not len(vessels) or not {"zone_id", "length_m"} <= set(vessels.columns):
        return {}
    found: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    errors = vessels["length_sd_m"] if "length_sd_m" in vessels else [0.0] * len(vessels)
    for scene_id, zone_id, length, sd in zip(
        vessels["scene_id"], vessels["zone_id"], vessels["length_m"], errors, strict=True
    ):
        if not pd.isna(length):
            found[str(scene_id), str(zone_id)].append((float(length), 0.0 if pd.isna(sd) else float(sd)))
    return {key: sorted(ships, reverse=True) for key, ships in found.items()}


def _sources(tables: Sequence[pd.DataFrame]) -> dict[str, str]:
    """Say of each scene where it comes from: collection and pixel."""
    found: dict[str, str] = {}
    for table in tables:
        if not len(table) or "collection" not in table:
            continue
        rows = table.drop_duplicates("scene_id")
        pixels = rows["pixel_m"] if "pixel_m" in rows else [None] * len(rows)
        for scene_id, collection, pixel in zip(rows["scene_id"], rows["collection"], pixels, strict=True):
            found[str(scene_id)] = str(collection) + ("" if pd.isna(pixel) else f", {float(pixel):g} m")
    return found


def _hulls(vessels: gpd.GeoDataFrame, view: View | None) -> dict[str, str]:
    """Path data of each scene's vessels: outlines, or small squares where there are none."""
    if view is None or not len(vessels):
        return {}
    shapes = vessels.get("outline", vessels.geometry)
    parts: dict[str, list[str]] = defaultdict(list)
    for scene_id, shape, point in zip(vessels["scene_id"], shapes, vessels.geometry, strict=True):
        if getattr(shape, "geom_type", "") == "Polygon":
            corners = view.place(np.asarray(shape.exterior.coords)[:-1, :2])
            d = "M" + "L".join(f"{tenths(x)} {tenths(y)}" for x, y in corners) + "Z"
        else:
            ((x, y),) = view.place(np.array([[point.x, point.y]]))
            d = f"M{tenths(x - 2)} {tenths(y - 2)}h4v4h-4Z"
        parts[str(scene_id)].append(d)
    return {scene_id: "".join(drawn) for scene_id, drawn in parts.items()}


def says(on: Day, places: Sequence[Place]) -> list[str]:
    """Say what was at each place on a day, a line for each."""
    return [f"{place.name}: {_says(on, place)}" for place in places]


def _says(on: Day, place: Place) -> str:
    states = [on.state(spot.zone.zone_id) for spot in place.spots]
    untold = states.count(UNTOLD)
    if untold == len(states):
        return "not told."
    busy = [
        f"{best(on, spot.zone.zone_id)} at {_within_a_sentence(spot)}"
        for spot, state in zip(place.spots, states, strict=True)
        if state == BUSY
    ]
    rest = f"; {untold} of {many(len(states), 'zone')} not told" if untold else ""
    return ("; ".join(busy) or "nothing seen") + rest + "."


def _within_a_sentence(spot: Spot) -> str:
    """Write a short name without its capital; whole names and abbreviations stay as they are."""
    name = spot.name
    kept = name in (spot.zone.name, spot.zone.zone_id) or name[1:2].isupper()
    return name if kept else name[:1].lower() + name[1:]


def busy_places(on: Day, places: Sequence[Place]) -> list[str]:
    """Give the lines of the places at which something was."""
    held = [place for place in places if any(on.state(s.zone.zone_id) == BUSY for s in place.spots)]
    return says(on, held)


def best(on: Day, zone_id: str) -> str:
    """Give the words of the look that is shown for a zone on a day: the first of its state."""
    state = on.state(zone_id)
    cells = [look.cells[zone_id] for look in on.looks if zone_id in look.cells]
    return next((words for kind, words in cells if kind == state), "no look")


def first_shown(days: Sequence[Day], places: Sequence[Place]) -> int:
    """Choose the day that the page opens with: the newest that told of nearly as much as any did."""
    ids = [spot.zone.zone_id for place in places for spot in place.spots]
    told = [sum(on.state(zone_id) != UNTOLD for zone_id in ids) for on in days]
    wanted = 0.8 * max(told, default=0)
    return max((k for k, number in enumerate(told) if number >= wanted), default=len(days) - 1)


def script_data(days: Sequence[Day], places: Sequence[Place], chips: Iterable[Mapping[str, Any]]) -> str:
    """Write what the page's script chooses from as JSON that is inert inside HTML.

    Words are listed once; a cell is the number of its words, or -1 where a look has no row of the zone.
    """
    zones = [spot.zone.zone_id for place in places for spot in place.spots]
    numbers: dict[Cell, int] = {}
    sources: dict[str, int] = {}
    looks: list[list[Any]] = []
    listed: list[list[Any]] = []
    for on in days:
        here = []
        for look in on.looks:
            here.append(len(looks))
            of_zones = [look.cells.get(zone_id) for zone_id in zones]
            cells = [-1 if cell is None else numbers.setdefault(cell, len(numbers)) for cell in of_zones]
            source = sources.setdefault(look.source, len(sources))
            seconds = int((look.when - datetime(1970, 1, 1)).total_seconds())
            looks.append([seconds, source, look.scene_id, cells, look.hulls])
        listed.append([day(datetime.combine(on.on, datetime.min.time())), here, says(on, places)])
    data = {
        "zones": zones,
        "words": [list(cell) for cell in numbers],
        "sources": list(sources),
        "looks": looks,
        "days": listed,
        "chips": [[chip["scene_id"], chip["seconds"], chip["id"]] for chip in chips],
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in ("<", ">", "&", "\u2028", "\u2029"):
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
