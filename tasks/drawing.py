"""Pictures of archived scenes: read where the pixels are, one date at a time, and only what is shown."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

from tasks.archive.damage import DamagedError
from tasks.archive.ledger import ArchivedScene, Ledger
from tasks.archive.numbers import is_data
from tasks.archive.reading import band_units, cube_box, on_scenes
from tasks.archive.store import archive_ref
from tasks.grid import pixel_size_m
from tasks.model import RADAR_BANDS, Request, Rights, Site
from tasks.products.cards import Sight
from tasks.products.chips import SITE, Chip, Earlier
from tasks.products.credits import credit_line, may_be_shown
from tasks.products.frames import (
    Frame,
    onto_paper,
    outlines_on,
    paper_of,
    site_frame,
    source_window,
    zone_frame,
)
from tasks.products.pictures import (
    DRAWING_VERSION,
    ENCODER,
    SUFFIX,
    Facts,
    bands_drawn,
    caption,
    encode,
    render,
    strip_height,
)

log = logging.getLogger(__name__)

STRIP_PX = 4_000_000
"""Pixels of an image that are held at a time: a whole port at half a metre is read in strips."""


@dataclass(frozen=True)
class Camera:
    """What the scenes of a collection have in common."""

    collection: str
    box: GeoBox
    pixel_m: float
    bands: tuple[str, ...]
    """Those that are drawn."""

    units: str
    rights: Rights

    @property
    def sensor(self) -> str:
        """``radar`` or ``optical``."""
        return "radar" if self.bands[0] in RADAR_BANDS else "optical"


@dataclass(frozen=True)
class Sketch:
    """A picture that is to be drawn: all but its pixels."""

    chip: Chip
    paper: GeoBox
    facts: Facts
    made_of: str


def draw(
    request: Request,
    ledger: Ledger,
    sights: Collection[Sight],
    vessels: gpd.GeoDataFrame,
    stacks: gpd.GeoDataFrame,
) -> dict[Sight, tuple[Chip, str]]:
    """Draw sights, or take their pictures over from the last publication.

    Parameters
    ----------
    request, ledger
        What is archived, and where the last publication is.
    sights
        What is to be seen; what the archive does not have, or cannot read, is left out.
    vessels, stacks
        Their outlines.

    Returns
    -------
    dict
        Sight to its chip, with a digest of what the picture was drawn from.
    """
    cameras = _cameras(request, ledger)
    sketches = _sketches(request.site, ledger, cameras, sights, _outlines(vessels, stacks))
    earlier = Earlier(Path(request.out) / request.site.site_id)
    pictures: dict[Sight, bytes] = {}
    missing: dict[ArchivedScene, list[Sight]] = defaultdict(list)
    for sight, (scene, sketch) in sketches.items():
        if request.public and not sketch.chip.public:
            pictures[sight] = b""
        elif (data := earlier.picture(sketch.chip.name, sketch.made_of)) is not None:
            pictures[sight] = data
        else:
            missing[scene].append(sight)
    for name, camera in cameras.items():
        wanted = {scene: some for scene, some in missing.items() if scene.collection == name}
        todo = [[(sight, sketches[sight][1]) for sight in some] for some in wanted.values()]
        if todo:
            slots = [scene.slot for scene in wanted]
            ref, snapshot = archive_ref(request), str(ledger.snapshot)
            pictures |= dict(on_scenes(ref, snapshot, name, slots, _pictures, camera, todo))
    made = {
        sight: (_finished(sketches[sight][1].chip, data), sketches[sight][1].made_of)
        for sight, data in pictures.items()
    }
    return {sight: made[sight] for sight in sketches if sight in made}


def _cameras(request: Request, ledger: Ledger) -> dict[str, Camera]:
    found, ref = {}, archive_ref(request)
    for name in ledger.collections:
        box, units = cube_box(ref, name), band_units(ref, name)
        units_drawn = next((u for u in units.values() if u != "class"), "")
        bands = bands_drawn(ledger.bands[name], units_drawn)
        if box is not None and bands:
            rights = ledger.rights.get(name, Rights())
            found[name] = Camera(name, box, pixel_size_m(box), bands, units_drawn, rights)
    return found


def _outlines(vessels: gpd.GeoDataFrame, stacks: gpd.GeoDataFrame) -> dict[str, list[BaseGeometry]]:
    """List what is outlined in each scene: vessels, and stacks that were seen."""
    found: dict[str, list[BaseGeometry]] = defaultdict(list)
    standing = stacks[stacks["what"] == "stack"]
    pairs = [*zip(vessels["scene_id"], vessels["outline"], strict=True)]
    pairs += zip(standing["scene_id"], standing.geometry, strict=True)
    for scene_id, outline in pairs:
        if outline is not None:
            found[str(scene_id)].append(outline)
    return found


def _sketches(
    site: Site,
    ledger: Ledger,
    cameras: Mapping[str, Camera],
    sights: Collection[Sight],
    outlines: Mapping[str, list[BaseGeometry]],
) -> dict[Sight, tuple[ArchivedScene, Sketch]]:
    """Lay out every picture, in order of time."""
    zones = {zone.zone_id: zone for zone in site.measured_zones}
    frames = {SITE: site_frame(site)}
    frames |= {s.shows: zone_frame(site, zones[s.shows]) for s in sights if s.shows in zones}
    pixels = [camera.pixel_m for camera in cameras.values()]
    by_scene = defaultdict(list)
    for sight in sorted(sights):
        if sight.shows in frames:
            by_scene[sight.scene_id].append(sight)
    scenes = [s for s in ledger.scenes if s.scene_id in by_scene and s.collection in cameras]
    names = _names(site.site_id, ledger)
    found = {}
    for scene in scenes:
        camera = cameras[scene.collection]
        for sight in by_scene[scene.scene_id]:
            # Dates of the whole port are laid over one another, whatever took them: pixels of one size.
            ends = (min(pixels), max(pixels)) if sight.shows == SITE else (camera.pixel_m, camera.pixel_m)
            paper = paper_of(frames[sight.shows], *ends)
            name = f"{names[scene.collection, scene.scene_id]}-{sight.shows}.{SUFFIX}"
            shapes = outlines.get(scene.scene_id, [])
            found[sight] = scene, _sketch(scene, camera, frames[sight.shows], paper, name, shapes)
    return found


def _names(site_id: str, ledger: Ledger) -> dict[tuple[str, str], str]:
    """Name every scene's files; scenes that would share a name have a part of a digest in theirs."""
    stems: dict[str, list[ArchivedScene]] = defaultdict(list)
    for scene in ledger.scenes:
        collection = re.sub(r"[^A-Za-z0-9.-]+", "-", scene.collection).strip("-.")
        stems[f"{site_id}-{scene.acquired:%Y%m%dT%H%M%SZ}-{collection}"].append(scene)
    return {
        (s.collection, s.scene_id): stem
        if len(some) == 1
        else f"{stem}-{_digest(s.collection, s.scene_id)[:8]}"
        for stem, some in stems.items()
        for s in some
    }


def _sketch(
    scene: ArchivedScene,
    camera: Camera,
    frame: Frame,
    paper: GeoBox,
    name: str,
    shapes: Sequence[BaseGeometry],
) -> Sketch:
    who = (camera.collection, scene.scene_id, scene.platform, camera.rights)
    credit, public = credit_line(*who, scene.acquired.year), may_be_shown(*who)
    edge_m = paper.affine.a
    facts = Facts(
        f"{scene.acquired:%Y-%m-%d  %H:%M:%S} UTC",
        f"{camera.sensor}, {camera.pixel_m:.3g} m pixels, {camera.collection}",
        scene.scene_id,
        credit,
        edge_m,
    )
    height, width = paper.shape
    chip = Chip(
        name=name,
        scene_id=scene.scene_id,
        acquired=scene.acquired.replace(tzinfo=None),
        collection=camera.collection,
        sensor=camera.sensor,
        pixel_m=round(camera.pixel_m, 3),
        shows=frame.shows,
        west=frame.west,
        south=frame.south,
        east=frame.east,
        north=frame.north,
        epsg=frame.epsg,
        width_px=width,
        height_px=height + strip_height(width, facts),
        caption=caption(camera.bands, camera.units, camera.pixel_m, edge_m),
        attribution=credit,
        public=public,
        outlines=outlines_on(paper, shapes),
        data=b"",
    )
    drawn_from = [
        scene.scene_id,
        scene.processing,
        camera.bands,
        camera.units,
        asdict(facts),
        str(camera.box),
    ]
    ground = (frame.west, frame.south, frame.east, frame.north, frame.epsg, width, height)
    return Sketch(chip, paper, facts, _digest(DRAWING_VERSION, ENCODER, json.dumps([*drawn_from, ground])))


def _finished(chip: Chip, data: bytes) -> Chip:
    if data:
        return replace(chip, data=data)
    return replace(
        chip,
        caption=f"The image is left out of this public edition ({chip.attribution}): nothing lets everybody "
        "see it. What was measured in it stands in the tables.",
    )


def _pictures(
    cube: xr.Dataset, camera: Camera, todo: Sequence[Sequence[tuple[Sight, Sketch]]]
) -> Iterator[tuple[Sight, bytes]]:
    """Draw the sights of a few scenes of one collection."""
    for number, some in enumerate(todo):
        for sight, sketch in some:
            try:
                planes = _planes(cube, number, camera, sketch.paper)
            except DamagedError as fault:
                log.warning("no picture %s: %s", sketch.chip.name, fault)
                continue
            yield sight, encode(render(planes, camera.units), sketch.facts)


def _planes(cube: xr.Dataset, number: int, camera: Camera, paper: GeoBox) -> dict[str, Any]:
    """Read what a picture needs of one date, in physical units on the picture's pixels."""
    rows, cols = source_window(camera.box, paper)
    pixels, whole = (rows.stop - rows.start) * (cols.stop - cols.start), paper.shape[0]
    height = max(whole * STRIP_PX // max(pixels, 1), 1)
    strips = [paper[top : min(top + height, whole), :] for top in range(0, whole, height)]
    return {
        band: np.concatenate([_strip(cube[band][number], camera.box, strip) for strip in strips])
        for band in camera.bands
    }


def _strip(stored: xr.DataArray, image: GeoBox, paper: GeoBox) -> Any:
    rows, cols = source_window(image, paper)
    numbers = stored[rows, cols].values
    scale, offset = stored.attrs.get("scale_factor", 1.0), stored.attrs.get("add_offset", 0.0)
    values = np.where(is_data(numbers), np.float32(scale) * numbers + np.float32(offset), np.float32(np.nan))
    return onto_paper(values, image[rows, cols], paper)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
