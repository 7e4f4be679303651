"""What each sensor can tell of a site's zones, as a table for a terminal and as rows for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.terminal import out_console
from tasks.model import ZoneKind
from tasks.sites.sensing import NEEDS, SENSORS, Sensing, images_of, limit_m

KIND_ORDER = (
    ZoneKind.HARBOUR_WATER,
    ZoneKind.ANCHORAGE,
    ZoneKind.BERTH,
    ZoneKind.CONTAINER_YARD,
    ZoneKind.RAIL_YARD,
    ZoneKind.PIER,
)

NAMED = 3
"""Zones of a row that are named; of more the first is, and the rest are counted."""

WIDTH = 100
"""Columns where the output is no terminal."""


def print_sensing(rows: Sequence[Sensing]) -> None:
    """Print what each sensor can tell, and what the measures mean."""
    console = Console() if out_console.is_terminal else Console(width=WIDTH)
    for table in (sensing_table(rows), sensing_legend(rows)):
        console.print()
        console.print(table)


def sensing_table(rows: Sequence[Sensing]) -> Table:
    """One row for all zones of a kind of which the same can be told, one column per sensor."""
    table = Table("zones\n(pixels of 10 m)", box=None, pad_edge=False, padding=(0, 2, 1, 0))
    for sensor in SENSORS:
        table.add_column(f"{sensor.name}\n{sensor.pixel_m:g} m")
    for zones in _groups(rows):
        table.add_row(_zones(zones), *map(_cell, zones[0]))
    return table


def sensing_legend(rows: Sequence[Sensing]) -> Table:
    """Say of every measure in a table what it tells and what it needs."""
    shown = {told.measure for row in rows for told in row.measures}
    table = Table("measure", "tells", "needs", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for measure, need in NEEDS.items():
        if measure in shown:
            least = f", at least {need.least_px} of them" if need.least_px > 1 else ""
            table.add_row(measure, need.tells, images_of(need) + least)
    return table


def sensing_rows(rows: Sequence[Sensing]) -> list[dict[str, Any]]:
    """Rows for JSON, zone by zone in file order."""
    return [
        {
            "zone_id": row.zone_id,
            "kind": row.kind.value,
            "sensor": row.sensor.name,
            "pixel_m": row.sensor.pixel_m,
            "pixels": round(row.pixels, 1),
            "pixels_across": round(row.pixels_across, 1),
            "measures": [told._asdict() for told in row.measures],
        }
        for row in rows
    ]


def _groups(rows: Sequence[Sensing]) -> list[list[list[Sensing]]]:
    """Zones (each a list of its sensors) of which the same can be told, kind by kind."""
    zones = [list(of_zone) for _, of_zone in groupby(rows, key=lambda row: row.zone_id)]
    groups: dict[Any, list[list[Sensing]]] = {}
    for zone in zones:
        verdicts = tuple(tuple((told.measure, told.ok) for told in row.measures) for row in zone)
        groups.setdefault((KIND_ORDER.index(zone[0].kind), verdicts), []).append(zone)
    return [group for _, group in sorted(groups.items(), key=lambda item: item[0][0])]


def _zones(zones: list[list[Sensing]]) -> Text:
    ids = [zone[0].zone_id for zone in zones]
    kind = zones[0][0].kind.value
    named = ids if len(ids) <= NAMED else [ids[0], f"… and {len(ids) - 1} more"]
    ten = [row for zone in zones for row in zone if row.sensor == SENSORS[0]]
    pixels, across = _span([row.pixels for row in ten]), _span([row.pixels_across for row in ten])
    return Text.assemble(
        (f"{len(ids)} × {kind}" if len(ids) > 1 else kind, "bold"),
        "".join(f"\n{name}" for name in named),
        (f"\n{pixels} px, {across} across", "dim"),
    )


def _span(numbers: Sequence[float]) -> str:
    low, high = (f"{n:,.0f}" if n >= 2 else f"{n:.1f}" for n in (min(numbers), max(numbers)))
    return low if low == high else f"{low}–{high}"


def _cell(row: Sensing) -> Text:
    lines = []
    for told in row.measures:
        metres = limit_m(told.measure, radar=row.sensor.radar, pixel_m=row.sensor.pixel_m)
        least = f" ≥ {metres:.0f} m" if metres > 0 else ""
        lines.append(Text(told.measure + least) if told.ok else Text(f"no {told.measure}", "dim"))
    return Text("\n").join(lines)
