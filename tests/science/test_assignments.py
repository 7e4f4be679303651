"""Drawn assignments against all assignments, one by one."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from scipy.special import gammaln, logsumexp

from tasks.science.voyages.assignments import (
    AssignmentOptions,
    draw_assignments,
    prior_weights,
    ways,
)
from tasks.science.voyages.links import KINDS, LATE, PROMPT, RETURN, SHIFT, Links, Nodes

MANY = AssignmentOptions(draws=6000, sweeps=4, learns=False)


def port_pair(seed: int) -> tuple[Nodes, Links]:
    """A few stays at two ports, with some links between them."""
    rng = np.random.default_rng(seed)
    n = 6
    quay = np.array([0, 0, 1, 2, 2, 2])
    zero = np.zeros(n)
    nodes = Nodes(
        (None,) * n, (quay > 1).astype(int), quay, zero, zero, zero, zero, np.ones(n), zero > 1  # type: ignore[arg-type]
    )  # fmt: skip
    across = (PROMPT, LATE), (SHIFT, RETURN)
    pairs = [
        (i, j, k) for i, j in combinations(range(n), 2) for k in across[int((quay[i] > 1) == (quay[j] > 1))]
    ]
    keep = [pairs[e] for e in rng.choice(len(pairs), 9, replace=False)]
    origin, target, kind = np.array(keep).T
    return nodes, Links(origin, target, kind, rng.normal(1.0, 1.0, len(keep)))


def log_posterior(nodes: Nodes, links: Links, chosen: list[int], options: AssignmentOptions) -> float:
    """What an assignment weighs, from the definition."""
    prior = ways(nodes, np.tile(prior_weights(options), (2, 1)))
    total = sum(float(links.weight[e]) for e in chosen)
    reached = {int(links.target[e]) for e in chosen}
    quays = len(prior)
    left = {int(links.origin[e]): int(links.kind[e] * quays + nodes.quay[links.target[e]]) for e in chosen}
    for quay in range(quays):
        own, can = np.flatnonzero(nodes.quay == quay), prior[quay] > 0
        counts = np.bincount([left.get(int(i), KINDS * quays) for i in own], minlength=KINDS * quays + 1)
        total += float((gammaln((prior[quay] + counts)[can]) - gammaln(prior[quay][can])).sum())
        free = sum(int(j) not in reached for j in own)
        shape = options.arrivals_prior
        total += float(gammaln(shape + free) - gammaln(shape) - free * np.log(shape + len(own)))
    return total


@pytest.mark.parametrize("seed", range(4))
def test_draws_are_as_frequent_as_all_assignments_weigh(seed: int) -> None:
    nodes, links = port_pair(seed)
    m = len(links.kind)
    weights, held = [], []
    for choice in product((0, 1), repeat=m):
        chosen = [e for e in range(m) if choice[e]]
        one_each = all(
            len({int(side[e]) for e in chosen}) == len(chosen) for side in (links.origin, links.target)
        )
        if one_each:
            weights.append(log_posterior(nodes, links, chosen, MANY))
            held.append(choice)
    share = np.exp(np.array(weights) - logsumexp(weights))
    exact = share @ np.array(held)
    drawn = draw_assignments(nodes, links, np.random.default_rng(seed), MANY)
    assert drawn.probability(m) == pytest.approx(exact, abs=0.02)


def test_no_stay_is_left_or_reached_twice() -> None:
    nodes, links = port_pair(9)
    for chosen in draw_assignments(nodes, links, np.random.default_rng(1)).chosen:
        used = chosen[chosen >= 0]
        assert len(set(links.target[used])) == len(used)
        assert (links.origin[used] == np.flatnonzero(chosen >= 0)).all()


def test_the_same_random_numbers_give_the_same_draws() -> None:
    nodes, links = port_pair(2)
    one, other = (draw_assignments(nodes, links, np.random.default_rng(5)).chosen for _ in range(2))
    assert (one == other).all()


def test_nothing_to_link_is_one_draw_without_links() -> None:
    nodes, links = port_pair(0)
    none = Links(*(x[:0] for x in (links.origin, links.target, links.kind, links.weight)))
    drawn = draw_assignments(nodes, none, np.random.default_rng(0))
    assert drawn.chosen.shape == (1, 6)
    assert (drawn.chosen == -1).all()
