"""Which looks go into one job, what they are compared with, and how much a worker holds meanwhile."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import xarray as xr

from tasks.analyse import JOB_BYTES, LOOKS_BACK, LOOKS_PER_JOB, _looks_per_job, _runs, _series
from tasks.archive.ledger import ArchivedScene
from tasks.science.methods import OPTICAL, RADAR
from tasks.science.radar.looks import learn_radar, measure_scenes
from tests.science.water import BOX, SIDE, block, learn_one, site, speckle

START = datetime(2023, 11, 1, 9, tzinfo=UTC)


def scene(number: int, orbit: int = 61) -> ArchivedScene:
    when = START + timedelta(days=6 * number)
    return ArchivedScene(f"s{number:03d}", "c", when, orbit, slot=1000 - number, processing="")


def parts(wanted: Sequence[bool], most: int = 4) -> list[list[int]]:
    series = [scene(k) for k in range(len(wanted))]
    return [list(run) for run in _runs(series, wanted, RADAR, most)]


def test_a_run_is_as_long_as_a_job_may_be_and_stays_in_its_quarter() -> None:
    # 1 November + 6 days × 10 is 31 December: the eleventh date begins a new quarter.
    assert parts([True] * 14) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10], [11, 12, 13]]


def test_only_wanted_scenes_are_measured() -> None:
    assert parts([False, True, True, False, False, True]) == [[1, 2], [5]]
    assert parts([False] * 5) == []


def test_radar_is_compared_within_its_orbit_and_colours_with_all() -> None:
    mixed = [scene(k, orbit) for k, orbit in enumerate((61, 32, 61, 32))]
    assert [[s.scene_id for s in run] for run in _series(RADAR, mixed)] == [
        ["s001", "s003"],
        ["s000", "s002"],
    ]
    assert [[s.scene_id for s in run] for run in _series(OPTICAL, mixed[::-1])] == [
        ["s000", "s001", "s002", "s003"]
    ]


@pytest.mark.parametrize(("bands", "each"), [(("vv", "vh"), 4), (("blue", "green", "red", "nir"), 2)])
@pytest.mark.parametrize("side", [500, 2000, 6000, 20_000])
def test_large_ports_get_small_jobs(side: int, bands: tuple[str, ...], each: int) -> None:
    looks = _looks_per_job((side, side), bands)
    assert 1 <= looks <= LOOKS_PER_JOB
    held = (looks + LOOKS_BACK) * side * side * len(bands) * each
    assert held <= JOB_BYTES or looks == 1


def test_a_worker_holds_its_block_and_a_few_planes_more() -> None:
    """However many dates a job has, what is needed beyond its block is that of one date."""
    power = speckle(np.random.default_rng(3), (12, SIDE, SIDE))
    port = site()
    background = learn_one(learn_radar, block(power), ("vv",), port, BOX)

    def peak(dates: int) -> int:
        part: xr.Dataset = block(power[:dates])
        measure_scenes(part, background, ("vv",), port, BOX)  # compiled by now
        tracemalloc.start()
        measure_scenes(part, background, ("vv",), port, BOX)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    plane = SIDE * SIDE * 4
    assert peak(12) < peak(2) + 6 * plane


def test_backgrounds_that_follow_one_another_hold_the_dates_of_one() -> None:
    """However many epochs a job has, what is needed is that of its largest."""
    power = speckle(np.random.default_rng(4), (24, SIDE, SIDE))
    scenes, port = block(power), site()

    def peak(epochs: Sequence[range]) -> int:
        for planes in learn_radar(scenes, epochs, ("vv",), port, BOX):  # compiled by now
            del planes
        tracemalloc.start()
        for planes in learn_radar(scenes, epochs, ("vv",), port, BOX):
            del planes
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    plane = SIDE * SIDE * 4
    assert peak([range(k, k + 8) for k in range(0, 17, 4)]) < peak([range(8)]) + 2 * plane
