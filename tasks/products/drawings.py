"""The page's charts, each drawn for a desk and for a phone; what draws them escapes what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from markupsafe import Markup

from tasks.model import Event
from tasks.products.headline import Regime
from tasks.products.looks_chart import Mark, looks_chart
from tasks.products.quay import Quay
from tasks.products.quay_chart import berth_grid, quay_share_chart, ships_chart
from tasks.products.story import Month, ZoneStory
from tasks.products.yard_chart import yard_grid
from tasks.products.yards import Ashore

WIDTHS_PX = {"wide": 860, "narrow": 340}
"""Each chart is drawn for a desk or paper, and for a phone."""

Charts = dict[str, dict[str, Markup]]
"""By size and name."""


def water_charts(story: ZoneStory, months: Sequence[Month], events: Sequence[Event]) -> Charts:
    """Draw every look at a water zone over some months; without a look there is nothing to draw."""
    if not story.looks:
        return {}
    known = {month.start: month for month in story.months}
    over = [known.get(month.start, month) for month in months]
    marks = [Mark(look.when, look.count, look.unsettled) for look in story.looks]
    title, unit = f"{story.name}: vessels in every look", ("Vessels,", "in every look")
    return {
        size: {
            "looks": Markup(
                looks_chart(
                    marks,
                    over,
                    unit,
                    title,
                    f"l{story.number}-{size}",
                    width,
                    events=events,
                )
            )
        }
        for size, width in WIDTHS_PX.items()
    }


def quay_charts(quay: Quay, spells: Sequence[Regime], events: Sequence[Event] = ()) -> Charts:
    """Draw the three charts of the berths, events marked on the first; without a berth there are none."""
    if not quay.berths:
        return {}
    drawings: Mapping[str, tuple[Callable[..., str], str]] = {
        "ships": (partial(ships_chart, events=events), "Ships at berth in every look"),
        "shares": (quay_share_chart, "Share of the quay metres taken, by month"),
        "grid": (berth_grid, "Which berth was taken when"),
    }
    return {
        size: {
            name: Markup(draw(quay, spells, title, f"{name}-{size}", width))
            for name, (draw, title) in drawings.items()
        }
        for size, width in WIDTHS_PX.items()
    }


def yard_charts(ashore: Ashore, months: Sequence[Month], spells: Sequence[Regime]) -> Charts:
    """Draw the chart of yards and tracks over some months; where none was told of there is none."""
    if not ashore.grounds:
        return {}
    title = "How much of each yard and of each bundle of tracks was taken when"
    return {
        size: {"grid": Markup(yard_grid(ashore, months, spells, title, f"ashore-{size}", width))}
        for size, width in WIDTHS_PX.items()
    }


def shaded(spells: Sequence[Regime]) -> str:
    """Tell what is shaded behind the charts: nothing, a regime, or regimes and a change."""
    if not spells or not all(spell.established for spell in spells):
        return ""
    return "change" if len(spells) > 1 else "steady"
