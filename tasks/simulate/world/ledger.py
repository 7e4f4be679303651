"""Where every container is: what leaves one place arrives at another, and nothing else happens.

A place is a yard, a ship, a train, the railway to a depot, a depot, a port elsewhere or a hinterland; its
name begins with the kind (``yard:SITE/ZONE``, ``hinterland:NAME``). Containers move in transfers, one by
one at a steady pace, so the count at any place and moment is a whole number, and the sum over all
places never changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property


@dataclass(frozen=True)
class Transfer:
    """Containers on the move from one place to another."""

    source: str
    target: str
    boxes: int

    start: datetime
    end: datetime
    """After `start`; equal for a move that takes no time."""

    def done(self, moment: datetime) -> int:
        """Count the containers that have moved by a moment."""
        if moment < self.start:
            return 0
        if moment >= self.end:
            return self.boxes
        return int(self.boxes * ((moment - self.start) / (self.end - self.start)))


@dataclass(frozen=True)
class Ledger:
    """All transfers of a world, and what each place began with."""

    opening: Mapping[str, int]
    transfers: tuple[Transfer, ...]

    @cached_property
    def places(self) -> tuple[str, ...]:
        """Every place that is ever named, sorted."""
        named = {p for t in self.transfers for p in (t.source, t.target)}
        return tuple(sorted(named | set(self.opening)))

    @cached_property
    def _by_place(self) -> dict[str, list[tuple[int, Transfer]]]:
        found: dict[str, list[tuple[int, Transfer]]] = defaultdict(list)
        for move in self.transfers:
            found[move.source].append((-1, move))
            found[move.target].append((1, move))
        return found

    def stock(self, place: str, moment: datetime) -> int:
        """Count the containers at a place."""
        moved = sum(sign * move.done(moment) for sign, move in self._by_place.get(place, ()))
        return self.opening.get(place, 0) + moved

    def moments(self, place: str) -> list[datetime]:
        """Moments at which the pace at a place changes, in order: its stock is linear between them."""
        return sorted({m for _, move in self._by_place.get(place, ()) for m in (move.start, move.end)})

    def emptied(self, place: str, moment: datetime) -> int:
        """Count how often a place has become empty by a moment: after that, its containers are others."""
        changes = [m for m in self.moments(place) if m <= moment]
        return sum(self.stock(place, m) == 0 for m in changes)


def overdrawn(ledger: Ledger, places: Iterable[str] | None = None) -> list[tuple[str, datetime, int]]:
    """List the places that would hold less than nothing, with moment and stock; empty if all is well.

    For the tests of scenarios: a world is made so that the list is empty, and nothing else asks.
    """
    return [
        (place, moment, stock)
        for place in (ledger.places if places is None else places)
        for moment in ledger.moments(place)
        if (stock := ledger.stock(place, moment)) < 0
    ]
