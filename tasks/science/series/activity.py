"""What the berths of a site say together: its regimes, and how much of its quay was taken.

A look counts if it saw at least half of the quay metres that this archive can measure at all; a berth
that no background knows is in no denominator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tasks.model import ZoneKind
from tasks.science.series.regimes import MIN_LOOKS, Change, Rate, find_change
from tasks.science.series.shares import Share
from tasks.science.series.stated import held_between

MIN_QUAY = 0.5
"""Share of the quay metres that a look must see to count."""

SURE = 0.9
"""Probability from which a change is told."""

SUPPORT = 3
"""Looks after a change that must fit the new level better than the old before it is confirmed."""

DORMANT = 0.25
"""Vessels at berth per look up to which a port is called dormant: a ship on one look in four."""

MEASURE = "vessels_at_berth"


def berth_looks(looks: pd.DataFrame, quay_m: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Sum the berths of every look.

    Parameters
    ----------
    looks
        One row per look × zone; ``vessel_count`` null where it could not be told.
    quay_m
        Usable metres by zone id; all berths weigh alike where it is not given.

    Returns
    -------
    pandas.DataFrame
        One row per look that counts, in order of time: ``acquired``, ``vessels``, ``occupied_m``,
        ``seen_m``, ``exposure`` (share of the quay seen) and ``berths``.
    """
    rows = looks[(looks["zone_kind"] == ZoneKind.BERTH.value) & looks["vessel_count"].notna()]
    metres = rows["zone_id"].map(lambda z: (quay_m or {}).get(z, 1.0)).astype(float)
    taken = rows["occupied_fraction"].astype(float) * metres * rows["seen_fraction"].astype(float)
    table = pd.DataFrame(
        {
            "acquired": rows["acquired"],
            "scene_id": rows["scene_id"],
            "vessels": rows["vessel_count"].astype(float),
            "occupied_m": taken,
            "seen_m": metres * rows["seen_fraction"].astype(float),
            "berths": 1,
        }
    )
    whole = metres.groupby(rows["zone_id"]).first().sum()
    summed = table.groupby(["acquired", "scene_id"], as_index=False, sort=True).sum()
    summed["exposure"] = summed["seen_m"] / whole
    return summed[summed["exposure"] >= MIN_QUAY].reset_index(drop=True)


def site_change(looks: pd.DataFrame, quay_m: Mapping[str, float] | None = None) -> Change | None:
    """Find the change of ships at berth per look, all berths together; None from too few looks."""
    series = berth_looks(looks, quay_m)
    times = series["acquired"].to_numpy("datetime64[s]")
    return find_change(times, series["vessels"].to_numpy(float), series["exposure"].to_numpy(float))


def regime_rows(looks: pd.DataFrame, quay_m: Mapping[str, float] | None = None) -> list[dict[str, Any]]:
    """Divide a site's looks into regimes: none, one, or two with the change between them.

    ``probability`` is that the series is divided as told (or not divided); ``start_low`` of the first
    regime is null, for it began before the first look. ``knowable_on`` is the first look with which the
    change could be told, from the looks up to then alone.
    """
    series = berth_looks(looks, quay_m)
    times = series["acquired"].to_numpy("datetime64[s]")
    counts, exposure = series["vessels"].to_numpy(float), series["exposure"].to_numpy(float)
    change = find_change(times, counts, exposure)
    if change is None:
        return []
    first = {"start": times[0], "start_low": None, "start_high": times[0]}
    if change.probability < SURE:
        steady = 1 - change.probability
        status = "confirmed" if steady >= SURE else "provisional"
        return [_row(change.whole, **first, probability=steady, status=status)]
    fits = counts * np.log(max(change.after.mean, 1e-9) / max(change.before.mean, 1e-9))
    fits = fits > exposure * (change.after.mean - change.before.mean)
    begun = {"start": change.date, "start_low": change.low, "start_high": change.high}
    status = "confirmed" if fits[change.looks_before :].sum() >= SUPPORT else "provisional"
    known = _knowable_on(change, times, counts, exposure)
    sure = change.probability
    return [
        _row(change.before, **first, end=change.date, probability=sure, status=status),
        _row(change.after, **begun, probability=sure, status=status, knowable_on=known),
    ]


def _row(level: Rate, **values: Any) -> dict[str, Any]:
    return {
        "zone_id": "*",
        "measure": MEASURE,
        "state": "dormant" if level.mean <= DORMANT else "active",
        "end": None,
        "level": level.mean,
        "level_low": level.low,
        "level_high": level.high,
        "knowable_on": None,
    } | values


def _knowable_on(change: Change, times: Any, counts: Any, exposure: Any) -> np.datetime64:
    rises = change.after.mean > change.before.mean
    for n in range(MIN_LOOKS, len(times)):
        then = find_change(times[:n], counts[:n], exposure[:n])
        if then is None or then.probability < SURE:
            continue
        same = then.low < change.high and change.low < then.high
        if same and (then.after.mean > then.before.mean) == rises:
            return np.datetime64(times[n - 1])
    return np.datetime64(times[-1])


def occupancy_between(
    looks: pd.DataFrame, start: Any, end: Any, quay_m: Mapping[str, float] | None = None
) -> Share:
    """Tell what share of the quay metres was taken in a period, looked at or not.

    Parameters
    ----------
    looks
        One row per look × zone.
    start, end
        First moment of the period, and the first after it; anything `pandas.Timestamp` takes, UTC.
    quay_m
        Usable metres by zone id; all berths weigh alike where it is not given.
    """
    berths = looks[looks["zone_kind"] == ZoneKind.BERTH.value]
    return held_between(berths, quay_m or dict.fromkeys(berths["zone_id"], 1.0), start, end)
