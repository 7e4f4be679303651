"""Which numbers differ between two publications of a site, and why.

A number follows from its scenes, the code that measured them, the site's file and what else the archive held
at the time; the manifests say what of that has changed. Rows are told apart by their keys, so a number that
moved is shown with what it was and what it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tasks.products.reasons import ELSEWHERE, causes, general_causes, scene_reasons

KEYS: dict[str, tuple[str, ...]] = {
    "looks": ("scene_id", "zone_id"),
    "vessels": ("scene_id", "zone_id"),
    "stacks": ("scene_id", "zone_id", "what"),
    "utilisation": ("zone_id", "period", "start"),
    "regimes": ("zone_id", "measure", "number"),
    "balance": ("berth_id", "yard_id", "first_seen"),
    "stays": ("zone_id", "berth_id", "arrive_high"),
    "voyages": ("origin_berth", "destination_berth", "leave_low", "arrive_high"),
}
"""What tells the rows of a table apart: those of these columns that it has. A table that is not among them is
compared by whole rows."""

SUMMED = {"vessels": "length_m", "stacks": "area_m2"}
"""Tables of single objects, which have no name between publications: compared by number and sum."""

WHOLE = "*"
"""Zone id of the site's own rows."""

CLOSE = 1e-9
"""Relative difference below which two floats are one number, summed in another order."""


@dataclass(frozen=True)
class Edition:
    """One publication, read."""

    manifest: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Change:
    """One number that differs, or one row that came or went."""

    table: str
    kind: str
    """``new``, ``gone`` or ``changed``."""

    zone_id: str
    """Empty where the row is of no zone."""

    period: str
    """Month of a look or visit, or the period itself: ``2023-10``, ``week 2023-10-02``."""

    row: str
    """What tells the row apart within its table, to find it again."""

    column: str
    """Empty where the row came or went."""

    was: Any
    now: Any
    """None is null: it could not be told."""

    change: float | None
    """Now less was; of times in days; None where one of them is null, or text."""

    why: tuple[str, ...]
    """One or more of the words in `tasks.products.reasons`."""


@dataclass(frozen=True)
class TableDiff:
    """How one table differs."""

    table: str
    rows_before: int
    rows_after: int
    new: int
    gone: int
    changed: int
    """Rows with at least one other number."""

    changes: tuple[Change, ...] = field(repr=False)


def differences(before: Edition, after: Edition) -> tuple[list[str], list[TableDiff]]:
    """Say what differs between two publications of a site.

    Returns
    -------
    causes
        What of that which numbers follow from has changed; empty if nothing has.
    tables
        Tables that differ, in order of their names.
    """
    reasons = scene_reasons(before.manifest, after.manifest)
    told = causes(before.manifest, after.manifest)
    general = general_causes(before.manifest, after.manifest)
    names = sorted(set(before.tables) | set(after.tables))
    looks = [_one(e, "looks") for e in (before, after)]
    spans = _changed_looks(looks, reasons)
    found = [_compare(n, _one(before, n), _one(after, n), reasons, spans, general) for n in names]
    return told, [table for table in found if table.changes]


def largest(table: TableDiff) -> list[Change]:
    """Take of every column of a table the number that changed most; a null or text where no number did."""
    best: dict[str, Change] = {}
    for one in table.changes:
        if one.kind == "changed" and (one.column not in best or _size(one) > _size(best[one.column])):
            best[one.column] = one
    return list(best.values())


def _size(change: Change) -> float:
    return -1.0 if change.change is None else abs(change.change)


def _one(edition: Edition, name: str) -> pd.DataFrame:
    table = pd.DataFrame(edition.tables.get(name, pd.DataFrame()))
    if name in SUMMED and len(table):
        grouped = table.groupby([*KEYS[name], "acquired"], dropna=False)[SUMMED[name]]
        return (
            grouped.agg(["size", "sum"]).reset_index().rename(columns={"size": "number", "sum": SUMMED[name]})
        )
    if name == "regimes" and len(table):
        return table.assign(number=table.groupby(["zone_id", "measure"]).cumcount() + 1)
    return table


def _changed_looks(looks: list[pd.DataFrame], reasons: Mapping[str, str]) -> pd.DataFrame:
    """List the looks of scenes for which something has changed: zone, time, why."""
    rows = pd.concat([t[["scene_id", "zone_id", "acquired"]] for t in looks if len(t)] or [pd.DataFrame()])
    if rows.empty:
        return pd.DataFrame(columns=["zone_id", "acquired", "why"])
    rows = rows.assign(why=rows["scene_id"].map(reasons)).dropna(subset=["why"])
    return rows[["zone_id", "acquired", "why"]].drop_duplicates()


def _compare(
    name: str,
    before: pd.DataFrame,
    after: pd.DataFrame,
    reasons: Mapping[str, str],
    spans: pd.DataFrame,
    general: tuple[str, ...],
) -> TableDiff:
    columns = list(dict.fromkeys([*before.columns, *after.columns]))
    key = [c for c in KEYS.get(name, tuple(columns)) if c in columns]
    was, now = (_keyed(t.reindex(columns=columns), key) for t in (before, after))
    gone, new = was.index.difference(now.index), now.index.difference(was.index)

    changes: list[Change] = []
    for kind, table, keys in (("gone", was, gone), ("new", now, new)):
        for k, row in table.loc[keys].to_dict("index").items():
            place = _Place.of(row, reasons, spans, general)
            changes.append(place.change(name, kind, str(k), "", None, None))
    both = was.index.intersection(now.index)
    old, young = was.loc[both], now.loc[both]
    differing = {c: both[~_same(old[c], young[c])] for c in columns if c not in key}
    touched = sorted({k for keys in differing.values() for k in keys})
    places = {
        k: _Place.of(row, reasons, spans, general) for k, row in young.loc[touched].to_dict("index").items()
    }
    for column, keys in differing.items():
        pairs = zip(keys, old.loc[keys, column], young.loc[keys, column], strict=True)
        changes += [
            places[k].change(name, "changed", str(k), column, _plain(a), _plain(b)) for k, a, b in pairs
        ]
    return TableDiff(name, len(before), len(after), len(new), len(gone), len(touched), tuple(changes))


class _Place(NamedTuple):
    """Where a row belongs, and why it differs."""

    zone_id: str
    period: str
    why: tuple[str, ...]

    @classmethod
    def of(
        cls, row: Mapping[Any, Any], reasons: Mapping[str, str], spans: pd.DataFrame, general: tuple[str, ...]
    ) -> _Place:
        return cls(_zone(row), _period(row), _why(row, reasons, spans, general))

    def change(self, table: str, kind: str, row: str, column: str, was: Any, now: Any) -> Change:
        step = _step(was, now)
        return Change(table, kind, self.zone_id, self.period, row, column, was, now, step, self.why)


def _keyed(table: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Put rows under one text each; rows of one key are numbered, so that none hides another."""
    if table.empty:
        return table.set_axis(pd.Index([], dtype=object))
    text = table[key].astype("string").fillna("").agg(" · ".join, axis=1)
    again = text.groupby(text).cumcount()
    return table.set_axis(
        pd.Index(text.where(again == 0, text + " #" + (again + 1).astype("string")), dtype=object)
    )


def _same(a: pd.Series, b: pd.Series) -> np.ndarray:
    neither = (a.isna() & b.isna()).to_numpy(bool)
    if pd.api.types.is_numeric_dtype(a) and pd.api.types.is_numeric_dtype(b):
        x, y = (s.to_numpy("float64", na_value=np.nan) for s in (a, b))
        return np.asarray(neither | np.isclose(x, y, rtol=CLOSE, atol=0))
    alike = (a.astype(object) == b.astype(object)).fillna(False).to_numpy(bool)
    return np.asarray(neither | alike)


def _zone(row: Mapping[Any, Any]) -> str:
    named = (row.get(column) for column in ("zone_id", "berth_id", "origin_berth"))
    return next((str(zone) for zone in named if zone is not None and not pd.isna(zone)), "")


def _period(row: Mapping[Any, Any]) -> str:
    if "period" in row and "start" in row:
        return f"{row['period']} {str(row['start'])[:10]}"
    for column in ("acquired", "first_seen", "arrive_high", "start"):
        if column in row and not pd.isna(row[column]):
            return str(row[column])[:7]
    return ""


def _why(
    row: Mapping[Any, Any], reasons: Mapping[str, str], spans: pd.DataFrame, general: tuple[str, ...]
) -> tuple[str, ...]:
    """Give the reason of a row: that of its scene, or those of the looks that it is made from."""
    if "scene_id" in row:
        return (reasons.get(str(row["scene_id"]), ELSEWHERE),)
    here = spans
    if (zone := _zone(row)) != WHOLE:
        here = here[here["zone_id"] == zone]
    if "period" in row and "start" in row:
        start, end = pd.Timestamp(row["start"]), pd.Timestamp(row["end"])
        here = here[(here["acquired"] >= start) & (here["acquired"] < end)]
    return tuple(sorted(set(here["why"]))) or general or (ELSEWHERE,)


def _plain(value: Any) -> Any:
    if value is None or pd.isna(value):
        return None
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, (int, float, str)) else str(value)


def _step(was: Any, now: Any) -> float | None:
    if was is None or now is None:
        return None
    if isinstance(was, (int, float)) and isinstance(now, (int, float)):
        return float(now) - float(was)
    try:
        return round((pd.Timestamp(now) - pd.Timestamp(was)) / pd.Timedelta(days=1), 3)
    except (ValueError, TypeError):
        return None
