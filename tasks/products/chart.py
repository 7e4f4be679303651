"""Charts and the sketch map of the page, drawn by hand as inline SVG: tables in, strings out.

Colours are CSS classes, so the page's light, dark and print rules reach them. Each chart is drawn
for a stated width in CSS pixels because scaled-down text cannot be read on a phone. A month without
a look is a hatched gap, a look that could not see is a cross below the axis: neither is ever at 0.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from tasks.model import WATER_KINDS, Site, Zone, ZoneKind

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
UNIT = "vessels per look"
UNSETTLED = frozenset({"no_memory", "thin_memory"})
"""Flags of looks whose background rests on few scenes."""

MIN_LABEL_PX = 32
"""Room that a month or year needs on the axis."""

MAP_WIDTH_PX = 520
MAP_MARGIN = 0.06
MIN_NUMBER_PX = 14
"""A zone smaller than a square of this side goes without its number."""

METRES_PER_DEGREE = 111_320.0  # of latitude; a sketch is good to a pixel, not to a centimetre


def tag(name: str, *children: str, **attributes: str | float) -> str:
    """Write one element; attributes are escaped, children must be markup already.

    Examples
    --------
    >>> tag("text", words("a < b"), x=1.04, text_anchor="end")
    '<text x="1" text-anchor="end">a &lt; b</text>'
    """
    written = (
        f' {key.rstrip("_").replace("_", "-")}="{_number(v) if not isinstance(v, str) else html.escape(v)}"'
        for key, v in attributes.items()
    )
    return f"<{name}{''.join(written)}>{''.join(children)}</{name}>"


def words(text: str) -> str:
    """Make text inert inside markup."""
    return html.escape(text)


def _number(value: float) -> str:
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")  # + 0.0: no "-0"


@dataclass(frozen=True)
class Look:
    """One chance to see one zone."""

    when: datetime
    scene_id: str
    count: int | None
    """Vessels; None where it could not be told."""

    share: float | None
    """Share of the zone that was seen."""

    flags: frozenset[str] = frozenset()

    @property
    def unsettled(self) -> bool:
        """Whether it was measured against a background of few scenes."""
        return bool(self.flags & UNSETTLED)


@dataclass(frozen=True)
class Month:
    """One zone's looks of one month; the values are None where no look could see."""

    start: datetime
    taken: int = 0
    seen: int = 0
    share: float | None = None
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    most: int | None = None

    @property
    def end(self) -> datetime:
        """First moment of the next month."""
        return (self.start + timedelta(days=32)).replace(day=1)

    @property
    def gap(self) -> str:
        """Why there is nothing to show; empty if there is something."""
        if self.mean is not None:
            return ""
        return "no look" if not self.taken else "no value" if self.seen else "not seen"


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

    @property
    def base(self) -> float:
        """Where 0 lies."""
        return self.height - self.foot

    def x(self, when: datetime) -> float:
        """Horizontal place of a time."""
        start, end = self.months[0].start, self.months[-1].end
        return self.left + (when - start) / (end - start) * (self.width - self.left - self.right)

    def y(self, value: float) -> float:
        """Vertical place of a value."""
        return self.base - value / self.top * (self.base - self.head)


def monthly_chart(months: Sequence[Month], title: str, key: str, width: int) -> str:
    """Draw a zone's monthly means with their intervals.

    Parameters
    ----------
    months
        Every month to show, at least one, in order and without holes.
    title
        What is shown, for readers who cannot see it.
    key
        Unique on the page; ids are made from it.
    width
        CSS pixels.
    """
    top = _nice_top([value for m in months for value in (m.high, m.mean) if value is not None])
    frame = Frame(width, width // 6 + 130, months, top)
    marks = [_month_mark(month, frame) for month in months if not month.gap]
    body = [_hatch(key), *_axes(frame), *_gaps(frame, key, labels=True), *marks]
    text = f"Mean {UNIT} of each month as a line, its 90 % interval as a band; hatched months have no value."
    return _paper(frame, key, title, text, body)


def looks_chart(looks: Sequence[Look], months: Sequence[Month], title: str, key: str, width: int) -> str:
    """Draw every look at a zone as a dot; looks that could not see are crosses below the axis.

    Parameters
    ----------
    looks
        Looks within the months.
    months, title, key, width
        As for `monthly_chart`.
    """
    top = _nice_top([look.count for look in looks if look.count is not None])
    lane = 14 if any(look.count is None for look in looks) else 0
    frame = Frame(width, width // 6 + 130 + lane, months, top, foot=40 + lane)
    marks = [_look_mark(look, frame, 3.6 if width > 500 else 2.8) for look in looks]
    body = [_hatch(key), *_axes(frame), *_gaps(frame, key, labels=False), *marks]
    text = "One dot per look: vessels counted over time; crosses below the axis are looks that could not see."
    return _paper(frame, key, title, text, body)


def _nice_top(values: Sequence[float]) -> float:
    """Find the multiple of the grid's step that all values fit under."""
    top = max([1.0, *values])
    return _step(top) * math.ceil(top / _step(top))


def _step(top: float) -> int:
    """Distance of the grid lines: 1, 2 or 5 times a power of ten, five lines at most."""
    steps = [m * int(10**e) for e in range(9) for m in (1, 2, 5)]
    return next(step for step in steps if top <= 5 * step)


def _month_mark(month: Month, frame: Frame) -> str:
    x0, x1 = frame.x(month.start), frame.x(month.end)
    gap = min(2.0, (x1 - x0) / 6)
    low, mean, high = (value or 0.0 for value in (month.low, month.mean, month.high))
    says = (
        f"{MONTHS[month.start.month - 1]} {month.start.year}: {mean:.1f} {UNIT}, "
        f"90 % interval {low:.1f}–{high:.1f}, {month.seen} of {month.taken} looks saw the zone"
    )
    box = {"x": x0 + gap, "width": x1 - x0 - 2 * gap}
    y0, y, y1 = frame.y(high), frame.y(mean), frame.y(low)
    band = tag("rect", class_="interval", y=y0, height=max(0.5, y1 - y0), **box)
    line = tag("line", class_="mean", x1=x0 + gap, x2=x1 - gap, y1=y, y2=y)
    return tag("g", tag("title", words(says)), band, line)


def _look_mark(look: Look, frame: Frame, radius: float) -> str:
    x = frame.x(look.when)
    date = f"{look.when:%Y-%m-%d %H:%M} UTC"
    if look.count is None:
        note = tag("title", words(f"{date}: not seen"))
        return tag(
            "path", note, class_="unseen", d=f"M{_number(x - 3)} {_number(frame.base + 6)}l6 6m0 -6l-6 6"
        )
    note = tag("title", words(f"{date}: {look.count}"))
    kind = "dot unsettled" if look.unsettled else "dot"
    return tag("circle", note, class_=kind, cx=x, cy=frame.y(look.count), r=radius)


def _gaps(frame: Frame, key: str, *, labels: bool) -> Iterable[str]:
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
            turn = f"rotate(-90 {_number(x)} {_number(y)})" if x1 - x0 < 56 else ""
            yield tag("text", words(reason), class_="gap-label", x=x, y=y, dy="0.35em", transform=turn)


def _hatch(key: str) -> str:
    ground = tag("rect", class_="ground", width=6, height=6)
    line = tag("path", class_="hatch", d="M0 0V6")
    box: dict[str, str | float] = {"width": 6, "height": 6, "patternUnits": "userSpaceOnUse"}
    return tag("pattern", ground, line, id=f"{key}-hatch", patternTransform="rotate(45)", **box)


def _axes(frame: Frame) -> Iterable[str]:
    yield tag("text", words(UNIT), class_="unit", x=2, y=12)
    for value in range(0, round(frame.top) + 1, _step(frame.top)):
        y = frame.y(value)
        kind = "axis" if value == 0 else "grid"
        yield tag("line", class_=kind, x1=frame.left, x2=frame.width - frame.right, y1=y, y2=y)
        yield tag("text", str(value), class_="tick", x=frame.left - 5, y=y, dy="0.35em", text_anchor="end")
    yield from _month_axis(frame)


def _month_axis(frame: Frame) -> Iterable[str]:
    month_px = (frame.width - frame.left - frame.right) / len(frame.months)
    step = next((s for s in (1, 2, 3, 6, 12, 24, 60, 120) if s * month_px >= MIN_LABEL_PX), 240)
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


def _paper(frame: Frame | View, key: str, title: str, text: str, body: Iterable[str]) -> str:
    return tag(
        "svg",
        tag("title", words(title), id=f"{key}-title"),
        tag("desc", words(text), id=f"{key}-desc"),
        *body,
        viewBox=f"0 0 {_number(frame.width)} {_number(frame.height)}",
        role="img",
        aria_labelledby=f"{key}-title {key}-desc",
    )


Positions = npt.NDArray[np.float64]
"""``(n, 2)``: longitude, latitude."""


@dataclass(frozen=True)
class View:
    """A sketch map's window: degrees to CSS pixels, north up, true to scale at its middle."""

    west: float
    north: float
    px_per_lon: float
    px_per_lat: float
    height: float
    width: float = MAP_WIDTH_PX

    @property
    def px_per_m(self) -> float:
        """Scale of the sketch."""
        return self.px_per_lat / METRES_PER_DEGREE

    def place(self, lonlat: Positions) -> Positions:
        """Pixels of positions."""
        return (lonlat - [self.west, self.north]) * [self.px_per_lon, -self.px_per_lat]

    def draw(self, shape: BaseGeometry) -> BaseGeometry:
        """Draw a shape in pixels, cut off a little outside the paper."""
        return shapely.clip_by_rect(
            shapely.transform(shape, self.place), -20, -20, self.width + 20, self.height + 20
        )


def view_of(site: Site) -> View:
    """Fit a window around a site's measured zones; far-off structures may lie outside."""
    zones = site.measured_zones or site.zones
    west, south, east, north = shapely.total_bounds([zone.geometry for zone in zones])
    squeeze = np.cos(np.radians((south + north) / 2))
    wide, high = max((east - west) * squeeze, 1e-4), max(north - south, 1e-4)
    wide, high = max(wide, high / 1.2) * (1 + 2 * MAP_MARGIN), max(high, wide / 1.8) * (1 + 2 * MAP_MARGIN)
    px = MAP_WIDTH_PX / wide
    middle_lon, middle_lat = (west + east) / 2, (south + north) / 2
    return View(middle_lon - wide / squeeze / 2, middle_lat + high / 2, px * squeeze, px, high * px)


def site_map(site: Site, vessels: Positions, newest: Positions, scatterers: Positions, key: str) -> str:
    """Draw a site's zones, numbered in their order, and where vessels were found.

    Parameters
    ----------
    site
        Zones and, where known, land.
    vessels, newest
        Detections of all looks but the newest, and of the newest.
    scatterers
        Permanent scatterers.
    key
        Unique on the page; ids are made from it.
    """
    view = view_of(site)
    land = [] if site.land is None else [tag("path", class_="land", d=_path(view.draw(site.land)))]
    dots = [
        tag("circle", class_=kind, cx=x, cy=y, r=2.6)
        for kind, places in (("vessel", vessels), ("vessel newest", newest))
        for x, y in view.place(places)
    ]
    crosses = [
        tag("path", class_="scatterer", d=f"M{_number(x - 3)} {_number(y)}h6m-3 -3v6")
        for x, y in view.place(scatterers)
    ]
    body = [*land, *_outlines(site, view), *dots, *crosses, *_numbers(site, view), *_scale(view)]
    text = "North is up. Zones are numbered; dots are vessel positions, crosses permanent scatterers."
    return _paper(view, key, f"Sketch map of {site.title}", text, body)


def _outlines(site: Site, view: View) -> Iterable[str]:
    for zone in sorted(site.zones, key=lambda z: (z.kind not in WATER_KINDS, z.kind is ZoneKind.STRUCTURE)):
        kind = "water" if zone.kind in WATER_KINDS else zone.kind.value.replace("_", "-")
        guessed = " guessed" if zone.confidence.lower().startswith("low") else ""
        note = tag("title", words(zone.name or zone.zone_id))
        yield tag("path", note, class_=f"zone {kind}{guessed}", d=_path(view.draw(zone.geometry)))


def _path(shape: BaseGeometry) -> str:
    """Path data of any geometry; a point becomes a small square."""
    parts = []
    for part in shapely.get_parts(shape):
        if part.geom_type == "Polygon":
            parts += [_line(ring.coords, "Z") for ring in (part.exterior, *part.interiors)]
        elif part.geom_type == "Point":
            parts.append(f"M{_number(part.x - 2)} {_number(part.y - 2)}h4v4h-4Z")
        elif part.geom_type in ("LineString", "LinearRing"):
            parts.append(_line(part.coords, ""))
    return "".join(parts)


def _line(coords: Iterable[tuple[float, ...]], end: str) -> str:
    return "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y, *_ in coords) + end


def numbered(site: Site) -> list[tuple[int, Zone]]:
    """Give each measured zone the number that map and page call it by, water first."""
    return list(enumerate(sorted(site.measured_zones, key=lambda zone: zone.kind not in WATER_KINDS), 1))


def _numbers(site: Site, view: View) -> Iterable[str]:
    """Write the zones' numbers where there is room: none on a tiny zone or over another number."""
    taken: list[tuple[float, float]] = []
    for number, zone in numbered(site):
        shape = view.draw(zone.geometry)
        if shape.area < MIN_NUMBER_PX**2:
            continue
        spot = shape.representative_point()
        if all(math.hypot(spot.x - x, spot.y - y) > MIN_LABEL_PX for x, y in taken):
            taken.append((spot.x, spot.y))
            yield tag("text", str(number), class_="zone-number", x=spot.x, y=spot.y, dy="0.35em")


def _scale(view: View) -> Iterable[str]:
    longest = view.width * 0.3 / view.px_per_m
    metres = max(m * 10**e for e in range(7) for m in (1, 2, 5) if m * 10**e <= max(longest, 1))
    x0, y, x1 = 14.0, view.height - 14, 14 + metres * view.px_per_m
    yield tag("path", class_="scale", d=f"M{x0} {_number(y - 6)}V{_number(y)}H{_number(x1)}v-6")
    yield tag("text", f"{metres} m", class_="scale-label", x=x0 + 5, y=y - 6)
    yield tag("path", class_="north", d=f"M{_number(view.width - 20)} 12l6 18l-6 -4l-6 4Z")
    yield tag("text", "N", class_="scale-label", x=view.width - 20, y=44, text_anchor="middle")
