"""What every command shares: consoles, the options that recur, errors in one line."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec

import typer
from rich.console import Console

from flows.settings import Settings, quiet_environment
from tasks.errors import InputError, RoadsteadError

EXIT_PARTLY = 3

SNAPSHOT = re.compile(r"[0-9A-Z]{20}")
"""How Icechunk spells a snapshot's id."""

out_console = Console(soft_wrap=True)
error_console = Console(stderr=True, soft_wrap=True)

P = ParamSpec("P")

SiteArgument = Annotated[str, typer.Argument(metavar="SITE", help="Bundled id or a site's GeoJSON file.")]
CatalogOption = Annotated[
    str, typer.Option("--catalog", help="STAC API, static catalogue or collection, or stac-geoparquet file.")
]
CollectionOption = Annotated[
    list[str] | None, typer.Option("--collection", help="Collection to take; repeat for more.")
]
ArchiveOption = Annotated[
    str | None, typer.Option("--archive", help="Archive: folder or s3://BUCKET/PREFIX; default OUT/archive.")
]
OutOption = Annotated[str | None, typer.Option("--out", help="Publication folder; default roadstead-out.")]
ClusterOption = Annotated[
    str | None, typer.Option("--cluster", help="auto, none, local, or a Dask scheduler tcp://host:8786.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
PublicOption = Annotated[
    bool,
    typer.Option("--public", help="Leave pictures out whose licence does not let everybody see them."),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and stop.")]


def one_line_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Turn errors made for people into one line and an exit code."""

    @wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        quiet_environment(Settings())
        logging.basicConfig(
            level=logging.INFO if not error_console.is_terminal else logging.WARNING,
            format="%(asctime)s %(message)s",
            datefmt="%H:%M:%S",
        )
        for noisy in ("httpx", "prefect", "distributed", "rasterio", "pyogrio"):
            logging.getLogger(noisy).setLevel(logging.CRITICAL)  # what goes wrong is said once, below
        try:
            command(*args, **kwargs)
        except RoadsteadError as fault:
            error_console.print(f"roadstead: {fault}", style="red", markup=False, highlight=False)
            raise typer.Exit(fault.exit_code) from None

    return guarded


def print_summary(folder: Path) -> None:
    """Print what a publication tells in a few lines; plain where the terminal knows no Unicode."""
    from flows.summary import summary_lines

    plain = not out_console.encoding.lower().startswith("utf")
    for k, line in enumerate(summary_lines(folder, plain=plain)):
        out_console.print(line, style="bold" if k == 0 else None, markup=False, highlight=False)


def parse_day(option: str, text: str) -> date:
    """Read a day as YYYY-MM-DD."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise InputError(f"{option} {text!r} is not a day; write it as 2023-10-01") from None


def parse_moment(option: str, text: str) -> datetime | str:
    """Read a day (its end, UTC), a moment (UTC unless it says otherwise) or a snapshot id."""
    if SNAPSHOT.fullmatch(text):
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"{option} {text!r} is no day, moment or snapshot; write 2023-12-09, 2023-12-09T04:15 or a "
            "snapshot's 20 letters"
        ) from None
    if len(text) <= len("2023-12-09"):
        moment += timedelta(days=1, microseconds=-1)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


StartOption = Annotated[str, typer.Option("--start", metavar="YYYY-MM-DD", help="First day, UTC.")]
EndOption = Annotated[str, typer.Option("--end", metavar="YYYY-MM-DD", help="Last day, UTC, included.")]
