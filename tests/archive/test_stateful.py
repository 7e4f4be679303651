"""Random histories of an archive beside a dictionary that must always hold the same.

`ROADSTEAD_HISTORIES=500 pytest tests/archive/test_stateful.py` runs more of them, other ones each time; the
number that runs by itself is the same histories on every machine.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tasks.archive.backgrounds import (
    PLANES,
    EpochRecord,
    forget_epochs,
    name_of,
    read_background,
    store_epochs,
    stored_epochs,
)
from tasks.archive.cube import CubeSpec, Ingested, add_scenes, reject_scenes
from tasks.archive.damage import DamagedError
from tasks.archive.ledger import read_ledger
from tasks.archive.reading import open_cube
from tasks.archive.recheck import compare_early_passes
from tasks.archive.schema import COORDINATES, create_planes, open_group
from tasks.archive.store import ArchiveRef, exists, history, read_session, snapshot_at
from tasks.archive.upkeep import tidy_repository
from tasks.archive.verify import Damage, verify_repository
from tasks.errors import ArchiveError, SceneError
from tasks.model import BandAsset, Rejection, SceneRef
from tests.archive.cubes import COLLECTION, AtOnce
from tests.archive.model_archive import (
    BANDS,
    BOX,
    ODD,
    UNFIT,
    Background,
    Held,
    Key,
    Model,
    delivered,
    delivery,
)

HISTORIES = int(os.environ.get("ROADSTEAD_HISTORIES", "0"))
QUARTERS = (datetime(2023, 10, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC))

days = st.integers(0, 40)
orbits = st.sampled_from([61, 61, 61, 7, 0])
fates = st.sampled_from(["sound"] * 8 + ["broken", "busy"])
FAULTS = {
    "broken": SceneError("vv cannot be read: it is broken"),
    "busy": SceneError("HTTP 503", permanent=False),
}
deaths = st.sampled_from(
    ["listing", "room uncommitted", "submitting", "reading", "judging", "merged", "uncommitted"]
)


class Killed(BaseException):
    """The process is gone: nothing after this runs."""


@dataclass
class Provider:
    """Reads and judges scenes by the model's rules; remembers the stacks that it was shown."""

    faults: Mapping[str, SceneError] = field(default_factory=dict)
    dies_reading: str = ""
    dies_judging: bool = False
    stacks: list[frozenset[Any]] = field(default_factory=list)

    def read(self, scenes: Sequence[SceneRef], box: Any) -> Iterator[tuple[SceneRef, Any]]:
        assert box == BOX
        for one in scenes:
            if one.scene_id == self.dies_reading:
                raise Killed
            yield one, self.faults.get(one.scene_id) or delivered(one)

    def compared(self, bands: Sequence[BandAsset]) -> list[str]:
        return [b.name for b in bands]

    def reference(self, dates: Sequence[Any], bands: Sequence[BandAsset]) -> int:
        assert {b.name for b in bands} == set(BANDS)
        self.stacks.append(frozenset(tuple(d[band].tobytes() for band in sorted(d)) for d in dates))
        return len(dates)

    def inspect(self, planes: Mapping[str, Any], bands: Sequence[BandAsset], reference: int | None) -> None:
        assert {b.name for b in bands} == set(BANDS)
        if self.dies_judging:
            raise Killed
        if reference and any((plane == ODD).any() for plane in planes.values()):
            raise SceneError(UNFIT)


@dataclass
class Submitting(AtOnce):
    """Tells when the first job comes: the batch has its room by then."""

    first: Callable[[], None]
    jobs: int = 0

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.jobs += 1
        if self.jobs == 1:
            self.first()
        return super().submit(function, *args, **kwargs)


class Listing(list[SceneRef]):
    """A batch whose reader dies on its way through it."""

    def __iter__(self) -> Iterator[SceneRef]:
        yield self[0]
        raise Killed


def estimate(block: xr.Dataset) -> dict[str, np.ndarray]:
    return sums(block["vv"].values)


def sums(stack: np.ndarray) -> dict[str, np.ndarray]:
    """A toy background that tells which dates it came from."""
    seen = np.isfinite(stack)
    level = np.where(seen, stack, 0).sum(0, dtype="float64").astype("float32")
    return {"level": level, "bright_share": level / 2, "seen_share": seen.mean(0, dtype="float32")}


def shown(stack: Iterable[Held]) -> frozenset[Any]:
    """A stack as the judge is shown it."""
    return frozenset(held.date for held in stack)


def as_bytes(planes: Mapping[str, np.ndarray]) -> dict[str, bytes]:
    return {name: plane.tobytes() for name, plane in planes.items()}


def encoded(plane: np.ndarray) -> bytes:
    """The object that holds a plane."""
    store = zarr.storage.MemoryStore()
    array = create_planes(zarr.open_group(store), "plane", BOX, "float32")
    array.resize((1, *BOX.shape))
    array[0] = plane
    return next((v.to_bytes() for k, v in store._store_dict.items() if k.startswith("plane/c/")), b"")


class Archive(RuleBasedStateMachine):
    """One site's archive, its catalogue, its disk, and the model of what readers see."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="roadstead-history-"))
        self.ref = ArchiveRef(str(self.folder / "archive"), "tiny")
        self.catalogue: dict[Key, list[SceneRef]] = {}
        self.withdrawn: dict[Key, list[SceneRef]] = {}
        self.model = Model()
        self.states: dict[str, Model] = {}
        self.objects: dict[tuple[str, str], Path] = {}
        """Object of each writing and band (or background plane)."""
        self.litter: set[Path] = set()
        """Objects that dead runs left."""
        self.rotten: dict[tuple[str, str], Path] = {}
        self.clock = 0

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
        self.offer(data, self.draw_keys(data))

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
        self.offer(data, self.draw_keys(data) + [key])

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
        return data.draw(st.sampled_from([BANDS] * 6 + [BANDS[::-1], ("vv",), ("vh",), ("hh",)]))

    def draw_keys(self, data: st.DataObject) -> list[Key]:
        known = st.sampled_from(sorted(self.catalogue))
        return data.draw(st.lists(known, min_size=1, max_size=4, unique=True))

    def offer(self, data: st.DataObject, keys: Sequence[Key]) -> None:
        scenes = [s for key in dict.fromkeys(keys) for s in self.catalogue[key]]
        drawn = [data.draw(fates) for _ in scenes]
        faults = {s.scene_id: FAULTS[fate] for s, fate in zip(scenes, drawn, strict=True) if fate in FAULTS}
        self.ingest(list(dict.fromkeys(keys)), faults, data.draw(st.permutations(scenes)))

    def ingest(
        self, keys: Sequence[Key], faults: Mapping[str, SceneError], scenes: Sequence[SceneRef] = ()
    ) -> None:
        batch = {key: self.catalogue[key] for key in keys}
        source, advanced = Provider(faults), list[int]()
        scenes = scenes or [s for key in keys for s in batch[key]]
        before, there, references = self.model.copy(), self.chunks(), self.model.references(batch)
        tag = self.tick()
        if rotten := self.rotten_among(references.values()):
            with pytest.raises(DamagedError) as caught:
                self.add(scenes, source, AtOnce(), advanced.append)
            assert any(f"scene {name}: " in str(caught.value) for name in rotten)
            self.model.make_room(batch)
            self.remember(before)
            return
        done = self.add(scenes, source, AtOnce(), advanced.append)
        ids, left_out, replaced = self.model.ingest(batch, faults, tag)
        assert done.written == tuple(ids)
        assert {r.scene_id: (r.reason, r.permanent) for r in done.rejected} == left_out
        assert done.superseded == tuple(sorted(replaced))
        assert sum(advanced) == len(scenes)
        assert source.stacks == [shown(references[orbit]) for orbit in sorted(references)]
        assert done.snapshot == read_ledger(self.ref).snapshot
        self.remember(before)
        self.find_objects(there, [h for h in self.model.passes.values() if h.write.startswith(f"{tag}:")])

    def rotten_among(self, stacks: Iterable[Iterable[Held]]) -> list[str]:
        rotten = self.rotten_writes()
        return [held.name for stack in stacks for held in stack if held.write in rotten]

    def add(
        self, scenes: Sequence[SceneRef], source: Provider, executor: AtOnce, advance: Callable[[int], Any]
    ) -> Ingested:
        spec = CubeSpec(BOX, {band: ("float32", "1") for band in BANDS})
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
        scenes = data.draw(st.permutations([s for key in keys for s in self.catalogue[key]]))
        before, there, marks = self.model.copy(), self.chunks(), [self.mutable()]
        source = Provider(
            dies_reading=data.draw(st.sampled_from(scenes)).scene_id if death == "reading" else "",
            dies_judging=death == "judging",
        )

        def kill(*_: Any) -> None:
            raise Killed

        first = kill if death == "submitting" else lambda: marks.append(self.mutable())
        batch = Listing(scenes) if death == "listing" else scenes
        self.tick()
        try:
            self.add(batch, source, Submitting(first), kill if death == "merged" else int)
        except (Killed, DamagedError):
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

    def mutable(self) -> dict[Path, bytes]:
        """Files that are ever overwritten: everything else is written once and then referred to."""
        once = ("chunks", "manifests", "snapshots", "transactions")
        files = [p for p in self.ref.path.rglob("*") if p.is_file()]
        return {p: p.read_bytes() for p in files if p.relative_to(self.ref.path).parts[0] not in once}

    def put_back(self, files: Mapping[Path, bytes]) -> None:
        """Undo the last step of a commit, which makes it count."""
        for path in self.mutable().keys() - files.keys():
            path.unlink()
        for path, whole in files.items():
            path.write_bytes(whole)

    # Upkeep

    @precondition(lambda self: self.model.room is not None)
    @rule(dies=st.sampled_from([False, False, False, True]))
    def compare(self, dies: bool) -> None:
        before, jobs = self.model.copy(), self.model.never_compared()
        touched = [
            h for early, stack in jobs.values() for h in (*map(self.model.passes.get, early), *stack) if h
        ]
        source = Provider(dies_judging=dies)
        if rotten := self.rotten_among([touched]):
            with pytest.raises((DamagedError, Killed)) as caught:
                compare_early_passes(self.ref, COLLECTION, source, AtOnce())
            assert caught.type is Killed or any(f"scene {name}: " in str(caught.value) for name in rotten)
        elif dies and jobs:
            with pytest.raises(Killed):
                compare_early_passes(self.ref, COLLECTION, source, AtOnce())
        else:
            found = compare_early_passes(self.ref, COLLECTION, source, AtOnce())
            assert {r.scene_id: r.reason for r in found} == self.model.compare()
            assert all(r.permanent for r in found)
            assert source.stacks == [shown(jobs[orbit][1]) for orbit in sorted(jobs)]
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
        assert not left & (set(self.objects.values()) - held)
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
        fresh, epochs = {}, []
        for quarter, orbit in wanted:
            chosen = st.lists(
                st.sampled_from(self.model.in_order()), min_size=1, max_size=4, unique_by=lambda h: h.name
            )
            members = data.draw(chosen)
            names = tuple(h.name for h in members)
            planes = sums(np.stack([h.planes["vv"] for h in members]))
            fresh[quarter, orbit] = Background(tag, names, planes, f"{tag}:{quarter}:{orbit}")
            epochs.append(EpochRecord(quarter, orbit, tag, names, tuple(slots[n] for n in names)))
        rotten = {h.name for h in self.model.passes.values() if h.write in self.rotten_writes()}
        steps: list[int] = []
        if any(rotten & set(e.members) for e in epochs):
            with pytest.raises(
                DamagedError, match="|".join(re.escape(f"scene {n}: ") for n in rotten)
            ):
                store_epochs(self.ref, COLLECTION, epochs, AtOnce(), steps.append, estimate)
            self.litter |= self.chunks() - there
        else:
            store_epochs(self.ref, COLLECTION, epochs, AtOnce(), steps.append, estimate)
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
        keys = [key for key, held in self.model.passes.items() if held.write in rotten]
        if keys:
            self.ingest(keys, {})

    # What must hold after every step

    @invariant()
    def holds(self) -> None:
        if not self.states:
            assert read_ledger(self.ref).scenes == ()
            assert compare_early_passes(self.ref, COLLECTION, Provider(), AtOnce()) == []
            return
        tip, *older = [s for s in history(self.ref) if s.snapshot_id in self.states]
        self.reads_as(tip.snapshot_id, self.model)
        if self.clock % 2 or self.rotten:
            self.verified()
        elif older:
            one = older[self.clock * 7 % len(older)]
            self.reads_as(one.snapshot_id, self.states[one.snapshot_id])
            assert snapshot_at(self.ref, one.written) == one.snapshot_id

    def verified(self) -> None:
        found = verify_repository(self.ref, AtOnce())
        rotten = {
            ("scene", h.name, a) for h in self.model.passes.values() for w, a in self.rotten if w == h.write
        } | {
            ("background", name_of(*k), a)
            for k, b in self.model.backgrounds.items()
            for w, a in self.rotten
            if w == b.write
        }
        assert {(d.what, d.name, d.array) for d in found.damaged} == rotten
        assert all(isinstance(d, Damage) and d.collection == COLLECTION for d in found.damaged)
        filled, kept = len(self.model.passes), len(self.model.backgrounds)
        assert found.planes == len(BANDS) * filled + len(PLANES) * kept

    def reads_as(self, snapshot: str, model: Model) -> None:
        ledger = read_ledger(self.ref, snapshot)
        assert (ledger.rejected, ledger.superseded) == (model.rejected, model.superseded)
        held = model.in_order()
        assert [(s.scene_id, s.deliveries) for s in ledger.scenes] == [
            (h.name, tuple(s.delivery for s in h.scenes)) for h in held
        ]
        if model.room is None:
            assert ledger.scenes == ()
            with pytest.raises(ArchiveError, match="has no collection"):
                open_cube(self.ref, COLLECTION, snapshot)
            return
        slots = {s.slot for s in ledger.scenes}
        root = open_group(read_session(self.ref, snapshot).store, mode="r", path=COLLECTION)
        assert root["scene_id"].shape == (model.room,)
        assert len(slots) == len(held)
        assert slots <= set(range(model.room))
        cube = open_cube(self.ref, COLLECTION, snapshot)
        assert cube.sizes == {"time": len(held), "y": BOX.shape[0], "x": BOX.shape[1]}
        assert read_coordinates(cube) == [h.coordinates for h in held]
        for band in BANDS:
            self.stack_is(cube[band], held, band)
        records = stored_epochs(self.ref, COLLECTION, snapshot)
        assert {k: (r.digest, r.members) for k, r in records.items()} == {
            k: (b.digest, b.members) for k, b in model.backgrounds.items()
        }
        for key, record in records.items():
            kept = model.backgrounds[key]
            read = partial(read_background, self.ref, snapshot, COLLECTION, record.slot)
            if kept.write in self.rotten_writes():
                with pytest.raises(DamagedError, match=f"background number {record.slot} of"):
                    read()
            else:
                assert as_bytes(read()) == as_bytes(kept.planes)

    def stack_is(self, stack: xr.DataArray, held: Sequence[Held], band: str) -> None:
        """Every date of a band reads as the model says, or is an error that names it."""
        rotten = [(one.write, band) in self.rotten for one in held]
        if not any(rotten):
            assert [plane.tobytes() for plane in stack.values] == [h.planes[band].tobytes() for h in held]
            return
        for k, one in enumerate(held):
            if rotten[k]:
                with pytest.raises(DamagedError, match=re.escape(f"scene {one.name}: {band} is damaged")):
                    stack[k].load()
            else:
                assert stack[k].values.tobytes() == one.planes[band].tobytes()

    # The disk

    def chunks(self) -> set[Path]:
        folder = self.ref.path / "chunks"
        return {p for p in folder.iterdir() if p.is_file()} if folder.exists() else set()

    def find_objects(self, before: set[Path], written: Sequence[Held | Background]) -> None:
        """Find out which new object holds what; small ones lie in manifests."""
        new = {path.read_bytes(): path for path in self.chunks() - before}
        for one in written:
            for name, plane in one.planes.items():
                if (path := new.get(encoded(plane))) is not None:
                    self.objects[one.write, name] = path

    def remember(self, before: Model) -> None:
        """Note what every new state holds: the newest the model, those on the way to it what was there."""
        if not exists(self.ref):
            return
        tip, *others = history(self.ref)
        self.states = self.states or {}
        for one in others:
            if one.snapshot_id not in self.states and one.message != "Repository initialized":
                self.states[one.snapshot_id] = before_with_room(before, self.model)
        if tip.message != "Repository initialized":
            self.states[tip.snapshot_id] = self.model.copy()

    def rotten_writes(self) -> set[str]:
        return {write for write, _ in self.rotten}

    def tick(self) -> str:
        self.clock += 1
        return str(self.clock)


def before_with_room(before: Model, after: Model) -> Model:
    before = before.copy()
    before.room = after.room
    return before


def read_coordinates(cube: xr.Dataset) -> list[dict[str, Any]]:
    """Scene coordinates as plain values, date by date; None for no number."""
    columns = {name: cube[name].values.tolist() for name in COORDINATES if name != "time"}
    columns["time"] = cube["time"].values.astype("datetime64[s]").astype("int64").tolist()
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [{k: None if v != v else v for k, v in row.items()} for row in rows]


TestArchive = Archive.TestCase
TestArchive.settings = settings(
    max_examples=HISTORIES or 15,
    stateful_step_count=40 if HISTORIES else 15,
    derandomize=not HISTORIES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestArchive = pytest.mark.slow(TestArchive)
