from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from tasks.science.series.turnover import DETECTION_M2, Standing, turnover
from tasks.science.teu import teu_interval


def look(*boxes: tuple[float, float, float, float], hidden: tuple[shapely.Polygon, ...] = ()) -> Standing:
    return Standing(tuple(shapely.box(*b) for b in boxes), hidden)


def test_loading_and_unloading_are_counted_apart() -> None:
    found = turnover([look((0, 0, 60, 24)), look((0, 0, 30, 24), (100, 0, 150, 24))], 3.0)
    assert found[0].gained_m2 is None
    assert found[0].lost_m2 is None
    assert found[1].gained_m2 == pytest.approx(50 * 24, rel=0.01)
    assert found[1].lost_m2 == pytest.approx(30 * 24, rel=0.01)


def test_empty_yards_gain_nothing_and_it_is_a_zero() -> None:
    found = turnover([look(), look(), look((0, 0, 50, 20)), look()], 3.0)
    assert (found[1].gained_m2, found[1].lost_m2) == (0.0, 0.0)
    assert found[2].gained_m2 == pytest.approx(1000, rel=0.01)
    assert found[3].lost_m2 == pytest.approx(1000, rel=0.01)


@given(
    st.floats(-2.5, 2.5),
    st.floats(-2.5, 2.5),
    st.floats(-2.0, 2.0),
    st.floats(0, 180),
    st.integers(1, 10_000),
)
def test_a_slide_or_a_shaky_edge_is_no_turnover(
    east: float, north: float, grown: float, angle: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    stack = shapely.affinity.rotate(shapely.box(0, 0, 90, 23), angle)
    ring = shapely.get_coordinates(shapely.segmentize(stack, 1.5)) + rng.uniform(-0.7, 0.7, 2)
    other = shapely.affinity.translate(shapely.Polygon(ring).buffer(grown, join_style="mitre"), east, north)
    found = turnover([Standing((stack,)), Standing((other,))], 3.0)[1]
    assert found.gained_m2 is not None
    assert found.lost_m2 is not None
    assert found.gained_m2 < DETECTION_M2
    assert found.lost_m2 < DETECTION_M2


def test_looks_that_tell_nothing_are_null_and_are_bridged() -> None:
    found = turnover([look((0, 0, 50, 20)), None, look((0, 0, 100, 20))], 3.0)
    assert found[1].gained_m2 is None
    assert found[2].gained_m2 == pytest.approx(1000, rel=0.01)


def test_ground_is_compared_with_the_last_look_that_saw_it() -> None:
    west = shapely.box(0, 0, 50, 24)
    full, covered = look((0, 0, 100, 24)), look((50, 0, 100, 24), hidden=(west,))
    found = turnover([full, covered, look((50, 0, 100, 24))], 3.0)
    assert (found[1].gained_m2, found[1].lost_m2) == (0.0, 0.0)
    assert found[2].lost_m2 == pytest.approx(50 * 24, rel=0.01)
    never = turnover([look((50, 0, 100, 24), hidden=(west,)), full], 3.0)
    assert never[1].gained_m2 == 0.0


def test_the_interval_holds_what_stacks_hold() -> None:
    for tiers in (1, 2, 3, 5):
        for packing in (0.65, 0.8):
            area = 2400.0
            boxes = area / 14.9 * tiers * packing
            low, high = teu_interval(0.9 * area)
            assert low <= boxes <= high
    assert teu_interval(0.0)[0] == 0
    assert teu_interval(0.0)[1] > 0
    assert teu_interval(500.0, hidden_m2=1000.0)[1] > teu_interval(500.0)[1]
    assert teu_interval(500.0, hidden_m2=1000.0)[0] == teu_interval(500.0)[0]
