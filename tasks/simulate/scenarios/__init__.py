"""The scenarios by name: what each is about, when it plays and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from tasks.errors import InputError
from tasks.model import Site
from tasks.simulate.scenarios import random_port
from tasks.simulate.scenarios.najin import najin_2023
from tasks.simulate.scenarios.najin_story import SITES as NAJIN_SITES
from tasks.simulate.world.model import World
from tasks.sites import load_site


@dataclass(frozen=True)
class Scenario:
    """One story that can be simulated."""

    title: str
    what: str

    start: date
    end: date
    """Days simulated by default."""

    bounded: bool
    """True for a story that begins and ends; False for one that goes on for any period."""

    build: Callable[[Site, date, date, int], World] | None
    """Makes the world of one site; None for the replay, which brings its own two."""


SCENARIOS: Mapping[str, Scenario] = {
    "najin-2023": Scenario(
        "Najin and Dunay, a replay of 2023 and early 2024",
        "Dormant until August 2023, then ships to Dunay, faster from October, a pause in February 2024.",
        date(2023, 1, 1), date(2024, 3, 31), True, None,
    ),
    "quiet": Scenario(
        "A port at which nothing ever happens",
        "No vessel and no container on any day: every detection is a false alarm.",
        date(2023, 1, 1), date(2023, 12, 31), False, random_port.quiet,
    ),
    "busy": Scenario(
        "A crowded port",
        "About 0.7 of all quay metres are taken, and ships lie in the roads.",
        date(2023, 1, 1), date(2023, 12, 31), False, random_port.busy,
    ),
    "random": Scenario(
        "A port drawn at random",
        "One change of pace in the middle half of the period; how busy, how long, how large is drawn.",
        date(2023, 1, 1), date(2023, 12, 31), False, random_port.random,
    ),
}  # fmt: skip

DEFAULT_SITE = "najin"


def sites_of(scenario: str, site: Site | None) -> dict[str, Site]:
    """Tell which sites a scenario plays at.

    Raises
    ------
    InputError
        If a site is named for a story that has its own.
    """
    if SCENARIOS[scenario].build is not None:
        chosen = site or load_site(DEFAULT_SITE)
        return {chosen.site_id: chosen}
    if site is not None:
        raise InputError(
            f"scenario {scenario} plays at {' and '.join(NAJIN_SITES)}; for site {site.site_id} "
            f"choose {', '.join(n for n, s in SCENARIOS.items() if s.build is not None)}"
        )
    return {name: load_site(name) for name in NAJIN_SITES}


def scenario_world(scenario: str, sites: dict[str, Site], start: date, end: date, seed: int) -> World:
    """Make the world of a scenario."""
    build = SCENARIOS[scenario].build
    if build is None:
        return najin_2023(sites, seed)
    (site,) = sites.values()
    return build(site, start, end, seed)
