"""``roadstead sites``: ports and their zones."""

from __future__ import annotations

import json

import typer
from rich.table import Table

from flows.cli_draft import sites_new
from flows.terminal import JsonOption, SiteArgument, one_line_errors, out_console
from tasks.errors import InputError

sites_app = typer.Typer(help="Ports and their zones: list, show, check, draft.", no_args_is_help=True)
sites_app.command("new")(sites_new)


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
def sites_check(site: SiteArgument, as_json: JsonOption = False) -> None:
    """Check a site file against every rule, and say what each sensor could tell of its zones.

    Exit code 2 if a rule is broken. As JSON: `problems`, and `sensing` (null while there are errors).

    Example: `roadstead sites check my-port.geojson`
    """
    from dataclasses import asdict

    from flows.sensing_table import print_sensing, sensing_rows
    from tasks.sites import check_file, find_site, load_site
    from tasks.sites.sensing import sensing_of

    file = find_site(site)
    problems = check_file(file)
    broken = any(p.severity == "error" for p in problems)
    sensing = [] if broken else sensing_of(load_site(site))
    if as_json:
        rows = None if broken else sensing_rows(sensing)
        print(json.dumps({"problems": [asdict(p) for p in problems], "sensing": rows}, ensure_ascii=False))
    else:
        for problem in problems:
            out_console.print(str(problem), markup=False, highlight=False)
        out_console.print(f"{site}: {len(problems)} problems" if problems else f"{site}: good", markup=False)
    if broken:
        raise typer.Exit(InputError.exit_code)
    if not as_json:
        print_sensing(sensing)
