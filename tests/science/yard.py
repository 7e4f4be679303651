"""A small yard in pictures: ground, goods, shadows and snow painted on 1 m cells and seen at 3 m."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy import ndimage

from tasks.model import ZoneKind
from tasks.science.plots import Plot

BANDS = ("blue", "green", "red", "nir")
PIXEL_M, FINE = 3.0, 3
SHAPE = (70, 90)
BOX = GeoBox(SHAPE, Affine(PIXEL_M, 0, 500_000, 0, -PIXEL_M, 4_000_000), "EPSG:32652")

GROUND = (0.11, 0.13, 0.15, 0.18)
RUST, BLUE, WHITE = (0.06, 0.08, 0.17, 0.22), (0.17, 0.12, 0.08, 0.16), (0.42, 0.44, 0.45, 0.46)
COAL = (0.035, 0.036, 0.038, 0.045)
SNOW = (0.66, 0.67, 0.66, 0.6)
SHADE = (0.36, 0.28, 0.22, 0.15)
"""Share of light left; not quite what the method takes it for."""

YARD = shapely.affinity.rotate(shapely.box(500_045, 3_999_880, 500_225, 3_999_912), 25)
"""180 × 32 m, turned."""


def plot(outline: shapely.Polygon = YARD, zone_id: str = "yard") -> Plot:
    """Lay a yard out on the grid."""
    rows, cols = np.indices(SHAPE)
    x, y = BOX.affine * (cols + 0.5, rows + 0.5)
    inside = shapely.contains_xy(outline, x, y)
    corners = shapely.get_coordinates(outline)[:3]
    sides = np.diff(corners, axis=0)
    metres = np.hypot(*sides.T)
    k = int(np.argmax(metres))
    axis = sides[k] / metres[k]
    offset = np.column_stack([x[inside], y[inside]]) - (corners[0] + corners[2]) / 2
    return Plot(
        zone_id, ZoneKind.CONTAINER_YARD, rows[inside], cols[inside], offset @ axis + metres[k] / 2,
        offset @ np.array([-axis[1], axis[0]]), (float(axis[0]), float(axis[1])), float(metres[k]),
        float(metres[1 - k]), float(outline.area),
    )  # fmt: skip


def within(along: tuple[float, float], across: tuple[float, float]) -> shapely.Polygon:
    """Outline a rectangle in the yard, metres from its lower left corner."""
    left, bottom = 500_045, 3_999_880
    flat = shapely.box(left + along[0], bottom + across[0], left + along[1], bottom + across[1])
    return shapely.affinity.rotate(flat, 25, origin=YARD.centroid)


def fine_mask(outline: shapely.Polygon) -> npt.NDArray[np.bool_]:
    """Cells of 1 m inside an outline."""
    rows, cols = np.indices((SHAPE[0] * FINE, SHAPE[1] * FINE))
    return np.asarray(
        shapely.contains_xy(outline, *(BOX.affine * ((cols + 0.5) / FINE, (rows + 0.5) / FINE)))
    )


def steady() -> npt.NDArray[np.bool_]:
    """Ground off the yard on which nothing is ever painted."""
    rows, cols = np.indices(SHAPE)
    x, y = BOX.affine * (cols + 0.5, rows + 0.5)
    return ~np.asarray(shapely.contains_xy(YARD.buffer(15), x, y))


def _texture() -> npt.NDArray[np.float64]:
    """Concrete is not all of one tone; the same on every date."""
    rng = np.random.default_rng(5)
    tone = ndimage.gaussian_filter(rng.standard_normal((SHAPE[0] * FINE, SHAPE[1] * FINE)), 5)
    return np.asarray(1 + 0.12 * tone / tone.std())


TEXTURE = _texture()


@dataclass
class Scene:
    """What lies there on one date, painted in order."""

    seed: int
    gain: float = 1.0
    haze: float = 0.0
    slide_m: tuple[float, float] = (0.0, 0.0)
    goods: list[tuple[shapely.Polygon, tuple[float, ...]]] = field(default_factory=list)
    shadows: list[shapely.Polygon] = field(default_factory=list)
    snow: float = 0.0
    """Share of the ground in patches of snow."""

    def planes(self) -> dict[str, npt.NDArray[np.float32]]:
        """Render the date: reflectance ``(y, x)`` by band."""
        rng = np.random.default_rng(self.seed)
        drift = ndimage.gaussian_filter(rng.standard_normal(TEXTURE.shape), 12)
        patches = drift > np.quantile(drift, 1 - self.snow) if self.snow else np.zeros(drift.shape, bool)
        shaded = np.zeros(TEXTURE.shape, bool)
        for outline in self.shadows:
            shaded |= fine_mask(outline)
        planes = {}
        for k, band in enumerate(BANDS):
            plane = TEXTURE * GROUND[k]
            plane[patches] = SNOW[k]
            plane[shaded] *= SHADE[k]
            for outline, colour in self.goods:
                here = fine_mask(outline)
                plane[here] = colour[k] * (1 + 0.1 * rng.standard_normal(int(here.sum())))
            blurred = ndimage.gaussian_filter(plane, 0.64 * FINE)
            moved = ndimage.shift(blurred, self.slide_m, order=1, mode="nearest")
            pixels = moved.reshape(SHAPE[0], FINE, SHAPE[1], FINE).mean(axis=(1, 3))
            noise = rng.standard_normal(SHAPE) * (0.002 + 0.01 * pixels)
            planes[band] = (self.gain * pixels + self.haze * (1 - 0.2 * k) + noise).astype(np.float32)
        return planes
