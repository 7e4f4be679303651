"""Take one image of a world: render what the sensor sees, deliver it, and note what it could show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

from tasks.grid import cell_lonlat, draw
from tasks.model import ZoneKind
from tasks.simulate.delivery.defects import covered, shift_px
from tasks.simulate.delivery.planet import deliver_planet
from tasks.simulate.delivery.sentinel1 import deliver_radar
from tasks.simulate.delivery.sentinel2 import deliver_sentinel2
from tasks.simulate.sensors.calendar import PIXEL_M, Acquisition, Sensor
from tasks.simulate.sensors.optical import OpticalImage, optical_ground, render_optical
from tasks.simulate.sensors.radar import radar_ground, render_radar
from tasks.simulate.truth import Row, vessel_row
from tasks.simulate.world.model import Stay, World
from tasks.simulate.world.palette import BANDS
from tasks.simulate.world.scenery import hull_block, scenery, stack_outline
from tasks.simulate.world.weather import Weather, weather_at

MARGIN_M = {Sensor.SENTINEL_1: 1000.0, Sensor.SENTINEL_2: 1000.0, Sensor.PLANET: 240.0, Sensor.SUBMETRE: 60.0}
"""Ground delivered around the zones."""

HARBOUR = frozenset(ZoneKind) - {ZoneKind.ANCHORAGE, ZoneKind.STRUCTURE}
QUAYSIDE = HARBOUR - {ZoneKind.HARBOUR_WATER}
ORDERED = {Sensor.PLANET: HARBOUR, Sensor.SUBMETRE: QUAYSIDE}
"""Fine images are ordered for the harbour, not for the bay: the anchorage stays unseen."""

HIDDEN = 0.4
"""Opacity of a cloud, or depth of its shadow, from which nothing under it counts as seen."""

CLEAR_HAZE = 0.15


@dataclass(frozen=True)
class Taken:
    """One acquisition as delivered, and the truth of its moment."""

    items: list[dict[str, Any]]
    scenes: list[Row]
    vessels: list[Row]
    stacks: list[Row]


@dataclass(frozen=True, eq=False)
class Studio:
    """A world with everything that is the same in all its images."""

    world: World
    folder: Path
    _grounds: dict[tuple[str, Sensor], Any] = field(default_factory=dict)

    def take(self, acquisition: Acquisition) -> Taken:
        """Make and write one image."""
        world, site_id = self.world, acquisition.site_id
        box = window(world, site_id, acquisition.sensor)
        blocks = scenery(world, site_id, acquisition.acquired)
        weather = self._weather(acquisition)
        ground = self._ground(site_id, acquisition.sensor, box)
        image: OpticalImage | None = None
        if acquisition.sensor is Sensor.SENTINEL_1:
            planes = render_radar(ground, blocks, acquisition, weather, world.seed)
            items = deliver_radar(self.folder, acquisition, box, planes)
        else:
            bands = BANDS if acquisition.sensor is Sensor.SENTINEL_2 else BANDS[:4]
            image = render_optical(ground, blocks, acquisition, weather, world.seed, bands)
            deliver = deliver_sentinel2 if acquisition.sensor is Sensor.SENTINEL_2 else deliver_planet
            items = deliver(self.folder, acquisition, image, box)
        seen = covered(acquisition, box)
        if image is not None:
            seen = seen & (np.maximum(image.cloud, image.cloud_shadow) < HIDDEN)
        return self._told(acquisition, [i["id"] for i in items], items, weather, box, seen, image)

    def _ground(self, site_id: str, sensor: Sensor, box: GeoBox) -> Any:
        """Draw what never moves, once per site and sensor."""
        key = site_id, sensor
        if key not in self._grounds:
            draw_ground = radar_ground if sensor is Sensor.SENTINEL_1 else optical_ground
            self._grounds[key] = draw_ground(self.world.ports[site_id], box, self.world.seed)
        return self._grounds[key]

    def _weather(self, acquisition: Acquisition) -> Weather:
        port = self.world.ports[acquisition.site_id]
        latitude = port.site.measured_zones[0].geometry.centroid.y
        weather = weather_at(acquisition.site_id, latitude, acquisition.acquired, self.world.seed)
        if acquisition.clear:
            weather = replace(weather, cloud=0.0, haze=min(weather.haze, CLEAR_HAZE))
        return weather

    def _told(
        self,
        acquisition: Acquisition,
        scene_ids: Sequence[str],
        items: list[dict[str, Any]],
        weather: Weather,
        box: GeoBox,
        seen: npt.NDArray[np.bool_],
        image: OpticalImage | None,
    ) -> Taken:
        moment = acquisition.acquired
        site_id = acquisition.site_id
        own, spoilt = image.shift_px if image is not None else (0.0, 0.0), shift_px(acquisition)
        pixel_m = PIXEL_M[acquisition.sensor]
        scenes: list[Row] = [
            {
                "scene_id": scene_id, "site": site_id, "sensor": acquisition.sensor.value, "acquired": moment,
                "orbit": acquisition.orbit, "cloud_over_port": self._cloud_over_port(site_id, box, image),
                "cloud_cover": None if image is None else image.cloud_cover, "wind_ms": weather.wind_ms,
                "shift_x_m": (own[0] + spoilt[0]) * pixel_m, "shift_y_m": -(own[1] + spoilt[1]) * pixel_m,
                "defect": acquisition.defect.value if acquisition.defect else "",
                "superseded": scene_id != scene_ids[-1],
            }
            for scene_id in scene_ids
        ]  # fmt: skip
        vessels = [
            vessel_row(self.world, stay, scene_id, moment, outline, _share(box, seen, outline))
            for scene_id in scene_ids
            for stay in self.world.lying(site_id, moment)
            if _touches(box, outline := self._hull(stay))
        ]
        stacks = [row for scene_id in scene_ids for row in self._stacks(acquisition, scene_id, box, seen)]
        return Taken(items, scenes, vessels, stacks)

    def _hull(self, stay: Stay) -> BaseGeometry:
        hull = hull_block(self.world.ships[stay.ship_id], stay)
        return self.world.ports[stay.site_id].lonlat(hull.outline)

    def _stacks(
        self, acquisition: Acquisition, scene_id: str, box: GeoBox, seen: npt.NDArray[np.bool_]
    ) -> list[Row]:
        port = self.world.ports[acquisition.site_id]
        zones = {z.zone_id: z.geometry for z in port.site.zones}
        rows: list[Row] = []
        for stack in self.world.stacks:
            if stack.site_id != port.site_id or not _touches(box, zones[stack.zone_id]):
                continue
            boxes = self.world.ledger.stock(stack.place, acquisition.acquired)
            shape = stack_outline(stack, port.yards[stack.zone_id], boxes)
            rows.append(
                {
                    "scene_id": scene_id, "site": port.site_id, "acquired": acquisition.acquired,
                    "zone_id": stack.zone_id, "boxes": boxes, "tiers": stack.tiers,
                    "area_m2": 0.0 if shape is None else shape.area,
                    "seen_share": _share(box, seen, zones[stack.zone_id]),
                    "outline": None if shape is None else shapely.to_wkb(port.lonlat(shape)),
                }
            )  # fmt: skip
        return rows

    def _cloud_over_port(self, site_id: str, box: GeoBox, image: OpticalImage | None) -> float:
        if image is None:
            return 0.0
        zones = [z.geometry for z in self.world.ports[site_id].site.zones if z.kind in QUAYSIDE]
        hidden = np.maximum(image.cloud, image.cloud_shadow) >= HIDDEN
        return float(hidden[draw(box, zones)].mean()) if zones else float(hidden.mean())


def window(world: World, site_id: str, sensor: Sensor) -> GeoBox:
    """Tell which ground an image of a site shows."""
    return world.ports[site_id].window(PIXEL_M[sensor], MARGIN_M[sensor], ORDERED.get(sensor))


def _touches(box: GeoBox, outline: BaseGeometry) -> bool:
    return bool(shapely.intersects(_frame(box), outline))


def _frame(box: GeoBox) -> BaseGeometry:
    """Edges of a grid, EPSG:4326."""
    height, width = box.shape
    lon, lat = cell_lonlat(box, np.array([0, height, height, 0]) - 0.5, np.array([0, 0, width, width]) - 0.5)
    return shapely.Polygon(np.column_stack([lon, lat]))


def _share(box: GeoBox, seen: npt.NDArray[np.bool_], outline: BaseGeometry) -> float:
    """Share of an outline that is seen; what lies beyond the window is not."""
    here = draw(box, [outline], touched=True)
    if not here.any():
        return 0.0
    inside = outline.intersection(_frame(box)).area / outline.area
    return float(seen[here].mean() * min(inside, 1.0))
