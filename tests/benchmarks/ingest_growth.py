"""Whether a date, and a site, costs the same however many there are already.

Runs on small images on local disk: what a date costs is decoding and writing plus upkeep, and it is the
upkeep that could grow.
"""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from distributed import SchedulerPlugin
from odc.geo.geobox import GeoBox

from flows.cluster import workers
from tasks.archive.cube import CubeSpec, add_scenes
from tasks.archive.ledger import read_ledger
from tasks.archive.store import ArchiveRef, archive_ref, read_session
from tasks.catalog.records import scene_record
from tasks.model import SceneRef
from tests.benchmarks.ingest_archive import BANDS, CHIPS, COLLECTION, make_item, write_catalog
from tests.benchmarks.ingest_meter import Cost, metered
from tests.benchmarks.ingest_ways import Job, ingest, stored_mb

BATCH = 10
"""Dates of the batch whose cost is compared at several sizes of archive."""


class TaskCount(SchedulerPlugin):
    """Counts the tasks that a scheduler sends to its workers."""

    name = "task-count"

    def __init__(self) -> None:
        self.count = 0

    def transition(self, *change: Any, **_: Any) -> None:
        """Count one task when it is handed out."""
        self.count += change[2] == "processing"


@contextmanager
def counting(executor: Any) -> Iterator[Callable[[], int]]:
    """Count the tasks of a Dask executor; gives a function that tells how many since."""
    client = executor._client

    def asked(dask_scheduler: Any) -> int:
        count: int = dask_scheduler.plugins[TaskCount.name].count
        return count

    client.register_plugin(TaskCount())
    yield lambda: int(client.run_on_scheduler(asked))
    client.unregister_scheduler_plugin(TaskCount.name)


@dataclass(frozen=True)
class Chips:
    """A folder of small images, and catalogues of any of their dates."""

    images: Path
    work: Path

    def job(self, numbers: range, archive: Path) -> Job:
        """Put some dates into an archive; their catalogue lists no others."""
        folder = self.work / "catalogs" / f"{numbers.start}-{numbers.stop}"
        path = folder / "collection.json"
        if not path.exists():
            write_catalog(folder, CHIPS, str(self.images), numbers)
        return Job(CHIPS, path, numbers, archive)


def fill(chips: Chips, size: int, executor: Executor) -> Cost:
    """Fill an archive of its own with `size` dates."""
    request = chips.job(range(size), chips.work / f"of-{size}").request()
    with metered(memory=False) as cost:
        ingest(request, executor)
    assert len(read_ledger(archive_ref(request)).scenes) == size
    return cost


def add(chips: Chips, size: int, count: int, executor: Executor) -> Cost:
    """Add `count` dates to a copy of the archive of `size` dates."""
    copy = chips.work / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    # Links will do: what an archive holds is never written over, its branch's head is replaced by a new file.
    shutil.copytree(chips.work / f"of-{size}", copy, copy_function=os.link)
    request = chips.job(range(size, size + count), copy).request()
    with metered(memory=False) as cost:
        ingest(request, executor)
    assert len(read_ledger(archive_ref(request)).scenes) == size + count
    return cost


@dataclass(frozen=True)
class Grown:
    """What a date costs at each size of archive."""

    sizes: tuple[int, ...]
    filling: dict[int, Cost]
    tasks_per_date: float
    batch: dict[int, list[Cost]]
    """Of adding `BATCH` dates."""

    one: dict[int, list[Cost]]
    """Of adding one date."""

    open_s: float

    @property
    def flatness(self) -> list[float]:
        """CPU per added date at the greatest size over that at the smallest, a value for every repeat."""
        return ratios(self.batch[self.sizes[-1]], self.batch[self.sizes[0]])

    @property
    def appending(self) -> list[float]:
        """The same of adding one date."""
        return ratios(self.one[self.sizes[-1]], self.one[self.sizes[0]])


def ratios(above: Sequence[Cost], below: Sequence[Cost]) -> list[float]:
    """CPU of runs made in pairs, one over the other."""
    return [a.cpu_s / b.cpu_s for a, b in zip(above, below, strict=True)]


def grow(chips: Chips, sizes: tuple[int, ...], repeats: int) -> Grown:
    """Fill archives of several sizes and add to each in turn."""
    with workers("local", 0) as executor:
        ingest(chips.job(range(16), chips.work / "first").request(), executor)  # imports
        filling = {size: fill(chips, size, executor) for size in sizes[:-1]}
        with counting(executor) as tasks:
            filling[sizes[-1]] = fill(chips, sizes[-1], executor)
            tasks_per_date = tasks() / sizes[-1]
    batch: dict[int, list[Cost]] = {size: [] for size in sizes}
    one: dict[int, list[Cost]] = {size: [] for size in sizes}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for repeat in range(repeats + 1):
            for size in sizes:
                costs = add(chips, size, BATCH, pool), add(chips, size, 1, pool)
                if repeat:  # the first has imports to do
                    batch[size].append(costs[0])
                    one[size].append(costs[1])
    request = chips.job(range(sizes[-1]), chips.work / f"of-{sizes[-1]}").request()
    return Grown(sizes, filling, tasks_per_date, batch, one, open_s(archive_ref(request)))


def open_s(ref: ArchiveRef, repeats: int = 7) -> float:
    """Median seconds of opening a cube with nothing but xarray."""
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        session = read_session(ref)
        xr.open_zarr(session.store, group=COLLECTION, consolidated=False, mask_and_scale=False)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def sites(chips: Chips, count: int, dates: int) -> list[Cost]:
    """Fill one repository after another in one archive; what each cost."""
    job, costs = chips.job(range(dates), chips.work / "sites"), []
    with workers("local", 0) as executor:
        for number in range(-1, count):  # the first has imports to do
            with metered(memory=False) as cost:
                ingest(job.request(f"site{number:03d}"), executor)
            costs.append(cost)
    return costs[1:]


class Flat:
    """Scenes of little content, for runs in which only the upkeep matters.

    Not of none: what compresses to less than 512 bytes Icechunk keeps in the manifest.
    """

    def read(self, scenes: Sequence[SceneRef], box: GeoBox) -> Iterator[tuple[SceneRef, dict[str, Any]]]:
        """Make the planes."""
        for scene in scenes:
            rng = np.random.default_rng(scene.acquired.toordinal())
            plane = np.full(box.shape, 3000, "uint16")
            plane[::128] += rng.integers(0, 999, plane[::128].shape, "uint16")
            yield scene, {band.name: plane for band in scene.bands}

    def compared(self, bands: Any) -> list[str]:
        """Compare no band."""
        return [band.name for band in bands[:0]]

    def reference(self, dates: Any, bands: Any) -> None:
        """Compare with nothing."""

    def inspect(self, planes: Any, bands: Any, reference: Any) -> None:
        """Find nothing."""


@dataclass(frozen=True)
class Upkeep:
    """What many small commits leave behind."""

    commits: int
    manifests_mb: float
    chunks_mb: float
    all_mb: float
    first_cpu_s: float
    """Median of the first tenth of the commits."""

    last_cpu_s: float


def commit_singly(work: Path, commits: int, side_px: int = 1024) -> Upkeep:
    """Put one date after another into an archive, each in a commit of its own."""
    box = replace(CHIPS, window=(0, 0, side_px)).box
    spec = CubeSpec(box, dict.fromkeys(BANDS, ("uint16", "reflectance")))
    ref, taken = ArchiveRef(str(work / "singly"), "bench"), []
    with ThreadPoolExecutor(1) as pool:
        for number in range(commits):
            scene = scene_record(make_item(CHIPS, str(work), number))
            began = time.process_time()
            add_scenes(ref, COLLECTION, [scene], spec, Flat(), pool)
            taken.append(time.process_time() - began)
    tenth = max(commits // 10, 1)
    return Upkeep(
        commits,
        stored_mb(ref.path / "manifests"),
        stored_mb(ref.path / "chunks"),
        stored_mb(ref.path),
        statistics.median(taken[:tenth]),
        statistics.median(taken[-tenth:]),
    )
