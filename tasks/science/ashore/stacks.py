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
from tasks.science.ashore.shade import SKY, lost_in_shade, off_shadow, share_of
from tasks.science.optical.clouds import DEFAULT_CLOUDS
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
"""Cells by which an image still lies off once slid back: 0.1 to 0.2 m on simulated images of 3 m, and places in
an image differ."""

NEAR = 1e-3
"""Weight of the core at a cell, out of 1, from which its colour is known there."""

NOT_SEEN, NOT_MEASURED, SNOW = "not_seen", "not_measured", "snow"


@dataclass(frozen=True)
class StackOptions:
    """What counts as a stack."""

    strange: float = 3.0
    """Spreads, root mean square of the bands, from which a cell is not bare ground."""

    faint: float = 1.0
    """Spreads below which a cell is bare, whatever its share of goods: shadow looks like dark goods."""

    half: float = 0.5
    """Share of the contrast at the middle of a stack that its edge has."""

    nearby_m: float = 6.0
    """How far the contrast of a stack is carried to its edge: two boxes, which come in batches."""

    row_m: float = 12.0
    """Length along the axis that goods have at least: two rows of 20-foot boxes."""

    least_m: float = 18.0
    """Length along the axis of a whole stack; cranes, lorries and huts are shorter."""

    gap_m: float = 6.0
    """Gaps that belong to a stack: a box of the ground's own colour."""

    black: float = 0.55
    """Share of the ground's reflectance below which, in every band, lies shadow or coal: painted steel is
    brighter in some band."""

    least_inside: float = 0.6
    """Share of a patch that lies in the yard; less is something on the apron."""

    puff_m: float = 36.0
    puff: float = 0.8
    """Broader both ways than this, and as white as a cloud on such a share of it, is a puff of cloud too small for
    the cloud mask: so many boxes together are not all white."""

    soft: float = 0.25
    """Share of its contrast that a patch keeps two to three pixels off its edge, from which it is no stack: the
    camera's blur leaves 0.1 there, puffs of cloud and the last snow 0.3 and more."""

    snow: float = 0.05
    """Reflectance by which snow whitens ground in every visible band."""

    snow_lies: float = 0.08
    """Share of the steady ground that is so white when snow lies all over."""

    snow_rests: float = 0.02
    """Share of it when some snow is left; then what is white in a yard may be snow."""

    uneven: float = 0.06
    """Spread of steady ground about its light, as a share of it, from which the light is too uneven to measure
    in: the edge of a cloud's shadow, wet patches. Even light leaves 0.02."""

    min_seen: float = 0.5
    """Share of a yard that must be seen."""


DEFAULT_STACKS = StackOptions()


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


def find_stacks(
    planes: Mapping[str, Plane],
    bare: Mapping[str, Plane],
    yards: Sequence[Plot],
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
        Which yards.
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
    shares = {y.zone_id: float(seen[y.rows, y.cols].mean()) if y.rows.size else 0.0 for y in yards}
    if pixel_m > COARSEST_M or not bands:
        return {zone: YardLook(share, NOT_MEASURED) for zone, share in shares.items()}
    looks = {zone: YardLook(share, NOT_SEEN) for zone, share in shares.items()}
    wanted = [y for y in yards if shares[y.zone_id] >= options.min_seen]
    if not wanted:
        return looks
    known = seen & np.logical_and.reduce([np.isfinite(bare[b]) & np.isfinite(planes[b]) for b in bands])
    ground = _Ground({b: planes[b] for b in bands}, bare, known, steady & known, box, pixel_m)
    slide = slide_of(ground, wanted)
    for yard in wanted:
        looks[yard.zone_id] = _measure(ground, yard, slide, shares[yard.zone_id], options)
    return looks


@dataclass(frozen=True, eq=False)
class _Ground:
    """One image and what is remembered of its ground."""

    planes: Mapping[str, Plane]
    bare: Mapping[str, Plane]
    known: Mask
    steady: Mask
    box: GeoBox
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
            tone = {b: light.on(np.median(remembered[b])) for b, light in lights.items()}
            if max(light.spread / tone[b] for b, light in lights.items()) > options.uneven:
                lights = None
        return lights, _white(level, {b: p[window][here] for b, p in self.planes.items()}, options)


def slide_of(ground: _Ground, yards: Sequence[Plot]) -> tuple[float, float]:
    """Find by how many rows and columns an image lies off the background around a few yards."""
    windows = sorted(
        (_around(y.rows, y.cols, SLIDE_REACH_PX) for y in yards),
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


def _around(rows: npt.NDArray[np.intp], cols: npt.NDArray[np.intp], reach: int) -> tuple[slice, slice]:
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
    ground: _Ground, yard: Plot, slide: tuple[float, float], share: float, options: StackOptions
) -> YardLook:
    lights, white = ground.light(_around(yard.rows, yard.cols, LIGHT_REACH_PX), options)
    if white > options.snow_lies or lights is None:
        return YardLook(share, SNOW if white > options.snow_lies else NOT_MEASURED)
    frame = lay_frame(yard, ground.box, ground.pixel_m)
    told = frame.known(ground.known, slide)
    inside = frame.inside & told
    still, moved = frame.places(), frame.places(slide)
    level = _without_heaps(
        {b: light.on(still.sample(ground.bare[b])) for b, light in lights.items()}, frame.inside, options
    )
    shown = {b: moved.sample(ground.planes[b]) for b in lights}
    spread = {
        b: _spread(still.sample(ground.bare[f"{b}_spread"]), level[b], light) for b, light in lights.items()
    }
    difference = {b: shown[b] - level[b] for b in lights}
    whiter = np.logical_and.reduce([difference[b] > options.snow for b in lights if b != "nir"])
    if white > options.snow_rests and whiter[inside].mean() > options.snow_rests:
        return YardLook(share, SNOW)
    distance, _ = off_shadow(difference, level, spread)
    black = np.logical_and.reduce([shown[b] < options.black * level[b] for b in lights])
    distance = np.where(told & ~black, distance, np.float32(0))
    odd = _Odd(distance, difference, lost_in_shade(level), spread, _cloudy(shown))
    stacks = _stacks(odd, frame, options)
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
    """Spread of bare ground in one image: what it had on other dates, the image's own, and edges that slid."""
    steep = np.hypot(*np.gradient(ground))
    return np.asarray(
        np.sqrt(np.maximum(light.gain * remembered, light.spread) ** 2 + (SLIDE_LEFT * steep) ** 2)
    )


@dataclass(frozen=True, eq=False)
class _Odd:
    """How cells of a yard differ from bare ground; by band but for the first."""

    distance: Plane
    difference: Mapping[str, Plane]
    lost: Mapping[str, Plane]
    spread: Mapping[str, Plane]

    cloudy: Mask
    """Cells that are white enough for a cloud."""

    def within(self, part: tuple[slice, slice]) -> _Odd:
        """Cut to a part of the yard."""
        difference, lost, spread = (
            {b: plane[part] for b, plane in planes.items()}
            for planes in (self.difference, self.lost, self.spread)
        )
        return _Odd(self.distance[part], difference, lost, spread, self.cloudy[part])


def _stacks(odd: _Odd, frame: Frame, options: StackOptions) -> Mask:
    """Cells of stacks: patches that are strange, long enough along the axis, cut at half their contrast."""

    def cells(metres: float) -> int:
        return max(1, round(metres / frame.step_m))

    strange = _closed(odd.distance > options.strange, cells(options.gap_m))
    long = ndimage.binary_opening(strange, np.ones((cells(options.row_m), 3), bool))
    if not long.any():
        return long
    part = _span(long, 4 * FINER)
    found = np.zeros_like(long)
    found[part] = _cut(odd.within(part), long[part], frame.inside[part], frame.step_m, options)
    return found


def _span(mask: Mask, margin: int) -> tuple[slice, slice]:
    """Rows and columns that hold a mask, and some around them."""
    held = [np.flatnonzero(mask.any(axis=k)) for k in (1, 0)]
    return (
        slice(max(int(held[0][0]) - margin, 0), int(held[0][-1]) + margin + 1),
        slice(max(int(held[1][0]) - margin, 0), int(held[1][-1]) + margin + 1),
    )


def _cut(odd: _Odd, long: Mask, inside: Mask, step_m: float, options: StackOptions) -> Mask:
    """Cut strange patches at half their contrast, and keep those that are stacks."""

    def cells(metres: float) -> int:
        return max(1, round(metres / step_m))

    reach = ndimage.binary_dilation(long, np.ones((3, 3), bool), iterations=2)
    core = ndimage.binary_erosion(long, np.ones((3, 3), bool)) & (odd.distance > options.strange)
    for _ in range(2):
        stack = _closed(
            reach & _more_than_half(odd, core, cells(options.nearby_m) / 2, options), cells(options.gap_m)
        )
        # Bright goods shine beyond their edge; what is deeper inside shows them pure.
        pure = ndimage.binary_erosion(stack, np.ones((3, 3), bool), iterations=FINER)
        core = pure & (odd.distance > options.strange) if pure.any() else core
    stack = ndimage.binary_opening(stack, np.ones((cells(options.row_m), 3), bool))
    labels, count = ndimage.label(stack, np.ones((3, 3), int))
    if not count:
        return stack
    size = np.bincount(labels.ravel(), minlength=count + 1)
    within = np.bincount(labels[inside], minlength=count + 1)
    keep = within >= options.least_inside * size
    keep[0] = False
    for k, span in enumerate(ndimage.find_objects(labels), start=1):
        long_enough = (span[0].stop - span[0].start) * step_m >= options.least_m
        here = labels[span] == k
        broad = min(s.stop - s.start for s in span) * step_m > options.puff_m
        puff = broad and odd.cloudy[span][here].mean() > options.puff
        keep[k] &= long_enough and not puff and _soft(odd.distance, labels, k, span) < options.soft
    return np.asarray(keep[labels])


def _soft(distance: Plane, labels: npt.NDArray[np.int32], k: int, span: tuple[slice, slice]) -> float:
    """What is left of a patch's contrast two to three pixels outside it, as a share."""
    reach = 2 * FINER + 1
    around = tuple(slice(max(s.start - reach, 0), s.stop + reach) for s in span)
    here, part = labels[around] == k, distance[around]
    cells = np.ones((3, 3), bool)
    others = ndimage.binary_dilation((labels[around] != 0) & ~here, cells, iterations=FINER)
    inner = ndimage.binary_dilation(here, cells, iterations=FINER + 1)
    ring = ndimage.binary_dilation(inner, cells, iterations=FINER) & ~inner & ~others
    return float(np.median(part[ring]) / np.median(part[here])) if ring.any() else 0.0


def _more_than_half(odd: _Odd, core: Mask, sigma: float, options: StackOptions) -> Mask:
    """Cells that goods cover by more than half, if they are such as the core beside them."""
    weight = np.maximum(ndimage.gaussian_filter(core.astype(np.float32), sigma), 1e-6)
    goods = {
        b: ndimage.gaussian_filter(np.where(core, d, 0), sigma) / weight for b, d in odd.difference.items()
    }
    share = share_of(goods, odd.difference, odd.lost, odd.spread)
    # A mean of logarithms: one white box among green ones must not set the level for all.
    log = ndimage.gaussian_filter(np.where(core, np.log(np.maximum(odd.distance, 1e-3)), 0), sigma)
    # Boxes of another colour than their neighbours are no share of these, but as strange.
    as_strange = odd.distance > np.maximum(options.half * np.exp(log / weight), options.strange)
    near = weight > NEAR
    return np.asarray(near & ((share > options.half) & (odd.distance > options.faint) | as_strange))


def _closed(mask: Mask, cells: int) -> Mask:
    """Close gaps along the axis, away from the frame's ends."""
    line = np.ones((cells, 1), bool)
    padded = np.pad(mask, ((cells, cells), (0, 0)))
    return np.asarray(ndimage.binary_closing(padded, line)[cells:-cells])
