"""How firmly a change stands: announced as provisional, confirmed by further looks, or withdrawn.

What stood on a day follows from the looks up to then alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.science.regimes.changes import Change, Looks

PROVISIONAL, CONFIRMED = "provisional", "confirmed"

FURTHER = 3
"""Looks in a row after the one that told a change, with each of which it is still sure."""

WITHDRAWN = 0.5
"""Probability below which a change that was told is taken back. Well below that from which it is told: one
look must not make the word flicker."""


@dataclass(frozen=True)
class Standing:
    """What is said of a change after the last look."""

    status: str | None
    """``provisional`` or ``confirmed``; None if it is not, or no longer, told."""

    knowable: int | None
    """Number of the look with which it could first be told; None if it could not."""

    confirmed: int | None
    """Number of the look that confirmed it."""

    withdrawn: int
    """Times that it was taken back after it had been confirmed."""


def standing(probability: npt.NDArray[np.floating[Any]], sure: float) -> Standing:
    """Follow a change from look to look.

    Parameters
    ----------
    probability
        ``(n,)`` that there is such a change, with the looks up to each.
    sure
        Probability from which it is told.
    """
    knowable: int | None = None
    confirmed: int | None = None
    in_a_row = withdrawn = 0
    for look, chance in enumerate(probability):
        if knowable is None:
            if chance >= sure:
                knowable, in_a_row = look, 0
        elif chance < WITHDRAWN:
            withdrawn += confirmed is not None
            knowable = confirmed = None
        else:
            in_a_row = in_a_row + 1 if chance >= sure else 0
            if confirmed is None and in_a_row >= FURTHER:
                confirmed = look
    if knowable is None:
        return Standing(None, None, None, withdrawn)
    return Standing(CONFIRMED if confirmed is not None else PROVISIONAL, knowable, confirmed, withdrawn)


def standing_of(series: Looks, change: Change) -> Standing:
    """Follow a change through the looks of its own series, each time with the looks up to then alone."""
    probability = series.probability_by_look(*change.between)
    probability[: change.earliest] = 0.0  # what was told before was not this change
    return standing(probability, series.options.sure)
