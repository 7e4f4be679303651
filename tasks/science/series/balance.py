"""What left the yards and what came up on them while a ship lay at a berth near by.

A visit is bracketed by looks: the berth was free before, the ship was seen, the berth was free after. Ground
that goods left or took up in the yards' looks of that time is set beside it, as evidence of loading or
unloading; it is no proof that this ship carried them, and trains and lorries move goods too. What stood on
its deck is not told. Contents cannot be told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from tasks.model import Site, Zone, ZoneKind
from tasks.science.basis import comparable, of_yards
from tasks.science.series.stays import Stay, stays
from tasks.science.teu import teu_interval
from tasks.sites.measure import distance_m

REACH_M = 250.0
"""From a berth to a yard that its ships may be worked from: the breadth of a pier with its apron."""


def balances(site: Site, looks: pd.DataFrame) -> list[dict[str, Any]]:
    """Set beside every visit what its yards lost and gained.

    Parameters
    ----------
    site
        Its berths and container yards.
    looks
        One row per look × zone, with ``gained_m2`` and ``lost_m2``.

    Returns
    -------
    list of dict
        One row per visit and yard within reach: the nearest that was looked at meanwhile, and all others in
        which goods moved; none where no image tells areas.
    """
    areas = of_yards(looks)
    areas = areas[(areas["zone_kind"] == ZoneKind.CONTAINER_YARD.value) & areas["gained_m2"].notna()]
    if areas.empty:
        return []
    areas = areas[["zone_id", "acquired", "lost_m2", "gained_m2"]].sort_values("acquired", kind="stable")
    by_yard = {str(zone): group for zone, group in areas.groupby("zone_id")}
    near = _near(site, by_yard)
    return [row for stay in stays(comparable(looks)) for row in _rows(site, stay, near, by_yard)]


def _rows(
    site: Site,
    stay: Stay,
    near: Mapping[str, list[tuple[str, float]]],
    by_yard: Mapping[str, pd.DataFrame],
) -> Iterator[dict[str, Any]]:
    """Give the nearest yard that was looked at, and every other in which goods moved."""
    first = True
    for yard, distance in near.get(stay.berth, ()):
        row = _meanwhile(by_yard[yard], stay)
        if row is not None and (first or row["lost_m2"] or row["gained_m2"]):
            yield _header(site, stay, distance) | {"yard_id": yard} | row
            first = False


def _near(site: Site, yards: Mapping[str, pd.DataFrame]) -> dict[str, list[tuple[str, float]]]:
    zones: Sequence[Zone] = [z for z in site.zones if z.zone_id in yards]
    found: dict[str, list[tuple[str, float]]] = {}
    for berth in site.zones:
        if berth.kind is ZoneKind.BERTH:
            reach = sorted((distance_m(berth.geometry, z.geometry), z.zone_id) for z in zones)
            found[berth.zone_id] = [(zone, metres) for metres, zone in reach if metres <= REACH_M]
    return found


def _header(site: Site, stay: Stay, distance: float) -> dict[str, Any]:
    known = stay.free_before is not None and stay.free_after is not None
    return {
        "site": site.site_id,
        "berth_id": stay.berth,
        "first_seen": stay.first_seen,
        "last_seen": stay.last_seen,
        "free_before": stay.free_before,
        "free_after": stay.free_after,
        "vessel_length_m": stay.length_m,
        "distance_m": distance,
        "flags": "" if known else "open",
    }


def _meanwhile(yard: pd.DataFrame, stay: Stay) -> dict[str, Any] | None:
    """Sum a yard's looks from the last before a visit to the first after it; None if nobody looked."""
    begin = stay.free_before if stay.free_before is not None else stay.first_seen
    end = stay.free_after if stay.free_after is not None else stay.last_seen
    after = yard[yard["acquired"] >= end]["acquired"]
    # What was loaded before the ship left shows in the first look after it.
    last = after.iloc[0] if len(after) and stay.free_after is not None else end
    here = yard[(yard["acquired"] > begin) & (yard["acquired"] <= last)]
    if here.empty:
        return None
    row: dict[str, Any] = {"looks": len(here)}
    for name in ("lost", "gained"):
        area = float(here[f"{name}_m2"].sum())
        low, high = teu_interval(area)
        row |= {f"{name}_m2": area, f"{name}_teu_low": low, f"{name}_teu_high": high}
    return row
