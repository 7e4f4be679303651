"""Real Sentinel-2 images of five ports with hand-drawn vessels, and how detections are held against them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
import shapely
from pyproj import Transformer
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from tasks.science.clouds import find_clouds
from tasks.science.optical.scene import detect_optical_scene, seen_planes
from tasks.science.optical.water import model_water, water_body
from tasks.science.shapes import Detection, Vessel

REAL = Path(os.environ.get("ROADSTEAD_REAL_DATA", Path(__file__).parents[2] / "shared" / "real"))
DATA = REAL / "sen2ships"
PORTS = ("cartagena", "klang", "honolulu", "hedland", "gdynia")
BANDS = ("blue", "green", "red", "nir", "swir16")
DN_FULL = 65535.0
GROWN_M = 20.0
"""A detection's middle may lie this far outside a label."""

BERTH_M = 20.0
"""A label that comes this near to land lies at a berth."""


@dataclass(frozen=True)
class Port:
    name: str
    planes: Mapping[str, npt.NDArray[np.float32]]
    pixel_m: float
    labels: tuple[shapely.Polygon, ...]
    """In pixels, (0, 0) the first pixel's middle."""

    def detect(self) -> Detection:
        clouds = find_clouds(self.planes, self.pixel_m)
        return detect_optical_scene(self.planes, self.pixel_m, unclear=clouds)

    def at_berth(self) -> list[bool]:
        """Whether each label lies at what is no water and too large for a ship."""
        planes = seen_planes(self.planes)
        model = model_water(planes, self.pixel_m)
        assert model is not None
        groups, _ = ndimage.label(~water_body(planes, model, self.pixel_m), np.ones((3, 3)))
        land = np.bincount(groups.ravel()) * self.pixel_m**2 > 100_000
        land[0] = False
        away_m = ndimage.distance_transform_edt(~land[groups]) * self.pixel_m
        rows, cols = np.indices(away_m.shape)
        return [
            bool(away_m[shapely.contains_xy(label, cols, rows)].min() <= BERTH_M) for label in self.labels
        ]


def read_port(name: str) -> Port:
    planes = {}
    for band in BANDS:
        with rasterio.open(DATA / name / f"{band}.tif") as image:
            numbers, transform, latitude = image.read(1), image.transform, image.lnglat()[1]
        planes[band] = np.where(numbers == 0, np.nan, numbers / DN_FULL).astype(np.float32)
    features = json.loads((DATA / name / "labels.geojson").read_text())["features"]
    project = Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)

    def to_pixels(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        x, y = project.transform(xy[:, 0], xy[:, 1])
        cols, rows = ~transform * (np.asarray(x), np.asarray(y))
        return np.stack([cols - 0.5, rows - 0.5], axis=1)

    labels = tuple(
        shapely.transform(shapely.geometry.shape(feature["geometry"]), to_pixels) for feature in features
    )
    return Port(name, planes, float(transform.a * np.cos(np.radians(latitude))), labels)


def match(port: Port, vessels: Sequence[Vessel]) -> dict[int, int]:
    """Pair vessels with labels one to one, as many as can be: vessel to label."""
    if not vessels:
        return {}
    near = np.zeros((len(vessels), len(port.labels)))
    for column, label in enumerate(port.labels):
        grown = label.buffer(GROWN_M / port.pixel_m)
        near[:, column] = [grown.contains(shapely.Point(v.col, v.row)) for v in vessels]
    rows, columns = linear_sum_assignment(-near)
    return {int(r): int(c) for r, c in zip(rows, columns, strict=True) if near[r, c]}
