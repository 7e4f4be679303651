"""Ways from images far away to an array at home: the limits, two that anybody would write, and ours.

Each way gets the same catalogue and window and fills a store with the same codec (Blosc with zstd, byte
shuffle), inner chunks of 256² and one shard per date and band. What each is given beyond that is the best
that was found for it.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import rasterio
import xarray as xr
import zarr
from rasterio.io import MemoryFile
from rasterio.windows import Window
from zarr.codecs import BloscCodec
from zarr.storage import MemoryStore

from flows.chain import batches
from flows.cluster import LESS_WATCHING, WORKER_MALLOC
from flows.settings import Settings
from tasks.archive.reading import open_cube
from tasks.archive.schema import create_planes
from tasks.archive.store import archive_ref
from tasks.discover import plan
from tasks.ingest import compare_early, ingest_batch
from tasks.model import Request
from tests.benchmarks.ingest_archive import BANDS, COLLECTION, Layout, Part, period, port

PROCESSES, THREADS = 2, 8
"""Of a cluster that waits for a network: 16 requests in flight. One thread each takes four times as long."""

TUNED = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".tif",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "VSI_CACHE": "TRUE",
    "GDAL_HTTP_MAX_RETRY": "3",
    "GDAL_NUM_THREADS": "1",
}
"""GDAL for remote files. Its defaults send 2.9 times the requests."""

DATES_PER_TASK = 2


@dataclass(frozen=True)
class Job:
    """What every way is asked to do."""

    layout: Layout
    catalog: Path
    numbers: range
    """Dates to take."""

    out: Path
    """Folder for the result."""

    def beyond(self, count: int) -> Job:
        """The same with the next few dates: files that nobody has cached, when the clock does run."""
        numbers = range(self.numbers.stop, self.numbers.stop + count)
        return Job(self.layout, self.catalog, numbers, self.out.with_name(f"{self.out.name}-beyond"))

    def items(self) -> list[dict[str, Any]]:
        """Items of the dates."""
        links = json.loads(self.catalog.read_text(encoding="utf-8"))["links"]
        texts = [(self.catalog.parent / links[k]["href"]).read_text(encoding="utf-8") for k in self.numbers]
        return [json.loads(text) for text in texts]

    def request(self, site_id: str = "bench") -> Request:
        """The same as `roadstead backfill` is asked it."""
        start, end = period(self.numbers)
        return Request(
            port(self.layout, site_id),
            start,
            end,
            catalog=str(self.catalog),
            archive=str(self.out),
            out=str(self.out / "publication"),
            collections=(COLLECTION,),
        )


@contextmanager
def many_threads() -> Iterator[Any]:
    """Open a cluster of the size that suits remote reads, with the settings of our own."""
    import dask
    from distributed import Client, LocalCluster

    with (
        dask.config.set(
            {
                "distributed.worker.daemon": True,
                "distributed.nanny.pre-spawn-environ": WORKER_MALLOC,
                **LESS_WATCHING,
            }
        ),
        LocalCluster(
            n_workers=PROCESSES,
            threads_per_worker=THREADS,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def move_bytes(ranges: Sequence[Part], images: Path, url: str, in_flight: int = 64) -> int:
    """Fetch known ranges and do nothing with them; returns the bytes moved. A limit: no reader needs less."""
    host = str(urlsplit(url).netloc)
    local, connections = threading.local(), []

    def fetch(part: Part) -> int:
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection(host, timeout=60)
            connections.append(local.connection)
        span = f"bytes={part.first}-{part.first + part.size - 1}"
        local.connection.request("GET", f"/{part.path.relative_to(images)}", headers={"Range": span})
        with local.connection.getresponse() as answer:
            return len(answer.read())

    with ThreadPoolExecutor(in_flight) as pool:
        moved = sum(pool.map(fetch, ranges))
    for connection in connections:
        connection.close()
    return moved


def decode_tiles(files: Sequence[Path], layout: Layout) -> Iterator[tuple[float, npt.NDArray[Any]]]:
    """CPU seconds of decoding each file's window from memory with GDAL (libdeflate), and the pixels.

    A limit: what is left of a read when nothing has to be fetched and nothing is written. Loading the files
    is not counted.
    """
    row, col, side = layout.window
    for path in files:
        content = path.read_bytes()
        began = time.process_time()
        with rasterio.Env(GDAL_NUM_THREADS="1"), MemoryFile(content) as memory, memory.open() as image:
            plane = image.read(1, window=Window(col, row, side, side))
        yield time.process_time() - began, plane


def odc_to_zarr(job: Job, client: Any, *, sharded: bool = True) -> None:
    """Load with odc-stac and write with xarray: one Dask chunk is the whole window of one file."""
    import odc.stac
    import pystac

    items = [pystac.Item.from_dict(item) for item in job.items()]
    options: dict[str, Any] = dict(TUNED)
    odc.stac.configure_rio(cloud_defaults=True, **options)
    cube = odc.stac.load(
        items, bands=BANDS, geobox=job.layout.box, chunks={"time": 1, "x": -1, "y": -1}, groupby="time"
    )
    model = create_planes(zarr.open_group(MemoryStore(), mode="w"), "model", job.layout.box, "uint16")
    codecs = [codec for codec in model.compressors if isinstance(codec, BloscCodec)]  # no checksum
    one: dict[str, Any] = {"chunks": model.chunks, "compressors": codecs}
    if sharded:
        one["shards"] = model.shards
    encoding = dict.fromkeys(BANDS, one)
    with client.as_current():
        cube.to_zarr(job.out, mode="w", zarr_format=3, consolidated=False, encoding=encoding)


def rasterio_to_zarr(job: Job, client: Any) -> None:
    """Read with rasterio and write regions of a plain Zarr group, a few dates in each task."""
    items = job.items()
    group = zarr.open_group(job.out, mode="w")
    for band in BANDS:
        array = create_planes(group, band, job.layout.box, "uint16")
        array.resize((len(items), *array.shape[1:]))
    shares = [
        [(k, {band: items[k]["assets"][band]["href"] for band in BANDS}) for k in part]
        for start in range(0, len(items), DATES_PER_TASK)
        if (part := range(start, min(start + DATES_PER_TASK, len(items))))
    ]
    client.gather([client.submit(write_regions, job.out, job.layout, share, pure=False) for share in shares])


def write_regions(out: Path, layout: Layout, share: Sequence[tuple[int, dict[str, str]]]) -> None:
    """Read and write some dates; runs on a worker."""
    row, col, side = layout.window
    group: Any = zarr.open_group(out, mode="a")
    for k, hrefs in share:
        for band, href in hrefs.items():
            with rasterio.Env(**TUNED), rasterio.open(href) as image:
                group[band][k] = image.read(1, window=Window(col, row, side, side))


def ours(job: Job, executor: Executor) -> None:
    """Do what `roadstead backfill` does up to the archive, without Prefect's engine."""
    ingest(job.request(), executor)


def ingest(request: Request, executor: Executor) -> None:
    """Plan, and put what is new into the archive batch by batch."""
    todo = plan(request)
    for collection, scenes in batches(todo.new, Settings().batch):
        ingest_batch.fn(request, collection, scenes, executor, lambda _: None)
    compare_early.fn(request, COLLECTION, executor)


def digest(planes: Iterator[npt.NDArray[Any]]) -> str:
    """Checksum of planes in a stated order."""
    whole = hashlib.sha256()
    for plane in planes:
        whole.update(zlib.crc32(np.ascontiguousarray(plane).tobytes()).to_bytes(4, "big"))
    return whole.hexdigest()[:16]


def zarr_digest(job: Job) -> str:
    """Checksum of what a plain Zarr group holds, date by date."""
    group: Any = zarr.open_group(job.out, mode="r")
    return digest(group[band][k] for k in range(len(job.numbers)) for band in BANDS)


def our_digest(job: Job) -> str:
    """Checksum of what our archive holds, date by date."""
    cube: xr.Dataset = open_cube(archive_ref(job.request()), COLLECTION)
    return digest(cube[band][k].values for k in range(len(job.numbers)) for band in BANDS)


def stored_mb(folder: Path) -> float:
    """Size of everything in a folder, megabytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
