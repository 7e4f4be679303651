"""Stacks of containers in a yard at 3 m: ground that looks like no bare ground, in sun or in shade.

A container is 2.4 m wide, less than a pixel; what can be told is the ground that stacks cover. A cell belongs
to a stack if it differs from bare ground at least half as much as the middle of the stack does: blur moves
an edge's foot, not its half height. Shadows lie on a line of their own (`shade`); heaps are darker than any
paint; snow lies on the steady ground too; cranes and lorries are shorter than a stack.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from tasks.grid import pixel_size_m
from tasks.science.ashore.frames import Frame, lay_frame
from tasks.science.ashore.light import Light, find_lights, lasting
from tasks.science.ashore.shade import SKY, off_shadow
from tasks.science.plots import Plot
from tasks.science.registration import filled, find_slide

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

COARSEST_M = 5.0
"""A stack is ten to thirty metres wide: at 10 m most of its pixels are edge."""

NOT_SEEN, NOT_MEASURED, SNOW = "not_seen", "not_measured", "snow"


@dataclass(frozen=True)
class StackOptions:
    """What counts as a stack."""

    strange: float = 3.5
    """Spreads, root mean square of the bands, from which a cell is not bare ground."""

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

    snow: float = 0.06
    """Reflectance by which snow whitens ground in every visible band."""

    snow_share: float = 0.08
    """Share of the steady ground that is so white when snow lies."""

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
    ground = steady & seen
    calm = lasting({b: bare[b][ground] for b in bands}, {b: bare[f"{b}_spread"][ground] for b in bands})
    remembered, shown = ({b: p[b][ground][calm] for b in bands} for p in (bare, planes))
    lights = find_lights(remembered, shown)
    if lights is None:
        return looks | {y.zone_id: YardLook(shares[y.zone_id], NOT_MEASURED) for y in wanted}
    if _snow_lies(remembered, shown, options):
        return looks | {y.zone_id: YardLook(shares[y.zone_id], SNOW) for y in wanted}
    slide = slide_of(planes, bare, lights, seen, wanted)
    known = seen & np.logical_and.reduce([np.isfinite(bare[b]) & np.isfinite(planes[b]) for b in bands])
    for yard in wanted:
        looks[yard.zone_id] = _measure(
            planes, bare, yard, known, lights, slide, box, pixel_m, shares[yard.zone_id], options
        )
    return looks


def slide_of(
    planes: Mapping[str, Plane],
    bare: Mapping[str, Plane],
    lights: Mapping[str, Light],
    seen: Mask,
    yards: Sequence[Plot],
) -> tuple[float, float]:
    """Find by how many rows and columns an image lies off the background around the yards."""
    reach = 20
    rows, cols = (np.concatenate([getattr(y, name) for y in yards]) for name in ("rows", "cols"))
    window = tuple(slice(max(int(a.min()) - reach, 0), int(a.max()) + reach) for a in (rows, cols))
    band = next(b for b in ("nir", "red", "green", "blue") if b in lights)
    spread = 2 * lights[band].spread
    reference = lights[band].on(bare[band][window]) / spread
    image = planes[band][window] / np.float32(spread)
    known = np.isfinite(reference) & np.isfinite(image) & seen[window]
    return find_slide(filled(reference), filled(image), known)


def _snow_lies(
    remembered: Mapping[str, Plane], shown: Mapping[str, Plane], options: StackOptions
) -> bool:
    whiter = [shown[b] - remembered[b] > options.snow for b in shown if b != "nir"]
    return bool(np.logical_and.reduce(whiter).mean() > options.snow_share) if whiter else False


def _measure(
    planes: Mapping[str, Plane],
    bare: Mapping[str, Plane],
    yard: Plot,
    known: Mask,
    lights: Mapping[str, Light],
    slide: tuple[float, float],
    box: GeoBox,
    pixel_m: float,
    share: float,
    options: StackOptions,
) -> YardLook:
    frame = lay_frame(yard, box, pixel_m)
    told = frame.known(known, slide)
    inside = frame.inside & told
    ground = {b: lights[b].on(frame.sample(bare[b])) for b in lights}
    shown = {b: frame.sample(planes[b], slide) for b in lights}
    spread = {b: _spread(frame.sample(bare[f"{b}_spread"]), ground[b], lights[b]) for b in lights}
    difference = {b: shown[b] - ground[b] for b in lights}
    distance, _ = off_shadow(difference, ground, spread)
    black = np.logical_and.reduce([shown[b] < options.black * ground[b] for b in lights])
    distance = np.where(told & ~black, distance, np.float32(0))
    stacks = _stacks(distance, frame, options)
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


def _spread(remembered: Plane, ground: Plane, light: Light) -> Plane:
    """Spread of bare ground in one image: what it had on other dates, the image's own, and edges that slid."""
    steep = np.hypot(*np.gradient(ground))
    return np.asarray(np.sqrt(np.maximum(light.gain * remembered, light.spread) ** 2 + (0.4 * steep) ** 2))


def _stacks(distance: Plane, frame: Frame, options: StackOptions) -> Mask:
    """Cells of stacks: patches that are strange, long enough along the axis, cut at half their contrast."""

    def cells(metres: float) -> int:
        return max(1, round(metres / frame.step_m))

    strange = distance > options.strange
    strange = _closed(strange, cells(options.gap_m))
    long = ndimage.binary_opening(strange, np.ones((cells(options.row_m), 3), bool))
    if not long.any():
        return long
    core = ndimage.binary_erosion(long, np.ones((3, 3), bool)) & (distance > options.strange)
    sigma = cells(options.nearby_m) / 2
    weight = ndimage.gaussian_filter(core.astype(np.float32), sigma)
    level = ndimage.gaussian_filter(np.where(core, distance, 0), sigma) / np.maximum(weight, 1e-6)
    near = weight > 1e-3
    stack = near & (distance > np.maximum(options.half * level, options.strange / 2)) & _grown(long)
    # Boxes near the colour of the ground are weaker than half of their neighbours and still inside.
    stack |= ndimage.binary_erosion(long, np.ones((5, 5), bool)) & (distance > options.strange / 2)
    stack = _closed(stack, cells(options.gap_m))
    stack = ndimage.binary_opening(stack, np.ones((cells(options.row_m), 3), bool))
    labels, count = ndimage.label(stack, np.ones((3, 3), int))
    if not count:
        return stack
    size = np.bincount(labels.ravel(), minlength=count + 1)
    within = np.bincount(labels[frame.inside], minlength=count + 1)
    spans = ndimage.find_objects(labels)
    long_enough = np.array(
        [False, *((s[0].stop - s[0].start) * frame.step_m >= options.least_m for s in spans)]
    )
    keep = long_enough & (within >= options.least_inside * size)
    keep[0] = False
    return np.asarray(keep[labels])


def _grown(mask: Mask) -> Mask:
    return np.asarray(ndimage.binary_dilation(mask, np.ones((3, 3), bool)))


def _closed(mask: Mask, cells: int) -> Mask:
    """Close gaps along the axis, away from the frame's ends."""
    line = np.ones((cells, 1), bool)
    padded = np.pad(mask, ((cells, cells), (0, 0)))
    return np.asarray(ndimage.binary_closing(padded, line)[cells:-cells])
