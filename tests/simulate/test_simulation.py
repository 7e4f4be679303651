"""The archive as a whole: same bytes on any number of workers, truth in its place, complete or not there."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tasks.catalog.read import read_planes
from tasks.catalog.search import search
from tasks.errors import InputError
from tasks.grid import draw
from tasks.simulate import Sensor, simulate, world_mark
from tasks.simulate.sensors.calendar import Defect, acquisitions
from tasks.simulate.truth import TABLES
from tasks.sites import load_site

START, END = date(2023, 10, 16), date(2023, 10, 21)
MARK = re.compile("_[0-9a-f]{6}_")
"""Of a world, in a scene's id."""

EVERYWHERE = (-180.0, -90.0, 180.0, 90.0)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(
        "najin-2023", tmp_path_factory.mktemp("sim") / "week", seed=7, start=START, end=END, workers=2
    ).parent


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def truth(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(folder / "truth" / f"{name}.parquet")


def test_the_same_bytes_on_any_number_of_workers(tmp_path: Path) -> None:
    period = {"start": START, "end": date(2023, 10, 17)}
    alone, together = (
        simulate("najin-2023", tmp_path / str(n), seed=7, workers=n, **period).parent for n in (1, 2)
    )
    assert len(contents(alone)) > 20
    assert contents(alone) == contents(together)


def test_another_seed_gives_other_images(folder: Path, tmp_path: Path) -> None:
    sensors = [Sensor.SENTINEL_1, Sensor.SENTINEL_2]
    period = {"start": START, "end": date(2023, 10, 17), "sensors": sensors}
    other = simulate("najin-2023", tmp_path / "other", seed=8, **period).parent
    ours, theirs = (
        {MARK.sub("_", name): image for name, image in contents(one).items() if ".tif" in name}
        for one in (folder, other)
    )
    assert not contents(folder).keys() & {name for name in contents(other) if ".tif" in name}
    assert ours.keys() & theirs.keys()
    assert all(ours[name] != theirs[name] for name in ours.keys() & theirs.keys())


def test_a_finished_folder_is_left_as_it_is(folder: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    simulate("najin-2023", folder, seed=7, start=START, end=END, workers=1)
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*")} == before


def test_every_scene_passes_the_reader_of_the_real_ones(folder: Path) -> None:
    found = search(str(folder / "catalog.json"), EVERYWHERE, START, END, ())
    assert not found.unreadable
    scenes = truth(folder, "scenes")
    assert {s.scene_id for s in found.scenes} | set(found.superseded) == set(scenes["scene_id"])
    assert {s.collection for s in found.scenes} == {
        "sentinel-1-rtc-simulated", "sentinel-2-l2a-simulated", "planetscope-simulated",
    }  # fmt: skip
    assert all(s.bands for s in found.scenes)


def test_ships_and_stacks_show_where_the_truth_has_them(folder: Path) -> None:
    """A hull is brighter in radar than the water beside it; so the truth is about these pixels."""
    vessels = geopandas.read_parquet(folder / "truth" / "vessels.parquet")
    defects = truth(folder, "scenes").set_index("scene_id")["defect"]
    found = search(str(folder / "catalog.json"), EVERYWHERE, START, END, ("sentinel-1-rtc-simulated",))
    compared = 0
    for scene in found.scenes:
        here = vessels[(vessels["scene_id"] == scene.scene_id) & (vessels["seen_share"] > 0.9)]
        if defects[scene.scene_id]:
            continue
        for hull in here["outline"]:
            power, box = _plane(scene)
            sea = draw(box, [load_site(here["site"].iloc[0]).water_zones[0].geometry])
            assert np.median(power[draw(box, [hull])]) > 3 * np.median(power[sea])
            compared += 1
    assert compared >= 2


def _plane(scene):  # type: ignore[no-untyped-def]
    import rasterio
    from odc.geo.geobox import GeoBox

    with rasterio.open(scene.bands[0].href) as image:
        box = GeoBox(image.shape, image.transform, str(image.crs))
    return read_planes(scene, box)[scene.bands[0].name], box


def test_truth_tables_have_documented_columns(folder: Path) -> None:
    told = (folder / "truth" / "COLUMNS.md").read_text(encoding="utf-8")
    for name in TABLES:
        schema = pq.read_schema(folder / "truth" / f"{name}.parquet")
        assert all(field.metadata[b"description"] for field in schema)
        assert all(f"`{field.name}`" in told for field in schema)
    assert geopandas.read_parquet(folder / "truth" / "vessels.parquet").geometry.is_valid.all()


def test_the_two_looks_of_20_october_are_there_and_clear(folder: Path) -> None:
    scenes = truth(folder, "scenes")
    day = scenes[(scenes["site"] == "najin") & (scenes["sensor"] == "planet")]
    day = day[day["acquired"].dt.date == date(2023, 10, 20)]
    assert day["acquired"].dt.strftime("%H:%M").tolist() == ["02:01", "06:43"]
    assert (day["cloud_over_port"] < 0.05).all()
    vessels = truth(folder, "vessels")
    middle = vessels[vessels["zone_id"].str.startswith("middle")]
    assert [(middle["scene_id"] == s).sum() for s in day["scene_id"]] == [1, 0]


@pytest.mark.parametrize("site_id", ["najin", "dunay"])
def test_a_few_defects_by_default_and_none_or_many_on_request(site_id: str) -> None:
    year = date(2023, 1, 1), date(2023, 12, 31)
    few = acquisitions(site_id, *year, list(Sensor), 7)
    assert sorted(a.defect for a in few if a.defect) == sorted(Defect)
    assert not any(a.defect for a in acquisitions(site_id, *year, list(Sensor), 7, defects="none"))
    many = acquisitions(site_id, *year, list(Sensor), 7, defects="many")
    assert 0.07 < sum(a.defect is not None for a in many) / len(many) < 0.18


def test_the_radar_repeats_every_twelve_days_in_two_directions() -> None:
    passes = acquisitions("najin", date(2023, 1, 1), date(2023, 12, 31), [Sensor.SENTINEL_1], 7)
    assert {a.direction for a in passes} == {"ascending", "descending"}
    for orbit in {a.orbit for a in passes}:
        days = [a.acquired.toordinal() for a in passes if a.orbit == orbit]
        assert set(np.diff(days)) == {12}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"scenario": "atlantis"}, "scenario 'atlantis' is not known"),
        ({"seed": -1}, "seed is -1"),
        ({"start": date(2022, 1, 1)}, "leaves the story"),
        ({"start": END, "end": START}, "reversed"),
        ({"defects": "some"}, "few, none, many"),
        ({"site": "latakia"}, "plays at najin and dunay"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_made(
    wrong: dict[str, object], message: str, tmp_path: Path
) -> None:
    arguments: dict[str, object] = {"scenario": "najin-2023", "start": START, "end": END} | wrong
    if "site" in arguments:
        arguments["site"] = load_site(str(arguments["site"]))
    with pytest.raises(InputError, match=message):
        simulate(folder=tmp_path / "sim", **arguments)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_folder_of_something_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="something else than a simulation"):
        simulate("quiet", tmp_path, start=START, end=END)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_any_site_can_be_simulated(tmp_path: Path) -> None:
    catalog = simulate(
        "busy", tmp_path / "sim", site=load_site("dunay"), start=START, end=END, sensors=[Sensor.SENTINEL_1]
    )
    recipe = json.loads((catalog.parent / "simulation.json").read_text())
    assert list(recipe["sites"]) == ["dunay"]
    assert len(truth(catalog.parent, "vessels"))


def test_another_simulation_is_not_overwritten(folder: Path) -> None:
    with pytest.raises(InputError, match=r"holds another simulation \(scenario najin-2023, seed 7"):
        simulate("najin-2023", folder, seed=8, start=START, end=END)


def test_ids_tell_two_worlds_apart() -> None:
    site = load_site("dunay")
    one, other = (
        acquisitions(
            "dunay", START, END, [Sensor.SENTINEL_1], seed, world=world_mark("quiet", {"dunay": site}, seed)
        )
        for seed in (1, 2)
    )
    assert {a.acquired for a in one} == {a.acquired for a in other}
    assert not {a.world for a in one} & {a.world for a in other}


def test_satellites_pass_at_one_solar_time_everywhere(tmp_path: Path) -> None:
    period = {"start": date(2023, 6, 1), "end": date(2023, 6, 6), "sensors": [Sensor.SENTINEL_2]}
    simulate("quiet", tmp_path / "sim", site=load_site("latakia"), **period)
    hours = truth(tmp_path / "sim", "scenes")["acquired"].dt.hour
    assert hours.tolist() == [8]  # 10:30 at 36 degrees east; at 02:16 the sun would not be up
