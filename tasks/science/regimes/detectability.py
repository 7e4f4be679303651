"""What change the looks of a site could have shown, and how late: told by simulation.

Ships at berth are drawn at one level and then at another, seen at the site's own times or at a stated
revisit, with the scatter and the memory that its looks show; the very change finder that judges real looks
judges these, look by look, as it would have day by day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DAY = np.timedelta64(1, "D")


class Change(Protocol):
    """What a change finder tells of a series."""

    @property
    def probability(self) -> float:
        """That there is a change."""

    @property
    def date(self) -> np.datetime64:
        """Where it most probably lies."""

    @property
    def rises(self) -> bool:
        """Whether there is more after it."""

    @property
    def confirmed(self) -> bool:
        """Whether looks after it have borne it out."""


Finder = Callable[[npt.NDArray[np.datetime64], Floats, Floats], Change | None]
"""Times, counts and exposure of looks, in order of time, to the change in them; None from too few."""


@dataclass(frozen=True)
class Looking:
    """When a site is looked at, and how its ships come."""

    days: tuple[float, ...]
    """Of the looks, from the first on."""

    exposure: tuple[float, ...]
    """Share of the quay that each sees."""

    inflation: float = 1.0
    """Variance over mean of the ships per look, beyond chance: at least 1."""

    stay_days: float = 3.0
    """Mean stay: a ship is seen again by looks that follow sooner."""


@dataclass(frozen=True)
class DetectabilityOptions:
    """What is simulated and what counts as shown."""

    runs: int = 60
    """Simulated series of each size of change: a share is told to ± 6 %."""

    sure: float = 0.9
    """Probability from which a change is told."""

    before_days: float = 365.0
    """Looks before the change."""

    after_days: float = 180.0
    """How long after it one waits."""

    seed: int = 7
    """Of the simulation."""


DEFAULT_DETECTABILITY = DetectabilityOptions()


@dataclass(frozen=True)
class Detectability:
    """What would come of one size of change."""

    before: float
    after: float
    """Ships per full look."""

    runs: int
    found: float
    """Share of series in which it is told within the time waited; where nothing changes, false alarms."""

    confirmed: float
    """Share in which it is confirmed."""

    provisional_days: float | None
    provisional_days_most: float | None
    """Days from the change until it is told: median and ninth of ten, of all series; None where fewer than
    that find it."""

    confirmed_days: float | None
    """Median days until it is confirmed."""

    date_error_days: float | None
    """Median distance of the date, at the end, from the truth; None where it was never told."""


def detectability(
    looking: Looking,
    changes: Sequence[tuple[float, float]],
    find: Finder,
    options: DetectabilityOptions = DEFAULT_DETECTABILITY,
) -> Iterator[Detectability]:
    """Simulate changes and tell what is seen of each.

    Parameters
    ----------
    looking
        When the site is looked at. Looks are repeated, or cut off, to fill the time simulated.
    changes
        Ships per full look before and after; equal for none.
    find
        The change finder.
    options
        What is simulated.

    Yields
    ------
    Detectability
        Of each change, in order.
    """
    days, exposure = _filled(looking, options)
    for size, (before, after) in enumerate(changes):
        told = []
        for run in range(options.runs):
            rng = np.random.default_rng([options.seed, size, run])
            counts = _ships(rng, days, exposure, before, after, looking, options)
            told.append(_judged(days, counts, exposure, after >= before, before == after, find, options))
        yield _summed(before, after, told)


def _filled(looking: Looking, options: DetectabilityOptions) -> tuple[Floats, Floats]:
    """Repeat the looks, or cut them off, to fill the time simulated."""
    days, exposure = np.array(looking.days), np.array(looking.exposure)
    period = days[-1] - days[0] + np.median(np.diff(days))
    whole = options.before_days + options.after_days
    times = int(np.ceil(whole / period))
    longer = np.concatenate([days - days[0] + k * period for k in range(times)])
    keep = longer < whole
    return longer[keep], np.tile(exposure, times)[keep]


def _ships(
    rng: np.random.Generator,
    days: Floats,
    exposure: Floats,
    before: float,
    after: float,
    looking: Looking,
    options: DetectabilityOptions,
) -> Floats:
    """Count the ships that each look sees: they come at random, in surges, and stay a while."""
    start, end = -10 * looking.stay_days, float(days[-1]) + 1
    surge_days = max(30.0, looking.stay_days)
    surges = int((end - start) // surge_days) + 1
    most = max(before, after)
    excess = max(looking.inflation - 1, 0.0) / max(before, after, 1e-9)
    factor = rng.gamma(1 / excess, excess, surges) if excess > 1e-6 else np.ones(surges)
    level = max(most * factor.max(), 1e-9)
    come = np.sort(rng.uniform(start, end, rng.poisson(level / looking.stay_days * (end - start))))
    rate = np.where(come >= options.before_days, after, before)
    rate = rate * factor[((come - start) // surge_days).astype(int)]
    come = come[rng.random(len(come)) * level < rate]
    leave = come + rng.exponential(looking.stay_days, len(come))
    present = np.searchsorted(come, days, side="right") - np.searchsorted(np.sort(leave), days, side="right")
    return np.asarray(rng.binomial(np.maximum(present, 0), exposure), float)


@dataclass(frozen=True)
class _Judged:
    """Days from the change until it was told and confirmed, and how far off its date was; None if not."""

    told: float | None
    confirmed: float | None
    error: float | None


def _judged(
    days: Floats,
    counts: Floats,
    exposure: Floats,
    rises: bool,
    steady: bool,
    find: Finder,
    options: DetectabilityOptions,
) -> _Judged:
    """Ask the finder after looks later and later, by halving: told once is taken to be told from then on."""
    times = np.datetime64("2020-01-01", "s") + (days * 86400).astype("timedelta64[s]")
    first = int(np.searchsorted(days, options.before_days))
    asked: dict[int, Change | None] = {}

    def at(n: int) -> Change | None:
        if n not in asked:
            asked[n] = find(times[:n], counts[:n], exposure[:n])
        found = asked[n]
        sure = found is not None and found.probability >= options.sure
        return found if found is not None and sure and (steady or found.rises == rises) else None

    def earliest(passes: Callable[[int], bool]) -> float | None:
        low, high = first, len(days)
        if first >= len(days) or not passes(high):
            return None
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if passes(middle) else (middle + 1, high)
        return float(max(days[min(low, len(days)) - 1] - options.before_days, 0.0))

    def confirmed(n: int) -> bool:
        found = at(n)
        return found is not None and found.confirmed

    end = at(len(days))
    error = None
    if end is not None and not steady:
        error = abs(float((end.date - times[0]) / DAY) + float(days[0]) - options.before_days)
    return _Judged(earliest(lambda n: at(n) is not None), earliest(confirmed), error)


def _summed(before: float, after: float, told: Sequence[_Judged]) -> Detectability:
    days = np.array([np.inf if one.told is None else one.told for one in told])
    sure = np.array([np.inf if one.confirmed is None else one.confirmed for one in told])
    errors = [one.error for one in told if one.error is not None]
    steady = before == after
    return Detectability(
        before=before,
        after=after,
        runs=len(told),
        found=float(np.isfinite(days).mean()),
        confirmed=float(np.isfinite(sure).mean()),
        provisional_days=None if steady else _quantile(days, 0.5),
        provisional_days_most=None if steady else _quantile(days, 0.9),
        confirmed_days=None if steady else _quantile(sure, 0.5),
        date_error_days=float(np.median(errors)) if errors else None,
    )


def _quantile(days: Floats, share: float) -> float | None:
    value: Any = np.sort(days)[min(int(np.ceil(share * len(days))) - 1, len(days) - 1)]
    return float(value) if np.isfinite(value) else None


def regular(revisit_days: float, span_days: float, loss: float, seed: int = 0) -> Looking:
    """Lay out looks at one revisit, some of them lost at random."""
    days = np.arange(0.0, span_days, revisit_days)
    kept = np.random.default_rng(seed).random(len(days)) >= loss
    days = days[kept] if kept.sum() > 1 else days
    return Looking(tuple(days.tolist()), (1.0,) * len(days))


def looking_of(times: npt.NDArray[np.datetime64], counts: Floats, exposure: Floats) -> Looking:
    """Take times, exposure and scatter from a site's real looks.

    Scatter is that between neighbouring looks, about twice the variance: a change of level is none.
    """
    expected = exposure * counts.sum() / exposure.sum()
    apart = np.diff(counts - expected) ** 2
    scatter = float(apart.mean() / 2 / expected.mean()) if expected.mean() > 0 and len(apart) else 1.0
    days = (times - times[0]) / DAY
    return Looking(tuple(days.tolist()), tuple(np.minimum(exposure, 1.0).tolist()), max(1.0, scatter))
