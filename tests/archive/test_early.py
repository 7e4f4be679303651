"""Early dates are compared once there is a stack, so it does not matter when a displaced one arrives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.archive.ledger import read_ledger
from tasks.archive.reading import open_cube
from tasks.archive.recheck import compare_early_passes
from tasks.archive.stack import STACK
from tasks.archive.store import ArchiveRef, open_repository
from tests.archive.cubes import BOX, COLLECTION, AtOnce, Reader, add, content, scene

DISPLACED = scene(12)
SOURCE = Reader(planes={DISPLACED.scene_id: np.full(BOX.shape, 0.5, "float32")}, unlike=frozenset({0.5}))
DAYS = [6 * k for k in range(2 * STACK + 1)]
REASON = f"unlike the {STACK} dates of its stack"


def compare(ref: ArchiveRef) -> list[str]:
    return [r.scene_id for r in compare_early_passes(ref, COLLECTION, SOURCE, AtOnce())]


@pytest.fixture
def ref(tmp_path: Path) -> ArchiveRef:
    return ArchiveRef(str(tmp_path / "archive"), "tiny")


def test_a_displaced_date_is_refused_once_there_is_a_stack(ref: ArchiveRef) -> None:
    add(ref, *(scene(day) for day in (0, 6, 18, 24, 30)), reader=SOURCE)
    done = add(ref, DISPLACED, reader=SOURCE)
    assert done.written == ()
    assert read_ledger(ref).rejected == {DISPLACED.scene_id: REASON}


def test_with_too_few_dates_nothing_is_compared(ref: ArchiveRef) -> None:
    add(ref, *(scene(day) for day in DAYS[:STACK]), reader=SOURCE)
    states = len(list(open_repository(ref).ancestry(branch="main")))
    assert compare(ref) == []
    assert (open_cube(ref, COLLECTION)["compared"].values == 0).all()
    assert len(list(open_repository(ref).ancestry(branch="main"))) == states


def test_another_orbit_is_no_stack(ref: ArchiveRef) -> None:
    add(ref, *(scene(day, orbit=134) for day in (0, 6, 18, 24, 30)), DISPLACED, reader=SOURCE)
    assert compare(ref) == []


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(DAYS), cut=st.integers(1, 2 * STACK))
def test_the_order_of_arrival_does_not_matter(
    order: Sequence[int], cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ref = ArchiveRef(str(tmp_path_factory.mktemp("early")), "tiny")
    for part in (order[:cut], order[cut:]):
        add(ref, *(scene(day) for day in part), reader=SOURCE)
        compare(ref)
    ledger = read_ledger(ref)
    assert list(ledger.rejected) == [DISPLACED.scene_id]
    assert [s.scene_id for s in ledger.scenes] == [scene(d).scene_id for d in DAYS if d != 12]
    assert (open_cube(ref, COLLECTION)["compared"].values == 1).all()
    clean = ArchiveRef(str(tmp_path_factory.mktemp("clean")), "tiny")
    add(clean, *(scene(d) for d in DAYS if d != 12))
    assert content(ref) == content(clean)


def test_a_freed_slot_is_used_again(ref: ArchiveRef) -> None:
    add(ref, *(scene(day) for day in DAYS), reader=SOURCE)
    assert compare(ref) == [DISPLACED.scene_id]
    add(ref, scene(480), reader=SOURCE)
    assert sorted(s.slot for s in read_ledger(ref).scenes) == list(range(len(DAYS)))
