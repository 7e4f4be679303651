"""The story of Najin as published from simulated images, held against its truth: wake-up, step, pause.

    roadstead demo
    python -m tests.benchmarks.bench_story demo demo/images/seed-*/truth
    python -m tests.benchmarks.bench_story OUT TRUTH [OUT TRUTH ...]     # several seeds

Regimes are inferred anew from the published looks. Trips are scored by ``bench_voyages --published``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.infer import SURE, infer_regimes, quay_metres
from tasks.products.tables import read_looks, read_vessels
from tasks.science.regimes.changes import Change
from tasks.science.regimes.status import standing_of
from tasks.science.series.activity import site_changes
from tasks.sites import load_site
from tests.benchmarks.bench_regimes import Row

SITES = ("najin", "dunay")
STEP = np.datetime64("2023-10-01")
PAUSE = np.datetime64("2024-02-13"), np.datetime64("2024-03-10")
EARLIEST, LATEST = np.datetime64("2023-08-15"), np.datetime64("2023-10-10")
"""Between which the wake-up is to be dated."""

NEAR = np.timedelta64(14, "D")
CLEAR_LOOKS = 4
"""Within which it is to be confirmed."""


def true_regimes(truth: Path, site: str) -> pd.DataFrame:
    """Regimes as the world has them, moments in UTC without a zone."""
    table = pd.read_parquet(truth / "regimes.parquet")
    table = table[table["site"] == site].sort_values("start")
    return table.assign(**{name: table[name].dt.tz_localize(None) for name in ("start", "end")})


def site_rows(out: Path, truth: Path, site: str) -> Iterator[Row]:
    """Say when a port woke, and how soon that was known."""
    looks, vessels, quay_m = read_looks(out / site), read_vessels(out / site), quay_metres(load_site(site))
    told = site_changes(looks, quay_m, vessels)
    start = true_regimes(truth, site)["start"].iloc[1].to_datetime64().astype("datetime64[s]")
    changes = told[1].told if told else ()
    if not told or not changes:
        yield Row(f"{site}: wake-up told", f">= {SURE:g}", f"{told[1].any if told else 0:.2f}", met=False)
        return
    series, first = told[0], min(changes, key=lambda c: abs(c.date - start))
    found = f"{_day(first.date)} ({_day(first.low)} to {_day(first.high)}), {first.probability:.2f}"
    asked = EARLIEST <= first.date <= LATEST if site == "najin" else None
    yield Row(
        f"{site}: woke on {_day(start)}, told", "15 Aug - 10 Oct" if site == "najin" else "", found, asked
    )
    yield Row(f"{site}: its interval holds the true day", "90 %", str(bool(first.low <= start <= first.high)))
    stands = standing_of(series, first)
    clear = np.unique(looks.loc[looks["vessel_count"].notna() | looks["stack_area_m2"].notna(), "acquired"])
    for what, look in (("known", stands.knowable), ("confirmed", stands.confirmed)):
        if look is None:
            yield Row(f"{site}: {what}", "", "never", met=False)
            continue
        passed = int(((clear > start) & (clear <= series.times[look])).sum())
        value = f"{_day(series.times[look])}, {passed} looks"
        yield Row(f"{site}: {what}, clear looks after it began", "", value)
    if stands.knowable is not None and stands.confirmed is not None:
        further = stands.confirmed - stands.knowable + 1
        yield Row(
            f"{site}: told, then confirmed within clear looks",
            f"<= {CLEAR_LOOKS}",
            str(further),
            further <= CLEAR_LOOKS,
        )
    yield from later_rows(site, changes, first, infer_regimes(looks, quay_m, vessels), clear[-1])


def later_rows(
    site: str, changes: Sequence[Change], first: Change, regimes: pd.DataFrame, until: np.datetime64
) -> Iterator[Row]:
    """Say whether the step and the pause are told."""
    others = [c.date for c in changes if c is not first]
    if site == "najin":
        step = any(abs(date - STEP) <= NEAR for date in others)
        yield Row("najin: the step of October told", "yes", "yes" if step else "no", step)
    if until < PAUSE[1]:
        return
    own = regimes[(regimes["zone_id"] == "*") & (regimes["state"] == "paused")]
    paused = any(abs(moment.to_datetime64() - PAUSE[0]) <= NEAR for moment in own["start"])
    yield Row(f"{site}: the pause of February told", "yes", "yes" if paused else "no", paused)


def step_row(truth: Path) -> Row:
    """How much of the step there is to see, were every call of the four ships seen to the hour."""
    stays = pd.read_parquet(truth / "stays.parquet").sort_values("arrives")
    ships = pd.read_parquet(truth / "voyages.parquet")["vessel_id"].unique()
    own = stays[(stays["site"] == "najin") & stays["vessel_id"].isin(ships) & stays["alongside"]]
    away = own["arrives"] - own.groupby("vessel_id")["leaves"].shift()
    calls = own.loc[~(away <= pd.Timedelta(hours=12)), "arrives"].dt.tz_localize(None).to_numpy()
    calls = calls[(calls > np.datetime64("2023-08-15")) & (calls < PAUSE[0])]
    days = np.diff(calls) / np.timedelta64(1, "D")
    before = int((calls[1:] < STEP).sum())
    parts = [days[:before], days[before:]]
    gain = sum(-len(p) * np.log(p.mean()) for p in parts) + len(days) * np.log(days.mean())
    value = f"{parts[0].mean():.1f}, {parts[1].mean():.1f} d: {gain:.2f} nats"
    return Row("najin: true calls before, after 1 October, and gain", "", value)


def _day(moment: np.datetime64) -> str:
    return f"{pd.Timestamp(moment):%d %b}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="OUT TRUTH")
    given = parser.parse_args()
    if len(given.folders) % 2:
        parser.error("folders come in pairs: publications, and the truth beside their images")
    for out, truth in zip(given.folders[::2], given.folders[1::2], strict=True):
        print(out)
        for site in SITES:
            if (out / site / "looks.parquet").is_file():
                for row in site_rows(out, truth, site):
                    print(" ", row, flush=True)
        print(" ", step_row(truth))


if __name__ == "__main__":
    main()
