"""The truth beside the scenes, as tables with documented columns.

Some tables say what each scene could have shown (`scenes`, `vessels`, `stacks`), others what
happened, whether anybody looked or not (`berths`, `rail`, `containers`, `stays`, `voyages`, `regimes`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from tasks.simulate.world.model import CAR_M, Stay, World

MOMENT = pa.timestamp("s", tz="UTC")
TEXT, WHOLE, NUMBER, SHAPE = pa.string(), pa.int32(), pa.float64(), pa.binary()

SCENE_COLUMNS = {
    "scene_id": (TEXT, "id of the STAC item"),
    "site": (TEXT, "site whose window the scene shows"),
    "sensor": (TEXT, "sentinel-1, sentinel-2, planet (3 m) or submetre"),
    "acquired": (MOMENT, "moment of the image, UTC"),
    "orbit": (WHOLE, "relative orbit; 0 where the sensor has none"),
    "cloud_over_port": (NUMBER, "true share of berths and yards under cloud or its shadow; 0 for radar"),
    "cloud_cover": (NUMBER, "percent of the scene under cloud as its own mask has it; null for radar"),
    "wind_ms": (NUMBER, "wind speed, metres per second"),
    "shift_x_m": (NUMBER, "registration error to the east, metres"),
    "shift_y_m": (NUMBER, "registration error to the north, metres"),
    "defect": (
        TEXT,
        "what is wrong with the delivery; empty if nothing is. Of a corrupt scene all tables list what it "
        "would have shown had its file been whole",
    ),
    "superseded": (
        pa.bool_(),
        "true for the first delivery of a duplicate: a newer one replaces it. Both are listed, here and in "
        "the other tables",
    ),
}  # fmt: skip

VESSEL_COLUMNS = {
    "scene_id": (TEXT, "scene at whose moment the vessel lay there"),
    "site": (TEXT, "site"),
    "acquired": (MOMENT, "moment of the scene, UTC"),
    "vessel_id": (TEXT, "the ship; the same at every site"),
    "zone_id": (TEXT, "berth or water zone it lay in"),
    "alongside": (pa.bool_(), "true at a quay, false at anchor"),
    "longitude": (NUMBER, "middle of the hull, degrees east"),
    "latitude": (NUMBER, "middle of the hull, degrees north"),
    "length_m": (NUMBER, "metres"),
    "width_m": (NUMBER, "metres"),
    "heading_deg": (NUMBER, "bow, clockwise from grid north, 0 to 360"),
    "boxes": (WHOLE, "containers on board, those below deck too"),
    "seen_share": (NUMBER, "share of the hull that the scene covers and no cloud or its shadow hides"),
    "outline": (SHAPE, "hull seen from above, WKB, EPSG:4326, where it truly lay"),
}  # fmt: skip

STACK_COLUMNS = {
    "scene_id": (TEXT, "scene at whose moment the stack stood like this"),
    "site": (TEXT, "site"),
    "acquired": (MOMENT, "moment of the scene, UTC"),
    "zone_id": (TEXT, "container yard"),
    "boxes": (WHOLE, "20-foot containers in the stack"),
    "tiers": (WHOLE, "containers on top of one another"),
    "area_m2": (NUMBER, "ground covered, square metres; 0 if there is none"),
    "seen_share": (NUMBER, "share of the yard that the scene covers and nothing hides, 0 to 1"),
    "outline": (SHAPE, "ground covered, WKB, EPSG:4326; null if there is none"),
}

BERTH_COLUMNS = {
    "site": (TEXT, "site"),
    "zone_id": (TEXT, "berth"),
    "start": (MOMENT, "from when, UTC"),
    "end": (MOMENT, "until when, UTC: where the next row of the berth begins"),
    "occupied_m": (NUMBER, "quay metres taken by hulls"),
    "quay_m": (NUMBER, "quay metres there are"),
    "ships": (WHOLE, "ships alongside"),
}

RAIL_COLUMNS = {
    "site": (TEXT, "site"),
    "zone_id": (TEXT, "rail yard"),
    "track": (WHOLE, "which of its parallel tracks, from 0"),
    "arrives": (MOMENT, "UTC"),
    "leaves": (MOMENT, "UTC"),
    "cars": (WHOLE, "rail cars"),
    "length_m": (NUMBER, "track metres that they take"),
}

CONTAINER_COLUMNS = {
    "source": (
        TEXT,
        "place they leave: yard:SITE/ZONE, ship:ID, train:ID, rail:to-NAME (under way to a depot), "
        "depot:NAME, port:NAME (a port without a site), hinterland:NAME",
    ),
    "target": (TEXT, "place they reach"),
    "boxes": (WHOLE, "how many, one by one at a steady pace"),
    "start": (MOMENT, "first one moves, UTC; null in the rows that say what a place began with"),
    "end": (MOMENT, "last one has moved, UTC"),
}

STAY_COLUMNS = {
    "site": (TEXT, "site"),
    "vessel_id": (TEXT, "the ship"),
    "zone_id": (TEXT, "berth or water zone"),
    "alongside": (pa.bool_(), "true at a quay, false at anchor"),
    "arrives": (MOMENT, "UTC"),
    "leaves": (MOMENT, "UTC"),
    "length_m": (NUMBER, "of the ship, metres"),
}

VOYAGE_COLUMNS = {
    "vessel_id": (TEXT, "a ship that goes to and fro; its first way to a site is not listed"),
    "origin": (TEXT, "site or port it left"),
    "destination": (TEXT, "site or port it reached"),
    "departs": (MOMENT, "leaves the quay, UTC"),
    "arrives": (MOMENT, "arrives in the roads or at the quay, whichever comes first, UTC"),
    "boxes": (WHOLE, "containers on board"),
}

REGIME_COLUMNS = {
    "site": (TEXT, "site"),
    "state": (TEXT, "dormant, active or paused"),
    "start": (MOMENT, "UTC"),
    "end": (MOMENT, "UTC"),
    "calls_per_day": (NUMBER, "arrivals at a quay from sea, per day, all ships"),
}

TABLES = {
    "scenes": SCENE_COLUMNS, "vessels": VESSEL_COLUMNS, "stacks": STACK_COLUMNS, "berths": BERTH_COLUMNS,
    "rail": RAIL_COLUMNS, "containers": CONTAINER_COLUMNS, "stays": STAY_COLUMNS, "voyages": VOYAGE_COLUMNS,
    "regimes": REGIME_COLUMNS,
}  # fmt: skip

Row = dict[str, Any]


def write_truth(folder: Path, world: World, per_scene: Mapping[str, Sequence[Row]]) -> None:
    """Write all tables.

    Parameters
    ----------
    folder
        Made if it is missing.
    world
        Tells what happened.
    per_scene
        Rows of ``scenes``, ``vessels`` and ``stacks``, in the order in which they are to stand.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows: dict[str, Iterable[Row]] = {
        **per_scene,
        "berths": berth_rows(world),
        "rail": rail_rows(world),
        "containers": container_rows(world),
        "stays": stay_rows(world),
        "voyages": voyage_rows(world),
        "regimes": regime_rows(world),
    }
    for name, columns in TABLES.items():
        write_table(folder / f"{name}.parquet", columns, rows[name])
    (folder / "COLUMNS.md").write_text(column_text(), encoding="utf-8")


def write_table(path: Path, columns: Mapping[str, tuple[pa.DataType, str]], rows: Iterable[Row]) -> None:
    """Write one table; every column carries its description, an ``outline`` makes it GeoParquet 1.1."""
    schema = pa.schema([pa.field(n, t, metadata={"description": d}) for n, (t, d) in columns.items()])
    if "outline" in columns:
        shape = {"encoding": "WKB", "geometry_types": ["Polygon"]}  # no CRS given means longitude, latitude
        geo = {"version": "1.1.0", "primary_column": "outline", "columns": {"outline": shape}}
        schema = schema.with_metadata({"geo": json.dumps(geo)})
    pq.write_table(pa.Table.from_pylist(list(rows), schema), path, compression="zstd")


def column_text() -> str:
    """Describe all tables and columns for people."""
    parts = ["# Truth tables\n\nAll of it is simulated and says nothing about a real port.\n"]
    for name, columns in TABLES.items():
        parts.append(f"\n## {name}.parquet\n\n| column | meaning |\n| --- | --- |\n")
        parts += [f"| `{column}` | {text} |\n" for column, (_, text) in columns.items()]
    return "".join(parts)


def berth_rows(world: World) -> Iterable[Row]:
    """Tell the occupied metres of each berth over continuous time, as steps."""
    for site_id, port in world.ports.items():
        for zone_id, quay in sorted(port.quays.items()):
            here = [s for s in world.stays if s.site_id == site_id and s.zone_id == zone_id]
            inside = {t for s in here for t in (s.arrives, s.leaves) if world.start < t < world.end}
            steps = [world.start, *sorted(inside), world.end]
            for start, end in pairwise(steps):
                lying = [s for s in here if s.arrives <= start < s.leaves]
                taken = sum(s.along_m[1] - s.along_m[0] for s in lying if s.along_m)
                yield {
                    "site": site_id, "zone_id": zone_id, "start": _whole(start), "end": _whole(end),
                    "occupied_m": taken, "quay_m": quay.length_m, "ships": len(lying),
                }  # fmt: skip


def rail_rows(world: World) -> Iterable[Row]:
    """Tell when rail cars stood where."""
    for train in sorted(world.trains, key=lambda t: (t.arrives, t.train_id)):
        yield {
            "site": train.site_id, "zone_id": train.zone_id, "track": train.track, "arrives": train.arrives,
            "leaves": train.leaves, "cars": train.cars, "length_m": train.cars * CAR_M[2],
        }  # fmt: skip


def container_rows(world: World) -> Iterable[Row]:
    """Tell what each place began with, then every move."""
    for place, boxes in sorted(world.ledger.opening.items()):
        yield {"source": None, "target": place, "boxes": boxes, "start": None, "end": None}
    for move in sorted(world.ledger.transfers, key=lambda t: (t.start, t.source, t.target)):
        yield {
            "source": move.source, "target": move.target, "boxes": move.boxes,
            "start": _whole(move.start), "end": _whole(move.end),
        }  # fmt: skip


def stay_rows(world: World) -> Iterable[Row]:
    """Tell who lay where."""
    for stay in world.stays:
        ship = world.ships[stay.ship_id]
        yield {
            "site": stay.site_id, "vessel_id": ship.ship_id, "zone_id": stay.zone_id,
            "alongside": stay.along_m is not None, "arrives": _whole(stay.arrives),
            "leaves": _whole(stay.leaves), "length_m": ship.length_m,
        }  # fmt: skip


def voyage_rows(world: World) -> Iterable[Row]:
    """Tell every crossing but a ship's first way to any site."""
    for one in world.voyages:
        yield {
            "vessel_id": one.ship_id, "origin": one.origin, "destination": one.destination,
            "departs": _whole(one.departs), "arrives": _whole(one.arrives), "boxes": one.boxes,
        }  # fmt: skip


def regime_rows(world: World) -> Iterable[Row]:
    """Tell the stretches of steady activity."""
    for one in world.regimes:
        yield {
            "site": one.site_id, "state": one.state, "start": _whole(one.start), "end": _whole(one.end),
            "calls_per_day": one.calls_per_day,
        }  # fmt: skip


def vessel_row(world: World, stay: Stay, scene_id: str, moment: datetime, outline: Any, seen: float) -> Row:
    """Tell one vessel of one scene; `outline` in EPSG:4326."""
    ship = world.ships[stay.ship_id]
    middle = world.ports[stay.site_id].lonlat(shapely.Point(stay.x, stay.y))
    return {
        "scene_id": scene_id, "site": stay.site_id, "acquired": moment, "vessel_id": ship.ship_id,
        "zone_id": stay.zone_id, "alongside": stay.along_m is not None, "longitude": middle.x,
        "latitude": middle.y, "length_m": ship.length_m, "width_m": ship.width_m,
        "heading_deg": stay.heading_deg, "boxes": world.ledger.stock(ship.place, moment), "seen_share": seen,
        "outline": shapely.to_wkb(outline),
    }  # fmt: skip


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
