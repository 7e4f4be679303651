"""The page in a real browser: nothing is asked of the network, and everything works by hand and by key.

Needs Debian's ``chromium`` (or ROADSTEAD_CHROMIUM) and the PyPI packages playwright and
axe-playwright-python; without them the tests are skipped and say so.
"""

from __future__ import annotations

import io
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from tasks.model import Event, Zone
from tasks.products.chips import Card, Chip
from tasks.products.overview import write_overview
from tests.products.test_berths import LOOKS, OCCUPANCY, SITE, changed
from tests.products.test_overview import publish
from tests.products.test_page import CHIP, HOSTILE, MONTHS, NO_REGIMES, make_site, render
from tests.products.test_yards import FINE, GROUNDS, WHOLE

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = os.environ.get("ROADSTEAD_CHROMIUM") or shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="no chromium on the path: apt-get install chromium"),
]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
WIDTHS = [1440, 390]


def chip(number: int, when: datetime, grey: int) -> Chip:
    file = io.BytesIO()
    Image.new("L", (120, 130), grey).save(file, "WEBP")
    name, scene = f"port-{number}.webp", f"S1A_{number}"
    return replace(
        CHIP, name=name, scene_id=scene, acquired=when, data=file.getvalue(), width_px=120, height_px=130
    )


CHIPS = [chip(k, datetime(2023, 1 + k // 2, 10 + 10 * (k % 2)), 60 * k) for k in range(4)]
CARDS = [
    Card("pick-up", "Activity picked up", "Active since 20 Feb.", ("port-1.webp", "zone.webp"), "Cargo.")
]
STAYS = pd.DataFrame(
    {
        "zone_id": ["b1", "b2", "b1"],
        "arrive_low": pd.to_datetime(["2023-01-01", "2023-02-01", None]),
        "arrive_high": pd.to_datetime(["2023-01-10", "2023-02-10", "2023-03-10"]),
        "leave_low": pd.to_datetime(["2023-01-12", "2023-02-12", "2023-03-12"]),
        "leave_high": pd.to_datetime(["2023-01-20", None, None]),
        "length_m": [90.0, 120.0, None],
        "length_sd_m": [7.0, 9.0, None],
        "looks": [2, 5, 1],
        "probability": [0.9, 0.4, None],
        "status": ["confirmed", "provisional", "confirmed"],
    }
)
GIVEN: dict[str, Any] = {
    "site": replace(
        SITE, zones=(*SITE.zones, *GROUNDS), events=(Event(date(2023, 2, 1), "A visit", "a report"),)
    ),
    "looks": LOOKS,
    "occupancy": OCCUPANCY,
    "regimes": changed(),
    "ashore": FINE,
    "utilisation": pd.concat([MONTHS, WHOLE]),
    "chips": [*CHIPS, replace(CHIPS[1], name="zone.webp", shows="b1")],
    "cards": CARDS,
    "stays": STAYS,
}


def hostile() -> dict[str, Any]:
    """The same with text in every field that tries to become markup or script."""
    zones = tuple(Zone(z.zone_id, z.kind, z.geometry, HOSTILE, "low " + HOSTILE) for z in GIVEN["site"].zones)
    told = STAYS.assign(status=HOSTILE, zone_id=HOSTILE, origin=HOSTILE, destination=HOSTILE)
    looks = LOOKS.assign(scene_id=LOOKS["scene_id"] + HOSTILE, collection=HOSTILE)
    return GIVEN | {
        "site": replace(
            make_site(title=HOSTILE, attribution=HOSTILE, zones=zones, digest=HOSTILE),
            events=(Event(date(2023, 2, 1), HOSTILE, HOSTILE),),
        ),
        "looks": looks,
        "ashore": FINE.assign(collection=HOSTILE),
        "chips": [
            replace(c, scene_id=c.scene_id + HOSTILE, caption=HOSTILE, attribution=HOSTILE) for c in CHIPS
        ],
        "cards": [replace(CARDS[0], title=HOSTILE, claim=HOSTILE, unknown=HOSTILE)],
        "stays": told,
        "voyages": told,
    }


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    found = {}
    for name, given in (("plain", GIVEN), ("hostile", hostile())):
        found[name] = folder / f"{name}.html"
        found[name].write_text(render(**given), encoding="utf-8")
    return found


@contextmanager
def opened(browser: Any, path: Path, width: int = 1440, at: str = "", **options: Any) -> Iterator[Any]:
    """Open a page; when it is left, nothing may have been asked for, said or raised."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, reduced_motion="reduce", **options
    )
    page, heard = context.new_page(), []
    page.on("request", lambda request: heard.append(request.url))
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("dialog", lambda dialog: (heard.append(dialog.message), dialog.dismiss()))
    page.goto(path.as_uri() + at)
    yield page
    context.close()
    assert [said for said in heard if not said.startswith(("data:", path.as_uri()))] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_charts_and_maps_are_drawn_and_nothing_is_asked_for(
    browser: Any, pages: dict[str, Path], width: int
) -> None:
    with opened(browser, pages["plain"], width) as page:
        assert page.evaluate("window.ready") is True
        drawn = page.locator("svg[data-t0]:visible")
        assert drawn.count() >= 5
        assert all((drawn.nth(k).bounding_box() or {})["height"] > 50 for k in range(drawn.count()))
        assert page.locator("#map-day-title").count() == page.locator("#map-title").count() == 1
        assert page.locator("#map-day [data-zone]").count() == 6
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(
            "[...document.images].every((image) => image.complete && image.naturalWidth > 0)"
        )


def test_a_day_is_chosen_by_key_and_by_click(browser: Any, pages: dict[str, Path]) -> None:
    with opened(browser, pages["plain"]) as page:
        name, slider = page.locator("#day-name"), page.locator("#day-range")
        slider.focus()
        page.keyboard.press("Home")
        assert name.inner_text() == "10 Jan 2023"
        assert slider.get_attribute("aria-valuetext") == "10 Jan 2023"
        berth = page.locator("[data-row=b1] td")
        assert berth.inner_text().split("\n") == ["○", "free"]
        page.keyboard.press("End")
        assert name.inner_text() == "20 Mar 2023"
        assert "taken" in berth.inner_text()
        assert page.locator("#map-day [data-zone=b1].is-t").count() == 1
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "day"
        page.locator("#day-choice").select_option(label="10 Feb 2023")
        assert "not seen" in berth.inner_text()
        assert "nearest look that told: 20 Jan 2023, free" in berth.inner_text()
        chart = page.locator("svg[data-t0]:visible").first
        box = chart.bounding_box()
        chart.click(position={"x": box["width"] * 0.3 + 5, "y": 60})
        assert name.inner_text() == "10 Jan 2023"
        assert "10 Jan 2023" in page.locator("#day-picture figcaption").inner_text()
        assert page.locator("#day-picture .outlines").get_attribute("d")


def test_a_link_opens_its_day(browser: Any, pages: dict[str, Path]) -> None:
    with opened(browser, pages["plain"], at="#day=2023-02-12") as page:
        assert page.locator("#day-name").inner_text() == "12 Feb 2023"


def test_two_pictures_are_compared_by_key(browser: Any, pages: dict[str, Path]) -> None:
    with opened(browser, pages["plain"]) as page:
        room, slider = page.locator("#compare-room"), page.locator("#compare-slide")
        assert room.locator("figure").count() == 2
        slider.focus()
        page.keyboard.press("ArrowRight")
        assert room.evaluate("room => room.style.getPropertyValue('--cut')") == "51%"
        page.locator("#compare-before").select_option(index=1)
        assert "Left: 20 Jan 2023" in page.locator("#compare-said").inner_text()
        page.locator("#compare-beside").focus()
        page.keyboard.press("Enter")
        assert page.locator("#compare-beside").get_attribute("aria-pressed") == "true"
        first, second = (room.locator("figure").nth(k).bounding_box() for k in (0, 1))
        assert second["x"] >= first["x"] + first["width"]


def test_tables_sort_and_what_is_not_told_stays_last(browser: Any, pages: dict[str, Path]) -> None:
    with opened(browser, pages["plain"]) as page:
        table = page.locator("table.sortable").first
        head = table.locator("th").nth(3)
        lengths = table.locator("tbody td:nth-child(4)")
        head.locator("button").press("Enter")
        assert lengths.all_inner_texts() == ["90 ± 7", "120 ± 9", "not told"]
        head.locator("button").press("Enter")
        assert lengths.all_inner_texts() == ["120 ± 9", "90 ± 7", "not told"]
        assert head.get_attribute("aria-sort") == "descending"


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_axe_finds_no_serious_fault(browser: Any, pages: dict[str, Path], width: int, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    with opened(browser, pages["plain"], width, color_scheme=scheme) as page:
        found = axe.Axe().run(page).response["violations"]
    told = {fault["id"]: [node["html"][:200] for node in fault["nodes"]] for fault in found}
    grave = {fault["id"] for fault in found if fault["impact"] in ("serious", "critical")}
    assert not grave, {name: told[name] for name in grave}


def test_the_overview_is_drawn_sorted_and_without_serious_fault(browser: Any, tmp_path: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    publish(tmp_path / "b", changed(), title="Anton", centre=[130.3, 42.2])
    publish(tmp_path / "a", NO_REGIMES, title="Berta", centre=[132.4, 42.9])
    with opened(browser, write_overview(tmp_path)) as page:
        assert page.locator("svg .site").count() == page.locator("td svg").count() == 2
        names = page.locator("tbody th")
        assert [name.split(" · ")[1] for name in names.all_inner_texts()] == ["Berta", "Anton"]
        page.locator("thead button").first.press("Enter")
        assert [name.split(" · ")[1] for name in names.all_inner_texts()] == ["Anton", "Berta"]
        faults = axe.Axe().run(page).response["violations"]
    assert not [fault["id"] for fault in faults if fault["impact"] in ("serious", "critical")]


def test_hostile_text_stays_text(browser: Any, pages: dict[str, Path]) -> None:
    with opened(browser, pages["hostile"]) as page:
        assert page.evaluate("window.ready") is True
        assert page.locator("script").count() == 2
        assert page.locator("h1").inner_text() == HOSTILE
        page.locator("#day-range").focus()
        for key in ("Home", "ArrowRight", "End", "Enter"):
            page.keyboard.press(key)
        page.locator("#compare-before").select_option(index=1)
        page.locator("table.sortable th button").first.click()
        assert page.locator("img[onerror]").count() == 0


def test_without_script_the_page_is_whole(browser: Any, pages: dict[str, Path]) -> None:
    with opened(browser, pages["plain"], java_script_enabled=False) as page:
        assert page.locator("[data-script]:visible").count() == page.locator("#compare:visible").count() == 0
        assert page.locator("#day-said li").count() >= 2
        assert page.locator("table.on-day .cell").count() >= 6
        assert page.locator("svg[data-t0]:visible").count() >= 5


def test_it_prints(browser: Any, pages: dict[str, Path]) -> None:
    with opened(browser, pages["plain"]) as page:
        printed = page.pdf(format="A4")
    assert printed.startswith(b"%PDF")
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 12
