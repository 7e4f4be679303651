"""Which scenes a site's memory is made of: frozen epochs.

An epoch is one orbit in one quarter; its members follow from the list of scenes alone, by the
rule in `epoch_members`. So whatever the order in which scenes arrive, the same archive has the
same backgrounds and the same looks; and once a quarter has its year of past, nothing later can
change it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MEMORY = timedelta(days=365)
"""How far back an epoch looks: one cycle of seasons."""

MIN_SCENES = 8
"""Scenes of its own below which an orbit borrows: the 20th percentile is then the second lowest, not
the lowest."""

ENOUGH_SCENES = 16
"""Scenes that the start of an archive gathers: with eight, what is bright on two dates in three still
passed for a vessel now and then (basin of Latakia, 2022: two more a look)."""


@dataclass(frozen=True)
class Moment:
    """One scene as far as epochs need to know it."""

    scene_id: str
    acquired: datetime
    orbit: int

    cloud_cover: float | None = None
    """Percent, as delivered; None for radar and where nobody tells."""


@dataclass(frozen=True, order=True)
class Epoch:
    """One background: which looks it serves and which scenes it comes from."""

    quarter: datetime
    """First day of the quarter, UTC."""

    orbit: int

    members: tuple[str, ...]
    """Scene ids, in order of acquisition."""

    settled: bool
    """True once no later scene can change the members."""

    @property
    def digest(self) -> str:
        """Hash of the epoch's identity and members."""
        text = "\n".join((self.quarter.isoformat(), str(self.orbit), *self.members))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def quarter_of(moment: datetime) -> datetime:
    """First day of a moment's quarter.

    Examples
    --------
    >>> quarter_of(datetime(2023, 12, 9, 4, tzinfo=UTC)).date().isoformat()
    '2023-10-01'
    """
    return datetime(moment.year, 3 * ((moment.month - 1) // 3) + 1, 1, tzinfo=UTC)


def epochs_of(scenes: Sequence[Moment]) -> list[Epoch]:
    """List every epoch that the scenes of one collection need, in order."""
    keys = sorted({(quarter_of(s.acquired), s.orbit) for s in scenes})
    return [epoch_members(scenes, quarter, orbit) for quarter, orbit in keys]


def epoch_members(scenes: Sequence[Moment], quarter: datetime, orbit: int) -> Epoch:
    """Choose the scenes from which an epoch is estimated.

    The scenes of the same orbit in the year before the quarter. Where these are fewer than
    `ENOUGH_SCENES` (the start of an archive, a rare orbit), the next ones of the year that follows are
    added until there are enough. An orbit with fewer than `MIN_SCENES` borrows those of all orbits by
    the same rule: a breakwater is bright from any side.
    """
    ordered = sorted(scenes, key=lambda s: (s.acquired, s.scene_id))
    members = _recent([s for s in ordered if s.orbit == orbit], quarter)
    own = len(members) >= MIN_SCENES
    if not own:
        members = _recent(ordered, quarter)
    settled = own and len(members) >= ENOUGH_SCENES
    return Epoch(quarter, orbit, tuple(s.scene_id for s in members), settled)


def _recent(pool: Sequence[Moment], quarter: datetime) -> list[Moment]:
    near = [s for s in pool if quarter - MEMORY <= s.acquired < quarter + MEMORY]
    past = sum(s.acquired < quarter for s in near)
    return near[: max(past, ENOUGH_SCENES)]
