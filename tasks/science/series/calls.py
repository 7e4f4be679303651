"""At most how many calls a port can have had: those that the ships lying there could make (Little's law)."""

from __future__ import annotations

import math

import pandas as pd

from tasks.science.regimes.levels import rate, within
from tasks.science.series.activity import berth_looks

SHORTEST_STAY_DAYS = 1.0
"""A cargo ship is not loaded in less."""


def most_calls(
    looks: pd.DataFrame, days: float, shortest_stay_days: float = SHORTEST_STAY_DAYS
) -> tuple[int | None, int]:
    """Bound the calls of a period from above, by the ships that lay there on average; tells the looks too.

    None where no look saw enough of the quay.
    """
    series = berth_looks(looks)
    if series.empty:
        return None, 0
    counts, exposure = series["vessels"].to_numpy(float), series["exposure"].to_numpy(float)
    ships = rate(counts, exposure, within(counts, exposure, len(counts)))
    return math.ceil(ships.high * days / shortest_stay_days), len(series)
