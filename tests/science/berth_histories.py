"""Berths that are taken and free at random, and looks that err: truth for tests and benchmarks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

START = pd.Timestamp("2023-01-01")
BERTH_M = 100.0


@dataclass(frozen=True)
class Way:
    """How a port works, and how it is looked at."""

    occupancy: float = 0.3
    stay_days: float = 2.0
    revisit_days: float = 3.0
    loss: float = 0.0
    recall: float = 0.95
    false_alarm: float = 0.005
    fraction: float = 1.0
    """Share of its berth that a ship takes."""


@dataclass(frozen=True)
class Truth:
    """When the berths of a port were taken."""

    stays: dict[str, npt.NDArray[np.float64]]
    """By berth ``(stay, 2)`` days since `START`."""

    fraction: float = 1.0

    def share(self, start: pd.Timestamp, end: pd.Timestamp, berth: str | None = None) -> float:
        """Mean share of the metres taken in a period, of one berth or of all alike."""
        ends = [(moment - START) / pd.Timedelta(days=1) for moment in (start, end)]
        chosen = [berth] if berth else list(self.stays)
        held = [np.clip(np.diff(np.clip(self.stays[z], *ends)), 0, None).sum() for z in chosen]
        return float(self.fraction * np.mean(held) / (ends[1] - ends[0]))


def port(rng: np.random.Generator, berths: int, days: float, way: Way) -> tuple[pd.DataFrame, Truth]:
    """Make a port's looks, one row per look × berth, and the truth; berths are ``b0``, ``b1``, …"""
    times = np.arange(rng.uniform(0, way.revisit_days), days, way.revisit_days)
    stays = {f"b{k}": _stays(rng, days, way) for k in range(berths)}
    tables = []
    for zone, held in stays.items():
        kept = times[rng.random(len(times)) >= way.loss]
        taken = ((held[:, 0] <= kept[:, None]) & (kept[:, None] < held[:, 1])).any(axis=1)
        told = rng.random(len(kept)) < np.where(taken, way.recall, way.false_alarm)
        tables.append(pd.DataFrame({"zone_id": zone, "day": kept, "vessel_count": told.astype(int)}))
    looks = pd.concat(tables, ignore_index=True)
    looks["acquired"] = (START + pd.to_timedelta(looks.pop("day"), "D")).dt.floor("s")
    looks["scene_id"] = looks["acquired"].astype(str)
    looks["occupied_fraction"] = way.fraction * looks["vessel_count"]
    return looks.assign(zone_kind="berth", sensor="radar", seen_fraction=1.0), Truth(stays, way.fraction)


def _stays(rng: np.random.Generator, days: float, way: Way) -> npt.NDArray[np.float64]:
    wait = way.stay_days * (1 - way.occupancy) / way.occupancy
    count = int(days / (wait + way.stay_days) * 2) + 40
    stay, gap = rng.exponential(way.stay_days, count), rng.exponential(wait, count)
    if rng.random() < way.occupancy:
        gap[0] = 0.0
    leaves = np.cumsum(stay + gap)
    held = np.column_stack([leaves - stay, leaves])
    return held[held[:, 0] < days]
