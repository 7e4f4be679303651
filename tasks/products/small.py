"""Small multiples: each zone's months in a drawing small enough to stand beside thirty others.

One drawing fits a desk and a phone. The line is the monthly mean, the band its 90 % interval; months without
a value are hatched, so that a gap is a gap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pandas as pd
from markupsafe import Markup

from tasks.model import Site, ZoneKind
from tasks.products.chart import Frame, month_axis, nice_top
from tasks.products.headline import Regime
from tasks.products.sketch import numbered
from tasks.products.story import Month, guessed, value_of
from tasks.products.strips import spells
from tasks.products.svg import bars, hatch, paper, tag, tenths
from tasks.products.wording import MONTHS

WIDTH_PX, HEIGHT_PX = 276, 96

MEASURES = {
    ZoneKind.BERTH: ("occupancy", "% of its metres taken", 100.0),
    ZoneKind.CONTAINER_YARD: ("fill", "% of its ground, or of its own scale", 100.0),
    ZoneKind.RAIL_YARD: ("rail", "% of its track metres", 100.0),
    ZoneKind.HARBOUR_WATER: ("vessels", "vessels per look", 1.0),
    ZoneKind.ANCHORAGE: ("vessels", "vessels per look", 1.0),
}
"""By kind: columns of the monthly table, unit, and what to multiply by."""


@dataclass(frozen=True)
class Small:
    """One zone's drawing with its words."""

    number: int
    name: str
    guessed: bool
    held: bool
    """Whether any month showed something on it."""

    chart: Markup
    newest: str
    """Its newest month with a value, in words."""


def small_multiples(
    site: Site, utilisation: pd.DataFrame, months: Sequence[Month], regimes: Mapping[str, Sequence[Regime]]
) -> list[Small]:
    """Draw each zone of which any month told something, in the order of the numbers.

    Parameters
    ----------
    site
        Its measured zones are drawn.
    utilisation
        Monthly means; may be empty.
    months
        The time axis of the page.
    regimes
        Of single zones, by zone id; shaded where they are established.
    """
    if not len(utilisation) or not months:
        return []
    found = []
    monthly = utilisation[utilisation["period"] == "month"]
    for number, zone in numbered(site):
        if zone.kind not in MEASURES:
            continue
        name, unit, factor = MEASURES[zone.kind]
        rows = monthly[monthly["zone_id"] == zone.zone_id]
        known = _known(rows.to_dict("records"), name, factor, months)
        if any(month.mean is not None for month in known):
            title = f"{zone.name or zone.zone_id}: {unit}, by month"
            spells_here = regimes.get(zone.zone_id, ())
            chart = Markup(_draw(known, spells_here, title, f"small-{number}"))
            shown = zone.name or zone.zone_id
            held = any(month.mean for month in known)
            found.append(Small(number, shown, guessed(zone), held, chart, _newest(known, unit)))
    return found


def _known(
    rows: Sequence[Mapping[Any, Any]], name: str, factor: float, months: Sequence[Month]
) -> list[Month]:
    """Bring a zone's rows onto the page's months; a month without a row has no look."""
    by_start = {pd.Timestamp(row["start"]).to_pydatetime(): row for row in rows}
    found = []
    for month in months:
        row = by_start.get(month.start, {})
        mean, low, high = (
            None if (cell := value_of(row.get(f"{name}_{part}"))) is None else factor * cell
            for part in ("mean", "low", "high")
        )
        taken = int(value_of(row.get("looks")) or 0)
        found.append(Month(month.start, taken, 0, mean=mean, low=low, high=high))
    return found


def _draw(months: Sequence[Month], regimes: Sequence[Regime], title: str, key: str) -> str:
    top = nice_top([value for m in months for value in (m.high, m.mean) if value is not None])
    top = min(top, 100.0) if top > 5 else top
    frame = Frame(WIDTH_PX, HEIGHT_PX, months, top, foot=34, left=28, right=4, head=8)
    valued = [month for month in months if month.mean is not None]
    bands, means, gap = [], [], []
    for month in valued:
        x0, x1 = frame.x(month.start), frame.x(month.end)
        if month.low is not None and month.high is not None:
            y0, y1 = frame.y(min(month.high, top)), frame.y(month.low)
            bands.append((x0, y0, x1 - x0, max(0.5, y1 - y0)))
        means.append(f"M{tenths(x0)} {tenths(frame.y(min(month.mean or 0.0, top)))}H{tenths(x1)}")
    for empty, run in groupby(months, key=lambda month: month.mean is None):
        if empty:
            inside = list(run)
            x0, x1 = frame.x(inside[0].start), frame.x(inside[-1].end)
            gap.append((x0, frame.head, x1 - x0, frame.base - frame.head))
    labels = [
        tag(
            "text",
            f"{value:g}",
            class_="tick",
            x=frame.left - 4,
            y=frame.y(value) + 4,
            text_anchor="end",
        )
        for value in (0.0, top)
    ]
    body = [
        hatch(key),
        *spells(frame, regimes),
        tag("line", class_="axis", x1=frame.left, x2=frame.width - frame.right, y1=frame.base, y2=frame.base),
        *labels,
        *month_axis(frame),
        tag("path", class_="interval", d=bars(bands)),
        tag("path", class_="mean", d="".join(means)),
    ]
    if gap:
        body.append(tag("path", class_="gap", fill=f"url(#{key}-hatch)", d=bars(gap)))
    text = "Line: monthly mean; band: its 90 % interval; hatched: no value."
    return paper(frame.width, frame.height, key, title, text, body, frame.clock)


def _newest(months: Sequence[Month], unit: str) -> str:
    """Say the newest month that has a value."""
    last = next(month for month in reversed(months) if month.mean is not None)
    bounds = "" if last.low is None or last.high is None else f" ({last.low:.1f}–{last.high:.1f})"
    return f"{MONTHS[last.start.month - 1]} {last.start.year}: {last.mean:.1f}{bounds} {unit}"
