"""The sketch map of a site as inline SVG: its zones, numbered, and where vessels were found.

Knows how degrees become pixels and where a number has room.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from tasks.model import WATER_KINDS, Site, Zone, ZoneKind
from tasks.products.svg import hatch, paper, tag, tenths, words

MAP_WIDTH_PX = 520
MAP_MARGIN = 0.06
MIN_NUMBERS_PX = 22
"""Distance at which two numbers are still read apart."""

MIN_NUMBER_PX = 14
"""A zone smaller than a square of this side goes without its number."""

METRES_PER_DEGREE = 111_320.0  # of latitude; a sketch is good to a pixel, not to a centimetre

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


def view_of(site: Site, *, close: bool = False) -> View:
    """Fit a window around a site's measured zones; far-off structures may lie outside.

    `close` leaves water zones out, where there are others: berths and yards are small beside a roadstead.
    """
    zones = site.measured_zones or site.zones
    zones = tuple(z for z in zones if not close or z.kind not in WATER_KINDS) or zones
    west, south, east, north = shapely.total_bounds([zone.geometry for zone in zones])
    squeeze = np.cos(np.radians((south + north) / 2))
    wide, high = max((east - west) * squeeze, 1e-4), max(north - south, 1e-4)
    wide, high = max(wide, high / 1.2) * (1 + 2 * MAP_MARGIN), max(high, wide / 1.8) * (1 + 2 * MAP_MARGIN)
    px = MAP_WIDTH_PX / wide
    middle_lon, middle_lat = (west + east) / 2, (south + north) / 2
    return View(middle_lon - wide / squeeze / 2, middle_lat + high / 2, px * squeeze, px, high * px)


def site_map(
    site: Site,
    view: View,
    key: str,
    *,
    vessels: Positions | None = None,
    scatterers: Positions | None = None,
    states: Mapping[str, str] | None = None,
    hulls: str = "",
) -> str:
    """Draw a site's zones, numbered in their order, and where vessels were found.

    Parameters
    ----------
    site
        Zones and, where known, land.
    view
        The window.
    key
        Unique on the page; ids are made from it.
    vessels
        Detections of all looks.
    scatterers
        Permanent scatterers.
    states
        What one day showed of each zone, by zone id: one letter. Zones are then drawn by it, and the page's
        script finds them by ``data-zone``.
    hulls
        Path data of that day's vessels.
    """
    land = [] if site.land is None else [tag("path", class_="land", d=path_of(view.draw(site.land)))]
    dots = "".join(f"M{tenths(x)} {tenths(y)}h0" for x, y in _inside(vessels, view))
    crosses = "".join(f"M{tenths(x - 3)} {tenths(y)}h6m-3 -3v6" for x, y in _inside(scatterers, view))
    drawn = [tag("path", class_=kind, d=d) for kind, d in (("vessel", dots), ("scatterer", crosses)) if d]
    found = [tag("path", class_="hull", d=hulls)] if states is not None else []
    body = [*land, *_outlines(site, view, key, states), *drawn, *found, *_numbers(site, view), *_scale(view)]
    text = "North is up. Zones are numbered as in the lists; what they showed stands there in words."
    if states is not None:
        body.insert(0, hatch(key))
    return paper(view.width, view.height, key, f"Sketch map of {site.title}", text, body)


def _inside(places: Positions | None, view: View) -> Iterable[tuple[float, float]]:
    """Pixels of the positions that lie on the paper."""
    for x, y in view.place(places) if places is not None and len(places) else ():
        if 0 <= x <= view.width and 0 <= y <= view.height:
            yield float(x), float(y)


def _outlines(site: Site, view: View, key: str, states: Mapping[str, str] | None) -> Iterable[str]:
    for zone in sorted(site.zones, key=lambda z: (z.kind not in WATER_KINDS, z.kind is ZoneKind.STRUCTURE)):
        kind = "water" if zone.kind in WATER_KINDS else zone.kind.value.replace("_", "-")
        guess = " guessed" if zone.confidence.lower().startswith("low") else ""
        note = tag("title", words(zone.name or zone.zone_id))
        d = path_of(view.draw(zone.geometry))
        if states is not None and zone.zone_id in states:
            state = f"zone {kind}{guess} is-{states[zone.zone_id]}"
            yield tag("path", class_="untold", fill=f"url(#{key}-hatch)", d=d)
            yield tag("path", note, class_=state, d=d, data_zone=zone.zone_id)
        else:
            yield tag("path", note, class_=f"zone {kind}{guess}", d=d)


def path_of(shape: BaseGeometry) -> str:
    """Path data of any geometry; a point becomes a small square."""
    parts = []
    for part in shapely.get_parts(shape):
        if part.geom_type == "Polygon":
            parts += [_line(ring.coords, "Z") for ring in (part.exterior, *part.interiors)]
        elif part.geom_type == "Point":
            parts.append(f"M{tenths(part.x - 2)} {tenths(part.y - 2)}h4v4h-4Z")
        elif part.geom_type in ("LineString", "LinearRing"):
            parts.append(_line(part.coords, ""))
    return "".join(parts)


def _line(coords: Iterable[tuple[float, ...]], end: str) -> str:
    return "M" + "L".join(f"{tenths(x)} {tenths(y)}" for x, y, *_ in coords) + end


def numbered(site: Site) -> list[tuple[int, Zone]]:
    """Give each measured zone the number that map and page call it by, water first."""
    return list(enumerate(sorted(site.measured_zones, key=lambda zone: zone.kind not in WATER_KINDS), 1))


def _numbers(site: Site, view: View) -> Iterable[str]:
    """Write the zones' numbers where there is room: none on a tiny zone or over another number."""
    taken: list[tuple[float, float]] = []
    for number, zone in numbered(site):
        if zone.kind is ZoneKind.PIER:
            continue  # its berths and yards have their numbers
        shape = view.draw(zone.geometry)
        if shape.area < MIN_NUMBER_PX**2:
            continue
        spot = shape.representative_point()
        if all(math.hypot(spot.x - x, spot.y - y) > MIN_NUMBERS_PX for x, y in taken):
            taken.append((spot.x, spot.y))
            yield tag("text", str(number), class_="zone-number", x=spot.x, y=spot.y, dy="0.35em")


def _scale(view: View) -> Iterable[str]:
    longest = view.width * 0.3 / view.px_per_m
    metres = max(m * 10**e for e in range(7) for m in (1, 2, 5) if m * 10**e <= max(longest, 1))
    x0, y, x1 = 14.0, view.height - 14, 14 + metres * view.px_per_m
    yield tag("path", class_="scale", d=f"M{x0} {tenths(y - 6)}V{tenths(y)}H{tenths(x1)}v-6")
    yield tag("text", f"{metres} m", class_="scale-label", x=x0 + 5, y=y - 6)
    yield tag("path", class_="north", d=f"M{tenths(view.width - 20)} 12l6 18l-6 -4l-6 4Z")
    yield tag("text", "N", class_="scale-label", x=view.width - 20, y=44, text_anchor="middle")
