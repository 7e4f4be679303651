"""What a radar look tells: vessels lying freely, and the quay metres that are taken.

As `optical_looks` does for optical images. Radar at 10 m says nothing yet of yards and rails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr
from odc.geo.geobox import GeoBox
from scipy import ndimage

from tasks.model import Site
from tasks.science.ashore.looks import look_ashore
from tasks.science.ashore.memory import Ashore, Remembered, cover_planes, ground_ashore, learn_ashore
from tasks.science.basis import RADAR
from tasks.science.change import lay_ground, view_of
from tasks.science.flags import NO_MEMORY
from tasks.science.moorings import BerthLook
from tasks.science.radar.background import (
    BACKGROUND_PLANES,
    Ground,
    StandardDate,
    estimate_background,
    standardise,
)
from tasks.science.radar.berths import DEFAULT_BERTHS, BerthOptions, measure_berths
from tasks.science.radar.vessels import DEFAULT_VESSELS, VesselOptions, detect_vessels, multilook_radius
from tasks.science.radiometry import join_bands, to_db
from tasks.science.rows import Eye, Measured, Seen, Shown, write_looks
from tasks.science.shapes import EIGHT, Detection
from tasks.science.zones import MIN_SEEN, STRUCTURE_MARGIN_PX, Layers, draw_site

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LookOptions:
    """Everything that decides a look's numbers; part of each look's recipe."""

    vessels: VesselOptions = DEFAULT_VESSELS
    berths: BerthOptions = DEFAULT_BERTHS
    min_seen: float = MIN_SEEN

    untold_m: float = 40.0
    """What is so near to a berth that cannot be told may be the flank of a ship at it. In half a year of
    `busy` all four false alarms in the harbour were."""


DEFAULT_LOOK = LookOptions()

LEVEL = "level"
"""Plane of the background that is compared with a date: standardised, multilooked brightness."""


def learn_radar(
    block: xr.Dataset, epochs: Sequence[Sequence[int]], bands: Sequence[str], site: Site, box: GeoBox
) -> Iterator[dict[str, Plane]]:
    """Estimate what an orbit remembers of a site in each epoch, as `estimate_background`.

    Parameters
    ----------
    block
        ``(time, y, x)`` per band.
    epochs
        Numbers of each epoch's scenes in the block. Epochs that follow one another share most scenes; each
        is read and standardised once, and held until the next epoch has no need of it.
    bands, site, box
        As `measure_scenes` takes them.
    """
    layers = draw_site(site, box)
    radius = multilook_radius(layers.pixel_m)
    near = layers.near | layers.ashore
    ground = Ground(near, layers.water, radius, layers.faces, layers.pixel_m)
    ashore = ground_ashore(layers, radar=True)
    held: dict[int, tuple[StandardDate, dict[str, Plane]]] = {}
    for members in epochs:
        held = {k: date for k, date in held.items() if k in members}
        for k in members:
            if k not in held:
                scene = block.isel(time=k).load()
                held[k] = StandardDate.of(scene, bands, ground), _columns_ashore(scene, bands, ashore)
        yield _learn([held[k] for k in members], bands, ground, ashore)


def _columns_ashore(scene: xr.Dataset, bands: Sequence[str], ashore: Ashore | None) -> dict[str, Plane]:
    if ashore is None:
        return {}
    return {band: plane[ashore.where] for band, plane in decibels(scene, bands).items()}


def _learn(
    dates: Sequence[tuple[StandardDate, dict[str, Plane]]],
    bands: Sequence[str],
    ground: Ground,
    ashore: Ashore | None,
) -> dict[str, Plane]:
    planes = estimate_background([date for date, _ in dates], ground)
    if ashore is None:
        unknown = np.full(ground.near.shape, np.nan, np.float32)
        return planes | dict.fromkeys(cover_planes(bands, radar=True), unknown)
    columns = {band: np.stack([dry[band] for _, dry in dates]) for band in bands}
    return planes | learn_ashore(columns, ashore, radar=True)


def radar_planes(bands: Sequence[str]) -> dict[str, str]:
    """Planes of a radar background, and what each is."""
    return BACKGROUND_PLANES | cover_planes(bands, radar=True)


def decibels(scene: xr.Dataset, bands: Sequence[str]) -> dict[str, Plane]:
    """Each band of a scene in decibels, ``(y, x)``; NaN where not seen."""
    return {band: np.asarray(to_db(scene[band]).values, np.float32) for band in bands}


def measure_scenes(
    block: xr.Dataset,
    background: dict[str, npt.NDArray[np.float32]],
    bands: Sequence[str],
    site: Site,
    box: GeoBox,
    memory_flag: str = "",
    first: int = 0,
    options: LookOptions = DEFAULT_LOOK,
) -> Measured:
    """Measure every zone of a site in a few scenes that share one background epoch.

    Parameters
    ----------
    block
        ``(time, y, x)`` per band in order of time, with ``scene_id`` and ``collection`` along time or in the
        attributes.
    background
        ``level``, ``seen_share`` and ``empty`` of the epoch, ``(y, x)``.
    bands
        Bands in which vessels are looked for, together.
    site, box
        Zones, and the grid that the block is on.
    memory_flag
        Flag that every row carries when the epoch is not settled; empty otherwise.
    first
        Number of the first scene that is written down; those before it are only what it is compared with.
    options
        Thresholds.
    """
    layers = draw_site(site, box)
    ground = lay_ground(layers.zones, layers.water, layers.strips)
    radius = multilook_radius(layers.pixel_m)
    ashore = ground_ashore(layers, radar=True)

    def look(scene: xr.Dataset, whole: bool) -> Seen:
        joined = join_bands(scene, bands, layers.water)
        db = joined.values
        seen = np.isfinite(db)
        view = view_of({LEVEL: standardise(joined, layers.water, radius).values}, seen, ground)
        if not whole:
            return Seen(seen, view, None)
        found = detect_vessels(db, layers.water, layers.land, background, layers.pixel_m, options.vessels)
        berths, hulls = _read_berths(joined, layers, background, options)
        free = _free_of(found, hulls, berths, layers, options)
        yards = {}
        if ashore is not None and memory_flag != NO_MEMORY:
            yards = look_ashore(decibels(scene, bands), Remembered(ashore, background), seen, radar=True)
        return Seen(seen, view, Shown(free, berths, yards))

    level = background[LEVEL]
    empty = None if memory_flag == NO_MEMORY else view_of({LEVEL: level}, np.isfinite(level), ground)
    eye = Eye(look, empty, ground, RADAR, options.min_seen)
    return write_looks(block, first, site, layers, eye, memory_flag)


def _read_berths(
    joined: xr.DataArray, layers: Layers, background: dict[str, Plane], options: LookOptions
) -> tuple[dict[str, BerthLook], Mask]:
    if not layers.faces:
        return {}, np.zeros(layers.water.shape, bool)
    standard = standardise(joined, layers.water, 0).values
    return measure_berths(standard, background["empty"], layers.faces, layers.pixel_m, options.berths)


def _free_of(
    found: Detection, hulls: Mask, berths: Mapping[str, BerthLook], layers: Layers, options: LookOptions
) -> Detection:
    """Leave out what is the outer flank of a ship at a berth: it is counted there, or nothing can be told."""
    reached = ndimage.binary_dilation(hulls, EIGHT, iterations=STRUCTURE_MARGIN_PX)
    untold = np.zeros_like(hulls)
    for face in layers.faces:
        flags = np.array([bool(berths[slot.zone_id].flag) for slot in face.slots])[face.slot]
        untold[face.rows[flags], face.cols[flags]] = True
    if untold.any():
        reached |= ndimage.distance_transform_edt(~untold) * layers.pixel_m <= options.untold_m
    free = tuple(v for v in found.vessels if not reached[round(v.row), round(v.col)])
    return Detection(free, found.artefacts)
