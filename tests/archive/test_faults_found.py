"""Faults that the stateful test found, each by itself: damage, busy tiles, killed creations, empty cubes."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import S3Store

from tasks.archive import store
from tasks.archive.ledger import Ledger, read_ledger
from tasks.archive.reading import open_cube
from tasks.archive.recheck import compare_early_passes
from tasks.archive.store import ArchiveRef, create_repository, history, open_repository
from tasks.archive.upkeep import tidy_repository
from tasks.archive.verify import verify_repository
from tasks.errors import ArchiveError, SceneError
from tests.archive.cubes import COLLECTION, AtOnce, Reader, add, chunk_files, content, scene
from tests.archive.stores import StoreServer, use

BUSY = SceneError("HTTP 503", permanent=False)


@pytest.fixture
def ref(tmp_path: Path) -> ArchiveRef:
    return ArchiveRef(str(tmp_path / "archive"), "tiny")


def rot(ref: ArchiveRef, *scene_ids: str) -> None:
    for path in chunk_files(ref):
        whole = path.read_bytes()
        path.write_bytes(whole[:9] + bytes([whole[9] ^ 1]) + whole[10:])
        if not verify_repository(ref, AtOnce()).scenes <= set(scene_ids):
            path.write_bytes(whole)


def test_damaged_dates_do_not_keep_out_new_ones_nor_their_own_repair(ref: ArchiveRef) -> None:
    add(ref, *(scene(6 * k) for k in range(7)))
    before = content(ref)
    rot(ref, "day000_1", "day006_1")
    assert add(ref, scene(3)).written == ("day003_1",)
    for day in (0, 6):  # as in two batches of `backfill --repair`
        add(ref, scene(day))
    assert verify_repository(ref, AtOnce()).damaged == ()
    assert {k: v for k, v in content(ref).items() if k != "day003_1"} == before


def test_a_tile_that_cannot_be_read_for_the_moment_is_not_lost(ref: ArchiveRef) -> None:
    west = scene(0, scene_id="W")
    east = replace(west, scene_id="E", acquired=west.acquired + timedelta(seconds=25))
    newer = replace(west, scene_id="W2", processing="2")
    add(ref, west, east)
    before = content(ref)
    add(ref, newer, east, reader=Reader(failing={"E": BUSY}))
    assert content(ref) == before
    assert read_ledger(ref).superseded == {}
    add(ref, newer, east)
    assert [s.scene_id for s in read_ledger(ref).scenes] == ["W2+E"]
    assert read_ledger(ref).superseded == {"W": "W2"}


def test_what_is_archived_is_not_called_superseded(ref: ArchiveRef) -> None:
    for processing in "121":
        add(ref, scene(0, processing=processing))
    assert read_ledger(ref).superseded == {"day000_1": "day000_2"}


def test_there_is_nothing_to_compare_where_no_scene_could_be_read(ref: ArchiveRef) -> None:
    assert compare_early_passes(ref, COLLECTION, Reader(), AtOnce()) == []
    add(ref, scene(0))
    assert compare_early_passes(ref, "other", Reader(), AtOnce()) == []


def test_a_cube_without_a_date_reads_as_one(ref: ArchiveRef) -> None:
    add(ref, scene(0), reader=Reader(failing={"day000_1": BUSY}))
    assert open_cube(ref, COLLECTION).load()["vv"].shape == (0, 24, 30)


def test_killed_while_the_repository_was_made(ref: ArchiveRef) -> None:
    create_repository(ref)
    shutil.rmtree(ref.path / "refs")  # Icechunk writes config.yaml, the first snapshot, then this
    assert read_ledger(ref) == Ledger()
    assert add(ref, scene(0)).written == ("day000_1",)


def test_a_repository_that_has_lost_its_branch_is_not_made_anew(ref: ArchiveRef) -> None:
    add(ref, scene(0))
    shutil.rmtree(ref.path / "refs")
    with pytest.raises(ArchiveError, match="cannot be opened"):
        add(ref, scene(6))
    assert chunk_files(ref)


def half_made(
    moto: StoreServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> tuple[ArchiveRef, Callable[[], Any]]:
    """Leave a repository in an object store as a rival has it that is making it; and give its last step."""
    use(monkeypatch, moto.env)
    folder = moto.bucket(name)
    create_repository(ArchiveRef(folder, "whole"))
    bucket = S3Store(name, config={"aws_endpoint_url_s3": moto.endpoint}, client_options={"allow_http": True})
    objects = {
        one["path"]: obstore.get(bucket, one["path"]).bytes() for one in obstore.list(bucket).collect()
    }

    def copy(path: str) -> None:
        obstore.put(bucket, path.replace("whole", "half"), objects[path])

    (last,) = (path for path in objects if "/refs/" in path)  # after config.yaml and the first snapshot
    for path in objects.keys() - {last}:
        copy(path)
    return ArchiveRef(folder, "half"), lambda: copy(last)


@pytest.mark.parametrize("opened", [create_repository, open_repository])
def test_opened_while_a_rival_makes_it(
    moto: StoreServer, monkeypatch: pytest.MonkeyPatch, opened: Callable[[ArchiveRef], Any]
) -> None:
    ref, finish = half_made(moto, monkeypatch, opened.__name__.replace("_", "-"))
    rival = threading.Timer(0.3, finish)
    rival.start()
    assert len(list(opened(ref).ancestry(branch="main"))) == 1
    rival.join()


def test_a_repository_that_nobody_goes_on_making(moto: StoreServer, monkeypatch: pytest.MonkeyPatch) -> None:
    ref, _ = half_made(moto, monkeypatch, "ruin")
    monkeypatch.setattr(store, "APPEARS_S", 0.2)
    with pytest.raises(ArchiveError, match=r"cannot be opened: .*repository doesn't exist"):
        create_repository(ref)


def test_tidying_counts_what_is_gone(ref: ArchiveRef) -> None:
    for day in (0, 6):
        add(ref, scene(day))
    states = list(history(ref))
    later = states[0].written + timedelta(days=1)
    done = tidy_repository(ref, later, later)
    assert done.snapshots == len(states) - len(list(history(ref)))
