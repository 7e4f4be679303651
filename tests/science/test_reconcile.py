from __future__ import annotations

import pytest

from tasks.science.moorings import BerthLook
from tasks.science.reconcile import DEFAULT_RECONCILE, reconcile
from tasks.science.shapes import Vessel

SHIP = Vessel(5.0, 5.0, 120.0, 18.0, 4.0, 1.0, (1.0, 0.0), 20.0)
RUN = Vessel(5.0, 5.0, 114.0, float("nan"), 6.0, float("nan"), (1.0, 0.0), 9.0)
FREE = BerthLook("", 0.0, 0.0)
HULL = BerthLook("", 120.0, 0.8, (SHIP,))
LIT = BerthLook("", 114.0, 0.76, (RUN,))


def one(detected: BerthLook, compared: BerthLook | None, pixel_m: float = 3.0) -> BerthLook:
    return reconcile({"a": detected}, {"a": compared} if compared else {}, {"a": 150.0}, pixel_m)["a"]


def test_where_both_agree_the_better_metres_and_the_outlined_hull_are_published() -> None:
    look = one(HULL, LIT)
    assert (look.occupied_m, look.ships, look.disagree) == (114.0, (SHIP,), False)
    coarse = one(HULL, LIT, 10.0)
    assert (coarse.occupied_m, coarse.ships, coarse.disagree) == (120.0, (SHIP,), False)
    assert not one(FREE, FREE).disagree


@pytest.mark.parametrize(("pixel_m", "published"), [(3.0, LIT), (10.0, FREE)])
def test_a_disagreement_is_marked_and_the_surer_reading_published(
    pixel_m: float, published: BerthLook
) -> None:
    look = one(FREE, LIT, pixel_m)
    assert look.disagree
    assert (look.occupied_m, look.ships) == (published.occupied_m, published.ships)


@pytest.mark.parametrize("flag", ["not_seen", "not_measured"])
def test_one_reading_alone_is_published_unmarked_if_enough_was_seen(flag: str) -> None:
    assert one(HULL, BerthLook(flag)) == HULL
    assert one(BerthLook(flag), LIT) == (LIT if flag == "not_measured" else BerthLook(flag))
    assert one(BerthLook(flag), BerthLook(flag)).occupied_m is None
    assert one(HULL, None) == HULL


def test_readings_disagree_only_beyond_what_both_err_by() -> None:
    for metres in (0.0, 60.0, 149.0):
        near, far = (BerthLook("", metres + k * DEFAULT_RECONCILE.apart_m, 0.5) for k in (0.9, 1.5))
        mine = BerthLook("", metres, 0.5)
        assert not one(mine, near).disagree
        assert one(mine, far).disagree


def piece(col: float, length_m: float) -> Vessel:
    return Vessel(5.0, col, length_m, 14.0, 4.0, 1.0, (1.0, 0.0), 20.0)


def test_pieces_of_one_hull_are_put_together_and_two_ships_are_not() -> None:
    """A deck of two colours parts a hull; the quay beside it is taken without a gap."""
    whole = Vessel(5.0, 50.0, 114.0, float("nan"), 6.0, float("nan"), (1.0, 0.0), 9.0)
    quay = BerthLook("", 114.0, 0.76, (whole,))
    broken = BerthLook("", 93.0, 0.6, (piece(38.0, 35.0), piece(60.0, 48.0)))
    (ship,) = one(broken, quay).ships
    assert (ship.length_m, ship.width_m, ship.col) == (114.0, 14.0, 50.0)
    (ship,) = one(BerthLook("", 93.0, 0.6, (piece(45.0, 83.0),)), quay).ships
    assert ship.length_m == 114.0
    two = (piece(38.0, 52.0), piece(60.0, 50.0))
    assert one(BerthLook("", 102.0, 0.7, two), quay).ships == two
    (first, second) = one(BerthLook("", 110.0, 0.7, (SHIP,)), BerthLook("", 114.0, 0.76, (whole, RUN))).ships
    assert {first.length_m, second.length_m} == {114.0, 120.0}
