"""Tiles read straight from the file against GDAL, and everything that is GDAL's to read."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from tasks.catalog.read import read_file
from tasks.catalog.tiff_layout import UnfitError, read_layout
from tasks.catalog.tiles import AT_ONCE_BYTES, open_tiles
from tasks.errors import SceneError
from tasks.model import BandAsset, Claim
from tests.catalog.servers import Answer, Files, serve
from tests.scenes import CRS, grid

SIDE, TILE = 300, 64
COG = {"driver": "GTiff", "tiled": True, "blockxsize": TILE, "blockysize": TILE, "compress": "deflate"}
WINDOWS = (
    Window(0, 0, SIDE, SIDE),
    Window(70, 130, 50, 60),  # inside one tile by its columns
    Window(63, 65, 2, 129),  # over a seam
    Window(290, 0, 10, 300),  # the last tiles are padded
)


def write(path: Path, dtype: str = "uint16", **options: Any) -> Path:
    rng = np.random.default_rng(3)
    count = options.get("count", 1)
    image = rng.normal(120, 40, (count, SIDE, SIDE)).clip(0, 250).astype(dtype)
    image[:, 64:128, 64:200] = 0  # a whole tile without data, and more
    profile: dict[str, Any] = {"transform": grid(0, 0, 1, 1).affine, "crs": CRS, **COG, **options}
    profile = {k: v for k, v in profile.items() if v is not None}
    with rasterio.open(path, "w", height=SIDE, width=SIDE, dtype=dtype, **{"count": 1, **profile}) as file:
        file.write(image)
    return path


def band(href: str, **more: Any) -> BandAsset:
    return BandAsset("nir", href, "reflectance", **more)


@pytest.mark.parametrize(
    ("dtype", "options"),
    [
        ("uint16", {"predictor": 2}),
        ("uint16", {"nodata": 0}),
        ("uint16", {"predictor": 2, "nodata": 65535, "sparse_ok": True}),
        ("uint8", {"predictor": 2, "bigtiff": "YES"}),
        ("int16", {"predictor": 2, "nodata": -9999}),
        ("float32", {"nodata": float("nan"), "sparse_ok": True, "zlevel": 1}),
        ("float32", {"predictor": 3, "nodata": -32768}),
        ("uint16", {"predictor": 2, "driver": "COG", "tiled": None, "blockxsize": None, "blockysize": None,
                    "blocksize": 128}),
    ],
)  # fmt: skip
def test_the_pixels_are_those_that_gdal_reads(tmp_path: Path, dtype: str, options: dict[str, Any]) -> None:
    path = write(tmp_path / "a.tif", dtype, **options)
    with serve(Files(tmp_path)) as address, rasterio.open(path) as file:
        tiles = open_tiles(f"{address}/a.tif")
        assert (tiles.crs, tiles.transform, tiles.shape) == (file.crs, file.transform, file.shape)
        np.testing.assert_equal((tiles.dtypes, tiles.nodatavals), (file.dtypes, file.nodatavals))
        for window in WINDOWS:
            wide = np.full((1, window.height, window.width + 5), 9, dtype)
            tiles.read([1], window=window, out=wide[:, :, 3:-2])
            np.testing.assert_array_equal(wide[:, :, 3:-2], file.read([1], window=window))
            assert (wide[:, :, :3] == 9).all()
            assert (wide[:, :, -2:] == 9).all()


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_any_window(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    path = folder / "a.tif"
    if not path.exists():
        write(path, predictor=2)
    row, col = (data.draw(st.integers(0, SIDE - 1)) for _ in range(2))
    height, width = (data.draw(st.integers(1, SIDE - first)) for first in (row, col))
    out = np.empty((1, height, width), "uint16")
    with serve(Files(folder)) as address, rasterio.open(path) as file:
        window = Window(col, row, width, height)
        open_tiles(f"{address}/a.tif").read([1], window=window, out=out)
        np.testing.assert_array_equal(out, file.read([1], window=window))


def test_bytes_are_held_in_portions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.tif", predictor=2)
    monkeypatch.setattr("tasks.catalog.tiles.AT_ONCE_BYTES", path.stat().st_size // 4)
    assert path.stat().st_size < AT_ONCE_BYTES
    with serve(Files(tmp_path)) as address, rasterio.open(path) as file:
        out = np.empty((1, SIDE, SIDE), "uint16")
        open_tiles(f"{address}/a.tif").read([1], window=WINDOWS[0], out=out)
        np.testing.assert_array_equal(out, file.read())


UNFIT: dict[str, tuple[str, dict[str, Any]]] = {
    "another codec": ("uint16", {"compress": "lzw"}),
    "another predictor": ("float32", {"predictor": 2}),
    "strips": ("uint16", {"tiled": None, "blockxsize": None, "blockysize": None}),
    "bands by pixel": ("uint16", {"count": 3, "interleave": "pixel"}),
    "another type": ("float64", {}),
    "big-endian": ("uint16", {"endianness": "BIG"}),
    "points, not areas": ("uint16", {"AREA_OR_POINT": "Point"}),
    "a CRS without a number": ("uint16", {"crs": "+proj=tmerc +lat_0=3 +lon_0=129 +k=0.99 +units=m"}),
    "degrees": ("uint16", {"crs": "EPSG:4326"}),
    "rotated": ("uint16", {"transform": Affine(10, 1, 5e5, 1, -10, 4.6e6)}),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_everything_else_is_left_to_gdal(tmp_path: Path, kind: str) -> None:
    dtype, options = UNFIT[kind]
    options = dict(options)
    point = options.pop("AREA_OR_POINT", None)
    path = write(tmp_path / "a.tif", dtype, **options)
    if point:
        with rasterio.open(path, "r+") as file:
            file.update_tags(AREA_OR_POINT=point)
    files = Files(tmp_path)
    with serve(files) as address:
        with pytest.raises(UnfitError):
            open_tiles(f"{address}/a.tif")
        if kind in ("degrees", "rotated", "a CRS without a number"):
            return  # such a file has no grid of a site
        box = grid(10, 20, 100, 90)
        one = read_file((band(f"{address}/a.tif"),), box)["nir"]
        asked = files.asked["/a.tif"]
        again = read_file((band(f"{address}/a.tif"),), box)["nir"]
        assert files.asked["/a.tif"] - asked < asked  # its kind is known by now
    with rasterio.open(path) as file:
        expected = file.read(1, window=Window(20, 10, 90, 100))
    np.testing.assert_array_equal(one, expected)
    np.testing.assert_array_equal(again, expected)


def test_another_grid_is_warped_by_gdal(tmp_path: Path) -> None:
    write(tmp_path / "a.tif", predictor=2)
    coarse = GeoBox((60, 60), grid(0, 0, 1, 1).affine * Affine.scale(2.5), CRS)
    local = read_file((band(str(tmp_path / "a.tif")),), coarse)["nir"]
    with serve(Files(tmp_path)) as address:
        np.testing.assert_array_equal(read_file((band(f"{address}/a.tif"),), coarse)["nir"], local)


def test_what_the_item_says_is_held_against_the_file(tmp_path: Path) -> None:
    write(tmp_path / "a.tif", predictor=2)
    with serve(Files(tmp_path)) as address, pytest.raises(SceneError, match=r"nir: .*EPSG:32601"):
        read_file((band(f"{address}/a.tif", claim=Claim(crs="EPSG:32601")),), grid(0, 0, 9, 9))


def test_the_signature_goes_along_and_nothing_else_is_asked(tmp_path: Path) -> None:
    write(tmp_path / "a b.tif", predictor=2)
    write(tmp_path / "a.tif", predictor=2)
    files, asked = Files(tmp_path), []

    def route(path: str, parameters: dict[str, Any]) -> Answer:
        asked.append((parameters.get("sig"), parameters["Range"] is not None))
        return files(path, parameters)

    with serve(route) as address:
        read_file((band(f"{address}/a.tif?sig=a%2Fb%3D&x=1"),), grid(70, 70, 100, 9))
        with pytest.raises(UnfitError, match="plain"):
            open_tiles(f"{address}/a%20b.tif")
    assert asked == [("a/b=", True)] * 3  # the header, and two rows of tiles


@pytest.mark.parametrize("times", [1, 10**6])
def test_a_spoilt_tile_is_no_pixels(tmp_path: Path, times: int) -> None:
    path = write(tmp_path / "a.tif", predictor=2)
    with rasterio.open(path) as file:
        expected = file.read(1)
        spoilt = int(file.get_tag_item("BLOCK_OFFSET_1_1", "TIFF", bidx=1)) + 1000
    whole = path.read_bytes()
    broken = whole[:spoilt] + bytes([whole[spoilt] ^ 8]) + whole[spoilt + 1 :]
    met, lock = Counter[str](), threading.Lock()

    def route(path: str, parameters: dict[str, Any]) -> Answer:
        first, _, last = (parameters["Range"] or "bytes=-").removeprefix("bytes=").partition("-")
        with lock:
            if not (first and last and int(first) <= spoilt <= int(last)):
                return 200, "image/tiff", whole
            met[path] += 1
            return 200, "image/tiff", broken if met[path] <= times else whole

    with serve(route) as address:
        if times > 1:
            with pytest.raises(SceneError, match="nir cannot be read"):
                read_file((band(f"{address}/a.tif"),), grid(0, 0, SIDE, SIDE))
        else:
            found = read_file((band(f"{address}/a.tif"),), grid(0, 0, SIDE, SIDE))["nir"]
            np.testing.assert_array_equal(found, expected)
            assert met["/a.tif"] > 1


@settings(deadline=None)
@given(st.data())
def test_a_header_of_any_bytes_is_a_layout_or_unfit(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "header.tif"
    if not path.exists():
        write(path, predictor=2)
    content = bytearray(path.read_bytes()[:4096])
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, 700))] = data.draw(st.integers(0, 255))
    whole = bytes(content[: data.draw(st.sampled_from([0, 3, 8, 100, 4096]))])
    try:
        layout = read_layout(lambda first, size: whole[first : first + size])
    except UnfitError:
        return
    assert layout.offsets.shape == layout.sizes.shape == tuple(
        -(-n // t) for n, t in zip(layout.shape, layout.tile, strict=True)
    )  # fmt: skip
