"""The truth beside the scenes: which vessels lie there at each pass, and how many in each zone.

A vessel that the swath cuts or misses is listed and counted too, but not as in view: a detector
that reports it would be guessing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from odc.geo.geobox import GeoBox

from tasks.grid import draw
from tasks.model import Site
from tasks.simulate.delivery import Pass
from tasks.simulate.image import hull_pixels
from tasks.simulate.traffic import Stay

Seen = npt.NDArray[np.bool_]

VESSEL_COLUMNS = (
    "scene_id",
    "acquired",
    "vessel_id",
    "zone_id",
    "longitude",
    "latitude",
    "length_m",
    "width_m",
    "heading_deg",
    "brightness_db",
    "in_view",
    "outline",
)
COUNT_COLUMNS = ("scene_id", "acquired", "zone_id", "vessels", "vessels_in_view", "seen_fraction")


def vessel_row(stay: Stay, moment: Pass, seen: Seen, box: GeoBox) -> dict[str, Any]:
    """Describe one vessel at one pass, of which the pixels `seen` are covered."""
    return {
        "scene_id": moment.scene_id,
        "acquired": moment.utc,
        "vessel_id": stay.vessel_id,
        "zone_id": stay.zone_id,
        "longitude": f"{stay.longitude:.7f}",
        "latitude": f"{stay.latitude:.7f}",
        "length_m": f"{stay.length_m:.1f}",
        "width_m": f"{stay.width_m:.1f}",
        "heading_deg": f"{stay.heading_deg:.1f}",
        "brightness_db": f"{stay.brightness_db:.1f}",
        "in_view": int(seen[hull_pixels(box, stay)].all()),
        "outline": shapely.to_wkt(stay.hull, rounding_precision=7),
    }


def count_rows(
    site: Site, moment: Pass, vessels: Iterable[Mapping[str, Any]], seen: Seen, box: GeoBox
) -> Iterable[dict[str, Any]]:
    """Count the vessels of one pass in each water zone."""
    for zone in site.water_zones:
        here = [v["in_view"] for v in vessels if v["zone_id"] == zone.zone_id]
        yield {
            "scene_id": moment.scene_id,
            "acquired": moment.utc,
            "zone_id": zone.zone_id,
            "vessels": len(here),
            "vessels_in_view": sum(here),
            "seen_fraction": f"{seen[draw(box, [zone.geometry])].mean():.4f}",
        }


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a table; one without rows keeps its header."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
