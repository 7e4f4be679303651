"""``roadstead detectability``: what change a site's looks could have shown, and how late."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from flows.settings import Settings
from flows.terminal import JsonOption, OutOption, SiteArgument, error_console, one_line_errors, out_console
from tasks.errors import InputError

if TYPE_CHECKING:
    from tasks.compare import Detectability


@one_line_errors
def detectability(
    site: SiteArgument,
    revisit: Annotated[
        list[float] | None,
        typer.Option("--revisit", metavar="DAYS", help="Days between looks; repeat to compare."),
    ] = None,
    loss: Annotated[
        float, typer.Option("--loss", help="Share of looks lost to cloud, of a stated revisit.")
    ] = 0.0,
    before: Annotated[
        float | None, typer.Option("--before", help="Ships per look before the change.")
    ] = None,
    after: Annotated[float | None, typer.Option("--after", help="Ships per look after it.")] = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell by simulation what change of activity a site's looks could have shown, and how late.

    Of a published site, its own looks and the scatter of its ships are taken; `--revisit` asks what other
    looks would have shown. How late: days from the change until it is provisional, and until confirmed.

    Example: `roadstead detectability najin --revisit 6 --revisit 12 --loss 0.3 --before 0.05 --after 0.6`
    """
    from flows.progress import Reporter
    from tasks.compare import FACTORS, what_could_be_seen
    from tasks.sites import load_site

    changes = _changes(before, after)
    if not 0 <= loss < 1:
        raise InputError(f"--loss {loss:g} is no share of looks; write 0.3 for three in ten")
    if any(days <= 0 for days in revisit or []):
        raise InputError("--revisit must be above 0 days")
    place = load_site(site)
    folder = Path(out or Settings().out) / place.site_id
    published = folder if (folder / "looks.parquet").is_file() else None
    reporter = Reporter(error_console)
    with reporter.running():
        advance, expect = reporter.stage("sizes of change")
        expect(len(changes or FACTORS) * max(len(revisit or []), 1))
        found = what_could_be_seen(published, place, revisit or [], loss, changes, advance)
    if as_json:
        told = {name: [asdict(one) for one in rows] for name, rows in found.items()}
        print(json.dumps({"site": place.site_id, "looks": told}, ensure_ascii=False))
        return
    _print(place.title, found)


def _changes(before: float | None, after: float | None) -> list[tuple[float, float]]:
    if (before is None) != (after is None):
        raise InputError("--before and --after belong together: ships per look, as 0.05 and 0.6")
    if before is None or after is None:
        return []
    if min(before, after) < 0 or max(before, after) == 0:
        raise InputError("--before and --after are ships per look: 0 or more, and not both 0")
    return [(before, before), (before, after)]


def _print(title: str, found: Mapping[str, Sequence[Detectability]]) -> None:
    for name, rows in found.items():
        out_console.print(f"{title}, looks every {name}" if name[0].isdigit() else f"{title}, its own looks")
        table = Table(
            "ships per look",
            "told",
            "confirmed",
            "provisional after",
            "confirmed after",
            "date off by",
            box=None,
        )
        for row in rows:
            change = "no change" if row.before == row.after else f"{row.before:.2f} → {row.after:.2f}"
            late = _days(row.provisional_days)
            if row.provisional_days is not None:
                late += f" (9 in 10: {_days(row.provisional_days_most)})"
            table.add_row(
                change,
                f"{row.found:.0%}",
                f"{row.confirmed:.0%}",
                late,
                _days(row.confirmed_days),
                _days(row.date_error_days),
            )
        out_console.print(table)
        out_console.print(
            f"  {rows[0].runs} simulated series each, a year before and half a year after; "
            "where nothing changes, told is a false alarm.",
            style="dim",
        )


def _days(days: float | None) -> str:
    return "–" if days is None else f"{days:.0f} d"
