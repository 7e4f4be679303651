"""What the berths of a site say together: its regimes, and how much of its quay was taken.

A look counts if it saw at least half of the quay metres that this archive can measure at all; a berth
that no background knows is in no denominator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tasks.model import ZoneKind
from tasks.science.basis import FINE_M, comparable
from tasks.science.regimes.changes import Change, Changes, Looks, changes_of
from tasks.science.regimes.counts import MIN_LOOKS, CountOptions, CountSeries, Times
from tasks.science.regimes.joint import JointSeries
from tasks.science.regimes.levels import Rate, rate, within
from tasks.science.regimes.states import states
from tasks.science.regimes.status import CONFIRMED, PROVISIONAL, standing_of
from tasks.science.regimes.working import WorkSeries
from tasks.science.series.arrivals import arrivals
from tasks.science.series.moves import work_looks
from tasks.science.series.shares import Share
from tasks.science.series.stated import held_between
from tasks.science.series.stays import CARGO_SHIPS, stays

MIN_QUAY = 0.5
"""Share of the quay metres that a look must see to count."""

SURE = 0.9
"""Probability from which a change is told."""

DORMANT = 0.25
"""Vessels at berth per look up to which a port is called dormant: a ship on one look in four."""

DORMANT_BERTH = 0.05
"""The same of one berth: a ship on one look in twenty."""

SITE = "*"

STANDING = 0.75
"""Share of its looks on which one ship lies at a berth, from which it is left out of the site's regimes: a
neighbour that nearly always lies there cannot show that the port woke, and hides it."""

COARSE_RECALL = 0.6
"""Share of the ships at berth that an optical image with pixels over `FINE_M` finds, narrow hulls least: it
counts as having seen so much less, or the calendar of one sensor would pass for a change."""

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


def count_series(series: pd.DataFrame) -> CountSeries | None:
    """Bring the looks of `berth_looks` to the model of counts; None from too few."""
    times = series["acquired"].to_numpy("datetime64[s]")
    if not _enough(times):
        return None
    return CountSeries(times, series["vessels"].to_numpy(float), series["exposure"].to_numpy(float))


def activity_looks(looks: pd.DataFrame, quay_m: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Sum the berths of every look as `berth_looks` does, for telling changes of activity.

    Berths at which one ship nearly always lies are left out (unless all are); ``exposure`` is smaller
    where the image finds fewer of the ships that are there.
    """
    told = looks[(looks["zone_kind"] == ZoneKind.BERTH.value) & looks["vessel_count"].notna()]
    zones = {str(zone): own["vessel_count"].astype(float) for zone, own in told.groupby("zone_id")}
    standing = {zone for zone, counts in zones.items() if _stands(counts)}
    if len(standing) < len(zones):
        told = told[~told["zone_id"].isin(standing)]
    return _as_found(berth_looks(told, quay_m), told)


def _stands(counts: pd.Series[float]) -> bool:
    """Whether one ship lies there on nearly every look; of more, some come and go."""
    return float((counts > 0).mean()) > STANDING and float(counts.median()) == 1.0


def _as_found(series: pd.DataFrame, looks: pd.DataFrame) -> pd.DataFrame:
    if not {"sensor", "pixel_m"} <= set(looks.columns):
        return series
    optical = looks["sensor"].eq("optical").fillna(False).astype(bool)
    coarse = optical & (looks["pixel_m"].fillna(0) > FINE_M)
    scenes = series["scene_id"].isin(looks.loc[coarse, "scene_id"])
    return series.assign(exposure=series["exposure"].where(~scenes, series["exposure"] * COARSE_RECALL))


def newcomers(looks: pd.DataFrame, vessels: pd.DataFrame | None = None) -> CountSeries | None:
    """Count the ships that came to a site's berths in every look; None from too few looks.

    Of looks that may stand in one series; without vessels, ships are told apart by their mean length alone.
    """
    table = arrivals(looks := comparable(looks), stays(looks, vessels, CARGO_SHIPS))
    times = table["acquired"].to_numpy("datetime64[s]")
    if not _enough(times):
        return None
    counts, exposure = (table[name].to_numpy(float) for name in ("arrivals", "exposure"))
    return CountSeries(times, counts, exposure, CountOptions(lasting=False))


def at_work(looks: pd.DataFrame) -> WorkSeries | None:
    """Tell when goods and trains moved; None from too few looks that show any."""
    table = work_looks(looks)
    times = table["acquired"].to_numpy("datetime64[s]")
    return WorkSeries(times, table["working"].to_numpy(bool)) if _enough(times) else None


def _enough(times: Times) -> bool:
    return len(times) >= MIN_LOOKS and times.min() < times.max()


def site_changes(
    looks: pd.DataFrame, quay_m: Mapping[str, float] | None = None, vessels: pd.DataFrame | None = None
) -> tuple[Looks, Changes] | None:
    """Find the changes of a site's activity; None from too few looks of its berths.

    Changes of how many ships came, and with them of goods in yards and cars on tracks where images tell
    these. Where they cannot tell any, of how many ships lay at berth: sensors that miss or invent some make
    more of an arrival than of a ship that many looks show.
    """
    work = at_work(looks)
    ships = (newcomers(looks, vessels), count_series(activity_looks(comparable(looks), quay_m)))
    together = [JointSeries([one, work]) if work else one for one in ships if one is not None]
    tried = [(series, changes_of(series)) for series in together]
    return next((one for one in tried if one[1].told), tried[0]) if tried else None


def regime_rows(
    looks: pd.DataFrame, quay_m: Mapping[str, float] | None = None, vessels: pd.DataFrame | None = None
) -> list[dict[str, Any]]:
    """Divide a site's looks into regimes, all berths together (``*``) and each for itself.

    A site's regimes are dated as `site_changes` has it; their levels and names are of the ships that lay at
    its berths. ``probability`` is that of the change that a regime begins with; of the first, of the one
    that it ends with, or that there is none. ``start_low`` of the first is null, for it began before the
    first look. ``knowable_on`` is the first look with which the change could be told, from the looks up to
    then alone.
    """
    rows = []
    site = site_changes(looks, quay_m, vessels)
    if site is not None:
        levels = _levels(activity_looks(comparable(looks), quay_m), site[1])
        rows += _rows(SITE, *site, levels, DORMANT)
    berths = looks[(looks["zone_kind"] == ZoneKind.BERTH.value) & looks["vessel_count"].notna()]
    for zone_id, own in berths.groupby("zone_id", sort=True):
        series = count_series(_as_found(berth_looks(own), own))
        if series is not None:
            found = changes_of(series)
            rows += _rows(str(zone_id), series, found, found.levels, DORMANT_BERTH)
    return rows


def _levels(looks: pd.DataFrame, found: Changes) -> list[Rate]:
    """Tell how many ships lay at berth per look between changes; where none could tell, how many came."""
    edges = np.searchsorted(
        looks["acquired"].to_numpy("datetime64[s]"), np.array([c.date for c in found.told], "datetime64[s]")
    )
    levels = []
    for level, part in zip(found.levels, np.split(np.arange(len(looks)), edges), strict=True):
        counts, exposure = (looks[name].to_numpy(float)[part] for name in ("vessels", "exposure"))
        levels.append(rate(counts, exposure, within(counts, exposure, len(counts))) if len(part) else level)
    return levels


def _rows(
    zone_id: str, series: Looks, found: Changes, levels: Sequence[Rate], quiet: float
) -> list[dict[str, Any]]:
    edges = [series.times[0], *(change.date for change in found.told), series.times[-1]]
    names = states([level.mean for level in levels], quiet, edges)
    shared = {"zone_id": zone_id, "measure": MEASURE}
    begun = [_unchanged(found, series) if not found.told else _first(found.told[0], series)]
    begun += [_begun(change, series) for change in found.told]
    ends = [*(change.date for change in found.told), None]
    return [
        shared | {"state": name, "end": end} | _level(level) | start
        for name, end, level, start in zip(names, ends, levels, begun, strict=True)
    ]


def _unchanged(found: Changes, series: Looks) -> dict[str, Any]:
    """One regime: how sure it is that there was no change."""
    steady = 1 - found.any
    status = CONFIRMED if steady >= SURE else PROVISIONAL
    return _open(series) | {"probability": steady, "status": status}


def _first(change: Change, series: Looks) -> dict[str, Any]:
    """Begin with the first look: as sure as the change that ends it."""
    status = standing_of(series, change).status or PROVISIONAL
    return _open(series) | {"probability": change.probability, "status": status}


def _open(series: Looks) -> dict[str, Any]:
    first = series.times[0]
    return {"start": first, "start_low": None, "start_high": first, "knowable_on": None}


def _begun(change: Change, series: Looks) -> dict[str, Any]:
    stands = standing_of(series, change)
    return {
        "start": change.date,
        "start_low": change.low,
        "start_high": change.high,
        "probability": change.probability,
        "status": stands.status or PROVISIONAL,
        "knowable_on": series.times[-1 if stands.knowable is None else stands.knowable],
    }


def _level(level: Rate) -> dict[str, Any]:
    return {"level": level.mean, "level_low": level.low, "level_high": level.high}


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
