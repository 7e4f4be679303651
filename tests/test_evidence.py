"""From an archive and its tables to pictures: only what is needed, the same every time, nothing forbidden."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import tasks.drawing
from tasks.archive.ledger import read_ledger
from tasks.archive.store import ArchiveRef
from tasks.evidence import gather_evidence, pointed_to
from tasks.model import BandAsset, Request, Rights, SceneRef, Site, Zone, ZoneKind
from tasks.products.chips import FOLDER, SITE, Chip, Evidence, write_evidence
from tasks.products.pictures import HATCH
from tasks.products.tables import (
    Tables,
    balance_table,
    looks_table,
    regimes_table,
    stacks_table,
    stays_table,
    vessels_table,
)
from tests.archive.cubes import Reader, add
from tests.scenes import FIRST, WINDOW, rectangle, small_site

BERTH = Zone("berth", ZoneKind.BERTH, rectangle(20, 10, 3, 15), "Quay")
YARD = Zone("yard", ZoneKind.CONTAINER_YARD, rectangle(24, 10, 20, 40), "Yard")
PORT = Site("tiny", "Tiny port", (*small_site().zones, BERTH, YARD), "digest")
UNTOLD = Rights()
SHIP = rectangle(21, 12, 2, 10)
DAYS = (0, 5, 10, 15)
SEEN_FROM_ROW = 75
"""On the last day clouds of no data lie over what is north of this row of the window."""


def scene(day: int, collection: str, rights: Rights = UNTOLD, units: Any = "reflectance") -> SceneRef:
    names = ("blue", "green", "red", "nir") if units == "reflectance" else ("vv", "vh")
    return SceneRef(
        scene_id=f"{collection}-{day:03}",
        collection=collection,
        acquired=FIRST + timedelta(days=day),
        bands=tuple(BandAsset(name, f"{name}.tif", units) for name in names),
        platform="",
        processing="1",
        rights=rights,
    )


def reader() -> Reader:
    planes = {}
    for day in DAYS:
        water = np.full(WINDOW.shape, 0.04, "float32")
        water[51:53, 42:52] = 0.4 if day in (5, 10) else 0.04
        if day == DAYS[-1]:
            water[:SEEN_FROM_ROW] = np.nan
        planes |= {f"mine-{day:03}": water, f"open-{day:03}": water}
    return Reader(planes=planes)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    ref = ArchiveRef(str(tmp_path / "archive"), "tiny")
    for name, rights in (
        ("mine", Rights("proprietary", "Planet Labs PBC")),
        ("open", Rights("CC-BY-4.0", "A")),
    ):
        add(ref, *(scene(d, name, rights) for d in DAYS), reader=reader(), box=WINDOW, collection=name)
    radar = [scene(d, "echo", Rights("CC-BY-4.0", "B"), "1") for d in (2, 7)]
    add(ref, *radar, reader=Reader(), box=WINDOW, collection="echo")
    return tmp_path / "archive"


def request(archive: Path, public: bool = False) -> Request:
    return Request(
        PORT,
        date(2023, 1, 1),
        date(2024, 1, 1),
        "x",
        str(archive),
        str(archive.parent / "out"),
        public=public,
    )


def tables() -> Tables:
    looks, vessels = [], []
    for collection, days, sensor in (
        ("mine", DAYS, "optical"),
        ("open", DAYS, "optical"),
        ("echo", (2, 7), "radar"),
    ):
        for day in days:
            about = {
                "site": "tiny",
                "scene_id": f"{collection}-{day:03}",
                "collection": collection,
                "sensor": sensor,
            }
            about |= {"acquired": (FIRST + timedelta(days=day)).replace(tzinfo=None), "pixel_m": 10.0}
            for zone in (BERTH, YARD):
                told = {"zone_id": zone.zone_id, "zone_kind": zone.kind.value, "flags": ""}
                seen = 0.2 if sensor == "optical" and day == DAYS[-1] else 1.0
                looks.append(about | told | {"seen_fraction": seen})
            if sensor == "optical" and day in (5, 10):
                where = {"zone_id": "berth", "longitude": SHIP.centroid.x, "latitude": SHIP.centroid.y}
                vessels.append(about | where | {"length_m": 100.0, "outline": SHIP})
    moment = {d: (FIRST + timedelta(days=d)).replace(tzinfo=None) for d in DAYS}
    stay = {"site": "tiny", "zone_id": "berth", "arrive_high": moment[5], "leave_low": moment[10]}
    stay |= {"arrive_low": moment[0], "leave_high": moment[15], "looks": 2, "length_m": 100.0}
    stay |= {"probability": 0.9, "status": "closed", "scenes": ""}
    return Tables(
        looks_table(looks),
        vessels_table(vessels),
        stacks_table([]),
        pd.DataFrame(),
        regimes_table([]),
        pd.DataFrame(),
        balance_table([]),
        stays_table([stay]),
    )


def gather(archive: Path, public: bool = False) -> Evidence:
    return gather_evidence(request(archive, public), read_ledger(ArchiveRef(str(archive), "tiny")), tables())


def publish(archive: Path, evidence: Evidence) -> dict[str, bytes]:
    folder = archive.parent / "out" / "tiny"
    folder.mkdir(parents=True)
    write_evidence(folder, evidence)
    return {p.name: p.read_bytes() for p in (folder / FOLDER).iterdir()}


def pixels(chip: Chip) -> Any:
    return np.asarray(Image.open(io.BytesIO(chip.data)).convert("RGB")).astype(int)


def of(evidence: Evidence, scene_id: str, shows: str) -> Chip:
    return next(c for c in evidence.chips if (c.scene_id, c.shows) == (scene_id, shows))


def test_a_stay_is_shown_and_the_ship_lies_in_its_outline(archive: Path) -> None:
    evidence = gather(archive)
    (card,) = evidence.cards
    assert card.key.startswith("stay-berth")
    first, last = (next(c for c in evidence.chips if c.name == name) for name in card.chips)
    assert (first.acquired, last.acquired) < (last.acquired, first.acquired)
    assert {first.shows, last.shows} == {"berth"}
    picture = pixels(first)
    assert picture.shape[:2] == (first.height_px, first.width_px)
    (ring,) = first.outlines
    xs, ys = np.array(ring).T
    inside = picture[round(ys.min()) + 2 : round(ys.max()) - 2, round(xs.min()) + 2 : round(xs.max()) - 2]
    assert inside.min() > 200
    assert np.median(picture[: round(ys.min()) - 6]) < 130


def test_every_picture_has_its_file_and_the_facts(archive: Path) -> None:
    evidence = gather(archive)
    written = publish(archive, evidence)
    listed = json.loads(written["evidence.json"])
    assert {c["name"] for c in listed["chips"]} == set(written) - {"evidence.json"}
    assert len(set(written)) == len(evidence.chips) + 1
    site = [c for c in evidence.chips if c.shows == SITE]
    assert len({(c.west, c.south, c.east, c.north, c.width_px, c.height_px) for c in site}) == 1
    mine = of(evidence, "mine-005", "berth")
    assert mine.name == "tiny-20231006T213112Z-mine-berth.webp"
    assert (mine.sensor, mine.pixel_m, mine.epsg) == ("optical", 10.0, 32652)
    assert mine.attribution == "© Planet Labs PBC; proprietary"
    assert not mine.public
    assert "4 times enlarged" in mine.caption


def test_what_was_not_seen_is_hatched(archive: Path) -> None:
    newest = max((c for c in gather(archive).chips if c.shows == SITE), key=lambda c: c.acquired)
    top = pixels(newest)[:40]
    assert newest.scene_id.endswith(f"{DAYS[-1]:03}")
    assert top.min() > HATCH[1][0] - 40
    assert top.std() > 5


def test_twice_the_same_and_nothing_drawn_again(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = gather(archive)
    publish(archive, evidence)
    drawn: list[Any] = []
    encode = tasks.drawing.encode
    monkeypatch.setattr(tasks.drawing, "encode", lambda *a: drawn.append(a) or encode(*a))
    assert gather(archive) == evidence
    assert drawn == []

    chip = evidence.chips[0]
    (archive.parent / "out" / "tiny" / FOLDER / chip.name).write_bytes(b"something else")
    assert gather(archive) == evidence
    assert len(drawn) == 1


def test_a_scene_that_was_delivered_anew_is_drawn_anew(archive: Path) -> None:
    before = gather(archive)
    publish(archive, before)
    anew = replace(scene(5, "mine", Rights("proprietary", "Planet Labs PBC")), processing="2")
    planes = {"mine-005": np.full(WINDOW.shape, 0.2, "float32")}
    add(ArchiveRef(str(archive), "tiny"), anew, reader=Reader(planes=planes), box=WINDOW, collection="mine")
    after = gather(archive)
    changed = {a.name for a, b in zip(after.chips, before.chips, strict=True) if a.data != b.data}
    assert changed == {c.name for c in after.chips if c.scene_id == "mine-005"}


def test_a_public_edition_shows_no_forbidden_picture_and_says_so(archive: Path) -> None:
    whole, public = gather(archive), gather(archive, public=True)
    assert [c.name for c in public.chips] == [c.name for c in whole.chips]
    assert public.cards == whole.cards
    left_out = {c.collection for c in public.chips if not c.data}
    assert left_out == {"mine"}
    for chip in public.chips:
        assert bool(chip.data) == chip.public
        assert ("left out" in chip.caption) == (not chip.public)
    written = publish(archive, public)
    assert not [name for name in written if "-mine-" in name]
    listed = json.loads(written["evidence.json"])["chips"]
    assert {c["collection"] for c in listed if c["left_out"]} == {"mine"}
    assert gather(archive).chips == whole.chips  # the next full edition draws them

    pointed = pointed_to(tables().vessels, public)
    assert pointed.loc[pointed["collection"] == "mine", "evidence"].isna().all()


def test_vessels_point_to_the_picture_of_their_zone(archive: Path) -> None:
    evidence = gather(archive)
    vessels = pointed_to(tables().vessels, evidence)
    assert isinstance(vessels, gpd.GeoDataFrame)
    assert str(vessels["evidence"].dtype) == "string"
    files = {c.name: c for c in evidence.chips}
    for row in vessels.dropna(subset="evidence").itertuples():
        assert files[row.evidence].scene_id == row.scene_id
    mine = vessels[vessels["collection"] == "mine"]
    assert mine["evidence"].str.endswith("-berth.webp").all()


def test_damaged_pixels_cost_their_picture_not_the_publication(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.archive.damage import DamagedError

    whole, planes = gather(archive), tasks.drawing._planes

    def broken(cube: Any, number: int, *rest: Any) -> Any:
        if str(cube["scene_id"].values[number]) == "mine-005":
            raise DamagedError("scene mine-005: red is damaged")
        return planes(cube, number, *rest)

    monkeypatch.setattr(tasks.drawing, "_planes", broken)
    left = gather(archive)
    assert {c.name for c in whole.chips} - {c.name for c in left.chips} == {
        c.name for c in whole.chips if c.scene_id == "mine-005"
    }


def test_drawn_in_strips_or_at_once_it_is_the_same(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = gather(archive)
    monkeypatch.setattr(tasks.drawing, "STRIP_PX", 700)
    assert gather(archive) == whole


def test_without_looks_there_is_no_evidence(archive: Path) -> None:
    empty = replace(tables(), looks=looks_table([]))
    ledger = read_ledger(ArchiveRef(str(archive), "tiny"))
    assert gather_evidence(request(archive), ledger, empty) == Evidence()


def test_the_archive_keeps_licence_and_credit(archive: Path) -> None:
    rights = read_ledger(ArchiveRef(str(archive), "tiny")).rights
    assert rights["mine"] == Rights("proprietary", "Planet Labs PBC")
    ref = ArchiveRef(str(archive), "tiny")
    add(ref, scene(20, "mine"), reader=Reader(planes={"mine-020": np.ones(WINDOW.shape)}), collection="mine")
    assert read_ledger(ref).rights["mine"] == rights["mine"]
