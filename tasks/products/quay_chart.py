"""Charts of a site's berths as inline SVG, one above the other on one time axis.

Ships at berth in every look, the share of the quay taken by month, and which berth was taken when. A look
that could not tell is a cross and never at 0; a berth that is free is a flat line, which nothing else is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tasks.products.chart import Frame, axes, gaps, hatch, month_axis, month_mark, nice_top
from tasks.products.headline import Regime
from tasks.products.quay import FREE, TAKEN, UNKNOWN, UNSEEN, Berth, BerthLook, Quay, QuayLook
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
from tasks.products.svg import paper, tag, tenths, words

BAR_PX = 15
SMALLEST_BAR_PX = 5
"""A berth of which little is taken is still seen to be taken."""


def ships_chart(quay: Quay, regimes: Sequence[Regime], title: str, key: str, width: int) -> str:
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
    """
    lane = 14 if len(quay.told) < len(quay.looks) else 0
    top = nice_top([look.ships for look in quay.looks if look.ships is not None])
    frame = frame_of(
        width, 190 + lane, quay.months, top, ("Ships at berth,", "in every look (at least)"), lane
    )
    frame = replace(frame, head=34)  # room for the regimes' names
    marks = [part for look in quay.looks for part in _look_marks(look, frame, 4.2 if width > 500 else 3.2)]
    body = [
        hatch(key),
        *spells(frame, regimes, named=True),
        *axes(frame),
        *gaps(frame, key, labels=False),
        *marks,
    ]
    text = "One dot per look: ships at berth over time; crosses below the axis are looks that could not see."
    return paper(frame.width, frame.height, key, title, text, body)


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
    return paper(frame.width, frame.height, key, title, text, body)


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
    return paper(frame.width, frame.height, key, title, text, body)


def _look_marks(look: QuayLook, frame: Frame, radius: float) -> Iterable[str]:
    x, date = frame.x(look.when), f"{look.when:%Y-%m-%d %H:%M} UTC"
    if look.ships is None:
        note = tag("title", words(f"{date}: could not see the berths"))
        path = f"M{tenths(x - 3)} {tenths(frame.base + 6)}l6 6m0 -6l-6 6"
        yield tag("path", note, class_="unseen", d=path)
        return
    says = f"{date}: at least {look.ships}, from {look.told} of {look.berths} berths"
    y = frame.y(look.ships)
    if look.ships:
        yield tag("line", class_="stem", x1=x, x2=x, y1=frame.base, y2=y)
    kind = "dot unsettled" if look.unsettled else "dot"
    yield tag("circle", tag("title", words(says)), class_=kind, cx=x, cy=y, r=radius)


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
    for look in berth.looks:
        if look.state in (TAKEN, UNKNOWN):
            yield _bar(look, frame, base, broad, key)


def _bar(look: BerthLook, frame: Frame, base: float, broad: float, key: str) -> str:
    date = f"{look.when:%Y-%m-%d %H:%M} UTC"
    x = frame.x(look.when) - broad / 2
    if look.state == UNKNOWN:
        note, box = tag("title", words(f"{date}: not measurable")), {"y": base - BAR_PX, "height": BAR_PX}
        return tag("rect", note, class_="gap unknown", fill=f"url(#{key}-hatch)", x=x, width=broad, **box)
    share = look.share or 0.0
    metres = f", {look.metres:.0f} m" if look.metres is not None else ""
    note = tag("title", words(f"{date}: {100 * share:.0f} % of the berth taken{metres}"))
    high = max(SMALLEST_BAR_PX, BAR_PX * min(1.0, share))
    return tag("rect", note, class_="taken", x=x, y=base - high, width=broad, height=high)
