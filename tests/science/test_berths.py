from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest

from tasks.model import Site, Zone, ZoneKind
from tasks.science.quays import draw_faces
from tasks.science.radar.background import Ground
from tasks.science.radar.looks import learn_radar, measure_scenes
from tasks.science.radar.runs import DEFAULT_RUNS
from tasks.science.zones import draw_site
from tests.science.quay import BOX, SLOT_M, Ship, port, radar, some_ships, taken_m
from tests.science.water import background_of, block, learn_one

MEMBERS = 30
"""A year of one orbit."""

PORT = port()
LAYERS = draw_site(PORT, BOX)
GROUND = Ground(LAYERS.near, LAYERS.water, 1, LAYERS.faces, LAYERS.pixel_m)
LONG = Ship(wall=1, start_m=-60, length_m=120)
"""Lies across both berths of its wall."""


@dataclass(frozen=True)
class Score:
    f1: float
    error_m: float
    claimed: int
    ships: int


def sea(rng: np.random.Generator) -> float:
    """Wind: the sea's level goes over 6 dB."""
    return float(0.01 * 4 ** rng.random())


@cache
def memory(occupancy: float, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng([seed, 1])
    power = np.array([radar(rng, some_ships(rng, occupancy), sea(rng)) for _ in range(MEMBERS)])
    return background_of(block(power), ("vv",), GROUND)


def look(
    ships: list[Ship], seed: int = 0, site: Site = PORT, unseen: tuple[slice, slice] | None = None
) -> dict[str, dict]:
    power = radar(np.random.default_rng([seed, 2]), ships, sea(np.random.default_rng(seed)))
    if unseen:
        power[unseen] = np.nan
    rows, *_ = measure_scenes(block(power[None]), memory(0.1, 0), ("vv",), site, BOX)
    return {row["zone_id"]: row for row in rows}


def berths(rows: dict[str, dict], measure: str = "occupied_m") -> dict[str, float]:
    return {z: row[measure] for z, row in rows.items() if row["zone_kind"] == "berth"}


@cache
def score(occupancy: float) -> Score:
    right = wrong = missed = claimed = there = 0
    errors = []
    for seed in range(3):
        background = memory(occupancy, seed)
        rng = np.random.default_rng([seed, 3])
        fleets = [some_ships(rng, occupancy) for _ in range(25)]
        power = np.array([radar(rng, ships, sea(rng)) for ships in fleets])
        rows, *_ = measure_scenes(block(power), background, ("vv",), PORT, BOX)
        found = {(r["scene_id"], r["zone_id"]): r for r in rows}
        for k, ships in enumerate(fleets):
            there += len(ships)
            for zone_id, metres in taken_m(ships).items():
                row = found[f"s{k:02}", zone_id]
                claimed += row["vessel_count"]
                right += row["occupied_m"] > 0 and metres > 0
                wrong += row["occupied_m"] > 0 and metres == 0
                missed += row["occupied_m"] == 0 and metres > 0
                if row["occupied_m"] > 0 and metres > 0:
                    errors.append(row["occupied_m"] - metres)
    return Score(2 * right / (2 * right + wrong + missed), float(np.median(errors)), claimed, there)


@pytest.mark.parametrize("occupancy", [0.1, 0.7])
def test_berths_are_taken_when_a_ship_lies_there(occupancy: float) -> None:
    found = score(occupancy)
    assert found.f1 >= 0.95
    assert abs(found.error_m) <= 20


@pytest.mark.parametrize("occupancy", [0.1, 0.7])
def test_ships_are_never_more_and_seldom_much_fewer(occupancy: float) -> None:
    found = score(occupancy)
    assert 0.85 * found.ships <= found.claimed <= 1.05 * found.ships


@pytest.mark.parametrize("seed", range(6))
def test_an_empty_port_is_empty_at_any_wind(seed: int) -> None:
    rows = look([], seed)
    assert berths(rows) == dict.fromkeys(berths(rows), 0)
    assert berths(rows, "vessel_count") == dict.fromkeys(berths(rows), 0)
    assert berths(rows, "occupied_fraction") == dict.fromkeys(berths(rows), 0)


@pytest.mark.parametrize(("one", "other"), [(0, 1), (1, 2), (2, 3)])
def test_ships_across_a_pier_and_across_a_slip_stay_apart(one: int, other: int) -> None:
    rows = look([Ship(one, -125, 100), Ship(other, -120, 90)])
    count = berths(rows, "vessel_count")
    assert {z for z, n in count.items() if n} == {f"{one}-0", f"{other}-0"}
    assert rows[f"{one}-0"]["occupied_m"] == pytest.approx(100, abs=25)
    assert rows[f"{other}-0"]["occupied_m"] == pytest.approx(90, abs=25)


def test_a_ship_across_two_berths_is_one_ship_and_takes_metres_of_both() -> None:
    rows = look([LONG])
    assert sum(berths(rows, "vessel_count").values()) == 1
    assert rows["1-0"]["occupied_m"] == pytest.approx(60, abs=25)
    assert rows["1-1"]["occupied_m"] == pytest.approx(60, abs=25)
    assert max(berths(rows, "vessel_length_m").values()) == pytest.approx(120, abs=25)


def test_two_ships_bow_to_stern_are_too_long_for_one() -> None:
    rows = look([Ship(2, -140, 125), Ship(2, 5, 130)])
    assert (rows["2-0"]["vessel_count"], rows["2-1"]["vessel_count"]) == (1, 1)


def test_ships_at_berths_are_not_counted_in_the_harbour_too() -> None:
    """The flank of a broad bright hull reaches beyond its strip."""
    for seed in range(5):
        rows = look([Ship(w, -130, 110, beam_m=24, power=4.0) for w in range(4)], seed)
        assert sum(berths(rows, "vessel_count").values()) == 4
        assert rows["harbour"]["vessel_count"] == 0


def test_what_is_shorter_than_the_limit_is_not_claimed() -> None:
    assert not any(berths(look([Ship(1, -100, 15, beam_m=6)]), "vessel_count").values())


def test_never_more_than_the_berth_has() -> None:
    short = tuple(
        replace(z, length_m=80.0) if z.kind is ZoneKind.BERTH else z for z in PORT.zones
    )  # a dolphin shortens it
    rows = look([Ship(w, -148, 140) for w in range(4)], site=replace(PORT, zones=short))
    assert max(berths(rows).values()) <= 80
    assert max(berths(rows, "occupied_fraction").values()) <= 1


def test_a_look_that_sees_too_little_says_so() -> None:
    rows = look([Ship(3, -120, 100)], unseen=(slice(None), slice(0, 46)))
    flags = berths(rows, "flags")
    assert "not_seen" in flags.values()
    for zone_id, flag in flags.items():
        assert (rows[zone_id]["occupied_m"] is None) == (flag == "not_seen")
        assert (rows[zone_id]["vessel_count"] is None) == (flag == "not_seen")


def test_a_berth_that_the_background_does_not_know_is_not_measured() -> None:
    empty = memory(0.1, 0)["empty"].copy()
    empty[LAYERS.zones["1-0"]] = np.nan
    power = radar(np.random.default_rng(5), [Ship(1, -120, 100)], 0.02)
    rows, *_ = measure_scenes(block(power[None]), memory(0.1, 0) | {"empty": empty}, ("vv",), PORT, BOX)
    row = next(r for r in rows if r["zone_id"] == "1-0")
    assert row["flags"] == "not_measured"
    assert row["occupied_m"] is row["occupied_fraction"] is row["vessel_count"] is None


def test_a_hulk_that_never_leaves_is_unknown_and_not_free() -> None:
    hulk = Ship(1, -148, 145, beam_m=40)
    rng = np.random.default_rng(8)
    power = np.array([radar(rng, [hulk], sea(rng)) for _ in range(MEMBERS)])
    background = background_of(block(power), ("vv",), GROUND)
    rows, *_ = measure_scenes(block(power[:1]), background, ("vv",), PORT, BOX)
    assert next(r for r in rows if r["zone_id"] == "1-0")["flags"] == "not_measured"


def test_a_pixel_belongs_to_one_berth() -> None:
    doubled = (*PORT.zones, *(replace(z, zone_id=z.zone_id + "b") for z in PORT.zones if z.zone_id == "1-0"))
    site = replace(PORT, zones=doubled)
    faces = draw_faces(site, BOX, draw_site(site, BOX).zones)
    pixels = [(r, c) for face in faces for r, c in zip(face.rows, face.cols, strict=True)]
    assert len(pixels) == len(set(pixels))


def test_faces_are_berths_in_line() -> None:
    slots = sorted(tuple(s.zone_id for s in face.slots) for face in LAYERS.faces)
    assert slots == [(f"{w}-0", f"{w}-1") for w in range(4)]
    for face in LAYERS.faces:
        assert [s.end_m - s.start_m for s in face.slots] == pytest.approx([SLOT_M] * 2, abs=2)


def test_a_site_without_berths_is_measured_as_before() -> None:
    plain = replace(PORT, zones=tuple(z for z in PORT.zones if z.kind is not ZoneKind.BERTH))
    assert draw_site(plain, BOX).faces == ()
    assert (draw_site(plain, BOX).water == LAYERS.water).all()
    assert LAYERS.near[LAYERS.zones["1-0"]].all()
    assert not LAYERS.water[LAYERS.zones["1-0"]].any()


def test_a_berth_without_a_pixel_is_not_measured() -> None:
    dot = Zone("dot", ZoneKind.BERTH, PORT.zones[-1].geometry.centroid.buffer(1e-6))
    rows = look([], site=replace(PORT, zones=(*PORT.zones, dot)))
    assert rows["dot"]["flags"] == "not_measured"


def test_the_detection_limit_is_two_resolution_cells() -> None:
    assert DEFAULT_RUNS.min_length_m == 2 * DEFAULT_RUNS.blur_m


def test_epochs_learnt_together_are_those_learnt_alone() -> None:
    """To the last bit, in whatever order their dates stand in the block."""
    rng = np.random.default_rng(11)
    stack = block(np.array([radar(rng, some_ships(rng, 0.5), sea(rng)) for _ in range(12)]))
    epochs = [(7, 0, 1, 2, 3, 4, 5, 6), (2, 3, 4, 5, 6, 7, 8, 9), (8, 9, 10, 11), (0, 1, 10, 11)]
    together = list(learn_radar(stack, epochs, ("vv",), PORT, BOX))
    assert len(together) == len(epochs)
    for found, members in zip(together, epochs, strict=True):
        alone = learn_one(learn_radar, stack.isel(time=list(members)), ("vv",), PORT, BOX)
        assert {name: plane.tobytes() for name, plane in found.items()} == {
            name: plane.tobytes() for name, plane in alone.items()
        }
        assert np.isfinite(found["empty"]).any()
