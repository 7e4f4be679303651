"""Hold an archive against the dictionary that it must equal: at every state, and on the disk."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr

from tasks.archive.backgrounds import name_of, read_background, stored_epochs
from tasks.archive.damage import DamagedError
from tasks.archive.ledger import read_ledger
from tasks.archive.reading import open_cube
from tasks.archive.schema import COORDINATES, create_planes, open_group
from tasks.archive.store import ArchiveRef, exists, history, read_session, snapshot_at
from tasks.archive.verify import Damage, verify_repository
from tasks.errors import ArchiveError
from tests.archive.cubes import COLLECTION, PLANES, AtOnce
from tests.archive.model_archive import BANDS, BOX, STACK, Background, Held, Model

INLINE = 512
"""Bytes up to which Icechunk keeps a chunk in its manifest."""

EMPTY = "Repository initialized"
"""Message of the state that every repository begins with."""


class Witness:
    """Knows what one site's archive holds, what it held, and which object on disk is what."""

    def __init__(self, folder: Path) -> None:
        self.ref = ArchiveRef(str(folder), "tiny")
        self.model = Model()
        self.states: dict[str, Model] = {}
        """What each state held, by snapshot."""

        self.objects: dict[tuple[str, str], Path] = {}
        """Object of each writing and band (or background plane)."""

        self.litter: set[Path] = set()
        """Objects that dead runs left."""

        self.vacated: set[str] = set()
        """Writings in slots that were freed: nobody sees them, their objects stay until the slot is used."""

        self.rotten: dict[tuple[str, str], Path] = {}
        """Those of `objects` in which a bit has flipped."""

        self.clock = 0
        self.looks = 0

    def holds_everywhere(self) -> None:
        """Everything reads as it should: now, and by turns read back whole or at one earlier state."""
        tip, *older = [s for s in history(self.ref) if s.snapshot_id in self.states]
        self.reads_as(tip.snapshot_id, self.model)
        self.looks += 1
        if self.looks % 2 or self.rotten:
            self.verified()
        elif older:
            one = older[self.looks * 7 % len(older)]
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

    def are_stacks(self, shown: Sequence[Sequence[Any]], dates: Sequence[Held]) -> None:
        """What was shown as a stack is one: sound dates of one orbit, each once."""
        orbit_of = {
            held.date: held.scenes[0].orbit for held in dates if held.write not in self.rotten_writes()
        }
        for stack in shown:
            assert len(set(stack)) == len(stack) == STACK
            assert len({orbit_of[date] for date in stack}) == 1

    # The disk

    def chunks(self) -> set[Path]:
        folder = self.ref.path / "chunks"
        return {p for p in folder.iterdir() if p.is_file()} if folder.exists() else set()

    def find_objects(self, before: set[Path], written: Sequence[Held | Background]) -> None:
        """Find out which new object holds what; small ones lie in manifests."""
        new = {path.read_bytes(): path for path in self.chunks() - before}
        planes = [(one.write, name, encoded(p)) for one in written for name, p in one.planes.items()]
        times = Counter(whole for _, _, whole in planes)
        for write, name, whole in planes:
            assert whole in new or len(whole) <= INLINE
            if whole in new and times[whole] == 1:  # backgrounds of the same dates are the same
                self.objects[write, name] = new[whole]

    def remember(self, before: Model) -> None:
        """Note what every new state holds: the newest the model, those on the way to it what was there."""
        if not exists(self.ref):
            return
        self.vacate(before)
        tip, *others = history(self.ref)
        for one in others:
            if one.snapshot_id not in self.states and one.message != EMPTY:
                self.states[one.snapshot_id] = before_with_room(before, self.model)
        if tip.message != EMPTY:
            self.states[tip.snapshot_id] = self.model.copy()

    def vacate(self, before: Model) -> None:
        """Note what a step has taken out."""
        writes = {h.write for key, h in before.passes.items() if key not in self.model.passes}
        self.vacated |= writes | {
            b.write for key, b in before.backgrounds.items() if key not in self.model.backgrounds
        }

    def rotten_writes(self) -> set[str]:
        return {write for write, _ in self.rotten}

    def tick(self) -> str:
        self.clock += 1
        return str(self.clock)

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


def as_bytes(planes: Mapping[str, np.ndarray]) -> dict[str, bytes]:
    return {name: plane.tobytes() for name, plane in planes.items()}


def encoded(plane: np.ndarray) -> bytes:
    """The object that holds a plane."""
    store = zarr.storage.MemoryStore()
    array = create_planes(zarr.open_group(store), "plane", BOX, "float32")
    array.resize((1, *BOX.shape))
    array[0] = plane
    return next((v.to_bytes() for k, v in store._store_dict.items() if k.startswith("plane/c/")), b"")
