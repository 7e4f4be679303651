"""How right published looks are about berths, yards and tracks, against the truth of a simulated archive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from tests.benchmarks.accuracy import Case, published
from tests.benchmarks.ground_scoring import join_trains, score_fill, score_rails
from tests.benchmarks.scoring import berth_errors

CLEAR = 0.99
"""Share of a yard that must be seen for its area to be judged."""

STACK_M2 = 300.0
"""Ground of the stacks that are judged: what a look is said to notice."""

LOADING_M2 = 1000.0
"""Change of ground between clear looks whose sign is judged."""

EVENT_M2 = 300.0
"""Gained or lost ground from which a yard is said to have been loaded or unloaded."""

LONG_M = 80.0
"""Ships at berth that radar is judged by."""

MANY = 20
"""Looks of a yard in use without which no rank correlation is stated."""


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    value: float
    count: int
    target: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one, or where there was nothing to judge."""
        if not self.target or not self.count:
            return None
        sign, bound = self.target.split()
        return self.value >= float(bound) if sign == ">=" else self.value <= float(bound)


def berth_figures(case: Case, site: str, collection: str, *, fine: bool) -> Iterator[Figure]:
    """Taken or free, and metres; of radar, berths with ships of `LONG_M` and empty ones."""
    looks, _ = published(case, site, collection)
    ships = case.truth("vessels")
    ships = ships[(ships["site"] == site) & ships["alongside"]]
    if not fine:
        short = ships[ships["length_m"] <= LONG_M][["scene_id", "zone_id"]].drop_duplicates()
        looks = looks.merge(short, on=["scene_id", "zone_id"], how="left", indicator=True)
        looks = looks[looks["_merge"] == "left_only"]
    errors = berth_errors(looks, ships)
    agree = (errors["taken"] == errors["truly_taken"]).mean()
    yield Figure("berth taken or free, agreement", agree, len(errors), ">= 0.92" if fine else ">= 0.85")
    taken = errors[errors["truly_taken"]]
    yield Figure("berth truly taken, told so", taken["taken"].mean(), len(taken))
    told = errors[errors["taken"]]
    yield Figure("berth told taken, truly so", told["truly_taken"].mean(), len(told))
    apart = (taken["occupied_m"] - taken["true_m"]).abs().median()
    yield Figure("occupied metres, median error", apart, len(taken), "<= 12" if fine else "")


def occupancy_figures(case: Case, site: str, collection: str) -> Iterator[Figure]:
    """Mean occupied share of the quay: told less true."""
    looks, _ = published(case, site, collection)
    told = looks[(looks["zone_kind"] == "berth") & looks["occupied_fraction"].notna()]
    steps = case.truth("berths")
    steps = steps[steps["site"] == site]
    true = [_share_at(steps, row.zone_id, row.acquired) for row in told.itertuples()]
    bias = float(told["occupied_fraction"].astype(float).mean() - np.mean(true))
    yield Figure("occupied share of berths, bias", bias, len(told))
    yield Figure("occupied share of berths, size of the bias", abs(bias), len(told), "<= 0.03")


def _share_at(steps: pd.DataFrame, zone: str, when: pd.Timestamp) -> float:
    row = steps[(steps["zone_id"] == zone) & (steps["start"] <= when) & (steps["end"] > when)]
    return float((row["occupied_m"] / row["quay_m"]).iloc[0]) if len(row) else 0.0


def _yards(case: Case, site: str, collection: str) -> pd.DataFrame:
    """Looks at yards that told something, with the truth beside them."""
    looks, _ = published(case, site, collection)
    true = case.truth("stacks")
    true = true[true["site"] == site][["scene_id", "zone_id", "area_m2", "boxes", "outline"]]
    rows = looks[(looks["zone_kind"] == "container_yard") & looks["fill_fraction"].notna()]
    rows = rows.merge(true, on=["scene_id", "zone_id"], how="left")
    return rows.fillna({"area_m2": 0.0, "boxes": 0})


def yard_figures(case: Case, site: str, collection: str) -> Iterator[Figure]:
    """Outlines, area, loadings and the interval of containers, at 3 m."""
    rows = _yards(case, site, collection)
    rows = rows[rows["stack_area_m2"].notna()]
    clear = rows[(rows["area_m2"] >= STACK_M2) & (rows["seen_fraction"] >= CLEAR)]
    yield Figure("stacks, median IoU", float(np.median(_ious(case, site, clear))), len(clear), ">= 0.70")
    error = (clear["stack_area_m2"] - clear["area_m2"]).astype(float) / clear["area_m2"]
    yield Figure("stack area, median error as a share", error.abs().median(), len(clear), "<= 0.15")
    yield Figure("stack area, bias as a share", error.median(), len(clear))
    empty = rows[rows["area_m2"] == 0]
    yield Figure("empty yards told empty", float((empty["stack_area_m2"] == 0).mean()), len(empty))
    inside = (rows["teu_low"] <= rows["boxes"]) & (rows["boxes"] <= rows["teu_high"])
    yield Figure("truth inside the TEU interval", float(inside.mean()), len(rows), ">= 0.90")
    full = inside[rows["boxes"] > 0]
    yield Figure("truth inside it, yards in use", float(full.mean()), len(full), ">= 0.90")
    right = [sign for _, yard in rows.groupby("zone_id") for sign in _signs(yard.sort_values("acquired"))]
    yield Figure("loadings over 0.1 ha with the right sign", float(np.mean(right)), len(right), ">= 0.95")


def _signs(yard: pd.DataFrame) -> list[bool]:
    change = yard["area_m2"].diff()
    net = (yard["gained_m2"] - yard["lost_m2"]).astype(float)
    large = change.abs() >= LOADING_M2
    return list(np.sign(change[large]) == np.sign(net[large]))


def _ious(case: Case, site: str, rows: pd.DataFrame) -> list[float]:
    drawn = gpd.read_parquet(case.out / site / "stacks.parquet")
    metres = drawn.estimate_utm_crs()
    told = drawn[drawn["what"] == "stack"].to_crs(metres).dissolve(["scene_id", "zone_id"]).geometry
    true = gpd.GeoSeries.from_wkb(rows["outline"], crs="EPSG:4326").to_crs(metres)
    found: list[float] = []
    for key, shape in zip(zip(rows["scene_id"], rows["zone_id"], strict=True), true, strict=True):
        mine = told.get(key)
        found.append(0.0 if mine is None else mine.intersection(shape).area / mine.union(shape).area)
    return found


def event_figures(case: Case, site: str, collection: str) -> Iterator[Figure]:
    """Loadings told where nothing ever moved."""
    rows = _yards(case, site, collection)
    rows = rows[rows["gained_m2"].notna()]
    years = (case.end - case.start).days / 365.25
    events = ((rows["gained_m2"] >= EVENT_M2) | (rows["lost_m2"] >= EVENT_M2)).groupby(rows["zone_id"]).sum()
    yield Figure("loadings told, worst yard, per year", float(events.max()) / years, len(rows), "<= 1")


def level_figures(case: Case, site: str, collection: str) -> Iterator[Figure]:
    """Rank correlation of a yard's level with its true fill; the median over yards that were in use."""
    looks, _ = published(case, site, collection)
    true = case.truth("stacks")
    yards = score_fill(looks, true[true["site"] == site])
    yards = yards[(yards["in_use"] >= MANY // 2) & (yards["told"] >= MANY)] if len(yards) else yards
    for what, column, target in (
        ("10 m fill, rank correlation, median yard", "rank", ">= 0.8"),
        ("10 m fill, the same where not empty", "rank_in_use", ""),
    ):
        values = yards[column].dropna() if len(yards) else pd.Series(dtype=float)
        yield Figure(what, float(values.median()), len(values), target)


def rail_figures(case: Case, site: str, collection: str) -> Iterator[Figure]:
    """Track metres under cars."""
    looks, _ = published(case, site, collection)
    trains = case.truth("rail").assign(**{name: _utc(case, name) for name in ("arrives", "leaves")})
    told = score_rails(join_trains(looks, trains))
    there, free = int(told["looks_with_train"]), int(told["looks_without"])
    yield Figure("track metres, median error as a share", told["median_error"], there, "<= 0.20")
    yield Figure("tracks taken or free, agreement", told["agreement"], there + free)
    yield Figure("metres told on free tracks, mean", told["false_m"], free)


def _utc(case: Case, column: str) -> pd.Series:
    return case.truth("rail")[column].dt.tz_localize("UTC")


def null_figures(case: Case, site: str, collection: str, forbidden: Mapping[str, str]) -> Iterator[Figure]:
    """Values that this sensor cannot carry, and values of zones of which less than half was seen."""
    looks, _ = published(case, site, collection)
    for column, sensor in forbidden.items():
        told = looks[column].notna().sum()
        yield Figure(f"{column} told from {sensor}", float(told), len(looks), "<= 0")
    measures = ["vessel_count", "occupied_m", "fill_fraction", "stack_area_m2", "rail_occupied_m"]
    blind = looks[looks["seen_fraction"] < 0.5]
    yield Figure("told of zones hardly seen", float(blind[measures].notna().sum().sum()), len(blind), "<= 0")
    silent = looks[looks[measures].isna().all(axis=1) & (looks["zone_kind"] != "pier")]
    reason = silent["flags"].fillna("") != ""
    yield Figure("nulls with their reason", float(reason.mean()), len(silent), ">= 1")
