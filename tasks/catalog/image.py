"""One image, by itself: any GeoTIFF, bands of one scene in several files, or a STAC item.

Which bands it holds, what their numbers mean and where its pixels lie is found out from the files before
anything is read of them but a sample. What is not said there is assumed by stated rules, and the assumptions
are part of what comes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlparse

from odc.geo.geobox import GeoBox

from tasks.catalog.documents import read_item
from tasks.catalog.folder import SUFFIXES, acquisition
from tasks.catalog.geotiff import take
from tasks.catalog.image_file import (
    SENTINEL_2,
    ImageFile,
    box_of,
    is_simulated,
    look,
    named_by_user,
    names_of,
    satellite,
)
from tasks.catalog.meaning import Meaning, optical_meaning, radar_meaning
from tasks.catalog.optical import OPTICAL_BANDS, REFLECTANCE_BANDS
from tasks.catalog.providers import ACCESS, Access
from tasks.catalog.sources import Source
from tasks.errors import SceneError
from tasks.grid import ground_box, pixel_edges_m
from tasks.model import RADAR_BANDS, BandAsset, SceneRef

SENSORS = ("sentinel-1", "sentinel-2", "optical")

FINEST_M, COARSEST_M = 0.3, 40.0
"""Edges of pixels between which a ship is an object: below it is a building site of shadows and cranes that
nothing here was tried on, above it the largest ship is ten pixels long and most are two."""


@dataclass(frozen=True)
class Wish:
    """What the user says of the images; None and ``auto`` leave it to the files."""

    sensor: str | None = None
    """One of `SENSORS`."""

    units: str = "auto"
    """``auto``, ``db``, ``linear`` or ``reflectance``."""

    bands: tuple[str, ...] = ()
    """Names of a file's bands in their order, ``-`` for one not used; of a STAC item, those to take."""


@dataclass(frozen=True)
class Image:
    """One image as it will be read."""

    name: str
    """As the user named it."""

    sensor: str
    """One of `SENSORS`."""

    bands: tuple[BandAsset, ...]
    """All radar, or all optical."""

    box: GeoBox
    """Grid on which it is read."""

    pixel_m: float
    """Edge of a pixel on the ground, metres."""

    acquired: datetime | None
    """UTC; None if nothing tells."""

    assumed: tuple[str, ...] = ()
    """What the files do not say and was decided by a rule, in words; also why it is warped, if it is."""

    simulated: bool = False
    """Whether a program made it, by its files' own word."""

    @property
    def is_radar(self) -> bool:
        """True for radar."""
        return self.bands[0].name in RADAR_BANDS


def open_image(source: Source, wish: Wish, access: Access = ACCESS) -> Image:
    """Find out what an image holds; reads headers and a sample.

    Raises
    ------
    SceneError
        If it cannot be opened, has no CRS, no band that is known, pixels that are too fine or too coarse, or
        is not what `wish` says; the message says what would mend it.
    """
    if not source.hrefs:
        raise SceneError(f"{source.name} is a folder without any GeoTIFF ({' or '.join(SUFFIXES)})")
    if urlparse(source.hrefs[0]).path.lower().endswith((".json", ".geojson")):
        image = _from_item(source, wish, access)
    else:
        image = _from_files(source, wish, access)
    if not FINEST_M <= image.pixel_m <= COARSEST_M:
        why = "finer than anything tried" if image.pixel_m < FINEST_M else "too coarse for ships"
        raise SceneError(
            f"{source.name} has pixels of {image.pixel_m:.3g} m, {why}; {FINEST_M} to {COARSEST_M:g} m work"
        )
    return image


def _from_files(source: Source, wish: Wish, access: Access) -> Image:
    opened = [look(href, access) for href in source.hrefs]
    told = wish.sensor or satellite(opened)
    assumed: list[str] = []
    found: dict[str, tuple[ImageFile, int]] = {}
    for file in opened:
        names = named_by_user(file, wish.bands) if wish.bands else names_of(file, told, assumed)
        for index, name in enumerate(names, start=1):
            if name and name not in found:
                found[name] = (file, index)
    kind = _kind(source, tuple(found), wish)
    sensor = wish.sensor or ("sentinel-1" if kind is RADAR_BANDS else told or "optical")
    used = [(name, *found[name]) for name in kind if name in found]
    meanings = _meanings(used, sensor, wish)
    assumed += [meaning.assumed for meaning in meanings if meaning.assumed]
    box, why = ground_box(min((file.box for _, file, _ in used), key=pixel_edges_m))
    moments = (acquisition(file.stem, file.tags) for _, file, _ in used)
    return Image(
        source.name,
        sensor,
        tuple(_asset(*one, meaning) for one, meaning in zip(used, meanings, strict=True)),
        box,
        _edge_m(box),
        next((moment for moment in moments if moment is not None), None),
        (*dict.fromkeys(assumed), *_warped(box, why)),
        any(is_simulated(file.tags) for _, file, _ in used),
    )


def _kind(source: Source, found: tuple[str, ...], wish: Wish) -> tuple[str, ...]:
    """Tell radar from optical by the bands, unless the user does."""
    has = f"{source.name} has bands {', '.join(found)}" if found else f"{source.name} names none of its bands"
    radar, optical = any(n in found for n in RADAR_BANDS), any(n in found for n in REFLECTANCE_BANDS)
    if not radar and not optical:
        raise SceneError(f"{has}; say which they are: --bands vv,vh or --bands blue,green,red,nir")
    as_radar = radar if wish.sensor is None else wish.sensor == "sentinel-1"
    if not (radar if as_radar else optical):
        needed = RADAR_BANDS if as_radar else REFLECTANCE_BANDS
        raise SceneError(f"{has}; {wish.sensor} needs some of {', '.join(needed)}")
    _check_units(has, as_radar, wish.units)
    return RADAR_BANDS if as_radar else OPTICAL_BANDS


def _check_units(has: str, as_radar: bool, units: str) -> None:
    if units in (("reflectance",) if as_radar else ("db", "linear")):
        right = "auto, db or linear" if as_radar else "auto or reflectance"
        raise SceneError(
            f"{has}: --units {units} does not fit {'radar' if as_radar else 'optical bands'}; {right}"
        )


def _meanings(used: Sequence[tuple[str, ImageFile, int]], sensor: str, wish: Wish) -> list[Meaning]:
    numbers = [file.numbers[index - 1] for name, file, index in used if name != "scl"]
    if used[0][0] in RADAR_BANDS:
        return radar_meaning(numbers, wish.units)
    meanings = iter(optical_meaning(numbers, sensor))
    return [Meaning("class") if name == "scl" else next(meanings) for name, _, _ in used]


def _asset(name: str, file: ImageFile, index: int, meaning: Meaning) -> BandAsset:
    fill = 0.0 if meaning.units in ("1", "dB") and file.numbers[index - 1].nodata is None else None
    return BandAsset(name, file.href, meaning.units, fill, meaning.scale, meaning.offset, index)


def _from_item(source: Source, wish: Wish, access: Access) -> Image:
    scene = read_item(source.hrefs[0])
    bands = {band.name: band for band in scene.bands}
    if missing := [name for name in wish.bands if name not in bands]:
        raise SceneError(f"{source.name} has bands {', '.join(bands)}; --bands asks for {', '.join(missing)}")
    sensor = wish.sensor or _sensor_of_item(scene)
    kind = RADAR_BANDS if sensor == "sentinel-1" else OPTICAL_BANDS
    taken = [bands[name] for name in wish.bands or kind if name in bands and name in kind]
    if not taken or taken[0].name == "scl":
        raise SceneError(
            f"{source.name} has no band of {sensor} that is read; its assets are {', '.join(scene.assets)}"
        )
    _check_units(source.name, kind is RADAR_BANDS, wish.units)
    if wish.units in ("db", "linear"):
        taken = [replace(band, units="dB" if wish.units == "db" else "1") for band in taken]
    heads = [take((band,), access, lambda file: (box_of(file), is_simulated(file.tags()))) for band in taken]
    box, why = ground_box(min((box for box, _ in heads), key=pixel_edges_m))
    made = any(simulated for _, simulated in heads)
    about = (_edge_m(box), scene.acquired, _warped(box, why), made)
    return Image(source.name, sensor, tuple(taken), box, *about)


def _sensor_of_item(scene: SceneRef) -> str:
    if any(band.name in RADAR_BANDS for band in scene.bands):
        return "sentinel-1"
    about = f"{scene.platform} {scene.collection} {scene.scene_id}".replace("_", " ")
    return "sentinel-2" if SENTINEL_2.search(about) else "optical"


def _edge_m(box: GeoBox) -> float:
    across, along = pixel_edges_m(box)
    return float(f"{(across * along) ** 0.5:.3g}")


def _warped(box: GeoBox, why: str) -> tuple[str, ...]:
    if not why:
        return ()
    return (f"{why}, so it was resampled to {_edge_m(box):g} m in {box.crs}",)
