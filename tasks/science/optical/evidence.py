"""What speaks for a box at the water's edge being a ship: what lies in it, behind it and before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import shapely
from scipy import ndimage

from tasks.science.optical.alongside import Box
from tasks.science.optical.candidates import Part
from tasks.science.optical.water import DEEPEST, Mask, Plane, first_of, sharpest
from tasks.science.shapes import Vessel

Numbers = npt.NDArray[np.floating]

LIFT = 0.01
"""Reflectance added before the logarithm: what water itself varies by."""

COLOURS = (("blue", "green"), ("red",), ("nir",))
"""Bands in which a ship differs from its quay, each the first that is there: rust, paint and deck cargo
differ in the visible, and all from water in the infrared."""

DARK = 0.002
"""Least reflectance above the water that is taken the logarithm of: twice the sensor's noise."""


END_LIFT = 0.05
"""Added to changes before the logarithm: smaller ones are noise."""


@dataclass(frozen=True)
class EvidenceOptions:
    """How much speaks for a ship."""

    straight: float = 1.60
    size: float = 2.52
    slender: float = 0.34
    colour: float = 1.20
    shallow: float = -0.56
    leaves_behind: float = -1.78
    end: float = 0.66
    end_behind: float = -0.54
    constant: float = -13.62
    """Log odds of a ship, a sum over `terms`: `tests.benchmarks.fit_alongside` on the boxes at the quays of
    five ports. With each port left out in turn 18 of 23 claims at quays are labelled ships, with all five in
    the fit 21 of 26."""

    usual_elongation: float = 6.0
    """Length by width that most ships have; `slender` counts the logarithm's distance from it."""

    max_elongation: float = 12.0

    max_overlap: float = 0.25
    """Share of the smaller of two ships' boxes that may lie in the other."""

    min_odds: float = -1.6
    """Log odds from which a ship is claimed; the fit weighs hard cases more, so nought is no even chance."""

    min_sea: float = 0.3
    """Share of what lies before it that is water of a basin which ships can come to."""

    min_ashore: float = 0.5
    max_red_edge: float = 2.3
    """Leaves: what grows is no ship; quays' ships have 1.0 to 2.1,"""

    max_red_edge_behind: float = 3.0
    """nor does one lie alongside a wood."""

    min_width_m: float = 14.0
    min_fairway_m: float = 25.0
    """Half the breadth of the water before it: a large ship's own breadth, to get there."""

    width_sd_px: float = 0.6
    length_sd_px: float = 1.0
    relative_sd: float = 0.05


DEFAULT_EVIDENCE = EvidenceOptions()


@dataclass(frozen=True)
class Surroundings:
    """One part of a scene, as the boxes are judged in it; all planes ``(y, x)``."""

    contrast: Mapping[str, Plane]
    """Reflectance above the water, by band; 0 where not seen."""

    height: Plane
    """0 on water, 1 at its edge; NaN where not seen."""

    body: Mask
    """The water body."""

    solid: Mask
    """Land: too large for a ship."""

    depth_m: Plane
    """Distance to what is not water."""

    sea: Mask
    """Water of a basin that ships can come to."""

    colours: tuple[Plane, ...]
    """Logarithms of the contrast, of `COLOURS`."""

    spread: Plane
    """Spread of the open water in the band that sees deepest, reflectance."""

    @classmethod
    def of(cls, part: Part, pixel_m: float) -> Self:
        """Take them from a part of a scene."""
        sharp, body = sharpest(part.planes), part.body
        contrast = {band: plane - part.level[band] for band, plane in part.planes.items()}
        height = contrast[sharp] / part.rise
        height = np.where(body, np.minimum(height, 0.99), height)
        inland = ndimage.binary_erosion(~body, border_value=1) & np.isfinite(height)
        height = np.where(inland, np.maximum(height, 1.01), height)  # shadows and dark roofs are no water
        contrast = {band: np.nan_to_num(plane) for band, plane in contrast.items()}
        there = [next((band for band in bands if band in contrast), None) for bands in COLOURS]
        bands = [band for band in there if band is not None] or [sharp]
        return cls(
            contrast,
            height.astype(np.float32),
            body,
            part.solid,
            (ndimage.distance_transform_edt(body) * pixel_m).astype(np.float32),
            part.sea,
            tuple(np.log(np.maximum(contrast[band], 0) + np.float32(LIFT)) for band in bands),
            part.spread[first_of(part.planes, DEEPEST)],
        )


@dataclass(frozen=True)
class Evidence:
    """One number per box."""

    ashore: Numbers
    """Share of it on land's own group: a ship alongside hangs together with its quay."""

    fairway_m: Numbers
    """Half breadth of the water before it."""

    red_edge: Numbers
    """Near infrared by red: above 2 grows what has leaves."""

    red_edge_behind: Numbers
    colour: Numbers
    """How far its colour lies from that of the ground behind it, root mean square of log ratios."""

    end: Numbers
    """Change at the weaker end over the box's breadth, root mean square over `COLOURS`,"""

    end_behind: Numbers
    """and the larger of the changes that go on there behind it: a ship's ends stop at the quay, those of
    roofs, yards and piers do not."""

    sea: Numbers
    """Share of what lies before it that ships can come to."""

    shallow: Numbers
    """Spreads by which the water before it is brighter in the deepest-seeing band: a ship's is dredged, a
    beach's shows its bottom and breaks."""


def claims(
    boxes: list[Box],
    taken: list[Vessel],
    around: Surroundings,
    pixel_m: float,
    options: EvidenceOptions = DEFAULT_EVIDENCE,
) -> list[Vessel]:
    """Say which boxes are ships: those with most evidence, none in another's place.

    Parameters
    ----------
    boxes
        From `find_alongside` on the same part of the scene.
    taken
        Vessels already found there.
    around
        That part.
    pixel_m
        Edge of a pixel on the ground, metres.
    options
        How much speaks for a ship.
    """
    if not boxes:
        return []
    odds = log_odds(boxes, weigh(boxes, around, pixel_m), options)
    places = list(outlines(taken, pixel_m))
    claimed = []
    best = np.flatnonzero(odds >= options.min_odds)
    for k in sorted(best, key=lambda k: (-odds[k], boxes[k].row, boxes[k].col)):
        vessel = _vessel(boxes[k], float(odds[k] - options.min_odds), pixel_m, options)
        (place,) = outlines([vessel], pixel_m)
        if all(
            place.intersection(other).area <= options.max_overlap * min(place.area, other.area)
            for other in places
        ):
            places.append(place)
            claimed.append(vessel)
    return claimed


def log_odds(boxes: list[Box], seen: Evidence, options: EvidenceOptions = DEFAULT_EVIDENCE) -> Numbers:
    """Log odds of a ship, box by box; minus infinity where there can be none."""
    odds = np.full(len(boxes), options.constant)
    for name, term in terms(boxes, seen, options).items():
        odds += getattr(options, name) * term
    length, width = (np.array([getattr(box, name) for box in boxes]) for name in ("length_m", "width_m"))
    possible = (seen.ashore >= options.min_ashore) & (seen.red_edge <= options.max_red_edge)
    possible &= (seen.red_edge_behind <= options.max_red_edge_behind) & (width >= options.min_width_m)
    possible &= length <= options.max_elongation * width
    possible &= (seen.fairway_m >= options.min_fairway_m) & (seen.sea >= options.min_sea)
    return np.where(possible, odds, -np.inf)


def terms(
    boxes: list[Box], seen: Evidence, options: EvidenceOptions = DEFAULT_EVIDENCE
) -> dict[str, Numbers]:
    """Give what is weighed, by the name of its weight."""
    length, width = (np.array([getattr(box, name) for box in boxes]) for name in ("length_m", "width_m"))
    return {
        "straight": np.array([box.straight for box in boxes]),
        "size": np.log(length),
        "slender": np.abs(np.log(length / width / options.usual_elongation)),
        "colour": np.log(0.05 + seen.colour),
        "shallow": np.clip(np.arcsinh(seen.shallow), -1, 3),
        "leaves_behind": np.clip(seen.red_edge_behind, 0.8, 3),
        "end": np.log(END_LIFT + seen.end),
        "end_behind": np.log(END_LIFT + seen.end_behind),
    }


def _vessel(box: Box, score: float, pixel_m: float, options: EvidenceOptions) -> Vessel:
    sds = [
        float(np.hypot(pixels * pixel_m, options.relative_sd * extent))
        for pixels, extent in ((options.length_sd_px, box.length_m), (options.width_sd_px, box.width_m))
    ]
    return Vessel(box.row, box.col, box.length_m, box.width_m, sds[0], sds[1], box.axis, score)


def outlines(shapes: Sequence[Vessel | Box], pixel_m: float) -> npt.NDArray[np.object_]:
    """Draw vessels or boxes in pixels, x to the east and y to the north."""
    numbers = np.array([(s.col, -s.row, *s.axis, s.length_m, s.width_m) for s in shapes]).reshape(-1, 6)
    middle, axis, half = numbers[:, :2], numbers[:, 2:4], numbers[:, 4:] / 2 / pixel_m
    along, across = axis * half[:, :1], np.stack([-axis[:, 1], axis[:, 0]], axis=1) * half[:, 1:]
    corners = [along + across, along - across, -along - across, -along + across]
    return np.asarray(shapely.polygons(np.stack([middle + corner for corner in corners], axis=1)))


def weigh(boxes: list[Box], around: Surroundings, pixel_m: float) -> Evidence:
    """Sample what lies in, behind and before each box.

    Parameters
    ----------
    boxes
        From `find_alongside` on the same part of the scene.
    around
        That part.
    pixel_m
        Edge of a pixel on the ground, metres.
    """
    at = _Sampler(boxes, pixel_m)
    water, half = around.body.astype(np.float32), at.half_width
    left = at.mean(water, (-0.9, 0.9), (half + 5, half + 15))
    right = at.mean(water, (-0.9, 0.9), (-half - 15, -half - 5))
    at.out = np.where(left >= right, 1.0, -1.0)
    inside = {
        band: at.mean(plane, (-0.85, 0.85), (-0.7 * half, 0.7 * half))
        for band, plane in around.contrast.items()
    }
    behind = {
        band: at.mean(plane, (-0.85, 0.85), (-half - 26, -half - 6))
        for band, plane in around.contrast.items()
    }
    deep = first_of(around.contrast, DEEPEST)
    before = at.mean(around.contrast[deep], (-0.9, 0.9), (half + 16, half + 45))
    return Evidence(
        ashore=at.mean(around.solid.astype(np.float32), (-0.8, 0.8), (-0.8 * half, 0.8 * half)),
        fairway_m=at.highest(around.depth_m, (0.0, 0.0), (half + 20, half + 120)),
        red_edge=_red_edge(inside),
        red_edge_behind=_red_edge(behind),
        colour=_colour(inside, behind, deep),
        end=np.minimum(*_ends(at, around, -0.8 * half, 0.8 * half)),
        end_behind=np.maximum(*_ends(at, around, -half - 24, -half - 6)),
        sea=at.mean(around.sea.astype(np.float32), (-0.9, 0.9), (half + 8, half + 40)),
        shallow=before / np.maximum(at.mean(around.spread, (0.0, 0.0), (0 * half, 0 * half)), DARK),
    )


def _ends(at: _Sampler, around: Surroundings, inner: Numbers, outer: Numbers) -> list[Numbers]:
    """Change from 2 to 14 m within to as far beyond either end, in a band across."""
    changes = []
    for sign in (-1, 1):
        squares = np.zeros(len(at.half_length))
        for plane in around.colours:
            within, beyond = (
                at.mean(
                    plane,
                    (sign * (1 + near / at.half_length), sign * (1 + far / at.half_length)),
                    (inner, outer),
                )
                for near, far in ((-14.0, -2.0), (2.0, 14.0))
            )
            squares += np.square(within - beyond) / len(around.colours)
        changes.append(np.sqrt(squares))
    return changes


class _Sampler:
    """Reads planes at places given along each box (half lengths) and across it (metres, outwards)."""

    def __init__(self, boxes: list[Box], pixel_m: float) -> None:
        self.row = np.array([box.row for box in boxes])
        self.col = np.array([box.col for box in boxes])
        self.axis = np.array([box.axis for box in boxes]).reshape(-1, 2)
        self.half_length = np.array([box.length_m for box in boxes]) / 2
        self.half_width = np.array([box.width_m for box in boxes]) / 2
        self.out = np.ones(len(boxes))
        self.pixel_m = pixel_m

    def values(
        self,
        plane: Plane,
        along: tuple[float | Numbers, float | Numbers],
        across: tuple[Numbers, Numbers],
        count: tuple[int, int] = (24, 6),
    ) -> Numbers:
        ones = np.ones_like(self.half_length)
        u = np.linspace(along[0] * ones, along[1] * ones, count[0], axis=-1)[:, :, None]
        v = np.linspace(across[0] * ones, across[1] * ones, count[1], axis=-1)[:, None, :]
        u, v = u * self.half_length[:, None, None], v * self.out[:, None, None]
        x = u * self.axis[:, 0, None, None] - v * self.axis[:, 1, None, None]
        y = u * self.axis[:, 1, None, None] + v * self.axis[:, 0, None, None]
        place = self.row[:, None, None] - y / self.pixel_m, self.col[:, None, None] + x / self.pixel_m
        return np.asarray(ndimage.map_coordinates(plane, place, order=1, mode="nearest"))

    def mean(
        self,
        plane: Plane,
        along: tuple[float | Numbers, float | Numbers],
        across: tuple[Numbers, Numbers],
    ) -> Numbers:
        return np.asarray(self.values(plane, along, across).mean((1, 2)))

    def highest(self, plane: Plane, along: tuple[float, float], across: tuple[Numbers, Numbers]) -> Numbers:
        return np.asarray(self.values(plane, along, across, (1, 10)).max((1, 2)))


def _red_edge(mean: Mapping[str, Numbers]) -> Numbers:
    """Near infrared by red; 1 where either is not there."""
    if "nir" not in mean or "red" not in mean:
        return np.ones_like(next(iter(mean.values())))
    return mean["nir"] / np.maximum(mean["red"], DARK)


def _colour(inside: Mapping[str, Numbers], behind: Mapping[str, Numbers], anchor: str) -> Numbers:
    """Difference of the bands' log ratios to one of them: of colour, whatever the brightness."""

    def ratio(mean: Mapping[str, Numbers], band: str) -> Numbers:
        return np.log(np.maximum(mean[band], DARK)) - np.log(np.maximum(mean[anchor], DARK))

    differences = [ratio(inside, band) - ratio(behind, band) for band in inside if band != anchor]
    if not differences:
        return np.zeros_like(inside[anchor])
    return np.asarray(np.sqrt(np.mean(np.square(differences), axis=0)))
