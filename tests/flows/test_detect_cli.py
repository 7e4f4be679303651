"""``roadstead detect`` as a user runs it: images in, one file out, or a line that says why not."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from PIL import Image

from tasks import detect
from tasks.catalog import image_planes
from tasks.catalog.geotiff import GDAL_OPTIONS
from tests.detect_images import (
    SHIP_PX,
    SHIPS,
    centres,
    degrees_box,
    is_right_handed,
    mercator_box,
    metres_between,
    optical,
    radar,
    warped,
    write,
)
from tests.flows.tiny import answer, port, roadstead
from tests.scenes import SCENE_BOX, site_geojson, write_json

LENGTH_M = SHIP_PX[1] * 10
RADAR = radar()


def found(path: Path) -> gpd.GeoDataFrame:
    return gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)


def about(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(path.read_text())["roadstead"]
    return told


def refused(*args: str | Path, exit_code: int = 2) -> str:
    """The one line that a run ended with."""
    result = roadstead("detect", *args)
    assert result.exit_code == exit_code, result.stdout + result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("roadstead: ")]
    assert len(lines) == 1, result.stderr
    return lines[0]


@pytest.mark.parametrize("name", ["vessels.geojson", "vessels.parquet"])
def test_ships_are_found_where_they_lie(tmp_path: Path, name: str) -> None:
    image, out = write(tmp_path / "s1_20231209T213112.tif", RADAR), tmp_path / name
    told = answer(roadstead("detect", image, "--out", out, "--json"))
    vessels = found(out)
    assert told["vessels"] == len(vessels) == len(SHIPS)
    for ship in centres():
        near = vessels[[metres_between(ship, shape.centroid) < 20 for shape in vessels.geometry]]
        (row,) = near.to_dict("records")
        assert abs(row["length_m"] - LENGTH_M) < 2 * row["length_sd_m"]
        assert row["heading_deg"] == pytest.approx(
            91, abs=8
        )  # along the grid's rows, which lie 0.9° off east
        assert (row["sensor"], row["image"], row["zone_id"]) == ("sentinel-1", str(image), None)
        assert f"{row['acquired']:%Y-%m-%dT%H:%M:%S}" == "2023-12-09T21:31:12"
        assert metres_between(ship, type(ship)(row["longitude"], row["latitude"])) < 20
        assert is_right_handed(row[vessels.geometry.name].exterior.coords)


def test_optical_images_are_searched_on_their_water(tmp_path: Path) -> None:
    image, out = write(tmp_path / "ms.tif", optical()), tmp_path / "v.geojson"
    told = answer(roadstead("detect", image, "--sensor", "sentinel-2", "--out", out, "--json"))
    vessels = found(out)
    assert len(vessels) == len(SHIPS)
    assert all(min(metres_between(ship, v.centroid) for v in vessels.geometry) < 20 for ship in centres())
    (row,) = told["images"]
    water_km2 = (SCENE_BOX.shape[0] * (SCENE_BOX.shape[1] - 15)) * 1e-4
    assert row["searched_km2"] == pytest.approx(water_km2, rel=0.03)
    assert row["searched"] == "water found in the image"


def test_an_image_under_cloud_is_not_seen_and_not_empty(tmp_path: Path) -> None:
    white = {band: np.full(SCENE_BOX.shape, 0.6, "float32") for band in optical()}
    result = roadstead("detect", write(tmp_path / "ms.tif", white), "--out", tmp_path / "v.geojson")
    assert result.exit_code == 0, result.stderr
    assert "nothing was seen" in result.stdout
    (row,) = about(tmp_path / "v.geojson")["images"]
    assert (row["vessels"], row["seen_share"], row["searched_km2"]) == (None, 0, 0)


def test_a_simulated_image_says_so_and_credits_nobody(tmp_path: Path) -> None:
    from tasks.products.quicklook import _credit

    image = write(tmp_path / "S1A_x.tif", RADAR, TIFFTAG_IMAGEDESCRIPTION="SIMULATED. Made by a program.")
    result = roadstead("detect", image, "--out", tmp_path / "v.geojson")
    assert "nothing here happened" in result.stdout
    (row,) = about(tmp_path / "v.geojson")["images"]
    assert row["simulated"] is True
    assert "Copernicus" not in _credit(row)
    assert "SIMULATED" in _credit(row)


@pytest.mark.parametrize("grid", ["degrees", "mercator"])
def test_the_grid_does_not_move_a_ship(tmp_path: Path, grid: str) -> None:
    box = degrees_box() if grid == "degrees" else mercator_box()
    image = write(tmp_path / "a.tif", warped(RADAR, SCENE_BOX, box), box=box, nodata=np.nan)
    out = tmp_path / "v.geojson"
    told = answer(roadstead("detect", image, "--out", out, "--json"))
    vessels = found(out)
    for ship in centres():
        nearest = vessels.iloc[np.argmin([metres_between(ship, v.centroid) for v in vessels.geometry])]
        assert metres_between(ship, nearest.geometry.centroid) < 25
        assert abs(nearest["length_m"] - LENGTH_M) < 2 * nearest["length_sd_m"]
        assert nearest["heading_deg"] == pytest.approx(91, abs=8)
    edge_m = 10 if grid == "mercator" else 10 * np.cos(np.radians(42.2)) ** 0.5
    assert told["images"][0]["pixel_m"] == pytest.approx(edge_m, rel=0.02)
    assert any("resampled" in text for text in told["images"][0]["assumed"]) == (grid == "degrees")


def test_units_do_not_change_what_is_found(tmp_path: Path) -> None:
    decibels = {name: 10 * np.log10(plane) for name, plane in RADAR.items()}
    picture = {
        name: np.clip(np.rint(5 * plane + 160), 1, 255).astype("uint8") for name, plane in decibels.items()
    }
    tables = []
    for name, planes in (("linear", RADAR), ("db", decibels), ("picture", picture)):
        out = tmp_path / f"{name}.geojson"
        answer(roadstead("detect", write(tmp_path / f"{name}.tif", planes), "--out", out, "--json"))
        tables.append(found(out))
    for table in tables[1:]:
        assert len(table) == len(tables[0])
        np.testing.assert_allclose(table["length_m"], tables[0]["length_m"], atol=15)


def test_with_a_site_only_its_water_counts(tmp_path: Path) -> None:
    site = write_json(tmp_path / "tiny.geojson", site_geojson(port()))
    outside, on_mole = (70, 20), (20, 30)
    image = write(tmp_path / "a.tif", radar(ships=[*SHIPS, outside, on_mole]))
    out = tmp_path / "v.geojson"
    told = answer(roadstead("detect", image, "--site", site, "--out", out, "--json"))
    vessels = found(out)
    assert sorted(vessels["zone_id"]) == ["harbour", "roads"]
    (row,) = told["images"]
    assert row["searched"] == "water zones and berths of tiny"
    assert 0.2 < row["searched_km2"] < 0.324  # two zones of 60 columns, 24 and 30 rows, less the mole
    assert row["seen_share"] == 1.0


def test_what_was_not_seen_is_said(tmp_path: Path) -> None:
    site = write_json(tmp_path / "tiny.geojson", site_geojson(port()))
    half = {name: plane.copy() for name, plane in RADAR.items()}
    for plane in half.values():
        plane[: 40 + 36] = np.nan
    out = tmp_path / "v.geojson"
    image = write(tmp_path / "a.tif", half)
    told = answer(roadstead("detect", image, "--site", site, "--out", out, "--json"))
    assert 0.4 < told["images"][0]["seen_share"] < 0.6
    assert found(out)["zone_id"].tolist() == ["roads"]


def test_an_empty_sea_is_a_result(tmp_path: Path) -> None:
    image, out = write(tmp_path / "a.tif", radar(ships=[])), tmp_path / "v.geojson"
    result = roadstead("detect", image, "--out", out)
    assert result.exit_code == 0
    assert "no vessels" in result.stdout
    assert len(found(out)) == 0
    (row,) = about(out)["images"]
    assert row["searched_km2"] == pytest.approx(140 * 140 * 1e-4, rel=0.01)
    assert row["vessels"] == 0


def test_several_images_make_one_file(tmp_path: Path) -> None:
    images = [
        write(tmp_path / f"{n}.tif", radar(n, ships)) for n, ships in ((1, SHIPS), (2, SHIPS[:1]), (3, []))
    ]
    out = tmp_path / "v.geojson"
    told = answer(roadstead("detect", *images, "--out", out, "--json"))
    assert [row["vessels"] for row in told["images"]] == [2, 1, 0]
    assert found(out)["image"].tolist() == [str(images[0])] * 2 + [str(images[1])]


def test_the_same_images_give_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path / "a.tif", RADAR)
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "HOME": str(tmp_path)}
    written = []
    for seed, zone in (("1", "UTC"), ("2", "Asia/Vladivostok")):
        command = [sys.executable, "-m", "flows.cli", "detect", "a.tif", "--picture", "v.png"]
        seeded = environment | {"PYTHONHASHSEED": seed, "TZ": zone}
        subprocess.run(command, cwd=tmp_path, env=seeded, check=True, capture_output=True)
        answer(roadstead("detect", tmp_path / "a.tif", "--out", tmp_path / "v.parquet", "--json"))
        names = ("vessels.geojson", "v.png", "v.parquet")
        written.append([(tmp_path / name).read_bytes() for name in names])
    assert written[0] == written[1]


def test_some_images_are_left_out_each_with_its_reason(tmp_path: Path) -> None:
    good, out = write(tmp_path / "good.tif", RADAR), tmp_path / "v.geojson"
    lost = write(tmp_path / "lost.tif", RADAR, box=None)
    (tmp_path / "half.tif").write_bytes(good.read_bytes()[:150_000])
    told = answer(
        roadstead("detect", good, lost, tmp_path / "half.tif", tmp_path / "none.tif", "--out", out, "--json"),
        3,
    )
    assert len(found(out)) == len(SHIPS)
    reasons = {Path(name).name: reason for name, reason in told["left_out"].items()}
    assert set(reasons) == {"lost.tif", "half.tif", "none.tif"}
    assert "no CRS" in reasons["lost.tif"]
    assert "cannot be read" in reasons["half.tif"]
    assert "No such file" in reasons["none.tif"]
    assert about(out)["left_out"] == told["left_out"]
    said = roadstead("detect", good, lost, "--out", out)
    assert said.exit_code == 3
    assert f"left out {lost}: {lost} has no CRS" in said.stdout


def test_no_image_that_can_be_read_is_no_result(tmp_path: Path) -> None:
    out = tmp_path / "v.geojson"
    assert "none.tif cannot be opened: No such file" in refused(tmp_path / "none.tif", "--out", out)
    lost = write(tmp_path / "lost.tif", RADAR, box=None)
    assert "none of 2 images could be read: " in refused(tmp_path / "none.tif", lost, "--out", out)
    assert not out.exists()


def test_a_server_that_is_away_is_no_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GDAL_OPTIONS, "GDAL_HTTP_RETRY_DELAY", "0.01")
    line = refused("http://127.0.0.1:9/a.tif", "--out", tmp_path / "v.geojson", exit_code=1)
    assert "127.0.0.1:9/a.tif" in line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--sensor", "sentinel-3"],
            "--sensor 'sentinel-3' is not known; one of sentinel-1, sentinel-2, optical",
        ),
        (["--units", "dBm"], "--units 'dBm' is not known; one of auto, db, linear, reflectance"),
        (["--units", "reflectance"], "--units reflectance does not fit radar; auto, db or linear"),
        (["--bands", "vv,xx"], "--bands 'vv,xx': 'xx' is not known; any of vv, vh"),
        (["--bands", "vv,vv"], "--bands 'vv,vv' names vv twice"),
        (["--bands", "vv,vh,-"], "a.tif has 2 bands, --bands names 3"),
        (["--out", "v.shp"], "--out 'v.shp' must end in .geojson or .parquet"),
        (["--picture", "a.jpg"], "--picture 'a.jpg' must end in .png, or be a folder"),
        (["--site", "atlantis"], "atlantis"),
        (["--site", "latakia"], "site latakia, at 35."),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.tif", RADAR)
    assert message in refused("a.tif", *options)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


def test_an_image_is_never_written_over(tmp_path: Path) -> None:
    item = write_json(tmp_path / "item.geojson", {"type": "Feature"})
    assert "is one of the images" in refused(item, "--out", item)
    (tmp_path / "folder.geojson").mkdir()
    assert "is a folder" in refused(item, "--out", tmp_path / "folder.geojson")


def test_pictures_one_or_many(tmp_path: Path) -> None:
    first, second = (write(tmp_path / n / "a.tif", RADAR) for n in ("x", "y"))
    out = ("--out", tmp_path / "v.geojson")
    answer(roadstead("detect", first, *out, "--picture", tmp_path / "one.png", "--json"))
    with Image.open(tmp_path / "one.png") as drawn:
        assert drawn.size[0] == 700
    told = answer(roadstead("detect", first, second, *out, "--picture", tmp_path / "many", "--json"))
    assert sorted(p.name for p in (tmp_path / "many").iterdir()) == ["a-2.png", "a.png"]
    assert told["pictures"] == {
        str(first): str(tmp_path / "many/a.png"),
        str(second): str(tmp_path / "many/a-2.png"),
    }
    line = refused(first, second, *out, "--picture", tmp_path / "one.png")
    assert "one.png is one file for 2 images; name a folder" in line


def test_bands_in_files_of_their_own(tmp_path: Path) -> None:
    for name, plane in optical().items():
        write(tmp_path / "port" / f"{name}.tif", {name: plane}, names=[None])
    told = answer(roadstead("detect", tmp_path / "port", "--out", tmp_path / "v.geojson", "--json"))
    (row,) = told["images"]
    assert row["bands"] == ["blue", "green", "red", "nir", "swir16"]
    assert row["image"] == str(tmp_path / "port")
    assert row["vessels"] == len(SHIPS)


def test_the_terminal_tells_the_same(tmp_path: Path) -> None:
    image = write(tmp_path / "s1_20231209.tif", RADAR)
    said = roadstead("detect", image, "--out", tmp_path / "v.geojson").stdout
    assert "2 vessels: 2 100 to 200 m" in said
    assert "assumed: no unit in the file" in said
    assert "s1_20231209.tif" in said
    assert "2023-12-09" in said


def test_a_large_radar_scene_is_kept_in_a_file_and_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = write(tmp_path / "a.tif", RADAR)
    held, kept = tmp_path / "held.geojson", tmp_path / "kept.geojson"
    answer(roadstead("detect", image, "--out", held, "--json"))
    monkeypatch.setattr(image_planes, "IN_MEMORY", 0)
    monkeypatch.setattr(image_planes, "BLOCK_PX", 50)
    monkeypatch.setattr(detect, "BLOCK_PX", 60)
    answer(roadstead("detect", image, "--out", kept, "--json"))
    assert held.read_bytes() == kept.read_bytes()


def test_a_large_optical_image_is_worked_through_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = write(tmp_path / "a.tif", optical())
    whole, parts = tmp_path / "whole.geojson", tmp_path / "parts.geojson"
    answer(roadstead("detect", image, "--out", whole, "--json"))
    monkeypatch.setattr(detect, "BLOCK_PX", 80)
    monkeypatch.setattr(detect, "MARGIN_M", 400.0)
    answer(roadstead("detect", image, "--out", parts, "--json"))
    one, other = found(whole), found(parts)
    assert len(one) == len(other) == len(SHIPS)
    np.testing.assert_allclose(one["longitude"], other["longitude"], atol=2e-4)
    areas = [about(path)["images"][0]["searched_km2"] for path in (whole, parts)]
    assert areas[0] == pytest.approx(areas[1], rel=0.02)


def test_it_starts_without_prefect_and_dask(tmp_path: Path) -> None:
    write(tmp_path / "a.tif", RADAR)
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom flows.cli import app\n"
        "result = CliRunner().invoke(app, ['detect', 'a.tif'])\n"
        "assert result.exit_code == 0, result.output\n"
        "print([m for m in ('prefect', 'distributed', 'icechunk', 'matplotlib') if m in sys.modules])"
    )
    root = str(Path(__file__).parents[2])
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "[]"
    shutil.rmtree(tmp_path, ignore_errors=True)
