from __future__ import annotations

import numpy as np
import pytest

from tasks.science.ashore.bare import (
    FEWEST,
    GROUP,
    JOIN,
    LEAST_SPREAD,
    bare_ground,
    learn_bare,
    steady_ground,
)
from tasks.science.ashore.light import find_light, lasting
from tasks.science.radiometry import MAD_TO_SD

BANDS = ("blue", "green", "red", "nir")
PAINTS = np.array(
    [(0.17, 0.12, 0.08, 0.16), (0.06, 0.08, 0.17, 0.22), (0.42, 0.44, 0.45, 0.46), (0.09, 0.17, 0.33, 0.38)]
)


def yard_and_street(
    dates: int = 20, taken: float = 0.6, pixels: int = 60, seed: int = 0, lit: bool = True
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray, np.ndarray]:
    """Draw a yard that batches cover on most dates, and a street: stack, steady, truth, bare dates."""
    rng = np.random.default_rng(seed)
    truth = np.array([0.11, 0.13, 0.15, 0.18])[:, None] * rng.uniform(0.7, 1.4, (1, 2 * pixels))
    shown = np.repeat(truth[:, None], dates, axis=1)
    begin = rng.integers(0, dates, pixels)
    covered = (np.arange(dates)[:, None] - begin[None]) % dates < round(taken * dates)
    batch = np.arange(dates) // 3 % len(PAINTS)
    for k in range(4):
        goods = PAINTS[batch, k][:, None] * rng.uniform(0.8, 1.2, (dates, pixels))
        shown[k][:, :pixels] = np.where(covered, goods, shown[k][:, :pixels])
    if lit:
        shown = shown * rng.uniform(0.85, 1.15, (4, dates, 1)) + rng.uniform(0, 0.03, (1, dates, 1))
    shown = shown + 0.003 * rng.standard_normal(shown.shape)
    steady = np.arange(2 * pixels) >= pixels
    return dict(zip(BANDS, shown.astype(np.float32), strict=True)), steady, truth, ~covered


def test_finds_ground_that_goods_cover_on_most_dates() -> None:
    stack, steady, truth, _ = yard_and_street(taken=0.6, lit=False)
    learnt = learn_bare(stack, steady)
    for k, band in enumerate(BANDS):
        off = np.abs(learnt[band] - truth[k])
        assert np.median(off) < 0.002
        assert np.mean(off < 0.01) > 0.97


def test_brings_dates_to_one_light() -> None:
    stack, steady, truth, _ = yard_and_street(taken=0.4)
    learnt = learn_bare(stack, steady)
    for k, band in enumerate(BANDS):
        light = find_light(truth[k][steady].astype(np.float32), learnt[band][steady])
        assert light is not None
        off = np.abs(learnt[band] - light.on(truth[k].astype(np.float32)))[~steady]
        assert np.mean(off < 0.012) > 0.95
        assert np.nanmedian(learnt[f"{band}_spread"]) < 0.012


def test_snow_on_a_third_of_the_dates_is_not_the_ground() -> None:
    stack, steady, truth, _ = yard_and_street(taken=0.3, lit=False)
    rng = np.random.default_rng(4)
    for k, band in enumerate(BANDS):
        white = rng.uniform(0.2, 0.6, (6, steady.size))
        stack[band][:6] = truth[k] * (1 - white) + 0.65 * white
    learnt = learn_bare(stack, steady)
    assert np.mean(np.abs(learnt["red"] - truth[2]) < 0.012) > 0.95


def test_order_of_dates_and_company_of_pixels_do_not_matter() -> None:
    stack, steady, *_ = yard_and_street()
    whole = learn_bare(stack, steady)
    turned = learn_bare({b: v[::-1].copy() for b, v in stack.items()}, steady)
    half = (np.arange(steady.size) % 2 == 0) | steady
    part = learn_bare({b: v[:, half] for b, v in stack.items()}, steady[half])
    for name, plane in whole.items():
        np.testing.assert_allclose(turned[name], plane, atol=1e-5)
        np.testing.assert_array_equal(part[name], plane[half])


def test_too_few_dates_tell_nothing() -> None:
    stack, steady, *_ = yard_and_street()
    for values in stack.values():
        values[FEWEST - 1 :, 3] = np.nan
        values[:, 4] = np.nan
    learnt = learn_bare(stack, steady)
    for plane in learnt.values():
        assert np.isnan(plane[3:5]).all()
        assert np.isfinite(plane[5:]).all()


def densest_by_hand(dates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Level and spread of one pixel's densest group, ``(time, band)`` all seen: slow and obvious."""

    def told(bare: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        level = np.median(dates[bare], axis=0)
        spread = MAD_TO_SD * np.median(np.abs(dates[bare] - level), axis=0)
        return level, np.maximum(spread, LEAST_SPREAD)

    apart = ((dates[:, None] - dates[None]) ** 2).sum(axis=2)
    reach = np.sort(apart, axis=1)[:, max(int(np.ceil(GROUP * len(dates))), 3) - 1]
    bare = apart[reach.argmin()] <= reach.min()
    for _ in range(3):
        level, spread = told(bare)
        bare = (np.abs(dates - level) < JOIN * spread).all(axis=1)
    return told(bare)


def test_compiled_as_by_hand() -> None:
    stack, _, _, _ = yard_and_street(dates=17, lit=False)
    values = np.stack([stack[band].T for band in BANDS], axis=1)
    values[np.random.default_rng(2).random(values.shape) < 0.05] = np.nan
    level, spread = bare_ground(values)
    for pixel, column in enumerate(values):
        dates = column[:, np.isfinite(column).all(axis=0)].T
        known = len(dates) >= FEWEST
        expected = densest_by_hand(dates) if known else np.full((2, len(BANDS)), np.nan)
        np.testing.assert_allclose((level[pixel], spread[pixel]), expected, rtol=1e-5)


def test_no_steady_ground_no_memory() -> None:
    stack, steady, *_ = yard_and_street()
    learnt = learn_bare(stack, np.zeros_like(steady))
    assert all(np.isnan(plane).all() for plane in learnt.values())


def test_light_is_told_past_what_stands_about() -> None:
    rng = np.random.default_rng(1)
    ground = rng.uniform(0.05, 0.3, 400).astype(np.float32)
    shown = (0.03 + 0.9 * ground + 0.002 * rng.standard_normal(400)).astype(np.float32)
    shown[:60] = 0.5
    light = find_light(ground, shown)
    assert light is not None
    assert light.gain == pytest.approx(0.9, abs=0.02)
    assert light.offset == pytest.approx(0.03, abs=0.004)
    np.testing.assert_allclose(light.off(light.on(ground)), ground, atol=1e-6)


def test_plants_do_not_tell_the_light() -> None:
    red = np.r_[np.full(50, 0.15), np.full(50, 0.05)].astype(np.float32)
    nir = np.r_[np.full(50, 0.18), np.full(50, 0.3)].astype(np.float32)
    spread = {"red": np.full(100, 0.004, np.float32), "nir": np.full(100, 0.004, np.float32)}
    chosen = lasting({"red": red, "nir": nir}, spread)
    assert chosen[:50].all()
    assert not chosen[50:].any()


def test_steady_ground_is_land_beside_the_yards() -> None:
    used, land = np.zeros((60, 80), bool), np.zeros((60, 80), bool)
    used[20:30, 20:60] = True
    land[:40] = True
    steady = steady_ground(used, land)
    assert not (steady & used).any()
    assert not steady[38:].any()
    assert steady[12:16, 25:55].all()
    assert not steady_ground(np.zeros_like(used), land).any()
