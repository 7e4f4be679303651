"""``roadstead simulate``: an archive whose truth is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from flows.terminal import JsonOption, error_console, one_line_errors, out_console, parse_day


@one_line_errors
def simulate(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="najin-2023, quiet, busy or random.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write; made if it is missing.")],
    seed: Annotated[
        int, typer.Option("--seed", help="What the scenario leaves open follows from it.")
    ] = 2023,
    start: Annotated[
        str | None, typer.Option("--start", metavar="YYYY-MM-DD", help="First day with images, UTC.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--end", metavar="YYYY-MM-DD", help="Last day with images, UTC, included.")
    ] = None,
    site: Annotated[
        str | None,
        typer.Option("--site", metavar="SITE", help="Your port, for quiet, busy and random; default najin."),
    ] = None,
    sensor: Annotated[
        list[str] | None,
        typer.Option("--sensor", help="sentinel-1, sentinel-2, planet, submetre; repeat for more."),
    ] = None,
    defects: Annotated[
        str, typer.Option("--defects", help="What goes wrong with deliveries: few (one of each), none, many.")
    ] = "few",
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes; default one per processor.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make an archive of simulated images with the truth beside them.

    What would this revisit have seen at my port? Writes GeoTIFFs and a STAC catalogue as providers
    do, and truth tables as Parquet. The same scenario and seed give the same bytes; a finished folder
    is left as it is.

    Example: `roadstead simulate najin-2023 sim --seed 7 --start 2023-09-01 --end 2023-12-31`

    Example: `roadstead simulate busy sim --site my-port.geojson --sensor sentinel-1`
    """
    from flows.progress import Reporter
    from tasks.simulate import DEFAULT_SENSORS, sensors_of
    from tasks.simulate import simulate as make
    from tasks.sites import load_site

    first = parse_day("--start", start) if start else None
    last = parse_day("--end", end) if end else None
    reporter = Reporter(error_console)
    with reporter.running():
        advance, expect = reporter.stage("simulate")
        catalog = make(
            scenario,
            folder,
            seed=seed,
            start=first,
            end=last,
            site=load_site(site) if site else None,
            sensors=sensors_of(sensor) if sensor else DEFAULT_SENSORS,
            defects=defects,
            workers=workers,
            expect=expect,
            advance=advance,
        )
    if as_json:
        print(json.dumps({"catalog": str(catalog), "truth": str(catalog.parent / "truth")}))
        return
    out_console.print(f"catalogue: {catalog}", markup=False, highlight=False)
    out_console.print(f"truth: {catalog.parent / 'truth'}", markup=False, highlight=False)
