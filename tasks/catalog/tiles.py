"""Read an image's window straight from its tiles over HTTP: the bytes that are needed, decoded in place.

GDAL decodes with the same library (libdeflate), but undoes the predictor pixel by pixel through memory,
copies each tile twice and asks for the file's size first: 22 ms of CPU and 5 requests for a window of 3 × 3
tiles of 512² uint16, here 15 and 4. Only for the kind of file that `tiff_layout` knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import deflate
import numba
import numpy as np
import numpy.typing as npt
import obstore
from obstore.exceptions import BaseError
from obstore.store import HTTPStore
from rasterio.windows import Window

from tasks.catalog.tiff_layout import BYTE_PLANES, DIFFERENCES, Layout, UnfitError, read_layout

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

HEADER_BYTES = 16 << 10
"""First request. The directory of a Sentinel-2 band takes 2 to 4 kB, with its overviews' behind it."""

GAP_BYTES = 64
"""Tiles that lie so close are one request: a COG repeats 4 bytes before and behind each."""

LAST_BYTE = 1 << 50
"""No file is longer than a petabyte."""

AT_ONCE_BYTES = 32 << 20
"""Compressed bytes of a window that are held at a time."""

PLAIN = re.compile(r"/[\w.~=+/-]+", re.ASCII)
"""Paths that no client writes in another way; a signature would not fit another spelling."""

CLIENT: ClientConfig = {"allow_http": True, "connect_timeout": "10s", "timeout": "60s"}
NO_RETRY: RetryConfig = {"max_retries": 0}
"""What fails goes to GDAL, which tries again and by whose failure the server is asked why."""


def open_tiles(url: str) -> Tiles:
    """Open an image over HTTP; one request.

    Raises
    ------
    UnfitError
        If it cannot be read in this way.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or "//" in parts.path or not PLAIN.fullmatch(parts.path):
        raise UnfitError("its URL is not a plain one")
    file = _File(_store(f"{parts.scheme}://{parts.netloc}", parts.query), parts.path[1:])
    begin = file.spans([0], [HEADER_BYTES])[0]

    def fetch(first: int, size: int) -> bytes:
        if first + size <= len(begin):
            return bytes(begin[first : first + size])
        return bytes(file.spans([first], [size])[0])

    return Tiles(file, read_layout(fetch))


@lru_cache(maxsize=64)
def _store(root: str, query: str) -> HTTPStore:
    """Give one client for all files of a server that have one signature: it keeps its connections."""
    return HTTPStore.from_url(
        f"{root}/?{query}" if query else root, client_options=CLIENT, retry_config=NO_RETRY
    )


@dataclass(frozen=True)
class _File:
    store: HTTPStore
    path: str

    def spans(self, starts: Sequence[int], sizes: Sequence[int]) -> list[memoryview]:
        """Fetch spans of bytes: those that touch together, the others side by side."""
        if max(starts) > LAST_BYTE:
            raise UnfitError(f"it points to its byte {max(starts)}")
        try:
            parts = obstore.get_ranges(
                self.store, self.path, starts=starts, lengths=sizes, coalesce=GAP_BYTES
            )
        except (BaseError, OSError, ValueError, RuntimeError) as fault:
            raise UnfitError(type(fault).__name__) from None  # the message has the URL and its signature
        return [memoryview(part) for part in parts]


class Tiles:
    """One image of one band, with as much of a rasterio dataset as a window needs."""

    count = 1

    def __init__(self, file: _File, layout: Layout) -> None:
        self.file, self.layout = file, layout
        self.crs, self.transform, self.shape = layout.crs, layout.transform, layout.shape
        self.height, self.width = layout.shape
        self.dtypes = (layout.dtype.name,)
        self.nodatavals = (layout.nodata,)

    def read(self, indexes: Sequence[int], *, window: Window, out: npt.NDArray[Any]) -> None:
        """Read a window of the image.

        Parameters
        ----------
        indexes
            ``[1]``, the image's only band.
        window
            Inside the image, of whole pixels.
        out
            ``(1, y, x)`` of the image's dtype and the window's shape; a tile that is not stored becomes the
            file's no-data value, or 0.

        Raises
        ------
        UnfitError
            If a tile cannot be fetched or decoded.
        """
        assert list(indexes) == [1]
        (plane,) = out
        layout, (height, width) = self.layout, self.layout.tile
        r0, c0, r1, c1 = (int(v) for v in (*_first(window), *_end(window)))
        rows, cols = range(r0 // height, -(-r1 // height)), range(c0 // width, -(-c1 // width))
        for part in _portions(layout, [(row, col) for row in rows for col in cols]):
            stored = [where for where in part if layout.sizes[where]]
            starts, sizes = ([int(n[w]) for w in stored] for n in (layout.offsets, layout.sizes))
            found = dict(zip(stored, self.file.spans(starts, sizes), strict=True)) if stored else {}
            for row, col in part:
                top, left = max(row * height, r0), max(col * width, c0)
                bottom, right = min((row + 1) * height, r1), min((col + 1) * width, c1)
                into = plane[top - r0 : bottom - r0, left - c0 : right - c0]
                if (row, col) in found:
                    _decode(found.pop((row, col)), layout, top - row * height, left - col * width, into)
                else:
                    into[...] = layout.nodata or 0


def _first(window: Window) -> tuple[int, int]:
    return window.row_off, window.col_off


def _end(window: Window) -> tuple[int, int]:
    return window.row_off + window.height, window.col_off + window.width


def _portions(layout: Layout, tiles: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Cut a window's tiles into portions of which the bytes are held at a time."""
    portion: list[tuple[int, int]] = []
    size = 0
    for tile in tiles:
        if portion and size + int(layout.sizes[tile]) > AT_ONCE_BYTES:
            yield portion
            portion, size = [], 0
        portion.append(tile)
        size += int(layout.sizes[tile])
    yield portion


def _decode(data: memoryview, layout: Layout, row: int, col: int, out: npt.NDArray[Any]) -> None:
    """Decode a tile, and put the part that begins at a row and column of it into `out`."""
    (height, width), dtype = layout.tile, layout.dtype
    try:
        raw = deflate.zlib_decompress(data, height * width * dtype.itemsize)
        tile = np.frombuffer(raw, dtype).reshape(height, width)
    except (deflate.DeflateError, ValueError) as fault:
        raise UnfitError("a tile is broken") from fault
    if layout.predictor == DIFFERENCES:
        unsigned = f"u{dtype.itemsize}"
        _add_up(tile.view(unsigned), row, col, out.view(unsigned))
    elif layout.predictor == BYTE_PLANES:
        _join_bytes(tile.view("u1"), row, col, out.view("u4"), np.empty(4 * width, "u1"))
    else:
        out[...] = tile[row : row + out.shape[0], col : col + out.shape[1]]


@numba.njit(cache=True, nogil=True)
def _add_up(
    tile: npt.NDArray[Any], row: int, col: int, out: npt.NDArray[Any]
) -> None:  # pragma: no cover (compiled)
    """Add the differences up along each row; what is below, above or right of `out` is left alone."""
    for y in range(out.shape[0]):
        value = np.uint64(0)
        for x in range(col):
            value += tile[row + y, x]
        for x in range(out.shape[1]):
            value += tile[row + y, col + x]
            out[y, x] = value


@numba.njit(cache=True, nogil=True)
def _join_bytes(
    tile: npt.NDArray[Any], row: int, col: int, out: npt.NDArray[Any], line: npt.NDArray[Any]
) -> None:  # pragma: no cover (compiled)
    """Add the bytes of each row up in `line`, and join the four bytes of each float, the highest first."""
    width = line.size // 4
    for y in range(out.shape[0]):
        value = np.uint8(0)
        for k in range(line.size):
            value = np.uint8(value + tile[row + y, k])
            line[k] = value
        for x in range(out.shape[1]):
            joined = np.uint32(0)
            for part in range(4):
                joined = (joined << np.uint32(8)) | np.uint32(line[part * width + col + x])
            out[y, x] = joined
