"""Small images as the sensors' renderers hand them over, ready to be delivered."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox

from tasks.simulate.delivery.cog import Plane
from tasks.simulate.delivery.planet import deliver_planet
from tasks.simulate.delivery.sentinel1 import deliver_radar
from tasks.simulate.delivery.sentinel2 import deliver_sentinel2
from tasks.simulate.sensors.calendar import PIXEL_M, Acquisition, Defect, Sensor

WHEN = datetime(2023, 10, 1, 2, 16, 51, tzinfo=UTC)
PLATFORMS = {
    Sensor.SENTINEL_1: "sentinel-1a",
    Sensor.SENTINEL_2: "sentinel-2a",
    Sensor.PLANET: "24a1",
    Sensor.SUBMETRE: "SSC7",
}


@dataclass(frozen=True)
class Image:
    """As `tasks.simulate.sensors.optical.OpticalImage`."""

    bands: dict[str, Plane]
    mask: npt.NDArray[np.uint8]
    cloud_cover: float = 12.5
    sun_elevation_deg: float = 34.25
    sun_azimuth_deg: float = 160.5
    shift_px: tuple[float, float] = field(default=(0.0, 0.0))


def box(sensor: Sensor, height: int = 64, width: int = 90) -> GeoBox:
    """Grid near Najin, corners on multiples of 60 m."""
    pixel = PIXEL_M[sensor]
    west, north = 607_020.0, 4_674_000.0
    return GeoBox.from_bbox(
        (west, north - height * pixel, west + width * pixel, north), "EPSG:32652", resolution=pixel
    )


def acquisition(sensor: Sensor, defect: Defect | None = None, site_id: str = "najin") -> Acquisition:
    orbit, direction = (61, "descending") if sensor is Sensor.SENTINEL_1 else (0, "")
    return Acquisition(site_id, sensor, PLATFORMS[sensor], WHEN, orbit, direction, defect=defect)


def power(grid: GeoBox) -> dict[str, Plane]:
    """Speckle over three levels, of which one is that of a ship."""
    rng = np.random.default_rng(1)
    level = np.full(grid.shape, 0.02)
    level[10:20, 30:40], level[:, :12] = 30.0, 0.2
    return {
        band: (level * factor * rng.gamma(4.4, 1 / 4.4, grid.shape)).astype("float32")
        for band, factor in (("vv", 1.0), ("vh", 0.2))
    }


def optical_image(grid: GeoBox) -> Image:
    """Different ground in every band, some of it darker than black and brighter than white."""
    rng = np.random.default_rng(2)
    bands = {
        band: (rng.normal(0.09 + 0.02 * k, 0.04, grid.shape)).astype("float32")
        for k, band in enumerate(("blue", "green", "red", "nir", "swir16"))
    }
    bands["red"][3, 4], bands["red"][5, 6] = -0.02, 1.31
    mask = rng.integers(2, 12, (grid.shape[0] // 2, grid.shape[1] // 2)).astype("uint8")
    return Image(bands, mask.repeat(2, 0).repeat(2, 1))


def deliver(
    folder: Path, sensor: Sensor, defect: Defect | None = None, site_id: str = "najin"
) -> list[dict[str, Any]]:
    """Deliver one image of a sensor."""
    grid, one = box(sensor), acquisition(sensor, defect, site_id)
    if sensor is Sensor.SENTINEL_1:
        return deliver_radar(folder, one, grid, power(grid))
    give = deliver_sentinel2 if sensor is Sensor.SENTINEL_2 else deliver_planet
    return give(folder, one, cast(Any, optical_image(grid)), grid)
