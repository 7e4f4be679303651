from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from tasks.archive.backgrounds import (
    EPOCHS_PER_JOB,
    EpochRecord,
    on_looks,
    read_background,
    store_epochs,
    stored_epochs,
)
from tasks.archive.ledger import read_ledger
from tasks.archive.reading import on_scenes
from tasks.archive.store import ArchiveRef, open_repository
from tests.archive.cubes import COLLECTION, PLANES, AtOnce, add, content, scene

QUARTER = datetime(2023, 10, 1, tzinfo=UTC)
NEXT = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def ref(tmp_path: Path) -> ArchiveRef:
    ref = ArchiveRef(str(tmp_path / "archive"), "tiny")
    add(ref, *(scene(6 * k) for k in range(4)))
    return ref


def estimate(block: xr.Dataset, factor: float = 1.0) -> dict[str, np.ndarray]:
    """A toy background that tells which scenes it came from."""
    seen = np.isfinite(block["vv"].values)
    level = np.where(seen, block["vv"].values, 0).sum(0) * factor
    return {
        "level": level.astype("float32"),
        "bright_share": np.full(level.shape, 0.25, "float32"),
        "seen_share": seen.mean(0, dtype="float32"),
    }


def estimate_each(
    block: xr.Dataset, epochs: Sequence[Sequence[int]], factor: float = 1.0
) -> Iterator[dict[str, np.ndarray]]:
    for members in epochs:
        yield estimate(block.isel(time=list(members)), factor)


def epoch(*slots: int, quarter: datetime = QUARTER, orbit: int = 61, digest: str = "a") -> EpochRecord:
    return EpochRecord(quarter, orbit, digest, tuple(f"day{6 * s:03d}_1" for s in slots), slots)


def store(ref: ArchiveRef, *epochs: EpochRecord, factor: float = 1.0) -> str:
    steps: list[int] = []
    snapshot = store_epochs(ref, COLLECTION, epochs, AtOnce(), steps.append, PLANES, estimate_each, factor)
    assert sum(steps) == len(epochs)
    return snapshot


def expected(ref: ArchiveRef, snapshot: str, slots: tuple[int, ...], factor: float = 1.0) -> dict[str, Any]:
    return on_scenes(ref, snapshot, COLLECTION, slots, estimate, factor)  # type: ignore[no-any-return]


def assert_planes(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert set(found) == set(PLANES) == set(wanted)
    for name in PLANES:
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], wanted[name])


def newest(ref: ArchiveRef) -> Any:
    return next(iter(open_repository(ref).ancestry(branch="main")))


def test_no_backgrounds_at_first(ref: ArchiveRef) -> None:
    assert stored_epochs(ref, COLLECTION, str(read_ledger(ref).snapshot)) == {}


def test_backgrounds_come_back_with_what_they_came_from(ref: ArchiveRef) -> None:
    scenes = content(ref)
    one, two, three = epoch(0, 2), epoch(1, orbit=7), epoch(3, quarter=NEXT, digest="b")
    snapshot = store(ref, one, two, three)
    records = stored_epochs(ref, COLLECTION, snapshot)
    assert set(records) == {(QUARTER, 61), (QUARTER, 7), (NEXT, 61)}
    for record in (one, two, three):
        found = records[record.quarter, record.orbit]
        assert found == replace(record, slots=(), slot=found.slot)
        assert_planes(
            read_background(ref, snapshot, COLLECTION, found.slot), expected(ref, snapshot, record.slots)
        )
    assert content(ref) == scenes
    assert newest(ref).metadata == {"corrected": []}
    assert newest(ref).message == "3 backgrounds of tiny-s1, 0 corrected"


def test_a_corrected_background_keeps_its_slot_and_says_so(
    ref: ArchiveRef, caplog: pytest.LogCaptureFixture
) -> None:
    before = store(ref, epoch(0), epoch(1, orbit=7))
    old = stored_epochs(ref, COLLECTION, before)
    with caplog.at_level(logging.INFO, logger="tasks.archive.backgrounds"):
        after = store(ref, epoch(0, 2, digest="b"), epoch(3, quarter=NEXT))
    new = stored_epochs(ref, COLLECTION, after)
    assert new[QUARTER, 61].slot == old[QUARTER, 61].slot
    assert new[QUARTER, 61].members == ("day000_1", "day012_1")
    assert new[QUARTER, 61].digest == "b"
    assert new[QUARTER, 7] == old[QUARTER, 7]
    assert sorted(r.slot for r in new.values()) == [0, 1, 2]
    assert newest(ref).metadata == {"corrected": ["2023-10/61"]}
    assert caplog.messages == ["tiny tiny-s1: corrected backgrounds 2023-10/61"]
    slot = new[QUARTER, 61].slot
    assert_planes(read_background(ref, after, COLLECTION, slot), expected(ref, after, (0, 2)))
    assert_planes(read_background(ref, before, COLLECTION, slot), expected(ref, before, (0,)))  # time travel
    assert stored_epochs(ref, COLLECTION, before) == old


def test_storing_the_same_twice_changes_nothing(ref: ArchiveRef) -> None:
    first = store(ref, epoch(0, 1))
    second = store(ref, epoch(0, 1))
    assert stored_epochs(ref, COLLECTION, second) == stored_epochs(ref, COLLECTION, first)
    assert_planes(read_background(ref, second, COLLECTION, 0), read_background(ref, first, COLLECTION, 0))


def test_a_failed_estimate_stores_nothing_and_leaves_room_for_the_next(ref: ArchiveRef) -> None:
    def fail(*_: Any) -> Iterator[dict[str, np.ndarray]]:
        raise ZeroDivisionError("no scene")

    with pytest.raises(ZeroDivisionError):
        store_epochs(ref, COLLECTION, [epoch(0)], AtOnce(), lambda _: None, PLANES, fail)
    assert stored_epochs(ref, COLLECTION, str(read_ledger(ref).snapshot)) == {}
    snapshot = store(ref, epoch(0))
    assert [r.slot for r in stored_epochs(ref, COLLECTION, snapshot).values()] == [0]


def test_a_look_gets_its_scenes_and_their_background(ref: ArchiveRef) -> None:
    snapshot = store(ref, epoch(0, 1), factor=2.0)

    def look(block: xr.Dataset, planes: dict[str, np.ndarray], label: str) -> tuple[list[str], float, str]:
        return list(block["scene_id"].values), float(planes["level"].sum()), label

    ids, level, label = on_looks(ref, snapshot, COLLECTION, [3, 1], 0, look, "x")
    assert ids == ["day018_1", "day006_1"]
    assert level == pytest.approx(float(expected(ref, snapshot, (0, 1), 2.0)["level"].sum()))
    assert label == "x"


def test_backgrounds_lie_on_the_cubes_grid(ref: ArchiveRef) -> None:
    snapshot = store(ref, epoch(0))
    assert {p.shape for p in read_background(ref, snapshot, COLLECTION, 0).values()} == {(24, 30)}
    assert [s.scene_id for s in read_ledger(ref).scenes] == [f"day{6 * k:03d}_1" for k in range(4)]


def test_other_planes_take_the_place_of_those_of_another_version(ref: ArchiveRef) -> None:
    before = store(ref, epoch(0), epoch(1, orbit=7))

    def darkest(block: xr.Dataset, epochs: Sequence[Sequence[int]]) -> Iterator[dict[str, np.ndarray]]:
        for members in epochs:
            yield {"darkest": np.nan_to_num(block["vv"].values[list(members)]).min(0).astype("float32")}

    after = store_epochs(
        ref, COLLECTION, [epoch(0)], AtOnce(), lambda _: None, {"darkest": "lowest"}, darkest
    )
    assert [e.orbit for e in stored_epochs(ref, COLLECTION, after).values()] == [61]
    assert set(read_background(ref, after, COLLECTION, 0)) == {"darkest"}
    assert set(read_background(ref, before, COLLECTION, 0)) == set(PLANES)  # time travel


def test_neighbours_of_one_orbit_are_estimated_together_each_from_its_own_members(ref: ArchiveRef) -> None:
    seen: list[tuple[list[str], list[tuple[int, ...]]]] = []

    def watched(block: xr.Dataset, epochs: list[tuple[int, ...]]) -> Iterator[dict[str, np.ndarray]]:
        seen.append((list(block["scene_id"].values), epochs))
        return estimate_each(block, epochs)

    members = [(0, 1), (1, 2), (3, 1), (2,), (0, 2, 3)]
    years = [datetime(2020 + k, 1, 1, tzinfo=UTC) for k in range(len(members))]
    epochs = [epoch(*slots, quarter=year) for slots, year in zip(members, years, strict=True)]
    other = epoch(1, 3, orbit=7)
    given = [*reversed(epochs), other]
    steps: list[int] = []
    snapshot = store_epochs(ref, COLLECTION, given, AtOnce(), steps.append, PLANES, watched)
    assert sorted(steps) == [1, 1, EPOCHS_PER_JOB]
    assert all(len(set(ids)) == len(ids) for ids, _ in seen)  # a scene is handed over once
    assert sorted(len(part) for _, part in seen) == [1, 1, EPOCHS_PER_JOB]
    records = stored_epochs(ref, COLLECTION, snapshot)
    for one in given:
        slot = records[one.quarter, one.orbit].slot
        assert_planes(read_background(ref, snapshot, COLLECTION, slot), expected(ref, snapshot, one.slots))
