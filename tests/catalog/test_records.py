from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.catalog.records import newest_of_each, rights_of, scene_record
from tasks.errors import SceneError
from tasks.model import RADAR_BANDS, BandAsset, Rights, SceneRef
from tests.scenes import FIRST, make_item, passes

SAMPLES = Path(
    os.environ.get("ROADSTEAD_STAC_SAMPLES") or Path(__file__).parents[3] / "shared" / "stac-samples"
)
recorded = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason=f"no recorded catalogue answers at {SAMPLES} (set ROADSTEAD_STAC_SAMPLES)"
)

REAL = Path(os.environ.get("ROADSTEAD_REAL_DATA", Path(__file__).parents[3] / "shared" / "real"))
real = pytest.mark.skipif(not REAL.is_dir(), reason=f"no real images at {REAL} (set ROADSTEAD_REAL_DATA)")


def item(**properties: Any) -> dict[str, Any]:
    """A good item; a property given as None is null in it."""
    good = make_item(passes(1)[0])
    good["properties"] |= properties
    return good


def sample(pattern: str) -> list[dict[str, Any]]:
    """Items in the recorded answers whose file names fit."""
    found: list[dict[str, Any]] = []
    for path in sorted(SAMPLES.glob(pattern)):
        document = json.loads(path.read_text())
        found += document["features"] if document["type"] == "FeatureCollection" else [document]
    found = [one for one in found if one["type"] == "Feature"]
    assert found, f"no item at {SAMPLES / pattern}"
    return found


@recorded
@pytest.mark.parametrize(
    ("pattern", "bands", "orbit", "direction", "acquired"),
    [
        ("sentinel-1/rtc/**/S1A*.json", ["vv", "vh"], 121, "ascending", datetime(2020, 1, 3, 23, 36, 21)),
        ("sentinel-1/rtc/**/S1B*.json", ["vv", "vh"], 49, "ascending", datetime(2016, 11, 21, 1, 9, 37)),
        (
            "sentinel-1/grd/*/S1A_IW*.json",
            ["vv", "vh"],
            59,
            "ascending",
            datetime(2021, 8, 9, 17, 40, 5, 653288),
        ),
        (
            "sentinel-1/grd/*/S1A_EW*.json",
            ["hh", "hv"],
            20,
            "descending",
            datetime(2022, 11, 30, 1, 44, 14, 692855),
        ),
    ],
)
def test_real_radar_items(
    pattern: str, bands: list[str], orbit: int, direction: str, acquired: datetime
) -> None:
    (one,) = sample(pattern)
    scene = scene_record(one)
    assert [b.name for b in scene.bands] == bands
    assert {b.units for b in scene.bands} == {"1"}
    assert all(b.name in b.href.lower() for b in scene.bands)
    assert (scene.orbit, scene.direction, scene.acquired) == (orbit, direction, acquired.replace(tzinfo=UTC))
    assert scene.platform in ("sentinel-1a", "sentinel-1b")


@recorded
@pytest.mark.parametrize(
    ("pattern", "tile"),
    [
        ("sentinel-1/rtc/**/S1A*.json", "MGRS-17RMJ"),
        ("planetary*sentinel-2*.json", "MGRS-60VUK@20181231T235957"),
        ("earth-search*sentinel-2-l2a.json", "MGRS-20EPT@20250731T131905"),
    ],
)
def test_tiles_of_real_items(pattern: str, tile: str) -> None:
    """Tiles of one pass bear one time; without their names they would pass for re-deliveries."""
    assert scene_record(sample(pattern)[0]).tile == tile


@recorded
def test_nodata_of_real_items() -> None:
    (one,) = sample("sentinel-1/rtc/**/S1A*.json")
    assert {b.nodata for b in scene_record(one).bands} == {0.0}
    (one,) = sample("sentinel-1/grd/*/S1A_IW*.json")
    assert {b.nodata for b in scene_record(one).bands} == {None}


@recorded
def test_real_earth_search_radar() -> None:
    found = [scene_record(one) for one in sample("earth-search*sentinel-1-grd.json")]
    assert {tuple(b.name for b in s.bands) for s in found} == {("hh",)}
    assert {s.orbit for s in found} == {56}
    assert len({s.acquisition for s in found}) == len(found)  # slices of one pass do not replace each other


@recorded
@pytest.mark.parametrize("pattern", ["earth-search*sentinel-*2-*.json", "planetary*sentinel-2*.json"])
def test_real_optical_items_have_no_radar_band(pattern: str) -> None:
    whole = [one for one in sample(pattern) if "assets" in one]  # some questions left fields out
    assert whole
    for one in whole:
        scene = scene_record(one)
        assert not {b.name for b in scene.bands} & set(RADAR_BANDS)
        assert scene.assets == tuple(sorted(one["assets"]))
        assert scene.cloud_cover == one["properties"].get("eo:cloud_cover")


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"datetime": "2023-10-01T21:31:12Z"}, FIRST),
        ({"datetime": "2023-10-01T21:31:12"}, FIRST),
        ({"datetime": "2023-10-02T06:31:12+09:00"}, FIRST),
        ({"datetime": datetime(2023, 10, 1, 21, 31, 12)}, FIRST),
        ({"datetime": None, "start_datetime": "2023-10-01T21:31:12Z"}, FIRST),
    ],
)
def test_times(properties: dict[str, Any], expected: datetime) -> None:
    acquired = scene_record(item(**properties)).acquired
    assert (acquired, acquired.tzinfo) == (expected, UTC)


@pytest.mark.parametrize(
    ("bbox", "expected"),
    [
        ([130.0, 42.0, 131.0, 43.0], (130.0, 42.0, 131.0, 43.0)),
        ([130.0, 42.0, -5.0, 131.0, 43.0, 99.0], (130.0, 42.0, 131.0, 43.0)),
        ({"xmin": 130, "ymin": 42, "xmax": 131, "ymax": 43}, (130.0, 42.0, 131.0, 43.0)),
        (None, None),
    ],
)
def test_boxes(bbox: Any, expected: Any) -> None:
    assert scene_record(item() | {"bbox": bbox}).bbox == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("S1A_IW_GRDH_1SDV_20210809T173953_20210809T174018_039156_049F13", 59),  # as its item states
        ("S1B_IW_GRDH_1SDV_20161121T010910_20161121T010935_003050_0052EE_ABCD", 49),
        ("S1C_IW_GRDH_1SDV_20250401T000000_20250401T000025_001700_0052EE", (1700 - 172) % 175 + 1),
        ("somebody's picture", 0),
    ],
)
def test_orbits_from_names(name: str, expected: int) -> None:
    assert scene_record(item(**{"sat:relative_orbit": None}) | {"id": name}).orbit == expected


@pytest.mark.parametrize(
    ("assets", "expected"),
    [
        ({"VH": {"href": "h"}, "VV": {"href": "v"}}, [("vv", "v"), ("vh", "h")]),
        ({"sigma0-vv": {"href": "v"}}, [("vv", "v")]),
        ({"gamma0_vv": {"href": "g"}, "vv": {"href": "v"}}, [("vv", "v")]),
        ({"data": {"href": "v", "sar:polarizations": ["VV"]}}, [("vv", "v")]),
        ({"both": {"href": "x", "sar:polarizations": ["VV", "VH"]}}, []),
        ({"schema-product-vv": {"href": "x"}, "vv_thumbnail": {"href": "x"}}, []),
        ({}, []),
        (None, []),
    ],
)
def test_bands_by_key(assets: Any, expected: list[tuple[str, str]]) -> None:
    assert [(b.name, b.href) for b in scene_record(item() | {"assets": assets}).bands] == expected


@pytest.mark.parametrize(
    ("asset", "expected"),
    [
        ({}, ("1", None)),
        ({"raster:bands": [{"unit": "dB", "nodata": -32768}]}, ("dB", -32768.0)),
        ({"bands": [{"unit": "decibel"}], "nodata": 0}, ("dB", 0.0)),
        ({"unit": "relative dB"}, ("relative dB", None)),
        ({"raster:bands": [{"unit": "sigma0, dB, uncalibrated"}]}, ("relative dB", None)),
        ({"raster:bands": []}, ("1", None)),
        ({"raster:bands": [{"unit": "doubled"}]}, ("1", None)),
    ],
)
def test_units_and_nodata(asset: dict[str, Any], expected: tuple[str, float | None]) -> None:
    (band,) = scene_record(item() | {"assets": {"vv": {"href": "v", **asset}}}).bands
    assert (band.units, band.nodata) == expected


@pytest.mark.parametrize("scene_id", [None, "", 7])
def test_an_item_needs_an_id(scene_id: Any) -> None:
    with pytest.raises(SceneError, match=r"item id is .*; a non-empty string is needed"):
        scene_record(item() | {"id": scene_id})


# Deliveries of one acquisition

SCENE = scene_record(make_item(passes(1)[0]))


def delivery(scene_id: str, processing: str = "", href: str = "a", collection: str = "c") -> SceneRef:
    bands = (BandAsset("vv", href, "1"),)
    return replace(SCENE, scene_id=scene_id, processing=processing, bands=bands, collection=collection)


def test_the_newest_processing_wins() -> None:
    old, new = delivery("z", "2023-10-02"), delivery("a", "2023-10-05")
    assert newest_of_each([old, new]) == ((replace(new, supersedes=("z",), older=(old,)),), ("z",))


def test_among_equals_the_greatest_id_wins() -> None:
    one, other, third = (delivery(scene_id, "5") for scene_id in "abc")
    older = (replace(other, supersedes=("a",)), one)
    kept = (replace(third, supersedes=("a", "b"), older=older),)
    assert newest_of_each([third, one, other]) == (kept, ("a", "b"))


def test_an_older_spelling_of_the_same_moment_is_not_older() -> None:
    one, other = (
        scene_record(item(updated=text)) for text in ("2023-11-02T03:04:05Z", "2023-11-02T03:04:05+00:00")
    )
    assert one.processing == other.processing
    assert scene_record(item(updated="2023-11-02T03:04:05.5Z")).processing > one.processing


def test_other_acquisitions_do_not_replace_each_other() -> None:
    others = [
        SCENE,
        replace(SCENE, scene_id="b", tile="52TES"),
        replace(SCENE, scene_id="c", platform="sentinel-1b"),
        replace(SCENE, scene_id="d", orbit=7),
        replace(SCENE, scene_id="e", collection="other"),
        replace(SCENE, scene_id="f", acquired=FIRST.replace(second=13)),
    ]
    kept, superseded = newest_of_each(others)
    assert {s.scene_id for s in kept} == {s.scene_id for s in others}
    assert superseded == ()


deliveries = st.builds(
    delivery,
    st.sampled_from("abcd"),
    st.sampled_from(["", "1", "2"]),
    st.sampled_from("xy"),
    st.sampled_from(["c", "d"]),
)


@settings(deadline=None, database=None)
@given(st.lists(deliveries, max_size=8), st.randoms(use_true_random=False))
def test_the_choice_does_not_depend_on_order_or_repetition(listed: list[SceneRef], rng: Any) -> None:
    shuffled = listed + listed[:2]
    rng.shuffle(shuffled)
    kept, superseded = newest_of_each(listed)
    assert newest_of_each(shuffled) == (kept, superseded)
    assert newest_of_each(kept) == (tuple(replace(s, supersedes=(), older=()) for s in kept), ())
    assert {s.scene_id for s in kept} | set(superseded) == {s.scene_id for s in listed}
    assert not {s.scene_id for s in kept} & set(superseded)
    for scene in listed:  # the obvious twin
        rivals = [s for s in listed if (s.collection, s.acquisition) == (scene.collection, scene.acquisition)]
        best = max((s.processing, s.scene_id) for s in rivals)
        assert best in [(k.processing, k.scene_id) for k in kept if k.collection == scene.collection]
    for scene in kept:
        ranks = [(s.processing, s.scene_id) for s in (scene, *scene.older)]
        assert ranks == sorted(ranks, reverse=True)
        assert {s.scene_id for s in scene.older} == set(scene.supersedes)


@pytest.mark.parametrize(
    ("described", "rights"),
    [
        ({}, Rights()),
        ({"license": " CC-BY-4.0 "}, Rights("CC-BY-4.0")),
        (
            {
                "license": "proprietary",
                "providers": [
                    {"name": "Microsoft", "roles": ["host", "processor"]},
                    {"name": "Planet Labs,\n PBC", "roles": ["producer", "licensor"]},
                    {"name": "Planet Labs, PBC", "roles": ["licensor"]},
                ],
            },
            Rights("proprietary", "Planet Labs PBC"),
        ),
        ({"license": "other", "providers": [{"name": "A host"}]}, Rights("other", "A host")),
        ({"license": None, "providers": "nobody"}, Rights()),
        ({"license": {"id": 3}, "providers": [None, 3, {"roles": None}, {"url": "x"}]}, Rights()),
    ],
)
def test_rights_are_those_of_who_made_the_images(described: dict[str, Any], rights: Rights) -> None:
    assert rights_of(described) == rights


def test_an_items_own_licence_is_read() -> None:
    one = item(license="CC-BY-4.0", providers=[{"name": "Umbra", "roles": ["producer"]}])
    assert scene_record(one).rights == Rights("CC-BY-4.0", "Umbra")
