"""Many scenes at a time: order, bounds, failures, requests."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from tasks.catalog.read import read_planes, read_scenes
from tasks.errors import SceneError
from tasks.model import BandAsset, SceneRef
from tests.catalog.servers import Answer, Files, serve
from tests.scenes import CRS, FIRST, grid, write_tiff

BOX = grid(5, 5, 30, 30)
SOURCE = grid(0, 0, 40, 50)


def write_scenes(folder: Path, count: int, bands: tuple[str, ...] = ("vv", "vh")) -> None:
    rng = np.random.default_rng(0)
    for number in range(count):
        for band in bands:
            plane = rng.gamma(4, 1, (40, 50)).astype("float32")
            write_tiff(folder / f"{number}_{band}.tif", plane, CRS, SOURCE.affine)


def refs(root: object, count: int, bands: tuple[str, ...] = ("vv", "vh")) -> list[SceneRef]:
    return [
        SceneRef(
            f"scene{number}",
            "c",
            FIRST + timedelta(days=number),
            tuple(BandAsset(band, f"{root}/{number}_{band}.tif", "1") for band in bands),
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("threads", [1, 3, 8])
@pytest.mark.parametrize("count", [0, 1, 7])
def test_all_scenes_in_their_order(tmp_path: Path, threads: int, count: int) -> None:
    write_scenes(tmp_path, count)
    given = refs(tmp_path, count)[::-1]
    found = list(read_scenes(given, BOX, threads=threads))
    assert [scene for scene, _ in found] == given
    for scene, planes in found:
        assert isinstance(planes, dict)
        assert list(planes) == ["vv", "vh"]
        for name, plane in read_planes(scene, BOX).items():
            np.testing.assert_array_equal(planes[name], plane)


def test_a_scene_without_bands(tmp_path: Path) -> None:
    write_scenes(tmp_path, 2)
    bare = SceneRef("bare", "c", FIRST, ())
    one, two = refs(tmp_path, 2)
    assert [len(planes) for _, planes in read_scenes([bare, one, bare, two], BOX) if planes != 0] == [
        0, 2, 0, 2,
    ]  # fmt: skip


def test_a_broken_band_is_its_scenes_fault_alone(tmp_path: Path) -> None:
    write_scenes(tmp_path, 5)
    (tmp_path / "1_vh.tif").unlink()
    (tmp_path / "3_vv.tif").write_text("<html>")
    found = [planes for _, planes in read_scenes(refs(tmp_path, 5), BOX, threads=2)]
    assert [isinstance(planes, SceneError) for planes in found] == [False, True, False, True, False]
    assert "vh cannot be read" in str(found[1])
    assert "vv cannot be read" in str(found[3])


def test_closing_early_leaves_nothing_under_way(tmp_path: Path) -> None:
    write_scenes(tmp_path, 12)
    files = Files(tmp_path)
    with serve(files) as address:
        reading = read_scenes(refs(address, 12), BOX, threads=3)
        next(reading)
        reading.close()  # type: ignore[attr-defined]
        asked = len(files.asked)
        time.sleep(0.2)
        assert len(files.asked) == asked
    assert len(files.asked) < 24  # what had not begun never does


@pytest.mark.parametrize("threads", [1, 4, 8])
def test_no_more_planes_are_held_than_promised(tmp_path: Path, threads: int) -> None:
    write_scenes(tmp_path, 12)
    files = Files(tmp_path)
    with serve(files) as address:
        for done, _ in enumerate(read_scenes(refs(address, 12), BOX, threads=threads)):
            assert len(files.asked) <= 2 * done + threads + 2


def test_all_threads_read_at_once(tmp_path: Path) -> None:
    """Each file's first answer waits until all six files have been asked for."""
    write_scenes(tmp_path, 6)
    files, together, met = Files(tmp_path), threading.Barrier(6, timeout=20), set[str]()
    lock = threading.Lock()

    def route(path: str, parameters: dict[str, Any]) -> Answer:
        with lock:
            first = path not in met
            met.add(path)
        if first:
            together.wait()
        return files(path, parameters)

    with serve(route) as address:
        found = list(read_scenes(refs(address, 6), BOX, threads=6))
    assert len(found) == 6
    assert all(isinstance(planes, dict) for _, planes in found)
    assert not together.broken


# What it costs


def write_cog(path: Path, bands: int = 1, **options: Any) -> np.ndarray:
    image = np.random.default_rng(1).integers(1, 4000, (bands, 1024, 1024)).astype("uint16")
    profile = {"driver": "GTiff", "tiled": True, "blockxsize": 128, "blockysize": 128, "compress": "deflate"}
    profile |= {"height": 1024, "width": 1024, "count": bands, "dtype": "uint16", "crs": CRS, **options}
    with rasterio.open(path, "w", transform=grid(0, 0, 1, 1).affine, **profile) as file:
        file.write(image)
    return image


def test_requests_and_bytes(tmp_path: Path) -> None:
    """A window on 3 × 3 tiles: the header, and one request a row of tiles."""
    image = write_cog(tmp_path / "0_vv.tif")
    with rasterio.open(tmp_path / "0_vv.tif") as file:
        tiles = [(row, col) for row in (2, 3, 4) for col in (2, 3, 4)]
        needed = sum(int(file.get_tag_item(f"BLOCK_SIZE_{c}_{r}", "TIFF", bidx=1)) for r, c in tiles)
    files, sent = Files(tmp_path), Counter[str]()
    with serve(files, sent) as address:
        ((_, planes),) = read_scenes(refs(address, 1, ("vv",)), grid(300, 310, 250, 250))
    assert isinstance(planes, dict)
    np.testing.assert_array_equal(planes["vv"], image[0, 300:550, 310:560])
    assert files.asked["/0_vv.tif"] <= 4
    assert sent["/0_vv.tif"] <= 1.05 * needed + 16384


@pytest.mark.parametrize("interleave", ["pixel", "band"])
def test_bands_of_one_file_are_read_together(tmp_path: Path, interleave: str) -> None:
    image = write_cog(tmp_path / "whole.tif", 4, interleave=interleave)
    names = ("blue", "green", "red", "nir")
    files = Files(tmp_path)
    with serve(files) as address:
        order = (2, 4, 1, 3)
        bands = tuple(
            BandAsset(n, f"{address}/whole.tif", "reflectance", index=k)
            for n, k in zip(names, order, strict=True)
        )
        ((_, planes),) = read_scenes([SceneRef("s", "c", FIRST, bands)], grid(-10, 900, 200, 200))
    assert isinstance(planes, dict)
    assert list(planes) == list(names)
    for name, index in zip(names, order, strict=True):
        assert (planes[name][:10] == 0).all()
        assert (planes[name][:, 124:] == 0).all()
        np.testing.assert_array_equal(planes[name][10:, :124], image[index - 1, :190, 900:])
    assert files.asked["/whole.tif"] <= (4 if interleave == "pixel" else 10)
