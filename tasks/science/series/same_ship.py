"""Whether a hull at a berth is the one that lay there when it was last looked at.

Three things may have become of a ship since: it lies there still, its place is empty, or it left and another
came, or the same one again. Between looks they turn into one another at the rates at which ships leave and
come; what each look shows weighs them. That ships of one berth are often alike is part of it: the next one
may be any of those seen there before (a Chinese restaurant process over ships), so a like length alone says
little at a berth of one trade, while a hull that lies a ship's width further on says much.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.science.series.sights import Hull, SensorQuality

Floats = npt.NDArray[np.float64]

LENGTHS_M = np.arange(10.0, 421.0, 3.0)
"""Lengths that a ship may have."""


@dataclass(frozen=True)
class BerthOptions:
    """What is assumed of ships at berths; part of every result."""

    min_length_m: float = 0.0
    """Shortest ship that makes a stay. A shorter sight in the place of one does not say that it has gone:
    half its hull may lie under cloud."""

    dwell_days: float = 3.0
    """Median time at a berth before any ship was seen to leave it;"""

    dwell_spread: float = 1.2
    """and standard deviation of its logarithm: some ships lie for weeks, and those that lay long lie on."""

    alike_spread: float = 0.4
    """The same of ships at one berth around one that was seen there: calls of one trade take like times."""

    calls_per_day: float = 0.12
    """Ships that come to a free place of a quay per day: where one left, others are wont to come."""

    strangers: float = 1.0
    """How many ships never seen at a berth may come to it, as a number of those seen: one weighs as much."""

    moored_m: float = 15.0
    """How far from one another ships of one berth have their middles: bollards and bulkheads hold them;"""

    pitch_m: float = 150.0
    """or anywhere on the quay that a ship takes up: how far from one another two ships lie."""

    hidden_share: float = 0.2
    """Share of sights that show a part of the hull, so that the length comes out short (13 of 77 at 3 m)."""

    surely_seen: float = 0.5
    """How sure looks must be that the hull was not there before they bracket an arrival or a departure."""


def length_likelihood(hull: Hull, quality: SensorQuality, options: BerthOptions) -> Floats:
    """Likelihood of `LENGTHS_M` from one sight, per metre: right within its error, or short of it."""
    error = math.hypot(hull.length_sd_m, quality.length_share * hull.length_m)
    error = max(error, quality.length_floor_m)
    exact = np.exp(-0.5 * ((LENGTHS_M - hull.length_m) / error) ** 2) / (error * math.sqrt(2 * math.pi))
    short = (hull.length_m > 0.4 * LENGTHS_M) & (hull.length_m < LENGTHS_M)
    hidden = np.where(short, 1 / (0.6 * LENGTHS_M), 0.0)
    return np.asarray((1 - options.hidden_share) * exact + options.hidden_share * hidden + 1e-5)


def _known_ships() -> Floats:
    """Weigh lengths before anything was seen: cargo ships of small ports, 125 m give or take 40."""
    weight = np.exp(-0.5 * ((LENGTHS_M - 125.0) / 40.0) ** 2) + 0.02
    return np.asarray(weight / weight.sum())


PRIOR = _known_ships()


def next_ship(seen: Sequence[Floats], options: BerthOptions) -> Floats:
    """Distribution of the length of the next ship at a berth, from those of the ships seen there."""
    total = options.strangers * PRIOR + sum(seen, np.zeros_like(PRIOR))
    return np.asarray(total / total.sum())


LATER_DAYS = 5.0
"""Mean time at a berth of a ship that came after the one that is followed."""


@dataclass(frozen=True)
class Lain:
    """How long ships lay at a berth: medians and spreads of log-normal parts, evenly weighed."""

    log_days: tuple[float, ...]
    spread: tuple[float, ...]

    def longer(self, days: float) -> float:
        """Share that lies longer."""
        log = math.log(max(days, 1e-3))
        return sum(
            math.erfc((log - m) / s / math.sqrt(2)) / 2
            for m, s in zip(self.log_days, self.spread, strict=True)
        ) / len(self.log_days)

    def stays(self, lain_days: float, days: float) -> float:
        """Probability that a ship that lay so long does so for so many days more."""
        return self.longer(lain_days + days) / max(self.longer(lain_days), 1e-12)


def lain(brackets_days: Sequence[tuple[float, float]], options: BerthOptions) -> Lain:
    """Tell how long the next ship will lie from those that left: at least and at most so many days each."""
    logs, spreads = [math.log(options.dwell_days)], [options.dwell_spread]
    for least, most in brackets_days:
        low, high = math.log(max(least, most / 4, 0.25)), math.log(max(most, 0.25))
        logs.append((low + high) / 2)
        spreads.append(math.hypot(options.alike_spread, (high - low) / math.sqrt(12)))
    return Lain(tuple(logs), tuple(spreads))


@dataclass(frozen=True)
class Presence:
    """Weights of what became of a ship: still there, place empty, a ship there that came after it left."""

    still: float = 1.0
    empty: float = 0.0
    other: float = 0.0

    def after(self, days: float, stays: float, options: BerthOptions) -> Presence:
        """Let time pass; `stays` is the probability that the first ship does not leave meanwhile."""
        leave, go, come = (
            -math.log(max(stays, 1e-12)) / max(days, 1e-9),
            1 / LATER_DAYS,
            options.calls_per_day,
        )
        taken, turn = come / (come + go), come + go
        turned = math.exp(-turn * days)
        # Of ships that left at any moment since: those whose place was taken by now.
        slope = days if abs(turn - leave) < 1e-9 else (1 - math.exp(-(turn - leave) * days)) / (turn - leave)
        left = self.still * (1 - stays)
        retaken = self.still * taken * ((1 - stays) - leave * stays * slope)
        empty = self.empty * (1 - taken * (1 - turned)) + self.other * (1 - taken) * (1 - turned)
        other = self.empty * taken * (1 - turned) + self.other * (taken + (1 - taken) * turned)
        return Presence(self.still * stays, empty + left - retaken, other + retaken)

    def missed(self, chance: float) -> Presence:
        """Count a look that did not show a hull; `chance` is that it misses one."""
        return Presence(self.still * chance, self.empty, self.other * chance)


ALL_STILL = Presence()


def same_odds(
    track: Floats, hull: Floats, presence: Presence, population: Floats, place: tuple[float, float]
) -> float:
    """Log odds that a hull is the one of a track and never left, against that it came after it had left.

    Parameters
    ----------
    track
        Distribution of the length of the ship that lay there.
    hull
        Likelihood of lengths from what is seen now.
    presence
        What became of the ship meanwhile.
    population
        Distribution of the length of the next ship there.
    place
        Density of the hull's place, of the ship that lay still and of the next one there.
    """
    still = presence.still * float(track @ hull) * place[0]
    other = max(presence.other, 1e-9) * float(population @ hull) * place[1]
    return math.log(max(still, 1e-300) / other)


def place_likelihoods(
    hull: tuple[float, float],
    track: tuple[float, float],
    known: Sequence[tuple[float, float]],
    error_m: float,
    options: BerthOptions,
) -> tuple[float, float]:
    """Density of a hull's place along the quay, of the ship that lay still and of the next one there.

    The next one lies as those before it did, roughly, or anywhere. A hull of which a part is hidden has its
    middle elsewhere; `error_m` holds that too.
    """
    if math.isnan(hull[0]) or math.isnan(track[0]):
        return 1.0, 1.0
    anywhere = 1 / options.pitch_m
    still = 0.95 * _normal(math.dist(hull, track), error_m) + 0.05 * anywhere
    spread = math.hypot(options.moored_m, error_m)
    places = [_normal(math.dist(hull, place), spread) for place in known if not math.isnan(place[0])]
    return still, (options.strangers * anywhere + sum(places)) / (options.strangers + len(places))


def _normal(off: float, error: float) -> float:
    return math.exp(-0.5 * (off / error) ** 2) / (error * math.sqrt(2 * math.pi))
