"""On a night without wind the sea falls away from every quay; an empty berth stays empty.

Images from the simulator, which knows nothing of the detector: an empty port in a breeze is the memory,
and the same port at any wind is looked at.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox

from tasks.science.radar.looks import learn_radar, measure_scenes
from tasks.simulate.sensors.calendar import Acquisition, Sensor
from tasks.simulate.sensors.radar import RadarGround, radar_ground, render_radar
from tasks.simulate.world.blocks import Block
from tasks.simulate.world.harbour import Harbour
from tasks.simulate.world.model import Ship
from tasks.simulate.world.palette import paint
from tasks.simulate.world.port import Port, port_of
from tasks.simulate.world.scenery import cranes, ship_blocks
from tasks.simulate.world.seeds import generator
from tasks.simulate.world.weather import Weather
from tasks.sites import load_site
from tests.science.water import learn_one

START = datetime(2023, 6, 1, 21, 31, tzinfo=UTC)
MEMORY = 16
SHIP = Ship("s", "s", 120.0, 19.0, 5.0, -0.4, 20.0, paint("deck-grey"))

Scene = tuple[Port, GeoBox, RadarGround, dict[str, npt.NDArray[np.float32]]]


def image(
    port: Port, ground: RadarGround, day: int, wind_ms: float, ships: list[Block]
) -> npt.NDArray[np.float32]:
    moment = START + timedelta(days=12 * day)
    passing = Acquisition("najin", Sensor.SENTINEL_1, "sentinel-1a", moment, 61, "descending", 38.6)
    weather = Weather(wind_ms, 320.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5)
    blocks = [*cranes(port, moment, 3), *ships]
    return render_radar(ground, blocks, passing, weather, 3)["vv"]


def as_block(images: list[npt.NDArray[np.float32]]) -> xr.Dataset:
    times = np.array(["2023-06-01"], "datetime64[s]").repeat(len(images))
    names = [f"scene-{k}" for k in range(len(images))]
    planes = xr.DataArray(np.stack(images), dims=("time", "y", "x"), attrs={"units": "1"})
    return xr.Dataset(
        {"vv": planes}, coords={"time": times, "scene_id": ("time", names)}, attrs={"collection": "test"}
    )


@pytest.fixture(scope="module")
def scene() -> Scene:
    site = load_site("najin")
    port = port_of(site, 3)
    box = port.window(10.0, 1000.0)
    ground = radar_ground(port, box, 3)
    winds = np.linspace(3.5, 9.0, MEMORY)
    memory = as_block([image(port, ground, k, float(w), []) for k, w in enumerate(winds)])
    return port, box, ground, learn_one(learn_radar, memory, ("vv",), port.site, box)


def berths(scene: Scene, images: list[npt.NDArray[np.float32]]) -> list[dict[str, object]]:
    port, box, _, background = scene
    looks, *_ = measure_scenes(as_block(images), background, ("vv",), port.site, box)
    return [row for row in looks if row["zone_kind"] == "berth"]


def test_an_empty_berth_is_empty_at_any_wind(scene: Scene) -> None:
    port, _, ground, _ = scene
    winds = (0.6, 0.8, 1.0, 1.5, 2.0, 4.0, 7.0, 11.0)
    rows = berths(scene, [image(port, ground, 40 + k, w, []) for k, w in enumerate(winds)])
    taken = [row for row in rows if row["vessel_count"]]
    assert len(rows) == 15 * len(winds)
    assert len(taken) <= 0.05 * len(rows)  # two thirds of all berths were taken on a night of 1 m/s


def test_a_ship_is_found_on_a_calm_night_too(scene: Scene) -> None:
    port, _, ground, _ = scene
    stay = Harbour(port).berth(SHIP, ["middle-sw-1"], START, START + timedelta(days=1), generator(3, "ship"))
    assert stay is not None
    ship = ship_blocks(SHIP, stay, 0, generator(3, "boxes"))
    for k, wind in enumerate((0.8, 2.0, 5.0)):
        rows = berths(scene, [image(port, ground, 60 + k, wind, ship)])
        found = [row["zone_id"] for row in rows if row["vessel_count"]]
        assert "middle-sw-1" in found, f"wind {wind}"
        assert len(found) <= 2, f"wind {wind}"
