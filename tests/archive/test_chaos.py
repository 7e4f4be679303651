"""A few trials of each kind; the whole campaign is `tests.benchmarks.bench_chaos`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.archive import cube
from tasks.archive.ledger import read_ledger
from tasks.archive.store import ArchiveRef
from tests.archive.chaos import (
    BATCH,
    Home,
    Outcome,
    Race,
    Victim,
    acknowledged,
    batches,
    race,
    trial,
    undisturbed,
    what_is_wrong,
)
from tests.archive.cubes import add, scene
from tests.archive.stores import StoreServer, running, seaweed_server, use
from tests.benchmarks import bench_chaos

LASTS_S = 2.0
"""About what an ingest takes; only the spread of the moments hangs on it."""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return undisturbed(tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture
def durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A server of this test's own, to be killed."""
    with running(seaweed_server(tmp_path / "seaweed")) as server:
        use(monkeypatch, server.env)
        yield Home(tmp_path, server, server.bucket("chaos"))


@pytest.mark.slow
@pytest.mark.parametrize(("victim", "seed"), [("flow", 1), ("worker", 2)])
def test_killed_on_local_disk(tmp_path: Path, reference: dict[str, Any], victim: Victim, seed: int) -> None:
    assert trial(Home(tmp_path), "archive", victim, seed, LASTS_S, reference).faults == ()


@pytest.mark.slow
def test_killed_on_an_object_store(durable: Home, reference: dict[str, Any]) -> None:
    for victim, seed in (("flow", 3), ("store", 4)):
        assert trial(durable, victim, victim, seed, LASTS_S, reference).faults == ()


@pytest.mark.slow
def test_writers_on_an_object_store(durable: Home) -> None:
    done = race(durable, "race", writers=3, commits=4)
    assert (done.acknowledged, done.faults) == (12, ())


def test_a_rival_that_commits_between_making_room_and_filling_it(
    moto: StoreServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, moto.env)
    ref = ArchiveRef(moto.bucket("overtaken"), "tiny")
    add(ref, scene(0))
    make_room = cube._make_room

    def overtaken(*args: Any) -> Any:
        made = make_room(*args)
        monkeypatch.setattr(cube, "_make_room", make_room)
        add(ref, scene(6))  # the rival: it takes the slot that has just been made
        return made

    monkeypatch.setattr(cube, "_make_room", overtaken)
    add(ref, scene(12))
    assert [s.scene_id for s in read_ledger(ref).scenes] == ["day000_1", "day006_1", "day012_1"]


def test_the_judge_sees_what_must_not_be(tmp_path: Path, reference: dict[str, Any]) -> None:
    ref = Home(tmp_path).archive("archive")
    first, second, third = batches()[:3]
    ids = [s.scene_id for s in first]
    assert what_is_wrong(ref, [], reference) == []
    assert "acknowledged but not there" in what_is_wrong(ref, [ids], reference)[0]
    add(ref, *first)
    assert what_is_wrong(ref, [ids], reference) == []
    assert what_is_wrong(ref, [], reference) == []  # killed after the commit, before it was told
    other = dict.fromkeys(reference, ("", ""))
    assert "not as written" in what_is_wrong(ref, [ids], other)[0]
    add(ref, *third)
    assert "batch 2 is there, but 1 were acknowledged" in what_is_wrong(ref, [ids], reference)[0]
    add(ref, *second[:3])
    assert "batch 1 is there in part" in what_is_wrong(ref, [ids], reference)[0]


def test_an_acknowledgement_cut_short_is_none(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    assert acknowledged(journal) == []
    journal.write_text("ready\na b\nc d")
    assert acknowledged(journal) == [["a", "b"]]


def test_the_reference_is_the_whole_ingest(reference: dict[str, Any]) -> None:
    assert len(reference) == BATCH * len(batches())


def test_the_campaign_tells_faults_from_none() -> None:
    fine = Outcome("local disk", "flow", 0, 0.1, 8, 8, 16, "killed", ())
    lost = Outcome(
        "local disk", "flow", 1, 0.2, 64, 24, 16, "IcechunkError: gone", ("acknowledged but not there",)
    )
    rows = bench_chaos.as_markdown([fine, lost], [Race("seaweed", 100, 100, 100, 9.0, ())]).splitlines()[2:]
    assert rows == [
        "| local disk | flow | 2, 1 | 1 gave up, 1 killed | 32, 32 | 1 | 0 | MISSED |",
        "| seaweed | nobody | 4 writers × 25 | 9 s | 100, 100 | 0 | 0 | met |",
    ]
