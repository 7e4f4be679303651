"""From looks to series: what the numbers say over weeks and months, when they changed, and between ports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.errors import InputError
from tasks.model import Site
from tasks.products.tables import Tables, balance_table, read_looks, regimes_table
from tasks.science.basis import comparable
from tasks.science.quays import quay_metres
from tasks.science.regimes.counts import Changes
from tasks.science.series import activity, loading, trips
from tasks.science.series.activity import SURE
from tasks.science.series.balance import balances
from tasks.science.series.loading import Goods, with_turnover
from tasks.science.series.shares import Share
from tasks.science.series.trips import DEFAULT_TRIPS, TripOptions, Trips
from tasks.science.series.utilisation import utilisation

__all__ = [
    "SURE",
    "Goods",
    "Share",
    "goods_between",
    "infer_occupancy",
    "infer_regimes",
    "infer_tables",
    "likely_changes",
    "occupancy_between",
    "quay_metres",
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
    return Tables(
        looks=looks,
        vessels=vessels,
        stacks=stacks,
        utilisation=utilisation(site, looks),
        regimes=infer_regimes(looks, quay_m),
        occupancy=infer_occupancy(looks, quay_m),
        balance=balance_table(balances(site, looks)),
    )


def infer_regimes(
    looks: pd.DataFrame, quay_m: Mapping[str, float] | None = None, as_known_on: date | None = None
) -> pd.DataFrame:
    """Divide a site's looks into regimes of vessels at berth, of all sensors together.

    Parameters
    ----------
    looks
        One row per look × zone, as published.
    quay_m
        Usable metres by berth (`quay_metres`); all berths weigh alike where it is not given.
    as_known_on
        Only looks up to this day, included, UTC: what would have been said then.

    Returns
    -------
    pandas.DataFrame
        Columns of ``regimes.parquet``; no row where nothing can be said: no berths, or too few looks.
    """
    if as_known_on is not None:
        looks = looks[looks["acquired"] < pd.Timestamp(as_known_on) + pd.Timedelta(days=1)]
    return regimes_table(activity.regime_rows(looks, quay_m))


def infer_occupancy(looks: pd.DataFrame, quay_m: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Tell the share of the quay taken in every month, with its interval and its looks."""
    return activity.monthly_occupancy(comparable(looks), quay_m)


def likely_changes(looks: pd.DataFrame, quay_m: Mapping[str, float] | None = None) -> Changes | None:
    """Find where the activity at a site's berths changed if it did at all; None from too few looks."""
    return activity.site_changes(looks, quay_m)


def occupancy_between(
    looks: pd.DataFrame, start: date, end: date, quay_m: Mapping[str, float] | None = None
) -> Share:
    """Mean share of the quay metres taken from one day to another, both included, with its 90 % interval."""
    return activity.occupancy_between(comparable(looks), start, end + timedelta(days=1), quay_m)


def goods_between(looks: pd.DataFrame, start: date, end: date) -> Goods | None:
    """Sum up yards and tracks from one day to another, both included; None if no image told of any."""
    return loading.goods_between(looks, start, end + timedelta(days=1))


def trips_between(
    publication_a: Path, publication_b: Path, start: date, end: date, options: TripOptions = DEFAULT_TRIPS
) -> Trips:
    """Bound the one-way trips from one published port to another, from one day to another, both included.

    Parameters
    ----------
    publication_a, publication_b
        Folders of the two publications.
    start, end
        First and last day, UTC.
    options
        Sailing time and the other assumptions; they come back with the result.

    Raises
    ------
    InputError
        If a folder holds no publication.
    """
    for folder in (publication_a, publication_b):
        if not (folder / "looks.parquet").is_file():
            raise InputError(f"{folder} holds no looks.parquet; the folder of a publication is needed")
    first, after = pd.Timestamp(start), pd.Timestamp(end) + pd.Timedelta(days=1)
    looks = [comparable(read_looks(folder)) for folder in (publication_a, publication_b)]
    return trips.trips_between(looks[0], looks[1], first, after, options)
