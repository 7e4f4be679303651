from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from tasks.errors import InputError
from tasks.science.radar.artefacts import Track
from tasks.science.radar.land import touching
from tasks.science.radar.scene import DEFAULT_SCENE, detect_radar_scene
from tasks.science.shapes import Detection
from tests.science.seascape import Hull, rugged, seascape

SHAPE = (700, 900)
COAST = 300
"""Columns of land."""

SHIPS = [Hull(4500, 1000, 150, 25, 30), Hull(7000, 2500, 90, 15, 80), Hull(5200, 5600, 220, 32, 140)]


def coast(seed: int = 1, hulls: list[Hull] = SHIPS, sea_db: float = -17.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    power = seascape(SHAPE, hulls, rng, sea_db)
    land = 10 ** (rugged(SHAPE, rng) / 10) * rng.gamma(4.4, 1 / 4.4, SHAPE)
    power[:, :COAST] = land[:, :COAST]
    return power.astype("float32")


def centres(found: Detection) -> set[tuple[int, int]]:
    return {(round(v.row / 10), round(v.col / 10)) for v in found.vessels}


def places(hulls: list[Hull]) -> set[tuple[int, int]]:
    return {(round(h.y_m / 100), round(h.x_m / 100)) for h in hulls}


@pytest.mark.parametrize("seed", range(3))
def test_ships_off_a_coast_and_nothing_else(seed: int) -> None:
    assert centres(detect_radar_scene({"vv": coast(seed)}, "1", 10)) == places(SHIPS)


def test_a_scene_that_is_all_sea() -> None:
    power = seascape(SHAPE, SHIPS, np.random.default_rng(4))
    assert centres(detect_radar_scene({"vv": power}, "1", 10)) == places(SHIPS)


def test_calm_beside_windy_sea_is_no_coast() -> None:
    power = seascape(SHAPE, SHIPS, np.random.default_rng(5))
    sea = np.linspace(-5, 5, SHAPE[1]) + 4 * np.tanh((np.arange(SHAPE[0]) - 350) / 60)[:, None]
    assert centres(detect_radar_scene({"vv": power * 10 ** (sea / 10)}, "1", 10)) == places(SHIPS)


def test_a_scene_that_is_all_land_shows_no_ship() -> None:
    rng = np.random.default_rng(6)
    power = 10 ** (rugged(SHAPE, rng) / 10) * rng.gamma(4.4, 1 / 4.4, SHAPE)
    assert detect_radar_scene({"vv": power}, "1", 10).vessels == ()


@pytest.mark.parametrize("nothing", [0.0, np.nan])
def test_borders_that_hold_nothing(nothing: float) -> None:
    power = coast()
    power[:60], power[:, -100:], power[-40:, :200] = nothing, nothing, nothing
    assert centres(detect_radar_scene({"vv": power}, "1", 10)) == places(SHIPS)
    assert detect_radar_scene({"vv": np.full(SHAPE, nothing, "float32")}, "1", 10) == Detection(())


def test_given_water_is_believed() -> None:
    water = np.zeros(SHAPE, bool)
    water[:400, COAST + 20 :] = True
    assert centres(detect_radar_scene({"vv": coast()}, "1", 10, water)) == places(SHIPS[:2])


def test_a_vessel_seen_in_two_bands_is_one_and_one_band_is_enough() -> None:
    vv, vh = coast(1, SHIPS[:2]), coast(2, SHIPS[1:], -24.0)
    assert centres(detect_radar_scene({"vv": vv, "vh": vh}, "1", 10)) == places(SHIPS)
    assert len(detect_radar_scene({"hh": vv, "hv": vh}, "1", 10).vessels) == 3


@pytest.mark.parametrize("units", ["dB", "relative dB"])
def test_any_scale(units: str) -> None:
    power = coast()
    db = 10 * np.log10(power)
    if units == "dB":
        assert centres(detect_radar_scene({"vv": db}, units, 10)) == places(SHIPS)
    bytes_ = np.clip(db * 5 + 160, 1, 255).astype("uint8")
    bytes_[:50] = 0
    assert centres(detect_radar_scene({"vv": bytes_}, "relative dB", 10)) == places(SHIPS)


@cache
def coast_in_two_bands() -> tuple[dict[str, np.ndarray], Detection]:
    """A scene, and what is found in it as a whole: computed once for all ways to cut it."""
    bands = {"vv": coast(1, SHIPS[:2]), "vh": coast(2, SHIPS[1:], -24.0)}
    return bands, detect_radar_scene(bands, "1", 10)


@settings(max_examples=6, deadline=None)
@given(st.integers(90, 1000), st.integers(90, 1000), st.integers(1, 3))
def test_chunks_and_threads_change_nothing(height: int, width: int, threads: int) -> None:
    bands, eager = coast_in_two_bands()
    lazy = {k: xr.DataArray(v, dims=("y", "x")).chunk({"y": height, "x": width}) for k, v in bands.items()}
    assert detect_radar_scene(lazy, "1", 10, options=replace(DEFAULT_SCENE, threads=threads)) == eager


def test_a_memory_map_is_read_where_it_lies(tmp_path: Path) -> None:
    np.save(tmp_path / "scene.npy", coast())
    mapped = np.load(tmp_path / "scene.npy", mmap_mode="r")
    assert detect_radar_scene({"vv": mapped}, "1", 10) == detect_radar_scene({"vv": coast()}, "1", 10)


@pytest.mark.parametrize(
    ("bands", "units", "said"),
    [
        ({}, "1", "share one shape"),
        ({"vv": np.ones((4, 4)), "vh": np.ones((4, 5))}, "1", "share one shape"),
        ({"vv": np.ones((4, 4))}, "linear", "units are 'linear'"),
    ],
)
def test_what_cannot_be_searched_is_refused(bands: dict[str, np.ndarray], units: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        detect_radar_scene(bands, units, 10)


def test_a_ghost_is_told_by_the_track() -> None:
    target, ghost = Hull(4500, 1000, 250, 40, 60, 14.0), Hull(4500, 5889, 90, 30, 0, -9.0)
    power = seascape(SHAPE, [target, ghost], np.random.default_rng(8))
    assert centres(detect_radar_scene({"vv": power}, "1", 10)) == places([target, ghost])
    options = replace(DEFAULT_SCENE, track=Track(0.0))
    found = detect_radar_scene({"vv": power}, "1", 10, options=options)
    assert centres(found) == places([target])
    assert len(found.artefacts) == 1


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 5), st.booleans(), st.integers(0, 2**32 - 1))
def test_land_hangs_together_as_labels_say(
    height: int, width: int, block: int, corners: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random((height, width)) < rng.uniform(0.3, 1)
    mask[: height // 2, : width // 2] = True
    seeds = rng.random((-(-height // block), -(-width // block))) < rng.uniform(0, 1)
    labels, _ = ndimage.label(mask, np.ones((3, 3)) if corners else None)
    wanted = np.setdiff1d(labels[::block, ::block][seeds], 0)
    np.testing.assert_array_equal(touching(mask, seeds, block, corners), np.isin(labels, wanted))
