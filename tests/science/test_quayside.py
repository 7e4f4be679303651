from __future__ import annotations

import numpy as np
import pytest

from tasks.science.chain import chained
from tasks.science.optical.baseline import Baseline
from tasks.science.optical.quayside import measure_quayside
from tasks.science.optical.water import model_water
from tasks.science.quays import Face, Slot

SHAPE = (110, 200)
PIXEL_M = 3.0
QUAY = 30
"""First row of water; a berth's strip is 48 m wide."""

WATER = {"blue": 0.05, "green": 0.05, "red": 0.03, "nir": 0.02}
LAND = {"blue": 0.12, "green": 0.15, "red": 0.2, "nir": 0.28}
DECK = {"blue": 0.10, "green": 0.12, "red": 0.16, "nir": 0.14}
BLUE_DECK = {"blue": 0.12, "green": 0.08, "red": 0.04, "nir": 0.09}

Planes = dict[str, np.ndarray]


def face() -> Face:
    rows, cols = (a.ravel() for a in np.mgrid[QUAY : QUAY + 16, 0 : SHAPE[1]])
    along, off = (cols + 0.5) * PIXEL_M, (rows - QUAY + 0.5) * PIXEL_M
    slots = Slot("west", 0, 300, 300), Slot("east", 300, 600, 300)
    return Face(slots, rows, cols, (along > 300).astype(np.intp), along, off, (1.0, 0.0))


def scene(*ships: tuple[float, float, dict[str, float]], seed: int = 0, haze: float = 0.0) -> Planes:
    """A quay with ships of 18 m alongside, each from so many metres to so many."""
    rng = np.random.default_rng(seed)
    planes = {}
    for band, level in WATER.items():
        plane = np.full(SHAPE, level)
        plane[:QUAY] = LAND[band]
        for start, end, deck in ships:
            plane[QUAY : QUAY + 6, round(start / PIXEL_M) : round(end / PIXEL_M)] = deck[band]
        planes[band] = (plane + haze + rng.normal(0, 0.003, SHAPE)).astype("float32")
    return planes


def baseline() -> Baseline:
    level = scene(seed=99)
    return Baseline(
        level, {b: np.full(SHAPE, 0.003, "float32") for b in level}, PIXEL_M, model_water(level, PIXEL_M)
    )


def looks(planes: Planes, empty: Baseline | None = None, seen: np.ndarray | None = None) -> dict:
    today = model_water(planes, PIXEL_M)
    assert today is not None
    seen = np.ones(SHAPE, bool) if seen is None else seen
    return measure_quayside(planes, empty or baseline(), today, [face()], seen, PIXEL_M, 0.5)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("haze", [0.0, 0.05])
def test_an_empty_quay_is_free_whatever_the_haze(seed: int, haze: float) -> None:
    for look in looks(scene(seed=seed, haze=haze)).values():
        assert (look.flag, look.occupied_m, look.occupied_fraction, look.ships) == ("", 0, 0, ())


@pytest.mark.parametrize("deck", [DECK, BLUE_DECK])
@pytest.mark.parametrize("haze", [0.0, 0.05])
def test_the_metres_of_a_ship_are_told(deck: dict[str, float], haze: float) -> None:
    found = looks(scene((90, 210, deck), haze=haze))
    assert found["west"].occupied_m == pytest.approx(120, abs=6)
    assert found["west"].occupied_fraction == pytest.approx(0.4, abs=0.02)
    assert found["east"].occupied_m == 0
    (ship,) = found["west"].ships
    assert ship.length_m == pytest.approx(120, abs=ship.length_sd_m)
    assert ship.col * PIXEL_M == pytest.approx(150, abs=2 * PIXEL_M)
    assert np.isnan(ship.width_m)


def test_two_ships_bow_to_stern_take_both_berths_and_are_two() -> None:
    found = looks(scene((60, 298, DECK), (302, 540, DECK)))
    for zone_id in ("west", "east"):
        assert found[zone_id].occupied_m == pytest.approx(239, abs=9)
        assert len(found[zone_id].ships) == 1


def test_a_ship_across_the_border_is_one_and_takes_metres_of_both() -> None:
    found = looks(scene((240, 390, DECK)))
    assert [found[z].occupied_m for z in ("west", "east")] == pytest.approx([60, 90], abs=6)
    assert [len(found[z].ships) for z in ("west", "east")] == [0, 1]


def test_hatches_between_which_the_deck_is_dark_are_one_ship() -> None:
    parts = [(90 + 30 * k, 114 + 30 * k, DECK) for k in range(5)]
    assert looks(scene(*parts))["west"].occupied_m == pytest.approx(144, abs=9)


def test_a_tug_takes_no_berth() -> None:
    assert looks(scene((90, 114, DECK)))["west"].occupied_m == 0


def test_ice_on_all_the_water_before_a_quay_is_no_ship() -> None:
    planes = scene()
    for plane in planes.values():
        plane[QUAY : QUAY + 30, :100] += 0.12
    found = looks(planes)
    assert found["west"].flag == "not_seen"
    assert found["west"].occupied_m is None
    assert found["east"].occupied_m == 0


def test_what_no_look_shows_and_nobody_remembers_is_not_told() -> None:
    seen = np.ones(SHAPE, bool)
    seen[:, :80] = False
    assert looks(scene((0, 240, DECK)), seen=seen)["west"].flag == "not_seen"
    empty = baseline()
    for plane in empty.level.values():
        plane[QUAY:50, 100:] = np.nan
    found = looks(scene((400, 500, DECK)), empty)
    assert found["east"].flag == "not_measured"
    assert found["east"].occupied_m is None


def test_a_chain_carries_over_what_a_cell_does_not_tell() -> None:
    odds = np.array([-4.0] * 5 + [4, 4, 0, 0, 4, 4] + [-4] * 5)
    taken = chained(odds, 0.02) > 0.5
    assert taken.tolist() == [False] * 5 + [True] * 6 + [False] * 5
    assert chained(np.zeros(7), 0.1) == pytest.approx(0.5)
    alone = 1 / (1 + np.exp(-odds))
    assert chained(odds, 0.5) == pytest.approx(alone)
