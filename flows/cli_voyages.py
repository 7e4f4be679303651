"""``roadstead voyages``: trips between two published sites."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from flows.settings import Settings
from flows.terminal import JsonOption, OutOption, one_line_errors, out_console, parse_day

if TYPE_CHECKING:
    from flows.voyages import Told

LINKS_SHOWN = 20

STRANGERS = "in simulations, ports that share no ships but like ones have passed for up to 4 trips, at least"
"""The weak side of "at least", said beside it (`python -m tests.benchmarks.bench_voyages`)."""


@one_line_errors
def voyages(
    site_a: Annotated[str, typer.Argument(metavar="SITE_A", help="Bundled id or a site's GeoJSON file.")],
    site_b: Annotated[str, typer.Argument(metavar="SITE_B", help="The other one.")],
    out: OutOption = None,
    as_known_on: Annotated[
        str | None,
        typer.Option(
            "--as-known-on",
            metavar="YYYY-MM-DD",
            help="Say what could be said at the end of that day, UTC; nothing is written then.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell trips and round trips between two published sites: at least, at most, and which links are likely.

    Writes voyages.parquet into both publications. No ship is identified: every link is a probability.

    Example: `roadstead voyages najin dunay --out demo`

    Example: `roadstead voyages najin dunay --out demo --as-known-on 2023-10-14`
    """
    from flows.voyages import run_voyages

    day = parse_day("--as-known-on", as_known_on) if as_known_on else None
    told = run_voyages(site_a, site_b, out or Settings().out, day)
    if as_json:
        print(json.dumps(told.as_dict(), ensure_ascii=False))
        return
    for line in sentences(told):
        out_console.print(line, markup=False, highlight=False)
    _print_links(told)
    for path in told.written:
        out_console.print(f"written: {path}", markup=False, highlight=False)


def sentences(told: Told) -> list[str]:
    """Say the numbers, and what is not known."""
    (a, b), trips = told.names, told.trips
    sure, most = 100 * trips.options.sure, 100 * trips.options.most
    sea = trips.sea
    way = f"{sea.distance_nm:.0f} nautical miles over water" if sea.over_water else (
        f"{sea.great_circle_nm:.0f} nautical miles at least (great circle; no coast at hand)"
    )  # fmt: skip
    lines = [
        f"{a} to {b}: {way}; {trips.looks[0]} and {trips.looks[1]} looks, {len(trips.stays[0])} and "
        f"{len(trips.stays[1])} stays from {trips.first:%Y-%m-%d} to {trips.last:%Y-%m-%d}",
        f"trips {a} to {b}: at least {trips.there.at_least}, at most {trips.there.at_most}",
        f"trips {b} to {a}: at least {trips.back.at_least}, at most {trips.back.at_most}",
        f"round trips {a} to {b} and back: at least {trips.round.at_least}, at most {trips.round.at_most}",
        f"at least: with {sure:g} %, chance matches allowed for; at most: with {most:g} %, missed crossings "
        "included",
        STRANGERS,
        "not known: which ship was which (a link is a probability), what they carried, what happened between "
        "the looks",
    ]
    if not sea.over_water:
        lines.append(told.coast)
    return lines


def _print_links(told: Told) -> None:
    named = told.links[told.links["named"]]
    others = len(told.links) - len(named)
    table = Table("from", "left (UTC)", "to", "arrived (UTC)", "lengths", "P", "of", box=None)
    for row in named.tail(LINKS_SHOWN).to_dict("records"):
        table.add_row(
            f"{row['origin']} {row['origin_berth']}",
            _bracket(row["leave_low"], row["leave_high"]),
            f"{row['destination']} {row['destination_berth']}",
            _bracket(row["arrive_low"], row["arrive_high"]),
            f"{row['origin_length_m']:.0f}, {row['destination_length_m']:.0f} m",
            f"{row['probability']:.2f}",
            str(row["candidates"]),
        )
    if len(named):
        out_console.print(table)
    shown = f"the {LINKS_SHOWN} latest of " if len(named) > LINKS_SHOWN else ""
    out_console.print(
        f"{shown}{len(named)} links are likelier than not; {others} others may be", highlight=False
    )


def _bracket(low: Any, high: Any) -> str:
    """Days, or hours where both ends are of one day."""
    known = [moment for moment in (low, high) if moment is not None and moment == moment]
    if len(known) == 2 and low.date() == high.date():
        return f"{low:%Y-%m-%d %H:%M}–{high:%H:%M}"
    first, last = (f"{m:%m-%d}" if m is not None and m == m else "?" for m in (low, high))
    year = f"{known[0]:%Y}-" if first != "?" else ""
    return f"{year}{first} … {last}"
