"""What the charts have in common: a frame of time and values, axes, months, and hatched gaps.

Each chart is inline SVG drawn for a stated width in CSS pixels because scaled-down text cannot be read on
a phone. A month without a value is a hatched gap and is never at 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from tasks.products.story import Month
from tasks.products.svg import MIN_LABEL_PX, tag, tenths, words
from tasks.products.wording import MONTHS

EPOCH = datetime(1970, 1, 1)

MIN_YEAR_PX = 40
"""Room that a year needs where only years are written: four bold digits and a space."""


@dataclass(frozen=True)
class Frame:
    """Where a chart's time and values lie on its paper, in CSS pixels."""

    width: float
    height: float
    months: Sequence[Month]
    top: float
    """Value at the upper edge of the plot."""

    foot: float = 40
    left: float = 30
    right: float = 8
    head: float = 24
    unit: tuple[str, ...] = ()
    """Written above the plot, or line by line beside it where there is room on the left."""

    @property
    def beside(self) -> bool:
        """Whether the left margin has room for words."""
        return self.left >= 100

    @property
    def base(self) -> float:
        """Where 0 lies."""
        return self.height - self.foot

    def x(self, when: datetime) -> float:
        """Horizontal place of a time."""
        start, end = self.months[0].start, self.months[-1].end
        return self.left + (when - start) / (end - start) * (self.width - self.left - self.right)

    @property
    def clock(self) -> dict[str, str]:
        """Where times lie, for the page's script: first and last second, and their places."""
        ends = [int((t - EPOCH).total_seconds()) for t in (self.months[0].start, self.months[-1].end)]
        places = {"data_left": tenths(self.left), "data_right": tenths(self.width - self.right)}
        return {"data_t0": str(ends[0]), "data_t1": str(ends[1]), **places, "data_foot": tenths(self.base)}

    def y(self, value: float) -> float:
        """Vertical place of a value."""
        return self.base - value / self.top * (self.base - self.head)


def nice_top(values: Sequence[float]) -> float:
    """Find the multiple of the grid's step that all values fit under."""
    top = max([1.0, *values])
    return _step(top) * math.ceil(top / _step(top))


def _step(top: float) -> int:
    """Distance of the grid lines: 1, 2 or 5 times a power of ten, five lines at most."""
    steps = [m * int(10**e) for e in range(9) for m in (1, 2, 5)]
    return next(step for step in steps if top <= 5 * step)


def month_mark(month: Month, frame: Frame, value: str) -> str:
    """Draw a month that has a value, which is given in words too."""
    x0, x1 = frame.x(month.start), frame.x(month.end)
    gap = min(2.0, (x1 - x0) / 6)
    low, mean, high = (value or 0.0 for value in (month.low, month.mean, month.high))
    says = (
        f"{MONTHS[month.start.month - 1]} {month.start.year}: {value}, "
        f"90 % interval {low:.1f}–{high:.1f}, {month.seen} of {month.taken} looks could see it"
    )
    box = {"x": x0 + gap, "width": x1 - x0 - 2 * gap}
    y0, y, y1 = frame.y(high), frame.y(mean), frame.y(low)
    band = tag("rect", class_="interval", y=y0, height=max(0.5, y1 - y0), **box)
    line = tag("line", class_="mean", x1=x0 + gap, x2=x1 - gap, y1=y, y2=y)
    return tag("g", tag("title", words(says)), band, line)


def gaps(frame: Frame, key: str, *, labels: bool) -> Iterable[str]:
    """Hatch runs of months that have nothing to show, each with its reason where it fits."""
    for reason, run in groupby(frame.months, key=lambda month: month.gap):
        if not reason:
            continue
        inside = list(run)
        x0, x1 = frame.x(inside[0].start), frame.x(inside[-1].end)
        box = {"x": x0, "y": frame.head, "width": x1 - x0, "height": frame.base - frame.head}
        hatched = tag("rect", class_="gap", fill=f"url(#{key}-hatch)", **box)
        yield tag("g", tag("title", words(reason)), hatched)
        if labels and x1 - x0 >= 10:
            x, y = (x0 + x1) / 2, (frame.head + frame.base) / 2
            turn = f"rotate(-90 {tenths(x)} {tenths(y)})" if x1 - x0 < 56 else ""
            yield tag("text", words(reason), class_="gap-label", x=x, y=y, dy="0.35em", transform=turn)


def axes(frame: Frame) -> Iterable[str]:
    """Draw unit, grid lines with their values, and the months below."""
    yield from side_words(frame)
    for value in range(0, round(frame.top) + 1, _step(frame.top)):
        y = frame.y(value)
        kind = "axis" if value == 0 else "grid"
        yield tag("line", class_=kind, x1=frame.left, x2=frame.width - frame.right, y1=y, y2=y)
        yield tag("text", str(value), class_="tick", x=frame.left - 5, y=y, dy="0.35em", text_anchor="end")
    yield from month_axis(frame)


def side_words(frame: Frame) -> Iterable[str]:
    """Write what is drawn: beside the plot where there is room, else above it."""
    if not frame.beside:
        yield tag("text", words(" ".join(frame.unit)), class_="unit", x=2, y=12)
        return
    for k, line in enumerate(frame.unit):
        kind = "unit" if k else "unit first"
        yield tag("text", words(line), class_=kind, x=2, y=frame.head + 10 + 16 * k)


def month_axis(frame: Frame) -> Iterable[str]:
    """Name months and years below the plot, as many as have room."""
    month_px = (frame.width - frame.left - frame.right) / len(frame.months)
    steps = ((s, MIN_LABEL_PX if s < 12 else MIN_YEAR_PX) for s in (1, 2, 3, 6, 12, 24, 60, 120))
    step = next((s for s, room in steps if s * month_px >= room), 240)
    for k, month in enumerate(frame.months):
        number, year, x = month.start.month, month.start.year, frame.x(month.start)
        if step < 12 and (number - 1) % step == 0:
            middle = (x + frame.x(month.end)) / 2
            name = MONTHS[number - 1]
            yield tag("text", name, class_="tick", x=middle, y=frame.height - 20, text_anchor="middle")
        if number == 1 and k:
            yield tag("line", class_="grid", x1=x, x2=x, y1=frame.head, y2=frame.base)
        room = (13 - number) * month_px > MIN_LABEL_PX
        if (number == 1 and year % max(1, step // 12) == 0) or (k == 0 and room and step < 24):
            yield tag("text", str(year), class_="tick year", x=x + 2, y=frame.height - 5)
