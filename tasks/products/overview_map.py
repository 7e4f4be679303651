"""Where the sites of an overview are: marks over the coasts of the world.

``land-50m.wkb.gz`` is Natural Earth's land at 1:50 million (public domain, https://www.naturalearthdata.com),
as npm's world-atlas 2.0.2 packs it, simplified to 0.01 degree: to find one's way by, no coast to measure on.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, radians
from pathlib import Path

import shapely
from shapely.geometry.base import BaseGeometry

from tasks.products.sketch import path_of
from tasks.products.svg import discs, paper, tag, words

LAND = Path(__file__).with_name("land-50m.wkb.gz")

SIZE_PX = (860, 320)
MARGIN_DEG = 2.0

WIDEST = 0.4
"""Cosine of the latitude below which degrees of longitude are not drawn narrower: near a pole they vanish."""


@dataclass(frozen=True)
class Spot:
    """One site on the map."""

    label: str
    note: str
    longitude: float
    latitude: float
    active: bool


@dataclass(frozen=True)
class View:
    """The part of the world that is drawn, with degrees of longitude as long as they are at its middle."""

    west: float
    north: float
    across_px: float
    """Pixels of a degree of longitude."""

    down_px: float
    """Pixels of a degree of latitude."""

    @property
    def east(self) -> float:
        """Right edge."""
        return self.west + SIZE_PX[0] / self.across_px

    @property
    def south(self) -> float:
        """Lower edge."""
        return self.north - SIZE_PX[1] / self.down_px

    def place(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Pixels of a place."""
        return (longitude - self.west) * self.across_px, (self.north - latitude) * self.down_px


def view_of(spots: Sequence[Spot]) -> View:
    """Choose a view that holds all sites, none at its rim."""
    west, east = min(s.longitude for s in spots) - MARGIN_DEG, max(s.longitude for s in spots) + MARGIN_DEG
    south, north = min(s.latitude for s in spots) - MARGIN_DEG, max(s.latitude for s in spots) + MARGIN_DEG
    width, height = SIZE_PX
    narrow = max(cos(radians((south + north) / 2)), WIDEST)
    down = min(width / ((east - west) * narrow), height / (north - south))
    across = down * narrow
    return View((west + east - width / across) / 2, (south + north + height / down) / 2, across, down)


def overview_map(spots: Sequence[Spot]) -> str:
    """Draw where sites are, as SVG; labels are escaped here."""
    view = view_of(spots)
    land = shapely.transform(
        land_within(view), lambda xy: (xy - [view.west, view.north]) * [view.across_px, -view.down_px]
    )
    body = [tag("path", class_="land", d=path_of(land)), *_grid(view)]
    for spot in spots:
        x, y = view.place(spot.longitude, spot.latitude)
        mark = tag(
            "path",
            tag("title", words(spot.note)),
            class_="site active" if spot.active else "site",
            d=discs([(x, y)], 5),
        )
        body.append(tag("g", mark, tag("text", words(spot.label), class_="site-name", x=x + 9, y=y + 4)))
    text = "Sites and coasts by longitude and latitude; filled where active. The same sites are in the table."
    return paper(*SIZE_PX, "overview-map", "Where the sites are", text, body)


def land_within(view: View) -> BaseGeometry:
    """Land of a view, EPSG:4326; worlds beyond the date line are not repeated."""
    every = shapely.get_parts(shapely.from_wkb(gzip.decompress(LAND.read_bytes())))
    window = shapely.box(view.west, view.south, view.east, view.north)
    return shapely.union_all(shapely.intersection(every[shapely.intersects(every, window)], window))


def _grid(view: View) -> Iterator[str]:
    width, height = SIZE_PX
    step = next(s for s in (1, 2, 5, 10, 20, 30, 45, 90) if s * view.across_px >= 70 or s == 90)
    for lon in (lon for lon in range(-180, 181, step) if view.west < lon < view.east):
        x, _ = view.place(lon, 0)
        yield tag("line", class_="grid", x1=x, x2=x, y1=0, y2=height)
        yield tag("text", f"{abs(lon)}° {'W' if lon < 0 else 'E'}", class_="tick", x=x + 3, y=height - 4)
    for lat in (lat for lat in range(-90, 91, step) if view.south < lat < view.north):
        _, y = view.place(0, lat)
        yield tag("line", class_="grid", x1=0, x2=width, y1=y, y2=y)
        yield tag("text", f"{abs(lat)}° {'S' if lat < 0 else 'N'}", class_="tick", x=3, y=y - 3)
