"""Write and read whole planes as shards, encoded here: the part of ingest where the time went.

Zarr's own path sends every inner chunk through an asynchronous pipeline and merges shards whose
window does not reach the edge: 19 ms of CPU to write 1000² uint16 where the compression itself takes
7 (zstd 1, byte shuffle; measured), and 11 ms and 17 requests to read it where 6.6 and one will do.
What is written is plain Zarr v3: the format is
https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/, and Zarr reads it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import google_crc32c
import numpy as np
import numpy.typing as npt
from numcodecs import blosc
from zarr.buffer import default_buffer_prototype
from zarr.buffer.cpu import Buffer
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, ShardingCodec
from zarr.core.sync import sync

from tasks.archive.damage import DAMAGE, DamagedError, first_line

ABSENT = 2**64 - 1
"""Offset and length of an inner chunk that holds nothing but the fill value."""

CHECKSUM = 4
"""Bytes of a CRC32C."""

SHUFFLES = {"noshuffle": 0, "shuffle": 1, "bitshuffle": 2}


def write_plane(array: Any, slot: int, plane: npt.NDArray[Any]) -> None:
    """Write one date of one band whole; what was there before is not read.

    Parameters
    ----------
    array
        As `schema.create_planes` makes them: one plane a shard.
    slot
        Its place along the first dimension.
    plane
        ``(y, x)`` of the array's dtype and window.
    """
    store, key = array.store, f"{array.path}/{array.metadata.encode_chunk_key((slot, 0, 0))}"
    data = encode_shard(plane, array.metadata)
    if data is None:
        sync(store.delete(key))
    else:
        sync(store.set(key, Buffer.from_bytes(data)))


def read_plane(
    array: Any, slot: int, scene_id: str, site_id: str, window: Sequence[Any] = ()
) -> npt.NDArray[Any]:
    """Read one date of one band.

    Raises
    ------
    DamagedError
        If what is stored does not fit its checksum or is not there; names the scene.
    """
    try:
        return np.asarray(array.oindex[(slot, *window)]) if window else read_whole(array, slot)
    except DAMAGE as fault:
        raise DamagedError(
            f"scene {scene_id}: {array.basename} is damaged in the archive ({first_line(fault)}); "
            f"`roadstead backfill {site_id} --repair` fetches it again"
        ) from fault


def read_whole(array: Any, slot: int) -> npt.NDArray[Any]:
    """Read one date of one band whole: one request, where Zarr makes one for every inner chunk.

    Returns
    -------
    numpy.ndarray
        ``(y, x)`` of the array's dtype.

    Raises
    ------
    ValueError
        If what is stored does not fit a checksum.
    """
    key = f"{array.path}/{array.metadata.encode_chunk_key((slot, 0, 0))}"
    data = sync(array.store.get(key, default_buffer_prototype()))
    _, height, width = array.shape
    return decode_shard(None if data is None else data.to_bytes(), array.metadata)[:height, :width]


def encode_shard(plane: npt.NDArray[Any], metadata: Any) -> bytes | None:
    """Encode a plane as a shard; None if it holds nothing but the fill value.

    Raises
    ------
    ValueError
        If the array is not laid out as `schema.create_planes` does it.
    """
    (sharding,) = metadata.codecs
    _, height, width = metadata.chunk_grid.chunk_shape
    _, rows, cols = sharding.chunk_shape
    compressor = _compressor(sharding)
    if (
        plane.dtype != metadata.data_type.to_native_dtype()
        or plane.shape[0] > height
        or plane.shape[1] > width
    ):
        raise ValueError(f"a plane {plane.shape} of {plane.dtype} does not fit {metadata}")
    fill = np.asarray(metadata.fill_value, plane.dtype)
    index = np.full((height // rows, width // cols, 2), ABSENT, dtype="<u8")
    parts: list[bytes] = []
    offset = 0
    for row, col in product(range(index.shape[0]), range(index.shape[1])):
        inside = plane[row * rows : (row + 1) * rows, col * cols : (col + 1) * cols]
        if _is_empty(inside, fill):
            continue
        if inside.shape == (rows, cols):
            chunk = np.ascontiguousarray(inside)
        else:
            chunk = np.full((rows, cols), fill, plane.dtype)
            chunk[: inside.shape[0], : inside.shape[1]] = inside
        encoded = blosc.compress(chunk, *compressor)
        index[row, col] = offset, len(encoded) + CHECKSUM
        offset += len(encoded) + CHECKSUM
        parts += (encoded, _checksum(encoded))
    where = index.tobytes()
    return b"".join((*parts, where, _checksum(where))) if parts else None


def decode_shard(data: bytes | None, metadata: Any) -> npt.NDArray[Any]:
    """Decode a shard to its whole plane; None is a plane that holds nothing but the fill value.

    Raises
    ------
    ValueError
        If anything does not fit its checksum or lies outside the shard.
    """
    (sharding,) = metadata.codecs
    _compressor(sharding)
    _, height, width = metadata.chunk_grid.chunk_shape
    _, rows, cols = sharding.chunk_shape
    plane = np.full((height, width), metadata.fill_value, metadata.data_type.to_native_dtype())
    if data is None:
        return plane
    shape = (height // rows, width // cols, 2)
    size = int(np.prod(shape)) * 8 + CHECKSUM
    index = np.frombuffer(_verified(data[-size:], "index"), "<u8").reshape(shape)
    for row, col in product(range(shape[0]), range(shape[1])):
        offset, length = int(index[row, col, 0]), int(index[row, col, 1])
        if offset == ABSENT:
            continue
        chunk = blosc.decompress(_verified(data[offset : offset + length], f"chunk {row},{col}"))
        inside = np.frombuffer(chunk, plane.dtype).reshape(rows, cols)
        plane[row * rows : (row + 1) * rows, col * cols : (col + 1) * cols] = inside
    return plane


def _compressor(sharding: ShardingCodec) -> tuple[bytes, int, int, int]:
    match sharding.codecs:
        case (BytesCodec(), BloscCodec() as codec, Crc32cCodec()):
            return codec.cname.value.encode(), codec.clevel, SHUFFLES[codec.shuffle.value], codec.blocksize
    raise ValueError(f"a shard of {sharding.codecs} is not what this archive writes")


def _is_empty(chunk: npt.NDArray[Any], fill: npt.NDArray[Any]) -> bool:
    def is_fill(values: npt.NDArray[Any]) -> bool:
        return bool((np.isnan(values) if np.isnan(fill) else values == fill).all())

    return chunk.size == 0 or (is_fill(chunk[:1, :1]) and is_fill(chunk))  # mostly its first pixel tells


def _checksum(data: bytes) -> bytes:
    """Give the CRC32C, little-endian."""
    return int(google_crc32c.value(data)).to_bytes(CHECKSUM, "little")


def _verified(data: bytes, what: str) -> bytes:
    """Take the CRC32C off, if it fits."""
    body, stated = data[:-CHECKSUM], data[-CHECKSUM:]
    if _checksum(body) != stated:
        raise ValueError(f"stored and computed checksum of {what} do not match")
    return body
