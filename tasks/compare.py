"""Questions put to published looks: what an event changed, who follows whom, what could have been seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.errors import InputError
from tasks.model import Site
from tasks.products.tables import read_looks
from tasks.science.basis import comparable
from tasks.science.quays import quay_metres
from tasks.science.regimes import detectability as simulated
from tasks.science.regimes.detectability import DEFAULT_DETECTABILITY, Detectability, Looking
from tasks.science.regimes.effect import DEFAULT_EFFECT, Counted, Effect, effect
from tasks.science.regimes.lag import Lag, lag
from tasks.science.series.after import counted_at_berths
from tasks.science.series.judged import judge
from tasks.science.series.shares import site_looks
from tasks.science.series.stated import histories
from tasks.science.series.utilisation import components

__all__ = ["Detectability", "Effect", "Lag", "Moving", "effect_on", "lag_between", "what_could_be_seen"]

FACTORS = (1.0, 4.0, 2.0, 1.5, 0.5, 0.25, 0.0)
"""Sizes of change that are simulated where none is given: none first."""

LEAST_BEFORE = 0.1
"""Ships per look that a site is simulated with at least: of a dormant port a multiple says little."""

AWAKE = (0.25, 0.5, 1.0)
"""Ships per look that a dormant port is simulated to wake to, besides."""


@dataclass(frozen=True)
class Moving:
    """What moves at a site, and when."""

    what: str
    times: npt.NDArray[np.datetime64]
    values: npt.NDArray[np.float64]


def effect_on(
    publications: Sequence[Path], sites: Sequence[Site], day: date, drop: float = DEFAULT_EFFECT.drop
) -> Effect | None:
    """Compare the ships at a site's berths from a day on with those before.

    Parameters
    ----------
    publications, sites
        The folder of the site's publication and the site; after it those of the control ports.
    day
        First day after, UTC.
    drop
        Share by which activity must be shown not to have fallen, to be called unabated.

    Raises
    ------
    InputError
        If a folder holds no publication, or if it knows of no berth.
    """
    counted = [_counted(folder, site) for folder, site in zip(publications, sites, strict=True)]
    return effect(counted[0], np.datetime64(day, "s"), counted[1:], replace(DEFAULT_EFFECT, drop=drop))


def lag_between(
    publications: Sequence[Path], sites: Sequence[Site], seed: int = 0
) -> tuple[Lag | None, Moving, Moving]:
    """Find how long after the first site the second one does the same.

    Of a site with berths the ships there are compared, else how full its yards are, else its tracks.

    Raises
    ------
    InputError
        If a folder holds no publication, or if no look of a site tells anything that moves.
    """
    first, second = (_moving(folder, site) for folder, site in zip(publications, sites, strict=True))
    found = lag(first.times, first.values, second.times, second.values, np.random.default_rng(seed))
    return found, first, second


def what_could_be_seen(
    publication: Path | None,
    site: Site,
    revisit_days: Sequence[float],
    loss: float,
    changes: Sequence[tuple[float, float]] = (),
    advance: Callable[[int], None] | None = None,
) -> dict[str, list[Detectability]]:
    """Simulate what changes of activity the looks of a site could have shown.

    Parameters
    ----------
    publication
        Folder of the site's publication; None where there is none.
    site
        Its berths weigh by metres.
    revisit_days
        Revisits to simulate. Without one, the site's own looks.
    loss
        Share of looks lost, of stated revisits.
    changes
        Ships per look before and after; without any, multiples of what the site has now.
    advance
        Called with 1 after each size of change.

    Returns
    -------
    dict
        By revisit, as text, or ``"own looks"``: each size of change.

    Raises
    ------
    InputError
        If there are neither looks nor a revisit.
    """
    counted = _counted(publication, site) if publication else None
    if counted is None and not revisit_days:
        raise InputError(f"{site.site_id} is not published yet; say how often it is looked at: --revisit 6")
    own = simulated.looking_of(counted.times, counted.counts, counted.exposure) if counted else None
    if own and publication:
        own = replace(own, stay_days=_stay_days(publication, site, own.stay_days))
    rate = float(counted.counts.sum() / counted.exposure.sum()) if counted else 0.5
    options = DEFAULT_DETECTABILITY
    span = options.before_days + options.after_days
    ways: dict[str, Looking] = {}
    for days in revisit_days:
        even = simulated.regular(days, span, loss)
        ways[f"{days:g} days"] = (
            replace(even, inflation=own.inflation, stay_days=own.stay_days) if own else even
        )
    if own and not ways:
        ways["own looks"] = own
    found: dict[str, list[Detectability]] = {}
    for name, looking in ways.items():
        found[name] = []
        for one in simulated.detectability(looking, changes or sizes(rate), judge, options):
            found[name].append(one)
            if advance:
                advance(1)
    return found


def sizes(rate: float) -> list[tuple[float, float]]:
    """List the changes that are simulated of a site with so many ships per look."""
    if rate >= LEAST_BEFORE:
        return [(rate, rate * factor) for factor in FACTORS]
    return [(rate, rate), *((rate, awake) for awake in AWAKE)]


def published_looks(folder: Path) -> pd.DataFrame:
    """Read the looks of a publication that may stand in one series."""
    if not (folder / "looks.parquet").is_file():
        raise InputError(f"{folder} holds no looks.parquet; the folder of a publication is needed")
    return read_looks(folder)


def _counted(folder: Path, site: Site) -> Counted:
    counted = counted_at_berths(published_looks(folder), quay_metres(site))
    if counted is None:
        raise InputError(f"no look in {folder} tells of enough of the berths of {site.site_id}")
    return counted


def _moving(folder: Path, site: Site) -> Moving:
    for part in components(site, published_looks(folder)):
        series = site_looks(part.looks, part.column, part.capacity)
        if len(series):
            share = (series["taken"] / series["seen"]).to_numpy(float)
            return Moving(part.weight, series["acquired"].to_numpy("datetime64[s]"), share)
    raise InputError(f"no look in {folder} tells of berths, yards or tracks of {site.site_id}")


def _stay_days(folder: Path, site: Site, otherwise: float) -> float:
    looks = comparable(published_looks(folder))
    chain = histories(looks, quay_metres(site), looks["acquired"]).chain
    return float(np.median(chain.stay_days)) if chain else otherwise
