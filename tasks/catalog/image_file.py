"""One file of an image, looked at: where its pixels lie, which bands it has, a sample of their numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlparse

import numpy as np
import numpy.typing as npt
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from tasks.catalog import band_names
from tasks.catalog.geotiff import not_a_tiff, take
from tasks.catalog.meaning import Numbers
from tasks.catalog.providers import Access
from tasks.catalog.records import shown
from tasks.errors import SceneError
from tasks.model import BandAsset

SAMPLE_PX = 512
"""Side of the sample of numbers from which units are told."""

SENTINEL_1 = re.compile(r"(?<![a-z0-9])(s1[a-d]|sentinel[- ]?1[a-d]?)(?![a-z0-9])", re.I)
SENTINEL_2 = re.compile(
    r"(?<![a-z0-9])(s2[a-d]?|sentinel[- ]?2[a-d]?|t\d\d[a-z]{3})(?![a-z0-9])", re.IGNORECASE
)
SATELLITE_TAG = re.compile(r"platform|mission|satellite|spacecraft|sensor", re.IGNORECASE)

USUAL_ORDER = {
    (True, 1): ("vv",),
    (True, 2): ("vv", "vh"),
    (False, 4): ("blue", "green", "red", "nir"),
}
"""Bands of a file that names none, by whether it is radar's and their number: where the sensor is known."""


@dataclass(frozen=True)
class ImageFile:
    """What is needed of an open file after it is closed."""

    href: str
    box: GeoBox
    tags: Mapping[str, str]
    names: tuple[str, ...]
    """Common names of its bands by what the file itself says; empty where it does not."""

    numbers: tuple[Numbers, ...]
    """Of each band."""

    @property
    def stem(self) -> str:
        """The file's name without folder and suffix."""
        return PurePosixPath(urlparse(self.href).path).stem

    @property
    def folder(self) -> str:
        """Name of the folder that the file is in."""
        return PurePosixPath(urlparse(self.href).path).parent.name


def look(href: str, access: Access) -> ImageFile:
    """Open a file and note what is needed of it.

    Raises
    ------
    SceneError
        If it cannot be opened, is no GeoTIFF, or has no CRS.
    """
    if (wrong := not_a_tiff(href)) is not None:
        raise SceneError(wrong)
    return take((BandAsset("image", href, "1"),), access, lambda source: _noted(source, href))


def _noted(source: Any, href: str) -> ImageFile:
    descriptions = tuple(text or "" for text in source.descriptions)
    tags = {**source.tags(), **source.tags(ns="IMAGERY"), **source.tags(ns="ENVI")}
    per_band = [source.tags(index) for index in source.indexes]
    by_text, by_tag = band_names.from_descriptions(descriptions), band_names.from_tags(per_band, tags)
    by_colour = band_names.from_colours([colour.name for colour in source.colorinterp])
    names = next((n for n in (by_text, by_tag, by_colour) if any(n)), [""] * source.count)
    numbers = tuple(
        Numbers(
            source.dtypes[k],
            " ".join([descriptions[k], source.units[k] or "", *map(str, per_band[k].values())]),
            source.scales[k],
            source.offsets[k],
            source.nodatavals[k],
            _sample(source, k + 1),
        )
        for k in range(source.count)
    )
    return ImageFile(href, box_of(source), tags, tuple(names), numbers)


def _sample(source: Any, index: int) -> npt.NDArray[Any]:
    """Numbers of one band that are data: from overviews, or from its middle where there are none."""
    height, width = source.shape
    window, shape = None, (min(height, SAMPLE_PX), min(width, SAMPLE_PX))
    if not source.overviews(index) and max(height, width) > 8 * SAMPLE_PX:
        window = Window((width - SAMPLE_PX) // 2, (height - SAMPLE_PX) // 2, SAMPLE_PX, SAMPLE_PX)
    values = source.read(index, window=window, out_shape=shape, boundless=False)
    nodata = source.nodatavals[index - 1]
    data = np.isfinite(values) & (values != 0)
    if nodata is not None:
        data &= values != nodata
    return np.asarray(values[data])


def is_simulated(tags: Mapping[str, str]) -> bool:
    """Tell by a file's tags whether a program made it: every simulated file says so."""
    return any(text.startswith("SIMULATED") for text in tags.values())


def box_of(source: Any) -> GeoBox:
    """Grid of an open file."""
    return GeoBox(source.shape, Affine(*source.transform[:6]), source.crs.to_string())


def satellite(files: Sequence[ImageFile]) -> str | None:
    """Tell Sentinel-1 or -2 from an image's names and tags; None if nothing does."""
    texts = [text for key, text in sorted(files[0].tags.items()) if SATELLITE_TAG.search(key)]
    texts = [text.replace("_", " ") for text in (files[0].stem, files[0].folder, *texts)]
    for pattern, sensor in ((SENTINEL_1, "sentinel-1"), (SENTINEL_2, "sentinel-2")):
        if any(pattern.search(text) for text in texts):
            return sensor
    return None


def names_of(file: ImageFile, sensor: str | None, assumed: list[str]) -> list[str]:
    """Name each band of a file, or nothing; what is assumed for it is added to `assumed`."""
    count, names = len(file.names), list(file.names)
    if names[:3] == ["red", "green", "blue"] and names[3:] == [""] and not file.numbers[0].is_byte:
        assumed.append("fourth band beside red, green and blue taken as near infrared")
        return [*names[:3], "nir"]
    if not any(names) and count == 1:
        names = [band_names.in_file_name(file.stem) or band_names.in_file_name(file.folder)]
    if not any(names):
        names = list(band_names.planet_names(file.stem, count)) or names
    if not any(names) and (usual := USUAL_ORDER.get((sensor == "sentinel-1", count))) and sensor:
        assumed.append(f"unnamed bands taken as {', '.join(usual)}")
        names = list(usual)
    return names


def named_by_user(file: ImageFile, names: Sequence[str]) -> list[str]:
    """Name the bands of a file as the user does.

    Raises
    ------
    SceneError
        If there are more names than bands, or fewer.
    """
    count = len(file.names)
    if len(names) != count:
        raise SceneError(
            f"{shown(file.href)} has {count} bands, --bands names {len(names)}: {','.join(names)}; name each "
            "band in its order, with - for one that is not used"
        )
    return ["" if name == "-" else name for name in names]
