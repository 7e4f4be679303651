"""``roadstead effect`` and ``roadstead lag``: questions to the published looks of one site and others."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.settings import Settings
from flows.terminal import JsonOption, OutOption, SiteArgument, one_line_errors, out_console, parse_day
from tasks.errors import InputError

if TYPE_CHECKING:
    from tasks.compare import Effect, Lag


@one_line_errors
def effect(
    site: SiteArgument,
    on: Annotated[str, typer.Option("--on", metavar="YYYY-MM-DD", help="First day after the event, UTC.")],
    control: Annotated[
        list[str] | None,
        typer.Option("--control", metavar="SITE", help="Port that the event did not touch; repeat for more."),
    ] = None,
    drop: Annotated[
        float, typer.Option("--drop", help="Fall that must be excluded to say unabated: 0.3 is 30 %.")
    ] = 0.3,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare a port's activity after an event with that before, from its published looks.

    Prints the ratio of ships at berth with its 90 % interval, how often dates before the event show as much
    by chance, and whether activity may be called unabated: only where a fall of `--drop` is excluded.

    Example: `roadstead effect najin --on 2023-10-13 --control dunay`
    """
    from tasks.compare import effect_on
    from tasks.sites import load_site

    day = parse_day("--on", on)
    if not 0 < drop < 1:
        raise InputError(f"--drop {drop:g} is no share; write 0.3 for a fall of 30 %")
    sites = [load_site(name) for name in (site, *(control or []))]
    folder = Path(out or Settings().out)
    found = effect_on([folder / s.site_id for s in sites], sites, day, drop)
    if as_json:
        told = {"told": False} if found is None else {"told": True, "verdict": found.verdict, **asdict(found)}
        print(json.dumps({"site": sites[0].site_id, "on": on, **told}, ensure_ascii=False))
        return
    for line in effect_sentences(sites[0].title, on, found):
        out_console.print(line, markup=False, highlight=False)


def effect_sentences(title: str, on: str, found: Effect | None) -> list[str]:
    """Say what an event changed."""
    if found is None:
        return [f"{title}: too few looks before or after {on} to compare."]
    words = {
        "fell": "activity fell",
        "rose": "activity rose",
        "unabated": f"activity went on unabated: a fall of {found.drop:.0%} is excluded",
        "untold": f"no change is shown, nor a fall of {found.drop:.0%} excluded: not to be called unabated",
    }
    lines = [
        f"{title}, from {on} on: {words[found.verdict]}.",
        f"  Ships at berth per look: {found.before:.2f} before, {found.after:.2f} after; "
        f"ratio {found.ratio:.2f} ({found.low:.2f} to {found.high:.2f}, 90 %).",
    ]
    if found.placebo_share is None:
        lines.append("  Too few looks before it to try other dates.")
    else:
        lines.append(
            f"  As large a change by chance: {found.placebo_share:.0%} of {found.placebos} earlier dates "
            f"and this one."
        )
    allowed = [f"{found.controls} control ports"] if found.controls else []
    allowed += ["the season"] if found.season else []
    lines.append(f"  Allowed for: {', '.join(allowed) or 'neither season nor other ports'}.")
    return lines


@one_line_errors
def lag(
    site: SiteArgument,
    follower: Annotated[str, typer.Argument(metavar="FOLLOWER", help="Site that may follow: a depot.")],
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell how long after a port another site does the same, if it does: port to inland depot.

    Example: `roadstead lag najin tikhoretsk`
    """
    from tasks.compare import lag_between
    from tasks.sites import load_site

    sites = [load_site(name) for name in (site, follower)]
    folder = Path(out or Settings().out)
    found, first, second = lag_between([folder / s.site_id for s in sites], sites)
    if as_json:
        told = asdict(found) if found else {"told": False}
        compared = {"compared": [first.what, second.what]}
        print(json.dumps({"sites": [s.site_id for s in sites], **compared, **told}, ensure_ascii=False))
        return
    pair = f"{sites[0].title} ({first.what}) and {sites[1].title} ({second.what})"
    out_console.print(lag_sentence(pair, found), markup=False, highlight=False)


def lag_sentence(pair: str, found: Lag | None) -> str:
    """Say whether one site follows another."""
    if found is None:
        return f"{pair}: too few looks to compare."
    chance = f"as strong a likeness comes by chance with probability {found.chance:.3f}"
    if not found.told or found.days is None or found.low is None or found.high is None:
        return f"{pair}: these looks show no lag; {chance}."
    return f"{pair}: {found.days:.0f} days later ({found.low:.0f} to {found.high:.0f}, 90 %); {chance}."
