from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.science.clutter import RingOptions, box_sums, multilook, significance
from tests.science.water import speckle


def slow_box_sums(values: np.ndarray, usable: np.ndarray, radius: int) -> np.ndarray:
    """The obvious twin: look at every pixel of every window."""
    out = np.zeros((3, *values.shape))
    for y, x in np.ndindex(values.shape):
        window = np.s_[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
        inside = values[window][usable[window]].astype(float)
        out[:, y, x] = len(inside), inside.sum(), (inside**2).sum()
    return out


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 17), st.integers(1, 19), st.integers(0, 12), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_running_sums_equal_their_slow_twin(
    height: int, width: int, radius: int, share: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(height, width)).astype("float32")
    usable = rng.random((height, width)) < share
    np.testing.assert_allclose(
        box_sums(values, usable, radius), slow_box_sums(values, usable, radius), atol=1e-9
    )


def test_multilook_averages_seen_pixels_only() -> None:
    db = np.array([[1, np.nan], [3, 5]], "float32")
    np.testing.assert_allclose(multilook(db, 1), [[3, np.nan], [3, 3]])


@settings(max_examples=15, deadline=None)
@given(st.floats(0.05, 20), st.floats(-100, 200), st.integers(0, 1000))
def test_significance_is_blind_to_zero_and_step_of_the_scale(step: float, zero: float, seed: int) -> None:
    db = 10 * np.log10(speckle(np.random.default_rng(seed), (60, 60)))
    db[20:24, 20:26] += 15
    water = np.ones(db.shape, bool)
    first = significance(db, water, 10)
    other = significance((db * step + zero).astype("float32"), water, 10)
    np.testing.assert_allclose(other, first, atol=0.05)


def test_open_sea_is_a_unit_normal_on_average() -> None:
    db = 10 * np.log10(speckle(np.random.default_rng(1), (200, 200)))
    score = significance(db, np.ones(db.shape, bool), 10)
    # Censoring at 3 spreads trims little of a speckle in dB, whose long tail points down.
    assert abs(score.mean()) < 0.1
    assert 0.9 < score.std() < 1.15


def test_a_ship_does_not_hide_its_neighbour() -> None:
    db = 10 * np.log10(speckle(np.random.default_rng(2), (120, 120)))
    alone = db.copy()
    alone[60:63, 60:72] += 15
    crowd = alone.copy()
    for row, col in ((60, 80), (70, 62), (50, 58), (75, 75), (45, 80)):
        crowd[row : row + 3, col : col + 12] += 20
    water = np.ones(db.shape, bool)
    peak_alone = significance(alone, water, 10)[60:63, 60:72].max()
    peak_crowd = significance(crowd, water, 10)[60:63, 60:72].max()
    assert peak_crowd > 0.85 * peak_alone


def test_pixels_that_are_not_water_never_enter_the_ring() -> None:
    db = 10 * np.log10(speckle(np.random.default_rng(3), (80, 80)))
    water = np.ones(db.shape, bool)
    water[:, 40:] = False
    bright_land = db.copy()
    bright_land[:, 40:] += 30
    first, other = (significance(image, water, 10)[:, :40] for image in (db, bright_land))
    np.testing.assert_array_equal(first, other)


def test_no_water_gives_nothing() -> None:
    db = np.zeros((5, 5), "float32")
    assert np.isnan(significance(db, np.zeros(db.shape, bool), 10)).all()


@pytest.mark.parametrize("pixel_m", [3.0, 10.0, 30.0])
def test_ring_is_laid_out_in_metres(pixel_m: float) -> None:
    side = int(1500 / pixel_m)
    db = 10 * np.log10(speckle(np.random.default_rng(4), (side, side)))
    row = side // 2
    db[row, row] += 25
    ring = RingOptions(guard_m=100, reach_m=200)
    assert significance(db, np.ones(db.shape, bool), pixel_m, ring)[row, row] > 6
