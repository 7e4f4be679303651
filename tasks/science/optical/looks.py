"""What an optical look tells: vessels on the water and at the quays, where no cloud hides them.

As `zones` does for radar. A cloud, its shadow and what was not delivered are "not seen", never empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import xarray as xr
from odc.geo.geobox import GeoBox
from scipy import ndimage

from tasks.model import Site
from tasks.science.basis import OPTICAL
from tasks.science.moorings import lay_alongside
from tasks.science.optical.baseline import Baseline
from tasks.science.optical.clouds import find_clouds
from tasks.science.optical.learnt_water import learn_empty
from tasks.science.optical.scene import DEFAULT_OPTICAL, OpticalOptions, detect_optical_scene
from tasks.science.optical.water import model_water
from tasks.science.quays import SHIP_M, number_sections
from tasks.science.shapes import Detection
from tasks.science.zones import MIN_SEEN, NO_MEMORY, Layers, Rows, Shown, draw_site, write_looks

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

CLASSES = "scl"

MIXED_PX = 2
"""Pixels along a quay that hold some of it: blur, and images that lie a pixel off."""


@dataclass(frozen=True)
class OpticalLookOptions:
    """Everything that decides an optical look's numbers; part of each look's recipe."""

    vessels: OpticalOptions = DEFAULT_OPTICAL
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
    return {name: f"{name} reflectance of the empty place" for name in colours} | {
        f"{name}_spread": f"spread of it between clear dates, {name}" for name in colours
    }


def learn_optical(block: xr.Dataset, bands: Sequence[str], site: Site, box: GeoBox) -> dict[str, Plane]:
    """Estimate what a site looks like empty, from the scenes of a block; NaN far from water."""
    layers = draw_site(site, box)
    stack = []
    for k in range(block.sizes["time"]):
        scene = block.isel(time=k)
        planes = reflectance_of(scene, bands)
        unclear = clouds_of(scene, planes, layers.pixel_m)
        stack.append({name: np.where(unclear, np.nan, plane)[layers.near] for name, plane in planes.items()})
    columns = {name: np.stack([s[name] for s in stack]) for name in stack[0]}
    learnt = learn_empty(
        columns,
        layers.water[layers.near],
        _beside_quays(layers)[layers.near],
        number_sections(layers.faces, layers.near.shape, layers.pixel_m)[layers.near],
        round(SHIP_M / layers.pixel_m),
    )
    planes = {}
    for name, column in learnt.items():
        planes[name] = np.full(box.shape, np.nan, np.float32)
        planes[name][layers.near] = column
    return planes


def _remembered(background: Mapping[str, Plane], layers: Layers) -> Baseline:
    """Make a stored background ready to be compared with; it knows its own water's level by place."""
    spread = {name.removesuffix("_spread"): p for name, p in background.items() if name.endswith("_spread")}
    level = {name: background[name] for name in spread}
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
    options: OpticalLookOptions = DEFAULT_OPTICAL_LOOK,
) -> tuple[Rows, Rows]:
    """Measure every zone of a site in a few optical scenes that share one background.

    Parameters
    ----------
    block
        ``(time, y, x)`` per band, stored numbers with ``scale_factor`` and ``add_offset``; ``scene_id`` along
        time.
    background
        Planes of `optical_planes`, ``(y, x)``; NaN where nothing is remembered.
    bands
        Bands of the cube.
    site, box
        Zones, and the grid that the block is on.
    memory_flag
        Flag that every row carries when the background rests on few scenes; empty otherwise.
    options
        Thresholds.

    Returns
    -------
    looks, vessels
        Plain rows: one per scene × zone, one per vessel inside a zone that was seen.
    """
    layers = draw_site(site, box)
    where = layers.water | layers.strips
    baseline = None if memory_flag == NO_MEMORY else _remembered(background, layers)

    def read(scene: xr.Dataset) -> Shown:
        planes = reflectance_of(scene, bands)
        unclear = clouds_of(scene, planes, layers.pixel_m, baseline.level if baseline else None)
        seen = np.logical_and.reduce([np.isfinite(p) for p in planes.values()]) & ~unclear
        if not seen[where].any():  # nothing to be found under a closed cover
            return Shown(seen, Detection(()), lay_alongside((), layers.faces, seen, layers.pixel_m, 1.0)[0])
        found = detect_optical_scene(
            planes,
            layers.pixel_m,
            water=where,
            land=layers.land,
            unclear=unclear,
            baseline=baseline,
            options=options.vessels,
        )
        berths, free = lay_alongside(found.vessels, layers.faces, seen, layers.pixel_m, options.min_seen)
        return Shown(seen, replace(found, vessels=free), berths)

    return write_looks(block, site, layers, read, OPTICAL, memory_flag, options.min_seen)
