"""An analyst's own images: a folder of GeoTIFFs without any catalogue, each file one scene.

A file has to say three things itself: when it was taken, which bands it holds, and what their numbers mean.
One that does not is left out with what would mend it; nothing is guessed from pixels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rasterio.warp import transform_bounds

from tasks.catalog.band_names import KNOWN, PLANET, exact, once, planet_names, words_of
from tasks.catalog.geotiff import take
from tasks.catalog.optical import INTEGER_SCALE, OPTICAL_BANDS, SENTINEL_2_KEYS
from tasks.catalog.providers import ACCESS
from tasks.catalog.records import units_of
from tasks.errors import SceneError
from tasks.model import RADAR_BANDS, BandAsset, Rejection, SceneRef, Units

SUFFIXES = (".tif", ".tiff")

ACQUISITION_TAG = re.compile(r"ACQUI|SENSING|DATE_OBS", re.IGNORECASE)
WRITING_TAG = "TIFFTAG_DATETIME"
"""By the standard the time at which the file was made; Planet puts the acquisition there."""

MOMENT = re.compile(
    r"(?<!\d)(?P<day>(?:19|20)\d\d([-_:.]?)[01]\d\2[0-3]\d)"
    r"(?:[T _-]?(?P<clock>[0-2]\d([-:_.]?)[0-5]\d\4[0-5]\d)(?:[.,]\d+)?)?Z?(?!\d)"
)
"""20231209, 2023-12-09, 20231209T041530, 2023:12:09 04:15:30, 20231209_015312_12_2439 (PlanetScope)."""

NO_IMAGE = re.compile(r"udm2?(?![a-z])", re.IGNORECASE)
"""Planet's masks lie beside its images."""


def folder_scenes(folder: Path) -> Iterator[SceneRef | Rejection]:
    """Describe every GeoTIFF of a folder and its subfolders, in order of their names.

    Parameters
    ----------
    folder
        Its name becomes the collection's.

    Yields
    ------
    SceneRef or Rejection
        A scene's bands are those whose descriptions are known names (``vv``, ``blue``, ``B04``); of radar
        without a unit, 8-bit numbers are relative dB and all others linear power; of optical bands, integers
        need a scale in the file, unless the name is Planet's of surface reflectance. A day without a time
        of day is its midnight UTC.
    """
    collection = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-") or "images"
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file()):
        if NO_IMAGE.search(path.stem):
            continue
        scene_id = str(path.relative_to(folder).with_suffix("")).replace("/", "_")
        try:
            yield _scene(path, scene_id, collection)
        except SceneError as fault:
            yield Rejection(scene_id, str(fault))


def _scene(path: Path, scene_id: str, collection: str) -> SceneRef:
    href = str(path.resolve())
    image = take((BandAsset("image", href, "1"),), ACCESS, _Image)
    moment = acquisition(path.stem, image.tags)
    if moment is None:
        raise SceneError(
            f"{path} has no date: neither a tag that tells the acquisition, nor its name (20231209, "
            "2023-12-09, 20231209T041530)"
        )
    bands = tuple(_bands(path, href, image))
    if not bands:
        raise SceneError(
            f"{path} has bands {', '.join(map(repr, image.descriptions))}; descriptions like "
            f"{', '.join((*RADAR_BANDS[:2], *OPTICAL_BANDS[:4]))} are needed"
        )
    return SceneRef(
        scene_id=scene_id,
        collection=collection,
        acquired=moment,
        bands=bands,
        bbox=image.bbox,
        tile=scene_id,  # images of one day are not deliveries of one another
        assets=tuple(band.name for band in bands),
    )


class _Image:
    """What is needed of an open file after it is closed."""

    def __init__(self, source: Any) -> None:
        self.tags: Mapping[str, str] = {**source.tags(), **source.tags(ns="IMAGERY")}
        self.descriptions = tuple(text or "" for text in source.descriptions)
        self.units = tuple(text or "" for text in source.units)
        self.scales, self.offsets = tuple(source.scales), tuple(source.offsets)
        self.dtype = str(source.dtypes[0])
        west, south, east, north = transform_bounds(source.crs, "EPSG:4326", *source.bounds)
        self.bbox = (west, south, east, north)


def acquisition(name: str, tags: Mapping[str, str]) -> datetime | None:
    """Find out when an image was taken, UTC; None if nothing tells.

    A tag that names the acquisition goes before the file's name, and that before the time the file was
    made, which only adds the time of day if it is of the same day.

    Examples
    --------
    >>> acquisition("20231209_015312_12_2439_3B_AnalyticMS_SR", {}).isoformat()
    '2023-12-09T01:53:12+00:00'
    >>> acquisition("najin", {"TIFFTAG_DATETIME": "2023:12:09 04:15:30"}).isoformat()
    '2023-12-09T04:15:30+00:00'
    """
    for key in sorted(tags):
        if ACQUISITION_TAG.search(key) and (found := _moment(tags[key])) is not None:
            return found[0]
    named, made = _moment(name), _moment(tags.get(WRITING_TAG, ""))
    if named is None or (made is not None and not named[1] and made[0].date() == named[0].date()):
        named = made
    return None if named is None else named[0]


def _moment(text: str) -> tuple[datetime, bool] | None:
    """First date in a text, and whether it has a time of day."""
    for match in MOMENT.finditer(text):
        day, clock = (re.sub(r"\D", "", match[part] or "") for part in ("day", "clock"))
        for digits, form in ((day + clock, "%Y%m%d%H%M%S"), (day, "%Y%m%d")):
            try:
                return datetime.strptime(digits, form).replace(tzinfo=UTC), form.endswith("S")
            except ValueError:
                continue
    return None


def _bands(path: Path, href: str, image: _Image) -> Iterator[BandAsset]:
    for index, name in enumerate(_names(path, image)):
        about = f"{image.descriptions[index]} {image.units[index]}"
        if name in RADAR_BANDS:
            yield BandAsset(name, href, _radar_units(about, image.dtype), index=index + 1)
        elif name == "scl":
            yield BandAsset(name, href, "class", index=index + 1)
        elif name in OPTICAL_BANDS:
            scale, offset = image.scales[index], image.offsets[index]
            if scale == 1 and "float" not in image.dtype:
                if not ((planet := PLANET.search(path.stem)) and planet[1]):
                    raise SceneError(
                        f"{path}: {name} is {image.dtype} without a scale; set the band's scale "
                        f"({INTEGER_SCALE} for Sentinel-2 and Planet), so that number × scale is reflectance"
                    )
                scale = INTEGER_SCALE
            yield BandAsset(name, href, "reflectance", scale=scale, offset=offset, index=index + 1)


def _names(path: Path, image: _Image) -> list[str]:
    """Give each band its common name, or nothing if it is not used."""
    names = once(map(exact, image.descriptions))
    if not any(names) and len(names) == 1:
        words = (SENTINEL_2_KEYS.get(word, word) for word in words_of(path.stem))
        names = [next((word for word in words if word in KNOWN), "")]
    return names if any(names) else list(planet_names(path.stem, len(names)))


def _radar_units(about: str, dtype: str) -> Units:
    units = units_of({}, {"unit": about})
    return "relative dB" if units == "1" and dtype == "uint8" else units
