from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.science.series.trips import DEFAULT_TRIPS, Stay, match, stays, trips_between

START, DAYS = pd.Timestamp("2023-08-01"), 180
END = START + pd.Timedelta(days=DAYS)
BERTHS = ("1", "2", "3")

Sight = tuple[float, str, float]
"""Day, berth, length; a look at which nothing was seen has an empty berth."""


def table(sights: Sequence[Sight]) -> pd.DataFrame:
    rows = []
    for day in sorted({s[0] for s in sights}):
        there = {b: m for d, b, m in sights if d == day and b}
        for berth in BERTHS:
            rows.append(
                {
                    "zone_id": berth,
                    "zone_kind": "berth",
                    "scene_id": f"{day:07.3f}",
                    "acquired": START + pd.Timedelta(days=day),
                    "seen_fraction": 1.0,
                    "vessel_count": int(berth in there),
                    "vessel_length_m": there.get(berth, 0.0),
                    "occupied_fraction": 0.0,
                }
            )
    columns = ["zone_id", "zone_kind", "scene_id", "acquired", "seen_fraction"]
    columns += ["vessel_count", "vessel_length_m", "occupied_fraction"]
    return pd.DataFrame(rows, columns=columns).astype({"acquired": "datetime64[ms]", "vessel_count": "Int32"})


def shuttle(seed: int, noise: float = 0.1) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """One ship between A and B, each looked at every six days in turn; and how often it sailed to B."""
    rng = np.random.default_rng(seed)
    length = rng.uniform(90, 140)
    calls: list[tuple[int, float, float, str]] = []
    day, port = -rng.uniform(0, 4), int(rng.integers(2))
    while day < DAYS:
        left = day + rng.uniform(1.2, 5)
        calls.append((port, day, left, str(rng.choice(BERTHS))))
        day, port = left + rng.uniform(0.4, 1.5), 1 - port
    tables = []
    for which in range(2):
        sights: list[Sight] = []
        for when in np.arange(3.0 * which, DAYS, 6):
            here = [c for c in calls if c[0] == which and c[1] <= when < c[2]]
            sights.append((when, here[0][3] if here else "", length * (1 + noise * rng.normal())))
        tables.append(table(sights))
    truth = sum(a[0] == 0 and a[2] >= 0 and b[1] < DAYS for a, b in pairwise(calls))
    return tables[0], tables[1], truth


def test_the_bounds_of_a_shuttle_hold() -> None:
    """In each of 50 half years; and a quarter of the trips are found, from looks every six days."""
    found = []
    for seed in range(50):
        a, b, truth = shuttle(seed)
        trips = trips_between(a, b, START, END)
        assert trips.at_most is not None
        assert trips.at_least <= truth <= trips.at_most, seed
        found.append(trips.at_least / truth)
    assert np.mean(found) > 0.2


ports = st.lists(
    st.tuples(
        st.integers(0, 40).map(float), st.sampled_from(["", *BERTHS]), st.sampled_from([60.0, 100.0, 180.0])
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(ports, ports)
def test_no_stay_is_used_twice_and_every_pair_can_be(a: list[Sight], b: list[Sight]) -> None:
    trips = trips_between(table(a), table(b), START, END)
    assert trips.at_least == len(trips.pairs) <= min(trips.stays_a, trips.stays_b)
    for side in zip(*trips.pairs, strict=True):
        assert len({(s.berth, s.first_seen) for s in side}) == len(side)
    for one, other in trips.pairs:
        assert other.last_seen - one.last_seen >= pd.Timedelta(hours=DEFAULT_TRIPS.sailing_hours)
        assert other.first_seen - one.last_seen <= pd.Timedelta(days=DEFAULT_TRIPS.max_gap_days)
        assert abs(one.length_m - other.length_m) < 100
    if trips.at_most is not None:
        assert trips.at_most >= trips.at_least


def a_stay(day: float, length_m: float = 100.0, days: float = 0.0) -> Stay:
    first = START + pd.Timedelta(days=day)
    return Stay("1", first, first + pd.Timedelta(days=days), length_m, 1)


some_stays = st.lists(st.builds(a_stay, st.floats(0, 60), st.floats(60, 200), st.floats(0, 9)), max_size=12)


@given(some_stays, some_stays, some_stays)
def test_one_more_stay_never_takes_a_trip_away(a: list[Stay], b: list[Stay], more: list[Stay]) -> None:
    fewer = len(match(a, b))
    assert len(match([*a, *more], b)) >= fewer
    assert len(match(a, [*b, *more])) >= fewer


def test_the_matching_is_the_largest() -> None:
    """The nearest in time first would leave the second stay at A without a partner."""
    a, b = [a_stay(0), a_stay(4)], [a_stay(5), a_stay(1)]
    assert len(match(a, b)) == 2


def test_brackets_and_lengths_decide() -> None:
    assert len(match([a_stay(0)], [a_stay(0.3)])) == 1
    assert len(match([a_stay(0)], [a_stay(0.2)])) == 0  # no ship is as fast
    assert len(match([a_stay(0)], [a_stay(9.9)])) == 1
    assert len(match([a_stay(0)], [a_stay(10.1)])) == 0
    assert len(match([a_stay(0, 80)], [a_stay(2, 190)])) == 0
    assert len(match([a_stay(0, 100)], [a_stay(2, 130)])) == 1
    assert len(match([a_stay(0)], [a_stay(2)], replace(DEFAULT_TRIPS, sailing_hours=60))) == 0


def test_a_ship_that_never_left_made_no_trip() -> None:
    here = table([(50.0, "1", 100)])
    there = table([(float(d), "1", 100) for d in range(0, 150, 6)])
    found = trips_between(here, there, START, START + pd.Timedelta(days=150))
    assert found.at_least == 0


def test_consecutive_looks_at_one_berth_are_one_stay() -> None:
    found = stays(table([(0, "1", 100), (6, "1", 110), (12, "1", 105), (18, "", 0), (24, "1", 100)]))
    assert [(s.looks, s.length_m) for s in found] == [(3, 105), (1, 100)]


@pytest.mark.parametrize(
    ("sights", "count"),
    [
        ([(0, "1", 100), (12, "1", 100)], 1),
        ([(0, "1", 100), (14, "1", 100)], 2),
        ([(0, "1", 60), (6, "1", 180)], 2),
        ([(0, "1", 100), (6, "2", 100)], 2),
        ([(0, "1", 100), (0, "2", 100)], 2),
    ],
)
def test_what_is_another_stay(sights: list[Sight], count: int) -> None:
    assert len(stays(table(sights))) == count


def test_looks_without_a_ship_bound_the_trips_from_above() -> None:
    empty = table([(float(d), "", 0) for d in range(0, 180, 6)])
    trips = trips_between(empty, empty, START, END)
    assert trips.at_least == trips.stays_a == trips.stays_b == 0
    assert 0 < trips.at_most < 30
    assert (trips.looks_a, trips.looks_b, trips.days) == (30, 30, DAYS)
    longer = trips_between(empty, empty, START, END + pd.Timedelta(days=DAYS))
    assert longer.at_most > trips.at_most


def test_without_a_look_nothing_bounds_them_from_above() -> None:
    none, some = table([]), table([(0, "1", 100)])
    for a, b in ((none, some), (some, none), (none, none)):
        trips = trips_between(a, b, START, END)
        assert (trips.at_least, trips.at_most, trips.pairs) == (0, None, ())


def test_only_the_period_counts() -> None:
    a, b = table([(5, "1", 100), (50, "1", 100)]), table([(8, "1", 100), (53, "1", 100)])
    assert trips_between(a, b, START, END).at_least == 2
    assert trips_between(a, b, START, START + pd.Timedelta(days=20)).at_least == 1
