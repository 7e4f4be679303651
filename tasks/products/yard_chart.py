"""The chart of yards and tracks as inline SVG: one row each, a mark per look, on the time axis of the berths.

A bar is as high as the share of the ground (of the track metres) that is taken, a flat line is bare ground
or track; a level is an outline, for it is no share. Ground gained and lost since the previous clear look
are marks above and below the bars, told by place and shape and not by colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tasks.products.chart import Frame, month_axis
from tasks.products.headline import Regime
from tasks.products.story import Month
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
from tasks.products.svg import apart, bars, hatch, paper, tag, tenths, words
from tasks.products.yards import UNKNOWN, Ashore, Ground

BAR_PX = 30
SMALLEST_BAR_PX = 3
"""Ground of which little is taken is still seen to be taken."""

LANE_PX = 9
"""For the marks of ground gained or lost; a row without any has no lane."""

NAME_PX = 18
"""For the name above a row where there is no room beside it."""

GAP_PX = 8
"""Between two rows."""

LEAST_LEVEL_PX = 3.0
"""Width from which an outline is seen to be hollow."""


@dataclass(frozen=True)
class Row:
    """Where one yard or bundle of tracks lies on the chart."""

    ground: Ground
    top: float
    """Upper edge of its strip, the lane for gained ground included."""

    base: float
    """Where a share of 0 lies."""

    low: float
    """Lower edge of its strip, the lane for lost ground included."""


def yard_grid(
    ashore: Ashore, months: Sequence[Month], regimes: Sequence[Regime], title: str, key: str, width: int
) -> str:
    """Draw one row per yard and bundle of tracks with a mark per look.

    Parameters
    ----------
    ashore
        At least one yard or bundle of tracks.
    months
        The time axis; holds all looks.
    regimes
        Of the whole site; shaded with the interval of the change where they are established.
    title
        What is shown, for readers who cannot see it.
    key
        Unique on the page; ids are made from it.
    width
        CSS pixels.
    """
    roomy = width >= ROOMY_PX
    head = 20.0 if roomy else 16.0
    rows = _rows(ashore.grounds, head, 0 if roomy else NAME_PX)
    frame = replace(frame_of(width, rows[-1].low + GAP_PX / 2 + 40, months, 1.0, ()), head=head)
    broad = mark_width(ashore.times, frame)
    # Names above their rows would be crossed by what lies behind: there only the strips are shaded.
    strips = [frame] if roomy else [strip_of(frame, row.top, row.low) for row in rows]
    behind = [part for strip in strips for part in (*spells(strip, regimes), *month_lines(strip))]
    count = tag("text", "looks told", class_="tick", x=width - 2, y=12, text_anchor="end")
    drawn = [tag("g", *_row(row, frame, broad, key)) for row in rows]
    text = (
        "One row per yard and bundle of tracks, one mark per look: bars as high as the share taken, flat "
        "lines where nothing stood, outlines for levels, crosses where it was not seen; triangles for ground "
        "gained (above) and lost (below)."
    )
    body = [hatch(key), *behind, *month_axis(frame), count, *drawn]
    return paper(frame.width, frame.height, key, title, text, body, frame.clock)


def _rows(grounds: Sequence[Ground], head: float, name_px: float) -> list[Row]:
    rows = []
    for ground in grounds:
        lane = LANE_PX if any(look.gained or look.lost for look in ground.told) else 0
        top = head + name_px
        base = top + lane + BAR_PX
        rows.append(Row(ground, top, base, base + lane))
        head = base + lane + GAP_PX
    return rows


def _row(row: Row, frame: Frame, broad: float, key: str) -> Iterable[str]:
    ground = row.ground
    told, looks = len(ground.told), ground.looks
    yield tag("title", words(f"{ground.name}: {told} of {len(looks)} looks told"))
    name, count = f"{ground.number} · {ground.name}", f"{told} of {len(looks)}"
    below = row.low - row.base + GAP_PX / 2
    yield from row_words(frame, row.base, name, count, above=row.base - row.top + 5, below=below)
    # Crosses first: there may be more of them than of bars, and they must not cover one.
    unseen = [frame.x(k.when) for k in looks if k.share is None and UNKNOWN not in k.flags]
    yield from crosses(unseen, row.base - 6, broad)
    empty = [frame.x(look.when) for look in ground.told if not look.share and not look.level]
    yield from flats(empty, row.base, broad)
    unknown = [(frame.x(k.when), 1.0) for k in looks if k.share is None and UNKNOWN in k.flags]
    levels = [(frame.x(look.when), look.share or 0.0) for look in ground.told if look.level]
    taken = [(frame.x(k.when), k.share or 0.0) for k in ground.told if k.share and not k.level]
    for marks, kind, wide in (
        (unknown, "gap unknown", broad),
        (levels, "level", max(broad, LEAST_LEVEL_PX)),
        (taken, "taken", broad),
    ):
        if marks:
            highs = ((x, max(SMALLEST_BAR_PX, BAR_PX * min(1.0, share))) for x, share in apart(marks))
            d = bars((x - wide / 2, row.base - high, wide, high) for x, high in highs)
            filled = {"fill": f"url(#{key}-hatch)"} if kind == "gap unknown" else {}
            yield tag("path", class_=kind, d=d, **filled)
    yield from _events(ground, frame, row)


def _events(ground: Ground, frame: Frame, row: Row) -> Iterable[str]:
    """Mark ground gained above the bars, pointing up, and ground lost below them, pointing down."""
    gained = apart([(frame.x(look.when), 0.0) for look in ground.told if look.gained])
    lost = apart([(frame.x(look.when), 0.0) for look in ground.told if look.lost])
    if gained:
        d = "".join(f"M{tenths(x - 3)} {tenths(row.top + 6.5)}h6l-3 -5.5z" for x, _ in gained)
        yield tag("path", class_="gained", d=d)
    if lost:
        d = "".join(f"M{tenths(x - 3)} {tenths(row.base + 2.5)}h6l-3 5.5z" for x, _ in lost)
        yield tag("path", class_="lost", d=d)
