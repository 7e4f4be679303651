"""What the page tells of each water zone, read out of the tables of looks and of utilisation.

A count that could not be told is None and never 0; a month without a look has its row like the
others. Zones go by the map's numbers. Draws nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from tasks.model import Site, Zone
from tasks.products.sketch import numbered

UNSETTLED = frozenset({"no_memory", "thin_memory"})
"""Flags of looks whose background rests on few scenes."""


@dataclass(frozen=True)
class Look:
    """One chance to see one zone."""

    when: datetime
    scene_id: str
    count: int | None
    """Vessels; None where it could not be told."""

    share: float | None
    """Share of the zone that was seen."""

    flags: frozenset[str] = frozenset()

    @property
    def unsettled(self) -> bool:
        """Whether it was measured against a background of few scenes."""
        return bool(self.flags & UNSETTLED)


@dataclass(frozen=True)
class Month:
    """One zone's looks of one month; the values are None where no look could see."""

    start: datetime
    taken: int = 0
    seen: int = 0
    share: float | None = None
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    most: int | None = None

    @property
    def end(self) -> datetime:
        """First moment of the next month."""
        return (self.start + timedelta(days=32)).replace(day=1)

    @property
    def gap(self) -> str:
        """Why there is nothing to show; empty if there is something."""
        if self.mean is not None:
            return ""
        return "no look" if not self.taken else "no value" if self.seen else "not seen"


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


def read_stories(site: Site, looks: pd.DataFrame, utilisation: pd.DataFrame) -> list[ZoneStory]:
    """Read the story of every water zone, in the order of their numbers."""
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
        seen, told = value_of(row["seen_fraction"]), value_of(row["vessel_count"])
        number = None if told is None else int(told)
        when = pd.Timestamp(row["acquired"]).to_pydatetime()
        found.append(Look(when, str(row["scene_id"]), number, seen, flags_of(row["flags"])))
    return found


def value_of(cell: Any) -> float | None:
    """Read a number that may be None, NaN or NA."""
    return None if pd.isna(cell) else float(cell)


def flags_of(cell: Any) -> frozenset[str]:
    """Read flags written one after the other; none where there is no text."""
    return frozenset(cell.split(";")) - {""} if isinstance(cell, str) else frozenset()


def _read_months(
    utilisation: pd.DataFrame, zone_id: str, looks: Sequence[Look], times: Sequence[datetime]
) -> list[Month]:
    """Give every month between the first and the last look at any zone its row, those without a look too."""
    known = {}
    if len(utilisation):
        rows = utilisation[(utilisation["zone_id"] == zone_id) & (utilisation["period"] == "month")]
        known = {(start.year, start.month): row for start, row in _by_start(rows)}
    months = []
    for month in months_of(times):
        row = known.get((month.start.year, month.start.month))
        months.append(_month(month.start, row) if row is not None else _uncounted(month, looks))
    return months


def months_of(times: Sequence[datetime]) -> list[Month]:
    """List every month between the first and the last of some times, still without numbers."""
    months = []
    month = Month(min(times).replace(day=1, hour=0, minute=0, second=0, microsecond=0)) if times else None
    while month is not None and month.start <= max(times):
        months.append(month)
        month = Month(month.end)
    return months


def _by_start(rows: pd.DataFrame) -> list[tuple[pd.Timestamp, dict[str, Any]]]:
    records: list[dict[str, Any]] = [{str(k): v for k, v in row.items()} for row in rows.to_dict("records")]
    return [(pd.Timestamp(row["start"]), row) for row in records]


def _month(start: datetime, row: Mapping[str, Any]) -> Month:
    most = value_of(row["vessels_max"])
    return Month(
        start,
        int(row["looks"]),
        int(row["looks_seen"]),
        value_of(row["seen_fraction"]),
        value_of(row["vessels_mean"]),
        value_of(row["vessels_low"]),
        value_of(row["vessels_high"]),
        None if most is None else int(most),
    )


def _uncounted(month: Month, looks: Sequence[Look]) -> Month:
    here = [look for look in looks if month.start <= look.when < month.end]
    shares = [look.share for look in here if look.share is not None]
    told = sum(look.count is not None for look in here)
    return Month(month.start, len(here), told, float(np.mean(shares)) if shares else None)


def zone_view(story: ZoneStory) -> dict[str, Any]:
    """Give everything that the template says of a water zone, but for its charts."""
    valued = [month for month in story.months if month.mean is not None]
    best = max(valued, key=lambda m: (m.mean or 0.0, m.start), default=None)
    return {
        "story": story,
        "name": story.name,
        "key": f"zone-{story.number}",
        "kind": story.zone.kind.value.replace("_", " "),
        "guessed": guessed(story.zone),
        "told": story.told,
        "valued": valued,
        "best": best,
        "as_busy": sum(_overlap(best, month) for month in valued if month is not best) if best else 0,
        "changed": len(valued) > 1 and not _overlap(valued[0], valued[-1]),
        "empty_months": sum(bool(month.gap) for month in story.months),
        "unsettled": sum(look.unsettled for look in story.told),
        "streaked": sum("artefact" in look.flags for look in story.told),
    }


def guessed(zone: Zone) -> bool:
    """Tell whether the zone's outline is a guess."""
    return zone.confidence.lower().startswith("low")


def _overlap(one: Month, other: Month) -> bool:
    """Tell whether the intervals of two months have anything in common."""
    low_one, high_one, low_other, high_other = (
        value if value is not None else float("nan") for value in (one.low, one.high, other.low, other.high)
    )
    return not (high_one < low_other or high_other < low_one)
