"""``roadstead regimes``: where any series changes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from flows.terminal import JsonOption, one_line_errors, out_console

BLOCKS = "▁▂▃▄▅▆▇█"
WIDTH = 60


@one_line_errors
def regimes(
    csv: Annotated[str, typer.Argument(metavar="CSV", help="A CSV file with a header.")],
    time: Annotated[
        str, typer.Option("--time", metavar="COL", help="Column of days, moments or plain numbers.")
    ],
    value: Annotated[
        str, typer.Option("--value", metavar="COL", help="Column of values; an empty cell is a gap, not 0.")
    ],
    exposure: Annotated[
        str | None,
        typer.Option(
            "--exposure", metavar="COL", help="How much each row saw; whole numbers are then counts."
        ),
    ] = None,
    as_known_on: Annotated[
        str | None,
        typer.Option("--as-known-on", metavar="DATE", help="Use only rows up to this day."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Find where a series changes its level, at fixed settings.

    Counts with an exposure go to the exact model of ships seen per look; everything else is divided into
    levels or straight lines, robust to outliers and to neighbours that resemble each other.

    Example: `roadstead regimes looks.csv --time acquired --value vessels --exposure seen_fraction`

    Example: `roadstead regimes nile.csv --time year --value volume --json`
    """
    from tasks.any_series import changes_in_file

    found = changes_in_file(Path(csv), time, value, exposure, as_known_on)
    if as_json:
        print(json.dumps({k: v for k, v in found.items() if k != "values"}, ensure_ascii=False))
    else:
        _print(found, value)


def _print(found: Mapping[str, Any], value: str) -> None:
    changes, gaps = found["changes"], found["missing"]
    how = "counts, exact model" if found["method"] == "counts" else "general method"
    text = f"{found['rows']} rows of {value}" + (f", {gaps} without a value left out" if gaps else "")
    out_console.print(f"{text}; {how}", markup=False, highlight=False)
    out_console.print(sparkline(found["values"]), markup=False, highlight=False)
    if not changes:
        out_console.print("no change of level can be told", highlight=False)
        return
    table = Table("new level from", "row", "between (90 %)", "probability", "before", "after", box=None)
    for one in changes:
        table.add_row(
            str(one["time"]),
            str(one["index"]),
            f"{one['low']} and {one['high']}",
            f"{one['probability']:.2f}" if one["probability"] < 0.99 else "over 0.99",
            f"{one['level_before']:.4g}",
            f"{one['level_after']:.4g}",
        )
    out_console.print(table)


def sparkline(values: Sequence[float]) -> str:
    """Draw a series in one line of blocks, each the mean of a stretch."""
    width = min(WIDTH, len(values))
    edges = [round(k * len(values) / width) for k in range(width + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
    low, span = min(means), (max(means) - min(means)) or 1.0
    return "".join(BLOCKS[min(int((m - low) / span * len(BLOCKS)), len(BLOCKS) - 1)] for m in means)
