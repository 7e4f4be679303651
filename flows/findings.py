"""What the publications of two ports tell, in words that an analyst can defend.

Everything here is read from published tables or inferred from them; what images cannot show, and what
these looks were too few for, is said as plainly as the rest.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from flows.sight import Sight, sight_on, sight_sentences
from tasks.infer import (
    SURE,
    Goods,
    Share,
    goods_between,
    likely_changes,
    occupancy_between,
    quay_metres,
    sea_way,
    trips_between,
)


@dataclass(frozen=True)
class Awakening:
    """When a port became active, and how sure that is."""

    about: date
    low: date
    high: date
    """Looks between which the change lies with 90 %."""

    probability: float
    status: str
    knowable_on: date

    ships_before: float
    ships_after: float
    """Ships at berth per look."""


@dataclass(frozen=True)
class PortFindings:
    """What one publication tells."""

    site: str
    title: str
    looks: int
    """Looks that saw at least half of the quay."""

    first: date
    last: date

    chance: float | None
    """Probability that activity changed at all; None where there are too few looks to tell."""

    chance_low: date | None
    chance_high: date | None
    """Looks between which it changed with 90 %, if it did."""

    awakening: Awakening | None
    before: Share | None
    after: Share | None
    whole: Share

    goods: Goods | None
    """What stood and moved in its yards and on its tracks; None if no image told of any."""

    sight: Sight | None
    """What was seen on one day of interest; None without such a day, or without an image that tells."""


@dataclass(frozen=True)
class Findings:
    """What two publications tell together."""

    ports: tuple[PortFindings, ...]
    trips_from: date
    trips_at_least: int
    trips_at_most: int | None
    rounds_at_least: int
    rounds_at_most: int | None
    distance_nm: float
    """Shortest way over water."""

    sure: float
    """Probability of "at least"."""

    def as_dict(self) -> dict[str, Any]:
        """Plain types, days as ISO text."""
        return dict(_plain(asdict(self)))


def findings(
    out: Path, origin: str, destination: str, start: date, end: date, on: date | None = None
) -> Findings:
    """Read what the publications of two bundled sites tell of a period and a day, and the trips between."""
    from tasks.sites import load_site

    ports = tuple(port_findings(out / site, site, start, end, on) for site in (origin, destination))
    sea, _ = sea_way(load_site(origin), load_site(destination))
    trips = trips_between(out / origin, out / destination, sea, end)
    return Findings(
        ports,
        start if trips.first is None else trips.first.date(),
        trips.there.at_least,
        trips.there.at_most,
        trips.round.at_least,
        trips.round.at_most,
        sea.distance_nm,
        trips.options.sure,
    )


def port_findings(folder: Path, site_id: str, start: date, end: date, on: date | None = None) -> PortFindings:
    """Read what one publication tells of a period, and of one day of it."""
    from tasks.sites import load_site

    site = load_site(site_id)
    looks = pd.read_parquet(folder / "looks.parquet")
    quay_m = quay_metres(site)
    regimes = pd.read_parquet(folder / "regimes.parquet")
    regimes = regimes[(regimes["zone_id"] == "*") & (regimes["measure"] == "vessels_at_berth")]
    awakening = _awakening(regimes)
    change = likely_changes(folder, quay_m)

    def share(first: date, last: date) -> Share:
        return occupancy_between(looks, first, last, quay_m)

    whole = share(start, end)
    before = share(start, awakening.about - timedelta(days=1)) if awakening else None
    after = share(awakening.about, end) if awakening else None
    return PortFindings(
        site=site_id,
        title=site.title,
        looks=whole.looks,
        first=start,
        last=end,
        chance=change.any if change else None,
        chance_low=pd.Timestamp(change.candidate.low).date() if change else None,
        chance_high=pd.Timestamp(change.candidate.high).date() if change else None,
        awakening=awakening,
        before=before,
        after=after,
        whole=whole,
        goods=goods_between(looks, awakening.about if awakening else start, end),
        sight=sight_on(folder, site, on) if on else None,
    )


def _awakening(regimes: pd.DataFrame) -> Awakening | None:
    """Take the change to a higher level that made the port active, if one was found."""
    for _, row in regimes[regimes["start_low"].notna() & (regimes["state"] == "active")].iterrows():
        earlier = regimes[regimes["end"] == row["start"]].iloc[0]
        if row["level"] > earlier["level"]:
            return Awakening(
                about=row["start"].date(),
                low=row["start_low"].date(),
                high=row["start_high"].date(),
                probability=float(row["probability"]),
                status=str(row["status"]),
                knowable_on=row["knowable_on"].date(),
                ships_before=float(earlier["level"]),
                ships_after=float(row["level"]),
            )
    return None


def sentences(found: Findings) -> list[str]:
    """Say it."""
    lines = [line for port in found.ports for line in (*_port_sentences(port), *_goods_sentences(port))]
    for port in found.ports:
        lines += sight_sentences(_name(port), port.sight) if port.sight else []
    return [*lines, *_trip_sentences(found), *_unknown(found)]


def _port_sentences(port: PortFindings) -> list[str]:
    name, woke = _name(port), port.awakening
    if woke is None or port.before is None or port.after is None:
        return [*_untold(port), f"  Berths: {_percent(port.whole)}."]
    return [
        f"{name} woke about {_day(woke.about)}, between {_day(woke.low)} and {_day(woke.high)} (90 %). That "
        f"there was a change has probability {_sure(woke.probability)}; it is {woke.status}, and could have "
        f"been known on {_day(woke.knowable_on)}.",
        f"  Berths before: {_percent(port.before)}; after: {_percent(port.after)}. Ships at berth per look: "
        f"{woke.ships_before:.1f} before, {woke.ships_after:.1f} after.",
    ]


def _goods_sentences(port: PortFindings) -> list[str]:
    goods = port.goods
    if goods is None:
        return []
    lines = []
    if goods.looks and goods.most_on is not None:
        lines += [
            f"  Yards, in {goods.looks} looks at 5 m or finer: stacks set down at least {goods.set_down} "
            f"times ({goods.gained_m2 / 1e4:.1f} ha) and taken away at least {goods.taken_away} times "
            f"({goods.lost_m2 / 1e4:.1f} ha).",
            f"  Most at once: {goods.most_m2 / 1e4:.2f} ha on {_day(goods.most_on.date())}, "
            f"{goods.most_teu_low:.0f} to {goods.most_teu_high:.0f} TEU (1 to 5 tiers).",
        ]
    if goods.track_looks:
        lines.append(
            f"  Tracks: rail cars stood in {goods.with_trains} of {goods.track_looks} looks, on "
            f"{goods.most_track_m:.0f} m at most."
        )
    return lines


def _untold(port: PortFindings) -> list[str]:
    name, looks = _name(port), port.looks
    if port.chance is None or port.chance_low is None or port.chance_high is None:
        return [f"{name}: too few looks ({looks}) to tell a change of activity."]
    if port.chance <= 1 - SURE:
        return [
            f"{name}: activity did not change, with probability {_sure(1 - port.chance)} ({looks} looks)."
        ]
    between = f"{_day(port.chance_low)} and {_day(port.chance_high)} (90 %)"
    if port.chance >= SURE:
        return [
            f"{name}: activity changed between {between}, with probability {_sure(port.chance)}, but it was "
            f"no waking up; its page has the levels."
        ]
    return [
        f"{name}: whether it woke cannot be told from {looks} looks. A change has probability "
        f"{port.chance:.2f} ({SURE:g} is needed), and would lie between {between}."
    ]


def _name(port: PortFindings) -> str:
    return port.title.split(" ")[0].rstrip(",")


def _trip_sentences(found: Findings) -> list[str]:
    origin, destination = (_name(port) for port in found.ports)
    return [
        f"Trips {origin} to {destination} since {_day(found.trips_from)}: at least {found.trips_at_least}, "
        f"{_at_most(found.trips_at_most)}. Round trips {origin} to {destination} and back: at least "
        f"{found.rounds_at_least}, {_at_most(found.rounds_at_most)}.",
        f"  At least: what {100 * found.sure:g} % of all drawn assignments hold or exceed, from lengths,"
        f" widths and times over {found.distance_nm:.0f} nautical miles of sea, chance matches allowed for. "
        "At most: with the crossings that may have been missed between looks. Simulated ports that share no "
        "ships, but like ones, have passed for up to 4 trips.",
    ]


def _at_most(number: int | None) -> str:
    return "no upper limit from these looks" if number is None else f"at most {number}"


def _unknown(found: Findings) -> list[str]:
    gaps = [(port.last - port.first).days / max(port.looks, 1) for port in found.ports]
    return [
        "Not known: what the containers and ships carried, and which ship was which; no image can show it.",
        f"  Not seen: the days between the looks (one in {max(gaps):.0f} days, or more often).",
        "  Not told: single containers and rail cars, at 3 m; how high the stacks are.",
    ]


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _sure(probability: float) -> str:
    return "over 0.99" if probability > 0.99 else f"{probability:.2f}"


def _percent(share: Share) -> str:
    if share.mean is None or share.low is None or share.high is None:
        return "not seen"
    low, high = 100 * share.low, 100 * share.high
    return f"{100 * share.mean:.0f} % of the quay taken ({low:.0f} to {high:.0f} %, {share.looks} looks)"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value.isoformat() if isinstance(value, date) else value
