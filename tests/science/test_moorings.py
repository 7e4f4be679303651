"""Hulls that are known exactly, laid along the faces of two turned piers."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.grid import zone_masks
from tasks.science.moorings import lay_alongside
from tasks.science.quays import Face, draw_faces
from tasks.science.shapes import Vessel
from tests.science.quay import BOX, TURN_DEG, Ship, _strip, port, some_ships, taken_m

SEEN = np.ones(BOX.shape, bool)


@pytest.fixture(scope="module")
def faces() -> tuple[Face, ...]:
    return draw_faces(port(), BOX, zone_masks(BOX, port().measured_zones))


def hull(ship: Ship, turned_deg: float = 0.0) -> Vessel:
    place = _strip(ship.wall, ship.start_m, ship.start_m + ship.length_m, 2, ship.beam_m).centroid
    col, row = ~BOX.affine * (place.x, place.y)
    turn = np.radians(TURN_DEG + turned_deg)
    axis = float(np.cos(turn)), float(np.sin(turn))
    return Vessel(row - 0.5, col - 0.5, ship.length_m, ship.beam_m, 5.0, 3.0, axis, 9.0)


def test_metres_are_those_along_which_ships_lie(faces: tuple[Face, ...]) -> None:
    for seed in range(5):
        ships = some_ships(np.random.default_rng(seed), 0.6)
        berths, free = lay_alongside([hull(s) for s in ships], faces, SEEN, 10.0, 0.5)
        assert not free
        for zone_id, metres in taken_m(ships).items():
            assert berths[zone_id].occupied_m == pytest.approx(metres, abs=0.5)
            assert len(berths[zone_id].ships) == (metres > 0)


def test_a_ship_over_two_berths_takes_metres_of_both_and_is_one_ship(faces: tuple[Face, ...]) -> None:
    berths, _ = lay_alongside([hull(Ship(1, -90, 120))], faces, SEEN, 10.0, 0.5)
    assert berths["1-0"].occupied_m == pytest.approx(90, abs=0.5)
    assert berths["1-1"].occupied_m == pytest.approx(30, abs=0.5)
    assert (len(berths["1-0"].ships), len(berths["1-1"].ships)) == (1, 0)


def test_ships_abreast_take_the_quay_once(faces: tuple[Face, ...]) -> None:
    berths, _ = lay_alongside([hull(Ship(1, -120, 100)), hull(Ship(1, -110, 100, 24))], faces, SEEN, 10, 0.5)
    assert berths["1-0"].occupied_m == pytest.approx(110, abs=0.5)
    assert len(berths["1-0"].ships) == 2


def test_a_ship_that_crosses_the_strip_lies_at_no_berth(faces: tuple[Face, ...]) -> None:
    crossing = hull(Ship(1, -120, 100), turned_deg=70)
    berths, free = lay_alongside([crossing], faces, SEEN, 10.0, 0.5)
    assert free == (crossing,)
    assert berths["1-0"].occupied_m == 0


def test_a_berth_under_cloud_says_nothing(faces: tuple[Face, ...]) -> None:
    seen = SEEN.copy()
    face = next(f for f in faces if f.slots[0].zone_id == "1-0")
    here = face.slot == 0
    seen[face.rows[here], face.cols[here]] = False
    berths, _ = lay_alongside([], faces, seen, 10.0, 0.5)
    assert berths["1-0"].flag == "not_seen"
    assert berths["1-0"].occupied_m is None
    assert berths["1-1"].occupied_m == 0
