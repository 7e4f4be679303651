"""How much of a quay was taken over time, not only when it was looked at.

Each berth is taken or free; ships come and go at unknown rates, and looks at irregular times tell its state
with the sensor's errors. What lies between looks is drawn from all rates that the looks allow, so a period's
share has an interval that knows of gaps, clouds, misses and false alarms. A look that could not tell a berth
is no look at it.

Shares are of quay metres: a berth that is taken holds the share of its metres that the looks of that stay
saw taken; a stay that no look saw takes its share from one that was seen, at that berth where there are
enough. The site's share is the sum over its berths by their usable metres.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.model import ZoneKind
from tasks.science.series.rates import DEFAULT_PRIOR, Berth, Draws, Prior, draw_rates
from tasks.science.series.two_states import draw_paths

Floats = npt.NDArray[np.float64]

LEVEL = 0.9
"""Probability of the intervals."""


@dataclass(frozen=True)
class Errors:
    """How a sensor errs about one berth in one look that sees all of it."""

    recall: float
    """Probability that a taken berth is told taken."""

    false_alarm: float
    """Probability that a free one is."""


@dataclass(frozen=True)
class OccupancyOptions:
    """What is assumed of sensors; `Prior` has what is assumed of ports."""

    radar: Errors = Errors(0.95, 0.005)
    """Simulated Sentinel-1 at Najin and Dunay: 61 of 63 taken berths told so, 5 of 1,106 free ones told
    taken."""

    fine: Errors = Errors(0.97, 0.02)
    """Simulated images at 3 m at Dunay: 89 of 89, and 10 of 415. Ice among piers does worse."""

    coarse: Errors = Errors(0.75, 0.01)
    """Simulated Sentinel-2: 20 of 36, and 5 of 545."""

    fine_m: float = 5.0
    """Pixels up to which an optical image is fine."""

    taken_share: float = 0.75
    """Share of its metres that a taken berth holds where no look of the site ever told: mean of the
    simulated ports."""

    own: int = 8
    """Looks with a ship from which a berth's own shares stand for its unseen stays."""

    least_looks: int = 10
    """Looks of the site without which nothing is inferred: the prior would answer."""

    draws: int = 320
    """Chance moves an end of an interval by 1.2 % of probability, and a mean by 6 % of its error."""

    seed: int = 20231009
    """Of the draws: the same looks give the same bytes."""


DEFAULT_OCCUPANCY = OccupancyOptions()


@dataclass(frozen=True)
class Occupancy:
    """Equally probable histories of a site's berths."""

    edges: npt.NDArray[np.datetime64]
    """``(e + 1,)`` first moments of the stretches of time that are summed, and the end of the last."""

    held: Mapping[str, npt.NDArray[np.float32]]
    """By berth ``(draw, e + 1)``: days × share of its metres taken, summed from the start."""

    arrivals: npt.NDArray[np.float32]
    """``(draw, e + 1)`` ships that came to all berths, summed from the start."""

    metres: Mapping[str, float]
    """Usable quay metres by berth."""

    stay_days: Floats
    """``(draw,)`` mean stay."""

    def shares(self, start: Any, end: Any, berth: str | None = None) -> tuple[Floats, Floats, Floats]:
        """Mean shares of the metres taken between edges, each with its 90 % interval: means, lows, highs.

        Parameters
        ----------
        start, end
            ``(p,)`` first moments of the periods, and the first after them.
        berth
            Zone id; all berths together where it is not given.

        Raises
        ------
        KeyError
            For a moment that is no edge.
        """
        first, last = self._places(start), self._places(end)
        days = (self.edges[last] - self.edges[first]) / np.timedelta64(1, "D")
        if berth is not None:
            return _told((self.held[berth][:, last] - self.held[berth][:, first]) / days)
        whole = sum(self.metres[z] for z in self.held)
        taken = sum((h[:, last] - h[:, first]) * self.metres[z] for z, h in self.held.items())
        return _told(np.asarray(taken) / (days * whole))

    def calls(self, start: Any, end: Any) -> tuple[Floats, Floats, Floats]:
        """Mean numbers of ships that came to a berth between edges, each with its 90 % interval."""
        first, last = self._places(start), self._places(end)
        return _told(self.arrivals[:, last] - self.arrivals[:, first])

    def _places(self, moments: Any) -> npt.NDArray[np.intp]:
        when = np.atleast_1d(np.asarray(moments, "datetime64[s]"))
        places = np.minimum(np.searchsorted(self.edges, when), len(self.edges) - 1)
        if (wrong := self.edges[places] != when).any():
            raise KeyError(f"{when[wrong][0]} is no edge of these histories")
        return places


def _told(values: npt.NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return np.asarray(values.mean(axis=0)), low, high


def occupancy(
    looks: pd.DataFrame,
    quay_m: Mapping[str, float],
    moments: Sequence[Any] | npt.NDArray[np.datetime64],
    options: OccupancyOptions = DEFAULT_OCCUPANCY,
    prior: Prior = DEFAULT_PRIOR,
) -> Occupancy | None:
    """Draw histories of a site's berths.

    Parameters
    ----------
    looks
        One row per look × zone: ``zone_id, zone_kind, acquired, seen_fraction, vessel_count,
        occupied_fraction``, null where a look could not tell; ``sensor`` (else radar) and ``pixel_m``.
    quay_m
        Usable metres by berth; berths that are not among them do not count.
    moments
        Ends of the periods that will be asked for, UTC. Within a week of the looks' calendar quarters
        histories do not depend on them.
    options, prior
        What is assumed.

    Returns
    -------
    Occupancy or None
        None from fewer than ``least_looks`` looks. A berth that no look ever told is not in it.
    """
    rows = _told_rows(looks, quay_m, options)
    if rows["acquired"].nunique() < options.least_looks:
        return None
    asked = np.unique(np.asarray(moments, "datetime64[s]"))
    months = _months(rows["acquired"], asked)
    groups = {str(zone): group for zone, group in rows.groupby("zone_id", sort=True)}
    berths = [_berth(group, months, options, prior) for group in groups.values()]
    rng = np.random.default_rng(options.seed)
    draws = draw_rates(berths, len(months) - 1, options.draws, rng, prior)
    marks = (asked - months[0]) / np.timedelta64(1, "D")
    held, arrivals = {}, np.zeros((options.draws, len(asked)), np.float32)
    everywhere = _fractions(rows)
    for z, (zone, group) in enumerate(groups.items()):
        own = _fractions(group)
        pool = own if len(own) >= options.own else everywhere
        pool = pool if len(pool) else np.array([options.taken_share])
        held[zone], came = _histories(berths[z], group, months, draws, z, pool, marks, options.seed)
        arrivals += came
    return Occupancy(asked, held, arrivals, {z: float(quay_m[z]) for z in held}, draws.stay_days)


def _told_rows(looks: pd.DataFrame, quay_m: Mapping[str, float], options: OccupancyOptions) -> pd.DataFrame:
    """Keep the looks that told of a berth, with their sensor's errors, in order of time."""
    berth = (looks["zone_kind"] == ZoneKind.BERTH.value) & looks["zone_id"].isin(list(quay_m))
    told = looks[berth & (looks["vessel_count"].notna() | looks["occupied_fraction"].notna())]
    share = told["occupied_fraction"].astype("Float64").to_numpy("float64", na_value=np.nan)
    count = told["vessel_count"].astype("Float64").to_numpy("float64", na_value=np.nan)
    taken = np.where(np.isnan(share), count > 0, share > 0)
    pixel = told["pixel_m"].to_numpy("float64") if "pixel_m" in told else np.full(len(told), np.inf)
    sensor = told["sensor"] if "sensor" in told else pd.Series("radar", told.index)
    radar = (sensor == "radar").fillna(False).to_numpy(bool)
    which = np.where(radar, 0, np.where(pixel <= options.fine_m, 1, 2))
    kinds = (options.radar, options.fine, options.coarse)
    table = pd.DataFrame(
        {
            "zone_id": told["zone_id"].astype(str),
            "acquired": told["acquired"].to_numpy("datetime64[s]"),
            "taken": taken,
            "fraction": np.where(taken & (share > 0), share, np.nan),
            "seen": told["seen_fraction"].astype("Float64").to_numpy("float64", na_value=1.0),
            "recall": np.array([e.recall for e in kinds])[which],
            "false_alarm": np.array([e.false_alarm for e in kinds])[which],
        }
    )
    # Of looks at one moment the order must not matter.
    return table.sort_values(["acquired", "zone_id", "taken", "fraction", "seen"], ignore_index=True)


def _months(when: pd.Series, asked: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    """First moments of the calendar months of the looks' quarters, and the end of the last.

    The first and the last reach a week further, for the weeks that lie across, and to what is asked for.
    """
    first, last = when.min().to_period("Q"), when.max().to_period("Q")
    labels = pd.period_range(first.start_time, (last + 1).start_time, freq="M")
    edges = labels.start_time.to_numpy("datetime64[s]")
    week = np.timedelta64(7, "D")
    edges[0], edges[-1] = min(edges[0] - week, *asked[:1]), max(edges[-1] + week, *asked[-1:])
    return np.asarray(edges)


def _fractions(rows: pd.DataFrame) -> Floats:
    shares = rows["fraction"].to_numpy(float)
    return np.sort(np.clip(shares[~np.isnan(shares)], 0.0, 1.0))


def _berth(
    rows: pd.DataFrame, months: npt.NDArray[np.datetime64], options: OccupancyOptions, prior: Prior
) -> Berth:
    """Turn what was told into probabilities.

    A look that saw a part of the berth misses a ship beside that part: one that takes a share f of the
    metres, anywhere, overlaps a part s with probability s / (1 − f), at most 1.
    """
    when, taken = rows["acquired"].to_numpy("datetime64[s]"), rows["taken"].to_numpy(bool)
    seen = np.clip(rows["seen"].to_numpy(float), 0.01, 1.0)
    overlap = np.minimum(1.0, seen / (1 - options.taken_share))
    hit, alarm = rows["recall"].to_numpy(float), rows["false_alarm"].to_numpy(float)
    if_taken, if_free = [], []
    for misses, alarms in prior.error_scales:
        recall = np.clip(1 - misses * (1 - hit), 0.3, 0.999) * overlap
        false = np.clip(alarms * alarm * seen, 1e-4, 0.3)
        if_taken.append(np.where(taken, recall, 1 - recall))
        if_free.append(np.where(taken, false, 1 - false))
    days = (when - months[0]) / np.timedelta64(1, "D")
    block = np.searchsorted(months, when, side="right") - 1
    return Berth(days, block.astype(np.int64), np.array(if_taken), np.array(if_free))


def _histories(
    berth: Berth,
    rows: pd.DataFrame,
    months: npt.NDArray[np.datetime64],
    draws: Draws,
    number: int,
    pool: Floats,
    marks: Floats,
    seed: int,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Draw one berth's histories: days × share taken, and arrivals, summed from the start up to each mark."""
    ends = (months - months[0]) / np.timedelta64(1, "D")
    nothing = np.ones((len(berth.if_taken), len(ends)))
    days = np.concatenate([ends, berth.days])
    order = np.argsort(days, kind="stable")
    if_taken, if_free = (np.hstack([nothing, p])[:, order] for p in (berth.if_taken, berth.if_free))
    fraction = np.concatenate([np.full(len(ends), np.nan), np.clip(rows["fraction"].to_numpy(float), 0, 1)])
    block = np.concatenate([np.minimum(np.arange(len(ends)), len(ends) - 2), berth.block])[order]
    rng = np.random.default_rng([seed, number])
    held = np.zeros((len(draws.stay_days), len(marks)), np.float32)
    came = np.zeros_like(held)
    for e in range(len(berth.if_taken)):
        mine = draws.errors == e
        if mine.any():
            taken, arrived = draw_paths(
                rng, days[order], if_taken[e], if_free[e], fraction[order], block,
                draws.share[number][mine], draws.stay_days[mine], pool, marks,
            )  # fmt: skip
            held[mine, 1:] = np.cumsum(taken, axis=1)
            came[mine, 1:] = np.cumsum(arrived, axis=1)
    return held, came
