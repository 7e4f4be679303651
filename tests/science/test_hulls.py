"""Ships of known size in an independent simulator: errors that are true, rafts, broken ships."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tasks.science.radar.vessels import detect_vessels
from tasks.science.shapes import Vessel
from tests.science.seascape import Hull, seascape

SIDE = 600


def found(power: np.ndarray) -> tuple[Vessel, ...]:
    water = np.ones(power.shape, bool)
    nothing = np.full(power.shape, np.nan, "float32")
    memory = {"level": nothing, "seen_share": np.ones(power.shape, "float32")}
    db = (10 * np.log10(power)).astype("float32")
    return detect_vessels(db, water, ~water, memory, 10.0).vessels


def grid_of(make: Callable[[float, float], list[Hull]]) -> list[list[Hull]]:
    return [make(800.0 + 1500 * i, 800.0 + 1500 * j) for i in range(3) for j in range(3)]


def count_near(vessels: tuple[Vessel, ...], x_m: float, y_m: float) -> int:
    return sum(np.hypot(v.col * 10 - x_m, v.row * 10 - y_m) < 350 for v in vessels)


def counts(make: Callable[[float, float], list[Hull]], seed: int) -> list[int]:
    """Vessels found at nine places, each with what `make` puts there."""
    rng = np.random.default_rng(seed)
    places = grid_of(make)
    vessels = found(seascape((SIDE, SIDE), [h for hulls in places for h in hulls], rng))
    middles = [(np.mean([h.x_m for h in hulls]), np.mean([h.y_m for h in hulls])) for hulls in places]
    return [count_near(vessels, x, y) for x, y in middles]


@pytest.mark.slow
def test_lengths_and_widths_are_good_and_their_errors_true() -> None:
    rng = np.random.default_rng(7)
    off, far, wide = [], [], []
    for _ in range(8):
        hulls = []
        for i, j in np.ndindex(5, 5):
            length = float(rng.uniform(80, 300))
            hulls.append(
                Hull(600 + 1100 * i, 600 + 1100 * j, length, length / rng.uniform(5.5, 7.2),
                     rng.uniform(0, 180), rng.normal(0, 4))
            )  # fmt: skip
        vessels = found(seascape((SIDE, SIDE), hulls, rng))
        for hull in hulls:
            near = [v for v in vessels if np.hypot(v.col * 10 - hull.x_m, v.row * 10 - hull.y_m) < 100]
            assert len(near) == 1
            (vessel,) = near
            off.append((vessel.length_m - hull.length_m) / hull.length_m)
            far.append(abs(vessel.length_m - hull.length_m) / vessel.length_sd_m)
            wide.append(abs(vessel.width_m - hull.width_m) / vessel.width_sd_m)
    assert np.median(np.abs(off)) < 0.08
    assert abs(np.median(off)) < 0.04
    # These hulls are evener than real ones, so more than two thirds lie within one error.
    assert np.mean(np.array(far) < 1) > 0.65
    assert np.mean(np.array(wide) < 1) > 0.65


@pytest.mark.parametrize("apart_m", [25.0, 32.0, 40.0])
def test_two_ships_side_by_side_are_two(apart_m: float) -> None:
    def pair(x: float, y: float) -> list[Hull]:
        angle = np.radians(x + y)
        dx, dy = np.cos(angle) * apart_m / 2, np.sin(angle) * apart_m / 2
        return [Hull(x + s * dx, y + s * dy, 120, 19, float(np.degrees(angle))) for s in (-1, 1)]

    assert np.mean(np.array([counts(pair, seed) for seed in range(2)]) == 2) >= 0.8


def test_two_ships_bow_to_stern_are_two() -> None:
    def pair(x: float, y: float) -> list[Hull]:
        angle = np.radians(x - y)
        dx, dy = np.sin(angle) * 75, -np.cos(angle) * 75
        return [Hull(x + s * dx, y + s * dy, 120, 19, float(np.degrees(angle))) for s in (-1, 1)]

    assert np.mean(np.array([counts(pair, seed) for seed in range(2)]) == 2) >= 0.8


def test_a_ship_with_two_bright_ends_is_one() -> None:
    def broken(x: float, y: float) -> list[Hull]:
        return [Hull(x, y, 140, 20, x + y, ends=0.3)]

    assert np.mean(np.array([counts(broken, seed) for seed in range(2)]) == 1) >= 0.8


@pytest.mark.parametrize("length_m", [60.0, 120.0, 200.0, 320.0])
def test_a_single_ship_is_one(length_m: float) -> None:
    def single(x: float, y: float) -> list[Hull]:
        return [Hull(x, y, length_m, length_m / 6, x - y)]

    assert np.mean(np.array([counts(single, seed) for seed in range(2)]) == 1) >= 0.9


def test_neighbours_at_anchor_stay_two() -> None:
    def near(x: float, y: float) -> list[Hull]:
        return [Hull(x - 100, y, 70, 13, 90, 4.0), Hull(x + 100, y, 70, 13, 90)]

    assert np.mean(np.array([counts(near, seed) for seed in range(2)]) == 2) >= 0.9
