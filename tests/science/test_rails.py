"""Occupied track metres on a drawn bundle of tracks, oblique to the grid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from tasks.model import ZoneKind
from tasks.science.ashore.rails import RailLook, measure_rails
from tasks.science.plots import Plot

Plane = npt.NDArray[np.float32]

PIXEL_M = 3.0
FINE = 6
"""Sub-pixels along an edge: cars are one pixel wide."""

SHAPE = (110, 110)
BALLAST = {"blue": 0.08, "green": 0.09, "red": 0.10, "nir": 0.12}
RUST = {"blue": 0.06, "green": 0.07, "red": 0.13, "nir": 0.18}
TURN = np.radians(40)
AXIS = float(np.cos(TURN)), float(np.sin(TURN))
LENGTH_M, WIDTH_M = 280.0, 18.0


def places(step: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Metres along and across the bundle, of a grid of pixels."""
    edge = int(SHAPE[0] * PIXEL_M / step)
    row, col = np.mgrid[:edge, :edge]
    x, y = (col + 0.5) * step - 165, 165 - (row + 0.5) * step
    return x * AXIS[0] + y * AXIS[1] + LENGTH_M / 2, y * AXIS[0] - x * AXIS[1]


def bundle(kind: ZoneKind = ZoneKind.RAIL_YARD, middle_m: float = 0.0, wide_m: float = WIDTH_M) -> Plot:
    along, across = places(PIXEL_M)
    inside = (along > 0) & (along < LENGTH_M) & (np.abs(across - middle_m) < wide_m / 2)
    rows, cols = np.nonzero(inside)
    return Plot(
        kind.value, kind, rows, cols, along[inside], across[inside] - middle_m, AXIS, LENGTH_M, wide_m,
        LENGTH_M * wide_m,
    )  # fmt: skip


PLOTS = (bundle(), bundle(ZoneKind.CONTAINER_YARD, 30.0, 40.0))
RAIL = PLOTS[0].zone_id
SEEN = np.ones(SHAPE, bool)


def beside() -> npt.NDArray[np.bool_]:
    """Ground around yards and tracks, on which nothing stands."""
    drawn = np.zeros(SHAPE, bool)
    for plot in PLOTS:
        drawn[plot.rows, plot.cols] = True
    return np.asarray(
        ndimage.binary_dilation(drawn, iterations=20) & ~ndimage.binary_dilation(drawn, iterations=2)
    )


STEADY = beside()
BARE = {band: np.full(SHAPE, level, np.float32) for band, level in BALLAST.items()}
BARE |= {f"{band}_spread": np.full(SHAPE, 0.004, np.float32) for band in BALLAST}


def picture(
    files: list[tuple[float, float, float]], rng: np.random.Generator, light: float = 1.0
) -> dict[str, Plane]:
    """Draw files of cars, each from, to and across in metres, with blur and noise."""
    along, across = places(PIXEL_M / FINE)
    cars = np.zeros(along.shape)
    for start, end, middle in files:
        cars[(along > start) & (along < end) & (np.abs(across - middle) < 1.5) & (along % 14 < 13.2)] = 1
    blurred = ndimage.gaussian_filter(cars, 0.6 * FINE)
    share = blurred.reshape(SHAPE[0], FINE, SHAPE[1], FINE).mean(axis=(1, 3))
    return {
        band: ((level + share * (RUST[band] - level)) * light + 0.01 + rng.normal(0, 0.003, SHAPE)).astype(
            np.float32
        )
        for band, level in BALLAST.items()
    }


@pytest.fixture(name="rng")
def fixture_rng() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.mark.parametrize(
    ("files", "true_m"),
    [
        ([(20, 230, -2.6)], 210),
        ([(20, 230, -2.6), (20, 230, 2.6)], 420),
        ([(20, 120, -5.2), (20, 230, 0.0), (90, 230, 5.2)], 450),
        ([(10, 66, 2.6), (150, 234, 2.6)], 140),
    ],
)
def test_metres_of_trains(
    files: list[tuple[float, float, float]], true_m: float, rng: np.random.Generator
) -> None:
    found = measure_rails(picture(files, rng), BARE, PLOTS, SEEN, STEADY, PIXEL_M)
    assert set(found) == {RAIL}
    assert found[RAIL].flag == ""
    assert found[RAIL].occupied_m == pytest.approx(true_m, rel=0.2)
    assert found[RAIL].cars_low is None


def test_bare_tracks_in_any_light_are_free(rng: np.random.Generator) -> None:
    for light in (0.8, 1.0, 1.2):
        assert measure_rails(picture([], rng, light), BARE, PLOTS, SEEN, STEADY, PIXEL_M)[RAIL] == RailLook(
            "", 0.0
        )


def test_shade_lorries_and_grass_beside_are_no_train(rng: np.random.Generator) -> None:
    planes = picture([(100, 112, 0.0)], rng)  # as long as a lorry
    along, across = places(PIXEL_M)
    shade = (np.abs(along - 60) < 15) & (across < 4)
    grass = np.abs(across + 10.0) < 2.0
    for band, dark in {"blue": 0.6, "green": 0.5, "red": 0.45, "nir": 0.4}.items():
        planes[band][shade] *= dark
    planes["nir"][grass] += 0.08
    assert measure_rails(planes, BARE, PLOTS, SEEN, STEADY, PIXEL_M)[RAIL].occupied_m == 0.0


COAL = {"blue": 0.035, "green": 0.036, "red": 0.037, "nir": 0.042}


def test_coal_beside_the_tracks_is_no_train_in_any_light(rng: np.random.Generator) -> None:
    along, across = places(PIXEL_M / FINE)
    heaps = ((np.abs(along % 90 - 45) < 30) & (across > 3) & (across < 25)).astype(float)
    share = (
        ndimage.gaussian_filter(heaps, 0.6 * FINE).reshape(SHAPE[0], FINE, SHAPE[1], FINE).mean(axis=(1, 3))
    )
    coal = {band: (share * (COAL[band] - level)).astype(np.float32) for band, level in BALLAST.items()}
    bare = BARE | {band: BARE[band] + coal[band] for band in BALLAST}
    for light, haze, slide in ((0.75, 0.03, (0.0, 0.6)), (1.0, 0.0, (0.4, -0.5)), (1.3, -0.01, (0.0, 0.0))):
        for files, true_m in (([], 0.0), ([(20.0, 230.0, -2.6)], 210.0)):
            drawn = picture(files, rng)
            planes = {
                band: np.asarray(
                    (drawn[band] + ndimage.shift(coal[band], slide, order=1)) * light
                    + (haze if band == "blue" else haze / 3),
                    np.float32,
                )
                for band in BALLAST
            }
            found = measure_rails(planes, bare, PLOTS, SEEN, STEADY, PIXEL_M)[RAIL]
            assert found.flag == ""
            assert found.occupied_m == pytest.approx(true_m, rel=0.2)


def test_goods_on_the_yards_are_no_light(rng: np.random.Generator) -> None:
    planes = picture([], rng)
    yard = PLOTS[1]
    planes["red"][yard.rows, yard.cols] += 0.1  # rusty boxes all over, and more ground than the tracks
    assert measure_rails(planes, BARE, PLOTS, SEEN, STEADY, PIXEL_M)[RAIL] == RailLook("", 0.0)


def test_what_cannot_be_told_is_null(rng: np.random.Generator) -> None:
    planes = picture([(20, 230, 0.0)], rng)
    seen = SEEN.copy()
    seen[:, 50:] = False
    assert measure_rails(planes, BARE, PLOTS, seen, STEADY, PIXEL_M)[RAIL] == RailLook("not_seen", None)
    assert measure_rails(planes, BARE, PLOTS, SEEN, STEADY, 10.0)[RAIL] == RailLook("not_measured", None)
    snowy = {band: plane + np.float32(0.15) for band, plane in planes.items()}
    assert measure_rails(snowy, BARE, PLOTS, SEEN, STEADY, PIXEL_M)[RAIL] == RailLook("not_seen", None)
    nowhere = {band: np.full(SHAPE, np.nan, np.float32) for band in BARE}
    assert measure_rails(planes, nowhere, PLOTS, SEEN, STEADY, PIXEL_M)[RAIL] == RailLook("not_seen", None)
