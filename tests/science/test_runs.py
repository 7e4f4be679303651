from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from tasks.science.quays import Slot
from tasks.science.radar.runs import DEFAULT_RUNS, Run, find_runs

PIXEL_M = 10.0
SLOTS = (Slot("a", 0, 150, 150), Slot("b", 150, 300, 150))


def profile(*ships: tuple[float, float, float], seed: int | None = None) -> np.ndarray:
    """Brightness above the empty berth: power of each ship, blurred as the radar does, in decibels."""
    fine = np.zeros(300)
    for start, end, power in ships:
        fine[int(start) : int(end)] = power
    power = ndimage.gaussian_filter1d(fine, 20 / 2.355, mode="constant").reshape(-1, 10).mean(axis=1)
    noise = np.random.default_rng(seed).normal(0, 0.5, 30) if seed is not None else 0
    return 4 * np.log10(1 + power) + noise


def runs(values: np.ndarray) -> list[Run]:
    return find_runs(values, 0.0, PIXEL_M, SLOTS)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("power", [10.0, 30.0, 100.0])
def test_ends_lie_where_the_ship_does(power: float, seed: int) -> None:
    (run,) = runs(profile((32, 138, power), seed=seed))
    assert run.start_m == pytest.approx(32, abs=15)
    assert run.end_m == pytest.approx(138, abs=15)


def test_a_bright_bridge_changes_a_length_by_no_more_than_its_error() -> None:
    (run,) = runs(profile((30, 140, 20), (30, 45, 300)))
    assert run.length_m == pytest.approx(110, abs=2 * DEFAULT_RUNS.length_sd_m)


def test_ships_bow_to_stern_are_parted_at_the_dip() -> None:
    first, second = runs(profile((20, 142, 30), (160, 285, 60)))
    assert first.end_m == pytest.approx(150, abs=20)
    assert second.start_m == pytest.approx(150, abs=20)


def test_without_a_dip_what_is_too_long_is_parted_where_the_berths_meet() -> None:
    first, second = runs(profile((10, 290, 30)))
    assert first.end_m == pytest.approx(150, abs=21)
    assert second.start_m == pytest.approx(150, abs=21)


def test_a_ship_across_two_berths_stays_one() -> None:
    (run,) = runs(profile((90, 210, 30)))
    assert run.within(SLOTS[0]) == pytest.approx(60, abs=15)
    assert run.within(SLOTS[1]) == pytest.approx(60, abs=15)


def test_a_faint_hull_is_not_parted_by_its_noise() -> None:
    hull = [2.4, 2.9, 2.6, 2.4, 2.7, 0.6, 2.6, 2.8, 2.4, 2.9, 2.6, 2.4]
    (run,) = runs(np.array([0.0, *hull, 0.0, 0.0, 0.0]))
    assert run.length_m == pytest.approx(120, abs=20)


def test_a_crane_is_not_a_ship() -> None:
    assert runs(profile((100, 120, 100))) == []


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_not_a_ship(seed: int) -> None:
    assert runs(profile(seed=seed)) == []


def test_a_dark_deck_is_no_gap_and_a_free_berth_is() -> None:
    deck = profile((20, 130, 30))
    deck[7] = 3.0
    assert len(runs(deck)) == 1
    assert len(runs(profile((5, 80, 30), (200, 295, 30)))) == 2


def test_what_is_not_known_counts_for_nothing() -> None:
    values = profile((20, 130, 30))
    values[15:] = np.nan
    (run,) = runs(values)
    assert run.end_m < 150
    assert runs(np.full(30, np.nan)) == []
    assert find_runs(np.zeros(0), 0.0, PIXEL_M, SLOTS, DEFAULT_RUNS) == []
