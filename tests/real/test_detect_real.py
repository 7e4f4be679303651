"""`roadstead detect` on real images: what the files do not say is told rightly from their numbers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.flows.tiny import answer, roadstead

REAL = Path(os.environ.get("ROADSTEAD_REAL_DATA", Path(__file__).parents[3] / "shared" / "real"))
PORTS = ("cartagena", "honolulu")
"""Two of the five are enough: what is asked is whether an image is read the same way, not what is found."""

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason=f"no real images at {REAL}")


def told(tmp_path: Path, *args: str | Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What a run says of its one image, and its vessels."""
    out = tmp_path / "vessels.geojson"
    (image,) = answer(roadstead("detect", *args, "--out", out, "--json"))["images"]
    return image, [feature["properties"] for feature in json.loads(out.read_text())["features"]]


@pytest.mark.parametrize("port", PORTS)
def test_a_folder_of_bands_gives_what_its_catalogue_entry_gives(tmp_path: Path, port: str) -> None:
    (item,) = (REAL / "sen2ships" / "items").glob(f"S2_{port}_*.json")
    stated, from_item = told(tmp_path, item)
    guessed, from_folder = told(tmp_path, REAL / "sen2ships" / port)
    assert stated["assumed"] == []
    assert guessed["assumed"] == ["no scale in the file: numbers above 20000 taken as reflectance × 65535"]
    assert (stated["sensor"], guessed["sensor"]) == ("sentinel-2", "optical")
    assert len(from_item) == len(from_folder) > 0
    same = ("longitude", "latitude", "length_m", "heading_deg", "score")
    for one, other in zip(from_item, from_folder, strict=True):
        np.testing.assert_allclose([one[k] for k in same], [other[k] for k in same], rtol=1e-6)
    assert guessed["acquired"] is None
    assert stated["acquired"].startswith("2023-")


def test_linear_power_of_two_polarisations_is_one_image(tmp_path: Path) -> None:
    name = "S1A_T137-292321-IW1_20230101T015906.tif"
    image, _ = told(tmp_path, *(REAL / "opera-rtc" / band / name for band in ("vh", "vv")))
    assert image["bands"] == ["vv", "vh"]
    assert (image["units"], image["pixel_m"], image["acquired"]) == ("1", 30.0, "2023-01-01T01:59:06Z")
    assert image["searched_km2"] == pytest.approx(9.0, rel=0.01)


def test_an_eight_bit_picture_is_uncalibrated_decibels(tmp_path: Path) -> None:
    (scene,) = (REAL / "latakia-s1" / "vv").glob("S1A_IW_GRDH_1SDV_20230203T034313_*.tif")
    image, vessels = told(tmp_path, scene, "--site", "latakia")
    assert (image["units"], image["bands"]) == ("relative dB", ["vv"])
    assert image["acquired"] == "2023-02-03T03:43:13Z"
    assert image["seen_share"] > 0.95
    assert all(vessel["zone_id"] for vessel in vessels)
