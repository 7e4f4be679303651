"""The publication as STAC: valid without a network, whole, and a witness against files that changed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pystac
import pytest
from pystac import STACObjectType, STACValidationError
from pystac.extensions.file import FileExtension
from pystac.extensions.table import TableExtension
from pystac.validation.stac_validator import JsonSchemaSTACValidator

from tasks.products.credit import credit
from tasks.products.manifest import read_manifest, write_manifest
from tasks.products.parquet import write_parquet
from tasks.products.spreadsheets import write_sheets
from tasks.products.stac import read_place, write_stac
from tasks.products.stac_assets import damaged_assets
from tasks.upkeep import verify
from tests.products.small_publication import DAYS, publish, scene_id
from tests.scenes import small_site


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return publish(tmp_path / "tiny")


def items(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(p.read_text()) for p in sorted((folder / "items").iterdir())]


def test_valid_by_the_schemas_of_the_standard(published: Path) -> None:
    validator = JsonSchemaSTACValidator()  # the core schemas are in pystac; no network
    collection = json.loads((published / "collection.json").read_text())
    for kind, one in (
        (STACObjectType.COLLECTION, collection),
        *((STACObjectType.ITEM, i) for i in items(published)),
    ):
        assert validator.validate_core(one, kind, one["stac_version"], href=one["id"])


def test_the_schemas_do_refuse(published: Path) -> None:
    broken = items(published)[0] | {"bbox": "everywhere"}
    with pytest.raises(STACValidationError):
        JsonSchemaSTACValidator().validate_core(broken, STACObjectType.ITEM, broken["stac_version"])


def test_a_stac_reader_walks_it(published: Path) -> None:
    collection = pystac.Collection.from_file(str(published / "collection.json"))
    found = {item.id: item for item in collection.get_items()}
    assert set(found) == {
        f"roadstead-tiny-{n}"
        for n in (
            "looks",
            "vessels",
            "stacks",
            "utilisation",
            "regimes",
            "balance",
            "stays",
            "series",
            "page",
        )
    }
    for item in found.values():
        assert item.get_collection() is collection
        for asset in item.assets.values():
            assert Path(asset.get_absolute_href() or "").exists()
    vessels = found["roadstead-tiny-vessels"]
    assert TableExtension.ext(vessels).row_count == 3
    assert TableExtension.ext(vessels).primary_geometry == "geometry"
    assert all(column.description for column in TableExtension.ext(vessels).columns)
    file = FileExtension.ext(vessels.assets["parquet"])
    data = (published / "vessels.parquet").read_bytes()
    assert (file.size, file.checksum) == (len(data), "1220" + hashlib.sha256(data).hexdigest())


def test_every_published_file_is_described(published: Path) -> None:
    described = {
        (published / "items" / a["href"]).resolve() for i in items(published) for a in i["assets"].values()
    }
    for path in published.iterdir():
        if path.name not in ("manifest.json", "collection.json", "items"):
            assert path.resolve() in described, path.name


def test_says_where_when_from_what_and_that_it_is_simulated(published: Path) -> None:
    collection = json.loads((published / "collection.json").read_text())
    assert collection["roadstead:inputs"] == {"s1": sorted(scene_id(day) for day in DAYS)}
    assert collection["roadstead:simulated"] is True
    assert "simulated" in collection["keywords"]
    assert "(simulated images)" in collection["title"]
    assert collection["attribution"] == "Zones: drawn for a test."
    assert collection["extent"]["temporal"]["interval"] == [["2023-10-01T21:31:12Z", "2023-10-25T21:31:12Z"]]
    west, south, east, north = collection["extent"]["spatial"]["bbox"][0]
    for zone in small_site().measured_zones:
        assert west <= zone.geometry.bounds[0] + 1e-6
        assert zone.geometry.bounds[3] <= north + 1e-6
    assert west < east
    assert south < north


def test_a_file_changed_behind_a_new_manifest_is_found(published: Path) -> None:
    assert verify(str(published))[0].damaged == ()
    (published / "looks.csv").write_text("another number")
    content = read_manifest(published)
    content.pop("files")
    write_manifest(published, content)
    (damage,) = verify(str(published))[0].damaged
    assert damage == {
        "what": "file",
        "name": "looks.csv",
        "reason": "has another checksum than its STAC item says",
    }


@pytest.mark.parametrize(
    ("href", "said"),
    [("../../outside.csv", "leads out of the publication"), ("../gone.csv", "is missing")],
)
def test_an_asset_elsewhere_is_no_asset(published: Path, href: str, said: str) -> None:
    (published.parent / "outside.csv").write_text("1")
    path = published / "items" / "roadstead-tiny-looks.json"
    item = json.loads(path.read_text())
    item["assets"]["csv"]["href"] = href
    path.write_text(json.dumps(item))
    assert said in damaged_assets(published).values()


@pytest.mark.parametrize("text", ["", "[]", '{"assets": 3}', '{"assets": {"a": {}}}'])
def test_an_item_that_is_none_is_named(published: Path, text: str) -> None:
    (published / "items" / "roadstead-tiny-looks.json").write_text(text)
    assert list(damaged_assets(published)) == ["items/roadstead-tiny-looks.json"]


def test_pictures_are_assets_with_their_captions(tmp_path: Path) -> None:
    home = tmp_path / "tiny" / "evidence"
    home.mkdir(parents=True)
    (home / "a.webp").write_bytes(b"RIFF")
    chip = {"name": "a.webp", "caption": "A ship", "pixel_m": 3.0, "scene_id": "x", "attribution": "© them"}
    (home / "evidence.json").write_text(json.dumps({"chips": [chip], "cards": []}))
    folder = publish(tmp_path / "tiny")
    item = json.loads((folder / "items" / "roadstead-tiny-evidence.json").read_text())
    asset = item["assets"]["a.webp"]
    assert (asset["title"], asset["type"], asset["gsd"]) == ("A ship", "image/webp", 3.0)
    assert asset["attribution"] == "© them"
    assert damaged_assets(folder) == {}


def test_a_table_can_be_added_later(published: Path) -> None:
    """Voyages between two ports are put into both publications after they are made."""
    voyages = pd.DataFrame({"origin": ["tiny"], "destination": ["other"], "probability": [0.7]})
    write_parquet(published / "voyages.parquet", voyages)
    write_sheets(published, {"voyages": voyages})
    content = read_manifest(published)
    del content["files"]
    before = json.loads((published / "collection.json").read_text())
    write_stac(published, read_place(published), content)
    write_manifest(published, content)
    assert verify(str(published))[0].damaged == ()
    after = json.loads((published / "collection.json").read_text())
    assert len(after["links"]) == len(before["links"]) + 1
    assert {k: v for k, v in after.items() if k != "links"} == {
        k: v for k, v in before.items() if k != "links"
    }
    guide = (published / "columns.csv").read_text()
    assert "voyages.csv,probability," in guide
    assert "looks.csv,scene_id," in guide


def test_copernicus_is_credited_and_nobody_for_simulated_images() -> None:
    inputs = [
        {"scene_id": "S1A_x", "collection": "mine", "acquired": "2022-12-30T00:00:00Z"},
        {"scene_id": "x", "collection": "sentinel-2-l2a", "acquired": "2023-12-30T00:00:00Z"},
        {"scene_id": "y", "collection": "planetscope", "acquired": "2024-12-30T00:00:00Z"},
    ]
    assert credit(inputs, simulated=False) == "Contains modified Copernicus Sentinel data 2022–2023."
    assert credit(inputs[2:], simulated=False) == credit(inputs, simulated=True) == ""
