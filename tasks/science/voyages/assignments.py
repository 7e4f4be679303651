"""Draw assignments: who came from where, for all stays of two ports at once, not one best guess.

Each end of a stay is linked to the beginning of one other at most. What share of the departures from a quay
sail across, shift or go elsewhere, to which quay, and how much of its arrivals come from elsewhere, is not
known beforehand: these shares are integrated out exactly (Dirichlet–multinomial, Gamma–Poisson; each quay by
itself, for trades keep to quays). So a few matches, which chance makes too, are not taken for a trade, and
many support one another. Metropolis steps add, take away, turn and swap links.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from tasks.science.voyages.links import KINDS, LATE, PROMPT, Links, Nodes

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AssignmentOptions:
    """Priors, and how much is drawn."""

    shift_prior: float = 0.5
    """Dirichlet weights of what becomes of a departure. Small ones mean: of a kind there is either much or
    none. That many ships shift between berths is common;"""

    return_prior: float = 0.3
    """So is that they come back from elsewhere;"""

    prompt_prior: float = 2.0
    """or sail straight to the other port: nobody asks for two ports without a reason;"""

    late_prior: float = 0.2
    """or come there weeks later."""

    away_prior: float = 0.5
    """Or it goes elsewhere, or is not seen again."""

    learns: bool = True
    """Whether the weights for each quay are learnt from its whole port, in a first run."""

    arrivals_prior: float = 1.0
    """Shape of the Gamma prior of arrivals from elsewhere, as a share of all arrivals; its mean is 1."""

    chains: int = 4
    """Half of them begin with no link, half with as many as can be: they must come to agree."""

    draws: int = 250
    """Kept of each chain."""

    sweeps: int = 3
    """Proposals between two kept draws, as a multiple of the links there may be; at least `MIN_STEPS`."""

    burn_in: float = 0.3
    """Share of the draws that are thrown away before, as a multiple of those kept."""


MIN_STEPS = 400


@dataclass(frozen=True)
class Assignments:
    """Draws from the posterior."""

    chosen: Ints
    """``(draw, stay)`` number of the link by which each stay was left; -1 for none."""

    def probability(self, links: int) -> Floats:
        """Share of the draws that hold each link."""
        held = self.chosen[self.chosen >= 0]
        return np.asarray(np.bincount(held, minlength=links)[:links] / max(len(self.chosen), 1))


def draw_assignments(
    nodes: Nodes, links: Links, rng: np.random.Generator, options: AssignmentOptions = AssignmentOptions()
) -> Assignments:
    """Draw assignments from their posterior.

    Parameters
    ----------
    nodes, links
        Stays, and what may link them.
    rng
        Draws everything.
    options
        Priors, and how much is drawn.
    """
    if not len(links.weight):
        return Assignments(np.full((1, len(nodes.stays)), -1))
    prior = np.tile(prior_weights(options), (2, 1))
    if options.learns:
        early = replace(options, draws=options.draws // 2)
        prior = _learnt(nodes, links, _drawn(nodes, links, rng, early, prior), options)
    return _drawn(nodes, links, rng, options, prior)


def _drawn(
    nodes: Nodes, links: Links, rng: np.random.Generator, options: AssignmentOptions, prior: Floats
) -> Assignments:
    n, arrivals = len(nodes.stays), np.bincount(nodes.quay).astype(np.int64)
    weights = ways(nodes, prior)
    way = links.kind * len(arrivals) + nodes.quay[links.target]
    steps = max(options.sweeps * len(links.weight), MIN_STEPS)
    table = _pairs(links, n)
    parts = [
        _chain(
            links.origin, links.target, way, links.weight, table, nodes.quay, arrivals,
            weights, options.arrivals_prior,
            options.draws, int(options.burn_in * options.draws), steps, rng, chain % 2 == 1,
        )
        for chain in range(options.chains)
    ]  # fmt: skip
    return Assignments(np.concatenate(parts))


def ways(nodes: Nodes, prior: Floats) -> Floats:
    """Dirichlet weights of what becomes of the departures of each quay, ``(quay, way)``.

    A way is a kind of link and the quay it leads to; the last one is leaving for good. Of a kind, a quay has
    as large a part beforehand as it has of its port's arrivals.
    """
    arrivals = np.bincount(nodes.quay)
    quays = len(arrivals)
    port = np.zeros(quays, np.int64)
    port[nodes.quay] = nodes.port
    share = arrivals / np.bincount(port, weights=arrivals, minlength=2)[port]
    weights = np.zeros((quays, KINDS * quays + 1))
    for here in range(quays):
        for kind in range(KINDS):
            across = kind in (PROMPT, LATE)
            there = (port != port[here]) if across else (port == port[here])
            weights[here, kind * quays : (kind + 1) * quays] = prior[port[here], kind] * share * there
    weights[:, -1] = prior[port, AWAY]
    return weights


def _learnt(nodes: Nodes, links: Links, drawn: Assignments, options: AssignmentOptions) -> Floats:
    """Take what departures of a whole port did for what to expect at each of its quays, ``(port, kind)``."""
    expected = np.zeros((2, KINDS + 1))
    odds = drawn.probability(len(links.kind))
    np.add.at(expected, (nodes.port[links.origin], links.kind), odds)
    expected[:, AWAY] = np.bincount(nodes.port, minlength=2) - expected[:, :AWAY].sum(axis=1)
    expected += prior_weights(options)
    total = prior_weights(options).sum()
    return np.asarray(expected / expected.sum(axis=1, keepdims=True) * total)


def prior_weights(options: AssignmentOptions) -> Floats:
    """Dirichlet weights by kind of link, the last one of leaving for good."""
    return np.array(
        [
            options.shift_prior,
            options.prompt_prior,
            options.late_prior,
            options.return_prior,
            options.away_prior,
        ]
    )


AWAY = KINDS


def _pairs(links: Links, n: int) -> Ints:
    """Look up the link of each kind between two stays, ``(kind, from, to)``; -1 where there is none."""
    table = np.full((KINDS, n, n), -1, np.int64)
    table[links.kind, links.origin, links.target] = np.arange(len(links.kind))
    return table


@numba.njit(cache=True, nogil=True)
def _put(links: Ints, sign: int, *pools: Any) -> float:  # pragma: no cover (compiled)
    """Count links in or out, one after the other; gives what the log posterior gains."""
    gain = 0.0
    for k in range(len(links)):
        gain += _apply(links[k], sign, *pools)
    return gain


@numba.njit(cache=True, nogil=True)
def _count(
    e: int, sign: int, origin: Ints, target: Ints, way: Ints, quay: Ints, count: Ints, free: Ints
) -> None:  # pragma: no cover (compiled)
    here, there = quay[origin[e]], quay[target[e]]
    count[here, way[e]] += sign
    count[here, -1] -= sign
    free[there] -= sign


@numba.njit(cache=True, nogil=True)
def _apply(
    e: int,
    sign: int,
    origin: Ints,
    target: Ints,
    way: Ints,
    weight: Floats,
    quay: Ints,
    arrivals: Ints,
    count: Ints,
    free: Ints,
    prior: Floats,
    arrivals_prior: float,
) -> float:  # pragma: no cover (compiled)
    """Count a link in or out; gives what the log posterior gains."""
    here, there, c = quay[origin[e]], quay[target[e]], way[e]
    away = count.shape[1] - 1
    gain = sign * weight[e]
    density = np.log(arrivals_prior + arrivals[there])
    if sign > 0:
        gain += np.log(prior[here, c] + count[here, c]) - np.log(prior[here, away] + count[here, away] - 1)
        gain -= np.log(arrivals_prior + free[there] - 1) - density
    else:
        gain += np.log(prior[here, away] + count[here, away]) - np.log(prior[here, c] + count[here, c] - 1)
        gain += np.log(arrivals_prior + free[there]) - density
    _count(e, sign, origin, target, way, quay, count, free)
    return float(gain)


@numba.njit(cache=True, nogil=True)
def _chain(
    origin: Ints,
    target: Ints,
    way: Ints,
    weight: Floats,
    table: Ints,
    quay: Ints,
    arrivals: Ints,
    prior: Floats,
    arrivals_prior: float,
    draws: int,
    burn_in: int,
    steps: int,
    rng: np.random.Generator,
    full: bool,
) -> Ints:  # pragma: no cover (compiled)
    n, m, quays = len(quay), len(origin), len(arrivals)
    out, into = np.full(n, -1), np.full(n, -1)
    # Steps of the Dirichlet-multinomial by way, and of the Gamma-Poisson of arrivals, per quay.
    # Its rate is in units of the known density of arrivals: shape and rate of the prior are one number.
    count = np.zeros((quays, KINDS * quays + 1), np.int64)
    free = arrivals.copy()
    count[:, -1] = arrivals
    pools = (origin, target, way, weight, quay, arrivals, count, free, prior, arrivals_prior)
    if full:
        for e in np.argsort(-weight):
            if out[origin[e]] < 0 and into[target[e]] < 0:
                out[origin[e]], into[target[e]] = e, e
                _apply(e, 1, *pools)
    kept = np.full((draws, n), -1)
    gone, new = np.zeros(2, np.int64), np.zeros(2, np.int64)
    for step in range((burn_in + draws) * steps):
        n_gone = n_new = 0
        e = rng.integers(0, m)
        if rng.random() < 0.7:
            held_out, held_in = out[origin[e]], into[target[e]]
            if held_out == e:
                gone[0], n_gone = e, 1
            elif held_out >= 0 and held_in >= 0 and held_out != held_in:
                n_gone = n_new = 0
            else:
                new[0], n_new = e, 1
                if held_out >= 0:
                    gone[0], n_gone = held_out, 1
                elif held_in >= 0:
                    gone[0], n_gone = held_in, 1
        else:
            # Two departures swap their targets.
            f = rng.integers(0, m)
            if out[origin[e]] == e and out[origin[f]] == f and e != f:
                one = table[rng.integers(0, KINDS), origin[e], target[f]]
                two = table[rng.integers(0, KINDS), origin[f], target[e]]
                if one >= 0 and two >= 0:
                    gone[0], gone[1], n_gone = e, f, 2
                    new[0], new[1], n_new = one, two, 2
        if n_gone + n_new > 0:
            gain = _put(gone[:n_gone], -1, *pools) + _put(new[:n_new], 1, *pools)
            if gain >= 0 or rng.random() < np.exp(gain):
                for k in range(n_gone):
                    out[origin[gone[k]]], into[target[gone[k]]] = -1, -1
                for k in range(n_new):
                    out[origin[new[k]]], into[target[new[k]]] = new[k], new[k]
            else:
                for k in range(n_gone):  # counts alone: nobody asks for the gain, nor for its logarithms
                    _count(gone[k], 1, origin, target, way, quay, count, free)
                for k in range(n_new):
                    _count(new[k], -1, origin, target, way, quay, count, free)
        if (step + 1) % steps == 0 and step >= burn_in * steps:
            kept[(step + 1) // steps - 1 - burn_in] = out
    return kept
