"""How firmly a change stands, and what a stretch is called."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.science.regimes.states import LONGEST_PAUSE_DAYS, states
from tasks.science.regimes.status import Standing, standing


@pytest.mark.parametrize(
    ("by_look", "said"),
    [
        ([0.1, 0.2, 0.89], Standing(None, None, None, 0)),
        ([0.1, 0.95, 0.95], Standing("provisional", 1, None, 0)),
        ([0.95, 0.95, 0.95, 0.95], Standing("confirmed", 0, 3, 0)),
        ([0.95, 0.95, 0.6, 0.95, 0.95], Standing("provisional", 0, None, 0)),
        ([0.95, 0.95, 0.6, 0.95, 0.95, 0.95], Standing("confirmed", 0, 5, 0)),
        ([0.95, 0.4, 0.95], Standing("provisional", 2, None, 0)),
        ([0.95, 0.95, 0.95, 0.95, 0.6, 0.8], Standing("confirmed", 0, 3, 0)),
        ([0.95, 0.95, 0.95, 0.95, 0.4, 0.8], Standing(None, None, None, 1)),
    ],
)
def test_a_word_is_given_confirmed_and_taken_back(by_look: list[float], said: Standing) -> None:
    assert standing(np.array(by_look), 0.9) == said


def named(levels: list[float], days: list[float]) -> list[str]:
    edges = np.datetime64("2023-01-01") + np.cumsum([0, *days]).astype("timedelta64[D]")
    return states(levels, 0.25, list(edges))


def test_quiet_is_dormant_before_and_a_pause_after_activity() -> None:
    assert named([0.1, 1, 0.1, 2, 0.25], [90] * 5) == ["dormant", "active", "paused", "active", "paused"]
    assert named([0.1, 0.2, 1], [90] * 3) == ["dormant", "dormant", "active"]


def test_a_pause_of_more_than_a_year_is_dormant_again() -> None:
    assert named([1, 0, 1], [90, LONGEST_PAUSE_DAYS + 1, 9]) == ["active", "dormant", "active"]
