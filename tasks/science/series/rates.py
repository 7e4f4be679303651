"""How often berths are taken and how long ships stay: learned from a site's looks, never a single value.

A berth's share of time taken, month by month, is one of a family: about the site's level of that month,
which keeps still, jumps or drifts; each berth off it for good, and each month by chance. Mean stay is the
site's. What the family looks like is unknown too, so it is weighed on a grid and drawn from: a sensor whose
revisit carries one berth leaves the berths apart, and one whose revisit does not lets them speak for one
another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logsumexp

from tasks.science.series.two_states import block_log_likelihood

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Prior:
    """What is thought of a port before any look; proper, and wide."""

    log_odds: tuple[float, ...] = tuple(np.arange(-8.0, 4.01, 0.5).tolist())
    """Nodes of the share of time taken, 0.0003 to 0.98. A month of daily looks at one berth tells its log
    odds to ± 0.8, so half a unit is fine enough."""

    level: float = -1.0
    level_sd: float = 2.0
    """Log odds of the site's level: 0.27, 90 % between 0.01 and 0.9."""

    stay_days: tuple[float, ...] = (0.4, 0.75, 1.4, 2.6, 4.8, 9.0, 17.0, 32.0)
    """Nodes of the mean stay."""

    stay_median_days: float = 2.0
    stay_log_sd: float = 1.0
    """Median time in port is 0.7 d of container ships, 2 d of dry bulk (UNCTAD, Review of Maritime Transport
    2023); those waiting or laid up stay for weeks: 90 % between 0.4 and 10 d."""

    own_sd: float = 2.0
    """Of how far a berth lies off the site's level for good, in log odds: at some, ships are laid up for
    weeks; some are never used."""

    spread: tuple[float, ...] = (0.2, 0.7, 1.4, 2.5)
    """Nodes of how far a berth's month lies off that, in log odds; alike probable."""

    jump: float = 1 / 24
    """Probability that a month's level has nothing to do with the last one's: once in two years."""

    drift: float = 0.5
    """Log odds by which a drifting level moves from month to month."""

    error_scales: tuple[tuple[float, float], ...] = ((1.0, 1.0), (3.0, 1.0), (1.0, 4.0), (1.0, 0.25))
    """Multiples of a sensor's stated misses and false alarms: what is measured at one port is not known at
    another. The stated ones weigh as much as two of the others."""


DEFAULT_PRIOR = Prior()

CLOSER = 2
"""How often the nodes of the mean stay are laid anew, each time up to four times as close."""

OFFSETS = np.arange(-10, 11)
"""Nodes by which a berth may lie off the site's level for good."""

NEGLIGIBLE = 7.0
"""Log probability below the best from which a mean stay is left out."""


@dataclass(frozen=True)
class Berth:
    """What the looks told of one berth, in order of time."""

    days: Floats
    """``(n,)`` of the looks."""

    block: Integers
    """``(n,)`` number of the month each lies in."""

    if_taken: Floats
    if_free: Floats
    """``(errors, n)`` probability of what was told if it was taken and if it was free."""


@dataclass(frozen=True)
class Draws:
    """Equally probable rates."""

    share: Floats
    """``(berth, draw, block)`` share of time taken in the long run."""

    stay_days: Floats
    """``(draw,)`` mean stay."""

    errors: Integers
    """``(draw,)`` which multiple of the stated errors."""


def draw_rates(
    berths: Sequence[Berth], blocks: int, draws: int, rng: np.random.Generator, prior: Prior = DEFAULT_PRIOR
) -> Draws:
    """Draw rates of all berths from what their looks told.

    Parameters
    ----------
    berths
        In any order; one without looks takes part with what the others tell.
    blocks, draws
        Months in the series; how many draws.
    rng
        Where chance comes from.
    prior
        What is thought before.
    """
    odds, stays = np.array(prior.log_odds), np.array(prior.stay_days)
    spreads = (
        _near(odds, np.array(prior.spread)[:, None, None]) if len(berths) > 1 else np.eye(len(odds))[None]
    )
    moves = _moves(odds, prior)
    first = _near(np.array([prior.level]), prior.level_sd, odds)[0]
    off = np.zeros(len(berths), np.int64)
    for closer in range(CLOSER + 1):
        fits = _fits(berths, blocks, odds, stays, prior)  # berth, errors, block, stay, node
        by_level = _level_fits(fits, spreads)
        ahead, evidence = _forward(_together(by_level, off), moves, first)
        evidence += _prior_weights(stays, prior)
        chosen = _systematic(np.exp(evidence - logsumexp(evidence)).ravel(), draws, rng)
        kind = error, stay, spread, move = np.unravel_index(chosen, evidence.shape)
        path = _level_paths(ahead[:, error, stay, spread, move], moves[move], rng)
        offs = [_offsets(fit, path, kind, prior) for fit in by_level]  # berth: draw, offset
        if closer < CLOSER:
            off = np.array(
                [
                    round(float((weight / weight.sum(axis=1, keepdims=True)).mean(axis=0) @ OFFSETS))
                    for weight in offs
                ]
            )
            stays = _closer(stays, logsumexp(evidence, axis=(0, 2, 3)))
    share = np.empty((len(berths), draws, blocks))
    for z, fit in enumerate(fits):
        own = path + OFFSETS[_one_of(offs[z], rng)][:, None] if len(berths) > 1 else path
        weight = spreads[spread[:, None], own.clip(0, len(odds) - 1)] * np.exp(fit[error, :, stay])
        share[z] = expit(odds[_one_of(weight, rng)])
    return Draws(share, stays[stay], error)


def _fits(
    berths: Sequence[Berth], blocks: int, odds: Floats, stays: Floats, prior: Prior
) -> npt.NDArray[Any]:
    out = np.zeros((len(berths), len(prior.error_scales), blocks, len(stays), len(odds)))
    for z, berth in enumerate(berths):
        for e in range(len(prior.error_scales)):
            out[z, e] = block_log_likelihood(
                berth.days, berth.if_taken[e], berth.if_free[e], berth.block, blocks, expit(odds), stays
            )
    return out


def _closer(stays: Floats, evidence: Floats) -> Floats:
    """Lay the nodes of the mean stay where it may lie: many looks tell it better than a wide grid has it."""
    likely = np.flatnonzero(evidence > evidence.max() - NEGLIGIBLE)
    first, last = max(likely[0] - 1, 0), min(likely[-1] + 1, len(stays) - 1)
    return np.asarray(np.geomspace(stays[first], stays[last], len(stays)))


def _near(middle: Floats, spread: Any, nodes: Floats | None = None) -> Floats:
    """Weights of nodes about middles, in rows of sum 1."""
    nodes = middle if nodes is None else nodes
    weight = np.exp(-0.5 * ((nodes - middle[:, None]) / spread) ** 2)
    return np.asarray(weight / weight.sum(axis=-1, keepdims=True))


def _moves(odds: Floats, prior: Prior) -> Floats:
    """How a level goes on from month to month, ``(3, from, to)``: still, with jumps, and drifting too."""
    still = np.eye(len(odds))
    anywhere = _near(np.full(len(odds), prior.level), prior.level_sd, odds)
    drifting = _near(odds, prior.drift)
    return np.stack([still, *((1 - prior.jump) * kept + prior.jump * anywhere for kept in (still, drifting))])


def _level_fits(fits: npt.NDArray[Any], spreads: Floats) -> list[npt.NDArray[Any]]:
    """Log probability of a berth's months by the level about it: ``(block, errors, stay, spread, level)``."""
    _, errors, blocks, stays, nodes = fits.shape
    to_levels = spreads.reshape(-1, nodes).T
    found = []
    for fit in fits:
        top = fit.max(axis=-1, keepdims=True)
        mixed = np.log(np.maximum(np.exp(fit - top).reshape(-1, nodes) @ to_levels, 1e-300))
        mixed = mixed.reshape(errors, blocks, stays, len(spreads), nodes) + top[..., None]
        found.append(np.moveaxis(mixed, 1, 0))
    return found


def _together(by_level: Sequence[npt.NDArray[Any]], off: Integers) -> npt.NDArray[Any]:
    """Add up what all berths say of the site's level, each so many nodes off it."""
    nodes = np.arange(by_level[0].shape[-1])
    found = np.zeros(by_level[0].shape)
    for fit, own in zip(by_level, off, strict=True):
        found += fit if own == 0 else fit[..., (nodes + own).clip(0, nodes[-1])]
    return found


def _offsets(
    fit: npt.NDArray[Any], path: Integers, kind: tuple[Integers, ...], prior: Prior
) -> npt.NDArray[Any]:
    """Weigh how far a berth lies off the site's level for good, given each draw's: ``(draw, offset)``."""
    error, stay, spread = (k[:, None] for k in kind[:3])
    blocks, last = np.arange(path.shape[1]), fit.shape[-1] - 1
    step = prior.log_odds[1] - prior.log_odds[0]
    found = [
        fit[blocks, error, stay, spread, (path + own).clip(0, last)].sum(axis=1)
        - 0.5 * (own * step / prior.own_sd) ** 2
        for own in OFFSETS
    ]
    weight = np.column_stack(found)
    return np.asarray(np.exp(weight - weight.max(axis=1, keepdims=True)))


def _forward(
    level: npt.NDArray[Any], moves: Floats, first: Floats
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Filter the site's level, ``(block, errors, stay, spread, move, level)``; log evidence of each kind."""
    blocks, *kinds, nodes = level.shape
    shape = (len(moves), int(np.prod(kinds)), nodes)
    ahead, evidence = np.empty((blocks, *shape)), np.zeros(shape[:2])
    now = np.broadcast_to(first, shape)
    for b, fit in enumerate(level.reshape(blocks, -1, nodes)):
        top = fit.max(axis=-1, keepdims=True)
        now = (now @ moves if b else now) * np.exp(fit - top)
        total = now.sum(axis=-1, keepdims=True)
        evidence += (np.log(total) + top)[..., 0]
        now = ahead[b] = now / total
    apart = np.moveaxis(ahead, 1, 2).reshape(blocks, *kinds, len(moves), nodes)
    return apart, evidence.T.reshape(*kinds, len(moves))


def _prior_weights(stays: Floats, prior: Prior) -> npt.NDArray[Any]:
    stay = -0.5 * (np.log(stays / prior.stay_median_days) / prior.stay_log_sd) ** 2
    errors = np.log([2.0] + [1.0] * (len(prior.error_scales) - 1))
    moves = np.log([2.0, 1.0, 1.0])
    return np.asarray(errors[:, None, None, None] + stay[:, None, None] + moves)


def _systematic(weight: Floats, draws: int, rng: np.random.Generator) -> Integers:
    """Draw from a distribution with evenly spaced quantiles: less noise than apart (Kitagawa 1996)."""
    places = (np.arange(draws) + rng.random()) / draws
    found = np.searchsorted(np.cumsum(weight) / weight.sum(), places)
    return np.minimum(found, len(weight) - 1)


def _level_paths(ahead: npt.NDArray[Any], move: Floats, rng: np.random.Generator) -> Integers:
    """Draw a path of levels for each draw, from the last month back; ``(draw, block)`` nodes."""
    blocks, draws = ahead.shape[:2]
    path = np.empty((draws, blocks), np.int64)
    path[:, -1] = _one_of(ahead[-1], rng)
    every = np.arange(draws)
    for b in range(blocks - 2, -1, -1):
        path[:, b] = _one_of(ahead[b] * move[every, :, path[:, b + 1]], rng)
    return path


def _one_of(weight: npt.NDArray[Any], rng: np.random.Generator) -> Integers:
    """Draw one of the last axis by weight."""
    total = np.cumsum(weight, axis=-1)
    place = rng.random(weight.shape[:-1]) * total[..., -1]
    return np.asarray((total < place[..., None]).sum(axis=-1))
