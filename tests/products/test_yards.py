"""What the page says of yards and tracks: bounds and denominators, and looks in which null is not empty."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
import shapely

from tasks.model import Zone, ZoneKind
from tasks.products.site_months import read_site_months
from tasks.products.tables import looks_table
from tasks.products.yards import ASHORE_COLUMNS, EVENT_M2, LEVEL, Ashore, read_ashore, sums
from tasks.publish import ashore_looks
from tasks.science.ashore import looks as ashore_science
from tasks.science.series.turnover import DETECTION_M2
from tasks.science.series.utilisation import utilisation
from tasks.science.teu import PACKING, TEU_M2, TIERS, UNNOTICED_M2
from tasks.sites.measure import area_m2
from tests.products.test_berths import BERTHS, OCCUPANCY, changed
from tests.products.test_berths import LOOKS as BERTH_LOOKS
from tests.products.test_page import HOSTILE, NO_ASHORE, Page, make_site, render

GROUNDS = (
    Zone("y1", ZoneKind.CONTAINER_YARD, shapely.box(35.01, 35.002, 35.02, 35.003), "East yard", "high"),
    Zone("y2", ZoneKind.CONTAINER_YARD, shapely.box(35.02, 35.002, 35.03, 35.003), "West yard", "medium"),
    Zone("t1", ZoneKind.RAIL_YARD, shapely.box(35.01, 35.004, 35.03, 35.0042), "Pier tracks", "medium"),
)
WATER = make_site().zones[1]
SITE = make_site(zones=(WATER, *BERTHS, *GROUNDS))
TIMES = [pd.Timestamp(day) for day in ("2023-01-12", "2023-01-25", "2023-02-12", "2023-03-12")]
UNSEEN: dict[str, Any] = {"flags": "not_seen", "seen_fraction": 0.1}
UNKNOWN: dict[str, Any] = {"flags": "not_measured"}


def stacks(area_m2: float, gained: float | None = None, lost: float | None = None) -> dict[str, Any]:
    taken = {"stack_area_m2": area_m2, "share": area_m2 / 10_000, "gained_m2": gained, "lost_m2": lost}
    return taken | {"teu_low": area_m2 / 30, "teu_high": (area_m2 + 300) / 4}


def level(share: float) -> dict[str, Any]:
    return {"share": share, "flags": "level;thin_memory", "pixel_m": 10.0, "collection": "sentinel-1-rtc"}


def cars(metres: float) -> dict[str, Any]:
    return {"rail_occupied_m": metres, "share": metres / 4_000}


def ashore(**zones: list[dict[str, Any]]) -> pd.DataFrame:
    """One look per zone and time of `TIMES`; a zone with fewer states has fewer looks."""
    common = {"collection": "fine", "pixel_m": 3.0, "seen_fraction": 1.0, "flags": ""}
    held = {"y1": 10_000.0, "y2": 10_000.0, "t1": 4_000.0}
    rows = [
        common | {"capacity": held[zone], "zone_id": zone, "scene_id": f"P_{k}", "acquired": TIMES[k]} | state
        for zone, states in zones.items()
        for k, state in enumerate(states)
    ]
    frame = pd.DataFrame(rows, columns=list(ASHORE_COLUMNS))
    return frame.astype({"acquired": "datetime64[ms]"})


FINE = ashore(
    y1=[stacks(0), stacks(2000, gained=1995, lost=0), UNSEEN, stacks(500, gained=0, lost=1490)],
    y2=[stacks(0), UNKNOWN, UNSEEN, stacks(120, gained=120, lost=0)],
    t1=[cars(0), cars(1230), UNSEEN, cars(80)],
)
COARSE = ashore(y1=[level(0.0), level(0.2), level(0.9), level(0.7)], y2=[UNKNOWN] * 4, t1=[UNKNOWN] * 4)


def site_months(*rows: dict[str, Any]) -> pd.DataFrame:
    empty = dict.fromkeys(
        [f"{part}_{end}" for part in ("occupancy", "fill", "rail") for end in ("mean", "low", "high")]
        + ["index", "index_low", "index_high", "calls_at_least", "calls_at_most"]
    )
    looks = dict.fromkeys(["occupancy_looks", "fill_looks", "rail_looks"], 0)
    fixed = {"zone_id": "*", "period": "month", "index_of": "fill+occupancy+rail"}
    return pd.DataFrame([fixed | empty | looks | row for row in rows])


WHOLE = site_months(
    {"start": "2023-01-01", "fill_mean": 0.05, "fill_low": 0.012, "fill_high": 0.204, "fill_looks": 2}
    | {"occupancy_mean": 0.1, "occupancy_low": 0.04, "occupancy_high": 0.2, "occupancy_looks": 2}
    | {"rail_mean": 0.154, "rail_low": 0.1, "rail_high": 0.3, "rail_looks": 2}
    | {"index": 9.6, "index_low": 5.0, "index_high": 18.0, "calls_at_least": 1.0, "calls_at_most": 9.0},
    {"start": "2023-02-01"},
)


def yard_page(**changes: Any) -> Page:
    given: dict[str, Any] = {"site": SITE, "looks": BERTH_LOOKS, "regimes": changed(), "ashore": FINE}
    return Page(render(**(given | changes)))


def section(page: Page) -> str:
    """What the section says, without what charts say to those who cannot see them."""
    return page.text.split("In the yards and on the tracks")[1].split("On open water")[0]


def read(table: pd.DataFrame) -> Ashore:
    return read_ashore(SITE, table)


def test_null_is_neither_empty_nor_zero() -> None:
    found = read(FINE)
    assert [look.share for look in found.yards[0].looks] == [0, 0.2, None, 0.05]
    assert [len(ground.told) for ground in found.grounds] == [3, 2, 3]
    together = sums(found.yards)
    assert [look.when for look in together] == [TIMES[0], TIMES[1], TIMES[3]]
    assert [look.amount for look in together] == [0, 2000, 620]
    assert [look.told for look in together] == [2, 1, 2]
    # What was not told of the second yard is not in the ground either.
    assert together[1].share == pytest.approx(0.2)
    assert together[2].share == pytest.approx(620 / 20_000)


def test_the_share_is_of_the_ground_seen() -> None:
    half = ashore(y1=[stacks(2000) | {"seen_fraction": 0.5, "share": 0.4}])
    assert sums(read(half).yards)[0].share == pytest.approx(0.4)


def test_the_cards() -> None:
    text = section(yard_page())
    assert "Ground under stacks 620 m² in the newest look" in text
    assert "12 Mar 2023, 00:00 UTC; 3 % of the ground seen; 2 of 2 yards told." in text
    assert "Between 20 and 310 TEU, from ground × 1–5 tiers." in text
    assert "Most ground gained in one look: at least 2,000 m², East yard, 25 Jan 2023." in text
    assert "Most ground lost in one look: at least 1,490 m², East yard, 12 Mar 2023." in text
    assert "1 of 4 looks could not tell of any yard. They count as not seen, never as empty." in text
    assert "Track under cars 80 m in the newest look" in text
    assert "2 % of the track metres told; 1 of 1 bundle of tracks told." in text
    assert "Most in one look: 1,230 m, 25 Jan 2023" in text
    assert "Looks that told of yards3 of 4 (75 %)" in yard_page().text


def test_a_newest_look_that_could_not_tell_is_named() -> None:
    text = section(yard_page(ashore=FINE[FINE["acquired"] < TIMES[3]]))
    assert "2,000 m² in the newest look that told" in text
    assert "25 Jan 2023, 00:00 UTC; 20 % of the ground seen; 1 of 2 yards told; 1 later look could" in text


def test_small_changes_are_no_events() -> None:
    small = ashore(y1=[stacks(0), stacks(299, gained=299, lost=299)])
    page = yard_page(ashore=small)
    assert "Most ground gained in one look: no look gained 300 m² or more." in section(page)
    assert page.with_class("gained") == page.with_class("lost") == 0


@pytest.mark.parametrize(
    ("mark", "drawn", "legend"),
    # Bars: two of the first yard, one of the second, two of the tracks.
    [("taken", 5, 2), ("gained", 1, 1), ("lost", 1, 1), ("unknown", 1, 1), ("level", 0, 0), ("free", 3, 1)],
)
def test_marks_in_both_widths(mark: str, drawn: int, legend: int) -> None:
    with_yards, without = yard_page().with_class(mark), yard_page(ashore=NO_ASHORE).with_class(mark)
    assert with_yards - without == 2 * drawn + legend


def test_crosses_where_it_was_not_seen() -> None:
    seen = FINE.assign(flags=FINE["flags"].replace("not_seen", "not_measured"))
    assert yard_page().with_class("unseen") - yard_page(ashore=seen).with_class("unseen") == 2 * 3 + 1


def test_levels_are_outlines_without_square_metres() -> None:
    page = yard_page(ashore=COARSE)
    text = section(page)
    assert page.with_class("level") == 2 * 4 + 2
    assert "1 of 1 yards in the upper half of their own scale" in text
    assert "level on its own scale, no share of its ground" in text
    assert "1 further yard and 1 bundle of tracks could not be measured in any look" in text
    for finer in (r"\d m²", "TEU", "nothing seen on it", "Track under cars"):
        assert not re.search(finer, text)


def test_the_time_axis_is_that_of_the_berths() -> None:
    def places(page: Page) -> list[str]:
        ticks = [attrs for name, attrs in page.elements if name == "text" and attrs.get("class") == "tick"]
        ends = [str(attrs["x"]) for attrs in ticks if attrs.get("text-anchor") == "middle"]
        return sorted(set(ends))

    later = FINE.assign(acquired=FINE["acquired"] + pd.DateOffset(months=4))
    assert places(yard_page()) == places(yard_page(ashore=NO_ASHORE))
    page = yard_page(ashore=later, occupancy=OCCUPANCY)
    assert "Jul 2023no look0 / 0" in page.text
    assert "10 Jan 2023 – 12 Jul 2023" in page.text


def test_the_site_by_month() -> None:
    text = section(yard_page(utilisation=WHOLE))
    quay, yards, tracks = "10.0 (4.0–20.0)", "5.0 (1.2–20.4)", "15.4 (10.0–30.0)"
    assert f"Jan 2023 {quay} 2 looks {yards} 2 looks {tracks} 2 looks 9.6 (5.0–18.0) 1 to 9" in text
    assert "Feb 2023 not told 0 looks not told 0 looks not told 0 looks not told not told" in text
    assert "The index consists of quay 50 %, yards 30 %, tracks 20 %" in text


def test_a_part_that_no_month_told_has_no_column() -> None:
    bare = WHOLE.assign(rail_mean=None, index=None, index_of="fill+occupancy")
    text = section(yard_page(utilisation=bare))
    assert "Tracks could not be told in any month." in text
    assert "Tracks, %" not in text
    assert "Index" not in text
    assert "The whole site by month" not in section(yard_page(utilisation=pd.DataFrame()))


def test_months_of_the_site_are_read_as_science_writes_them() -> None:
    """The doorway hands over what the site's own months rest on."""
    when = [{"acquired": time, "scene_id": f"P_{k}"} for k, time in enumerate(TIMES)]
    fixed = {"site": "port", "collection": "fine", "sensor": "optical", "pixel_m": 3.0, "seen_fraction": 1.0}
    yard = {"zone_id": "y1", "zone_kind": "container_yard", "fill_fraction": 0.25, "stack_area_m2": 1.0}
    track = {"zone_id": "t1", "zone_kind": "rail_yard", "rail_occupied_m": 100.0}
    looks = looks_table([fixed | look | zone for look in when for zone in (yard, track)])
    table = ashore_looks(SITE, looks)
    assert list(table.columns) == list(ASHORE_COLUMNS)
    found = read(table)
    assert found.yards[0].capacity == pytest.approx(area_m2(GROUNDS[0].geometry))
    shares = [100 * (ground.looks[0].share or 0) for ground in found.grounds]
    months = read_site_months(utilisation(SITE, looks))
    assert [month.start.month for month in months] == [1, 2, 3]
    # Of the tracks one bundle, of the yards one of two: what could never be told is in no denominator.
    assert [months[0].parts[name].mean for name in ("fill", "rail")] == pytest.approx(shares)
    assert months[0].parts["occupancy"].mean is None
    assert months[0].calls is None
    assert read(ashore_looks(SITE, looks_table([]))).grounds == []


def test_nothing_is_drawn_where_nothing_was_told() -> None:
    silent = ashore(y1=[UNSEEN] * 4, y2=[UNKNOWN] * 4, t1=[UNKNOWN] * 4)
    for table in (NO_ASHORE, silent):
        page = yard_page(ashore=table, utilisation=WHOLE)
        assert "In the yards and on the tracks" not in page.text
        assert "The whole site by month" not in page.text
        assert page.with_class("gained") == page.with_class("level") == 0
    assert "3 zones are not measurable at 10 m radar" in yard_page(ashore=NO_ASHORE).text
    assert (
        "not measurable"
        not in yard_page().text.split("Where the numbers come from")[0].split("Zones measured")[1]
    )


def test_a_depot_without_water_is_a_page_of_its_yards() -> None:
    site = make_site(zones=GROUNDS)
    page = Page(render(site=site, looks=pd.DataFrame(), utilisation=pd.DataFrame(), ashore=FINE))
    assert "In the yards and on the tracks" in page.text
    assert "nothing can be said about its activity" not in page.text
    assert "on the time axis of the berths" not in page.text
    assert "Images4 scenes" in page.text


def test_what_images_cannot_tell_is_said_as_it_is_measured() -> None:
    assert EVENT_M2 == DETECTION_M2 == UNNOTICED_M2
    assert LEVEL == ashore_science.LEVEL
    fine, coarse = section(yard_page()), section(yard_page(ashore=COARSE))
    tiers, packing = (f"{low:g}–{high:g}" for low, high in (TIERS, PACKING))
    assert f"area / {TEU_M2} m² × {tiers} tiers × {packing} packing, with the area’s own error" in fine
    assert "Gained and lost are at least so much" in fine
    assert "At 10 m nothing is said of single containers" in coarse
    assert "between the emptiest (0) and the fullest (1) it has been" in coarse
    for text in (fine, coarse):
        assert "What containers and cars hold cannot be determined from imagery" in text


def test_hostile_yards_stay_text() -> None:
    zones = tuple(replace(zone, name=HOSTILE, confidence=HOSTILE) for zone in SITE.zones)
    table = FINE.assign(
        flags=FINE["flags"] + ";" + HOSTILE, scene_id=FINE["scene_id"] + HOSTILE, collection=HOSTILE
    )
    page = yard_page(
        site=make_site(zones=zones, title=HOSTILE), ashore=table, utilisation=WHOLE.assign(index_of=HOSTILE)
    )
    assert page.inert
    assert "img" not in [name for name, _ in page.elements]
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    wanted = " ".join(attrs.get("aria-labelledby") or "" for _, attrs in page.elements).split()
    assert len(ids) == len(set(ids))
    assert set(wanted) <= set(ids)
    assert page.with_class("gained") > 0


def test_same_yards_same_bytes_in_any_order() -> None:
    given = {"site": SITE, "looks": BERTH_LOOKS, "regimes": changed()}
    one = render(ashore=FINE, utilisation=WHOLE, **given)
    assert one == render(ashore=FINE.iloc[::-1], utilisation=WHOLE.iloc[::-1], **given)
