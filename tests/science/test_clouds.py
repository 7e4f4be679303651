"""Clouds over a coast with quays, drawn at the sizes and colours that matter."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from tasks.science.clouds import find_clouds

M = 10.0
WATER = {"blue": 0.06, "green": 0.06, "red": 0.04, "nir": 0.02}
CONCRETE = {"blue": 0.20, "green": 0.22, "red": 0.24, "nir": 0.27}
CLOUD = {"blue": 0.55, "green": 0.54, "red": 0.54, "nir": 0.58}
SIDE = 200


def coast(seed: int = 1) -> dict[str, np.ndarray]:
    """Concrete on the left half, water on the right."""
    rng = np.random.default_rng(seed)
    land = np.arange(SIDE)[None, :] < SIDE // 2
    return {
        b: (np.where(land, CONCRETE[b], WATER[b]) + rng.normal(0, 0.01, (SIDE, SIDE))).astype("float32")
        for b in WATER
    }


def veiled(planes: dict[str, np.ndarray], row: int, col: int, radius_m: float) -> dict[str, np.ndarray]:
    """A round cloud with a soft edge."""
    y, x = np.ogrid[:SIDE, :SIDE]
    cover = np.clip((radius_m / M - np.hypot(y - row, x - col)) / 6 + 0.5, 0, 1)
    return {b: (p * (1 - cover) + CLOUD[b] * cover).astype("float32") for b, p in planes.items()}


def white_ship(planes: dict[str, np.ndarray], row: int, col: int) -> None:
    """A cruise ship: 300 × 40 m, white from bow to stern."""
    for plane in planes.values():
        plane[row : row + 30, col : col + 4] = 0.6


@pytest.mark.parametrize("col", [50, 150], ids=["over land", "over water"])
def test_a_cloud_is_found_and_its_surroundings_are_not(col: int) -> None:
    found = find_clouds(veiled(coast(), 100, col, 300), M)
    y, x = np.ogrid[:SIDE, :SIDE]
    away = np.hypot(y - 100, x - col) * M
    assert found[away < 280].all()
    assert not found[away > 520].any()


def test_white_decks_and_bright_ground_are_no_cloud() -> None:
    planes = coast()
    white_ship(planes, 60, 120)
    white_ship(planes, 60, 101)
    assert not find_clouds(planes, M).any()


def test_classes_are_not_believed_for_what_is_no_wider_than_a_ship() -> None:
    planes, classes = coast(), np.full((SIDE, SIDE), 6, "uint8")
    classes[60:92, 100:108] = 9  # a ship and its glow
    classes[120:160, 150:190] = 8
    found = find_clouds(planes, M, classes)
    assert not found[50:100, 90:115].any()
    assert found[125:155, 155:185].all()


def test_a_ship_beside_a_cloud_is_not_seen() -> None:
    planes = veiled(coast(), 100, 150, 300)
    white_ship(planes, 90, 125)
    assert find_clouds(planes, M)[95:115, 125:129].all()


def test_thin_cloud_and_shadow_need_the_memory_of_the_place() -> None:
    clear = coast(2)
    thin = {b: p.copy() for b, p in coast().items()}
    y, x = np.ogrid[:SIDE, :SIDE]
    for band, plane in thin.items():
        plane[np.hypot(y - 100, x - 150) < 30] += 0.12 if band != "nir" else 0.11
        plane[np.hypot(y - 120, x - 40) < 25] *= 0.4
    found = find_clouds(thin, M, empty=clear)
    assert found[90:110, 140:160].all()
    assert found[110:130, 30:50].all()
    assert ndimage.label(found)[1] == 2
    assert not find_clouds(coast(), M, empty=clear).any()


def test_size_is_in_metres() -> None:
    fine = {b: np.kron(p[60:140, 110:190], np.ones((3, 3), "float32")) for b, p in coast().items()}
    white = {b: p.copy() for b, p in fine.items()}
    for plane in white.values():
        plane[60:160, 100:114] = 0.6  # 330 × 47 m at 3.3 m
    assert not find_clouds(white, M / 3).any()


def test_no_data_is_no_cloud() -> None:
    empty = {b: np.full_like(p, np.nan) for b, p in coast().items()}
    assert not find_clouds(empty, M).any()


SNOW = {"blue": 0.13, "green": 0.13, "red": 0.12, "nir": 0.11}
"""What thin snow adds to concrete."""


def snowed(planes: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    land = np.arange(SIDE)[None, :] < SIDE // 2
    return {b: (p + np.where(land, SNOW[b], 0)).astype("float32") for b, p in planes.items()}


def test_snow_ends_at_the_shore_and_hides_no_quay() -> None:
    found = find_clouds(snowed(coast()), M, empty=coast(2))
    assert found[:, :80].mean() > 0.9  # away from water nothing tells it from cloud
    assert not found[:, 96:].any()


def test_a_cloud_over_snow_and_water_still_hides_the_quay() -> None:
    found = find_clouds(veiled(snowed(coast()), 100, 100, 400), M, empty=coast(2))
    y, x = np.ogrid[:SIDE, :SIDE]
    assert found[np.hypot(y - 100, x - 100) * M < 380].all()
