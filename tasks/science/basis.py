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
