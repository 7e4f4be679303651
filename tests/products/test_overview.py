"""The overview says what each publication says, and one that is broken spoils nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from shapely.geometry import Point

from tasks.products.overview import write_overview
from tasks.products.overview_map import Spot, land_within, view_of
from tests.products.test_berths import changed
from tests.products.test_page import HOSTILE, MANIFEST, NO_REGIMES, Page
from tests.products.test_yards import WHOLE


def publish(folder: Path, regimes: pd.DataFrame, **manifest: Any) -> None:
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(MANIFEST | manifest))
    regimes.to_parquet(folder / "regimes.parquet")
    WHOLE.to_parquet(folder / "utilisation.parquet")


def overview(out: Path) -> str:
    return write_overview(out).read_text(encoding="utf-8")


def test_each_site_has_its_line_and_its_place(tmp_path: Path) -> None:
    publish(tmp_path / "port", changed(), title="A port", centre=[130.3, 42.2])
    publish(tmp_path / "quiet", NO_REGIMES, title="A quiet one", centre=[132.4, 42.9])
    (tmp_path / "archive").mkdir()
    page = Page(overview(tmp_path))
    assert "2 sites" in page.text
    assert "1 · A port active 20 Feb 2023 (20 Jan – 10 Mar) confirmed, 0.97" in page.text
    assert "10 % in Jan 20234–20" in page.text
    assert "2 · A quiet one not told" in page.text
    assert page.with_class("active") == page.with_class("site") - 1 == 1
    assert page.with_class("interval") == 2
    assert [a["href"] for name, a in page.elements if name == "a"].count("port/index.html") == 1


def test_a_publication_that_cannot_be_read_is_listed_as_such(tmp_path: Path) -> None:
    publish(tmp_path / "port", changed())
    publish(tmp_path / "torn", changed())
    (tmp_path / "torn" / "regimes.parquet").write_bytes(b"PAR1")
    page = Page(overview(tmp_path))
    assert "2 · torn cannot be read" in page.text
    assert "1 · port active" in page.text


def test_hostile_titles_stay_text_and_bytes_stay_the_same(tmp_path: Path) -> None:
    rows = changed().assign(state=HOSTILE, status=HOSTILE)
    publish(tmp_path / "port", rows, title=HOSTILE, centre=[1.0, 2.0])
    text = overview(tmp_path)
    page = Page(text)
    assert [name for name, _ in page.elements].count("script") == 1
    assert "img" not in [name for name, _ in page.elements]
    assert not [key for _, attrs in page.elements for key in attrs if key.startswith("on")]
    assert overview(tmp_path) == text
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["index.html", "port"]


def test_the_map_shows_land_where_there_is_land() -> None:
    view = view_of([Spot("1 A", "A", 130.3, 42.2, True), Spot("2 B", "B", 132.4, 42.9, False)])
    land = land_within(view)
    assert land.contains(Point(131.0, 43.5))
    assert not land.intersects(Point(133.0, 41.5))
    assert view.west < 130.3 < 132.4 < view.east
    assert view.place(132.4, 42.9)[0] - view.place(130.3, 42.2)[0] > 100
