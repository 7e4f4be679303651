"""A flipped bit, a lost object: found by reading, named by what it belongs to, mended by itself alone."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tasks.archive.backgrounds import read_background
from tasks.archive.damage import DamagedError
from tasks.archive.ledger import read_ledger
from tasks.archive.reading import on_scenes, open_cube
from tasks.archive.store import ArchiveRef
from tasks.archive.verify import Verified, verify_repository
from tests.archive.cubes import COLLECTION, add, chunk_files, content, scene
from tests.archive.test_backgrounds import epoch, store
from tests.archive.test_cube import as_it_is

DAYS = (0, 6, 12)


@pytest.fixture
def ref(tmp_path: Path) -> ArchiveRef:
    return ArchiveRef(str(tmp_path / "archive"), "tiny")


def verified(ref: ArchiveRef, snapshot: str | None = None) -> Verified:
    with ThreadPoolExecutor(2) as pool:
        return verify_repository(ref, pool, snapshot)


def flip(path: Path, rng: random.Random) -> None:
    """Turn one bit of a file."""
    data = bytearray(path.read_bytes())
    place = rng.randrange(len(data) * 8)
    data[place // 8] ^= 1 << place % 8
    path.write_bytes(bytes(data))


def files_of(ref: ArchiveRef, day: int) -> set[Path]:
    """Chunk files that adding a day brought, its planes and the renewed coordinates."""
    before = set(chunk_files(ref)) if ref.path.exists() else set()
    add(ref, scene(day))
    return set(chunk_files(ref)) - before


def test_nothing_is_wrong_with_what_was_written(ref: ArchiveRef) -> None:
    add(ref, *(scene(day) for day in DAYS))
    found = verified(ref)
    assert (found.planes, found.damaged) == (6, ())
    assert found.snapshot == read_ledger(ref).snapshot


@pytest.mark.parametrize("seed", range(12))
def test_a_flipped_bit_in_any_plane_is_reported_and_never_read(ref: ArchiveRef, seed: int) -> None:
    rng = random.Random(seed)
    planes = {day: max_two(files_of(ref, day)) for day in DAYS}
    day = rng.choice(DAYS)
    before = content(ref)
    flip(rng.choice(planes[day]), rng)
    hurt = scene(day).scene_id
    found = verified(ref)
    assert found.scenes == {hurt}
    assert [d.what for d in found.damaged] == ["scene"]
    cube = open_cube(ref, COLLECTION)
    slot = next(s.slot for s in read_ledger(ref).scenes if s.scene_id == hurt)
    band = found.damaged[0].array
    with pytest.raises(DamagedError, match=rf"scene {hurt}: {band} is damaged in the archive .*--repair"):
        cube[band].load(scheduler="synchronous")
    with pytest.raises(DamagedError, match=f"scene {hurt}: {band}"):
        on_scenes(ref, found.snapshot, COLLECTION, [slot], as_it_is)
    others = [k for k, i in enumerate(cube["scene_id"].values) if i != hurt]
    assert np.isfinite(cube[band].isel(time=others).values).any()
    add(ref, scene(day))  # what a repair does
    assert verified(ref).damaged == ()
    assert content(ref) == before


def max_two(files: set[Path]) -> list[Path]:
    """The two planes among the files of a commit: the largest ones, for the coordinates are small."""
    return sorted(files, key=lambda path: (path.stat().st_size, path.name))[-2:]


def test_a_lost_object_is_reported_too(ref: ArchiveRef) -> None:
    lost = max_two(files_of(ref, 0))[0]
    files_of(ref, 6)
    lost.unlink()
    found = verified(ref)
    assert found.scenes == {scene(0).scene_id}
    assert len(found.damaged) == 1


def test_a_damaged_background_is_named_by_quarter_and_orbit(ref: ArchiveRef) -> None:
    add(ref, *(scene(day) for day in DAYS))
    before = set(chunk_files(ref))
    store(ref, epoch(0, 1, 2))
    planes = sorted(set(chunk_files(ref)) - before, key=lambda path: path.stat().st_size)[-1:]
    flip(planes[0], random.Random(1))
    found = verified(ref)
    assert found.scenes == frozenset()
    assert found.backgrounds == {COLLECTION: ["2023-10/61"]}
    with pytest.raises(DamagedError, match=r"background number 0 of tiny-s1 is damaged .*--repair"):
        read_background(ref, found.snapshot, COLLECTION, 0)


def test_an_earlier_state_can_be_verified(ref: ArchiveRef) -> None:
    planes = max_two(files_of(ref, 0))
    earlier = read_ledger(ref).snapshot
    add(ref, scene(0, processing="2"))
    flip(planes[0], random.Random(2))
    assert verified(ref).damaged == ()  # nobody reads the old delivery any more
    assert verified(ref, earlier).scenes == {scene(0).scene_id}
