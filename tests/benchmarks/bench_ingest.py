"""What ingest costs, against what anybody would write and against the least there is.

Draws an archive of 60 dates (three bands, 4000² pixels), serves it with the latency of an object store, and
fills a cube with the 1000² pixels of a port: with odc-stac, with rasterio, and as ``roadstead backfill``
does. The ways take turns, so that a busy machine is busy for all of them, and are compared round by round.
Then it asks whether a date and a site cost the same however many there are. CPU is of the client and its
workers, without the start of the cluster and without imports.

    python -m tests.benchmarks.bench_ingest [--quick] [--images FOLDER]
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.benchmarks.ingest_report import (
    ODC,
    OURS,
    RASTERIO,
    Figure,
    Minimum,
    Run,
    as_row,
    judged,
    report,
    spread,
)

if TYPE_CHECKING:
    from tests.benchmarks.ingest_server import Store
    from tests.benchmarks.ingest_ways import Job

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / ".benchmarks" / "ingest"

DRAWN = 20
"""Dates that are drawn; the others are links to them."""

WARM = 8
"""Further dates, which every way is given before the clock runs: enough to have both workers import all."""


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    dates: int = 60
    rounds: int = 3
    sizes: tuple[int, ...] = (10, 100, 1000)
    repeats: int = 7
    sites: int = 50
    commits: int = 300


FULL = Scale()
QUICK = Scale(12, 2, (10, 100), 3, 6, 40)
"""To see that it runs; its figures mean little."""


def least(images: Path, dates: int) -> Minimum:
    """Tiles of every file that the port's window meets."""
    from tests.benchmarks.ingest_archive import BANDS, SCENES, joined, tiles_of

    files = [images / band / f"{number:04d}.tif" for number in range(dates) for band in BANDS]
    tiles = {path: tiles_of(path, SCENES) for path in files}
    ranges = [part for path in files for part in joined(tiles[path])]
    return Minimum(files, ranges, sum(part.size for parts in tiles.values() for part in parts))


def limits(store: Store, images: Path, minimum: Minimum) -> list[Run]:
    """What moving the bytes costs alone, and what decoding them costs alone."""
    from tests.benchmarks.ingest_archive import SCENES
    from tests.benchmarks.ingest_meter import metered
    from tests.benchmarks.ingest_ways import decode_tiles, digest, move_bytes

    move_bytes(minimum.ranges[:1], images, store.url)
    store.record()
    with metered([store.pid]) as cost:
        move_bytes(minimum.ranges, images, store.url)
    moved = _run("limit: bytes only", cost, store, minimum)
    spent: list[float] = []

    def planes() -> Iterator[Any]:
        for seconds, plane in decode_tiles(minimum.files, SCENES):
            spent.append(seconds)
            yield plane

    began, pixels = time.perf_counter(), digest(planes())
    wall_s = time.perf_counter() - began
    return [moved, Run("limit: decoding only (GDAL, in memory)", wall_s, sum(spent), pixels=pixels)]


def _run(way: str, cost: Any, store: Store, minimum: Minimum, stored: float = 0, pixels: str = "") -> Run:
    record = store.record()
    count = len(minimum.files)
    return Run(
        way,
        cost.wall_s,
        cost.cpu_s,
        cost.peak_mb,
        len(record.asked) / count,
        record.heads / count,
        record.moved / minimum.size,
        record.most_in_flight,
        stored,
        pixels,
    )


@contextmanager
def our_workers(job: Job) -> Iterator[Any]:
    """Open what `--cluster local` opens."""
    from flows.chain import megapixels
    from flows.cluster import workers
    from tasks.discover import plan

    with workers("local", megapixels(job.request(), plan(job.request()))) as executor:
        yield executor


def contenders() -> dict[str, tuple[Callable[..., Any], Callable[..., Any], Callable[[Job], str]]]:
    """By name: what opens the workers, what does the work, and what tells the pixels."""
    from tests.benchmarks import ingest_ways as ways

    def many(_: Job) -> Any:
        return ways.many_threads()

    def by_chunk(job: Job, client: Any) -> None:
        ways.odc_to_zarr(job, client, sharded=False)

    return {
        ODC[0]: (many, by_chunk, ways.zarr_digest),
        ODC[1]: (many, ways.odc_to_zarr, ways.zarr_digest),
        RASTERIO: (many, ways.rasterio_to_zarr, ways.zarr_digest),
        OURS: (our_workers, ways.ours, ways.our_digest),
    }


def compete(
    store: Store, catalog: Path, minimum: Minimum, scale: Scale, work: Path, only: str = ""
) -> list[Run]:
    """Let every way fill its store, in turns."""
    from tests.benchmarks.ingest_archive import SCENES
    from tests.benchmarks.ingest_meter import metered
    from tests.benchmarks.ingest_ways import Job, stored_mb

    runs = []
    for _ in range(scale.rounds):
        for way, (opened, fill, pixels) in contenders().items():
            if only not in way:
                continue
            job = Job(SCENES, catalog, range(scale.dates), work / "store")
            warm = job.beyond(WARM)
            with opened(job) as cluster:
                fill(warm, cluster)
                store.record()
                with metered([store.pid]) as cost:
                    fill(job, cluster)
            runs.append(_run(way, cost, store, minimum, stored_mb(job.out), pixels(job)))
            print(as_row(runs[-1]), flush=True)
            for folder in (job.out, warm.out):
                shutil.rmtree(folder)
    return runs


def growing(images: Path, work: Path, scale: Scale) -> list[Figure]:
    """Figures of growth beside their targets."""
    from tests.benchmarks import ingest_growth as growth
    from tests.benchmarks.ingest_archive import CHIPS, draw_images

    size = scale.sizes[-1]
    chips = growth.Chips(draw_images(images, CHIPS, size + growth.BATCH, DRAWN), work)
    grown = growth.grow(chips, scale.sizes, scale.repeats)
    figures = [
        Figure(
            f"filling {n} dates, CPU ms per date",
            1e3 * cost.cpu_s / n,
            f"{1e3 * cost.wall_s / n:.0f} ms wall",
        )
        for n, cost in grown.filling.items()
    ]
    for what, costs, per in (("batch of 10 added to", grown.batch, 10), ("one date added to", grown.one, 1)):
        figures += [
            Figure(
                f"{what} {n}, CPU ms per date",
                1e3 * statistics.median(c.cpu_s for c in several) / per,
                f"{1e3 * statistics.median(c.wall_s for c in several) / per:.0f} ms wall",
            )
            for n, several in costs.items()
        ]
    flat, appended = statistics.median(grown.flatness), statistics.median(grown.appending)
    several_sites = [cost.cpu_s for cost in growth.sites(chips, scale.sites, 10)]
    tenth = max(scale.sites // 5, 3)
    by_site = statistics.median(several_sites[-tenth:]) / statistics.median(several_sites[:tenth])
    upkeep = growth.commit_singly(work, scale.commits)
    return [
        *figures,
        Figure(
            f"cost of a date in a batch, {size} over 10", flat, spread(grown.flatness), "<= 1.1", flat <= 1.1
        ),
        Figure(
            f"appending a date to {size} over to 10",
            appended,
            spread(grown.appending),
            "<= 1.3",
            appended <= 1.3,
        ),
        Figure("Dask tasks per date", grown.tasks_per_date, "", "<= 4", grown.tasks_per_date <= 4),
        Figure(f"open_zarr of {size} dates, s", grown.open_s, "", "< 1", grown.open_s < 1),
        Figure(
            f"cost of a site, last {tenth} over first {tenth} of {scale.sites}",
            by_site,
            f"median {1e3 * statistics.median(several_sites):.0f} ms CPU",
            "0.9 to 1.1",
            0.9 <= by_site <= 1.1,
        ),
        Figure(
            f"manifests after {upkeep.commits} commits, MB",
            upkeep.manifests_mb,
            f"{upkeep.chunks_mb:.1f} MB of chunks in {upkeep.all_mb:.1f} MB",
            "< 6",
            upkeep.manifests_mb < 6,
        ),
        Figure(
            f"commit of a date, last over first of {upkeep.commits}",
            upkeep.last_cpu_s / upkeep.first_cpu_s,
            f"{1e3 * upkeep.last_cpu_s:.0f} ms CPU",
        ),
    ]


def measure(images: Path, work: Path, scale: Scale) -> tuple[list[Run], list[Figure]]:
    """Do it all; `images` may hold what an earlier run has drawn."""
    from tests.benchmarks.ingest_archive import SCENES, draw_images, write_catalog
    from tests.benchmarks.ingest_server import serving

    draw_images(images / "scenes", SCENES, scale.dates + WARM, DRAWN)
    with serving(images / "scenes") as store:
        catalog = write_catalog(work / "catalog", SCENES, store.url, range(scale.dates + WARM))
        minimum = least(images / "scenes", scale.dates)
        runs = limits(store, images / "scenes", minimum)
        runs += compete(store, catalog, minimum, scale, work)
    return runs, [*judged(runs, minimum), *growing(images / "chips", work / "growth", scale)]


@pytest.mark.filterwarnings("default")
def bench_ingest(benchmark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("odc.stac")
    runs, figures = benchmark.pedantic(measure, (tmp_path / "images", tmp_path / "work", FULL), rounds=1)
    table = report(runs, figures, FIGURES)
    with capsys.disabled():
        print(f"\n{table}")


def main() -> None:
    """Command line of the benchmark."""
    from flows.settings import Settings, quiet_environment

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few dates, to see that it runs")
    parser.add_argument("--images", type=Path, help="folder that keeps the images (2 GB) for the next run")
    options = parser.parse_args()
    quiet_environment(Settings())  # before Dask and Prefect are imported
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        runs, figures = measure(options.images or work / "images", work, QUICK if options.quick else FULL)
    print(report(runs, figures, FIGURES))


if __name__ == "__main__":
    main()
