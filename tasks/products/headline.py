"""The headline of the page: since when the site is active, in words and with its certainty.

What is not established is not said: one steady level that is merely more likely than not, or no level at
all, reads as what it is, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from tasks.products.quay import Quay
from tasks.products.wording import day, days_between, many, probability

SURE = 0.9
"""Probability from which a change, or that there was none, is told."""

SITE, MEASURE = "*", "vessels_at_berth"
"""The rows of ``regimes.parquet`` that the headline is read from."""


@dataclass(frozen=True)
class Regime:
    """A stretch of steady activity: ships at berth per look that sees the whole quay."""

    state: str
    """``active`` or ``dormant``."""

    start: datetime
    start_low: datetime | None
    """None for the first: it began before the first look."""

    start_high: datetime | None
    end: datetime | None
    level: float
    level_low: float
    level_high: float
    probability: float
    """That the series is divided as told, or not divided where there is only one."""

    status: str
    knowable_on: datetime | None

    @property
    def established(self) -> bool:
        """Whether it can be told at all."""
        return self.probability >= SURE


@dataclass(frozen=True)
class Headline:
    """What can be said of the site's activity in a sentence or two."""

    certainty: str
    """``confirmed``, ``provisional``, ``steady``, ``open`` (cannot be told) or ``unmeasured``."""

    text: str

    detail: str = ""


def read_regimes(regimes: pd.DataFrame) -> list[Regime]:
    """Read the regimes of the whole site, in order of time."""
    if not len(regimes):
        return []
    rows = regimes[(regimes["zone_id"] == SITE) & (regimes["measure"] == MEASURE)].sort_values("start")
    return [_regime(row) for row in rows.to_dict("records")]


def _regime(row: dict[Any, Any]) -> Regime:
    return Regime(
        state=str(row["state"]),
        start=pd.Timestamp(row["start"]).to_pydatetime(),
        start_low=_time(row["start_low"]),
        start_high=_time(row["start_high"]),
        end=_time(row["end"]),
        level=float(row["level"]),
        level_low=float(row["level_low"]),
        level_high=float(row["level_high"]),
        probability=float(row["probability"]),
        status=str(row["status"]),
        knowable_on=_time(row["knowable_on"]),
    )


def _time(cell: Any) -> datetime | None:
    return None if pd.isna(cell) else pd.Timestamp(cell).to_pydatetime()


def headline(regimes: Sequence[Regime], quay: Quay) -> Headline:
    """Say what is known of a site's activity.

    Parameters
    ----------
    regimes
        Of the whole site, in order of time.
    quay
        Its berths: how many looks there were, and why there may be nothing to say.
    """
    if not regimes:
        return Headline("unmeasured", _nothing(quay))
    now = regimes[-1]
    looks = many(quay.counted, "look")
    level = f"Ships at berth per look over the whole period: {_level(now)}."
    if len(regimes) == 1 and now.established:
        text = (
            f"{now.state.capitalize()} throughout: no change of activity in {looks} (probability of steady "
            f"activity {probability(now.probability)})."
        )
        return Headline("steady", text, level)
    if not now.established:
        what = "steady activity" if len(regimes) == 1 else "a change"
        text = (
            f"No change of activity is established: probability of {what} {probability(now.probability)} "
            f"from {looks}, too few to tell."
        )
        ruled_out = "None is ruled out either."
        return Headline("open", text, f"{ruled_out} {level}" if len(regimes) == 1 else ruled_out)
    return _change(regimes[-2], now, looks)


def _change(before: Regime, now: Regime, looks: str) -> Headline:
    within = days_between(now.start_low or now.start, now.start_high or now.start, now.start)
    status = "confirmed" if now.status == "confirmed" else "provisional until further looks confirm it"
    known = f" Could have been known on {day(now.knowable_on)}." if now.knowable_on else ""
    if now.state != before.state:
        what, earlier = now.state.capitalize(), f"{before.state} before"
    else:
        what, earlier = "Busier" if now.level > before.level else "Quieter", f"{before.state} before too"
    text = f"{what} since about {day(now.start)} ({within}), {status}; {earlier}.{known}"
    detail = (
        f"Ships at berth per look: {_level(now)} since, {_level(before)} before. That there was a change has "
        f"probability {probability(now.probability)}, from {looks}; its date is in the interval with 90\xa0%."
    )
    return Headline("confirmed" if now.status == "confirmed" else "provisional", text, detail)


def _level(regime: Regime) -> str:
    return f"{regime.level:.1f} (90\xa0% interval {regime.level_low:.1f} to {regime.level_high:.1f})"


def _nothing(quay: Quay) -> str:
    """Say why there is nothing to say."""
    if not quay.berths and not quay.silent:
        return (
            "No berth is drawn for this site, so nothing is said about ships at its quays or about when it "
            "was active."
        )
    if not quay.berths:
        return (
            f"No look could measure {_all(len(quay.silent))} of this site, so nothing is said about ships at "
            "its quays or about when it was active."
        )
    if not quay.counted:
        return "No look saw enough of the berths to say when this site was active."
    return f"Only {many(quay.counted, 'look')} saw enough of the berths: too few to tell whether it changed."


def _all(number: int) -> str:
    return "the one berth" if number == 1 else f"any of the {number} berths"
