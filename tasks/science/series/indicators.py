"""Looks to series: how many vessels lay in a zone, per week and month, and how sure that is.

A period's value is the mean over the looks that could see the zone; its interval is that of a
Gamma–Poisson rate under Jeffreys' prior, widened where the zone's counts vary more than Poisson's
(ships stay for days, so looks are not independent). A period without a look is null, with 0 looks
beside it: it is not a quiet period.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

LEVEL = 0.9
"""Probability of the intervals."""

PERIODS = {"week": "W-SUN", "month": "M"}
"""Calendar weeks from Monday, calendar months; UTC."""

COLUMNS = (
    "site",
    "zone_id",
    "zone_kind",
    "period",
    "start",
    "end",
    "looks",
    "looks_seen",
    "seen_fraction",
    "vessels_mean",
    "vessels_low",
    "vessels_high",
    "vessels_max",
)


def utilisation(looks: pd.DataFrame) -> pd.DataFrame:
    """Summarise looks by week and month.

    Parameters
    ----------
    looks
        One row per look × zone; ``vessel_count`` null where it could not be told.

    Returns
    -------
    pandas.DataFrame
        One row per zone that has counts, kind of period and period between the first and the last
        look: ``looks`` taken, ``looks_seen`` that could see the zone, mean share of the zone seen,
        mean vessels per look with its 90 % interval, and the most seen at once. Null where no look
        could see. ``end`` is the first day after the period.
    """
    counted = looks[looks.groupby(["site", "zone_id"])["vessel_count"].transform("count") > 0]
    tables = [
        _zone_series(group, period, rule)
        for period, rule in PERIODS.items()
        for _, group in counted.groupby(["zone_id"], sort=True)
    ]
    if not tables:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(tables, ignore_index=True)[list(COLUMNS)]


def _zone_series(group: pd.DataFrame, period: str, rule: str) -> pd.DataFrame:
    seen = group[group["vessel_count"].notna()]
    inflation = overdispersion(seen["vessel_count"].to_numpy(float))
    when = group["acquired"].dt.to_period(rule)
    rows = []
    for label in pd.period_range(when.min(), when.max(), freq=rule):
        here = group[when == label]
        counts = here["vessel_count"].dropna().to_numpy(float)
        low, mean, high = mean_interval(counts, inflation)
        rows.append(
            {
                "period": period,
                "start": label.start_time.date(),
                "end": (label + 1).start_time.date(),
                "looks": len(here),
                "looks_seen": len(counts),
                "seen_fraction": here["seen_fraction"].mean() if len(here) else np.nan,
                "vessels_mean": mean,
                "vessels_low": low,
                "vessels_high": high,
                "vessels_max": counts.max() if len(counts) else np.nan,
            }
        )
    first = group.iloc[0]
    return pd.DataFrame(rows).assign(**{name: first[name] for name in ("site", "zone_id", "zone_kind")})


def overdispersion(counts: np.ndarray[Any, Any]) -> float:
    """Variance over mean of all counts of a zone, at least 1; 1 where there is nothing to tell."""
    if len(counts) < 2 or counts.mean() == 0:
        return 1.0
    return max(1.0, float(counts.var(ddof=1) / counts.mean()))


def mean_interval(counts: np.ndarray[Any, Any], inflation: float = 1.0) -> tuple[float, float, float]:
    """Mean count per look with its 90 % interval (Jeffreys Gamma–Poisson, quasi-Poisson widened).

    Inflation φ divides the information: k vessels in n looks weigh like k/φ in n/φ.

    Examples
    --------
    >>> low, mean, high = mean_interval(np.array([0.0, 0.0, 0.0]))
    >>> round(low, 3), mean, round(high, 2)
    (0.0, 0.0, 0.64)
    >>> mean_interval(np.array([]))
    (nan, nan, nan)
    """
    if not len(counts):
        return float("nan"), float("nan"), float("nan")
    exposure = len(counts) / inflation
    posterior = stats.gamma(counts.sum() / inflation + 0.5, scale=1 / exposure)
    low, high = posterior.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    mean = float(counts.mean())
    return float(min(low, mean)), mean, float(max(high, mean))
