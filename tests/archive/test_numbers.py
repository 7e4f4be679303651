"""What stored numbers mean: one convention for all dates, without loss."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tasks.archive.numbers import REFLECTANCE_OFFSET, REFLECTANCE_SCALE, conform, mosaic
from tasks.archive.reading import open_cube
from tasks.archive.store import ArchiveRef
from tasks.errors import BareError, SceneError
from tasks.model import BandAsset, Claim
from tests.archive.cubes import BOX, COLLECTION, Reader, add, scene

STORED = {
    "nir": BandAsset("nir", "", "reflectance", None, 0.0001, -0.1, claim=Claim(dtype="uint16")),
    "scl": BandAsset("scl", "", "class", claim=Claim(dtype="uint8")),
    "vv": BandAsset("vv", "", "1", claim=Claim(dtype="float32")),
}


def nir(scale: float, offset: float) -> BandAsset:
    return BandAsset("nir", "nir.tif", "reflectance", 0, scale, offset)


def reflectance(stored: npt.NDArray[np.uint16]) -> npt.NDArray[np.float64]:
    return np.where(stored == 0, np.nan, stored * REFLECTANCE_SCALE + REFLECTANCE_OFFSET)


@given(st.lists(st.integers(0, 64_000), min_size=11, max_size=11), st.sampled_from([0.0, -0.1, 0.05]))
def test_any_offset_gives_the_same_reflectance(numbers: list[int], offset: float) -> None:
    plane = np.array([500, *numbers], "uint16").reshape(3, 4)  # a band without data is refused
    stored = conform([nir(0.0001, offset)], {"nir": plane}, STORED)["nir"]
    assert stored.dtype == np.uint16
    expected = np.where(plane == 0, np.nan, plane * 0.0001 + offset)
    lowest = REFLECTANCE_SCALE + REFLECTANCE_OFFSET
    np.testing.assert_allclose(reflectance(stored), np.maximum(expected, lowest), atol=1e-9)


def test_numbers_of_before_and_after_baseline_04_lie_on_one_line() -> None:
    old = np.array([[0, 1, 250, 9000]], "uint16")
    new = np.array([[0, 1001, 1250, 10_000]], "uint16")
    stored = [conform([nir(0.0001, o)], {"nir": p}, STORED)["nir"] for o, p in ((0.0, old), (-0.1, new))]
    np.testing.assert_array_equal(stored[0], stored[1])
    np.testing.assert_array_equal(stored[1], new)


def test_other_scales_and_floats_are_rounded_to_the_cubes_step() -> None:
    coarse = np.array([[0, 100, 200]], "uint16")
    stored = conform([nir(0.00275 / 10, -0.02)], {"nir": coarse}, STORED)["nir"]
    np.testing.assert_allclose(reflectance(stored)[0, 1:], [0.0075, 0.035], atol=REFLECTANCE_SCALE / 2)
    floats = np.array([[np.nan, 0.25, -0.02, 9.0]], "float32")
    stored = conform([nir(1.0, 0.0)], {"nir": floats}, STORED)["nir"]
    assert stored[0].tolist() == [0, 3500, 800, 65_535]


def test_classes_stay_and_types_that_do_not_fit_are_refused() -> None:
    classes = np.array([[0, 4, 11]], "uint8")
    scl = BandAsset("scl", "scl.tif", "class", 0)
    np.testing.assert_array_equal(conform([scl], {"scl": classes}, STORED)["scl"], classes)
    with pytest.raises(SceneError, match="scl is uint16, the archive holds uint8"):
        conform([scl], {"scl": classes.astype("uint16")}, STORED)
    with pytest.raises(SceneError, match="nir is in 'dB', the archive in 'reflectance'"):
        conform([replace(nir(1, 0), units="dB")], {"nir": classes}, STORED)
    with pytest.raises(SceneError, match=r"none of its bands \['hh'\] is in the cube"):
        conform([BandAsset("hh", "", "1")], {"hh": classes}, STORED)
    nothing, something = np.zeros((1, 3), "uint16"), np.array([[0, 4, 11]], "uint8")
    with pytest.raises(BareError, match="nir holds no data over the site"):
        conform([nir(0.0001, 0)], {"nir": nothing}, STORED)
    with pytest.raises(SceneError, match="nir holds no data over the site") as half:
        conform([nir(0.0001, 0), scl], {"nir": nothing, "scl": something}, STORED)
    assert not isinstance(half.value, BareError)  # something is wrong with it


def test_an_optical_cube_says_what_its_numbers_mean(tmp_path: Path) -> None:
    ref = ArchiveRef(str(tmp_path), "tiny")
    plane = np.full(BOX.shape, 700, "uint16")
    plane[0] = 0
    old, new = (
        replace(scene(day), bands=(BandAsset("nir", "", "reflectance", 0, 0.0001, offset),))
        for day, offset in ((0, 0.0), (5, -0.1))
    )
    add(
        ref,
        old,
        new,
        reader=Reader("uint16", planes={old.scene_id: plane, new.scene_id: plane + 1000 * (plane > 0)}),
    )
    cube = open_cube(ref, COLLECTION)
    assert cube["nir"].dtype == np.uint16
    np.testing.assert_array_equal(cube["nir"].values[0], cube["nir"].values[1])
    attrs = cube["nir"].attrs
    assert (attrs["scale_factor"], attrs["add_offset"], attrs["units"]) == (0.0001, -0.1, "reflectance")
    assert cube["nir"].values[0, 1, 0] * attrs["scale_factor"] + attrs["add_offset"] == pytest.approx(0.07)


@given(
    st.lists(arrays.arrays("uint8", (3, 3), elements=st.integers(0, 2)), min_size=1, max_size=4),
)
def test_a_mosaic_shows_the_first_tile_that_holds_data(tiles: list[npt.NDArray[np.uint8]]) -> None:
    whole = mosaic([{"scl": tile} for tile in tiles])["scl"]
    for place in np.ndindex(3, 3):
        assert whole[place] == next((tile[place] for tile in tiles if tile[place]), 0)
