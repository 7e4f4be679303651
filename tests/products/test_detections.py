"""Vessels as a file, and as a picture."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely
from PIL import Image

from tasks.products.detections import detections_table, write_detections
from tasks.products.quicklook import BOTTOM_PX, ON_GREY, TOP_PX, Look, draw_look, render
from tests.detect_images import is_right_handed, optical, radar
from tests.scenes import SCENE_BOX, rectangle

TAKEN = datetime(2023, 12, 9, 4, 15, 30, tzinfo=UTC)
HULL = shapely.Polygon([(130.3, 42.2), (130.3, 42.201), (130.302, 42.201), (130.302, 42.2)])  # clockwise
ROW = {
    "image": "a.tif",
    "acquired": TAKEN,
    "sensor": "sentinel-1",
    "longitude": 130.301,
    "latitude": 42.2005,
    "length_m": 123.456,
    "length_sd_m": 21.06,
    "width_m": None,
    "width_sd_m": None,
    "heading_deg": 179.97,
    "zone_id": None,
    "score": 12.345,
    "outline": HULL,
}
ABOUT = {
    "version": "0",
    "images": [{"image": "a.tif", "acquired": TAKEN, "searched_km2": 1.5, "seen_share": 1.0}],
}


def written(path: Path, rows: list[dict[str, Any]]) -> bytes:
    write_detections(path, detections_table(rows), ABOUT)
    return path.read_bytes()


def test_geojson_keeps_to_rfc_7946(tmp_path: Path) -> None:
    document = json.loads(written(tmp_path / "v.geojson", [ROW]))
    assert document["type"] == "FeatureCollection"
    assert "crs" not in document
    (feature,) = document["features"]
    (ring,) = feature["geometry"]["coordinates"]
    assert is_right_handed(ring)
    assert feature["properties"] == {
        "image": "a.tif",
        "acquired": "2023-12-09T04:15:30Z",
        "sensor": "sentinel-1",
        "longitude": 130.301,
        "latitude": 42.2005,
        "length_m": 123.5,
        "length_sd_m": 21.1,
        "width_m": None,
        "width_sd_m": None,
        "heading_deg": 0.0,
        "zone_id": None,
        "score": 12.35 if feature["properties"]["score"] == 12.35 else 12.34,
    }


@pytest.mark.parametrize("suffix", ["geojson", "parquet"])
@pytest.mark.parametrize("rows", [[ROW, ROW | {"longitude": 130.4, "zone_id": "berth"}], []])
def test_both_kinds_are_read_back_by_geopandas(
    tmp_path: Path, suffix: str, rows: list[dict[str, Any]]
) -> None:
    path = tmp_path / f"v.{suffix}"
    written(path, rows)
    table = gpd.read_parquet(path) if suffix == "parquet" else gpd.read_file(path)
    assert len(table) == len(rows)
    assert table.crs == "EPSG:4326"
    assert [shape.equals(HULL) for shape in table.geometry] == [True] * len(rows)
    if rows:
        assert table["zone_id"].isna().tolist() == [True, False]
        assert table["acquired"].iloc[0] == TAKEN


def test_a_file_without_vessels_still_says_what_was_searched(tmp_path: Path) -> None:
    document = json.loads(written(tmp_path / "v.geojson", []))
    assert document["features"] == []
    assert document["roadstead"]["images"][0]["searched_km2"] == 1.5
    written(tmp_path / "v.parquet", [])
    told = json.loads(pq.read_schema(tmp_path / "v.parquet").metadata[b"roadstead"])
    assert told == document["roadstead"]


@pytest.mark.parametrize("name", ["v.geojson", "v.parquet"])
def test_the_same_rows_give_the_same_bytes(tmp_path: Path, name: str) -> None:
    assert written(tmp_path / name, [ROW]) == written(tmp_path / "deeper" / name, [ROW])


def test_what_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "v.geojson"
    before = written(path, [ROW])
    with pytest.raises(TypeError):
        write_detections(path, detections_table([]), {"images": object()})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["v.geojson"]


def test_a_picture_shows_the_outlines_where_the_vessels_are(tmp_path: Path) -> None:
    look = Look(radar(), SCENE_BOX, 10.0, "1")
    row = ROW | {"outline": rectangle(5, 12, 4, 14)}
    about = {"image": "x/a.tif", "sensor": "sentinel-1", "acquired": TAKEN}
    for name, rows in (("with.png", [row]), ("without.png", [])):
        draw_look(tmp_path / name, look, rows, about)
    drawn, bare = (np.array(Image.open(tmp_path / name)) for name in ("with.png", "without.png"))
    times = (drawn.shape[0] - TOP_PX - BOTTOM_PX) // SCENE_BOX.shape[0]
    assert times == 5  # small images are drawn in larger pixels
    rows_, cols = np.nonzero((drawn == ON_GREY).all(axis=-1)[TOP_PX:-BOTTOM_PX])
    top, left = 5 + 40, 12 + 40
    assert times * top - 8 <= rows_.min() <= times * top
    assert times * (top + 4) <= rows_.max() + 1 <= times * (top + 4) + 8
    assert times * left - 8 <= cols.min() <= times * left
    assert not (bare == ON_GREY).all(axis=-1).any()


def test_colours_where_there_are_and_grey_where_not() -> None:
    planes = optical()
    pixels, grey = render(Look(planes, SCENE_BOX, 10.0, "reflectance"))
    assert not grey
    assert (pixels[20, 20] != pixels[20, 20, 0]).any()
    assert render(Look({"nir": planes["nir"]}, SCENE_BOX, 10.0, "reflectance"))[1]
    dark, bright = (render(Look(radar(ships=ships), SCENE_BOX, 10.0, "1"))[0] for ships in ([], [(5, 12)]))
    assert np.median(dark) < 110  # speckle alone is dark grey
    assert (bright[46, 55] == 255).all()


def test_nothing_seen_can_be_drawn(tmp_path: Path) -> None:
    empty = {"vv": np.full(SCENE_BOX.shape, np.nan, "float32")}
    about = {"image": "a.tif", "sensor": "optical", "acquired": None}
    draw_look(tmp_path / "a.png", Look(empty, SCENE_BOX, 10.0, "1"), [], about)
    assert Image.open(io.BytesIO((tmp_path / "a.png").read_bytes())).format == "PNG"
