"""The whole site month by month: quay, yards and tracks as shares, calls, and the index made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from tasks.model import Site
from tasks.products.story import value_of

WHOLE = "*"
"""Zone id of the site as a whole."""

PARTS = {"occupancy": ("quay", "berths"), "fill": ("yards", "yards"), "rail": ("tracks", "rails")}
"""Parts of the index by their columns: what to call each, and its name among the site's weights."""


@dataclass(frozen=True)
class Told:
    """A number with its 90 % interval, and the looks that it rests on."""

    mean: float | None
    """None where it could not be told."""

    low: float | None
    high: float | None
    looks: int


@dataclass(frozen=True)
class SiteMonth:
    """A whole site in one month."""

    start: datetime
    parts: Mapping[str, Told]
    """By column, in percent of what the site has."""

    index: Told
    """0 to 100."""

    calls: tuple[int, int] | None
    """At least and at most; None where it could not be told."""


def read_site_months(utilisation: pd.DataFrame) -> list[SiteMonth]:
    """Read the months of the whole site, in order of time; none where the table has none."""
    return [_month(row) for row in _rows(utilisation)]


def _rows(utilisation: pd.DataFrame) -> list[dict[Any, Any]]:
    if not len(utilisation):
        return []
    rows = utilisation[(utilisation["zone_id"] == WHOLE) & (utilisation["period"] == "month")]
    return rows.sort_values("start").to_dict("records")


def _month(row: Mapping[Any, Any]) -> SiteMonth:
    least, most = value_of(row["calls_at_least"]), value_of(row["calls_at_most"])
    return SiteMonth(
        start=pd.Timestamp(row["start"]).to_pydatetime(),
        parts={name: _told(row, f"{name}_mean", name, 100.0) for name in PARTS},
        index=_told(row, "index", "index", 1.0),
        calls=None if least is None or most is None else (int(least), int(most)),
    )


def _told(row: Mapping[Any, Any], mean: str, name: str, factor: float) -> Told:
    cells = (value_of(row[column]) for column in (mean, f"{name}_low", f"{name}_high"))
    value, low, high = (None if cell is None else factor * cell for cell in cells)
    return Told(value, low, high, int(value_of(row.get(f"{name}_looks")) or 0))


def months_view(site: Site, utilisation: pd.DataFrame) -> dict[str, Any]:
    """Give everything that the template says of the whole site's months."""
    months = read_site_months(utilisation)
    told = [name for name in PARTS if any(month.parts[name].mean is not None for month in months)]
    named = {str(row["index_of"]) for row in _rows(utilisation) if not pd.isna(row["index_of"])}
    return {
        "months": months,
        "parts": told,
        "untold": [words for name, (words, _) in PARTS.items() if name not in told],
        "index_of": _index_of(site, max(named, default="")),
        "indexed": any(month.index.mean is not None for month in months),
        "calls": any(month.calls is not None for month in months),
    }


def _index_of(site: Site, named: str) -> str:
    """Say what the index consists of, with the share of each; unknown names are not repeated."""
    here = [PARTS[name] for name in PARTS if name in named.split("+")]
    weights = [site.weights.get(weight, 0.0) for _, weight in here]
    if not sum(weights):
        return ""
    shares = [f"{100 * weight / sum(weights):.3g}\xa0%" for weight in weights]
    return ", ".join(f"{words} {share}" for (words, _), share in zip(here, shares, strict=True))
