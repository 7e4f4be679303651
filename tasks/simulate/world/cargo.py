"""Containers on their way through a port: by rail to the quay, over it, and out by rail again.

Every function adds transfers (and the trains that stand there meanwhile); none looks at a clock or
at a picture. Names of places are those of `tasks.simulate.world.ledger`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from tasks.simulate.world.ledger import Transfer
from tasks.simulate.world.model import BOXES_PER_CAR, CAR_M, TRACK_M, Train
from tasks.simulate.world.port import Port

HANDLING_H = 8.0
"""To load or unload the trains that stand side by side."""

CONVOY_GAP_H = (2.0, 8.0)


def hours(number: float) -> timedelta:
    """Span of time, whole seconds."""
    return timedelta(seconds=round(number * 3600))


@dataclass
class Cargo:
    """The moves of all containers of a world, in the making."""

    opening: dict[str, int] = field(default_factory=dict)
    transfers: list[Transfer] = field(default_factory=list)
    trains: list[Train] = field(default_factory=list)

    def move(self, source: str, target: str, boxes: int, start: datetime, end: datetime) -> None:
        """Move containers at a steady pace."""
        if boxes > 0:
            self.transfers.append(Transfer(source, target, boxes, start, end))

    def convoys(self, port: Port, tracks: str, boxes: int) -> list[int]:
        """Split containers into trainloads: all tracks of the zone at a time."""
        bundle = port.tracks[tracks]
        each = int((bundle.length_m - 8) // CAR_M[2]) * BOXES_PER_CAR
        parallel = max(int((bundle.width_m - 3) // TRACK_M), 1)
        most = each * parallel
        return [most] * (boxes // most) + ([boxes % most] if boxes % most else [])

    def by_rail(
        self,
        port: Port,
        tracks: str,
        boxes: int,
        *,
        yard: str,
        away: str,
        inbound: bool,
        start: datetime,
        rng: np.random.Generator,
    ) -> datetime:
        """Bring containers by train from `away` to `yard`, or take them there; returns when it is done."""
        bundle = port.tracks[tracks]
        each = int((bundle.length_m - 8) // CAR_M[2])
        moment = start
        for load in self.convoys(port, tracks, boxes):
            leaves = moment + hours(HANDLING_H + 2)
            rest = load
            for track in range(-(-load // (each * BOXES_PER_CAR))):
                part = min(rest, each * BOXES_PER_CAR)
                rest -= part
                name = f"{port.site_id}-{tracks}-{moment:%Y%m%dT%H%M}-{track}"
                cars = -(-part // BOXES_PER_CAR)
                train = Train(name, port.site_id, tracks, track, cars, moment, leaves)
                self.trains.append(train)
                first, last = moment + hours(1), moment + hours(1 + HANDLING_H)
                if inbound:
                    self.move(away, train.place, part, moment, moment)
                    self.move(train.place, yard, part, first, last)
                else:
                    self.move(yard, train.place, part, first, last)
                    self.move(train.place, away, part, leaves, leaves)
            moment = leaves + hours(float(rng.uniform(*CONVOY_GAP_H)))
        return leaves if boxes > 0 else start

    def rail_time(self, port: Port, tracks: str, boxes: int) -> timedelta:
        """Longest time that `by_rail` takes for so many containers."""
        return len(self.convoys(port, tracks, boxes)) * hours(HANDLING_H + 2 + CONVOY_GAP_H[1])
