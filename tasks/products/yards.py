"""What the page tells of yards and tracks, read out of the looks that may stand in one series.

A look that could not tell has no number and is never an empty yard. A level (10 m images) is a place on a
yard's own scale: it has no square metres, and is in no share of the ground. Draws nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from tasks.model import Site, Zone, ZoneKind
from tasks.products.sketch import numbered
from tasks.products.story import Month, flags_of, months_of, value_of

ASHORE_COLUMNS = (
    "zone_id", "scene_id", "collection", "pixel_m", "acquired", "seen_fraction", "share", "capacity",
    "stack_area_m2", "gained_m2", "lost_m2", "teu_low", "teu_high", "rail_occupied_m", "flags",
)  # fmt: skip
"""Of the table of looks at yards and tracks: as in ``looks.parquet``, the share of the zone that is taken,
and what a share of 1 stands for (square metres, metres of track). Only looks that may stand in one series."""

LEVEL = "level"
"""Flag of a share that is a place on the yard's own scale."""

EVENT_M2 = 300.0
"""Least ground gained or lost that is called an event: edges of one unchanged stack differ by less."""

UNKNOWN = "not_measured"


@dataclass(frozen=True)
class GroundLook:
    """One yard, or one bundle of tracks, in one look."""

    when: datetime
    scene_id: str
    seen: float
    """Share of it that was seen."""

    share: float | None
    """Share of its ground seen (of its track metres) that is taken, or its level; None if not told."""

    amount: float | None
    """Square metres under stacks, metres under cars; None for a level."""

    gained_m2: float | None
    lost_m2: float | None
    teu: tuple[float, float] | None
    flags: frozenset[str]

    @property
    def level(self) -> bool:
        """Whether its share is a place on its own scale."""
        return LEVEL in self.flags

    @property
    def gained(self) -> bool:
        """Whether ground was taken up that no edge makes."""
        return (self.gained_m2 or 0.0) >= EVENT_M2

    @property
    def lost(self) -> bool:
        """Whether ground was left that no edge makes."""
        return (self.lost_m2 or 0.0) >= EVENT_M2


@dataclass(frozen=True)
class Ground:
    """One yard or bundle of tracks with all that is known of it, in order of time."""

    number: int
    zone: Zone
    capacity: float
    """Its square metres, or its metres of track."""

    looks: list[GroundLook]

    @property
    def name(self) -> str:
        """What to call it."""
        return self.zone.name or self.zone.zone_id

    @property
    def yard(self) -> bool:
        """Whether stacks stand on it, not cars."""
        return self.zone.kind is ZoneKind.CONTAINER_YARD

    @property
    def told(self) -> list[GroundLook]:
        """Looks that could tell."""
        return [look for look in self.looks if look.share is not None]

    @property
    def told_of(self) -> str:
        """What is told of it."""
        return "metres under cars" if not self.yard else "level" if self.levels else "ground under stacks"

    @property
    def levels(self) -> bool:
        """Whether nothing but levels was told of it."""
        return all(look.level for look in self.told)


@dataclass(frozen=True)
class Ashore:
    """The yards and the tracks of a site of which any look told something."""

    yards: list[Ground]
    tracks: list[Ground]
    silent: list[Zone]
    """Yards and tracks of which none did."""

    sources: list[tuple[str, float]]
    """Collections with their pixel, metres."""

    months: list[Month]
    """From the first look to the last; without numbers."""

    @property
    def grounds(self) -> list[Ground]:
        """Yards, then tracks."""
        return [*self.yards, *self.tracks]

    @property
    def times(self) -> list[datetime]:
        """When there was a look."""
        return sorted({look.when for ground in self.grounds for look in ground.looks})

    def over(self, times: Iterable[datetime]) -> list[Month]:
        """List the months of these looks and of others."""
        return months_of([*self.times, *times])


def read_ashore(site: Site, ashore: pd.DataFrame) -> Ashore:
    """Read the story of a site's yards and tracks.

    Parameters
    ----------
    site
        Its container yards and rail yards count.
    ashore
        One row per look × zone, columns `ASHORE_COLUMNS`; may be empty.
    """
    kinds = (ZoneKind.CONTAINER_YARD, ZoneKind.RAIL_YARD)
    zones = [(number, zone) for number, zone in numbered(site) if zone.kind in kinds]
    grounds = [_ground(number, zone, ashore) for number, zone in zones]
    known = [ground for ground in grounds if ground.told]
    rows = ashore[ashore["zone_id"].isin([ground.zone.zone_id for ground in known])]
    sources = {(str(name), float(m)) for name, m in zip(rows["collection"], rows["pixel_m"], strict=True)}
    return Ashore(
        yards=[ground for ground in known if ground.yard],
        tracks=[ground for ground in known if not ground.yard],
        silent=[ground.zone for ground in grounds if not ground.told],
        sources=sorted(sources),
        months=months_of([look.when for ground in known for look in ground.looks]),
    )


def _ground(number: int, zone: Zone, ashore: pd.DataFrame) -> Ground:
    rows = ashore[ashore["zone_id"] == zone.zone_id].sort_values(["acquired", "scene_id"], kind="stable")
    capacity = max((value_of(cell) or 0.0 for cell in rows["capacity"]), default=0.0)
    return Ground(number, zone, capacity, [_look(row) for row in rows.to_dict("records")])


def _look(row: dict[Any, Any]) -> GroundLook:
    area, metres = value_of(row["stack_area_m2"]), value_of(row["rail_occupied_m"])
    low, high = value_of(row["teu_low"]), value_of(row["teu_high"])
    return GroundLook(
        when=pd.Timestamp(row["acquired"]).to_pydatetime(),
        scene_id=str(row["scene_id"]),
        seen=value_of(row["seen_fraction"]) or 0.0,
        share=value_of(row["share"]),
        amount=metres if area is None else area,
        gained_m2=value_of(row["gained_m2"]),
        lost_m2=value_of(row["lost_m2"]),
        teu=None if low is None or high is None else (low, high),
        flags=flags_of(row["flags"]),
    )


@dataclass(frozen=True)
class Sum:
    """What one look told of all yards, or of all tracks, together."""

    when: datetime
    told: int
    amount: float | None
    """Of what was seen; None where only levels were told."""

    share: float | None
    teu: tuple[float, float] | None
    high_levels: int
    """Yards in the upper half of their own scale."""


def sums(grounds: Sequence[Ground]) -> list[Sum]:
    """Sum yards, or tracks, over each look that could tell of any, in order of time."""
    by_scene: dict[tuple[datetime, str], list[tuple[Ground, GroundLook]]] = defaultdict(list)
    for ground in grounds:
        for look in ground.told:
            by_scene[look.when, look.scene_id].append((ground, look))
    return [_sum(when, here) for (when, _), here in sorted(by_scene.items(), key=lambda item: item[0])]


def _sum(when: datetime, here: Sequence[tuple[Ground, GroundLook]]) -> Sum:
    measured = [(ground, look) for ground, look in here if look.amount is not None and not look.level]
    taken = [look.amount or 0.0 for _, look in measured]
    # A yard's share is of its ground seen, a track's of all its metres.
    whole = sum(ground.capacity * (look.seen if ground.yard else 1.0) for ground, look in measured)
    teus = [look.teu for _, look in measured if look.teu is not None]
    return Sum(
        when,
        told=len(here),
        amount=sum(taken) if measured else None,
        share=min(1.0, sum(taken) / whole) if whole else None,
        teu=(sum(low for low, _ in teus), sum(high for _, high in teus)) if teus else None,
        high_levels=sum(look.level and (look.share or 0.0) > 0.5 for _, look in here),
    )
