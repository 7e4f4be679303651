"""Read everything back and hold it against its checksums.

Nothing else would notice: without reading, a flipped bit lies quietly for years. What is found is
named by what it belongs to, for only that can be mended: a scene is fetched again, a background is
estimated again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tasks.archive.backgrounds import GROUP, name_of, planes_of
from tasks.archive.damage import DAMAGE, DamagedError, first_line
from tasks.archive.schema import COORDINATES, bands_of, open_group
from tasks.archive.shards import read_plane
from tasks.archive.store import ArchiveRef, open_root, read_session

SLOTS_PER_JOB = 32
"""Dates that one job reads back: about a second of work."""

AXES = ("x", "y", "spatial_ref")


@dataclass(frozen=True, order=True)
class Damage:
    """One thing that cannot be read back as it was written."""

    collection: str

    what: str
    """``scene``, ``background`` or ``coordinates``."""

    name: str
    """Scene id, quarter and orbit of a background, or name of a coordinate."""

    array: str
    """Band, plane or coordinate."""

    reason: str


@dataclass(frozen=True)
class Verified:
    """What reading a repository back has shown."""

    snapshot: str
    planes: int
    """Planes read: one per date and band, and those of the backgrounds."""

    damaged: tuple[Damage, ...]

    @property
    def scenes(self) -> frozenset[str]:
        """Ids of the damaged scenes."""
        return frozenset(d.name for d in self.damaged if d.what == "scene")

    @property
    def backgrounds(self) -> dict[str, list[str]]:
        """Names of the damaged backgrounds, by collection."""
        found: dict[str, list[str]] = {}
        for damage in self.damaged:
            if damage.what == "background":
                found.setdefault(damage.collection, []).append(damage.name)
        return found


def verify_repository(
    ref: ArchiveRef,
    executor: Executor,
    snapshot: str | None = None,
    expect: Callable[[int], None] = lambda _: None,
    advance: Callable[[int], None] = lambda _: None,
) -> Verified:
    """Read every chunk of a site's repository at one snapshot.

    Parameters
    ----------
    ref
        Which repository.
    executor
        Where the reading is done.
    snapshot
        State to read; None for the newest.
    expect, advance
        Called with the number of planes there are, and with those read.

    Raises
    ------
    ArchiveError
        If the repository cannot be opened at all.
    """
    session = read_session(ref, snapshot)
    at = str(session.snapshot_id)
    root = open_root(ref, session)
    if root is None:
        return Verified(at, 0, ())
    cubes = dict(root.groups())
    damaged: list[Damage] = []
    jobs: list[tuple[str, str, tuple[tuple[int, str], ...]]] = []
    for collection, cube in cubes.items():
        damaged += _damaged_columns(collection, cube, (*COORDINATES, *AXES))
        jobs += _jobs(collection, bands_of(cube), list(_slots(cube, "scene_id")))
        if GROUP in cube:
            damaged += _damaged_columns(collection, cube[GROUP], ("quarter", "orbit", "digest", "members"))
            jobs += _jobs(f"{collection}/{GROUP}", planes_of(cube[GROUP]), list(_backgrounds(cube[GROUP])))
    planes = sum(len(part) for _, _, part in jobs)
    expect(planes)
    futures = {executor.submit(_read_back, ref, at, *job): len(job[2]) for job in jobs}
    for future in as_completed(futures):
        damaged += future.result()
        advance(futures[future])
    return Verified(at, planes, tuple(sorted(damaged)))


def _jobs(
    path: str, arrays: Iterable[str], slots: Sequence[tuple[int, str]]
) -> Iterator[tuple[str, str, tuple[tuple[int, str], ...]]]:
    for name in arrays:
        for k in range(0, len(slots), SLOTS_PER_JOB):
            yield path, name, tuple(slots[k : k + SLOTS_PER_JOB])


def _slots(cube: Any, column: str) -> Iterator[tuple[int, str]]:
    try:
        ids = cube[column][:]
    except DAMAGE:  # said already; the planes are read back all the same
        ids = [f"slot {k}" for k in range(cube[column].shape[0])]
    yield from ((slot, str(one)) for slot, one in enumerate(ids) if one)


def _backgrounds(group: Any) -> Iterator[tuple[int, str]]:
    for slot, _ in _slots(group, "digest"):
        try:
            quarter = datetime.fromtimestamp(int(group["quarter"][slot]), UTC)
            yield slot, name_of(quarter, int(group["orbit"][slot]))
        except DAMAGE:
            yield slot, f"slot {slot}"


def _damaged_columns(collection: str, group: Any, names: Sequence[str]) -> Iterator[Damage]:
    for name in names:
        if name not in group:
            continue
        try:
            group[name][...]
        except DAMAGE as fault:
            yield Damage(collection, "coordinates", name, name, first_line(fault))


def _read_back(
    ref: ArchiveRef, snapshot: str, path: str, name: str, slots: Sequence[tuple[int, str]]
) -> list[Damage]:
    collection, _, background = path.partition("/")
    array = open_group(read_session(ref, snapshot).store, mode="r", path=path)[name]
    found = []
    for slot, owner in slots:
        try:
            read_plane(array, slot, owner, ref.site_id)
        except DamagedError as fault:
            reason = first_line(fault.__cause__ or fault)
            found.append(Damage(collection, "background" if background else "scene", owner, name, reason))
    return found
