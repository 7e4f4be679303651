"""``roadstead status``, ``verify`` and ``upkeep``: what is stored, is it whole, and keeping it small."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.settings import Settings
from flows.terminal import (
    ArchiveOption,
    JsonOption,
    OutOption,
    error_console,
    one_line_errors,
    out_console,
    parse_moment,
)
from tasks.errors import InputError

if TYPE_CHECKING:
    from tasks.upkeep import SiteStatus

EXIT_DAMAGED = 1

DAMAGE_SHOWN = 20

AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", metavar="WHEN", help="Earlier state: 2023-12-09, a moment, or a snapshot id."),
]


@one_line_errors
def status(
    sites: Annotated[list[str] | None, typer.Argument(metavar="[SITE]...", help="Default: all.")] = None,
    archive: ArchiveOption = None,
    out: OutOption = None,
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say at a glance what is archived: dates, last look, gaps, quarantine, regimes.

    Example: `roadstead status najin --archive s3://ports/archive`
    """
    from tasks.upkeep import sites_in, survey

    settings = Settings()
    target = out or settings.out
    place = archive or settings.archive_for(target)
    wanted = sites or sites_in(place)
    if not wanted:
        raise InputError(f"archive {place} has no site yet; `roadstead backfill SITE` makes one")
    moment = parse_moment("--as-of", as_of) if as_of else None
    found = [survey(place, site, target, moment) for site in wanted]
    if as_json:
        print(json.dumps([asdict(one) for one in found], default=_plain, ensure_ascii=False))
        return
    now = datetime.now(UTC)
    for one in found:
        _print_status(one, now)


@one_line_errors
def verify(
    ref: Annotated[str, typer.Argument(metavar="REF", help="Archive, repository or publication.")],
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read everything in an archive or publication back and compare checksums.

    Exit code 1 if anything is damaged; `roadstead backfill SITE … --repair` mends an archive.

    Example: `roadstead verify roadstead-out/archive`
    """
    from flows.progress import Reporter
    from tasks.upkeep import verify as verify_all

    moment = parse_moment("--as-of", as_of) if as_of else None
    reporter = Reporter(error_console)
    with reporter.running():
        advance, expect = reporter.stage("read back")
        checked = verify_all(ref, moment, expect, advance)
    damaged = sum(len(one.damaged) for one in checked)
    if as_json:
        print(json.dumps([asdict(one) for one in checked], ensure_ascii=False))
    else:
        for one in checked:
            what = "planes" if one.kind == "archive" else "files"
            verdict = f"{len(one.damaged)} damaged" if one.damaged else "all as they were written"
            out_console.print(f"{one.ref}: {one.read} {what} read, {verdict}", markup=False, highlight=False)
            for row in one.damaged[:DAMAGE_SHOWN]:
                _print_damage(row)
            if (more := len(one.damaged) - DAMAGE_SHOWN) > 0:
                out_console.print(f"  and {more} more; --json lists all", style="red")
    if damaged:
        raise typer.Exit(EXIT_DAMAGED)


@one_line_errors
def upkeep(
    sites: Annotated[list[str] | None, typer.Argument(metavar="[SITE]...", help="Default: all.")] = None,
    archive: ArchiveOption = None,
    keep_days: Annotated[
        int, typer.Option("--keep-days", min=0, help="States younger than this stay, and the newest always.")
    ] = 90,
    as_json: JsonOption = False,
) -> None:
    """Forget old states of an archive and throw away what only they referred to.

    Example: `roadstead upkeep najin --keep-days 90`
    """
    from flows.upkeep import upkeep as flow

    done = flow(archive, sites, keep_days)
    if as_json:
        print(json.dumps(done))
        return
    for site, tidied in done.items():
        out_console.print(
            f"{site}: {tidied['snapshots']} states forgotten, {tidied['kept']} kept; "
            f"{tidied['objects']} objects, {tidied['bytes'] / 1e6:.1f} MB thrown away",
            markup=False,
            highlight=False,
        )


def _print_status(one: SiteStatus, now: datetime) -> None:
    written = f"{one.written:%Y-%m-%d %H:%M} UTC" if one.written else "?"
    out_console.print(f"[bold]{one.site}[/]  state {one.snapshot} of {written}, {one.states} to go back to")
    for cube in one.collections:
        out_console.print(f"  {cube.collection}  [dim]{' '.join(cube.bands)}[/]")
        first, last = f"{cube.first:%Y-%m-%d}", f"{cube.last:%Y-%m-%d %H:%M}"
        gap = (
            f", longest gap {cube.longest_gap_days:.1f} d from {cube.gap_from:%Y-%m-%d}"
            if cube.dates > 1
            else ""
        )
        out_console.print(
            f"    {cube.dates} dates, {first} to {last} ({(now - cube.last).days} d ago){gap}; "
            f"{cube.backgrounds} backgrounds",
            highlight=False,
        )
    for row in one.regimes[-1:]:
        chance = "" if row["probability"] is None else f", probability {row['probability']:.2f}"
        line = f"  {row['state']} since {row['start']:%Y-%m-%d}, {row['status']}{chance}"
        out_console.print(line, markup=False, highlight=False)
    for scene_id, reason in sorted(one.quarantine.items()):
        out_console.print(f"  left out {scene_id}: {reason}", style="yellow", markup=False, highlight=False)
    if one.bare:
        out_console.print(f"  {len(one.bare)} scenes that show nothing of the site", style="dim")
    if one.superseded:
        out_console.print(f"  {len(one.superseded)} superseded deliveries", style="dim")


def _print_damage(row: dict[str, str]) -> None:
    where = f"{row['collection']} " if "collection" in row else ""
    array = f" ({row['array']})" if row.get("array") else ""
    line = f"  {where}{row['what']} {row['name']}{array}: {row['reason']}"
    out_console.print(line, style="red", markup=False, highlight=False)


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
