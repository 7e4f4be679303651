"""Over which period a quay's occupancy may be stated: the one asked for, a longer one, or none.

A sensor that passes every twelve days tells little of one berth's week. Where the interval of a week is wider
than `WIDEST`, the week is told by its month, and that by its quarter; where none will do, nothing is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.model import ZoneKind
from tasks.science.series.occupancy import Occupancy, occupancy
from tasks.science.series.periods import RULES, Spans, spans_of
from tasks.science.series.shares import NO_SHARE, Share, between, mean_share, mean_shares, site_looks

WIDEST = 0.5
"""Width of a 90 % interval that is still told: beyond it half full cannot be told from empty or full."""

MONTHLY_COLUMNS = ("start", "end", "mean", "low", "high", "looks")

LONGER = {"week": "month", "month": "quarter"}


class Stated(NamedTuple):
    """A share of the quay, and what it is the share of."""

    share: Share

    period: str | None
    """week, month or quarter; None where nothing is told."""


@dataclass(frozen=True)
class Histories:
    """What a quay held over time, or only in its looks where they are too few for more."""

    chain: Occupancy | None
    """None where the looks are too few; their mean is told then."""

    when: pd.Series
    """Moments that the series reaches over."""

    def stated(self, taken: pd.DataFrame, spans: Spans, berth: str | None = None) -> list[Stated]:
        """Tell every period of one kind, of the site or of one berth.

        Parameters
        ----------
        taken
            Looks that count, as `shares.site_looks` has them: a period without one is told by a longer one.
        spans
            Weeks, months or quarters.
        berth
            Zone id; the whole quay where it is not given.
        """
        if self.chain is None or (berth is not None and berth not in self.chain.held):
            means = mean_shares(taken, spans.place(taken), len(spans))
            return [Stated(share, spans.period if share.looks else None) for share in means]
        looks = spans.count(spans.place(taken))
        told = self.chain.shares(spans.start, spans.end, berth)
        found = [
            Stated(Share(float(m), float(lo), float(hi), int(n)), spans.period)
            if n and hi - lo <= WIDEST
            else Stated(Share(None, None, None, int(n)), None)
            for m, lo, hi, n in zip(*told, looks, strict=True)
        ]
        if spans.period not in LONGER or all(one.period for one in found):
            return found
        longer = spans_of(self.when, LONGER[spans.period])
        instead = self.stated(taken, longer, berth)
        middle = spans.start + (spans.end - spans.start) / 2
        at = np.searchsorted(longer.start, middle, side="right") - 1
        at = np.clip(at, 0, len(longer) - 1)
        return [one if one.period else instead[k] for one, k in zip(found, at, strict=True)]


def histories(
    looks: pd.DataFrame, quay_m: Mapping[str, float], when: pd.Series, also: Iterable[Any] = ()
) -> Histories:
    """Infer what a quay held over time.

    Parameters
    ----------
    looks
        One row per look × zone that may stand in one series.
    quay_m
        Usable metres by berth.
    when
        Moments between which calendar periods will be asked for.
    also
        Ends of other periods that will be.
    """
    edges: list[npt.NDArray[Any]] = [np.array([pd.Timestamp(m) for m in also], "datetime64[s]")]
    for period in RULES:
        spans = spans_of(when, period)
        edges += [spans.start.to_numpy("datetime64[s]"), spans.end.to_numpy("datetime64[s]")]
    return Histories(occupancy(looks, quay_m, np.concatenate(edges)), when)


def held_between(looks: pd.DataFrame, quay_m: Mapping[str, float], start: Any, end: Any) -> Share:
    """Tell what share of a quay was taken from one moment to another; null where no look of it counts.

    Only calendar months that the looks reach count: of what lies far beyond them they tell nothing.
    """
    taken = site_looks(looks, "occupied_fraction", quay_m)
    inside = between(taken, start, end)
    if inside.empty:
        return NO_SHARE
    reach = spans_of(taken["acquired"], "month")
    ends = np.array(
        [max(pd.Timestamp(start), reach.start[0]), min(pd.Timestamp(end), reach.end[-1])], "datetime64[s]"
    )
    chain = histories(looks, quay_m, looks["acquired"], ends).chain
    if chain is None:
        return mean_share(inside)
    mean, low, high = (float(value[0]) for value in chain.shares(ends[:1], ends[1:]))
    return Share(mean, low, high, len(inside))


def quay_months(utilisation: pd.DataFrame, looks: pd.DataFrame) -> pd.DataFrame:
    """Take the months of the whole quay from a table of utilisation.

    Parameters
    ----------
    utilisation
        As `series.utilisation` has it.
    looks
        One row per look × zone, that may stand in one series.

    Returns
    -------
    pandas.DataFrame
        Columns `MONTHLY_COLUMNS`, every month between the first and the last look at a berth: null where no
        look saw enough of the quay, and where a month's looks are not enough to tell of a month. No row where
        no look could tell of any berth.
    """
    berths = looks[looks["zone_kind"] == ZoneKind.BERTH.value]
    if not berths["vessel_count"].notna().any():
        return pd.DataFrame(columns=list(MONTHLY_COLUMNS))
    when = berths["acquired"].dt.to_period("M")
    first, last = when.min().start_time.date(), when.max().start_time.date()
    rows = utilisation[(utilisation["zone_id"] == "*") & (utilisation["period"] == "month")]
    rows = rows[(rows["start"] >= first) & (rows["start"] <= last)]
    whole = rows["occupancy_period"] == "month"
    told = {name: rows[f"occupancy_{name}"].where(whole) for name in ("mean", "low", "high")}
    months = pd.DataFrame(
        {"start": rows["start"], "end": rows["end"], **told, "looks": rows["looks_seen"]},
        columns=list(MONTHLY_COLUMNS),
    )
    return months.reset_index(drop=True)
