"""One answer of the change finder in force: what simulations of it ask, look by look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.science.series.activity import SUPPORT
from tasks.science.series.regimes import find_change

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

    It is confirmed as `activity.regime_rows` has it: enough looks after it fit the new level better.
    """
    change = find_change(times, counts, exposure)
    if change is None:
        return None
    before, after = change.before.mean, change.after.mean
    fits = counts * np.log(max(after, 1e-9) / max(before, 1e-9)) > exposure * (after - before)
    confirmed = bool(fits[change.looks_before :].sum() >= SUPPORT)
    return Judged(change.probability, change.date, after > before, confirmed)
