from __future__ import annotations

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from odc.geo.geobox import GeoBox

from tasks.archive.numbers import round_mantissa
from tasks.archive.schema import CHUNK_PX, COORDINATES, box_of, create_cube
from tests.scenes import grid

LARGEST = float(np.finfo("float32").max) / 2  # rounding up beyond it would overflow
power = st.floats(-LARGEST, LARGEST, width=32) | st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -0.0])
planes = arrays("float32", array_shapes(min_dims=1, max_dims=3, max_side=8), elements=power)


def slow_round(value: float, bits: int) -> float:
    """Round one number's mantissa, to nearest even, the obvious way."""
    if not np.isfinite(value) or value == 0:
        return value
    mantissa, exponent = np.frexp(np.float64(value))
    steps = 2.0 ** (bits + 1)  # frexp's mantissa lies in [0.5, 1): one bit more
    return float(np.ldexp(np.rint(mantissa * steps) / steps, exponent))


@settings(deadline=None, database=None)
@given(planes, st.integers(4, 20))
def test_rounding_agrees_with_its_slow_twin(plane: np.ndarray, bits: int) -> None:
    normal = np.where(
        np.abs(plane) >= np.finfo("float32").tiny, plane, np.where(np.isfinite(plane), 0, plane)
    )
    expected = np.array([slow_round(float(v), bits) for v in normal.ravel()], "float32").reshape(normal.shape)
    np.testing.assert_array_equal(round_mantissa(normal.astype("float32"), bits), expected)


@settings(deadline=None, database=None)
@given(planes)
def test_rounding_errs_by_half_a_step_and_only_once(plane: np.ndarray) -> None:
    rounded = round_mantissa(plane)
    assert rounded.dtype == np.float32
    assert rounded.shape == plane.shape
    special = ~np.isfinite(plane)
    np.testing.assert_array_equal(rounded[special], plane[special])
    seen = ~special & (np.abs(plane) >= np.finfo("float32").tiny)
    values = plane[seen].astype("float64")
    assert (np.abs(rounded[seen] - values) <= np.abs(values) * 2.0**-11).all()
    np.testing.assert_array_equal(round_mantissa(rounded), rounded)


@settings(deadline=None, database=None)
@given(arrays("float32", 12, elements=st.floats(0, LARGEST, width=32)))
def test_rounding_keeps_the_order_of_pixels(plane: np.ndarray) -> None:
    rounded = round_mantissa(np.sort(plane))
    assert (np.diff(rounded) >= 0).all()


def test_rounding_does_not_touch_what_it_is_given() -> None:
    plane = np.array([0.1, 0.2], "float32")
    before = plane.copy()
    round_mantissa(plane)
    np.testing.assert_array_equal(plane, before)


def test_doubles_are_rounded_too() -> None:
    assert round_mantissa(np.array([0.1, np.nan])).tolist() == [
        pytest.approx(0.1, rel=2**-11),
        pytest.approx(np.nan, nan_ok=True),
    ]


@pytest.mark.parametrize("box", [grid(0, 0, 3, 5), grid(-7, 2, 300, 513, pixel_m=20.0)])
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_a_date_is_one_shard_of_checked_chunks(box: GeoBox, dtype: str) -> None:
    root = zarr.open_group(zarr.storage.MemoryStore(), mode="a")
    cube = create_cube(root, "c", box, {"vv": (dtype, "1")})
    band = cube["vv"]
    assert band.shape == (0, *box.shape)
    assert band.chunks == (1, CHUNK_PX, CHUNK_PX)
    assert band.shards is not None
    assert band.shards[0] == 1
    assert all(0 <= shard - side < CHUNK_PX for shard, side in zip(band.shards[1:], box.shape, strict=True))
    assert box_of(cube) == box
    for name in ("vv", "x", "y", *COORDINATES):
        assert "crc32c" in str(cube[name].metadata.to_dict()["codecs"])
    assert {cube[name].chunks for name in COORDINATES} == {(1024,)}
