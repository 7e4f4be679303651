"""``roadstead diff``: which numbers changed between two publications of a site, and why."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from flows.terminal import JsonOption, one_line_errors, out_console

if TYPE_CHECKING:
    from tasks.editions import Change, TableDiff

SHOWN = 12
"""Columns of a table whose largest change is printed; ``--json`` lists every number."""


@one_line_errors
def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="Folder of the earlier publication.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="Folder of the later one, of the same site.")],
    as_json: JsonOption = False,
) -> None:
    """Say which numbers differ between two publications of a site, and why.

    Reasons: a new, superseded, reprocessed or left-out scene, another code or measure version, a changed site
    file or assumption, a late correction. Exit code 0 whether or not anything differs; ``same`` in the JSON
    tells. 2 if a folder holds no publication.

    Example: `roadstead diff before/najin roadstead-out/najin`
    """
    from tasks.editions import compare_publications

    causes, tables = compare_publications(before, after)
    if as_json:
        said = {"same": not tables and not causes, "causes": causes, "tables": [_as_dict(t) for t in tables]}
        print(json.dumps(said, ensure_ascii=False))
        return
    if not tables:
        out_console.print("no number differs", markup=False)
    marks = _marks(tables)
    for cause in causes:
        mark = next((f"  [{m}]" for why, m in marks.items() if cause.endswith(why)), "")
        out_console.print(f"because: {cause}{mark}", markup=False, highlight=False)
    for why, mark in marks.items():
        if not any(cause.endswith(why) for cause in causes):
            out_console.print(f"because: {why}  [{mark}]", markup=False, highlight=False)
    for one in tables:
        _print_table(one, marks)


def _marks(tables: list[TableDiff]) -> dict[str, str]:
    """Give every reason a letter, the commonest first: the words would fill half of each line."""
    counts = Counter(why for one in tables for change in one.changes for why in change.why)
    return {why: chr(ord("a") + k) for k, (why, _) in enumerate(counts.most_common())}


def _as_dict(one: TableDiff) -> dict[str, Any]:
    by = {"zone": "zone_id", "period": "period"}
    counted = {name: dict(Counter(getattr(c, column) for c in one.changes)) for name, column in by.items()}
    counted["why"] = dict(Counter(why for c in one.changes for why in c.why))
    return asdict(one) | {"changes_by": counted}


def _print_table(one: TableDiff, marks: dict[str, str]) -> None:
    from tasks.editions import largest

    said = (
        f"{one.table}: {one.changed} rows changed, {one.new} new, {one.gone} gone "
        f"({one.rows_before} → {one.rows_after})"
    )
    out_console.print()
    out_console.print(said, style="bold", markup=False, highlight=False)
    for why, count in Counter(_letters(c, marks) for c in one.changes if not c.column).most_common():
        out_console.print(f"  {count} came or went: [{why}]", markup=False, highlight=False)
    moved = [c for c in one.changes if c.column]
    if not moved:
        return
    zones = Counter(c.zone_id for c in moved if c.zone_id).most_common(6)
    if zones:
        listed = ", ".join(f"{zone} {count}" for zone, count in zones)
        out_console.print(f"  most numbers in: {listed}", markup=False, highlight=False)
    counts = Counter(c.column for c in moved)
    table = Table(box=None)
    for heading in ("column", "rows", "largest at", "in", "was", "is", "why"):
        table.add_column(heading, no_wrap=heading == "column")
    biggest = sorted(largest(one), key=lambda c: -counts[c.column])
    for change in biggest[:SHOWN]:
        table.add_row(*_cells(change, counts[change.column], _letters(change, marks)))
    out_console.print(table)
    if (more := len(biggest) - SHOWN) > 0:
        out_console.print(f"  and {more} more columns; --json lists every number", style="dim")


def _letters(change: Change, marks: dict[str, str]) -> str:
    return "".join(sorted(marks[why] for why in change.why))


def _cells(change: Change, count: int, why: str) -> list[Any]:
    from rich.text import Text

    told = (change.column, str(count), change.zone_id, change.period, _shown(change.was), _shown(change.now))
    return [Text(cell) for cell in (*told, why)]


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)[:16]
