from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from tasks.catalog.read import GDAL_OPTIONS, not_a_tiff, read_header, read_planes
from tasks.catalog.search import search
from tasks.errors import SceneError
from tasks.model import BandAsset, SceneRef
from tests.catalog.servers import Files, serve
from tests.scenes import (
    CRS,
    FIRST,
    NORTH,
    PIXEL_M,
    WEST,
    WINDOW,
    grid,
    make_collection,
    passes,
    site_bbox,
    write_tiff,
)

SOURCE = grid(0, 0, 40, 50)
POWER = np.arange(1, 40 * 50 + 1, dtype="float32").reshape(40, 50)


def read(href: object, box: GeoBox, nodata: float | None = None) -> np.ndarray:
    band = BandAsset("vv", str(href), "1", nodata)
    return read_planes(SceneRef("scene", "c", FIRST, (band,)), box)["vv"]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return write_tiff(tmp_path / "vv.tif", POWER, CRS, SOURCE.affine)


@pytest.mark.parametrize(
    ("row", "col", "height", "width"),
    [
        (0, 0, 40, 50),  # as it is
        (7, 11, 5, 6),  # inside
        (-3, 45, 10, 12),  # over the upper right corner
        (35, -4, 30, 100),  # over three edges
        (-5, -6, 60, 70),  # around it
    ],
)
def test_a_window_on_the_same_grid_is_the_pixels_themselves(
    image: Path, row: int, col: int, height: int, width: int
) -> None:
    plane = read(image, grid(row, col, height, width))
    expected = np.full((height, width), np.nan, "float32")
    for r in range(height):
        for c in range(width):
            if 0 <= row + r < 40 and 0 <= col + c < 50:
                expected[r, c] = POWER[row + r, col + c]
    np.testing.assert_array_equal(plane, expected)
    assert plane.dtype == np.float32


def test_a_window_beside_the_scene_holds_no_data(image: Path) -> None:
    assert np.isnan(read(image, grid(100, 100, 8, 8))).all()
    integers = write_tiff(image.with_name("db.tif"), POWER.astype("uint8"), CRS, SOURCE.affine)
    assert (read(integers, grid(100, 100, 8, 8)) == 0).all()
    assert np.isnan(read(image, GeoBox((9, 9), Affine(10, 0, 0, 0, -10, 100), "EPSG:32601"))).all()


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "uint8"])
@pytest.mark.parametrize(("tag", "stated"), [(7, None), (None, 7), (7, 7), (99, 7)])
@pytest.mark.parametrize("box", [SOURCE, grid(0, 0, 20, 25, pixel_m=20.0)], ids=["same grid", "warped"])
def test_nodata_is_one_thing_whatever_the_file_writes(
    tmp_path: Path, dtype: str, tag: float | None, stated: float | None, box: GeoBox
) -> None:
    plane = np.full((40, 50), 3, dtype)
    plane[10:20, 20:30] = 7
    found = read(write_tiff(tmp_path / "a.tif", plane, CRS, SOURCE.affine, tag), box, stated)
    floating = np.issubdtype(np.dtype(dtype), np.floating)
    empty = np.isnan(found) if floating else found == 0
    scale = box.affine.a / PIXEL_M
    expected = np.zeros(box.shape, bool)
    expected[int(10 / scale) : int(20 / scale), int(20 / scale) : int(30 / scale)] = True
    np.testing.assert_array_equal(empty, expected)
    assert (found[~empty] == 3).all()
    assert found.dtype == dtype


def test_nan_stated_of_integers_is_ignored(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", np.full((40, 50), 3, "uint8"), CRS, SOURCE.affine)
    plane = read(path, grid(-1, 0, 41, 50), float("nan"))
    assert plane[0].max() == 0
    assert plane[1:].min() == 3


def place(box: GeoBox, row: float, col: float, crs: str = CRS) -> tuple[float, float]:
    """Middle of a pixel in another CRS."""
    to = box.affine
    x, y = to.c + (col + 0.5) * to.a, to.f + (row + 0.5) * to.e
    found: tuple[float, float] = Transformer.from_crs(str(box.crs), crs, always_xy=True).transform(x, y)
    return found


@pytest.mark.parametrize(
    "box",
    [
        GeoBox((60, 70), Affine(10, 0, WEST - 103, 0, -10, NORTH + 57), CRS),  # off by a part of a pixel
        GeoBox((30, 35), Affine(20, 0, WEST - 100, 0, -20, NORTH + 60), CRS),
        GeoBox((90, 90), Affine(10, 0, 0, 0, -10, 0), "EPSG:32651"),  # placed below
        GeoBox((90, 90), Affine(0.0001, 0, 0, 0, -0.0001, 0), "EPSG:4326"),
    ],
    ids=["shifted", "coarser", "other zone", "degrees"],
)
def test_a_warped_target_stays_in_its_place(tmp_path: Path, box: GeoBox) -> None:
    plane = np.full((40, 50), 0.01, "float32")
    plane[17:20, 31:34] = 50.0
    path = write_tiff(tmp_path / "vv.tif", plane, CRS, SOURCE.affine)
    x, y = place(SOURCE, 18, 32, str(box.crs))
    if box.affine.c == 0:
        to = box.affine
        box = GeoBox(box.shape, Affine(to.a, 0, x - 41.3 * to.a, 0, to.e, y - 37.8 * to.e), box.crs)
    found = np.nan_to_num(read(path, box))
    rows, cols = np.indices(found.shape)
    weight = np.where(found > 1, found, 0)
    assert weight.sum() > 0
    row, col = (rows * weight).sum() / weight.sum(), (cols * weight).sum() / weight.sum()
    to = box.affine
    assert abs(row - ((y - to.f) / to.e - 0.5)) < 1
    assert abs(col - ((x - to.c) / to.a - 0.5)) < 1


@pytest.mark.parametrize("projection", [True, False], ids=["with proj:*", "without"])
def test_from_catalogue_to_pixels(tmp_path: Path, projection: bool) -> None:
    (one,) = passes(1)
    make_collection(tmp_path, one, projection=projection)
    (scene,) = search(str(tmp_path), site_bbox(), FIRST.date(), FIRST.date()).scenes
    planes = read_planes(scene, WINDOW)
    assert list(planes) == ["vv", "vh"]
    for name, plane in planes.items():
        np.testing.assert_array_equal(plane, one.planes[name][10:-10, 10:-10])
    header = read_header(scene.bands[0])
    assert (header.crs, header.transform, header.dtype) == (CRS, one.box.affine, "float32")
    assert header.nodata is not None
    assert np.isnan(header.nodata)


# Files that are not what they claim


VRT = """<VRTDataset rasterXSize="50" rasterYSize="40"><SRS>EPSG:32652</SRS>
<GeoTransform>607000, 10, 0, 4674000, 0, -10</GeoTransform>
<VRTRasterBand dataType="Byte" band="1" subClass="{kind}">{source}</VRTRasterBand></VRTDataset>"""
RAW = (
    "<SourceFilename relativeToVRT='0'>{secret}</SourceFilename>"
    "<PixelOffset>1</PixelOffset><LineOffset>50</LineOffset>"
)
SIMPLE = "<SimpleSource><SourceFilename>{secret}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>"


@pytest.mark.parametrize(("kind", "source"), [("VRTRawRasterBand", RAW), ("VRTSourcedRasterBand", SIMPLE)])
@pytest.mark.parametrize("where", ["on disk", "over http", "in the href"])
def test_a_disguised_vrt_reads_no_secret(tmp_path: Path, kind: str, source: str, where: str) -> None:
    stolen = Files(tmp_path / "secret")
    served = Files(tmp_path / "served")
    write_tiff(tmp_path / "secret" / "key.tif", np.full((40, 50), 42, "uint8"), CRS, SOURCE.affine)
    with serve(stolen) as inside, serve(served) as outside:
        secret = (
            tmp_path / "secret" / "key.tif" if kind == "VRTRawRasterBand" else f"/vsicurl/{inside}/key.tif"
        )
        text = VRT.format(kind=kind, source=source.format(secret=secret))
        disguised = tmp_path / "served" / "vv.tif"
        disguised.parent.mkdir()
        disguised.write_text(text)
        href = {"on disk": str(disguised), "over http": f"{outside}/vv.tif", "in the href": text}[where]
        with pytest.raises(SceneError, match="vv cannot be read"):
            read(href, SOURCE)
        with pytest.raises(SceneError, match="vv cannot be read"):
            read_header(BandAsset("vv", href, "1"))
    assert not stolen.asked


def broken_files(folder: Path) -> dict[str, str]:
    """Files that cannot be read, and what is said of each."""
    whole = write_tiff(
        folder / "whole.tif", np.random.default_rng(1).gamma(4, 1, (40, 50)), CRS, SOURCE.affine
    )
    (folder / "half.tif").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    (folder / "head.tif").write_bytes(whole.read_bytes()[:6])
    (folder / "page.tif").write_text("<html>please log in</html>")
    (folder / "empty.tif").write_bytes(b"")
    write_tiff(folder / "lost.tif", POWER, None, SOURCE.affine)
    write_tiff(folder / "bomb.tif", np.zeros((1, 200_001), "uint8"), CRS, SOURCE.affine, sparse_ok=True)
    return {
        "half.tif": "vv cannot be read: .*half.tif",
        "head.tif": "vv cannot be read: .*head.tif",
        "page.tif": "vv cannot be read: .*page.tif",
        "empty.tif": "vv cannot be read: .*empty.tif",
        "none.tif": "vv cannot be read: .*(none.tif|404)",
        "lost.tif": "lost.tif has no CRS; a georeferenced GeoTIFF is needed",
        "bomb.tif": r"bomb.tif claims \(1, 200001\) pixels; at most 200000 a side is read",
    }


@pytest.mark.parametrize("remote", [False, True])
def test_a_crs_that_lies_nowhere_is_that_scenes_fault(tmp_path: Path, remote: bool) -> None:
    local = rasterio.crs.CRS.from_wkt('LOCAL_CS["somewhere",UNIT["metre",1]]')
    path = write_tiff(tmp_path / "vv.tif", POWER, local, SOURCE.affine)
    with serve(Files(tmp_path)) as address, pytest.raises(SceneError, match="vv cannot be read") as raised:
        read(f"{address}/vv.tif" if remote else path, SOURCE)
    assert raised.value.permanent
    assert len(str(raised.value)) < 500


def test_a_broken_file_is_that_scenes_fault_for_good(tmp_path: Path) -> None:
    for name, message in broken_files(tmp_path).items():
        with pytest.raises(SceneError, match=message) as raised:
            read(tmp_path / name, SOURCE)
        assert raised.value.permanent


def test_no_message_holds_a_signature(tmp_path: Path) -> None:
    names = broken_files(tmp_path)
    with serve(Files(tmp_path)) as address:
        for name, message in names.items():
            with pytest.raises(SceneError, match=message) as raised:
                read(f"{address}/{name}?sv=2023&sig=SECRET", SOURCE)
            assert "SECRET" not in str(raised.value)


def test_a_busy_server_is_asked_again(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GDAL_OPTIONS, "GDAL_HTTP_RETRY_DELAY", "0.01")
    files = Files(image.parent, failing={"/vv.tif": [503, 429]})
    with serve(files) as address:
        np.testing.assert_array_equal(read(f"{address}/vv.tif", SOURCE), POWER)
    assert files.asked["/vv.tif"] > 2


def test_a_file_delivered_anew_is_read_anew(image: Path) -> None:
    with serve(Files(image.parent)) as address:
        read(f"{address}/vv.tif", SOURCE)
        write_tiff(image, POWER + 1, CRS, SOURCE.affine)
        np.testing.assert_array_equal(read(f"{address}/vv.tif", SOURCE), POWER + 1)


def test_nothing_but_the_image_is_asked_for(image: Path) -> None:
    files = Files(image.parent)
    with serve(files) as address:
        read(f"{address}/vv.tif", SOURCE)
    assert set(files.asked) == {"/vv.tif"}


@pytest.mark.parametrize("profile", [{}, {"BIGTIFF": "YES"}, {"ENDIANNESS": "BIG"}, {"driver": "COG"}])
def test_a_tiff_is_taken_for_one(tmp_path: Path, profile: dict[str, Any]) -> None:
    if "driver" in profile:
        path = tmp_path / "a.tif"
        options: dict[str, Any] = {"driver": "COG", "height": 40, "width": 50, "count": 1, "dtype": "float32"}
        with rasterio.open(path, "w", crs=CRS, transform=SOURCE.affine, **options) as image:
            image.write(POWER, 1)
    else:
        path = write_tiff(tmp_path / "a.tif", POWER, CRS, SOURCE.affine, **profile)
    assert not_a_tiff(str(path)) is None
    assert not_a_tiff(path.as_uri()) is None
    np.testing.assert_array_equal(read(path, SOURCE), POWER)


def test_what_is_no_tiff_is_named(tmp_path: Path) -> None:
    (tmp_path / "page.tif").write_text("<html>")
    (tmp_path / "empty.tif").touch()
    assert (
        not_a_tiff(str(tmp_path / "page.tif")) == f"{tmp_path}/page.tif is not a TIFF: it begins with b'<htm'"
    )
    assert (
        not_a_tiff(str(tmp_path / "empty.tif")) == f"{tmp_path}/empty.tif is not a TIFF: it begins with b''"
    )
    none = f"{tmp_path}/none.tif cannot be opened: No such file or directory"
    assert not_a_tiff(str(tmp_path / "none.tif")) == none
    assert not_a_tiff("https://store.example/none.tif") is None
