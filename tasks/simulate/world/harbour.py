"""Bookings: who lies at which metre of which quay, and when; who swings where in the roads.

The one rule of every scenario is kept here: no two ships share water, and no ship is in two places.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from tasks.simulate.world.blocks import Block, Matter, solid
from tasks.simulate.world.model import Ship, Stay
from tasks.simulate.world.port import CLEARANCE_M, FENDER_M, Port

BETWEEN_M = 12.0
"""Between two ships at one quay, and from a ship to the quay's ends where there is room."""

TRIES = 60


@dataclass
class Harbour:
    """The bookings of one port; scenarios fill it in the order of their story."""

    port: Port
    stays: list[Stay] = field(default_factory=list)
    _by_zone: dict[str, list[Stay]] = field(default_factory=lambda: defaultdict(list))

    def berth(
        self,
        ship: Ship,
        zones: Sequence[str],
        arrives: datetime,
        leaves: datetime,
        rng: np.random.Generator,
    ) -> Stay | None:
        """Moor a ship alongside the first of these quays that has room; None if none has."""
        for zone_id in zones:
            quay = self.port.quays[zone_id]
            others = [s for s in self._by_zone[zone_id] if s.arrives < leaves and arrives < s.leaves]
            start = _gap([s.along_m for s in others if s.along_m], ship.length_m, quay.length_m, rng)
            if start is None:
                continue
            x, y = quay.at(start + ship.length_m / 2, FENDER_M + ship.width_m / 2)
            heading = (quay.heading_deg + float(rng.choice([0.0, 180.0]))) % 360
            return self._book(
                Stay(
                    ship.ship_id, self.port.site_id, zone_id, arrives, leaves, x, y, heading,
                    (start, start + ship.length_m),
                )
            )  # fmt: skip
        return None

    def anchor(
        self, ship: Ship, zone_id: str, arrives: datetime, leaves: datetime, rng: np.random.Generator
    ) -> Stay | None:
        """Let a ship anchor in a water zone, clear of all others; None if no place was found."""
        room: BaseGeometry | None = self.port.roads.get(zone_id)
        if room is None:
            return None
        there = [s for s in self._by_zone[zone_id] if s.arrives < leaves and arrives < s.leaves]
        taken = [shapely.Point(s.x, s.y).buffer(CLEARANCE_M + 200) for s in there]
        west, south, east, north = room.bounds
        shapely.prepare(room)
        for _ in range(TRIES):
            x, y = float(rng.uniform(west, east)), float(rng.uniform(south, north))
            heading = float(rng.normal(320, 20) % 360)
            hull = Block(Matter.HULL, x, y, heading, ship.length_m, ship.width_m, 0.0, solid(0), True).outline
            if room.contains(hull) and not any(t.intersects(hull) for t in taken):
                return self._book(
                    Stay(ship.ship_id, self.port.site_id, zone_id, arrives, leaves, x, y, heading)
                )
        return None

    def _book(self, stay: Stay) -> Stay:
        self.stays.append(stay)
        self._by_zone[stay.zone_id].append(stay)
        return stay


def _gap(
    taken: Sequence[tuple[float, float]], length_m: float, quay_m: float, rng: np.random.Generator
) -> float | None:
    """Choose where along a quay a hull fits; None if it does not."""
    edges = [-BETWEEN_M, *(v for pair in sorted(taken) for v in pair), quay_m + BETWEEN_M]
    spaces = [(edges[k] + BETWEEN_M, edges[k + 1] - BETWEEN_M - length_m) for k in range(0, len(edges), 2)]
    free = [(low, high) for low, high in spaces if high >= low]
    if not free:
        return None
    low, high = free[int(rng.integers(len(free)))]
    return float(rng.uniform(low, high))
