"""A folder of images without any catalogue."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from tasks.catalog.folder import acquisition
from tasks.catalog.read import read_planes
from tasks.catalog.search import Found, search
from tasks.errors import InputError
from tasks.model import SceneRef
from tests.scenes import CRS, SCENE_BOX, WINDOW, site_bbox

START, END = date(2023, 10, 1), date(2023, 12, 31)
NOISE = np.random.default_rng(1).integers(1, 4000, (4, *SCENE_BOX.shape))


def write_image(
    path: Path,
    descriptions: tuple[str, ...] = ("vv",),
    dtype: str = "float32",
    crs: str | None = CRS,
    scale: float | None = None,
    unit: str = "",
    **tags: str,
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    count = len(descriptions)
    profile: dict[str, Any] = {"height": SCENE_BOX.shape[0], "width": SCENE_BOX.shape[1], "count": count}
    profile |= {"dtype": dtype, "crs": crs, "transform": SCENE_BOX.affine, "nodata": 0}
    with rasterio.open(path, "w", driver="GTiff", **profile) as image:
        image.write(NOISE[:count].astype(dtype))
        image.descriptions = descriptions
        if scale is not None:
            image.scales = [scale] * count
        image.units = [unit] * count
        image.update_tags(**tags)
    return path


def find(folder: Path) -> Found:
    return search(str(folder), site_bbox(), START, END)


def only(folder: Path) -> SceneRef:
    (scene,) = find(folder).scenes
    return scene


def test_from_files_to_pixels(tmp_path: Path) -> None:
    folder = tmp_path / "My Images (2023)"
    names = ("blue", "green", "red", "nir")
    write_image(folder / "a_20231209T041530.tif", names, "uint16", scale=0.0001)
    write_image(folder / "b" / "A_2023-12-10.TIFF", names, "uint16", scale=0.0001)
    found = find(folder)
    assert [s.scene_id for s in found.scenes] == ["a_20231209T041530", "b_A_2023-12-10"]
    assert [s.acquired for s in found.scenes] == [
        datetime(2023, 12, 9, 4, 15, 30, tzinfo=UTC),
        datetime(2023, 12, 10, tzinfo=UTC),
    ]
    for scene in found.scenes:
        assert scene.collection == "my-images-2023"
        assert [(b.name, b.units, b.scale, b.index) for b in scene.bands] == [
            (name, "reflectance", 0.0001, k + 1) for k, name in enumerate(names)
        ]
        planes = read_planes(scene, WINDOW)
        for k, name in enumerate(names):
            np.testing.assert_array_equal(planes[name], NOISE[k, 10:-10, 10:-10])
    assert find(folder) == found


def test_images_of_one_day_are_no_deliveries_of_one_another(tmp_path: Path) -> None:
    for name in ("north_20231209", "south_20231209"):
        write_image(tmp_path / f"{name}.tif")
    found = find(tmp_path)
    assert len({s.acquisition for s in found.scenes}) == 2
    assert found.superseded == ()


@pytest.mark.parametrize(
    ("name", "tags", "expected"),
    [
        ("najin_20231209", {}, "2023-12-09T00:00:00"),
        ("2023-12-09-najin", {}, "2023-12-09T00:00:00"),
        ("2023_12_09", {}, "2023-12-09T00:00:00"),
        ("20231209T041530Z", {}, "2023-12-09T04:15:30"),
        ("20231209T041530.123Z_x", {}, "2023-12-09T04:15:30"),
        ("2023-12-09T04:15:30", {}, "2023-12-09T04:15:30"),
        ("20231209_015312_12_2439_3B_AnalyticMS_SR_clip", {}, "2023-12-09T01:53:12"),
        ("20231209_12345678", {}, "2023-12-09T00:00:00"),  # a number, no time of day
        ("20231209_256199_x", {}, "2023-12-09T00:00:00"),
        ("tile_20239999_20231209", {}, "2023-12-09T00:00:00"),
        ("order1202312091", {}, None),
        ("najin", {}, None),
        ("20230230", {}, None),
        ("najin", {"TIFFTAG_DATETIME": "2023:12:09 04:15:30"}, "2023-12-09T04:15:30"),
        ("najin_20231209", {"TIFFTAG_DATETIME": "2023:12:09 04:15:30"}, "2023-12-09T04:15:30"),
        ("najin_20231209", {"TIFFTAG_DATETIME": "2024:05:01 10:00:00"}, "2023-12-09T00:00:00"),
        ("20231209_015312", {"TIFFTAG_DATETIME": "2023:12:09 04:15:30"}, "2023-12-09T01:53:12"),
        ("x_20231231", {"ACQUISITIONDATETIME": "2023-12-09 04:15:30"}, "2023-12-09T04:15:30"),
        ("x_20231231", {"acquisition_date": "2023-12-09"}, "2023-12-09T00:00:00"),
        ("x_20231231", {"ACQUISITION": "unknown"}, "2023-12-31T00:00:00"),
        ("najin", {"TIFFTAG_DATETIME": "    :  :     :  :  "}, None),
    ],
)
def test_dates(name: str, tags: dict[str, str], expected: str | None) -> None:
    found = acquisition(name, tags)
    assert (None if found is None else found.isoformat()) == (expected and f"{expected}+00:00")


def test_dates_in_tags_of_a_file(tmp_path: Path) -> None:
    write_image(tmp_path / "one.tif", TIFFTAG_DATETIME="2023:12:09 04:15:30")
    assert only(tmp_path).acquired == datetime(2023, 12, 9, 4, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("dtype", "unit", "description", "units"),
    [
        ("float32", "", "vv", "1"),
        ("float32", "dB", "VV", "dB"),
        ("int16", "", "vv (dB)", "dB"),
        ("uint8", "", "gamma0_vv", "relative dB"),
        ("uint8", "dB", "vv", "dB"),
        ("float32", "relative dB", "vv", "relative dB"),
    ],
)
def test_units_of_radar(tmp_path: Path, dtype: str, unit: str, description: str, units: str) -> None:
    write_image(tmp_path / "20231209.tif", (description,), dtype, unit=unit)
    (band,) = only(tmp_path).bands
    assert (band.name, band.units) == ("vv", units)


def test_names_of_bands(tmp_path: Path) -> None:
    write_image(tmp_path / "20231209.tif", ("B04", "quality", "SCL: classes", "B04"), scale=0.0001)
    assert [(b.name, b.units, b.index) for b in only(tmp_path).bands] == [
        ("red", "reflectance", 1),
        ("scl", "class", 3),
    ]


def test_a_single_band_may_be_named_by_its_file(tmp_path: Path) -> None:
    write_image(tmp_path / "najin_20231209_VH.tif", ("",))
    assert [b.name for b in only(tmp_path).bands] == ["vh"]


def test_planets_names(tmp_path: Path) -> None:
    stem = "20231209_015312_12_2439_3B"
    write_image(tmp_path / f"{stem}_AnalyticMS_SR_clip.tif", ("", "", "", ""), "uint16")
    write_image(tmp_path / f"{stem}_udm2_clip.tif", ("", "", "", ""), "uint8")
    scene = only(tmp_path)
    assert [(b.name, b.scale, b.index) for b in scene.bands] == [
        ("blue", 0.0001, 1),
        ("green", 0.0001, 2),
        ("red", 0.0001, 3),
        ("nir", 0.0001, 4),
    ]


def test_what_cannot_be_used_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    write_image(tmp_path / "good_20231209.tif")
    write_image(tmp_path / "dem.tif")
    write_image(tmp_path / "plain_20231209.tif", ("", ""))
    write_image(tmp_path / "numbers_20231209.tif", ("red",), "uint16")
    write_image(tmp_path / "lost_20231209.tif", crs=None)
    (tmp_path / "page_20231209.tif").write_text("<html>")
    (tmp_path / "notes.txt").write_text("20231209")
    found = find(tmp_path)
    assert [s.scene_id for s in found.scenes] == ["good_20231209"]
    reasons = {r.scene_id: r.reason for r in found.unreadable}
    assert f"{tmp_path}/dem.tif has no date" in reasons.pop("dem")
    assert "has bands '', ''; descriptions like vv, vh, blue" in reasons.pop("plain_20231209")
    assert "red is uint16 without a scale; set the band's scale (0.0001" in reasons.pop("numbers_20231209")
    assert "has no CRS" in reasons.pop("lost_20231209")
    assert "image cannot be read" in reasons.pop("page_20231209")
    assert not reasons


def test_no_file_has_a_date(tmp_path: Path) -> None:
    write_image(tmp_path / "dem.tif")
    with pytest.raises(
        InputError, match=r"no readable item; first fault: .*dem\.tif has no date: neither a tag"
    ):
        find(tmp_path)


def test_a_catalogue_in_the_folder_goes_first(tmp_path: Path) -> None:
    write_image(tmp_path / "20231209.tif")
    (tmp_path / "collection.json").write_text("{}")
    with pytest.raises(InputError, match="a STAC Catalog, Collection or API is needed"):
        find(tmp_path)
