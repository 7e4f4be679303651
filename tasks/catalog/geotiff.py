"""Open one GeoTIFF, on disk or over HTTP, and nothing that only looks like one.

GDAL is told to be a GeoTIFF reader: a ``.tif`` that is really a VRT would otherwise read any file of the
machine. What a file says of itself is held against what its item says. A file that cannot be read is a
fault of that one scene, and why it cannot is found out before anything is said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urldefrag, urlparse
from urllib.request import url2pathname

import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.errors import CRSError, RasterioError
from rasterio.session import DummySession

from tasks.catalog.claims import contradiction
from tasks.catalog.faults import TIFF_MAGIC, Verdict, ask_again
from tasks.catalog.providers import Access
from tasks.catalog.records import shown
from tasks.catalog.signing import hide_signatures
from tasks.errors import SceneError
from tasks.model import BandAsset

GDAL_OPTIONS = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_HTTP_MAX_RETRY": "4",
    "GDAL_HTTP_RETRY_DELAY": "0.5",
    "GDAL_HTTP_RETRY_CODES": "429,500,502,503,504",
    "GDAL_HTTP_CONNECTTIMEOUT": "10",
    "GDAL_HTTP_TIMEOUT": "60",
    "GDAL_NUM_THREADS": "1",
}
"""GDAL's defaults cost 2.9 times the requests (sidecar probing) and have no time-out at all.

Measured with a COG of 4000 × 4000 uint16, tiles of 512, a window of 1000 × 1000 over 3 × 3 tiles, a server
on loopback that answers after 30 to 80 ms: 5 requests a file (HEAD, header, one per row of tiles), 1.009
times the tiles' bytes, 24 ms of CPU of which 20 decode. What was tried and left out:
``CPL_VSIL_CURL_USE_HEAD=NO`` (as many requests, 1.2 to 1.4 times the bytes: it begins to fetch the whole
file), ``CPL_VSIL_CURL_CHUNK_SIZE`` (nothing at 64 KB, 1.15 times the bytes at 512 KB), ``VSI_CACHE``,
``GDAL_HTTP_MULTIPLEX`` (nothing), ``GDAL_NUM_THREADS=2`` (5 ms more CPU), ``CPL_VSIL_CURL_NON_CACHED`` (a
second HEAD; see `_gdal_name`). One ``rasterio.Env`` per open costs 0.09 ms: not worth sharing."""

MAX_SIDE_PX = 200_000
"""A header that claims more is a bomb or a fault; Sentinel-2 tiles have 10,980."""

S3_OPTIONS = {"CPL_VSIL_CURL_NON_CACHED": "/vsis3/"}
"""A key of S3 cannot be named anew as a URL can. No HEAD there: the header's answer tells the size."""

GDAL_FAULTS = (RasterioError, CRSError, CPLE_BaseError)
"""rasterio lets some of GDAL's errors through as they are: a warp from a CRS that lies nowhere on Earth."""

HTTP = ("http", "https")

GDAL_NAME = re.compile(r"/vsicurl/|#\d+")
"""What `_gdal_name` adds to a URL, which nobody else need see."""

Taken = TypeVar("Taken")

_opened = count()

hide_signatures()


def not_a_tiff(href: str) -> str | None:
    """Say why a local file cannot be a GeoTIFF, from its first bytes; None if it may be or is remote."""
    if urlparse(href).scheme not in ("", "file"):
        return None
    try:
        with local_path(href).open("rb") as file:
            magic = file.read(4)
    except OSError as fault:
        return f"{href} cannot be opened: {fault.strerror}"
    return None if magic in TIFF_MAGIC else f"{href} is not a TIFF: it begins with {magic!r}"


def take(bands: Sequence[BandAsset], access: Access, use: Callable[[Any], Taken]) -> Taken:
    """Open the file that holds `bands`, use it, and word what goes wrong.

    Once more is tried where it may help: with a new signature if the old one was refused, and if the server
    gives the file on being asked again. Bytes are lost on the way; a file that fails twice is broken.

    Raises
    ------
    SceneError
        If the href is no file, or the file cannot be read to the end, or is not what the item says.
    """
    check_href(bands[0])
    try:
        return _once(bands, access, use)
    except GDAL_FAULTS as fault:
        verdict = _ask(bands[0].href, access)
        renewed = verdict is not None and verdict.refused and access.signer.forget(bands[0].href)
        if verdict is None or not (verdict.is_tiff or renewed):
            raise _worded(bands[0], access, fault, verdict) from None
    try:
        return _once(bands, access, use)
    except GDAL_FAULTS as fault:
        raise _worded(bands[0], access, fault, _ask(bands[0].href, access)) from None


def _once(bands: Sequence[BandAsset], access: Access, use: Callable[[Any], Taken]) -> Taken:
    with _open(bands, access) as source:
        return use(source)


def _ask(href: str, access: Access) -> Verdict | None:
    """Ask the server of a file what is wrong; None for a file that is not on one that can be asked."""
    url = access.url(href)
    return ask_again(url) if is_remote(url) else None


def _worded(band: BandAsset, access: Access, fault: Exception, verdict: Verdict | None) -> SceneError:
    """Say why a file cannot be read, in one line and without secrets (GDAL's has the signed URL)."""
    href, detail = shown(band.href), GDAL_NAME.sub("", shown(str(fault.__cause__ or fault)))
    detail = detail.removeprefix(f"{href.rsplit('/', 1)[-1]}, ")  # GDAL names the file too
    reason, permanent = f"{href}: {' '.join(detail.split())[:300]}", True
    if verdict is not None and not verdict.is_tiff:
        reason, permanent = verdict.reason, verdict.permanent
    elif urlparse(href).scheme == "s3" and verdict is None:
        # Only GDAL has the keys that the store can be asked with: what it says is all there is.
        reason, permanent = f"{reason}; {access.how_to_get_keys(href)}", False
    return SceneError(f"{band.name} cannot be read: {reason}", permanent=permanent)


def is_remote(url: str) -> bool:
    """Tell whether a URL is of a server that can be asked for bytes."""
    return urlparse(url).scheme in HTTP


def check_href(band: BandAsset) -> None:
    """Let only paths and URLs through: GDAL opens many more things, some of which read others.

    Raises
    ------
    SceneError
        For everything but files, http, https and s3.
    """
    href = band.href
    scheme = urlparse(href).scheme
    if (
        scheme not in ("", "file", "s3", *HTTP)
        or href.lstrip().startswith("<")
        or "vrt://" in href.lower()
        or (scheme in ("", "file") and str(local_path(href)).lstrip("/").lower().startswith("vsi"))
    ):
        raise SceneError(
            f"{band.name} cannot be read: {shown(href)[:200]!r} is no file of a kind that is opened; "
            "a path or an http, https or s3 URL is needed"
        )


def local_path(href: str) -> Path:
    """Absolute path of a local file; an absolute path is nothing else to GDAL (``GTIFF_DIR:1:x.tif``)."""
    url = urlparse(href)
    return Path(url2pathname(url.path) if url.scheme == "file" else href).absolute()


def _gdal_name(href: str, access: Access) -> tuple[str | Path, dict[str, str]]:
    """Name a file for GDAL as it has not been named before in this process, and give the options it needs.

    GDAL remembers of a URL that it once got a 503, and the bytes it had of a file that was delivered anew;
    to make it forget costs a HEAD more. A fragment is part of its name for the file but never sent.
    """
    url = access.url(href)
    if is_remote(url):
        return f"/vsicurl/{urldefrag(url).url}#{next(_opened)}", {}
    if urlparse(url).scheme == "s3":
        return f"/vsis3/{url.removeprefix('s3://')}", S3_OPTIONS | access.s3_options(href)
    return local_path(href), {}


def _without_crs(source: Any) -> str:
    """Say what a file without a CRS needs."""
    if source.gcps[0]:
        return "it has ground control points only, as Sentinel-1 GRD has: warp it to a map first"
    return "a georeferenced GeoTIFF is needed; `rio edit-info --crs EPSG:… FILE` writes it if you know it"


@contextmanager
def _open(bands: Sequence[BandAsset], access: Access) -> Iterator[Any]:
    name, options = _gdal_name(bands[0].href, access)
    # The session keeps rasterio from looking for AWS credentials whenever a host is called amazonaws.com.
    with (
        rasterio.Env(session=DummySession(), **GDAL_OPTIONS, **options),
        rasterio.open(name, driver="GTiff") as source,
    ):
        check_source(source, bands)
        yield source


def check_source(source: Any, bands: Sequence[BandAsset]) -> None:
    """Hold an open file against what is read and against what its item says.

    Raises
    ------
    SceneError
        If it has no CRS, claims a senseless size, lacks a band, or contradicts its item.
    """
    href = shown(bands[0].href)
    if source.crs is None:
        raise SceneError(f"{href} has no CRS; {_without_crs(source)}")
    if max(source.shape) > MAX_SIDE_PX:
        raise SceneError(f"{href} claims {source.shape} pixels; at most {MAX_SIDE_PX} a side is read")
    for band in bands:
        if not 1 <= band.index <= source.count:
            raise SceneError(f"{href} has {source.count} bands; {band.name} should be number {band.index}")
        dtype = source.dtypes[band.index - 1]
        crs = source.crs.to_string()
        if (wrong := contradiction(band.claim, crs, source.transform, source.shape, dtype)) is not None:
            raise SceneError(f"{band.name}: {wrong}")
