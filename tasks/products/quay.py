"""What the page tells of a site's berths, read out of the looks and the monthly occupancy.

A berth that no look could tell of is set apart and in no denominator; a look that could tell of none
has no number, and one that could tell of some has at least theirs. Draws nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pandas as pd

from tasks.model import Site, Zone, ZoneKind
from tasks.products.sketch import numbered
from tasks.products.story import UNSETTLED, Month, flags_of, months_of, value_of

OCCUPANCY_COLUMNS = ("start", "end", "mean", "low", "high", "looks")
"""Of the monthly table: first day, first day after, share of the quay metres taken with its 90 % interval
(null without a look), and the looks that it rests on."""

TAKEN, FREE, UNSEEN, UNKNOWN = "taken", "free", "not seen", "not measurable"
"""What a look can show of a berth: a ship, none; or nothing, for it did not see or has nothing to compare."""


@dataclass(frozen=True)
class BerthLook:
    """One berth in one look."""

    when: datetime
    scene_id: str
    state: str
    """One of `TAKEN`, `FREE`, `UNSEEN`, `UNKNOWN`."""

    share: float | None = None
    """Share of its metres that is taken; None where it could not be told."""

    metres: float | None = None
    ships: int | None = None
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Berth:
    """One berth with all that is known of it, in order of time."""

    number: int
    zone: Zone
    looks: list[BerthLook]

    @property
    def name(self) -> str:
        """What to call it."""
        return self.zone.name or self.zone.zone_id

    @property
    def told(self) -> list[BerthLook]:
        """Looks that could tell."""
        return [look for look in self.looks if look.share is not None]

    @property
    def taken(self) -> list[BerthLook]:
        """Looks that showed a ship on it."""
        return [look for look in self.looks if look.state == TAKEN]


@dataclass(frozen=True)
class QuayLook:
    """All berths in one look."""

    when: datetime
    scene_id: str
    ships: int | None
    """At least so many; None where no berth could be told."""

    taken: int
    told: int
    berths: int
    """Berths with a ship, berths that could be told, and berths that any look could tell of."""

    flags: frozenset[str]

    @property
    def unsettled(self) -> bool:
        """Whether it saw a part of the berths, or had few other images to compare with."""
        return self.told < self.berths or bool(self.flags & UNSETTLED)


@dataclass(frozen=True)
class Quay:
    """The berths of a site."""

    berths: list[Berth]
    """Berths that at least one look could tell of."""

    silent: list[Berth]
    """Berths that none could."""

    looks: list[QuayLook]
    months: list[Month]
    """Share of the quay metres taken, in percent."""

    @property
    def told(self) -> list[QuayLook]:
        """Looks that could tell of any berth."""
        return [look for look in self.looks if look.ships is not None]

    @property
    def counted(self) -> int:
        """Looks that saw enough of the quay to be in the monthly shares and in the regimes."""
        return sum(month.seen for month in self.months)


def read_quay(site: Site, looks: pd.DataFrame, occupancy: pd.DataFrame) -> Quay:
    """Read the story of a site's berths.

    Parameters
    ----------
    site
        Its berth zones count.
    looks
        One row per look × zone; may be empty.
    occupancy
        One row per month, columns `OCCUPANCY_COLUMNS`; may be empty.
    """
    berths = [
        Berth(number, zone, _berth_looks(looks, zone.zone_id))
        for number, zone in numbered(site)
        if zone.kind is ZoneKind.BERTH
    ]
    known = [berth for berth in berths if berth.told]
    together = _together(known)
    months = _months(occupancy, together) if known else []
    return Quay(known, [berth for berth in berths if not berth.told], together, months)


def _berth_looks(looks: pd.DataFrame, zone_id: str) -> list[BerthLook]:
    if not len(looks):
        return []
    rows = looks[looks["zone_id"] == zone_id].sort_values(["acquired", "scene_id"], kind="stable")
    return [_berth_look(row) for row in rows.to_dict("records")]


def _berth_look(row: dict[Any, Any]) -> BerthLook:
    when, scene_id = pd.Timestamp(row["acquired"]).to_pydatetime(), str(row["scene_id"])
    flags = flags_of(row["flags"])
    share, ships = value_of(row.get("occupied_fraction")), value_of(row.get("vessel_count"))
    if share is None or ships is None:
        state = UNKNOWN if "not_measured" in flags else UNSEEN
        return BerthLook(when, scene_id, state, flags=flags)
    metres = value_of(row.get("occupied_m"))
    return BerthLook(when, scene_id, TAKEN if share > 0 else FREE, share, metres, int(ships), flags)


def _together(berths: Sequence[Berth]) -> list[QuayLook]:
    """Sum the berths of every look."""
    by_scene: dict[tuple[datetime, str], list[BerthLook]] = defaultdict(list)
    for berth in berths:
        for look in berth.looks:
            by_scene[look.when, look.scene_id].append(look)
    found = []
    for (when, scene_id), here in sorted(by_scene.items()):
        ships = [look.ships for look in here if look.ships is not None]
        taken = sum(look.state == TAKEN for look in here)
        flags = frozenset[str]().union(*(look.flags for look in here))
        total = sum(ships) if ships else None
        found.append(QuayLook(when, scene_id, total, taken, len(ships), len(berths), flags))
    return found


def _months(occupancy: pd.DataFrame, looks: Sequence[QuayLook]) -> list[Month]:
    """Give every month between the first and the last look its share in percent, empty ones too."""
    rows = {pd.Timestamp(row["start"]).to_pydatetime(): row for row in occupancy.to_dict("records")}
    months = []
    for month in months_of([look.when for look in looks]):
        row = rows.get(month.start, {})
        mean, low, high = (_percent(row.get(name)) for name in ("mean", "low", "high"))
        taken = sum(month.start <= look.when < month.end for look in looks)
        seen = int(row.get("looks") or 0)
        months.append(Month(month.start, taken, seen, mean=mean, low=low, high=high))
    return months


def over(quay: Quay, months: Sequence[Month]) -> Quay:
    """Spread a quay's months over those of a longer time; a month without a look says so."""
    known = {month.start: month for month in quay.months}
    return replace(quay, months=[known.get(month.start, month) for month in months])


def _percent(cell: Any) -> float | None:
    value = value_of(cell)
    return None if value is None else 100 * value


def quay_view(quay: Quay) -> dict[str, Any]:
    """Give everything that the template says of the berths, but for their charts."""
    valued = [month for month in quay.months if month.mean is not None]
    states = {look.state for berth in quay.berths for look in berth.looks}
    return {
        "quay": quay,
        "told": quay.told,
        "newest": quay.looks[-1] if quay.looks else None,
        "names": [berth.name for berth in _in_newest(quay)],
        "valued": valued,
        "best": max(valued, key=lambda m: (m.mean or 0.0, m.start), default=None),
        "most": max((look.ships for look in quay.told if look.ships is not None), default=None),
        "empty_months": sum(bool(month.gap) for month in quay.months),
        "partial": sum(look.told < look.berths for look in quay.told),
        "thin": sum(bool(look.flags & UNSETTLED) for look in quay.told),
        "unseen": UNSEEN in states,
        "unknown": UNKNOWN in states,
    }


def _in_newest(quay: Quay) -> list[Berth]:
    """List the berths that the newest look shows taken."""
    newest = (quay.looks[-1].when, quay.looks[-1].scene_id) if quay.looks else None
    return [b for b in quay.berths if any((k.when, k.scene_id) == newest for k in b.taken)]
