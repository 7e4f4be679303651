"""The pixels of one image in their units: a window of them, or all.

A whole radar scene has more pixels than a laptop has memory for. What is too large is kept in a file beside,
which the system pages in and out; every file of the image is read once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox

from tasks.catalog.image import Image
from tasks.catalog.providers import ACCESS, Access
from tasks.catalog.read import read_file
from tasks.grid import blocks
from tasks.model import BandAsset

IN_MEMORY = 512 * 2**20
"""Bytes of an image's planes up to which they are held in memory."""

BLOCK_PX = 2048
"""Side of the parts in which a larger image is read."""

Planes = dict[str, npt.NDArray[Any]]


def read_image(image: Image, box: GeoBox, access: Access = ACCESS) -> Planes:
    """Read a part of an image, in its units.

    Parameters
    ----------
    image
        What to read.
    box
        Window of the image's grid; or any other grid, onto which it is warped.
    access
        How files are reached that are not just there.

    Returns
    -------
    dict
        Band name to ``(y, x)`` float32, NaN where not seen: linear power, decibels or reflectance. Class
        codes (``scl``) are integers, 0 where not seen.

    Raises
    ------
    SceneError
        If a file cannot be read to the end.
    """
    planes: Planes = {}
    files: dict[str, list[BandAsset]] = {}
    for band in image.bands:
        files.setdefault(band.href, []).append(band)
    for bands in files.values():
        raw = read_file(bands, box, access)
        planes |= {band.name: _measured(raw.pop(band.name), band) for band in bands}
    if image.is_radar:
        return planes
    return _without_black(planes)


def _measured(plane: npt.NDArray[Any], band: BandAsset) -> npt.NDArray[Any]:
    if band.units == "class":
        return plane
    filled = ~np.isfinite(plane)
    if np.issubdtype(plane.dtype, np.integer) or band.units == "dB":
        filled |= plane == 0
    values = plane.astype(np.float32)
    if band.scale != 1 or band.offset != 0:
        values *= np.float32(band.scale)
        values += np.float32(band.offset)
    if band.units == "1":
        filled |= values <= 0  # power is never 0: some programs fill with it
    values[filled] = np.nan
    return values


def _without_black(planes: Planes) -> Planes:
    """Take pixels that are 0 in every band as not seen: many programs fill reflectance with it."""
    measured = [plane for name, plane in planes.items() if name != "scl"]
    black = np.logical_and.reduce([plane == 0 for plane in measured])
    for plane in measured:
        plane[black] = np.nan
    return planes


@contextmanager
def whole_image(image: Image, access: Access = ACCESS) -> Iterator[Planes]:
    """Give all planes of an image, as `read_image` does; memory maps of a passing file if they are large.

    Raises
    ------
    SceneError
        If a file cannot be read to the end.
    """
    height, width = image.box.shape
    if height * width * 4 * len(image.bands) <= IN_MEMORY:
        yield read_image(image, image.box, access)
        return
    with tempfile.TemporaryDirectory(prefix="roadstead-") as folder:
        planes: Planes = {
            band.name: np.memmap(Path(folder, band.name), np.float32, "w+", shape=(height, width))
            for band in image.bands
        }
        for block in blocks(image.box, BLOCK_PX, 0):
            for name, plane in read_image(image, block.box, access).items():
                planes[name][block.window] = plane
        yield planes
