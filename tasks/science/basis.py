"""Which looks may be put into one series.

A camera at 3 m finds boats that radar at 10 m does not, ice among the piers makes it find ships that are
none, and their calendars differ. Until each sensor's own precision and recall is part of the inference, a
series that mixes them would take its calendar for the port's.
"""

from __future__ import annotations

import pandas as pd

RADAR, OPTICAL = "radar", "optical"


def comparable(looks: pd.DataFrame) -> pd.DataFrame:
    """Keep the looks that series are made from: radar's where there are any, else all."""
    radar = looks["sensor"] == RADAR if "sensor" in looks else pd.Series(False, index=looks.index)
    return looks[radar.fillna(False)] if radar.any() else looks


def of_yards(looks: pd.DataFrame) -> pd.DataFrame:
    """Keep the looks that a series of yards is made from: areas where any image tells them, else levels.

    A level is a place on a yard's own scale, and no share of its ground; of levels, radar's where there are
    any, for it sees through cloud.
    """
    told = looks[looks["fill_fraction"].notna()]
    if told["stack_area_m2"].notna().any():
        fine = set(told.loc[told["stack_area_m2"].notna(), "collection"])
        return looks[looks["collection"].isin(fine)]
    radar = told["sensor"] == RADAR
    return looks[looks["sensor"] == (RADAR if radar.any() else OPTICAL)]


def of_tracks(looks: pd.DataFrame) -> pd.DataFrame:
    """Keep the looks of images that are fine enough to tell what stands on tracks."""
    fine = set(looks.loc[looks["rail_occupied_m"].notna(), "collection"])
    return looks[looks["collection"].isin(fine)]
