"""A draft of a site from a coastline: its waters, the berths at straight quays, and the ground behind them.

Everything in it is to be looked at and corrected by hand. Yards and tracks cannot be told from a coastline.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from pyproj import Transformer
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from tasks.errors import InputError
from tasks.model import ZoneKind
from tasks.sites.berth_strips import Strip, lay_strips
from tasks.sites.coastline import Box, Coastline
from tasks.sites.layout import MAX_BERTH_TO_WATER_M
from tasks.sites.quay_lines import find_quays

HARBOUR_M = 400.0
"""Water so near to the shore is the harbour, the rest the roads: ships at anchor swing on 200 to 400 m."""

MIN_ROADS_M = 200.0
"""Narrowest water that is taken for roads: the swinging circle of one coaster."""

MIN_ROADS_M2 = 50_000.0
MIN_HARBOUR_M2 = 1_000.0
"""Smaller pieces of water are leftovers of the cut; 1,000 m² is also the least that the rules allow."""

QUAYSIDE_M = 150.0
"""Ground behind a quay that becomes a `pier` zone: apron, cranes and the first sheds. A berth knows by it on
which side its quay lies."""

SHORE_M = 60.0
"""Ground along the rest of the harbour's shore: an echo nearer than some 45 m to it is not told from it."""

SHORE_M2 = 4_000_000.0
"""Most that this ground may add up to; the rules allow 5 km² to a zone."""

ISLET_M2 = 20_000.0
ISLET_M = 30.0
"""Land in the water that is smaller or thinner than this is a `structure`: a breakwater, a rock."""

MARGIN_KM = 2.0
"""Land that is read beyond the radius, so that no quay within ends at the cut."""

RADIUS_KM = (0.5, 10.0)

NOT_LOOKED_AT = "low: drafted from a coastline, not looked at"
GUESSED = "low: a placeholder; neither depth nor charts were looked at"


@dataclass(frozen=True)
class Draft:
    """A site file to be, and what stands in it."""

    collection: dict[str, Any]
    """GeoJSON FeatureCollection."""

    strips: tuple[Strip, ...]
    """Berths, metres east and north of the middle."""

    @property
    def count(self) -> dict[str, int]:
        """Zones by kind."""
        kinds = [feature["properties"]["kind"] for feature in self.collection["features"]]
        return {kind.value: kinds.count(kind.value) for kind in ZoneKind if kind.value in kinds}

    @property
    def quay_m(self) -> float:
        """Metres of quay at which berths were drawn."""
        return sum(strip.length_m for strip in self.strips)


def box_around(lon: float, lat: float, radius_km: float) -> Box:
    """Box of land that a draft needs, degrees.

    Raises
    ------
    InputError
        If the radius is out of bounds, or the box would reach a pole or cross 180°.
    """
    if not RADIUS_KM[0] <= radius_km <= RADIUS_KM[1]:
        raise InputError(f"radius is {radius_km:g} km; {RADIUS_KM[0]:g} to {RADIUS_KM[1]:g} km are possible")
    north = (radius_km + MARGIN_KM) / 110.5
    east = north / np.cos(np.radians(lat)) if abs(lat) < 85 else 360.0
    if abs(lon) + east > 180:
        raise InputError(
            f"{lon:g},{lat:g} is too near to a pole or to 180° for a draft; draw the site by hand"
        )
    return lon - east, lat - north, lon + east, lat + north


def draft_site(coast: Coastline, lon: float, lat: float, radius_km: float, site_id: str, title: str) -> Draft:
    """Draft the zones of a port.

    Parameters
    ----------
    coast
        Land in `box_around` the place.
    lon, lat
        Middle of the port, degrees.
    radius_km
        How far its waters reach.

    Raises
    ------
    InputError
        If there is no water or no land within the radius.
    """
    frame = _Frame(lon, lat)
    land, disc = frame.metres(coast.land), shapely.Point(0, 0).buffer(radius_km * 1000)
    water = _water(land, disc, f"within {radius_km:g} km of longitude {lon:g}, latitude {lat:g}")
    islets = [part for part in shapely.get_parts(land).tolist() if _is_islet(part) and part.within(disc)]
    mainland = land.difference(shapely.union_all(islets))
    quays = [q for q in find_quays(mainland) if shapely.contains_xy(disc, *((q.start + q.end) / 2))]
    roads = _roads(water, land)
    strips = lay_strips(quays, water, water.difference(roads))
    drawn = shapely.union_all([strip.outline for strip in strips])
    harbour = _pieces(water.difference(roads).difference(drawn), MIN_HARBOUR_M2)
    # A creek too small for a zone of its own leaves its quay without water.
    strips = [s for s in strips if s.outline.distance(harbour.union(roads)) <= MAX_BERTH_TO_WATER_M / 2]
    features = [
        *_waters(harbour, roads),
        *_berths(strips),
        *_ground(mainland, harbour, drawn),
        *(
            _zone(f"islet-{k}", ZoneKind.STRUCTURE, part, "small or thin land in the water")
            for k, part in enumerate(islets, 1)
        ),
    ]
    for feature in features:
        feature["geometry"] = mapping(frame.degrees(feature["geometry"]))
        feature["properties"]["provenance"] += f"; drafted by `roadstead sites new` on {coast.attribution}"
    head = {"type": "FeatureCollection", "name": site_id, "title": title, "attribution": coast.attribution}
    return Draft({**head, "center": [lon, lat], "features": features}, tuple(strips))


class _Frame:
    """Metres east and north of a place, and back."""

    def __init__(self, lon: float, lat: float) -> None:
        here = f"+proj=aeqd +lat_0={lat} +lon_0={lon} +ellps=WGS84 +units=m"
        self._there = Transformer.from_crs("EPSG:4326", here, always_xy=True)

    def metres(self, shape: BaseGeometry) -> BaseGeometry:
        """Metres from degrees."""
        moved = shapely.transform(
            shape, lambda xy: np.column_stack(self._there.transform(xy[:, 0], xy[:, 1]))
        )
        return shapely.make_valid(moved)

    def degrees(self, shape: BaseGeometry) -> BaseGeometry:
        """Degrees with seven decimals, rings as RFC 7946 has them."""
        moved = shapely.transform(
            shape,
            lambda xy: np.column_stack(self._there.transform(xy[:, 0], xy[:, 1], direction="INVERSE")),
        )
        # The way back moves corners by less than a step, which may be enough to fold a thin spike.
        rounded = shapely.set_precision(shapely.make_valid(moved), 1e-7)
        return shapely.orient_polygons(_pieces(rounded, 0))


def _water(land: BaseGeometry, disc: BaseGeometry, where: str) -> BaseGeometry:
    """Water of the port: what hangs together with the water nearest to the middle."""
    if not land.intersects(disc):
        raise InputError(f"no land {where}; --at is longitude,latitude: are the two swapped?")
    parts = _polygons(disc.difference(land))
    if not parts:
        raise InputError(
            f"no water {where}: rivers and docks behind locks are land to a coastline; "
            "take a larger --radius, or draw the site by hand"
        )
    middle = shapely.Point(0, 0)
    return min(parts, key=lambda part: (part.distance(middle), -part.area))


def _roads(water: BaseGeometry, land: BaseGeometry) -> BaseGeometry:
    off = water.difference(land.buffer(HARBOUR_M, quad_segs=4))
    opened = off.buffer(-MIN_ROADS_M / 2).buffer(MIN_ROADS_M / 2, quad_segs=4).intersection(off)
    return _pieces(opened, MIN_ROADS_M2)


def _waters(harbour: BaseGeometry, roads: BaseGeometry) -> Iterator[dict[str, Any]]:
    if not harbour.is_empty:
        made = f"water within {HARBOUR_M:.0f} m of the shore, less the berths"
        yield _zone("harbour", ZoneKind.HARBOUR_WATER, harbour, made, "Harbour")
    if not roads.is_empty:
        made = f"water farther than {HARBOUR_M:.0f} m from the shore"
        yield _zone("roads", ZoneKind.ANCHORAGE, roads, made, "Roads", confidence=GUESSED)


def _berths(strips: list[Strip]) -> Iterator[dict[str, Any]]:
    for strip in strips:
        made = f"strip of {strip.width_m:.0f} m along a straight edge of {strip.edge_m:.0f} m"
        berth = _zone(strip.name, ZoneKind.BERTH, strip.outline, made)
        berth["properties"]["length_m"] = round(strip.length_m, 1)
        yield berth


def _ground(land: BaseGeometry, harbour: BaseGeometry, drawn: BaseGeometry) -> Iterator[dict[str, Any]]:
    quayside = land.intersection(drawn.buffer(QUAYSIDE_M, quad_segs=4))
    deep = min(SHORE_M, SHORE_M2 / max(harbour.length, 1.0))
    shore = land.intersection(harbour.buffer(deep, quad_segs=4)).difference(quayside)
    made = "land within {:.0f} m of {}, known ground"
    for name, ground, metres, of in (
        ("quayside", quayside, QUAYSIDE_M, "the berths"),
        ("shore", shore, deep, "the harbour"),
    ):
        for k, part in enumerate(_by_place(_polygons(_pieces(ground, MIN_HARBOUR_M2))), 1):
            yield _zone(f"{name}-{k}", ZoneKind.PIER, part, made.format(metres, of))


def _zone(
    zone_id: str,
    kind: ZoneKind,
    shape: BaseGeometry,
    provenance: str,
    name: str = "",
    confidence: str = NOT_LOOKED_AT,
) -> dict[str, Any]:
    said = {"zone_id": zone_id, "kind": kind.value, "name": name}
    said |= {"confidence": confidence, "provenance": provenance}
    return {"type": "Feature", "properties": said, "geometry": shape}


def _is_islet(part: BaseGeometry) -> bool:
    return bool(part.area < ISLET_M2 or part.buffer(-ISLET_M / 2).is_empty)


def _pieces(shape: BaseGeometry, least_m2: float) -> BaseGeometry:
    kept = [p for p in _polygons(shape) if p.area >= least_m2]
    return kept[0] if len(kept) == 1 else shapely.MultiPolygon(kept)


def _polygons(shape: BaseGeometry) -> list[BaseGeometry]:
    # Twice: what was mended may be a collection of collections.
    parts = shapely.get_parts(shapely.get_parts(shape)).tolist()
    return [p for p in parts if p.geom_type == "Polygon" and not p.is_empty]


def _by_place(parts: list[BaseGeometry]) -> list[BaseGeometry]:
    """From north to south."""
    return sorted(parts, key=lambda part: (-part.centroid.y, part.centroid.x))
