"""Vessels in single images, without an archive: open, search, write down.

What was not seen or not looked at is part of the answer: each image comes with the area searched and the
share of it that was seen, and with what had to be assumed to read it. An image that cannot be read is left
out with its reason, and the others go on.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.catalog.image import SENSORS, Image, Wish, open_image
from tasks.catalog.image_planes import Planes, read_image, whole_image
from tasks.catalog.optical import REFLECTANCE_BANDS
from tasks.catalog.sources import sources
from tasks.errors import InputError, SceneError
from tasks.grid import Block, blocks, window_of
from tasks.model import RADAR_BANDS, Site
from tasks.products.detections import SUFFIXES, detections_table, write_detections
from tasks.products.quicklook import Look, draw_look
from tasks.science import MEASURE_VERSION
from tasks.science.clouds import find_clouds
from tasks.science.ground import Ground, ground_of, lies_free, masked, vessel_row
from tasks.science.optical.scene import DEFAULT_OPTICAL, detect_optical_scene
from tasks.science.radar.scene import DEFAULT_SCENE, detect_radar_scene
from tasks.science.radar.vessels import DEFAULT_VESSELS
from tasks.science.shapes import Vessel

UNITS = ("auto", "db", "linear", "reflectance")

BLOCK_PX = 5500
"""Side of the parts in which an optical image is worked through: what bounds the memory. A tile of Sentinel-2
is four: the more of an image is seen at once, the better is water told from land."""

MARGIN_M = 1000.0
"""What parts share: the longest ship, and the ring of water around it."""

MOST_THREADS = 8

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
            ground = ground_of(job.site, image.box)
            found = search(image, ground)
            about = _about(image, job.site, found)
            its_rows = [_row(vessel, image, ground) for vessel in found.vessels]
            if job.picture is not None:
                drawn[image.name] = _picture(job, image, its_rows, about, set(drawn.values()))
        except SceneError as fault:
            faults[image.name] = fault
        else:
            rows += its_rows
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
    text = repr((MEASURE_VERSION, asdict(DEFAULT_SCENE), asdict(DEFAULT_VESSELS), asdict(DEFAULT_OPTICAL)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Search:
    """What was found in an image, and in how much of it."""

    vessels: tuple[Vessel, ...]
    searched_px: int
    """Pixels that were seen and searched."""

    holds_data: bool
    """Whether there was any data where vessels are looked for, be it of clouds."""

    seen_share: float
    """Share that was seen of what was to be searched: of the site's water, else of the whole image."""


def search(image: Image, ground: Ground) -> Search:
    """Find the vessels of one image.

    Raises
    ------
    SceneError
        If it cannot be read to the end, or holds no data where vessels are looked for.
    """
    if ground.searched is not None and not ground.searched.any():
        raise SceneError(f"{image.name} reaches near the site, but not to any of its water or berths")
    found = (_search_radar if image.is_radar else _search_optical)(image, ground)
    if not found.holds_data:
        raise SceneError(f"{image.name} holds no data{'' if ground.searched is None else ' over the site'}")
    inside = tuple(vessel for vessel in found.vessels if ground.holds(vessel))
    return replace(found, vessels=inside)


def _search_radar(image: Image, ground: Ground) -> Search:
    options = replace(DEFAULT_SCENE, threads=min(os.cpu_count() or 1, MOST_THREADS))
    with whole_image(image) as planes:
        units = image.bands[0].units
        found = detect_radar_scene(planes, units, image.pixel_m, ground.searched, options)
        vessels = tuple(v for v in found.vessels if _is_free(v, planes, image, ground))
        wanted_px, seen_px = 0, 0
        for block in blocks(image.box, BLOCK_PX, 0):
            seen = seen_in({name: plane[block.window] for name, plane in planes.items()})
            inside = np.ones(seen.shape, bool) if ground.searched is None else ground.searched[block.window]
            wanted_px += int(inside.sum())
            seen_px += int((seen & inside).sum())
    searched_px = seen_px
    if found.searched is not None:
        searched_px = int(found.searched.mean() * image.box.shape[0] * image.box.shape[1])
    return Search(vessels, searched_px, seen_px > 0, seen_px / wanted_px)


def _is_free(vessel: Vessel, planes: Planes, image: Image, ground: Ground) -> bool:
    """Whether a radar vessel lies off quays and masked pixels, or at a berth, where ships are expected."""
    if ground.berths is not None and ground.berths[round(vessel.row), round(vessel.col)]:
        return True

    def hard(window: tuple[slice, slice]) -> Mask:
        patches = masked(seen_in({name: plane[window] for name, plane in planes.items()}))
        return patches if ground.hard is None else patches | ground.hard[window]

    height, width = image.box.shape
    return lies_free(vessel, hard, (height, width), image.pixel_m, DEFAULT_VESSELS)


def _search_optical(image: Image, ground: Ground) -> Search:
    margin_px = int(np.ceil(MARGIN_M / image.pixel_m))
    vessels: list[Vessel] = []
    wanted_px, seen_px, searched_px, held = 0, 0, 0, False
    for block in blocks(image.box, BLOCK_PX, margin_px):
        masks = [None if mask is None else mask[block.window] for mask in (ground.searched, ground.land)]
        if masks[0] is not None and not masks[0].any():
            continue
        planes = read_image(image, block.box)
        reflectance = {name: plane for name, plane in planes.items() if name != "scl"}
        hidden = _hidden(reflectance, planes.get("scl"), image.pixel_m)
        found = detect_optical_scene(
            reflectance, image.pixel_m, water=masks[0], land=masks[1], unclear=hidden
        )
        vessels += [moved for vessel in found.vessels if (moved := _in_core(vessel, block)) is not None]
        data = seen_in(planes)[block.own]
        seen = data & ~hidden[block.own]
        inside = np.ones(seen.shape, bool) if masks[0] is None else masks[0][block.own]
        water = inside if found.searched is None else found.searched[block.own]
        held |= bool((data & inside).any())
        wanted_px += int(inside.sum())
        seen_px += int((seen & inside).sum())
        searched_px += int((seen & water).sum())
    vessels.sort(key=lambda v: (v.row, v.col))
    return Search(tuple(vessels), searched_px, held, seen_px / wanted_px)


def _hidden(reflectance: Planes, classes: npt.NDArray[Any] | None, pixel_m: float) -> Mask:
    """Clouds and their shadows, ``(y, x)``; the short-wave infrared alone cannot tell them."""
    if not set(reflectance) - {"swir16"}:
        return np.zeros(reflectance["swir16"].shape, bool)
    return find_clouds(reflectance, pixel_m, classes)


def seen_in(planes: Planes) -> Mask:
    """Pixels that any band saw, ``(y, x)``; linear power of 0 or less is no echo."""
    seen = [np.isfinite(plane) for name, plane in planes.items() if name != "scl"]
    return np.asarray(np.logical_or.reduce(seen))


def _in_core(vessel: Vessel, block: Block) -> Vessel | None:
    """Place a block's vessel in the whole image; None if its centre is another block's."""
    row, col = vessel.row + block.row, vessel.col + block.col
    rows, cols = block.core
    if not (rows.start <= round(row) < rows.stop and cols.start <= round(col) < cols.stop):
        return None
    return replace(vessel, row=row, col=col)


def _row(vessel: Vessel, image: Image, ground: Ground) -> Row:
    header = {"image": image.name, "acquired": image.acquired, "sensor": image.sensor}
    return header | vessel_row(vessel, image.box, ground)


def _about(image: Image, site: Site | None, found: Search) -> Row:
    where = "the image less the land told from it" if image.is_radar else "water found in the image"
    return {
        "image": image.name,
        "sensor": image.sensor,
        "acquired": image.acquired,
        "bands": [band.name for band in image.bands],
        "units": image.bands[0].units,
        "assumed": list(image.assumed),
        "simulated": image.simulated,
        "crs": str(image.box.crs),
        "pixel_m": image.pixel_m,
        "searched": where if site is None else f"water zones and berths of {site.site_id}",
        "searched_km2": found.searched_px * image.pixel_m**2 / 1e6,
        "seen_share": found.seen_share,
        "vessels": len(found.vessels) if found.seen_share else None,  # not seen is not none there
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
