from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from tasks.science.epochs import Moment
from tasks.science.optical.clear_epochs import (
    CLEAR_PERCENT,
    ENOUGH_CLEAR,
    MOST_CLEAR,
    SEASONS,
    clear_epochs,
    clear_members,
)

START = datetime(2023, 1, 2, 2, tzinfo=UTC)
LAST_QUARTER = datetime(2024, 1, 1, tzinfo=UTC)


def daily(count: int, cloud: float | None = 0.0) -> list[Moment]:
    return [Moment(f"day{k:03d}", START + timedelta(days=k), k % 3, cloud) for k in range(count)]


def test_cloudy_scenes_teach_nothing_and_unknown_ones_do() -> None:
    clear = Moment("clear", START, 0, CLEAR_PERCENT)
    unknown = Moment("unknown", START + timedelta(days=1), 0, None)
    assert clear_members([*daily(4, 90.0), clear, unknown], START).members == ("clear", "unknown")


def test_a_year_is_sampled_evenly() -> None:
    members = clear_members(daily(364), LAST_QUARTER).members
    days = np.array([int(name[3:]) for name in members])
    assert len(members) == MOST_CLEAR
    assert list(days) == sorted(days)
    assert np.all(np.histogram(days, 4, (0, 364))[0] >= 3)


def test_a_late_scene_changes_one_member_at_most() -> None:
    scenes = daily(364)
    whole = set(clear_members(scenes, LAST_QUARTER).members)
    for late in range(0, 364, 13):
        before = set(clear_members(scenes[:late] + scenes[late + 1 :], LAST_QUARTER).members)
        assert len(whole - before) <= 1


def test_the_start_of_an_archive_borrows_from_what_follows() -> None:
    first = datetime(2023, 1, 1, tzinfo=UTC)
    few = daily(364)[::13]
    epoch = clear_members(few, first)
    assert len(epoch.members) == ENOUGH_CLEAR
    assert not epoch.settled
    assert clear_members(daily(364), LAST_QUARTER).settled


def test_an_archive_that_begins_in_winter_learns_from_spring_too() -> None:
    epoch = clear_members(daily(364), datetime(2023, 1, 1, tzinfo=UTC))
    days = [int(name[3:]) for name in epoch.members]
    assert min(days) < 20
    assert 160 < max(days) < SEASONS.days
    assert not clear_members(daily(364), datetime(2023, 4, 1, tzinfo=UTC)).settled


def test_order_of_arrival_and_orbit_do_not_matter() -> None:
    scenes = daily(200)
    assert clear_epochs(scenes) == clear_epochs(scenes[::-1])
    assert [e.orbit for e in clear_epochs(scenes)] == [0, 0, 0]
