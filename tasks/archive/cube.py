"""Fill a cube and read it back.

A batch is two commits under one lock: the first makes room (free slots, invisible to readers),
the second fills it. Workers get forks of the session between the two, each writing whole shards
of its own; the committer alone writes coordinates. Killed anywhere, the archive is at the last
commit and the free slots are used by the next run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from odc.geo.geobox import GeoBox

from tasks.archive.schema import COORDINATES, box_of, create_cube, open_group, round_mantissa
from tasks.archive.store import (
    ArchiveRef,
    committing,
    create_repository,
    open_repository,
    read_ledger,
    read_session,
)
from tasks.errors import ArchiveError, SceneError
from tasks.model import Rejection, SceneRef

Planes = dict[str, npt.NDArray[Any]]
ReadPlanes = Callable[[SceneRef, GeoBox], Planes]
"""Reads every band of a scene on a grid; raises SceneError."""


@dataclass(frozen=True)
class CubeSpec:
    """What a new cube looks like, taken from the first readable scene."""

    box: GeoBox

    bands: Mapping[str, tuple[str, str]]
    """Band name to (dtype, units)."""


@dataclass(frozen=True)
class Ingested:
    """What became of one batch."""

    written: tuple[str, ...]
    rejected: tuple[Rejection, ...]
    superseded: tuple[str, ...]
    snapshot: str


@dataclass(frozen=True)
class _Written:
    slot: int
    scene: SceneRef
    valid_share: float


def add_scenes(
    ref: ArchiveRef,
    collection: str,
    scenes: Sequence[SceneRef],
    spec: CubeSpec,
    read: ReadPlanes,
    executor: Executor,
    *,
    rejected: Sequence[Rejection] = (),
    writers: int = 2,
) -> Ingested:
    """Put a batch of scenes into a site's cube: all that can be read, in one commit.

    Harmless to repeat: a scene whose acquisition is there already takes the same slot, and the
    newest delivery wins.

    Parameters
    ----------
    ref, collection
        Which cube; made from `spec` if it is not there yet.
    scenes
        The batch; one acquisition at most once.
    spec
        Grid and bands of a new cube; an existing cube keeps its own.
    read
        Reads a scene's planes; runs on the executor's workers.
    executor
        Threads or a Dask cluster's.
    rejected
        Scenes of the batch that are already known to be unusable; recorded with those found here.
    writers
        Forks to spread the batch over.
    """
    with committing(ref):
        repository = create_repository(ref)
        slots = _make_room(repository, collection, scenes, spec)
        session = repository.writable_session("main")
        cube = open_group(session.store, mode="a", path=collection)
        shares = [part for k in range(writers) if (part := list(zip(slots, scenes, strict=True))[k::writers])]
        futures = [executor.submit(_write_share, session.fork(), collection, part, read) for part in shares]
        written: list[_Written] = []
        left_out = list(rejected)
        for future in futures:
            fork, done, failed = future.result()
            session.merge(fork)
            written += done
            left_out += failed
        before = cube["scene_id"][:]
        superseded = {
            str(before[w.slot]): w.scene.scene_id
            for w in written
            if before[w.slot] and before[w.slot] != w.scene.scene_id
        }
        _write_coordinates(cube, written)
        _record(session, left_out, superseded, cleared=[w.scene.scene_id for w in written])
        ids = tuple(sorted(w.scene.scene_id for w in written))
        snapshot = session.snapshot_id
        if session.has_uncommitted_changes:  # nothing changes when every scene failed for the moment only
            message = f"ingest {len(ids)} scenes of {collection}"
            snapshot = session.commit(message, metadata={"items": list(ids)})
    return Ingested(ids, tuple(left_out), tuple(sorted(superseded)), str(snapshot))


def reject_scenes(ref: ArchiveRef, rejected: Sequence[Rejection]) -> None:
    """Write scenes that cannot be used into a repository's quarantine list."""
    with committing(ref):
        session = open_repository(ref).writable_session("main")
        _record(session, rejected, {}, cleared=[])
        if session.has_uncommitted_changes:
            session.commit(f"{len(rejected)} scenes left out")


def _make_room(repository: Any, collection: str, scenes: Sequence[SceneRef], spec: CubeSpec) -> list[int]:
    """Find a slot for every scene; commits new free slots before anyone forks."""
    session = repository.writable_session("main")
    root = open_group(session.store, mode="a")
    if collection not in root:
        create_cube(root, collection, spec.box, spec.bands)
    cube = open_group(session.store, mode="a", path=collection)
    ids, keys = cube["scene_id"][:], cube["acquisition"][:]
    taken = {str(key): slot for slot, key in enumerate(keys) if ids[slot]}
    free = [slot for slot, scene_id in enumerate(ids) if not scene_id]
    missing = sum(scene.acquisition not in taken for scene in scenes) - len(free)
    if missing > 0:
        size = len(ids) + missing
        free += range(len(ids), size)
        for name in (*_bands(cube), *COORDINATES):
            array = cube[name]
            array.resize((size, *array.shape[1:]))
    if session.has_uncommitted_changes:
        session.commit(f"room for {len(scenes)} scenes of {collection}")
    room = iter(free)
    return [taken[s.acquisition] if s.acquisition in taken else next(room) for s in scenes]


def _write_share(
    fork: Any, collection: str, share: Sequence[tuple[int, SceneRef]], read: ReadPlanes
) -> tuple[Any, list[_Written], list[Rejection]]:
    """Write whole shards of a few dates; runs on a worker and returns its fork for merging."""
    cube = open_group(fork.store, mode="a", path=collection)
    box, bands = box_of(cube), _bands(cube)
    written, rejected = [], []
    for slot, scene in share:
        try:
            planes = _conform(cube, scene, read(scene, box))
        except SceneError as fault:
            rejected.append(Rejection(scene.scene_id, str(fault), fault.permanent))
            continue
        for name in bands:
            cube[name][slot] = planes.get(name, cube[name].fill_value)
        seen = next(iter(planes.values()))
        written.append(_Written(slot, scene, float(is_data(seen).mean())))
    return fork, written, rejected


def is_data(plane: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Pixels that hold data in the archive's convention: NaN (floats) and 0 (integers) do not."""
    return np.asarray(np.isfinite(plane) if np.issubdtype(plane.dtype, np.floating) else plane != 0)


def _conform(cube: Any, scene: SceneRef, planes: Planes) -> Planes:
    """Bring a scene's planes to the cube's convention, or say why they do not fit."""
    result = {}
    for band in scene.bands:
        if band.name not in cube:
            continue
        array, plane = cube[band.name], planes[band.name]
        if band.units != array.attrs["units"]:
            raise SceneError(f"{band.name} is in {band.units!r}, the archive in {array.attrs['units']!r}")
        floating = np.issubdtype(array.dtype, np.floating)
        if plane.dtype != array.dtype and not floating:
            raise SceneError(f"{band.name} is {plane.dtype}, the archive holds {array.dtype}")
        if band.nodata is not None and not np.isnan(band.nodata):
            plane = np.where(plane == band.nodata, array.fill_value, plane)
        if floating and band.units == "1":
            plane = np.where(plane > 0, plane, np.nan)  # power is never 0: some providers fill with it
        if not is_data(plane).any():
            raise SceneError(f"{band.name} holds no data over the site")
        result[band.name] = round_mantissa(plane) if floating else plane.astype(array.dtype)
    if not result:
        raise SceneError(f"none of its bands {[b.name for b in scene.bands]} is in the cube")
    return result


def _write_coordinates(cube: Any, written: Sequence[_Written]) -> None:
    if not written:
        return
    slots = np.array([w.slot for w in written])
    values: dict[str, list[Any]] = {
        "time": [int(w.scene.acquired.timestamp()) for w in written],
        "scene_id": [w.scene.scene_id for w in written],
        "acquisition": [w.scene.acquisition for w in written],
        "platform": [w.scene.platform for w in written],
        "direction": [w.scene.direction for w in written],
        "processing": [w.scene.processing for w in written],
        "orbit": [w.scene.orbit for w in written],
        "cloud_cover": [np.nan if w.scene.cloud_cover is None else w.scene.cloud_cover for w in written],
        "valid_share": [w.valid_share for w in written],
    }
    for name, column in values.items():
        whole = cube[name][:]
        whole[slots] = np.array(column, dtype=object if whole.dtype.kind in "OT" else whole.dtype)
        cube[name][:] = whole


def _record(
    session: Any, rejected: Sequence[Rejection], superseded: dict[str, str], cleared: Sequence[str]
) -> None:
    """Keep the quarantine and supersession lists beside the cubes, as JSON in the root's attributes."""
    root = open_group(session.store, mode="a")
    known = json.loads(str(root.attrs.get("rejected", "{}")))
    known |= {r.scene_id: r.reason for r in rejected if r.permanent}
    known = {k: v for k, v in known.items() if k not in cleared}
    replaced = json.loads(str(root.attrs.get("superseded", "{}"))) | superseded
    for name, value in (("rejected", known), ("superseded", replaced)):
        if value or name in root.attrs:
            root.attrs[name] = json.dumps(value, sort_keys=True)


def _bands(cube: Any) -> list[str]:
    return sorted(name for name, array in cube.arrays() if array.ndim == 3)


def open_cube(ref: ArchiveRef, collection: str, snapshot: str | None = None) -> xr.Dataset:
    """Open a site's cube lazily, dates in order.

    Parameters
    ----------
    ref, collection
        Which cube.
    snapshot
        Icechunk snapshot to travel back to; None for the newest.

    Returns
    -------
    xr.Dataset
        Bands ``(time, y, x)`` with one Dask chunk per date, and the scene coordinates along time.
        Stored dtype: 0 (integers) or NaN (floats) where there is no data.
    """
    session = read_session(ref, snapshot)
    if collection not in open_group(session.store, mode="r"):
        raise ArchiveError(f"archive {ref.path} has no collection {collection!r}")
    cube = xr.open_zarr(session.store, group=collection, consolidated=False, chunks=None)
    cube = cube.set_coords([*COORDINATES, "spatial_ref"])
    along = {name: cube[name].load() for name in COORDINATES}
    ids, times = along["scene_id"].values, along["time"].values
    filled = sorted((times[slot], str(scene_id), slot) for slot, scene_id in enumerate(ids) if scene_id)
    # Planes become one Dask chunk per date; the coordinates, one chunk for all dates, stay in memory.
    ordered: xr.Dataset = cube.chunk(time=1).assign_coords(along)
    ordered = ordered.isel(time=np.array([slot for _, _, slot in filled], dtype=int))
    return ordered


def on_scenes(
    ref: ArchiveRef,
    snapshot: str,
    collection: str,
    slots: Sequence[int],
    function: Callable[..., Any],
    *args: Any,
) -> Any:
    """Run a pure function where the pixels are.

    Loads the given slots of a cube, in that order, and returns ``function(block, *args)``; what
    travels between processes is the reference and the result, never the cube.
    """
    cube = open_group(read_session(ref, snapshot).store, mode="r", path=collection)
    # Plane by plane: a fancy index over shards costs four times as much (0.80 s against 0.21 s for 29).
    bands = {
        name: (("time", "y", "x"), np.stack([cube[name][slot] for slot in slots]), dict(cube[name].attrs))
        for name in _bands(cube)
    }
    along = {name: ("time", cube[name][:][list(slots)]) for name in COORDINATES}
    along["time"] = ("time", along["time"][1].astype("datetime64[s]"))
    return function(xr.Dataset(bands, along, {"collection": collection}), *args)


def cube_box(ref: ArchiveRef, collection: str) -> GeoBox | None:
    """Grid of an existing cube; None if there is none."""
    if not read_ledger(ref).snapshot:
        return None
    root = open_group(open_repository(ref).readonly_session("main").store, mode="r")
    return box_of(root[collection]) if collection in root else None


def cube_bands(ref: ArchiveRef, collection: str) -> list[str]:
    """Bands of an existing cube, co-polarised first: ships stand out most there."""
    root = open_group(read_session(ref).store, mode="r", path=collection)
    return sorted(_bands(root), key=lambda name: (name[0] != name[-1], name != "vv", name))
