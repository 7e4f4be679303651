"""Port to depot: a lag is found where there is one, and hardly ever where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.science.regimes.lag import Lag, fresh, lag

ORIGIN = np.datetime64("2022-01-01", "s")
Series = tuple[np.ndarray, np.ndarray]


def remembering(rng: np.random.Generator, days: int, memory: float) -> np.ndarray:
    kept, out = np.exp(-1 / memory), rng.normal(size=days)
    for k in range(1, days):
        out[k] = kept * out[k - 1] + np.sqrt(1 - kept**2) * out[k]
    return out


def looked_at(rng: np.random.Generator, values: np.ndarray, revisit: float) -> Series:
    days = np.arange(rng.uniform(0, revisit), len(values) - 1, revisit)
    days = days[rng.random(len(days)) > 0.4]
    return ORIGIN + (days * 86400).astype("timedelta64[s]"), values[days.astype(int)]


def follows(seed: int, days: int = 730, late: int = 9, noise: float = 0.5) -> tuple[Series, Series]:
    rng = np.random.default_rng(seed)
    cause, own = remembering(rng, days + 60, 6.0), remembering(rng, days, 6.0)
    after = np.sqrt(1 - noise**2) * cause[60 - late : 60 - late + days] + noise * own
    return looked_at(rng, cause[60:], 3.0), looked_at(rng, after, 3.0)


def told(a: Series, b: Series) -> Lag:
    found = lag(*a, *b, np.random.default_rng(0))
    assert found is not None
    return found


def test_a_lag_is_found_within_its_interval() -> None:
    found = [told(*follows(seed)) for seed in range(15)]
    assert np.mean([one.told for one in found]) >= 0.9
    assert np.mean([one.low <= 9 <= one.high for one in found if one.told]) >= 0.85  # type: ignore[operator]
    assert np.median([abs(one.days - 9) for one in found if one.days is not None]) <= 2


@pytest.mark.parametrize("memory", [3.0, 10.0, 25.0])
def test_strangers_with_memory_are_hardly_ever_joined(memory: float) -> None:
    """False alarms over 100 pairs of independent series each; the three together stay within 5 %."""
    alarms = 0
    for seed in range(100):
        rng = np.random.default_rng([seed, 11])
        a, b = (looked_at(rng, remembering(rng, 400, memory), 3.0) for _ in range(2))
        alarms += told(a, b).told
    assert alarms <= 7


def test_no_lag_is_a_result_of_its_own() -> None:
    rng = np.random.default_rng(1)
    a, b = (looked_at(rng, remembering(rng, 400, 10.0), 3.0) for _ in range(2))
    found = told(a, b)
    assert (found.told, found.days, found.low, found.high) == (False, None, None, None)
    assert found.chance > 0.02


def test_units_do_not_matter() -> None:
    (times_a, a), b = follows(3)
    one, other = told((times_a, a), b), told((times_a, 1e-3 * a + 40), b)
    assert (one.days, one.low, one.high) == (other.days, other.low, other.high)
    assert one.correlation == pytest.approx(other.correlation)


def test_the_other_way_round_there_is_no_lag() -> None:
    a, b = follows(4)
    assert told(a, b).told
    assert not told(b, a).told


def test_what_is_fresh_has_no_memory() -> None:
    rng = np.random.default_rng(2)
    times, values = looked_at(rng, remembering(rng, 3000, 12.0), 3.0)
    days = (times - times[0]) / np.timedelta64(1, "D")
    left = fresh(days, values + 0.01 * days)
    assert abs(np.corrcoef(left[1:], left[:-1])[0, 1]) < 0.08
    assert np.corrcoef(values[1:], values[:-1])[0, 1] > 0.6


def test_too_few_looks_or_a_series_that_never_moves_tell_nothing() -> None:
    (times, values), b = follows(5)
    assert lag(times[:19], values[:19], *b, np.random.default_rng(0)) is None
    assert lag(times, np.zeros(len(times)), *b, np.random.default_rng(0)) is None
