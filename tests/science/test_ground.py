"""Where to look in a single image, and which radar ships lie off the quays."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.grid import draw
from tasks.science.ground import ground_of, lies_free, masked, vessel_row
from tasks.science.radar.vessels import DEFAULT_VESSELS
from tasks.science.shapes import Vessel
from tests.flows.tiny import port
from tests.scenes import SCENE_BOX, WINDOW, rectangle

SHIP = Vessel(50.0, 50.0, 120.0, 20.0, 20.0, 15.0, (1.0, 0.0), 9.0)


@pytest.mark.parametrize(
    ("row", "col", "free"),
    [
        (50, 90, True),  # 400 m off
        (50, 57, False),  # 10 m before its bow
        (50, 59, True),  # 30 m before its bow
        (52, 55, False),  # 10 m beside its side, far from its middle
        (54, 55, True),
        (54, 50, False),  # 40 m from its middle
        (55, 50, True),
    ],
)
def test_a_ship_lies_free_of_what_is_hard(row: int, col: int, free: bool) -> None:
    hard = np.zeros((100, 100), bool)
    hard[row, col] = True
    assert lies_free(SHIP, lambda window: hard[window], hard.shape, 10.0, DEFAULT_VESSELS) is free
    turned = Vessel(**{**vars(SHIP), "axis": (0.0, -1.0)})
    across = hard.T[::-1]  # the same turned by a quarter
    middle = Vessel(**{**vars(turned), "row": 99 - SHIP.col})
    assert lies_free(middle, lambda window: across[window], hard.shape, 10.0, DEFAULT_VESSELS) is free


def test_single_pixels_without_an_echo_are_not_masked() -> None:
    seen = np.random.default_rng(1).random((80, 80)) > 0.05
    assert not masked(seen).any()
    seen[20:40, 30:50] = False
    np.testing.assert_array_equal(masked(seen)[20:40, 30:50], True)


def test_a_site_is_searched_on_its_water_less_its_structures() -> None:
    ground = ground_of(port(), WINDOW)
    assert ground.searched is not None
    zones = [rectangle(0, 0, 24, 60), rectangle(30, 0, 30, 60)]
    mole = draw(WINDOW, [rectangle(18, 20, 8, 40)], touched=True)
    assert not (ground.searched & mole).any()
    assert not (ground.searched & ~draw(WINDOW, zones)).any()
    assert ground.zone_at(35, 35) == "harbour"
    assert ground.zone_at(0, 0) is None
    assert ground_of(None, WINDOW).searched is None


def test_a_row_tells_places_by_true_north() -> None:
    row = vessel_row(SHIP, SCENE_BOX, ground_of(None, SCENE_BOX))
    assert row["heading_deg"] == pytest.approx(90.87, abs=0.05)  # meridian convergence at 130.3° E, 42.2° N
    corners = np.array(row["outline"].exterior.coords)
    assert row["outline"].centroid.distance(rectangle(0, 0, 1, 1)) < 0.01
    assert np.ptp(corners[:, 0]) * 111_320 * np.cos(np.radians(42.2)) == pytest.approx(120, rel=0.02)
    unknown = Vessel(**{**vars(SHIP), "width_m": float("nan"), "width_sd_m": float("nan")})
    assert vessel_row(unknown, SCENE_BOX, ground_of(None, SCENE_BOX))["width_m"] is None
