"""Silence where there never was any: no look for too long, or nothing where something always lay.

Both are news that no new number brings: an archive that stopped, a sensor that was lost, a ship that lay at
its berth for months and is gone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tasks.model import WATER_KINDS, ZoneKind

WHOLE = "*"
"""Zone id of the site as a whole."""

COUNTED = sorted({ZoneKind.BERTH.value, *(kind.value for kind in WATER_KINDS)})


@dataclass(frozen=True)
class SilenceOptions:
    """When silence is news."""

    gaps: float = 3.0
    least_days: float = 10.0
    """No look for so many of the longest usual gaps (nine in ten are shorter), and days: a radar satellite
    comes every twelve days at worst, so the second alone would be no news at a port that only it sees."""

    always: float = 0.9
    enough: int = 10
    """Something always lay where nine looks in ten of at least so many found it."""

    absent: int = 3
    """Looks without it, one after the other: by chance once in a thousand at such a place."""


DEFAULT_SILENCE = SilenceOptions()


@dataclass(frozen=True)
class Silence:
    """One silence."""

    kind: str
    """``no_looks`` or ``nothing_seen``."""

    zone_id: str
    """``*`` for the site."""

    since: pd.Timestamp
    """Last look; or the last that saw something. UTC."""

    usual: float
    """Days within which nine looks in ten followed one another; or the share of looks that saw something."""

    looks: int
    """Looks before; and those that saw nothing since, for a zone."""


def find_silences(
    looks: pd.DataFrame, now: pd.Timestamp, options: SilenceOptions = DEFAULT_SILENCE
) -> list[Silence]:
    """Find what is silent now.

    Parameters
    ----------
    looks
        One row per look × zone; ``vessel_count`` null where it could not be told. Looks after `now` do not
        count.
    now
        UTC without a zone.
    options
        What counts.
    """
    rows = looks[
        looks["zone_kind"].isin(COUNTED) & looks["vessel_count"].notna() & (looks["acquired"] <= now)
    ]
    if rows.empty:
        return []
    found = [_no_looks(rows["acquired"], now, options)]
    for zone_id, group in rows.sort_values("acquired", kind="stable").groupby("zone_id", sort=True):
        found.append(_nothing_seen(str(zone_id), group, options))
    return [silence for silence in found if silence is not None]


def _no_looks(times: pd.Series, now: pd.Timestamp, options: SilenceOptions) -> Silence | None:
    moments = np.unique(times.to_numpy("datetime64[s]"))
    if len(moments) < options.enough:
        return None
    gaps = np.diff(moments).astype(float) / 86_400
    usual, last = float(np.quantile(gaps, 0.9)), pd.Timestamp(moments[-1])
    quiet = (now - last) / pd.Timedelta(days=1)
    if quiet <= max(options.gaps * usual, options.least_days):
        return None
    return Silence("no_looks", WHOLE, last, usual, len(moments))


def _nothing_seen(zone_id: str, group: pd.DataFrame, options: SilenceOptions) -> Silence | None:
    present = group["vessel_count"].to_numpy(float) > 0
    if not present.any():
        return None
    last = int(np.flatnonzero(present)[-1])
    share, absent = float(present[: last + 1].mean()), len(present) - last - 1
    if last + 1 < options.enough or share < options.always or absent < options.absent:
        return None
    return Silence("nothing_seen", zone_id, pd.Timestamp(group["acquired"].iloc[last]), share, absent)
