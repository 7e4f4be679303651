"""What each look of a yard gained and lost, from the outlines of what stood there."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from tasks.science.rows import HIDDEN, STACK
from tasks.science.series.shares import between
from tasks.science.series.turnover import DETECTION_M2, Standing, turnover

KEY = ["collection", "zone_id"]


@dataclass(frozen=True)
class Goods:
    """What stood and moved in a site's yards and on its tracks, as far as images of 5 m and finer tell."""

    looks: int
    """Looks that told of at least one yard."""

    set_down: int
    taken_away: int
    """Times that a look found a yard with so much more, or less, that it counts as an event."""

    gained_m2: float
    lost_m2: float
    """Ground taken up and left between looks, all yards; at least so much."""

    most_m2: float
    """Most ground under stacks in one look, all yards that it told."""

    most_on: pd.Timestamp | None
    most_teu_low: float
    most_teu_high: float

    track_looks: int
    """Looks that told of at least one bundle of tracks."""

    with_trains: int
    most_track_m: float


def goods_between(looks: pd.DataFrame, start: object, end: object) -> Goods | None:
    """Sum up yards and tracks over a period, `end` being the first moment after it; None if none was told."""
    here = between(looks, start, end)
    yards, tracks = here[here["stack_area_m2"].notna()], here[here["rail_occupied_m"].notna()]
    if yards.empty and tracks.empty:
        return None
    columns = yards[["stack_area_m2", "teu_low", "teu_high"]].astype(float)
    sums = columns.groupby(yards["acquired"]).sum()
    trains = tracks["rail_occupied_m"].astype(float).groupby(tracks["acquired"]).sum()
    k = int(sums["stack_area_m2"].to_numpy().argmax()) if len(sums) else None
    most_m2, teu_low, teu_high = sums.to_numpy()[k].tolist() if k is not None else (0.0, 0.0, 0.0)
    return Goods(
        looks=len(sums),
        set_down=int((yards["gained_m2"] >= DETECTION_M2).sum()),
        taken_away=int((yards["lost_m2"] >= DETECTION_M2).sum()),
        gained_m2=float(yards["gained_m2"].sum()),
        lost_m2=float(yards["lost_m2"].sum()),
        most_m2=most_m2,
        most_on=sums.index[k] if k is not None else None,
        most_teu_low=teu_low,
        most_teu_high=teu_high,
        track_looks=len(trains),
        with_trains=int((trains > 0).sum()),
        most_track_m=float(trains.max()) if len(trains) else 0.0,
    )


def with_turnover(looks: pd.DataFrame, stacks: gpd.GeoDataFrame) -> pd.DataFrame:
    """Fill in ``gained_m2`` and ``lost_m2`` against the previous clear look of the same collection.

    Parameters
    ----------
    looks
        One row per look × zone; a yard was told where ``stack_area_m2`` is not null.
    stacks
        Outlines, EPSG:4326, with ``what``: goods, or ground that was not seen.

    Returns
    -------
    pandas.DataFrame
        The looks in their order. Both null where the yard was not told, and for its first look.
    """
    told = looks["stack_area_m2"].notna()
    unknown = pd.array([None] * len(looks), "Float64")
    looks = looks.assign(gained_m2=unknown, lost_m2=unknown)
    if not told.any():
        return looks
    drawn = stacks.to_crs(stacks.estimate_utm_crs()) if len(stacks) else stacks
    shapes = dict(tuple(drawn.groupby([*KEY, "scene_id"])))
    for (collection, zone), group in looks[told].groupby(KEY, sort=True):
        ordered = group.sort_values(["acquired", "scene_id"])
        standing = [_standing(shapes.get((collection, zone, scene))) for scene in ordered["scene_id"]]
        changes = turnover(standing, float(ordered["pixel_m"].iloc[0]))
        looks.loc[ordered.index, "gained_m2"] = [change.gained_m2 for change in changes]
        looks.loc[ordered.index, "lost_m2"] = [change.lost_m2 for change in changes]
    return looks


def _standing(rows: gpd.GeoDataFrame | None) -> Standing:
    if rows is None:
        return Standing(())
    parts = {what: tuple(rows.geometry[rows["what"] == what]) for what in (STACK, HIDDEN)}
    return Standing(parts[STACK], parts[HIDDEN])
