"""Trips between two ports, at least and at most, from drawn assignments; no ship is named.

At least: so many links across, between ships that were some, as all but one draw in a hundred hold. Only
those of ships that sailed straight on count: of one that came weeks later nobody knows where it was since.
Chance matches are part of the model: shares of trade that are near none are as open to it as large ones.
At most: as many as ships left A or came to B, whichever are fewer, in all but few draws; those that shifted
berths did neither. To them come the crossings that looks missed, drawn from the same model: of ships that
left A and may have lain at B between looks, of those that came to B from stays at A that nobody saw, and of
those of which neither end was seen.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.science.series.dwell import Dwell, dwell_times
from tasks.science.series.sights import BerthsSeen
from tasks.science.series.stays import Stay
from tasks.science.voyages.assignments import AssignmentOptions, Assignments, draw_assignments
from tasks.science.voyages.crossing import Crossing
from tasks.science.voyages.links import (
    DAY,
    LATE,
    PROMPT,
    RETURN,
    SHIFT,
    LinkOptions,
    Links,
    Nodes,
    candidate_links,
    lay_out,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TripOptions:
    """How sure a statement must be, and what is assumed of the parts below."""

    sure: float = 0.99
    """Probability of "at least": it must never be too many."""

    most: float = 0.975
    """Probability of "at most"."""

    told: float = 0.02
    """Probability below which a link is no candidate."""

    named: float = 0.5
    """Probability from which a link is told as the likeliest one."""

    most_candidates: int = 5
    """Where more remain, a link is told only if a camera at 3 m measured both ships: at 10 m the right one
    is first among ten in half of all cases at best."""

    link: LinkOptions = field(default_factory=LinkOptions)
    draw: AssignmentOptions = field(default_factory=AssignmentOptions)


@dataclass(frozen=True)
class Port:
    """One port as it was seen."""

    name: str
    seen: tuple[BerthsSeen, ...]
    stays: tuple[Stay, ...]


@dataclass(frozen=True)
class Count:
    """A number of trips."""

    at_least: int
    middle: int | None
    """Median of the draws, missed trips included; None where a port was never seen."""

    at_most: int | None
    """None where a port was never seen: then nothing bounds them."""


@dataclass(frozen=True)
class Link:
    """One stay at one port that may have been followed by one at the other."""

    origin: int
    """Number of the stay among its port's."""

    target: int
    from_a: bool
    """True for A to B."""

    probability: float
    prompt: float
    """Probability that the ship sailed straight on."""

    candidates: int
    """Stays that remain for either end with a probability from `TripOptions.told`; the larger number."""

    named: bool


@dataclass(frozen=True)
class OpenEnd:
    """The stretch since which ships keep coming to A and none of them is seen at B."""

    since: pd.Timestamp | None
    """When the last ship that is linked to B with even odds left A; None if none is."""

    departures: int
    """Ships that left A since, and would have been seen at B by now with even odds."""

    probability: float
    """That the trade from A to B had ended before the first of them left."""


@dataclass(frozen=True)
class Trips:
    """What the looks at two ports tell of the ships between them."""

    there: Count
    """From A to B."""

    back: Count
    """From B to A."""

    round: Count
    """From A to B and then to A."""

    links: tuple[Link, ...]
    """All that are candidates, in order of departure."""

    open_end: OpenEnd
    sea: Crossing
    stays: tuple[tuple[Stay, ...], tuple[Stay, ...]]
    looks: tuple[int, int]
    first: pd.Timestamp | None
    last: pd.Timestamp | None
    """First and last look of either port."""

    options: TripOptions


def trips_between(
    a: Port, b: Port, sea: Crossing, seed: int = 0, options: TripOptions = TripOptions()
) -> Trips:
    """Tell the trips between two ports.

    Parameters
    ----------
    a, b
        Their looks, and the stays made of them (`series.stays.follow`).
    sea
        The way between them.
    seed
        Of the draws.
    options
        How sure a statement must be, and what is assumed.
    """
    moments = [look.acquired for port in (a, b) for look in port.seen]
    nothing = Count(0, None, None)
    if not a.seen or not b.seen:
        first, last = (min(moments), max(moments)) if moments else (None, None)
        return Trips(
            nothing, nothing, nothing, (), OpenEnd(None, 0, 0.0), sea, (a.stays, b.stays),
            (len(a.seen), len(b.seen)), first, last, options,
        )  # fmt: skip
    start, end = min(moments), max(moments)
    nodes = lay_out(a.stays, b.stays, start, a.seen[-1].acquired, b.seen[-1].acquired)
    links = candidate_links(nodes, sea, options.link)
    rng = np.random.default_rng(seed)
    drawn = draw_assignments(nodes, links, rng, options.draw)
    watch = [_Watch(port, start, (end - start) / DAY) for port in (a, b)]
    straight, held, room = _held(nodes, links, drawn, rng)
    seen_there = _seen_there(nodes, watch, sea, options.link)
    missed = [_missed(nodes, links, drawn, watch, p, sea, seen_there, rng, options) for p in (0, 1)]
    surely_round, rounds = _rounds(nodes, links, drawn)
    return Trips(
        there=_count(straight[0], held[0], room[0], missed[0], options),
        back=_count(straight[1], held[1], room[1], missed[1], options),
        round=_count(
            np.minimum(surely_round, straight[0]),
            rounds,
            np.minimum(room[0], room[1]),
            np.minimum(missed[0], missed[1]),
            options,
        ),
        links=_told(nodes, links, drawn, len(a.stays), options),
        open_end=_open_end(nodes, links, drawn, seen_there, start),
        sea=sea,
        stays=(a.stays, b.stays),
        looks=(len(a.seen), len(b.seen)),
        first=start,
        last=end,
        options=options,
    )


def _count(surely: Ints, held: Ints, possible: Ints, missed: Ints, options: TripOptions) -> Count:
    """Bound a number of trips: what draws hold from below, what they leave room for from above."""
    least = int(np.quantile(surely, 1 - options.sure, method="inverted_cdf"))
    return Count(
        least,
        max(int(np.median(held + missed)), least),
        max(int(np.quantile(possible + missed, options.most, method="inverted_cdf")), least),
    )


def _crosses(links: Links) -> npt.NDArray[np.bool_]:
    return np.asarray((links.kind == PROMPT) | (links.kind == LATE))


def _held(
    nodes: Nodes, links: Links, drawn: Assignments, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints]:
    """Count the links in each draw where both ships were some, ``(port, draw)``: straight on, all, and room.

    Room is for as many crossings as ships left a port or came to the other, whichever are fewer; those that
    the draw has shift berths did neither.
    """
    draws, n = drawn.chosen.shape
    there = rng.random((draws, n)) < nodes.real
    straight, every, room = np.zeros((3, 2, draws), np.int64)
    draw, stay = np.nonzero(drawn.chosen >= 0)
    link = drawn.chosen[draw, stay]
    target = links.target[link]
    good = _crosses(links)[link] & there[draw, stay] & there[draw, target]
    prompt = good & (links.kind[link] == PROMPT)
    left, came = there.copy(), there.copy()
    shifts = links.kind[link] == SHIFT
    left[draw[shifts], stay[shifts]] = False
    came[draw[shifts], target[shifts]] = False
    for p in (0, 1):
        np.add.at(every[p], draw[good & (nodes.port[stay] == p)], 1)
        np.add.at(straight[p], draw[prompt & (nodes.port[stay] == p)], 1)
        room[p] = np.minimum(left[:, nodes.port == p].sum(axis=1), came[:, nodes.port == 1 - p].sum(axis=1))
    return straight, every, room


def _rounds(nodes: Nodes, links: Links, drawn: Assignments) -> tuple[Ints, Ints]:
    """Count in each draw the ways from A over B to A: those whose first leg is straight on, and all.

    Shifts between berths of B are no legs.
    """
    surely, every = np.zeros((2, len(drawn.chosen)), np.int64)
    order = np.argsort(nodes.leave_low, kind="stable")
    for k, chosen in enumerate(drawn.chosen):
        came = np.zeros(len(nodes.stays), np.int64)
        for i in order:
            e = chosen[i]
            if e < 0:
                continue
            j = links.target[e]
            if links.kind[e] == SHIFT:
                came[j] = came[i]
            elif links.kind[e] == RETURN:
                continue
            elif nodes.port[i] == 0:
                came[j] = 2 if links.kind[e] == PROMPT else 1
            elif came[i]:
                every[k] += 1
                surely[k] += came[i] == 2
    return surely, every


class _Watch:
    """When a port was looked at, and how likely a ship that lay there for some days was seen."""

    def __init__(self, port: Port, start: pd.Timestamp, end: float) -> None:
        self.dwell: Dwell = dwell_times(port.stays)
        self.days = np.array([(look.acquired - start) / DAY for look in port.seen])
        berths = max((len(look.seen) for look in port.seen), default=1)
        recall = np.array(
            [look.quality.recall * sum(look.seen.values()) / berths for look in port.seen], float
        )
        self.missing = np.concatenate([[0.0], np.cumsum(np.log1p(-np.minimum(recall, 0.995)))])
        self.end = end

    def seen(self, arrive: Floats, leave: Floats) -> Floats:
        """Probability that at least one look shows a ship that lies there from one day to another."""
        first, last = np.searchsorted(self.days, arrive), np.searchsorted(self.days, leave, side="right")
        return np.asarray(1 - np.exp(self.missing[np.maximum(last, first)] - self.missing[first]))


QUANTILES = (np.arange(12) + 0.5) / 12


def _seen_there(nodes: Nodes, watch: list[_Watch], sea: Crossing, options: LinkOptions) -> Floats:
    """Tell for every stay how likely its ship, had it sailed across, was seen at the other port by now."""
    sail = (sea.distance_nm + sea.distance_sd_nm / 2) / options.speed_kn / 24 + options.port_hours / 48
    result = np.zeros(len(nodes.stays))
    for p in (0, 1):
        own = nodes.port == p
        leave = (
            nodes.leave_low[own, None] + (nodes.leave_high - nodes.leave_low)[own, None] * QUANTILES[None, :]
        )
        result[own] = _seen_when_left(leave, watch[1 - p], sail)
    return result


def _seen_when_left(leave: Floats, other: _Watch, sail: float) -> Floats:
    arrive = leave + sail
    dwell = other.dwell.quantiles(QUANTILES)
    seen = other.seen(arrive[..., None], np.minimum(arrive[..., None] + dwell, other.end))
    return np.asarray(np.where(arrive[..., None] > other.end, 0.0, seen).mean(axis=(-2, -1)))


def _missed(
    nodes: Nodes,
    links: Links,
    drawn: Assignments,
    watch: list[_Watch],
    p: int,
    sea: Crossing,
    seen_there: Floats,
    rng: np.random.Generator,
    options: TripOptions,
) -> Ints:
    """Draw, for each drawn assignment, how many crossings from port `p` to the other one looks missed."""
    draws, n = drawn.chosen.shape
    chosen = drawn.chosen
    kinds = np.where(chosen >= 0, links.kind[np.maximum(chosen, 0)] if len(links.kind) else 0, -1)
    across, here = (kinds == PROMPT) | (kinds == LATE), (kinds == SHIFT) | (kinds == RETURN)
    own = nodes.port == p
    reached = np.zeros((draws, n), bool)
    draw, stay = np.nonzero(chosen >= 0)
    if len(draw):
        reached[draw, links.target[chosen[draw, stay]]] = True
    sailed = (across & own).sum(axis=1)
    away = (~across & ~here & own).sum(axis=1)
    # Of departures without a link: the share that crosses, and was not seen to.
    share = rng.beta(sailed + 0.3, away + 0.7)[:, None]
    left = np.where(nodes.open, 0.5, 1.0)[None, :]
    hidden = share * (1 - seen_there)[None, :]
    chance = left * hidden / (hidden + (1 - share))
    lost = ((rng.random((draws, n)) < chance) & own[None, :] & (kinds < 0)).sum(axis=1)
    # Of arrivals without a link: those whose stay at the other end nobody saw.
    first, begins = _first_crossing(nodes, links, drawn, p), watch[p].days[0]
    sail = (sea.distance_nm + sea.distance_sd_nm / 2) / options.link.speed_kn / 24
    dwell = watch[p].dwell.quantiles(QUANTILES)
    leave = nodes.arrive_high[:, None] - sail - (nodes.arrive_high - nodes.arrive_low)[:, None] * QUANTILES
    unseen = 1 - watch[p].seen(leave[..., None] - dwell, leave[..., None]).mean(axis=(1, 2))
    other = nodes.port == 1 - p
    new = (~reached & other[None, :]).sum(axis=1)
    rate = rng.gamma(sailed + 0.3)[:, None] * unseen[None, :] / (1 - 0.9 * unseen[None, :])
    rest = rng.gamma(new + 0.7)[:, None]
    unseen_here = ((rng.random((draws, n)) < rate / (rate + rest)) & ~reached & other[None, :]).sum(axis=1)
    # Crossings of which neither end was seen, at the rate of those that were.
    days = np.arange(max(begins, first), watch[1 - p].end, 0.5)
    if not len(days):
        return np.asarray(lost + unseen_here)
    not_left = 1 - watch[p].seen(days[:, None] - dwell, days[:, None]).mean(axis=1)
    not_come = 1 - _seen_when_left(days[:, None], watch[1 - p], sail)
    arrived = days + sail <= watch[1 - p].end
    both = float((not_left * not_come * arrived).mean())
    either = float(((1 - not_left) * (1 - not_come)).mean())
    blind = rng.poisson(rng.gamma(sailed + 0.3) * both / max(either, 0.05))
    return np.asarray(lost + unseen_here + blind)


def _first_crossing(nodes: Nodes, links: Links, drawn: Assignments, p: int) -> float:
    """Day of the first crossing from a port that has even odds: since when there is a trade."""
    if not len(links.kind):
        return 0.0
    odds = drawn.probability(len(links.kind))
    good = (odds >= 0.5) & _crosses(links) & (nodes.port[links.origin] == p)
    return float(nodes.leave_low[links.origin[good]].min()) if good.any() else 0.0


def _told(
    nodes: Nodes, links: Links, drawn: Assignments, count_a: int, options: TripOptions
) -> tuple[Link, ...]:
    odds = drawn.probability(len(links.kind))
    pairs: dict[tuple[int, int], list[float]] = {}
    for e in np.flatnonzero(_crosses(links) & (odds > 0)):
        i, j = int(links.origin[e]), int(links.target[e])
        both = float(odds[e] * nodes.real[i] * nodes.real[j])
        pair = pairs.setdefault((i, j), [0.0, 0.0])
        pair[0] += both
        pair[1] += both if links.kind[e] == PROMPT else 0.0
    kept = {ends: values for ends, values in pairs.items() if values[0] >= options.told}
    ways_out, ways_in = (Counter(ends[k] for ends in kept) for k in (0, 1))
    told = []
    for (i, j), (probability, prompt) in kept.items():
        from_a = bool(nodes.port[i] == 0)
        candidates = max(ways_out[i], ways_in[j])
        fine = nodes.stays[i].fine and nodes.stays[j].fine
        named = probability >= options.named and (fine or candidates <= options.most_candidates)
        origin, target = (i, j - count_a) if from_a else (i - count_a, j)
        told.append(
            (nodes.leave_low[i], Link(origin, target, from_a, probability, prompt, candidates, named))
        )
    return tuple(link for _, link in sorted(told, key=lambda x: (x[0], -x[1].probability, x[1].target)))


def _open_end(
    nodes: Nodes, links: Links, drawn: Assignments, seen_there: Floats, start: pd.Timestamp
) -> OpenEnd:
    """Tell whether ships that left A lately ceased to come to B, by one change of the share that does."""
    if not len(links.kind):
        return OpenEnd(None, 0, 0.0)
    odds = drawn.probability(len(links.kind))
    own = np.flatnonzero(nodes.port == 0)
    crossed, shifted = np.zeros(len(nodes.stays)), np.zeros(len(nodes.stays))
    np.add.at(crossed, links.origin[_crosses(links)], odds[_crosses(links)])
    np.add.at(shifted, links.origin[links.kind == SHIFT], odds[links.kind == SHIFT])
    left = own[(shifted[own] < 0.5) & ~nodes.open[own]]
    left = left[np.argsort(nodes.leave_low[left], kind="stable")]
    linked = crossed[left] >= 0.5
    if not linked.any():
        return OpenEnd(None, 0, 0.0)
    last = int(np.flatnonzero(linked)[-1])
    since = start + nodes.leave_low[left[last]] * DAY
    after = left[last + 1 :]
    counted = int((seen_there[after] >= 0.5).sum())
    went = drawn.chosen >= 0
    went[went] = _crosses(links)[drawn.chosen[went]]
    ended = [_ended(own, seen_there[left], last) for own in went[:, left]]
    probability = float(np.mean(ended)) if len(after) else 0.0
    return OpenEnd(since, counted, probability)


def _ended(crossed: npt.NDArray[np.bool_], seen_there: Floats, last: int) -> float:
    """Probability, where it is known who crossed, that no ship did after the one numbered `last`."""
    sailed = np.flatnonzero(crossed)
    if not len(sailed) or sailed[-1] > last:
        return 0.0
    active, after = sailed[-1] - sailed[0] + 1, seen_there[sailed[-1] + 1 :]
    share = (len(sailed) + 0.5) / (active + 1.0)
    still = float(np.log1p(-min(share, 0.99) * after).sum())
    # Beforehand, a trade that lasted for so many trips ends before the next one with one in that many.
    ended = 1 - (1 - 1 / (active + 2)) ** (len(after) + 1)
    return float(ended / (ended + (1 - ended) * math.exp(still)))
