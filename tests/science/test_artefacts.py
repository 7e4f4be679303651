from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.science.radar.artefacts import DEFAULT_ARTEFACTS, Track, are_traces
from tasks.science.shapes import Vessel

ASCENDING = Track(349.0)
DESCENDING = Track(191.0)


def ship(x_m: float, y_m: float, length_m: float = 100.0) -> Vessel:
    return Vessel(y_m / 10, x_m / 10, length_m, 20.0, 15.0, 9.0, (1.0, 0.0), 20.0)


def place(track: Track, along_m: float, across_m: float) -> tuple[float, float]:
    angle = np.radians(track.heading_deg)
    x = along_m * np.sin(angle) + across_m * np.cos(angle)
    y = -along_m * np.cos(angle) + across_m * np.sin(angle)
    return 10_000 + x, 10_000 + y


@pytest.mark.parametrize("track", [ASCENDING, DESCENDING])
@pytest.mark.parametrize("side", [-1, 1])
def test_a_ghost_of_a_strong_target_goes_and_the_target_stays(track: Track, side: int) -> None:
    ghost = ship(*place(track, side * track.ghost_m * 1.05, 15))
    told = are_traces([ship(10_000, 10_000), ghost], np.array([35.0, 10.0]), track, 10)
    assert told.tolist() == [False, True]


def test_ghosts_lie_between_four_and_six_kilometres_off_in_every_subswath() -> None:
    for range_m, prf in ((800e3, 1717.0), (880e3, 1452.0), (960e3, 1686.0)):
        assert 4000 < replace(ASCENDING, range_m=range_m, prf_hz=prf).ghost_m < 6000


@pytest.mark.parametrize(
    ("along", "across", "db"),
    [(4852, 0, 24.0), (4852, 120, 5.0), (3500, 0, 5.0), (0, 4852, 5.0)],
    ids=["as strong", "off the track", "too near", "along the look"],
)
def test_a_real_ship_far_away_stays(along: float, across: float, db: float) -> None:
    other = ship(*place(ASCENDING, along, across))
    assert not are_traces([ship(10_000, 10_000), other], np.array([30.0, db]), ASCENDING, 10).any()


@pytest.mark.parametrize(("along", "across"), [(200, 0), (-250, 10), (0, 220), (5, -300)])
def test_sidelobes_on_either_line_go(along: float, across: float) -> None:
    lobe = ship(*place(ASCENDING, along, across), length_m=40)
    told = are_traces([ship(10_000, 10_000), lobe], np.array([38.0, 12.0]), ASCENDING, 10)
    assert told.tolist() == [False, True]


@pytest.mark.parametrize(
    ("along", "across", "db"), [(200, 0, 20.0), (150, 150, 12.0), (600, 0, 12.0)]
)  # fmt: skip
def test_a_real_neighbour_stays(along: float, across: float, db: float) -> None:
    other = ship(*place(ASCENDING, along, across))
    assert not are_traces([ship(10_000, 10_000), other], np.array([38.0, db]), ASCENDING, 10).any()


def test_one_alone_is_no_trace() -> None:
    assert not are_traces([ship(0, 0)], np.array([30.0]), ASCENDING, 10, DEFAULT_ARTEFACTS).any()
