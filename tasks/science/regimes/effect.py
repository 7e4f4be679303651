"""What happened to a port's activity at an event: before against after, with what else moved allowed for.

Ships per look are gathered in blocks of thirty days, longer than most stays, so that one ship seen again and
again counts as one block's chance and not as many. A log-linear model has a level per port, a yearly wave
where a year of looks carries it, what all ports did after the event (with control ports), and what this port
did beyond that: the effect. Its distribution is the profile of a quasi-Poisson likelihood, widened by the
scatter of the blocks about the model and, as Student's t is, for how few they are (McCullagh, Nelder 1989).
Dates at which nothing is known to have happened show how large an effect chance makes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Counted:
    """Counts of one port, in order of time; looks that could not see are left out."""

    times: npt.NDArray[np.datetime64]
    counts: Floats

    exposure: Floats
    """Share of the port that each look saw, above 0."""


@dataclass(frozen=True)
class EffectOptions:
    """What is assumed, and what is asked."""

    block_days: float = 30.0
    """Longer than nearly all stays: what is left between blocks is chance."""

    level: float = 0.9
    """Probability of the interval."""

    drop: float = 0.3
    """Drop that must be excluded before a port is called unabated."""

    prior_sd: float = 3.0
    """Of the logarithm of the ratio: twenty times either way is nothing unusual. It must be proper, for a
    port where nothing was seen after the event has no lower limit."""

    season_days: float = 540.0
    """Length of the series from which a yearly wave is told from a change."""

    least_blocks: int = 3
    """Blocks with looks before the event, and at least one after."""

    placebo_days: float = 90.0
    """Looks on either side of a placebo date."""


DEFAULT_EFFECT = EffectOptions()


@dataclass(frozen=True)
class Effect:
    """Ratio of activity after an event to before it."""

    ratio: float
    """Median."""

    low: float
    high: float
    """90 % interval."""

    before: float
    after: float
    """Vessels per full look, as counted."""

    inflation: float
    """Variance of a block's count over Poisson's; at least 1."""

    blocks: int
    season: bool
    """Whether a yearly wave was allowed for."""

    controls: int

    drop: float
    """Drop that had to be excluded."""

    excluded: bool
    """Whether it is: activity went on unabated. False is no statement that it fell."""

    placebos: int
    """Dates before the event that were tried."""

    placebo_share: float | None
    """Share of them, and the event, with an effect at least as large; None without any."""

    @property
    def verdict(self) -> str:
        """One word: fell, rose, unabated, or untold where the looks cannot tell."""
        if self.high < 1:
            return "fell"
        if self.low > 1:
            return "rose"
        return "unabated" if self.excluded else "untold"


def effect(
    port: Counted,
    event: np.datetime64,
    controls: Sequence[Counted] = (),
    options: EffectOptions = DEFAULT_EFFECT,
) -> Effect | None:
    """Compare a port's activity after an event with that before.

    Parameters
    ----------
    port
        Its counts, before and after.
    event
        First moment after.
    controls
        Ports that the event did not touch: what they did after it is taken to have happened here as well.
    options
        What is assumed.

    Returns
    -------
    Effect or None
        None where too few blocks of time were looked at before or after.
    """
    fit = _compare(port, event, controls, options)
    if fit is None:
        return None
    placebos = _placebos(port, event, controls, options)
    share = None
    if placebos:
        larger = sum(abs(np.log(p.ratio)) >= abs(np.log(fit.ratio)) for p in placebos)
        share = (larger + 1) / (len(placebos) + 1)
    late = port.times >= event
    return Effect(
        ratio=fit.ratio,
        low=fit.low,
        high=fit.high,
        before=float(port.counts[~late].sum() / port.exposure[~late].sum()),
        after=float(port.counts[late].sum() / port.exposure[late].sum()),
        inflation=fit.inflation,
        blocks=fit.blocks,
        season=fit.season,
        controls=len(controls),
        drop=options.drop,
        excluded=fit.low > 1 - options.drop,
        placebos=len(placebos),
        placebo_share=share,
    )


@dataclass(frozen=True)
class _Fit:
    """What the model tells."""

    ratio: float
    low: float
    high: float
    inflation: float
    blocks: int
    season: bool


@dataclass(frozen=True)
class _Blocks:
    """Blocks of all ports: counts, exposure, and what the model knows of them."""

    counts: Floats
    exposure: Floats
    known: Floats
    """``(block, column)`` levels, waves, what all did after."""

    treated: Floats
    """1 in this port's blocks after the event, else 0."""

    season: bool


def _compare(
    port: Counted, event: np.datetime64, controls: Sequence[Counted], options: EffectOptions
) -> _Fit | None:
    blocks = _gather([port, *controls], event, options)
    late = blocks.treated > 0
    early = (blocks.known[:, 0] > 0) & ~late
    if early.sum() < options.least_blocks or not late.any():
        return None
    free = len(blocks.counts) - blocks.known.shape[1] - 1
    if free < 1:
        return None
    ratios = np.linspace(-7, 7, 141)
    beta, fits = np.zeros(blocks.known.shape[1]), []
    for log_ratio in ratios:
        likelihood, rest, beta = _best(blocks, log_ratio, beta)
        fits.append((likelihood, rest))
    profile = np.array([fit[0] for fit in fits])
    best = fits[int(np.argmax(profile))]
    inflation = max(1.0, float((best[1] ** 2).sum()) / free)
    inflation = max(inflation, _alike(best[1], blocks) * inflation)
    fall = 2 * (profile.max() - profile) / inflation
    weight = (1 + fall / free) ** (-(free + 1) / 2) * np.exp(-0.5 * (ratios / options.prior_sd) ** 2)
    ends = [(1 - options.level) / 2, 0.5, (1 + options.level) / 2]
    share = np.concatenate([[0], np.cumsum((weight[1:] + weight[:-1]) / 2)])
    low, middle, high = np.exp(np.interp(np.array(ends) * share[-1], share, ratios))
    return _Fit(float(middle), float(low), float(high), inflation, len(blocks.counts), blocks.season)


def _gather(ports: Sequence[Counted], event: np.datetime64, options: EffectOptions) -> _Blocks:
    """Sum up looks by port and block; blocks are counted from the event both ways."""
    rows = []
    for k, port in enumerate(ports):
        days = (port.times - event) / DAY
        number = np.floor(days / options.block_days).astype(int)
        first = number.min() if len(number) else 0
        held = np.bincount(number - first, port.exposure)
        seen, when = (np.bincount(number - first, v) for v in (port.counts, days * port.exposure))
        for b in np.flatnonzero(held > 0):
            rows.append((k, seen[b], held[b], when[b] / held[b], b + first >= 0))
    which, counts, exposure, days, late = (np.array(column) for column in zip(*rows, strict=True))
    season = bool(days.max() - days.min() >= options.season_days)
    columns = [which == k for k in range(len(ports))]
    if len(ports) > 1:
        columns.append(late)
    if season:
        columns += [turn(2 * np.pi * days / 365.25) for turn in (np.sin, np.cos)]
    known = np.column_stack([np.asarray(column, float) for column in columns])
    return _Blocks(
        counts.astype(float), exposure.astype(float), known, ((which == 0) & late).astype(float), season
    )


STEPS = 30
RIDGE = 0.05
"""Precision of the prior of what else the model knows: it keeps the level of a port where no ship was ever
seen, and a wave that looks cannot tell from an effect, within bounds."""


def _best(blocks: _Blocks, log_ratio: float, beta: Floats) -> tuple[float, Floats, Floats]:
    """Fit all but the effect, from a first guess: log likelihood, Pearson residuals, coefficients."""
    common = np.log(max(blocks.counts.sum(), 0.5) / blocks.exposure.sum())
    base = common + np.log(blocks.exposure) + log_ratio * blocks.treated
    penalty = RIDGE * np.eye(len(beta))
    for _ in range(STEPS):
        mean = np.exp(np.clip(base + blocks.known @ beta, -30, 30))
        slope = blocks.known.T @ (blocks.counts - mean) - penalty @ beta
        step = np.linalg.solve(blocks.known.T @ (mean[:, None] * blocks.known) + penalty, slope)
        beta = beta + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-6:
            break
    mean = np.exp(np.clip(base + blocks.known @ beta, -30, 30))
    likelihood = float((blocks.counts * np.log(mean) - mean).sum() - beta @ penalty @ beta / 2)
    return likelihood, (blocks.counts - mean) / np.sqrt(mean), beta


def _alike(rest: Floats, blocks: _Blocks) -> float:
    """Tell how much more a sum of neighbouring blocks varies than were they independent; at least 1."""
    own = rest[blocks.known[:, 0] > 0]
    if len(own) < 6 or not own.any():
        return 1.0
    shared = float((own[1:] * own[:-1]).sum() / (own**2).sum()) + 1 / len(own)
    shared = float(np.clip(shared, 0.0, 0.7))
    return (1 + shared) / (1 - shared)


def _placebos(
    port: Counted, event: np.datetime64, controls: Sequence[Counted], options: EffectOptions
) -> list[_Fit]:
    """Compare at dates before the event, from looks before it alone."""
    ports = [_before(p, event) for p in (port, *controls)]
    if not len(ports[0].times) or any(not len(p.times) for p in ports[1:]):
        return []
    margin = options.placebo_days
    length = (event - ports[0].times[0]) / DAY
    days = np.arange(margin, length - margin + 1e-9, options.block_days)
    dates = [ports[0].times[0] + np.timedelta64(round(d * 86400), "s") for d in days]
    fits = [_compare(ports[0], date, ports[1:], options) for date in dates]
    return [fit for fit in fits if fit is not None]


def _before(port: Counted, event: np.datetime64) -> Counted:
    early = port.times < event
    return Counted(port.times[early], port.counts[early], port.exposure[early])
