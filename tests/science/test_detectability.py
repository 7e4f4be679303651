"""What could have been seen: sure where it is plain, never sooner with fewer looks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.science.regimes.detectability import (
    Detectability,
    DetectabilityOptions,
    Looking,
    detectability,
    looking_of,
    regular,
)
from tasks.science.series.judged import Judged, judge

QUICK = DetectabilityOptions(runs=12)
SPAN = QUICK.before_days + QUICK.after_days


def told(revisit: float, *changes: tuple[float, float], loss: float = 0.0) -> list[Detectability]:
    return list(detectability(regular(revisit, SPAN, loss), changes, judge, QUICK))


def test_a_plain_change_is_seen_soon_and_no_change_hardly_ever() -> None:
    none, wake = told(2, (0.05, 0.05), (0.05, 3.0))
    assert none.found <= 0.1
    assert none.provisional_days is None
    assert (wake.found, wake.confirmed) == (1, 1)
    assert wake.provisional_days is not None
    assert wake.provisional_days_most is not None
    assert wake.confirmed_days is not None
    assert 0 < wake.provisional_days <= wake.provisional_days_most < 60
    assert wake.provisional_days <= wake.confirmed_days
    assert wake.date_error_days is not None
    assert wake.date_error_days < 8


def test_fewer_looks_show_less_and_later() -> None:
    (often,), (seldom,) = told(2, (0.1, 1.5)), told(24, (0.1, 1.5), loss=0.5)
    assert seldom.found < often.found
    assert often.provisional_days is not None
    assert seldom.provisional_days is None or seldom.provisional_days > often.provisional_days


def test_the_same_seed_tells_the_same() -> None:
    assert told(6, (0.1, 1.5)) == told(6, (0.1, 1.5))


def test_days_are_counted_from_the_change_to_the_look_that_told() -> None:
    """A finder that needs five looks after the change: with a look every ten days, 40 to 50 days."""

    def find(times: np.ndarray, *_: np.ndarray) -> Judged | None:
        days = (times - times[0]) / np.timedelta64(1, "D")
        after = (days >= QUICK.before_days).sum()
        date = times[0] + np.timedelta64(int(QUICK.before_days), "D")
        return Judged(1.0, date, True, bool(after >= 7)) if after >= 5 else None

    (one,) = detectability(regular(10, SPAN, 0.0), [(0.1, 1.0)], find, QUICK)
    assert one.found == one.confirmed == 1
    assert one.provisional_days == 45
    assert one.confirmed_days == 65
    assert one.date_error_days == 0


@pytest.mark.parametrize(("inflation", "exposure"), [(1.0, 1.0), (3.0, 1.0), (1.0, 0.5)])
def test_simulated_ships_have_the_level_and_scatter_asked_for(inflation: float, exposure: float) -> None:
    options = replace(QUICK, before_days=4000.0, after_days=4000.0, runs=1)
    seen: list[np.ndarray] = []

    def find(times: np.ndarray, counts: np.ndarray, _: np.ndarray) -> None:
        if len(times) > 3000:
            seen.append(counts)

    looking = Looking(tuple(np.arange(0, 1000, 2.0)), (exposure,) * 500, inflation)
    list(detectability(looking, [(2.0, 2.0)], find, options))
    assert seen[0].mean() == pytest.approx(2.0 * exposure, rel=0.2)
    scatter = seen[0].var() / seen[0].mean()
    assert scatter == pytest.approx(1 + (inflation - 1) * exposure, rel=0.3)


def test_looks_are_read_from_a_series() -> None:
    times = np.datetime64("2023-01-01", "s") + (np.arange(40) * 86400 * 5).astype("timedelta64[s]")
    counts = np.random.default_rng(1).poisson(np.repeat([0.2, 3.0], 20)).astype(float)
    found = looking_of(times, counts, np.full(40, 0.8))
    assert found.days[:3] == (0, 5, 10)
    assert found.exposure[0] == 0.8
    assert found.inflation < 1.8  # the change of level is no scatter
