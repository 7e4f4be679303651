"""The scenario ``najin-2023``: the dormant port that woke, as public reports date it.

Dates that reports give are fixed (`najin_story.SCRIPT`), what lies between them is drawn from the
seed. Exports come by rail to the middle pier, imports come off at the northern one; the China-leased
face of the northern pier has ships of its own, which are no part of the story. Whether it happened
like this nobody has published: it is a replay, made for measuring what images can show.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from tasks.errors import InputError
from tasks.model import Site
from tasks.simulate.scenarios.najin_story import (
    BEGIN,
    BULKERS,
    DEPOT,
    DISTRACTOR_BERTHS,
    DUNAY_BERTHS,
    EXPORT_BERTHS,
    FILL_BETWEEN,
    FINISH,
    FIRST_CALL_SPREAD_H,
    FLEET,
    IMPORT_BERTHS,
    LEG_NM,
    NAVAL,
    NORTH_KOREA,
    PAUSE,
    REPORTED_LOOKS,
    RUSSIA,
    SCRIPT,
    SCRIPTED_BULKERS,
    SITES,
    SPEED_KN,
    STEP,
    THIRD_PORT,
    TIERS,
    TO_DEPOT,
    WAITING_SHARE,
    Call,
    utc,
)
from tasks.simulate.world.blocks import Block, Matter, solid
from tasks.simulate.world.cargo import Cargo, hours
from tasks.simulate.world.harbour import Harbour
from tasks.simulate.world.ledger import Ledger
from tasks.simulate.world.model import Regime, Ship, Stack, Stay, Voyage, World, stack_of
from tasks.simulate.world.palette import paint
from tasks.simulate.world.port import Port, port_of
from tasks.simulate.world.seeds import generator


def najin_2023(sites: dict[str, Site], seed: int) -> World:
    """Write the story of both ports.

    Parameters
    ----------
    sites
        ``najin`` and ``dunay``.
    seed
        0 or more; decides everything that reports leave open.
    """
    ports = {name: port_of(sites[name], seed) for name in SITES}
    harbours = {name: Harbour(port) for name, port in ports.items()}
    cargo = Cargo(opening={NORTH_KOREA: 60_000, RUSSIA: 60_000, DEPOT: 0, THIRD_PORT: 20_000})
    stacks = _stacks(ports)
    _naval_neighbour(harbours["dunay"], seed)
    _distractors(harbours["najin"], seed)
    voyages = _shuttle(ports, harbours, cargo, seed)
    stays = sorted((s for h in harbours.values() for s in h.stays), key=lambda s: (s.arrives, s.ship_id))
    calls = [c.arrives for c in wanted_calls(seed)]
    ships = {s.ship_id: s for s in (*FLEET, *BULKERS, NAVAL)}
    return World(
        "najin-2023", seed, BEGIN, FINISH, ports, ships, tuple(stays), tuple(voyages), tuple(cargo.trains),
        stacks, Ledger(cargo.opening, tuple(cargo.transfers)), _regimes(calls, stays, voyages),
        {"najin": coal(ports["najin"], seed)}, {"najin": REPORTED_LOOKS},
    )  # fmt: skip


def wanted_calls(seed: int) -> list[Call]:
    """List all visits to Najin in order: those of the script, and drawn ones between them."""
    rng = generator(seed, "najin calls")
    first = replace(SCRIPT[0], arrives=SCRIPT[0].arrives + hours(rng.uniform(-1, 1) * FIRST_CALL_SPREAD_H))
    calls = [first, *SCRIPT[1:]]
    for begin, last, mean, spread in FILL_BETWEEN:
        moment = begin + hours(24 * rng.uniform(0, 2.0))
        while moment < last:
            calls.append(Call(moment))
            moment += hours(24 * max(rng.normal(mean, spread), 2.5))
    return sorted(calls, key=lambda c: c.arrives)


def _stacks(ports: dict[str, Port]) -> tuple[Stack, ...]:
    najin = [stack_of("najin", ports["najin"].yards[y], tiers=t) for y, t in TIERS.items()]
    return (*najin, stack_of("dunay", ports["dunay"].yards["main-yard"], wide=16))


@dataclass
class _Position:
    """Where a ship of the fleet is in its round."""

    ship: Ship
    free_from: datetime
    """Earliest arrival at Najin."""

    imports: int
    """On board for Najin."""

    abroad: tuple[str, datetime, datetime] | None = None
    """The other port, arrival there, and when it is ready to leave; None before the first round."""


def _shuttle(ports: dict[str, Port], harbours: dict[str, Harbour], cargo: Cargo, seed: int) -> list[Voyage]:
    """Sail all rounds: Najin, sea, Dunay or the third port, sea, Najin."""
    fleet = {ship.ship_id: _Position(ship, BEGIN, 0) for ship in FLEET}
    for ship_id, position in fleet.items():
        position.imports = int(generator(seed, "first imports", ship_id).integers(120, 200))
        cargo.opening[position.ship.place] = position.imports
    voyages: list[Voyage] = []
    for number, call in enumerate(wanted_calls(seed)):
        rng = generator(seed, "call", number)
        position = _choose(fleet, call, rng)
        arrives = max(call.arrives, position.free_from)
        if call.ship_id is None and arrives > call.arrives + hours(60):
            continue  # nobody could come in time: the visit does not happen
        waits = hours(float(rng.uniform(5, 14)) if rng.random() < WAITING_SHARE else 0.0)
        waits = waits if position.free_from + waits <= arrives else hours(0)
        if position.abroad is not None:
            voyages.append(_return(position, position.abroad, arrives - waits, harbours, rng))
        if waits:
            harbours["najin"].anchor(position.ship, "anchorage", arrives - waits, arrives - hours(1), rng)
        leaves, exports = _at_najin(position, call, arrives, number, ports, harbours, cargo, rng)
        voyages.append(_onwards(position, call, leaves, exports, ports, cargo, rng))
    for position in fleet.values():
        if position.abroad is not None and position.abroad[0] == "dunay":
            _, there, ready = position.abroad
            rng = generator(seed, "last", position.ship.ship_id)
            _moor_at_dunay(position.ship, there, ready, harbours, rng)
    return sorted(voyages, key=lambda v: (v.departs, v.ship_id))


def _choose(fleet: dict[str, _Position], call: Call, rng: np.random.Generator) -> _Position:
    if call.ship_id is not None:
        return fleet[call.ship_id]
    ready = [p for p in fleet.values() if p.free_from <= call.arrives and not _needed(p, call)]
    if not ready:
        return min(fleet.values(), key=lambda p: p.free_from)
    return ready[int(rng.integers(len(ready)))]


def _needed(position: _Position, call: Call) -> bool:
    """Whether a ship is wanted by name too soon to take this visit."""
    return any(
        s.ship_id == position.ship.ship_id and call.arrives < s.arrives < call.arrives + hours(24 * 8)
        for s in SCRIPT
    )


def _at_najin(
    position: _Position,
    call: Call,
    arrives: datetime,
    number: int,
    ports: dict[str, Port],
    harbours: dict[str, Harbour],
    cargo: Cargo,
    rng: np.random.Generator,
) -> tuple[datetime, int]:
    """Unload at the northern pier, shift to the middle one, load; returns departure and boxes on board."""
    ship, port, harbour = position.ship, ports["najin"], harbours["najin"]
    imports = position.imports
    import_h = call.import_h or float(rng.uniform(18, 34))
    shifts = arrives + hours(import_h)
    if harbour.berth(ship, IMPORT_BERTHS, arrives, shifts, rng) is None:
        raise _no_berth(ship, "Najin", arrives)
    north = "yard:najin/north-yard-sw"
    cargo.move(ship.place, north, imports, arrives + hours(3), shifts - hours(2))
    if not call.stays_ashore:
        fetched = shifts + hours(rng.uniform(10, 60))
        cargo.take_by_rail(port, "north-rail", imports, yard=north, away=NORTH_KOREA, start=fetched, rng=rng)
    exports = call.exports if call.exports is not None else int(rng.integers(150, 300))
    if exports == 0:
        return shifts, 0
    export_h = call.export_h or float(rng.uniform(24, 40))
    moors, leaves = shifts + hours(1), shifts + hours(1 + export_h)
    yard = call.yard or _other_yard(call, number)
    if harbour.berth(ship, EXPORT_BERTHS[yard], moors, leaves, rng) is None:
        raise _no_berth(ship, "Najin", moors)
    begins = moors + hours(2)
    ready = begins - hours(call.ready_h if call.ready_h is not None else rng.uniform(2, 20))
    place = f"yard:najin/{yard}"
    if call.by_lorry is not None:
        cargo.move(NORTH_KOREA, place, exports, *call.by_lorry)
    else:
        cargo.bring_by_rail(port, "middle-rail", exports, away=NORTH_KOREA, yard=place, by=ready, rng=rng)
    cargo.move(place, ship.place, exports, begins, leaves - hours(1))
    return leaves, exports


def _other_yard(call: Call, number: int) -> str:
    """Take the yards in turn, and leave one that a report names to the visit it names it for."""
    named = {s.yard for s in SCRIPT if s.yard and abs(s.arrives - call.arrives) < hours(24 * 8)}
    free = sorted(set(EXPORT_BERTHS) - named) or sorted(EXPORT_BERTHS)
    return free[number % len(free)]


def _onwards(
    position: _Position,
    call: Call,
    leaves: datetime,
    boxes: int,
    ports: dict[str, Port],
    cargo: Cargo,
    rng: np.random.Generator,
) -> Voyage:
    """Sail from Najin with exports; hand them over and take imports on at the other end."""
    ship = position.ship
    there = leaves + hours(LEG_NM[call.destination] / rng.uniform(*SPEED_KN) + rng.uniform(0.3, 1.5))
    imports = int(rng.integers(120, 220))
    if call.destination == "vostochny":
        done = there + hours(30)
        cargo.move(ship.place, THIRD_PORT, boxes, there + hours(4), there + hours(16))
        cargo.move(THIRD_PORT, ship.place, imports, there + hours(18), there + hours(28))
        position.abroad, position.imports = ("vostochny", there, done), imports
        position.free_from = done + hours(LEG_NM["vostochny"] / SPEED_KN[0] + 2)
        return Voyage(ship.ship_id, "najin", call.destination, leaves, there, boxes)
    yard, work_h = "yard:dunay/main-yard", float(rng.uniform(14, 24))
    emptied = there + hours(2 + work_h)
    cargo.move(ship.place, yard, boxes, there + hours(2), emptied)
    inland = emptied + hours(rng.uniform(6, 40))
    _to_the_depot(ports["dunay"], cargo, boxes, yard, inland, rng)
    cargo.bring_by_rail(ports["dunay"], "rail-transfer", imports, away=RUSSIA, yard=yard, by=emptied, rng=rng)
    ready = emptied + hours(2 + work_h / 2)
    cargo.move(yard, ship.place, imports, emptied + hours(1), ready - hours(1))
    position.abroad, position.imports = ("dunay", there, ready), imports
    position.free_from = ready + hours(LEG_NM["dunay"] / SPEED_KN[0] + 2)
    return Voyage(ship.ship_id, "najin", "dunay", leaves, there, boxes)


def _to_the_depot(
    port: Port, cargo: Cargo, boxes: int, yard: str, start: datetime, rng: np.random.Generator
) -> None:
    """Send containers on by rail; the train is some ten days under way."""
    known = len(cargo.transfers)
    cargo.take_by_rail(port, "rail-transfer", boxes, yard=yard, away=TO_DEPOT, start=start, rng=rng)
    for leg in [t for t in cargo.transfers[known:] if t.target == TO_DEPOT]:
        arrives = leg.end + hours(24 * float(rng.uniform(8, 14)))
        cargo.move(TO_DEPOT, DEPOT, leg.boxes, arrives, arrives + hours(10))


def _return(
    position: _Position,
    abroad: tuple[str, datetime, datetime],
    arrives: datetime,
    harbours: dict[str, Harbour],
    rng: np.random.Generator,
) -> Voyage:
    """Leave the other port for a visit to Najin; a ship lies there no longer than three and a half days."""
    port, there, ready = abroad
    sail = hours(LEG_NM[port] / rng.uniform(*SPEED_KN) + rng.uniform(0.3, 1.0))
    departs = max(ready, min(arrives - sail, there + hours(24 * 3.5)))
    if port == "dunay":
        _moor_at_dunay(position.ship, there, departs, harbours, rng)
    return Voyage(position.ship.ship_id, port, "najin", departs, arrives, position.imports)


def _moor_at_dunay(
    ship: Ship, arrives: datetime, departs: datetime, harbours: dict[str, Harbour], rng: np.random.Generator
) -> None:
    order = [str(z) for z in rng.permutation(DUNAY_BERTHS)]
    if harbours["dunay"].berth(ship, order, arrives, departs, rng) is None:
        raise _no_berth(ship, "Dunay", arrives)


def _no_berth(ship: Ship, port: str, moment: datetime) -> InputError:
    day = f"{moment:%Y-%m-%d}"
    return InputError(f"this seed leaves {ship.name} no free berth at {port} on {day}; choose another seed")


def _naval_neighbour(harbour: Harbour, seed: int) -> None:
    """Moor a naval vessel at the northern pier of Dunay that goes out for some days every few weeks."""
    rng = generator(seed, "naval")
    moment = BEGIN
    while moment < FINISH:
        leaves = min(moment + hours(24 * rng.uniform(18, 45)), FINISH)
        harbour.berth(NAVAL, ("north-n-1",), moment, leaves, rng)
        moment = leaves + hours(24 * rng.uniform(2, 6))


def _distractors(harbour: Harbour, seed: int) -> None:
    """Send bulk carriers to the China-leased face, quiet months and busy ones alike."""
    rng = generator(seed, "bulkers")
    ships = {s.ship_id: s for s in BULKERS}
    free = dict.fromkeys(ships, BEGIN)
    wanted = list(SCRIPTED_BULKERS)
    moment = BEGIN + hours(24 * rng.uniform(4, 20))
    while moment < FINISH - hours(120):
        if not utc(9, 26) < moment < utc(11, 4):
            wanted.append((moment, f"bulker-{'abc'[int(rng.integers(3))]}", float(rng.uniform(36, 96))))
        moment += hours(24 * (8 + rng.exponential(15)))
    for arrives, ship_id, stay_h in sorted(wanted):
        if free[ship_id] <= arrives:
            harbour.berth(ships[ship_id], DISTRACTOR_BERTHS, arrives, arrives + hours(stay_h), rng)
            free[ship_id] = arrives + hours(stay_h + 48)


def coal(port: Port, seed: int) -> tuple[Block, ...]:
    """Pile coal on the southern pier, which has no part in the story."""
    rng = generator(seed, "coal")
    yard = port.yards["south-yard-ne"]
    heaps = []
    for k in range(5):
        x, y = yard.at(40 + 70 * k + float(rng.uniform(-8, 8)), float(rng.uniform(-3, 3)))
        size = float(rng.uniform(28, 52)), float(rng.uniform(12, 22))
        heaps.append(
            Block(Matter.HEAP, x, y, yard.heading_deg, *size, float(rng.uniform(3, 6)), solid(paint("coal")))
        )
    return tuple(heaps)


def _regimes(calls: list[datetime], stays: list[Stay], voyages: list[Voyage]) -> tuple[Regime, ...]:
    """Date the regimes by what was made to happen: the first visit, the step, the pause, the return."""
    first = min(calls)
    to_dunay = [v.arrives for v in voyages if v.destination == "dunay"]
    spans = [
        ("najin", "dormant", BEGIN, first),
        ("najin", "active", first, STEP),
        ("najin", "active", STEP, PAUSE[0]),
        ("najin", "paused", PAUSE[0], PAUSE[1]),
        ("najin", "active", PAUSE[1], FINISH),
        ("dunay", "dormant", BEGIN, min(to_dunay)),
        ("dunay", "active", min(to_dunay), max(to_dunay)),
        ("dunay", "dormant", max(to_dunay), FINISH),
    ]
    return tuple(Regime(site, state, a, b, _rate(stays, site, a, b)) for site, state, a, b in spans)


def _rate(stays: list[Stay], site_id: str, start: datetime, end: datetime) -> float:
    """Port calls a day: arrivals from sea at a quay (a shift between piers is no call)."""
    lying = [s for s in stays if s.site_id == site_id and s.along_m is not None]
    came = [s for s in lying if not any(_shifted(o, s) for o in lying)]
    return sum(start <= s.arrives < end for s in came) / ((end - start).total_seconds() / 86_400)


def _shifted(before: Stay, after: Stay) -> bool:
    return before.ship_id == after.ship_id and hours(0) <= after.arrives - before.leaves <= hours(3)
