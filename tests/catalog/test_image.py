"""One image by itself: its bands, the meaning of its numbers, and its grid."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.enums import ColorInterp

from tasks.catalog.image import Image, Wish, open_image
from tasks.catalog.image_planes import read_image
from tasks.catalog.sources import Source, sources
from tasks.errors import SceneError
from tasks.grid import pixel_edges_m
from tests.catalog.servers import Files, serve
from tests.detect_images import degrees_box, mercator_box, optical, radar, warped, write
from tests.scenes import CRS, SCENE_BOX, make_item, passes, write_json, write_tiff

RADAR, OPTICAL = radar(), optical()
FOUR = {name: OPTICAL[name] for name in ("blue", "green", "red", "nir")}
BLIND = [None, None]


def only(path: Path | str, **wish: Any) -> Image:
    (source,) = sources([str(path)], one_by_one=bool(wish.get("bands")))
    return open_image(source, Wish(**wish))


def band_names(image: Image) -> list[str]:
    return [band.name for band in image.bands]


def numbers(
    planes: dict[str, Any], scale: float, offset: float = 0.0, dtype: str = "uint16"
) -> dict[str, Any]:
    """Planes as the integers that a provider would deliver."""
    return {name: np.rint((plane - offset) / scale).clip(1).astype(dtype) for name, plane in planes.items()}


@pytest.mark.parametrize(
    "names",
    [
        ("vv", "vh"),
        ("VV", "VH"),
        ("Sigma0_VV_db", "Sigma0_VH_db"),
        ("gamma0_vv", "gamma0_vh"),
        ("Intensity VV", "Intensity VH"),
    ],
)
def test_radar_bands_by_their_descriptions(tmp_path: Path, names: tuple[str, ...]) -> None:
    image = only(write(tmp_path / "a.tif", RADAR, names=names))
    assert (image.sensor, band_names(image)) == ("sentinel-1", ["vv", "vh"])


@pytest.mark.parametrize(
    "names",
    [
        ("blue", "green", "red", "nir"),
        ("B02", "B03", "B04", "B08"),
        ("B2", "B3", "B4", "B8"),
        ("Blue (490 nm)", "Green (560 nm)", "Red (665 nm)", "Near infrared (842 nm)"),
    ],
)
def test_optical_bands_by_their_descriptions(tmp_path: Path, names: tuple[str, ...]) -> None:
    image = only(write(tmp_path / "a.tif", FOUR, names=names))
    assert band_names(image) == ["blue", "green", "red", "nir"]
    assert [band.index for band in image.bands] == [1, 2, 3, 4]


def test_a_name_that_is_ours_goes_before_one_that_only_holds_it(tmp_path: Path) -> None:
    names = ("coastal_blue", "blue", "green_i", "green", "yellow", "red", "rededge", "nir")
    planes = dict(zip(names, [*OPTICAL.values(), *FOUR.values()], strict=False))
    image = only(write(tmp_path / "a.tif", planes))
    assert {band.name: band.index for band in image.bands} == {"blue": 2, "green": 4, "red": 6, "nir": 8}


def test_bands_by_their_colours(tmp_path: Path) -> None:
    colours = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.undefined]
    planes = {name: FOUR[name] for name in ("red", "green", "blue", "nir")}
    image = only(write(tmp_path / "a.tif", planes, names=[None] * 4, colours=colours))
    assert {band.name: band.index for band in image.bands} == {"red": 1, "green": 2, "blue": 3, "nir": 4}
    assert "fourth band beside red, green and blue taken as near infrared" in image.assumed


def test_bands_by_tags_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", RADAR, names=BLIND, Band_1="Sigma0 VH", Band_2="Sigma0 VV")
    assert {band.name: band.index for band in only(path).bands} == {"vh": 1, "vv": 2}


@pytest.mark.parametrize("name", ["s1_20231209_VV.tif", "vv.tif", "vv/s1_20231209.tif"])
def test_a_single_band_by_its_files_name_or_folder(tmp_path: Path, name: str) -> None:
    image = only(write(tmp_path / name, {"vv": RADAR["vv"]}, names=[None]))
    assert band_names(image) == ["vv"]


def test_the_users_names_go_first(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", FOUR, names=("a", "b", "c", "d"))
    image = only(path, bands=("red", "-", "nir", "green"))
    assert {band.name: band.index for band in image.bands} == {"green": 4, "red": 1, "nir": 3}
    with pytest.raises(SceneError, match=r"a\.tif has 4 bands, --bands names 2: vv,vh; name each band"):
        only(path, bands=("vv", "vh"))


def test_a_known_sensor_names_what_is_unnamed_and_says_so(tmp_path: Path) -> None:
    two = write(tmp_path / "two.tif", RADAR, names=BLIND)
    with pytest.raises(
        SceneError, match=r"two\.tif names none of its bands; say which they are: --bands vv,vh"
    ):
        only(two)
    image = only(two, sensor="sentinel-1")
    assert band_names(image) == ["vv", "vh"]
    assert "unnamed bands taken as vv, vh" in image.assumed
    named = only(write(tmp_path / "S1A_IW_20231209T213112.tif", RADAR, names=BLIND))
    assert band_names(named) == ["vv", "vh"]
    assert named.acquired == datetime(2023, 12, 9, 21, 31, 12, tzinfo=UTC)


def test_a_sensor_that_the_bands_contradict_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", FOUR)
    with pytest.raises(SceneError, match="has bands blue, green, red, nir; sentinel-1 needs some of vv, vh"):
        only(path, sensor="sentinel-1")
    with pytest.raises(SceneError, match="--units db does not fit optical bands; auto or reflectance"):
        only(path, units="db")
    with pytest.raises(SceneError, match="--units reflectance does not fit radar; auto, db or linear"):
        only(write(tmp_path / "b.tif", RADAR), units="reflectance")


def test_files_that_differ_in_the_band_alone_are_one_image(tmp_path: Path) -> None:
    for name, plane in FOUR.items():
        write(tmp_path / "klang" / f"{name}.tif", {name: plane}, names=[None])
    for name, plane in RADAR.items():
        write(tmp_path / name / "s1.tif", {name: plane}, names=[None])
        write(tmp_path / f"other_{name.upper()}.tif", {name: plane}, names=[None])
    folder = str(tmp_path / "klang")
    refs = [folder, *(str(tmp_path / p) for p in ("vv/s1.tif", "other_VV.tif", "vh/s1.tif", "other_VH.tif"))]
    images = [open_image(source, Wish()) for source in sources(refs)]
    assert [band_names(image) for image in images] == [list(FOUR), ["vv", "vh"], ["vv", "vh"]]
    assert [image.name for image in images] == [
        folder,
        str(tmp_path / "*" / "s1.tif"),
        str(tmp_path / "other_*.tif"),
    ]


def test_signed_files_of_one_scene_are_one_image(tmp_path: Path) -> None:
    for name, plane in RADAR.items():
        write(tmp_path / f"s1_{name}.tif", {name: plane}, names=[None])
    with serve(Files(tmp_path)) as address:
        (source,) = sources([f"{address}/s1_{name}.tif?sig={name}" for name in RADAR])
        image = open_image(source, Wish())
    assert (image.name, band_names(image)) == (f"{address}/s1_*.tif", ["vv", "vh"])
    (source,) = sources([f"{tmp_path.as_uri()}/"])
    assert band_names(open_image(source, Wish())) == ["vv", "vh"]


def test_a_folder_of_whole_images_is_many(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{day}.tif", RADAR) for day in ("20231201", "20231202")]
    (tmp_path / "20231201_udm2.tif").write_bytes(b"a mask, no image")
    assert [s.name for s in sources([f"{tmp_path}/"])] == [str(path) for path in paths]
    with pytest.raises(SceneError, match="empty is a folder without any GeoTIFF"):
        open_image(Source("empty", ()), Wish())


@pytest.mark.parametrize(
    ("planes", "unit", "expected", "assumed"),
    [
        (RADAR, "", "1", "no unit in the file: numbers without negatives taken as linear power"),
        (RADAR, "gamma0 linear power", "1", None),
        ({k: 10 * np.log10(v) for k, v in RADAR.items()}, "", "dB", "no unit in the file: negative numbers"),
        ({k: 10 * np.log10(v) for k, v in RADAR.items()}, "dB", "dB", None),
        (
            numbers({k: v + 0.3 for k, v in RADAR.items()}, 0.02, dtype="uint8"),
            "",
            "relative dB",
            "8-bit radar",
        ),
        # Noise was taken off: a little below 0 in places, and still no decibel.
        ({k: v - 0.012 for k, v in RADAR.items()}, "", "1", "numbers without negatives"),
    ],
)
def test_units_of_radar(
    tmp_path: Path, planes: dict[str, Any], unit: str, expected: str, assumed: str | None
) -> None:
    image = only(write(tmp_path / "a.tif", planes, unit=unit))
    assert {band.units for band in image.bands} == {expected}
    assert (assumed is None) == (image.assumed == ())
    assert assumed is None or assumed in image.assumed[0]


def test_units_by_the_users_word(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", {k: 10 * np.log10(v) for k, v in RADAR.items()})
    assert {band.units for band in only(path, units="linear").bands} == {"1"}
    assert only(path, units="db").assumed == ()


def test_scaled_decibels_are_read_as_decibels(tmp_path: Path) -> None:
    hundredths = {k: np.rint(1000 * np.log10(v)).astype("int16") for k, v in RADAR.items()}
    hundredths["vv"][:5] = -9999
    image = only(write(tmp_path / "a.tif", hundredths, scale=0.01, nodata=-9999))
    vv = read_image(image, image.box)["vv"]
    assert np.isnan(vv[:5]).all()
    wanted = np.where(hundredths["vv"] == 0, np.nan, 10 * np.log10(RADAR["vv"]))  # 0 is no data in integers
    np.testing.assert_allclose(vv[5:], wanted[5:], atol=0.006)


@pytest.mark.parametrize(
    ("scale", "offset", "assumed"),
    [
        (0.0001, 0.0, "reflectance = number × 0.0001"),
        (1 / 65535, 0.0, "numbers above 20000 taken as reflectance × 65535"),
        (0.0001, -0.1, "nothing is darker than 1000, so reflectance = number × 0.0001 − 0.1"),
    ],
)
def test_reflectance_without_a_scale_is_told_by_its_numbers(
    tmp_path: Path, scale: float, offset: float, assumed: str
) -> None:
    planes = {name: plane.copy() for name, plane in OPTICAL.items()}
    planes["nir"][:12, -12:] = 0.7  # roofs
    path = write(tmp_path / "S2A_20231209.tif", numbers(planes, scale, offset))
    image = only(path)
    assert image.sensor == "sentinel-2"
    assert image.assumed[0].endswith(assumed)
    for name, plane in read_image(image, image.box).items():
        np.testing.assert_allclose(plane, planes[name], atol=1.01e-4)


def test_a_scale_in_the_file_is_no_assumption(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", numbers(OPTICAL, 0.0002, -0.2), scale=0.0002, offset=-0.2, nodata=0)
    image = only(path)
    assert image.assumed == ()
    np.testing.assert_allclose(read_image(image, image.box)["nir"], OPTICAL["nir"], atol=1.1e-4)


def test_floats_are_reflectance_only_if_they_can_be(tmp_path: Path) -> None:
    assert only(write(tmp_path / "a.tif", OPTICAL)).assumed == ()
    ten_thousand = {name: plane * np.float32(10_000) for name, plane in OPTICAL.items()}
    assert "number × 0.0001" in only(write(tmp_path / "b.tif", ten_thousand)).assumed[0]
    per_cent = {name: plane * np.float32(100) for name, plane in OPTICAL.items()}
    with pytest.raises(SceneError, match=r"are no reflectance .* set the bands' scale"):
        only(write(tmp_path / "c.tif", per_cent))


def test_no_data_is_nan_whatever_the_file_writes(tmp_path: Path) -> None:
    for dtype, nodata, fill in (("float32", -9999.0, -9999), ("float32", None, 0), ("uint16", 65535, 65535)):
        planes = {name: plane.copy() for name, plane in OPTICAL.items()}
        if dtype == "uint16":
            planes = numbers(planes, 0.0001)
        for plane in planes.values():
            plane[:7] = fill
        image = only(write(tmp_path / f"{dtype}{nodata}.tif", planes, nodata=nodata))
        seen = np.isfinite(read_image(image, image.box)["nir"])
        assert not seen[:7].any()
        assert seen[7:].all()


def test_an_image_on_a_metric_grid_keeps_its_pixels(tmp_path: Path) -> None:
    image = only(write(tmp_path / "a.tif", RADAR))
    assert image.box == SCENE_BOX
    assert image.pixel_m == 10
    np.testing.assert_array_equal(read_image(image, image.box)["vv"], RADAR["vv"])


def test_web_mercator_keeps_its_pixels_and_knows_their_size(tmp_path: Path) -> None:
    box = mercator_box()
    image = only(write(tmp_path / "a.tif", warped(RADAR, SCENE_BOX, box), box=box))
    assert image.box == box
    assert image.pixel_m == pytest.approx(13.5 * np.cos(np.radians(42.2)), rel=0.01)
    assert image.pixel_m == pytest.approx(pixel_edges_m(box)[0], rel=0.01)


@pytest.mark.parametrize("kind", ["degrees", "rotated", "upside down", "oblong"])
def test_other_grids_are_resampled_to_metres_and_say_so(tmp_path: Path, kind: str) -> None:
    to = SCENE_BOX.affine
    box, why = {
        "degrees": (degrees_box(), "EPSG:4326 is in degrees"),
        "rotated": (
            GeoBox((140, 140), to * Affine.rotation(20) * Affine.translation(20, -20), CRS),
            "north-up",
        ),
        "upside down": (GeoBox((140, 140), Affine(10, 0, to.c, 0, 10, to.f - 1400), CRS), "not north-up"),
        "oblong": (GeoBox((100, 140), Affine(10, 0, to.c, 0, -14, to.f), CRS), "10.0 × 14.0 m on the ground"),
    }[kind]
    image = only(write(tmp_path / "a.tif", warped(RADAR, SCENE_BOX, box), box=box, nodata=np.nan))
    assert any(why in text and "so it was resampled to" in text for text in image.assumed)
    assert str(image.box.crs) == CRS
    across, along = pixel_edges_m(image.box)
    assert across == pytest.approx(along, rel=0.001)
    vv = read_image(image, image.box)["vv"]
    assert np.nanmedian(vv) == pytest.approx(np.median(RADAR["vv"]), rel=0.1)
    assert np.nanmax(vv) == pytest.approx(5.0, rel=0.05)  # its edges are blurred


def test_what_is_too_fine_or_too_coarse_is_refused_before_it_is_read(tmp_path: Path) -> None:
    for edge, reason in ((0.1, "finer than anything tried"), (60.0, "too coarse for ships")):
        box = GeoBox((140, 140), Affine(edge, 0, 607_000, 0, -edge, 4_674_000), CRS)
        with pytest.raises(SceneError, match=rf"has pixels of {edge:g} m, {reason}; 0.3 to 40 m work"):
            only(write(tmp_path / f"{edge}.tif", RADAR, box=box))


def test_without_a_crs_it_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"no CRS; .*rio edit-info --crs EPSG:… FILE"):
        only(write(tmp_path / "a.tif", RADAR, box=None))


def test_bands_of_two_resolutions_are_read_on_the_finer(tmp_path: Path) -> None:
    coarse = GeoBox((70, 70), SCENE_BOX.affine * Affine.scale(2), CRS)
    write(tmp_path / "x_B08.tif", {"nir": OPTICAL["nir"]}, names=[None])
    write(tmp_path / "x_B11.tif", {"swir16": OPTICAL["swir16"][::2, ::2]}, names=[None], box=coarse)
    (source,) = sources([str(tmp_path)])
    image = open_image(source, Wish())
    assert image.box == SCENE_BOX
    planes = read_image(image, image.box)
    assert {name: plane.shape for name, plane in planes.items()} == {"nir": (140, 140), "swir16": (140, 140)}


def test_a_stac_item_is_read_as_the_catalogue_does(tmp_path: Path) -> None:
    (scene,) = passes(1)
    item = make_item(scene)
    for band, plane in scene.planes.items():
        write_tiff(tmp_path / band / f"{scene.scene_id}.tif", plane)
    path = write_json(tmp_path / "items" / "one.json", item)
    image = only(path)
    assert (image.sensor, band_names(image), image.acquired) == ("sentinel-1", ["vv", "vh"], scene.acquired)
    np.testing.assert_array_equal(read_image(image, image.box)["vh"], scene.planes["vh"])
    assert band_names(only(path, bands=("vh",))) == ["vh"]
    with pytest.raises(SceneError, match=r"has bands vv, vh; --bands asks for hh"):
        only(path, bands=("hh",))
    with serve(Files(tmp_path)) as address:
        assert only(f"{address}/items/one.json").box == image.box


def test_what_is_no_item_or_no_image_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "collection.json", {"type": "Collection", "links": []})
    (tmp_path / "page.tif").write_text("<html>")
    for name, reason in (
        ("collection.json", "is a 'Collection'; a STAC item, with its assets, is needed"),
        ("none.json", "cannot be read: .*No such file"),
        ("none.tif", "none.tif cannot be opened: No such file"),
        ("page.tif", "page.tif is not a TIFF"),
    ):
        with pytest.raises(SceneError, match=reason):
            only(tmp_path / name)
    (tmp_path / "half.json").write_text(json.dumps({"type": "Feature"})[:9])
    with pytest.raises(SceneError, match=r"item .*half\.json cannot be read"):
        only(tmp_path / "half.json")


def test_a_url_is_read_and_its_signature_never_shown(tmp_path: Path) -> None:
    write(tmp_path / "a.tif", RADAR)
    with serve(Files(tmp_path)) as address:
        image = only(f"{address}/a.tif?sig=SECRET")
        assert image.name == f"{address}/a.tif"
        np.testing.assert_array_equal(read_image(image, image.box)["vv"], RADAR["vv"])
        with pytest.raises(SceneError) as raised:
            only(f"{address}/none.tif?sig=SECRET")
    assert "SECRET" not in str(raised.value)
