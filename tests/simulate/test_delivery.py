from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pystac
import pytest
import rasterio
import shapely
from odc.geo.geobox import GeoBox
from pystac.validation.stac_validator import JsonSchemaSTACValidator
from rasterio.errors import RasterioIOError

from tasks.catalog.records import newest_of_each, scene_record
from tasks.catalog.search import search
from tasks.errors import InputError
from tasks.simulate.delivery.cog import PICTURE_PX, numbers, rounded_power, write_cog
from tasks.simulate.delivery.defects import covered, shift_px, swath_edge
from tasks.simulate.delivery.planet import deliver_planet, usable_data_mask
from tasks.simulate.delivery.sentinel1 import absolute_orbit
from tasks.simulate.delivery.sentinel2 import deliver_sentinel2, mgrs_tile
from tasks.simulate.delivery.stac import COLLECTIONS, write_catalog
from tasks.simulate.sensors.calendar import Defect, Sensor
from tests.catalog.test_records import recorded, sample
from tests.simulate.delivered import WHEN, acquisition, box, deliver, optical_image, power

SENSORS = list(Sensor)
OPTICAL = [Sensor.SENTINEL_2, Sensor.PLANET, Sensor.SUBMETRE]
ADDED = {"title", "description", "roadstead:simulated"}


def path_of(folder: Path, item: dict[str, Any], asset: str) -> Path:
    return Path(folder, item["collection"], "items", item["assets"][asset]["href"]).resolve()


def pixels(folder: Path, item: dict[str, Any], asset: str) -> npt.NDArray[Any]:
    with rasterio.open(path_of(folder, item, asset)) as image:
        return np.asarray(image.read()).squeeze()


def images(item: dict[str, Any]) -> list[str]:
    return [key for key in item["assets"] if key != "thumbnail"]


# Numbers


def test_power_is_kept_to_a_two_hundredth_of_a_decibel() -> None:
    given = np.geomspace(1e-7, 1e4, 20_000, dtype="float32")
    given[7] = np.nan
    kept = rounded_power(given, -1.0)
    assert kept[7] == -1.0
    seen = np.isfinite(given)
    assert np.abs(10 * np.log10(kept[seen] / given[seen])).max() < 0.005


@pytest.mark.parametrize(("offset", "step"), [(0.0, 1), (-0.1, 1), (0.0, 8)])
def test_numbers_by_their_slow_twin(offset: float, step: int) -> None:
    given = np.concatenate([np.random.default_rng(3).normal(0.1, 0.3, 500), [7.0, np.nan]]).astype("float32")
    made = numbers(given[None], 0.0001, offset, step)[0]
    for value, number in zip(given, made, strict=True):
        if np.isnan(value):
            assert number == 0
        else:
            asked = min(max((float(value) - offset) * 10_000, 1), 65_535)
            assert abs(int(number) - asked) <= step / 2 + 0.01
            assert number % step == 0 or number in (1, 65_535)


def test_radar_in_its_file(tmp_path: Path) -> None:
    grid = box(Sensor.SENTINEL_1)
    (item,) = deliver(tmp_path, Sensor.SENTINEL_1)
    for band, plane in power(grid).items():
        with rasterio.open(path_of(tmp_path, item, band)) as image:
            assert (image.dtypes, image.nodata, image.descriptions) == (("float32",), -32768, (band,))
            assert image.transform == grid.affine
            assert image.crs.to_epsg() == item["properties"]["proj:epsg"] == 32652
            assert np.allclose(image.read(1), plane, rtol=0.00115)


def test_sentinel_2_in_its_files(tmp_path: Path) -> None:
    grid = box(Sensor.SENTINEL_2)
    given = optical_image(grid)
    (item,) = deliver(tmp_path, Sensor.SENTINEL_2)
    for band in ("blue", "green", "red", "nir"):
        expected = np.maximum(given.bands[band] * 10_000, 1)
        assert np.abs(pixels(tmp_path, item, band) - expected).max() <= 0.51
    coarse = given.bands["swir16"].reshape(32, 2, 45, 2).mean((1, 3))
    assert np.abs(pixels(tmp_path, item, "swir16") - coarse * 10_000).max() <= 0.51
    assert np.array_equal(pixels(tmp_path, item, "scl"), given.mask[::2, ::2])
    with rasterio.open(path_of(tmp_path, item, "swir16")) as image:
        assert (image.res, image.nodata) == ((20.0, 20.0), 0)
        assert image.bounds == rasterio.coords.BoundingBox(*grid.extent.boundingbox.bbox)


@pytest.mark.parametrize("sensor", [Sensor.PLANET, Sensor.SUBMETRE])
def test_planet_in_its_files(tmp_path: Path, sensor: Sensor) -> None:
    given = optical_image(box(sensor))
    (item,) = deliver(tmp_path, sensor)
    analytic, mask = images(item)
    for plane, band in zip(pixels(tmp_path, item, analytic), ("blue", "green", "red", "nir"), strict=True):
        assert np.abs(plane - np.maximum(given.bands[band] * 10_000, 1)).max() <= 4.01
    assert np.array_equal(pixels(tmp_path, item, mask), usable_data_mask(given.mask))


def test_a_pixel_of_the_usable_data_mask_is_in_one_class() -> None:
    classes = np.arange(12, dtype="uint8")[None]
    mask = usable_data_mask(classes)[:, 0]
    for code in range(12):
        clear, snow, shadow, light, heavy, cloud, confidence, unusable = mask[:, code]
        assert clear == (code in (2, 4, 5, 6, 7))
        assert (snow, shadow, light, heavy, cloud) == tuple(code == c for c in (11, 3, 10, 8, 9))
        assert unusable == (code == 0)
        assert (confidence > 0) == (code >= 2)


@pytest.mark.parametrize("sensor", SENSORS)
def test_every_file_is_a_cog_and_says_simulated(tmp_path: Path, sensor: Sensor) -> None:
    (item,) = deliver(tmp_path, sensor)
    for asset in images(item):
        with rasterio.open(path_of(tmp_path, item, asset)) as image:
            assert image.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert "SIMULATED" in image.tags()["TIFFTAG_IMAGEDESCRIPTION"]
    picture = path_of(tmp_path, item, "thumbnail")
    assert b"SIMULATED" in picture.read_bytes()
    with rasterio.open(picture) as image:
        assert max(image.shape) <= PICTURE_PX
        assert np.ptp(image.read()) > 50


def test_large_images_get_overviews(tmp_path: Path) -> None:
    path = tmp_path / "large.tif"
    grid = GeoBox.from_bbox((0, 0, 1100, 40), "EPSG:32652", resolution=1)
    write_cog(path, np.ones((1, 40, 1100), "uint8"), grid, ["a"], 0)
    with rasterio.open(path) as image:
        assert image.overviews(1)


# Defects


def test_the_offset_is_a_lie_of_the_item(tmp_path: Path) -> None:
    (good,) = deliver(tmp_path / "good", Sensor.SENTINEL_2)
    (bad,) = deliver(tmp_path / "bad", Sensor.SENTINEL_2, Defect.OFFSET)
    assert bad == good
    assert good["properties"]["earthsearch:boa_offset_applied"] is True
    for band in ("blue", "nir", "swir16"):
        right, wrong = (pixels(tmp_path / name, good, band).astype(int) for name in ("good", "bad"))
        assert set(np.unique((wrong - right)[right > 1])) <= {999, 1000, 1001}  # ties round either way


@pytest.mark.parametrize("sensor", SENSORS)
def test_a_second_delivery_replaces_the_first(tmp_path: Path, sensor: Sensor) -> None:
    first, second = deliver(tmp_path, sensor, Defect.DUPLICATE)
    kept, superseded = newest_of_each([scene_record(second), scene_record(first)])
    assert ([s.scene_id for s in kept], superseded) == ([second["id"]], (first["id"],))
    before, after = (pixels(tmp_path, one, images(one)[0]) for one in (first, second))
    seen = (before > before.max() / 100) & (before < before.max() / 2)
    ratio = after[seen] / before[seen]
    assert 1.002 < np.median(ratio) < 1.02


@pytest.mark.parametrize("sensor", SENSORS)
def test_a_shifted_image_lies_elsewhere_in_the_same_place(tmp_path: Path, sensor: Sensor) -> None:
    (good,) = deliver(tmp_path / "good", sensor)
    (bad,) = deliver(tmp_path / "bad", sensor, Defect.SHIFTED)
    right, down = shift_px(acquisition(sensor, Defect.SHIFTED))
    assert 3 <= max(abs(right), abs(down)) <= 6
    assert (good["bbox"], good["geometry"]) == (bad["bbox"], bad["geometry"])
    band = images(good)[0]
    here, there = pixels(tmp_path / "good", good, band), pixels(tmp_path / "bad", bad, band)
    inner = slice(10, -10)
    moved = np.roll(here, (down, right), axis=(-2, -1))
    assert np.array_equal(there[..., inner, inner], moved[..., inner, inner])


@pytest.mark.parametrize("sensor", SENSORS)
def test_half_an_image(tmp_path: Path, sensor: Sensor) -> None:
    (good,) = deliver(tmp_path / "good", sensor)
    (bad,) = deliver(tmp_path / "bad", sensor, Defect.HALF)
    seen = covered(acquisition(sensor, Defect.HALF), box(sensor))
    assert 0.3 < seen.mean() < 0.7
    assert seen[0].sum() != seen[-1].sum()  # slanting
    band = images(good)[0]
    here, there = pixels(tmp_path / "good", good, band), pixels(tmp_path / "bad", bad, band)
    assert np.array_equal(there, np.where(seen, here, -32768 if sensor is Sensor.SENTINEL_1 else 0))
    areas = [shapely.geometry.shape(one["geometry"]).area for one in (bad, good)]
    assert areas[0] / areas[1] == pytest.approx(seen.mean(), abs=0.01)
    if sensor is Sensor.SENTINEL_2:
        assert np.array_equal(pixels(tmp_path / "bad", bad, "scl") > 0, seen[::2, ::2])
    elif sensor is not Sensor.SENTINEL_1:
        assert np.array_equal(pixels(tmp_path / "bad", bad, images(bad)[1])[7] == 0, seen)


@pytest.mark.parametrize(("direction", "to_the_west"), [("descending", "south"), ("ascending", "north")])
def test_edges_lean_as_orbits_do(direction: str, to_the_west: str) -> None:
    edge = swath_edge(replace(acquisition(Sensor.SENTINEL_1, Defect.HALF), direction=direction))
    assert edge is not None
    assert (edge.bottom < edge.top) == (to_the_west == "south")


def test_a_whole_image_covers_everything() -> None:
    whole = acquisition(Sensor.PLANET)
    assert swath_edge(whole) is None
    assert covered(whole, box(Sensor.PLANET)).all()


@pytest.mark.parametrize("sensor", SENSORS)
def test_one_file_is_cut_off(tmp_path: Path, sensor: Sensor) -> None:
    (item,) = deliver(tmp_path, sensor, Defect.CORRUPT)
    broken = []
    for asset in images(item):
        with rasterio.open(path_of(tmp_path, item, asset)) as image:  # the header is whole
            try:
                image.read()
            except RasterioIOError:
                broken.append(asset)
    assert len(broken) == 1


# Items and the catalogue


class Bundled(JsonSchemaSTACValidator):
    """Knows the schemas that come with pystac (STAC's core) and never asks the network.

    No package ships the schemas of extensions, so those are not judged here: the fields are compared
    with the recorded answers instead.
    """

    def _get_schema(self, schema_uri: str) -> dict[str, Any]:
        if schema_uri not in self.schema_cache:
            raise LookupError(f"{schema_uri} does not come with pystac")
        return self.schema_cache[schema_uri]


def validate(thing: pystac.STACObject) -> None:
    document = thing.to_dict(include_self_link=False)
    Bundled().validate_core(document, thing.STAC_OBJECT_TYPE, document["stac_version"])


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("catalogue")
    items = [one for sensor in SENSORS for one in deliver(folder, sensor, Defect.DUPLICATE)]
    items += deliver(folder, Sensor.SENTINEL_1, site_id="elsewhere")
    return write_catalog(folder, "Najin", items), items


def test_core_schemas(catalog: tuple[Path, list[dict[str, Any]]]) -> None:
    path, items = catalog
    for item in items:
        validate(pystac.Item.from_dict(item))
    spoilt = items[0] | {"geometry": {"type": "Polygon"}}
    with pytest.raises(pystac.errors.STACValidationError):
        validate(pystac.Item.from_dict(spoilt))
    whole = pystac.Catalog.from_file(str(path))
    validate(whole)
    children = list(whole.get_children())
    assert [c.id for c in children] == list(COLLECTIONS)
    for child in children:
        validate(child)
    assert {i.id for i in whole.get_items(recursive=True)} == {i["id"] for i in items}


def test_simulated_stands_everywhere(catalog: tuple[Path, list[dict[str, Any]]]) -> None:
    path, items = catalog
    documents = [json.loads(p.read_text()) for p in sorted(path.parent.rglob("*.json"))]
    assert len(documents) == 1 + len(COLLECTIONS) + len(items)
    for one in documents:
        about = one["properties"] if one["type"] == "Feature" else one
        assert about["roadstead:simulated"] is True
        assert "SIMULATED" in about["title"]
        assert "SIMULATED" in about["description"]
    for item in items:
        assert item["id"].startswith("SIMULATED_")
        assert all("SIMULATED" in asset["title"] for asset in item["assets"].values())
        assert all("SIMULATED" in Path(asset["href"]).name for asset in item["assets"].values())


def test_every_link_stays_inside_and_leads_somewhere(catalog: tuple[Path, list[dict[str, Any]]]) -> None:
    path, _ = catalog
    root = path.parent.resolve()
    for place in root.rglob("*.json"):
        document = json.loads(place.read_text())
        for link in [*document["links"], *document.get("assets", {}).values()]:
            target = (place.parent / link["href"]).resolve()
            assert not Path(link["href"]).is_absolute()
            assert target.is_file()
            assert target.is_relative_to(root)


def test_the_projects_own_search_opens_it(catalog: tuple[Path, list[dict[str, Any]]]) -> None:
    path, items = catalog
    found = search(str(path), tuple(items[0]["bbox"]), WHEN.date(), WHEN.date())
    assert len(found.scenes) == len(SENSORS)  # the newer of each; two sites' radar passes are one acquisition
    assert {s.collection for s in found.scenes} == set(COLLECTIONS)
    assert not found.unreadable
    assert all(Path(b.href).is_file() for s in found.scenes for b in s.bands)


def tree(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_same_inputs_same_bytes_in_whatever_order(tmp_path: Path) -> None:
    for name, order in (("a", SENSORS), ("b", SENSORS[::-1])):
        items = [one for sensor in order for one in deliver(tmp_path / name, sensor, Defect.DUPLICATE)]
        write_catalog(tmp_path / name, "Najin", items)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_an_id_twice_or_nothing_is_no_catalogue(tmp_path: Path) -> None:
    (item,) = deliver(tmp_path, Sensor.PLANET)
    with pytest.raises(InputError, match=f"twice.*{item['id']}"):
        write_catalog(tmp_path, "Najin", [item, item])
    with pytest.raises(InputError, match="at least one"):
        write_catalog(tmp_path, "Najin", [])


@recorded
def test_sentinel_2_speaks_as_earth_search_does(tmp_path: Path) -> None:
    (ours,) = deliver(tmp_path, Sensor.SENTINEL_2)
    theirs = next(i for i in sample("earth-search*sentinel-2-l2a.json") if "_2023" in i["id"])
    assert set(ours["stac_extensions"]) <= set(theirs["stac_extensions"])
    for key in set(ours["properties"]) - ADDED:
        assert type(ours["properties"][key]) in {type(theirs["properties"][key]), int, float}, key
    for key, asset in ours["assets"].items():
        real = theirs["assets"][key]
        assert set(asset) <= set(real), key
        assert (asset["type"], asset["roles"]) == (real["type"], real["roles"])
        assert asset.get("eo:bands") == real.get("eo:bands")
        assert asset.get("raster:bands") == real.get("raster:bands")
        assert asset["title"].removeprefix("SIMULATED ").lower() == real["title"].lower()
    assert ours["properties"]["earthsearch:boa_offset_applied"] is True
    assert ours["properties"]["s2:processing_baseline"] == theirs["properties"]["s2:processing_baseline"]


@recorded
def test_radar_speaks_as_the_product_it_is_made_from(tmp_path: Path) -> None:
    """No answer of ``sentinel-1-rtc`` is recorded; its items repeat the fields of the GRD product."""
    (ours,) = deliver(tmp_path, Sensor.SENTINEL_1)
    (theirs,) = sample("sentinel-1/grd/*/S1A_IW*.json")
    fields = {k for k in ours["properties"] if k.startswith(("sar:", "sat:", "s1:"))}
    for key in fields - {"s1:shape"}:
        if key in theirs["properties"]:
            assert type(ours["properties"][key]) is type(theirs["properties"][key]), key
    assert {k for k in fields if k.startswith("sar:")} <= set(theirs["properties"])


@recorded
def test_absolute_orbits_of_real_passes() -> None:
    (one,) = sample("sentinel-1/grd/*/S1A_IW*.json")
    record, told = scene_record(one), one["properties"]["sat:absolute_orbit"]
    ours = replace(acquisition(Sensor.SENTINEL_1), acquired=record.acquired, orbit=record.orbit)
    assert absolute_orbit(ours) == told


@recorded
def test_tiles_of_real_images() -> None:
    checked = 0
    for item in sample("earth-search*sentinel-2-l2a.json"):
        asset = item["assets"]["red"]
        step, _, west, _, _, north = asset["proj:transform"]
        height, width = asset["proj:shape"]
        bounds = (west, north - height * step, west + width * step, north)
        grid = GeoBox.from_bbox(bounds, f"EPSG:{item['properties']['proj:epsg']}", resolution=step)
        assert f"MGRS-{mgrs_tile(grid)}" == item["properties"]["grid:code"]
        checked += 1
    assert checked >= 5


def test_what_cannot_be_delivered(tmp_path: Path) -> None:
    image = cast(Any, optical_image(box(Sensor.SENTINEL_2)))
    with pytest.raises(InputError, match="even number"):
        deliver_sentinel2(tmp_path, acquisition(Sensor.SENTINEL_2), image, box(Sensor.SENTINEL_2, 63))
    web = GeoBox.from_bbox((0, 0, 640, 640), "EPSG:3857", resolution=10)
    with pytest.raises(InputError, match="not UTM"):
        mgrs_tile(web)
    with pytest.raises(InputError, match="planet or submetre"):
        deliver_planet(tmp_path, acquisition(Sensor.SENTINEL_2), image, box(Sensor.SENTINEL_2))
