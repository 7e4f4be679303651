"""What looks at a port's berths say of the time after a dated event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd

from tasks.science.basis import comparable
from tasks.science.regimes.effect import Counted, Effect, effect
from tasks.science.series.activity import berth_looks


def counted_at_berths(looks: pd.DataFrame, quay_m: Mapping[str, float]) -> Counted | None:
    """Bring the ships at berth of every look to the model of effects; None if no look tells enough."""
    series = berth_looks(comparable(looks), quay_m)
    if series.empty:
        return None
    times = series["acquired"].to_numpy("datetime64[s]")
    return Counted(times, series["vessels"].to_numpy(float), series["exposure"].to_numpy(float))


def effects(looks: pd.DataFrame, quay_m: Mapping[str, float], days: Sequence[date]) -> list[Effect | None]:
    """Compare ships at berth from each day on with all before it.

    Parameters
    ----------
    looks
        One row per look × zone.
    quay_m
        Usable metres by zone id.
    days
        First day after each event, UTC.

    Returns
    -------
    list of Effect or None
        In order; None from too few looks before or after.
    """
    counted = counted_at_berths(looks, quay_m)
    if counted is None:
        return [None for _ in days]
    return [effect(counted, np.datetime64(day, "s")) for day in days]
