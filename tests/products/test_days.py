"""What was where on a day: words for every look, null never free, and data that cannot break out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pandas as pd

from tasks.model import Zone, ZoneKind
from tasks.products.chips import SITE as WHOLE_SITE
from tasks.products.chips import Card
from tasks.products.days import Day, busy_places, first_shown, read_days, says, script_data
from tasks.products.gallery import MOST_IN_STRIP, gallery_view
from tasks.products.journeys import RoundTrips, round_trips, stays_listing
from tasks.products.places import places_of
from tasks.products.quay import read_quay
from tasks.products.story import read_stories
from tasks.products.yards import read_ashore
from tests.products.test_berths import LOOKS, OCCUPANCY, SITE
from tests.products.test_page import CHIP, HOSTILE, NO_ASHORE, make_site, make_vessels
from tests.products.test_yards import FINE, GROUNDS

BOTH = replace(SITE, zones=(*SITE.zones, *GROUNDS))
SHIPS = make_vessels(("S1A_4", 35.015, 35.0005), ("S1A_4", 35.025, 35.0005)).assign(
    zone_id=["b1", "b2"], length_m=[118.4, 90.0], length_sd_m=[6.6, None]
)


def days(looks: pd.DataFrame = LOOKS, ashore: pd.DataFrame = FINE, **given: Any) -> list[Day]:
    stories = read_stories(BOTH, looks, pd.DataFrame())
    quay, grounds = read_quay(BOTH, looks, OCCUPANCY), read_ashore(BOTH, ashore)
    return read_days([looks, ashore], stories, quay, grounds, given.get("vessels", SHIPS), None)


def on(day: date, **given: Any) -> Day:
    return next(found for found in days(**given) if found.on == day)


def test_each_zone_is_told_in_words_with_its_error() -> None:
    cells = on(date(2023, 3, 10)).looks[0].cells
    assert cells["b1"] == ("t", "a ship of 118 ± 7 m")
    assert cells["b2"] == ("t", "a ship of 90 m")
    assert cells["roads"] == ("t", "1\xa0vessel")
    yards = on(date(2023, 1, 25)).looks[0].cells
    assert yards["y1"] == ("t", "2,000 m² under stacks, between 60 and 580 TEU, 2,000 m² gained")
    assert yards["y2"] == ("x", "not measurable")
    assert yards["t1"] == ("t", "1,230 m under cars, at least")


def test_not_seen_is_never_free() -> None:
    found = on(date(2023, 2, 10))
    assert found.looks[0].cells["b1"] == ("x", "not seen")
    assert found.state("b1") == found.state("y1") == "x"
    assert says(found, places_of(BOTH)) == [
        "Other quays: not told.",
        "Ashore: not told.",
        "On the water: not told.",
    ]
    assert on(date(2023, 1, 10)).state("b1") == "f"


def test_a_day_with_two_looks_shows_what_either_saw() -> None:
    second = LOOKS[LOOKS["scene_id"] == "S1A_4"].assign(acquired=pd.Timestamp("2023-01-10 09:00"))
    found = on(date(2023, 1, 10), looks=pd.concat([LOOKS[LOOKS["scene_id"] != "S1A_4"], second]))
    assert [look.when.hour for look in found.looks] == [0, 9]
    assert found.state("b1") == "t"
    assert "a ship of 118 ± 7 m at East quay" in says(found, places_of(BOTH))[0]


def test_what_is_busy_is_said_by_place() -> None:
    lines = busy_places(on(date(2023, 3, 12)), places_of(BOTH))
    assert lines == [
        "Ashore: 500 m² under stacks, between 10 and 200 TEU, 1,490 m² lost at East yard; "
        "120 m² under stacks, between 0 and 110 TEU at West yard; "
        "80 m under cars, at least at Pier tracks; 1 of 4\xa0zones not told."
    ]


def test_the_page_opens_with_the_newest_day_that_told_nearly_most() -> None:
    found = days()
    told = [sum(d.state(z.zone_id) != "x" for z in BOTH.zones) for d in found]
    assert told[first_shown(found, places_of(BOTH))] >= 0.8 * max(told)


def test_zones_go_to_their_pier() -> None:
    pier = Zone("p", ZoneKind.PIER, GROUNDS[0].geometry.buffer(0.0021), "East pier (No. 1?)")
    yard = Zone("y", ZoneKind.CONTAINER_YARD, GROUNDS[0].geometry, "East pier, open yard")
    site = make_site(zones=(pier, yard, *make_site().zones[1:2]))
    assert [(place.name, [spot.name for spot in place.spots]) for place in places_of(site)] == [
        ("East pier (No. 1?)", ["Open yard"]),
        ("On the water", ["Roads"]),
    ]


def test_data_for_the_script_cannot_leave_its_element() -> None:
    looks = LOOKS.assign(scene_id=LOOKS["scene_id"] + HOSTILE, collection=HOSTILE)
    text = script_data(days(looks=looks), places_of(BOTH), [])
    assert "<" not in text
    data = json.loads(text)
    assert data["looks"][0][2].endswith(HOSTILE)
    assert len(data["looks"][0][3]) == len(data["zones"])
    assert {data["words"][k][0] for look in data["looks"] for k in look[3] if k >= 0} == {"t", "f", "x"}


def test_days_without_a_look_are_not_made_up() -> None:
    assert days(looks=pd.DataFrame(), ashore=NO_ASHORE, vessels=make_vessels()) == []


def test_the_strip_keeps_first_and_last_of_too_many() -> None:
    chips = [
        replace(CHIP, name=f"{k:03}", acquired=datetime(2020, 1 + k // 20, 1 + k % 20)) for k in range(99)
    ]
    strip = gallery_view(chips[::-1], [], {})["strip"]
    assert len(strip) == MOST_IN_STRIP
    assert (strip[0]["seconds"], strip[-1]["seconds"]) == tuple(
        int(chips[k].acquired.timestamp() - datetime(1970, 1, 1).timestamp()) for k in (0, -1)
    )
    assert gallery_view([replace(CHIP, data=b"")], [], {})["strip"] == []


def test_what_a_claim_about_the_site_rests_on_is_compared_first() -> None:
    chips = [
        replace(CHIP, name=str(k), acquired=datetime(2023, 1, 1 + k), shows=WHOLE_SITE) for k in range(5)
    ]
    claim = Card("change-site", "title", "claim", ("1", "2", "3"), "unknown")
    assert gallery_view(chips, [claim], {})["pair"] == (1, 3)
    assert gallery_view(chips, [replace(claim, chips=("2",))], {})["pair"] == (0, 4)
    assert CHIP.shows == WHOLE_SITE


def test_brackets_that_are_open_are_said_to_be() -> None:
    row = {
        "zone_id": "b1",
        "arrive_high": pd.Timestamp("2023-01-10 02:00"),
        "leave_low": pd.Timestamp("2023-01-12"),
    }
    listing = stays_listing(SITE, pd.DataFrame([row]))
    assert listing is not None
    assert [cell.text for cell in listing.rows[0]] == [
        "East quay",
        "by 10 Jan 2023 02:00, or earlier",
        "after 12 Jan 2023 00:00",
        *["not told"] * 4,
    ]


def test_trips_that_were_never_told_are_not_told() -> None:
    assert round_trips({}, "najin") == []


def test_trips_are_bounds_with_the_other_port() -> None:
    number = {"at_least": 5, "middle": 7, "at_most": 9}
    told = {"voyages": {"dunay najin": {"from": "najin", "to": "dunay", "round_trips": number}}}
    assert round_trips(told, "najin") == [RoundTrips("dunay", 5, 9)]
    assert round_trips(told, "dunay") == [RoundTrips("najin", 5, 9)]
