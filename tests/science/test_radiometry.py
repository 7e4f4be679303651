from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from tasks.errors import InputError
from tasks.science.radiometry import level_and_spread, mean_seen, median_seen, to_db, transfer_between


def test_linear_power_becomes_decibels_and_nothing_stays_nothing() -> None:
    power = xr.DataArray(np.array([[1.0, 0.1], [0.0, np.nan]]), dims=("y", "x"), attrs={"units": "1"})
    db = to_db(power)
    np.testing.assert_allclose(db.values, [[0, -10], [np.nan, np.nan]], atol=1e-5)
    assert db.attrs["units"] == "dB"


def test_eight_bit_decibels_keep_their_numbers_and_lose_their_zeros() -> None:
    picture = xr.DataArray(
        np.array([[0, 7], [200, 1]], "uint8"), dims=("y", "x"), attrs={"units": "relative dB"}
    )
    np.testing.assert_array_equal(to_db(picture).values, np.array([[np.nan, 7], [200, 1]], "float32"))
    assert to_db(picture).attrs["units"] == "relative dB"


def test_calibrated_decibels_may_be_zero() -> None:
    db = xr.DataArray(np.array([[0.0, -3.0]], "float32"), dims=("y", "x"), attrs={"units": "dB"})
    np.testing.assert_array_equal(to_db(db).values, db.values)


@pytest.mark.parametrize("units", [None, "m", "db"])
def test_unknown_units_are_refused(units: str | None) -> None:
    array = xr.DataArray(np.ones((2, 2)), dims=("y", "x"), attrs={} if units is None else {"units": units})
    with pytest.raises(InputError, match=rf"units are {units!r}; one of '1', 'dB', 'relative dB'"):
        to_db(array)


def test_lazy_in_lazy_out() -> None:
    power = xr.DataArray(np.ones((2, 3, 4)), dims=("time", "y", "x"), attrs={"units": "1"})
    lazy = to_db(power.chunk(time=1))
    assert lazy.chunks is not None
    xr.testing.assert_equal(lazy.compute(), to_db(power))


def test_targets_do_not_move_level_and_spread() -> None:
    values = np.random.default_rng(0).normal(5, 2, 10_000)
    values[:500] = 100
    level, spread = level_and_spread(values)
    assert level == pytest.approx(5, abs=0.25)
    assert spread == pytest.approx(2, rel=0.15)


@pytest.mark.parametrize("dates", [1, 2, 5, 8])
def test_means_and_medians_of_what_was_seen_equal_their_twins(dates: int) -> None:
    rng = np.random.default_rng(dates)
    stack = rng.normal(size=(dates, 60)).astype("float32")
    stack[rng.random(stack.shape) < 0.4] = np.nan
    stack[:, 7] = np.nan
    for ours, twin in ((mean_seen, np.nanmean), (median_seen, np.nanmedian)):
        wanted = [twin(c[np.isfinite(c)]) if np.isfinite(c).any() else np.nan for c in stack.T]
        np.testing.assert_allclose(ours(stack), wanted, rtol=1e-5)


def test_a_transfer_reads_the_median_of_every_class() -> None:
    rng = np.random.default_rng(3)
    known = rng.uniform(-2, 6, 3000).astype(np.float32)
    shown = (0.7 * known + 1 + 0.2 * rng.standard_normal(3000)).astype(np.float32)
    transfer = transfer_between(known, shown, 0.5, 150)
    classes = [np.floor(known / 0.5) == k for k in range(-4, 12)]
    full = [here for here in classes if here.sum() >= 150]
    assert len(full) > 10
    np.testing.assert_allclose(transfer.known, [np.median(known[here]) for here in full], rtol=1e-6)
    np.testing.assert_allclose(transfer.shown, [np.median(shown[here]) for here in full], atol=2e-3)


def test_of_too_few_pixels_no_transfer() -> None:
    for count in (0, 20):
        few = np.linspace(0, 1, count, dtype=np.float32)
        assert transfer_between(few, few, 0.5, 150).known.size == 0
