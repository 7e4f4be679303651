"""Read a cube back: lazily as a dataset, or a few dates at a time where the pixels are.

Every chunk carries a checksum. What does not fit it is never handed out as numbers: the error names
the band, the scene and what mends it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from odc.geo.geobox import GeoBox
from xarray.backends import BackendArray
from xarray.core.indexing import IndexingSupport, LazilyIndexedArray, explicit_indexing_adapter

from tasks.archive.damage import DAMAGE, DamagedError, first_line
from tasks.archive.schema import COORDINATES, bands_of, box_of, open_group
from tasks.archive.shards import read_plane
from tasks.archive.store import ArchiveRef, exists, open_root, read_session, snapshot_at
from tasks.errors import ArchiveError


def open_cube(
    ref: ArchiveRef, collection: str, snapshot: str | None = None, *, as_of: datetime | None = None
) -> xr.Dataset:
    """Open a site's cube lazily, dates in order.

    Parameters
    ----------
    ref, collection
        Which cube.
    snapshot
        Icechunk snapshot to travel back to; None for the newest.
    as_of
        Moment whose state is wanted, aware; instead of a snapshot.

    Returns
    -------
    xr.Dataset
        Bands ``(time, y, x)`` with one Dask chunk per date, and the scene coordinates along time.
        Stored numbers: 0 (integers) or NaN (floats) where there is no data; ``scale_factor`` and
        ``add_offset`` among the attributes tell what optical ones mean.

    Raises
    ------
    ArchiveError
        If there is no such cube or state; when computed, if a plane is damaged.
    """
    import dask.array as da  # a third of a second, which no run of the chain needs

    session = read_session(ref, snapshot_at(ref, as_of) if as_of else snapshot)
    root = open_root(ref, session)
    if root is None or collection not in root:
        raise ArchiveError(f"archive {ref.place.url} has no collection {collection!r}")
    cube = xr.open_zarr(
        session.store, group=collection, consolidated=False, chunks=None, mask_and_scale=False
    )
    cube = cube.set_coords([*COORDINATES, "spatial_ref"])
    along = {name: cube[name].load() for name in COORDINATES}
    ids, times = along["scene_id"].values, along["time"].values
    filled = sorted((times[slot], str(scene_id), slot) for slot, scene_id in enumerate(ids) if scene_id)
    slots = np.array([slot for _, _, slot in filled], dtype=int)
    ordered: xr.Dataset = cube.drop_vars(bands_of(root[collection])).assign_coords(along).isel(time=slots)
    planes = {}
    for name in bands_of(root[collection]):
        stack = _Stack(root[collection][name], slots, [scene_id for _, scene_id, _ in filled], ref.site_id)
        token = f"{name}-{ref.place.url}-{collection}-{session.snapshot_id}"
        lazy = da.from_array(  # type: ignore[no-untyped-call]
            stack, chunks=(1, *stack.shape[1:]), name=token, asarray=False
        )
        planes[name] = (("time", "y", "x"), lazy, dict(root[collection][name].attrs))
    return ordered.assign(planes)


class _Stack:
    """The filled slots of one band in order of time, as Dask wants an array to be."""

    def __init__(self, array: Any, slots: npt.NDArray[Any], scene_ids: Sequence[str], site_id: str) -> None:
        self.array, self.slots, self.scene_ids, self.site_id = array, slots, scene_ids, site_id
        self.shape = (len(slots), *array.shape[1:])
        self.dtype = array.dtype
        self.ndim = 3

    def __getitem__(self, key: tuple[Any, ...]) -> npt.NDArray[Any]:
        """Read what Dask asks for: along each axis a number, a slice or a list."""
        times, *window = key
        wanted = np.arange(len(self.slots))[times]
        if wanted.ndim == 0:
            return self._plane(int(wanted), window)
        if not wanted.size:
            return np.empty((0, *self.shape[1:]), self.dtype)[(slice(None), *window)]
        return np.stack([self._plane(int(k), window) for k in wanted])

    def _plane(self, k: int, window: Sequence[Any]) -> npt.NDArray[Any]:
        if all(
            isinstance(p, slice) and p.indices(n) == (0, n, 1)
            for p, n in zip(window, self.shape[1:], strict=True)
        ):
            window = ()
        return read_plane(self.array, int(self.slots[k]), self.scene_ids[k], self.site_id, window)


class _Dates(BackendArray):
    """The slots of one band as Xarray wants an array that is read when it is asked for."""

    def __init__(self, stack: _Stack) -> None:
        self.stack, self.shape, self.dtype = stack, stack.shape, stack.dtype

    def __getitem__(self, key: Any) -> Any:
        """Read what Xarray asks for: along each axis a number or a slice."""
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.BASIC, self.stack.__getitem__)


def on_scenes(
    ref: ArchiveRef,
    snapshot: str,
    collection: str,
    slots: Sequence[int],
    function: Callable[..., Any],
    *args: Any,
) -> Any:
    """Run a pure function where the pixels are.

    Hands the given slots of a cube, in that order, to ``function(block, *args)`` and returns what it does;
    what travels between processes is the reference and the result, never the cube. Pixels are read when the
    function asks for them: one that takes the dates one by one holds one at a time.
    """
    cube = open_group(read_session(ref, snapshot).store, mode="r", path=collection)
    try:
        along = {name: ("time", cube[name][:][list(slots)]) for name in COORDINATES}
    except DAMAGE as fault:
        raise DamagedError(f"the coordinates of {collection} are damaged ({first_line(fault)})") from fault
    ids = [str(scene_id) for scene_id in along["scene_id"][1]]
    bands = {}
    for name in bands_of(cube):
        dates = _Dates(_Stack(cube[name], np.asarray(slots), ids, ref.site_id))
        bands[name] = (("time", "y", "x"), LazilyIndexedArray(dates), dict(cube[name].attrs))
    along["time"] = ("time", along["time"][1].astype("datetime64[s]"))
    return function(xr.Dataset(bands, along, {"collection": collection}), *args)


def cube_box(ref: ArchiveRef, collection: str) -> GeoBox | None:
    """Grid of an existing cube; None if there is none, or no date in it yet: then it is not settled."""
    if not exists(ref):
        return None
    root = open_root(ref, read_session(ref))
    if root is None:
        return None
    return box_of(root[collection]) if collection in root and any(root[collection]["scene_id"][:]) else None


def band_units(ref: ArchiveRef, collection: str) -> dict[str, str]:
    """Units of the bands of an existing cube."""
    cube = open_group(read_session(ref).store, mode="r", path=collection)
    return {name: str(cube[name].attrs["units"]) for name in bands_of(cube)}


def cube_bands(ref: ArchiveRef, collection: str) -> list[str]:
    """Bands of an existing cube, co-polarised first: ships stand out most there."""
    root = open_group(read_session(ref).store, mode="r", path=collection)
    return sorted(bands_of(root), key=lambda name: (name[0] != name[-1], name != "vv", name))
