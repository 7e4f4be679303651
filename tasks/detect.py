"""Vessels in single images, without an archive: open, search, write down.

What was not seen or not looked at is part of the answer: each image comes with the area searched and the
share of it that was seen, and with what had to be assumed to read it. An image that cannot be read is left
out with its reason, and the others go on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox
from scipy import ndimage

from tasks.catalog.image import SENSORS, Image, Planes, Wish, open_image, read_image
from tasks.catalog.optical import REFLECTANCE_BANDS
from tasks.catalog.records import RADAR_BANDS
from tasks.catalog.sources import sources
from tasks.errors import InputError, SceneError
from tasks.grid import Block, bearing_deg, blocks, cell_lonlat, draw, window_of
from tasks.model import Site, ZoneKind
from tasks.products.detections import SUFFIXES, detections_table, write_detections
from tasks.products.quicklook import Look, draw_look
from tasks.science import MEASURE_VERSION
from tasks.science.optical import DEFAULT_OPTICAL, detect_optical_scene
from tasks.science.shapes import Detection, Vessel, heading_deg, outline
from tasks.science.vessels import DEFAULT_VESSELS, EIGHT, detect_vessels
from tasks.science.water import model_water, water_body
from tasks.science.zones import STRUCTURE_MARGIN_PX, draw_site

UNITS = ("auto", "db", "linear", "reflectance")

BLOCK_PX = {True: 2048, False: 5500}
"""Side of the parts in which an image is worked through, radar and optical: what bounds the memory. A tile of
Sentinel-2 is four: the more of an image is seen at once, the better is water told from land."""

MARGIN_M = 1000.0
"""What parts share: the longest ship, and the ring of water around it."""

PICTURE_PX = 2000
"""Longest side of a picture."""

Mask = npt.NDArray[np.bool_]
Row = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """What was asked for, checked."""

    refs: tuple[str, ...]
    out: Path
    wish: Wish
    site: Site | None = None
    picture: Path | None = None
    """A PNG, or the folder for one PNG an image."""


def make_job(
    refs: Sequence[str],
    out: str,
    sensor: str | None = None,
    units: str = "auto",
    bands: str | None = None,
    site: Site | None = None,
    picture: str | None = None,
) -> Job:
    """Check a request before anything is opened.

    Raises
    ------
    InputError
        If an option is wrong; the message tells which, its value and what would be right.
    """
    if sensor is not None and sensor not in SENSORS:
        raise InputError(f"--sensor {sensor!r} is not known; one of {', '.join(SENSORS)}")
    if units not in UNITS:
        raise InputError(f"--units {units!r} is not known; one of {', '.join(UNITS)}")
    names = tuple(name.strip().lower() for name in bands.split(",")) if bands else ()
    known = (*RADAR_BANDS, *REFLECTANCE_BANDS, "scl", "-")
    if unknown := [name for name in names if name not in known]:
        raise InputError(f"--bands {bands!r}: {unknown[0]!r} is not known; any of {', '.join(known)}")
    if doubled := [name for name in names if name != "-" and names.count(name) > 1]:
        raise InputError(f"--bands {bands!r} names {doubled[0]} twice")
    path = Path(out)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"--out {out!r} must end in {' or '.join(SUFFIXES)}")
    if path.is_dir():
        raise InputError(f"--out {out!r} is a folder; name a file in it")
    if any(_same_file(path, ref) for ref in refs):
        raise InputError(f"--out {out!r} is one of the images; name another file")
    drawn = Path(picture) if picture else None
    if drawn is not None and drawn.suffix and drawn.suffix.lower() != ".png" and not drawn.is_dir():
        raise InputError(f"--picture {picture!r} must end in .png, or be a folder")
    return Job(tuple(refs), path, Wish(sensor, units, names), site, drawn)


def _same_file(path: Path, ref: str) -> bool:
    try:
        return path.samefile(ref)
    except (OSError, ValueError):
        return False


def run(
    job: Job,
    expect: Callable[[int], None] = lambda _: None,
    advance: Callable[[int], None] = lambda _: None,
) -> dict[str, Any]:
    """Find the vessels of every image and write them to one file.

    Parameters
    ----------
    job
        Images and options.
    expect, advance
        Told how many images there are, and of each one done.

    Returns
    -------
    dict
        What the file says of itself: ``images`` with their denominators, ``left_out``, counts.

    Raises
    ------
    InputError
        If no image can be read.
    SceneError
        If that may be for want of a network: the same later may work.
    """
    faults: dict[str, SceneError] = {}
    opened = list(_opened(job, faults))
    if job.picture is not None and _is_file(job.picture) and len(opened) > 1:
        raise InputError(f"--picture {job.picture} is one file for {len(opened)} images; name a folder")
    expect(len(opened))
    rows: list[Row] = []
    images: list[Row] = []
    drawn: dict[str, Path] = {}
    for image in opened:
        try:
            found, about = search(image, job.site)
            if job.picture is not None:
                drawn[image.name] = _picture(job, image, found, about, set(drawn.values()))
        except SceneError as fault:
            faults[image.name] = fault
        else:
            rows += found
            images.append(about)
        advance(1)
    if not images:
        _raise_all(faults)
    left_out = {name: str(fault) for name, fault in sorted(faults.items())}
    about = {
        "version": version("roadstead"),
        "measure": MEASURE_VERSION,
        "options": _options_digest(),
        "site": None if job.site is None else {"id": job.site.site_id, "digest": job.site.digest},
        "vessels": len(rows),
        "images": images,
        "left_out": left_out,
    }
    write_detections(job.out, detections_table(rows), about)
    pictures = {"pictures": {name: str(path) for name, path in drawn.items()}} if drawn else {}
    return {"out": str(job.out), **about, **pictures, "rows": rows}


def _opened(job: Job, faults: dict[str, SceneError]) -> Iterator[Image]:
    for source in sources(job.refs, one_by_one=bool(job.wish.bands)):
        try:
            image = open_image(source, job.wish)
            if job.site is not None:
                image = replace(image, box=window_of(image.box, job.site))
            yield image
        except SceneError as fault:
            faults[source.name] = fault


def _raise_all(faults: dict[str, SceneError]) -> None:
    texts = [str(fault) for fault in faults.values()]
    head = "" if len(texts) == 1 else f"none of {len(texts)} images could be read: "
    more = f"; and {len(texts) - 3} more" if len(texts) > 3 else ""
    kind = InputError if all(fault.permanent for fault in faults.values()) else SceneError
    raise kind(f"{head}{'; '.join(texts[:3])}{more}")


def _options_digest() -> str:
    text = repr((MEASURE_VERSION, asdict(DEFAULT_VESSELS), asdict(DEFAULT_OPTICAL)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Ground:
    """Where to look in an image, ``(y, x)`` on its grid; None where nobody says."""

    searched: Mask | None = None
    land: Mask | None = None
    zones: tuple[tuple[str, Mask], ...] = ()
    """Berths first: their strips lie in the water of the port."""


def ground_of(site: Site | None, box: GeoBox) -> Ground:
    """Draw where a site has water and berths, less what is built in them."""
    if site is None:
        return Ground()
    layers = draw_site(site, box)
    order = {ZoneKind.BERTH: 0, ZoneKind.HARBOUR_WATER: 1, ZoneKind.ANCHORAGE: 2}
    zones = sorted((z for z in site.zones if z.kind in order), key=lambda z: order[z.kind])
    built = draw(box, [z.geometry for z in site.zones if z.kind is ZoneKind.STRUCTURE], touched=True)
    built = ndimage.binary_dilation(built, EIGHT, iterations=STRUCTURE_MARGIN_PX)
    masks = tuple((zone.zone_id, layers.zones[zone.zone_id]) for zone in zones)
    searched = np.logical_or.reduce([np.zeros(box.shape, bool), *(mask for _, mask in masks)]) & ~built
    if not searched.any():
        raise SceneError(f"site {site.site_id} has no water zone or berth inside the image")
    return Ground(searched, layers.land & ~searched, masks)


def search(image: Image, site: Site | None) -> tuple[list[Row], Row]:
    """Find the vessels of one image.

    Returns
    -------
    rows
        One per vessel, north to south.
    about
        How the image was read and what was searched.
    """
    ground = ground_of(site, image.box)
    margin_px = int(np.ceil(MARGIN_M / image.pixel_m))
    vessels: list[Vessel] = []
    held_data, searched_px, seen_px = False, 0, 0
    for block in blocks(image.box, BLOCK_PX[image.is_radar], margin_px):
        wanted = None if ground.searched is None else ground.searched[block.window]
        if wanted is not None and not wanted.any():
            continue
        planes = read_image(image, block.box)
        part = find(image, planes, wanted, None if ground.land is None else ground.land[block.window])
        vessels += [moved for vessel in part.found.vessels if (moved := _in_core(vessel, block)) is not None]
        own = tuple(
            slice(core.start - all_.start, core.stop - all_.start)
            for core, all_ in zip(block.core, block.window, strict=True)
        )
        held_data |= bool(part.seen[own].any())
        searched_px += int(part.searched[own].sum())
        seen_px += int((part.seen & part.searched)[own].sum())
    if not held_data:
        raise SceneError(f"{image.name} holds no data{'' if site is None else f' over {site.site_id}'}")
    if ground.searched is not None:
        vessels = [v for v in vessels if ground.searched[round(v.row), round(v.col)]]
    vessels.sort(key=lambda v: (v.row, v.col))
    rows = [_row(vessel, image, ground) for vessel in vessels]
    return rows, _about(image, site, len(rows), seen_px, searched_px)


@dataclass(frozen=True)
class Part:
    """What was found in a part of an image."""

    found: Detection
    seen: Mask
    """``(y, x)`` pixels that hold something to tell vessels by."""

    searched: Mask
    """``(y, x)`` pixels in which vessels were looked for, seen or not."""


def find(image: Image, planes: Planes, water: Mask | None, land: Mask | None) -> Part:
    """Run the detector for the image's kind on some of its planes.

    Parameters
    ----------
    image
        Which the planes are of.
    planes
        Band name to ``(y, x)``, as from `read_image`.
    water, land
        ``(y, x)`` where vessels are looked for, and where none can be; None where nobody says.
    """
    return (_find_radar if image.is_radar else _find_optical)(image, planes, water, land)


def _find_radar(image: Image, planes: Planes, water: Mask | None, land: Mask | None) -> Part:
    plane = next(iter(planes.values()))
    if image.bands[0].units == "1":
        plane = 10 * np.log10(plane)
    seen = np.logical_or.reduce([np.isfinite(plane) for plane in planes.values()])
    water = np.ones(plane.shape, bool) if water is None else water
    land = np.zeros(plane.shape, bool) if land is None else land
    nothing = {"level": np.zeros(plane.shape, np.float32), "seen_share": np.ones(plane.shape, np.float32)}
    return Part(detect_vessels(plane, water, land, nothing, image.pixel_m), seen, water)


def _find_optical(image: Image, planes: Planes, water: Mask | None, land: Mask | None) -> Part:
    reflectance = {name: plane for name, plane in planes.items() if name != "scl"}
    seen = np.logical_or.reduce([np.isfinite(plane) for plane in reflectance.values()])
    found = detect_optical_scene(reflectance, image.pixel_m, water=water, land=land)
    return Part(found, seen, _water_in(reflectance, image.pixel_m) if water is None else water)


def _water_in(reflectance: Planes, pixel_m: float) -> Mask:
    model = model_water(reflectance, pixel_m)
    if model is None:
        return np.zeros(next(iter(reflectance.values())).shape, bool)
    return water_body(reflectance, model, pixel_m)


def _in_core(vessel: Vessel, block: Block) -> Vessel | None:
    """Place a block's vessel in the whole image; None if its centre is another block's."""
    row, col = vessel.row + block.row, vessel.col + block.col
    rows, cols = block.core
    if not (rows.start <= round(row) < rows.stop and cols.start <= round(col) < cols.stop):
        return None
    return replace(vessel, row=row, col=col)


def _row(vessel: Vessel, image: Image, ground: Ground) -> Row:
    lon, lat = (float(v[0]) for v in cell_lonlat(image.box, [vessel.row], [vessel.col]))
    bearing = np.radians(bearing_deg(image.box, vessel.row, vessel.col, vessel.axis))
    true = replace(vessel, axis=(float(np.sin(bearing)), float(np.cos(bearing))))
    place = round(vessel.row), round(vessel.col)
    return {
        "image": image.name,
        "acquired": image.acquired,
        "sensor": image.sensor,
        "longitude": lon,
        "latitude": lat,
        "length_m": vessel.length_m,
        "length_sd_m": vessel.length_sd_m,
        "width_m": _known(vessel.width_m),
        "width_sd_m": _known(vessel.width_sd_m),
        "heading_deg": heading_deg(true),
        "zone_id": next((zone_id for zone_id, mask in ground.zones if mask[place]), None),
        "score": vessel.score,
        "outline": outline(true, lon, lat),
    }


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def _about(image: Image, site: Site | None, count: int, seen_px: int, searched_px: int) -> Row:
    where = "water found in the image" if not image.is_radar else "the whole image, land too"
    where = where if site is None else f"water zones and berths of {site.site_id}"
    return {
        "image": image.name,
        "sensor": image.sensor,
        "acquired": image.acquired,
        "bands": [band.name for band in image.bands],
        "units": image.bands[0].units,
        "assumed": list(image.assumed),
        "crs": str(image.box.crs),
        "pixel_m": image.pixel_m,
        "searched": where,
        "searched_km2": seen_px * image.pixel_m**2 / 1e6,
        "seen_share": seen_px / searched_px if searched_px else None,
        "vessels": count,
    }


def _is_file(picture: Path) -> bool:
    return picture.suffix.lower() == ".png" and not picture.is_dir()


def _picture(job: Job, image: Image, rows: Sequence[Row], about: Row, taken: set[Path]) -> Path:
    assert job.picture is not None
    coarser = max(1.0, max(image.box.shape) / PICTURE_PX)
    box = image.box if coarser == 1 else image.box.zoom_out(coarser)
    planes = read_image(image, box)
    searched = None if job.site is None else ground_of(job.site, box).searched
    path = job.picture if _is_file(job.picture) else _free_name(job.picture, image.name, taken)
    draw_look(path, Look(planes, box, image.pixel_m * coarser, image.bands[0].units, searched), rows, about)
    return path


def _free_name(folder: Path, name: str, taken: set[Path]) -> Path:
    """Name a picture after its image; the second of one name gets a number."""
    parts = [part for part in Path(name).with_suffix("").parts if part.strip("*")]
    stem = parts[-1] if parts else "image"
    names = (f"{stem}{'' if number == 1 else f'-{number}'}.png" for number in range(1, len(taken) + 2))
    return next(path for path in (folder / name for name in names) if path not in taken)
