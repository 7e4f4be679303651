"""Regimes against what was made to happen: dates of change, false alarms, replay, families, speed.

Run ``python -m tests.benchmarks.bench_regimes`` (``--quick`` for a tenth of the seeds). Peers are measured
where ruptures is installed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tasks.science.regimes.changes import changes_of, find_changes
from tasks.science.regimes.counts import CountOptions, CountSeries
from tasks.science.regimes.general import find_shifts
from tasks.science.regimes.joint import JointSeries
from tasks.science.regimes.status import standing_of
from tasks.science.regimes.working import WorkSeries
from tests.benchmarks.regime_families import FAMILIES, cover, f1
from tests.benchmarks.regime_series import Sighted, calls, day_of, lying, stepped

ZONES, LOOKS, YEARS = 30, 2000, 10


@dataclass(frozen=True)
class Row:
    """One line: what was measured, its target and whether it is met."""

    what: str
    target: str
    value: str
    met: bool | None = None

    def __str__(self) -> str:
        word = {True: "met", False: "MISSED", None: ""}[self.met]
        return f"{self.what:58} {self.target:>12} {self.value:>22}  {word}"


def change_rows(before: float, after: float, seeds: range, *, bound: bool) -> Iterator[Row]:
    """Detection, error of the date and coverage where the level changes once."""
    errors, covered = [], []
    for seed in seeds:
        made = stepped(seed, before, after)
        found = find_changes(made.times, made.counts, made.exposure)
        if found is not None and found.told:
            near = min(found.told, key=lambda c: abs(day_of(c.date) - made.day))
            errors.append(abs(day_of(near.date) - made.day))
            covered.append(day_of(near.low_95) <= made.day <= day_of(near.high_95))
    name, share = f"{before:g} to {after:g} vessels per look", len(errors) / len(seeds)
    yield Row(
        f"{name}: detected", ">= 0.97" if bound else "", f"{share:.3f}", share >= 0.97 if bound else None
    )
    days, held = float(np.median(errors)), float(np.mean(covered))
    yield Row(
        f"{name}: median error, days", "<= 8" if bound else "", f"{days:.1f}", days <= 8 if bound else None
    )
    yield Row(
        f"{name}: 95 % interval covers",
        ">= 0.93" if bound else "",
        f"{held:.3f}",
        held >= 0.93 if bound else None,
    )


def null_row(name: str, make: Callable[[int], Sighted], seeds: range) -> Row:
    """Changes told where there is none, in two years."""
    alarms = 0
    for seed in seeds:
        made = make(seed)
        found = find_changes(made.times, made.counts, made.exposure)
        alarms += found is not None and bool(found.told)
    share = alarms / len(seeds)
    return Row(f"null, {name}: false alarms in two years", "<= 0.03", f"{share:.3f}", share <= 0.03)


def witness_rows(before: float, after: float, seeds: range) -> Iterator[Row]:
    """Ships that came alone, and heard together with goods that moved: false alarms, or dates and delay."""
    found: dict[str, list[tuple[float, bool, float]]] = {"ships": [], "ships and goods": []}
    for seed in seeds:
        made = calls(seed, before, after)
        ships = CountSeries(
            made.ships.times, made.ships.counts, made.ships.exposure, CountOptions(lasting=False)
        )
        together = JointSeries([ships, WorkSeries(made.work_times, made.working)])
        for name, series in zip(found, (ships, together), strict=True):
            told = changes_of(series).told
            if told:
                near = min(told, key=lambda c: abs(day_of(c.date) - made.day))
                known = standing_of(series, near).knowable
                late = np.nan if known is None else day_of(series.times[known]) - made.day
                covers = day_of(near.low_95) <= made.day <= day_of(near.high_95)
                found[name].append((abs(day_of(near.date) - made.day), covers, late))
    for name, rows in found.items():
        share, what = len(rows) / len(seeds), f"{before:g} to {after:g} calls a day, {name}"
        if before == after:
            yield Row(f"null, {what}", "<= 0.03", f"{share:.3f}", share <= 0.03)
        elif rows:
            error, covered, late = (
                np.nanmedian([r[0] for r in rows]),
                np.mean([r[1] for r in rows]),
                [r[2] for r in rows],
            )
            told = f"{share:.2f} {error:.1f} d {covered:.2f} {np.nanmedian(late):.0f} d"
            yield Row(f"{what}: told, error, 95 % covers, known after", "", told)


def replay_rows(seeds: range) -> Iterator[Row]:
    """How late a wake-up is known and confirmed, and how often a confirmed one is taken back."""
    delay, looks, withdrawn, told = [], [], 0, 0
    for seed in seeds:
        made = stepped(seed, 0.05, 0.6)
        series = CountSeries(made.times, made.counts, made.exposure)
        for change in changes_of(series).told[:1]:
            stands = standing_of(series, change)
            told += 1
            withdrawn += stands.withdrawn > 0
            if stands.knowable is not None:
                delay.append(day_of(series.times[stands.knowable]) - made.day)
                if stands.confirmed is not None:
                    looks.append(stands.confirmed - stands.knowable)
    yield Row("wake-up 0.05 to 0.6: known after, days (median)", "", f"{np.median(delay):.0f}")
    yield Row("further looks until confirmed (median, largest)", "3", f"{np.median(looks):.0f}, {max(looks)}")
    yield Row("confirmed and taken back later", "", f"{withdrawn} of {told}")


def flicker_row(seeds: range) -> Row:
    """Replay whole, look by look: a change confirmed once is told by all later replays."""
    gone = told = 0
    for seed in seeds:
        made = stepped(seed, 0.05, 0.6)
        firm = False
        for n in range(40, len(made.times), 3):
            series = CountSeries(made.times[:n], made.counts[:n], made.exposure[:n])
            changes = changes_of(series).told
            if firm and not changes:
                gone += 1
                break
            firm = firm or any(standing_of(series, c).status == "confirmed" for c in changes)
        told += firm
    return Row("replay: confirmed, and not told by some later replay", "", f"{gone} of {told}")


def family_rows(seeds: range) -> Iterator[Row]:
    """Ours and the peers over families; the median family is held against each."""
    tried = {"ours": ours, "no change": lambda _: []} | peers()
    scores: dict[str, list[Any]] = {name: [] for name in tried}
    for k, (family, make) in enumerate(FAMILIES.items()):
        made = [make(np.random.default_rng([seed, k])) for seed in seeds]
        line = []
        for name, method in tried.items():
            told = [(values, true, method(values)) for values, true in made]
            mean = np.mean([(f1(t, p), cover(t, p, len(v))) for v, t, p in told], axis=0)
            scores[name].append(mean)
            line.append(f"{name} {mean[0]:.2f}/{mean[1]:.2f}")
        yield Row(family, "", "  ".join(line))
    medians = {name: np.median(values, axis=0) for name, values in scores.items()}
    best = np.max([median for name, median in medians.items() if name != "ours"], axis=0)
    for what, got, least in zip(("F1", "cover"), medians["ours"], best, strict=True):
        yield Row(f"median family, {what}", f">= {least:.3f}", f"{got:.3f}", bool(got >= least))


def ours(values: Any) -> list[int]:
    """Places of change by the general method."""
    return [shift.index for shift in find_shifts(values)]


def peers() -> dict[str, Callable[[Any], list[int]]]:
    """Both defaults of ruptures: squares about the mean of a standardised series, 3 ln n for a change."""
    try:
        import ruptures
    except ImportError:
        return {}

    def by(search: Any, values: Any) -> list[int]:
        scaled = ((values - values.mean()) / values.std())[:, None]
        return [int(p) for p in search.fit(scaled).predict(pen=3 * np.log(len(values)))[:-1]]

    return {
        "BINSEG": partial(by, ruptures.Binseg("l2")),
        "PELT": partial(by, ruptures.Pelt("l2")),
    }


def speed_row() -> Row:
    """Thirty zones of ten years, with all that is told of each change."""
    changes_of(CountSeries(*_decade(0)))
    start = time.process_time()
    for zone in range(ZONES):
        series = CountSeries(*_decade(zone))
        for change in changes_of(series).told:
            standing_of(series, change)
    took = time.process_time() - start
    return Row(f"{LOOKS} looks x {ZONES} zones, ten years: s of one core", "< 20", f"{took:.1f}", took < 20)


def _decade(zone: int) -> Any:
    rng = np.random.default_rng([zone, 9])
    days = np.sort(rng.uniform(0, YEARS * 365.25, LOOKS))
    rate = np.where((days // 900 + zone) % 2 == 0, 0.05, rng.uniform(0.3, 1.0))
    seen = rng.choice([1.0, 0.6], LOOKS, p=[0.8, 0.2])
    times = np.datetime64("2014-01-01", "s") + (days * 86_400).astype("timedelta64[s]")
    return times, rng.poisson(rate * seen).astype(float), seen


def rows(share: float = 1.0) -> Iterator[Row]:
    """Everything, with a share of the seeds."""
    many, few = range(round(200 * share)), range(max(round(40 * share), 4))
    yield from change_rows(0.05, 0.6, many, bound=True)
    yield from change_rows(0.3, 1.0, many, bound=False)
    for clumping in (1.0, 2.0):
        for rate in (0.5, 3.0):
            name = f"{rate:g} per look, NB phi = {clumping:g}"
            yield null_row(name, partial(stepped, before=rate, after=rate, clumping=clumping), many)
    for mean, stay in ((0.6, 3.0), (2.0, 10.0), (0.5, 30.0)):
        yield null_row(
            f"{mean:g} ships, stays of {stay:g} d", partial(lying, mean=mean, stay_days=stay), many
        )
    for rates in (
        (0.03, 0.03),
        (0.1, 0.1),
        (0.2, 0.2),
        (0.5, 0.5),
        (0.005, 0.25),
        (0.03, 0.25),
        (0.25, 0.01),
    ):
        yield from witness_rows(*rates, range(1000, 1000 + max(round(100 * share), 4)))
    yield from replay_rows(many)
    yield flicker_row(few)
    yield speed_row()
    yield from family_rows(few)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the seeds")
    given = parser.parse_args()
    for row in rows(0.1 if given.quick else 1.0):
        print(row, flush=True)


if __name__ == "__main__":
    main()
