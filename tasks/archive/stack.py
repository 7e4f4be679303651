"""What the passes of a batch are compared with: a few dates of their orbit that are archived already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from tasks.archive.damage import DamagedError
from tasks.archive.jobs import Slot, Source
from tasks.archive.ledger import ArchivedScene
from tasks.archive.schema import band_arrays, stored_assets
from tasks.archive.shards import read_plane
from tasks.archive.store import ArchiveRef

STACK = 5
"""Dates whose median new passes are compared with, no fewer: two displaced among them do no harm."""


def references_of(
    ref: ArchiveRef, cube: Any, archived: Sequence[ArchivedScene], slots: Sequence[Slot], source: Source
) -> dict[int, Any]:
    """By orbit, what the passes of a batch are compared with; orbits with too few dates have none.

    Read once for a batch and sent along with every job: reading it where it is used took longer than
    reading the scenes.
    """
    renewed = {slot.number for slot in slots}
    found = {}
    for orbit in sorted({slot.orbit for slot in slots}):
        if not comparable(cube, orbit):
            continue
        times = sorted(s.scenes[0].acquired for s in slots if s.orbit == orbit)
        stack = [a for a in archived if a.orbit == orbit and a.slot not in renewed]
        if len(stack) >= STACK:
            reference = reference_of(ref, cube, stack, times[len(times) // 2], source)
            if reference is not None:
                found[orbit] = reference
    return found


def comparable(cube: Any, orbit: int) -> bool:
    """Tell whether dates of an orbit lie on one another: where radar's is not known (0) they need not.

    Seen from another track, ground of another height lies elsewhere: 6 pixels at Latakia.
    """
    units = {array.attrs["units"] for array in band_arrays(cube).values()}
    return orbit != 0 or "reflectance" in units


def reference_of(
    ref: ArchiveRef, cube: Any, dates: Sequence[ArchivedScene], middle: datetime, source: Source
) -> Any:
    """Prepare a reference from the `STACK` sound dates that are nearest to a moment; None if there are fewer.

    A damaged date is passed over: else it would keep out what is new, and damaged dates one another's repair.
    """
    arrays = band_arrays(cube)
    assets = list(stored_assets(arrays).values())
    arrays = {name: arrays[name] for name in source.compared(assets)}
    nearest = iter(sorted(dates, key=lambda a: (abs(a.acquired - middle), a.scene_id)))
    sound: dict[int, dict[str, Any]] = {}
    while len(sound) < STACK and (one := next(nearest, None)) is not None:
        with suppress(DamagedError):
            sound[one.slot] = {
                name: read_plane(array, one.slot, one.scene_id, ref.site_id) for name, array in arrays.items()
            }
    if len(sound) < STACK:
        return None
    return source.reference([planes for _, planes in sorted(sound.items())], assets)


def waves(
    slots: Sequence[Slot], archived: Sequence[ArchivedScene], references: Mapping[int, Any]
) -> tuple[list[Slot], list[Slot]]:
    """Part a batch: of an orbit without a stack, the dates that are to be it go first, and the rest then.

    Else the whole first batch of an archive would be written uncompared and read back in order to be.
    """
    renewed = {slot.number for slot in slots}
    ahead = Counter(a.orbit for a in archived if a.slot not in renewed)
    total = ahead + Counter(slot.orbit for slot in slots)
    first: list[Slot] = []
    then: list[Slot] = []
    for slot in slots:
        settled = slot.orbit in references or total[slot.orbit] <= STACK
        ahead[slot.orbit] += 1
        (first if settled or ahead[slot.orbit] <= STACK else then).append(slot)
    return first, then
