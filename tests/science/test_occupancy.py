"""Occupancy over time: exact against brute force, indifferent to what must not matter, right on average."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from tasks.science.series.occupancy import Errors, Occupancy, OccupancyOptions, occupancy
from tasks.science.series.rates import Berth, Prior, draw_rates
from tasks.science.series.two_states import block_log_likelihood, draw_paths
from tests.science.berth_histories import BERTH_M, START, Way, port

RADAR = OccupancyOptions().radar


def by_enumeration(
    days: np.ndarray, if_taken: np.ndarray, if_free: np.ndarray, share: float, stay: float
) -> tuple[float, np.ndarray]:
    """Probability of the looks, and of each being at a taken berth, over all sequences of states."""
    total, taken = 0.0, np.zeros(len(days))
    for states in itertools.product((0, 1), repeat=len(days)):
        chance = share if states[0] else 1 - share
        for k, state in enumerate(states):
            chance *= if_taken[k] if state else if_free[k]
            if k:
                fade = np.exp(-(days[k] - days[k - 1]) / (stay * (1 - share)))
                to_taken = share + (states[k - 1] - share) * fade
                chance *= to_taken if state else 1 - to_taken
        total += chance
        taken += chance * np.array(states)
    return total, taken / total


def some_looks(n: int = 7) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    told = rng.random(n) < 0.5
    days = np.sort(rng.uniform(0, 20, n))
    return days, np.where(told, 0.9, 0.1), np.where(told, 0.02, 0.98)


@pytest.mark.parametrize(("share", "stay"), [(0.3, 2.0), (0.02, 8.0), (0.9, 0.5)])
def test_the_likelihood_is_that_of_all_sequences(share: float, stay: float) -> None:
    days, if_taken, if_free = some_looks()
    block = np.array([0, 0, 0, 1, 1, 3, 3])
    found = block_log_likelihood(days, if_taken, if_free, block, 4, np.array([share]), np.array([stay]))
    total, _ = by_enumeration(days, if_taken, if_free, share, stay)
    assert found.sum() == pytest.approx(np.log(total))
    assert found[2, 0, 0] == 0


def paths(
    days: np.ndarray, if_taken: np.ndarray, if_free: np.ndarray, edges: np.ndarray, n: int
) -> np.ndarray:
    share, stay = np.full((n, 1), 0.3), np.full(n, 2.0)
    block, fraction = np.zeros(len(days), np.int64), np.full(len(days), np.nan)
    rng = np.random.default_rng(1)
    return np.asarray(
        draw_paths(rng, days, if_taken, if_free, fraction, block, share, stay, np.ones(1), edges)[0]
    )


def test_time_taken_is_that_of_all_histories_on_a_fine_grid() -> None:
    """Mean and spread of the time taken between sparse looks, against a chain of steps of 0.02 days."""
    step, share, stay = 0.02, 0.3, 2.0
    days = np.array([0.0, 1.0, 4.0, 9.0, 10.0])
    if_taken, if_free = np.array([1, 0.9, 0.1, 0.9, 1]), np.array([1, 0.05, 0.95, 0.05, 1])
    fade = np.exp(-step / (stay * (1 - share)))
    rng, n = np.random.default_rng(2), 20_000
    state = rng.random(n) < share
    weight, time = np.ones(n), np.zeros(n)
    for k in range(round(10 / step) + 1):
        for at, one, none in zip(days, if_taken, if_free, strict=True):
            if k == round(at / step):
                weight *= np.where(state, one, none)
        before = state
        state = rng.random(n) < share + (state - share) * fade
        time += step * (before.astype(float) + state) / 2
    mean = np.average(time, weights=weight)
    sd = np.sqrt(np.average((time - mean) ** 2, weights=weight))
    found = paths(days, if_taken, if_free, np.array([0.0, 10.0]), 4000)[:, 0]
    assert found.mean() == pytest.approx(mean, abs=0.1)
    assert found.std() == pytest.approx(sd, rel=0.06)


def test_splitting_a_gap_changes_nothing() -> None:
    days, if_taken, if_free = some_looks()
    more = np.sort(np.concatenate([days, [3.3, 11.1]]))
    at = np.searchsorted(more, days)
    taken, free = np.ones(9), np.ones(9)
    taken[at], free[at] = if_taken, if_free
    rates = np.array([0.2, 0.6]), np.array([1.0, 5.0])
    whole = block_log_likelihood(days, if_taken, if_free, np.zeros(7, np.int64), 1, *rates)
    split = block_log_likelihood(more, taken, free, np.zeros(9, np.int64), 1, *rates)
    # A look that tells nothing before the first one changes nothing either: the chain is stationary.
    np.testing.assert_allclose(whole, split)
    edges = np.array([0.0, 5.0, 20.0])
    one = paths(days, if_taken, if_free, edges, 4000).mean(axis=0)
    two = paths(more, taken, free, edges, 4000).mean(axis=0)
    np.testing.assert_allclose(one, two, atol=0.2)


MONTHS = pd.date_range(START, periods=13, freq="MS")
METRES = {f"b{k}": BERTH_M for k in range(4)}


def told(looks: pd.DataFrame, metres: dict[str, float] = METRES, **options: object) -> Occupancy:
    found = occupancy(looks, metres, MONTHS, OccupancyOptions(**options))  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.fixture(scope="module")
def looks() -> pd.DataFrame:
    return port(np.random.default_rng(3), 4, 365, Way())[0]


def test_order_of_rows_and_repeated_runs_change_nothing(looks: pd.DataFrame) -> None:
    one = told(looks).shares(MONTHS[:-1], MONTHS[1:])
    two = told(looks.sample(frac=1, random_state=1)).shares(MONTHS[:-1], MONTHS[1:])
    np.testing.assert_array_equal(one, two)


def test_names_of_berths_do_not_matter(looks: pd.DataFrame) -> None:
    swapped = looks.assign(zone_id=looks["zone_id"].map({"b0": "b3", "b1": "b2", "b2": "b1", "b3": "b0"}))
    one, two = told(looks), told(swapped)
    for a, b in (("b0", "b3"), (None, None)):
        np.testing.assert_allclose(
            one.shares(MONTHS[:-1], MONTHS[1:], a)[0], two.shares(MONTHS[:-1], MONTHS[1:], b)[0], atol=0.05
        )


def test_a_look_that_could_not_tell_is_no_look(looks: pd.DataFrame) -> None:
    clouds = looks.iloc[::3].assign(
        acquired=lambda t: t["acquired"] + pd.Timedelta(hours=5), vessel_count=None, occupied_fraction=None
    )
    both = pd.concat([looks, clouds]).astype({"vessel_count": "Int32", "occupied_fraction": "Float64"})
    np.testing.assert_array_equal(
        told(looks).shares(MONTHS[:-1], MONTHS[1:]), told(both).shares(MONTHS[:-1], MONTHS[1:])
    )


def test_periods_add_up(looks: pd.DataFrame) -> None:
    found = told(looks)
    months, _, _ = found.shares(MONTHS[:-1], MONTHS[1:])
    year, low, high = found.shares(MONTHS[:1], MONTHS[-1:])
    assert np.average(months, weights=np.diff(MONTHS).astype(float)) == pytest.approx(year[0], abs=1e-4)
    assert low[0] < year[0] < high[0]
    with pytest.raises(KeyError, match="2023-03-07"):
        found.shares(pd.DatetimeIndex(["2023-03-07"]), MONTHS[1:2])


def test_metres_weigh_and_a_short_ship_takes_a_part_of_its_berth(looks: pd.DataFrame) -> None:
    short = looks.assign(occupied_fraction=0.4 * looks["vessel_count"])
    ratio = told(short).shares(MONTHS[:1], MONTHS[-1:])[0] / told(looks).shares(MONTHS[:1], MONTHS[-1:])[0]
    assert ratio[0] == pytest.approx(0.4, abs=0.02)
    long = {**METRES, "b0": 1e6}
    one = told(looks, long).shares(MONTHS[:1], MONTHS[-1:])[0]
    assert one[0] == pytest.approx(told(looks).shares(MONTHS[:1], MONTHS[-1:], "b0")[0][0], abs=1e-3)


def test_less_is_known_from_a_part_of_a_berth(looks: pd.DataFrame) -> None:
    part = looks.assign(seen_fraction=np.where(looks["vessel_count"] > 0, 1.0, 0.1))
    assert told(part).shares(MONTHS[:1], MONTHS[-1:])[0] > told(looks).shares(MONTHS[:1], MONTHS[-1:])[0]


def test_misses_are_allowed_for() -> None:
    """A sensor that misses one ship in three: told so, the chain is right; the looks are a third low."""
    looks, truth = port(np.random.default_rng(8), 4, 365, Way(0.4, 4.0, 1.0, recall=0.67))
    found = told(looks, radar=Errors(0.67, 0.005)).shares(MONTHS[:1], MONTHS[-1:])
    true = truth.share(MONTHS[0], MONTHS[-1])
    assert looks["vessel_count"].mean() < 0.75 * true
    assert found[1][0] - 0.02 < true < found[2][0] + 0.02


def test_too_few_looks_give_nothing(looks: pd.DataFrame) -> None:
    assert occupancy(looks[looks["acquired"] < "2023-01-20"], METRES, MONTHS) is None


def test_a_berth_nobody_saw_is_not_there(looks: pd.DataFrame) -> None:
    found = told(looks, {**METRES, "unseen": 500.0})
    assert set(found.held) == set(METRES)


def test_a_port_that_wakes_is_not_what_it_was_on_average() -> None:
    quiet, _ = port(np.random.default_rng(1), 4, 181, Way(0.005, 2.0, 6.0))
    busy, truth = port(np.random.default_rng(2), 4, 184, Way(0.5, 2.0, 6.0))
    busy = busy.assign(acquired=busy["acquired"] + pd.Timedelta(days=181))
    found = told(pd.concat([quiet, busy], ignore_index=True)).shares(MONTHS[:-1], MONTHS[1:])
    assert max(found[0][:5]) < 0.06
    assert min(found[0][7:]) > 0.3
    assert found[0][6:].mean() == pytest.approx(truth.share(START, START + pd.Timedelta(days=184)), abs=0.08)


def test_a_berth_where_ships_are_laid_up_is_not_taken_for_its_neighbours() -> None:
    """One berth taken nine days in ten among three hardly used: told so, month by month."""
    rng = np.random.default_rng(9)
    idle, _ = port(rng, 4, 365, Way(0.03, 2.0, 4.0))
    full, truth = port(rng, 1, 365, Way(0.9, 30.0, 4.0))
    looks = pd.concat([idle[idle["zone_id"] != "b0"], full], ignore_index=True)
    mean, low, high = told(looks).shares(MONTHS[:-1], MONTHS[1:], "b0")
    true = np.array([truth.share(a, b, "b0") for a, b in itertools.pairwise(MONTHS)])
    assert abs((mean - true).mean()) < 0.05
    assert ((low - 1e-6 <= true) & (true <= high + 1e-6)).mean() >= 0.75


def test_stays_and_calls_are_learned() -> None:
    looks, truth = port(np.random.default_rng(4), 4, 365, Way(0.3, 3.0, 1.0))
    found = told(looks)
    assert np.quantile(found.stay_days, 0.05) < 3.0 < np.quantile(found.stay_days, 0.95)
    calls = sum((held[:, 0] < 365).sum() for held in truth.stays.values())
    _, low, high = found.calls(MONTHS[:1], MONTHS[-1:])
    assert low[0] < calls < high[0]


def test_rates_of_a_berth_without_looks_are_those_of_its_neighbours() -> None:
    days = np.arange(0.0, 360, 2)
    told_so = np.random.default_rng(6).random(180) < 0.5
    errors = len(Prior().error_scales)
    block = (days // 30).astype(np.int64)
    seen = Berth(days, block, *(np.tile(np.where(told_so, a, 1 - a), (errors, 1)) for a in (0.95, 0.01)))
    blind = Berth(days[:0], block[:0], np.empty((errors, 0)), np.empty((errors, 0)))
    rates = draw_rates([seen, seen, blind], 12, 300, np.random.default_rng(1))
    assert np.median(rates.share[2]) == pytest.approx(0.5, abs=0.12)
    assert rates.share[2].std() > rates.share[0].std()


@pytest.mark.parametrize(
    "way", [Way(0.3, 2, 3), Way(0.3, 2, 12), Way(0.05, 2, 6, 0.5), Way(0.7, 10, 6), Way(0.3, 1, 1, 0.5)]
)
def test_intervals_cover_the_share_of_time_truly_taken(way: Way) -> None:
    """90 % intervals of months, four berths, one year: 0.80 to 0.99 of 96 (the benchmark has thousands)."""
    covered = []
    for seed in range(2):
        looks, truth = port(np.random.default_rng([seed, 7]), 4, 365, way)
        found = told(looks)
        for zone in METRES:
            _, low, high = found.shares(MONTHS[:-1], MONTHS[1:], zone)
            true = np.array([truth.share(a, b, zone) for a, b in itertools.pairwise(MONTHS)])
            covered += list((low - 1e-6 <= true) & (true <= high + 1e-6))
    assert 0.8 <= np.mean(covered) <= 0.99


def test_errors_of_sensors_are_told_apart(looks: pd.DataFrame) -> None:
    coarse = looks.assign(sensor="optical", pixel_m=10.0)
    fine = looks.assign(sensor="optical", pixel_m=3.0)
    shares = [told(t).shares(MONTHS[:1], MONTHS[-1:])[0][0] for t in (looks, fine, coarse)]
    assert shares[2] > shares[0]
    assert len({round(s, 6) for s in shares}) == 3
