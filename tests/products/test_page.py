"""The page says what the tables hold, with every denominator, and nothing that a table makes it say."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime
from html.parser import HTMLParser
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from tasks.model import Event, Site, Zone, ZoneKind
from tasks.products.chips import Card, Chip
from tasks.products.page import render_page
from tasks.products.quay import OCCUPANCY_COLUMNS
from tasks.products.tables import regimes_table
from tasks.products.yards import ASHORE_COLUMNS

HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
VOID = {"meta", "link", "img", "br", "input"}


class Page(HTMLParser):
    """Text, elements and ids of a page; fails on tags that do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.said.append(data)

    @property
    def inert(self) -> bool:
        """Whether nothing runs but the page's own script, and nothing is loaded."""
        scripts = [attrs.get("type") for name, attrs in self.elements if name == "script"]
        handlers = [key for _, attrs in self.elements for key in attrs if key.startswith("on")]
        links = [attrs.get(k) or "" for _, attrs in self.elements for k in ("src", "href", "action")]
        ours = re.compile(r"#[^:/]*|data:.*|[a-z]+\.[a-z]+|")
        return scripts == ["application/json", None] and not handlers and all(map(ours.fullmatch, links))

    @property
    def text(self) -> str:
        return " ".join("".join(self.said).split())

    def with_class(self, name: str) -> int:
        """Marks of a class: parts of a path, or elements."""
        named = [attrs for _, attrs in self.elements if name in (attrs.get("class") or "").split()]
        return sum((attrs["d"] or "").count("M") if "d" in attrs else 1 for attrs in named)


def make_site(**changes: Any) -> Site:
    zones = (
        Zone("yard", ZoneKind.CONTAINER_YARD, shapely.box(35.0, 35.0, 35.01, 35.01), "Yard", "low: a guess"),
        Zone("roads", ZoneKind.ANCHORAGE, shapely.box(35.01, 35.0, 35.04, 35.02), "Roads", "high"),
        Zone("mole", ZoneKind.STRUCTURE, shapely.LineString([(35.01, 35.0), (35.01, 35.02)]), "Mole"),
    )
    given = {"site_id": "port", "title": "Test port", "zones": zones, "digest": "d1", "attribution": "drawn"}
    return Site(**(given | changes))


def make_looks(counts: list[int | None], start: str = "2023-01-10", **columns: Any) -> pd.DataFrame:
    """Two looks a month; every other row is the yard, which radar cannot measure."""
    times = [
        pd.Timestamp(start) + pd.DateOffset(months=k // 2, days=10 * (k % 2)) for k in range(len(counts))
    ]
    rows = []
    for k, (when, number) in enumerate(zip(times, counts, strict=True)):
        scene = {"site": "port", "scene_id": f"S1A_{k}", "collection": "sentinel-1-rtc", "acquired": when}
        unseen = number is None
        rows.append(
            scene
            | {"zone_id": "roads", "zone_kind": "anchorage", "vessel_count": number}
            | {"seen_fraction": 0.2 if unseen else 1.0, "flags": "not_seen" if unseen else ""}
        )
        rows.append(scene | {"zone_id": "yard", "zone_kind": "container_yard", "vessel_count": None})
        rows[-1] |= {"seen_fraction": 1.0, "flags": "not_measured"}
    frame = pd.DataFrame(rows).astype({"vessel_count": "Int32", "acquired": "datetime64[ms]"})
    return frame.assign(**columns)


def make_months(*rows: tuple[str, int, int, float | None, float | None, float | None]) -> pd.DataFrame:
    names = ["start", "looks", "looks_seen", "vessels_low", "vessels_mean", "vessels_high"]
    frame = pd.DataFrame(list(rows), columns=names)
    frame["start"] = pd.to_datetime(frame["start"]).dt.date
    fixed: dict[str, Any] = {"site": "port", "zone_id": "roads", "period": "month", "seen_fraction": 1.0}
    return frame.assign(vessels_max=frame["vessels_mean"], **fixed)


def make_vessels(*places: tuple[str, float, float]) -> gpd.GeoDataFrame:
    points = [shapely.Point(x, y) for _, x, y in places]
    return gpd.GeoDataFrame({"scene_id": [name for name, _, _ in places]}, geometry=points, crs=4326)


LOOKS = make_looks([3, 5, None, None, 1, None])
MONTHS = make_months(
    ("2023-01-01", 2, 2, 2.5, 4.0, 6.6),
    ("2023-02-01", 2, 0, None, None, None),
    ("2023-03-01", 2, 1, 0.1, 1.0, 2.4),
)
VESSELS = make_vessels(("S1A_0", 35.02, 35.01), ("S1A_0", 35.03, 35.01), ("S1A_4", 35.03, 35.015))
NO_REGIMES = regimes_table([])
NO_OCCUPANCY = pd.DataFrame(columns=list(OCCUPANCY_COLUMNS))
NO_ASHORE = pd.DataFrame(columns=list(ASHORE_COLUMNS))
CHIP = Chip(
    name="port-1.png",
    scene_id="S1A_0",
    acquired=datetime(2023, 1, 10),
    collection="sentinel-1-rtc",
    sensor="radar",
    pixel_m=10.0,
    shows="site",
    west=0.0,
    south=0.0,
    east=1000.0,
    north=1000.0,
    epsg=32636,
    width_px=100,
    height_px=100,
    caption="Two piers; no names.",
    attribution="ESA",
    public=True,
    outlines=(((1.0, 1.0), (9.0, 1.0), (9.0, 4.0)),),
    data=b"\x89PNG",
)
MANIFEST: dict[str, Any] = {
    "roadstead": "0.1.0",
    "site": "port",
    "archive": {"snapshot": "SNAP1"},
    "simulated": False,
    "catalog": "catalog.json",
    "inputs": [{"scene_id": "S1A_0", "collection": "s1", "acquired": "2023-01-10T00:00:00Z", "recipe": "r"}],
    "rejected": [{"scene_id": "S1A_bad", "reason": "vv.tif cannot be read"}],
    "permanent_scatterers": [{"longitude": 35.02, "latitude": 35.005}],
}


def render(**changes: Any) -> str:
    given: dict[str, Any] = {"site": make_site(), "looks": LOOKS, "vessels": VESSELS, "utilisation": MONTHS}
    given |= {"regimes": NO_REGIMES, "occupancy": NO_OCCUPANCY, "ashore": NO_ASHORE, "manifest": MANIFEST}
    return render_page(**(given | changes))


def test_every_number_has_its_denominator() -> None:
    text = Page(render()).text
    assert "Looks that gave a count3 of 6 (50 %)" in text
    assert "Jan 2023: 4.0 vessels per look (90 % interval 2.5–6.6; 2 of 2 looks saw the zone)" in text
    assert "Mar 2023: 1.0 (90 % interval 0.1–2.4; 1 of 2 looks saw the zone)" in text
    assert "The intervals do not overlap" in text
    assert "3 of 6 looks could not see the zone" in text


def test_not_seen_is_never_zero() -> None:
    text = Page(render()).text
    assert "not seen in the newest look" in text
    assert "The last look that could see it: 10 Mar 2023, 00:00 UTC, 1 vessel, 100 % of the zone seen" in text
    assert "Feb 2023not seen0 / 2" in text
    assert not re.search(r"(?<![\d.])0 vessels", text)


def test_overlapping_months_show_no_clear_change() -> None:
    months = make_months(("2023-01-01", 2, 2, 1.0, 2.0, 4.0), ("2023-03-01", 2, 1, 2.0, 3.0, 5.0))
    text = Page(render(utilisation=months)).text
    assert "these two months alone show no clear change" in text
    assert "The intervals of 1 of the other 1 months overlap" in text


@pytest.mark.parametrize(("mark", "drawn"), [("dot", 3), ("look-tick", 3), ("unseen", 3), ("gap", 1)])
def test_the_timeline_draws_each_look_in_both_widths(mark: str, drawn: int) -> None:
    # The one month that was not seen is hatched, in the zone's small drawing too.
    assert Page(render()).with_class(mark) == 2 * drawn + (1 if mark == "gap" else 0)


def test_a_small_drawing_has_each_month_or_a_gap() -> None:
    page = Page(render())
    assert page.with_class("interval") == page.with_class("mean") == 2
    assert "Mar 2023: 1.0 (0.1–2.4) vessels per look" in page.text


def test_a_zone_that_never_held_a_vessel_has_no_highest_month() -> None:
    months = make_months(("2023-01-01", 2, 2, 0.0, 0.0, 0.9), ("2023-03-01", 2, 1, 0.0, 0.0, 1.9))
    text = Page(render(looks=make_looks([0, 0, None, None, 0, None]), utilisation=months)).text
    assert "No look of the 2 months with a value showed a vessel" in text
    assert "in Mar 2023 that leaves room for 0.0–1.9 vessels per look" in text
    assert "Highest monthly mean" not in text


def test_a_month_without_a_look_is_labelled() -> None:
    looks = LOOKS[LOOKS["acquired"].dt.month != 2]
    page = Page(render(looks=looks, utilisation=MONTHS[MONTHS["looks_seen"] > 0]))
    assert page.with_class("gap") == 2 + 1
    assert "Feb 2023no look0 / 0" in page.text


def test_an_unstated_share_is_not_made_up() -> None:
    text = Page(render(looks=LOOKS.assign(seen_fraction=None))).text
    assert "an unknown share of the zone seen" in text


def test_looks_at_a_thin_memory_are_hollow() -> None:
    page = Page(render(looks=LOOKS.assign(flags="thin_memory")))
    assert page.with_class("unsettled") == 2 * 3
    assert "3 of 3 counts had few other images to compare with" in page.text


def test_map_shows_vessels_scatterers_scale_and_north() -> None:
    page = Page(render())
    legend = {"vessel": 2, "hull": 1, "scatterer": 1}
    assert page.with_class("vessel") == 3 + legend["vessel"]
    assert page.with_class("hull") == 1 + legend["hull"]  # of the day that is shown
    assert page.with_class("scatterer") == 1 + legend["scatterer"]
    assert page.with_class("north") == 2
    assert "500 m" in page.text or "1000 m" in page.text


def test_land_is_drawn_where_it_is_known() -> None:
    land = shapely.box(34.9, 34.9, 35.012, 35.1)
    assert "No land outline is known" in Page(render()).text
    page = Page(render(site=make_site(land=land)))
    assert page.with_class("land") == 2 + 1
    assert "No land outline is known" not in page.text


def test_what_cannot_be_measured_or_known_is_said() -> None:
    text = Page(render()).text
    assert "What a vessel carries and who it is are not determinable from these images" in text
    assert "1 zone is not measurable at 10 m radar" in text
    assert "Yard guessed: low: a guess" in text


def test_provenance() -> None:
    text = Page(render()).text
    for part in ("SNAP1", "Roadstead 0.1.0", "catalog.json", "S1A_bad vv.tif cannot be read", "series.zarr"):
        assert part in text
    assert "contains modified Copernicus Sentinel data 2023" in text
    assert "Zones and map: drawn" in text


def test_simulated_images_are_called_so() -> None:
    page = Page(render(manifest=MANIFEST | {"simulated": True}))
    assert page.with_class("banner") == 1
    assert "Copernicus" not in page.text
    assert Page(render()).with_class("banner") == 0


def test_no_looks_is_a_page_that_says_so() -> None:
    page = Page(render(looks=pd.DataFrame(), vessels=make_vessels(), utilisation=pd.DataFrame(), manifest={}))
    assert "No image of this site has been looked at yet" in page.text
    assert not re.search(r"\b0 (vessel|detection|look)s", page.text)


def test_nothing_seen_is_a_page_that_says_so() -> None:
    looks = make_looks([None, None, None])
    page = Page(render(looks=looks, vessels=make_vessels(), utilisation=pd.DataFrame()))
    assert "vessels were not seen, which is not the same as no vessels" in page.text
    assert page.with_class("unseen") == 2 * 3
    assert page.with_class("dot") == page.with_class("look-tick") == 0


def test_hostile_text_stays_text() -> None:
    zones = tuple(Zone(z.zone_id, z.kind, z.geometry, HOSTILE, "low " + HOSTILE) for z in make_site().zones)
    site = make_site(title=HOSTILE, attribution=HOSTILE, zones=zones, site_id=HOSTILE, digest=HOSTILE)
    manifest = MANIFEST | {
        "archive": {"snapshot": HOSTILE},
        "catalog": HOSTILE,
        "rejected": [{"scene_id": HOSTILE, "reason": HOSTILE}],
        "inputs": [{"scene_id": HOSTILE, "collection": HOSTILE, "acquired": "2023-01-10", "recipe": HOSTILE}],
    }
    looks = LOOKS.assign(scene_id=HOSTILE, flags=HOSTILE)
    told = pd.DataFrame([{"zone_id": HOSTILE, "status": HOSTILE, "origin": HOSTILE, "destination": HOSTILE}])
    chip = replace(CHIP, name=HOSTILE, scene_id=HOSTILE, caption=HOSTILE, attribution=HOSTILE)
    card = Card("card", HOSTILE, HOSTILE, (HOSTILE,), HOSTILE)
    more = {"stays": told, "voyages": told, "chips": [chip], "cards": [card]}
    site = replace(site, events=(Event(date(2023, 1, 20), HOSTILE, HOSTILE),))
    page = Page(render(site=site, looks=looks, manifest=manifest, **more))
    assert [name for name, _ in page.elements].count("img") == 1
    assert page.inert
    assert "alert(1)" in page.text


def test_the_page_asks_for_nothing() -> None:
    text = render(chips=[CHIP])
    page = Page(text)
    policies = [attrs["content"] or "" for name, attrs in page.elements if "http-equiv" in attrs]
    assert len(policies) == 1
    own = r"script-src 'sha256-\S+'; style-src 'sha256-\S+'; img-src data:; "
    assert re.match("default-src 'none'; " + own, policies[0])
    assert "unsafe" not in policies[0]
    assert page.inert
    assert "@import" not in text
    assert not any("style" in attrs for _, attrs in page.elements)
    (image,) = [attrs for name, attrs in page.elements if name == "img"]
    assert image["src"] == "data:image/png;base64,iVBORw=="
    assert image["alt"] == "the whole site, 10 Jan 2023, 00:00 UTC: Two piers; no names."


def test_ids_are_unique_and_found() -> None:
    page = Page(render())
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    wanted = " ".join(attrs.get("aria-labelledby") or "" for _, attrs in page.elements).split()
    assert len(ids) == len(set(ids))
    assert set(wanted) <= set(ids)


def test_same_inputs_give_the_same_bytes_in_any_order() -> None:
    assert render() == render()
    assert render() == render(looks=LOOKS.iloc[::-1], utilisation=MONTHS.iloc[::-1])
