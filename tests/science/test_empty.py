from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.science.radar.background import standardise
from tasks.science.radar.empty import (
    DEFAULT_EMPTY,
    Date,
    estimate_empty,
    free_dates,
    free_together,
    section_means,
    surroundings,
)
from tasks.science.radiometry import join_bands
from tasks.science.zones import draw_site
from tests.science.quay import BOX, SLOT_M, SLOTS, Ship, port, radar
from tests.science.water import block

LAYERS = draw_site(port(), BOX)
DATES = 20


def planes(power: np.ndarray) -> list[np.ndarray]:
    scenes = block(power)
    joined = [join_bands(scenes.isel(time=k), ("vv",), LAYERS.water) for k in range(len(power))]
    return [standardise(plane, LAYERS.water, 0).values for plane in joined]


def estimated(power: np.ndarray) -> np.ndarray:
    dates = planes(power)
    return estimate_empty(dates.__getitem__, len(dates), LAYERS.near, LAYERS.faces, LAYERS.pixel_m)


def full(rng: np.random.Generator) -> list[Ship]:
    """A ship at every berth."""
    lengths = rng.uniform(100, 145, len(SLOTS))
    return [
        Ship(w, (k - 1) * SLOT_M + 3, length, 18, 0.6 * 3 ** rng.random())
        for (w, k), length in zip(SLOTS, lengths, strict=True)
    ]


def strips(plane: np.ndarray) -> np.ndarray:
    return np.concatenate([plane[f.rows, f.cols][f.off_m <= 30] for f in LAYERS.faces])


def test_an_empty_berth_is_remembered_though_it_was_free_on_three_dates_in_twenty() -> None:
    rng = np.random.default_rng(1)
    seas = 0.01 * 4 ** rng.random(DATES)
    free = {2, 3, 11}
    busy = np.array([radar(rng, [] if k in free else full(rng), seas[k]) for k in range(DATES)])
    idle = np.array([radar(rng, [], sea) for sea in seas])
    off = strips(estimated(busy)) - strips(estimated(idle))
    assert np.isfinite(off).mean() > 0.9
    assert abs(np.nanmedian(off)) < 0.5
    assert np.nanquantile(off, 0.95) < 1.5
    p20 = strips(np.nanquantile(planes(busy), 0.2, axis=0)) - strips(estimated(idle))
    assert np.quantile(p20, 0.95) > 3  # what a quantile in time makes of it


def test_a_full_quay_does_not_pass_for_a_slide() -> None:
    rng = np.random.default_rng(2)
    known = estimated(np.array([radar(rng, [], 0.02) for _ in range(12)]))
    fleet = [s for s in full(rng) if s.wall in (1, 3)]  # all on the same side of their piers
    plane = planes(radar(rng, fleet, 0.02)[None])[0]
    _, fixed = surroundings(LAYERS.near, LAYERS.faces, LAYERS.pixel_m)
    assert np.hypot(*Date.of(plane, known, fixed, DEFAULT_EMPTY, slides=True).slide) < 0.5


def test_a_ship_that_never_left_is_not_known_and_its_neighbours_are() -> None:
    rng = np.random.default_rng(3)
    hulk = Ship(2, -145, 130, 20)
    known = estimated(np.array([radar(rng, [hulk], 0.02) for _ in range(12)]))
    for face in LAYERS.faces:
        for k, slot in enumerate(face.slots):
            share = np.isfinite(known[face.rows, face.cols][face.slot == k]).mean()
            assert share < 0.5 if slot.zone_id == "2-0" else share > 0.9, slot.zone_id


def test_the_order_of_dates_does_not_matter() -> None:
    rng = np.random.default_rng(4)
    power = np.array([radar(rng, full(rng)[:k], 0.02) for k in range(8)])
    np.testing.assert_allclose(estimated(power), estimated(power[rng.permutation(8)]), atol=1e-4)


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 12), st.integers(0, 30), st.floats(4.0, 9.0), st.integers(0, 2**32 - 1))
def test_the_lower_heap_is_found_however_few_are_in_it(
    free: int, taken: int, height: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.uniform(-0.5, 0.5, free), height + rng.uniform(0, 4, taken)])
    told = free_dates(values[:, None], 1.0)[:, 0]
    assert not told[free:].any() or free < 0.05 * len(values)
    assert told[:free].all()


def test_a_quay_of_which_now_one_end_is_dark_and_now_the_other_was_never_free() -> None:
    ends = np.array([[1, 1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1, 1]] * 4, bool)
    assert not free_together(ends, np.ones_like(ends), 7).any()
    assert free_together(np.vstack([ends, np.ones((1, 7), bool)]), np.ones((9, 7), bool), 7).all()


@pytest.mark.parametrize("seed", range(5))
def test_stretches_free_together_equal_their_slow_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    seen = rng.random((4, 12)) < 0.8
    free = seen & (rng.random((4, 12)) < 0.7)
    wanted = np.zeros(12, bool)
    for first in range(10):
        part = slice(first, first + 3)
        for date in range(4):
            if (free[date, part] | ~seen[date, part]).all() and free[date, part].any():
                wanted[part] = True
    np.testing.assert_array_equal(free_together(free, seen, 3), wanted)


def test_one_date_far_below_the_others_is_a_heap_and_one_date_alone_is_none() -> None:
    assert free_dates(np.array([[0.0], [5.0], [5.5], [6.0]]), 1.0)[:, 0].tolist() == [
        True,
        False,
        False,
        False,
    ]
    assert not free_dates(np.array([[0.0], [np.nan]]), 1.0).any()


@pytest.mark.parametrize("seed", range(3))
def test_section_means_equal_their_slow_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stack, bins = rng.normal(size=(4, 30)), rng.integers(0, 6, 30)
    stack[rng.random(stack.shape) < 0.4] = np.nan
    found = section_means(stack, bins, 7)
    for date, row in enumerate(stack):
        for k in range(7):
            seen = [v for v, b in zip(row, bins, strict=True) if b == k and not np.isnan(v)]
            wanted = np.mean(seen) if seen else np.nan
            assert found[date, k] == pytest.approx(wanted, nan_ok=True)
