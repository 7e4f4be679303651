"""Write pixels the way providers do: cloud-optimised GeoTIFFs, and small pictures for people.

Every file says SIMULATED inside: a file that is copied out of its folder leaves its item behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from odc.geo.geobox import GeoBox

Plane = npt.NDArray[np.float32]

NOTICE = "SIMULATED. Not a satellite image: made by a program, with made-up vessels."

BLOCK_PX = 512
"""Edge of a block, as in Planetary Computer's files."""

LEVEL = 1
"""Of DEFLATE, which every reader has. Level 6 takes two to three times as long (31 for 10 ms at 460 × 460
radar pixels) for files 3 % smaller; ZSTD would save a tenth."""

OVERVIEWS_FROM_PX = 1024
"""Longest edge from which a file gets overviews: on four blocks or fewer they would only add a quarter."""

KEPT_BITS = 9
"""Mantissa bits of radar power that are kept: off by 0.0043 dB at most, where one look's speckle has 2 dB.
Twelve bits take a third more room."""

PICTURE_PX = 256
"""Longest edge of a thumbnail."""

JPEG_QUALITY = 80


def write_cog(path: Path, pixels: npt.NDArray[Any], box: GeoBox, bands: Sequence[str], nodata: Any) -> None:
    """Write bands into one file.

    Parameters
    ----------
    path
        Its folder is made.
    pixels
        ``(band, y, x)``, float32, uint16 or uint8, as they shall stand in the file.
    box
        Grid of the pixels.
    bands
        Descriptions, one a band.
    nodata
        Number that stands for "not seen"; None if there is none.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = pixels.shape
    profile = {"count": count, "height": height, "width": width, "dtype": pixels.dtype.name, "nodata": nodata}
    profile |= {"crs": str(box.crs), "transform": box.affine}
    pack = {"compress": "DEFLATE", "predictor": "YES", "level": LEVEL, "blocksize": BLOCK_PX}
    pack |= {"overviews": "AUTO" if max(height, width) >= OVERVIEWS_FROM_PX else "NONE"}
    with rasterio.open(path, "w", driver="COG", overview_resampling="nearest", **pack, **profile) as image:
        image.write(pixels)
        image.descriptions = tuple(bands)
        image.update_tags(TIFFTAG_IMAGEDESCRIPTION=NOTICE)


def rounded_power(power: Plane, nodata: float) -> Plane:
    """Round the mantissa to `KEPT_BITS` and put `nodata` for NaN; power is not negative."""
    drop = 23 - KEPT_BITS
    mask = np.uint32(0xFFFFFFFF >> drop << drop)
    bits = np.ascontiguousarray(power, np.float32).view(np.uint32)
    rounded = ((bits + np.uint32(1 << (drop - 1))) & mask).view(np.float32)
    return np.where(np.isfinite(power), rounded, np.float32(nodata))


def numbers(reflectance: Plane, scale: float, offset: float, step: int = 1) -> npt.NDArray[np.uint16]:
    """Turn reflectance into the numbers of a file.

    Parameters
    ----------
    reflectance
        ``(y, x)``, NaN where not seen.
    scale, offset
        Reflectance = number × scale + offset.
    step
        Numbers are multiples of it, so that noise nobody can use takes no room.

    Returns
    -------
    numpy.ndarray
        uint16; 0 where not seen, else 1 or more (reflectance below that is cut off, as providers do).
    """
    steps = np.rint((reflectance - np.float32(offset)) * np.float32(1 / (scale * step))) * step
    return np.where(np.isfinite(steps), np.clip(steps, 1, 65535), 0).astype(np.uint16)


def grey_picture(power: Plane, low_db: float, high_db: float) -> npt.NDArray[np.uint8]:
    """Draw radar power in decibel, ``(1, y, x)``, black where not seen."""
    with np.errstate(divide="ignore"):
        level = 10 * np.log10(_small(power))
    return _bytes((level - low_db) / (high_db - low_db))[None]


def colour_picture(reflectance: Mapping[str, Plane], white: float) -> npt.NDArray[np.uint8]:
    """Draw true colours, ``(3, y, x)``, with reflectance `white` at full brightness, black where not seen."""
    return np.stack([_bytes(_small(reflectance[band]) / white) for band in ("red", "green", "blue")])


def _small(plane: Plane) -> Plane:
    """Average pixels so that the longest edge has `PICTURE_PX` at most."""
    step = -(-max(plane.shape) // PICTURE_PX)
    height, width = (side // step for side in plane.shape)
    parts = plane[: height * step, : width * step].reshape(height, step, width, step)
    return np.asarray(parts.mean(axis=(1, 3)))


def _bytes(share: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.uint8]:
    return np.asarray(np.clip(np.nan_to_num(share, nan=0.0), 0, 1) * 255, dtype=np.uint8)


def write_picture(path: Path, picture: npt.NDArray[np.uint8]) -> None:
    """Write a ``(1 or 3, y, x)`` picture as JPEG with the notice as its comment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = picture.shape
    with (
        rasterio.Env(GDAL_PAM_ENABLED="NO"),
        rasterio.open(
            path, "w", driver="JPEG", count=count, height=height, width=width, dtype="uint8",
            quality=JPEG_QUALITY, comment=NOTICE,
        ) as image,
    ):  # fmt: skip
        image.write(picture)
