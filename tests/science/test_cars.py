"""Rail cars one by one on a drawn bundle of tracks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from tasks.model import ZoneKind
from tasks.science.ashore.cars import count_cars, find_files
from tasks.science.plots import Plot

PIXEL_M = 0.5
LENGTH_M, WIDTH_M = 200.0, 18.0


def file_of(cars: int, pitch_m: float, gap_m: float = 0.9, places: int = 0) -> np.ndarray:  # type: ignore[type-arg]
    """Profile of a file of cars in half metres, blurred by the optics."""
    metres = np.arange(int(cars * pitch_m / PIXEL_M) + places) * PIXEL_M
    return ndimage.gaussian_filter1d(np.where(metres % pitch_m < pitch_m - gap_m, 0.1, 0.0), 1.4)


@pytest.mark.parametrize("pitch_m", [12.0, 14.0, 25.0])
def test_cars_are_counted_by_their_gaps(pitch_m: float) -> None:
    low, high = count_cars(file_of(12, pitch_m))
    assert low <= 12 <= high
    assert high - low <= 1


def test_where_gaps_fade_the_interval_widens() -> None:
    rng = np.random.default_rng(1)
    faint = file_of(12, 14.0, 0.3) + rng.normal(0, 0.004, int(12 * 14 / PIXEL_M))
    low, high = count_cars(faint)
    assert low <= 12 <= high


def test_files_on_neighbouring_tracks_stay_apart() -> None:
    rng = np.random.default_rng(2)
    along, across = np.meshgrid(
        np.arange(0.25, LENGTH_M, PIXEL_M), np.arange(0.25, WIDTH_M, PIXEL_M) - 9, indexing="ij"
    )
    cars = np.zeros(along.shape)
    for start, count, middle in ((10, 12, -5.2), (10, 12, 0.0), (66, 8, 5.2)):
        inside = (along > start) & (along < start + count * 14) & (np.abs(across - middle) < 1.5)
        cars[inside & ((along - start) % 14 < 13.1)] = 1
    shown = ndimage.gaussian_filter(cars, 1.4)
    shade = 0.2 * ((along > 150) & (along < 190) & (across > 2))  # wide, and colours change in it
    change = np.stack([0.08 * shown, -0.08 * shown, 0.0 * shown]) + rng.normal(0, 0.02, (3, *along.shape))
    plot = Plot(
        "rails", ZoneKind.RAIL_YARD, np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0), np.zeros(0),
        (1.0, 0.0), LENGTH_M, WIDTH_M, LENGTH_M * WIDTH_M,
    )  # fmt: skip
    files = sorted(
        find_files(change.reshape(3, -1), along.ravel(), across.ravel(), plot), key=lambda f: f.across_m
    )
    assert [round(f.across_m, 0) for f in files] == [-5, 0, 5]
    assert [f.length_m for f in files] == pytest.approx([168, 168, 112], abs=6)
    for found, true in zip(files, (12, 12, 8), strict=True):
        assert found.cars_low <= true <= found.cars_high
    empty = rng.normal(0, 0.02, (3, along.size)) + np.array([[0.1], [-0.1], [0.0]]) * shade.ravel()
    assert find_files(empty, along.ravel(), across.ravel(), plot) == []
