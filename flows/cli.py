"""The command line: parses, calls, prints. Heavy imports wait until a command needs them."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer
from rich.console import Console
from rich.table import Table

from flows.settings import Settings, quiet_environment
from tasks.errors import InputError, RoadsteadError

EXIT_PARTLY = 3

app = typer.Typer(
    name="roadstead",
    help="Watch ports from satellite image archives: looks in, port utilisation with evidence out.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
sites_app = typer.Typer(help="Ports and their zones: list, show, check.", no_args_is_help=True)
app.add_typer(sites_app, name="sites")

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
ArchiveOption = Annotated[str | None, typer.Option("--archive", help="Archive folder; default OUT/archive.")]
OutOption = Annotated[str | None, typer.Option("--out", help="Publication folder; default roadstead-out.")]
ClusterOption = Annotated[
    str | None, typer.Option("--cluster", help="auto, none, local, or a Dask scheduler tcp://host:8786.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
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


def parse_day(option: str, text: str) -> date:
    """Read a day as YYYY-MM-DD."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise InputError(f"{option} {text!r} is not a day; write it as 2023-10-01") from None


StartOption = Annotated[str, typer.Option("--start", metavar="YYYY-MM-DD", help="First day, UTC.")]
EndOption = Annotated[str, typer.Option("--end", metavar="YYYY-MM-DD", help="Last day, UTC, included.")]


@app.command()
@one_line_errors
def backfill(
    site: SiteArgument,
    start: StartOption,
    end: EndOption,
    catalog: CatalogOption,
    collection: CollectionOption = None,
    archive: ArchiveOption = None,
    out: OutOption = None,
    cluster: ClusterOption = None,
    retry_rejected: Annotated[
        bool, typer.Option("--retry-rejected", help="Try scenes again that were found broken.")
    ] = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Gather and measure a period of one site; run it again to continue or to add.

    Example: `roadstead backfill latakia --catalog s1/collection.json --start 2022-01-01 --end 2023-12-31`
    """
    from flows.chain import make_request

    first, last = parse_day("--start", start), parse_day("--end", end)
    request = make_request(site, first, last, catalog, collection, archive, out, retry_rejected)

    def run() -> dict[str, Any]:
        from flows.backfill import backfill as flow

        return flow(
            site, first, last, catalog, collection, request.archive, request.out, cluster, retry_rejected
        )

    _carry_out(request, run, cluster, dry_run, as_json)


@app.command()
@one_line_errors
def monitor(
    site: SiteArgument,
    catalog: CatalogOption,
    collection: CollectionOption = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM-DD", help="First day; default a month before the newest scene."),
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="Last day; default today.")] = None,
    archive: ArchiveOption = None,
    out: OutOption = None,
    cluster: ClusterOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Gather and measure what is new at one site since the last run.

    Example: `roadstead monitor najin --catalog https://stac.example/v1 --collection sentinel-1-rtc`
    """
    from datetime import UTC

    from flows.period import monitoring_request

    today = parse_day("--until", until) if until else datetime.now(UTC).date()
    first = parse_day("--since", since) if since else None
    request = monitoring_request(site, catalog, collection, first, archive, out, today)

    def run() -> dict[str, Any]:
        from flows.monitor import monitor as flow

        return flow(site, catalog, collection, request.start, today, request.archive, request.out, cluster)

    _carry_out(request, run, cluster, dry_run, as_json)


@app.command()
@one_line_errors
def demo(
    out: Annotated[
        str, typer.Option("--out", help="Folder for the images, the archive and the page.")
    ] = "demo",
    as_json: JsonOption = False,
) -> None:
    """Run the whole main job on simulated radar images of Najin; needs no network.

    Example: `roadstead demo --out demo`
    """
    from flows.chain import make_request
    from flows.demo import END, START, simulated_catalog

    catalog = str(simulated_catalog(Path(out) / "images", error_console))
    request = make_request("najin", START, END, catalog, None, None, out)

    def run() -> dict[str, Any]:
        from flows.backfill import backfill as flow

        return flow("najin", START, END, catalog, None, request.archive, request.out)

    _carry_out(request, run, None, False, as_json)
    if not as_json:
        out_console.print("All images of this demo are simulated; they say nothing about the real port.")


@sites_app.command("list")
@one_line_errors
def sites_list(as_json: JsonOption = False) -> None:
    """List the bundled sites.

    Example: `roadstead sites list`
    """
    from tasks.sites import bundled_sites, load_site

    sites = [load_site(site_id) for site_id in bundled_sites()]
    if as_json:
        print(json.dumps([{"id": s.site_id, "title": s.title, "zones": len(s.zones)} for s in sites]))
        return
    table = Table("site", "title", "zones", box=None, pad_edge=False)
    for site in sites:
        table.add_row(site.site_id, site.title, str(len(site.zones)))
    out_console.print(table)


@sites_app.command("show")
@one_line_errors
def sites_show(site: SiteArgument, as_json: JsonOption = False) -> None:
    """Show a site's zones.

    Example: `roadstead sites show najin`
    """
    from tasks.sites import load_site

    found = load_site(site)
    rows = [
        {"zone_id": z.zone_id, "kind": z.kind.value, "name": z.name, "confidence": z.confidence}
        for z in found.zones
    ]
    if as_json:
        print(json.dumps({"id": found.site_id, "title": found.title, "zones": rows}, ensure_ascii=False))
        return
    table = Table("zone", "kind", "name", "confidence", title=found.title, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row.values())
    out_console.print(table)
    out_console.print(found.attribution, style="dim", markup=False)


@sites_app.command("check")
@one_line_errors
def sites_check(
    file: Annotated[Path, typer.Argument(help="A site's GeoJSON file.")], as_json: JsonOption = False
) -> None:
    """Check a site file against every rule; says what is wrong and where. Exit code 2 on errors.

    Example: `roadstead sites check my-port.geojson`
    """
    from dataclasses import asdict

    from tasks.sites import check_file

    problems = check_file(file)
    if as_json:
        print(json.dumps([asdict(p) for p in problems], ensure_ascii=False))
    else:
        for problem in problems:
            out_console.print(str(problem), markup=False, highlight=False)
        out_console.print(f"{file}: {len(problems)} problems" if problems else f"{file}: good", markup=False)
    if any(p.severity == "error" for p in problems):
        raise typer.Exit(InputError.exit_code)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"roadstead {version('roadstead')}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Watch ports from satellite image archives."""


def _carry_out(
    request: Any, run: Callable[[], dict[str, Any]], cluster: str | None, dry_run: bool, as_json: bool
) -> None:
    """Plan first; start the orchestrator only if there is something to do; print what came of it."""
    from flows.chain import starting
    from flows.cluster import choose
    from tasks.discover import plan

    choose(cluster or Settings().cluster, 0)
    todo = plan(request)
    if dry_run or todo.nothing_to_do:
        outcome = starting(todo).as_dict()
        headline = f"{len(todo.new)} new scenes, {todo.known} archived already"
        if todo.nothing_to_do:
            headline = f"nothing new: all {todo.known} scenes are archived and published"
    else:
        if error_console.is_terminal and "PREFECT_API_URL" not in os.environ:
            error_console.print("starting Prefect; 10 to 20 s without a server", style="dim")
        outcome = run()
        headline = (
            f"{outcome['ingested']} scenes ingested, {outcome['measured']} measured; "
            f"{outcome['looks']} looks (scene × zone), {outcome['vessels']} vessels"
        )
    if as_json:
        print(json.dumps(outcome | {"new": len(todo.new), "dry_run": dry_run}, ensure_ascii=False))
    else:
        _print_outcome(request.site.site_id, headline, outcome, dry_run)
    if outcome["rejected"]:
        raise typer.Exit(EXIT_PARTLY)


def _print_outcome(site_id: str, headline: str, outcome: dict[str, Any], dry_run: bool) -> None:
    out_console.print(f"{site_id}: {headline}", markup=False, highlight=False)
    for scene_id, reason in sorted(outcome["rejected"].items()):
        out_console.print(f"left out {scene_id}: {reason}", style="yellow", markup=False, highlight=False)
    if not dry_run:
        out_console.print(f"page: {outcome['page']}", markup=False, highlight=False)


if __name__ == "__main__":
    sys.exit(app())
