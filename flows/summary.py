"""A publication in a few lines for the terminal: last look, regime, and the months as a sparkline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

LEVELS, GAP = "▁▂▃▄▅▆▇█", "·"
PLAIN_LEVELS, PLAIN_GAP = "12345678", "."
"""For terminals that know no Unicode."""

MONTHS = 48
"""Shown at most, the last ones."""

WHOLE = "*"

SPARKS = (
    ("index", "utilisation index", 1.0, ""),
    ("occupancy_mean", "quay taken", 100.0, " %"),
    ("fill_mean", "yards filled", 100.0, " %"),
    ("vessels_mean", "vessels per look", 1.0, ""),
)
"""Column of the monthly rows, what to call it, factor and unit."""

DRAWN = 2
"""The first of them that tell anything: the index misses months in which one of its parts was not told."""


def sparkline(values: Sequence[float | None], *, plain: bool = False) -> str:
    """Draw numbers as blocks between 0 and the greatest; None is a gap, which is no block at all.

    Examples
    --------
    >>> sparkline([0, None, 0.5, 1])
    '▁·▅█'
    >>> sparkline([0, None, 0.5, 1], plain=True)
    '1.58'
    """
    levels, gap = (PLAIN_LEVELS, PLAIN_GAP) if plain else (LEVELS, GAP)
    top = max((v for v in values if v is not None), default=0) or 1
    last = len(levels) - 1
    return "".join(gap if v is None else levels[int(max(v, 0) / top * last + 0.5)] for v in values)


def summary_lines(folder: Path, *, plain: bool = False) -> list[str]:
    """Say in a few lines what a publication tells; empty where there is none.

    Parameters
    ----------
    folder
        Of the publication.
    plain
        For terminals that know no Unicode.
    """
    if not (folder / "looks.parquet").is_file():
        return []
    looks = pd.read_parquet(folder / "looks.parquet", columns=["scene_id", "acquired", "sensor", "flags"])
    lines = [_last_look(folder.name, looks)]
    lines += _regime(pd.read_parquet(folder / "regimes.parquet"))
    lines += _sparks(pd.read_parquet(folder / "utilisation.parquet"), plain=plain)
    return [line.replace("–", "-") for line in lines] if plain else lines


def _last_look(name: str, looks: pd.DataFrame) -> str:
    if looks.empty:
        return f"{name}: no look yet"
    first, last = looks["acquired"].min(), looks["acquired"].max()
    sensor = looks["sensor"].iloc[int(looks["acquired"].argmax())]
    told = looks[~looks["flags"].fillna("").str.contains("not_seen|not_measured")]["scene_id"].nunique()
    by: str = "" if pd.isna(sensor) else f" ({sensor})"
    return (
        f"{name}: last look {_day(last)} {last:%H:%M} UTC{by}; {looks['scene_id'].nunique()} looks since "
        f"{_day(first)}, {told} told something"
    )


def _regime(regimes: pd.DataFrame) -> list[str]:
    """Take the present regime of the site, and the one before it."""
    whole = regimes[regimes["zone_id"] == WHOLE]
    if whole.empty:
        return ["  regime: too few looks to tell"]
    measure = (
        "vessels_at_berth" if (whole["measure"] == "vessels_at_berth").any() else whole["measure"].iloc[0]
    )
    rows = whole[whole["measure"] == measure].sort_values("start").to_dict("records")
    now = rows[-1]
    if len(rows) == 1 and now["status"] != "confirmed":
        return [f"  regime: no change told, none excluded (probability of none {now['probability']:.2f})"]
    since, between = f"since {_day(now['start'])}", ""
    if pd.isna(now["start_low"]):
        since = f"since the first look, {_day(now['start'])}"  # when it began nobody saw
    if not pd.isna(now["start_low"]) and not pd.isna(now["start_high"]):
        between = f" ({_day(now['start_low'])} – {_day(now['start_high'])})"
    sure = "" if pd.isna(now["probability"]) else f", probability {now['probability']:.2f}"
    before = f"; before: {rows[-2]['state']}" if len(rows) > 1 else ""
    return [f"  regime: {now['state']} {since}{between}, {now['status']}{sure}{before}"]


def _sparks(table: pd.DataFrame, *, plain: bool) -> list[str]:
    months = table[table["period"] == "month"] if len(table) else table
    lines: list[str] = []
    for column, words, factor, unit in SPARKS:
        if column in months and months[column].notna().any() and len(lines) < DRAWN:
            where, here = _row_of(months, column)
            values = [None if pd.isna(v) else float(v) * factor for v in here[column]]
            lines.append(
                f"  {words}{where}: {sparkline(values, plain=plain)}  {_legend(here, values, unit, plain)}"
            )
    return lines or ["  utilisation: no look could tell yet"]


def _row_of(months: pd.DataFrame, column: str) -> tuple[str, pd.DataFrame]:
    """Take the site's own months where they tell, else those of the zone with the most."""
    told = months[months[column].notna()]
    whole = (told["zone_id"] == WHOLE).any()
    zone = WHOLE if whole else told["zone_id"].iloc[int(told[column].astype(float).argmax())]
    here = months[months["zone_id"] == zone].sort_values("start").tail(MONTHS)
    return ("" if whole else f" in {zone}"), here


def _legend(here: pd.DataFrame, values: Sequence[float | None], unit: str, plain: bool) -> str:
    first, last = (pd.Timestamp(here["start"].iloc[k]) for k in (0, -1))
    seen = [v for v in values if v is not None]
    reach = f", {min(seen):.2g} to {max(seen):.2g}{unit}" if seen else ""
    gaps = sum(v is None for v in values)
    unseen = f", {PLAIN_GAP if plain else GAP} not told ({gaps})" if gaps else ""
    return f"{first:%b %Y} – {last:%b %Y}{reach}{unseen}"


def _day(day: pd.Timestamp) -> str:
    return f"{day.day} {day:%b %Y}"
