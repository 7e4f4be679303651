"""What survives ``kill -9``: of the flow, of a worker, of the object store, at random moments of an ingest.

Also lets four processes commit to one site at once, and counts what was acknowledged and is not there. Runs
on local disk and on a SeaweedFS server that it starts and kills by itself.

    python -m tests.benchmarks.bench_chaos [--trials 50] [--seed 0]
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.archive.chaos import Home, Outcome, Race, Victim

KINDS: tuple[tuple[str, Victim], ...] = (
    ("local", "flow"),
    ("local", "worker"),
    ("store", "flow"),
    ("store", "worker"),
    ("store", "store"),
)
"""Where, and who is killed; a campaign takes them in turns."""

WRITERS, COMMITS = 4, 25


@contextmanager
def homes(work: Path) -> Iterator[dict[str, Home]]:
    """Local disk, and a bucket of a server of our own; this process speaks to that server alone."""
    from tests.archive.chaos import Home
    from tests.archive.stores import running, seaweed_server

    before = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("AWS_")}
    with running(seaweed_server(work / "seaweed")) as server:
        os.environ |= server.env
        try:
            yield {"local": Home(work), "store": Home(work, server, server.bucket("chaos"))}
        finally:
            for name in server.env:
                del os.environ[name]
            os.environ |= before


def campaign(at: dict[str, Home], trials: int, seed: int) -> list[Outcome]:
    """Run the trials; each prints its line."""
    from tests.archive.chaos import how_long, trial, undisturbed

    reference = undisturbed(at["local"].folder)
    lasts = {place: how_long(home, f"timed-{place}", "local") for place, home in at.items()}
    outcomes = []
    for number, (place, victim) in enumerate(islice(cycle(KINDS), trials)):
        one = trial(at[place], f"trial-{number}", victim, seed + number, lasts[place], reference)
        outcomes.append(one)
        print(
            f"{number:3d} {one.home:10s} {one.victim:6s} {one.at_s:4.2f} s after {one.before:2d} scenes: "
            f"{one.acknowledged:2d} acknowledged, {one.present:2d} there, {one.ended} {' '.join(one.faults)}",
            flush=True,
        )
    return outcomes


def as_markdown(outcomes: Sequence[Outcome], races: Sequence[Race]) -> str:
    """Write the table."""
    from tests.archive.chaos import BATCH, BATCHES

    lines = ["| where | killed | trials, in time | ended | acknowledged, there | faults | target | |"]
    lines.append("| --- | --- | ---: | --- | ---: | ---: | ---: | --- |")
    for home, victim in dict.fromkeys((o.home, o.victim) for o in outcomes):
        mine = [o for o in outcomes if (o.home, o.victim) == (home, victim)]
        ended = Counter(o.ended if o.ended in ("killed", "finished") else "gave up" for o in mine)
        ways = ", ".join(f"{count} {way}" for way, count in sorted(ended.items()))
        struck = sum(o.before < BATCHES * BATCH for o in mine)
        faulty = sum(bool(o.faults) for o in mine)
        told, there = sum(o.acknowledged for o in mine), sum(o.present for o in mine)
        lines.append(
            f"| {home} | {victim} | {len(mine)}, {struck} | {ways} "
            f"| {told}, {there} | {faulty} | 0 | {met(faulty)} |"
        )
    for race in races:
        lines.append(
            f"| {race.home} | nobody | {WRITERS} writers × {COMMITS} | {race.seconds:.0f} s "
            f"| {race.acknowledged}, {race.present} | {len(race.faults)} | 0 | {met(len(race.faults))} |"
        )
    return "\n".join(lines)


def met(faults: int) -> str:
    return "MISSED" if faults else "met"


def main() -> None:
    from tests.archive.chaos import race

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="roadstead-chaos-") as work, homes(Path(work)) as at:
        outcomes = campaign(at, options.trials, options.seed)
        races = [race(home, f"race-{place}", WRITERS, COMMITS) for place, home in at.items()]
    print()
    print(as_markdown(outcomes, races))
    faults = [fault for one in (*outcomes, *races) for fault in one.faults]
    print(*faults, sep="\n")
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main()
