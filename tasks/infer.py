"""From looks to series: what the numbers say over weeks and months, when they changed, and between ports."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.errors import InputError
from tasks.model import Site
from tasks.products.tables import (
    Rows,
    Tables,
    balance_table,
    read_looks,
    read_vessels,
    regimes_table,
    stays_table,
    voyages_table,
)
from tasks.science.basis import comparable
from tasks.science.quays import quay_metres
from tasks.science.regimes.changes import Changes
from tasks.science.series import activity, loading
from tasks.science.series.activity import SURE
from tasks.science.series.balance import balances
from tasks.science.series.loading import Goods, with_turnover
from tasks.science.series.shares import Share
from tasks.science.series.sights import sights
from tasks.science.series.stated import quay_months
from tasks.science.series.stays import CARGO_SHIPS, Stay, follow, stays
from tasks.science.series.utilisation import utilisation
from tasks.science.voyages import trips
from tasks.science.voyages.crossing import Crossing, crossing
from tasks.science.voyages.trips import Count, Port, Trips
from tasks.sites.sea import quayside, sea_between

__all__ = [
    "SURE",
    "Count",
    "Crossing",
    "Goods",
    "Share",
    "Trips",
    "goods_between",
    "infer_regimes",
    "infer_stays",
    "infer_tables",
    "infer_voyages",
    "likely_changes",
    "occupancy_between",
    "quay_metres",
    "sea_way",
    "trips_between",
]


@task(cache_policy=NO_CACHE)
def infer_tables(site: Site, looks: pd.DataFrame, vessels: Any, stacks: Any) -> Tables:
    """Tell from looks, vessels and stacks what they mean over time.

    Parameters
    ----------
    site
        Its zones, and what they hold.
    looks, vessels, stacks
        As measured: one row per look × zone, per vessel, per outline.
    """
    quay_m, looks = quay_metres(site), with_turnover(looks, stacks)
    told = utilisation(site, looks, vessels)
    return Tables(
        looks=looks,
        vessels=vessels,
        stacks=stacks,
        utilisation=told,
        regimes=infer_regimes(looks, quay_m, vessels),
        occupancy=quay_months(told, comparable(looks)),
        balance=balance_table(balances(site, looks)),
        stays=infer_stays(site, looks, vessels),
    )


def infer_regimes(
    looks: pd.DataFrame,
    quay_m: Mapping[str, float] | None = None,
    vessels: pd.DataFrame | None = None,
    as_known_on: date | None = None,
) -> pd.DataFrame:
    """Divide a site's looks into regimes of vessels at berth.

    Parameters
    ----------
    looks
        One row per look × zone, as published.
    quay_m
        Usable metres by berth (`quay_metres`); all berths weigh alike where it is not given.
    vessels
        As published: ships are told apart by their lengths and places; without them by less.
    as_known_on
        Only looks up to this day, included, UTC: what would have been said then.

    Returns
    -------
    pandas.DataFrame
        Columns of ``regimes.parquet``; no row where nothing can be said: no berths, or too few looks.
    """
    if as_known_on is not None:
        looks = looks[looks["acquired"] < pd.Timestamp(as_known_on) + pd.Timedelta(days=1)]
    return regimes_table(activity.regime_rows(looks, quay_m, vessels))


def likely_changes(publication: Path, quay_m: Mapping[str, float] | None = None) -> Changes | None:
    """Find where the activity at a site's berths changed if it did at all; None from too few looks."""
    found = activity.site_changes(read_looks(publication), quay_m, read_vessels(publication))
    return found[1] if found else None


def occupancy_between(
    looks: pd.DataFrame, start: date, end: date, quay_m: Mapping[str, float] | None = None
) -> Share:
    """Tell the share of the quay metres taken from one day to another, both included, looked at or not."""
    return activity.occupancy_between(comparable(looks), start, end + timedelta(days=1), quay_m)


def goods_between(looks: pd.DataFrame, start: date, end: date) -> Goods | None:
    """Sum up yards and tracks from one day to another, both included; None if no image told of any."""
    return loading.goods_between(looks, start, end + timedelta(days=1))


def infer_stays(site: Site, looks: pd.DataFrame, vessels: Any) -> pd.DataFrame:
    """Gather a site's sights of all sensors into stays, each bracketed by looks.

    Returns
    -------
    pandas.DataFrame
        Columns of ``stays.parquet``.
    """
    return stays_table([_stay_row(site.site_id, stay) for stay in stays(looks, vessels, CARGO_SHIPS)])


def _stay_row(site_id: str, stay: Stay) -> dict[str, Any]:
    return {
        "site": site_id,
        "zone_id": stay.berth,
        "arrive_low": stay.free_before,
        "arrive_high": stay.first_seen,
        "leave_low": stay.last_seen,
        "leave_high": stay.free_after,
        "came_by": stay.came_by,
        "left_from": stay.left_from,
        "looks": stay.looks,
        "length_m": stay.length_m,
        "length_sd_m": stay.length_sd_m,
        "width_m": _told(stay.width_m),
        "width_sd_m": _told(stay.width_sd_m),
        "probability": stay.probability,
        "real_probability": stay.real,
        "continues_probability": stay.continues,
        "status": "open" if stay.open else "closed",
        "knowable_on": stay.first_seen if stay.free_after is None else stay.free_after,
        "scenes": " ".join(stay.scenes),
    }


def _told(number: float) -> float | None:
    return None if math.isnan(number) else number


def sea_way(site_a: Site, site_b: Site) -> tuple[Crossing, str]:
    """Find the shortest way over water between two sites' quays, and say whose coast it was found on."""
    sea = sea_between(site_a, site_b)
    return crossing(quayside(site_a), quayside(site_b), sea.land), sea.source


def trips_between(
    publication_a: Path, publication_b: Path, sea: Crossing, as_known_on: date | None = None
) -> Trips:
    """Tell the trips between two published ports, as known at the end of a day.

    Parameters
    ----------
    publication_a, publication_b
        Folders of the two publications.
    sea
        The way between them (`sea_way`).
    as_known_on
        Day, UTC, after which no look is used; None for all.

    Raises
    ------
    InputError
        If a folder holds no publication, or no look by that day.
    """
    ports = [_port(folder, as_known_on) for folder in (publication_a, publication_b)]
    return trips.trips_between(ports[0], ports[1], sea)


def _port(folder: Path, as_known_on: date | None) -> Port:
    for name in ("looks", "vessels"):
        if not (folder / f"{name}.parquet").is_file():
            raise InputError(
                f"{folder} holds no {name}.parquet: it is no publication; `roadstead backfill {folder.name} "
                f"--catalog … --start … --end … --out {folder.parent}` makes one"
            )
    looks, vessels = read_looks(folder), read_vessels(folder)
    if as_known_on is not None:
        after = pd.Timestamp(as_known_on) + pd.Timedelta(days=1)
        looks, vessels = looks[looks["acquired"] < after], vessels[vessels["acquired"] < after]
    seen = tuple(sights(looks, vessels))
    if not seen:
        until = f" by {as_known_on}" if as_known_on else ""
        raise InputError(f"{folder} has no look that saw a berth{until}; voyages need looks at both ports")
    return Port(folder.name, seen, tuple(follow(seen, CARGO_SHIPS)))


def infer_voyages(site_a: str, site_b: str, told: Trips) -> pd.DataFrame:
    """List the links between the stays of two ports, as columns of ``voyages.parquet``."""
    rows: Rows = []
    for link in told.links:
        ends = (0, 1) if link.from_a else (1, 0)
        origin, target = told.stays[ends[0]][link.origin], told.stays[ends[1]][link.target]
        names = (site_a, site_b) if link.from_a else (site_b, site_a)
        rows.append(
            {
                "origin": names[0],
                "destination": names[1],
                "origin_berth": origin.berth,
                "destination_berth": target.berth,
                "leave_low": origin.last_seen,
                "leave_high": origin.free_after,
                "arrive_low": target.free_before,
                "arrive_high": target.first_seen,
                "origin_length_m": origin.length_m,
                "origin_length_sd_m": origin.length_sd_m,
                "destination_length_m": target.length_m,
                "destination_length_sd_m": target.length_sd_m,
                "probability": link.probability,
                "prompt_probability": link.prompt,
                "candidates": link.candidates,
                "named": link.named,
                "knowable_on": target.first_seen,
                "scenes": " ".join((*origin.scenes, *target.scenes)),
            }
        )
    return voyages_table(rows)
