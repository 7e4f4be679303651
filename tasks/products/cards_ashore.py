"""Claims about yards: the day with most containers, and what was loaded or unloaded between two looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from tasks.model import Site
from tasks.products.cards import CONTENTS, HEIGHT, Claim, Sight, gap, key_of, name_of
from tasks.products.chips import SITE
from tasks.products.wording import day, many, minute, tens

EVENTS, YARDS = 10, 3


def fullest_day(site: Site, looks: pd.DataFrame) -> list[Claim]:
    """Back the look that showed most ground covered by stacks; none where no look told of any."""
    told = looks[looks["stack_area_m2"].notna() & (looks["stack_area_m2"].astype(float) > 0)]
    if told.empty:
        return []
    areas = told.assign(area=told["stack_area_m2"].astype(float))
    whole = areas.groupby("scene_id")["area"].sum().sort_index()
    scene_id = str(whole.idxmax())
    here = areas[areas["scene_id"] == scene_id].sort_values(["area", "zone_id"], ascending=[False, True])
    when, yards = here["acquired"].iloc[0], [str(zone) for zone in here["zone_id"].head(YARDS)]
    unseen = len(set(looks.loc[looks["zone_kind"] == "container_yard", "zone_id"])) - len(
        looks[(looks["scene_id"] == scene_id) & looks["stack_area_m2"].notna()]
    )
    also = f" {many(unseen, 'yard')} could not be told on that day." if unseen > 0 else ""
    return [
        Claim(
            key_of("stacks", when),
            f"Most containers: {day(when)}",
            f"On {minute(when)}, stacks covered {tens(float(whole[scene_id]))} m² of the yards, "
            f"more than in any other look; most at {'; '.join(name_of(site, zone) for zone in yards)}.",
            (Sight(scene_id, SITE), *(Sight(scene_id, zone) for zone in yards)),
            f"{HEIGHT} {CONTENTS} Days between looks may have had more.{also}",
        )
    ]


def turnover_claims(site: Site, looks: pd.DataFrame, least_m2: float, most: int = EVENTS) -> list[Claim]:
    """Back the largest gains and losses of ground under stacks, before and after.

    Parameters
    ----------
    site
        For its zones' names.
    looks
        With ``gained_m2`` and ``lost_m2`` against the look before of the same yard and collection.
    least_m2
        Less is no event.
    most
        How many.
    """
    told = looks[looks["stack_area_m2"].notna()].sort_values(["acquired", "scene_id"])
    groups = told.groupby(["collection", "zone_id"], sort=False)
    told = told.assign(
        before=groups["scene_id"].shift(),
        seen_before=groups["acquired"].shift(),
        gained=told["gained_m2"].astype(float).fillna(0.0),
        lost=told["lost_m2"].astype(float).fillna(0.0),
    )
    told = told.assign(most=told[["gained", "lost"]].max(axis=1))
    events = told[(told["most"] >= least_m2) & told["before"].notna()]
    events = events.sort_values(["most", "acquired", "zone_id"], ascending=[False, True, True]).head(most)
    return [_event(site, row) for row in events.sort_values(["acquired", "zone_id"]).to_dict("records")]


def _event(site: Site, row: Mapping[Any, Any]) -> Claim:
    zone_id, when, before = str(row["zone_id"]), row["acquired"], row["seen_before"]
    gained, lost = float(row["gained"]), float(row["lost"])
    where = name_of(site, zone_id)
    turned = " and ".join(
        f"{verb} at least {tens(area)} m²"
        for verb, area in (("gained", gained), ("lost", lost))
        if area >= 10
    )
    return Claim(
        key_of("turnover", zone_id, when),
        f"{where}, {day(when)}: {turned}",
        f"Between {minute(before)} and {minute(when)}, {where} {turned} under stacks.",
        (Sight(str(row["before"]), zone_id), Sight(str(row["scene_id"]), zone_id)),
        f"{gap(before, when)} What came and went meanwhile is not counted, nor by which ship or train. "
        f"{HEIGHT} {CONTENTS}",
    )
