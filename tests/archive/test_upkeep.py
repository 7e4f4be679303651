"""Going back to earlier states, and forgetting them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tasks.archive.ledger import read_ledger
from tasks.archive.reading import open_cube
from tasks.archive.store import ArchiveRef, history, snapshot_at
from tasks.archive.upkeep import tidy_repository
from tasks.errors import ArchiveError
from tests.archive.cubes import COLLECTION, add, chunk_files, content, scene
from tests.archive.test_damage import verified

LATER = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def ref(tmp_path: Path) -> ArchiveRef:
    return ArchiveRef(str(tmp_path / "archive"), "tiny")


def written(ref: ArchiveRef, snapshot: str) -> datetime:
    return next(s.written for s in history(ref) if s.snapshot_id == snapshot)


def test_a_moment_leads_to_the_state_that_readers_saw(ref: ArchiveRef) -> None:
    first = add(ref, scene(0))
    second = add(ref, scene(0, processing="2"), scene(6))
    between = written(ref, second.snapshot) - timedelta(microseconds=1)
    assert snapshot_at(ref, LATER) == second.snapshot
    assert snapshot_at(ref, written(ref, first.snapshot)) == first.snapshot
    then = open_cube(ref, COLLECTION, as_of=written(ref, first.snapshot))
    assert list(then["scene_id"].values) == ["day000_1"]
    assert [s.scene_id for s in read_ledger(ref, snapshot_at(ref, between)).scenes] == ["day000_1"]
    with pytest.raises(ArchiveError, match=r"held nothing on 2001-01-01 00:00:00 UTC; the oldest state kept"):
        snapshot_at(ref, datetime(2001, 1, 1, tzinfo=UTC))
    with pytest.raises(ArchiveError, match="has no snapshot 'ABCDEFGHJKMNPQRSTVW0'"):
        read_ledger(ref, "ABCDEFGHJKMNPQRSTVW0")


def test_tidying_keeps_the_newest_state_and_throws_the_others_away(ref: ArchiveRef) -> None:
    for processing in "123":
        add(ref, scene(0, processing=processing), scene(6))
    before, files = content(ref), len(chunk_files(ref))
    done = tidy_repository(ref, LATER, LATER)
    assert content(ref) == before
    assert verified(ref).damaged == ()
    assert done.snapshots > 0
    assert done.objects > 0
    assert done.bytes > 0
    assert len(chunk_files(ref)) < files
    add(ref, scene(12))
    assert len(read_ledger(ref).scenes) == 3


def test_young_states_stay(ref: ArchiveRef) -> None:
    first = add(ref, scene(0))
    add(ref, scene(0, processing="2"))
    before = content(ref, snapshot=first.snapshot)
    done = tidy_repository(ref, written(ref, first.snapshot), LATER)
    assert content(ref, snapshot=first.snapshot) == before
    assert done.kept >= 2


def test_tidying_twice_finds_nothing_more(ref: ArchiveRef) -> None:
    add(ref, scene(0))
    add(ref, scene(0, processing="2"))
    tidy_repository(ref, LATER, LATER)
    again = tidy_repository(ref, LATER, LATER)
    assert (again.snapshots, again.objects) == (0, 0)
