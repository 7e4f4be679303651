from __future__ import annotations

import numpy as np
import pytest
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from tasks.science.voyages.crossing import CrossingOptions, crossing, shortest_path
from tasks.sites import load_site
from tasks.sites.sea import quayside, sea_between


def over_the_grid(
    start: tuple[float, float], goal: tuple[float, float], blocked: object, step: float
) -> float:
    """Slow obvious twin: Dijkstra over a grid whose cells have 48 neighbours."""
    side = np.arange(0.0, 100.0 + step / 2, step)
    xs, ys = np.meshgrid(side, side, indexing="ij")
    free = ~shapely.contains_properly(blocked, shapely.points(xs, ys))
    number = np.arange(xs.size).reshape(xs.shape)
    rows, cols, lengths = [], [], []
    for dx in range(-3, 4):
        for dy in range(-3, 4):
            if (dx, dy) == (0, 0) or np.gcd(dx, dy) != 1:
                continue
            n = len(side)
            here = np.s_[max(0, -dx) : n - max(0, dx), max(0, -dy) : n - max(0, dy)]
            there = np.s_[max(0, dx) : n - max(0, -dx), max(0, dy) : n - max(0, -dy)]
            ends = np.stack([np.stack([x[h] for x in (xs, ys)], -1) for h in (here, there)], -2)
            ok = (
                free[here]
                & free[there]
                & ~shapely.intersects(shapely.buffer(blocked, -1e-6), shapely.linestrings(ends))
            )
            rows.append(number[here][ok])
            cols.append(number[there][ok])
            lengths.append(np.full(ok.sum(), step * np.hypot(dx, dy)))
    graph = coo_array((np.concatenate(lengths), (np.concatenate(rows), np.concatenate(cols))))
    at = [number[round(x / step), round(y / step)] for x, y in (start, goal)]
    return float(dijkstra(graph.tocsr(), indices=at[0])[at[1]])


@pytest.mark.parametrize("seed", range(6))
def test_the_shortest_path_is_that_of_a_fine_grid(seed: int) -> None:
    rng = np.random.default_rng(seed)
    islands = shapely.buffer(shapely.points(rng.uniform(15, 85, (9, 2))), rng.uniform(4, 14, 9), quad_segs=1)
    blocked = shapely.union_all(islands)
    path = shortest_path(np.array([2.0, 2.0]), np.array([98.0, 98.0]), blocked)
    length = np.hypot(*np.diff(path, axis=0).T).sum()
    twin = over_the_grid((2.0, 2.0), (98.0, 98.0), blocked, 2.0)
    # Corners stand out by 1; a grid's way bends by steps.
    assert length <= twin + 2.0
    assert length >= 0.955 * twin
    assert not shapely.crosses(shapely.LineString(path), shapely.buffer(blocked, -0.1))


def test_najin_to_dunay_is_as_far_as_reported() -> None:
    """107.3 nautical miles at 600 m off shore, by another program; 100 as the crow flies, over land."""
    one, other = load_site("najin"), load_site("dunay")
    sea = sea_between(one, other)
    assert "OpenStreetMap" in sea.source
    way = crossing(quayside(one), quayside(other), sea.land)
    assert way.over_water
    assert way.distance_nm == pytest.approx(107.3, rel=0.01)
    assert way.great_circle_nm == pytest.approx(100.4, rel=0.01)
    back = crossing(quayside(other), quayside(one), sea.land)
    assert back.distance_nm == pytest.approx(way.distance_nm, rel=1e-6)
    line = shapely.LineString(way.along)
    assert shapely.intersection(line, sea.land).length < 0.06  # degrees: only where the quays lie ashore
    closer = crossing(quayside(one), quayside(other), sea.land, CrossingOptions(offshore_m=300))
    assert closer.distance_nm < way.distance_nm


def test_open_sea_is_the_great_circle() -> None:
    land = shapely.box(10, 10, 11, 11)
    way = crossing((0.0, 0.0), (1.0, 0.0), land)
    assert way.distance_nm == pytest.approx(way.great_circle_nm, rel=1e-3) == pytest.approx(60.1, abs=0.1)


def test_without_a_coast_the_great_circle_is_told_as_such() -> None:
    way = crossing((0.0, 0.0), (1.0, 0.0), None)
    assert not way.over_water
    assert way.distance_nm == way.great_circle_nm
    assert way.distance_sd_nm > 10


def test_a_lake_has_no_way_to_the_sea() -> None:
    ring = shapely.box(-1, -1, 1, 1).difference(shapely.box(-0.5, -0.5, 0.5, 0.5))
    with pytest.raises(ValueError, match="no way over water"):
        crossing((0.0, 0.0), (3.0, 0.0), ring)


def test_far_places_have_no_coast_but_a_reason() -> None:
    sea = sea_between(load_site("najin"), load_site("latakia"))
    assert sea.land is None
    assert "no coast" in sea.source
