"""What the first directory of a GeoTIFF says of its tiles, for the kind of file that images mostly are.

One band in deflated tiles on a north-up grid, its projected CRS a plain number, little-endian: as Sentinel-2,
Landsat and most analysis-ready collections are delivered. Of everything else nothing is guessed: it is
unfit for this reader and GDAL's to read. Tags: TIFF 6.0 and BigTIFF; keys: OGC GeoTIFF 1.1 (19-008r4).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from affine import Affine
from rasterio.crs import CRS


class UnfitError(Exception):
    """A file is not of the kind that is read here, or cannot be read so; GDAL has the last word on it."""


Fetch = Callable[[int, int], bytes]
"""First byte and number of bytes to those bytes."""

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 256, 257, 258, 259, 262, 266
SAMPLES, PREDICTOR, TILE_WIDTH, TILE_HEIGHT, OFFSETS, SIZES, SAMPLE_FORMAT = 277, 317, 322, 323, 324, 325, 339
PIXEL_SCALE, TIE_POINT, TRANSFORMATION, GEO_KEYS, NODATA = 33550, 33922, 34264, 34735, 42113
SUBFILE = 254

TYPES = {1: "u1", 2: "S1", 3: "<u2", 4: "<u4", 11: "<f4", 12: "<f8", 16: "<u8"}
"""Field types that these tags come in, as NumPy names them."""

PIXELS = {(1, 8): "u1", (1, 16): "<u2", (2, 16): "<i2", (3, 32): "<f4"}
"""Sample format and bits to type."""

PLAIN, DIFFERENCES, BYTE_PLANES = 1, 2, 3
"""Predictors: none; each pixel less the one on its left; of floats each row's first bytes, then its second
ones and so on, each byte less the one before it (Adobe's TIFF technical note 3)."""

DEFLATE = (8, 32946)
"""Both carry the Adler-32 of each tile: bytes that were spoilt on the way do not pass as pixels."""

MODEL, RASTER, PROJECTED, UNITS = 1024, 1025, 3072, 3076
ALONG = frozenset({MODEL, RASTER, PROJECTED, UNITS, 1026, 2048, 2049, 2054, 2057, 2059, 3073})
"""GeoTIFF keys beside which a number of EPSG says all: citations, and what follows from the number."""

EPSG = range(1024, 32767)
METRE = 9001

MAX_TILE_PX = 4096
"""Side from which a tile is no part of an image any more, but all of it."""

MAX_TILES = 1 << 20
"""Sentinel-2 has 121 of 1024 pixels; a header that claims more than a million is a bomb or a fault."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the tiles of an image lie, and what their numbers are."""

    shape: tuple[int, int]
    tile: tuple[int, int]
    """Rows and columns of a tile."""

    dtype: np.dtype[Any]
    predictor: int
    """What was done to the numbers before they were deflated: `PLAIN`, `DIFFERENCES` or `BYTE_PLANES`."""

    offsets: npt.NDArray[np.uint64]
    """First byte of each tile ``(rows of tiles, columns of tiles)``."""

    sizes: npt.NDArray[np.uint64]
    """Bytes of each tile; 0 for one without data, which is not stored."""

    crs: CRS
    transform: Affine
    nodata: float | None


def read_layout(fetch: Fetch) -> Layout:
    """Read the first directory of a file.

    Raises
    ------
    UnfitError
        If the file is none of the kind that is read here.
    """
    try:
        return _layout(_tags(fetch))
    except (struct.error, ValueError, TypeError, KeyError, IndexError) as fault:
        raise UnfitError(f"its header is not understood ({fault!r})") from fault


def _tags(fetch: Fetch) -> dict[int, Any]:
    """Read every tag of the first directory whose type is known: numbers as arrays, text as bytes."""
    start = fetch(0, 16)
    if start[:4] == b"II*\0":
        (at,), counted, entry = struct.unpack("<I", start[4:8]), "<H", "<HHI4s"
    elif start[:8] == b"II+\0\x08\0\0\0":
        (at,), counted, entry = struct.unpack("<Q", start[8:16]), "<Q", "<HHQ8s"
    else:
        raise UnfitError(f"it begins with {start[:4]!r}")
    (count,) = struct.unpack(counted, fetch(at, struct.calcsize(counted)))
    size = struct.calcsize(entry)
    if count > 200:
        raise UnfitError(f"its directory claims {count} tags")
    entries = fetch(at + struct.calcsize(counted), count * size)
    tags = {}
    for tag, kind, number, value in struct.iter_unpack(entry, entries):
        if kind not in TYPES or number > MAX_TILES:
            continue
        length = number * np.dtype(TYPES[kind]).itemsize
        if length > len(value):
            value = fetch(struct.unpack("<I" if len(value) == 4 else "<Q", value)[0], length)
        tags[tag] = value[:length] if TYPES[kind] == "S1" else np.frombuffer(value[:length], TYPES[kind])
    return tags


def _layout(tags: Mapping[int, Any]) -> Layout:
    def one(tag: int, default: int | None = None) -> int:
        values = tags.get(tag, () if default is None else (default,))
        (value,) = values
        return int(value)

    plain = {SUBFILE: (0, 0), PHOTOMETRIC: (1, 1), FILL_ORDER: (1, 1), SAMPLES: (1, 1)}
    for tag, (default, wanted) in plain.items():
        if one(tag, default) != wanted:
            raise UnfitError(f"its tag {tag} is {one(tag, default)}")
    shape, tile = (one(HEIGHT), one(WIDTH)), (one(TILE_HEIGHT), one(TILE_WIDTH))
    dtype = PIXELS.get((one(SAMPLE_FORMAT, 1), one(BITS, 1)), "")
    predictor = one(PREDICTOR, PLAIN)
    known = (PLAIN, BYTE_PLANES if dtype == "<f4" else DIFFERENCES)
    if one(COMPRESSION, 1) not in DEFLATE or not dtype or predictor not in known:
        raise UnfitError(f"its tiles are of another kind ({one(COMPRESSION, 1)}, {dtype!r}, {predictor})")
    if min(*shape, *tile) < 1 or max(tile) > MAX_TILE_PX:
        raise UnfitError(f"it claims {shape} pixels in tiles of {tile}")
    tiles = (-(-shape[0] // tile[0]), -(-shape[1] // tile[1]))
    offsets, sizes = (tags[tag].astype("u8").reshape(tiles) for tag in (OFFSETS, SIZES))
    most = 2 * tile[0] * tile[1] * np.dtype(dtype).itemsize + 1024
    if sizes.max() > most:
        raise UnfitError(f"a tile claims {sizes.max()} bytes")
    nodata = _nodata(tags.get(NODATA, b""), np.dtype(dtype))
    crs, transform = _crs(tags[GEO_KEYS]), _transform(tags)
    return Layout(shape, tile, np.dtype(dtype), predictor, offsets, sizes, crs, transform, nodata)


def _nodata(text: bytes, dtype: np.dtype[Any]) -> float | None:
    words = text.rstrip(b"\0 ").decode("ascii")
    if not words:
        return None
    value = float(words)
    limits = None if dtype.kind == "f" else np.iinfo(dtype)
    if limits and not (limits.min <= value <= limits.max and value.is_integer()):
        raise UnfitError(f"its no-data value {words} is none of {dtype}")
    return value


def _transform(tags: Mapping[int, Any]) -> Affine:
    """Affine of the outer corners, as GDAL makes it of a scale and one tie point."""
    right, down, _ = (float(v) for v in tags[PIXEL_SCALE])
    col, row, _, x, y, _ = (float(v) for v in tags[TIE_POINT])
    if TRANSFORMATION in tags or right <= 0 or down <= 0:
        raise UnfitError("its grid is not north-up")
    return Affine(right, 0.0, x - col * right, 0.0, -down, y + row * down)


def _crs(keys: npt.NDArray[np.uint16]) -> CRS:
    table = keys.reshape(-1, 4)
    known = {int(key): (int(where), int(value)) for key, where, _, value in table[1:]}
    number = known.get(PROJECTED, (0, 0))
    if (
        known.keys() - ALONG
        or known.get(MODEL) != (0, 1)
        or known.get(RASTER) != (0, 1)
        or known.get(UNITS, (0, METRE)) != (0, METRE)
        or number[0] != 0
        or number[1] not in EPSG
    ):
        raise UnfitError(f"its CRS has no plain number ({sorted(known)})")
    return _numbered(number[1])


@cache
def _numbered(code: int) -> CRS:
    """Look a CRS up once: PROJ takes a millisecond."""
    return CRS.from_epsg(code)
