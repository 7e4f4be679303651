"""Radar brightness on one scale that detectors can share.

Speckle multiplies, so in decibels its spread does not depend on how bright the sea is, and any
detector that subtracts a level and divides by a spread is blind to the zero and the step of the
scale. That is what lets uncalibrated decibels (8-bit pictures) be measured like γ⁰.
"""

from __future__ import annotations

from typing import Any

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


def level_and_spread(values: npt.NDArray[Any]) -> tuple[float, float]:
    """Median and MAD-based standard deviation; targets up to half of the pixels do not move them."""
    level = float(np.median(values))
    return level, MAD_TO_SD * float(np.median(np.abs(values - level)))
