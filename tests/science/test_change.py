from __future__ import annotations

import numpy as np
import pytest

from tasks.science.change import compare, lay_ground, view_of

SIDE = 60
LAND = np.zeros((SIDE, SIDE), bool)
LAND[:, :30] = True
ZONES = {"yard": np.zeros((SIDE, SIDE), bool), "roads": ~LAND}
ZONES["yard"][5:55, 5:25] = True
GROUND = lay_ground(ZONES, ~LAND, np.zeros_like(LAND))
NOISE = 0.003
NOTHING = np.ones((SIDE, SIDE), bool)


def place() -> np.ndarray:
    rows, cols = np.mgrid[:SIDE, :SIDE]
    texture = 0.03 * np.sin(rows / 3) * np.cos(cols / 4) + 0.15
    return np.where(LAND, texture, 0.02).astype(np.float32)


def image(plane: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {b: (plane + rng.normal(0, NOISE, plane.shape)).astype(np.float32) for b in ("red", "nir")}


def told(now: dict[str, np.ndarray], then: dict[str, np.ndarray], seen: np.ndarray = NOTHING):
    return compare(view_of(now, seen, GROUND), view_of(then, NOTHING, GROUND), GROUND)


def test_what_stays_is_no_change() -> None:
    changes = told(image(place(), 1), image(place(), 2))
    assert changes["yard"].fraction < 0.005
    assert changes["yard"].energy == pytest.approx(0, abs=NOISE**2)


@pytest.mark.parametrize(("gain", "offset"), [(0.7, 0.0), (1.0, 0.05), (1.3, -0.02)])
def test_light_and_haze_are_explained(gain: float, offset: float) -> None:
    changes = told(image(gain * place() + offset, 1), image(place(), 2))
    assert changes["yard"].fraction < 0.005
    assert changes["yard"].explained > 0.9


def test_a_slide_by_half_a_pixel_is_explained() -> None:
    plane = place()
    slid = 0.5 * plane + 0.5 * np.roll(plane, 1, axis=0)
    changes = told(image(slid, 1), image(plane, 2))
    assert changes["yard"].fraction < 0.02
    assert changes["yard"].explained > 0.7


def test_what_came_is_its_share_of_the_zone() -> None:
    plane = place()
    plane[10:30, 8:20] += 0.1
    changes = told(image(plane, 1), image(place(), 2))
    assert changes["yard"].fraction == pytest.approx(20 * 12 / (50 * 20), abs=0.02)
    assert changes["roads"].fraction < 0.005


def test_energy_does_not_depend_on_the_noise_of_the_date() -> None:
    plane = place()
    plane[10:30, 8:20] += 0.1
    noisy = {b: p + np.random.default_rng(5).normal(0, 0.01, p.shape) for b, p in image(plane, 1).items()}
    quiet, loud = (told(now, image(place(), 2))["yard"].energy for now in (image(plane, 1), noisy))
    assert loud == pytest.approx(quiet, rel=0.1)
    assert quiet == pytest.approx(0.1**2 * 0.24, rel=0.15)


def test_what_is_not_seen_has_no_part() -> None:
    plane = place()
    plane[10:30, 8:20] += 0.1
    seen = np.ones((SIDE, SIDE), bool)
    seen[8:32, 6:22] = False
    assert told(image(plane, 1), image(place(), 2), seen)["yard"].fraction < 0.005
    assert told(image(plane, 1), image(place(), 2), ~NOTHING)["yard"] is None
