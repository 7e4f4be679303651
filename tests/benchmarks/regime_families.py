"""Made-up families of series with known changes, and the two scores of the change point benchmark.

Scores as van den Burg and Williams (2020) have them, for one annotator: F1 with a margin of five values,
where the first value counts as a change that everybody knows; and cover, the mean overlap of true stretches
with the best of those told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Made = tuple[Floats, list[int]]

MARGIN = 5


def f1(true: Sequence[int], told: Sequence[int]) -> float:
    """F1 with a margin; each change told can hit one."""
    known, said = sorted({0, *true}), sorted({0, *told})
    left = set(said)
    hits = 0
    for place in known:
        near = [p for p in left if abs(p - place) <= MARGIN]
        if near:
            left.remove(min(near, key=lambda p: abs(p - place)))
            hits += 1
    precision, recall = hits / len(said), hits / len(known)
    return 2 * precision * recall / (precision + recall) if hits else 0.0


def cover(true: Sequence[int], told: Sequence[int], n: int) -> float:
    """Overlap (intersection over union) of true stretches with their best counterpart, weighted by length."""
    ours = list(pairwise([0, *told, n]))
    total = 0.0
    for a, b in pairwise([0, *true, n]):
        total += (b - a) * max((min(b, d) - max(a, c)) / (max(b, d) - min(a, c)) for c, d in ours)
    return total / n


def _steps(rng: np.random.Generator, n: int, number: int, low: float, high: float) -> Made:
    """Draw levels that differ by `low` to `high`, apart by an eighth of the series at least."""
    while True:
        places = np.sort(rng.integers(n // 8, n - n // 8, number))
        if number < 2 or np.diff(places).min() > n // 10:
            break
    level, mean = 0.0, np.zeros(n)
    for place in places:
        level += rng.choice([-1, 1]) * rng.uniform(low, high)
        mean[place:] = level
    return mean, [int(p) for p in places]


def _ar(rng: np.random.Generator, n: int, shared: float) -> Floats:
    out = rng.normal(size=n)
    for k in range(1, n):
        out[k] = shared * out[k - 1] + np.sqrt(1 - shared**2) * out[k]
    return out


def level(rng: np.random.Generator) -> Made:
    n = int(rng.integers(80, 400))
    mean, places = _steps(rng, n, 1, 1.0, 3.0)
    return mean + rng.normal(size=n), places


def several(rng: np.random.Generator) -> Made:
    n = int(rng.integers(150, 500))
    mean, places = _steps(rng, n, int(rng.integers(2, 5)), 1.5, 4.0)
    return mean + rng.normal(size=n), places


def outliers(rng: np.random.Generator) -> Made:
    n = int(rng.integers(100, 400))
    mean, places = _steps(rng, n, int(rng.integers(0, 3)), 1.5, 4.0)
    wild = (rng.random(n) < 0.03) * rng.normal(size=n) * 15
    return mean + rng.normal(size=n) + wild, places


def heavy(rng: np.random.Generator) -> Made:
    n = int(rng.integers(100, 400))
    mean, places = _steps(rng, n, int(rng.integers(0, 3)), 2.0, 5.0)
    return mean + rng.standard_t(2.5, size=n), places


def neighbours(rng: np.random.Generator) -> Made:
    n = int(rng.integers(150, 400))
    mean, places = _steps(rng, n, int(rng.integers(0, 2)), 3.0, 5.0)
    return mean + _ar(rng, n, 0.6), places


def trend(rng: np.random.Generator) -> Made:
    n = int(rng.integers(60, 300))
    return rng.uniform(-1, 1) * np.arange(n) * 10 / n + rng.normal(size=n) * 0.5, []


def kink(rng: np.random.Generator) -> Made:
    n = int(rng.integers(80, 300))
    place = int(rng.integers(n // 4, 3 * n // 4))
    slopes = rng.uniform(3, 10, 2) * [1, -1]
    t = np.arange(n) / n
    rise = np.where(t < place / n, slopes[0] * t, slopes[0] * place / n + slopes[1] * (t - place / n))
    return rise + rng.normal(size=n) * 0.3, [place]


def season(rng: np.random.Generator) -> Made:
    n = int(rng.integers(96, 300))
    mean, places = _steps(rng, n, int(rng.integers(0, 3)), 2.0, 4.0)
    return mean + 1.5 * np.sin(2 * np.pi * (np.arange(n) + rng.integers(12)) / 12) + rng.normal(
        size=n
    ) * 0.5, places


def walk(rng: np.random.Generator) -> Made:
    return np.cumsum(rng.normal(size=int(rng.integers(80, 400)))), []


def short(rng: np.random.Generator) -> Made:
    n = int(rng.integers(15, 50))
    mean, places = _steps(rng, n, 1, 2.5, 5.0)
    return mean + rng.normal(size=n), places


def counted(rng: np.random.Generator) -> Made:
    n = int(rng.integers(100, 300))
    place = int(rng.integers(n // 4, 3 * n // 4))
    rates = rng.permutation([rng.uniform(0.5, 2), rng.uniform(4, 8)])
    return rng.poisson(np.where(np.arange(n) < place, *rates)).astype(float), [place]


def variance(rng: np.random.Generator) -> Made:
    n = int(rng.integers(150, 400))
    place = int(rng.integers(n // 4, 3 * n // 4))
    ratio = rng.choice([rng.uniform(3, 6), 1 / rng.uniform(3, 6)])
    return rng.normal(size=n) * np.where(np.arange(n) < place, 1.0, ratio), [place]


FAMILIES: dict[str, Callable[[np.random.Generator], Made]] = {
    "one shift": level,
    "several shifts": several,
    "shifts and outliers": outliers,
    "heavy tails": heavy,
    "neighbours alike": neighbours,
    "trend": trend,
    "kink": kink,
    "season and shift": season,
    "random walk": walk,
    "short": short,
    "counts": counted,
    "variance": variance,
}
