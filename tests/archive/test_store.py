from __future__ import annotations

import fcntl
import multiprocessing
from pathlib import Path

import pytest

from tasks.archive.ledger import Ledger, read_ledger, remove_if_empty
from tasks.archive.reading import cube_box
from tasks.archive.storage import check_place
from tasks.archive.store import (
    ArchiveRef,
    alone,
    archive_ref,
    create_repository,
    exists,
    open_repository,
)
from tasks.errors import ArchiveError, SceneError
from tasks.model import Request
from tests.archive.cubes import Reader, add, add_days, chunk_files, content, scene
from tests.scenes import FIRST, small_site

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def ref(tmp_path: Path) -> ArchiveRef:
    return ArchiveRef(str(tmp_path / "archive"), "tiny")


def test_an_archive_is_a_repository_per_site(ref: ArchiveRef) -> None:
    request = Request(small_site("port-a"), FIRST.date(), FIRST.date(), "c", ref.folder, "out")
    assert archive_ref(request) == ArchiveRef(ref.folder, "port-a")
    assert archive_ref(request).path == Path(ref.folder) / "port-a.icechunk"


def test_a_file_url_is_the_folder_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    folder = tmp_path / "an archive"
    check_place(folder.as_uri())
    by_url = ArchiveRef(folder.as_uri(), "tiny")
    add(by_url, scene(0))
    assert by_url.path == folder / "tiny.icechunk"
    assert content(ArchiveRef(str(folder), "tiny")) == content(by_url)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_no_archive_is_an_empty_ledger(ref: ArchiveRef) -> None:
    assert read_ledger(ref) == Ledger()
    assert not exists(ref)
    with pytest.raises(ArchiveError, match="does not exist; `roadstead backfill tiny` makes it"):
        open_repository(ref)
    assert not Path(ref.folder).exists()


def test_a_folder_of_something_else_is_not_opened(ref: ArchiveRef) -> None:
    ref.path.mkdir(parents=True)
    (ref.path / "thesis.txt").write_text("years of work")
    with pytest.raises(ArchiveError, match=r"tiny\.icechunk cannot be opened: "):
        open_repository(ref)
    assert (ref.path / "thesis.txt").read_text() == "years of work"


def test_a_repository_without_a_commit_is_an_empty_archive(ref: ArchiveRef) -> None:
    create_repository(ref)  # and killed right after
    assert read_ledger(ref) == Ledger()
    assert cube_box(ref, "tiny-s1") is None
    add(ref, scene(0))
    assert len(read_ledger(ref).scenes) == 1


def test_creating_twice_opens(ref: ArchiveRef) -> None:
    create_repository(ref)
    add(ref, scene(0))
    create_repository(ref)
    assert len(read_ledger(ref).scenes) == 1


def test_an_archive_that_never_got_a_scene_leaves_nothing(ref: ArchiveRef) -> None:
    remove_if_empty(ref)
    add(ref, scene(0), reader=Reader(failing={"day000_1": SceneError("broken")}))
    assert exists(ref)
    remove_if_empty(ref)
    assert not Path(ref.folder).exists()


def test_taking_away_spares_scenes_and_neighbours(ref: ArchiveRef) -> None:
    other = ArchiveRef(ref.folder, "other")
    add(other, scene(0))
    remove_if_empty(other)
    assert len(read_ledger(other).scenes) == 1
    create_repository(ref)
    remove_if_empty(ref)
    assert not exists(ref)
    assert exists(other)


def test_one_committer_per_site(ref: ArchiveRef) -> None:
    lock = Path(ref.folder) / "tiny.lock"
    other = ArchiveRef(ref.folder, "other")
    with alone(ref), alone(other), lock.open("w") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with lock.open("w") as file:
        assert fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB) is None


def test_the_lock_is_let_go_after_a_fault(ref: ArchiveRef) -> None:
    with pytest.raises(RuntimeError, match="on the way"), alone(ref):
        raise RuntimeError("on the way")
    with (Path(ref.folder) / "tiny.lock").open("w") as file:
        assert fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB) is None


@pytest.mark.slow
def test_killed_in_the_middle_of_a_batch(ref: ArchiveRef, tmp_path: Path) -> None:
    whole = ArchiveRef(str(tmp_path / "whole"), "tiny")
    for one in (ref, whole):
        add(one, scene(0), scene(6))
    before, chunks = content(ref), len(chunk_files(ref))
    batch = (12, 18, 24)
    process = SPAWN.Process(target=add_days, args=(ref.folder, batch), kwargs={"dies_at": "day018_1"})
    process.start()
    process.join()
    assert process.exitcode == 9
    assert len(chunk_files(ref)) > chunks  # it died with pixels on disk
    assert content(ref) == before
    assert [s.scene_id for s in read_ledger(ref).scenes] == ["day000_1", "day006_1"]
    for one in (ref, whole):
        add(one, *(scene(day) for day in batch))
    assert content(ref) == content(whole)
    assert sorted(s.slot for s in read_ledger(ref).scenes) == [0, 1, 2, 3, 4]  # its free slots were used


@pytest.mark.slow
def test_what_was_acknowledged_is_there_when_processes_commit_at_once(
    ref: ArchiveRef, tmp_path: Path
) -> None:
    Path(ref.folder).mkdir()
    shares = [range(k, 12, 3) for k in range(3)]
    processes = [
        SPAWN.Process(target=add_days, args=(ref.folder, list(share)), kwargs={"one_by_one": True})
        for share in shares
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [p.exitcode for p in processes] == [0, 0, 0]
    acked = {path.name.removeprefix("acked-") for path in Path(ref.folder).glob("acked-*")}
    assert len(acked) == 12
    assert {s.scene_id for s in read_ledger(ref).scenes} == acked
    alone = ArchiveRef(str(tmp_path / "alone"), "tiny")
    add(alone, *(scene(day) for day in range(12)))
    assert content(ref) == content(alone)
