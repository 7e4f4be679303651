"""How right the published numbers are, against simulated ports whose truth is known.

``make accuracy`` simulates scenarios with several seeds, runs the pipeline on their images as anybody
would, and prints one table. Measures that no step makes yet say "not yet". The table goes into the README
between its two marks, so what stands there was measured.

    python -m tests.benchmarks.bench_accuracy --seeds 1 2 3
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from tests.benchmarks import scoring
from tests.benchmarks.realism_optical import compare_optical
from tests.benchmarks.realism_radar import compare_radar
from tests.benchmarks.scoring import Rate

ROOT = Path(__file__).parents[2]
REAL = Path(os.environ.get("ROADSTEAD_REAL_DATA", ROOT.parent / "shared" / "real"))
MARKS = "<!-- accuracy: begin -->", "<!-- accuracy: end -->"

STORY = date(2023, 1, 1), date(2024, 3, 31)
YEAR = date(2023, 1, 1), date(2023, 12, 31)

NOT_YET = (
    ("detection, Sentinel-2", "4"),
    ("detection, 3 m", "4"),
    ("container stacks at 3 m: IoU, area", "5"),
    ("fill level at 10 m", "5"),
    ("rail cars at 3 m", "5"),
    ("stays with their brackets", "6"),
)
"""Measures that no step makes yet, and the step that brings them."""


@dataclass(frozen=True)
class Detected:
    """One line of the detection table."""

    scenario: str
    where: str
    length: str
    ships: int
    precision: Rate
    recall: Rate
    f1: Rate
    target: str = ""


@dataclass(frozen=True)
class Measured:
    """One line of the table of everything else."""

    scenario: str
    what: str
    value: str
    target: str = ""


@dataclass(frozen=True)
class Case:
    """One simulated archive, and where the pipeline published it."""

    scenario: str
    seed: int
    images: Path
    out: Path
    sites: tuple[str, ...]
    start: date
    end: date

    def truth(self, name: str) -> pd.DataFrame:
        """One truth table; times without a zone, as published ones are."""
        table = pd.read_parquet(self.images / "truth" / f"{name}.parquet")
        for column in table.select_dtypes("datetimetz"):
            table[column] = table[column].dt.tz_localize(None)
        return table


def make_case(folder: Path, scenario: str, seed: int, start: date, end: date) -> Case:
    """Simulate radar images and run the pipeline on them."""
    from flows.backfill import backfill
    from tasks.simulate import Sensor, simulate

    home = folder / f"{scenario}-{seed}"
    catalog = simulate(
        scenario, home / "images", seed=seed, start=start, end=end, sensors=[Sensor.SENTINEL_1],
        defects="few",
    )  # fmt: skip
    sites = ("najin", "dunay") if scenario == "najin-2023" else ("najin",)
    for site in sites:
        backfill(site, start, end, str(catalog), None, str(home / "archive"), str(home / "out"))
    return Case(scenario, seed, home / "images", home / "out", sites, start, end)


def published(case: Case, site: str) -> tuple[pd.DataFrame, gpd.GeoDataFrame]:
    """Looks and vessels of one publication."""
    folder = case.out / site
    return pd.read_parquet(folder / "looks.parquet"), gpd.read_parquet(folder / "vessels.parquet")


def outcomes_of(cases: Sequence[Case]) -> tuple[pd.DataFrame, list[str], float]:
    """List hits, misses and false alarms of some archives, their scenes, and the open water seen in km²."""
    results: list[pd.DataFrame] = []
    scenes: list[str] = []
    area = 0.0
    for case in cases:
        for site in case.sites:
            looks, vessels = published(case, site)
            kinds = looks.drop_duplicates("zone_id").set_index("zone_id")["zone_kind"]
            found = pd.DataFrame(
                {
                    "scene_id": vessels["scene_id"].astype(str),
                    "longitude": vessels.geometry.x,
                    "latitude": vessels.geometry.y,
                    "length_m": vessels["length_m"].astype(float),
                }
            )
            found["alongside"] = vessels["zone_id"].map(kinds).eq("berth").to_numpy()
            seen = [str(s) for s in looks["scene_id"].unique()]
            truth = case.truth("vessels")
            some = scoring.outcomes(truth[truth["site"] == site], found, seen)
            results.append(some.assign(scene_id=f"{case.seed} " + some["scene_id"].astype(str)))
            scenes += [f"{case.seed} {s}" for s in seen]
            area += open_water_km2(site) * len(seen)
    table = pd.concat(results, ignore_index=True)
    table["class"] = scoring.class_of(table["length_m"])
    return table, scenes, area


def detection(cases: Sequence[Case]) -> tuple[list[Detected], list[Measured]]:
    """Score precision, recall and F1 by place and length class, length error, false alarms."""
    table, scenes, area = outcomes_of(cases)
    name = cases[0].scenario
    lines: list[Detected] = []
    more: list[Measured] = []
    for where, here in (("quay", table[table["alongside"]]), ("roads", table[~table["alongside"]])):
        for length, part in here.groupby("class", observed=False):
            rates = scoring.rates(part, scenes, seed=1)
            ships = int(part["kind"].isin(["hit", "miss"]).sum())
            if len(part):
                target = DETECTION_TARGETS.get((where, str(length)), "")
                lines.append(Detected(name, where, str(length), ships, *rates.values(), target))
        hits = here[(here["kind"] == "hit") & (here["length_m"] > 80)]
        if len(hits):
            error = 100 * (hits["measured_m"] - hits["length_m"]).abs() / hits["length_m"]
            what = f"length error at the {where}, over 80 m, median %"
            more.append(Measured(name, what, f"{_median(error)}", "<= 15 (step 4)"))
    alarms = table[~table["alongside"] & (table["kind"] == "false")]
    counts = alarms.groupby("scene_id").size().reindex(scenes, fill_value=0).to_numpy(float)[:, None]
    rate = scoring.bootstrapped(counts, lambda total: 100 * total[..., 0] / area, len(scenes), 1)
    more.append(Measured(name, "false alarms per 100 km² of open water", f"{rate}", "<= 0.5 (step 4)"))
    return lines, more


DETECTION_TARGETS = {
    ("quay", "100 to 200 m"): ">= 0.93 (step 4)",
    ("roads", "50 to 100 m"): ">= 0.90 (step 4)",
    ("roads", "100 to 200 m"): ">= 0.90 (step 4)",
    ("roads", "over 200 m"): ">= 0.90 (step 4)",
}


def open_water_km2(site_id: str) -> float:
    """Area in which vessels are looked for."""
    from tasks.grid import project
    from tasks.simulate.world.port import utm_of
    from tasks.sites import load_site

    site = load_site(site_id)
    return sum(project(z.geometry, utm_of(site)).area for z in site.water_zones) / 1e6


def _median(values: Any) -> Rate:
    return scoring.spread_of(np.asarray(values, float), np.median, seed=1)


def _mean(values: Any) -> Rate:
    return scoring.spread_of(np.asarray(values, float), np.mean, seed=1)


def berths(cases: Sequence[Case]) -> list[Measured]:
    """Score berths per look, and monthly occupancy with its interval."""
    errors, months = [], []
    for case in cases:
        for site in case.sites:
            looks, _ = published(case, site)
            truth = case.truth("vessels")
            errors.append(scoring.berth_errors(looks, truth[truth["site"] == site]))
            months += monthly(case, site, looks)
    table, name = pd.concat(errors, ignore_index=True), cases[0].scenario
    agree = _mean(table["taken"] == table["truly_taken"])
    both = table[table["taken"] & table["truly_taken"]]
    off = (both["occupied_m"] - both["true_m"]).abs()
    lines = [Measured(name, "berth taken or free, agreement per look", f"{agree}", ">= 0.85 (step 5)")]
    if len(both):
        lines.append(Measured(name, "occupied metres of taken berths, median error", f"{_median(off)}"))
    if months:
        error, covered = np.array(months).T
        lines += [
            Measured(name, "monthly occupancy, mean absolute error", f"{_mean(np.abs(error))}"),
            Measured(
                name, "its 90 % interval covers the truth", f"{_mean(covered)}", "0.88 to 0.95 (step 6)"
            ),
        ]
    return lines


def monthly(case: Case, site: str, looks: pd.DataFrame) -> list[tuple[float, float]]:
    """Compare occupancy of each month with what truly lay there, looked at or not: error, covered."""
    from tasks.infer import occupancy_between, quay_metres
    from tasks.sites import load_site

    steps = case.truth("berths")
    steps, quay_m = steps[steps["site"] == site], quay_metres(load_site(site))
    found = []
    for month in pd.period_range(case.start, case.end, freq="M"):
        value = occupancy_between(looks, month.start_time.date(), month.end_time.date(), quay_m)
        if value.mean is None or value.low is None or value.high is None:
            continue
        true = scoring.true_mean(steps, month.start_time, (month + 1).start_time)
        found.append((value.mean - true, float(value.low <= true <= value.high)))
    return found


def regimes(cases: Sequence[Case]) -> list[Measured]:
    """Score dates of change against the truth; count alarms where nothing changed."""
    name = cases[0].scenario
    if name in ("quiet", "busy"):
        alarms = [len(changes(case, site)) > 0 for case in cases for site in case.sites]
        return [
            Measured(name, "false alarms of a change, per site and year", f"{sum(alarms)} of {len(alarms)}")
        ]
    lines: list[Measured] = []
    for site in cases[0].sites:
        off, covered = [], []
        for case in cases:
            true = case.truth("regimes")
            woke = true[(true["site"] == site) & (true["state"] == "active")].iloc[0]
            for told in changes(case, site).head(1).itertuples():
                off.append(abs((told.start - woke["start"]).total_seconds()) / 86_400)
                covered.append(told.start_low <= woke["start"] <= told.start_high)
        lines.append(Measured(name, f"wake-up of {site} found", f"{len(off)} of {len(cases)} seeds"))
        if off:
            days = ", ".join(f"{d:.0f}" for d in off)
            lines.append(
                Measured(name, f"error of its date at {site}, days", f"{days} (median {np.median(off):.0f})")
            )
            held = f"{sum(covered)} of {len(covered)}"
            lines.append(Measured(name, f"its 90 % interval covers the first visit, {site}", held))
    return lines


def changes(case: Case, site: str) -> pd.DataFrame:
    """Changes to a higher level that the publication tells."""
    regimes = pd.read_parquet(case.out / site / "regimes.parquet")
    return regimes[
        (regimes["zone_id"] == "*") & regimes["start_low"].notna() & (regimes["state"] == "active")
    ]


def trips(cases: Sequence[Case]) -> list[Measured]:
    """Tell whether the bounds hold, and how wide they are."""
    from tasks.infer import trips_between

    name = cases[0].scenario
    if name != "najin-2023":
        return []
    told, holds = [], 0
    for case in cases:
        voyages = case.truth("voyages")
        legs = voyages[(voyages["origin"] == "najin") & (voyages["destination"] == "dunay")]
        true = int(legs["departs"].between(pd.Timestamp(case.start), pd.Timestamp(case.end)).sum())
        bound = trips_between(case.out / "najin", case.out / "dunay", case.start, case.end)
        most = bound.at_most if bound.at_most is not None else np.inf
        holds += bound.at_least <= true <= most
        told.append(f"{bound.at_least} to {most:.0f} (true {true})")
    return [
        Measured(name, "trips Najin to Dunay, at least to at most", "; ".join(told)),
        Measured(name, "its bounds hold", f"{holds} of {len(cases)} seeds"),
    ]


def realism(figures: Path) -> tuple[list[Measured], list[str]]:
    """Compare the simulated images with real ones; draws a figure of each, and tells every statistic."""
    lines, details = [], []
    for name, compare, root in (
        ("sea clutter against OPERA", compare_radar, REAL / "opera-rtc"),
        ("port optics against sen2ships", compare_optical, REAL / "sen2ships"),
    ):
        rows = compare(figures / f"{name.replace(' ', '-')}.png", root)
        within = sum(row[-1] for row in rows)
        lines.append(Measured("realism", f"{name}, statistics within tolerance", f"{within} of {len(rows)}"))
        for statistic, ours, real, tolerance, good in rows:
            verdict = "within" if good else "OUTSIDE"
            details.append(f"{name}: {statistic}: {ours:.4g} against {real:.4g} ± {tolerance:.3g}: {verdict}")
    return lines, details


def as_markdown(
    found: Sequence[Detected], told: Sequence[Measured], seeds: Sequence[int], minutes: float
) -> str:
    """Write the tables that go into the README."""
    lines = [
        f"Measured by `make accuracy` on simulated Sentinel-1 images, seeds {', '.join(map(str, seeds))} "
        f"({minutes:.0f} minutes on two cores). In brackets 90 % bootstrap intervals over scenes.",
        "",
        "| scenario | where | length | ships | precision | recall | F1 | target for F1 |",
        "| --- | --- | --- | ---: | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {d.scenario} | {d.where} | {d.length} | {d.ships} | {short(d.precision)} | {short(d.recall)} "
        f"| {short(d.f1)} | {d.target} |"
        for d in found
    ]
    lines += ["", "| scenario | measure | value | target |", "| --- | --- | --- | --- |"]
    lines += [f"| {m.scenario} | {m.what} | {m.value} | {m.target} |" for m in told]
    lines += [f"| all | {what} | not yet (step {step}) | |" for what, step in NOT_YET]
    return "\n".join(lines)


def short(rate: Rate) -> str:
    """Write a rate without its count."""
    return "no case" if np.isnan(rate.value) else f"{rate.value:.2f} ({rate.low:.2f} to {rate.high:.2f})"


def into_readme(table: str) -> None:
    """Put the tables between the README's marks."""
    readme = ROOT / "README.md"
    before, rest = readme.read_text(encoding="utf-8").split(MARKS[0])
    _, after = rest.split(MARKS[1])
    readme.write_text(f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}", encoding="utf-8")


def measure(folder: Path, seeds: Sequence[int], brief: bool) -> tuple[list[Detected], list[Measured]]:
    """Simulate, run and score every scenario; `brief` takes three months, to see that it runs."""
    found: list[Detected] = []
    told: list[Measured] = []
    for scenario in ("najin-2023", "busy", "random", "quiet"):
        start, end = STORY if scenario == "najin-2023" else YEAR
        if brief:
            start, end = date(2023, 9, 1), date(2023, 11, 30)
        cases = [make_case(folder, scenario, seed, start, end) for seed in seeds]
        lines, more = detection(cases)
        found += lines
        told += [*more, *berths(cases), *regimes(cases), *trips(cases)]
        print(f"{scenario}: scored", flush=True)
    return found, told


def main() -> None:
    """Command line of the benchmark."""
    from flows.settings import Settings, quiet_environment

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--short", action="store_true", help="three months only, README left alone")
    parser.add_argument("--figures", type=Path, default=ROOT / ".benchmarks" / "accuracy")
    options = parser.parse_args()
    quiet_environment(Settings())
    options.figures.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found, told = measure(Path(folder), options.seeds, options.short)
    compared, details = realism(options.figures)
    table = as_markdown(found, [*told, *compared], options.seeds, (time.monotonic() - began) / 60)
    listed = "\n".join(f"- {line}" for line in details)
    (options.figures / "accuracy.md").write_text(f"{table}\n\n{listed}\n", encoding="utf-8")
    if not options.short:
        into_readme(table)
    print(table)
    print("\n".join(details))
    print(f"\nfigures: {options.figures}")


if __name__ == "__main__":
    main()
