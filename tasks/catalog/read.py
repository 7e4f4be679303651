"""Hand out a site's pixels, scene by scene: windows on the file's own grid, warped where grids differ."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
from affine import Affine
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from tasks.catalog.geotiff import GDAL_OPTIONS, check_href, check_source, is_remote, not_a_tiff, take
from tasks.catalog.providers import ACCESS, Access
from tasks.catalog.tiff_layout import UnfitError
from tasks.catalog.tiles import Tiles, open_tiles
from tasks.errors import SceneError
from tasks.grid import pixel_offset
from tasks.model import BandAsset, SceneRef

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

__all__ = ["GDAL_OPTIONS", "Header", "not_a_tiff", "read_header", "read_planes", "read_scenes"]

Planes = dict[str, npt.NDArray[Any]]
"""Band name to ``(y, x)``."""

_left_to_gdal: set[tuple[str, tuple[str, ...]]] = set()
"""Server and bands of files that only GDAL could read: others of theirs are of the same kind."""


@dataclass(frozen=True)
class Header:
    """What a file says of itself, before any pixel is read."""

    crs: str
    transform: Affine
    dtype: str
    nodata: float | None


def read_header(band: BandAsset, access: Access = ACCESS) -> Header:
    """Grid, type and nodata of one band.

    Raises
    ------
    SceneError
        If the file cannot be opened, has no CRS, or is not what the item says.
    """

    def header(source: Any) -> Header:
        dtype = source.dtypes[band.index - 1]
        return Header(source.crs.to_string(), source.transform, dtype, _nodata(source, band))

    return take((band,), access, header)


def read_planes(scene: SceneRef, box: GeoBox, access: Access = ACCESS) -> Planes:
    """Read every band of a scene on a site's grid.

    Parameters
    ----------
    scene
        What to read.
    box
        The site's window; scenes on the same grid are read as they are, others are warped
        (bilinear; classes by nearest neighbour), which is said in the log of the step.
    access
        How files are reached that are not just there.

    Returns
    -------
    dict
        Band name to ``(y, x)`` in the file's dtype, before the band's scale and offset; pixels without
        data, and those outside the scene, are NaN (floats) or 0 (integers), whatever the file writes there.

    Raises
    ------
    SceneError
        If a band cannot be opened or read to the end, or is not what the item says.
    """
    planes: Planes = {}
    for bands in files_of(scene):
        planes |= read_file(bands, box, access)
    return {band.name: planes[band.name] for band in scene.bands}


def read_scenes(
    scenes: Sequence[SceneRef], box: GeoBox, *, threads: int = 8, access: Access = ACCESS
) -> Iterator[tuple[SceneRef, Planes | SceneError]]:
    """Read scenes one after the other, their files on many threads.

    While the caller works on one scene, the next ones are read: latency is hidden, and no more planes are
    held than `threads` and those of one scene.

    Parameters
    ----------
    scenes, box
        What to read, and where.
    threads
        Files read at a time. GDAL decodes without Python's lock.
    access
        How files are reached that are not just there.

    Yields
    ------
    tuple
        Each scene in the order given, with its planes as from `read_planes`, or with why one of its bands
        cannot be read; the others go on. Closing the generator ends what it has begun.
    """
    files = deque((number, bands) for number, scene in enumerate(scenes) for bands in files_of(scene))
    begun: list[list[Future[Planes]]] = [[] for _ in scenes]
    held = 0  # planes that are read, or about to be, and not yet handed out
    pool = _readers(threads)
    try:
        for number, scene in enumerate(scenes):
            while files and held + len(files[0][1]) <= threads + len(scene.bands):
                owner, bands = files.popleft()
                begun[owner].append(pool.submit(read_file, bands, box, access))
                held += len(bands)
            yield scene, _gather(scene, begun[number])
            begun[number].clear()
            held -= len(scene.bands)
    finally:
        unread = [future for futures in begun for future in futures if not future.cancel()]
        wait(unread)


@cache
def _readers(threads: int) -> ThreadPoolExecutor:
    """Give threads that last as long as the process: GDAL keeps its connections and buffers by thread.

    With new ones for every few scenes a read over HTTP took 6 % more CPU.
    """
    return ThreadPoolExecutor(threads, thread_name_prefix="read")


def _gather(scene: SceneRef, files: Sequence[Future[Planes]]) -> Planes | SceneError:
    planes: Planes = {}
    try:
        for file in files:
            planes |= file.result()
    except SceneError as fault:
        for file in files:
            file.cancel()
        return fault
    return {band.name: planes[band.name] for band in scene.bands}


def files_of(scene: SceneRef) -> list[tuple[BandAsset, ...]]:
    """Group a scene's bands by file: bands that are stored pixel by pixel would be decoded once for each."""
    files: dict[str, list[BandAsset]] = {}
    for band in scene.bands:
        files.setdefault(band.href, []).append(band)
    return [tuple(bands) for bands in files.values()]


def read_file(bands: Sequence[BandAsset], box: GeoBox, access: Access = ACCESS) -> Planes:
    """Read bands of one file on a site's grid, as `read_planes` does.

    What `tiles` can read is read by it. GDAL reads everything else, and has the last word on what cannot be
    read: what it then reads is not begun with `tiles` again while this process lasts.
    """
    check_href(bands[0])
    server, names = urlsplit(bands[0].href).netloc, tuple(band.name for band in bands)
    begun = is_remote(url := access.url(bands[0].href)) and len(bands) == 1
    if begun := begun and (server, names) not in _left_to_gdal:
        with suppress(UnfitError, SceneError):
            source = open_tiles(url)
            check_source(source, bands)
            return _read_window(source, bands, box)
    planes = take(bands, access, lambda source: _read_window(source, bands, box))
    if begun:
        _left_to_gdal.add((server, names))
    return planes


def _read_window(source: Any, bands: Sequence[BandAsset], box: GeoBox) -> Planes:
    offset = pixel_offset(box, source.crs.to_string(), source.transform)
    if offset is None:
        if isinstance(source, Tiles):
            raise UnfitError("it has to be warped")
        return {band.name: _read_warped(source, band, box) for band in bands}
    dtype = source.dtypes[bands[0].index - 1]  # a TIFF has one type for all its bands
    row, col = offset
    r0, c0 = max(row, 0), max(col, 0)
    r1, c1 = min(row + box.shape[0], source.height), min(col + box.shape[1], source.width)
    shape = (len(bands), *box.shape)
    inside = (r1 - r0, c1 - c0) == tuple(box.shape)
    planes = np.empty(shape, dtype) if inside else np.full(shape, _empty(dtype), dtype)
    if r1 > r0 and c1 > c0:
        part = planes[:, r0 - row : r1 - row, c0 - col : c1 - col]
        source.read([b.index for b in bands], window=Window(c0, r0, c1 - c0, r1 - r0), out=part)
        for band, plane in zip(bands, part, strict=True):
            _blank(plane, _nodata(source, band))
    return {band.name: plane for band, plane in zip(bands, planes, strict=True)}


def _blank(plane: npt.NDArray[Any], nodata: float | None) -> None:
    """Put the one mark of no data where the file's own is, without a copy of the plane."""
    if nodata is None or np.isnan(nodata):
        return
    value: float = nodata
    if np.issubdtype(plane.dtype, np.integer):
        limits = np.iinfo(plane.dtype)
        if nodata == 0 or not (float(nodata).is_integer() and limits.min <= nodata <= limits.max):
            return  # 0 is the mark already; a number that the type cannot hold does not occur
        value = int(nodata)
    missing = plane == value
    if missing.any():
        plane[missing] = _empty(plane.dtype)


def _empty(dtype: npt.DTypeLike) -> float:
    return float("nan") if np.issubdtype(dtype, np.floating) else 0


def _read_warped(source: Any, band: BandAsset, box: GeoBox) -> npt.NDArray[Any]:
    height, width = box.shape
    nodata, empty = _nodata(source, band), _empty(source.dtypes[band.index - 1])
    with WarpedVRT(
        source,
        crs=str(box.crs),
        transform=box.affine,
        width=width,
        height=height,
        resampling=Resampling.nearest if band.units == "class" else Resampling.bilinear,
        src_nodata=empty if nodata is None else nodata,
        nodata=empty,
    ) as warped:
        return np.asarray(warped.read(band.index))


def _nodata(source: Any, band: BandAsset) -> float | None:
    index = band.index - 1
    stated: float | None = source.nodatavals[index] if band.nodata is None else band.nodata
    if stated is not None and np.isnan(stated) and not np.issubdtype(source.dtypes[index], np.floating):
        return None  # some catalogues say NaN of integers
    return stated
