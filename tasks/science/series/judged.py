"""One answer of the change finder in force: what simulations of it ask, look by look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.science.regimes.changes import changes_of
from tasks.science.regimes.counts import MIN_LOOKS, CountSeries
from tasks.science.regimes.status import CONFIRMED, standing_of

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Judged:
    """The latest change of a series."""

    probability: float
    date: np.datetime64
    rises: bool
    confirmed: bool


def judge(times: npt.NDArray[np.datetime64], counts: Floats, exposure: Floats) -> Judged | None:
    """Find the change in a series of counts, and whether the looks after it bear it out; None from too few.

    It is confirmed as `activity.regime_rows` has it: it stays sure through further looks.
    """
    if len(times) < MIN_LOOKS or times.min() == times.max():
        return None
    series = CountSeries(times, counts, exposure)
    change = changes_of(series).candidate
    parts = slice(0, change.first), slice(change.first, None)
    before, after = (series.counts[p].sum() / max(series.exposure[p].sum(), 1e-9) for p in parts)
    confirmed = standing_of(series, change).status == CONFIRMED
    return Judged(change.probability, change.date, bool(after > before), confirmed)
