"""What the template says of yards and tracks: the newest look that told, the most, and what was not told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tasks.model import ZoneKind
from tasks.products.story import UNSETTLED
from tasks.products.yards import UNKNOWN, Ashore, Ground, GroundLook, sums


def ashore_view(ashore: Ashore) -> dict[str, Any]:
    """Give everything that the template says of yards and tracks, but for chart and months."""
    looks = [look for ground in ashore.grounds for look in ground.looks]
    untold = [look for look in looks if look.share is None]
    return {
        "ashore": ashore,
        "yards": _card(ashore.yards),
        "tracks": _card(ashore.tracks),
        "levels": bool(ashore.yards) and all(yard.levels for yard in ashore.yards),
        "any_level": any(look.level for look in looks),
        "any_area": any(yard.told and not yard.levels for yard in ashore.yards),
        "open_scale": sum(
            yard.told[-1].level and bool(yard.told[-1].flags & UNSETTLED) for yard in ashore.yards
        ),
        "gained": _most(ashore.yards, gained=True),
        "lost": _most(ashore.yards, gained=False),
        "unseen": any(UNKNOWN not in look.flags for look in untold),
        "unknown": any(UNKNOWN in look.flags for look in untold),
        "snow": any("snow" in look.flags for look in untold),
        "silent_yards": sum(zone.kind is ZoneKind.CONTAINER_YARD for zone in ashore.silent),
        "silent_tracks": sum(zone.kind is ZoneKind.RAIL_YARD for zone in ashore.silent),
    }


def _card(grounds: Sequence[Ground]) -> dict[str, Any] | None:
    """Tell of all yards, or of all tracks; None where no look could tell of one."""
    if not grounds:
        return None
    told = sums(grounds)
    looks = {(look.when, look.scene_id) for ground in grounds for look in ground.looks}
    measured = [look for look in told if look.amount is not None]
    return {
        "grounds": len(grounds),
        "newest": told[-1],
        "since": sum(when > told[-1].when for when, _ in looks),
        "most": max(measured, key=lambda look: (look.amount or 0.0, look.when), default=None),
        "looks": len(looks),
        "told": len(told),
    }


def _most(yards: Sequence[Ground], *, gained: bool) -> tuple[str, datetime, float] | None:
    """Find the most ground that one yard gained, or lost, in one look: the first where there are two."""

    def ground(look: GroundLook) -> float:
        return (look.gained_m2 if gained else look.lost_m2) or 0.0

    events = [
        (yard.name, look.when, ground(look))
        for yard in yards
        for look in yard.told
        if (look.gained if gained else look.lost)
    ]
    return min(events, key=lambda event: (-event[2], event[1]), default=None)
