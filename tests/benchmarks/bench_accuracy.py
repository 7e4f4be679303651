"""How right the published numbers are, against simulated ports whose truth is known.

``make accuracy`` simulates scenarios with several seeds, runs the pipeline on their images as anybody
would, and prints one table. It goes into the README between its two marks, so what stands there was measured.
Yards, tracks and cost are scored by ``bench_measures``, voyages by ``bench_voyages``.

    python -m tests.benchmarks.bench_accuracy --seeds 41 42 43
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from tests.benchmarks.accuracy import (
    Detected,
    Measured,
    berths,
    detection,
    make_case,
    regimes,
    trips,
)
from tests.benchmarks.realism_optical import compare_optical
from tests.benchmarks.realism_radar import compare_radar

ROOT = Path(__file__).parents[2]
REAL = Path(os.environ.get("ROADSTEAD_REAL_DATA", ROOT.parent / "shared" / "real"))
MARKS = "<!-- accuracy: begin -->", "<!-- accuracy: end -->"

STORY = date(2023, 1, 1), date(2024, 3, 31)
YEAR = date(2023, 1, 1), date(2023, 12, 31)
AUTUMN = date(2023, 9, 1), date(2023, 11, 30)
"""For optical images, which are many and large, and for a short run."""

OPTICAL = {"sentinel-2": "sentinel-2-l2a-simulated", "planet": "planetscope-simulated"}
"""Collection of each optical sensor."""

UNSEEN = 41
"""The first of the seeds that nothing is tuned on. One takes some ten minutes, so it is the default."""

COMPARED = (
    ("sea clutter against OPERA", compare_radar, "opera-rtc"),
    ("port optics against sen2ships", compare_optical, "sen2ships"),
)


def realism(figures: Path, real: Path = REAL) -> tuple[list[Measured], list[str]]:
    """Compare the simulated images with real ones; draws a figure of each, and tells every statistic.

    Where the folder of the real ones is missing, the line says so.
    """
    lines, details = [], []
    for name, compare, folder in COMPARED:
        if not (real / folder).is_dir():
            lines.append(Measured("realism", name, "not compared: set ROADSTEAD_REAL_DATA"))
            continue
        rows = compare(figures / f"{name.replace(' ', '-')}.png", real / folder)
        within = sum(row[-1] for row in rows)
        lines.append(Measured("realism", f"{name}, statistics within tolerance", f"{within} of {len(rows)}"))
        for statistic, ours, theirs, tolerance, good in rows:
            verdict = "within" if good else "OUTSIDE"
            details.append(
                f"{name}: {statistic}: {ours:.4g} against {theirs:.4g} ± {tolerance:.3g}: {verdict}"
            )
    return lines, details


def as_markdown(
    found: Sequence[Detected], told: Sequence[Measured], seeds: Sequence[int], minutes: float
) -> str:
    """Write the tables that go into the README."""
    lines = [
        f"Measured by `make accuracy` on simulated images, seeds {', '.join(map(str, seeds))} "
        f"({minutes:.0f} minutes on two cores). In brackets 90 % bootstrap intervals: whole scenes are drawn "
        "anew, and for monthly occupancy and its coverage whole seeds and sites.",
        "",
        "| scenario | sensor | where | length | ships | false alarms | precision | recall | F1 "
        "| target for F1 |",
        "| --- | --- | --- | --- | ---: | ---: | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {d.scenario} | {d.sensor} | {d.where} | {d.length} | {d.ships} | {d.false_alarms} "
        f"| {d.precision.brief} | {d.recall.brief} | {d.f1.brief} | {d.target} |"
        for d in found
    ]
    lines += ["", "| scenario | measure | value | target |", "| --- | --- | --- | --- |"]
    lines += [f"| {m.scenario} | {m.what} | {m.value} | {m.target} |" for m in told]
    return "\n".join(lines)


def into_readme(table: str) -> None:
    """Put the tables between the README's marks."""
    readme = ROOT / "README.md"
    before, rest = readme.read_text(encoding="utf-8").split(MARKS[0])
    _, after = rest.split(MARKS[1])
    readme.write_text(f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}", encoding="utf-8")


def optical_detection(
    folder: Path, scenario: str, seeds: Sequence[int]
) -> Iterator[tuple[list[Detected], list[Measured]]]:
    """Score vessels in optical images, three months of each seed."""
    for sensor, collection in OPTICAL.items():
        cases = [make_case(folder, scenario, seed, *AUTUMN, sensors=[sensor]) for seed in seeds]
        yield detection(cases, collection)


def measure(
    folder: Path, seeds: Sequence[int], brief: bool
) -> tuple[list[Detected], list[Measured], dict[str, float]]:
    """Simulate, run and score every scenario; `brief` takes three months, to see that it runs.

    The third result says how many seconds each scenario took.
    """
    found: list[Detected] = []
    told: list[Measured] = []
    took: dict[str, float] = {}
    for scenario in ("najin-2023", "busy", "random", "quiet"):
        began = time.monotonic()
        start, end = STORY if scenario == "najin-2023" else YEAR
        if brief:
            start, end = AUTUMN
        cases = [make_case(folder, scenario, seed, start, end) for seed in seeds]
        lines, more = detection(cases)
        found += lines
        told += [*more, *berths(cases), *regimes(cases), *trips(cases)]
        if scenario in ("busy", "random"):
            for lines, more in optical_detection(folder, scenario, seeds):
                found += lines
                told += more
        took[scenario] = time.monotonic() - began
        print(f"{scenario}: scored", flush=True)
    return found, told, took


def main() -> None:
    """Command line of the benchmark."""
    from flows.settings import Settings, quiet_environment

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[UNSEEN])
    parser.add_argument("--short", action="store_true", help="three months only, README left alone")
    parser.add_argument("--figures", type=Path, default=ROOT / ".benchmarks" / "accuracy")
    options = parser.parse_args()
    quiet_environment(Settings())
    options.figures.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    compared, details = realism(options.figures)  # first: what it lacks shows before the long part
    with tempfile.TemporaryDirectory() as folder:
        found, told, took = measure(Path(folder), options.seeds, options.short)
    table = as_markdown(found, [*told, *compared], options.seeds, (time.monotonic() - began) / 60)
    listed = "\n".join(f"- {line}" for line in details)
    (options.figures / "accuracy.md").write_text(f"{table}\n\n{listed}\n", encoding="utf-8")
    if not options.short:
        into_readme(table)
    print(table)
    print("\n".join(details))
    print("\n".join(f"{scenario} took {seconds:.0f} s" for scenario, seconds in took.items()))
    print(f"\nfigures: {options.figures}")


if __name__ == "__main__":
    main()
