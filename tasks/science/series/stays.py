"""Stays: one vessel at one berth, its arrival and its departure each bracketed by looks.

A stay goes on while looks show a hull of like length in the same place. A look that could not see the berth
ends nothing. A look that saw the berth without the hull may have missed it: whether the hull seen there
later is the same one is weighed from what the sensor misses, how long ships lie, and how well length and
place agree; it is carried as a probability. So is whether there was a ship at all.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import linear_sum_assignment

from tasks.science.series.same_ship import (
    ALL_STILL,
    LENGTHS_M,
    PRIOR,
    BerthOptions,
    Lain,
    Presence,
    lain,
    length_likelihood,
    next_ship,
    place_likelihoods,
    same_odds,
)
from tasks.science.series.sights import BerthsSeen, Hull, sights

DAY = pd.Timedelta(days=1)
LATELY = 30
"""Ships last seen at a berth that say what comes next."""

Floats = npt.NDArray[np.float64]

ANY_SHIP = BerthOptions()
CARGO_SHIPS = BerthOptions(min_length_m=60.0, surely_seen=0.95)
"""For stays that are published and for voyages: at 3 m, most of what is shorter is a feature of the quay or a
harbour craft (361 of 372 false alarms), and no ship of this trade is."""


@dataclass(frozen=True)
class Stay:
    """One vessel at one berth."""

    berth: str
    first_seen: pd.Timestamp
    last_seen: pd.Timestamp

    length_m: float
    """From all its looks together; so are the others."""

    looks: int

    free_before: pd.Timestamp | None = None
    """Last look before that saw the berth without it; None if none did: it may have lain there long."""

    free_after: pd.Timestamp | None = None
    """First look after it that did; None if it lay there when last seen."""

    length_sd_m: float = 15.0
    width_m: float = math.nan
    """NaN where no look told it."""

    width_sd_m: float = math.nan
    east_m: float = math.nan
    north_m: float = math.nan
    """Middle of the hull, metres from the port's corner; NaN where no look told it."""

    fine: bool = False
    """Whether a camera at 3 m told its length."""

    real: float = 1.0
    """Probability that there was a ship: one look alone may show what is none."""

    one_stay: float = 1.0
    """Probability that all its looks show one ship that did not leave meanwhile."""

    came_by: pd.Timestamp | None = None
    """Look by which the ship seen last had come, and"""

    left_from: pd.Timestamp | None = None
    """until which the ship seen first had not left, each with `LEVEL`: where no look fell between two ships,
    or one that missed a hull, they pass for one. First and last sight if none of the looks is in doubt."""

    continues: float = 0.0
    """Probability that it is no new stay but one before it at that place, whose hull looks missed."""

    scenes: tuple[str, ...] = ()
    """Looks that show it, and the two that bracket it."""

    lengths: Floats | None = field(default=None, compare=False, repr=False)
    """Likelihood of `LENGTHS_M` from all its looks, to a common factor; None stands for a normal one."""

    @property
    def probability(self) -> float:
        """That there was a ship, and that it was one stay."""
        return self.real * self.one_stay

    @property
    def open(self) -> bool:
        """Whether no look has seen the berth without it since."""
        return self.free_after is None


@dataclass
class _Track:
    """A stay in the making."""

    zone: str
    first: pd.Timestamp
    last: pd.Timestamp
    free_before: pd.Timestamp | None
    scene_before: str | None
    length: Floats
    """Posterior over `LENGTHS_M`."""

    fine: bool
    real: float
    continues: float
    scenes: list[str]
    widths: list[tuple[float, float]] = field(default_factory=list)
    places: list[tuple[float, float, float]] = field(default_factory=list)
    """East, north and weight."""

    place_weight: float = 0.0
    """Sum of the inverse variances of its places."""

    gaps: list[tuple[pd.Timestamp, pd.Timestamp, float]] = field(default_factory=list)
    """One sight, the next, and the probability that the ship did not leave between them."""

    unseen: float = 1.0
    """Probability of the looks since the last sight, had the hull still been there."""

    presence: Presence = ALL_STILL
    """What became of it, at the last look that saw its berth."""

    looked: pd.Timestamp | None = None
    """When that was; None: when it was last seen."""

    gone: pd.Timestamp | None = None
    scene_gone: str | None = None

    @property
    def length_m(self) -> float:
        return float(self.length @ LENGTHS_M)

    @property
    def place_error_m(self) -> float:
        return 1 / math.sqrt(self.place_weight) if self.place_weight else math.nan

    @property
    def place(self) -> tuple[float, float]:
        if not self.places:
            return math.nan, math.nan
        east, north, weight = np.array(self.places).T
        return float(east @ weight / weight.sum()), float(north @ weight / weight.sum())

    def until(self, moment: pd.Timestamp, usual: Lain, options: BerthOptions) -> Presence:
        """Tell what became of it by a moment after the last look."""
        since = self.looked or self.last
        days = (moment - since) / DAY
        return self.presence.after(days, usual.stays((since - self.came) / DAY, days), options)

    @property
    def came(self) -> pd.Timestamp:
        """When it arrived, roughly: between the first sight and the look before, two days at most."""
        if self.free_before is None:
            return self.first - DAY
        return self.first - min((self.first - self.free_before) / 2, DAY)


def stays(
    looks: pd.DataFrame, vessels: pd.DataFrame | None = None, options: BerthOptions = ANY_SHIP
) -> list[Stay]:
    """Gather a port's sights into stays, in order of time.

    Parameters
    ----------
    looks, vessels
        As published. Without vessels, the mean length of a berth's ships stands for them: at least one.
    options
        What is assumed.

    Returns
    -------
    list of Stay
        In order of the first sight; what later looks show changes no earlier decision, only what is known.
    """
    return follow(sights(looks, vessels), options)


def follow(seen: Sequence[BerthsSeen], options: BerthOptions = ANY_SHIP) -> list[Stay]:
    """Follow ships from look to look; `stays` says the rest."""
    done: list[_Track] = []
    current: list[_Track] = []
    empty: dict[str, list[tuple[pd.Timestamp, str, float]]] = {}
    shorts: dict[str, tuple[int, int]] = {}
    known: dict[str, list[_Track]] = {}
    for scene in seen:
        look, short = _split(scene, options)
        usual = {track.zone: _lain(known[track.zone], options) for track in current}
        odds = _odds(current, look, known, usual, options)
        pairs = _assign(odds)
        for k, n in pairs.items():
            _prolong(current[k], look, look.hulls[n], float(odds[k, n]), options)
        taken = set(pairs.values())
        for k, track in enumerate(current):
            if k not in pairs and track.zone in look.seen:
                _miss(track, look, short, shorts.get(track.zone, (0, 0)), usual[track.zone], options)
        for n, hull in enumerate(look.hulls):
            if n not in taken:
                chance = _sigmoid(float(odds[:, n].max())) if len(odds) else 0.0
                track = _begin(look, hull, empty.get(hull.zone_id, []), chance, options)
                current.append(track)
                known[hull.zone_id] = [*known.get(hull.zone_id, []), track][-LATELY:]
        for zone, share in look.seen.items():
            empty.setdefault(zone, []).append((look.acquired, look.scene_id, look.quality.recall * share))
            if look.fine and all(h.zone_id != zone for h in look.hulls):
                count, total = shorts.get(zone, (0, 0))
                shorts[zone] = (count + any(h.zone_id == zone for h in short), total + 1)
        over = [t for t in current if t.unseen < OVER]
        done += over
        current = [t for t in current if t.unseen >= OVER]
    found = _doubted([_stay(track) for track in (*done, *current)], seen)
    return sorted(found, key=lambda s: (s.first_seen, s.berth, s.east_m, s.north_m, s.length_m))


def _doubted(found: list[Stay], seen: Sequence[BerthsSeen]) -> list[Stay]:
    """Doubt the stays that one look alone shows, by how often sensors invent ships and ships use the berth.

    What is invented falls on any berth alike; one where ships were seen twice and more is in use.
    """
    invented = sum(look.quality.false_per_look * len(look.seen) for look in seen)
    berths = {zone for look in seen for zone in look.seen}
    per_berth = invented / max(len(berths), 1) ** 2
    used = Counter(s.berth for s in found if s.looks > 1)
    return [
        s if s.looks > 1 else replace(s, real=_used(used[s.berth]) / (_used(used[s.berth]) + per_berth))
        for s in found
    ]


def _used(stays_seen_twice: int) -> float:
    """Expect so many stays seen once: about as many as those seen more often, and some before any."""
    return stays_seen_twice + 0.5


def _split(look: BerthsSeen, options: BerthOptions) -> tuple[BerthsSeen, list[Hull]]:
    """Set the sights aside that are too short."""
    short = [h for h in look.hulls if h.length_m < options.min_length_m]
    if not short:
        return look, []
    return replace(look, hulls=tuple(h for h in look.hulls if h.length_m >= options.min_length_m)), short


OVER = 1e-4
"""Probability of its looks below which a hull is no longer waited for: three misses at 3 m, or in radar."""


def _sigmoid(odds: float) -> float:
    return 1 / (1 + math.exp(-min(max(odds, -50.0), 50.0)))


def _odds(
    tracks: Sequence[_Track],
    look: BerthsSeen,
    known: Mapping[str, list[_Track]],
    usual: Mapping[str, Lain],
    options: BerthOptions,
) -> Floats:
    """Log odds that each hull of a look, ``(track, hull)``, is the one of each track and never left."""
    odds = np.full((len(tracks), len(look.hulls)), -np.inf)
    if not odds.size:
        return odds
    likelihoods = [length_likelihood(hull, look.quality, options) for hull in look.hulls]
    populations = {
        zone: next_ship([t.length for t in known[zone]], options) for zone in {track.zone for track in tracks}
    }
    for k, track in enumerate(tracks):
        since = track.until(look.acquired, usual[track.zone], options)
        place, others = track.place, [t.place for t in known[track.zone]]
        for n, hull in enumerate(look.hulls):
            spot = hull.east_m, hull.north_m
            apart = math.dist(spot, place)
            if math.isnan(apart) and track.zone != hull.zone_id:
                continue
            if not math.isnan(apart) and apart > options.pitch_m / 2:
                continue
            error = math.hypot(
                look.quality.place_m, track.place_error_m, 0.4 * (track.length_m - hull.length_m)
            )
            places = place_likelihoods(spot, place, others, error, options)
            odds[k, n] = same_odds(track.length, likelihoods[n], since, populations[track.zone], places)
    return odds


def _lain(known: Sequence[_Track], options: BerthOptions) -> Lain:
    """Tell how long ships lie at a berth from those that left it and were seen to come."""
    left = [
        ((t.last - t.first) / DAY, (t.gone - t.free_before) / DAY)
        for t in known
        if t.gone is not None and t.free_before is not None
    ]
    return lain(left, options)


def _assign(odds: Floats) -> dict[int, int]:
    """Pair tracks and hulls for the greatest total of log odds; only pairs that are likelier than not."""
    if not odds.size:
        return {}
    gain = np.clip(odds, 0.0, None)
    rows, cols = linear_sum_assignment(gain, maximize=True)
    return {int(k): int(n) for k, n in zip(rows, cols, strict=True) if odds[k, n] > 0}


def _begin(
    look: BerthsSeen,
    hull: Hull,
    before: Sequence[tuple[pd.Timestamp, str, float]],
    chance: float,
    options: BerthOptions,
) -> _Track:
    """Begin a stay, with the look that surely saw its berth without it."""
    moment, scene = _surely(before[::-1], options)
    length = PRIOR * length_likelihood(hull, look.quality, options)
    # A ship on one look in five is what is expected of a port before it is known.
    real = 1 - look.quality.false_per_look / (look.quality.false_per_look + 0.2)
    track = _Track(
        hull.zone_id, look.acquired, look.acquired, moment, scene, length / length.sum(), look.fine, real,
        chance, [look.scene_id],
    )  # fmt: skip
    _measure(track, look, hull)
    return track


def _surely(
    looks: Sequence[tuple[pd.Timestamp, str, float]], options: BerthOptions
) -> tuple[pd.Timestamp | None, str | None]:
    """Go from look to look until they surely would have shown a hull."""
    missed = 1.0
    for moment, scene, recall in looks:
        missed *= 1 - recall
        if missed <= 1 - options.surely_seen:
            return moment, scene
    return None, None


def _measure(track: _Track, look: BerthsSeen, hull: Hull) -> None:
    if not math.isnan(hull.width_m):
        track.widths.append((hull.width_m, max(hull.width_sd_m, 1.0) if hull.width_sd_m > 0 else 5.0))
    if not math.isnan(hull.east_m):
        # A hull half hidden has its middle elsewhere: it weighs less.
        track.places.append((hull.east_m, hull.north_m, hull.length_m / look.quality.place_m**2))
        track.place_weight += 1 / look.quality.place_m**2


def _prolong(track: _Track, look: BerthsSeen, hull: Hull, odds: float, options: BerthOptions) -> None:
    length = track.length * length_likelihood(hull, look.quality, options)
    track.length = length / length.sum()
    track.gaps.append((track.last, look.acquired, _sigmoid(odds)))
    track.real = 1 - (1 - track.real) * look.quality.false_per_look
    track.last, track.unseen, track.gone, track.scene_gone = look.acquired, 1.0, None, None
    track.presence, track.looked = ALL_STILL, None
    track.fine |= look.fine
    track.scenes.append(look.scene_id)
    _measure(track, look, hull)


def _miss(
    track: _Track,
    look: BerthsSeen,
    short: Sequence[Hull],
    known: tuple[int, int],
    usual: Lain,
    options: BerthOptions,
) -> None:
    """Count a look that saw the berth without the hull; from some look on, it surely was gone.

    Where something short lies in its place, that tells as much as short things are rare there when no ship
    is: a feature of the quay lies there always.
    """
    if any(h.zone_id == track.zone and h.length_m >= PART * track.length_m for h in short):
        rare = (known[0] + 0.5) / (known[1] + 5)
        missed = min(1.0, options.hidden_share / 2 / rare)
    else:
        missed = 1 - look.quality.recall * look.seen[track.zone]
    track.unseen *= missed
    track.presence, track.looked = track.until(look.acquired, usual, options).missed(missed), look.acquired
    if track.gone is None and track.unseen <= 1 - options.surely_seen:
        track.gone, track.scene_gone = look.acquired, look.scene_id


def _stay(track: _Track) -> Stay:
    length = track.length_m
    spread = math.sqrt(float(track.length @ (LENGTHS_M - length) ** 2))
    width = width_sd = math.nan
    if track.widths:
        values, errors = np.array(track.widths).T
        weight = 1 / errors**2
        # Hulls half hidden come out narrow or wide; the median of several is not drawn by one.
        width = float(np.median(values))
        width_sd = math.hypot(1.25 / math.sqrt(weight.sum()), WIDTH_FLOOR_M)
    bracket = [s for s in (track.scene_before, track.scene_gone) if s]
    east, north = track.place
    return Stay(
        berth=track.zone,
        first_seen=track.first,
        last_seen=track.last,
        length_m=length,
        looks=len(track.scenes),
        free_before=track.free_before,
        free_after=track.gone,
        length_sd_m=math.hypot(spread, LENGTH_FLOOR_M),
        width_m=width,
        width_sd_m=width_sd,
        east_m=east,
        north_m=north,
        fine=track.fine,
        real=track.real,
        one_stay=math.prod(same for _, _, same in track.gaps),
        came_by=_surely_one([(after, same) for _, after, same in track.gaps[::-1]], track.first),
        left_from=_surely_one([(before, same) for before, _, same in track.gaps], track.last),
        continues=track.continues,
        scenes=(*track.scenes, *bracket),
        lengths=track.length / PRIOR,
    )


def _surely_one(gaps: Sequence[tuple[pd.Timestamp, float]], end: pd.Timestamp) -> pd.Timestamp:
    """Go from gap to gap while the ship is one with `LEVEL`; gives the sight before the first that is not."""
    one = 1.0
    for moment, same in gaps:
        one *= same
        if one < LEVEL:
            return moment
    return end


LEVEL = 0.95
"""With which either end of a stay lies in its bracket."""

PART = 0.3
"""Share of its length below which what is seen in its place is no part of a hull."""

LENGTH_FLOOR_M, WIDTH_FLOOR_M = 4.0, 1.8
"""Errors that all looks of one stay share, and that no number of them takes away: paint, fenders, the quay's
shade. Between ports the same ship's width came out 0.5 and 2.1 m short."""
