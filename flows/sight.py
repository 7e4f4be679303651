"""What the images of one day showed of a port: who lay at which berth, and what stood in the yards.

Where that day's image could not tell the yards (snow, cloud), the nearest that could stands beside it, with
its own date: it says what stood there then, not on the day.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from tasks.model import Site

FINE_M = 5.0
"""Pixels up to which an image can tell single stacks."""

NEAR_DAYS = 14
"""How far the nearest look at the yards may be from the day: a stack stands for days, not for months."""

MEASURES = ["occupied_m", "stack_area_m2", "rail_occupied_m"]


@dataclass(frozen=True)
class Ship:
    """One vessel at a berth."""

    berth: str
    length_m: float


@dataclass(frozen=True)
class Yard:
    """Stacks in one yard."""

    name: str
    area_m2: float
    teu_low: float
    teu_high: float


@dataclass(frozen=True)
class Standing:
    """What stood in the yards and on the tracks in one look."""

    taken: str
    """UTC, ISO."""

    yards: tuple[Yard, ...]
    """Those in which something stood."""

    yards_told: int
    yards_of: int
    track_m: float | None
    """None if no track could be told."""


@dataclass(frozen=True)
class Sight:
    """The look of a day that told most."""

    taken: str
    """UTC, ISO."""

    pixel_m: float
    ships: tuple[Ship, ...]
    berths_told: int
    berths_of: int
    standing: Standing
    untold: dict[str, int]
    """Yards and tracks of which it could not tell, by the reason."""

    nearest: Standing | None
    """The look nearest in time that told of yards, where this one told of none; None without one in
    `NEAR_DAYS`."""


def sight_on(folder: Path, site: Site, day: date) -> Sight | None:
    """Read what the best look of a day showed; None if no image told anything of a berth or yard that day."""
    looks = pd.read_parquet(folder / "looks.parquet")
    ground = looks[looks["zone_kind"].isin(["berth", "container_yard", "rail_yard"])]
    here = ground[ground["acquired"].dt.date == day]
    told = here[MEASURES].notna().any(axis=1).groupby(here["scene_id"]).sum()
    if told.empty or not told.max():
        return None
    fine = here.groupby("scene_id")["pixel_m"].first() <= FINE_M
    chosen = max(told.index, key=lambda scene: (bool(fine[scene]), int(told[scene]), scene))
    best = here[here["scene_id"] == chosen]
    names = {zone.zone_id: zone.name or zone.zone_id for zone in site.zones}
    berths = best[best["zone_kind"] == "berth"]
    vessels = pd.read_parquet(folder / "vessels.parquet", columns=["scene_id", "zone_id", "length_m"])
    ships = vessels[(vessels["scene_id"] == chosen) & vessels["zone_id"].isin(set(berths["zone_id"]))]
    standing, ashore = _standing(best, names), best[best["zone_kind"] != "berth"]
    blind = ashore[ashore[MEASURES].isna().all(axis=1)]["flags"].astype(str)
    return Sight(
        taken=standing.taken,
        pixel_m=float(best["pixel_m"].iloc[0]),
        ships=tuple(Ship(names[row.zone_id], float(row.length_m)) for row in ships.itertuples()),
        berths_told=int(berths["occupied_m"].notna().sum()),
        berths_of=len(berths),
        standing=standing,
        untold=dict(sorted(Counter(flags.split(";")[0] for flags in blind).items())),
        nearest=None if standing.yards_told else _nearest(ground, best["acquired"].iloc[0], names),
    )


def _standing(look: pd.DataFrame, names: dict[str, str]) -> Standing:
    yards, tracks = look[look["zone_kind"] == "container_yard"], look["rail_occupied_m"].dropna()
    full = yards[yards["stack_area_m2"].fillna(0) > 0]
    return Standing(
        taken=f"{look['acquired'].iloc[0]:%Y-%m-%dT%H:%MZ}",
        yards=tuple(
            Yard(names[row["zone_id"]], row["stack_area_m2"], row["teu_low"], row["teu_high"])
            for row in full.to_dict("records")
        ),
        yards_told=int(yards["stack_area_m2"].notna().sum()),
        yards_of=len(yards),
        track_m=float(tracks.sum()) if len(tracks) else None,
    )


def _nearest(ground: pd.DataFrame, when: pd.Timestamp, names: dict[str, str]) -> Standing | None:
    """Take the look nearest in time of those that told at least half of the yards."""
    yards = ground[ground["zone_kind"] == "container_yard"]
    share = yards["stack_area_m2"].notna().groupby(yards["scene_id"]).mean()
    usable = ground[ground["scene_id"].isin(set(share[share >= 0.5].index))]
    apart = (usable["acquired"] - when).abs()
    if usable.empty or apart.min() > pd.Timedelta(days=NEAR_DAYS):
        return None
    nearest = usable["scene_id"].to_numpy()[apart.to_numpy().argmin()]
    return _standing(usable[usable["scene_id"] == nearest], names)


def sight_sentences(name: str, sight: Sight) -> list[str]:
    """Say it."""
    ships = ", ".join(f"{ship.length_m:.0f} m at {ship.berth}" for ship in sight.ships) or "none at berth"
    lines = [
        f"{name} on {_moment(sight.taken)} ({sight.pixel_m:g} m pixels):",
        f"  Ships: {ships} ({sight.berths_told} of {sight.berths_of} berths told).",
    ]
    if sight.standing.yards_told or sight.standing.track_m is not None:
        lines.append(f"  C{_standing_sentence(sight.standing)[1:]}")
    if sight.untold:
        reasons = ", ".join(f"{count} {_reason(flag)}" for flag, count in sight.untold.items())
        lines.append(f"  Yards and tracks not told: {reasons}.")
    if sight.nearest is not None:
        lines.append(
            f"  {sight.taken[:10]} could not tell; nearest look at them, {_moment(sight.nearest.taken)}: "
            f"{_standing_sentence(sight.nearest)}"
        )
    return lines


def _standing_sentence(here: Standing) -> str:
    yards = "; ".join(
        f"{yard.area_m2 / 1e4:.2f} ha ({yard.teu_low:.0f} to {yard.teu_high:.0f} TEU) in {yard.name}"
        for yard in here.yards
    )
    tracks = "" if here.track_m is None else f" Rail cars on {here.track_m:.0f} m of track."
    told = f"{here.yards_told} of {here.yards_of} yards told"
    return f"containers: {yards or 'none seen'} ({told}).{tracks}"


def _reason(flag: str) -> str:
    return {"snow": "under snow", "not_seen": "not seen", "not_measured": "not measurable"}.get(flag, flag)


def _moment(taken: str) -> str:
    return f"{taken[:10]} at {taken[11:16]} UTC"
