"""What items say of their files, and files that are not what their items say."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from tasks.catalog.claims import claim_of, contradiction, same_crs
from tasks.catalog.read import read_header, read_planes
from tasks.catalog.records import scene_record
from tasks.errors import SceneError
from tasks.model import BandAsset, Claim, SceneRef
from tests.catalog.test_records import REAL, real, recorded, sample
from tests.scenes import CRS, FIRST, SCENE_BOX, make_item, passes, write_json, write_tiff

GRID = [10.0, 0.0, 600000.0, 0.0, -10.0, 4700040.0]
HOMOGENEOUS = [*GRID, 0.0, 0.0, 1.0]
SHAPE = [10980, 10980]


def claim(asset: dict[str, Any], properties: dict[str, Any] | None = None, **others: Any) -> Claim:
    assets = {"vv": asset, **others}
    return claim_of(asset, 1, properties or {}, assets)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"proj:code": "EPSG:32652"}, Claim(crs="EPSG:32652")),
        ({"proj:epsg": 32652}, Claim(crs="EPSG:32652")),
        ({"proj:epsg": 32652.0}, Claim(crs="EPSG:32652")),  # from a table with gaps
        ({"proj:epsg": math.nan}, Claim()),
        ({"proj:code": None, "proj:epsg": None}, Claim()),
        ({"proj:transform": GRID}, Claim(transform=tuple(GRID))),
        ({"proj:transform": HOMOGENEOUS}, Claim(transform=tuple(GRID))),
        ({"proj:transform": [600000, 10, 0, 4700040, 0, -10]}, Claim()),  # GDAL's order
        ({"proj:transform": GRID[:5]}, Claim()),
        ({"proj:transform": "north up"}, Claim()),
        ({"proj:shape": SHAPE}, Claim(shape=(10980, 10980))),
        ({"proj:shape": [10980]}, Claim()),
        ({"proj:shape": None}, Claim()),
    ],
)
def test_spellings(said: dict[str, Any], expected: Claim) -> None:
    assert claim({}, said) == expected
    assert claim(said) == expected


@pytest.mark.parametrize(
    ("said", "dtype"),
    [
        ({"raster:bands": [{"data_type": "uint16"}]}, "uint16"),
        ({"bands": [{"data_type": "float32"}]}, "float32"),
        ({"data_type": "uint8"}, "uint8"),
        ({"data_type": "uint8", "bands": [{"name": "a"}]}, "uint8"),
        ({"raster:bands": [{"data_type": "other"}]}, None),
        ({"raster:bands": [{"data_type": "cint16"}]}, None),
        ({"raster:bands": [{"data_type": 16}]}, None),
        ({"raster:bands": []}, None),
    ],
)
def test_types(said: dict[str, Any], dtype: str | None) -> None:
    assert claim(said).dtype == dtype


def test_the_type_of_the_band_itself() -> None:
    asset = {"raster:bands": [{"data_type": "uint16"}, {"data_type": "uint8"}]}
    assert [claim_of(asset, k, {}, {"a": asset}).dtype for k in (1, 2, 3)] == ["uint16", "uint8", None]


def test_an_asset_goes_before_its_item() -> None:
    item = {"proj:code": "EPSG:32652", "proj:transform": GRID, "proj:shape": SHAPE}
    own = {"proj:epsg": 32651, "proj:transform": [20, 0, 0, 0, -20, 0], "proj:shape": [10, 20]}
    assert claim(own, item) == Claim("EPSG:32651", (20, 0, 0, 0, -20, 0), (10, 20))
    assert claim({}, item, other=own) == Claim("EPSG:32652")  # the item's grid is then one of several
    assert claim({"gsd": 10}, item).shape == (10980, 10980)
    assert claim({"gsd": 20}, item) == Claim("EPSG:32652")
    assert claim({"raster:bands": [{"spatial_resolution": 60}]}, item) == Claim("EPSG:32652")


@pytest.mark.parametrize("mission", [{"constellation": "sentinel-2"}, {"platform": "Sentinel-2A"}])
def test_an_items_grid_says_nothing_of_sentinel_2s_bands(mission: dict[str, Any]) -> None:
    item = {"proj:epsg": 32652, "proj:transform": GRID, "proj:shape": SHAPE} | mission
    assert claim({}, item) == Claim("EPSG:32652")
    assert claim({"gsd": 10}, item) == Claim("EPSG:32652", tuple(GRID), (10980, 10980))
    assert claim({"gsd": 20}, item) == Claim("EPSG:32652")


@recorded
def test_claims_of_real_items() -> None:
    wide = {"blue": 10980, "green": 10980, "red": 10980, "nir": 10980, "swir16": 5490, "scl": 5490}
    for pattern in ("earth-search*sentinel-2-l2a.json", "earth-search*c1-l2a.json", "planetary*s*2*.json"):
        for one in sample(pattern):
            if not one.get("assets"):
                continue
            for band in scene_record(one).bands:
                side = wide[band.name]
                assert band.claim.shape == (side, side)
                assert band.claim.transform is not None
                assert band.claim.transform[0] * side == 109800
                assert band.claim.crs == f"EPSG:{one['properties']['proj:epsg']}"
                expected = {"uint8", None} if band.name == "scl" else {"uint16", None}
                assert band.claim.dtype in expected
    (one,) = sample("sentinel-1/rtc/**/S1A*.json")
    transform = (20, 0, 399960, 0, -20, 2900040)
    assert {b.claim for b in scene_record(one).bands} == {
        Claim("EPSG:32617", transform, (5490, 5490), "float32")
    }


@real
def test_real_files_keep_to_their_items() -> None:
    for collection in ("latakia-s1", "sen2ships", "opera-rtc"):
        for path in sorted((REAL / collection / "items").glob("*.json"))[:3]:
            for band in scene_record(json.loads(path.read_text())).bands:
                assert band.claim.crs is not None
                found = read_header(replace(band, href=str(path.parent / band.href)))
                assert same_crs(band.claim.crs, found.crs)


# Files


def delivered(folder: Path, band: str = "vv", **said: Any) -> BandAsset:
    """A good file, and an item that says something else of it."""
    (one,) = passes(1)
    item = make_item(one)
    href = write_tiff(folder / "vv.tif", one.planes["vv"])
    asset = item["assets"][band]
    asset["href"] = str(href)
    asset["raster:bands"][0] |= {"data_type": said.pop("data_type", "float32")}
    item["properties"] |= said
    write_json(folder / "item.json", item)
    return next(b for b in scene_record(item).bands if b.name == band)


TO = SCENE_BOX.affine
MOVED = tuple(TO * Affine.translation(0.02, 0))[:6]
NEAR = tuple(TO * Affine.translation(0.004, -0.004))[:6]
WIDER = (TO.a * 1.001, 0.0, TO.c, 0.0, TO.e, TO.f)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"proj:code": "EPSG:32651"}, r"vv: the item says EPSG:32651, the file is in EPSG:32652"),
        ({"proj:code": None, "proj:epsg": 3857}, r"vv: the item says EPSG:3857, the file is in EPSG:32652"),
        (
            {"proj:transform": MOVED},
            r"vv: the item says transform \(10, 0, 606600\.2, .*\), the file has \(10, 0, 606600, ",
        ),
        ({"proj:transform": WIDER}, r"vv: the item says transform \(10\.01, .*, the file has \(10, "),
        ({"proj:shape": [140, 141]}, r"vv: the item says 140 × 141 pixels, the file has 140 × 140"),
        ({"data_type": "uint16"}, r"vv: the item says uint16, the file holds float32"),
    ],
)
def test_a_file_that_is_not_what_its_item_says(tmp_path: Path, said: dict[str, Any], message: str) -> None:
    band = delivered(tmp_path, **said)
    for read in (lambda: read_header(band), lambda: read_planes(scene_of(band), SCENE_BOX)):
        with pytest.raises(SceneError, match=message) as raised:
            read()
        assert raised.value.permanent


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"proj:transform": NEAR},
        {"proj:transform": None, "proj:shape": None, "proj:code": None},
        {"proj:code": "EPSG:999999"},
        {"proj:code": "IAU_2015:30100x"},
        {"proj:code": pyproj.CRS(CRS).to_wkt()},
        {"proj:code": "epsg:32652"},
        {"data_type": "float"},
    ],
)
def test_a_file_that_keeps_to_what_can_be_understood(tmp_path: Path, said: dict[str, Any]) -> None:
    band = delivered(tmp_path, **said)
    assert read_header(band).crs == CRS
    assert np.isfinite(read_planes(scene_of(band), SCENE_BOX)["vv"]).all()


def test_a_file_without_a_crs_is_refused_whatever_its_item_says(tmp_path: Path) -> None:
    band = delivered(tmp_path)
    write_tiff(Path(band.href), passes(1)[0].planes["vv"], None)
    with pytest.raises(SceneError, match="has no CRS"):
        read_header(band)


@given(
    st.floats(-0.3, 0.3),
    st.floats(-0.3, 0.3),
    st.floats(0.9999, 1.0001),
    st.integers(1, 12_000),
    st.integers(1, 12_000),
)
def test_a_grid_may_be_off_by_a_hundredth_of_a_pixel(
    right: float, down: float, wider: float, rows: int, cols: int
) -> None:
    found = Affine(10, 0, 600000, 0, -10, 4700040)
    said = found * Affine.translation(right, down) * Affine.scale(wider)
    corners = [(x, y) for x in (0, cols) for y in (0, rows)]
    off = max(abs(v) for x, y in corners for v in (right + (wider - 1) * x, down + (wider - 1) * y))
    wrong = contradiction(Claim(transform=tuple(said)[:6]), CRS, found, (rows, cols), "uint8")
    if abs(off - 0.01) > 1e-4:
        assert (wrong is not None) == (off > 0.01)


def scene_of(band: BandAsset) -> SceneRef:
    return SceneRef("scene", "c", FIRST, (band,))
