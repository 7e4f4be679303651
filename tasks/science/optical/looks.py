"""What an optical look tells: vessels on the water and at the quays, where no cloud hides them.

As `zones` does for radar. A cloud, its shadow and what was not delivered are "not seen", never empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import xarray as xr
from odc.geo.geobox import GeoBox
from scipy import ndimage

from tasks.model import Site
from tasks.science.ashore.looks import look_ashore
from tasks.science.ashore.memory import Remembered, cover_planes, ground_ashore, learn_ashore
from tasks.science.basis import OPTICAL
from tasks.science.change import lay_ground, view_of
from tasks.science.clouds import find_clouds
from tasks.science.flags import NO_MEMORY
from tasks.science.moorings import lay_alongside
from tasks.science.optical.baseline import Baseline
from tasks.science.optical.learnt_water import learn_empty
from tasks.science.optical.quayside import DEFAULT_QUAYSIDE, QuaysideOptions, measure_quayside
from tasks.science.optical.scene import DEFAULT_OPTICAL, OpticalOptions, find_vessels, seen_planes
from tasks.science.optical.water import model_water
from tasks.science.quays import SHIP_M, number_sections
from tasks.science.reconcile import DEFAULT_RECONCILE, ReconcileOptions, reconcile
from tasks.science.rows import Eye, Measured, Seen, Shown, write_looks
from tasks.science.shapes import Detection
from tasks.science.zones import MIN_SEEN, Layers, draw_site

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

CLASSES = "scl"

MIXED_PX = 2
"""Pixels along a quay that hold some of it: blur, and images that lie a pixel off."""


@dataclass(frozen=True)
class OpticalLookOptions:
    """Everything that decides an optical look's numbers; part of each look's recipe."""

    vessels: OpticalOptions = DEFAULT_OPTICAL
    quayside: QuaysideOptions = DEFAULT_QUAYSIDE
    reconcile: ReconcileOptions = DEFAULT_RECONCILE
    min_seen: float = MIN_SEEN


DEFAULT_OPTICAL_LOOK = OpticalLookOptions()


def reflectance_of(scene: xr.Dataset, bands: Sequence[str]) -> dict[str, Plane]:
    """Bring stored numbers to reflectance: ``(y, x)`` float32, NaN where there is no data."""
    planes = {}
    for name in bands:
        if name == CLASSES:
            continue
        number, attrs = scene[name].values, scene[name].attrs
        scale, offset = (np.float32(attrs.get(*key)) for key in (("scale_factor", 1), ("add_offset", 0)))
        if number.dtype in (np.uint8, np.uint16):  # few numbers: looking them up takes a fifth of the time
            table = np.arange(np.iinfo(number.dtype).max + 1).astype(np.float32) * scale + offset
            table[0] = np.nan
            planes[name] = table.take(number)
            continue
        held = number != 0 if np.issubdtype(number.dtype, np.integer) else np.isfinite(number)
        planes[name] = np.where(held, number.astype(np.float32) * scale + offset, np.float32(np.nan))
    return planes


def optical_planes(bands: Sequence[str]) -> dict[str, str]:
    """Planes of an optical background: each band's reflectance where nothing lies, and its spread."""
    colours = [name for name in bands if name != CLASSES]
    empty = {name: f"{name} reflectance of the empty place" for name in colours}
    spread = {f"{name}_spread": f"spread of it between clear dates, {name}" for name in colours}
    return empty | spread | cover_planes(colours, radar=False)


def learn_optical(
    block: xr.Dataset, epochs: Sequence[Sequence[int]], bands: Sequence[str], site: Site, box: GeoBox
) -> Iterator[dict[str, Plane]]:
    """Estimate what a site looks like empty in each epoch; `epochs` number its scenes in the block."""
    for members in epochs:
        yield learn_clear(block.isel(time=list(members)), bands, site, box)


def learn_clear(block: xr.Dataset, bands: Sequence[str], site: Site, box: GeoBox) -> dict[str, Plane]:
    """Estimate what a site looks like empty, from the scenes of a block; NaN far from water and yards."""
    layers = draw_site(site, box)
    ashore = ground_ashore(layers, radar=False)
    wet = np.flatnonzero(layers.near)
    dry = np.flatnonzero(ashore.where) if ashore is not None else wet[:0]
    colours = [name for name in bands if name != CLASSES]
    dates = block.sizes["time"]
    wet_stack, dry_stack = (
        {name: np.empty((dates, at.size), np.float32) for name in colours} for at in (wet, dry)
    )
    for k in range(dates):
        scene = block.isel(time=k).load()
        planes = reflectance_of(scene, bands)
        unclear = clouds_of(scene, planes, layers.pixel_m).ravel()
        for at, stack in ((wet, wet_stack), (dry, dry_stack)):
            hidden = unclear[at]
            for name, plane in planes.items():
                stack[name][k] = np.where(hidden, np.float32(np.nan), plane.ravel()[at])
    learnt = learn_empty(
        wet_stack,
        layers.water[layers.near],
        _beside_quays(layers)[layers.near],
        number_sections(layers.faces, layers.near.shape, layers.pixel_m)[layers.near],
        round(SHIP_M / layers.pixel_m),
    )
    planes = {name: np.full(box.shape, np.nan, np.float32) for name in optical_planes(bands)}
    for name, column in learnt.items():
        planes[name][layers.near] = column
    if ashore is not None:
        for name, plane in learn_ashore(dry_stack, ashore, radar=False).items():
            planes[name][ashore.where] = plane[ashore.where]
    return planes


def _remembered(background: Mapping[str, Plane], layers: Layers) -> Baseline:
    """Make a stored background ready to be compared with; it knows its own water's level by place."""
    bands = [name for name in background if f"{name}_spread" in background and not name.startswith("bare_")]
    level, spread = ({name: background[name + end] for name in bands} for end in ("", "_spread"))
    return Baseline(level, spread, layers.pixel_m, model_water(level, layers.pixel_m, layers.water))


def _beside_quays(layers: Layers) -> Mask:
    """Pixels of the berths' strips that are water through and through."""
    mixed = ndimage.binary_dilation(layers.land, iterations=MIXED_PX) if layers.land.any() else layers.land
    return np.asarray(layers.strips & ~mixed)


def clouds_of(
    scene: xr.Dataset, planes: Mapping[str, Plane], pixel_m: float, empty: Mapping[str, Plane] | None = None
) -> Mask:
    """Cloud and its shadow, ``(y, x)``: by the provider's classes, by its look, and by the empty place."""
    classes = scene[CLASSES].values if CLASSES in scene else None
    return find_clouds(planes, pixel_m, classes, empty)


def measure_optical(
    block: xr.Dataset,
    background: dict[str, Plane],
    bands: Sequence[str],
    site: Site,
    box: GeoBox,
    memory_flag: str = "",
    first: int = 0,
    options: OpticalLookOptions = DEFAULT_OPTICAL_LOOK,
) -> Measured:
    """Measure every zone of a site in a few optical scenes that share one background.

    Parameters
    ----------
    block
        ``(time, y, x)`` per band in order of time, stored numbers with ``scale_factor`` and
        ``add_offset``; ``scene_id`` along time.
    background
        Planes of `optical_planes`, ``(y, x)``; NaN where nothing is remembered.
    bands
        Bands of the cube.
    site, box
        Zones, and the grid that the block is on.
    memory_flag
        Flag that every row carries when the background rests on few scenes; empty otherwise.
    first
        Number of the first scene that is written down; those before it are only what it is compared with.
    options
        Thresholds.
    """
    layers = draw_site(site, box)
    baseline = None if memory_flag == NO_MEMORY else _remembered(background, layers)
    drawn = ground_ashore(layers, radar=False)
    ashore = None if drawn is None else Remembered(drawn, background)
    port = _Port(layers, layers.water | layers.strips, baseline, ashore, options)
    ground = lay_ground(layers.zones, layers.water, layers.strips)

    def look(scene: xr.Dataset, whole: bool) -> Seen:
        planes = reflectance_of(scene, bands)
        unclear = clouds_of(scene, planes, layers.pixel_m, baseline.level if baseline else None)
        seen = np.logical_and.reduce([np.isfinite(p) for p in planes.values()]) & ~unclear
        shown = _tell(planes, unclear, seen, port) if whole else None
        return Seen(seen, view_of(planes, seen, ground), shown)

    empty = None if baseline is None else view_of(baseline.level, np.ones(box.shape, bool), ground)
    eye = Eye(look, empty, ground, OPTICAL, options.min_seen)
    return write_looks(block, first, site, layers, eye, memory_flag)


@dataclass(frozen=True)
class _Port:
    """A site on a grid, and what is remembered of it."""

    layers: Layers
    water: Mask
    baseline: Baseline | None
    ashore: Remembered | None
    options: OpticalLookOptions


def _tell(planes: Mapping[str, Plane], unclear: Mask, seen: Mask, port: _Port) -> Shown:
    """Tell what one scene shows of a port."""
    layers, options = port.layers, port.options
    yards = {}
    if port.ashore is not None and port.baseline is not None:
        yards = look_ashore(planes, port.ashore, seen, radar=False)
    if not seen[port.water].any():  # nothing to be found under a closed cover
        nothing = lay_alongside((), layers.faces, seen, layers.pixel_m, 1.0)[0]
        return Shown(Detection(()), nothing, yards)
    clear = seen_planes(planes, unclear)
    today = model_water(clear, layers.pixel_m, None, options.vessels.water)
    found = Detection(())
    if today is not None:
        found = find_vessels(
            clear,
            today,
            layers.pixel_m,
            water=port.water,
            land=layers.land,
            baseline=port.baseline,
            options=options.vessels,
        )
    berths, free = lay_alongside(found.vessels, layers.faces, seen, layers.pixel_m, options.min_seen)
    if port.baseline is not None and today is not None:
        compared = measure_quayside(
            clear,
            port.baseline,
            today,
            layers.faces,
            seen,
            layers.pixel_m,
            options.min_seen,
            options.quayside,
        )
        lengths_m = {slot.zone_id: slot.length_m for face in layers.faces for slot in face.slots}
        berths = reconcile(berths, compared, lengths_m, layers.pixel_m, options.reconcile)
    return Shown(replace(found, vessels=free), berths, yards)
