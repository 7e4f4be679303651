"""Optical items, real and simulated, through the one reader: record, header, planes, reflectance."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from tasks.catalog.optical import OPTICAL_BANDS, REFLECTANCE_BANDS
from tasks.catalog.read import read_header, read_planes
from tasks.catalog.records import scene_record
from tasks.catalog.search import search
from tasks.discover import plan
from tasks.errors import InputError, SceneError
from tasks.model import BandAsset, Request, SceneRef
from tasks.simulate.delivery.stac import write_catalog
from tasks.simulate.sensors.calendar import Defect, Sensor
from tests.catalog.test_records import REAL, real, recorded, sample
from tests.scenes import CRS, FIRST, SCENE_BOX, make_collection, passes, small_site, write_tiff
from tests.simulate.delivered import WHEN, box, deliver, optical_image

WHOLE_EARTH = (-180.0, -90.0, 180.0, 90.0)


def item(assets: dict[str, Any], **properties: Any) -> dict[str, Any]:
    stated = {"datetime": "2023-10-01T02:16:51Z", "constellation": "sentinel-2"} | properties
    return {"type": "Feature", "id": "scene", "collection": "c", "properties": stated, "assets": assets}


def bands(assets: dict[str, Any], **properties: Any) -> dict[str, BandAsset]:
    return {b.name: b for b in scene_record(item(assets, **properties)).bands}


def asset(href: str = "/x.tif", **fields: Any) -> dict[str, Any]:
    return {"href": href, "type": "image/tiff; application=geotiff"} | fields


def meaning(one: BandAsset, plane: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Reflectance; NaN where the file has no data."""
    return np.where(plane == (one.nodata or 0), np.nan, plane * one.scale + one.offset)


# What real catalogues answer


@recorded
@pytest.mark.parametrize(
    ("pattern", "offset", "many"),
    [
        ("earth-search*sentinel-2-l2a.json", 0.0, 7),  # flag true, although raster:bands says -0.1
        ("earth-search*sentinel-2-c1-l2a.json", -0.1, 6),  # no flag: raster:bands holds
        ("earth-search*sentinel-s2-l2a-cogs.json", 0.0, 1),  # the flag under its old name, no raster:bands
        ("planetary*sentinel-2-l2a.json", 0.0, 33),  # nothing said; baseline 02.12 has no offset
    ],
)
def test_bands_of_real_sentinel_2_items(pattern: str, offset: float, many: int) -> None:
    whole = [one for one in sample(pattern) if one.get("assets")]  # some questions left fields out
    assert len(whole) == many
    for one in whole:
        found = scene_record(one).bands
        assert tuple(b.name for b in found) == OPTICAL_BANDS
        files = [Path(b.href).name for b in found]
        for code, name in zip(("B02", "B03", "B04", "B08", "B11", "SCL"), files, strict=True):
            assert code in name
            assert name.endswith(".tif")
        *reflectance, classes = found
        assert {(b.units, b.scale, b.offset, b.index) for b in reflectance} == {
            ("reflectance", 0.0001, offset, 1)
        }
        assert (classes.units, classes.scale, classes.offset) == ("class", 1.0, 0.0)


@recorded
def test_files_that_are_no_geotiff_are_left_out() -> None:
    """Level 1C is delivered as JPEG 2000, which the reader does not open."""
    whole = [one for one in sample("earth-search*sentinel-2-l1c.json") if one.get("assets")]
    assert whole
    assert all(scene_record(one).bands == () for one in whole)


@recorded
@pytest.mark.parametrize("baseline", ["04.00", "05.09", "05.11"])
def test_planetary_computers_rule(baseline: str) -> None:
    one = sample("planetary*sentinel-2-l2a.json")[0]
    one["properties"]["s2:processing_baseline"] = baseline
    assert {b.offset for b in scene_record(one).bands} == {-0.1, 0.0}
    assert {b.name for b in scene_record(one).bands if not b.offset} == {"scl"}


@real
def test_real_sentinel_2_pictures() -> None:
    found = search(
        str(REAL / "sen2ships" / "collection.json"),
        WHOLE_EARTH,
        FIRST.date().replace(year=2015),
        FIRST.date(),
    )
    assert len(found.scenes) >= 2
    for scene in found.scenes:
        assert tuple(b.name for b in scene.bands) == REFLECTANCE_BANDS
        assert {(b.units, b.offset, b.scale) for b in scene.bands} == {("reflectance", 0.0, 1 / 65535)}
        header = read_header(scene.bands[0])
        with rasterio.open(scene.bands[0].href) as image:
            assert (header.dtype, header.transform) == ("uint16", image.transform)
            grid = GeoBox((50, 60), image.transform * Affine.translation(30, 40), image.crs.to_string())
            raw = image.read(1)[40:90, 30:90]
        planes = read_planes(scene, grid)
        assert np.array_equal(planes["blue"], raw)
        values = np.stack([meaning(b, planes[b.name]) for b in scene.bands])
        assert 0 < np.nanmedian(values) < 0.5
        assert np.nanmax(values) <= 1


# The offset


@pytest.mark.parametrize(
    ("baseline", "applied", "stated", "expected"),
    [
        ("05.09", True, -0.1, 0.0),  # Earth Search
        ("05.09", True, None, 0.0),
        ("05.09", False, -0.1, -0.1),
        ("05.09", False, None, -0.1),
        ("05.09", False, 0.0, -0.1),  # the flag outranks the number
        ("05.09", None, -0.1, -0.1),  # Collection 1
        ("05.09", None, 0.0, 0.0),
        ("05.09", None, None, -0.1),  # Planetary Computer
        ("04.00", None, None, -0.1),
        ("03.01", None, None, 0.0),
        ("03.01", False, -0.1, 0.0),  # there was none to take off
        (None, None, -0.1, -0.1),
        (None, None, None, 0.0),
    ],
)
def test_offsets(baseline: str | None, applied: bool | None, stated: float | None, expected: float) -> None:
    pixel = {"scale": 0.0001} | ({} if stated is None else {"offset": stated})
    said = {"s2:processing_baseline": baseline, "earthsearch:boa_offset_applied": applied}
    (band,) = bands({"red": asset(**{"raster:bands": [pixel]})}, **said).values()
    assert (band.offset, band.scale) == (expected, 0.0001)


def test_the_offset_rule_is_sentinel_2s_alone() -> None:
    one = asset(**{"raster:bands": [{"scale": 0.0000275, "offset": -0.2}]})
    (band,) = bands({"red": one}, constellation="landsat").values()
    assert (band.scale, band.offset) == (0.0000275, -0.2)


# How bands are named


RED = {"eo:bands": [{"common_name": "red"}]}


@pytest.mark.parametrize(
    "assets",
    [
        {"red": asset()},
        {"RED": asset()},
        {"B04": asset()},
        {"some": asset(**{"eo:bands": [{"name": "x", "common_name": "red"}]})},
        {"some": asset(bands=[{"name": "x", "eo:common_name": "red"}])},
        {"B04": asset("/wrong.tif"), "red": asset()},
        {"red-jp2": asset("/wrong.jp2", type="image/jp2", **RED), "red": asset()},
        {"visual": asset("/wrong.tif", **RED), "B04": asset()},
        {"tci": asset("/wrong.tif", roles=["visual"], **RED), "B04": asset()},
    ],
)  # fmt: skip
def test_names(assets: dict[str, Any]) -> None:
    found = bands(assets)
    assert [(b.name, b.href, b.index) for b in found.values()] == [("red", "/x.tif", 1)]


def test_common_metadata_of_stac_1_1() -> None:
    inner = {
        "name": "B04",
        "eo:common_name": "red",
        "raster:scale": 0.0002,
        "raster:offset": -0.3,
        "nodata": 9,
    }
    outer = asset(bands=[{"name": "a", "eo:common_name": "red"}], nodata=9, **{"raster:scale": 0.0002})
    for one, offset in ((asset(bands=[inner]), -0.3), (outer, 0.0)):
        (band,) = bands({"some": one}).values()
        assert (band.scale, band.offset, band.nodata) == (0.0002, offset, 9)


@pytest.mark.parametrize(
    ("key", "kind", "numbers"),
    [
        ("ortho_analytic_4b_sr", None, {"blue": 1, "green": 2, "red": 3, "nir": 4}),
        ("ortho_analytic_8b_sr", None, {"blue": 2, "green": 4, "red": 6, "nir": 8}),
        ("20231001_021651_24a1_3B_tif", "analytic_sr", {"blue": 1, "green": 2, "red": 3, "nir": 4}),
    ],
)
def test_planets_files_by_their_order(key: str, kind: str | None, numbers: dict[str, int]) -> None:
    one = {key: asset(**{"pl:asset_type": kind}), "ortho_udm2": asset("/udm2.tif")}
    found = bands(one, constellation="planetscope")
    assert {b.name: b.index for b in found.values()} == numbers
    assert {(b.scale, b.offset, b.href) for b in found.values()} == {(0.0001, 0.0, "/x.tif")}


def test_bands_in_one_file_by_their_names() -> None:
    names = ["nir", "red", "green", "blue"]
    about = {
        "eo:bands": [{"common_name": n} for n in names],
        "raster:bands": [{"scale": k} for k in (4, 3, 2, 1)],
    }
    found = bands({"whole": asset(**about), "blue": asset("/blue.tif")})
    assert found["blue"].href == "/blue.tif"
    assert [(found[n].index, found[n].scale) for n in ("green", "red", "nir")] == [(3, 2), (2, 3), (1, 4)]


def test_numbers_of_unknown_scale_are_left_out() -> None:
    unknown = {"red": asset(), "nir": asset(**{"raster:bands": [{"data_type": "float32"}]})}
    found = bands(unknown, constellation="somebody's")
    assert {name: b.scale for name, b in found.items()} == {"nir": 1.0}


# Reading


def test_a_band_of_a_file_of_many(tmp_path: Path) -> None:
    stack = np.arange(3 * 20 * 30, dtype="uint16").reshape(3, 20, 30) + 1
    path, grid = tmp_path / "x.tif", GeoBox((20, 30), SCENE_BOX.affine, CRS)
    with rasterio.open(
        path, "w", driver="GTiff", count=3, height=20, width=30, dtype="uint16", crs=CRS,
        transform=grid.affine, nodata=0,
    ) as image:  # fmt: skip
        image.write(stack)
    for index in (1, 2, 3):
        band = BandAsset("red", str(path), "reflectance", index=index)
        assert read_header(band).dtype == "uint16"
        assert np.array_equal(read_planes(SceneRef("s", "c", FIRST, (band,)), grid)["red"], stack[index - 1])
        finer = grid.zoom_out(0.5)
        warped = read_planes(SceneRef("s", "c", FIRST, (band,)), finer)["red"]
        assert abs(int(warped[11, 11]) - int(stack[index - 1, 5, 5])) <= 20
    with pytest.raises(SceneError, match="has 3 bands; red should be number 4"):
        read_header(replace(band, index=4))


def test_classes_are_never_averaged(tmp_path: Path) -> None:
    classes = np.random.default_rng(0).choice(np.array([2, 9], "uint8"), (20, 30))
    path = write_tiff(tmp_path / "scl.tif", classes, transform=SCENE_BOX.affine * Affine.scale(2), nodata=0)
    scene = SceneRef("s", "c", FIRST, (BandAsset("scl", str(path), "class"),))
    fine = read_planes(scene, GeoBox((40, 60), SCENE_BOX.affine, CRS))["scl"]
    assert np.array_equal(fine, classes.repeat(2, 0).repeat(2, 1))


# Simulated images


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    return write_catalog(folder, "Najin", [one for sensor in Sensor for one in deliver(folder, sensor)])


def scene_of(catalog: Path, start: str) -> SceneRef:
    found = search(str(catalog), WHOLE_EARTH, WHEN.date(), WHEN.date())
    (scene,) = (s for s in found.scenes if s.collection.startswith(start))
    return scene


def test_simulated_sentinel_2(simulated: Path) -> None:
    scene, given = scene_of(simulated, "sentinel-2"), optical_image(box(Sensor.SENTINEL_2))
    assert tuple(b.name for b in scene.bands) == OPTICAL_BANDS
    assert (scene.platform, scene.cloud_cover) == ("sentinel-2a", 12.5)
    fine, coarse = box(Sensor.SENTINEL_2), box(Sensor.SENTINEL_2).zoom_out(2)
    planes, wide = read_planes(scene, fine), read_planes(scene, coarse)
    for band in scene.bands:
        header = read_header(band)
        assert header.crs == CRS
        assert header.nodata == 0
        assert header.transform == (coarse if band.name in ("swir16", "scl") else fine).affine
        if band.name in ("blue", "green", "red", "nir"):
            off = meaning(band, planes[band.name]) - np.maximum(given.bands[band.name], band.scale)
            assert np.abs(off).max() <= 0.501 * band.scale  # half a number, and rounding of float32
        if band.name == "swir16":
            mean = given.bands["swir16"].reshape(32, 2, 45, 2).mean((1, 3))
            assert np.abs(meaning(band, wide["swir16"]) - mean).max() <= 0.501 * band.scale
    assert np.array_equal(planes["scl"], given.mask)


@pytest.mark.parametrize(("start", "sensor"), [("planetscope", Sensor.PLANET), ("submetre", Sensor.SUBMETRE)])
def test_simulated_planet(simulated: Path, start: str, sensor: Sensor) -> None:
    scene, given = scene_of(simulated, start), optical_image(box(sensor))
    assert [(b.name, b.index) for b in scene.bands] == [("blue", 1), ("green", 2), ("red", 3), ("nir", 4)]
    planes = read_planes(scene, box(sensor))
    for band in scene.bands:
        assert read_header(band).transform == box(sensor).affine
        written = np.maximum(np.rint(given.bands[band.name] * 1250) * 8, 1)  # in steps of 8
        off = meaning(band, planes[band.name]) - written * 0.0001
        assert (np.abs(off) > 0.5 * band.scale).mean() < 0.001  # ties round either way


def test_simulated_radar_and_the_lie_about_the_offset(tmp_path: Path) -> None:
    items = deliver(tmp_path, Sensor.SENTINEL_1) + deliver(tmp_path, Sensor.SENTINEL_2, Defect.OFFSET)
    catalog = write_catalog(tmp_path, "Najin", items)
    radar, optical = scene_of(catalog, "sentinel-1"), scene_of(catalog, "sentinel-2")
    assert [(b.name, b.units, b.nodata) for b in radar.bands] == [("vv", "1", -32768), ("vh", "1", -32768)]
    assert (radar.platform, radar.orbit, radar.direction) == ("sentinel-1a", 61, "descending")
    red = next(b for b in optical.bands if b.name == "red")
    wrong = meaning(red, read_planes(optical, box(Sensor.SENTINEL_2))["red"])
    excess = wrong - optical_image(box(Sensor.SENTINEL_2)).bands["red"]
    assert np.median(excess) == pytest.approx(0.1, abs=1e-4)


# The planner


def request_of(catalog: Path, folder: Path, *collections: str) -> Request:
    day = FIRST.date()
    return Request(
        small_site(), day, day.replace(month=12), str(catalog), str(folder / "archive"), str(folder / "out"),
        collections,
    )  # fmt: skip


def both(folder: Path) -> Path:
    """A catalogue with a radar and an optical collection over the small site."""
    make_collection(folder / "radar", *passes(2))
    optical = [
        replace(one, scene_id=f"optical_{one.scene_id}", unit=None) for one in passes(2, bands=("red", "nir"))
    ]
    make_collection(folder / "optical", *optical, collection="tiny-s2")
    head = {"type": "Catalog", "id": "both", "stac_version": "1.1.0", "description": "for a test"}
    links = [{"rel": "child", "href": f"./{name}/collection.json"} for name in ("radar", "optical")]
    (folder / "catalog.json").write_text(json.dumps(head | {"links": links}))
    return folder / "catalog.json"


def test_all_images_are_taken_where_nothing_is_named(tmp_path: Path) -> None:
    made = plan(request_of(both(tmp_path), tmp_path))
    assert {s.collection for s in made.new} == {"tiny-s1", "tiny-s2"}
    assert made.rejected == ()


def test_radar_alone_is_taken_where_it_is_named(tmp_path: Path) -> None:
    made = plan(request_of(both(tmp_path), tmp_path, "tiny-s1"))
    assert [s.collection for s in made.new] == ["tiny-s1", "tiny-s1"]


def test_optical_images_are_taken_where_there_is_no_radar(tmp_path: Path) -> None:
    both(tmp_path)
    made = plan(request_of(tmp_path / "optical", tmp_path))
    assert {s.collection for s in made.new} == {"tiny-s2"}


def test_an_optical_collection_that_was_asked_for(tmp_path: Path) -> None:
    made = plan(request_of(both(tmp_path), tmp_path, "tiny-s2"))
    assert {s.collection for s in made.new} == {"tiny-s2"}
    assert {tuple(b.name for b in s.bands) for s in made.new} == {("red", "nir")}


def test_one_colour_cannot_be_measured(tmp_path: Path) -> None:
    grey = [replace(one, unit=None) for one in passes(1, bands=("red",))]
    make_collection(tmp_path, *grey, collection="tiny-s2")
    with pytest.raises(InputError, match=r"'tiny-s2' has no band that can be measured.*2 of blue.*has red"):
        plan(request_of(tmp_path, tmp_path))


def test_optical_bands_of_a_radar_item_are_not_archived(tmp_path: Path) -> None:
    mixed = [replace(one, unit=None) for one in passes(1, bands=("vv", "red"))]
    (scene,) = plan(request_of(make_collection(tmp_path, *mixed), tmp_path)).new
    assert [b.name for b in scene.bands] == ["vv"]
