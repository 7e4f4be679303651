"""Changes of level of any series, at fixed settings.

The values are stretches of one level (or, where that is cheaper, of one straight line) with noise. What noise
is cannot be known beforehand: a drift looks like steps to whoever believes that neighbouring values are
independent. So it is taken for as large as the series itself at first, and then for what the stretches found
leave over, enlarged by how much neighbours still resemble each other. Outliers are drawn in to the fence of
their neighbourhood. Where nothing is clear, nothing is said: "no change" is a hard method to beat.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.regimes.levels import LEVEL
from tasks.science.regimes.partition import cheapest, rest, sums

Floats = npt.NDArray[np.floating[Any]]

MIN_VALUES = 6
"""Below this there is nothing to divide."""


@dataclass(frozen=True)
class GeneralOptions:
    """Fixed settings; chosen on made-up families, not on anybody's series."""

    price: float = 3.0
    """Of a change, times the logarithm of the number of values and the noise's variance."""

    slope_price: float = 1.5
    """What a straight line costs more than a level, in the same money."""

    shortest: int = 3
    longest_shortest: int = 10
    """Values in a stretch at least: one in `parts` of the series, between these. A peak is no regime."""

    parts: int = 30

    fence: float = 3.5
    """Deviations from the median of its neighbourhood at which a value is drawn in."""

    neighbourhood: int = 7
    """Values in that neighbourhood."""

    most_shared: float = 0.9
    """Correlation of neighbours beyond which a series is a drift, whatever it is."""

    rounds: int = 5
    """Times at most that the noise is estimated anew."""


DEFAULT_GENERAL = GeneralOptions()


@dataclass(frozen=True)
class Shift:
    """One change."""

    index: int
    """Of the value with which the new stretch begins."""

    low: int
    high: int
    """The new stretch begins between these values with 90 %."""

    probability: float
    level_before: float
    level_after: float
    """Means of the stretches before and after."""


def find_shifts(values: Floats, options: GeneralOptions = DEFAULT_GENERAL) -> list[Shift]:
    """Find where a series changes.

    Parameters
    ----------
    values
        ``(n,)`` in order of time, all finite: what is missing is left out.
    options
        Fixed settings.

    Returns
    -------
    list of Shift
        In order; none from fewer than `MIN_VALUES` values.
    """
    values = np.asarray(values, float)
    if len(values) < MIN_VALUES or np.ptp(values) == 0:
        return []
    tame = fenced(values, options)
    spread = float(tame.std()) or float(values.std())
    scaled = (tame - tame.mean()) / spread
    running = sums(scaled)
    places, noise, sloped = _divided(scaled, running, options)
    return _shifts(values, running, places, noise, sloped, options) if places else []


def fenced(values: Floats, options: GeneralOptions) -> Floats:
    """Draw in what stands alone: to the fence of its neighbourhood (Hampel's filter)."""
    middle = ndimage.median_filter(values, options.neighbourhood, mode="nearest")
    off = values - middle
    deviation = 1.4826 * float(np.median(np.abs(off)))
    if deviation == 0:
        return values
    return np.asarray(middle + np.clip(off, -options.fence * deviation, options.fence * deviation))


def _divided(scaled: Floats, running: Floats, options: GeneralOptions) -> tuple[list[int], float, bool]:
    """Divide, estimate the noise from what is left, and divide again until it stays as it is."""
    noise, sloped = 1.0, False
    places: list[int] = []
    for _ in range(options.rounds):
        before = places
        places, sloped = _cheaper(running, noise, options)
        if places == before:
            break
        noise = min(noise, _noise(scaled, places, sloped, options))
    return places, noise, sloped


def _cheaper(running: Floats, noise: float, options: GeneralOptions) -> tuple[list[int], bool]:
    """Divide into levels or into lines, whichever costs less altogether."""
    unit = noise * np.log(running.shape[1] - 1)
    n = running.shape[1] - 1
    shortest = int(np.clip(n // options.parts, options.shortest, options.longest_shortest))
    steps = cheapest(running, options.price * unit, shortest, False)
    more = options.slope_price * unit
    lines = cheapest(running, options.price * unit + more, 2 * shortest, True)
    cost_steps = _left(running, steps, False) + options.price * unit * len(steps)
    cost_lines = _left(running, lines, True) + options.price * unit * len(lines) + more * (len(lines) + 1)
    if cost_lines < cost_steps:
        return [int(p) for p in lines], True
    return [int(p) for p in steps], False


def _left(running: Floats, places: Any, sloped: bool) -> float:
    edges = [0, *(int(p) for p in places), running.shape[1] - 1]
    return float(sum(rest(running, a, b, sloped) for a, b in pairwise(edges)))


def _noise(scaled: Floats, places: list[int], sloped: bool, options: GeneralOptions) -> float:
    """Variance of what the stretches leave over, as many independent values would have it."""
    left = np.concatenate([_residue(scaled[a:b], sloped) for a, b in pairwise([0, *places, len(scaled)])])
    free = max(len(scaled) - (2 if sloped else 1) * (len(places) + 1), 1)
    power = float((left**2).sum())
    if power == 0:
        return 1e-9
    shared = float((left[1:] * left[:-1]).sum()) / power
    shared = float(np.clip(shared + (1 + 3 * shared) / len(left), 0.0, options.most_shared))
    return power / free * (1 + shared) / (1 - shared)


def _residue(part: Floats, sloped: bool) -> Floats:
    if not sloped:
        return np.asarray(part - part.mean())
    t = np.arange(len(part)) - (len(part) - 1) / 2
    return np.asarray(part - part.mean() - t * (t @ part) / max(float(t @ t), 1.0))


def _shifts(
    values: Floats, running: Floats, places: list[int], noise: float, sloped: bool, options: GeneralOptions
) -> list[Shift]:
    unit = noise * np.log(len(values))
    price = (options.price + (options.slope_price if sloped else 0.0)) * unit
    out = []
    for a, place, b in zip([0, *places[:-1]], places, [*places[1:], len(values)], strict=True):
        at = range(a + 1, b)
        left = np.array([rest(running, a, k, sloped) + rest(running, k, b, sloped) for k in at])
        gain = rest(running, a, b, sloped) - left[place - a - 1]
        weight = np.exp(-(left - left.min()) / (2 * noise))
        share = np.cumsum(weight) / weight.sum()
        low, high = np.searchsorted(share, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        out.append(
            Shift(
                index=place,
                low=int(min(at[low], place)),
                high=int(max(at[min(high, len(at) - 1)], place)),
                probability=float(1 / (1 + np.exp(-np.clip((gain - price) / (2 * noise), -50, 50)))),
                level_before=float(values[a:place].mean()),
                level_after=float(values[place:b].mean()),
            )
        )
    return out
