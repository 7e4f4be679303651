"""Ships and goods as witnesses of the same calls: sums against slow twins, and what is told of them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp

from tasks.science.regimes.changes import Changes, changes_of
from tasks.science.regimes.counts import CountOptions, CountSeries
from tasks.science.regimes.divisions import counted, known, placed, stretches, unchanged
from tasks.science.regimes.joint import JointSeries
from tasks.science.regimes.working import WorkSeries, log_at_work
from tasks.science.series.moves import work_looks
from tests.benchmarks.regime_series import Witnessed, calls, day_of
from tests.science.test_counts import CHANCES, LEVELS, PRIOR, SHORT, divisions


def test_sums_over_stretches_equal_their_slow_twin() -> None:
    rng = np.random.default_rng(3)
    logs = np.log(rng.uniform(0.05, 0.9, (len(SHORT), len(LEVELS))))
    every = divisions(logs)
    worth = stretches(logs, PRIOR)
    assert worth[2, 4] == pytest.approx(logsumexp(logs[2:5].sum(axis=0) + np.log(PRIOR)))
    held = unchanged(worth, CHANCES)
    with np.errstate(divide="ignore"):
        drawn = np.log(CHANCES)

    whole = logsumexp(list(every.values()))
    assert known(held, drawn)[-1] == pytest.approx(whole)
    assert known(held, drawn)[3] == pytest.approx(known(held[:4, :4], drawn[:4])[-1])
    numbers = counted(held, drawn, 2)[:, -1]
    for number in (0, 1):
        assert numbers[number] == pytest.approx(logsumexp([v for k, v in every.items() if len(k) == number]))
    assert numbers[2] == pytest.approx(logsumexp([v for k, v in every.items() if len(k) >= 2]))
    places = placed(held, drawn, 2)
    for c, j in product((0, 1), range(1, len(SHORT))):
        true = logsumexp([-np.inf, *(v for k, v in every.items() if len(k) == 2 and k[c] == j)])
        assert places[c, j] == pytest.approx(true)


def test_a_spell_of_work_equals_its_slow_twin() -> None:
    """Every way through idle, idle again after a spell, and at work, look by look."""
    working, gaps = np.array([False, True, True, False, True]), np.array([0, 1.0, 3.0, 8.0, 2.0])
    begun, lasts, shown, made_up = 0.2, 4.0, 0.8, 0.05
    share = begun / (begun + 1 / lasts)
    chances = {True: share, False: 1 - share}
    out = []
    for gap, work in zip(gaps, working, strict=True):
        faded, quiet = np.exp(-(begun + 1 / lasts) * gap), np.exp(-begun * gap)
        ends = {True: 0.0, False: 0.0}
        for busy, chance in chances.items():
            at_work = share + (1 - share) * faded if busy else share * (1 - faded)
            spell = shown if work else 1 - shown
            none = made_up if work else 1 - made_up
            still = 0.0 if busy else quiet
            ends[True] += chance * at_work * spell
            ends[False] += chance * (still * none + (1 - at_work - still) * spell)
        out.append(np.log(sum(ends.values())))
        chances = {state: value / sum(ends.values()) for state, value in ends.items()}
    logs = log_at_work(working, gaps, np.array([begun]), lasts, shown, made_up)
    assert logs[:, 0] == pytest.approx(out)


def both(made: Witnessed) -> tuple[CountSeries, WorkSeries]:
    ships = made.ships
    fresh = CountOptions(lasting=False)
    return (
        CountSeries(ships.times, ships.counts, ships.exposure, fresh),
        WorkSeries(made.work_times, made.working),
    )


def told(seed: int, before: float, after: float) -> tuple[Witnessed, Changes]:
    made = calls(seed, before, after, days=400)
    return made, changes_of(JointSeries(both(made)))


@pytest.mark.parametrize("rate", [0.03, 0.2])
def test_witnesses_of_the_same_calls_are_not_two(rate: float) -> None:
    assert sum(bool(told(seed, rate, rate)[1].told) for seed in range(10)) <= 1


@pytest.mark.parametrize(("before", "after"), [(0.005, 0.25), (0.25, 0.005)])
def test_a_port_that_begins_or_stops_to_work(before: float, after: float) -> None:
    runs = [told(seed, before, after) for seed in range(8)]
    errors = [
        min((abs(day_of(c.date) - made.day) for c in found.told), default=np.inf) for made, found in runs
    ]
    assert np.median(errors) <= 8
    assert sum(np.isfinite(errors)) >= 7


def test_goods_speak_where_no_look_showed_a_ship() -> None:
    """Radar alone sees few of the ships; that goods move tells of the others."""
    made = calls(4, 0.005, 0.25, days=400)
    ships, work = both(made)
    few = CountSeries(ships.times[::4], ships.counts[::4], ships.exposure[::4], CountOptions(lasting=False))
    assert changes_of(JointSeries([few, work])).any > changes_of(few).any


def test_no_later_look_matters_for_what_was_known() -> None:
    ships, work = both(calls(3, 0.01, 0.25, days=400))
    whole = JointSeries([ships, work])
    until = whole.times[99]
    cut, own = ships.times <= until, work.times <= until
    early = JointSeries([
        CountSeries(ships.times[cut], ships.counts[cut], ships.exposure[cut], CountOptions(lasting=False)),
        WorkSeries(work.times[own], work.working[own]),
    ])  # fmt: skip
    assert len(early.times) == 100
    late = whole.probability_by_look(30, 90)[:100]
    assert late == pytest.approx(early.probability_by_look(30, 90), abs=0.01)  # the quadrature's fineness


def yard_looks() -> pd.DataFrame:
    days = pd.date_range("2023-08-01", periods=4, freq="2D")
    rows = [
        {"acquired": day, "collection": camera, "zone_id": zone, "stack_area_m2": 0.0, "gained_m2": gained,
         "lost_m2": 0.0, "rail_occupied_m": None}
        for camera, first in (("often", 0), ("seldom", 2))
        for day in days[first:]
        for zone, gained in (("yard-a", 50.0), ("yard-b", 400.0 if day == days[2] else 0.0))
    ]  # fmt: skip
    table = pd.DataFrame(rows).astype(
        {"gained_m2": "Float64", "lost_m2": "Float64", "rail_occupied_m": "Float64"}
    )
    return table


def test_one_yard_that_moved_is_a_port_at_work() -> None:
    found = work_looks(yard_looks())
    assert found["working"].tolist() == [False, True, False]
    assert found["acquired"].is_monotonic_increasing


def test_what_was_not_told_is_not_idle() -> None:
    looks = yard_looks()
    hidden = looks["acquired"] == looks["acquired"].unique()[1]
    looks.loc[hidden, ["gained_m2", "lost_m2", "stack_area_m2"]] = None
    assert len(work_looks(looks)) == 2
    assert work_looks(looks[["acquired", "zone_id"]]).empty


def test_cars_on_a_track_are_work() -> None:
    looks = yard_looks()
    looks.loc[looks.index[2], "rail_occupied_m"] = 80.0
    assert work_looks(looks)["working"].tolist() == [True, True, False]
