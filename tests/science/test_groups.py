from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from tasks.science.radar.groups import boxes, label, tops

EIGHT = np.ones((3, 3), bool)


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_groups_are_those_of_a_whole_plane(height: int, width: int, share: float, seed: int) -> None:
    plane = np.random.default_rng(seed).random((height, width)) < share
    count, labels = label(np.flatnonzero(plane), width)
    whole, expected = ndimage.label(plane, EIGHT)
    assert count == expected
    np.testing.assert_array_equal(labels, whole[plane] - 1)


def test_owners_are_kept_apart() -> None:
    count, labels = label(np.array([0, 1, 2, 3]), 10, np.array([0, 0, 1, 1], np.int32))
    assert (count, labels.tolist()) == (2, [0, 0, 1, 1])


def test_the_top_is_the_first_of_equals() -> None:
    score, labels = np.array([1.0, 3.0, 3.0, 2.0]), np.array([0, 1, 1, 0], np.int32)
    assert tops(score, labels, 2).tolist() == [3, 1]


@pytest.mark.parametrize("angle", range(0, 180, 15))
def test_a_box_lies_along_the_hull(angle: int) -> None:
    east, north = np.sin(np.radians(angle)), np.cos(np.radians(angle))
    y, x = np.mgrid[:60, :60]
    along, across = (x - 30) * east - (y - 30) * north, (x - 30) * north + (y - 30) * east
    rows, cols = np.nonzero((abs(along) <= 15) & (abs(across) <= 3))
    box = boxes(rows, cols, np.zeros(rows.size, np.int32), 1, 10.0)
    assert abs(box.east[0] * east + box.north[0] * north) > 0.995
    assert (box.row[0], box.col[0]) == pytest.approx((30, 30), abs=0.1)
    assert box.length_m[0] == pytest.approx(310, abs=12)
    assert box.width_m[0] == pytest.approx(70, abs=12)
