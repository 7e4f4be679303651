"""A small port in order, drawn in metres around 10 E 54 N, for tests to break one rule at a time."""

from __future__ import annotations

from typing import Any

LON, LAT = 10.0, 54.0
M_PER_DEG_LON, M_PER_DEG_LAT = 65_575.8, 111_305.0  # WGS84 at 54 N


def position(x: float, y: float) -> list[float]:
    """Longitude and latitude of a place in metres east and north of the port's corner."""
    return [round(LON + x / M_PER_DEG_LON, 7), round(LAT + y / M_PER_DEG_LAT, 7)]


def ring(west: float, south: float, east: float, north: float) -> list[list[float]]:
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return [position(x, y) for x, y in corners]


def zone(
    zone_id: str, kind: str, box: tuple[float, float, float, float], **properties: Any
) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"zone_id": zone_id, "kind": kind, **properties},
        "geometry": {"type": "Polygon", "coordinates": [ring(*box)]},
    }


def port() -> dict[str, Any]:
    """One pier with a berth north of it, a yard and a track on it, water around and a breakwater."""
    mole = zone("mole", "structure", (0, 0, 1, 1))
    mole["geometry"] = {"type": "LineString", "coordinates": [position(0, 700), position(200, 700)]}
    return {
        "type": "FeatureCollection",
        "name": "testport",
        "title": "Test port",
        "attribution": "drawn for a test",
        "features": [
            zone("pier", "pier", (0, 0, 200, 40)),
            zone("berth", "berth", (0, 40, 200, 90), length_m=190, confidence="high", name="Quay"),
            zone("yard", "container_yard", (5, 5, 195, 20)),
            zone("rail", "rail_yard", (5, 24, 195, 32)),
            zone("harbour", "harbour_water", (-200, 90, 400, 600)),
            zone("roads", "anchorage", (-200, 800, 400, 1600)),
            mole,
        ],
    }


def feature(collection: dict[str, Any], zone_id: str) -> dict[str, Any]:
    found: dict[str, Any] = next(f for f in collection["features"] if f["properties"]["zone_id"] == zone_id)
    return found


def set_box(collection: dict[str, Any], zone_id: str, *box: float) -> None:
    feature(collection, zone_id)["geometry"] = {"type": "Polygon", "coordinates": [ring(*box)]}
