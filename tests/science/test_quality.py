"""The gate before the archive: every fault is named, and nothing else is taken for one."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from tasks.model import BandAsset, Site, Zone, ZoneKind
from tasks.science.delivery.overlay import displacement, structure_of
from tasks.science.delivery.quality import Finding, Reference, compared_bands, inspect, prepare, stack_of
from tasks.simulate.delivery.cog import numbers, rounded_power
from tasks.simulate.delivery.defects import shift_px, spoilt_planes
from tasks.simulate.sensors.calendar import Acquisition, Defect, Sensor
from tasks.simulate.sensors.clouds import CLOUD_TOP
from tasks.simulate.sensors.optical import OpticalGround, optical_ground, render_optical
from tasks.simulate.sensors.radar import RadarGround, radar_ground, render_radar
from tasks.simulate.world.port import Port, port_of
from tasks.simulate.world.weather import Weather

Plane = npt.NDArray[Any]
Planes = dict[str, Plane]

SIDE = 240
SURE_PX = 0.5
"""Displacements of so small a window, under speckle, are good to this."""

OPTICAL = {"blue": 0.05, "green": 0.06, "red": 0.05, "nir": 0.02, "swir16": 0.01}
LAND = {"blue": 0.08, "green": 0.11, "red": 0.13, "nir": 0.25, "swir16": 0.22}
REFLECTANCE = [BandAsset(name, "", "reflectance", None, 1e-4, -0.1) for name in OPTICAL]
POWER = [BandAsset(name, "", "1") for name in ("vv", "vh")]
BYTES = [BandAsset("vv", "", "relative dB", 0)]


def ground(side: int = SIDE) -> npt.NDArray[np.float64]:
    """A quay with sheds and roads above, the sea below: 0 sea, about 1 land."""
    rng = np.random.default_rng(7)
    land = np.clip(1 + 0.4 * np.kron(rng.normal(0, 1, (side // 8, side // 8)), np.ones((8, 8))), 0.2, 2)
    land[side // 2 :] = 0
    land[side // 2 : side // 2 + 12, side // 4 : side // 2] = 1  # a pier
    return np.asarray(ndimage.gaussian_filter(land, 0.8))


def optical(seed: int, veil: Mapping[str, float] | None = None, opacity: float = 0.0) -> Planes:
    """One look, in the archive's numbers; under an even cloud and a veil."""
    rng, base = np.random.default_rng(seed), ground()
    planes: Planes = {}
    for name, sea in OPTICAL.items():
        there = (sea + base * (LAND[name] - sea)) * rng.normal(1, 0.01) + rng.normal(0, 0.002, base.shape)
        there = there * (1 - opacity) + CLOUD_TOP[name] * opacity + (veil or {}).get(name, 0.0)
        planes[name] = np.clip(np.rint((there + 0.1) * 1e4), 1, 65535).astype("uint16")
    return planes


def radar(seed: int) -> Planes:
    """One look in linear power with ships where they like."""
    rng, mean = np.random.default_rng(seed), 0.02 + 0.3 * ground()
    for row, col in rng.integers(SIDE // 2, SIDE - 20, (6, 2)):
        mean[row : row + 4, col : col + 12] = 30
    return {
        name: (mean * factor * rng.gamma(4.4, 1 / 4.4, mean.shape)).astype("float32")
        for name, factor in (("vv", 1.0), ("vh", 0.2))
    }


def as_bytes(seed: int) -> Planes:
    """The same as a picture of 8 bits with its upper left corner masked."""
    picture = np.clip(160 + 5 * 10 * np.log10(radar(seed)["vv"].astype(float)), 1, 255).astype("uint8")
    picture[:40, :40] = 0
    return {"vv": picture}


KINDS: dict[str, tuple[Callable[[int], Planes], list[BandAsset]]] = {
    "reflectance": (optical, REFLECTANCE),
    "power": (radar, POWER),
    "bytes": (as_bytes, BYTES),
}


def reference(look: Callable[[int], Planes], bands: list[BandAsset]) -> Reference:
    return stacked([look(seed) for seed in range(100, 105)], bands)


def stacked(dates: list[Planes], bands: list[BandAsset]) -> Reference:
    """As when scenes are ingested: of reflectance, three bands are compared."""
    return prepare({name: stack_of([d[name] for d in dates]) for name in compared_bands(bands)[:3]}, bands)


STACKS = {kind: reference(*KINDS[kind]) for kind in KINDS}


def moved(planes: Mapping[str, Plane], right: int, down: int) -> Planes:
    reach = max(abs(right), abs(down))
    result = {}
    for name, plane in planes.items():
        wide = np.pad(plane, reach, mode="symmetric")
        rows, cols = (
            slice(reach - d, reach - d + n) for d, n in zip((down, right), plane.shape, strict=True)
        )
        result[name] = wide[rows, cols]
    return result


def fit(found: Finding) -> bool:
    return found.reason == ""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_a_good_scene_is_fit(kind: str, seed: int) -> None:
    look, bands = KINDS[kind]
    alone, compared = inspect(look(seed), bands), inspect(look(seed), bands, STACKS[kind])
    assert (fit(alone), fit(compared)) == (True, True)
    assert math.isnan(alone.shift_px)
    assert compared.shift_px < SURE_PX
    assert compared.seen_share == pytest.approx(1 - 1600 / SIDE**2 if kind == "bytes" else 1.0)


# Numbers that cannot be


def only(planes: Planes, name: str, plane: Plane) -> Planes:
    return planes | {name: plane}


def part(plane: Plane, share: float, value: float) -> Plane:
    """A copy whose first rows hold `value`."""
    spoilt = plane.copy()
    spoilt[: round(share * SIDE)] = value
    return spoilt


FAULTS: dict[str, tuple[str, Callable[[Planes], Planes], str]] = {
    "nothing seen": ("power", lambda p: {k: v * np.nan for k, v in p.items()}, r"0\.0% of the window.*1%"),
    "a band without data": ("power", lambda p: only(p, "vh", p["vh"] * np.nan), "vh has no data on 100%"),
    "a band half read": ("reflectance", lambda p: only(p, "nir", part(p["nir"], 0.6, 0)), "nir.*60%"),
    "all zero": ("reflectance", lambda p: only(p, "red", p["red"] * 0), "red has no data on 100%"),
    "constant": ("reflectance", lambda p: only(p, "red", p["red"] * 0 + 1800), "red is 1800 wherever"),
    "constant bytes": ("bytes", lambda p: only(p, "vv", p["vv"] * 0 + 7), "vv is 7 wherever"),
    "infinite": ("power", lambda p: only(p, "vv", part(p["vv"], 0.02, np.inf)), "vv is infinite on 2."),
    "saturated": ("reflectance", lambda p: only(p, "nir", part(p["nir"], 0.4, 65535)), "nir.*65535.*40%"),
    "saturated bytes": ("bytes", lambda p: only(p, "vv", part(p["vv"], 0.4, 255)), r"vv.*\(255\) on 40%"),
    "too bright": ("reflectance", lambda p: only(p, "red", part(p["red"], 0.2, 40000)), "red is above 2"),
    "digital numbers": ("power", lambda p: {k: v * 1e6 for k, v in p.items()}, "vv is above 100 in"),
    "decibels as power": (
        "power",
        lambda p: {k: (10 * np.log10(v.astype(float))).astype("float32") for k, v in p.items()},
        "vv is negative.*decibels are",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_is_named(fault: str) -> None:
    kind, spoil, words = FAULTS[fault]
    look, bands = KINDS[kind]
    found = inspect(spoil(look(1)), bands, STACKS[kind])
    assert found.reason
    assert "\n" not in found.reason
    assert math.isnan(found.shift_px)
    assert re.search(words, found.reason), found.reason


DB_FAULTS: dict[str, tuple[Callable[[Plane], Plane], str]] = {
    "as it is": (lambda db: db, ""),
    "linear power": (lambda db: 10 ** (db / 10), "vv is 0 dB or more on 100%.*linear power"),
    "nodata not declared": (lambda db: part(db, 0.3, -9999), "vv is below -60 dB on 30%"),
    "power 0 is no data": (lambda db: part(db, 0.3, -np.inf), ""),
    "endless": (lambda db: part(db, 0.3, np.inf), "vv is infinite"),
}


@pytest.mark.parametrize("fault", DB_FAULTS)
def test_decibels(fault: str) -> None:
    spoil, words = DB_FAULTS[fault]
    db = (10 * np.log10(radar(1)["vv"].astype(float))).astype("float32")
    found = inspect({"vv": spoil(db)}, [BandAsset("vv", "", "dB")])
    assert bool(found.reason) == bool(words)
    assert re.search(words, found.reason), found.reason


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.03, 0.5, 0.9])
def test_the_edge_of_a_swath_is_no_fault(kind: str, share: float) -> None:
    look, bands = KINDS[kind]
    empty = np.nan if kind == "power" else 0
    half = {name: part(plane.T, 1 - share, empty).T for name, plane in look(2).items()}
    found = inspect(half, bands, STACKS[kind])
    assert fit(found), found
    assert found.seen_share == pytest.approx(share, abs=0.05)


def test_dark_water_that_a_provider_cut_off_is_no_fault() -> None:
    """As at Honolulu, where a quarter of the near infrared is 0."""
    planes = optical(3)
    spoilt = only(planes, "nir", part(planes["nir"], 0.24, 0))
    found = inspect(spoilt, REFLECTANCE, STACKS["reflectance"])
    assert fit(found), found
    assert found.seen_share == pytest.approx(0.76, abs=0.01)


def test_classes_are_not_judged() -> None:
    scl = BandAsset("scl", "", "class", 0)
    clouded = optical(1) | {"scl": np.full((SIDE, SIDE), 9, "uint8")}
    assert fit(inspect(clouded, [*REFLECTANCE, scl], STACKS["reflectance"]))
    assert "no band to measure" in inspect(clouded, [scl]).reason


# The offset of Sentinel-2


def raised(planes: Planes, by: int) -> Planes:
    return {k: np.clip(v.astype(int) + by, 1, 65535).astype("uint16") for k, v in planes.items()}


@pytest.mark.parametrize(
    ("by", "words"), [(1000, "above the stack.*04.00"), (-1000, "below -0.06.*taken off")]
)
@pytest.mark.parametrize("seed", range(3))
def test_a_wrong_offset_is_found_against_the_stack(by: int, words: str, seed: int) -> None:
    found = inspect(raised(optical(seed), by), REFLECTANCE, STACKS["reflectance"])
    assert re.search(words, found.reason), found


@pytest.mark.parametrize(
    ("by", "words"), [(1000, "water has 0.01.*04.00"), (-1000, "below -0.06.*taken off")]
)
def test_a_wrong_offset_is_found_on_water_alone(by: int, words: str) -> None:
    found = inspect(raised(optical(1), by), REFLECTANCE)
    assert re.search(words, found.reason), found


def test_the_offset_counts_not_the_numbers() -> None:
    """Numbers of an older baseline mean the same reflectance: no fault, and the same displacement."""
    older = [replace(b, offset=0.0) for b in REFLECTANCE]
    new, old = optical(1), {k: v - np.uint16(1000) for k, v in optical(1).items()}
    one = inspect(old, older, STACKS["reflectance"])
    other = inspect(new, REFLECTANCE, STACKS["reflectance"])
    assert (one.reason, one.seen_share) == (other.reason, other.seen_share) == ("", 1.0)
    assert one.shift_px == pytest.approx(other.shift_px, abs=1e-5)
    assert inspect(new, older, STACKS["reflectance"]).reason
    assert inspect(old, REFLECTANCE, STACKS["reflectance"]).reason


def test_a_stack_with_a_wrong_offset_does_not_condemn_a_good_scene() -> None:
    for by in (1000, -1000):
        wrong = reference(lambda seed, by=by: raised(optical(seed), by), REFLECTANCE)  # type: ignore[misc]
        assert fit(inspect(optical(1), REFLECTANCE, wrong))


@settings(max_examples=20, deadline=None)
@given(
    opacity=st.floats(0, 0.95),
    haze=st.floats(0, 0.15),
    slope=st.floats(0.0, 0.8),
    seed=st.integers(0, 50),
)
@example(opacity=0.16, haze=0.0, slope=0.0, seed=0)
@example(opacity=0.25, haze=0.0, slope=0.0, seed=0)
def test_haze_and_cloud_are_no_offset(opacity: float, haze: float, slope: float, seed: int) -> None:
    """Cloud of any opacity, even all over, and haze that is less in the infrared."""
    veil = {b: haze * slope**k for k, b in enumerate(OPTICAL)}
    planes = optical(seed, veil, opacity)
    for stack in (None, STACKS["reflectance"]):
        found = inspect(planes, REFLECTANCE, stack)
        assert fit(found), found


@settings(max_examples=20, deadline=None)
@given(glint=st.floats(0, 0.3), spread=st.floats(0.3, 1), seed=st.integers(0, 50))
def test_sun_glint_is_no_offset(glint: float, spread: float, seed: int) -> None:
    """Glint lifts all bands by the same, on water alone, and not everywhere by the same."""
    water = ground() < 0.1
    shine = np.random.default_rng(seed).gamma(1 / spread**2, glint * spread**2, (SIDE, SIDE)) * water
    planes = {k: np.clip(v + 1e4 * shine, 1, 65535).astype("uint16") for k, v in optical(seed).items()}
    for stack in (None, STACKS["reflectance"]):
        found = inspect(planes, REFLECTANCE, stack)
        assert fit(found), found


@pytest.mark.parametrize("depth", [0.3, 0.7, 1.0])
def test_snow_is_no_offset(depth: float) -> None:
    fresh = {"blue": 0.9, "green": 0.9, "red": 0.88, "nir": 0.8, "swir16": 0.1}
    land, planes = ground() > 0.5, optical(4)
    for name, value in fresh.items():
        there = planes[name] * (1 - depth) + (value + 0.1) * 1e4 * depth
        planes[name] = np.where(land, there, planes[name]).astype("uint16")
    for stack in (None, STACKS["reflectance"]):
        assert fit(inspect(planes, REFLECTANCE, stack))


# Displacement


@settings(max_examples=20, deadline=None)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    to=st.tuples(st.integers(-6, 6), st.integers(-6, 6)).filter(lambda d: max(map(abs, d)) >= 3),
    seed=st.integers(0, 50),
)
def test_a_displaced_scene_is_found(kind: str, to: tuple[int, int], seed: int) -> None:
    look, bands = KINDS[kind]
    found = inspect(moved(look(seed), *to), bands, STACKS[kind])
    right, down = (float(v) for v in re.findall(r"([+-][\d.]+) px", found.reason))
    assert (right, down) == pytest.approx(to, abs=SURE_PX)
    assert found.shift_px == pytest.approx(math.hypot(*to), abs=SURE_PX)


@pytest.mark.parametrize("to", [(4.0, 0.0), (-3.4, 2.7), (0.3, -5.5), (0.5, 0.5), (-1.2, 0.4)])
def test_where_it_lies_is_told_to_parts_of_a_pixel(to: tuple[float, float]) -> None:
    nir = STACKS["reflectance"].structure
    assert nir is not None
    image = ndimage.shift(optical(1)["nir"].astype("float32"), to[::-1], order=3, mode="nearest")
    lies = displacement(nir, image, "reflectance")
    assert lies is not None
    assert lies.told
    assert (lies.right_px, lies.down_px) == pytest.approx(to, abs=0.2)
    assert fit(inspect({"nir": image}, REFLECTANCE, None))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("to", [(1, 0), (0, -1), (1, 1)])
def test_a_pixel_off_is_usual(kind: str, to: tuple[int, int]) -> None:
    look, bands = KINDS[kind]
    found = inspect(moved(look(1), *to), bands, STACKS[kind])
    assert fit(found), found
    assert found.shift_px == pytest.approx(math.hypot(*to), abs=SURE_PX)


@settings(max_examples=20, deadline=None)
@given(gain=st.floats(0.5, 2.0), to=st.sampled_from([(0, 0), (4, -2), (1, 1)]))
def test_brightness_does_not_matter(gain: float, to: tuple[int, int]) -> None:
    there = moved(radar(1), *to)
    plain = inspect(there, POWER, STACKS["power"])
    brighter = inspect({k: v * np.float32(gain) for k, v in there.items()}, POWER, STACKS["power"])
    assert brighter.shift_px == pytest.approx(plain.shift_px, abs=0.01)
    assert fit(brighter) == fit(plain)


def sea(seed: int) -> Planes:
    rng = np.random.default_rng(seed)
    mean = np.full((SIDE, SIDE), 0.02)
    for row, col in rng.integers(0, SIDE - 20, (8, 2)):
        mean[row : row + 4, col : col + 12] = 30
    return {b.name: (mean * rng.gamma(4.4, 1 / 4.4, mean.shape)).astype("float32") for b in POWER}


@pytest.mark.parametrize("seed", range(12))
def test_open_sea_with_ships_tells_nothing(seed: int) -> None:
    found = inspect(sea(seed), POWER, reference(sea, POWER))
    assert fit(found)
    assert math.isnan(found.shift_px)


def test_full_cloud_tells_nothing() -> None:
    rng = np.random.default_rng(3)
    deck = ndimage.gaussian_filter(rng.normal(0, 1, (SIDE, SIDE)), 3) * 0.4 + 0.7
    planes = {name: np.clip(deck * 1e4, 1, 65535).astype("uint16") for name in OPTICAL}
    found = inspect(planes, REFLECTANCE, STACKS["reflectance"])
    assert fit(found)
    assert math.isnan(found.shift_px)


def test_along_a_straight_coast_nothing_can_be_told() -> None:
    """The coast looks the same wherever along it one stands: no displacement fits better than none."""
    rng = np.random.default_rng(5)

    def coast() -> Planes:
        mean = np.where(np.arange(SIDE)[:, None] < SIDE // 2, 0.3, 0.02) * np.ones((SIDE, SIDE))
        mean[60:64] = 3.0  # a straight quay
        return {"vv": (mean * rng.gamma(4.4, 1 / 4.4, mean.shape)).astype("float32")}

    straight = prepare({"vv": stack_of([coast()["vv"] for _ in range(7)])}, POWER)
    assert all(fit(inspect(coast(), POWER[:1], straight)) for _ in range(12))


def test_half_a_scene_is_compared_where_it_was_seen() -> None:
    """Structure on the left in a window larger than what is compared; the image shows the right alone."""
    rng = np.random.default_rng(1)
    level = np.kron(rng.normal(0, 1, (70, 70)), np.ones((10, 10)))
    level[:, :500] *= 3
    look = [(np.exp(0.5 * level) * rng.gamma(4.4, 1 / 4.4, level.shape)).astype("float32") for _ in range(6)]
    ready = prepare({"vv": stack_of(look[:5])}, POWER)
    half = look[5].copy()
    half[:, :400] = np.nan
    right = moved({"vv": half}, 5, 0)
    assert inspect(right, POWER[:1], ready).shift_px == pytest.approx(5, abs=SURE_PX)
    assert inspect({"vv": half}, POWER[:1], ready).shift_px < SURE_PX


def test_bands_are_compared_by_what_they_tell() -> None:
    scl = BandAsset("scl", "", "class")
    assert compared_bands([scl, *REFLECTANCE])[:3] == ["nir", "swir16", "red"]
    assert compared_bands(POWER[::-1])[0] == "vv"
    assert prepare(optical(1), [scl, *REFLECTANCE]).band == "nir"


def test_windows_too_small_or_without_the_band_are_not_compared() -> None:
    plane = radar(1)["vv"]
    assert displacement(structure_of(plane[:40], "1"), plane[:40], "1") is None
    assert displacement(structure_of(plane * np.nan, "1"), plane, "1") is None
    found = inspect({"vh": plane}, POWER, prepare({"vv": plane}, POWER))
    assert (found.reason, math.isnan(found.shift_px)) == ("", True)
    assert inspect({"vv": plane}, POWER, prepare({}, POWER)) == inspect({"vv": plane}, POWER)


# The stack


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@given(data=st.data())
def test_the_stack_is_the_median_of_what_holds_data(dtype: str, data: st.DataObject) -> None:
    values = st.sampled_from([np.nan, -1.0, 0.5, 2.0] if dtype == "float32" else [0, 1, 2, 250, 255])
    shape = st.tuples(st.integers(1, 6), st.just(2), st.just(3))
    dates = data.draw(hnp.arrays(dtype, shape, elements=values))
    stack = stack_of(list(dates))
    assert stack.dtype == dates.dtype
    for place in np.ndindex(2, 3):
        none = math.nan if dtype == "float32" else 0
        there = dates[(slice(None), *place)].tolist()
        seen = sorted(v for v in there if v != none and not math.isnan(v))
        wanted = seen[(len(seen) - 1) // 2] if seen else none
        assert stack[place] == pytest.approx(wanted, nan_ok=True)


# Simulated deliveries

NOON = datetime(2023, 10, 20, 2, 16, 51, tzinfo=UTC)
CLEAR = Weather(4.0, 140.0, 0.0, 0.1, 0.2, 0.0, 0.0, 0.9)
BAD_DAYS = {
    "haze": replace(CLEAR, haze=0.9),
    "half cloudy": replace(CLEAR, cloud=0.5),
    "overcast": replace(CLEAR, cloud=1.0),
    "snow and ice": replace(CLEAR, snow=0.9, ice=0.6),
    "silt": replace(CLEAR, turbidity=0.9),
    "storm": replace(CLEAR, wind_ms=17.0),
}


@pytest.fixture(scope="module")
def port() -> Port:
    """A straight coast with a pier and a yard, near Najin."""
    west, south = 130.3, 42.2

    def zone(name: str, kind: ZoneKind, x0: float, y0: float, x1: float, y1: float) -> Zone:
        corners = (west + x0 / 82400, south + y0 / 111100, west + x1 / 82400, south + y1 / 111100)
        return Zone(name, kind, shapely.box(*corners))

    zones = (
        zone("pier", ZoneKind.PIER, 0, 200, 300, 300),
        zone("quay", ZoneKind.BERTH, 20, 150, 280, 200),
        zone("yard", ZoneKind.CONTAINER_YARD, -200, 150, -60, 400),
        zone("roads", ZoneKind.HARBOUR_WATER, 0, -300, 500, 500),
    )
    land = shapely.box(west - 900 / 82400, south - 900 / 111100, west, south + 1200 / 111100)
    return port_of(Site("coast", "Coast", zones, "0" * 64, land=land))


def passing(sensor: Sensor, day: int, defect: Defect | None = None) -> Acquisition:
    orbit, direction, incidence = (61, "descending", 38.6) if sensor is Sensor.SENTINEL_1 else (89, "", 0.0)
    moment = NOON + timedelta(days=day)
    return Acquisition("coast", sensor, "x", moment, orbit, direction, incidence, defect=defect)


@pytest.fixture(scope="module")
def camera(port: Port) -> OpticalGround:
    return optical_ground(port, port.window(10.0, 300.0), 7)


@pytest.fixture(scope="module")
def antenna(port: Port) -> RadarGround:
    return radar_ground(port, port.window(10.0, 300.0), 7)


def photographed(
    camera: OpticalGround, day: int, defect: Defect | None = None, weather: Weather = CLEAR
) -> Planes:
    """Sentinel-2 as delivered by Earth Search: the offset is taken off, or only said to be."""
    one = passing(Sensor.SENTINEL_2, day, defect)
    image = render_optical(camera, (), one, weather, 7, tuple(OPTICAL))
    left_in = -0.1 if defect is Defect.OFFSET else 0.0
    return {k: numbers(v, 1e-4, left_in) for k, v in spoilt_planes(image.bands, one, 0).items()}


def scanned(antenna: RadarGround, day: int, defect: Defect | None = None) -> Planes:
    one = passing(Sensor.SENTINEL_1, day, defect)
    power = spoilt_planes(render_radar(antenna, (), one, CLEAR, 7), one, 0)
    return {k: rounded_power(v, np.nan) for k, v in power.items()}


APPLIED = [replace(b, offset=0.0) for b in REFLECTANCE]


@pytest.fixture(scope="module")
def optical_stack(camera: OpticalGround) -> Reference:
    dates = [raised(photographed(camera, -5 * day), 1000) for day in range(1, 6)]
    return stacked(dates, REFLECTANCE)


@pytest.fixture(scope="module")
def radar_stack(antenna: RadarGround) -> Reference:
    dates = [scanned(antenna, -12 * day) for day in range(1, 6)]
    return stacked(dates, POWER)


@pytest.mark.parametrize("day", [0, 5, 10])
def test_simulated_defects_are_found_in_optical_images(
    camera: OpticalGround, optical_stack: Reference, day: int
) -> None:
    assert fit(inspect(photographed(camera, day), APPLIED, optical_stack))
    assert fit(inspect(photographed(camera, day, Defect.HALF), APPLIED, optical_stack))
    offset = photographed(camera, day, Defect.OFFSET)
    assert "above the stack" in inspect(offset, APPLIED, optical_stack).reason
    assert "04.00" in inspect(offset, APPLIED).reason
    shifted = inspect(photographed(camera, day, Defect.SHIFTED), APPLIED, optical_stack)
    assert "px right" in shifted.reason
    far = math.hypot(*shift_px(passing(Sensor.SENTINEL_2, day, Defect.SHIFTED)))
    assert shifted.shift_px == pytest.approx(far, abs=1.3)  # an image lies up to 1 px off by itself


@pytest.mark.parametrize("name", BAD_DAYS)
def test_no_weather_is_a_fault(camera: OpticalGround, optical_stack: Reference, name: str) -> None:
    for day in (0, 20):
        planes = photographed(camera, day, weather=BAD_DAYS[name])
        for stack in (None, optical_stack):
            found = inspect(planes, APPLIED, stack)
            assert fit(found), found


@pytest.mark.parametrize("day", [0, 12, 24, 36])
def test_simulated_defects_are_found_in_radar_images(
    antenna: RadarGround, radar_stack: Reference, day: int
) -> None:
    assert fit(inspect(scanned(antenna, day), POWER, radar_stack))
    half = inspect(scanned(antenna, day, Defect.HALF), POWER, radar_stack)
    assert fit(half)
    assert 0.3 < half.seen_share < 0.7
    shifted = inspect(scanned(antenna, day, Defect.SHIFTED), POWER, radar_stack)
    assert "px right" in shifted.reason
    far = math.hypot(*shift_px(passing(Sensor.SENTINEL_1, day, Defect.SHIFTED)))
    assert shifted.shift_px == pytest.approx(far, abs=SURE_PX)
