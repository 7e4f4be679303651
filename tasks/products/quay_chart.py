"""Charts of a site's berths as inline SVG, one above the other on one time axis.

Ships at berth in every look, the share of the quay taken by month, and which berth was taken when. A look
that could not tell is a cross and never at 0; a berth that is free is a flat line, which nothing else is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tasks.model import Event
from tasks.products.chart import Frame, axes, gaps, month_axis, month_mark, nice_top
from tasks.products.headline import Regime
from tasks.products.looks_chart import Mark, looks_chart
from tasks.products.quay import FREE, UNKNOWN, UNSEEN, Berth, Quay
from tasks.products.strips import (
    ROOMY_PX,
    crosses,
    flats,
    frame_of,
    mark_width,
    month_lines,
    row_words,
    spells,
    strip_of,
)
from tasks.products.svg import apart, bars, hatch, paper, tag, words

BAR_PX = 15
SMALLEST_BAR_PX = 5
"""A berth of which little is taken is still seen to be taken."""


def ships_chart(
    quay: Quay, regimes: Sequence[Regime], title: str, key: str, width: int, events: Sequence[Event] = ()
) -> str:
    """Draw the ships at berth in every look, before the regimes where they are established.

    Parameters
    ----------
    quay
        With at least one look.
    regimes
        Of the whole site; shaded with the interval of the change where they are established.
    title
        What is shown, for readers who cannot see it.
    key
        Unique on the page; ids are made from it.
    width
        CSS pixels.
    events
        Marked above the plot.
    """
    marks = [Mark(look.when, look.ships, look.unsettled) for look in quay.looks]
    unit = ("Ships at berth,", "in every look (at least)")
    return looks_chart(marks, quay.months, unit, title, key, width, regimes, events)


def quay_share_chart(quay: Quay, regimes: Sequence[Regime], title: str, key: str, width: int) -> str:
    """Draw the share of the quay metres that was taken, by month with its interval; as `ships_chart`."""
    top = min(100.0, nice_top([v for m in quay.months for v in (m.high, m.mean) if v is not None]))
    frame = frame_of(width, 160, quay.months, top, ("Quay metres taken,", "% by month"))
    marks = [month_mark(m, frame, f"{m.mean:.1f} % of the quay taken") for m in quay.months if not m.gap]
    body = [
        hatch(key),
        *spells(frame, regimes),
        *axes(frame),
        *gaps(frame, key, labels=True),
        *marks,
    ]
    text = "Share of the quay metres taken in each month as a line, its 90 % interval as a band."
    return paper(frame.width, frame.height, key, title, text, body, frame.clock)


def berth_grid(quay: Quay, regimes: Sequence[Regime], title: str, key: str, width: int) -> str:
    """Draw one row per berth with a mark per look; as `ships_chart`.

    A bar is as high as the share of the berth's metres that is taken; a flat line is a free berth.
    """
    roomy = width >= ROOMY_PX
    head, pitch = (20, 29) if roomy else (16, 40)
    frame = frame_of(width, head + pitch * len(quay.berths) + 40, quay.months, 1.0, ())
    frame = replace(frame, head=head)
    broad = mark_width([look.when for look in quay.looks], frame)
    bases = [head + pitch * (k + 1) - 5 for k in range(len(quay.berths))]
    rows = [
        tag("g", *_row(berth, frame, base, broad, key))
        for berth, base in zip(quay.berths, bases, strict=True)
    ]
    # Names above their rows would be crossed by what lies behind: there only the strips are shaded.
    strips = [frame] if roomy else [strip_of(frame, base - BAR_PX, base) for base in bases]
    behind = [part for strip in strips for part in (*spells(strip, regimes), *month_lines(strip))]
    count = tag("text", "taken in", class_="tick", x=width - 2, y=12, text_anchor="end")
    body = [hatch(key), *behind, *month_axis(frame), count, *rows]
    text = "One row per berth, one mark per look: bars where a ship lay, flat lines where it was free."
    return paper(frame.width, frame.height, key, title, text, body, frame.clock)


def _row(berth: Berth, frame: Frame, base: float, broad: float, key: str) -> Iterable[str]:
    told, taken = berth.told, berth.taken
    yield tag("title", words(f"{berth.name}: taken in {len(taken)} of {len(told)} looks that could see it"))
    name = f"{berth.number} · {berth.name}"
    yield from row_words(frame, base, name, f"{len(taken)} of {len(told)}", above=20)
    places = {
        state: [frame.x(look.when) for look in berth.looks if look.state == state] for state in (FREE, UNSEEN)
    }
    yield from flats(places[FREE], base, broad)
    yield from crosses(places[UNSEEN], base - 6, broad)
    unknown = [(frame.x(look.when), BAR_PX) for look in berth.looks if look.state == UNKNOWN]
    if unknown:
        d = bars((x - broad / 2, base - high, broad, high) for x, high in apart(unknown))
        yield tag("path", class_="gap unknown", fill=f"url(#{key}-hatch)", d=d)
    shares = [(frame.x(look.when), look.share or 0.0) for look in taken]
    if shares:
        highs = ((x, max(SMALLEST_BAR_PX, BAR_PX * min(1.0, share))) for x, share in apart(shares))
        yield tag("path", class_="taken", d=bars((x - broad / 2, base - h, broad, h) for x, h in highs))
