"""Stacks of containers in a yard at 3 m: ground that looks like no bare ground, in sun or in shade.

A container is 2.4 m wide, less than a pixel; what can be told is the ground that stacks cover. A cell belongs
to a stack if it differs from bare ground at least half as much as the middle of the stack does: blur moves
an edge's foot, not its half height. Shadows lie on a line of their own (`shade`); heaps are darker than any
paint; snow lies on the steady ground too; cranes and lorries are shorter than a stack.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from tasks.grid import pixel_size_m
from tasks.science.ashore.frames import FINER, Frame, lay_frame
from tasks.science.ashore.light import ENOUGH_PX, Light, find_light, find_lights, lasting
from tasks.science.ashore.patches import DEFAULT_STACKS, Odd, StackOptions, cut_stacks
from tasks.science.ashore.shade import SKY, lost_in_shade, off_shadow
from tasks.science.clouds import DEFAULT_CLOUDS
from tasks.science.flags import NOT_MEASURED, NOT_SEEN, SNOW
from tasks.science.plots import Plot
from tasks.science.registration import filled, find_slide

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

COARSEST_M = 5.0
"""A stack is ten to thirty metres wide: at 10 m most of its pixels are edge."""

LIGHT_REACH_PX = 20
"""Around a yard, where its light is told: haze and the edges of clouds differ from pier to pier."""

SLIDE_REACH_PX = 20
"""Around a yard, where the slide is told: as far as the edges of its pier."""

SLIDE_YARDS = 3
"""The smallest, from which it is told: a pier's edges are long enough, and a scene has but 0.05 s."""

SLIDE_NOISE = 0.01
"""Reflectance that counts as noise there at least: an edge that slid by a pixel must not look like goods."""

SLIDE_LEFT = 0.2
"""Cells by which an image still lies off once slid back: 0.1 to 0.2 m on simulated images of 3 m, and places
in an image differ."""


@dataclass(frozen=True)
class YardLook:
    """What one image shows of one yard."""

    seen_fraction: float

    flag: str = ""
    """Why nothing is told: ``not_seen``, ``not_measured``, ``snow``; empty if it is."""

    area_m2: float | None = None
    """Ground covered by stacks where the yard is seen."""

    fill_fraction: float | None = None
    """Of the ground seen."""

    other_m2: float | None = None
    """Ground under heaps, shadows, cranes: not bare, and no stacks."""

    outlines: tuple[BaseGeometry, ...] = field(default=(), repr=False)
    """Of the stacks, in the CRS of the grid, where they truly stand."""

    hidden: tuple[BaseGeometry, ...] = field(default=(), repr=False)
    """Parts of the yard that were not seen."""


@dataclass(frozen=True, eq=False)
class LaidYard:
    """A yard laid straight, with its bare ground as it is remembered; serves all scenes of a background."""

    plot: Plot
    frame: Frame

    bare: Mapping[str, Plane]
    """``<band>`` and ``<band>_spread`` on the cells of the frame."""


def lay_yards(bare: Mapping[str, Plane], yards: Sequence[Plot], box: GeoBox) -> list[LaidYard]:
    """Lay yards straight; `bare` as `find_stacks` takes it."""
    names = [name for band in SKY if band in bare for name in (band, f"{band}_spread")]
    laid = []
    for yard in yards:
        frame = lay_frame(yard, box, pixel_size_m(box))
        places = frame.places()
        laid.append(LaidYard(yard, frame, {name: places.sample(bare[name]) for name in names}))
    return laid


def find_stacks(
    planes: Mapping[str, Plane],
    bare: Mapping[str, Plane],
    yards: Sequence[LaidYard],
    seen: Mask,
    steady: Mask,
    box: GeoBox,
    options: StackOptions = DEFAULT_STACKS,
) -> dict[str, YardLook]:
    """Measure the stacks of every yard in one image.

    Parameters
    ----------
    planes
        Reflectance ``(y, x)`` by band, NaN where there is no data.
    bare
        Planes of `learn_bare` on the same grid, ``<band>`` and ``<band>_spread``; NaN where not known. Known
        for 12 m around the yards, and on the steady ground.
    yards
        Which yards, laid on that ground.
    seen
        ``(y, x)`` pixels without cloud or its shadow.
    steady
        ``(y, x)`` ground on which nothing stands.
    box
        The grid.
    options
        What counts as a stack.

    Returns
    -------
    dict
        By zone id, in the order of the yards. Values are None where nothing can be told.
    """
    pixel_m = pixel_size_m(box)
    bands = [b for b in planes if b in bare and b in SKY]
    plots = [yard.plot for yard in yards]
    shares = {y.zone_id: float(seen[y.rows, y.cols].mean()) if y.rows.size else 0.0 for y in plots}
    if pixel_m > COARSEST_M or not bands:
        return {zone: YardLook(share, NOT_MEASURED) for zone, share in shares.items()}
    looks = {zone: YardLook(share, NOT_SEEN) for zone, share in shares.items()}
    wanted = [yard for yard in yards if shares[yard.plot.zone_id] >= options.min_seen]
    if not wanted:
        return looks
    known = seen & np.logical_and.reduce([np.isfinite(bare[b]) & np.isfinite(planes[b]) for b in bands])
    ground = Ground({b: planes[b] for b in bands}, bare, known, steady & known, pixel_m)
    slide = slide_of(ground, [yard.plot for yard in wanted])
    for yard in wanted:
        zone = yard.plot.zone_id
        looks[zone] = _measure(ground, yard, slide, shares[zone], options)
    return looks


@dataclass(frozen=True, eq=False)
class Ground:
    """One image and what is remembered of its ground."""

    planes: Mapping[str, Plane]
    bare: Mapping[str, Plane]
    known: Mask
    steady: Mask
    pixel_m: float

    def light(
        self, window: tuple[slice, slice], options: StackOptions
    ) -> tuple[dict[str, Light] | None, float]:
        """Tell the light in a window, and the share of steady ground that is white there."""
        here = self.steady[window]
        level = {b: self.bare[b][window][here] for b in self.planes}
        calm = lasting(level, {b: self.bare[f"{b}_spread"][window][here] for b in self.planes})
        remembered = {b: values[calm] for b, values in level.items()}
        shown = {b: p[window][here][calm] for b, p in self.planes.items()}
        lights = find_lights(remembered, shown)
        if lights is not None:
            tone = {
                b: light.offset + light.gain * float(np.median(remembered[b])) for b, light in lights.items()
            }
            if max(light.spread / tone[b] for b, light in lights.items()) > options.uneven:
                lights = None
        return lights, _white(level, {b: p[window][here] for b, p in self.planes.items()}, options)


def slide_of(ground: Ground, yards: Sequence[Plot]) -> tuple[float, float]:
    """Find by how many rows and columns an image lies off the background around a few yards."""
    windows = sorted(
        (around(y.rows, y.cols, SLIDE_REACH_PX) for y in yards),
        key=lambda w: np.prod([s.stop - s.start for s in w]),
    )[:SLIDE_YARDS]
    band = next(b for b in ("nir", "red", "green", "blue") if b in ground.planes)
    remembered = _side_by_side(ground.bare[band], windows)
    shown = _side_by_side(ground.planes[band], windows)
    steady, known = (_side_by_side(mask, windows) for mask in (ground.steady, ground.known))
    light = find_light(remembered[steady], shown[steady])
    if light is None:
        return 0.0, 0.0
    scale = np.float32(1 / max(2 * light.spread, SLIDE_NOISE))
    reference, image = light.on(remembered) * scale, shown * scale
    return find_slide(filled(reference), filled(image), known)


def _side_by_side(plane: npt.NDArray[Any], windows: Sequence[tuple[slice, slice]]) -> npt.NDArray[Any]:
    """Put windows of a plane below one another; seams and what is left over are NaN, of a mask False."""
    parts = [plane[window] for window in windows]
    height, width = sum(p.shape[0] + 1 for p in parts), max(p.shape[1] for p in parts) + 1
    whole = np.full((height, width), False if plane.dtype == bool else np.nan, plane.dtype)
    row = 0
    for part in parts:
        whole[row : row + part.shape[0], : part.shape[1]] = part
        row += part.shape[0] + 1
    return whole


def around(rows: npt.NDArray[np.intp], cols: npt.NDArray[np.intp], reach: int) -> tuple[slice, slice]:
    """Draw the window that reaches so many pixels beyond a few."""
    return tuple(slice(max(int(a.min()) - reach, 0), int(a.max()) + reach + 1) for a in (rows, cols))  # type: ignore[return-value]


def _white(remembered: Mapping[str, Plane], shown: Mapping[str, Plane], options: StackOptions) -> float:
    """Share of ground that is white beyond what haze lays over all of it: snow comes in patches."""
    rises = [shown[b] - remembered[b] for b in shown if b != "nir"]
    if not rises or rises[0].size < ENOUGH_PX:
        return 0.0
    haze = [max(float(np.percentile(rise, 15)), 0.0) for rise in rises]
    return float(
        np.logical_and.reduce([r > h + options.snow for r, h in zip(rises, haze, strict=True)]).mean()
    )


def _measure(
    ground: Ground,
    yard: LaidYard,
    slide: tuple[float, float],
    share: float,
    options: StackOptions,
) -> YardLook:
    plot, frame, bare = yard.plot, yard.frame, yard.bare
    lights, white = ground.light(around(plot.rows, plot.cols, LIGHT_REACH_PX), options)
    if white > options.snow_lies or lights is None:
        return YardLook(share, SNOW if white > options.snow_lies else NOT_MEASURED)
    told = frame.known(ground.known, slide)
    inside = frame.inside & told
    level = _without_heaps({b: light.on(bare[b]) for b, light in lights.items()}, frame.inside, options)
    moved = frame.places(slide)
    shown = {b: moved.sample(ground.planes[b]) for b in lights}
    spread = {b: _spread(bare[f"{b}_spread"], level[b], light) for b, light in lights.items()}
    difference = {b: shown[b] - level[b] for b in lights}
    whiter = np.logical_and.reduce([difference[b] > options.snow for b in lights if b != "nir"])
    if white > options.snow_rests and whiter[inside].mean() > options.snow_rests:
        return YardLook(share, SNOW)
    distance, _ = off_shadow(difference, level, spread)
    black = np.logical_and.reduce([shown[b] < options.black * level[b] for b in lights])
    distance = np.where(told & ~black, distance, np.float32(0))
    odd = Odd(distance, difference, lost_in_shade(level), spread, _cloudy(shown))
    stacks = cut_stacks(odd, frame, options)
    strange = np.sqrt(sum((difference[b] / spread[b]) ** 2 for b in lights) / len(lights)) > options.strange
    area = float((stacks & inside).sum() * frame.cell_m2)
    seen_m2 = float(inside.sum() * frame.cell_m2)
    return YardLook(
        share,
        "",
        area,
        min(area / seen_m2, 1.0) if seen_m2 else None,
        float((strange & inside & ~stacks).sum() * frame.cell_m2),
        tuple(frame.outline(stacks & inside)),
        tuple(frame.outline(frame.inside & ~told)),
    )


def _cloudy(shown: Mapping[str, Plane]) -> Mask:
    """Cells that may be cloud by their colour; boxes may be as white."""
    white = np.minimum.reduce(list(shown.values())) > DEFAULT_CLOUDS.bright
    if {"blue", "red"} <= set(shown):
        white &= shown["blue"] > DEFAULT_CLOUDS.blue * shown["red"]
    return np.asarray(white)


def _without_heaps(level: dict[str, Plane], inside: Mask, options: StackOptions) -> dict[str, Plane]:
    """Put the yard's own ground where a heap is remembered: once it is gone, that is what shows."""
    usual = {b: np.float32(np.median(plane[inside])) for b, plane in level.items()}
    heap = np.logical_and.reduce([level[b] < options.black * usual[b] for b in level])
    if not heap.any():
        return level
    heap = ndimage.binary_dilation(heap, np.ones((3, 3), bool), iterations=FINER)
    return {b: np.where(heap, np.maximum(plane, usual[b]), plane) for b, plane in level.items()}


def _spread(remembered: Plane, ground: Plane, light: Light) -> Plane:
    """Spread of bare ground in one image: as on other dates, the image's own, and of edges that slid."""
    steep = np.hypot(*np.gradient(ground))
    return np.asarray(
        np.sqrt(np.maximum(light.gain * remembered, light.spread) ** 2 + (SLIDE_LEFT * steep) ** 2)
    )
