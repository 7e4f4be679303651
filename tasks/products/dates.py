"""Which dates of a port are shown: clear looks, spread over time, denser where something changed.

Time is cut into periods of the calendar, not of the series, so that one more look does not move the others:
what was drawn for the last publication can be taken over.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd

from tasks.model import WATER_KINDS

DATES = 40
"""At most: 25 kB each, in a page that is one file."""

CLEAR = 0.85
"""Share of the port that a look must have seen to stand for its period."""

NEAR_CHANGE = pd.Timedelta(days=28)
DENSER = 4
"""Around a change, periods are this many times shorter."""

EPOCH = pd.Timestamp(2015, 1, 5)

PERIODS_DAYS = tuple(round(1.2**k, 2) for k in range(56))
"""From a day to a whole archive, each a fifth longer than the one before."""


def seen_scenes(looks: pd.DataFrame) -> pd.DataFrame:
    """Tell of each scene how much of the port ashore and alongside it saw.

    Returns
    -------
    pandas.DataFrame
        ``scene_id``, ``acquired``, ``sensor``, ``pixel_m`` and ``seen`` (0 to 1), in order of time.
    """
    afloat = looks["zone_kind"].isin([kind.value for kind in WATER_KINDS])
    ashore = looks if afloat.all() else looks[~afloat]
    told = ashore.assign(seen=ashore["seen_fraction"].astype(float).fillna(0.0))
    columns = {name: (name, "first") for name in ("acquired", "sensor", "pixel_m")}
    scenes = told.groupby("scene_id", sort=False).agg(**columns, seen=("seen", "mean")).reset_index()
    return scenes.sort_values(["acquired", "scene_id"], ignore_index=True)


def site_dates(
    scenes: pd.DataFrame,
    needed: Collection[str],
    changes: Sequence[pd.Timestamp],
    most: int = DATES,
) -> list[str]:
    """Choose the scenes of which the whole port is shown.

    Parameters
    ----------
    scenes
        As from `seen_scenes`.
    needed
        Scenes on which the page's headline rests: always shown.
    changes
        When activity changed.
    most
        How many scenes; more only if more are needed.

    Returns
    -------
    list of str
        Scene ids in order of time. Of each period the clearest optical look, then the finest, then the
        first; radar where no optical look was clear.
    """
    chosen = set(scenes["scene_id"]) & set(needed)
    clear = scenes[scenes["seen"] >= CLEAR]
    ranked = clear.assign(
        radar=clear["sensor"] == "radar",
        hidden=-clear["seen"].round(1),
        near=_near(clear["acquired"], changes),
    ).sort_values(["radar", "hidden", "pixel_m", "acquired", "scene_id"])
    for days in PERIODS_DAYS:
        length = pd.Timedelta(days=days) / ranked["near"].map({True: DENSER, False: 1})
        period = (ranked["acquired"] - EPOCH) // length
        best = ranked.loc[~pd.DataFrame({"n": ranked["near"], "p": period}).duplicated(), "scene_id"]
        if len(chosen | set(best)) <= max(most, len(chosen)):
            chosen |= set(best)
            break
    return [str(one) for one in scenes.loc[scenes["scene_id"].isin(chosen), "scene_id"]]


def _near(moments: pd.Series, changes: Sequence[pd.Timestamp]) -> pd.Series:
    near = pd.Series(False, index=moments.index)
    for change in changes:
        near |= (moments - change).abs() <= NEAR_CHANGE
    return near
