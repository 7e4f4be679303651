"""One job of an ingest: a few passes read, judged, mosaicked and written by one worker.

What workers need and no more: a job that lay beside Dask and Xarray had every worker import them, 0.6 s of
CPU before it compared its first pixel.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import chain
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox

from tasks.archive.ledger import ArchivedScene
from tasks.archive.numbers import conform, is_data, mosaic
from tasks.archive.schema import band_arrays, box_of, open_group, stored_assets
from tasks.archive.shards import read_plane, write_plane
from tasks.archive.store import ArchiveRef, read_session
from tasks.errors import BareError, SceneError
from tasks.model import BandAsset, Delivery, Pass, Rejection, SceneRef, pass_id

Planes = dict[str, npt.NDArray[Any]]

PASSES_PER_JOB = 4
"""Passes that one worker reads and writes in one go: 0.3 to 3 s of work, so a scheduler keeps up. Eight cost
no less: two workers then wait for each other."""


class Source(Protocol):
    """Where pixels come from and who judges them; crosses process borders."""

    def read(self, scenes: Sequence[SceneRef], box: GeoBox) -> Iterator[tuple[SceneRef, Planes | SceneError]]:
        """Read every band of every scene on a grid, in order; what fails comes as its error.

        Nothing is read before the first is asked for.
        """
        ...

    def compared(self, bands: Sequence[BandAsset]) -> list[str]:
        """Name the bands in which passes are compared with other dates."""
        ...

    def reference(self, dates: Sequence[Planes], bands: Sequence[BandAsset]) -> Any:
        """Prepare what new passes are compared with from those bands of a few dates of the same orbit."""
        ...

    def inspect(self, planes: Planes, bands: Sequence[BandAsset], reference: Any) -> None:
        """Judge a scene in the archive's numbers; raises SceneError if it is not fit."""
        ...


@dataclass(frozen=True)
class Slot:
    """Where a pass goes."""

    number: int
    scenes: Pass
    before: tuple[Delivery, ...] = ()
    """What the slot holds now."""

    @property
    def orbit(self) -> int:
        """Relative orbit of the pass."""
        return self.scenes[0].orbit


@dataclass(frozen=True)
class Job:
    """A few slots for one worker."""

    fork: Any
    collection: str
    slots: tuple[Slot, ...]
    references: Mapping[int, Any]
    """By orbit, what passes are compared with."""


@dataclass(frozen=True)
class Written:
    """One pass that a worker has put into its slot."""

    slot: Slot
    scenes: Pass
    """Those of its tiles that could be read."""

    valid_share: float
    compared: bool
    """Whether there was a stack to compare it with."""


def count_jobs(slots: Sequence[Slot]) -> int:
    """Count the jobs that `cut_jobs` makes of some slots."""
    return -(-len(slots) // PASSES_PER_JOB)


def cut_jobs(
    forks: Iterator[Any], collection: str, slots: Sequence[Slot], references: Mapping[int, Any]
) -> list[Job]:
    """Cut slots into jobs, each with a fork of the session and what its passes are compared with."""
    jobs = []
    for k in range(0, len(slots), PASSES_PER_JOB):
        part = tuple(slots[k : k + PASSES_PER_JOB])
        needed = {orbit: references[orbit] for orbit in {s.orbit for s in part} if orbit in references}
        jobs.append(Job(next(forks), collection, part, needed))
    return jobs


def write_job(job: Job, source: Source) -> tuple[Any, list[Written], list[Rejection]]:
    """Write whole shards of a few dates; runs on a worker and returns its fork for merging.

    A scene that is not fit gives way to the newest older delivery of it that is.
    """
    cube, slots = open_group(job.fork.store, mode="a", path=job.collection), job.slots
    arrays = band_arrays(cube)
    assets = stored_assets(arrays)
    written: list[Written] = []
    rejected: list[Rejection] = []
    box = box_of(cube)
    arriving = source.read([scene for slot in slots for scene in slot.scenes], box)
    for slot in slots:
        reference = job.references.get(slot.orbit)
        tiles: list[Planes] = []
        scenes: list[SceneRef] = []
        for scene, planes in (next(arriving) for _ in slot.scenes):
            older = source.read(scene.older, box)  # not begun unless the newest is not fit
            for one, content in chain([(scene, planes)], older):
                try:
                    if isinstance(content, SceneError):
                        raise content
                    tile = conform(one.bands, content, assets)
                    source.inspect(tile, list(assets.values()), reference)
                except SceneError as fault:
                    bare = isinstance(fault, BareError)
                    rejected.append(Rejection(one.scene_id, str(fault), fault.permanent, bare))
                    continue
                tiles.append(tile)
                scenes.append(one)
                break
        if _nothing_new(slot, scenes):
            continue
        if missing := _uncovered(slot.before, scenes):
            rejected += _left(slot, scenes, missing)
        elif tiles:
            share = _write_pass(arrays, slot.number, mosaic(tiles))
            written.append(Written(slot, tuple(scenes), share, reference is not None))
    return job.fork, written, rejected


def compare_job(
    ref: ArchiveRef,
    snapshot: str,
    collection: str,
    passes: Sequence[ArchivedScene],
    source: Source,
    reference: Any,
) -> dict[int, str]:
    """Compare archived passes with others of their orbit; gives reasons by slot of those that do not fit."""
    cube = open_group(read_session(ref, snapshot).store, mode="r", path=collection)
    arrays = band_arrays(cube)
    assets = list(stored_assets(arrays).values())
    arrays = {name: arrays[name] for name in source.compared(assets)}
    unfit = {}
    for one in passes:
        planes = {name: read_plane(a, one.slot, one.scene_id, ref.site_id) for name, a in arrays.items()}
        try:
            source.inspect(planes, assets, reference)
        except SceneError as fault:
            unfit[one.slot] = str(fault)
    return unfit


def _uncovered(held: Sequence[Delivery], scenes: Sequence[SceneRef]) -> list[str]:
    """List what a slot holds and what was read has not, as good or newer: writing it anew would lose that."""
    read = {s.acquisition: (s.processing, s.scene_id) for s in scenes}
    return [d.scene_id for d in held if read.get(d.acquisition, ("", "")) < (d.processing, d.scene_id)]


def _nothing_new(slot: Slot, scenes: Sequence[SceneRef]) -> bool:
    """Whether older deliveries had to do where newer are listed, and the slot holds all of them."""
    fell_back = any(one not in slot.scenes for one in scenes)
    return fell_back and {s.delivery for s in scenes} <= set(slot.before)


def _left(slot: Slot, scenes: Sequence[SceneRef], missing: Sequence[str]) -> list[Rejection]:
    """Say of tiles that were read that they stay out, because the slot stays as it is."""
    held = {d.scene_id for d in slot.before}
    reason = (
        f"its date is archived with {', '.join(missing)}, which cannot be read in that or a newer delivery; "
        "the date stays as it is"
    )
    return [Rejection(s.scene_id, reason, permanent=False) for s in scenes if s.scene_id not in held]


def _write_pass(arrays: Mapping[str, Any], slot: int, planes: Planes) -> float:
    """Write every band of a date, those without data too; returns the share of pixels seen."""
    for name, array in arrays.items():
        empty = np.broadcast_to(np.asarray(array.fill_value, array.dtype), array.shape[1:])
        write_plane(array, slot, planes.get(name, empty))
    seen = is_data(next(iter(planes.values())))
    return np.count_nonzero(seen) / seen.size


def coordinates_of(written: Written) -> dict[str, Any]:
    """Give a pass's coordinates along time, by name."""
    scenes = written.scenes
    first = scenes[0]
    clouds = [s.cloud_cover for s in scenes if s.cloud_cover is not None]
    return {
        "time": int(min(s.acquired for s in scenes).timestamp()),
        "scene_id": pass_id(scenes),
        "platform": first.platform,
        "direction": first.direction,
        "processing": " ".join(s.processing for s in scenes),
        "deliveries": json.dumps([astuple(s.delivery) for s in scenes]),
        "orbit": first.orbit,
        "cloud_cover": float(np.mean(clouds)) if clouds else np.nan,
        "valid_share": written.valid_share,
        "compared": int(written.compared),
    }
