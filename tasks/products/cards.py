"""Which claims of the page are backed by pictures, and by pictures of which looks.

A claim is a sentence with the sights that let a reader check it, in order of time, and a line on what they
cannot show. Which files those are is settled when they are drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tasks.model import Site
from tasks.products.chips import SITE, Card, Chip
from tasks.products.dates import CLEAR
from tasks.products.wording import day, days_between, many, probability

WHOLE = "*"
"""Zone id of rows that are about the whole site."""

ANOTHER_DAY, SOON = pd.Timedelta(hours=18), pd.Timedelta(days=30)
"""Two looks of one morning show one thing twice; a look of another season shows another thing."""

CONTENTS = "What ships, containers and wagons hold cannot be seen."
IDENTITY = "Which ship it is cannot be told from images."
HEIGHT = "How high containers are stacked cannot be seen from above."


@dataclass(frozen=True, order=True)
class Sight:
    """One place in one scene."""

    scene_id: str
    shows: str
    """``site``, or a zone's id."""


@dataclass(frozen=True)
class Claim:
    """What a card will be."""

    key: str
    title: str
    claim: str
    sights: tuple[Sight, ...]
    """In order of time."""

    unknown: str
    elsewhere: tuple[Chip, ...] = ()
    """Of another site's publication."""


def key_of(*parts: Any) -> str:
    """Make an anchor: letters, digits, dots and dashes."""
    words = [f"{p:%Y%m%dT%H%M%SZ}" if isinstance(p, pd.Timestamp) else str(p) for p in parts]
    return re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(words)).strip("-")


def name_of(site: Site, zone_id: str) -> str:
    """Give a zone's name as the page writes it."""
    if zone_id == WHOLE:
        return site.title
    return next((zone.name or zone_id for zone in site.zones if zone.zone_id == zone_id), zone_id)


def between(low: Any, high: Any) -> str:
    """Write that something happened between two looks; either may be unknown."""
    if pd.isna(low) and pd.isna(high):
        return "at a time that no look brackets"
    if pd.isna(low):
        return f"before {day(high)}"
    if pd.isna(high):
        return f"after {day(low)}"
    if low.date() == high.date():
        return f"on {day(high)} (between {low:%H:%M} and {high:%H:%M} UTC)"
    return f"between {day(low)} and {day(high)}"


def gap(earlier: pd.Timestamp, later: pd.Timestamp) -> str:
    """Say how much time lies between two looks: others may have seen some of it."""
    days = (later - earlier) / pd.Timedelta(days=1)
    lasting = many(round(days), "day") if days >= 1.5 else many(max(round(24 * days), 1), "hour")
    return (
        f"{lasting[0].upper()}{lasting[1:]} lie between the pictures, which do not show what happened then."
    )


def change_claims(
    site: Site, regimes: pd.DataFrame, looks: pd.DataFrame, scenes: pd.DataFrame
) -> list[Claim]:
    """Back every change of activity: the last clear looks before it, the first ones after.

    Parameters
    ----------
    site
        For its zones' names.
    regimes
        Columns of ``regimes.parquet``.
    looks
        Looks of all sensors.
    scenes
        As from `tasks.products.dates.seen_scenes`.
    """
    claims = []
    ordered = regimes.sort_values(["zone_id", "measure", "start"])
    for (zone_id, measure), group in ordered.groupby(["zone_id", "measure"], sort=True):
        rows = group.to_dict("records")
        seen = scenes if zone_id == WHOLE else _zone_scenes(looks, str(zone_id))
        for before, row in zip([None, *rows], rows, strict=False):
            low, high = row["start_low"], row["start_high"]
            if before is None or pd.isna(low) or pd.isna(high):
                continue
            sights = tuple(
                Sight(scene, SITE if zone_id == WHOLE else str(zone_id)) for scene in around(seen, low, high)
            )
            if not sights:
                continue
            where = name_of(site, str(zone_id))
            sure = "" if pd.isna(row["probability"]) else f", probability {probability(row['probability'])}"
            about = "" if measure == "vessels_at_berth" else f" ({str(measure).replace('_', ' ')})"
            claims.append(
                Claim(
                    key_of("change", "site" if zone_id == WHOLE else zone_id, measure, row["start"]),
                    f"{where}: {before['state']} to {row['state']}{about}",
                    f"{where}{about} has been {row['state']} since {day(row['start'])} "
                    f"({days_between(low, high, row['start'])}), {row['status']}{sure}; "
                    f"before that {before['state']}.",
                    sights,
                    "A few looks show the difference, not the trend: that is told from all looks together. "
                    f"On which day it changed was not seen. {CONTENTS}",
                )
            )
    return sorted(claims, key=lambda c: (" confirmed" not in c.claim, c.key))


def _zone_scenes(looks: pd.DataFrame, zone_id: str) -> pd.DataFrame:
    here = looks[looks["zone_id"] == zone_id]
    return here.assign(seen=here["seen_fraction"].astype(float).fillna(0.0))


def around(seen: pd.DataFrame, low: pd.Timestamp, high: pd.Timestamp) -> list[str]:
    """Choose the last looks before a change and the first after: any sensor's, and a camera's beside radar's.

    Returns
    -------
    list of str
        Scene ids, two at most on either side, in order of time; none where one side has no look.
    """
    clear = seen[seen["seen"] >= CLEAR].sort_values(["acquired", "scene_id"])
    before, after = clear[clear["acquired"] <= low][::-1], clear[clear["acquired"] >= high]
    if before.empty or after.empty:
        return []
    chosen = [*_first_two(before), *_first_two(after)]
    return [str(one) for one in clear.loc[clear["scene_id"].isin(chosen), "scene_id"]]


def _first_two(ordered: pd.DataFrame) -> list[str]:
    """Take the first look, and beside it a camera's of another day, or of that day if radar's was the first.

    Another radar look where no camera saw the place within `SOON`.
    """
    first, others = ordered.iloc[0], ordered.iloc[1:]
    apart = (others["acquired"] - first["acquired"]).abs()
    optical = others["sensor"] == "optical"
    another = optical if first["sensor"] != "optical" else optical & (apart >= ANOTHER_DAY)
    near = others[another & (apart <= SOON)]
    second = near if len(near) else others[apart >= ANOTHER_DAY]
    chosen = pd.concat([ordered.iloc[:1], second.iloc[:1]])
    return [str(one) for one in chosen["scene_id"]]


def settled(claims: Iterable[Claim], drawn: Mapping[Sight, Chip]) -> list[Card]:
    """Make cards of the claims of which there are pictures.

    Parameters
    ----------
    claims
        In the order of the page.
    drawn
        Chip by what it shows.
    """
    cards = []
    for claim in claims:
        chips = [drawn[sight] for sight in claim.sights if sight in drawn]
        if chips:
            ordered = sorted((*chips, *claim.elsewhere), key=lambda chip: chip.acquired)
            names = tuple(chip.name for chip in ordered)
            cards.append(Card(claim.key, claim.title, claim.claim, names, claim.unknown))
    return cards


def sights_of(claims: Sequence[Claim]) -> set[Sight]:
    """List all that the claims want to see."""
    return {sight for claim in claims for sight in claim.sights}
