"""What the numbers in a cube mean, and how a delivery's numbers become them.

Each quantity has one convention for all dates: linear power and decibel as float32 with NaN for
no data, decibel bytes as delivered, reflectance as uint16 with one scale and offset, classes as
they are; 0 is no data in integers. A provider that changes its offset never makes a step in time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.errors import BareError, SceneError
from tasks.model import BandAsset

Planes = dict[str, npt.NDArray[Any]]

SAR_MANTISSA_BITS = 10
"""Relative error 2^-11, far below speckle; halves the stored size of float radar."""

REFLECTANCE_SCALE, REFLECTANCE_OFFSET = 0.0001, -0.1
"""The convention of Sentinel-2 since baseline 04.00. Older numbers are moved up by 1000 without loss; moving
the newer ones down would cut off dark water, which reads below zero."""

REFLECTANCE_DTYPE = "uint16"


def stored_dtype(delivered: str, units: str) -> str:
    """Dtype in which a cube keeps a band."""
    return REFLECTANCE_DTYPE if units == "reflectance" else delivered


def is_data(plane: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Pixels that hold data in the archive's convention: NaN (floats) and 0 (integers) do not."""
    return np.asarray(np.isfinite(plane) if np.issubdtype(plane.dtype, np.floating) else plane != 0)


def conform(delivered: Sequence[BandAsset], planes: Planes, stored: Mapping[str, BandAsset]) -> Planes:
    """Bring a scene's planes to the cube's numbers.

    Parameters
    ----------
    delivered
        Bands of the scene.
    planes
        Band name to ``(y, x)`` in the file's numbers; no data is NaN (floats) or 0 (integers).
    stored
        Bands of the cube; a scene's band that is none of them is left out.

    Raises
    ------
    SceneError
        If units or types do not fit, a band holds no data, or no band is one of the cube's.
    BareError
        If no band holds data.
    """
    there = [band for band in delivered if band.name in stored]
    result: Planes = {}
    bare: list[BareError] = []
    for band in there:
        try:
            result[band.name] = _conform(band, planes[band.name], stored[band.name])
        except BareError as fault:
            bare.append(fault)
    if bare:
        raise SceneError(str(bare[0])) if result else bare[0]
    if not there:
        raise SceneError(f"none of its bands {[b.name for b in delivered]} is in the cube")
    return result


def _conform(band: BandAsset, plane: npt.NDArray[Any], stored: BandAsset) -> npt.NDArray[Any]:
    if band.units != stored.units:
        raise SceneError(f"{band.name} is in {band.units!r}, the archive in {stored.units!r}")
    dtype = np.dtype(stored.claim.dtype)
    floating = np.issubdtype(dtype, np.floating)
    empty = np.array(np.nan if floating else 0, dtype)
    if plane.dtype != dtype and not floating and band.units != "reflectance":
        raise SceneError(f"{band.name} is {plane.dtype}, the archive holds {dtype}")
    if band.nodata is not None and band.nodata != 0 and not np.isnan(band.nodata):
        plane = np.where(plane == band.nodata, empty, plane)
    if floating and band.units == "1":
        plane = np.where(plane > 0, plane, empty)  # power is never 0: some providers fill with it
    seen = is_data(plane)
    if not seen.any():
        raise BareError(f"{band.name} holds no data over the site")
    if band.units == "reflectance":
        return _reflectance(band, plane, seen, dtype)
    return round_mantissa(plane) if floating else plane.astype(dtype, copy=False)


def _reflectance(
    band: BandAsset, plane: npt.NDArray[Any], seen: npt.NDArray[np.bool_], dtype: np.dtype[Any]
) -> npt.NDArray[Any]:
    """Numbers on the cube's scale; what lies below 1 is kept as 1, the lowest that is data."""
    up = (band.offset - REFLECTANCE_OFFSET) / REFLECTANCE_SCALE
    highest = np.iinfo(dtype).max
    if np.isclose(band.scale, REFLECTANCE_SCALE, rtol=1e-9) and np.issubdtype(plane.dtype, np.integer):
        step = round(up)
        if step == 0 and plane.dtype == dtype:
            return plane
        moved = plane.astype(np.int32) + step
    else:
        with np.errstate(invalid="ignore"):
            moved = np.rint(plane.astype(np.float64) * (band.scale / REFLECTANCE_SCALE) + up)
    return np.where(seen, np.clip(np.where(seen, moved, 1), 1, highest), 0).astype(dtype)


def mosaic(tiles: Sequence[Planes]) -> Planes:
    """Lay the tiles of one pass over one another: where several hold data, the first one does.

    Parameters
    ----------
    tiles
        Band name to ``(y, x)`` in the archive's numbers, each on the whole window.
    """
    whole = dict(tiles[0])
    for tile in tiles[1:]:
        for name, plane in tile.items():
            if name in whole:
                whole[name] = np.where(is_data(whole[name]), whole[name], plane)
            else:
                whole[name] = plane
    return whole


def round_mantissa(values: npt.NDArray[np.floating[Any]], bits: int = SAR_MANTISSA_BITS) -> npt.NDArray[Any]:
    """Round float32 to `bits` of mantissa, to nearest even; NaN and infinities stay.

    Examples
    --------
    >>> import numpy as np
    >>> float(round_mantissa(np.array([0.1], "float32"))[0])
    0.0999755859375
    """
    raw = values.astype("float32").view("uint32")
    drop = 23 - bits
    half = ((raw >> drop) & 1) + np.uint32((1 << (drop - 1)) - 1)
    rounded = ((raw + half) & np.uint32(0xFFFFFFFF ^ ((1 << drop) - 1))).view("float32")
    return np.where(np.isfinite(values), rounded, values).astype("float32")
