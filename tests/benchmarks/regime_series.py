"""Series of looks with a known change, and series that scatter without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

DAYS = 730
START = np.datetime64("2022-01-01", "s")

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Sighted:
    """One series, and where its level changed; NaN if nowhere."""

    times: npt.NDArray[np.datetime64]
    counts: Floats
    exposure: Floats
    day: float


def moments(days: Any) -> npt.NDArray[np.datetime64]:
    return START + (np.asarray(days, float) * 86_400).astype("timedelta64[s]")


def day_of(moment: np.datetime64) -> float:
    return float((moment - START).astype(float)) / 86_400


def look_days(rng: np.random.Generator, days: int = DAYS) -> tuple[Floats, Floats]:
    """Radar every 6 or 12 days, optical every 5 with 55 % lost to cloud; one look in five sees part."""
    radar = np.arange(rng.integers(0, 12), days, rng.choice([6, 12])).astype(float)
    optical = np.arange(rng.integers(0, 5), days, 5).astype(float)
    found = np.unique(np.r_[radar, optical[rng.random(len(optical)) > 0.55]])
    return found, np.where(rng.random(len(found)) < 0.2, rng.uniform(0.4, 1, len(found)), 1.0)


def stepped(seed: int, before: float, after: float, clumping: float = 0.0, days: int = DAYS) -> Sighted:
    """One change in the middle half; variance = mean + clumping × mean²."""
    rng = np.random.default_rng([seed, 4])
    at, exposure = look_days(rng, days)
    day = rng.uniform(0.25, 0.75) * days
    mean = np.where(at < day, before, after) * exposure
    if clumping:
        size = 1 / clumping
        counts = rng.negative_binomial(size, size / (size + mean))
    else:
        counts = rng.poisson(mean)
    return Sighted(moments(at), counts.astype(float), exposure, day if before != after else np.nan)


def lying(seed: int, mean: float, stay_days: float, days: int = DAYS) -> Sighted:
    """Ships that come at a steady rate and stay: the same are seen again and again."""
    rng = np.random.default_rng([seed, 5])
    at, exposure = look_days(rng, days)
    lead = 10 * stay_days
    arrived = rng.uniform(-lead, days, rng.poisson(mean / stay_days * (days + lead)))
    left = arrived + rng.exponential(stay_days, len(arrived))
    there = ((at[:, None] >= arrived) & (at[:, None] < left)).sum(axis=1)
    return Sighted(moments(at), rng.binomial(there, exposure).astype(float), exposure, np.nan)


@dataclass(frozen=True)
class Witnessed:
    """What looks show of the same calls: ships that came, and goods and trains that moved; as `Sighted`."""

    ships: Sighted
    work_times: npt.NDArray[np.datetime64]
    working: npt.NDArray[np.bool_]
    day: float


STAY_DAYS, STANDS_DAYS = 2.0, 2.0


def calls(seed: int, before: float, after: float, days: int = DAYS) -> Witnessed:
    """Calls a day that change once: stacks grow two days before each, are loaded at its end, fetched later.

    A camera passes daily and is clear on two days of five; radar passes twice in twelve days.
    """
    rng = np.random.default_rng([seed, 77])
    day = rng.uniform(0.25, 0.75) * days if before != after else np.nan
    split = days if np.isnan(day) else day
    first = rng.uniform(0, split, rng.poisson(before * split))
    comes = np.sort(np.r_[first, rng.uniform(split, days, rng.poisson(after * (days - split)))])
    goes = comes + rng.uniform(1.5, 3, len(comes))
    daily = np.arange(days) + 0.1
    clear = daily[rng.random(days) < 0.4 * (1 + 0.5 * np.cos(2 * np.pi * daily / 365))]
    radar = np.r_[
        np.arange(rng.integers(0, 12), days, 12) + 0.9, np.arange(rng.integers(0, 12), days, 12) + 0.4
    ]
    looks = np.unique(np.r_[clear, radar])

    shown = -np.expm1(-np.diff(looks, prepend=looks[0]) / STAY_DAYS)
    at = np.searchsorted(looks, comes)
    seen = at[(at < len(looks)) & (looks[np.minimum(at, len(looks) - 1)] < goes)]
    new, told = np.bincount(seen, minlength=len(looks)).astype(float), shown >= 0.01
    ships = Sighted(moments(looks[told]), new[told], shown[told], day)

    moved = np.sort(np.r_[comes - 2, comes + 0.5, goes - 0.5, goes + STANDS_DAYS])
    working = np.diff(np.searchsorted(moved, clear)) > 0
    trains = np.r_[comes - 2, comes - 1]
    working |= ((clear[1:, None] >= trains) & (clear[1:, None] < trains + 0.42)).any(axis=1)
    return Witnessed(ships, moments(clear[1:]), working, day)
