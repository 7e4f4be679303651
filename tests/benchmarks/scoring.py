"""Published numbers against the truth of a simulation: matching, rates with intervals, errors.

Detections are matched to ships one to one, nearest first over the whole scene (Hungarian): within 200 m
offshore, as xView3 has it, and at quays within 50 m or one hull width. A ship of which the scene shows less
than half is neither owed nor a false alarm. Intervals are bootstrapped over scenes, since what goes wrong
in one scene goes wrong together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pyproj import Geod
from scipy.optimize import linear_sum_assignment

OFFSHORE_M = 200.0
QUAY_M = 50.0
OWED_SHARE = 0.5

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
        if self.n == 0 or np.isnan(self.value):
            return "no case"
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f}), n = {self.n}"


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
        apart[i] = np.where(metres <= reach, metres / reach, 1e6)
    rows, cols = linear_sum_assignment(apart)
    pairs = [(int(i), int(j)) for i, j in zip(rows, cols, strict=True) if apart[i, j] < 1e6]
    owed = truth["seen_share"].to_numpy() >= OWED_SHARE
    return [(i, j) for i, j in pairs if owed[i]], {j for i, j in pairs if not owed[i]}


def outcomes(truth: pd.DataFrame, found: pd.DataFrame, scenes: Sequence[str]) -> pd.DataFrame:
    """List every hit, miss and false alarm of some scenes.

    Returns
    -------
    pandas.DataFrame
        ``scene_id``, ``kind`` (hit, miss, false), ``alongside``, ``length_m`` (true; of a false alarm
        the measured one), ``measured_m`` (NaN for a miss).
    """
    rows: list[dict[str, Any]] = []
    ships, vessels = dict(list(truth.groupby("scene_id"))), dict(list(found.groupby("scene_id")))
    for scene_id in scenes:
        here, there = ships.get(scene_id, truth.iloc[:0]), vessels.get(scene_id, found.iloc[:0])
        pairs, excused = match_scene(here, there)
        hit = dict(pairs)
        for i, ship in enumerate(here.itertuples()):
            if ship.seen_share < OWED_SHARE:
                continue
            measured = float(there.iloc[hit[i]]["length_m"]) if i in hit else np.nan
            kind = "hit" if i in hit else "miss"
            rows.append(_outcome(scene_id, kind, ship.alongside, ship.length_m, measured))
        used = set(hit.values()) | excused
        for j, vessel in enumerate(there.itertuples()):
            if j not in used:
                rows.append(_outcome(scene_id, "false", vessel.alongside, vessel.length_m, vessel.length_m))
    return pd.DataFrame(rows, columns=["scene_id", "kind", "alongside", "length_m", "measured_m"])


def _outcome(scene_id: str, kind: str, alongside: bool, length_m: float, measured_m: float) -> dict[str, Any]:
    return {
        "scene_id": scene_id, "kind": kind, "alongside": bool(alongside), "length_m": length_m,
        "measured_m": measured_m,
    }  # fmt: skip


def rates(results: pd.DataFrame, scenes: Sequence[str], seed: int) -> dict[str, Rate]:
    """Compute precision, recall and F1 of some outcomes, bootstrapped over `scenes`."""
    table = pd.crosstab(results["scene_id"], results["kind"]).reindex(
        index=list(scenes), columns=["hit", "miss", "false"], fill_value=0
    )
    counts = table.to_numpy(float)
    ships = int(counts[:, :2].sum())

    def precision(total: Any) -> Any:
        return total[..., 0] / np.where(
            total[..., 0] + total[..., 2] > 0, total[..., 0] + total[..., 2], np.nan
        )

    def recall(total: Any) -> Any:
        return total[..., 0] / np.where(
            total[..., 0] + total[..., 1] > 0, total[..., 0] + total[..., 1], np.nan
        )

    def f1(total: Any) -> Any:
        double = 2 * total[..., 0] + total[..., 1] + total[..., 2]
        return 2 * total[..., 0] / np.where(double > 0, double, np.nan)

    found = int(counts[:, 0].sum() + counts[:, 2].sum())
    measures = {"precision": (precision, found), "recall": (recall, ships), "f1": (f1, ships)}
    return {name: bootstrapped(counts, rate, n, seed) for name, (rate, n) in measures.items()}


def _share(part: Any, whole: Any) -> Any:
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


def spread_of(values: np.ndarray, statistic: Callable[..., Any], seed: int) -> Rate:
    """Bootstrap a statistic of independent values; NaN values are left out."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    if not len(values):
        return Rate(np.nan, np.nan, np.nan, 0)
    rng = np.random.default_rng(seed)
    drawn = values[rng.integers(len(values), size=(BOOTSTRAPS, len(values)))]
    low, high = np.quantile(statistic(drawn, axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Rate(float(statistic(values)), float(low), float(high), len(values))


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
