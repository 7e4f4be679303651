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
    """``dormant``, ``active`` or ``paused``."""

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


def zone_regimes(regimes: pd.DataFrame) -> dict[str, list[Regime]]:
    """Read the regimes of single zones, by zone id, each in order of time."""
    rows = regimes[regimes["zone_id"] != SITE] if len(regimes) else regimes
    found: dict[str, list[Regime]] = {}
    for row in rows.sort_values(["zone_id", "start"]).to_dict("records"):
        found.setdefault(str(row["zone_id"]), []).append(_regime(row))
    return found


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


def names(regimes: Sequence[Regime]) -> list[str]:
    """Call each regime by its state, or busier or quieter where the state did not change.

    Examples
    --------
    >>> from dataclasses import replace
    >>> spell = Regime("active", datetime(2023, 1, 1), None, None, None, 1, 0, 2, 1, "confirmed", None)
    >>> names([spell, replace(spell, level=3)])
    ['active', 'busier']
    """
    found = []
    for k, regime in enumerate(regimes):
        before = regimes[k - 1] if k else None
        if before is None or regime.state != before.state:
            found.append(regime.state)
        else:
            found.append("busier" if regime.level > before.level else "quieter")
    return found


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
    level = f"Ships at berth per look over the whole period: {level_of(now)}."
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
    return _changed(regimes, looks)


def within(regime: Regime) -> str:
    """Write when a regime began, with its interval."""
    low, high = regime.start_low or regime.start, regime.start_high or regime.start
    return f"{day(regime.start)} ({days_between(low, high, regime.start)})"


def status_of(regime: Regime) -> str:
    """Write how firmly the change stands that a regime begins with."""
    return "confirmed" if regime.status == "confirmed" else "provisional until further looks confirm it"


def _changed(regimes: Sequence[Regime], looks: str) -> Headline:
    """Tell the newest change first, then those before it, back to what was first seen."""
    now, before, called = regimes[-1], regimes[-2], names(regimes)
    earlier = [
        f"{name} since {within(regime)}, {status_of(regime).split()[0]}"
        for name, regime in zip(reversed(called[1:-1]), reversed(regimes[1:-1]), strict=True)
    ]
    first = called[0] if len(regimes) > 2 or now.state != before.state else f"{called[0]} too"
    text = f"{called[-1].capitalize()} since {within(now)}, {status_of(now)}; before: "
    text += "; before: ".join([*earlier, first]) + "."
    known = f" Could have been known on {day(now.knowable_on)}." if now.knowable_on else ""
    detail = (
        f"Ships at berth per look: {level_of(now)} since, {level_of(before)} before. That there was a change "
        f"has probability {probability(now.probability)}, from {looks}; its date is in the interval with "
        f"90\xa0%.{known}"
    )
    return Headline("confirmed" if now.status == "confirmed" else "provisional", text, detail)


def level_of(regime: Regime) -> str:
    """Write the ships at berth per look of a regime."""
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
