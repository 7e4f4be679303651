"""Occupancy over time against simulated berths: do 90 % intervals hold, how far off are means, what it costs.

    python -m tests.benchmarks.bench_occupancy            # three or more ports of each kind: eight minutes
    python -m tests.benchmarks.bench_occupancy --quick    # fewer, coverage is not judged: a minute

A port of eight berths and one of a single berth are looked at for a year by a sensor that misses one taken
berth in twenty. Every calendar month of every berth is one interval, judged by the share of the month that
the berth was truly taken. Beside it, the root mean square error of the mean and that of the plain share of
looks (k of n). Speed: ten years of 2,000 looks at 30 berths, with utilisation by week and month.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from tasks.model import Site, Zone, ZoneKind
from tasks.science.series.occupancy import OccupancyOptions, occupancy
from tasks.science.series.utilisation import utilisation
from tests.benchmarks.bench_measures import table
from tests.benchmarks.measure_scoring import Figure
from tests.science.berth_histories import BERTH_M, START, Way, port

REVISITS = (1.0, 3.0, 6.0, 12.0)
LOSSES = (0.0, 0.5)
WAYS = tuple(Way(o, s) for o, s in ((0.3, 2), (0.05, 2), (0.7, 2), (0.3, 1), (0.3, 5), (0.3, 10), (0.7, 10)))
"""Share of time taken, and mean stay."""

QUICK = WAYS[:3]
COVER = ">= 0.87", "<= 0.96"
MONTHS = pd.date_range(START, periods=13, freq="MS")
HAIR = 1e-6
BUDGET_S = 8.0
"""Of the 20 s that a ten-year series may take; change points have the rest."""


@dataclass
class Score:
    """What was right and how far off, over months."""

    held: list[bool] = field(default_factory=list)
    off: list[float] = field(default_factory=list)
    plain_off: list[float] = field(default_factory=list)
    width: list[float] = field(default_factory=list)
    site_held: list[bool] = field(default_factory=list)
    site_off: list[float] = field(default_factory=list)

    def add(self, other: Score) -> None:
        """Join the months of another."""
        for name, values in vars(self).items():
            values += getattr(other, name)


def scored(berths: int, way: Way, seed: int) -> Score:
    """Judge one port's year."""
    looks, truth = port(np.random.default_rng([seed, berths]), berths, 365, way)
    metres = dict.fromkeys(truth.stays, BERTH_M)
    found, score = occupancy(looks, metres, MONTHS), Score()
    if found is None:
        return score
    pairs = list(itertools.pairwise(MONTHS))
    for zone in found.held:
        mean, low, high = found.shares(MONTHS[:-1], MONTHS[1:], zone)
        true = np.array([truth.share(a, b, zone) for a, b in pairs])
        score.held += list((low - HAIR <= true) & (true <= high + HAIR))
        score.off += list(mean - true)
        score.width += list(high - low)
        own = looks[looks["zone_id"] == zone]
        for (a, b), t in zip(pairs, true, strict=True):
            told = own.loc[(own["acquired"] >= a) & (own["acquired"] < b), "vessel_count"]
            score.plain_off += [float(told.mean() - t)] if len(told) else []
    mean, low, high = found.shares(MONTHS[:-1], MONTHS[1:])
    true = np.array([truth.share(a, b) for a, b in pairs])
    score.site_held += list((low - HAIR <= true) & (true <= high + HAIR))
    score.site_off += list(mean - true)
    return score


def rms(values: list[float]) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(values)))) if values else float("nan")


def covers(name: str, held: list[bool], *, judged: bool) -> Iterator[Figure]:
    """Coverage against both ends of the bar."""
    for target in COVER if judged else ("",):
        yield Figure(name, float(np.mean(held)) if held else float("nan"), len(held), target)


def rows_of(*, quick: bool) -> Iterator[tuple[str, str, Figure]]:
    """Judge all kinds of ports at all revisits."""
    ways = QUICK if quick else WAYS
    ports = ((8, 1), (1, 6)) if quick else ((8, 3), (1, 16))
    for revisit, loss in itertools.product(REVISITS, LOSSES):
        looked = f"every {revisit:g} d, {loss:.0%} lost"
        for berths, seeds in ports:
            whole, name = Score(), f"{berths} berths" if berths > 1 else "1 berth"
            for way in ways:
                kind = Score()
                for seed in range(seeds):
                    kind.add(scored(berths, replace(way, revisit_days=revisit, loss=loss), seed))
                whole.add(kind)
                case = f"{way.occupancy:g} taken, {way.stay_days:g} d"
                yield (
                    name,
                    looked,
                    Figure(f"month covered, {case}", float(np.mean(kind.held)), len(kind.held)),
                )
                if way == WAYS[0]:
                    yield name, looked, Figure(f"RMSE of k of n, {case}", rms(kind.plain_off), len(kind.off))
                    yield name, looked, Figure(f"RMSE, {case}", rms(kind.off), len(kind.off))
            for figure in covers("month of a berth covered, all", whole.held, judged=not quick):
                yield name, looked, figure
            if berths > 1:
                yield (
                    name,
                    looked,
                    Figure(
                        "month of the site covered, all",
                        float(np.mean(whole.site_held)),
                        len(whole.site_held),
                    ),
                )
            bound = f"<= {rms(whole.plain_off):.3f}"
            yield name, looked, Figure("RMSE, all (target: k of n)", rms(whole.off), len(whole.off), bound)
            yield (
                name,
                looked,
                Figure("width of intervals, all", float(np.mean(whole.width)), len(whole.width)),
            )
    yield from speed(quick=quick)


def speed(*, quick: bool) -> Iterator[tuple[str, str, Figure]]:
    """CPU seconds of a ten-year series; a short one runs first, for compilation."""
    import shapely

    berths, years = (10, 2) if quick else (30, 10)
    way = Way(revisit_days=years * 365 / (200 * years))
    looks, truth = port(np.random.default_rng(1), berths, 365.0 * years, way)
    box = shapely.box(130, 42, 130.001, 42.001)
    site = Site(
        "port", "Port", tuple(Zone(z, ZoneKind.BERTH, box, length_m=BERTH_M) for z in truth.stays), ""
    )
    for name in ("fill_fraction", "stack_area_m2", "gained_m2", "lost_m2", "rail_occupied_m"):
        looks[name] = pd.array([None] * len(looks), "Float64")
    looks = looks.assign(collection="radar", vessel_length_m=100.0 * looks["vessel_count"], pixel_m=10.0)
    utilisation(site, looks[looks["acquired"] < START + pd.Timedelta(days=90)])
    metres = dict.fromkeys(truth.stays, BERTH_M)
    edges = pd.date_range(START, periods=12 * years, freq="MS")
    before = time.process_time()
    found = occupancy(looks, metres, edges, OccupancyOptions())
    chain = time.process_time() - before
    assert found is not None
    before = time.process_time()
    utilisation(site, looks)
    whole = time.process_time() - before
    count = looks["acquired"].nunique()
    case = f"{count} looks × {berths} berths"
    yield (
        "speed",
        case,
        Figure("CPU seconds, occupancy", chain, len(looks), "" if quick else f"<= {BUDGET_S:g}"),
    )
    yield "speed", case, Figure("CPU seconds, utilisation with it", whole, len(looks))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one port of each, fewer kinds")
    given = parser.parse_args()
    rows = []
    for row in rows_of(quick=given.quick):
        rows.append(row)
        print(table([row]).splitlines()[-1], flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
