"""Claims about ships: how long one lay at a berth, and that one went from here to another port."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from tasks.model import Site
from tasks.products.cards import CONTENTS, IDENTITY, Claim, Sight, between, gap, key_of, name_of
from tasks.products.chips import Chip
from tasks.products.dates import CLEAR
from tasks.products.wording import day, many, minute, probability

STAYS, VOYAGES = 100, 60

STAY_COLUMNS = {"zone_id", "arrive_low", "arrive_high", "leave_low", "leave_high", "length_m"}
VOYAGE_COLUMNS = {
    "origin",
    "origin_berth",
    "leave_low",
    "leave_high",
    "destination",
    "destination_berth",
    "arrive_low",
    "arrive_high",
    "probability",
}


def stay_claims(site: Site, stays: pd.DataFrame, looks: pd.DataFrame, most: int = STAYS) -> list[Claim]:
    """Back the surest and longest stays: the first look that showed the ship, and the last.

    Parameters
    ----------
    site
        For its zones' names.
    stays
        Columns of ``stays.parquet``; the ship was seen from ``arrive_high`` to ``leave_low``.
    looks
        To find the scenes of those moments.
    most
        How many.
    """
    if not set(stays.columns) >= STAY_COLUMNS:
        return []
    rows = stays.assign(
        sure=stays["probability"].astype(float) if "probability" in stays else 1.0,
        seen=stays["leave_low"] - stays["arrive_high"],
    )
    rows = rows.assign(sure=rows["sure"].fillna(0.0).round(1))
    by = ["sure", "seen", "arrive_high", "zone_id"]
    best = rows.sort_values(by, ascending=[False, False, True, True], kind="stable").head(most)
    scenes = _scenes_by_moment(looks)
    claims = []
    for row in best.sort_values(["arrive_high", "zone_id"], kind="stable").to_dict("records"):
        zone_id = str(row["zone_id"])
        ends = dict.fromkeys((row["arrive_high"], row["leave_low"]))
        seen = [scenes[at] for moment in ends if (at := (moment, zone_id)) in scenes]
        seen[1:1] = _in_colour(looks[looks["zone_id"] == zone_id], seen, *ends)
        if seen:
            claims.append(_stay(site, row, zone_id, tuple(Sight(one, zone_id) for one in seen)))
    return claims


def _in_colour(
    here: pd.DataFrame, ends: Sequence[str], first: pd.Timestamp, last: pd.Timestamp | None = None
) -> list[str]:
    """Find a camera's clear look at a zone during a stay of which the ends were seen by radar alone."""
    optical = here[here["sensor"] == "optical"]
    if last is None or optical["scene_id"].isin(ends).any():
        return []
    between = optical[(optical["acquired"] > first) & (optical["acquired"] < last)]
    clear = between[between["seen_fraction"].astype(float) >= CLEAR].sort_values(["pixel_m", "acquired"])
    return [str(one) for one in clear["scene_id"].head(1)]


def _stay(site: Site, row: Mapping[Any, Any], zone_id: str, sights: tuple[Sight, ...]) -> Claim:
    where, first, last = name_of(site, zone_id), row["arrive_high"], row["leave_low"]
    size = _length(row)
    seen = f"seen once, {minute(first)}" if first == last else f"seen from {minute(first)} to {minute(last)}"
    left = "was still there" if pd.isna(row["leave_high"]) else f"left {between(last, row['leave_high'])}"
    came = (
        "may have lain there before"
        if pd.isna(row["arrive_low"])
        else f"came {between(row['arrive_low'], first)}"
    )
    sure = row.get("probability")
    surely = "" if sure is None or pd.isna(sure) else f" Probability {probability(float(sure))}."
    missing = "" if first == last else f" {gap(first, last)}"
    if first != last and not pd.isna(row.get("looks")) and row["looks"] > 2:
        missing = (
            f" {many(int(row['looks']), 'look')} tell of it; the first and the last are among those shown."
        )
    return Claim(
        key_of("stay", zone_id, first),
        f"{where}, {day(first)}: a vessel of {size}",
        f"A vessel of {size} lay at {where}: {came}, {seen}, {left}.{surely}",
        sights,
        f"{IDENTITY} That it is one ship on both dates is inferred from place and length. {CONTENTS}{missing}"
        if len(sights) > 1
        else f"{IDENTITY} {CONTENTS}{missing}",
    )


def _length(row: Mapping[Any, Any]) -> str:
    length, error = row.get("length_m"), row.get("length_sd_m")
    if length is None or pd.isna(length):
        return "unknown length"
    margin = "" if error is None or pd.isna(error) else f" ± {float(error):.0f}"
    return f"{float(length):.0f}{margin} m"


def _scenes_by_moment(looks: pd.DataFrame) -> dict[tuple[pd.Timestamp, str], str]:
    """Scene of each look at a zone; of two at one moment the first by name."""
    ordered = looks.sort_values("scene_id", ascending=False)
    keys = zip(pd.to_datetime(ordered["acquired"]), ordered["zone_id"].astype(str), strict=True)
    return dict(zip(keys, ordered["scene_id"].astype(str), strict=True))


def voyage_claims(
    site: Site, voyages: pd.DataFrame, looks: pd.DataFrame, other: Iterable[Chip] = (), most: int = VOYAGES
) -> list[Claim]:
    """Back the surest voyages: the ship before it left one port, and after it came to the other.

    Parameters
    ----------
    site
        Of this publication; a voyage begins or ends here.
    voyages
        Columns of ``voyages.parquet``: `VOYAGE_COLUMNS`.
    looks
        Of this site.
    other
        Chips of other sites' publications, for the other end.
    most
        How many.
    """
    if not set(voyages.columns) >= VOYAGE_COLUMNS:
        return []
    own = voyages[(voyages["origin"] == site.site_id) | (voyages["destination"] == site.site_id)]
    best = own.sort_values(["probability", "leave_low"], ascending=[False, True], kind="stable").head(most)
    scenes = _scenes_by_moment(looks)
    abroad = {(pd.Timestamp(c.acquired), c.shows): c for c in other}
    claims = []
    for row in best.sort_values(["leave_low", "origin_berth"], kind="stable").to_dict("records"):
        ends = [
            (row["origin"], str(row["origin_berth"]), row["leave_low"]),
            (row["destination"], str(row["destination_berth"]), row["arrive_high"]),
        ]
        sights = tuple(
            Sight(scenes[(moment, zone)], zone)
            for where, zone, moment in ends
            if where == site.site_id and (moment, zone) in scenes
        )
        elsewhere = tuple(
            abroad[(moment, zone)]
            for where, zone, moment in ends
            if where != site.site_id and (moment, zone) in abroad
        )
        if sights:
            claims.append(_voyage(row, sights, elsewhere))
    return claims


def _voyage(row: Mapping[Any, Any], sights: tuple[Sight, ...], elsewhere: tuple[Chip, ...]) -> Claim:
    start, goal = str(row["origin"]), str(row["destination"])
    alone = "" if len(sights) + len(elsewhere) > 1 else " Only one end of the voyage is shown."
    return Claim(
        key_of("voyage", start, row["origin_berth"], row["leave_low"], goal),
        f"{start} to {goal}, {day(row['leave_low'])} to {day(row['arrive_high'])}",
        f"A vessel left {start} {between(row['leave_low'], row['leave_high'])}; one like it came to {goal} "
        f"{between(row['arrive_low'], row['arrive_high'])}. That both are one ship has probability "
        f"{probability(float(row['probability']))}.",
        sights,
        f"{IDENTITY} The crossing itself was not seen, nor where else it called. {CONTENTS}{alone}",
        elsewhere,
    )
