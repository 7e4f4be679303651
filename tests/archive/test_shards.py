"""The shard writer against Zarr's own: what it writes, Zarr reads back, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from zarr.storage import MemoryStore

from tasks.archive.schema import create_planes
from tasks.archive.shards import encode_shard, read_whole, write_plane
from tests.scenes import grid


def planes(box: GeoBox, dtype: str, count: int = 3) -> Any:
    array = create_planes(zarr.open_group(MemoryStore(), mode="a"), "band", box, dtype)
    array.resize((count, *box.shape))
    return array


def drawn(seed: int, shape: tuple[int, int], dtype: str, empty_rows: int) -> npt.NDArray[Any]:
    rng = np.random.default_rng(seed)
    if dtype == "float32":
        plane = rng.gamma(4.4, 0.01, shape).astype("float32")
        plane[rng.random(shape) < 0.01] = np.nan
        plane[:empty_rows] = np.nan
        return plane
    plane = rng.integers(0, 200, shape).astype(dtype)
    plane[:empty_rows] = 0
    return plane


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 99),
    height=st.sampled_from([1, 24, 256, 257, 512, 530]),
    width=st.sampled_from([1, 30, 256, 300]),
    dtype=st.sampled_from(["uint8", "uint16", "float32"]),
    empty_rows=st.sampled_from([0, 256, 300, 530]),
)
def test_zarr_reads_back_what_is_written(
    seed: int, height: int, width: int, dtype: str, empty_rows: int
) -> None:
    box = grid(0, 0, height, width)
    ours, theirs = planes(box, dtype), planes(box, dtype)
    plane = drawn(seed, (height, width), dtype, empty_rows)
    write_plane(ours, 1, plane)
    theirs[1] = plane
    np.testing.assert_array_equal(ours[:], theirs[:])
    np.testing.assert_array_equal(ours[1], plane)
    window = (slice(height // 3, None), slice(None, width // 2 + 1))
    np.testing.assert_array_equal(ours[(1, *window)], plane[window])
    assert stored_bytes(ours) == pytest.approx(stored_bytes(theirs), rel=0.02)
    for array in (ours, theirs):  # we read what Zarr writes, too
        np.testing.assert_array_equal(read_whole(array, 1), plane)
        np.testing.assert_array_equal(read_whole(array, 0), array[0])


def stored_bytes(array: Any) -> int:
    """Bytes of the planes; both leave empty ones unwritten."""
    return sum(len(value.to_bytes()) for key, value in array.store._store_dict.items() if "/c/" in key)


def test_a_plane_without_data_is_not_stored_and_takes_the_old_one_away() -> None:
    box = grid(0, 0, 24, 30)
    array = planes(box, "float32")
    write_plane(array, 0, np.ones((24, 30), "float32"))
    assert stored_bytes(array) > 0
    write_plane(array, 0, np.full((24, 30), np.nan, "float32"))
    assert stored_bytes(array) == 0
    assert np.isnan(array[0]).all()


def test_every_flipped_bit_is_noticed() -> None:
    box = grid(0, 0, 24, 30)
    array = planes(box, "uint16", 1)
    write_plane(array, 0, drawn(1, (24, 30), "uint16", 0))
    (key,) = [k for k in array.store._store_dict if "/c/" in k]
    whole = array.store._store_dict[key].to_bytes()
    for bit in range(0, len(whole) * 8, 97):
        hurt = bytearray(whole)
        hurt[bit // 8] ^= 1 << bit % 8
        array.store._store_dict[key] = type(array.store._store_dict[key]).from_bytes(bytes(hurt))
        with pytest.raises((ValueError, RuntimeError, OSError, IndexError, KeyError)):
            array[0]
        with pytest.raises(ValueError, match="checksum"):
            read_whole(array, 0)
    for length in (0, 3, 20, len(whole) - 1):
        array.store._store_dict[key] = type(array.store._store_dict[key]).from_bytes(whole[:length])
        with pytest.raises(ValueError, match="checksum"):
            read_whole(array, 0)


def test_other_layouts_and_types_are_refused() -> None:
    group = zarr.open_group(MemoryStore(), mode="a")
    plain = group.create_array(
        "plain", shape=(1, 512, 512), shards=(1, 512, 512), chunks=(1, 256, 256), dtype="uint8"
    )
    with pytest.raises(ValueError, match="is not what this archive writes"):
        encode_shard(np.ones((512, 512), "uint8"), plain.metadata)
    with pytest.raises(ValueError, match="does not fit"):
        encode_shard(np.ones((24, 30), "uint8"), planes(grid(0, 0, 24, 30), "uint16").metadata)
