"""Claims name the looks that back them, and say what those cannot show."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from tasks.model import Site, Zone, ZoneKind
from tasks.products.cards import Claim, Sight, around, change_claims, key_of, settled
from tasks.products.cards_ashore import fullest_day, turnover_claims
from tasks.products.cards_calls import stay_claims, voyage_claims
from tests.products.test_chips import CHIP
from tests.scenes import rectangle

SITE = Site(
    "tiny",
    "Tiny port",
    (
        Zone("berth", ZoneKind.BERTH, rectangle(0, 0, 3, 12), "North quay"),
        Zone("yard", ZoneKind.CONTAINER_YARD, rectangle(5, 0, 9, 12), "Yard <b>"),
    ),
    "digest",
)
START = pd.Timestamp(2023, 9, 1, 2)


def at(day: float) -> pd.Timestamp:
    return START + pd.Timedelta(days=day)


def look(day: float, zone: str = "berth", **values: Any) -> dict[str, Any]:
    kind = "berth" if zone == "berth" else "container_yard"
    empty = dict.fromkeys(("stack_area_m2", "gained_m2", "lost_m2"), np.nan)
    base = {"scene_id": f"s{day:05.1f}", "acquired": at(day), "zone_id": zone, "zone_kind": kind}
    return (
        base | {"sensor": "optical", "collection": "c", "pixel_m": 3.0, "seen_fraction": 1.0} | empty | values
    )


def scenes(*days: float, sensor: str = "optical", seen: float = 1.0) -> pd.DataFrame:
    rows = [{"scene_id": f"s{d:05.1f}", "acquired": at(d), "sensor": sensor, "seen": seen} for d in days]
    return pd.DataFrame(rows)


def test_a_change_is_backed_by_the_looks_around_it() -> None:
    regimes = pd.DataFrame(
        {
            "zone_id": "*",
            "measure": "vessels_at_berth",
            "state": ["dormant", "active"],
            "start": [at(0), at(20)],
            "start_low": [pd.NaT, at(18)],
            "start_high": [at(0), at(25)],
            "probability": [0.97, 0.97],
            "status": ["confirmed", "confirmed"],
        }
    )
    (claim,) = change_claims(SITE, regimes, pd.DataFrame([look(0)]), scenes(0, 10, 15, 18, 20, 26, 30))
    assert [s.scene_id for s in claim.sights] == ["s015.0", "s018.0", "s026.0", "s030.0"]
    assert {s.shows for s in claim.sights} == {"site"}
    assert claim.claim == (
        "Tiny port has been active since 21 Sep 2023 (19 Sep – 26 Sep), confirmed, probability 0.97; "
        "before that dormant."
    )
    assert "cannot be seen" in claim.unknown
    assert change_claims(SITE, regimes, pd.DataFrame([look(0)]), scenes(26, 30)) == []


def test_a_camera_stands_beside_radar_and_clouds_are_passed_over() -> None:
    table = pd.concat([scenes(1, 2), scenes(8, 9, 31, sensor="radar"), scenes(40), scenes(10, 30, seen=0.2)])
    assert around(table, at(10), at(30)) == ["s002.0", "s009.0", "s031.0", "s040.0"]


def test_two_looks_of_one_morning_are_not_two_and_another_season_is_too_far() -> None:
    assert around(scenes(5, 9.9, 10, 30, 30.1, 31), at(10), at(30)) == [
        "s005.0",
        "s010.0",
        "s030.0",
        "s031.0",
    ]
    far = pd.concat([scenes(10, 200), scenes(30, 36, sensor="radar")])
    assert around(far, at(10), at(30)) == ["s010.0", "s030.0", "s036.0"]


def test_the_fullest_day_is_one_look_not_a_sum_over_looks() -> None:
    looks = pd.DataFrame(
        [look(1, "yard", stack_area_m2=500.0), look(2, "yard", stack_area_m2=900.0), look(3, "yard")]
    )
    (claim,) = fullest_day(SITE, looks)
    assert claim.sights == (Sight("s002.0", "site"), Sight("s002.0", "yard"))
    assert "900 m²" in claim.claim
    assert fullest_day(SITE, looks.assign(stack_area_m2=0.0)) == []


def test_gains_and_losses_are_shown_against_the_look_before_of_the_same_camera() -> None:
    looks = pd.DataFrame(
        [
            look(1, "yard", stack_area_m2=500.0),
            look(2, "yard", stack_area_m2=0.0, collection="other"),
            look(2.5, "yard"),
            look(3, "yard", stack_area_m2=1500.0, gained_m2=1000.0, lost_m2=0.0),
            look(4, "yard", stack_area_m2=1300.0, gained_m2=0.0, lost_m2=200.0),
        ]
    )
    (claim,) = turnover_claims(SITE, looks, 300.0)
    assert [s.scene_id for s in claim.sights] == ["s001.0", "s003.0"]
    assert "gained at least 1,000 m²" in claim.claim
    assert claim.unknown.startswith("2\xa0days lie between the pictures")
    assert len(turnover_claims(SITE, looks, 100.0)) == 2
    assert len(turnover_claims(SITE, looks, 100.0, most=1)) == 1


def stays(**columns: Any) -> pd.DataFrame:
    base = {
        "zone_id": "berth",
        "arrive_low": [at(0), pd.NaT],
        "arrive_high": [at(1), at(20)],
        "leave_low": [at(5), at(20)],
        "leave_high": [at(7), pd.NaT],
        "length_m": [120.0, 88.0],
        "length_sd_m": [9.0, np.nan],
        "probability": [0.96, 0.97],
        "looks": [2, 1],
    }
    return pd.DataFrame(base | columns)


def test_a_stay_is_backed_by_its_first_and_last_sight() -> None:
    first, second = stay_claims(SITE, stays(), pd.DataFrame([look(d) for d in (0, 1, 5, 7, 20)]))
    assert [s.scene_id for s in first.sights] == ["s001.0", "s005.0"]
    assert [s.scene_id for s in second.sights] == ["s020.0"]
    assert first.claim.startswith(
        "A vessel of 120 ± 9 m lay at North quay: came between 1 Sep 2023 and 2 Sep 2023"
    )
    assert "was still there" in second.claim
    assert "may have lain there before" in second.claim
    assert "4\xa0days" in first.unknown
    assert "cannot be told from images" in second.unknown


def test_a_stay_that_radar_saw_is_shown_in_colour_too() -> None:
    radar = [look(d, sensor="radar", pixel_m=10.0) for d in (1, 5)]
    cameras = [look(2, seen_fraction=0.3), look(3), look(4, pixel_m=10.0), look(6)]
    (claim, _) = stay_claims(SITE, stays(), pd.DataFrame([*radar, *cameras, look(20)]))
    assert [s.scene_id for s in claim.sights] == ["s001.0", "s003.0", "s005.0"]


def test_only_the_surest_and_longest_stays() -> None:
    looks = pd.DataFrame([look(d) for d in (1, 5, 20)])
    (one,) = stay_claims(SITE, stays(), looks, most=1)
    assert one.sights[0].scene_id == "s001.0"
    (one,) = stay_claims(SITE, stays(probability=[0.5, 0.9]), looks, most=1)
    assert one.sights[0].scene_id == "s020.0"
    assert stay_claims(SITE, pd.DataFrame({"zone_id": ["berth"]}), looks) == []


def test_a_voyage_shows_both_ends_where_the_other_port_has_its_picture() -> None:
    voyages = pd.DataFrame(
        {
            "origin": ["far", "far"],
            "origin_berth": "pier",
            "leave_low": [at(1), at(8)],
            "leave_high": [at(2), at(9)],
            "destination": ["tiny", "elsewhere"],
            "destination_berth": "berth",
            "arrive_low": [at(2), at(9)],
            "arrive_high": [at(3), at(10)],
            "probability": [0.8, 0.99],
        }
    )
    looks = pd.DataFrame([look(3)])
    there = replace(CHIP, name="far.webp", shows="pier", acquired=at(1).to_pydatetime())
    (claim,) = voyage_claims(SITE, voyages, looks, [there])
    assert claim.sights == (Sight("s003.0", "berth"),)
    here = replace(CHIP, name="near.webp", shows="berth", acquired=at(3).to_pydatetime())
    (card,) = settled([claim], {claim.sights[0]: here})
    assert card.chips == ("far.webp", "near.webp")
    (alone,) = voyage_claims(SITE, voyages, looks)
    assert "Only one end" in alone.unknown
    assert voyage_claims(SITE, voyages.drop(columns="probability"), looks) == []


def test_no_picture_no_card() -> None:
    claim = Claim("k", "t", "c", (Sight("a", "site"), Sight("b", "site")), "u")
    assert settled([claim], {}) == []
    (card,) = settled([claim], {Sight("b", "site"): CHIP})
    assert card.chips == (CHIP.name,)


def test_keys_are_anchors() -> None:
    assert key_of("stay", '<b id="x">', datetime(2023, 1, 1)) == "stay-b-id-x-2023-01-01-00-00-00"
