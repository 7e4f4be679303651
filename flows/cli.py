"""The command line: parses, calls, prints. Heavy imports wait until a command needs them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli_archive import status, upkeep, verify
from flows.cli_detect import detect
from flows.cli_detectability import detectability
from flows.cli_diff import diff
from flows.cli_effect import effect, lag
from flows.cli_regimes import regimes
from flows.cli_serve import serve
from flows.cli_simulate import simulate
from flows.cli_sites import sites_app
from flows.cli_voyages import voyages
from flows.settings import Settings
from flows.terminal import (
    EXIT_PARTLY,
    ArchiveOption,
    CatalogOption,
    ClusterOption,
    CollectionOption,
    DryRunOption,
    EndOption,
    JsonOption,
    OutOption,
    PublicOption,
    SiteArgument,
    StartOption,
    error_console,
    one_line_errors,
    out_console,
    parse_day,
    print_summary,
)

app = typer.Typer(
    name="roadstead",
    help="Watch ports from satellite image archives: looks in, port utilisation with evidence out.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(sites_app, name="sites")
app.command("simulate")(simulate)
app.command("detect")(detect)
app.command("effect")(effect)
app.command("lag")(lag)
app.command("detectability")(detectability)
app.command("regimes")(regimes)
app.command("voyages")(voyages)
app.command("status")(status)
app.command("verify")(verify)
app.command("upkeep")(upkeep)
app.command("diff")(diff)
app.command("serve")(serve)


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
    repair: Annotated[
        bool, typer.Option("--repair", help="Read the archive back first; fetch again what is damaged.")
    ] = False,
    public: PublicOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Gather and measure a period of one site; run it again to continue or to add.

    Example: `roadstead backfill latakia --catalog s1/collection.json --start 2022-01-01 --end 2023-12-31`
    """
    from flows.chain import make_request

    first, last = parse_day("--start", start), parse_day("--end", end)
    request = make_request(
        site, first, last, catalog, collection, archive, out, retry_rejected, repair, public
    )

    def run() -> dict[str, Any]:
        from flows.backfill import backfill as flow

        return flow(
            site,
            first,
            last,
            catalog,
            collection,
            request.archive,
            request.out,
            cluster,
            retry_rejected,
            repair,
            public,
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
    public: PublicOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Gather and measure what is new at one site since the last run.

    Example: `roadstead monitor najin --catalog https://stac.example/v1 --collection sentinel-1-rtc`
    """
    from datetime import UTC, datetime

    from flows.period import monitoring_request

    today = parse_day("--until", until) if until else datetime.now(UTC).date()
    first = parse_day("--since", since) if since else None
    request = monitoring_request(site, catalog, collection, first, archive, out, today, public)

    def run() -> dict[str, Any]:
        from flows.monitor import monitor as flow

        period = (request.start, today)
        return flow(site, catalog, collection, *period, request.archive, request.out, cluster, public)

    _carry_out(request, run, cluster, dry_run, as_json)


@app.command()
@one_line_errors
def demo(
    out: Annotated[
        str, typer.Option("--out", help="Folder for the images, the archive and the pages.")
    ] = "demo",
    seed: Annotated[
        int, typer.Option("--seed", help="Another seed, another story between the reports.")
    ] = 2023,
    as_json: JsonOption = False,
) -> None:
    """Run the whole main job on simulated images of Najin and Dunay; needs no network.

    Simulates June to December 2023 once (and keeps it), gathers and measures both ports, and says
    what the images tell: when the port woke, how sure that is, how busy its berths were, how many
    trips there were, and what cannot be known.

    Example: `roadstead demo --out demo`
    """
    from flows.demo import run_demo

    told = run_demo(Path(out), seed, error_console)
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
        return
    for line in told["lines"]:
        out_console.print(line, markup=False, highlight=False)


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
            done = "archived and published" if outcome["page"] else "archived"
            headline = f"nothing new: all {todo.known} scenes are {done}"
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
    if not dry_run and outcome["page"]:
        print_summary(Path(outcome["publication"]))
        out_console.print(f"page: {outcome['page']}", markup=False, highlight=False)


if __name__ == "__main__":
    sys.exit(app())
