"""Berths, yards and rails against the truth of simulated ports, and what measuring them costs.

    python -m tests.benchmarks.bench_measures                 # three seeds, 15 months each: an hour
    python -m tests.benchmarks.bench_measures --quick         # one seed, one autumn: some minutes
    python -m tests.benchmarks.bench_measures --folder DIR    # keeps the simulated images for another run

Every figure is the median over seeds of what the whole pipeline published, each sensor in an archive of its
own. Cost is CPU time of everything after ingest: backgrounds, looks, series and publication, all workers.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from tests.benchmarks import measure_scoring as scoring
from tests.benchmarks.accuracy import Case, make_case
from tests.benchmarks.measure_scoring import Figure

STORY = date(2023, 1, 1), date(2024, 3, 31)
YEAR = date(2023, 1, 1), date(2023, 12, 31)
AUTUMN = date(2023, 9, 1), date(2023, 12, 15)

COLLECTIONS = {
    "sentinel-1": "sentinel-1-rtc-simulated",
    "sentinel-2": "sentinel-2-l2a-simulated",
    "planet": "planetscope-simulated",
}
FINE_ONLY = (
    "stack_area_m2",
    "gained_m2",
    "lost_m2",
    "teu_low",
    "teu_high",
    "rail_occupied_m",
    "rail_cars_low",
)
"""Columns that 10 m images cannot carry."""

BUDGET_S = 60.0
"""Seconds that a pair of cores may take for the 15 months of all sensors; CPU time of both, halved."""

HALF = date(2023, 1, 1), date(2023, 8, 15)
"""Half of the story's dates: cost must be linear in them."""


@dataclass(frozen=True)
class Cost:
    """What a run after ingest took."""

    scenes: int
    cpu_s: float
    wall_s: float

    @property
    def per_scene(self) -> float:
        """CPU seconds of one scene."""
        return self.cpu_s / max(self.scenes, 1)


def measured_again(case: Case) -> Cost:
    """Forget everything that was measured, and measure it again from the archive."""
    from flows.backfill import backfill
    from tasks.archive.backgrounds import forget_epochs, name_of, stored_epochs
    from tasks.archive.ledger import read_ledger
    from tasks.archive.store import ArchiveRef

    site, archive = case.sites[0], case.images.parent / "archive"
    ref = ArchiveRef(str(archive), site)
    ledger = read_ledger(ref)
    for collection in ledger.collections:
        names = [name_of(*key) for key in stored_epochs(ref, collection, str(ledger.snapshot))]
        forget_epochs(ref, collection, names)
    shutil.rmtree(case.out / site)
    catalog = str(case.images / "catalog.json")
    cpu, wall = time.process_time(), time.perf_counter()
    outcome = backfill(site, case.start, case.end, catalog, None, str(archive), str(case.out), "none")
    return Cost(outcome["measured"], time.process_time() - cpu, time.perf_counter() - wall)


def najin(case: Case, sensor: str) -> Iterator[Figure]:
    """Figures of the replay, from one sensor."""
    collection, fine = COLLECTIONS[sensor], sensor == "planet"
    yield from scoring.berth_figures(case, "najin", collection, fine=fine)
    if fine:
        yield from scoring.yard_figures(case, "najin", collection)
        yield from scoring.rail_figures(case, "najin", collection)
    else:
        yield from scoring.level_figures(case, "najin", collection)
    forbidden = {} if fine else dict.fromkeys(FINE_ONLY, "10 m pixels")
    yield from scoring.null_figures(case, "najin", collection, forbidden)


def rows_of(folder: Path, seeds: Sequence[int], *, quick: bool) -> Iterator[tuple[str, str, Figure]]:
    """Run every scenario; yields scenario, sensor and figure, medians over seeds."""
    costs: list[Cost] = []
    for sensor in COLLECTIONS:
        found: dict[str, list[Figure]] = defaultdict(list)
        for seed in seeds:
            case = make_case(folder, "najin-2023", seed, *(AUTUMN if quick else STORY), (sensor,), ("najin",))
            for figure in najin(case, sensor):
                found[figure.what].append(figure)
            if seed == seeds[0]:
                costs.append(measured_again(case))
        yield from (("najin-2023", sensor, median(figures)) for figures in found.values())
        cost = costs[-1]
        yield "najin-2023", sensor, Figure("CPU seconds a scene after ingest", cost.per_scene, cost.scenes)
    pair = sum(cost.cpu_s for cost in costs) / 2
    every = sum(cost.scenes for cost in costs)
    target = "" if quick else f"<= {BUDGET_S:g}"
    yield "najin-2023", "all", Figure("seconds of a pair of cores after ingest", pair, every, target)
    if not quick:
        half = make_case(folder / "half", "najin-2023", seeds[0], *HALF, ("sentinel-1",), ("najin",))
        ratio = costs[0].per_scene / measured_again(half).per_scene
        yield (
            "najin-2023",
            "sentinel-1",
            Figure("cost of a scene, all dates over half of them", ratio, every, "<= 1.2"),
        )
    yield from quiet(folder, seeds, quick=quick)
    yield from busy(folder, seeds, quick=quick)


def quiet(folder: Path, seeds: Sequence[int], *, quick: bool) -> Iterator[tuple[str, str, Figure]]:
    """Nothing happens: every loading is a false one."""
    cases = [make_case(folder, "quiet", s, *(AUTUMN if quick else YEAR), ("planet",)) for s in seeds]
    found: dict[str, list[Figure]] = defaultdict(list)
    for case in cases:
        for figure in scoring.event_figures(case, "najin", COLLECTIONS["planet"]):
            found[figure.what].append(figure)
    yield from (("quiet", "planet", median(figures)) for figures in found.values())


def busy(folder: Path, seeds: Sequence[int], *, quick: bool) -> Iterator[tuple[str, str, Figure]]:
    """Seven berths in ten are taken: the mean must not be off."""
    for sensor in ("sentinel-1", "planet"):
        found: dict[str, list[Figure]] = defaultdict(list)
        for seed in seeds:
            period = AUTUMN if quick or sensor == "planet" else YEAR  # 3 m images are many and large
            case = make_case(folder, "busy", seed, *period, (sensor,))
            figures = [
                *scoring.occupancy_figures(case, "najin", COLLECTIONS[sensor]),
                *scoring.berth_figures(case, "najin", COLLECTIONS[sensor], fine=sensor == "planet"),
            ]
            for figure in figures:
                found[figure.what].append(figure)
        yield from (("busy", sensor, median(figures)) for figures in found.values())


def median(figures: Sequence[Figure]) -> Figure:
    """Median over seeds of one figure; its count is their sum."""
    told = [f.value for f in figures if f.count]
    value = float(np.median(told)) if told else float("nan")
    return replace(figures[0], value=value, count=sum(f.count for f in figures))


def table(rows: Sequence[tuple[str, str, Figure]]) -> str:
    """Write figures as a table, with what is missed said so."""
    words = {True: "met", False: "MISSED", None: ""}
    lines = [
        {
            "scenario": scenario, "sensor": sensor, "measure": figure.what, "value": f"{figure.value:.3g}",
            "n": figure.count, "target": figure.target, "": words[figure.met],
        }
        for scenario, sensor, figure in rows
    ]  # fmt: skip
    return pd.DataFrame(lines).to_string(index=False)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[41, 42, 43], help="not used for tuning")
    parser.add_argument("--quick", action="store_true", help="one seed, one autumn")
    parser.add_argument("--folder", type=Path, help="where images and archives go, and stay")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        seeds = given.seeds[:1] if given.quick else given.seeds
        rows = []
        for row in rows_of(given.folder or Path(scratch), seeds, quick=given.quick):
            rows.append(row)
            print(table([row]).splitlines()[-1], flush=True)
        print(table(rows))


if __name__ == "__main__":
    main()
