"""Links and trips against worlds whose ships are known: sampled looks, and published ones where given.

    python -m tests.benchmarks.bench_voyages                     # 12 seeds, every tenth day: ten minutes
    python -m tests.benchmarks.bench_voyages --seeds 30 --every 1    # every day of the replay: hours
    python -m tests.benchmarks.bench_voyages --published OUT TRUTH   # of images; TRUTH: its truth tables

Worlds without any trade stand beside the story: two ports whose ships never meet, and the story with one
port's calendar turned round. There "at least" must be 0.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from tasks.science.series.sights import BerthsSeen, sights
from tasks.science.series.stays import CARGO_SHIPS, Stay, follow
from tasks.science.voyages.assignments import draw_assignments
from tasks.science.voyages.crossing import Crossing
from tasks.science.voyages.links import Links, candidate_links, lay_out
from tasks.science.voyages.trips import Link, Port, TripOptions, Trips, _told, trips_between
from tasks.simulate.world.model import Stay as TrueStay
from tasks.simulate.world.model import World
from tests.sampled_looks import SITES, Sampled, crossings, sample, sampled_story, story

SEA = Crossing(107.3, 5.4, 100.4, (), over_water=True)
OCTOBER, END = pd.Timestamp("2023-10-14 23:59:59"), pd.Timestamp("2024-03-31 23:59:59")
CLOSE = pd.Timedelta(days=21)

Seen = Mapping[str, Sequence[BerthsSeen]]


class Row(NamedTuple):
    """One line of the table."""

    what: str
    target: str
    measured: str


def told_on(seen: Seen, moment: pd.Timestamp) -> Trips:
    """Tell the trips as known at a moment: no later look is handed over."""
    ports = []
    for name, looks in seen.items():
        own = tuple(look for look in looks if look.acquired <= moment)
        ports.append(Port(name, own, tuple(follow(own, CARGO_SHIPS))))
    return trips_between(ports[0], ports[1], SEA)


def seen_of(found: Mapping[str, Sampled]) -> dict[str, list[BerthsSeen]]:
    """Read sampled tables as the step does."""
    return {name: sights(*port) for name, port in found.items()}


def _plain(moment: object) -> pd.Timestamp:
    return pd.Timestamp(moment).tz_localize(None)


def ship_of(stay: Stay, true: Sequence[TrueStay]) -> TrueStay | None:
    """Name the true stay that a found one shares most time with, at its berth."""
    shared = [
        (min(_plain(t.leaves), stay.last_seen) - max(_plain(t.arrives), stay.first_seen), k)
        for k, t in enumerate(true)
        if t.zone_id == stay.berth
        and _plain(t.arrives) <= stay.last_seen
        and _plain(t.leaves) >= stay.first_seen
    ]
    return true[max(shared)[1]] if shared else None


def links_of(seed: int, fine: bool) -> pd.DataFrame:
    """List the links told of a story with their probabilities, and whether each is true; missed ones too."""
    told = told_on(seen_of(sampled_story(seed, fine)), END)
    return judged(story(seed), told.stays, told.links, seed)


def judged(
    world: World, stays: tuple[Sequence[Stay], Sequence[Stay]], links: Sequence[Link], seed: int
) -> pd.DataFrame:
    """Hold links against the world, in two ways.

    ``true``: the same ship, and it lay at no other berth between, seen or not. ``one_ship``: the same ship,
    and none of the stays that looks found lies between; this is what a link says.
    """
    true = [[s for s in world.stays if s.site_id == site] for site in SITES]
    ships = [[ship_of(stay, true[p]) for stay in stays[p]] for p in (0, 1)]
    berthed = [s for s in world.stays if s.along_m is not None]
    found = [s for own in ships for s in own if s is not None]
    rows = []
    given: dict[tuple[bool, int, int], tuple[float, int, bool]] = {
        (link.from_a, link.origin, link.target): (link.probability, link.candidates, link.named)
        for link in links
    }
    for p in (0, 1):
        for i, a in enumerate(ships[p]):
            for j, b in enumerate(ships[1 - p]):
                told = given.get((p == 0, i, j))
                ok = a is not None and b is not None and _next_is(a, b, berthed)
                one = a is not None and b is not None and _next_is(a, b, found)
                if told or ok or one:
                    both = stays[p][i].fine and stays[1 - p][j].fine
                    rows.append((seed, p == 0, *(told or (0.0, 0, False)), ok, one, both))
    columns = ["seed", "from_a", "probability", "candidates", "named", "true", "one_ship", "fine"]
    return pd.DataFrame(rows, columns=columns)


def oracle_of(seed: int) -> pd.DataFrame:
    """List the links of one who knows each ship by name and has the same looks: no method can tell more."""
    world, seen = story(seed), seen_of(sampled_story(seed))
    ports = [Port(name, tuple(looks), tuple(follow(looks, CARGO_SHIPS))) for name, looks in seen.items()]
    start = min(port.seen[0].acquired for port in ports)
    a, b = (port.seen[-1].acquired for port in ports)
    nodes = lay_out(ports[0].stays, ports[1].stays, start, a, b)
    links = candidate_links(nodes, SEA)
    true = [[s for s in world.stays if s.site_id == site] for site in SITES]
    ships = [ship_of(stay, true[p]) for p in (0, 1) for stay in ports[p].stays]
    names = np.array([f"none {k}" if s is None else s.ship_id for k, s in enumerate(ships)])
    shares = np.unique(names, return_counts=True)[1] / len(names)
    same = names[links.origin] == names[links.target]
    known = Links(
        links.origin[same], links.target[same], links.kind[same],
        links.weight[same] - float(np.log((shares**2).sum())),
    )  # fmt: skip
    drawn = draw_assignments(nodes, known, np.random.default_rng(seed))
    told = _told(nodes, known, drawn, len(ports[0].stays), TripOptions())
    return judged(world, (ports[0].stays, ports[1].stays), told, seed)


def bracket_rows(seeds: Sequence[int]) -> Iterator[Row]:
    """Bars of stays that cameras at 3 m saw twice: both ends within what is stated with 95 % each."""
    for site in SITES:
        held = []
        for seed in seeds:
            seen = seen_of({site: sampled_story(seed)[site]})[site]
            found = follow(seen, CARGO_SHIPS)
            held += [
                any(_holds(s, true) for s in found if s.berth == true.zone_id and s.looks > 1)
                for true in story(seed).stays
                if true.site_id == site and true.along_m is not None and _seen_twice(true, seen)
            ]
        yield Row(
            f"stays at {site}: both ends within their brackets",
            ">= 0.90",
            f"{np.mean(held):.3f} of {len(held)}",
        )


def _seen_twice(true: TrueStay, seen: Sequence[BerthsSeen]) -> bool:
    come, gone = _plain(true.arrives), _plain(true.leaves)
    return sum(s.fine and come <= s.acquired < gone and true.zone_id in s.seen for s in seen) > 1


def _holds(stay: Stay, true: TrueStay) -> bool:
    come, gone = _plain(true.arrives), _plain(true.leaves)
    if stay.first_seen >= gone or stay.last_seen < come or not (stay.came_by and stay.left_from):
        return False
    arrived = (stay.free_before is None or stay.free_before < come) and come <= stay.came_by
    return arrived and stay.left_from < gone and (stay.free_after is None or gone <= stay.free_after)


def _next_is(a: TrueStay, b: TrueStay, berthed: Sequence[TrueStay]) -> bool:
    """Whether the same ship lay at no other berth between two stays."""
    if a.ship_id != b.ship_id or b.arrives < a.leaves:
        return False
    return not any(s.ship_id == a.ship_id and a.leaves <= s.arrives < b.arrives for s in berthed)


def f1(table: pd.DataFrame, right: str = "true") -> float:
    """F1 of links with even odds or more."""
    told = table["probability"] >= 0.5
    hits = int((told & table[right]).sum())
    return 2 * hits / max(int(told.sum()) + int(table[right].sum()), 1)


def reliability(table: pd.DataFrame, right: str = "true") -> tuple[float, float]:
    """Mean error of P(link) over ten bins: weighed by links, and bins alike (those with 20 or more)."""
    told = table[table["candidates"] > 0]
    bins = np.minimum((told["probability"] * 10).astype(int), 9)
    groups = told.groupby(bins).agg(p=("probability", "mean"), ok=(right, "mean"), n=(right, "size"))
    off = (groups["p"] - groups["ok"]).abs()
    many = groups["n"] >= 20
    return float((off * groups["n"]).sum() / groups["n"].sum()), float(off[many].mean())


def link_rows(seeds: Sequence[int]) -> Iterator[Row]:
    """Bars of links."""
    fine = pd.concat([links_of(seed, True) for seed in seeds])
    coarse = pd.concat([links_of(seed, False) for seed in seeds])
    oracle = pd.concat([oracle_of(seed) for seed in seeds])
    for name, way in (("A to B", True), ("B to A", False)):
        own = fine[(fine["from_a"] == way) & fine["fine"]]
        few = own[own["candidates"] <= 3]
        yield Row(f"link F1, {name}, 3 m, up to 3 candidates", ">= 0.80", f"{f1(few):.2f} ({len(few)})")
        yield Row(f"link F1, {name}, 3 m, all", "", f"{f1(own):.2f} ({len(own)})")
        one = f1(few, "one_ship")
        yield Row(f"link F1, {name}, 3 m, up to 3, if no seen stay lies between", "", f"{one:.2f}")
        best = oracle[(oracle["from_a"] == way) & oracle["fine"]]
        limits = f"{f1(best):.2f}; if no seen stay lies between {f1(best, 'one_ship'):.2f} ({len(best)})"
        yield Row(f"link F1, {name}, 3 m, of one who knows all ships by name", "", limits)
        error, evenly = reliability(fine[fine["from_a"] == way])
        yield Row(f"P(link) {name}: mean error, by links", "<= 0.05", f"{error:.3f}")
        yield Row(f"P(link) {name}: mean error, bins alike", "", f"{evenly:.3f}")
    error, evenly = reliability(fine)
    yield Row("P(link), both ways: mean error, by links", "<= 0.05", f"{error:.3f} (bins alike {evenly:.3f})")
    wrong = coarse["named"] & (coarse["candidates"] > 5)
    yield Row("named at 10 m with more than five candidates", "0", f"{int(wrong.sum())} of {len(coarse)}")


class Replay(NamedTuple):
    """What was said on one day."""

    seed: str
    day: pd.Timestamp
    truth: int
    at_least: int
    at_most: int
    ended: float


def replay(
    name: str, seen: Seen, arrives: Sequence[pd.Timestamp], days: Sequence[pd.Timestamp]
) -> list[Replay]:
    """Say day by day what was known."""
    found = []
    for day in days:
        if all(look.acquired > day for look in seen[SITES[0]]) or all(
            look.acquired > day for look in seen[SITES[1]]
        ):
            continue
        told = told_on(seen, day)
        truth = sum(moment <= day for moment in arrives)
        end = told.open_end
        # A stop that is dated months too early is not found: within three weeks of the last true crossing.
        near = end.since is not None and bool(arrives) and abs(end.since - max(arrives)) <= CLOSE
        ended = end.probability if near else 0.0
        found.append(Replay(name, day, truth, told.there.at_least, told.there.at_most or 0, ended))
    return found


def replay_rows(found: Sequence[Replay], october: Sequence[Replay], what: str) -> Iterator[Row]:
    """Bars of the replay."""
    n = max(len(found), 1)
    within = sum(r.at_least <= r.truth <= r.at_most for r in found)
    over = [r for r in found if r.at_least > r.truth]
    yield Row(f"{what}: days whose interval holds the truth", ">= 0.90", f"{within / n:.3f} of {n}")
    which = ", ".join(f"{r.day:%Y-%m-%d} {r.at_least} of {r.truth}" for r in over[:6])
    yield Row(f"{what}: days on which at least is too many", "0", f"{len(over)} of {n} ({which})")
    good = sum(3 <= r.at_least <= r.truth for r in october)
    values = ", ".join(f"{r.at_least} of {r.truth}" for r in october)
    yield Row(f"{what}: 14 October, 3 <= at least <= truth", "all", f"{good} of {len(october)} ({values})")
    last = {r.seed: r for r in found if r.day >= pd.Timestamp("2024-03-20")}
    sure = sum(r.ended >= 0.9 for r in last.values())
    yield Row(
        f"{what}: end of the trade found by the end of March, P >= 0.9, dated to 3 weeks",
        "all",
        f"{sure} of {len(last)}",
    )


def strangers(seed: int) -> dict[str, Sampled]:
    """Look at two busy ports whose ships never sail from one to the other."""
    rng = np.random.default_rng([seed, 99])
    start, end = pd.Timestamp("2023-01-01"), pd.Timestamp("2024-03-31")
    berths = ["north-1", "north-2", "south-1", "south-2"]
    found = {}
    for name in SITES:
        fleet = {f"{name}{k}": (float(rng.normal(122, 12)), float(rng.normal(19.5, 1.5))) for k in range(30)}
        rate, moment = rng.uniform(0.08, 0.35), start
        free, lying = dict.fromkeys(berths, start), []
        while moment < end:
            moment = (moment + pd.Timedelta(days=rng.exponential(1 / rate))).floor("s")
            open_berths = [b for b in berths if free[b] <= moment]
            if not open_berths:
                continue
            berth = open_berths[int(rng.integers(len(open_berths)))]
            leaves = (moment + pd.Timedelta(days=float(rng.lognormal(np.log(2.2), 0.4)))).floor("s")
            free[berth] = leaves + pd.Timedelta(hours=3)
            ends = [m.tz_localize("UTC").to_pydatetime() for m in (moment, leaves)]
            ship = list(fleet)[int(rng.integers(len(fleet)))]
            lying.append(
                TrueStay(ship, name, berth, ends[0], ends[1], berths.index(berth) * 150.0, 0.0, 0.0, (0, 1))
            )
        found[name] = sample(lying, fleet, berths, start, end, rng)
    return found


def no_trade_rows(seeds: Sequence[int]) -> Iterator[Row]:
    """Worlds without trade: at least must be 0 both ways."""
    met: dict[str, list[int]] = {"strangers": [], "one calendar turned": []}
    for seed in seeds:
        told = told_on(seen_of(strangers(seed)), END)
        met["strangers"].append(max(told.there.at_least, told.back.at_least))
        turned = dict(sampled_story(seed))
        looks, vessels = (t.copy() for t in sampled_story(seed + 1)[SITES[1]])
        for table in (looks, vessels):
            table["acquired"] = pd.Timestamp("2023-01-01") + (pd.Timestamp("2024-04-01") - table["acquired"])
        turned[SITES[1]] = Sampled(looks, vessels)
        told = told_on(seen_of(turned), END)
        met["one calendar turned"].append(max(told.there.at_least, told.back.at_least))
    for what, values in met.items():
        yield Row(
            f"no trade, {what}: worlds with at least above 0", "0", f"{sum(v > 0 for v in values)} ({values})"
        )


def speed_row() -> Row:
    """Two ports of 300 stays each: the stays of five stories one after the other."""
    whole: dict[str, list[BerthsSeen]] = {name: [] for name in SITES}
    told_on(seen_of(sampled_story(1)), OCTOBER)  # compiled before it is timed
    for k, seed in enumerate(range(1, 7)):
        later = pd.Timedelta(days=456 * k)
        for name, looks in seen_of(sampled_story(seed)).items():
            whole[name] += [replace(look, acquired=look.acquired + later) for look in looks]
    begun = time.process_time()
    told = told_on(whole, pd.Timestamp.max)
    spent = time.process_time() - begun
    stays = [len(s) for s in told.stays]
    return Row(
        "two sites of 300 stays and more, CPU seconds on one core", "<= 20", f"{spent:.1f} ({stays} stays)"
    )


def published(out: Path, truth: Path, every: int) -> tuple[list[Replay], list[Replay]]:
    """Replay a publication made from images."""
    seen = {
        name: sights(
            pd.read_parquet(out / name / "looks.parquet"), gpd.read_parquet(out / name / "vessels.parquet")
        )
        for name in SITES
    }
    first, last = (f(looks[k].acquired for looks in seen.values()) for f, k in ((min, 0), (max, -1)))
    voyages = pd.read_parquet(truth / "voyages.parquet")
    own = voyages[(voyages["origin"] == SITES[0]) & (voyages["destination"] == SITES[1])]
    own = own[own["departs"].dt.tz_localize(None) >= first]
    arrives = list(own["arrives"].dt.tz_localize(None))
    days = list(pd.date_range(first.normalize(), last, freq=f"{every}D") + pd.Timedelta(hours=23, minutes=59))
    return replay(str(out), seen, arrives, days), replay(str(out), seen, arrives, [OCTOBER])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--first-seed", type=int, default=10)
    parser.add_argument("--every", type=int, default=10, help="days between replays")
    parser.add_argument("--published", nargs=2, action="append", metavar=("OUT", "TRUTH"), default=[])
    parser.add_argument("--only-published", action="store_true")
    args = parser.parse_args()
    rows: list[Row] = []

    def say(row: Row) -> None:
        rows.append(row)
        print(f"{row.what:78} {row.target:>8}  {row.measured}", flush=True)

    if not args.only_published:
        seeds = range(args.first_seed, args.first_seed + args.seeds)
        say(speed_row())
        for row in chain(bracket_rows(seeds), link_rows(seeds), no_trade_rows(seeds)):
            say(row)
        found, october = [], []
        for seed in seeds:
            seen, arrives = seen_of(sampled_story(seed)), list(crossings(story(seed), *SITES)["arrives"])
            days = list(pd.date_range("2023-01-05 23:59", END, freq=f"{args.every}D"))
            found += replay(str(seed), seen, arrives, days)
            october += replay(str(seed), seen, arrives, [OCTOBER])
        for row in replay_rows(found, october, "sampled looks"):
            say(row)
    for out, truth in args.published:
        for row in replay_rows(*published(Path(out), Path(truth), args.every), Path(out).name):
            say(row)


if __name__ == "__main__":
    main()
