"""Every look as a dot: what was counted, and below the axis whether anybody looked and could see.

Each kind of mark is one path however many looks there are; what an eye cannot tell apart is thinned out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time

from tasks.model import Event
from tasks.products.chart import Frame, axes, gaps, nice_top
from tasks.products.headline import Regime
from tasks.products.story import Month
from tasks.products.strips import crosses, frame_of, spells
from tasks.products.svg import apart, discs, hatch, paper, tag, tenths

LANE_PX = 14
"""Below the axis, for when there was a look."""

NUMBER_PX = 12
"""Room of an event's number: those of events closer than this stand one below the other."""


@dataclass(frozen=True)
class Mark:
    """What one look counted."""

    when: datetime
    count: int | None
    """None where it could not see."""

    hollow: bool
    """Whether it saw a part only, or had few other images to compare with."""


def looks_chart(
    marks: Sequence[Mark],
    months: Sequence[Month],
    unit: tuple[str, ...],
    title: str,
    key: str,
    width: int,
    regimes: Sequence[Regime] = (),
    events: Sequence[Event] = (),
) -> str:
    """Draw looks as dots over months that hold them all.

    Parameters
    ----------
    marks
        At least one.
    months
        The time axis; those with a reason for having no value are hatched.
    unit
        Lines that say what is counted.
    title, key, width
        For readers who cannot see it; for ids; CSS pixels.
    regimes
        Shaded where they are established, with the interval of each change.
    events
        Marked above the plot by their numbers.
    """
    top = nice_top([mark.count for mark in marks if mark.count is not None])
    frame = frame_of(width, 190 + LANE_PX, months, top, unit, LANE_PX)
    frame = replace(frame, head=34)  # room for the regimes' names
    body = [
        hatch(key),
        *spells(frame, regimes, named=True),
        *axes(frame),
        *gaps(frame, key, labels=False),
        *_dots(marks, frame, 4.2 if width > 500 else 3.2),
        *_ticks(marks, frame),
        *_flags(events, frame),
    ]
    text = (
        "One dot per look over time. Below the axis a tick for each look that could tell and a cross "
        "for each that could not see; where there is neither, nobody looked."
    )
    return paper(frame.width, frame.height, key, title, text, body, frame.clock)


def _dots(marks: Sequence[Mark], frame: Frame, radius: float) -> Iterable[str]:
    """Draw looks that could tell: stems, full dots and hollow ones, a path each."""
    told = [mark for mark in marks if mark.count is not None]
    places = {
        hollow: apart([(frame.x(mark.when), mark.count or 0) for mark in told if mark.hollow is hollow])
        for hollow in (False, True)
    }
    stems = [(x, count) for some in places.values() for x, count in some if count]
    if stems:
        d = "".join(f"M{tenths(x)} {tenths(frame.base)}V{tenths(frame.y(count))}" for x, count in stems)
        yield tag("path", class_="stem", d=d)
    for hollow, kind in ((True, "dot unsettled"), (False, "dot")):
        if places[hollow]:
            d = discs(((x, frame.y(count)) for x, count in places[hollow]), radius)
            yield tag("path", class_=kind, d=d)


def _ticks(marks: Sequence[Mark], frame: Frame) -> Iterable[str]:
    """Draw below the axis when somebody looked at all."""
    told = apart([(frame.x(mark.when), 0) for mark in marks if mark.count is not None])
    d = "".join(f"M{tenths(x)} {tenths(frame.base + 5)}v8" for x, _ in told)
    if d:
        yield tag("path", class_="look-tick", d=d)
    yield from crosses([frame.x(mark.when) for mark in marks if mark.count is None], frame.base + 9, 6.0)


def _flags(events: Sequence[Event], frame: Frame) -> Iterable[str]:
    """Mark events by their numbers in the list below the chart."""
    before, row = -math.inf, 0
    for number, event in enumerate(events, 1):
        when = datetime.combine(event.on, time())
        if frame.months[0].start <= when < frame.months[-1].end:
            x = frame.x(when)
            yield tag("line", class_="event", x1=x, x2=x, y1=frame.head - 2, y2=frame.base)
            row = row + 1 if x - before < NUMBER_PX else 0
            yield tag(
                "text", str(number), class_="event-number", x=x + 3, y=frame.head + 10 + NUMBER_PX * row
            )
            before = x
