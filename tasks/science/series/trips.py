"""Trips between two ports, at least and at most, from what lay at their berths; no ship is named.

At least: every stay at A that a later stay at B can explain by one crossing, each used once. It holds if
what calls at both ports belongs to one trade; a ship of the same length that came from elsewhere is
told apart by nothing here. At most: a port cannot have had more calls than the ships that lay there,
on average, could make if each stayed as briefly as a ship can (Little's law).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import maximum_bipartite_matching

from tasks.model import ZoneKind
from tasks.science.regimes.levels import rate, within
from tasks.science.series.activity import berth_looks


@dataclass(frozen=True)
class TripOptions:
    """What is assumed of ships and looks; part of every result."""

    sailing_hours: float = 6.0
    """Shortest crossing: Najin to Dunay is some 100 nautical miles, at 16 knots."""

    max_gap_days: float = 10.0
    """Longest from the last sight at A to the first at B; more is another voyage."""

    same_stay_days: float = 13.0
    """Longest between two sights of one stay: one repeat of an orbit and a day."""

    shortest_stay_days: float = 1.0
    """A cargo ship is not loaded in less."""

    sigmas: float = 2.0
    """How far two lengths may differ, in their standard errors, and be of one ship."""

    length_share: float = 0.15
    length_pixels_m: float = 15.0
    """A length's error: 15 % (radar, no learning) and a pixel and a half."""


DEFAULT_TRIPS = TripOptions()


@dataclass(frozen=True)
class Stay:
    """Ships of one length at one berth on consecutive looks: at least one ship."""

    berth: str
    first_seen: pd.Timestamp
    last_seen: pd.Timestamp
    length_m: float
    """Mean over its looks."""

    looks: int

    free_before: pd.Timestamp | None = None
    """Last look before that saw the berth free, or others there; None if none did: they may have lain there
    long."""

    free_after: pd.Timestamp | None = None
    """First look after it that did; None if they lay there when last seen."""


@dataclass(frozen=True)
class Trips:
    """One-way trips from A to B within a period."""

    at_least: int

    at_most: int | None
    """None if either port was never seen."""

    pairs: tuple[tuple[Stay, Stay], ...]
    """Stays at A with the stays at B that explain them: the evidence of `at_least`, one of several if there
    are as many; not an identity."""

    stays_a: int
    stays_b: int
    looks_a: int
    looks_b: int
    days: float
    options: TripOptions


def stays(looks: pd.DataFrame, options: TripOptions = DEFAULT_TRIPS) -> list[Stay]:
    """Gather a port's berth looks into stays, in order of time.

    A berth seen free ends a stay; a look that could not see it does not. Where several ships lay at one
    berth, their mean length stands for them.
    """
    rows = looks[(looks["zone_kind"] == ZoneKind.BERTH.value) & looks["vessel_count"].notna()]
    found: list[Stay] = []
    for berth, group in rows.sort_values("acquired", kind="stable").groupby("zone_id", sort=True):
        open_stay: Stay | None = None
        last_other: pd.Timestamp | None = None
        taken = group["vessel_count"].astype(int)
        lengths = group["vessel_length_m"].astype(float) / taken.clip(lower=1)
        for when, count, length in zip(group["acquired"], taken, lengths, strict=True):
            if open_stay is not None and count and _goes_on(open_stay, when, length, options):
                open_stay = found[-1] = _longer(open_stay, when, length)
                continue
            if open_stay is not None:
                found[-1] = replace(open_stay, free_after=when)
                last_other = open_stay.last_seen
            if not count:
                open_stay, last_other = None, when
            else:
                open_stay = Stay(str(berth), when, when, float(length), 1, free_before=last_other)
                found.append(open_stay)
    return sorted(found, key=lambda s: (s.first_seen, s.berth))


def _longer(stay: Stay, when: pd.Timestamp, length_m: float) -> Stay:
    n = stay.looks + 1
    return replace(stay, last_seen=when, length_m=stay.length_m + (length_m - stay.length_m) / n, looks=n)


def _goes_on(stay: Stay, when: pd.Timestamp, length_m: float, options: TripOptions) -> bool:
    near = when - stay.last_seen <= pd.Timedelta(days=options.same_stay_days)
    return near and _agree(stay.length_m, length_m, options)


def _agree(one_m: float, other_m: float, options: TripOptions) -> bool:
    errors = [math.hypot(options.length_share * m, options.length_pixels_m) for m in (one_m, other_m)]
    return abs(one_m - other_m) <= options.sigmas * math.hypot(*errors)


def match(
    a: Sequence[Stay], b: Sequence[Stay], options: TripOptions = DEFAULT_TRIPS
) -> tuple[tuple[Stay, Stay], ...]:
    """Pair as many stays at A with later stays at B as can be, each used once.

    A stay at B counts from where it was first seen: a ship that lay there before A's was last seen came
    from nowhere.
    """
    if not a or not b:
        return ()
    sail, wait = pd.Timedelta(hours=options.sailing_hours), pd.Timedelta(days=options.max_gap_days)
    possible = [
        [
            one.last_seen + sail <= other.first_seen <= one.last_seen + wait
            and _agree(one.length_m, other.length_m, options)
            for other in b
        ]
        for one in a
    ]
    partner = maximum_bipartite_matching(sparse.csr_array(np.array(possible)), perm_type="column")
    return tuple((a[i], b[j]) for i, j in enumerate(partner.tolist()) if j >= 0)


def trips_between(
    looks_a: pd.DataFrame,
    looks_b: pd.DataFrame,
    start: pd.Timestamp,
    end: pd.Timestamp,
    options: TripOptions = DEFAULT_TRIPS,
) -> Trips:
    """Bound the one-way trips from A to B in a period.

    Parameters
    ----------
    looks_a, looks_b
        One row per look × zone of either port, as published; only those of the period count.
    start, end
        First moment of the period, and the first after it, UTC without a zone.
    options
        What is assumed.
    """
    here = [t[(t["acquired"] >= start) & (t["acquired"] < end)] for t in (looks_a, looks_b)]
    a, b = (stays(t, options) for t in here)
    pairs = match(a, b, options)
    days = (end - start) / pd.Timedelta(days=1)
    (calls_a, seen_a), (calls_b, seen_b) = (most_calls(t, days, options) for t in here)
    at_most = None
    if calls_a is not None and calls_b is not None:
        at_most = max(min(calls_a, calls_b), len(pairs))
    return Trips(len(pairs), at_most, pairs, len(a), len(b), seen_a, seen_b, days, options)


def most_calls(
    looks: pd.DataFrame, days: float, options: TripOptions = DEFAULT_TRIPS
) -> tuple[int | None, int]:
    """Bound the calls of a period from above, by the ships that lay there on average; tells the looks too.

    None where no look saw enough of the quay.
    """
    series = berth_looks(looks)
    if series.empty:
        return None, 0
    counts, exposure = series["vessels"].to_numpy(float), series["exposure"].to_numpy(float)
    ships = rate(counts, exposure, within(counts, exposure, len(counts)))
    return math.ceil(ships.high * days / options.shortest_stay_days), len(series)
