"""Ships that came, look by look: by these a port's waking up and falling quiet are dated.

How many ships lie at berth says little of how many came: one that stays for weeks is on every look
meanwhile, and a neighbour that hardly ever leaves hides those that do. A ship seen for the first time has
come since the look before that saw its berth, and ships come at any time alike, so newcomers of one look
say nothing of those of the next. Looks that follow one another soon can show few, and one after a long gap
shows those alone that are still there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tasks.model import ZoneKind
from tasks.science.series.stays import Stay

STAY_DAYS = 2.0
"""How long a ship stays, to weigh gaps between looks: container ships a day or two (`dwell`)."""

LEAST = 0.01
"""Share of the ships that come within a stay which a look must be able to show as new: a second image of one
minute shows none."""

NEW = 0.75
"""Probability from which a stay is one, and its ship came when it was first seen. Most stays that never were
(one look, at a berth that ships hardly use) have 0.4 to 0.6."""


def arrivals(looks: pd.DataFrame, found: Sequence[Stay], stay_days: float = STAY_DAYS) -> pd.DataFrame:
    """Count newcomers in every look.

    Parameters
    ----------
    looks
        One row per look × zone; ``vessel_count`` null where it could not be told.
    found
        Stays gathered from the same looks.
    stay_days
        How long ships stay.

    Returns
    -------
    pandas.DataFrame
        One row per look that could show any, in order of time: ``acquired``, ``arrivals``, and ``exposure``,
        the share of the ships that come within a stay that it could show, 0 to 1. Arrivals by exposure are
        ships at berth at a time. Ships of a berth's first look are no newcomers.
    """
    told = looks[(looks["zone_kind"] == ZoneKind.BERTH.value) & looks["vessel_count"].notna()]
    told = told.sort_values(["acquired", "zone_id"], kind="stable")
    gap_days = told.groupby("zone_id")["acquired"].diff().dt.total_seconds() / 86_400
    shown = -np.expm1(-gap_days.fillna(0.0) / stay_days) / max(told["zone_id"].nunique(), 1)
    exposure = shown.groupby(told["acquired"]).sum()
    new = [stay.first_seen for stay in found if came_surely(stay, NEW)]
    counts = pd.Series(1.0, index=pd.DatetimeIndex(new)).groupby(level=0).sum()
    table = pd.DataFrame({"exposure": exposure, "arrivals": counts.reindex(exposure.index, fill_value=0.0)})
    return table[table["exposure"] >= LEAST].rename_axis("acquired").reset_index()


def came_surely(stay: Stay, sure: float) -> bool:
    """Tell whether a ship came between a look that saw its berth without it and the first that saw it."""
    return stay.free_before is not None and stay.real * (1 - stay.continues) >= sure
