"""Radar brightness on one scale that detectors can share.

Speckle multiplies, so in decibels its spread does not depend on how bright the sea is, and any
detector that subtracts a level and divides by a spread is blind to the zero and the step of the
scale. That is what lets uncalibrated decibels (8-bit pictures) be measured like γ⁰.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import xarray as xr

from tasks.errors import InputError

MAD_TO_SD = 1.4826
"""Standard deviation of a normal distribution, in median absolute deviations."""

UNITS = ("1", "dB", "relative dB")


def to_db(backscatter: xr.DataArray) -> xr.DataArray:
    """Bring backscatter to decibels with NaN for "not seen".

    Parameters
    ----------
    backscatter
        ``(..., y, x)``; attribute ``units`` is "1" (linear power), "dB" or "relative dB".
        Not seen: NaN in floats, 0 in integers, and 0 or less in linear power.

    Returns
    -------
    xr.DataArray
        float32, same dims, lazy if the input is; ``units`` "dB" or "relative dB".

    Raises
    ------
    InputError
        If the units are anything else: linear taken for dB is a silent disaster.

    Examples
    --------
    >>> power = xr.DataArray([[0.01, 0.0]], dims=("y", "x"), attrs={"units": "1"})
    >>> to_db(power).values
    array([[-20.,  nan]], dtype=float32)
    """
    units = backscatter.attrs.get("units")
    if units not in UNITS:
        raise InputError(f"backscatter units are {units!r}; one of {', '.join(map(repr, UNITS))} is needed")
    db: xr.DataArray = xr.apply_ufunc(
        _linear_to_db if units == "1" else _mask_fill,
        backscatter,
        dask="parallelized",
        output_dtypes=[np.float32],
        keep_attrs=True,
    )
    db.attrs["units"] = "dB" if units == "1" else units
    return db


def _linear_to_db(power: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(power > 0, 10 * np.log10(power), np.nan).astype(np.float32)


def _mask_fill(db: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    if np.issubdtype(db.dtype, np.floating):
        return db.astype(np.float32)
    return np.where(db != 0, db, np.nan).astype(np.float32)


def mean_seen(stack: npt.NDArray[np.floating[Any]]) -> npt.NDArray[Any]:
    """Mean over the first axis, NaN left out; NaN, and no warning, where there is nothing else."""
    seen = np.isfinite(stack)
    count = seen.sum(axis=0)
    total = np.where(seen, stack, 0).sum(axis=0, dtype=np.float64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(stack.dtype)


def median_seen(stack: npt.NDArray[np.floating[Any]]) -> npt.NDArray[Any]:
    """Median over the first axis, NaN left out; NaN, and no warning, where there is nothing else."""
    ordered = np.sort(stack, axis=0)  # NaN go last
    count = np.isfinite(stack).sum(axis=0)
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, len(stack) - 1)
    both = [np.take_along_axis(ordered, at[None], axis=0)[0] for at in (low, high)]
    return np.where(count > 0, (both[0] + both[1]) / 2, np.nan).astype(stack.dtype)


def level_and_spread(values: npt.NDArray[Any]) -> tuple[float, float]:
    """Median and MAD-based standard deviation; targets up to half of the pixels do not move them."""
    level = median(values)
    return level, MAD_TO_SD * median(np.abs(values - level))


def median(values: npt.NDArray[Any]) -> float:
    """As `numpy.median` of a whole array, NaN where one is in it; takes half of its time.

    NumPy parts the numbers at three places; one is enough, for the neighbour below is the largest there.
    """
    if not values.size:
        return float("nan")
    half = values.size // 2
    parted = np.partition(values, half, axis=None)
    if np.isnan(parted[half:].max()):
        return float("nan")
    if values.size % 2:
        return float(parted[half])
    return float(np.mean([parted[:half].max(), parted[half]]))


def join_bands(scene: xr.Dataset, bands: Sequence[str], water: npt.NDArray[np.bool_]) -> xr.DataArray:
    """Join polarisations to one plane: the mean of what each shows in spreads above its own water.

    Their speckle is independent, so the mean has less of it: over the berths of simulated `busy` the tenth
    percentile of a hull stands 2.1 spreads above the empty berth, with VV alone 1.7, with VH 1.3, with the
    larger of both 1.9, at the same false alarms.

    Parameters
    ----------
    scene
        ``(y, x)`` per band, as `to_db` takes it.
    bands
        Which bands.
    water
        ``(y, x)`` open water.

    Returns
    -------
    xr.DataArray
        ``(y, x)`` float32; NaN where no band sees. Of a single band its decibels.
    """
    planes = [to_db(scene[band]) for band in bands]
    if len(planes) == 1:
        return planes[0]
    total, count = np.zeros(water.shape, np.float32), np.zeros(water.shape, np.int8)
    for plane in planes:
        sample = plane.values[water & np.isfinite(plane.values)]
        if sample.size:
            level, spread = level_and_spread(sample)
            total += np.nan_to_num((plane.values - level) / max(spread, 1e-6))
            count += np.isfinite(plane.values)
    joined = np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
    return planes[0].copy(data=joined).assign_attrs(units="relative dB")


@dataclass(frozen=True)
class Transfer:
    """What brightness of one image means in another, read off pixels that both show unchanged."""

    known: npt.NDArray[np.float64]
    shown: npt.NDArray[np.float64]
    """Ascending; empty where nothing can be told."""

    def to_shown(self, values: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Translate brightness as remembered into that of the image."""
        return _along(values, self.known, self.shown)

    def to_known(self, values: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Translate the image's brightness into that remembered."""
        return _along(values, self.shown, self.known)


def transfer_between(
    known: npt.NDArray[np.floating], shown: npt.NDArray[np.floating], step: float, enough_px: int
) -> Transfer:
    """Read off, median by median, what pixels of one remembered brightness show in an image.

    Quays keep their power while the sea's goes with the wind, and so does the blur that carries them over
    the water; above a calm sea all of it stands higher, its faint outskirts most of all.

    Parameters
    ----------
    known, shown
        ``(pixel,)`` the same pixels as remembered and in the image, no NaN.
    step
        Width of a class of remembered brightness.
    enough_px
        Pixels of one class from which its median is taken.
    """
    if known.size < enough_px:
        return Transfer(np.zeros(0), np.zeros(0))
    number = np.floor(known / step).astype(np.intp)
    number -= number.min()
    old, new = _class_medians(number, np.stack([known, shown]).astype(np.float32), enough_px)
    if len(old) < 2:
        return Transfer(np.zeros(0), np.zeros(0))
    # Never falling, and rising by a trace, so that it can be read from either side.
    return Transfer(old, np.maximum.accumulate(new) + 1e-4 * np.arange(len(new)))


@numba.njit(cache=True, nogil=True)
def _class_medians(number: Any, values: Any, enough: int) -> Any:
    """Median of every row of values in each class that has enough of them, ``(row, class)``."""
    count = np.bincount(number)
    end = np.cumsum(count)
    place = end - count
    ordered = np.empty_like(values)
    for k in range(number.size):
        ordered[:, place[number[k]]] = values[:, k]
        place[number[k]] += 1
    full = np.flatnonzero(count >= enough)
    medians = np.empty((len(values), full.size), np.float32)
    for c in range(full.size):
        first, last = end[full[c]] - count[full[c]], end[full[c]]
        for r in range(len(values)):
            medians[r, c] = np.median(ordered[r, first:last])
    return medians


def _along(
    values: npt.NDArray[np.floating], old: npt.NDArray[np.float64], new: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    if not old.size:
        return values.astype(np.float32)
    beyond = np.where(values > old[-1], values - old[-1], np.where(values < old[0], values - old[0], 0))
    return np.asarray(np.interp(values, old, new) + beyond, dtype=np.float32)
