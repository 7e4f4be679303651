"""How full a yard is at 10 m, on simulated echoes and colours of a port with three yards."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage, stats

from tasks.model import ZoneKind
from tasks.science.ashore.colour_cover import ColourCover
from tasks.science.ashore.echo_cover import EchoCover
from tasks.science.ashore.fill import Cover, FillLook, fill_levels, learn_levels
from tasks.science.ashore.steady import ground_near
from tasks.science.flags import THIN_MEMORY
from tasks.science.plots import Plot

Plane = npt.NDArray[np.float32]

SHAPE = (60, 90)
PIXEL_M = 10.0
BARE = {"blue": 0.11, "green": 0.13, "red": 0.15, "nir": 0.18, "swir16": 0.22}
BOX = {"blue": 0.16, "green": 0.13, "red": 0.10, "nir": 0.20, "swir16": 0.20}
SNOW = {"blue": 0.30, "green": 0.30, "red": 0.30, "nir": 0.28, "swir16": 0.20}


def yard(name: str, top: int, left: int, rows: int = 3, cols: int = 30) -> Plot:
    row, col = (v.ravel() for v in np.mgrid[top : top + rows, left : left + cols])
    along, across = (col - left + 0.5) * PIXEL_M, (row - top + 0.5 - rows / 2) * PIXEL_M
    sides = cols * PIXEL_M, rows * PIXEL_M
    return Plot(
        name, ZoneKind.CONTAINER_YARD, row, col, along, across, (1.0, 0.0), *sides, sides[0] * sides[1]
    )


YARDS = (yard("busy", 15, 20), yard("idle", 35, 20), yard("small", 50, 20, 3, 10))
LAND = np.ones(SHAPE, bool)


def stack(share: float, plot: Plot = YARDS[0]) -> Plane:
    """Cover of the ground by boxes that fill a share of a yard from one end."""
    cover = np.zeros(SHAPE, np.float32)
    taken = plot.along_m < share * plot.length_m
    cover[plot.rows[taken], plot.cols[taken]] = 1
    return cover


def echoes(cover: Plane, rng: np.random.Generator, crane: tuple[int, int] | None = None) -> dict[str, Plane]:
    """Decibels of a date: moisture, boxes 7 dB over the ground, blur and speckle."""
    moist = rng.normal(0, 0.7)
    shown = {}
    for band, level in (("vv", -9.0), ("vh", -16.0)):
        speckle = rng.standard_gamma(3.0, SHAPE) / 3.0
        power = 10 ** ((level + moist) / 10) * (1 + 4 * cover) * speckle
        if crane is not None:
            power[crane] += 300 * 10 ** (level / 10)
        shown[band] = (10 * np.log10(ndimage.gaussian_filter(power, 0.8))).astype(np.float32)
    return shown


def colours(cover: Plane, rng: np.random.Generator, snow: bool = False) -> dict[str, Plane]:
    """Reflectance of a date: haze, boxes of one colour, blur and noise."""
    haze = rng.normal(0, 0.008)
    shown = {}
    for band, bare in BARE.items():
        ground = SNOW[band] if snow else bare + haze
        plane = ground + cover * (BOX[band] - ground) + rng.normal(0, 0.002, SHAPE)
        shown[band] = ndimage.gaussian_filter(plane, 0.6).astype(np.float32)
    return shown


SENSORS = [
    pytest.param(echoes, EchoCover(), id="radar"),
    pytest.param(colours, ColourCover(), id="optical"),
]


def learn(scenes: list[dict[str, Plane]], cover: Cover) -> dict[str, Plane]:
    where, candidates = ground_near(YARDS, LAND, PIXEL_M)
    columns = {band: np.stack([scene[band][where] for scene in scenes]) for band in scenes[0]}
    return learn_levels(columns, where, candidates, YARDS, PIXEL_M, cover)


def look(scene: dict[str, Plane], memory: dict[str, Plane], cover: Cover) -> dict[str, FillLook]:
    return fill_levels(scene, memory, YARDS, PIXEL_M, cover)


PAST = [0.0, 0.0, 0.8, 0.0, 0.4, 0.0, 0.0, 0.9, 0.0, 0.2, 0.0, 0.6, 0.0, 0.0, 0.9, 0.0]


@pytest.fixture(name="rng")
def fixture_rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.mark.parametrize(("draw", "cover"), SENSORS)
def test_a_level_rises_with_what_stands_there(draw, cover, rng) -> None:  # type: ignore[no-untyped-def]
    memory = learn([draw(stack(share), rng) for share in PAST], cover)
    shares = np.repeat([0.0, 0.2, 0.4, 0.6, 0.8], 6)
    levels = [look(draw(stack(share), rng), memory, cover)["busy"].level for share in shares]
    assert stats.spearmanr(shares, levels)[0] > 0.95
    assert max(levels[:6]) < 0.1
    assert np.median(levels[-6:]) > 0.7


@pytest.mark.parametrize(("draw", "cover"), SENSORS)
def test_a_yard_where_nothing_happened_stays_near_zero(draw, cover, rng) -> None:  # type: ignore[no-untyped-def]
    memory = learn([draw(stack(share), rng) for share in PAST], cover)
    idle = [look(draw(stack(0.0), rng), memory, cover)["idle"] for _ in range(20)]
    assert {found.flag for found in idle} == {THIN_MEMORY}
    assert max(found.level for found in idle) < 0.1
    full = look(draw(stack(0.8, YARDS[1]), rng), memory, cover)["idle"]
    assert full.level > 0.7  # on the scale that ends where the memory does not reach


@pytest.mark.parametrize(("draw", "cover"), SENSORS)
def test_the_order_of_dates_does_not_matter(draw, cover, rng) -> None:  # type: ignore[no-untyped-def]
    past = [draw(stack(share), rng) for share in PAST]
    memory, turned = learn(past, cover), learn(past[::-1], cover)
    for name, plane in memory.items():
        np.testing.assert_allclose(plane, turned[name], rtol=1e-5, err_msg=name)


@pytest.mark.parametrize(("draw", "cover"), SENSORS)
def test_what_cannot_be_told_is_null(draw, cover, rng) -> None:  # type: ignore[no-untyped-def]
    past = [draw(stack(share), rng) for share in PAST]
    memory = learn(past, cover)
    hidden = draw(stack(0.4), rng)
    for plane in hidden.values():
        plane[:, :40] = np.nan
    found = look(hidden, memory, cover)
    assert found["busy"] == FillLook("not_seen", None)
    assert found["small"] == FillLook("not_measured", None)  # 30 pixels
    short = learn(past[:3], cover)
    assert look(past[2], short, cover)["busy"] == FillLook("not_measured", None)


def test_snow_is_not_seen_through(rng: np.random.Generator) -> None:
    cover = ColourCover()
    past = [colours(stack(share), rng, snow=k % 3 == 0) for k, share in enumerate(PAST)]
    memory = learn(past, cover)
    assert look(colours(stack(0.5), rng, snow=True), memory, cover)["busy"] == FillLook("not_seen", None)
    level = look(colours(stack(0.5), rng), memory, cover)["busy"].level
    assert level is not None
    assert level > 0.3


def test_a_crane_beside_the_yard_is_no_stack(rng: np.random.Generator) -> None:
    cover = EchoCover()
    memory = learn([echoes(stack(share), rng) for share in PAST], cover)
    beside = [
        look(echoes(stack(0.0), rng, crane=(13, 25 + k)), memory, cover)["busy"].level for k in range(10)
    ]
    assert max(level for level in beside if level is not None) < 0.1
