"""Open one scene and hand out the site's pixels.

GDAL is told to be a GeoTIFF reader and nothing else: a ``.tif`` that is really a VRT would
otherwise read any file of the machine. A file that cannot be read is a fault of that one scene.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from tasks.catalog.records import shown
from tasks.errors import SceneError
from tasks.grid import pixel_offset
from tasks.model import BandAsset, SceneRef

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odc.geo.geobox import GeoBox

GDAL_OPTIONS = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".tif,.tiff",
    "CPL_VSIL_CURL_NON_CACHED": "/vsicurl/",  # else a process that once got a 503 never asks again
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "GDAL_HTTP_MAX_RETRY": "4",
    "GDAL_HTTP_RETRY_DELAY": "0.5",
    "GDAL_HTTP_RETRY_CODES": "429,500,502,503,504",
    "GDAL_HTTP_CONNECTTIMEOUT": "10",
    "GDAL_HTTP_TIMEOUT": "60",
    "VSI_CACHE": "TRUE",
    "GDAL_NUM_THREADS": "1",
}
"""Defaults cost 2.9 times the requests (sidecar probing) and have no time-out at all."""

MAX_SIDE_PX = 200_000
"""A header that claims more is a bomb or a fault; Sentinel-2 tiles have 10,980."""

TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True)
class Header:
    """What a file says of itself, before any pixel is read."""

    crs: str
    transform: Affine
    dtype: str
    nodata: float | None


def not_a_tiff(href: str) -> str | None:
    """Say why a local file cannot be a GeoTIFF, from its first bytes; None if it may be or is remote."""
    if urlparse(href).scheme not in ("", "file"):
        return None
    path = Path(urlparse(href).path)
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as fault:
        return f"{href} cannot be opened: {fault.strerror}"
    return None if magic in TIFF_MAGIC else f"{href} is not a TIFF: it begins with {magic!r}"


def read_header(band: BandAsset) -> Header:
    """Grid, type and nodata of one band.

    Raises
    ------
    SceneError
        If the file cannot be opened or has no CRS.
    """
    with _open(band) as source:
        return Header(
            source.crs.to_string(), source.transform, source.dtypes[band.index - 1], _nodata(source, band)
        )


def read_planes(scene: SceneRef, box: GeoBox) -> dict[str, npt.NDArray[Any]]:
    """Read every band of a scene on a site's grid.

    Parameters
    ----------
    scene
        What to read.
    box
        The site's window; scenes on the same grid are read as they are, others are warped
        (bilinear; classes by nearest neighbour), which is said in the log of the step.

    Returns
    -------
    dict
        Band name to ``(y, x)`` in the file's dtype, before the band's scale and offset; pixels without
        data, and those outside the scene, are NaN (floats) or 0 (integers), whatever the file writes there.

    Raises
    ------
    SceneError
        If a band cannot be opened or read to the end.
    """
    return {band.name: _read_window(band, box) for band in scene.bands}


def _read_window(band: BandAsset, box: GeoBox) -> npt.NDArray[Any]:
    with _open(band) as source:
        nodata, dtype = _nodata(source, band), source.dtypes[band.index - 1]
        empty = float("nan") if np.issubdtype(dtype, np.floating) else 0
        offset = pixel_offset(box, source.crs.to_string(), source.transform)
        if offset is None:
            return _read_warped(source, band, box, empty if nodata is None else nodata, empty)
        plane = np.full(box.shape, empty, dtype=dtype)
        row, col = offset
        r0, c0 = max(row, 0), max(col, 0)
        r1, c1 = min(row + box.shape[0], source.height), min(col + box.shape[1], source.width)
        if r1 > r0 and c1 > c0:
            part = source.read(band.index, window=Window(c0, r0, c1 - c0, r1 - r0))
            part = part if nodata is None else np.where(part == nodata, empty, part)
            plane[r0 - row : r1 - row, c0 - col : c1 - col] = part
        return plane


def _read_warped(source: Any, band: BandAsset, box: GeoBox, nodata: float, empty: float) -> npt.NDArray[Any]:
    height, width = box.shape
    with WarpedVRT(
        source,
        crs=str(box.crs),
        transform=box.affine,
        width=width,
        height=height,
        resampling=Resampling.nearest if band.units == "class" else Resampling.bilinear,
        src_nodata=nodata,
        nodata=empty,
    ) as warped:
        return np.asarray(warped.read(band.index))


def _nodata(source: Any, band: BandAsset) -> float | None:
    index = band.index - 1
    stated: float | None = source.nodatavals[index] if band.nodata is None else band.nodata
    if stated is not None and np.isnan(stated) and not np.issubdtype(source.dtypes[index], np.floating):
        return None  # some catalogues say NaN of integers
    return stated


@contextmanager
def _open(band: BandAsset) -> Iterator[Any]:
    remote = urlparse(band.href).scheme not in ("", "file")
    try:
        with rasterio.Env(**GDAL_OPTIONS), rasterio.open(band.href, driver="GTiff") as source:
            if source.crs is None:
                raise SceneError(f"{shown(band.href)} has no CRS; a georeferenced GeoTIFF is needed")
            if not 1 <= band.index <= source.count:
                raise SceneError(
                    f"{shown(band.href)} has {source.count} bands; {band.name} should be number {band.index}"
                )
            if max(source.shape) > MAX_SIDE_PX:
                raise SceneError(
                    f"{shown(band.href)} claims {source.shape} pixels; at most {MAX_SIDE_PX} a side is read"
                )
            yield source
    except RasterioError as fault:
        # GDAL words a 403, a 404 and a 503 alike, so a remote file is given another chance.
        detail = shown(str(fault.__cause__ or fault))
        raise SceneError(f"{band.name} cannot be read: {detail}", permanent=not remote) from fault
