"""Which optical images a site's empty look is learnt from: clear ones, spread over a year.

As radar's epochs, these follow from the list of scenes alone. Optical images come more often and mostly
under cloud, so the clear ones are taken, and of many a sample. It is drawn by a hash of the ids: spread
over the year whatever the calendar, and a late scene changes one member at most.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from tasks.science.epochs import MEMORY, Epoch, Moment, quarter_of

CLEAR_PERCENT = 40.0
"""Cloud cover up to which a scene may be a member; what it has is masked in it anyway."""

ENOUGH_CLEAR = 16
"""Members that the start of an archive gathers from what follows; half of a scene may be under cloud."""

SEASONS = timedelta(days=180)
"""What the members span at least, where the archive goes on that far: ground that was learnt under snow alone
told nothing of a yard from April to June."""

MOST_CLEAR = 32
"""Members at most: a year of daily images at 3 m would be 150, and 1 GB."""


def clear_epochs(scenes: Sequence[Moment]) -> list[Epoch]:
    """List every epoch that the optical scenes of one collection need, in order; orbits share it."""
    return [clear_members(scenes, quarter) for quarter in sorted({quarter_of(s.acquired) for s in scenes})]


def clear_members(scenes: Sequence[Moment], quarter: datetime) -> Epoch:
    """Choose the scenes from which an epoch is estimated.

    The clear scenes of the year before the quarter; where these are fewer than `ENOUGH_CLEAR`, or span less
    than `SEASONS`, the next ones of the year that follows are added until they do; of more than `MOST_CLEAR`
    a sample. A scene whose cloud cover nobody tells counts as clear.
    """
    near = [s for s in scenes if quarter - MEMORY <= s.acquired < quarter + MEMORY and _is_clear(s)]
    near.sort(key=lambda s: (s.acquired, s.scene_id))
    past = sum(s.acquired < quarter for s in near)
    until = near[0].acquired + SEASONS if near else quarter
    pool = near[: max(past, ENOUGH_CLEAR, sum(s.acquired < until for s in near))]
    drawn = sorted(pool, key=lambda s: hashlib.sha256(s.scene_id.encode()).digest())[:MOST_CLEAR]
    members = sorted(drawn, key=lambda s: (s.acquired, s.scene_id))
    settled = past >= ENOUGH_CLEAR and quarter >= until
    return Epoch(quarter, 0, tuple(s.scene_id for s in members), settled)


def _is_clear(scene: Moment) -> bool:
    return scene.cloud_cover is None or scene.cloud_cover <= CLEAR_PERCENT
