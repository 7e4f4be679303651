"""What cameras make of a port: sun and shadow, area, shift, sky and the mask that errs."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
import shapely
from odc.geo.geobox import GeoBox

from tasks.errors import InputError
from tasks.model import Site, Zone, ZoneKind
from tasks.simulate.sensors.calendar import PLANET_DELIVERED, Acquisition, Sensor
from tasks.simulate.sensors.clouds import CLOUD_CODES, Plane, draw_sky
from tasks.simulate.sensors.optical import (
    OpticalGround,
    OpticalImage,
    optical_ground,
    render_optical,
    sampled,
)
from tasks.simulate.sensors.shade import SKY_LIGHT, draw_blocks
from tasks.simulate.sensors.sun import Sun, sun_at
from tasks.simulate.sensors.surface import EDGE_PX, fine_grid
from tasks.simulate.world.blocks import EMPTY, Block, Matter, solid
from tasks.simulate.world.palette import REFLECTANCE, paint
from tasks.simulate.world.port import Port, port_of
from tasks.simulate.world.seeds import generator
from tasks.simulate.world.weather import Weather, weather_at

FOUR = ("blue", "green", "red", "nir")
CLEAR = Weather(4.0, 140.0, 0.0, 0.1, 0.2, 0.0, 0.0, 0.9)
NOON = datetime(2023, 10, 20, 2, 16, 51, tzinfo=UTC)
LEVEL = GeoBox.from_bbox((0, 0, 600, 600), "EPSG:32652", resolution=10.0)


@pytest.fixture(scope="module")
def port() -> Port:
    """A straight coast with one pier, near Najin; a shed or two."""
    west, south = 130.3, 42.2

    def box(x0: float, y0: float, x1: float, y1: float) -> shapely.Polygon:
        return shapely.box(west + x0 / 82400, south + y0 / 111100, west + x1 / 82400, south + y1 / 111100)

    def zone(name: str, kind: ZoneKind, shape: shapely.Polygon) -> Zone:
        return Zone(zone_id=name, kind=kind, geometry=shape)

    zones = (
        zone("pier", ZoneKind.PIER, box(0, 200, 300, 300)),
        zone("quay", ZoneKind.BERTH, box(20, 150, 280, 200)),
        zone("yard", ZoneKind.CONTAINER_YARD, box(-200, 150, -60, 400)),
        zone("roads", ZoneKind.HARBOUR_WATER, box(0, -600, 900, 800)),
    )
    return port_of(Site("coast", "Coast", zones, "0" * 64, land=box(-900, -900, 0, 1200)))


@pytest.fixture(scope="module")
def ground(port: Port) -> OpticalGround:
    return optical_ground(port, port.window(10.0, 300.0), 7)


def look(ground: OpticalGround, weather: Weather, seed: int = 7, moment: datetime = NOON) -> OpticalImage:
    return render_optical(
        ground, (), Acquisition("coast", Sensor.SENTINEL_2, "x", moment), weather, seed, FOUR
    )


def deck(x: float, y: float, **changes: float) -> Block:
    plain = Block(Matter.HULL, x, y, 0.0, 40.0, 20.0, 10.0, solid(paint("deck-grey")))
    return replace(plain, **changes)


# Sun


@pytest.mark.parametrize(
    ("latitude", "longitude", "moment", "elevation", "azimuth"),
    [
        # The worked example of NREL's solar position algorithm (Reda & Andreas 2004), less refraction.
        (39.742476, -105.1786, datetime(2003, 10, 17, 19, 30, 30, tzinfo=UTC), 39.87, 194.34),
        # At the solstices and at true noon the sun stands 23.44 degrees from the equator's height.
        (42.24, 0.0, datetime(2023, 6, 21, 12, 1, 55, tzinfo=UTC), 90 - 42.24 + 23.44, 180.0),
        (42.24, 0.0, datetime(2023, 12, 22, 11, 58, 20, tzinfo=UTC), 90 - 42.24 - 23.44, 180.0),
        (-33.9, 0.0, datetime(2023, 12, 22, 11, 58, 20, tzinfo=UTC), 90 - 33.9 + 23.44, 0.0),
        # On the equator at the equinox it rises due east, six hours before noon.
        (0.0, 0.0, datetime(2023, 3, 20, 6, 7, 25, tzinfo=UTC), 0.0, 90.0),
    ],
)
def test_sun_stands_where_almanacs_say(
    latitude: float, longitude: float, moment: datetime, elevation: float, azimuth: float
) -> None:
    sun = sun_at(latitude, longitude, moment)
    assert sun.elevation_deg == pytest.approx(elevation, abs=0.1)
    assert abs((sun.azimuth_deg - azimuth + 180) % 360 - 180) < 0.3


def test_naive_moment_is_refused() -> None:
    with pytest.raises(InputError, match="2023-10-20T02:00:00 has no time zone"):
        sun_at(42.0, 130.0, datetime(2023, 10, 20, 2))


# Shadows


@pytest.mark.parametrize(
    ("elevation", "azimuth"), [(45.0, 180.0), (25.0, 150.0), (60.0, 90.0), (30.0, 330.0)]
)
def test_shadow_has_the_length_and_direction_of_the_sun(elevation: float, azimuth: float) -> None:
    pole = deck(305, 305, length_m=5, width_m=5, top_m=30)  # four sub-pixels wide
    drawn = draw_blocks([pole], LEVEL, 8, FOUR, Sun(elevation, azimuth), azimuth, 1)
    dark = np.zeros(LEVEL.shape)
    dark[drawn.touched] = drawn.dark
    rows, cols = np.nonzero(dark)
    share = dark[rows, cols]
    x, y = (np.average(cols * 10 + 5, weights=share), np.average(600 - rows * 10 - 5, weights=share))
    length = 30 / math.tan(math.radians(elevation))
    away = math.radians(azimuth + 180)
    # The swept square without its foot: its middle lies half a shadow and a bit away from the pole.
    reach = math.hypot(x - 305, y - 305)
    assert reach == pytest.approx(length / 2 + 2.5, abs=2.0)
    assert math.degrees(math.atan2(x - 305, y - 305)) % 360 == pytest.approx(math.degrees(away) % 360, abs=3)
    across = 5 * (abs(math.sin(away)) + abs(math.cos(away)))
    assert share.sum() * 100 == pytest.approx(length * across, rel=0.06)


def test_fast_shadows_agree_with_marching_towards_the_sun() -> None:
    stack = replace(
        deck(300, 300, top_m=12), heading_deg=30.0, colours=np.array([[1, EMPTY], [EMPTY, 1]], np.int16)
    )
    blocks = [stack, deck(340, 330, top_m=5), deck(330, 335, length_m=10, width_m=10, top_m=25)]
    sun, azimuth, finer = Sun(35.0, 200.0), 200.0, 2
    drawn = draw_blocks(blocks, LEVEL, finer, FOUR, sun, azimuth, 1)
    dark = np.zeros(LEVEL.shape)
    dark[drawn.touched] = drawn.dark
    slow = slow_darkness(blocks, finer, sun, azimuth)
    assert slow.sum() > 5
    np.testing.assert_allclose(dark, slow, atol=1e-6)


def slow_darkness(blocks: list[Block], finer: int, sun: Sun, azimuth: float) -> np.ndarray:
    """Share of each pixel that is bare ground in shadow, by walking towards the sun from each sub-pixel."""
    step = 10 / finer
    ax, ay = math.sin(math.radians(azimuth)), math.cos(math.radians(azimuth))
    walk = np.arange(0.0, 36.0, 0.02)
    dark = np.zeros(LEVEL.shape)
    for row in range(20 * finer, 45 * finer):
        for col in range(20 * finer, 45 * finer):
            x, y = (col + 0.5) * step, 600 - (row + 0.5) * step
            if any(covers(block, np.array([x]), np.array([y])).any() for block in blocks):
                continue
            if any(
                (covers(b, x + walk * ax, y + walk * ay) & (walk * sun.rise < b.top_m)).any() for b in blocks
            ):
                dark[row // finer, col // finer] += 1 / finer**2
    return dark


def covers(block: Block, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    ax, ay = block.axis
    along = ((x - block.x) * ax + (y - block.y) * ay) / block.length_m + 0.5
    across = ((x - block.x) * ay - (y - block.y) * ax) / block.width_m + 0.5
    many, wide = block.colours.shape
    rows, cols = (np.clip(v * n, 0, n - 1).astype(int) for v, n in ((along, many), (across, wide)))
    inside = (along >= 0) & (along < 1) & (across >= 0) & (across < 1)
    return inside & (block.colours[rows, cols] != EMPTY)


def test_containers_hide_the_deck_whatever_the_order() -> None:
    hull, box = (
        deck(300, 300),
        deck(300, 300, length_m=30, width_m=10, top_m=15, colours=solid(paint("box-white"))),
    )
    sun = Sun(89.9, 180.0)
    one, other = (draw_blocks(b, LEVEL, 8, FOUR, sun, 180.0, 1) for b in ([hull, box], [box, hull]))
    np.testing.assert_array_equal(one.paint, other.paint)
    expected = 500 * REFLECTANCE[paint("deck-grey")][3] + 300 * REFLECTANCE[paint("box-white")][3]
    assert one.paint[:, 3].sum() * 100 == pytest.approx(expected, rel=0.15)


def test_light_passes_under_a_crane() -> None:
    frame = np.array([[1, 1, 1], [1, EMPTY, 1], [1, 1, 1]], np.int16)
    crane = deck(300, 300, matter=Matter.CRANE, top_m=28, colours=frame)
    shed = replace(crane, matter=Matter.BUILDING)
    shade = [draw_blocks([b], LEVEL, 8, FOUR, Sun(30.0, 180.0), 180.0, 1).dark.sum() for b in (crane, shed)]
    assert shade[0] < 0.8 * shade[1]


# Area and shift


@pytest.mark.parametrize("pixel", [10.0, 3.0, 0.5])
def test_excess_is_proportional_to_area_wherever_it_lies(pixel: float) -> None:
    box = GeoBox.from_bbox((0, 0, 60 * pixel, 60 * pixel), LEVEL.crs, resolution=pixel)
    fine = fine_grid(box)
    finer = round(pixel / fine.affine.a)
    tone = REFLECTANCE[paint("deck-grey")][3]
    for sub_pixels in (2, 4, 30):
        for place in (0.0, 0.37, 0.81):
            size = sub_pixels * fine.affine.a / 4
            block = deck((30 + place) * pixel, 30 * pixel, length_m=size, width_m=size, top_m=0.01)
            drawn = draw_blocks([block], fine, 4, FOUR, Sun(60.0, 180.0), 180.0, 1)
            plane = np.zeros(fine.shape, np.float32)
            plane[drawn.touched] = drawn.paint[:, 3]
            # Paint is up to 14 % brighter or darker than its colour.
            assert plane.sum() * fine.affine.a**2 == pytest.approx(tone * size**2, rel=0.15)
            image = sampled(plane, finer, 1.4, (place, -place / 2))
            assert image.sum() * finer**2 == pytest.approx(plane.sum(), rel=0.005 if finer == 2 else 0.02)


@pytest.mark.parametrize(("finer", "fwhm", "tolerance"), [(2, 1.15, 1e-4), (2, 1.5, 1e-5), (1, 1.4, 0.25)])
def test_shift_is_exact(finer: int, fwhm: float, tolerance: float) -> None:
    """An image rendered with a shift equals one of a scene drawn that far away.

    At 0.5 m, with one point a pixel, only whole pixels are exact.
    """
    rng = np.random.default_rng(3)
    by = 3  # fine pixels
    size = 30 * finer + 2 * EDGE_PX * finer
    wide = rng.random((size + by, size + by), dtype=np.float32)
    here, away = wide[by:, by:], wide[:-by, :-by]  # content of `away` lies 3 fine pixels right and down
    shift = by / finer
    np.testing.assert_allclose(
        sampled(here, finer, fwhm, (shift, shift)), sampled(away, finer, fwhm, (0.0, 0.0)), atol=1e-6
    )
    # By a fraction: there and back again through a scene that is itself smooth.
    x = np.arange(size) / finer
    smooth = np.sin(2 * np.pi * x / 2.5).astype(np.float32)[None, :].repeat(size, 0)
    moved = np.sin(2 * np.pi * (x - 0.3) / 2.5).astype(np.float32)[None, :].repeat(size, 0)
    difference = sampled(smooth, finer, fwhm, (0.3, 0.0)) - sampled(moved, finer, fwhm, (0.0, 0.0))
    assert np.abs(difference).max() < tolerance


def test_camera_agrees_with_its_slow_twin() -> None:
    rng = np.random.default_rng(4)
    fine = rng.random(((4 + 2 * EDGE_PX) * 2, (5 + 2 * EDGE_PX) * 2), dtype=np.float32)
    shift, fwhm = (0.31, -0.62), 1.2
    fast = sampled(fine, 2, fwhm, shift)
    variance = (fwhm * 2 / 2.3548) ** 2 - 1 / 12
    for row in range(4):
        for col in range(5):
            cy, cx = (row + EDGE_PX - shift[1]) * 2 + 0.5, (col + EDGE_PX - shift[0]) * 2 + 0.5
            total = weight = 0.0
            for y in range(fine.shape[0]):
                for x in range(fine.shape[1]):
                    w = math.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 2 / variance)
                    total, weight = total + w * float(fine[y, x]), weight + w
            assert fast[row, col] == pytest.approx(total / weight, abs=2e-4)


def test_shift_is_within_a_pixel_and_mostly_small(ground: OpticalGround) -> None:
    far = [math.hypot(*look(ground, CLEAR, seed).shift_px) for seed in range(12)]
    assert max(far) <= 1
    assert 0.2 < np.median(far) < 0.6


# Images


def test_same_inputs_give_the_same_bytes(port: Port, ground: OpticalGround) -> None:
    weather = replace(CLEAR, cloud=0.4, ice=0.4, snow=0.5)
    one, other = look(ground, weather), look(optical_ground(port, ground.box, 7), weather)
    for band in FOUR:
        assert one.bands[band].dtype == np.float32
        assert one.bands[band].tobytes() == other.bands[band].tobytes()
    assert one.mask.tobytes() == other.mask.tobytes()
    assert one.bands["nir"].tobytes() != look(ground, weather, seed=8).bands["nir"].tobytes()


def test_a_ship_stands_out_of_the_water_in_the_infrared(ground: OpticalGround) -> None:
    x, y = next(iter(ground.port.quays.values())).at(100.0, 25.0)
    ship = replace(deck(x, y), length_m=120.0, width_m=20.0, heading_deg=90.0)
    acquisition = Acquisition("coast", Sensor.SENTINEL_2, "x", NOON)
    empty = render_optical(ground, (), acquisition, CLEAR, 7, FOUR)
    taken = render_optical(ground, (ship,), acquisition, CLEAR, 7, FOUR)
    gained = (taken.bands["nir"] - empty.bands["nir"]).clip(0.02)
    col, row = ~ground.box.affine * (x, y)
    assert gained[int(row), int(col)] > 0.08
    assert (gained > 0.05).sum() == pytest.approx(24, abs=10)


@pytest.mark.parametrize("sensor", [Sensor.PLANET, Sensor.SUBMETRE])
def test_finer_sensors_show_the_same_port(port: Port, ground: OpticalGround, sensor: Sensor) -> None:
    pixel = {Sensor.PLANET: 3.0, Sensor.SUBMETRE: 0.5}[sensor]
    x, y = next(iter(port.quays.values())).at(130.0)
    west, south = (math.floor((v - 120) / 60) * 60 for v in (x, y))
    box = GeoBox.from_bbox((west, south, west + 240, south + 240), port.crs, resolution=pixel)
    fine = render_optical(
        optical_ground(port, box, 7), (), Acquisition("coast", sensor, "x", NOON), CLEAR, 7, FOUR
    )
    left, top = ~ground.box.affine * (west, south + 240)
    rows, cols = slice(round(top), round(top) + 24), slice(round(left), round(left) + 24)
    coarse = look(ground, CLEAR).bands["nir"][rows, cols]
    assert np.corrcoef(block_mean(fine.bands["nir"], 24).ravel(), coarse.ravel())[0, 1] > 0.85


def block_mean(plane: Plane, parts: int) -> Plane:
    pairs = list(pairwise(np.linspace(0, plane.shape[0], parts + 1).round().astype(int)))
    return np.array([[plane[a:b, c:d].mean() for c, d in pairs] for a, b in pairs], np.float32)


def test_a_site_without_land_is_all_water() -> None:
    roads = Zone(zone_id="roads", kind=ZoneKind.ANCHORAGE, geometry=shapely.box(130.3, 42.2, 130.32, 42.22))
    port = port_of(Site("roads", "Roads", (roads,), "0" * 64))
    image = look(optical_ground(port, port.window(10.0, 300.0), 7), CLEAR)
    assert image.bands["nir"].max() < 0.05
    assert set(np.unique(image.mask)) == {6}


def test_winter_brings_ice_and_snow(ground: OpticalGround) -> None:
    winter = replace(CLEAR, ice=0.6, snow=0.8, green=0.0)
    january = datetime(2024, 1, 20, 2, 16, 51, tzinfo=UTC)
    bare, white = (
        look(ground, w, moment=january).bands["green"] for w in (replace(CLEAR, green=0.0), winter)
    )
    inner = slice(EDGE_PX * 2, -EDGE_PX * 2, 2)
    land = ground.natural[inner, inner] > 0.9
    assert np.median(white[land]) > np.median(bare[land]) + 0.15
    frozen = white - bare > 0.1
    sheltered, offshore = (
        (ground.water[inner, inner] > 0.99) & (ground.shelter[inner, inner] > 0.6),
        (ground.water[inner, inner] > 0.99) & (ground.shelter[inner, inner] < 0.1),
    )
    assert frozen[sheltered].mean() > 2 * frozen[offshore].mean()


@pytest.mark.parametrize(
    ("acquisition", "bands", "message"),
    [
        (Acquisition("coast", Sensor.SENTINEL_1, "x", NOON), FOUR, "sentinel-1 takes no optical images"),
        (Acquisition("coast", Sensor.PLANET, "x", NOON), ("red", "pan"), "band pan is unknown"),
        (Acquisition("coast", Sensor.PLANET, "x", NOON.replace(hour=16)), FOUR, "degrees below the horizon"),
    ],
)
def test_what_cannot_be_rendered_is_refused(
    ground: OpticalGround, acquisition: Acquisition, bands: tuple[str, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        render_optical(ground, (), acquisition, CLEAR, 7, bands)


# Sky and mask


def test_clear_weather_has_no_cloud(ground: OpticalGround) -> None:
    image = look(ground, CLEAR)
    assert image.cloud.max() == 0
    assert image.cloud_shadow.max() == 0


@pytest.mark.parametrize("cover", [0.1, 0.3, 0.6, 0.9])
def test_clouds_cover_their_share_of_the_sky_on_average(cover: float) -> None:
    box = GeoBox.from_bbox((0, 0, 9000, 9000), "EPSG:32652", resolution=60.0)
    shares, shadows = [], []
    for seed in range(25):
        sky = draw_sky(box, replace(CLEAR, cloud=cover), Sun(40.0, 150.0), 150.0, generator(seed, "sky"))
        shares.append((sky.cloud > 0.5 * sky.cloud.max()).mean())
        shadows.append((sky.shadow > 0.5 * max(sky.shadow.max(), 0.1)).mean())
    assert np.mean(shares) == pytest.approx(cover, abs=0.09)
    assert np.mean(shadows) == pytest.approx(cover, abs=0.09)


def test_cloud_shadow_lies_away_from_the_sun() -> None:
    box = GeoBox.from_bbox((0, 0, 9000, 9000), "EPSG:32652", resolution=30.0)
    sky = draw_sky(box, replace(CLEAR, cloud=0.3), Sun(45.0, 180.0), 180.0, generator(1, "sky"))
    score = {
        north: np.corrcoef(sky.cloud[100:200].ravel(), sky.shadow[100 - north : 200 - north].ravel())[0, 1]
        for north in range(-95, 100)
    }
    best = max(score, key=lambda n: score[n])  # rows run south: a positive number is a way to the north
    assert 600 <= best * 30 <= 2500
    assert score[best] > 0.9


def test_mask_is_mostly_right_and_never_quite(ground: OpticalGround) -> None:
    missed, false, right = [], [], []
    for seed in range(16):
        image = look(ground, replace(CLEAR, cloud=0.35), seed)
        said, there = np.isin(image.mask, CLOUD_CODES), image.cloud > 0.3
        right.append((said == there).mean())
        missed.append((there & ~said).sum())
        false.append((said & ~there).sum())
        assert image.cloud_cover == pytest.approx(100 * said.mean())
    assert np.mean(right) > 0.88
    assert sum(m > 0 for m in missed) >= 4
    assert sum(f > 0 for f in false) >= 4


def test_bright_roofs_are_now_and_then_taken_for_cloud(ground: OpticalGround) -> None:
    x, y = next(iter(ground.port.yards.values())).at(100.0)
    roof = deck(x, y, length_m=90, width_m=60, top_m=8, colours=solid(paint("bridge-white")))
    acquisition = Acquisition("coast", Sensor.SENTINEL_2, "x", NOON)
    col, row = (int(v) for v in ~ground.box.affine * (x, y))
    said = [
        render_optical(ground, (roof,), acquisition, CLEAR, seed, FOUR).mask[row, col] in CLOUD_CODES
        for seed in range(40)
    ]
    assert 1 <= sum(said) <= 20


def test_about_37_percent_of_days_give_a_usable_planet_image() -> None:
    start = datetime(2022, 1, 1, 2, tzinfo=UTC)
    for seed in range(3):
        days = range(0, 3 * 365, 4)
        clouds = [weather_at("coast", 42.2, start + timedelta(days=d), seed).cloud for d in days]
        usable = PLANET_DELIVERED * np.mean(np.array(clouds) < 0.2)
        assert 0.30 <= usable <= 0.44


def test_shade_is_blue() -> None:
    light = [SKY_LIGHT[band] for band in (*FOUR, "swir16")]
    assert light == sorted(light, reverse=True)
