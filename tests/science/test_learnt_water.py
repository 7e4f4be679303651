from __future__ import annotations

import numpy as np
import pytest

from tasks.science.optical.learnt_water import ENOUGH, FEWEST, learn_empty, taken_dates

SEA, BERTH = 300, 200
WATER = {"blue": 0.05, "green": 0.05, "red": 0.03, "nir": 0.02}
DECK = {"blue": 0.10, "green": 0.12, "red": 0.16, "nir": 0.18}
"""A red-brown deck, hardly brighter than hazy water in blue."""


def stack(occupancy: float, dates: int = 24, seed: int = 1, stay: int = 3) -> dict[str, np.ndarray]:
    """Open sea, then a berth that ships take for `stay` dates at a time; haze differs from date to date."""
    rng = np.random.default_rng(seed)
    there = np.repeat(rng.random((-(-dates // stay), BERTH)) < occupancy, stay, axis=0)[:dates]
    haze = rng.uniform(0, 0.06, dates)
    planes = {}
    for band, level in WATER.items():
        values = np.full((dates, SEA + BERTH), level) + haze[:, None] * (0.4 if band == "nir" else 1.0)
        values[:, SEA:][there] += DECK[band] - level
        planes[band] = (values + rng.normal(0, 0.004, values.shape)).astype("float32")
    return planes


def open_water() -> np.ndarray:
    return np.arange(SEA + BERTH) < SEA


@pytest.mark.parametrize(("occupancy", "share"), [(0.0, 0.99), (0.3, 0.98), (0.7, 0.9)])
def test_a_berth_that_is_often_taken_is_remembered_as_water(occupancy: float, share: float) -> None:
    learnt = learn_empty(stack(occupancy, stay=1), open_water(), ~open_water())
    for band in WATER:
        sea = float(np.median(learnt[band][:SEA]))
        near = np.abs(learnt[band][SEA:] - sea) < 0.008
        assert near.mean() >= share
    assert np.median(learnt["nir_spread"][SEA:]) < 0.01


def test_half_of_the_mean_would_be_ship() -> None:
    planes = stack(0.7, stay=1)
    mean = planes["nir"][:, SEA:].mean() - planes["nir"][:, :SEA].mean()
    learnt = learn_empty(planes, open_water(), ~open_water())["nir"]
    assert mean > 0.1
    assert learnt[SEA:].mean() - learnt[:SEA].mean() < 0.01


def test_clouds_are_left_out_and_too_few_dates_tell_nothing() -> None:
    planes = stack(0.0)
    clear = learn_empty(planes, open_water(), ~open_water())
    for values in planes.values():
        values[5:9, ::2] = np.nan
        values[FEWEST - 1 :, -1] = np.nan
    learnt = learn_empty(planes, open_water(), ~open_water())
    np.testing.assert_allclose(learnt["nir"][:-1], clear["nir"][:-1], atol=0.006)
    assert np.isnan(learnt["nir"][-1])
    assert np.isnan(learnt["nir_spread"][-1])


def test_what_never_was_water_is_believed_from_many_dates_only() -> None:
    for dates, known in ((ENOUGH - 1, False), (ENOUGH, True)):
        learnt = learn_empty(stack(1.0, dates, stay=1), open_water(), ~open_water())
        assert np.isfinite(learnt["nir"][:SEA]).all()
        assert np.isfinite(learnt["nir"][SEA:]).all() == known


def test_a_date_that_sees_no_open_water_does_not_count() -> None:
    planes = stack(0.0)
    for values in planes.values():
        values[0, :SEA] = np.nan
        values[0, SEA:] = 0.5
    assert learn_empty(planes, open_water(), ~open_water())["nir"].max() < 0.1


@pytest.mark.parametrize(("darker", "believed"), [(1, False), (FEWEST - 1, False), (32, True)])
def test_what_is_darker_than_the_open_water_is_the_quay_in_company_only(darker: int, believed: bool) -> None:
    """Haze over the open water alone makes a quay seem dark: one such date hid half a port's empty look."""
    rng = np.random.default_rng(3)
    dates, wide = 32, 20
    sections = np.repeat(np.arange(BERTH // wide), wide)
    taken = rng.random((dates, BERTH // wide)) < 0.3
    lead = 0.02 + 0.15 * taken[:, sections] + rng.normal(0, 0.002, (dates, BERTH))
    levels = np.full(dates, 0.02, "float32")
    levels[:darker] += np.float32(0.03)
    told = taken_dates(lead.astype("float32"), levels, np.ones(BERTH, bool), sections)
    if believed:
        assert not told[:darker][~taken[:darker]].any()
    else:
        assert told[:darker].all()
        np.testing.assert_array_equal(told[darker:], taken[darker:])


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    planes = stack(0.5)
    whole = learn_empty(planes, open_water(), ~open_water())
    monkeypatch.setattr("tasks.science.optical.learnt_water.BLOCK_PX", 37)
    for name, plane in learn_empty(planes, open_water(), ~open_water()).items():
        np.testing.assert_array_equal(plane, whole[name])
