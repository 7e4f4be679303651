"""Detection against its targets: speed, real images, simulated ports by stratum, and what each step buys.

python -m tests.benchmarks.bench_detect                 # everything; about 20 minutes on two cores
python -m tests.benchmarks.bench_detect --only speed    # or real, or simulated
python -m tests.benchmarks.bench_detect --quick         # a small scene and two months, without peers
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from flows.settings import Settings, quiet_environment
from tests.benchmarks.detect_accuracy import real_figures, simulated
from tests.benchmarks.detect_speed import Cost, cost_of, make_scene, python_with_peers

WHOLE, QUICK = 10_000, 2_000
"""Sides of the scene, pixels."""


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    what: str
    value: float
    unit: str
    target: str = ""
    met: Callable[[float], bool] = lambda _: True


def speed_lines(costs: dict[str, Cost | None]) -> list[Line]:
    """Put what the methods took beside its targets; what was not measured is NaN."""

    def copies(name: str) -> float:
        cost = costs.get(name)
        return cost.copies if cost else np.nan

    def extra_mb(name: str) -> float:
        cost = costs.get(name)
        return cost.extra_mb if cost else np.nan

    unit = "copies"
    return [
        Line("one read and a mask", copies("limit"), unit),
        Line("censored CFAR of two parameters", copies("cfar"), unit, "<= 20", lambda v: v <= 20),
        Line("its memory beside the scene", extra_mb("cfar"), "MB", "<= 100", lambda v: v <= 100),
        Line("groups and shapes", copies("shapes") / copies("cfar"), "CFARs", "<= 1", lambda v: v <= 1),
        Line("two box filters, OpenCV", copies("opencv"), unit),
        Line("two box filters, SciPy", copies("scipy"), unit),
        Line("whole detection, ours", copies("detect"), unit),
        Line("its memory beside the scene", extra_mb("detect"), "MB"),
        Line("whole detection, strait-observatory", copies("strait"), unit),
        Line("its memory beside the scene", extra_mb("strait"), "MB"),
        Line("strait-observatory over ours", copies("strait") / copies("detect"), "times", ">= 20",
             lambda v: not v < 20),
    ]  # fmt: skip


def show(lines: list[Line]) -> None:
    """Print the table; what misses its target is red."""
    table = Table("", "measured", "", "target", title="Radar detection: CPU time in copies of the scene")
    for line in lines:
        style = "" if not line.target or line.met(line.value) else "red"
        table.add_row(line.what, f"{line.value:.2f}", line.unit, line.target, style=style)
    Console().print(table)


def speed(side: int, folder: Path, peers: bool) -> list[Line]:
    """Measure every method on one scene."""
    path = folder / "scene.npy"
    np.save(path, make_scene(side))
    costs = {name: cost_of(name, path) for name in ("limit", "cfar", "shapes", "scipy", "detect")}
    if peers and (python := python_with_peers(folder / "peers")):
        costs |= {name: cost_of(name, path, python) for name in ("opencv", "strait")}
    return speed_lines(costs)


def main(arguments: list[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a small scene and two months, without peers")
    parser.add_argument("--only", choices=("speed", "real", "simulated"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[31], help="of the simulated ports")
    given = parser.parse_args(arguments)
    quiet_environment(Settings())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.only in (None, "speed"):
            show(speed(QUICK if given.quick else WHOLE, folder, not given.quick))
        if given.only in (None, "real"):
            show_real(folder)
        if given.only in (None, "simulated"):
            show_simulated(folder, given.seeds, given.quick)


def show_real(folder: Path) -> None:
    """Print the figures of the real images; what misses its target is red."""
    table = Table("", "measured", "target", title="Real images")
    for what, value, target, met in real_figures(folder):
        table.add_row(what, f"{value:.2f}", target, style="" if met else "red")
    Console().print(table)


def show_simulated(folder: Path, seeds: list[int], brief: bool) -> None:
    """Print the strata, the other figures and the ladder."""
    found, told, rungs = simulated(folder, seeds, brief=brief)
    heads = ("scenario", "sensor", "where", "length", "ships", "false", "P", "R", "F1", "target")
    strata = Table(*heads, title=f"Simulated, seeds {seeds}")
    for d in found:
        counts = str(d.ships), str(d.false_alarms)
        rates = (d.precision.brief, d.recall.brief, d.f1.brief)
        strata.add_row(d.scenario, d.sensor, d.where, d.length, *counts, *rates, d.target)
    figures = Table("scenario", "measure", "value", "target")
    for m in told:
        figures.add_row(m.scenario, m.what, m.value, m.target)
    ladder = Table("scenario", "step", "where", "ships", "false", "P", "R", "F1", title="What each step buys")
    for r in rungs:
        rates = tuple(f"{v:.2f}" for v in (r.precision, r.recall, r.f1))
        ladder.add_row(r.scenario, r.step, r.where, str(r.ships), str(r.false_alarms), *rates)
    for table in (strata, figures, ladder):
        Console().print(table)


if __name__ == "__main__":
    main()
