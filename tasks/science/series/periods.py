"""Calendar weeks, months and quarters that a series is told by; UTC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

RULES = {"week": "W-SUN", "month": "M", "quarter": "Q"}
"""Weeks begin on Monday."""

Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Spans:
    """Periods of one kind, without gaps, in order of time."""

    period: str
    """week, month or quarter."""

    start: pd.DatetimeIndex
    end: pd.DatetimeIndex
    """First moments, and the first after."""

    def __len__(self) -> int:
        return len(self.start)

    @property
    def pairs(self) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
        """First moment of each, and the first after it."""
        return list(zip(self.start, self.end, strict=True))

    def place(self, looks: pd.DataFrame) -> Places:
        """Tell the number of the period that each look lies in; all looks lie in one."""
        when = looks["acquired"].to_numpy("datetime64[ns]")
        return np.searchsorted(self.start.to_numpy("datetime64[ns]"), when, side="right") - 1

    def count(self, place: Places) -> npt.NDArray[np.intp]:
        """Count those that lie in each period."""
        return np.bincount(place, minlength=len(self))

    def total(self, place: Places, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Sum the values in each period."""
        return np.bincount(place, values, minlength=len(self)).astype(np.float64)


def spans_of(when: pd.Series, period: str) -> Spans:
    """Lay out the periods between the first and the last of some moments."""
    labels = when.dt.to_period(RULES[period])
    every = pd.period_range(labels.min(), labels.max(), freq=RULES[period])
    return Spans(period, every.start_time, (every + 1).start_time)
