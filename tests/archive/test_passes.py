"""Tiles of one pass: grouped, mosaicked, completed by late ones, and replaced one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.archive.ledger import match_passes, outdated, read_ledger
from tasks.archive.reading import open_cube
from tasks.archive.store import ArchiveRef
from tasks.errors import SceneError
from tasks.model import PASS_GAP, SceneRef, pass_id, passes_of
from tests.archive.cubes import BOX, COLLECTION, Reader, add, content, scene


@pytest.fixture
def ref(tmp_path: Path) -> ArchiveRef:
    return ArchiveRef(str(tmp_path / "archive"), "tiny")


def tile(letter: str, *, day: int = 0, after_s: float = 0, processing: str = "1", **changes: Any) -> SceneRef:
    """One tile of the pass of a day."""
    whole = scene(day, scene_id=f"{letter}{processing}-{day}", processing=processing)
    return replace(whole, tile=letter, acquired=whole.acquired + timedelta(seconds=after_s), **changes)


def part(rows: slice, value: float) -> np.ndarray:
    plane = np.full(BOX.shape, np.nan, "float32")
    plane[rows] = value
    return plane


NORTH, SOUTH = tile("N"), tile("S", after_s=25)
PARTS = Reader(
    planes={
        NORTH.scene_id: part(slice(0, 14), 1.0),
        SOUTH.scene_id: part(slice(10, 24), 2.0),
        "N2-0": part(slice(0, 14), 3.0),
    }
)


# Grouping


def test_tiles_of_a_pass_are_grouped_and_nothing_else() -> None:
    other_orbit, other_satellite = tile("S", orbit=134), tile("S", platform="sentinel-1c")
    later, unknown = tile("S", after_s=PASS_GAP.total_seconds() + 1), tile("S", platform="")
    for other in (other_orbit, other_satellite, later, unknown):
        assert len(passes_of([NORTH, other])) == 2, other
    assert passes_of([SOUTH, NORTH]) == [(NORTH, SOUTH)]
    chain = [tile(str(k), after_s=100 * k) for k in range(5)]
    assert passes_of(chain) == [tuple(chain)]  # a long strip, tile after tile
    assert pass_id((NORTH, SOUTH)) == "N1-0+S1-0"


@given(
    st.permutations([tile(x, day=d, after_s=s) for d in (0, 1) for x, s in (("N", 0), ("M", 9), ("S", 25))])
)
def test_grouping_does_not_depend_on_the_order(listed: list[SceneRef]) -> None:
    found = passes_of(listed)
    assert [pass_id(p) for p in found] == ["N1-0+M1-0+S1-0", "N1-1+M1-1+S1-1"]
    assert found == passes_of(sorted(listed, key=lambda s: s.scene_id))


# Mosaics


def test_tiles_become_one_date_and_the_first_one_counts_where_they_overlap(ref: ArchiveRef) -> None:
    done = add(ref, SOUTH, NORTH, reader=PARTS)
    assert done.written == (NORTH.scene_id, SOUTH.scene_id)
    cube = open_cube(ref, COLLECTION)
    assert list(cube["scene_id"].values) == ["N1-0+S1-0"]
    assert cube["valid_share"].values[0] == 1
    assert (cube["vv"].values[0, :14] == 1).all()
    assert (cube["vv"].values[0, 14:] == 2).all()
    (one,) = read_ledger(ref).scenes
    assert [d.scene_id for d in one.deliveries] == [NORTH.scene_id, SOUTH.scene_id]
    assert one.acquired == NORTH.acquired


def test_a_late_tile_completes_its_pass_whatever_the_order_of_arrival(
    ref: ArchiveRef, tmp_path: Path
) -> None:
    add(ref, NORTH, SOUTH, reader=PARTS)
    for k, (first, second) in enumerate(permutations([NORTH, SOUTH])):
        late = ArchiveRef(str(tmp_path / f"late-{k}"), "tiny")
        add(late, first, reader=PARTS)
        (archived,) = read_ledger(late).scenes
        assert match_passes([(NORTH, SOUTH)], [archived]) == {0: archived}
        assert outdated((NORTH, SOUTH), archived)
        assert not outdated((first,), archived)
        done = add(late, first, second, reader=PARTS)  # the plan hands in the whole pass
        assert done.superseded == ()
        assert content(late) == content(ref)
        assert not outdated((NORTH, SOUTH), read_ledger(late).scenes[0])


def test_one_tile_reprocessed_replaces_that_tile(ref: ArchiveRef) -> None:
    add(ref, NORTH, SOUTH, reader=PARTS)
    newer = tile("N", processing="2", supersedes=(NORTH.scene_id,))
    assert outdated((newer, SOUTH), read_ledger(ref).scenes[0])
    done = add(ref, newer, SOUTH, reader=PARTS)
    assert done.superseded == (NORTH.scene_id,)
    assert read_ledger(ref).superseded == {"N1-0": "N2-0"}
    cube = open_cube(ref, COLLECTION)
    assert list(cube["scene_id"].values) == ["N2-0+S1-0"]
    assert (cube["vv"].values[0, :14] == 3).all()


def test_a_tile_that_cannot_be_read_leaves_the_others(ref: ArchiveRef) -> None:
    cut = replace(PARTS, failing={SOUTH.scene_id: SceneError("vv is cut off")})
    done = add(ref, NORTH, SOUTH, reader=cut)
    assert done.written == (NORTH.scene_id,)
    assert [r.scene_id for r in done.rejected] == [SOUTH.scene_id]
    cube = open_cube(ref, COLLECTION)
    assert list(cube["scene_id"].values) == [NORTH.scene_id]
    assert cube["valid_share"].values[0] == pytest.approx(14 / 24)
    add(ref, NORTH, SOUTH, reader=PARTS)
    assert read_ledger(ref).rejected == {}
    assert list(open_cube(ref, COLLECTION)["scene_id"].values) == ["N1-0+S1-0"]


def test_passes_of_one_day_keep_apart(ref: ArchiveRef) -> None:
    morning = tile("N", after_s=-11 * 3600, orbit=134)
    add(ref, NORTH, morning)
    add(ref, tile("N", after_s=6000))  # the same satellite, an orbit later
    assert len(read_ledger(ref).scenes) == 3


def test_older_deliveries_of_the_catalogue_are_written_down(ref: ArchiveRef) -> None:
    add(ref, replace(NORTH, supersedes=("N0-0", "N00-0")))
    assert read_ledger(ref).superseded == {"N0-0": "N1-0", "N00-0": "N1-0"}


@pytest.mark.parametrize("permanent", [False, True])
def test_a_date_stays_as_it_is_when_what_replaces_a_tile_cannot_be_read(
    ref: ArchiveRef, permanent: bool
) -> None:
    add(ref, NORTH, SOUTH, reader=PARTS)
    before = content(ref)
    newer = tile("N", processing="2")
    cut = replace(PARTS, failing={newer.scene_id: SceneError("vv is cut off", permanent=permanent)})
    assert add(ref, newer, SOUTH, reader=cut).written == ()
    assert content(ref) == before
    assert read_ledger(ref).superseded == {}
    assert list(read_ledger(ref).rejected) == ([newer.scene_id] if permanent else [])


def test_a_tile_without_the_others_of_its_date_takes_nothing_away(ref: ArchiveRef) -> None:
    """As from a catalogue that lists a part of the pass only."""
    add(ref, NORTH, reader=PARTS)
    done = add(ref, SOUTH, reader=PARTS)
    assert done.written == ()
    assert "its date is archived with N1-0" in done.rejected[0].reason
    assert list(open_cube(ref, COLLECTION)["scene_id"].values) == [NORTH.scene_id]


# Older deliveries


OLD, NEW = tile("N", processing="1"), tile("N", processing="2", supersedes=("N1-0",))
BOTH = replace(NEW, older=(OLD,))


def failing(*scenes: SceneRef, permanent: bool = True) -> Reader:
    fault = SceneError("vv is cut off", permanent=permanent)
    return replace(PARTS, failing={s.scene_id: fault for s in scenes})


@pytest.mark.parametrize("permanent", [False, True])
def test_an_unreadable_delivery_does_not_hide_the_older_one(ref: ArchiveRef, permanent: bool) -> None:
    done = add(ref, BOTH, SOUTH, reader=failing(NEW, permanent=permanent))
    assert done.written == (OLD.scene_id, SOUTH.scene_id)
    assert [r.scene_id for r in done.rejected] == [NEW.scene_id]
    (archived,) = read_ledger(ref).scenes
    assert archived.scene_id == "N1-0+S1-0"
    assert (open_cube(ref, COLLECTION)["vv"].values[0, :14] == 1).all()
    assert list(read_ledger(ref).rejected) == ([NEW.scene_id] if permanent else [])
    assert outdated((BOTH, SOUTH), archived)  # it is asked for again where that may help
    done = add(ref, BOTH, SOUTH, reader=PARTS)
    assert done.superseded == (OLD.scene_id,)
    assert (open_cube(ref, COLLECTION)["vv"].values[0, :14] == 3).all()
    assert read_ledger(ref).rejected == {}


def test_what_the_gate_refuses_gives_way_too(ref: ArchiveRef) -> None:
    bad = replace(PARTS, planes={**PARTS.planes, NEW.scene_id: np.full(BOX.shape, np.nan, "float32")})
    assert add(ref, BOTH, reader=bad).written == (OLD.scene_id,)


def test_of_several_older_ones_the_newest_that_can_be_read_is_taken(ref: ArchiveRef) -> None:
    newest = replace(tile("N", processing="3"), older=(NEW, OLD))
    done = add(ref, newest, reader=failing(newest, NEW))
    assert done.written == (OLD.scene_id,)
    assert [r.scene_id for r in done.rejected] == [NEW.scene_id, newest.scene_id]
    none = add(ref, replace(newest, older=(NEW,)), reader=failing(newest, NEW))
    assert none.written == ()


def test_an_older_one_that_is_held_is_not_written_anew(ref: ArchiveRef) -> None:
    add(ref, OLD, SOUTH, reader=PARTS)
    before = read_ledger(ref)
    done = add(ref, BOTH, SOUTH, reader=failing(NEW, permanent=False))
    assert (done.written, [r.scene_id for r in done.rejected]) == ((), [NEW.scene_id])
    assert read_ledger(ref) == before


def test_an_older_one_lets_a_late_tile_in(ref: ArchiveRef) -> None:
    """Without it the date would have to stay as it is: a part of it could not be read again."""
    add(ref, OLD, reader=PARTS)
    done = add(ref, BOTH, SOUTH, reader=failing(NEW))
    assert done.written == (OLD.scene_id, SOUTH.scene_id)
