from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import icechunk
import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.archive.ledger import read_ledger
from tasks.archive.reading import cube_bands, cube_box, on_scenes, open_cube
from tasks.archive.store import ArchiveRef, open_repository, read_session
from tasks.errors import ArchiveError, SceneError
from tasks.model import Rejection, SceneRef
from tests.archive.cubes import BOX, COLLECTION, Reader, add, chunk_files, content, pixels, scene
from tests.scenes import CRS, grid


@pytest.fixture
def ref(tmp_path: Path) -> ArchiveRef:
    return ArchiveRef(str(tmp_path / "archive"), "tiny")


def as_it_is(block: xr.Dataset) -> xr.Dataset:
    return block.load()


def within_a_mantissa(stored: np.ndarray, delivered: np.ndarray) -> bool:
    """Power comes back within 2^-11; zeros and NaN come back as NaN."""
    seen = delivered > 0
    close = np.abs(stored[seen] - delivered[seen]) <= delivered[seen] * 2.0**-11
    return bool(close.all() and np.isnan(stored[~seen]).all())


# Round trips


def test_power_comes_back_within_the_rounding(ref: ArchiveRef) -> None:
    days = [0, 6, 12]
    done = add(ref, *(scene(d) for d in days))
    cube = open_cube(ref, COLLECTION)
    blocks = on_scenes(ref, done.snapshot, COLLECTION, [0, 1, 2], as_it_is)
    for k, day in enumerate(days):
        for band in ("vv", "vh"):
            delivered = pixels(scene(day).scene_id, band)
            assert within_a_mantissa(cube[band].isel(time=k).values, delivered)
            np.testing.assert_array_equal(blocks[band].isel(time=k).values, cube[band].isel(time=k).values)
    assert {str(cube[b].dtype) for b in ("vv", "vh")} == {"float32"}
    assert cube["vv"].attrs["units"] == "1"
    assert cube["vv"].chunks == ((1, 1, 1), (24,), (30,))


def test_decibel_bytes_come_back_exactly(ref: ArchiveRef) -> None:
    scenes = [scene(d, units="relative dB") for d in (0, 6)]
    done = add(ref, *scenes, reader=Reader("uint8"))
    cube = open_cube(ref, COLLECTION)
    blocks = on_scenes(ref, done.snapshot, COLLECTION, [1, 0], as_it_is)
    for k, one in enumerate(scenes):
        for band in ("vv", "vh"):
            delivered = pixels(one.scene_id, band, dtype="uint8")
            np.testing.assert_array_equal(cube[band].isel(time=k).values, delivered)
            np.testing.assert_array_equal(blocks[band].isel(time=1 - k).values, delivered)
    assert cube["vv"].dtype == np.uint8
    assert cube["vv"].attrs["units"] == blocks["vv"].attrs["units"] == "relative dB"
    assert list(blocks["scene_id"].values) == [s.scene_id for s in reversed(scenes)]


def test_decibel_floats_keep_their_zeros_and_negatives(ref: ArchiveRef) -> None:
    plane = np.linspace(-30, 10, 24 * 30, dtype="float32").reshape(24, 30)
    plane[3, 4], plane[5, 6], plane[7, 8] = 0, -9999, np.nan
    one = scene(0, units="dB", nodata=-9999)
    add(ref, one, reader=Reader(planes={one.scene_id: plane}))
    stored = open_cube(ref, COLLECTION)["vv"].values[0]
    assert stored[3, 4] == 0
    assert np.argwhere(np.isnan(stored)).tolist() == [[5, 6], [7, 8]]
    np.testing.assert_allclose(stored[~np.isnan(stored)], plane[~np.isnan(stored)], rtol=2**-11)


def test_a_stated_nodata_becomes_the_archives(ref: ArchiveRef) -> None:
    plane = np.full(BOX.shape, 9, "uint8")
    plane[0] = 255
    one = scene(0, units="dB", nodata=255)
    add(ref, one, reader=Reader("uint8", planes={one.scene_id: plane}))
    cube = open_cube(ref, COLLECTION)
    assert (cube["vv"].values[0, 0] == 0).all()
    assert (cube["vv"].values[0, 1:] == 9).all()
    assert cube["valid_share"].values[0] == pytest.approx(23 / 24)


def test_coordinates_and_attributes(ref: ArchiveRef) -> None:
    one = scene(3, processing="2023-11-01")
    add(ref, one)
    cube = open_cube(ref, COLLECTION)
    assert cube["time"].values[0].astype("datetime64[s]").item() == one.acquired.replace(tzinfo=None)
    at = {name: cube[name].values[0] for name in ("scene_id", "platform", "direction", "processing", "orbit")}
    assert at == {
        "scene_id": one.scene_id,
        "platform": "sentinel-1a",
        "direction": "descending",
        "processing": "2023-11-01",
        "orbit": 61,
    }
    assert json.loads(cube["deliveries"].values[0]) == [[one.scene_id, one.acquisition, one.processing]]
    assert np.isnan(cube["cloud_cover"].values[0])
    np.testing.assert_array_equal(cube["x"].values, BOX.coords["x"].values)
    np.testing.assert_array_equal(cube["y"].values, BOX.coords["y"].values)
    assert cube["spatial_ref"].attrs["code"] == CRS
    assert cube_box(ref, COLLECTION) == BOX
    assert cube_bands(ref, COLLECTION) == ["vv", "vh"]
    (listed,) = read_ledger(ref).scenes
    assert (listed.scene_id, listed.acquired, listed.slot) == (one.scene_id, one.acquired, 0)


def test_a_scene_without_a_band_of_the_cube_leaves_it_empty(ref: ArchiveRef) -> None:
    add(ref, scene(0), scene(6, bands=("vv",)))
    cube = open_cube(ref, COLLECTION)
    assert np.isnan(cube["vh"].values[1]).all()
    assert not np.isnan(cube["vv"].values[1]).all()


def test_collections_lie_side_by_side(ref: ArchiveRef) -> None:
    add(ref, scene(0))
    other = grid(0, 0, 12, 15, pixel_m=20.0)
    add(ref, scene(1, units="dB"), reader=Reader("uint8"), box=other, collection="other")
    assert open_cube(ref, COLLECTION).sizes["y"] == 24
    assert open_cube(ref, "other").sizes["y"] == 12
    assert [s.collection for s in read_ledger(ref).scenes] == [COLLECTION, "other"]
    assert len(read_ledger(ref).of("other")) == 1


def test_what_is_not_there_is_named(ref: ArchiveRef) -> None:
    with pytest.raises(
        ArchiveError, match=r"tiny\.icechunk does not exist; `roadstead backfill tiny` makes it"
    ):
        open_cube(ref, COLLECTION)
    assert cube_box(ref, COLLECTION) is None
    add(ref, scene(0))
    assert cube_box(ref, "other") is None
    with pytest.raises(ArchiveError, match="has no collection 'other'"):
        open_cube(ref, "other")


@settings(
    max_examples=4, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(order=st.permutations(range(5)), cuts=st.sets(st.integers(1, 4), max_size=2))
def test_dates_are_in_order_whatever_the_order_of_arrival(
    order: Sequence[int], cuts: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    ref = ArchiveRef(str(tmp_path_factory.mktemp("arrival")), "tiny")
    arriving = [scene(6 * k) for k in order]
    bounds = [0, *sorted(cuts), 5]
    for first, last in pairwise(bounds):
        add(ref, *arriving[first:last])
    times = open_cube(ref, COLLECTION)["time"].values
    assert (np.diff(times) > np.timedelta64(0)).all()
    assert content(ref) == content_in_order(tmp_path_factory)


_IN_ORDER: dict[str, Any] = {}


def content_in_order(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if not _IN_ORDER:
        ref = ArchiveRef(str(tmp_path_factory.mktemp("in-order")), "tiny")
        add(ref, *(scene(6 * k) for k in range(5)))
        _IN_ORDER.update(content(ref))
    return _IN_ORDER


# Doing things again


def test_the_same_batch_twice_changes_nothing(ref: ArchiveRef) -> None:
    scenes = [scene(0), scene(6)]
    add(ref, *scenes)
    before = content(ref)
    done = add(ref, *scenes)
    assert done.written == tuple(s.scene_id for s in scenes)
    assert done.superseded == ()
    assert content(ref) == before
    assert [s.slot for s in read_ledger(ref).scenes] == [0, 1]
    assert read_ledger(ref).superseded == {}


def test_a_newer_delivery_takes_the_slot_and_the_old_one_can_be_visited(ref: ArchiveRef) -> None:
    first = add(ref, scene(0), scene(6))
    before = content(ref)
    newer = scene(0, processing="2")
    done = add(ref, newer)
    assert done.superseded == ("day000_1",)
    ledger = read_ledger(ref)
    assert ledger.superseded == {"day000_1": "day000_2"}
    assert [(s.scene_id, s.slot, s.processing) for s in ledger.scenes] == [
        ("day000_2", 0, "2"),
        ("day006_1", 1, "1"),
    ]
    cube = open_cube(ref, COLLECTION)
    assert within_a_mantissa(cube["vv"].values[0], pixels("day000_2", "vv"))
    assert content(ref, snapshot=first.snapshot) == before
    assert read_ledger(ref, first.snapshot).superseded == {}


def test_an_older_delivery_never_takes_the_place_of_a_newer_one(ref: ArchiveRef) -> None:
    add(ref, scene(0, processing="2"))
    before = content(ref)
    done = add(ref, scene(0, processing="1"))
    assert done.written == ()
    assert [(r.scene_id, r.permanent) for r in done.rejected] == [("day000_1", False)]
    assert "archived with day000_2" in done.rejected[0].reason
    assert content(ref) == before
    assert read_ledger(ref).rejected == read_ledger(ref).superseded == {}


def test_a_newer_delivery_with_fewer_bands_leaves_nothing_of_the_old_one(ref: ArchiveRef) -> None:
    add(ref, scene(0))
    add(ref, scene(0, processing="2", bands=("vv",)))
    assert np.isnan(open_cube(ref, COLLECTION)["vh"].values[0]).all()


def test_commits_say_what_they_hold(ref: ArchiveRef) -> None:
    done = add(ref, scene(0), scene(6))
    newest = next(iter(open_repository(ref).ancestry(branch="main")))
    assert newest.id == done.snapshot
    assert newest.message == "ingest 2 scenes of tiny-s1"
    assert newest.metadata == {"items": ["day000_1", "day006_1"]}


# Scenes that cannot be used

BROKEN = {"day006_1": SceneError("vv cannot be read: it is broken")}


def test_a_broken_scene_does_not_stop_the_others(ref: ArchiveRef) -> None:
    done = add(ref, *(scene(6 * k) for k in range(4)), reader=Reader(failing=BROKEN))
    assert done.written == ("day000_1", "day012_1", "day018_1")
    assert done.rejected == (Rejection("day006_1", "vv cannot be read: it is broken"),)
    ledger = read_ledger(ref)
    assert ledger.rejected == {"day006_1": "vv cannot be read: it is broken"}
    assert [s.scene_id for s in ledger.scenes] == list(done.written)
    assert open_cube(ref, COLLECTION).sizes["time"] == 3


def test_a_later_success_clears_the_rejection_and_uses_the_free_slot(ref: ArchiveRef) -> None:
    add(ref, scene(0), scene(6), reader=Reader(failing=BROKEN))
    add(ref, scene(6), scene(12))
    ledger = read_ledger(ref)
    assert ledger.rejected == {}
    assert sorted(s.slot for s in ledger.scenes) == [0, 1, 2]


def test_a_broken_new_delivery_leaves_the_old_one_alone(ref: ArchiveRef) -> None:
    add(ref, scene(0), scene(6))
    before = content(ref)
    add(ref, scene(0, processing="2"), reader=Reader(failing={"day000_2": SceneError("broken")}))
    assert content(ref) == before
    assert read_ledger(ref).rejected == {"day000_2": "broken"}


def test_a_fault_that_may_pass_is_not_held_against_a_scene(ref: ArchiveRef) -> None:
    busy = Reader(failing={"day006_1": SceneError("HTTP 503", permanent=False)})
    done = add(ref, scene(0), scene(6), reader=busy)
    assert done.rejected == (Rejection("day006_1", "HTTP 503", permanent=False),)
    assert read_ledger(ref).rejected == {}


def test_a_batch_of_which_nothing_can_be_read_now(ref: ArchiveRef) -> None:
    add(ref, scene(0))
    before = content(ref)
    busy = Reader(failing={f"day{d:03d}_1": SceneError("HTTP 503", permanent=False) for d in (6, 12)})
    for _ in range(2):
        done = add(ref, scene(6), scene(12), reader=busy)
        assert done.written == ()
        assert len(done.rejected) == 2
        assert read_session(ref, done.snapshot).snapshot_id == done.snapshot
    assert content(ref) == before
    assert add(ref, scene(6), scene(12)).written == ("day006_1", "day012_1")
    assert sorted(s.slot for s in read_ledger(ref).scenes) == [0, 1, 2]


def test_rejections_found_before_are_recorded_too(ref: ArchiveRef) -> None:
    add(ref, scene(0), rejected=[Rejection("x", "no header"), Rejection("y", "HTTP 503", permanent=False)])
    assert read_ledger(ref).rejected == {"x": "no header"}


def test_a_fault_that_is_no_scenes_fault_writes_nothing(ref: ArchiveRef) -> None:
    add(ref, scene(0))
    before = content(ref)
    with pytest.raises(KeyError, match="vv"):
        add(ref, scene(6), scene(12), reader=Reader(planes={"day012_1": _Nothing()}))
    assert content(ref) == before
    add(ref, scene(6))  # and the lock is free
    assert len(read_ledger(ref).scenes) == 2


class _Nothing:
    @property
    def dtype(self) -> Any:
        raise KeyError("vv")


@pytest.mark.parametrize(
    ("one", "reader", "reason"),
    [
        (scene(6, units="dB"), Reader(), "vv is in 'dB', the archive in '1'"),
        (scene(6, bands=("hh",)), Reader(), r"none of its bands \['hh'\] is in the cube"),
        (
            scene(6),
            Reader(planes={"day006_1": np.full(BOX.shape, np.nan, "float32")}),
            "vv holds no data over the site",
        ),
        (
            scene(6),
            Reader(planes={"day006_1": np.zeros(BOX.shape, "float32")}),
            "vv holds no data over the site",
        ),
        (
            scene(6, nodata=5),
            Reader(planes={"day006_1": np.full(BOX.shape, 5, "float32")}),
            "vv holds no data over the site",
        ),
    ],
    ids=["units", "bands", "NaN", "zeros", "nodata"],
)
def test_a_scene_that_does_not_fit_a_cube_of_power(
    ref: ArchiveRef, one: SceneRef, reader: Reader, reason: str
) -> None:
    add(ref, scene(0))
    (rejection,) = add(ref, one, reader=reader).rejected
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(rejection.reason)
    assert rejection.permanent
    ledger = read_ledger(ref)
    assert rejection.bare == ("holds no data" in reason)
    assert (ledger.bare if rejection.bare else ledger.rejected) == {"day006_1": rejection.reason}
    assert len(ledger.bare) + len(ledger.rejected) == 1


def test_a_scene_that_showed_nothing_and_does_now_is_taken_off_the_list(ref: ArchiveRef) -> None:
    nothing = np.full(BOX.shape, np.nan, "float32")
    add(ref, scene(0), scene(6), reader=Reader(planes={"day006_1": nothing}))
    assert list(read_ledger(ref).bare) == ["day006_1"]
    add(ref, scene(6), reader=Reader(failing={"day006_1": SceneError("it is broken")}))
    assert (read_ledger(ref).bare, list(read_ledger(ref).rejected)) == ({}, ["day006_1"])
    add(ref, scene(6))
    assert (read_ledger(ref).bare, read_ledger(ref).rejected) == ({}, {})


@pytest.mark.parametrize("dtype", ["float32", "int16", "uint16"])
def test_a_scene_of_another_type_does_not_fit_a_cube_of_bytes(ref: ArchiveRef, dtype: str) -> None:
    add(ref, scene(0, units="dB"), reader=Reader("uint8"))
    other = Reader(planes={"day006_1": np.full(BOX.shape, 7, dtype)})
    (rejection,) = add(ref, scene(6, units="dB"), reader=other).rejected
    assert rejection.reason == f"vv is {dtype}, the archive holds uint8"


# Bytes that rot


def outcome(ref: ArchiveRef) -> dict[str, Any] | None:
    """What a reader gets; None if that is an error."""
    try:
        return content(ref)
    except (RuntimeError, ValueError, icechunk.IcechunkError, ArchiveError):
        return None


@pytest.mark.parametrize(
    ("reader", "units"), [(Reader(), "1"), (Reader("uint8"), "dB")], ids=["power", "bytes"]
)
def test_a_flipped_byte_is_an_error_and_never_another_number(
    ref: ArchiveRef, reader: Reader, units: Any
) -> None:
    add(ref, *(scene(6 * k, units=units) for k in range(2)), reader=reader)
    before = content(ref)
    files = chunk_files(ref)
    noticed = set()
    for path in files:
        whole = path.read_bytes()
        for at in (0, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
            after = outcome(ref)
            assert after in (None, before)
            if after is None:
                noticed.add((path, at))
        path.write_bytes(whole)
    assert content(ref) == before
    assert len(noticed) == 3 * 4  # each of two scenes has two bands; other chunks lie in the manifests


def test_a_lost_chunk_is_an_error_and_not_a_hole(ref: ArchiveRef) -> None:
    add(ref, scene(0))
    for path in chunk_files(ref):
        aside = path.with_suffix(".aside")
        path.rename(aside)
        assert outcome(ref) is None
        aside.rename(path)


# Where the work runs


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def test_threads_give_the_same_archive(ref: ArchiveRef, tmp_path: Path, threads: ThreadPoolExecutor) -> None:
    scenes = [scene(6 * k) for k in range(5)]
    add(ref, *scenes, reader=Reader(failing=BROKEN))
    other = ArchiveRef(str(tmp_path / "other"), "tiny")
    add(other, *scenes, reader=Reader(failing=BROKEN), executor=threads)
    assert content(other) == content(ref)
    assert read_ledger(other).rejected == read_ledger(ref).rejected


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # distributed leaves sockets to the collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_worker_processes_give_the_same_archive(ref: ArchiveRef, tmp_path: Path) -> None:
    from distributed import Client, LocalCluster

    scenes = [scene(6 * k) for k in range(5)]
    add(ref, *scenes, reader=Reader(failing=BROKEN))
    other = ArchiveRef(str(tmp_path / "other"), "tiny")
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        Client(cluster) as client,
    ):
        add(other, *scenes, reader=Reader(failing=BROKEN), executor=client.get_executor(pure=False))
    assert content(other) == content(ref)
    assert read_ledger(other).rejected == read_ledger(ref).rejected


def test_times_before_1970_and_after_2038(ref: ArchiveRef) -> None:
    late, early = scene(6000), scene(-20000)
    add(ref, late, early)
    acquired = [s.acquired for s in read_ledger(ref).scenes]
    assert acquired == [early.acquired, late.acquired]
    assert acquired[0] < datetime(1970, 1, 1, tzinfo=UTC)
