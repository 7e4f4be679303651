"""How much of what a site has was taken: of its quay, its yards, its tracks; per look and over a period.

A look counts if it saw at least half of what this archive can measure at all of that kind; a zone that no
look can tell is in no denominator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from tasks.science.regimes.levels import LEVEL, repetition

MIN_HELD = 0.5
"""Share of a site's quay, yard or track that a look must see to count."""


@dataclass(frozen=True)
class Share:
    """Mean share that was taken, with its 90 % interval."""

    mean: float | None
    """None without a look."""

    low: float | None
    high: float | None

    looks: int


NO_SHARE = Share(None, None, None, 0)


def site_looks(looks: pd.DataFrame, column: str, capacity: Mapping[str, float]) -> pd.DataFrame:
    """Sum a share over the zones of every look.

    Parameters
    ----------
    looks
        One row per look × zone.
    column
        Share of a zone that is taken, 0 to 1; null where it could not be told.
    capacity
        By zone id what a share of 1 stands for: metres or square metres. Zones that are not among them do
        not count.

    Returns
    -------
    pandas.DataFrame
        One row per look that counts, in order of time: ``acquired``, ``scene_id``, ``taken`` and ``seen`` in
        units of the capacity, ``zones``.
    """
    rows = looks[looks["zone_id"].isin(list(capacity)) & looks[column].notna()]
    seen = rows["zone_id"].map(capacity).astype(float) * rows["seen_fraction"].astype(float)
    table = pd.DataFrame(
        {
            "acquired": rows["acquired"],
            "scene_id": rows["scene_id"],
            "taken": rows[column].astype(float) * seen,
            "seen": seen,
            "zones": 1,
        }
    )
    whole = sum(capacity[zone] for zone in set(rows["zone_id"]))
    summed = table.groupby(["acquired", "scene_id"], as_index=False, sort=True).sum()
    return summed[summed["seen"] >= MIN_HELD * whole].reset_index(drop=True)


def between(series: pd.DataFrame, start: object, end: object) -> pd.DataFrame:
    """Rows of a period; `end` is the first moment after it."""
    when = series["acquired"]
    return series[(when >= pd.Timestamp(start)) & (when < pd.Timestamp(end))]  # type: ignore[arg-type]


def cut(table: pd.DataFrame, spans: Sequence[tuple[pd.Timestamp, pd.Timestamp]]) -> list[pd.DataFrame]:
    """Cut rows into periods, each with its first moment and the first after it; in order of time."""
    ordered = table.sort_values("acquired", kind="stable")
    when = ordered["acquired"].to_numpy("datetime64[ns]")
    edges = np.searchsorted(when, np.array(spans, "datetime64[ns]"))
    return [ordered.iloc[first:after] for first, after in edges]


def mean_share(series: pd.DataFrame) -> Share:
    """Mean share taken in the looks of a period.

    The interval is Jeffreys' for a share, from as many independent trials as the looks' own scatter is worth:
    at least one a look, at most one a zone and look, fewer where neighbouring looks repeat. A bootstrap over
    looks would call a port never seen taken empty for certain.

    Parameters
    ----------
    series
        As `site_looks` has it.
    """
    (share,) = mean_shares(series, np.zeros(len(series), np.intp), 1)
    return share


def mean_shares(series: pd.DataFrame, period: npt.NDArray[np.intp], periods: int) -> list[Share]:
    """Tell `mean_share` of every period.

    Parameters
    ----------
    series
        As `site_looks` has it.
    period
        ``(look,)`` ascending number of the period that each look lies in.
    periods
        How many there are.
    """

    def summed(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.bincount(period, values, minlength=periods)

    taken, seen = series["taken"].to_numpy(float), series["seen"].to_numpy(float)
    looks, share = summed(np.ones(len(series))), taken / seen
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = summed(taken) / summed(seen)
        rest = share - (summed(share) / looks)[period]
        squares = summed(rest**2)
        scatter, most = squares / (looks - 1), summed(series["zones"].to_numpy(float)) / looks
        worth = np.clip(mean * (1 - mean) / scatter, 1.0, most)
        per_look = np.where((looks > 2) & (scatter > 0), worth, 1.0)
    ends = np.cumsum(looks).astype(int)
    parts = np.split(rest, ends[:-1])
    repeats = [
        repetition(part, allowance=0) if q > 0 else 1.0 for part, q in zip(parts, squares, strict=True)
    ]
    trials = looks * per_look / np.array(repeats)
    tails = np.array([(1 - LEVEL) / 2, (1 + LEVEL) / 2])[:, None]
    low, high = special.betaincinv(mean * trials + 0.5, (1 - mean) * trials + 0.5, tails)
    return [
        Share(float(m), float(min(lo, m)), float(max(hi, m)), int(n)) if n else NO_SHARE
        for m, lo, hi, n in zip(mean, low, high, looks, strict=True)
    ]
