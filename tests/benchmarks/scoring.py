"""Published numbers against the truth of a simulation: matching, rates with intervals, errors.

Detections are matched to ships one to one within each scene. A pair may be at most 200 m apart offshore, as
xView3 has it, and at quays 50 m or one hull width. As many pairs as possible are made, and among all ways to
do so that with the least sum of distance over reach (Hungarian; pairs out of reach cost more than all
others together). A ship of which the scene shows less than half, or in a zone of which the look could not
tell, is neither owed nor a false alarm. Intervals are bootstrapped over whole scenes (or over whole seeds
and sites), since what goes wrong in one goes wrong together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from pyproj import Geod
from scipy.optimize import linear_sum_assignment

OFFSHORE_M = 200.0
QUAY_M = 50.0
OWED_SHARE = 0.5

OUT_OF_REACH = 1e6
"""Cost of a pair out of reach; within reach it is at most 1, so no number of near pairs outweighs it."""

LENGTH_CLASSES = ((0, 50), (50, 100), (100, 200), (200, 500))
"""Metres; what a 10 m radar cannot see is listed apart, not left out."""

BOOTSTRAPS = 400
LEVEL = 0.9

GEOD = Geod(ellps="WGS84")


@dataclass(frozen=True)
class Rate:
    """One figure with its 90 % interval and what it rests on."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return self.brief if self.brief == "no case" else f"{self.brief}, n = {self.n}"

    @property
    def brief(self) -> str:
        """The figure without its count."""
        if self.n == 0 or np.isnan(self.value):
            return "no case"
        if np.isnan(self.low):
            return f"{self.value:.2f} (no interval)"
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


def in_zones(ships: pd.DataFrame, looks: pd.DataFrame) -> pd.DataFrame:
    """Add to ships what the published looks say of the zones they lay in.

    Returns
    -------
    pandas.DataFrame
        `ships` with ``zone_kind``, and ``told``: whether the look could count vessels in that zone.
    """
    kinds = looks.drop_duplicates("zone_id").set_index("zone_id")["zone_kind"]
    rows = looks[looks["vessel_count"].notna()]
    told = set(zip(rows["scene_id"], rows["zone_id"], strict=True))
    keys = zip(ships["scene_id"], ships["zone_id"], strict=True)
    return ships.assign(
        zone_kind=ships["zone_id"].map(kinds).astype("string"),
        told=np.array([key in told for key in keys], dtype=bool),
    )


def is_owed(ships: pd.DataFrame) -> Any:
    """Tell which ships the pipeline could have found: seen by half, and in a zone that could be told."""
    return ((ships["seen_share"] >= OWED_SHARE) & ships["told"]).to_numpy(bool)


def match_scene(truth: pd.DataFrame, found: pd.DataFrame) -> tuple[list[tuple[int, int]], set[int]]:
    """Match one scene's detections with its ships.

    Returns
    -------
    pairs
        Positions ``(truth row, found row)``.
    excused
        Found rows that lie on a ship which the scene does not owe: no hit, and no false alarm.
    """
    if not len(truth) or not len(found):
        return [], set()
    apart = np.empty((len(truth), len(found)))
    for i, ship in enumerate(truth.itertuples()):
        reach = max(QUAY_M, ship.width_m) if ship.alongside else OFFSHORE_M
        _, _, metres = GEOD.inv(
            np.full(len(found), ship.longitude), np.full(len(found), ship.latitude),
            found["longitude"].to_numpy(), found["latitude"].to_numpy(),
        )  # fmt: skip
        apart[i] = np.where(metres <= reach, metres / reach, OUT_OF_REACH)
    rows, cols = linear_sum_assignment(apart)
    pairs = [(int(i), int(j)) for i, j in zip(rows, cols, strict=True) if apart[i, j] < OUT_OF_REACH]
    owed = is_owed(truth)
    return [(i, j) for i, j in pairs if owed[i]], {j for i, j in pairs if not owed[i]}


def outcomes(truth: pd.DataFrame, found: pd.DataFrame, scenes: Sequence[str]) -> pd.DataFrame:
    """List every hit, miss and false alarm of some scenes.

    Parameters
    ----------
    truth
        Ships, with the columns that `in_zones` adds.
    found
        ``scene_id``, ``longitude``, ``latitude``, ``length_m``, ``length_sd_m`` and ``zone_kind`` of the
        published vessels.
    scenes
        Scenes that were looked at.

    Returns
    -------
    pandas.DataFrame
        ``scene_id``, ``kind`` (hit, miss, false), ``zone_kind`` (where the ship lay; of a false alarm where
        it was told), ``length_m`` (true; of a false alarm the measured one), ``measured_m`` and its
        standard error ``length_sd_m`` (NaN for a miss); of the same types when empty.
    """
    rows: list[tuple[Any, ...]] = []
    ships, vessels = dict(list(truth.groupby("scene_id"))), dict(list(found.groupby("scene_id")))
    for scene_id in scenes:
        here, there = ships.get(scene_id, truth.iloc[:0]), vessels.get(scene_id, found.iloc[:0])
        pairs, excused = match_scene(here, there)
        hit = dict(pairs)
        for i, (ship, owed) in enumerate(zip(here.itertuples(), is_owed(here), strict=True)):
            if not owed:
                continue
            measured, sd = there.iloc[hit[i]][["length_m", "length_sd_m"]] if i in hit else (np.nan, np.nan)
            kind = "hit" if i in hit else "miss"
            rows.append((scene_id, kind, ship.zone_kind, ship.length_m, measured, sd))
        used = set(hit.values()) | excused
        for j, vessel in enumerate(there.itertuples()):
            if j not in used:
                length_m = vessel.length_m
                rows.append((scene_id, "false", vessel.zone_kind, length_m, length_m, vessel.length_sd_m))
    return pd.DataFrame(rows, columns=list(OUTCOME_TYPES)).astype(OUTCOME_TYPES)


OUTCOME_TYPES = {
    "scene_id": "string", "kind": "string", "zone_kind": "string", "length_m": "float64",
    "measured_m": "float64", "length_sd_m": "float64",
}  # fmt: skip
"""Given always: without rows pandas would make them all objects, and joined tables would be too."""


def rates(results: pd.DataFrame, scenes: Sequence[str], seed: int) -> dict[str, Rate]:
    """Compute precision, recall and F1 of some outcomes, bootstrapped over `scenes`."""
    table = pd.crosstab(results["scene_id"], results["kind"]).reindex(
        index=list(scenes), columns=["hit", "miss", "false"], fill_value=0
    )
    counts = table.to_numpy(float)
    ships = int(counts[:, :2].sum())

    def precision(total: Any) -> Any:
        return share(total[..., 0], total[..., 0] + total[..., 2])

    def recall(total: Any) -> Any:
        return share(total[..., 0], total[..., 0] + total[..., 1])

    def f1(total: Any) -> Any:
        return share(2 * total[..., 0], 2 * total[..., 0] + total[..., 1] + total[..., 2])

    found = int(counts[:, 0].sum() + counts[:, 2].sum())
    measures = {"precision": (precision, found), "recall": (recall, ships), "f1": (f1, ships)}
    return {name: bootstrapped(counts, rate, n, seed) for name, (rate, n) in measures.items()}


def share(part: Any, whole: Any) -> Any:
    """Divide arrays; NaN where there is nothing to divide by."""
    return part / np.where(whole > 0, whole, np.nan)


def bootstrapped(counts: np.ndarray, rate: Callable[[Any], Any], n: int, seed: int) -> Rate:
    """Resample scenes with replacement; `rate` takes summed counts, ``(..., column)``."""
    if not len(counts) or n == 0:
        return Rate(np.nan, np.nan, np.nan, 0)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(counts), size=(BOOTSTRAPS, len(counts)))
    with np.errstate(invalid="ignore"):
        spread = rate(counts[drawn].sum(axis=1))
        value = float(rate(counts.sum(axis=0)))
    low, high = np.nanquantile(spread, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Rate(value, float(min(low, value)), float(max(high, value)), n)


def clustered(
    values: Any, clusters: Sequence[str] | pd.Series, statistic: Callable[[Any], Any], seed: int
) -> Rate:
    """Bootstrap a statistic by drawing whole clusters with replacement.

    Parameters
    ----------
    values
        One figure per case; NaN is left out.
    clusters
        Of every case the scene, or the seed and site, that it comes from.
    statistic
        Of a 1-D array, such as `numpy.median`.
    seed
        Of the draws.

    Returns
    -------
    Rate
        Its `n` counts cases, not clusters; without an interval (NaN) from one cluster.
    """
    cases = pd.DataFrame({"value": np.asarray(values, float), "cluster": np.asarray(clusters, str)})
    cases = cases[np.isfinite(cases["value"])]
    if cases.empty:
        return Rate(np.nan, np.nan, np.nan, 0)
    groups = [group.to_numpy() for _, group in cases.groupby("cluster", sort=True)["value"]]
    value = float(statistic(cases["value"].to_numpy()))
    if len(groups) < 2:
        return Rate(value, np.nan, np.nan, len(cases))
    drawn = np.random.default_rng(seed).integers(len(groups), size=(BOOTSTRAPS, len(groups)))
    spread = [statistic(np.concatenate([groups[k] for k in draw])) for draw in drawn]
    low, high = np.quantile(spread, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Rate(value, float(min(low, value)), float(max(high, value)), len(cases))


def seen_km2(looks: pd.DataFrame, zone_km2: Mapping[str, float]) -> pd.Series:
    """Sum the water in which vessels were looked for, by scene.

    Parameters
    ----------
    looks
        One row per look × zone; a zone whose ``vessel_count`` is null was not looked at.
    zone_km2
        Area of each water zone, km².
    """
    rows = looks[looks["zone_id"].isin(list(zone_km2))]
    area = rows["zone_id"].map(zone_km2).astype(float) * rows["seen_fraction"].astype(float)
    return area.where(rows["vessel_count"].notna(), 0.0).groupby(rows["scene_id"]).sum()


def class_of(length_m: pd.Series) -> pd.Series:
    """Name the length class of each ship."""
    edges = [low for low, _ in LENGTH_CLASSES] + [np.inf]
    names = [f"{low} to {high} m" for low, high in LENGTH_CLASSES]
    names[0], names[-1] = "under 50 m", "over 200 m"
    return pd.cut(length_m, edges, labels=names, right=False)


def true_mean(steps: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> float:
    """Average occupied share of the quay over a period: metre-hours taken over metre-hours there were."""
    inside = (
        (steps["end"].clip(upper=end) - steps["start"].clip(lower=start)).dt.total_seconds().clip(lower=0)
    )
    return float((inside * steps["occupied_m"]).sum() / max(float((inside * steps["quay_m"]).sum()), 1e-9))


def berth_errors(looks: pd.DataFrame, vessels: pd.DataFrame) -> pd.DataFrame:
    """Compare every look at a berth with the hulls that truly lay there.

    Returns
    -------
    pandas.DataFrame
        ``occupied_m`` (published), ``true_m``, ``taken`` and ``truly_taken``; looks that could not tell
        are left out.
    """
    told = looks[(looks["zone_kind"] == "berth") & looks["occupied_m"].notna()]
    lying = vessels[vessels["alongside"]].groupby(["scene_id", "zone_id"])["length_m"].sum()
    keys = pd.MultiIndex.from_frame(told[["scene_id", "zone_id"]])
    true_m = lying.reindex(keys, fill_value=0.0).to_numpy()
    return pd.DataFrame(
        {
            "scene_id": told["scene_id"].to_numpy(),
            "occupied_m": told["occupied_m"].to_numpy(float),
            "true_m": true_m,
            "taken": told["occupied_m"].to_numpy(float) > 0,
            "truly_taken": true_m > 0,
        }
    )


def changes_told(regimes: pd.DataFrame) -> pd.DataFrame:
    """List every change that a publication tells of a site as a whole, up or down.

    Returns
    -------
    pandas.DataFrame
        Rows of `regimes` that begin with a change (``start_low`` not null), with ``woke``: the level rose
        over the row before, to an active one.
    """
    site = regimes[regimes["zone_id"] == "*"].sort_values(["measure", "start"])
    rose = site.groupby("measure")["level"].diff().astype(float) > 0
    site = site.assign(woke=(rose & (site["state"] == "active")).astype(bool))
    return site[site["start_low"].notna()]


def legs_begun(voyages: pd.DataFrame, origin: str, destination: str, start: date, end: date) -> int:
    """Count the true trips that began from one day to another, both included."""
    legs = voyages[(voyages["origin"] == origin) & (voyages["destination"] == destination)]
    first, after = pd.Timestamp(start), pd.Timestamp(end) + pd.Timedelta(days=1)
    return int(((legs["departs"] >= first) & (legs["departs"] < after)).sum())
