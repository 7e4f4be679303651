"""What a look may show of a port at a level: survivors of the last look, and newcomers.

Ships come at a rate, each stays for an exponential time, and a look shows each that is there with the share
that it sees. So what a look shows is a binomial thinning of what the last one showed, and newcomers (an
M/M/∞ queue seen in the dark; an INAR(1) series where looks are even). Newcomers are Poisson, or negative
binomial where they come in clumps, or binomial where there is room for few. A stay of no length leaves looks
independent.
"""

from __future__ import annotations

import math
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]

SEEN_AGAIN = 0.9
"""Share of the ships still there that the next look finds again: two looks within minutes may differ."""

NEVER = -700.0
"""Log probability of what cannot be, finite so that sums need no care."""


@nb.njit(cache=True)
def log_chances(
    counts: Floats, exposure: Floats, gaps: Floats, levels: Floats, size: float, stay: float
) -> Floats:
    """Log probability of every look at every level, given the look before.

    Parameters
    ----------
    counts, exposure
        ``(n,)`` vessels, and share that each look sees, above 0.
    gaps
        ``(n,)`` days since the look before; the first is not read.
    levels
        ``(k,)`` mean vessels of a look that sees everything.
    size
        Of the negative binomial, for a whole look: variance = mean + mean² / size; infinite for Poisson.
        Below 0 there is room for so many ships, and the count is binomial.
    stay
        Mean days that a ship stays; 0 for independent looks.

    Returns
    -------
    numpy.ndarray
        ``(n, k)``, finite: what cannot be has `NEVER`.
    """
    n, k = len(counts), len(levels)
    out = np.empty((n, k))
    most = int(counts.max()) + 1
    again = np.zeros(most)
    for j in range(n):
        y = int(counts[j])
        kept = 0.0
        if j and stay > 0:
            kept = math.exp(-gaps[j] / stay) * SEEN_AGAIN
        before = int(counts[j - 1]) if kept > 0 else 0
        share = kept * exposure[j]
        lasting = min(y, before)
        again[0] = (1 - share) ** before
        for b in range(lasting):
            again[b + 1] = again[b] * (before - b) / (b + 1) * share / (1 - share)
        fresh = exposure[j] * (1 - kept * exposure[j - 1]) if j else exposure[j]
        for i in range(k):
            out[j, i] = _newcomers(y, lasting, again, fresh, levels[i], size)
    return out


@nb.njit(cache=True)
def _newcomers(y: int, lasting: int, again: Floats, fresh: float, level: float, size: float) -> float:
    """Sum over how many of `y` were there before: their chance, and that the rest have come."""
    mean = level * fresh
    if size < 0:
        return _with_room(y, -size, level, fresh)
    if math.isinf(size):
        none, turn, own = -mean, 1.0, 0.0
    else:
        turn = level / (size + level)
        own = size * fresh
        none = own * math.log1p(-turn)
    log_first = none  # of y - lasting newcomers, in logarithms: they may be many
    for c in range(y - lasting):
        log_first += math.log((mean if own == 0.0 else (own + c) * turn) / (c + 1))
    total, term = 0.0, 1.0
    for b in range(lasting, -1, -1):
        total += again[b] * term
        c = y - b
        term *= (mean if own == 0.0 else (own + c) * turn) / (c + 1)
    return log_first + math.log(max(total, 1e-300))


@nb.njit(cache=True)
def _with_room(y: int, room: float, level: float, seen: float) -> float:
    """Count ships at a quay where `room` may lie, each place taken or not for itself."""
    if level >= room or y > room:
        return NEVER
    share = level / room * seen
    out = y * math.log(share) + (room - y) * math.log1p(-share)
    for c in range(y):
        out += math.log((room - c) / (c + 1))
    return out
