"""A berth that is taken or free, changing at random in continuous time, seen now and then (kernels).

Arrivals come at one rate while it is free, departures at another while it is taken; a look tells the state
with known errors. Between looks nothing is assumed but the rates, so a gap of any length costs one step.
Paths are drawn exactly: states at looks by forward filtering and backward sampling (Frühwirth-Schnatter
1994), the time between two of them by conditioning on its ends (Nielsen 2002; Hobolth and Stone 2009).
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def block_log_likelihood(
    days: Any, if_taken: Any, if_free: Any, block: Any, blocks: int, share: Any, stay_days: Any
) -> Any:
    """Weigh shares of time taken and mean stays by what one berth's looks showed, block by block.

    Parameters
    ----------
    days
        ``(n,)`` ascending times of the looks, days.
    if_taken, if_free
        ``(n,)`` probability of what the look showed if the berth was taken, and if it was free.
    block
        ``(n,)`` ascending number of the block of time that each look lies in.
    blocks
        How many blocks there are.
    share, stay_days
        ``(g,)`` and ``(s,)``: long-run share of time that the berth is taken, mean stay in days.

    Returns
    -------
    numpy.ndarray
        ``(blocks, s, g)`` log probability of the block's looks, given those before it.
    """
    out = np.zeros((blocks, len(stay_days), len(share)))
    for s in range(len(stay_days)):
        for g in range(len(share)):
            speed = 1.0 / (stay_days[s] * (1.0 - share[g]))
            taken = share[g]
            last = days[0] if len(days) else 0.0
            product = 1.0
            for k in range(len(days)):
                taken = share[g] + (taken - share[g]) * np.exp(-speed * (days[k] - last))
                last = days[k]
                joint = taken * if_taken[k]
                total = joint + (1.0 - taken) * if_free[k]
                taken = joint / total
                product *= total
                # One logarithm for many looks.
                if product < 1e-200 or k == len(days) - 1 or block[k + 1] != block[k]:
                    out[block[k], s, g] += np.log(product)
                    product = 1.0
    return out


@numba.njit(cache=True, nogil=True)
def draw_paths(
    rng: Any,
    days: Any,
    if_taken: Any,
    if_free: Any,
    fraction: Any,
    block: Any,
    share: Any,
    stay_days: Any,
    pool: Any,
    edges: Any,
) -> Any:
    """Draw what one berth may have held all the time.

    Parameters
    ----------
    rng
        Where chance comes from.
    days, if_taken, if_free
        ``(n,)`` nodes in order of time: looks, and the ends of blocks (both probabilities 1). The first and
        the last node bound the path.
    fraction
        ``(n,)`` share of the berth's metres that the look saw taken; NaN where it told none.
    block
        ``(n,)`` block of the time after each node.
    share, stay_days
        ``(draws, blocks)`` and ``(draws,)``: the rates of each draw.
    pool
        ``(p,)`` shares of the metres that ships took where they were seen, for stays that no look saw.
    edges
        ``(e + 1,)`` ascending ends of the periods that are summed, days.

    Returns
    -------
    held, arrivals
        ``(draws, e)`` days taken, weighted by the share of the metres, and number of arrivals.
    """
    draws, n = len(stay_days), len(days)
    held, arrivals = np.zeros((draws, len(edges) - 1)), np.zeros((draws, len(edges) - 1))
    level, fade, taken = np.empty(n), np.empty(n), np.empty(n)
    state, ahead, jumps = np.empty(n, np.int8), np.empty(n), np.empty(MOST_JUMPS)
    for d in range(draws):
        for k in range(n):
            level[k] = share[d, block[k]]
        _filter(days, if_taken, if_free, level, stay_days[d], fade, taken)
        _states(rng, level, fade, taken, state)
        _look_ahead(state, fraction, ahead)
        _fill(
            rng,
            days,
            level,
            stay_days[d],
            fade,
            state,
            fraction,
            ahead,
            pool,
            edges,
            jumps,
            held[d],
            arrivals[d],
        )
    return held, arrivals


MOST_JUMPS = 4096
"""Changes between two looks that are followed; no gap has so many."""


@numba.njit(cache=True, nogil=True)
def _filter(days: Any, if_taken: Any, if_free: Any, level: Any, stay: float, fade: Any, taken: Any) -> None:
    """Tell at each node how probably the berth is taken, from the looks up to then."""
    now = level[0]
    for k in range(len(days)):
        joint = now * if_taken[k]
        taken[k] = joint / (joint + (1.0 - now) * if_free[k])
        if k < len(days) - 1:
            fade[k] = np.exp(-(days[k + 1] - days[k]) / (stay * (1.0 - level[k])))
            now = level[k] + (taken[k] - level[k]) * fade[k]


@numba.njit(cache=True, nogil=True)
def _states(rng: Any, level: Any, fade: Any, taken: Any, state: Any) -> None:
    """Draw the states at the nodes, from the last one back."""
    n = len(state)
    state[n - 1] = rng.random() < taken[n - 1]
    for k in range(n - 2, -1, -1):
        if_taken, if_free = level[k] + (1.0 - level[k]) * fade[k], level[k] - level[k] * fade[k]
        if not state[k + 1]:
            if_taken, if_free = 1.0 - if_taken, 1.0 - if_free
        joint = taken[k] * if_taken
        state[k] = rng.random() * (joint + (1.0 - taken[k]) * if_free) < joint


@numba.njit(cache=True, nogil=True)
def _look_ahead(state: Any, fraction: Any, ahead: Any) -> None:
    """Find at each taken node what share of the metres the next look of its stay told; NaN if none did."""
    n = len(state)
    for k in range(n - 1, -1, -1):
        ahead[k] = np.nan
        if state[k]:
            if not np.isnan(fraction[k]):
                ahead[k] = fraction[k]
            elif k < n - 1 and state[k + 1]:
                ahead[k] = ahead[k + 1]


@numba.njit(cache=True, nogil=True)
def _fill(
    rng: Any,
    days: Any,
    level: Any,
    stay: float,
    fade: Any,
    state: Any,
    fraction: Any,
    ahead: Any,
    pool: Any,
    edges: Any,
    jumps: Any,
    held: Any,
    arrivals: Any,
) -> None:
    """Draw what happened between the nodes, and sum it up by period."""
    share = np.nan  # of the metres, by the ship that lies there now
    slot = 0
    for k in range(len(days) - 1):
        if state[k] and not np.isnan(fraction[k]):
            share = fraction[k]
        span = days[k + 1] - days[k]
        if span <= 0.0:
            continue
        arrive = level[k] / (1.0 - level[k]) / stay
        count = _changes(rng, state[k], state[k + 1], span, 1.0 / stay, arrive, fade[k], jumps)
        now, at = state[k], 0.0
        for j in range(count + 1):
            until = jumps[j] if j < count else span
            if now:
                if np.isnan(share):
                    share = ahead[k + 1] if j == count else (ahead[k] if j == 0 else np.nan)
                if np.isnan(share):
                    share = pool[int(rng.random() * len(pool))]
                slot = _add(held, edges, slot, days[k] + at, days[k] + until, share)
            if j < count:
                now, share, at = 1 - now, np.nan, until
                if now:
                    slot = _slot(edges, slot, days[k] + at)
                    if edges[slot] <= days[k] + at < edges[slot + 1]:
                        arrivals[slot] += 1
        if not state[k + 1]:
            share = np.nan


@numba.njit(cache=True, nogil=True)
def _changes(
    rng: Any, begin: int, end: int, span: float, leave: float, arrive: float, fade: float, jumps: Any
) -> int:
    """Draw the times at which a berth changes within a gap, its state at both ends given; tells how many."""
    out = leave if begin else arrive
    if begin == end:
        level = arrive / (leave + arrive)
        back = level + (1.0 - level) * fade if begin else 1.0 - level + level * fade
        if rng.random() * back < np.exp(-out * span):
            return 0
    while True:
        # The first change comes within the gap for certain: an exponential cut off at its length.
        at = -np.log1p(rng.random() * np.expm1(-out * span)) / out
        state, count = 1 - begin, 1
        jumps[0] = at
        while count < len(jumps):
            at += rng.standard_exponential() / (leave if state else arrive)
            if at >= span:
                break
            jumps[count] = at
            count += 1
            state = 1 - state
        if state == end and at >= span:
            return count


@numba.njit(cache=True, nogil=True)
def _slot(edges: Any, slot: int, when: float) -> int:
    """Find the period of a moment, from that of an earlier one on."""
    while slot < len(edges) - 2 and edges[slot + 1] <= when:
        slot += 1
    return slot


@numba.njit(cache=True, nogil=True)
def _add(total: Any, edges: Any, slot: int, start: float, end: float, weight: float) -> int:
    """Share a stretch of time out among periods, from an earlier one on; tells the period of its start."""
    slot = _slot(edges, slot, start)
    k = slot
    while k < len(edges) - 1 and edges[k] < end:
        total[k] += weight * max(min(end, edges[k + 1]) - max(start, edges[k]), 0.0)
        k += 1
    return slot
