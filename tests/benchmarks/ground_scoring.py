"""What published looks say of yards and tracks, against the truth of a simulation.

Fill at 10 m is a level: it is scored by the rank correlation with the true stack area of each yard, ties and
all. Many truths are exactly zero, so it is said apart how much of the correlation comes from telling an empty
yard from one in use, and how much is left among looks on which something stands. Track metres are scored by
their relative error where a train stands and by metres claimed where none does; cars by recall and precision
of the counted intervals.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats


def score_fill(
    looks: pd.DataFrame, stacks: pd.DataFrame, value: str = "fill_fraction", orbits: pd.Series | None = None
) -> pd.DataFrame:
    """Correlate levels with true stack areas.

    Parameters
    ----------
    looks
        Published looks: ``scene_id``, ``zone_id`` and the level.
    stacks
        ``stacks.parquet``; several stacks of one yard are added up.
    value
        Column of the level.
    orbits
        Orbit by scene id; without it all looks are one series.

    Returns
    -------
    pandas.DataFrame
        One row per yard that ever held containers: ``looks``, ``told``, ``in_use`` (of those told), ``rank``
        (Spearman, all looks told), ``rank_by_orbit`` (median over orbits), ``rank_empty`` (against used or
        not), ``rank_in_use`` (among looks in use), ``missed`` (share in use at level 0) and ``false`` (share
        of empty ones above 0).
    """
    truth = stacks.groupby(["scene_id", "zone_id"], as_index=False)["area_m2"].sum()
    joined = looks[["scene_id", "zone_id", value]].merge(truth, on=["scene_id", "zone_id"])
    joined["orbit"] = 0 if orbits is None else joined["scene_id"].map(orbits)
    rows = []
    for zone_id, yard in joined.groupby("zone_id"):
        told = yard.dropna(subset=value)
        used = told["area_m2"] > 0
        if not used.any():
            continue
        by_orbit = [_rank(part[value], part["area_m2"]) for _, part in told.groupby("orbit")]
        rows.append(
            {
                "zone_id": zone_id,
                "looks": len(yard),
                "told": len(told),
                "in_use": int(used.sum()),
                "rank": _rank(told[value], told["area_m2"]),
                "rank_by_orbit": float(np.nanmedian(by_orbit)) if np.isfinite(by_orbit).any() else np.nan,
                "rank_empty": _rank(told[value], used.astype(float)),
                "rank_in_use": _rank(told[value][used], told["area_m2"][used]),
                "missed": float((told[value][used] == 0).mean()),
                "false": float((told[value][~used] > 0).mean()),
            }
        )
    return pd.DataFrame(rows)


def _rank(one: Sequence[float] | pd.Series, other: Sequence[float] | pd.Series) -> float:
    """Spearman's correlation; NaN where either is constant."""
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(stats.spearmanr(one, other)[0])


def join_trains(looks: pd.DataFrame, trains: pd.DataFrame) -> pd.DataFrame:
    """Add to looks at rail yards what truly stood there: ``true_m`` and ``true_cars``.

    Parameters
    ----------
    looks
        ``site``, ``zone_id``, ``zone_kind`` and ``acquired`` (UTC).
    trains
        ``rail.parquet``.
    """
    rails = looks[looks["zone_kind"] == "rail_yard"].reset_index(drop=True)
    acquired = pd.to_datetime(rails["acquired"], utc=True)
    metres, cars = np.zeros(len(rails)), np.zeros(len(rails))
    for train in trains.itertuples():
        there = (rails["site"] == train.site) & (rails["zone_id"] == train.zone_id)
        there &= (acquired >= train.arrives) & (acquired < train.leaves)
        metres[there] += train.length_m
        cars[there] += train.cars
    return rails.assign(true_m=metres, true_cars=cars)


def score_rails(joined: pd.DataFrame, value: str = "rail_occupied_m") -> dict[str, float]:
    """Score track metres of looks with their trains, as `join_trains` gives them.

    Returns
    -------
    dict
        ``looks_with_train``, ``median_error`` (relative), ``within_20``, ``missed`` (share of looks with a
        train at 0 m), ``looks_without``, ``false_looks`` (share), ``false_m`` (mean), ``agreement`` (taken or
        free).
    """
    told = joined.dropna(subset=value)
    there = told[told["true_m"] > 0]
    free = told[told["true_m"] == 0]
    error = (there[value] - there["true_m"]).abs() / there["true_m"]
    return {
        "looks_with_train": len(there),
        "median_error": float(error.median()),
        "within_20": float((error <= 0.2).mean()),
        "missed": float((there[value] == 0).mean()),
        "looks_without": len(free),
        "false_looks": float((free[value] > 0).mean()),
        "false_m": float(free[value].mean()),
        "agreement": float(((told[value] > 0) == (told["true_m"] > 0)).mean()),
    }


def score_cars(joined: pd.DataFrame, low: str = "cars_low", high: str = "cars_high") -> dict[str, float]:
    """Score counts of rail cars by look: what both have in common counts as found.

    Returns
    -------
    dict
        ``cars`` (true), ``recall`` and ``precision`` of the least count, the same of the middle of the
        interval (``middle_recall``, ``middle_precision``), and ``covered``: share of looks with a train whose
        interval holds the truth.
    """
    told = joined.dropna(subset=[low, high])
    true = told["true_cars"]
    middle = (told[low] + told[high]) / 2
    there = told[true > 0]
    common = [float(np.minimum(count, true).sum()) for count in (told[low], middle)]
    return {
        "cars": float(true.sum()),
        "recall": common[0] / true.sum() if true.sum() else np.nan,
        "precision": common[0] / told[low].sum() if told[low].sum() else np.nan,
        "middle_recall": common[1] / true.sum() if true.sum() else np.nan,
        "middle_precision": common[1] / middle.sum() if middle.sum() else np.nan,
        "covered": float(((there[low] <= there["true_cars"]) & (there["true_cars"] <= there[high])).mean()),
    }
