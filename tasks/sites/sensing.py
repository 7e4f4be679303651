"""What each measure needs of an image: nothing finer than the pixel is told.

One table, `NEEDS`: the kinds of zones that a measure is for, the pixels that may feed it, how many it takes,
and the least that it claims. `can_feed` answers for one zone and one image, `sensing_of` for a whole site.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tasks.model import WATER_KINDS, Site, Zone, ZoneKind
from tasks.sites.measure import area_m2, sides_m

BERTH, YARD, RAIL = ZoneKind.BERTH, ZoneKind.CONTAINER_YARD, ZoneKind.RAIL_YARD


class Pixels(NamedTuple):
    """Pixels from which a measure can be taken, and the shortest thing that it claims in them."""

    coarsest_m: float
    """Side of the largest pixel that will do."""

    limit_px: float = 0.0
    """Length below which nothing is claimed, pixels; 0 where the measure is of an area or a level."""

    limit_m: float = 0.0
    """The same in metres, however small the pixels are."""

    finer_than_m: float = 0.0
    """Pixels of this side or less are left to another measure."""


@dataclass(frozen=True)
class Need:
    """What one measure needs."""

    measure: str

    tells: str
    """What is published, in words."""

    kinds: frozenset[ZoneKind]

    radar: Pixels | None
    optical: Pixels | None
    """None where such images cannot tell it at any size of pixel."""

    thing: str
    """What its detection limit is the limit of."""

    least_px: int = 1
    """Pixels of the zone without which nothing is said."""


VESSELS = Need(
    "vessels",
    "vessels lying free, each with its length",
    WATER_KINDS,
    Pixels(40, limit_px=5, limit_m=35),
    Pixels(40, limit_px=3.1, limit_m=18),
    "ships",
)
"""Radar: five pixels, at a resolution of two (at 10 m half of the shorter ones are found); never below 35 m,
which is what a point measures. Optical: a boat of one pixel, blurred, measures two to three. At 40 m only the
largest ships, over 200 m, are long enough."""

OCCUPANCY = Need(
    "occupancy",
    "metres of quay taken",
    frozenset({BERTH}),
    Pixels(15, limit_px=4, limit_m=40),
    Pixels(15, limit_px=3.1, limit_m=45),
    "ships",
)
"""A berth is a strip of 50 m: at 15 m it is three pixels wide, of which the quay's own edge spoils one.
Radar: two resolution cells, and a tug or crane is shorter. Optical: a shorter shape may be a shed."""

FILL = Need(
    "fill",
    "how full a yard is: a level, ±20 to 25 %, and no count",
    frozenset({YARD}),
    Pixels(15),
    Pixels(15, finer_than_m=5),
    "levels",
    least_px=50,
)
"""A container is 0.15 of a pixel of 10 m, so only the mean of many tells. Of 50 pixels (0.5 ha at 10 m)
speckle alone makes 11 % of error, 0.45 dB of the 6 to 8 dB from empty to full."""

STACKS = Need(
    "stacks",
    "outlines and area of container stacks, what came and went, and an interval of TEU",
    frozenset({YARD}),
    None,
    Pixels(5, limit_px=6, limit_m=18),
    "stacks",
)
"""Stacks shorter than 18 m, or smaller than about 300 m², look like cranes and lorries: on simulated images
of 3 m none of 22 smaller ones was told, and two of 150 larger ones were missed."""

TRACKS = Need(
    "rail",
    "metres of track taken by trains",
    frozenset({RAIL}),
    None,
    Pixels(5, limit_px=4, limit_m=14),
    "trains",
)
"""A wagon is 14 to 20 m long and 3 m wide: a line one pixel wide at 3 m, and nothing at 10 m."""

CARS = Need("cars", "rail cars, counted", frozenset({RAIL}), None, Pixels(0.7, limit_m=10), "cars")
"""The gap between two cars is about a metre; published counts (74 % found) are from 0.5 m."""

CHANGE = Need(
    "change",
    "share of the ground that changed between two images",
    frozenset(ZoneKind) - {ZoneKind.STRUCTURE},
    Pixels(40),
    Pixels(40),
    "changes",
    least_px=60,
)
"""Light, season and slide of the one image against the other are fitted first; fewer pixels do not carry
that. At 40 m 60 pixels are 10 ha; no coarser image is read at all."""

NEEDS = {need.measure: need for need in (VESSELS, OCCUPANCY, FILL, STACKS, TRACKS, CARS, CHANGE)}
"""Every measure by its name, in the order in which they are told."""


class Sensor(NamedTuple):
    """A kind of image: what takes it, and the side of its pixels."""

    name: str
    radar: bool
    pixel_m: float


SENSORS = (
    Sensor("Sentinel-1", True, 10),
    Sensor("Sentinel-2", False, 10),
    Sensor("PlanetScope", False, 3),
    Sensor("very high res.", False, 0.5),
)
"""Images to be had of most ports; the last two are bought."""


class Verdict(NamedTuple):
    """Whether an image can feed a measure of a zone; if not, what is missing."""

    ok: bool
    reason: str = ""


class Told(NamedTuple):
    """One measure of one zone from one sensor."""

    measure: str
    ok: bool

    limit: str
    """The least that is claimed (`limit`); empty where it cannot be measured."""

    reason: str
    """Why it cannot be measured; empty where it can."""


class Sensing(NamedTuple):
    """One zone seen by one sensor."""

    zone_id: str
    kind: ZoneKind
    sensor: Sensor

    pixels: float
    """Pixels in the zone: its area by theirs."""

    pixels_across: float
    """Pixels across its narrow side: of a yard 21 m wide there are two at 10 m, and both are edges."""

    measures: tuple[Told, ...]


def can_feed(
    measure: str, kind: ZoneKind, *, radar: bool, pixel_m: float, area_m2: float | None = None
) -> Verdict:
    """Tell whether images of one kind can feed a measure.

    Parameters
    ----------
    measure
        A name in `NEEDS`.
    kind
        Of the zone.
    radar
        True for radar, False for a camera.
    pixel_m
        Side of a pixel.
    area_m2
        Of the zone; None asks of the images alone.

    Raises
    ------
    KeyError
        If there is no such measure.

    Examples
    --------
    >>> can_feed("fill", ZoneKind.CONTAINER_YARD, radar=True, pixel_m=10, area_m2=6_000).ok
    True
    >>> can_feed("stacks", ZoneKind.CONTAINER_YARD, radar=False, pixel_m=10).reason
    'needs optical pixels of 5 m or less'
    >>> can_feed("fill", ZoneKind.CONTAINER_YARD, radar=True, pixel_m=10, area_m2=1_000).reason
    'needs 50 pixels, has 10'
    """
    need = NEEDS[measure]
    if kind not in need.kinds:
        return Verdict(False, f"is measured in {', '.join(k for k in ZoneKind if k in need.kinds)}")
    wanted = need.radar if radar else need.optical
    if wanted is None or not wanted.finer_than_m < pixel_m <= wanted.coarsest_m:
        return Verdict(False, f"needs {images_of(need)}")
    pixels = None if area_m2 is None else area_m2 / pixel_m**2
    if pixels is not None and pixels < need.least_px:
        return Verdict(False, f"needs {need.least_px} pixels, has {pixels:.0f}")
    return Verdict(True)


def limit_m(measure: str, *, radar: bool, pixel_m: float) -> float:
    """Shortest thing that a measure claims, metres; 0 for levels, NaN where such images cannot feed it.

    Examples
    --------
    >>> limit_m("vessels", radar=True, pixel_m=10), limit_m("vessels", radar=False, pixel_m=3)
    (50.0, 18.0)
    >>> limit_m("stacks", radar=True, pixel_m=10)
    nan
    """
    wanted = NEEDS[measure].radar if radar else NEEDS[measure].optical
    if wanted is None or not wanted.finer_than_m < pixel_m <= wanted.coarsest_m:
        return float("nan")
    return float(max(wanted.limit_px * pixel_m, wanted.limit_m))


def limit(measure: str, *, radar: bool, pixel_m: float) -> str:
    """Put the detection limit of a measure in words; empty where such images cannot feed it.

    Examples
    --------
    >>> limit("occupancy", radar=True, pixel_m=10), limit("change", radar=True, pixel_m=10)
    ('ships from 40 m', 'from 60 pixels')
    """
    need, metres = NEEDS[measure], limit_m(measure, radar=radar, pixel_m=pixel_m)
    if metres > 0:
        return f"{need.thing} from {metres:.0f} m"
    return f"from {need.least_px} pixels" if metres == 0 else ""


def images_of(need: Need) -> str:
    """Name the images that can feed a measure.

    Examples
    --------
    >>> images_of(FILL)
    'radar pixels of 15 m or less, or optical pixels of 15 m or less and more than 5 m'
    >>> images_of(OCCUPANCY)
    'radar or optical pixels of 15 m or less'
    """
    sizes: dict[str, str] = {}
    for name, wanted in (("radar", need.radar), ("optical", need.optical)):
        if wanted is not None:
            finer = f" and more than {wanted.finer_than_m:g} m" if wanted.finer_than_m else ""
            size = f"pixels of {wanted.coarsest_m:g} m or less{finer}"
            sizes[size] = f"{sizes[size]} or {name}" if size in sizes else name
    return ", or ".join(f"{names} {size}" for size, names in sizes.items())


def sensing_of(site: Site, sensors: tuple[Sensor, ...] = SENSORS) -> list[Sensing]:
    """Tell what each sensor can measure in each zone of a site, in file order.

    Examples
    --------
    >>> from tasks.sites import load_site
    >>> first = sensing_of(load_site("latakia"))[0]
    >>> first.zone_id, first.sensor.name, [told.measure for told in first.measures if told.ok]
    ('BASIN', 'Sentinel-1', ['vessels', 'change'])
    """
    return [_sensing(zone, sensor) for zone in site.measured_zones for sensor in sensors]


def _sensing(zone: Zone, sensor: Sensor) -> Sensing:
    area, across = area_m2(zone.geometry), sides_m(zone.geometry)[1]
    told = tuple(_told(zone.kind, sensor, area))
    return Sensing(zone.zone_id, zone.kind, sensor, area / sensor.pixel_m**2, across / sensor.pixel_m, told)


def _told(kind: ZoneKind, sensor: Sensor, area: float) -> Iterator[Told]:
    radar, pixel_m = sensor.radar, sensor.pixel_m
    for measure in (name for name, need in NEEDS.items() if kind in need.kinds):
        ok, reason = can_feed(measure, kind, radar=radar, pixel_m=pixel_m, area_m2=area)
        yield Told(measure, ok, limit(measure, radar=radar, pixel_m=pixel_m) if ok else "", reason)
