from __future__ import annotations

import numpy as np
import pytest
import shapely

from tasks.model import Zone, ZoneKind
from tasks.science.radar.looks import measure_scenes
from tasks.science.rows import LOOK_MEASURES
from tasks.science.shapes import Vessel, outline
from tasks.science.zones import draw_site
from tests.science.water import BOX, SIDE, block, no_memory, polygon, put_ship, site, speckle


def scene(seed: int = 0) -> np.ndarray:
    power = speckle(np.random.default_rng(seed), (1, SIDE, SIDE))
    put_ship(power[0], 60, 30)
    put_ship(power[0], 60, 110)
    put_ship(power[0], 110, 110)
    return power


def measure(power: np.ndarray, *zones: Zone) -> tuple[dict[str, dict], list[dict]]:
    looks, vessels, _ = measure_scenes(block(power), no_memory(), ("vv",), site(*zones), BOX)
    return {row["zone_id"]: row for row in looks}, vessels


def test_vessels_are_counted_in_their_zone() -> None:
    looks, vessels = measure(scene())
    assert looks["harbour"]["vessel_count"] == 1
    assert looks["roads"]["vessel_count"] == 2
    assert looks["roads"]["seen_fraction"] == 1
    assert looks["roads"]["vessel_length_m"] == pytest.approx(
        sum(v["length_m"] for v in vessels if v["zone_id"] == "roads")
    )


def test_no_vessel_is_zero_and_not_null() -> None:
    looks, vessels = measure(speckle(np.random.default_rng(1), (1, SIDE, SIDE)))
    assert looks["roads"]["vessel_count"] == 0
    assert looks["roads"]["flags"] == ""
    assert vessels == []


@pytest.mark.parametrize(("unseen", "value"), [(45, None), (35, 1)])
def test_a_zone_of_which_less_than_half_is_seen_is_null(unseen: int, value: int | None) -> None:
    power = scene()
    power[0, :, 80 : 80 + unseen] = np.nan
    power[0, :, 105 + 35 :] = np.nan if unseen == 45 else power[0, :, 140:]
    power[0, 105:, :] = speckle(np.random.default_rng(5), (SIDE - 105, SIDE))
    power[0, 105:, 80 : 80 + unseen] = np.nan
    looks, vessels = measure(power)
    row = looks["roads"]
    assert row["vessel_count"] == (None if row["seen_fraction"] < 0.5 else value)
    if value is None:
        assert row["flags"] == "not_seen"
        assert all(row[m] is None for m in LOOK_MEASURES)
        assert all(v["zone_id"] != "roads" for v in vessels)
    assert looks["harbour"]["vessel_count"] == 1


def test_what_radar_cannot_tell_is_null() -> None:
    yard = Zone("yard", ZoneKind.CONTAINER_YARD, polygon(0, 0, 30, 30))
    looks, _ = measure(scene(), yard)
    assert all(looks["yard"][m] is None for m in LOOK_MEASURES)
    assert looks["yard"]["flags"] == "not_measured"
    assert looks["yard"]["seen_fraction"] == 1


def test_nothing_is_found_on_a_structure() -> None:
    mole = Zone("mole", ZoneKind.STRUCTURE, polygon(55, 105, 68, 126))
    looks, vessels = measure(scene(), mole)
    assert looks["roads"]["vessel_count"] == 1
    assert "mole" not in looks
    assert not any(mole.geometry.contains(shapely.Point(v["longitude"], v["latitude"])) for v in vessels)


def test_a_line_is_a_structure_too() -> None:
    back = polygon(61, 100, 62, 130).exterior
    mole = Zone("mole", ZoneKind.STRUCTURE, shapely.LineString(list(back.coords)[:2]))
    assert not draw_site(site(mole), BOX).water[61, 105:125].any()


def test_outline_has_the_vessels_size_and_heading() -> None:
    vessel = Vessel(0, 0, length_m=140, width_m=20, length_sd_m=1, width_sd_m=1, axis=(1.0, 0.0), score=9)
    east = outline(vessel, 130.0, 42.0)
    west, south, right, north = east.bounds
    assert (right - west) * 111_320 * np.cos(np.radians(42)) == pytest.approx(140, rel=0.01)
    assert (north - south) * 111_320 == pytest.approx(20, rel=0.01)


def test_vessel_rows_lead_back_to_their_scene() -> None:
    _, vessels = measure(scene())
    assert {v["scene_id"] for v in vessels} == {"s00"}
    for vessel in vessels:
        assert vessel["outline"].contains(shapely.Point(vessel["longitude"], vessel["latitude"]))
        assert 0 <= vessel["heading_deg"] < 180
