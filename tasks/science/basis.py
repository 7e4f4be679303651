"""Which looks may be put into one series.

A camera at 3 m finds boats afloat that radar at 10 m does not, and their calendars differ: a series that
mixed them would take its calendar for the port's. At berths radar and 3 m images tell the same (in ten
months of simulated `najin-2023` at both ports 105 of 105 and 169 of 171 ships alongside, 9 and 20 false), and
there they stand together. A camera at 10 m does not: it missed a third of the ships, and took ice for as
many.
"""

from __future__ import annotations

import pandas as pd

from tasks.model import ZoneKind

RADAR, OPTICAL = "radar", "optical"

FINE_M = 5.0
"""Pixels up to which a camera tells ships at berths as radar does."""


def comparable(looks: pd.DataFrame) -> pd.DataFrame:
    """Keep the looks that series of vessels are made from.

    Afloat those of radar, at berths those of fine cameras too; all where there are none of these.
    """
    if "sensor" not in looks:
        return looks
    good = (looks["sensor"] == RADAR).fillna(False)
    at_berth = pd.Series(False, index=looks.index)
    if "zone_kind" in looks:
        at_berth = looks["zone_kind"] == ZoneKind.BERTH.value
    afloat = ~at_berth & (good if good.any() else True)
    if "pixel_m" in looks:
        good |= looks["pixel_m"] <= FINE_M
    return looks[afloat | (at_berth & (good if (good & at_berth).any() else True))]


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
