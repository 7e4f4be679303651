"""What the images of one day showed of a port: who lay at which berth, and what stood in the yards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from tasks.model import Site


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
class Sight:
    """One look that could tell single stacks."""

    taken: str
    """UTC, ISO."""

    pixel_m: float
    ships: tuple[Ship, ...]
    yards: tuple[Yard, ...]
    """Those in which something stood."""

    track_m: float | None
    told: int
    zones: int
    """Berths, yards and tracks that the look told, of so many."""


def sight_on(folder: Path, site: Site, day: date) -> Sight | None:
    """Read what the best look of a day showed; None if no image of 5 m or finer told anything that day."""
    looks = pd.read_parquet(folder / "looks.parquet")
    ground = looks[looks["zone_kind"].isin(["berth", "container_yard", "rail_yard"])]
    fine = ground[ground["stack_area_m2"].notna()]["scene_id"]
    here = ground[(ground["acquired"].dt.date == day) & ground["scene_id"].isin(set(fine))]
    if here.empty:
        return None
    measures = ["occupied_m", "stack_area_m2", "rail_occupied_m"]
    told = here[measures].notna().any(axis=1).groupby(here["scene_id"]).sum()
    best = here[here["scene_id"] == told.idxmax()]
    names = {zone.zone_id: zone.name or zone.zone_id for zone in site.zones}
    vessels = pd.read_parquet(folder / "vessels.parquet", columns=["scene_id", "zone_id", "length_m"])
    berths = set(best[best["zone_kind"] == "berth"]["zone_id"])
    ships = vessels[(vessels["scene_id"] == told.idxmax()) & vessels["zone_id"].isin(berths)]
    yards = best[best["stack_area_m2"].fillna(0) > 0]
    tracks = best["rail_occupied_m"].dropna()
    return Sight(
        taken=f"{best['acquired'].iloc[0]:%Y-%m-%dT%H:%MZ}",
        pixel_m=float(best["pixel_m"].iloc[0]),
        ships=tuple(Ship(names[row.zone_id], float(row.length_m)) for row in ships.itertuples()),
        yards=tuple(
            Yard(names[row.zone_id], float(row.stack_area_m2), float(row.teu_low), float(row.teu_high))
            for row in yards.itertuples()
        ),
        track_m=float(tracks.sum()) if len(tracks) else None,
        told=int(told.max()),
        zones=len(best),
    )


def sight_sentences(name: str, sight: Sight) -> list[str]:
    """Say it."""
    ships = ", ".join(f"{ship.length_m:.0f} m at {ship.berth}" for ship in sight.ships) or "no ship at berth"
    yards = "; ".join(
        f"{yard.area_m2 / 1e4:.2f} ha ({yard.teu_low:.0f} to {yard.teu_high:.0f} TEU) in {yard.name}"
        for yard in sight.yards
    )
    tracks = "" if sight.track_m is None else f" Rail cars on {sight.track_m:.0f} m of track."
    return [
        f"{name} on {sight.taken[:10]} at {sight.taken[11:16]} UTC "
        f"({sight.pixel_m:g} m pixels, {sight.told} of {sight.zones} zones told):",
        f"  Ships: {ships}.",
        f"  Containers: {yards or 'none seen'}.{tracks}",
    ]
