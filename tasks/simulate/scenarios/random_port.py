"""Scenarios for any site: nothing ever happens, everything is full, or whatever the seed draws.

Berths alternate between free and taken; ships come to the roads as a Poisson process. Some calls
load or unload containers where there is a yard.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from tasks.model import Site
from tasks.simulate.world.cargo import Cargo, hours
from tasks.simulate.world.harbour import Harbour
from tasks.simulate.world.ledger import Ledger
from tasks.simulate.world.model import Regime, Ship, Stack, Stay, World, stack_of
from tasks.simulate.world.palette import DECKS
from tasks.simulate.world.port import port_of
from tasks.simulate.world.scenery import deck_capacity
from tasks.simulate.world.seeds import generator

WARM_UP_DAYS = 20
"""Simulated before the first day, so that the port is not empty at the start."""

LENGTH_TO_BEAM = (5.8, 7.0)

ROADS_LENGTH_M = (25.0, 300.0)
"""Lengths in the roads: log-uniform, so that every class has its share."""


@dataclass(frozen=True)
class Level:
    """How busy a port is during one regime."""

    state: str
    start: datetime
    end: datetime

    occupancy: float
    """Share of the time that a berth is taken."""

    roads_per_day: float
    """Arrivals in the roads, all zones together."""


@dataclass(frozen=True)
class Habits:
    """What else decides a scenario."""

    stay_days: float
    """Mean stay at a berth."""

    cargo_share: float
    """Share of the calls that load or unload containers."""

    fill: tuple[float, float] = (0.55, 0.97)
    """Length of a ship as a share of the quay it lies at, least and most."""


def quiet(site: Site, start: date, end: date, seed: int) -> World:
    """Simulate a port at which nothing ever happens: every detection is a false alarm."""
    first, last = _span(start, end)
    return _world("quiet", site, seed, [Level("dormant", first, last, 0.0, 0.0)], Habits(2.0, 0.0))


def busy(site: Site, start: date, end: date, seed: int) -> World:
    """Simulate a crowded port: about 0.7 of all quay metres are taken, and ships lie in the roads."""
    first, last = _span(start, end)
    # A berth taken 0.76 of the time by ships of 0.92 of its length: 0.7 of its metres.
    levels = [Level("active", first, last, 0.76, 0.8)]
    return _world("busy", site, seed, levels, Habits(3.0, 0.6, fill=(0.86, 0.98)))


def random(site: Site, start: date, end: date, seed: int) -> World:
    """Simulate a port with one change of pace somewhere in the middle half of the period."""
    first, last = _span(start, end)
    rng = generator(seed, "random port", site.site_id)
    change = first + (last - first) * float(rng.uniform(0.25, 0.75))
    low, high = float(rng.uniform(0.0, 0.08)), float(rng.uniform(0.2, 0.8))
    roads_low, roads_high = float(rng.uniform(0.0, 0.1)), float(rng.uniform(0.1, 0.8))
    levels = [
        Level("dormant", first, change, low, roads_low),
        Level("active", change, last, high, roads_high),
    ]
    habits = Habits(stay_days=float(rng.uniform(1.0, 5.0)), cargo_share=float(rng.uniform(0.2, 0.9)))
    return _world("random", site, seed, levels, habits)


def _span(start: date, end: date) -> tuple[datetime, datetime]:
    return datetime.combine(start, time(), UTC), datetime.combine(end + timedelta(days=1), time(), UTC)


def _world(scenario: str, site: Site, seed: int, levels: Sequence[Level], habits: Habits) -> World:
    port = port_of(site, seed)
    harbour, cargo = Harbour(port), Cargo(opening={_hinterland(site.site_id): 1_000_000})
    stacks = tuple(
        stack for yard in port.yards.values() if (stack := stack_of(site.site_id, yard)).capacity >= 100
    )
    ships: dict[str, Ship] = {}
    for zone_id in sorted(port.quays):
        _fill_berth(zone_id, harbour, cargo, stacks, ships, levels, habits, seed)
    _fill_roads(harbour, ships, levels, seed)
    stays = tuple(sorted(harbour.stays, key=lambda s: (s.arrives, s.ship_id)))
    regimes = tuple(
        Regime(site.site_id, one.state, one.start, one.end, _calls_per_day(stays, one)) for one in levels
    )
    return World(
        scenario, seed, levels[0].start, levels[-1].end, {site.site_id: port}, ships, stays, (),
        tuple(cargo.trains), stacks, Ledger(cargo.opening, tuple(cargo.transfers)), regimes, {}, {},
    )  # fmt: skip


def draw_ship(ship_id: str, length_m: float, rng: np.random.Generator) -> Ship:
    """Draw a ship of a given length: beam, height and place of the bridge follow with a spread."""
    width = length_m / float(rng.uniform(*LENGTH_TO_BEAM))
    deck = 1.5 + 0.035 * length_m
    bridge = float(rng.choice([-0.40, 0.31], p=[0.8, 0.2]))
    return Ship(
        ship_id, ship_id, length_m, width, deck, bridge, deck + 3 + 0.09 * length_m,
        int(rng.choice(DECKS)), hold=int(length_m / 2), gear=int(rng.integers(0, 3)) if length_m > 70 else 0,
    )  # fmt: skip


def _level(levels: Sequence[Level], moment: datetime) -> Level:
    return next((one for one in levels if moment < one.end), levels[-1])


def _fill_berth(
    zone_id: str,
    harbour: Harbour,
    cargo: Cargo,
    stacks: Sequence[Stack],
    ships: dict[str, Ship],
    levels: Sequence[Level],
    habits: Habits,
    seed: int,
) -> None:
    """Let one berth be free and taken in turn; the mean gap follows from the occupancy wanted."""
    rng = generator(seed, "berth", harbour.port.site_id, zone_id)
    moment = levels[0].start - hours(24 * WARM_UP_DAYS)
    quay_m = harbour.port.quays[zone_id].length_m
    number = 0
    while True:
        level = _level(levels, moment)
        if level.occupancy <= 0:
            if level is levels[-1]:
                return
            moment = level.end
            continue
        gap = habits.stay_days * (1 - level.occupancy) / level.occupancy
        after = moment + hours(24 * float(rng.exponential(gap)))
        if _level(levels, after) is not level:  # drawn anew at the pace of the next regime
            moment = level.end
            continue
        stay = 24 * float(rng.gamma(4.0, habits.stay_days / 4))
        arrives, leaves = after, after + hours(max(stay, 5.0))
        if arrives >= levels[-1].end:
            return
        number += 1
        length = min(max(quay_m * float(rng.uniform(*habits.fill)), 30.0), quay_m)
        ship = draw_ship(f"{zone_id}-{number}", length, rng)
        if harbour.berth(ship, [zone_id], arrives, leaves, rng) is not None:
            ships[ship.ship_id] = ship
            if rng.random() < habits.cargo_share:
                _handle(ship, arrives, leaves, cargo, stacks, rng)
        moment = leaves + hours(1.5)


def _handle(
    ship: Ship,
    arrives: datetime,
    leaves: datetime,
    cargo: Cargo,
    stacks: Sequence[Stack],
    rng: np.random.Generator,
) -> None:
    """Load or unload containers over a yard, if one has room; lorries bring and fetch them."""
    boxes = min(int(rng.integers(40, 220)), deck_capacity(ship))
    if not stacks or not boxes or leaves - arrives < hours(10):
        return
    stack = stacks[int(rng.integers(len(stacks)))]
    hinterland = _hinterland(stack.site_id)
    begins, ends = arrives + hours(3), leaves - hours(2)
    lorries = hours(24 * float(rng.uniform(0.5, 3)))
    if _peak(cargo, stack.place) + boxes > stack.capacity:
        return
    if rng.random() < 0.5:
        cargo.move(hinterland, stack.place, boxes, begins - lorries, begins)
        cargo.move(stack.place, ship.place, boxes, begins, ends)
    else:
        cargo.opening[ship.place] = boxes
        cargo.move(ship.place, stack.place, boxes, begins, ends)
        cargo.move(stack.place, hinterland, boxes, ends, ends + lorries)


def _hinterland(site_id: str) -> str:
    return f"hinterland:{site_id}"


def _peak(cargo: Cargo, place: str) -> int:
    """Bound what a yard holds at most: everything that is ever on its way through at one time."""
    inward = [t for t in cargo.transfers if t.target == place]
    outward = {id(t): t for t in cargo.transfers if t.source == place}
    spans = [(into.start, out.end, into.boxes) for into, out in zip(inward, outward.values(), strict=True)]
    return max((sum(n for a, b, n in spans if a < end and start < b) for start, end, _ in spans), default=0)


def _fill_roads(harbour: Harbour, ships: dict[str, Ship], levels: Sequence[Level], seed: int) -> None:
    rng = generator(seed, "roads", harbour.port.site_id)
    zones = sorted(harbour.port.roads)
    if not zones:
        return
    low, high = (math.log(v) for v in ROADS_LENGTH_M)
    moment, number = levels[0].start - hours(24 * WARM_UP_DAYS), 0
    while moment < levels[-1].end:
        level = _level(levels, moment)
        if level.roads_per_day > 0 and rng.random() < level.roads_per_day / 4:
            number += 1
            arrives = moment + hours(float(rng.uniform(0, 6)))
            ship = draw_ship(f"roads-{number}", math.exp(rng.uniform(low, high)), rng)
            leaves = arrives + hours(24 * float(rng.gamma(2.0, 1.5)) + 2)
            zone_id = zones[int(rng.integers(len(zones)))]
            if harbour.anchor(ship, zone_id, arrives, leaves, rng) is not None:
                ships[ship.ship_id] = ship
        moment += hours(6)


def _calls_per_day(stays: Sequence[Stay], level: Level) -> float:
    came = sum(level.start <= s.arrives < level.end for s in stays if s.along_m is not None)
    return came / ((level.end - level.start).total_seconds() / 86_400)
