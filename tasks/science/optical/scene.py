"""Vessels in one optical image: bright against the water around them, or standing out from a quay.

On open water a pixel is compared with the water within a few ships' breadths, band by band
(`afloat`). At a quay one date shows a shape only, judged by what lies in it, behind it and before it
(`alongside`, `evidence`); where the water is known, from the site or from the stack's own baseline, a
ship alongside is found like one afloat. A scene is worked through in tiles with a margin that holds the
longest ship, so the tiles' size changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
from scipy import ndimage

from tasks.science.optical.afloat import MARGIN_PX, find_afloat
from tasks.science.optical.alongside import DEFAULT_ALONGSIDE, AlongsideOptions, find_alongside
from tasks.science.optical.baseline import Baseline
from tasks.science.optical.blocks import Window
from tasks.science.optical.candidates import DEFAULT_AFLOAT, AfloatOptions, Found, Part
from tasks.science.optical.evidence import DEFAULT_EVIDENCE, EvidenceOptions, Surroundings, claims
from tasks.science.optical.water import (
    DEFAULT_WATER,
    Mask,
    Plane,
    WaterModel,
    WaterOptions,
    model_water,
    sharpest,
    water_body,
)
from tasks.science.shapes import EIGHT, Detection, Vessel


@dataclass(frozen=True)
class OpticalOptions:
    """What counts as a vessel in an optical image."""

    water: WaterOptions = DEFAULT_WATER
    afloat: AfloatOptions = DEFAULT_AFLOAT
    alongside: AlongsideOptions = DEFAULT_ALONGSIDE
    evidence: EvidenceOptions = DEFAULT_EVIDENCE

    land_m: float = 500.0
    """Diagonal from which what is no water is land: the longest ship is 400 m."""

    min_sea_m2: float = 300_000.0
    """A smaller basin that ends inside the image is a pond: no ship comes there. (Warehouses stand at ponds
    in Klang; the smallest harbour basin of the five ports goes on into 2.5 km².)"""

    tile_px: int = 1024
    """Side of the tiles in which a scene is worked through."""

    halo_m: float = 900.0
    """Margin of a tile: the longest ship, and the water around it."""


DEFAULT_OPTICAL = OpticalOptions()


def detect_optical_scene(
    reflectance: Mapping[str, Plane],
    pixel_m: float,
    *,
    water: Mask | None = None,
    land: Mask | None = None,
    unclear: Mask | None = None,
    baseline: Baseline | None = None,
    options: OpticalOptions = DEFAULT_OPTICAL,
) -> Detection:
    """Find the vessels of one scene.

    Parameters
    ----------
    reflectance
        Planes ``(y, x)`` by band, any of blue, green, red, nir, swir16; NaN where not seen. Two of the
        visible bands and nir are best; nir or red alone will do.
    pixel_m
        Edge of a pixel on the ground, metres.
    water
        ``(y, x)`` where water is when no ship lies there: a site's, or the share of a stack's dates. Found in
        the image by default, up to the quay or the ships at it, which are then told apart by their shape.
    land
        ``(y, x)`` where no vessel can be.
    unclear
        ``(y, x)`` cloud and its shadow: not seen.
    baseline
        What the place looks like empty, from `learn_empty`; gives `water` too where that is not given.
    options
        What counts as a vessel.

    Returns
    -------
    Detection
        Vessels by row; `artefacts` are the middles of groups that no ship can be.

    Raises
    ------
    ValueError
        If there is no band in which water can be told from land.
    """
    planes = seen_planes(reflectance, unclear)
    if baseline is not None and water is None:
        water = baseline.water(pixel_m, options.water)
    model = model_water(planes, pixel_m, None, options.water)
    if model is None:
        return Detection((), searched=None if water is not None else np.zeros(_shape(planes), bool))
    return find_vessels(planes, model, pixel_m, water=water, land=land, baseline=baseline, options=options)


def find_vessels(
    planes: Mapping[str, Plane],
    model: WaterModel,
    pixel_m: float,
    *,
    water: Mask | None,
    land: Mask | None,
    baseline: Baseline | None,
    options: OpticalOptions = DEFAULT_OPTICAL,
) -> Detection:
    """Find vessels as `detect_optical_scene` does, in planes of `seen_planes` whose water is known."""
    body = water_body(planes, model, pixel_m, options.water)
    searched = None if water is not None else body.copy()
    shape = body.shape
    if water is None:
        solid = _land(body, np.isfinite(next(iter(planes.values()))), pixel_m, options)
    else:
        body &= water
        solid = ~water
    if land is not None:
        solid |= land
        body &= ~land
    sea = body if water is not None else _sea(body, pixel_m, options)
    vessels: list[Vessel] = []
    artefacts: list[tuple[float, float]] = []
    known = water is not None
    wet = ~solid & np.isfinite(next(iter(planes.values()))) if known else None
    for window, core, mine in _regions(wet, shape, pixel_m, options):
        part = _part(planes, body, sea, solid, model, window, pixel_m, known=known)
        if baseline is not None:
            part = replace(part, empty=baseline.as_today(model, window))
        origin = window[0].start, window[1].start
        for found in _in_part(part, pixel_m, origin, known=known, options=options):
            vessel = found.vessel
            row, col = vessel.row + window[0].start, vessel.col + window[1].start
            if not (core[0].start <= row + 0.5 < core[0].stop and core[1].start <= col + 0.5 < core[1].stop):
                continue
            if not mine(row, col):
                continue
            if found.refused:
                artefacts.append((row, col))
            else:
                vessels.append(replace(vessel, row=row, col=col))
    vessels.sort(key=lambda v: (v.row, v.col))
    return Detection(tuple(vessels), tuple(sorted(artefacts)), searched)


def _in_part(
    part: Part, pixel_m: float, origin: tuple[int, int], *, known: bool, options: OpticalOptions
) -> Iterator[Found]:
    afloat = find_afloat(part, pixel_m, known=known, options=options.afloat)
    yield from afloat
    if known or not part.solid.any():
        return
    around = Surroundings.of(part, pixel_m)
    boxes = find_alongside(around.height, pixel_m, options.alongside, origin)
    taken = [found.vessel for found in afloat if not found.refused]
    for vessel in claims(boxes, taken, around, pixel_m, options.evidence):
        yield Found(vessel)


def _shape(planes: Mapping[str, Plane]) -> tuple[int, ...]:
    return next(iter(planes.values())).shape


def seen_planes(reflectance: Mapping[str, Plane], unclear: Mask | None = None) -> dict[str, Plane]:
    """Make all bands agree on what was seen.

    Seen is what two bands saw: water so clear that it reflects nothing in the infrared is stored as no data
    where 0 stands for it.
    """
    found = [np.isfinite(plane) for plane in reflectance.values()]
    count = sum(mask.view(np.int8) for mask in found)
    seen = np.asarray(count >= min(2, len(reflectance)))
    if unclear is not None:
        seen &= ~unclear
    planes = {}
    for (band, plane), own in zip(reflectance.items(), found, strict=True):
        planes[band] = np.where(seen, plane, np.float32(np.nan)).astype(np.float32, copy=False)
        if (seen > own).any():
            planes[band][seen & ~own] = 0
    return planes


def _part(
    planes: Mapping[str, Plane],
    body: Mask,
    sea: Mask,
    solid: Mask,
    model: WaterModel,
    window: Window,
    pixel_m: float,
    *,
    known: bool,
) -> Part:
    edge = model.field(model.limit, window)
    level = {band: model.field(model.level[band], window) for band in planes}
    spread = {band: model.field(model.spread[band], window) for band in planes}
    rise = edge - np.minimum(level[sharpest(planes)], np.float32(0.8) * edge)
    shore = np.full(edge.shape, np.inf, np.float32)
    if not known and solid[window].any():  # beside known land a ship is as likely as anywhere
        shore = (ndimage.distance_transform_edt(~solid[window]) * pixel_m).astype(np.float32)
    bands = {band: plane[window] for band, plane in planes.items()}
    frame = tuple((part.start > 0, part.stop < size) for part, size in zip(window, body.shape, strict=True))
    return Part(bands, level, spread, body[window], sea[window], solid[window], rise, shore, frame)


def _regions(
    wet: Mask | None, shape: tuple[int, ...], pixel_m: float, options: OpticalOptions
) -> Iterator[tuple[Window, Window, Callable[[float, float], bool]]]:
    """Cut a scene into windows, each with the part of it that is its own, and says which places are.

    Where the water is known, its basins are worked through as far as they are seen, not the land between.
    """
    if wet is None:
        whole = slice(0, shape[0]), slice(0, shape[1])
        for window, core in _tiles(whole, whole, pixel_m, options):
            yield window, core, lambda *_: True
        return
    # Farther apart than a pixel's water is sampled, so that no basin knows of another.
    step = round(options.afloat.nearby.ring_m / pixel_m) + MARGIN_PX
    rows, cols = (np.arange(0, size, step) for size in shape)
    cells = np.logical_or.reduceat(np.logical_or.reduceat(wet, rows, axis=0), cols, axis=1)
    basins, _ = ndimage.label(cells, EIGHT)
    nearest = ndimage.distance_transform_edt(~cells, return_distances=False, return_indices=True)
    owner = basins[tuple(nearest)]

    def mine(number: int, row: float, col: float) -> bool:
        at = [min(max(round(x), 0), size - 1) // step for x, size in zip((row, col), shape, strict=True)]
        return bool(owner[at[0], at[1]] == number)

    for number, box in enumerate(ndimage.find_objects(basins), start=1):
        own = [slice(s.start * step, min(s.stop * step, n)) for s, n in zip(box, shape, strict=True)]
        wide = [slice(max(0, s.start - step), min(n, s.stop + step)) for s, n in zip(own, shape, strict=True)]
        for window, core in _tiles((own[0], own[1]), (wide[0], wide[1]), pixel_m, options):
            yield window, core, partial(mine, number)


def _tiles(
    own: Window, bounds: Window, pixel_m: float, options: OpticalOptions
) -> Iterator[tuple[Window, Window]]:
    """Cut a window into tiles of like size, with a margin as far as the bounds."""
    halo = int(np.ceil(options.halo_m / pixel_m))
    cuts = []
    for side, bound in zip(own, bounds, strict=True):
        count = max(1, round((side.stop - side.start) / options.tile_px))
        inner = np.linspace(side.start, side.stop, count + 1).astype(int)[1:-1]
        cuts.append([bound.start, *(int(cut) for cut in inner), bound.stop])
    for top, bottom in pairwise(cuts[0]):
        for left, right in pairwise(cuts[1]):
            core = slice(top, bottom), slice(left, right)
            rows, cols = (
                slice(max(bound.start, part.start - halo), min(bound.stop, part.stop + halo))
                for part, bound in zip(core, bounds, strict=True)
            )
            yield (rows, cols), core


def _land(body: Mask, seen: Mask, pixel_m: float, options: OpticalOptions) -> Mask:
    """Find what is no water and too large for a ship."""
    labels, count = ndimage.label(~body & seen, EIGHT)
    solid = np.zeros(count + 1, bool)
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        extent = np.hypot(*(part.stop - part.start for part in box)) * pixel_m
        solid[label] = extent > options.land_m
    return np.asarray(solid[labels])


def _sea(body: Mask, pixel_m: float, options: OpticalOptions) -> Mask:
    """Find the water that ships can come to: large basins, and what goes on beyond the image."""
    labels, count = ndimage.label(body)
    large = np.bincount(labels.ravel(), minlength=count + 1) * pixel_m**2 >= options.min_sea_m2
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        large[edge] = True
    large[0] = False
    return np.asarray(large[labels])
