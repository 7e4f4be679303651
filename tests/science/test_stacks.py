from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox

from tasks.science.ashore.bare import learn_bare
from tasks.science.ashore.stacks import YardLook, find_stacks, lay_yards
from tests.science.yard import BLUE, BOX, COAL, RUST, SHAPE, WHITE, YARD, Scene, plot, steady, within

GROUND = steady()
SEEN = np.ones(SHAPE, bool)
STACK = within((20, 90), (4, 28))


@pytest.fixture(scope="module")
def bare() -> dict[str, np.ndarray]:
    """Memory from ten dates, a stack on four of them."""
    dates = [
        Scene(k, 1 + 0.03 * (k % 4), 0.004 * (k % 3), goods=[(STACK, (RUST, BLUE)[k % 2])] if k < 4 else [])
        for k in range(10)
    ]
    shown = [date.planes() for date in dates]
    stack = {b: np.stack([planes[b].ravel() for planes in shown]) for b in shown[0]}
    return {name: column.reshape(SHAPE) for name, column in learn_bare(stack, GROUND.ravel()).items()}


def look_at(scene: Scene, bare: dict[str, np.ndarray], seen: np.ndarray = SEEN) -> YardLook:
    return find_stacks(scene.planes(), bare, lay_yards(bare, [plot()], BOX), seen, GROUND, BOX)["yard"]


def overlap(look: YardLook, outline: shapely.Polygon) -> float:
    found = shapely.union_all(list(look.outlines), grid_size=0.01)
    return float(found.intersection(outline).area / found.union(outline).area)


@pytest.mark.parametrize("colour", [RUST, BLUE, WHITE])
@pytest.mark.parametrize("slide_m", [(0.0, 0.0), (2.0, -1.0)])
def test_measures_a_stack_where_it_truly_stands(
    bare: dict[str, np.ndarray], colour: tuple[float, ...], slide_m: tuple[float, float]
) -> None:
    look = look_at(Scene(50, 0.9, 0.02, slide_m, [(STACK, colour)]), bare)
    assert look.flag == ""
    assert look.area_m2 == pytest.approx(STACK.area, rel=0.08)
    assert look.fill_fraction == pytest.approx(STACK.area / YARD.area, abs=0.03)
    assert overlap(look, STACK) > 0.8


def test_area_is_not_biased_by_blur(bare: dict[str, np.ndarray]) -> None:
    errors = []
    for k in range(12):
        stack = within((15 + k, 60 + 7 * (k % 5)), (3 + 0.3 * k, 22 + 0.5 * k))
        look = look_at(Scene(60 + k, goods=[(stack, (RUST, BLUE, WHITE)[k % 3])]), bare)
        assert look.area_m2 is not None
        errors.append(look.area_m2 / stack.area - 1)
    assert abs(np.mean(errors)) < 0.05


def test_the_shadow_of_a_stack_is_not_the_stack(bare: dict[str, np.ndarray]) -> None:
    shadow = shapely.union(within((6, 90), (28, 38)), within((6, 20), (4, 38)))
    look = look_at(Scene(80, goods=[(STACK, RUST)], shadows=[shadow]), bare)
    assert look.area_m2 == pytest.approx(STACK.area, rel=0.12)
    assert overlap(look, STACK) > 0.8


def test_shadows_cranes_heaps_and_lorries_do_not_count(bare: dict[str, np.ndarray]) -> None:
    yellow = (0.12, 0.25, 0.33, 0.36)
    scene = Scene(
        81,
        goods=[
            (within((30, 75), (5, 25)), COAL),
            (within((120, 133), (-4, 7)), yellow),
            (within((150, 162), (10, 12.5)), WHITE),
        ],
        shadows=[within((90, 110), (-10, 40)), within((20, 28), (-20, 60))],
    )
    look = look_at(scene, bare)
    assert look.flag == ""
    assert look.area_m2 == 0
    assert look.outlines == ()
    assert look.other_m2 is not None
    assert look.other_m2 > 900


def test_a_heap_that_went_leaves_bare_ground() -> None:
    heap = within((40, 80), (6, 26))
    shown = [Scene(k, goods=[(heap, COAL)]).planes() for k in range(8)]
    stack = {b: np.stack([planes[b].ravel() for planes in shown]) for b in shown[0]}
    known = {n: c.reshape(SHAPE) for n, c in learn_bare(stack, GROUND.ravel()).items()}
    assert look_at(Scene(90), known).area_m2 == 0
    assert look_at(Scene(91, goods=[(STACK, BLUE)]), known).area_m2 == pytest.approx(STACK.area, rel=0.15)


def test_snow_is_said_and_not_measured(bare: dict[str, np.ndarray]) -> None:
    look = look_at(Scene(82, snow=0.3), bare)
    assert look.flag == "snow"
    assert look.area_m2 is None


def test_haze_is_not_snow(bare: dict[str, np.ndarray]) -> None:
    look = look_at(Scene(83, 0.8, 0.12), bare)
    assert look.flag == ""
    assert look.area_m2 == 0


def test_an_empty_yard_is_a_zero(bare: dict[str, np.ndarray]) -> None:
    for k in range(6):
        look = look_at(Scene(100 + k, 0.85 + 0.05 * k, 0.01 * k, (1.5 - 0.6 * k, 0.4 * k)), bare)
        assert (look.flag, look.area_m2, look.fill_fraction) == ("", 0.0, 0.0)


def test_what_is_not_seen_is_null(bare: dict[str, np.ndarray]) -> None:
    scene = Scene(84, goods=[(STACK, BLUE)])
    seen = SEEN.copy()
    seen[:, :60] = False
    look = look_at(scene, bare, seen)
    assert look.flag == "not_seen"
    assert look.area_m2 is None
    assert look.fill_fraction is None
    planes = {band: np.full(SHAPE, np.nan, np.float32) for band in scene.planes()}
    none = find_stacks(planes, bare, lay_yards(bare, [plot()], BOX), ~SEEN, GROUND, BOX)["yard"]
    assert (none.flag, none.area_m2, none.seen_fraction) == ("not_seen", None, 0.0)
    unknown = {name: np.full(SHAPE, np.nan, np.float32) for name in bare}
    assert look_at(scene, unknown).flag == "not_measured"


def test_a_yard_seen_in_part_tells_which(bare: dict[str, np.ndarray]) -> None:
    seen = SEEN.copy()
    seen[:, 55:] = False
    look = look_at(Scene(85), bare, seen)
    assert look.flag == ""
    hidden = shapely.union_all(list(look.hidden), grid_size=0.01)
    assert hidden.area == pytest.approx((1 - look.seen_fraction) * YARD.area, rel=0.1)


def test_coarse_pixels_measure_nothing(bare: dict[str, np.ndarray]) -> None:
    coarse = GeoBox(SHAPE, Affine(10, 0, 500_000, 0, -10, 4_000_000), "EPSG:32652")
    look = find_stacks(Scene(86).planes(), bare, lay_yards(bare, [plot()], coarse), SEEN, GROUND, coarse)[
        "yard"
    ]
    assert look.flag == "not_measured"


def test_a_yard_does_not_depend_on_the_others(bare: dict[str, np.ndarray]) -> None:
    planes = Scene(87, goods=[(STACK, BLUE)], slide_m=(1.0, 0.5)).planes()
    again = replace(plot(), zone_id="again")
    both = find_stacks(planes, bare, lay_yards(bare, [plot(), again], BOX), SEEN, GROUND, BOX)
    assert list(both) == ["yard", "again"]
    assert (
        both["again"].area_m2
        == both["yard"].area_m2
        == look_at(Scene(87, goods=[(STACK, BLUE)], slide_m=(1.0, 0.5)), bare).area_m2
    )
