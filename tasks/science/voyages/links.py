"""Which stays may be of one ship, and how much likelier that is than that a ship came from anywhere.

A link goes from the end of one stay to the beginning of another. Its weight is a likelihood ratio: arrival
when a ship would arrive that left there, against arrival at any time at the rate at which ships came to that
port in those weeks; length and width as of the same ship, against those of any ship of these ports.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.ndimage import gaussian_filter1d
from scipy.special import ndtr

from tasks.science.series.same_ship import LENGTHS_M
from tasks.science.series.stays import LENGTH_FLOOR_M, Stay
from tasks.science.voyages.crossing import Crossing

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SHIFT, PROMPT, LATE, RETURN = 0, 1, 2, 3
"""Kinds of links: to another berth of the port (or the same one, looks having missed the hull); across,
straight on; across, after some time elsewhere or waiting; back to the port from a third place. A neighbour
that goes out for some days is of the last kind, and else would pass for a ship from the other port."""

KINDS = 4


@dataclass(frozen=True)
class LinkOptions:
    """What is assumed of ships between two berths; part of every result."""

    speed_kn: float = 11.0
    """Middle speed; small cargo ships make 10 to 12."""

    speed_sd: float = 0.12
    """Its logarithmic spread: two in a hundred make over 14 or under 8.6."""

    shift_hours: float = 3.0
    """Mean time from one berth of a port to another."""

    port_hours: float = 6.0
    """Mean of all that is added to the crossing of a ship that sails straight on: pilots, anchorage, tide."""

    wait_days: float = 8.0
    """Mean of the same for one that does not."""

    longest_days: float = 45.0
    """From leaving one port to the other's berth; more is taken for a new arrival."""

    season_days: float = 180.0
    """How far the arrivals reach from which the rate of arrivals at a port is told."""

    least_per_day: float = 0.02
    """Rate of arrivals below which no port is taken to be: one in 50 days."""

    odd_share: float = 0.05
    """Share of stays whose length or width is quite wrong."""


@dataclass(frozen=True)
class Nodes:
    """Stays of both ports as arrays; days count from the first look."""

    stays: tuple[Stay, ...]
    port: Ints
    """0 at A, 1 at B."""

    quay: Ints
    """Number of the quay: berths numbered along one have its name in common, and trades keep to quays."""

    arrive_low: Floats
    arrive_high: Floats
    leave_low: Floats
    leave_high: Floats
    """Where nothing brackets it: the day of the last look of the port."""

    real: Floats
    open: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Links:
    """All that may be; one entry per pair of stays and kind."""

    origin: Ints
    target: Ints
    kind: Ints
    weight: Floats
    """Log likelihood ratio."""


DAY = pd.Timedelta(days=1)
BEFORE_DAYS = 20.0
"""How long before its first sight a ship may have arrived where no look saw the berth without it."""


def lay_out(
    a: Sequence[Stay], b: Sequence[Stay], start: pd.Timestamp, last_a: pd.Timestamp, last_b: pd.Timestamp
) -> Nodes:
    """Put the stays of both ports into arrays.

    Parameters
    ----------
    a, b
        Stays at either port.
    start
        Day 0.
    last_a, last_b
        Last look of each port.
    """
    every = (*a, *b)
    port = np.repeat([0, 1], [len(a), len(b)])
    last = [(moment - start) / DAY for moment in (last_a, last_b)]

    def days(moments: list[pd.Timestamp | None]) -> Floats:
        return np.array([math.nan if m is None else (m - start) / DAY for m in moments], float)

    first, seen_last = days([s.first_seen for s in every]), days([s.last_seen for s in every])
    before, after = days([s.free_before for s in every]), days([s.free_after for s in every])
    return Nodes(
        stays=every,
        port=port,
        quay=_quays([f"{p} {QUAY_OF.sub('', s.berth)}" for p, s in zip(port, every, strict=True)]),
        arrive_low=np.where(np.isnan(before), first - BEFORE_DAYS, before),
        arrive_high=first,
        leave_low=seen_last,
        leave_high=np.where(np.isnan(after), np.maximum(np.array(last)[port], seen_last), after),
        real=np.array([s.real for s in every]),
        open=np.isnan(after),
    )


QUAY_OF = re.compile(r"[-_. ]*[0-9]+$")
"""The number at the end of a berth's id."""


def _quays(names: list[str]) -> Ints:
    return np.unique(np.array(names, str), return_inverse=True)[1].astype(np.int64)


def candidate_links(nodes: Nodes, sea: Crossing, options: LinkOptions = LinkOptions()) -> Links:
    """List and weigh all links that the gate lets through.

    Parameters
    ----------
    nodes
        Stays of both ports.
    sea
        The way between the ports.
    options
        What is assumed.
    """
    alike = _alike(nodes, options) + np.log(nodes.real[:, None] * nodes.real[None, :])
    rate = arrival_rate(nodes, options)
    origin: list[Ints] = []
    target: list[Ints] = []
    kinds: list[Ints] = []
    weights: list[Floats] = []
    across = nodes.port[:, None] != nodes.port[None, :]
    later = nodes.arrive_high[None, :] > nodes.leave_low[:, None]
    for kind in range(KINDS):
        density = expected_density(
            nodes.leave_low[:, None], nodes.leave_high[:, None], nodes.arrive_low[None, :],
            nodes.arrive_high[None, :], _twice_integrated(kind, sea.distance_nm, sea.distance_sd_nm, options),
        )  # fmt: skip
        with np.errstate(divide="ignore"):
            weight = np.log(density) - np.log(rate)[None, :] + alike
        allowed = (across if kind in (PROMPT, LATE) else ~across) & later & (density > 1e-7)
        i, j = np.nonzero(allowed & (weight > LEAST))
        origin.append(i)
        target.append(j)
        kinds.append(np.full(len(i), kind))
        weights.append(weight[i, j])
    return Links(
        np.concatenate(origin), np.concatenate(target), np.concatenate(kinds), np.concatenate(weights)
    )


LEAST = -7.0
"""Log likelihood ratio below which a link is not kept: it would be drawn once in a thousand."""


def _alike(nodes: Nodes, options: LinkOptions) -> Floats:
    """Log likelihood ratio of length and width, ``(from, to)``: of one ship, against of two of the fleet."""
    width = np.array([s.width_m for s in nodes.stays])
    width_sd = np.array([s.width_sd_m for s in nodes.stays])
    error = np.where(np.isnan(width) | np.isnan(width_sd), np.inf, width_sd)
    off = np.where(np.isinf(error), 0.0, width)[:, None] - WIDTHS_M[None, :]
    widths = np.exp(-0.5 * (off / error[:, None]) ** 2)
    lengths = np.array([_length_likelihood(s) for s in nodes.stays]).reshape(-1, len(LENGTHS_M))
    return _one_ship(lengths, options.odd_share) + _one_ship(widths, options.odd_share)


LENGTH_STEP_M = float(LENGTHS_M[1] - LENGTHS_M[0])
WIDTH_STEP_M = 0.5
WIDTHS_M = np.arange(5.0, 60.0, WIDTH_STEP_M)


def _length_likelihood(stay: Stay) -> Floats:
    error = math.hypot(stay.length_sd_m, LENGTH_FLOOR_M)
    if stay.lengths is None:
        return np.asarray(np.exp(-0.5 * ((LENGTHS_M - stay.length_m) / error) ** 2))
    # What all looks of a stay have in common blurs it.
    return np.asarray(gaussian_filter1d(stay.lengths / stay.lengths.max(), LENGTH_FLOOR_M / LENGTH_STEP_M))


def _one_ship(likelihood: Floats, odd: float) -> Floats:
    """Log likelihood ratio of two measurements of one thing against of two things of one population."""
    fleet = population(likelihood)
    alone = likelihood @ fleet
    both = (likelihood * fleet) @ likelihood.T
    return np.asarray(np.log((1 - odd) * both / (alone[:, None] * alone[None, :]) + odd))


def population(likelihood: Floats) -> Floats:
    """Tell how sizes are spread among ships, from measurements with errors, ``(ship, size)``.

    What was measured is spread wider than what is, by the errors: were that taken for the population, any
    two ships of a usual size would pass for one (half as often again as they should, among ships that never
    met). Expectation maximisation takes the errors off; what was measured counts for `SHIPS_BEFORE` ships.
    """
    shares = likelihood / np.maximum(likelihood.sum(axis=1, keepdims=True), 1e-300)
    measured = shares.mean(axis=0) + 1e-6
    fleet = measured = measured / measured.sum()
    for _ in range(ROUNDS):
        each = likelihood * fleet
        each /= np.maximum(each.sum(axis=1, keepdims=True), 1e-300)
        fleet = (each.sum(axis=0) + SHIPS_BEFORE * measured) / (len(each) + SHIPS_BEFORE)
    return np.asarray(fleet)


SHIPS_BEFORE, ROUNDS = 3.0, 30


def arrival_rate(nodes: Nodes, options: LinkOptions) -> Floats:
    """Tell the rate of arrivals at its quay in the weeks around each arrival, per day.

    The arrival itself does not count; those of busy weeks are likelier to fit any departure by chance. A quay
    that is hardly used has part of its port's rate: that one ship came there just then tells little.
    """
    middle = (np.maximum(nodes.arrive_low, nodes.arrive_high - BEFORE_DAYS) + nodes.arrive_high) / 2
    apart = np.abs(middle[:, None] - middle[None, :])
    near = np.exp(-0.5 * (apart / options.season_days) ** 2) * nodes.real[None, :]
    np.fill_diagonal(near, 0.0)
    rates = []
    for place in (nodes.quay, nodes.port):
        width = np.empty(len(middle))
        for one in np.unique(place):
            own = place == one
            # Before its first arrival and after its last look nothing could come: no time counts there.
            ends = min(middle[own].min(), middle[own].max() - MONTH), nodes.leave_high[own].max()
            width[own] = np.diff(ndtr((np.array(ends)[:, None] - middle[own]) / options.season_days), axis=0)[
                0
            ]
        width *= options.season_days * math.sqrt(2 * math.pi)
        rates.append(np.where(place[:, None] == place[None, :], near, 0.0).sum(axis=1) / width)
    quay, port = rates
    return np.asarray(np.maximum(np.maximum(quay, QUAY_SHARE * port), options.least_per_day))


MONTH = 30.0
"""Shortest time over which a rate is told."""

QUAY_SHARE = 0.4
"""Part of a port's arrivals that any of its quays is taken to have at least."""

LATE_DAYS = 1.5
"""What a ship that does not sail straight on spends elsewhere at least: else it would be called prompt."""

SHORTEST_RETURN_DAYS = 0.5
"""To a neighbouring port and back."""

STEP_DAYS = 1 / 96
"""A quarter of an hour."""


@lru_cache(maxsize=16)
def _twice_integrated(kind: int, distance_nm: float, distance_sd_nm: float, options: LinkOptions) -> Floats:
    """Integrate twice the density of the days between leaving and arriving, on a grid of `STEP_DAYS`."""
    days = (np.arange(int((options.longest_days + 1) / STEP_DAYS)) + 0.5) * STEP_DAYS
    if kind == SHIFT:
        density = np.exp(-days * 24 / options.shift_hours)
    elif kind == RETURN:
        density = np.where(days >= SHORTEST_RETURN_DAYS, np.exp(-days / options.wait_days), 0.0)
    else:
        mean = options.port_hours / 24 if kind == PROMPT else options.wait_days
        longer = distance_nm + np.maximum(np.linspace(-0.5, 2.0, 11), 0) * distance_sd_nm
        speeds = options.speed_kn * np.exp(options.speed_sd * np.linspace(-2.5, 2.5, 21))
        sail = (longer[:, None] / speeds[None, :] / 24).ravel()
        share = np.exp(-0.5 * np.linspace(-2.5, 2.5, 21) ** 2)
        weights = np.tile(share / share.sum(), len(longer)) / len(longer)
        density = np.zeros_like(days)
        for delay, weight in zip(sail, weights, strict=True):
            waits = days - delay
            waits = waits if kind == PROMPT else waits - LATE_DAYS
            density += np.where(waits >= 0, weight * np.exp(-waits / mean) / mean, 0.0)
    density[days > options.longest_days] = 0.0
    density /= density.sum() * STEP_DAYS
    return np.asarray(np.concatenate([[0.0], np.cumsum(np.cumsum(density))]) * STEP_DAYS**2)


def expected_density(
    leave_low: Floats, leave_high: Floats, arrive_low: Floats, arrive_high: Floats, integral: Floats
) -> Floats:
    """Mean density, per day, of the time from leaving to arriving, both evenly likely within their brackets.

    Parameters
    ----------
    leave_low, leave_high, arrive_low, arrive_high
        Days; they broadcast.
    integral
        The density's second integral on a grid of `STEP_DAYS` from 0.
    """
    leave_high = np.maximum(leave_high, leave_low + STEP_DAYS)
    arrive_low = np.minimum(arrive_low, arrive_high - STEP_DAYS)
    end = (len(integral) - 1) * STEP_DAYS
    slope = (integral[-1] - integral[-2]) / STEP_DAYS

    def at(days: Floats) -> Floats:
        inside = np.interp(days, np.arange(len(integral)) * STEP_DAYS, integral)
        return np.asarray(np.where(days <= 0, 0.0, inside + slope * np.maximum(days - end, 0.0)))

    total = (
        at(arrive_high - leave_low)
        - at(arrive_low - leave_low)
        - at(arrive_high - leave_high)
        + at(arrive_low - leave_high)
    )
    return np.asarray(np.maximum(total, 0.0) / ((leave_high - leave_low) * (arrive_high - arrive_low)))
