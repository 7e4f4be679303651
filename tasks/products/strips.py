"""Rows of marks on one time axis: names on the left, counts on the right, regimes and months behind.

What the charts of berths and of yards have in common. A phone has no room for names beside their rows, so
there they stand above.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from tasks.products.chart import Frame
from tasks.products.headline import Regime, names
from tasks.products.story import Month
from tasks.products.svg import apart, tag, tenths, words

ROOMY_PX = 600
"""From this width names stand to the left of their rows; below, above them."""

NAMES_PX, COUNTS_PX = 252, 82
"""Margins for the rows' names and for what is counted of each."""

PX_PER_LETTER = 6.2
"""A little more than the mean of the page's fonts at 12 px."""

MIN_MONTH_PX = 16
"""Where months are narrower only years are ruled off."""

MARK_PX = (1.2, 11.0)
"""Narrowest and widest mark of a look: it stands for a minute, so days between looks stay blank."""


def frame_of(
    width: int, height: float, months: Sequence[Month], top: float, unit: tuple[str, ...], lane: int = 0
) -> Frame:
    """Lay out a chart; all of a page have the same time axis one above the other."""
    left, right = (NAMES_PX, COUNTS_PX) if width >= ROOMY_PX else (30, 8)
    return Frame(width, height, months, top, foot=40 + lane, left=left, right=right, unit=unit)


def strip_of(frame: Frame, top: float, base: float) -> Frame:
    """Cut a row out of a chart's frame."""
    return replace(frame, head=top - 1, foot=frame.height - base - 1)


def _within(frame: Frame, when: datetime) -> float:
    """Horizontal place of a time, cut off at the ends of the plot."""
    return frame.x(min(max(when, frame.months[0].start), frame.months[-1].end))


def spells(frame: Frame, regimes: Sequence[Regime], *, named: bool = False) -> Iterable[str]:
    """Shade established regimes: active ones tinted, and where the change between two of them lies."""
    if not regimes or not all(regime.established for regime in regimes):
        return
    high = frame.base - frame.head
    for regime, name in zip(regimes, names(regimes), strict=True):
        x0 = _within(frame, regime.start) if regime.start_low else frame.left
        x1 = _within(frame, regime.end) if regime.end else frame.width - frame.right
        kind = " ".join(["spell", *(k for k in ("active", "paused", "busier") if k in (regime.state, name))])
        yield tag("rect", class_=kind, x=x0, y=frame.head, width=x1 - x0, height=high)
    for regime in regimes:
        if regime.start_low is None or regime.start_high is None:
            continue
        x0, x, x1 = (_within(frame, when) for when in (regime.start_low, regime.start, regime.start_high))
        sure = "" if regime.status == "confirmed" else " provisional"
        yield tag("rect", class_="change", x=x0, y=frame.head, width=x1 - x0, height=high)
        yield tag("line", class_=f"change-date{sure}", x1=x, x2=x, y1=frame.head, y2=frame.base)
    if named:
        yield from _spell_names(frame, regimes)


def _spell_names(frame: Frame, regimes: Sequence[Regime]) -> Iterable[str]:
    """Name regimes above the plot, clear of the change's interval, where there is room."""
    for k, (regime, name) in enumerate(zip(regimes, names(regimes), strict=True)):
        after = regimes[k + 1] if k + 1 < len(regimes) else None
        x0 = _within(frame, regime.start_high) if regime.start_low and regime.start_high else frame.left
        x1 = _within(frame, after.start_low) if after and after.start_low else frame.width - frame.right
        if x1 - x0 > len(name) * PX_PER_LETTER:
            yield tag("text", words(name), class_="spell-name", x=(x0 + x1) / 2, y=frame.head - 7)


def month_lines(frame: Frame) -> Iterable[str]:
    """Rule off the months, or the years where months are narrow."""
    crowded = (frame.width - frame.left - frame.right) / len(frame.months) < MIN_MONTH_PX
    for month in frame.months:
        if crowded and month.start.month != 1:
            continue
        x = frame.x(month.start)
        yield tag("line", class_="grid", x1=x, x2=x, y1=frame.head, y2=frame.base)


def mark_width(times: Sequence[datetime], frame: Frame) -> float:
    """Find a width for marks that half of all neighbours have room for.

    Two tracks may pass half a day apart: were they to set the width, every mark would be a hair.
    """
    places = [frame.x(when) for when in times]
    steps = sorted(b - a for a, b in pairwise(places) if b > a)
    least, most = MARK_PX
    return min(most, max(least, 0.8 * steps[len(steps) // 2])) if steps else most


def crosses(places: Iterable[float], middle: float, broad: float) -> Iterable[str]:
    """Draw the looks of a row that did not see: one path, nothing without a look."""
    reach = min(3.0, max(broad / 2, 1.5))
    d = "".join(
        f"M{tenths(x - reach)} {tenths(middle - reach)}l{tenths(2 * reach)} {tenths(2 * reach)}"
        f"m0 {tenths(-2 * reach)}l{tenths(-2 * reach)} {tenths(2 * reach)}"
        for x, _ in apart([(x, 0.0) for x in places])
    )
    if d:
        yield tag("path", class_="unseen", d=d)


def flats(places: Iterable[float], base: float, broad: float) -> Iterable[str]:
    """Draw the looks of a row that saw it empty: one path, nothing without a look."""
    kept = apart([(x, 0.0) for x in places])
    d = "".join(f"M{tenths(x - broad / 2)} {tenths(base - 1)}h{tenths(broad)}" for x, _ in kept)
    if d:
        yield tag("path", class_="free", d=d)


def row_words(
    frame: Frame, base: float, name: str, count: str, *, above: float, below: float = 4
) -> Iterable[str]:
    """Write a row's name and its count, beside the row or so far above its base, and rule it off below."""
    if frame.beside:
        lines, y, end = _fitted(name, frame.left - 14, 2), base - 4, base - 3
    else:
        lines, y, end = _fitted(name, frame.width - 70, 1), base - above, base - above
    for k, line in enumerate(lines):
        at = y - 12 * (len(lines) - 1 - k) + (4 if len(lines) > 1 else 0)
        yield tag("text", words(line), class_="row-name", x=2, y=at)
    yield tag("text", words(count), class_="row-name", x=frame.width - 2, y=end, text_anchor="end")
    yield tag("line", class_="grid", x1=0, x2=frame.width, y1=base + below, y2=base + below)


def _fitted(name: str, room: float, lines: int) -> list[str]:
    """Break a name into lines that fit; what is too much goes from its middle: names differ at the end."""
    letters = int(room / PX_PER_LETTER)
    if len(name) > letters * lines:
        kept = letters * lines - 4 * lines  # words break before the line is full
        name = f"{name[: kept // 2].rstrip()} … {name[-(kept // 2) :].lstrip()}"
    return textwrap.wrap(name, letters)[:lines]
