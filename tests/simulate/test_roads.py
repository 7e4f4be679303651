from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from odc.geo.geobox import GeoBox
from scipy import ndimage

from tasks.catalog.search import search
from tasks.errors import InputError
from tasks.grid import draw, project
from tasks.model import WATER_KINDS, Site
from tasks.simulate import COLLECTION, simulate_roads
from tasks.simulate.traffic import CLEARANCE_M
from tasks.sites import load_site

# odc-geo itself still multiplies affines with *, which affine 3 means to deprecate one day.
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")

START, END = date(2023, 11, 1), date(2023, 11, 19)  # four passes in the busy season


@pytest.fixture(scope="session")
def site() -> Site:
    return load_site("najin")


@pytest.fixture(scope="session")
def folder(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate_roads(site, tmp_path_factory.mktemp("sim") / "roads", start=START, end=END).parent


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def plane(folder: Path, band: str, scene_id: str) -> tuple[np.ndarray, GeoBox]:
    with rasterio.open(folder / band / f"{scene_id}.tif") as image:
        return image.read(1), GeoBox(image.shape, image.transform, image.crs)


def test_same_arguments_give_same_bytes(site: Site, folder: Path, tmp_path: Path) -> None:
    again = simulate_roads(site, tmp_path / "again", start=START, end=END).parent
    assert contents(again) == contents(folder)


def test_another_seed_gives_other_pixels(site: Site, folder: Path, tmp_path: Path) -> None:
    other = simulate_roads(site, tmp_path / "other", seed=7, start=START, end=START).parent
    image = next(iter(sorted((other / "vv").iterdir())))
    assert image.read_bytes() != (folder / "vv" / image.name).read_bytes()


@pytest.mark.parametrize("band", ["vv", "vh"])
def test_every_vessel_in_view_stands_out(folder: Path, band: str) -> None:
    vessels = [v for v in table(folder / "truth_vessels.csv") if v["in_view"] == "1"]
    assert len(vessels) >= 4
    for vessel in vessels:
        power, box = plane(folder, band, vessel["scene_id"])
        hull = shapely.from_wkt(vessel["outline"])
        on_board = draw(box, [hull])
        away_m = ndimage.distance_transform_edt(~on_board) * 10
        sea = (away_m > 30) & (away_m < CLEARANCE_M - 20)
        assert np.median(power[on_board]) > 2 * np.median(power[sea])


def test_vessels_lie_clear_of_everything_else(site: Site, folder: Path) -> None:
    zones = {z.zone_id: z for z in site.zones}
    for vessel in table(folder / "truth_vessels.csv"):
        hull = project(shapely.from_wkt(vessel["outline"]), "EPSG:32652")
        own = zones[vessel["zone_id"]]
        assert own.kind in WATER_KINDS
        assert project(own.geometry, "EPSG:32652").contains(hull)
        others = [z.geometry for z in site.zones if z is not own] + [site.land]
        nearest = min(project(g, "EPSG:32652").distance(hull) for g in others if g is not None)
        assert nearest > CLEARANCE_M - 0.1  # outlines are written to a centimetre


def test_counts_are_the_vessels_counted(site: Site, folder: Path) -> None:
    vessels = table(folder / "truth_vessels.csv")
    lying = Counter((v["scene_id"], v["zone_id"]) for v in vessels)
    seen = Counter((v["scene_id"], v["zone_id"]) for v in vessels if v["in_view"] == "1")
    counts = table(folder / "truth_counts.csv")
    assert len(counts) == 4 * len(site.water_zones)
    for row in counts:
        key = row["scene_id"], row["zone_id"]
        assert (int(row["vessels"]), int(row["vessels_in_view"])) == (lying[key], seen[key])


def test_the_middle_scene_ends_over_the_port(folder: Path) -> None:
    shares = [float(np.isfinite(rasterio.open(p).read(1)).mean()) for p in sorted((folder / "vv").iterdir())]
    assert shares == [1, 1, pytest.approx(0.5, abs=0.02), 1]


def test_the_catalogue_finds_the_scenes(site: Site, folder: Path) -> None:
    bounds = shapely.total_bounds([z.geometry for z in site.zones])
    west, south, east, north = map(float, bounds)
    found = search(str(folder / "collection.json"), (west, south, east, north), START, END, [COLLECTION])
    assert not found.unreadable
    assert [(s.direction, s.orbit) for s in found.scenes] == [("descending", 61), ("ascending", 134)] * 2
    assert {tuple((b.name, b.units) for b in s.bands) for s in found.scenes} == {(("vv", "1"), ("vh", "1"))}
    assert all(Path(b.href).is_file() for s in found.scenes for b in s.bands)


def test_everything_says_that_it_is_simulated(folder: Path) -> None:
    collection = json.loads((folder / "collection.json").read_text())
    assert "SIMULATED" in collection["title"]
    assert "SIMULATED" in collection["description"]
    assert (folder / "README.txt").read_text().startswith("SIMULATED")
    for path in (folder / "items").iterdir():
        properties = json.loads(path.read_text())["properties"]
        assert properties["roadstead:simulated"] is True
        assert "SIMULATED" in properties["title"]
    for path in (folder / "vh").iterdir():
        with rasterio.open(path) as image:
            assert "SIMULATED" in image.tags()["TIFFTAG_IMAGEDESCRIPTION"]
            assert image.overviews(1)


def test_a_complete_folder_is_left_alone(site: Site, folder: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    steps: list[int] = []
    assert simulate_roads(site, folder, start=START, end=END, advance=steps.append).parent == folder
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*")} == before
    assert steps == []


def test_other_arguments_replace_the_folder(site: Site, tmp_path: Path) -> None:
    place = tmp_path / "roads"
    for start in (date(2023, 6, 1), date(2023, 6, 2)):
        simulate_roads(site, place, start=start, end=start)
    assert [p.stem[17:25] for p in (place / "vv").iterdir()] == ["20230602"]


def test_an_interrupted_run_leaves_nothing(site: Site, tmp_path: Path) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_roads(site, tmp_path / "roads", start=START, end=END, advance=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_somebody_else_is_not_touched(site: Site, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="something else than a simulation"):
        simulate_roads(site, tmp_path, start=START, end=END)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"start": END, "end": START}, "period 2023-11-19 to 2023-11-01 is reversed"),
        ({"every_days": 0}, "every_days is 0; at least 1"),
        ({"seed": -1}, "seed is -1; 0 or more"),
    ],
)
def test_wrong_arguments_are_named(site: Site, tmp_path: Path, wrong: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"start": START, "end": END} | wrong
    with pytest.raises(InputError, match=message):
        simulate_roads(site, tmp_path / "roads", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_site_without_water_cannot_be_simulated(site: Site, tmp_path: Path) -> None:
    dry = replace(site, zones=tuple(z for z in site.zones if z.kind not in WATER_KINDS))
    with pytest.raises(InputError, match="najin has no harbour_water or anchorage zone"):
        simulate_roads(dry, tmp_path / "roads", start=START, end=END)
    assert list(tmp_path.iterdir()) == []
