"""What each look of a yard gained and lost, from the outlines of what stood there."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from tasks.science.rows import HIDDEN, STACK
from tasks.science.series.turnover import Standing, turnover

KEY = ["collection", "zone_id"]


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
