"""Charts of a site's berths as inline SVG, one above the other on one time axis.

Ships at berth in every look, the share of the quay taken by month, and which berth was taken when. A look
that could not tell is a cross and never at 0; a berth that is free is a flat line, which nothing else is.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from tasks.products.chart import Frame, axes, gaps, hatch, month_axis, month_mark, nice_top
from tasks.products.headline import Regime
from tasks.products.quay import FREE, TAKEN, UNKNOWN, UNSEEN, Berth, BerthLook, Quay, QuayLook
from tasks.products.story import Month
from tasks.products.svg import paper, tag, tenths, words

ROOMY_PX = 600
"""From this width names stand to the left of their rows; below, above them."""

NAMES_PX, COUNTS_PX = 252, 82
"""Margins for the berths' names and for how often each was taken."""

PX_PER_LETTER = 6.2
"""A little more than the mean of the page's fonts at 12 px."""

BAR_PX = 15
SMALLEST_BAR_PX = 5
"""A berth of which little is taken is still seen to be taken."""

MIN_MONTH_PX = 16
"""Where months are narrower only years are ruled off."""

MARK_PX = (1.2, 11.0)
"""Narrowest and widest mark of a look: it stands for a minute, so days between looks stay blank."""


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
    frame = _frame(width, 190 + lane, quay.months, top, ("Ships at berth,", "in every look (at least)"), lane)
    frame = replace(frame, head=34)  # room for the regimes' names
    marks = [part for look in quay.looks for part in _look_marks(look, frame, 4.2 if width > 500 else 3.2)]
    body = [
        hatch(key),
        *_spells(frame, regimes, named=True),
        *axes(frame),
        *gaps(frame, key, labels=False),
        *marks,
    ]
    text = "One dot per look: ships at berth over time; crosses below the axis are looks that could not see."
    return paper(frame.width, frame.height, key, title, text, body)


def quay_share_chart(quay: Quay, regimes: Sequence[Regime], title: str, key: str, width: int) -> str:
    """Draw the share of the quay metres that was taken, by month with its interval; as `ships_chart`."""
    top = min(100.0, nice_top([v for m in quay.months for v in (m.high, m.mean) if v is not None]))
    frame = _frame(width, 160, quay.months, top, ("Quay metres taken,", "% by month"))
    marks = [month_mark(m, frame, f"{m.mean:.1f} % of the quay taken") for m in quay.months if not m.gap]
    body = [
        hatch(key),
        *_spells(frame, regimes),
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
    frame = _frame(width, head + pitch * len(quay.berths) + 40, quay.months, 1.0, ())
    frame = replace(frame, head=head)
    broad = _mark_width(quay.looks, frame)
    bases = [head + pitch * (k + 1) - 5 for k in range(len(quay.berths))]
    rows = [
        tag("g", *_row(berth, frame, base, broad, key))
        for berth, base in zip(quay.berths, bases, strict=True)
    ]
    # Names above their rows would be crossed by what lies behind: there only the strips are shaded.
    strips = [frame] if roomy else [_strip(frame, base) for base in bases]
    behind = [part for strip in strips for part in (*_spells(strip, regimes), *_month_lines(strip))]
    count = tag("text", "taken in", class_="tick", x=width - 2, y=12, text_anchor="end")
    body = [hatch(key), *behind, *month_axis(frame), count, *rows]
    text = "One row per berth, one mark per look: bars where a ship lay, flat lines where it was free."
    return paper(frame.width, frame.height, key, title, text, body)


def _frame(
    width: int, height: float, months: Sequence[Month], top: float, unit: tuple[str, ...], lane: int = 0
) -> Frame:
    left, right = (NAMES_PX, COUNTS_PX) if width >= ROOMY_PX else (30, 8)
    return Frame(width, height, months, top, foot=40 + lane, left=left, right=right, unit=unit)


def _strip(frame: Frame, base: float) -> Frame:
    """Cut a row of the grid out of its frame."""
    return replace(frame, head=base - BAR_PX - 1, foot=frame.height - base - 1)


def _within(frame: Frame, when: datetime) -> float:
    """Horizontal place of a time, cut off at the ends of the plot."""
    return frame.x(min(max(when, frame.months[0].start), frame.months[-1].end))


def _spells(frame: Frame, regimes: Sequence[Regime], *, named: bool = False) -> Iterable[str]:
    """Shade established regimes: active ones tinted, and where the change between two of them lies."""
    if not regimes or not all(regime.established for regime in regimes):
        return
    high = frame.base - frame.head
    for regime in regimes:
        x0 = _within(frame, regime.start) if regime.start_low else frame.left
        x1 = _within(frame, regime.end) if regime.end else frame.width - frame.right
        kind = "spell active" if regime.state == "active" else "spell"
        yield tag("rect", class_=kind, x=x0, y=frame.head, width=x1 - x0, height=high)
    for regime in regimes:
        if regime.start_low is None or regime.start_high is None:
            continue
        x0, x, x1 = (_within(frame, when) for when in (regime.start_low, regime.start, regime.start_high))
        yield tag("rect", class_="change", x=x0, y=frame.head, width=x1 - x0, height=high)
        yield tag("line", class_="change-date", x1=x, x2=x, y1=frame.head, y2=frame.base)
    if named:
        yield from _spell_names(frame, regimes)


def _spell_names(frame: Frame, regimes: Sequence[Regime]) -> Iterable[str]:
    """Name regimes above the plot, clear of the change's interval, where there is room."""
    for k, regime in enumerate(regimes):
        after = regimes[k + 1] if k + 1 < len(regimes) else None
        x0 = _within(frame, regime.start_high) if regime.start_low and regime.start_high else frame.left
        x1 = _within(frame, after.start_low) if after and after.start_low else frame.width - frame.right
        if x1 - x0 > len(regime.state) * PX_PER_LETTER:
            yield tag("text", words(regime.state), class_="spell-name", x=(x0 + x1) / 2, y=frame.head - 7)


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


def _month_lines(frame: Frame) -> Iterable[str]:
    crowded = (frame.width - frame.left - frame.right) / len(frame.months) < MIN_MONTH_PX
    for month in frame.months:
        if crowded and month.start.month != 1:
            continue
        x = frame.x(month.start)
        yield tag("line", class_="grid", x1=x, x2=x, y1=frame.head, y2=frame.base)


def _mark_width(looks: Sequence[QuayLook], frame: Frame) -> float:
    """Find a width for marks that half of all neighbours have room for.

    Two tracks may pass half a day apart: were they to set the width, every mark would be a hair.
    """
    places = [frame.x(look.when) for look in looks]
    steps = sorted(b - a for a, b in pairwise(places) if b > a)
    least, most = MARK_PX
    return min(most, max(least, 0.8 * steps[len(steps) // 2])) if steps else most


def _row(berth: Berth, frame: Frame, base: float, broad: float, key: str) -> Iterable[str]:
    told, taken = berth.told, berth.taken
    yield tag("title", words(f"{berth.name}: taken in {len(taken)} of {len(told)} looks that could see it"))
    yield from _row_words(berth, frame, base, f"{len(taken)} of {len(told)}")
    half = broad / 2
    free = "".join(
        f"M{tenths(frame.x(look.when) - half)} {tenths(base - 1)}h{tenths(broad)}"
        for look in berth.looks
        if look.state == FREE
    )
    if free:
        yield tag("path", class_="free", d=free)
    reach = min(3.0, max(half, 1.5))
    crosses = "".join(
        f"M{tenths(frame.x(look.when) - reach)} {tenths(base - 6 - reach)}l{tenths(2 * reach)} "
        f"{tenths(2 * reach)}m0 {tenths(-2 * reach)}l{tenths(-2 * reach)} {tenths(2 * reach)}"
        for look in berth.looks
        if look.state == UNSEEN
    )
    if crosses:
        yield tag("path", class_="unseen", d=crosses)
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


def _row_words(berth: Berth, frame: Frame, base: float, count: str) -> Iterable[str]:
    """Write a berth's name and how often it was taken, beside its row or above it."""
    name = f"{berth.number} · {berth.name}"
    if frame.beside:
        lines, y, end = _fitted(name, frame.left - 14, 2), base - 4, base - 3
    else:
        lines, y, end = _fitted(name, frame.width - 70, 1), base - 20, base - 20
    for k, line in enumerate(lines):
        at = y - 12 * (len(lines) - 1 - k) + (4 if len(lines) > 1 else 0)
        yield tag("text", words(line), class_="row-name", x=2, y=at)
    yield tag("text", words(count), class_="row-name", x=frame.width - 2, y=end, text_anchor="end")
    yield tag("line", class_="grid", x1=0, x2=frame.width, y1=base + 4, y2=base + 4)


def _fitted(name: str, room: float, lines: int) -> list[str]:
    """Break a name into lines that fit; what is too much goes from its middle: names differ at the end."""
    letters = int(room / PX_PER_LETTER)
    if len(name) > letters * lines:
        kept = letters * lines - 4 * lines  # words break before the line is full
        name = f"{name[: kept // 2].rstrip()} … {name[-(kept // 2) :].lstrip()}"
    return textwrap.wrap(name, letters)[:lines]
