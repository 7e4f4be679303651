"""Random histories of an archive beside a dictionary that must always hold the same.

`ROADSTEAD_HISTORIES=500 pytest tests/archive/test_stateful.py` runs more of them, other ones each time; the
number that runs by itself is the same histories on every machine.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tasks.archive.backgrounds import EpochRecord, forget_epochs, name_of, store_epochs
from tasks.archive.cube import CubeSpec, Ingested, add_scenes, reject_scenes
from tasks.archive.damage import DamagedError
from tasks.archive.ledger import read_ledger
from tasks.archive.recheck import compare_early_passes
from tasks.archive.store import exists, history, snapshot_at
from tasks.archive.upkeep import tidy_repository
from tasks.errors import ArchiveError, SceneError
from tasks.model import Rejection, SceneRef
from tests.archive.cubes import COLLECTION, PLANES, AtOnce
from tests.archive.model_archive import BANDS, BOX, Background, Key, delivery
from tests.archive.mortal import Killed, Listing, Provider, Submitting
from tests.archive.witness import Witness

HISTORIES = int(os.environ.get("ROADSTEAD_HISTORIES", "0"))

QUARTERS = (datetime(2023, 10, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC))

days = st.integers(0, 40)
orbits = st.sampled_from([61, 61, 61, 7, 0])
fates = st.sampled_from(["sound"] * 5 + ["broken", "busy"])
FAULTS = {
    "broken": SceneError("vv cannot be read: it is broken"),
    "busy": SceneError("HTTP 503", permanent=False),
}
deaths = st.sampled_from(
    ["listing", "room uncommitted", "submitting", "reading", "judging", "merged", "uncommitted"]
)


def estimate(block: xr.Dataset, epochs: Sequence[Sequence[int]]) -> Iterator[dict[str, np.ndarray]]:
    for members in epochs:
        yield sums(block["vv"].values[list(members)])


def sums(stack: np.ndarray) -> dict[str, np.ndarray]:
    """A toy background that tells which dates it came from."""
    seen = np.isfinite(stack)
    level = np.where(seen, stack, 0).sum(0, dtype="float64").astype("float32")
    return {"level": level, "bright_share": level / 2, "seen_share": seen.mean(0, dtype="float32")}


def draw_order(data: st.DataObject, scenes: Sequence[SceneRef]) -> list[SceneRef]:
    return [scenes[k] for k in data.draw(st.permutations(range(len(scenes))))]


class Archive(Witness, RuleBasedStateMachine):
    """What happens to one site's archive: to its catalogue, its processes and its disk."""

    def __init__(self) -> None:
        RuleBasedStateMachine.__init__(self)
        self.folder = Path(tempfile.mkdtemp(prefix="roadstead-history-"))
        Witness.__init__(self, self.folder / "archive")
        self.catalogue: dict[Key, list[SceneRef]] = {}
        self.withdrawn: dict[Key, list[SceneRef]] = {}

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    # What arrives

    @initialize(count=st.integers(0, 7))
    def begin(self, count: int) -> None:
        for day in range(count):
            self.catalogue[61, 3 * day] = [delivery((61, 3 * day), "", 1, BANDS, False, None)]
        if count:
            self.ingest(list(self.catalogue), {})

    @rule(data=st.data(), keys=st.lists(st.tuples(orbits, days), min_size=1, max_size=6, unique=True))
    def arrive(self, data: st.DataObject, keys: list[Key]) -> None:
        for key in keys:
            if key in self.catalogue:
                continue
            tiles = data.draw(st.sampled_from(["", "", "", "WE", "W", "E"])) if key[0] else ""
            odd = data.draw(st.sampled_from([False] * 5 + [True]))
            clouds = data.draw(st.sampled_from([None, 0, 37]))
            self.catalogue[key] = [
                delivery(key, tile, 1, self.draw_bands(data), odd, clouds) for tile in tiles or [""]
            ]
        self.offer(data, keys)

    @precondition(lambda self: self.catalogue)
    @rule(data=st.data())
    def arrive_again(self, data: st.DataObject) -> None:
        missing = sorted(self.catalogue.keys() - self.model.passes.keys())
        self.offer(data, [*missing, *self.draw_keys(data)])

    @precondition(lambda self: self.catalogue)
    @rule(data=st.data(), odd=st.booleans())
    def arrive_reprocessed(self, data: st.DataObject, odd: bool) -> None:
        for key in self.draw_keys(data):
            tiles = self.catalogue[key]
            k = data.draw(st.integers(0, len(tiles) - 1))
            old = tiles[k]
            newer = delivery(key, old.tile, int(old.processing) + 1, self.draw_bands(data), odd, 5)
            self.withdrawn[key] = tiles
            self.catalogue[key] = [*tiles[:k], newer, *tiles[k + 1 :]]
        self.offer(data, [*self.draw_keys(data), key])

    @precondition(lambda self: self.withdrawn)
    @rule(data=st.data())
    def arrive_in_the_former_version(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.withdrawn)))
        self.catalogue[key] = self.withdrawn.pop(key)
        self.offer(data, [key])

    @precondition(lambda self: self.halves())
    @rule(data=st.data())
    def arrive_with_the_other_tile(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(self.halves()))
        (there,) = self.catalogue[key]
        other = delivery(key, "E" if there.tile == "W" else "W", 1, self.draw_bands(data), False, 80)
        self.catalogue[key] = [other, there]
        self.withdrawn.pop(key, None)
        self.offer(data, [key])

    def halves(self) -> list[Key]:
        return sorted(k for k, tiles in self.catalogue.items() if len(tiles) == 1 and tiles[0].tile)

    def draw_bands(self, data: st.DataObject) -> Sequence[str]:
        return data.draw(st.sampled_from([BANDS] * 4 + [BANDS[::-1], ("vv",), ("vh",), ("hh",)]))

    def draw_keys(self, data: st.DataObject) -> list[Key]:
        known = st.sampled_from(sorted(self.catalogue))
        return data.draw(st.lists(known, min_size=1, max_size=4, unique=True))

    def offer(self, data: st.DataObject, keys: Sequence[Key]) -> None:
        scenes = [s for key in dict.fromkeys(keys) for s in self.catalogue[key]]
        drawn = [data.draw(fates) for _ in scenes]
        faults = {s.scene_id: FAULTS[fate] for s, fate in zip(scenes, drawn, strict=True) if fate in FAULTS}
        self.ingest(list(dict.fromkeys(keys)), faults, draw_order(data, scenes))

    def ingest(
        self, keys: Sequence[Key], faults: Mapping[str, SceneError], scenes: Sequence[SceneRef] = ()
    ) -> None:
        batch = {key: self.catalogue[key] for key in keys}
        source, advanced = Provider(faults), list[int]()
        scenes = scenes or [s for key in keys for s in batch[key]]
        before, there, tag = self.model.copy(), self.chunks(), self.tick()
        others = [h for k, h in self.model.passes.items() if k[0] in {o for o, _ in batch} and k not in batch]
        done = self.add(scenes, source, AtOnce(), advanced.append)
        ids, left_out, replaced = self.model.ingest(batch, faults, source.judged, self.rotten_writes(), tag)
        assert done.written == tuple(ids)
        assert {r.scene_id: (r.reason, r.permanent) for r in done.rejected} == left_out
        assert done.superseded == tuple(sorted(replaced))
        assert sum(advanced) == len(scenes)
        assert done.snapshot == read_ledger(self.ref).snapshot
        fresh = [h for h in self.model.passes.values() if h.write.startswith(f"{tag}:")]
        self.are_stacks(source.stacks, [*others, *fresh])
        self.remember(before)
        self.find_objects(there, fresh)

    def add(
        self, scenes: Sequence[SceneRef], source: Provider, executor: AtOnce, advance: Callable[[int], Any]
    ) -> Ingested:
        spec = CubeSpec(BOX, dict.fromkeys(BANDS, ("float32", "1")))
        return add_scenes(self.ref, COLLECTION, scenes, spec, source, executor, advance=advance)

    # Deaths

    @rule(
        data=st.data(),
        death=deaths,
        keys=st.lists(st.tuples(orbits, days), min_size=1, max_size=5, unique=True),
    )
    def die(self, data: st.DataObject, death: str, keys: list[Key]) -> None:
        for key in keys:
            self.catalogue.setdefault(key, [delivery(key, "", 1, BANDS, False, None)])
        scenes = draw_order(data, [s for key in keys for s in self.catalogue[key]])
        before, there, marks = self.model.copy(), self.chunks(), [self.mutable()]
        source = Provider(
            dies_reading=scenes[data.draw(st.integers(0, len(scenes) - 1))].scene_id
            if death == "reading"
            else "",
            dies_judging=death == "judging",
        )

        def kill(*_: Any) -> None:
            raise Killed

        first = kill if death == "submitting" else lambda: marks.append(self.mutable())
        batch = Listing(scenes) if death == "listing" else scenes
        self.tick()
        try:
            self.add(batch, source, Submitting(first), kill if death == "merged" else int)
        except Killed:
            alive = False
        else:
            alive = True
        if death == "room uncommitted":
            self.put_back(marks[0])
        elif alive:
            self.put_back(marks[1])  # where it did not come to the point of death: just before it is done
        self.litter |= self.chunks() - there
        if death not in ("listing", "room uncommitted"):
            self.model.make_room(keys)
        if exists(self.ref) and self.mutable():
            self.remember(before)

    # Upkeep

    @rule(dies=st.sampled_from([False, False, False, True]))
    def compare(self, dies: bool) -> None:
        before, rotten = self.model.copy(), self.rotten_writes()
        early = self.model.never_compared(rotten)
        among = [held for held in self.model.passes.values() if held.compared]
        source = Provider(dies_judging=dies)
        hurt = [self.model.passes[key] for key in early if self.model.passes[key].write in rotten]
        if hurt or (dies and early):
            with pytest.raises((DamagedError, Killed)) as caught:
                compare_early_passes(self.ref, COLLECTION, source, AtOnce())
            named = any(f"scene {held.name}: " in str(caught.value) for held in hurt)
            assert dies if caught.type is Killed else named
        else:
            found = compare_early_passes(self.ref, COLLECTION, source, AtOnce())
            assert {r.scene_id: r.reason for r in found} == self.model.compare(rotten)
            assert all(r.permanent for r in found)
            self.are_stacks(source.stacks, among)
        self.remember(before)

    @precondition(lambda self: self.states)
    @rule(data=st.data())
    def tidy(self, data: st.DataObject) -> None:
        states = list(history(self.ref))
        since = states[data.draw(st.integers(0, len(states) - 1))].written
        later = states[0].written + timedelta(days=1)
        older_than = later if data.draw(st.integers(0, 2)) == 0 else since
        kept = {s.snapshot_id for s in states if s.written >= older_than}
        kept |= {states[0].snapshot_id, states[-1].snapshot_id}
        done = tidy_repository(self.ref, older_than, later)
        assert {s.snapshot_id for s in history(self.ref)} == kept
        assert (done.snapshots, done.kept) == (len(states) - len(kept), len(kept))
        for gone in [s for s in states if s.snapshot_id not in kept][:2]:
            with pytest.raises(ArchiveError, match="has no snapshot"):
                read_ledger(self.ref, gone.snapshot_id)
            with pytest.raises(ArchiveError, match=r"held nothing on .* the oldest state kept is of"):
                snapshot_at(self.ref, gone.written)
        self.states = {k: v for k, v in self.states.items() if k in kept}
        writes = {h.write for m in self.states.values() for h in m.passes.values()}
        writes |= {b.write for m in self.states.values() for b in m.backgrounds.values()}
        held = {path for (write, _), path in self.objects.items() if write in writes}
        left = self.chunks()
        assert held <= left
        assert not left & self.litter
        replaced = {w: path for w, path in self.objects.items() if w[0] not in writes | self.vacated}
        assert not left & set(replaced.values())
        self.litter = set()
        self.objects = {k: v for k, v in self.objects.items() if k[0] in writes}
        self.rotten = {k: v for k, v in self.rotten.items() if k[0] in writes}

    @rule(broken=st.sets(st.sampled_from(["a", "b", "c"]), min_size=1))
    def turn_away(self, broken: set[str]) -> None:
        before = self.model.copy()
        rejections = [Rejection(f"x{b}", f"{b} is not a TIFF", permanent=b != "c") for b in sorted(broken)]
        reject_scenes(self.ref, rejections)
        self.model.rejected |= {r.scene_id: r.reason for r in rejections if r.permanent}
        self.remember(before)

    # Backgrounds

    @precondition(lambda self: self.model.passes)
    @rule(
        data=st.data(),
        wanted=st.lists(
            st.tuples(st.sampled_from(QUARTERS), st.sampled_from([61, 7])),
            min_size=1,
            max_size=3,
            unique=True,
        ),
    )
    def store_backgrounds(self, data: st.DataObject, wanted: list[tuple[datetime, int]]) -> None:
        before, there, tag = self.model.copy(), self.chunks(), self.tick()
        slots = {s.scene_id: s.slot for s in read_ledger(self.ref).scenes}
        fresh, epochs, held = {}, [], self.model.in_order()
        for quarter, orbit in wanted:
            numbers = st.lists(st.integers(0, len(held) - 1), min_size=1, max_size=4, unique=True)
            members = [held[k] for k in data.draw(numbers)]
            names = tuple(h.name for h in members)
            planes = sums(np.stack([h.planes["vv"] for h in members]))
            fresh[quarter, orbit] = Background(tag, names, planes, f"{tag}:{quarter}:{orbit}")
            epochs.append(EpochRecord(quarter, orbit, tag, names, tuple(slots[n] for n in names)))
        rotten = {h.name for h in self.model.passes.values() if h.write in self.rotten_writes()}
        steps: list[int] = []
        if any(rotten & set(e.members) for e in epochs):
            with pytest.raises(DamagedError, match="|".join(re.escape(f"scene {n}: ") for n in rotten)):
                store_epochs(self.ref, COLLECTION, epochs, AtOnce(), steps.append, PLANES, estimate)
            self.litter |= self.chunks() - there
        else:
            store_epochs(self.ref, COLLECTION, epochs, AtOnce(), steps.append, PLANES, estimate)
            assert steps == [1] * len(epochs)
            self.model.backgrounds |= fresh
            self.find_objects(there, list(fresh.values()))
        self.remember(before)

    # Rot

    @precondition(lambda self: self.objects.keys() - self.rotten.keys())
    @rule(data=st.data())
    def rot(self, data: st.DataObject) -> None:
        what = data.draw(st.sampled_from(sorted(self.objects.keys() - self.rotten.keys())))
        path = self.objects[what]
        whole = bytearray(path.read_bytes())
        bit = data.draw(st.integers(0, 8 * len(whole) - 1))
        whole[bit // 8] ^= 1 << bit % 8
        path.write_bytes(whole)
        self.rotten[what] = path

    @precondition(lambda self: self.rotten)
    @rule()
    def mend(self) -> None:
        rotten = self.rotten_writes()
        names = [name_of(*k) for k, b in self.model.backgrounds.items() if b.write in rotten]
        if names:
            before = self.model.copy()
            forget_epochs(self.ref, COLLECTION, names)
            kept = {k: b for k, b in self.model.backgrounds.items() if b.write not in rotten}
            self.model.backgrounds = kept
            self.remember(before)
        for key in [key for key, held in self.model.passes.items() if held.write in rotten]:
            self.ingest([key], {})  # one by one: none may wait for another

    # What must hold after every step

    @invariant()
    def holds(self) -> None:
        if not self.states:
            assert read_ledger(self.ref).scenes == ()
            return
        self.holds_everywhere()


TestArchive = Archive.TestCase
TestArchive.settings = settings(
    max_examples=HISTORIES or 12,
    stateful_step_count=40 if HISTORIES else 15,
    derandomize=not HISTORIES,
    phases=(Phase.generate, Phase.shrink) if HISTORIES else (Phase.generate,),  # shrinking takes minutes
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestArchive = pytest.mark.slow(TestArchive)
