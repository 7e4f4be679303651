"""Optical vessels on scenes with known contents."""

from __future__ import annotations

from dataclasses import astuple, replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from tasks.science.optical.baseline import Baseline
from tasks.science.optical.learnt_water import learn_empty
from tasks.science.optical.scene import DEFAULT_OPTICAL, detect_optical_scene
from tasks.science.optical.water import model_water
from tasks.science.shapes import heading_deg

Plane = npt.NDArray[np.float32]
BANDS = ("blue", "green", "red", "nir", "swir16")
WATER = dict(zip(BANDS, (0.05, 0.045, 0.03, 0.02, 0.01), strict=True))
QUAY = dict(zip(BANDS, (0.14, 0.15, 0.16, 0.18, 0.2), strict=True))
DECK = dict(zip(BANDS, (0.2, 0.16, 0.25, 0.28, 0.2), strict=True))
FOAM = dict(zip(BANDS, (0.25, 0.25, 0.22, 0.14, 0.03), strict=True))
SIDE = 200
FINE = 4


def cover(row: float, col: float, length: float, width: float, heading: float, side: int = SIDE) -> Plane:
    """Share of each pixel under a box, all in pixels; heading in degrees from up, clockwise."""
    at = (np.arange(side * FINE) + 0.5) / FINE - 0.5
    rows, cols = np.meshgrid(at, at, indexing="ij")
    turn = np.radians(heading)
    along = (cols - col) * np.sin(turn) - (rows - row) * np.cos(turn)
    across = (cols - col) * np.cos(turn) + (rows - row) * np.sin(turn)
    box = (np.abs(along) <= length / 2) & (np.abs(across) <= width / 2)
    return box.reshape(side, FINE, side, FINE).mean((1, 3)).astype(np.float32)


def scene(
    *paints: tuple[Plane, dict[str, float]], haze: float = 0.0, seed: int = 0, noise: float = 0.0015
) -> dict[str, Plane]:
    """Water with land along the left, painted over in order, seen through a lens and haze."""
    rng, ground = np.random.default_rng(seed), np.random.default_rng(99)
    planes = {}
    for band in BANDS:
        plane = np.full((SIDE, SIDE), WATER[band])
        plane[:, :50] = QUAY[band] + ground.normal(0, 0.02, (SIDE, 50))
        for share, paint in paints:
            plane += share * (paint[band] - plane)
        plane = ndimage.gaussian_filter(plane, 1.0 if band == "swir16" else 0.5)
        planes[band] = (haze + plane * (1 - haze) + rng.normal(0, noise, plane.shape)).astype(np.float32)
    return planes


SHIP = cover(100, 130, 18, 3, 60)


@pytest.mark.parametrize("haze", [0.0, 0.12])
@pytest.mark.parametrize("bands", [BANDS, BANDS[:4], ("red", "nir"), ("blue", "green", "red")])
def test_a_ship_is_found_whatever_the_haze_and_the_bands(haze: float, bands: tuple[str, ...]) -> None:
    planes = scene((SHIP, DECK), haze=haze)
    [ship] = detect_optical_scene({band: planes[band] for band in bands}, 10.0).vessels
    assert (ship.row, ship.col) == pytest.approx((100, 130), abs=1)
    assert ship.length_m == pytest.approx(180, abs=25)
    assert ship.width_m == pytest.approx(30, abs=8)
    assert heading_deg(ship) == pytest.approx(60, abs=4)


def test_empty_water_has_no_vessel() -> None:
    assert detect_optical_scene(scene(), 10.0).vessels == ()


def test_whitecaps_raise_the_bar() -> None:
    caps = (np.random.default_rng(1).random((SIDE, SIDE)) < 0.02).astype(np.float32)
    caps[:, :65] = 0  # off the quay
    water = np.arange(SIDE)[None] >= np.full((SIDE, 1), 50)
    assert detect_optical_scene(scene((caps * 0.3, FOAM)), 10.0, water=water).vessels == ()


def test_a_wake_does_not_lengthen_its_ship() -> None:
    wake = cover(100, 145, 40, 1.5, 90) * 0.6
    hull = cover(100, 122, 8, 2, 90)
    [ship] = detect_optical_scene(scene((wake, FOAM), (hull, DECK)), 10.0).vessels
    assert ship.col == pytest.approx(122, abs=3)
    assert ship.length_m < 160


def test_a_bright_bridge_and_a_dark_deck_are_one_ship() -> None:
    dark = {band: 0.3 * value for band, value in DECK.items()}
    bridge = cover(100, 123, 4, 3, 90)
    [ship] = detect_optical_scene(scene((cover(100, 130, 18, 3, 90), dark), (bridge, DECK)), 10.0).vessels
    assert ship.length_m == pytest.approx(180, abs=40)


def test_nothing_is_claimed_under_cloud() -> None:
    hidden = np.zeros((SIDE, SIDE), bool)
    hidden[80:120, 110:150] = True
    assert detect_optical_scene(scene((SHIP, DECK)), 10.0, unclear=hidden).vessels == ()


def test_known_water_shows_a_ship_alongside() -> None:
    water = np.zeros((SIDE, SIDE), bool)
    water[:, 50:] = True
    berthed = cover(100, 51.5, 16, 3, 0)
    ships = detect_optical_scene(scene((berthed, DECK)), 10.0, water=water).vessels
    assert len(ships) == 1
    assert ships[0].length_m == pytest.approx(160, abs=25)


@pytest.mark.parametrize("occupancy", [0.3, 0.7])
def test_a_stack_remembers_the_empty_quay(occupancy: float) -> None:
    """A berth taken on seven dates of ten is still water in the baseline, and its ship is found."""
    rng = np.random.default_rng(4)
    berthed = cover(100, 51.5, 16, 3, 0)
    taken = rng.permutation(np.arange(20) < 20 * occupancy)
    dates = [scene((berthed * there, DECK), seed=k) for k, there in enumerate(taken)]
    cols = np.tile(np.arange(SIDE), SIDE)
    columns = {band: np.stack([date[band].ravel() for date in dates]) for band in BANDS}
    learnt = learn_empty(columns, cols > 80, (cols >= 52) & (cols < 60))
    level, spread = ({b: learnt[f"{b}{end}"].reshape(SIDE, SIDE) for b in BANDS} for end in ("", "_spread"))
    empty = Baseline(level, spread, 10.0, model_water(level, 10.0))
    assert empty.water(10.0)[95:105, 52].all()
    found = [len(detect_optical_scene(date, 10.0, baseline=empty).vessels) for date in dates[:6]]
    assert found == [int(there) for there in taken[:6]]


def test_tiles_change_nothing() -> None:
    planes = scene((SHIP, DECK), (cover(40, 90, 9, 2, 10), DECK), (cover(160, 52, 14, 3, 0), DECK))
    whole = detect_optical_scene(planes, 10.0)
    assert len(whole.vessels) >= 2
    for tile in (64, 90):
        parts = detect_optical_scene(planes, 10.0, options=replace(DEFAULT_OPTICAL, tile_px=tile))
        assert len(parts.vessels) == len(whole.vessels)
        for one, other in zip(parts.vessels, whole.vessels, strict=True):
            assert astuple(one)[:6] == pytest.approx(astuple(other)[:6], abs=1e-3)  # sums in another order


def test_a_scene_without_a_band_for_water_is_refused() -> None:
    with pytest.raises(ValueError, match="Needs one of"):
        detect_optical_scene({"swir22": np.zeros((8, 8), np.float32)}, 10.0)
