from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.science.radar.vessels import detect_vessels
from tasks.science.shapes import Detection
from tests.science.water import SIDE, no_memory, put_ship, speckle

WATER = np.ones((SIDE, SIDE), bool)
NO_LAND = np.zeros((SIDE, SIDE), bool)


def found(
    power: np.ndarray, water: np.ndarray = WATER, land: np.ndarray = NO_LAND, **memory: np.ndarray
) -> Detection:
    with np.errstate(divide="ignore"):
        db = 10 * np.log10(power)
    return detect_vessels(db.astype("float32"), water, land, no_memory() | memory, 10)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_ships_are_found_where_they_are_and_nowhere_else(seed: int) -> None:
    rng = np.random.default_rng(seed)
    power = speckle(rng, (SIDE, SIDE))
    places = [(20, 20), (20, 100), (70, 60), (120, 30), (130, 120)]
    for row, col in places:
        put_ship(power, row, col)
    vessels = found(power).vessels
    centres = {(round(v.row), round(v.col)) for v in vessels}
    assert len(vessels) == len(places)
    for row, col in places:
        assert any(abs(r - row - 1) <= 1 and abs(c - col - 5.5) <= 1.5 for r, c in centres)


def test_length_width_and_heading_are_within_their_error() -> None:
    power = speckle(np.random.default_rng(3), (SIDE, SIDE))
    put_ship(power, 80, 80, length_px=14, width_px=3)
    (vessel,) = found(power).vessels
    assert vessel.length_m == pytest.approx(140, abs=3 * vessel.length_sd_m)
    assert vessel.width_m < 60
    assert abs(vessel.axis[0]) > 0.97  # lies east–west


def test_false_alarms_on_open_sea_are_rare() -> None:
    """At most 0.5 per 100 km²: 60 empty scenes of 2.56 km² are 154 km²."""
    rng = np.random.default_rng(11)
    alarms = sum(len(found(speckle(rng, (SIDE, SIDE))).vessels) for _ in range(60))
    assert alarms / (60 * (SIDE * 10) ** 2 / 1e8) <= 0.5


def test_a_raft_of_ships_is_taken_apart() -> None:
    power = speckle(np.random.default_rng(4), (SIDE, SIDE))
    for k in range(3):
        put_ship(power, 60 + 6 * k, 60, length_px=13, width_px=3)
        power[60 + 6 * k + 3 : 60 + 6 * k + 6, 60:73] = 0.12  # blur between hulls
    vessels = found(power).vessels
    assert len(vessels) == 3


def test_a_sliver_is_no_vessel() -> None:
    power = speckle(np.random.default_rng(12), (SIDE, SIDE))
    put_ship(power, 80, 80, length_px=2, width_px=2)
    put_ship(power, 30, 80, length_px=8, width_px=2)
    assert [v.row for v in found(power).vessels] == [pytest.approx(30.5, abs=0.75)]


def test_what_no_ship_can_be_is_an_artefact() -> None:
    power = speckle(np.random.default_rng(5), (SIDE, SIDE))
    power[80:84, 10:140] = 0.5  # a sidelobe streak of 1.3 km
    detection = found(power)
    assert detection.vessels == ()
    assert len(detection.artefacts) == 1


def test_a_permanent_scatterer_is_not_a_vessel_and_a_ship_elsewhere_still_is() -> None:
    power = speckle(np.random.default_rng(6), (SIDE, SIDE))
    put_ship(power, 40, 40)
    put_ship(power, 100, 100)
    level = np.zeros((SIDE, SIDE), "float32")
    level[39:44, 38:54] = 10
    vessels = found(power, level=level).vessels
    assert [round(v.row) for v in vessels] == [101]


def test_a_scatterer_that_moves_by_the_registration_error_stays_out() -> None:
    power = speckle(np.random.default_rng(7), (SIDE, SIDE))
    power[40:44, 41:45] = 0.5
    level = np.zeros((SIDE, SIDE), "float32")
    level[39:43, 40:44] = 12  # remembered one pixel up and to the left
    assert found(power, level=level).vessels == ()


@pytest.mark.parametrize("masked", [True, False])
def test_a_ship_against_the_quay_is_not_told_from_the_quay(masked: bool) -> None:
    power = speckle(np.random.default_rng(8), (SIDE, SIDE))
    put_ship(power, 80, 20)
    put_ship(power, 80, 100)
    seen_share = np.ones((SIDE, SIDE), "float32")
    land = NO_LAND.copy()
    if masked:
        seen_share[:, :19] = 0
    else:
        land[:, :19] = True
    vessels = found(power, water=~land, land=land, seen_share=seen_share).vessels
    assert [v.col for v in vessels] == [pytest.approx(105.5, abs=1)]


def test_masked_pixels_and_structures_never_carry_a_vessel() -> None:
    power = speckle(np.random.default_rng(9), (SIDE, SIDE))
    put_ship(power, 30, 30)
    put_ship(power, 100, 100)
    power[100:103, 100:112] = np.nan
    water = WATER.copy()
    water[28:36, 25:50] = False
    assert found(power, water=water).vessels == ()


def test_an_unseen_scene_gives_nothing() -> None:
    assert found(np.full((SIDE, SIDE), np.nan, "float32")) == Detection(())


def test_same_input_same_output() -> None:
    power = speckle(np.random.default_rng(10), (SIDE, SIDE))
    put_ship(power, 60, 60)
    assert found(power) == found(power.copy())
