"""What the page tells of stays and voyages, read out of their tables: brackets, probabilities, bounds.

An arrival lies between the last look without the ship and the first with it; where no look was before, the
bracket is open and says so. Columns that a table does not have are not told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from tasks.model import Site
from tasks.products.story import value_of
from tasks.products.wording import MONTHS, probability

NOT_TOLD = "not told"


@dataclass(frozen=True)
class Cell:
    """One cell of a table that can be sorted."""

    text: str
    order: float | str = ""
    """What it is sorted by; cells without sort last."""

    null: bool = False


@dataclass(frozen=True)
class Listing:
    """A table with what the page says above it."""

    heads: tuple[str, ...]
    numbers: frozenset[int]
    """Columns of numbers, aligned to the right."""

    rows: Sequence[tuple[Cell, ...]]


@dataclass(frozen=True)
class RoundTrips:
    """How many round trips there were with another site."""

    other: str
    at_least: int
    at_most: int


def stays_listing(site: Site, stays: pd.DataFrame | None) -> Listing | None:
    """List the stays, the newest first; None where there is no such table."""
    if stays is None:
        return None
    names = {zone.zone_id: zone.name or zone.zone_id for zone in site.zones}
    heads = ("Berth", "Arrived between", "Left between", "Length, m", "Looks", "Probability", "Status")
    rows = [
        (
            _words(names.get(str(row["zone_id"]), str(row["zone_id"]))),
            _bracket(row, "arrive", "before the first look"),
            _bracket(row, "leave", "still there when last seen"),
            _length(row),
            _number(row.get("looks"), "{:.0f}"),
            _probability(row.get("probability")),
            _status(row),
        )
        for row in _newest_first(stays, ("arrive_high", "arrive_low", "zone_id"))
    ]
    return Listing(heads, frozenset({3, 4, 5}), rows)


def voyages_listing(voyages: pd.DataFrame | None) -> Listing | None:
    """List the voyages, the newest first; None where there is no such table."""
    if voyages is None:
        return None
    heads = ("From", "To", "Left between", "Arrived between", "Length, m", "Probability", "Status")
    rows = [
        (
            _words(row.get("origin")),
            _words(row.get("destination")),
            _bracket(row, "leave", NOT_TOLD),
            _bracket(row, "arrive", NOT_TOLD),
            _length(row),
            _probability(row.get("probability")),
            _status(row),
        )
        for row in _newest_first(voyages, ("arrive_high", "leave_high", "origin"))
    ]
    return Listing(heads, frozenset({4, 5}), rows)


def round_trips(manifest: Mapping[str, Any], site_id: str) -> list[RoundTrips]:
    """Read the round trips with every other site that voyages were told with; none if there is none."""
    told = []
    for found in manifest.get("voyages", {}).values():
        other = found["to"] if found["from"] == site_id else found["from"]
        number = found["round_trips"]
        told.append(RoundTrips(str(other), int(number["at_least"]), int(number["at_most"])))
    return told


def _newest_first(table: pd.DataFrame, by: tuple[str, ...]) -> list[dict[Any, Any]]:
    known = [name for name in by if name in table]
    ordered = table.sort_values(known, ascending=False, kind="stable") if known else table
    return ordered.to_dict("records")


def _words(cell: Any) -> Cell:
    if cell is None or pd.isna(cell):
        return Cell(NOT_TOLD, null=True)
    return Cell(str(cell), str(cell))


def _bracket(row: Mapping[Any, Any], name: str, open_end: str) -> Cell:
    """Write the two times between which something happened; what is open is said in words."""
    low, high = (_time(row.get(f"{name}_{end}")) for end in ("low", "high"))
    if low is None and high is None:
        return Cell(open_end, null=True)
    at = high or low or datetime.min
    order = (at - datetime(1970, 1, 1)).total_seconds()
    if low is None or high is None:
        text = f"by {_moment(at)}, or earlier" if low is None else f"after {_moment(at)}"
        return Cell(text, order)
    second = f"{high:%H:%M}" if low.date() == high.date() else _moment(high)
    return Cell(f"{_moment(low)} – {second}", order)


def _moment(when: datetime) -> str:
    return f"{when.day} {MONTHS[when.month - 1]} {when.year} {when:%H:%M}"


def _time(cell: Any) -> datetime | None:
    return None if cell is None or pd.isna(cell) else pd.Timestamp(cell).to_pydatetime()


def _length(row: Mapping[Any, Any]) -> Cell:
    ends = ("", "origin_")  # of a voyage the ship's length at its first berth
    length, error = (
        next((v for end in ends if (v := value_of(row.get(f"{end}{name}"))) is not None), None)
        for name in ("length_m", "length_sd_m")
    )
    if length is None:
        return Cell(NOT_TOLD, null=True)
    return Cell(f"{length:.0f}" + (f" ± {error:.0f}" if error else ""), length)


def _number(cell: Any, form: str) -> Cell:
    value = value_of(cell)
    return Cell(NOT_TOLD, null=True) if value is None else Cell(form.format(value), value)


def _probability(cell: Any) -> Cell:
    value = value_of(cell)
    return Cell(NOT_TOLD, null=True) if value is None else Cell(probability(value), value)


def _status(row: Mapping[Any, Any]) -> Cell:
    known = _time(row.get("knowable_on"))
    status = _words(row.get("status"))
    if known is None or status.null:
        return status
    return Cell(f"{status.text}; knowable on {known.day} {MONTHS[known.month - 1]} {known.year}", status.text)
