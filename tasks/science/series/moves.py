"""Whether a port was at work, look by look, as its yards and tracks tell.

A ship lies at a quay for a day or two and cloud hides every other day; what it brought or took is missing or
stands in the yard when the sky clears, and cars stand ready before it comes. So goods tell of calls that no
look showed, and of none at a quay whose ships do something else.
"""

from __future__ import annotations

import pandas as pd

from tasks.science.series.turnover import DETECTION_M2

COLUMNS = frozenset({"stack_area_m2", "gained_m2", "lost_m2", "rail_occupied_m"})


def work_looks(looks: pd.DataFrame) -> pd.DataFrame:
    """Tell whether goods moved in any yard since the look before, or cars stood on any track.

    Parameters
    ----------
    looks
        One row per look × zone; ``gained_m2``, ``lost_m2`` and ``rail_occupied_m`` null where they could not
        be told. Of several cameras, the one with most looks: two would tell one move twice.

    Returns
    -------
    pandas.DataFrame
        One row per look that told of a yard or a track, in order of time: ``acquired``, ``working``. The
        first is left out: a yard has nothing to be held against.
    """
    if not COLUMNS.issubset(looks.columns):
        return pd.DataFrame({"acquired": looks["acquired"][:0], "working": pd.Series(dtype=bool)})
    told = looks[looks["gained_m2"].notna() | looks["rail_occupied_m"].notna()]
    most = told.groupby("collection")["acquired"].nunique()
    told = told[told["collection"] == most.idxmax()] if len(most) else told
    moved = (told["gained_m2"] >= DETECTION_M2) | (told["lost_m2"] >= DETECTION_M2)
    working = moved.fillna(False) | (told["rail_occupied_m"] > 0).fillna(False)
    by_look = working.astype(bool).groupby(told["acquired"]).any().sort_index()
    return by_look.rename("working").rename_axis("acquired").reset_index()[1:]
