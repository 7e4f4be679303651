"""Containers on their way through a port: by rail to the quay, over it, and out by rail again.

Every function adds transfers (and the trains that stand there meanwhile); none looks at a clock or
at a picture. Names of places are those of `tasks.simulate.world.ledger`. The trains already there are
the bookings of the tracks: no two of them stand on one track at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from tasks.simulate.world.ledger import Transfer
from tasks.simulate.world.model import BOXES_PER_CAR, Train, cars_on, tracks_of
from tasks.simulate.world.port import Port, Strip

HANDLING_H = 8.0
"""To load or unload the trains that stand side by side."""

STAY_H = HANDLING_H + 2
"""Of a train: an hour before and one after the work."""

CONVOY_GAP_H = (2.0, 8.0)
"""Between the trains that bring or take one load, least and most; the least is kept on every track."""


def hours(number: float) -> timedelta:
    """Span of time, whole seconds."""
    return timedelta(seconds=round(number * 3600))


class _Slot(NamedTuple):
    """A time at which enough tracks are free."""

    arrives: datetime
    tracks: list[int]


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

    def bring_by_rail(
        self,
        port: Port,
        zone_id: str,
        boxes: int,
        *,
        away: str,
        yard: str,
        by: datetime,
        rng: np.random.Generator,
    ) -> None:
        """Bring containers by train from `away`, so that the yard holds them all by a moment.

        Planned backwards from that moment: where tracks are taken, trains come earlier.
        """
        latest = by - hours(1 + HANDLING_H)
        for load in reversed(_convoys(port.tracks[zone_id], boxes)):
            slot = self._slot_before(port, zone_id, len(load), latest)
            for train, part in self._stand(port, zone_id, slot, load):
                self.move(away, train.place, part, train.arrives, train.arrives)
                self.move(train.place, yard, part, *_work(train))
            latest = slot.arrives - hours(STAY_H + float(rng.uniform(*CONVOY_GAP_H)))

    def take_by_rail(
        self,
        port: Port,
        zone_id: str,
        boxes: int,
        *,
        yard: str,
        away: str,
        start: datetime,
        rng: np.random.Generator,
    ) -> None:
        """Take containers by train from a yard to `away`, from a moment on; later where tracks are taken."""
        earliest = start
        for load in _convoys(port.tracks[zone_id], boxes):
            slot = self._slot_after(port, zone_id, len(load), earliest)
            for train, part in self._stand(port, zone_id, slot, load):
                self.move(yard, train.place, part, *_work(train))
                self.move(train.place, away, part, train.leaves, train.leaves)
            earliest = slot.arrives + hours(STAY_H + float(rng.uniform(*CONVOY_GAP_H)))

    def _stand(self, port: Port, zone_id: str, slot: _Slot, load: Sequence[int]) -> list[tuple[Train, int]]:
        """Book the trains of a convoy; gives each with its containers."""
        convoy = []
        for track, part in zip(slot.tracks, load, strict=False):
            name = f"{port.site_id}-{zone_id}-{slot.arrives:%Y%m%dT%H%M}-{track}"
            cars = -(-part // BOXES_PER_CAR)
            leaves = slot.arrives + hours(STAY_H)
            train = Train(name, port.site_id, zone_id, track, cars, slot.arrives, leaves)
            convoy.append((train, part))
        self.trains += [train for train, _ in convoy]
        return convoy

    def _slot_before(self, port: Port, zone_id: str, count: int, latest: datetime) -> _Slot:
        """Find the last time, not after `latest`, at which so many tracks are free."""
        room = hours(STAY_H + CONVOY_GAP_H[0])
        others = sorted({t.arrives - room for t in self._booked(port, zone_id)}, reverse=True)
        return self._first_slot(port, zone_id, count, [latest, *(m for m in others if m < latest)])

    def _slot_after(self, port: Port, zone_id: str, count: int, earliest: datetime) -> _Slot:
        """Find the first time, not before `earliest`, at which so many tracks are free."""
        others = sorted({t.leaves + hours(CONVOY_GAP_H[0]) for t in self._booked(port, zone_id)})
        return self._first_slot(port, zone_id, count, [earliest, *(m for m in others if m > earliest)])

    def _first_slot(self, port: Port, zone_id: str, count: int, moments: Sequence[datetime]) -> _Slot:
        slots = (_Slot(m, self._free_tracks(port, zone_id, m)) for m in moments)
        return next(slot for slot in slots if len(slot.tracks) >= count)

    def _free_tracks(self, port: Port, zone_id: str, arrives: datetime) -> list[int]:
        """List the tracks on which nothing else stands during a stay and the gaps around it."""
        gap = hours(CONVOY_GAP_H[0])
        begin, end = arrives - gap, arrives + hours(STAY_H) + gap
        taken = {t.track for t in self._booked(port, zone_id) if t.arrives < end and begin < t.leaves}
        return [k for k in range(tracks_of(port.tracks[zone_id])) if k not in taken]

    def _booked(self, port: Port, zone_id: str) -> list[Train]:
        return [t for t in self.trains if t.site_id == port.site_id and t.zone_id == zone_id]


def _convoys(bundle: Strip, boxes: int) -> list[list[int]]:
    """Split containers into trainloads, and those into convoys that stand there together."""
    most = cars_on(bundle) * BOXES_PER_CAR
    trains = [most] * (boxes // most) + ([boxes % most] if boxes % most else [])
    parallel = tracks_of(bundle)
    return [trains[k : k + parallel] for k in range(0, len(trains), parallel)]


def _work(train: Train) -> tuple[datetime, datetime]:
    """When a train is loaded or unloaded."""
    begins = train.arrives + hours(1)
    return begins, begins + hours(HANDLING_H)
