"""The benchmark of ingest measures what it says: its archive, its server, its ways and its arithmetic."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from tasks.archive.ledger import read_ledger
from tasks.archive.store import archive_ref
from tasks.grid import site_box
from tests.benchmarks import bench_ingest, ingest_growth, ingest_report, ingest_ways
from tests.benchmarks.ingest_archive import (
    BANDS,
    CHIPS,
    CRS,
    Painter,
    Part,
    draw_images,
    joined,
    port,
    tiles_of,
    write_catalog,
)
from tests.benchmarks.ingest_meter import metered
from tests.benchmarks.ingest_report import ODC, OURS, RASTERIO, Figure, Minimum, Run
from tests.benchmarks.ingest_server import Store, serving, span

DATES, DRAWN = 8, 4


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_images(tmp_path_factory.mktemp("images"), CHIPS, DATES, DRAWN)


@pytest.fixture(scope="module")
def store(images: Path) -> Iterator[Store]:
    with serving(images) as running:
        yield running


@pytest.fixture
def job(store: Store, tmp_path: Path) -> ingest_ways.Job:
    catalog = write_catalog(tmp_path / "catalog", CHIPS, store.url, range(DATES))
    store.record()
    return ingest_ways.Job(CHIPS, catalog, range(DATES), tmp_path / "out")


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=1,
            threads_per_worker=2,
            processes=False,
            protocol="tcp://",
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        Client(cluster) as local,
    ):
        yield local


def test_the_archive_is_made_of_cogs_and_links(images: Path) -> None:
    first, again, other = (images / "nir" / f"{k:04d}.tif" for k in (1, 1 + DRAWN, 2))
    assert first.stat().st_ino == again.stat().st_ino != other.stat().st_ino
    with rasterio.open(first) as image:
        structure = image.tags(ns="IMAGE_STRUCTURE")
        assert [structure[k] for k in ("LAYOUT", "COMPRESSION", "PREDICTOR")] == ["COG", "DEFLATE", "2"]
        assert image.block_shapes == [(CHIPS.tile_px, CHIPS.tile_px)]
        assert image.overviews(1)


def test_the_port_is_the_window() -> None:
    assert site_box(port(CHIPS), CRS, CHIPS.transform) == CHIPS.box


def test_the_tiles_are_those_that_the_window_meets(images: Path) -> None:
    path = images / "nir" / "0002.tif"
    parts = tiles_of(path, CHIPS)
    plane = Painter(CHIPS).plane(2, BANDS.index("nir"))
    content, side = path.read_bytes(), CHIPS.tile_px
    tiles = []
    for part in parts:  # undo deflate and predictor 2 by hand
        raw = zlib.decompress(content[part.first : part.first + part.size])
        tiles.append(np.cumsum(np.frombuffer(raw, "<u2").reshape(side, side), axis=1, dtype="uint16"))
    assert np.array_equal(np.block([tiles[:2], tiles[2:]]), plane)


def test_tiles_that_touch_are_one_range() -> None:
    path = Path("a.tif")
    parts = [Part(path, 0, 10), Part(path, 18, 10), Part(path, 100, 5)]
    assert joined(parts) == [Part(path, 0, 28), Part(path, 100, 5)]


def test_the_server_sends_ranges_and_remembers(images: Path, store: Store) -> None:
    content = (images / "blue" / "0000.tif").read_bytes()
    store.record()
    url = f"{store.url}/blue/0000.tif"
    with urlopen(Request(url, headers={"Range": "bytes=10-19"})) as answer:
        assert (answer.status, answer.read()) == (206, content[10:20])
    with urlopen(Request(url, method="HEAD")) as answer:
        assert int(answer.headers["Content-Length"]) == len(content)
    with urlopen(url) as answer:
        assert answer.read() == content
    with pytest.raises(HTTPError, match="404") as refused:
        urlopen(f"{store.url}/blue/9999.tif")
    refused.value.close()
    record = store.record()
    assert [one.status for one in record.asked] == [206, 200, 200, 404]
    assert (record.heads, record.moved, record.most_in_flight) == (1, 10 + len(content), 1)
    assert not store.record().asked


@pytest.mark.parametrize(
    ("wanted", "first", "last"), [("bytes=0-", 0, 99), ("bytes=95-200", 95, 99), ("", 0, 99)]
)
def test_ranges_end_with_the_file(wanted: str, first: int, last: int) -> None:
    assert span(wanted, 100) == (first, last)


def test_the_limits_move_and_decode_no_more_than_the_tiles(images: Path, store: Store) -> None:
    files = [images / band / "0003.tif" for band in BANDS]
    ranges = [part for path in files for part in joined(tiles_of(path, CHIPS))]
    store.record()
    assert ingest_ways.move_bytes(ranges, images, store.url) == sum(part.size for part in ranges)
    record = store.record()
    assert (len(record.asked), record.moved) == (len(ranges), sum(part.size for part in ranges))
    row, col, side = CHIPS.window
    for path, (_, plane) in zip(files, ingest_ways.decode_tiles(files, CHIPS), strict=True):
        with rasterio.open(path) as image:
            assert np.array_equal(plane, image.read(1, window=Window(col, row, side, side)))


def test_ours_and_plain_zarr_hold_what_the_files_hold(
    job: ingest_ways.Job, images: Path, store: Store, client: Any
) -> None:
    files = [images / band / f"{k:04d}.tif" for k in job.numbers for band in BANDS]
    expected = ingest_ways.digest(plane for _, plane in ingest_ways.decode_tiles(files, CHIPS))
    ingest_ways.rasterio_to_zarr(job, client)
    assert ingest_ways.zarr_digest(job) == expected
    asked = store.record().asked
    assert {one.path for one in asked} == {f"/{path.relative_to(images)}" for path in files}
    mine = replace(job, out=job.out.with_name("ours"))
    with ThreadPoolExecutor(2) as pool:
        ingest_ways.ours(mine, pool)
    assert ingest_ways.our_digest(mine) == expected


@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.filterwarnings("default")
def test_odc_stac_holds_what_the_files_hold(
    job: ingest_ways.Job, images: Path, client: Any, sharded: bool
) -> None:
    pytest.importorskip("odc.stac")
    ingest_ways.odc_to_zarr(job, client, sharded=sharded)
    files = [images / band / f"{k:04d}.tif" for k in job.numbers for band in BANDS]
    expected = ingest_ways.digest(plane for _, plane in ingest_ways.decode_tiles(files, CHIPS))
    assert ingest_ways.zarr_digest(job) == expected


def test_the_meter_sees_this_process_and_leaves_others_out(store: Store) -> None:
    with metered([store.pid]) as cost:
        sum(range(10**6))
    assert cost.peak_mb > 10
    assert cost.wall_s > 0
    assert cost.cpu_s >= 0


def test_tasks_of_a_scheduler_are_counted(client: Any) -> None:
    executor = client.get_executor(pure=False)
    with ingest_growth.counting(executor) as count:
        assert [one.result() for one in [executor.submit(abs, -k) for k in range(5)]] == list(range(5))
        assert count() == 5


def test_adding_to_a_copy_leaves_the_archive_alone(images: Path, tmp_path: Path) -> None:
    chips = ingest_growth.Chips(images, tmp_path)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        ingest_growth.fill(chips, 4, pool)
        ingest_growth.add(chips, 4, 2, pool)
        ingest_growth.add(chips, 4, 1, pool)
    request = chips.job(range(4), tmp_path / "of-4").request()
    ref = archive_ref(request)
    assert len(read_ledger(ref).scenes) == 4
    assert ingest_growth.open_s(ref, repeats=1) > 0


def test_upkeep_of_single_commits_is_weighed(tmp_path: Path) -> None:
    upkeep = ingest_growth.commit_singly(tmp_path, 3, side_px=256)
    assert 0 < upkeep.manifests_mb < upkeep.all_mb
    assert upkeep.chunks_mb > 0


def runs(*cpu: tuple[str, float]) -> list[Run]:
    return [Run(way, 1.0, seconds, 1.0, 5.0, 1.0, 1.01, 8, 1.0, "same") for way, seconds in cpu]


def test_rounds_are_compared_in_pairs_and_with_the_better_of_odcs_ways() -> None:
    chunked, sharded = ODC
    made = runs((chunked, 10.0), (sharded, 9.0), (RASTERIO, 8.0), (OURS, 7.2))
    made += runs((chunked, 20.0), (sharded, 18.0), (RASTERIO, 16.0), (OURS, 16.2))
    figures = ingest_report.judged(made, Minimum([Path("a.tif")], [], 10**6))
    assert figures[0].name.startswith(f"CPU, ours over {sharded}")
    assert figures[0].value == pytest.approx(0.85)
    assert figures[0].verdict == "MISSED"
    assert ingest_report.paired(made, OURS, RASTERIO) == pytest.approx([0.9, 1.0125])
    assert [f.verdict for f in figures[1:]] == ["", "met", "met", "met"]


def test_a_different_answer_is_a_miss() -> None:
    made = runs(*[(way, 1.0) for way in bench_ingest.contenders()])
    other = Run("limit", 1.0, 1.0, pixels="other")
    assert ingest_report.judged([*made, other], Minimum([Path("a")], [], 1))[-1].verdict == "MISSED"


def test_the_report_is_kept_as_table_and_as_rows(tmp_path: Path) -> None:
    table = ingest_report.report(runs((OURS, 1.0)), [Figure("bytes", 1.2, "", "<= 1.05", False)], tmp_path)
    assert "| bytes | 1.2 |  | <= 1.05 | MISSED |" in table
    assert (tmp_path / "ingest.md").read_text(encoding="utf-8").startswith("| way | wall s | CPU s |")
    assert '"verdict": "MISSED"' in (tmp_path / "ingest.json").read_text(encoding="utf-8")
