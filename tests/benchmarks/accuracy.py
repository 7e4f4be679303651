"""Lines of the accuracy tables: archives of simulated images, what was published of them, and the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from tests.benchmarks import scoring
from tests.benchmarks.scoring import Rate, clustered

SENSORS = {
    "sentinel-1-rtc-simulated": "Sentinel-1",
    "sentinel-2-l2a-simulated": "Sentinel-2",
    "planetscope-simulated": "3 m",
}
"""What took the images of each simulated collection."""

PLACES = {"berth": "quay", "harbour_water": "harbour", "anchorage": "anchorage"}
"""Where vessels lie, by kind of zone."""


@dataclass(frozen=True)
class Detected:
    """One line of the detection table."""

    scenario: str
    sensor: str
    where: str
    length: str
    ships: int
    false_alarms: int
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

    def label(self, site: str) -> str:
        """Name the seed and site, for drawing them whole."""
        return f"{self.seed} {site}"


def make_case(
    folder: Path,
    scenario: str,
    seed: int,
    start: date,
    end: date,
    sensors: Sequence[str] = ("sentinel-1",),
    sites: Sequence[str] = (),
) -> Case:
    """Simulate images and run the pipeline on them; at all sites of the scenario unless some are named."""
    from flows.backfill import backfill
    from tasks.simulate import Sensor, simulate

    home = folder / f"{scenario}-{seed}-{'-'.join(sensors)}"
    catalog = simulate(
        scenario, home / "images", seed=seed, start=start, end=end, sensors=[Sensor(s) for s in sensors],
        defects="few",
    )  # fmt: skip
    sites = sites or (("najin", "dunay") if scenario == "najin-2023" else ("najin",))
    for site in sites:
        backfill(site, start, end, str(catalog), None, str(home / "archive"), str(home / "out"))
    return Case(scenario, seed, home / "images", home / "out", tuple(sites), start, end)


def published(case: Case, site: str, collection: str = "") -> tuple[pd.DataFrame, gpd.GeoDataFrame]:
    """Looks and vessels of one publication; of one collection if it is named."""
    folder = case.out / site
    looks, vessels = pd.read_parquet(folder / "looks.parquet"), gpd.read_parquet(folder / "vessels.parquet")
    if collection:
        looks, vessels = (table[table["collection"] == collection] for table in (looks, vessels))
    return looks, vessels


@dataclass(frozen=True)
class Scored:
    """What some archives' vessels come to; scenes carry their seed and site in their names."""

    outcomes: pd.DataFrame
    """As `scoring.outcomes` has it, with ``where`` and ``class``."""

    scenes: pd.DataFrame
    """Of every scene looked at: ``ships``, ``untold`` of them in zones that the look could not tell, and
    ``water_km2`` looked at."""


def score_vessels(cases: Sequence[Case], collection: str) -> Scored:
    """Match the vessels that were published from a collection of some archives with their ships."""
    results: list[pd.DataFrame] = []
    scenes: list[pd.DataFrame] = []
    for case in cases:
        truth = case.truth("vessels")
        for site in case.sites:
            looks, vessels = published(case, site, collection)
            seen = [str(s) for s in looks["scene_id"].unique()]
            ships = scoring.in_zones(truth[truth["site"] == site], looks)
            kinds = looks.drop_duplicates("zone_id").set_index("zone_id")["zone_kind"]
            found = pd.DataFrame(
                {
                    "scene_id": vessels["scene_id"].astype(str),
                    "longitude": vessels.geometry.x,
                    "latitude": vessels.geometry.y,
                    "length_m": vessels["length_m"].astype(float),
                    "length_sd_m": vessels["length_sd_m"].astype(float),
                    "zone_kind": vessels["zone_id"].map(kinds),
                }
            )
            some = scoring.outcomes(ships, found, seen)
            results.append(some.assign(scene_id=f"{case.label(site)} " + some["scene_id"]))
            per_scene = {
                "ships": ships.groupby("scene_id").size(),
                "untold": ships[~ships["told"]].groupby("scene_id").size(),
                "water_km2": scoring.seen_km2(looks, water_km2(site)),
            }
            told = pd.DataFrame({name: s.reindex(seen, fill_value=0) for name, s in per_scene.items()})
            told.index = [f"{case.label(site)} {scene}" for scene in seen]
            scenes.append(told.astype(float))
    table = pd.concat(results, ignore_index=True)
    table["where"] = table["zone_kind"].map(PLACES)
    table["class"] = scoring.class_of(table["length_m"])
    return Scored(table, pd.concat(scenes))


def detection(
    cases: Sequence[Case], collection: str = "sentinel-1-rtc-simulated"
) -> tuple[list[Detected], list[Measured]]:
    """Score precision, recall and F1 by place and length class, length error, false alarms."""
    scored = score_vessels(cases, collection)
    sensor = SENSORS[collection]
    table, scenes = scored.outcomes, list(scored.scenes.index)
    name = cases[0].scenario
    lines: list[Detected] = []
    more: list[Measured] = []
    for where in PLACES.values():
        here = table[table["where"] == where]
        owed_m, target = OWED[where]
        owed = here[(here["kind"] == "false") | (here["length_m"] > owed_m)]
        parts = [(str(length), part, "") for length, part in here.groupby("class", observed=False)]
        for length, part, aim in [*parts, (f"over {owed_m} m, all false alarms", owed, target)]:
            if not len(part):
                continue
            rates = scoring.rates(part, scenes, seed=1)
            alarms = int((part["kind"] == "false").sum())
            counts = len(part) - alarms, alarms
            lines.append(Detected(name, sensor, where, length, *counts, *rates.values(), aim))
        more += length_error(name, sensor, where, here)
    return lines, [*more, *alarms_and_untold(name, sensor, scored)]


LENGTHS = {"Sentinel-1": (80, "%", "<= 15"), "Sentinel-2": (50, "m", "<= 20"), "3 m": (20, "m", "<= 6")}
"""Of each sensor: ships longer than so many metres, the unit of their length's error, and its target."""


def length_error(name: str, sensor: str, where: str, here: pd.DataFrame) -> list[Measured]:
    """Score the lengths of the ships found in one place: the median error, and how true its sd is."""
    longer, unit, target = LENGTHS[sensor]
    hits = here[(here["kind"] == "hit") & (here["length_m"] > longer)]
    if hits.empty:
        return []
    off = (hits["measured_m"] - hits["length_m"]).abs()
    error = clustered(
        100 * off / hits["length_m"] if unit == "%" else off, hits["scene_id"], np.median, seed=1
    )
    held = clustered(off <= hits["length_sd_m"], hits["scene_id"], np.mean, seed=1)
    what = f"{sensor}, length over {longer} m, {where}"
    return [
        Measured(name, f"{what}: median error, {unit}", f"{error}", target),
        Measured(name, f"{what}: within one standard error", f"{held}", "about 0.68"),
    ]


def alarms_and_untold(name: str, sensor: str, scored: Scored) -> list[Measured]:
    """Score false alarms by the water looked at, and the ships that no look could have told."""
    table, scenes = scored.outcomes, scored.scenes
    off_quay = table[(table["kind"] == "false") & (table["where"] != "quay")]
    alarms = off_quay.groupby("scene_id").size().reindex(scenes.index, fill_value=0)

    def percent(part: Any, whole: Any, n: int) -> Rate:
        counts = np.stack([part, whole], axis=1).astype(float)
        return scoring.bootstrapped(counts, lambda t: 100 * scoring.share(t[..., 0], t[..., 1]), n, 1)

    rate = percent(alarms, scenes["water_km2"], int((scenes["water_km2"] > 0).sum()))
    untold = percent(scenes["untold"], scenes["ships"], int(scenes["ships"].sum()))
    return [
        Measured(name, f"{sensor}, false alarms per 100 km² of water looked at", f"{rate}", "<= 0.5"),
        Measured(name, f"{sensor}, ships in zones a look could not tell, %", f"{untold}"),
    ]


OWED = {"quay": (80, ">= 0.93"), "harbour": (50, ">= 0.90"), "anchorage": (50, ">= 0.90")}
"""By place: ships longer than so many metres are owed, and the F1 that they are to reach together."""


def water_km2(site_id: str) -> dict[str, float]:
    """Area of each zone in which free-lying vessels are looked for."""
    from tasks.grid import project
    from tasks.simulate.world.port import utm_of
    from tasks.sites import load_site

    site = load_site(site_id)
    return {z.zone_id: project(z.geometry, utm_of(site)).area / 1e6 for z in site.water_zones}


def berths(cases: Sequence[Case]) -> list[Measured]:
    """Score berths per look, and monthly occupancy with its interval."""
    errors, months = [], []
    for case in cases:
        for site in case.sites:
            looks, _ = published(case, site)
            truth = case.truth("vessels")
            some = scoring.berth_errors(looks, truth[truth["site"] == site])
            errors.append(some.assign(scene_id=f"{case.label(site)} " + some["scene_id"].astype("string")))
            months += [(*month, case.label(site)) for month in monthly(case, site, looks)]
    table, name = pd.concat(errors, ignore_index=True), cases[0].scenario
    agree = clustered(table["taken"] == table["truly_taken"], table["scene_id"], np.mean, seed=1)
    both = table[table["taken"] & table["truly_taken"]]
    off = (both["occupied_m"] - both["true_m"]).abs()
    lines = [Measured(name, "berth taken or free, agreement per look", f"{agree}", ">= 0.85 (step 5)")]
    if len(both):
        error = clustered(off, both["scene_id"], np.median, seed=1)
        lines.append(Measured(name, "occupied metres of taken berths, median error", f"{error}"))
    if months:
        apart, covered, labels = zip(*months, strict=True)
        mean = clustered(np.abs(apart), labels, np.mean, seed=1)
        held = clustered(covered, labels, np.mean, seed=1)
        lines += [
            Measured(name, "monthly occupancy, mean absolute error", f"{mean}"),
            Measured(name, "its 90 % interval covers the truth", f"{held}", "0.88 to 0.95 (step 6)"),
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
        alarms = sum(len(changes(case, site)) for case in cases for site in case.sites)
        years = sum(((case.end - case.start).days + 1) / 365 * len(case.sites) for case in cases)
        return [Measured(name, "changes told where nothing changed", f"{alarms} in {years:.2g} site-years")]
    happened = "first visit" if name == "najin-2023" else "change"
    lines: list[Measured] = []
    for site in cases[0].sites:
        off, covered = [], []
        for case in cases:
            true = case.truth("regimes")
            woke = true[(true["site"] == site) & (true["state"] == "active")].iloc[0]
            told_here = changes(case, site)
            for told in told_here[told_here["woke"]].head(1).itertuples():
                off.append(abs((told.start - woke["start"]).total_seconds()) / 86_400)
                covered.append(told.start_low <= woke["start"] <= told.start_high)
        lines.append(Measured(name, f"wake-up of {site} found", f"{len(off)} of {len(cases)} seeds"))
        if off:
            days = ", ".join(f"{d:.0f}" for d in off)
            lines.append(
                Measured(name, f"error of its date at {site}, days", f"{days} (median {np.median(off):.0f})")
            )
            held = f"{sum(covered)} of {len(covered)}"
            lines.append(Measured(name, f"its 90 % interval covers the {happened}, {site}", held))
    return lines


def changes(case: Case, site: str) -> pd.DataFrame:
    """Every change that the publication tells of the site."""
    return scoring.changes_told(pd.read_parquet(case.out / site / "regimes.parquet"))


def trips(cases: Sequence[Case]) -> list[Measured]:
    """Tell whether the bounds hold, and how wide they are."""
    from tasks.infer import sea_way, trips_between
    from tasks.sites import load_site

    name = cases[0].scenario
    if name != "najin-2023":
        return []
    told = []
    sea, _ = sea_way(load_site("najin"), load_site("dunay"))
    for case in cases:
        true = scoring.legs_begun(case.truth("voyages"), "najin", "dunay", case.start, case.end)
        bound = trips_between(case.out / "najin", case.out / "dunay", sea, case.end).there
        told.append((bound.at_least, bound.at_most, true))
    return bounds(name, told)


def bounds(name: str, told: Sequence[tuple[int, int | None, int]]) -> list[Measured]:
    """Word trips at least, at most (None: not limited) and true; what has no limit holds none."""
    limited = [(most, true) for _, most, true in told if most is not None]
    each = "; ".join(
        f"{least} to {'no upper limit' if most is None else most} (true {true})" for least, most, true in told
    )
    above = f"{sum(true <= most for most, true in limited)} of {len(limited)} seeds"
    if len(limited) < len(told):
        above = f"{above}, {len(told) - len(limited)} with no upper limit" if limited else "no upper limit"
    below = f"{sum(least <= true for least, _, true in told)} of {len(told)} seeds"
    return [
        Measured(name, "trips Najin to Dunay, at least to at most", each),
        Measured(name, "at least so many there were", below),
        Measured(name, "at most so many there were", above),
    ]
