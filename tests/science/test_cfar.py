from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.science.radar.cfar import (
    Image,
    RingOptions,
    Scan,
    Sea,
    exceeding,
    known_sea,
    lay_ring,
    significance,
)
from tasks.science.radar.cfar_kernel import FINE, MAX_STEPS, STEPS, decibels
from tests.science.test_clutter import slow_multilook
from tests.science.water import speckle

SMALL = RingOptions(guard_m=30, reach_m=70)


def slow_score(scan: Scan, db: np.ndarray) -> np.ndarray:
    """The obvious twin: for every cell, look at every pixel of its ring, twice."""
    sea, (cell, reach, guard) = scan.sea, (scan.ring.cell, scan.ring.reach, scan.ring.guard)
    smooth = slow_multilook(db, scan.image.multilook).astype("float32")
    v = ((smooth - np.float32(sea.level)) * np.float32(1 / sea.spread)).astype(float)
    height, width = v.shape
    water = np.array(
        [
            [scan.water[y // scan.water_step, x // scan.water_step] for x in range(width)]
            for y in range(height)
        ]
    )
    local = np.array([[sea.local[y // sea.step, x // sea.step] for x in range(width)] for y in range(height)])
    local = local[::cell, ::cell].repeat(cell, 0).repeat(cell, 1)[:height, :width]  # of a cell's first pixel
    v = np.floor(v * FINE + 0.5) / FINE
    steps = np.where(water & np.isfinite(v), np.maximum(np.floor(v * STEPS), -MAX_STEPS), np.inf)
    taken = sorted({0, cell // 2})
    rows, cols = np.mgrid[:height, :width]
    sampled = np.isin(rows % cell, taken) & np.isin(cols % cell, taken)
    limit = np.minimum(np.ceil((local + scan.options.censor) * STEPS), MAX_STEPS)
    for _ in range(2):
        usable = sampled & (steps < limit)
        mean, spread = np.zeros(v.shape), np.zeros(v.shape)
        for y, x in np.ndindex(v.shape):
            apart = np.maximum(abs(rows // cell - y // cell), abs(cols // cell - x // cell))
            inside = (steps[usable & (apart <= reach) & (apart > guard)] + 0.5) / STEPS
            low, high = (sea.deviation * share for share in scan.options.spread_range)
            if len(inside) < scan.options.min_share * scan.ring.samples:
                mean[y, x], spread[y, x] = local[y, x] + sea.mean, sea.deviation
            else:
                own = np.sqrt(max(inside.var() - 1 / 12 / STEPS**2, 0))
                mean[y, x], spread[y, x] = inside.mean(), np.clip(own, low, high)
        again = np.clip(np.ceil((mean + scan.options.censor * spread) * STEPS), -MAX_STEPS, None)
        limit = np.minimum(limit, again)
    return (v - mean) / spread


@st.composite
def scans(draw: st.DrawFn) -> tuple[Scan, np.ndarray]:
    shape = draw(st.tuples(st.integers(3, 34), st.integers(3, 38)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    db = 10 * np.log10(speckle(rng, shape))
    for _ in range(draw(st.integers(0, 4))):
        y, x = rng.integers(0, shape)
        db[y : y + 2, x : x + 5] += 15
    db[rng.random(shape) < draw(st.sampled_from([0.0, 0.02, 0.5]))] = np.nan
    step = draw(st.sampled_from([1, 4]))
    coarse = -(-shape[0] // step), -(-shape[1] // step)
    water = rng.random(coarse) < draw(st.sampled_from([0.3, 0.95, 1.0]))
    local = rng.normal(0, 1, (-(-shape[0] // 8), -(-shape[1] // 8))).astype("float32")
    sea = Sea(-17.0, 2.1, -0.05, 0.95, local * draw(st.booleans()), 8)
    image = Image(lambda y, x: db[y, x], shape, multilook=draw(st.integers(0, 2)))
    return Scan(image, sea, lay_ring(draw(st.sampled_from([5.0, 10.0, 25.0])), SMALL), water, step, SMALL), db


@settings(max_examples=25, deadline=None)
@given(scans())
def test_it_agrees_with_its_slow_twin(case: tuple[Scan, np.ndarray]) -> None:
    scan, db = case
    found = exceeding(scan, -np.inf)
    expected = slow_score(scan, db).ravel()[found.index]
    # Float32 rounds single pixels to another step, and with them moves a ring's mean a little.
    assert np.quantile(np.append(abs(found.score - expected), 0), 0.9) < 1e-3
    water = scan.water.repeat(scan.water_step, 0).repeat(scan.water_step, 1)[: db.shape[0], : db.shape[1]]
    np.testing.assert_array_equal(found.index, np.flatnonzero(water & np.isfinite(db)))


@settings(max_examples=40, deadline=None)
@given(scans(), st.integers(1, 40), st.integers(1, 40), st.integers(1, 3))
def test_no_tile_and_no_thread_changes_a_bit(
    case: tuple[Scan, np.ndarray], height: int, width: int, threads: int
) -> None:
    scan, _ = case
    whole = exceeding(scan, 0.5)
    tiled = exceeding(scan, 0.5, threads, (height, width))
    for name in ("index", "score"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(tiled, name))


def test_threads_of_the_caller_see_the_same() -> None:
    db = 10 * np.log10(speckle(np.random.default_rng(5), (300, 300)))
    water = np.ones(db.shape, bool)
    with ThreadPoolExecutor(4) as pool:
        planes = list(pool.map(lambda _: significance(db, water, 10), range(8)))
    assert all((plane == planes[0]).all() for plane in planes)


def test_linear_power_is_the_same_as_its_decibels() -> None:
    power = speckle(np.random.default_rng(6), (200, 240))
    power[:20], power[50, 50], power[60, 60] = 0, np.nan, -1
    with np.errstate(divide="ignore", invalid="ignore"):
        db = (10 * np.log10(power)).astype("float32")
    sea = known_sea(db[np.isfinite(db)])
    assert sea is not None
    scan = Scan(
        Image(lambda y, x: db[y, x], db.shape, multilook=1), sea, lay_ring(10), np.ones((1, 1), bool), 999
    )
    given_db = exceeding(scan, -np.inf)
    image = replace(scan.image, read=lambda y, x: power[y, x], power=True)
    given_power = exceeding(replace(scan, image=image), -np.inf)
    np.testing.assert_array_equal(given_power.index, given_db.index)
    assert abs(given_power.score - given_db.score).max() < 0.05


def test_the_fast_logarithm_errs_below_a_thousandth_of_a_decibel() -> None:
    power = np.geomspace(1e-30, 1e30, 1_000_001).astype("float32")
    out, seen = np.empty_like(power), np.empty_like(power)
    assert decibels(power, out, seen) == power.size
    assert abs(out - 10 * np.log10(power.astype(float))).max() < 1e-3


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
