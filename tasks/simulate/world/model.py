"""A world of ships, containers and trains whose every moment is known.

It knows nothing of sensors or of detectors. Scenarios write it (`najin`, `random_port`), `scenery` turns
a moment of it into blocks that a sensor can draw, `truth` turns it into tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from tasks.simulate.world.blocks import Block
from tasks.simulate.world.ledger import Ledger
from tasks.simulate.world.port import Port, Strip


@dataclass(frozen=True)
class Ship:
    """One vessel; what never changes about it."""

    ship_id: str
    name: str
    length_m: float
    width_m: float

    deck_m: float
    """Height of the main deck above the water."""

    bridge: float
    """Middle of the superstructure along the hull: -0.5 stern, 0.5 bow."""

    bridge_m: float
    """Height of its top above the water."""

    deck_colour: int
    """Index into the palette."""

    hold: int = 60
    """Containers that go below deck, out of sight; filled first, emptied last."""

    gear: int = 0
    """Deck cranes."""

    @property
    def place(self) -> str:
        """Name in the ledger."""
        return f"ship:{self.ship_id}"


@dataclass(frozen=True)
class Stay:
    """One ship lying still: alongside a quay or at anchor."""

    ship_id: str
    site_id: str
    zone_id: str

    arrives: datetime
    leaves: datetime

    x: float
    y: float
    """Middle of the hull, metres in the CRS of the port."""

    heading_deg: float
    """Of the bow, clockwise from grid north."""

    along_m: tuple[float, float] | None = None
    """Quay metres taken, from and to; None at anchor."""


@dataclass(frozen=True)
class Train:
    """Rail cars standing on one track of a site; what they carry stands in the ledger."""

    train_id: str
    site_id: str
    zone_id: str

    track: int
    """Which of the zone's parallel tracks, from 0."""

    cars: int
    arrives: datetime
    leaves: datetime

    @property
    def place(self) -> str:
        """Name in the ledger."""
        return f"train:{self.train_id}"


@dataclass(frozen=True)
class Voyage:
    """One crossing: from the quay that a ship leaves until it arrives, in the roads or at a quay.

    A ship's first way to a site is not among them: where it came from is left open.
    """

    ship_id: str
    origin: str
    destination: str
    departs: datetime
    """When it leaves the quay."""

    arrives: datetime
    """When it comes to anchor in the roads, if it waits there before it berths; else at the quay."""

    boxes: int
    """Containers on board."""


@dataclass(frozen=True)
class Regime:
    """A stretch of steady activity at one site."""

    site_id: str
    state: str
    """``dormant``, ``active`` or ``paused``."""

    start: datetime
    end: datetime

    calls_per_day: float
    """Port calls of all ships, as drawn."""


@dataclass(frozen=True)
class Stack:
    """How the containers of one yard are set down: row by row along its middle line."""

    site_id: str
    zone_id: str

    along_m: float
    """Where the first row begins."""

    wide: int
    """Containers abreast."""

    tiers: int

    rows: int
    """Most rows that the yard has room for."""

    @property
    def place(self) -> str:
        """Name in the ledger."""
        return f"yard:{self.site_id}/{self.zone_id}"

    @property
    def capacity(self) -> int:
        """Most containers."""
        return self.wide * self.tiers * self.rows


BOX_M = (6.06, 2.44, 2.59)
"""Length, width and height of a 20-foot container."""

BOX_PITCH_M = (6.4, 2.6)
"""Room that one takes in a stack, along and across."""

CAR_M = (13.2, 3.0, 14.0)
"""Length and width of a rail car, and its pitch in a train."""

BOXES_PER_CAR = 2

TRACK_M = 5.2
"""Between the middle lines of parallel tracks."""

TRACK_END_M = 4.0
"""Of a track, kept free at either end."""


def tracks_of(bundle: Strip) -> int:
    """Count the parallel tracks of a rail yard."""
    return max(int((bundle.width_m - 3) // TRACK_M), 1)


def cars_on(bundle: Strip) -> int:
    """Count the rail cars that each of its tracks has room for."""
    return int((bundle.length_m - 2 * TRACK_END_M) // CAR_M[2])


def stack_of(site_id: str, yard: Strip, wide: int = 10, tiers: int = 2, along_m: float = 6.0) -> Stack:
    """Lay a stack out in a yard, as wide as asked for or as the yard."""
    fits = int((yard.width_m - 1.0) // BOX_PITCH_M[1])
    rows = int((yard.length_m - along_m - 3.0) // BOX_PITCH_M[0])
    return Stack(site_id, yard.zone_id, along_m, max(min(wide, fits), 0), tiers, max(rows, 0))


@dataclass(frozen=True, eq=False)
class World:
    """Everything that happens in one scenario."""

    scenario: str
    seed: int
    start: datetime
    end: datetime
    ports: Mapping[str, Port]
    ships: Mapping[str, Ship]
    stays: tuple[Stay, ...]
    voyages: tuple[Voyage, ...]
    trains: tuple[Train, ...]
    stacks: tuple[Stack, ...]
    ledger: Ledger
    regimes: tuple[Regime, ...]

    fixed: Mapping[str, tuple[Block, ...]]
    """By site: heaps and other things that lie there throughout."""

    reported: Mapping[str, tuple[datetime, ...]]
    """By site: moments of which a report quotes a clear 3 m image."""

    @cached_property
    def _stays_of(self) -> dict[str, list[Stay]]:
        return {site: [s for s in self.stays if s.site_id == site] for site in self.ports}

    def lying(self, site_id: str, moment: datetime) -> list[Stay]:
        """List the ships that lie at a site."""
        return [s for s in self._stays_of[site_id] if s.arrives <= moment < s.leaves]

    def standing(self, site_id: str, moment: datetime) -> list[Train]:
        """List the trains that stand at a site."""
        return [t for t in self.trains if t.site_id == site_id and t.arrives <= moment < t.leaves]
