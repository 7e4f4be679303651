"""Bad input is one line and exit code 2, and nothing is left behind; good input says what it did."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import tasks.sites
from tests.flows.tiny import FIRST, PERIOD, in_own_process, plain_scene, port, roadstead, tree, write_port
from tests.scenes import collection_document, make_collection, site_geojson, write_json

REAL = Path(os.environ.get("ROADSTEAD_REAL_DATA", Path(__file__).parents[3] / "shared" / "real"))
COMMANDS = [
    (),
    ("backfill",),
    ("monitor",),
    ("demo",),
    ("simulate",),
    ("status",),
    ("verify",),
    ("diff",),
    ("serve",),
    ("upkeep",),
    ("detect",),
    ("regimes",),
    ("voyages",),
    ("effect",),
    ("lag",),
    ("detectability",),
    ("sites",),
    ("sites", "list"),
    ("sites", "show"),
    ("sites", "check"),
    ("sites", "new"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    return write_port(tmp_path_factory.mktemp("port"), [plain_scene(FIRST, 1)])


def only_line(text: str, *, logged: bool = False) -> str:
    """The one line that says what is wrong; a run that has begun also logs its stages."""
    lines = text.splitlines()
    said = [line for line in lines if line.startswith("roadstead: ")]
    assert "Traceback" not in text
    assert len(said) == 1
    assert logged or lines == said
    return said[0]


def refused(out: Path, *args: str | Path, logged: bool = False) -> str:
    """Run a command that must be refused; return its one line."""
    archive = out.with_name("archive-of-its-own")
    result = roadstead(*args, "--out", out, "--archive", archive)
    assert result.exit_code == 2, f"{result.stdout}{result.stderr}{result.exception!r}"
    assert result.stdout == ""
    assert not out.exists()
    assert not archive.exists()
    return only_line(result.stderr, logged=logged)


def test_unknown_site(tmp_path: Path) -> None:
    line = refused(tmp_path / "out", "backfill", "nagin", "--catalog", "x.json", *PERIOD)
    assert "unknown site 'nagin'" in line
    assert "did you mean 'najin'" in line


def test_site_file_that_breaks_rules_says_which(tmp_path: Path, place: tuple[str, Path]) -> None:
    document = site_geojson(port())
    document["features"][0]["properties"]["kind"] = "habour"
    document["features"][1]["properties"]["zone_id"] = "no spaces allowed"
    file = write_json(tmp_path / "broken.geojson", document)
    result = roadstead("backfill", file, "--catalog", place[1], *PERIOD, "--out", tmp_path / "out")
    head, *problems = result.stderr.splitlines()
    assert result.exit_code == 2
    assert re.fullmatch(rf"roadstead: site file {re.escape(str(file))} breaks \d rules:", head)
    assert all(line.startswith("  - ") for line in problems)
    assert any("habour" in line and "harbour_water" in line for line in problems)
    assert any("no spaces allowed" in line for line in problems)
    assert not (tmp_path / "out").exists()


def test_reversed_dates(tmp_path: Path, place: tuple[str, Path]) -> None:
    period = ("--start", "2023-12-31", "--end", "2023-01-01")
    line = refused(tmp_path / "out", "backfill", place[0], "--catalog", place[1], *period)
    assert "--end 2023-01-01 is before --start 2023-12-31" in line


@pytest.mark.parametrize("day", ["2023-13-01", "01.10.2023", "yesterday", "2023-1"])
def test_unparsable_date(tmp_path: Path, place: tuple[str, Path], day: str) -> None:
    out = tmp_path / "out"
    period = ("--start", day, "--end", "2023-12-31")
    line = refused(out, "backfill", place[0], "--catalog", place[1], *period)
    assert f"--start {day!r} is not a day; write it as 2023-10-01" in line


def test_missing_option(place: tuple[str, Path]) -> None:
    result = roadstead("backfill", place[0], "--start", "2023-01-01", "--end", "2023-12-31")
    assert result.exit_code == 2
    assert "Missing option '--catalog'" in result.stderr


def test_empty_catalogue(tmp_path: Path, place: tuple[str, Path]) -> None:
    empty = write_json(tmp_path / "images" / "collection.json", collection_document("none", []))
    line = refused(tmp_path / "out", "backfill", place[0], "--catalog", empty, *PERIOD)
    assert f"catalogue {empty} is empty" in line


@pytest.mark.parametrize("name", ["missing.json", "missing.parquet", "missing"])
def test_missing_catalogue(tmp_path: Path, place: tuple[str, Path], name: str) -> None:
    missing = tmp_path / name
    line = refused(tmp_path / "out", "backfill", place[0], "--catalog", missing, *PERIOD)
    assert f"catalogue {missing}" in line
    assert "No such file" in line or "cannot be read" in line


def test_catalogue_that_is_no_catalogue(tmp_path: Path, place: tuple[str, Path]) -> None:
    line = refused(tmp_path / "out", "backfill", place[0], "--catalog", place[0], *PERIOD)
    assert "'FeatureCollection'" in line
    assert "a STAC Catalog, Collection or API is needed" in line


def optical_collection(folder: Path) -> Path:
    scene = plain_scene(FIRST, 1)
    bands = {"red": scene.planes["vv"]}
    given: dict[str, Any] = {"unit": None, "orbit": None}
    optical = type(scene)(scene.scene_id, scene.acquired, bands, **given)
    return make_collection(folder, optical, collection="optical", pixels=False)


def test_collection_of_one_colour(tmp_path: Path, place: tuple[str, Path]) -> None:
    catalog = optical_collection(tmp_path / "images")
    line = refused(tmp_path / "out", "backfill", place[0], "--catalog", catalog, *PERIOD)
    assert "collection 'optical' has no band that can be measured" in line
    assert "it has red" in line


@pytest.mark.skipif(
    not (REAL / "sen2ships").is_dir() and not os.environ.get("CI"),
    reason=f"{REAL / 'sen2ships'} is not there; set ROADSTEAD_REAL_DATA",
)
def test_real_optical_collection(tmp_path: Path) -> None:
    item = json.loads((REAL / "sen2ships" / "items" / "S2_honolulu_20230108.json").read_text())
    west, south, east, north = item["bbox"]
    box = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    document = site_geojson(port()) | {"name": "honolulu"}
    document["features"] = document["features"][:1]
    document["features"][0]["geometry"] = {"type": "Polygon", "coordinates": [box]}
    site = write_json(tmp_path / "honolulu.geojson", document)
    catalog = REAL / "sen2ships" / "collection.json"
    result = roadstead("backfill", site, "--catalog", catalog, *PERIOD, "--out", tmp_path / "out", "--json")
    told = json.loads(result.stdout)
    assert told["measured"] == 1
    looks = pd.read_parquet(tmp_path / "out" / told["site"] / "looks.parquet")
    assert looks["vessel_count"].sum() > 0
    assert looks["flags"].str.contains("no_memory").all()


def test_unknown_collection(tmp_path: Path, place: tuple[str, Path]) -> None:
    wanted = ("--collection", "sentinel-9")
    line = refused(tmp_path / "out", "backfill", place[0], "--catalog", place[1], *wanted, *PERIOD)
    assert "has no collection sentinel-9; it has tiny-s1" in line


def test_only_scene_is_not_a_tiff(tmp_path: Path) -> None:
    site, catalog = write_port(tmp_path, [plain_scene(FIRST, 1)])
    (image,) = (tmp_path / "images" / "vv").iterdir()
    image.write_text("<html>503 Service Unavailable</html>")
    line = refused(tmp_path / "out", "backfill", site, "--catalog", catalog, *PERIOD)
    assert "none of the 1 scenes can be used" in line
    assert f"{image} is not a TIFF: it begins with b'<htm'" in line


def test_only_scene_is_missing(tmp_path: Path) -> None:
    site, catalog = write_port(tmp_path, [plain_scene(FIRST, 1)])
    shutil.rmtree(tmp_path / "images" / "vv")
    line = refused(tmp_path / "out", "backfill", site, "--catalog", catalog, *PERIOD)
    assert "cannot be opened: No such file" in line


@pytest.mark.prefect
@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize("fault", ["cut", "spoilt"])
def test_only_scene_has_broken_pixels(tmp_path: Path, fault: str) -> None:
    site, catalog = write_port(tmp_path, [plain_scene(FIRST, 1)])
    (image,) = (tmp_path / "images" / "vv").iterdir()
    data = bytearray(image.read_bytes())
    if fault == "cut":
        del data[len(data) // 2 :]
    else:
        data[4000:] = b"\xff" * len(data[4000:])
    image.write_bytes(data)
    line = refused(tmp_path / "out", "backfill", site, "--catalog", catalog, *PERIOD, logged=True)
    assert "none of the 1 scenes can be used; tiny_20230901T213112: vv cannot be read" in line


@pytest.mark.prefect
@pytest.mark.usefixtures("prefect_server")
def test_only_scene_holds_no_data(tmp_path: Path) -> None:
    scene = plain_scene(FIRST, 1)
    scene.planes["vv"][:] = np.nan
    site, catalog = write_port(tmp_path, [scene])
    line = refused(tmp_path / "out", "backfill", site, "--catalog", catalog, *PERIOD, logged=True)
    assert "vv holds no data over the site" in line


@pytest.mark.prefect
@pytest.mark.usefixtures("prefect_server")
def test_a_run_without_a_scene_leaves_no_folder_by_default(tmp_path: Path) -> None:
    site, catalog = write_port(tmp_path, [plain_scene(FIRST, 1)])
    (image,) = (tmp_path / "images" / "vv").iterdir()
    image.write_bytes(image.read_bytes()[:2000])
    before = tree(tmp_path)
    result = roadstead("backfill", site, "--catalog", catalog, *PERIOD, "--out", tmp_path / "a" / "out")
    assert result.exit_code == 2
    assert tree(tmp_path) == before
    assert not (tmp_path / "a").exists()


def test_site_outside_all_scenes(tmp_path: Path, place: tuple[str, Path]) -> None:
    line = refused(tmp_path / "out", "backfill", "latakia", "--catalog", place[1], *PERIOD)
    assert "lies outside all 1 scenes" in line
    assert "35." in line
    assert "130." in line


def test_nothing_in_the_period(tmp_path: Path, place: tuple[str, Path]) -> None:
    period = ("--start", "2022-01-01", "--end", "2022-12-31")
    line = refused(tmp_path / "out", "backfill", place[0], "--catalog", place[1], *period)
    assert "no scene between 2022-01-01 and 2022-12-31" in line
    assert "run from 2023-09-01 to 2023-09-01" in line


def test_bad_cluster(tmp_path: Path, place: tuple[str, Path]) -> None:
    option = ("--cluster", "lokal")
    line = refused(tmp_path / "out", "backfill", place[0], "--catalog", place[1], *PERIOD, *option)
    assert "--cluster 'lokal' is not auto, none, local or an address" in line


@pytest.mark.prefect
@pytest.mark.usefixtures("prefect_server")
def test_cluster_that_does_not_answer(
    tmp_path: Path, place: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.cluster.SCHEDULER_ANSWERS_S", 1)
    option = ("--cluster", "tcp://127.0.0.1:1")
    line = refused(tmp_path / "out", "backfill", place[0], "--catalog", place[1], *PERIOD, *option)
    assert "--cluster tcp://127.0.0.1:1: no Dask scheduler answers there" in line


@pytest.mark.parametrize(
    ("option", "url"),
    [("--archive", "gs://bucket/key"), ("--archive", "s3://x"), ("--out", "s3://bucket/key")],
)
def test_places_that_cannot_be_used(tmp_path: Path, place: tuple[str, Path], option: str, url: str) -> None:
    given = ["backfill", place[0], "--catalog", place[1], *PERIOD, "--out", tmp_path / "out"]
    result = roadstead(*given, option, url)
    assert result.exit_code == 2
    assert url.split("/")[2] in only_line(result.stderr)
    assert not (tmp_path / "out").exists()


def test_monitor_without_an_archive_says_what_to_give(tmp_path: Path, place: tuple[str, Path]) -> None:
    line = refused(tmp_path / "out", "monitor", place[0], "--catalog", place[1])
    assert "nothing is archived for tiny" in line
    assert "--since DATE" in line


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help(command: tuple[str, ...]) -> None:
    result = roadstead(*command, "--help")
    assert result.exit_code == 0
    leaf = command not in ((), ("sites",))
    assert (f"Example: roadstead {' '.join(command)}" in result.stdout) == leaf


def test_every_command_is_held_to_have_help() -> None:
    def listed(*command: str) -> set[str]:
        return set(re.findall(r"^│ ([a-z]+) ", roadstead(*command, "--help").stdout, re.MULTILINE))

    named = {command[0] for command in COMMANDS if len(command) == 1}
    assert listed() == named
    assert listed("sites") == {command[1] for command in COMMANDS if len(command) == 2}


def test_version() -> None:
    result = roadstead("--version")
    assert result.exit_code == 0
    assert re.fullmatch(r"roadstead \d+\.\d+\.\d+\S*\n", result.stdout)


def test_sites_list() -> None:
    rows = roadstead("sites", "list").stdout.splitlines()
    listed = json.loads(roadstead("sites", "list", "--json").stdout)
    assert [row["id"] for row in listed] == ["dunay", "latakia", "najin", "tikhoretsk"]
    assert [line.split()[0] for line in rows[1:]] == [row["id"] for row in listed]


@pytest.mark.parametrize("site", ["najin", "file"])
def test_sites_show(site: str, place: tuple[str, Path]) -> None:
    ref = place[0] if site == "file" else site
    shown = json.loads(roadstead("sites", "show", ref, "--json").stdout)
    text = roadstead("sites", "show", ref).stdout
    assert shown["zones"]
    assert all(zone["zone_id"] in text and zone["kind"] in text for zone in shown["zones"])


def test_sites_show_unknown() -> None:
    result = roadstead("sites", "show", "nowhere", "--json")
    assert result.exit_code == 2
    assert "unknown site 'nowhere'" in only_line(result.stderr)


def test_sites_check_good(place: tuple[str, Path]) -> None:
    result = roadstead("sites", "check", place[0])
    told = json.loads(roadstead("sites", "check", place[0], "--json").stdout)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{place[0]}: good\n")
    assert told["problems"] == []
    assert {row["zone_id"] for row in told["sensing"]} == {z["zone_id"] for z in shown_zones(place[0])}
    assert all(measure["ok"] or measure["reason"] for row in told["sensing"] for measure in row["measures"])


def shown_zones(ref: str) -> list[dict[str, Any]]:
    zones: list[dict[str, Any]] = json.loads(roadstead("sites", "show", ref, "--json").stdout)["zones"]
    return [zone for zone in zones if zone["kind"] != "structure"]


def test_sites_check_tells_what_each_sensor_could_measure() -> None:
    """Najin has 31 zones; those of which the same can be told share a row."""
    said = roadstead("sites", "check", "najin").stdout
    assert said.startswith("najin: good\n")
    assert max(map(len, said.splitlines())) <= 100
    assert len(said.splitlines()) < 65
    for wanted in (
        "13 × berth",
        "vessels ≥ 50 m",
        "no stacks",
        "stacks ≥ 18 m",
        "optical pixels of 0.7 m or less",
    ):
        assert wanted in said


def test_sites_check_bad(tmp_path: Path) -> None:
    document = site_geojson(port())
    document["features"][0]["properties"]["kind"] = "habour"
    file = write_json(tmp_path / "broken.geojson", document)
    result = roadstead("sites", "check", file)
    told = json.loads(roadstead("sites", "check", file, "--json").stdout)
    problems = told["problems"]
    assert told["sensing"] is None
    assert result.exit_code == roadstead("sites", "check", file, "--json").exit_code == 2
    assert "habour" in result.stdout
    assert any(p["severity"] == "error" and "habour" in p["message"] for p in problems)


@pytest.mark.parametrize("text", [None, "{", "[]"])
def test_sites_check_of_what_is_no_site(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "site.geojson"
    if text is not None:
        file.write_text(text)
    result = roadstead("sites", "check", file)
    assert result.exit_code == 2
    assert result.stdout + result.stderr
    assert not isinstance(result.exception, Exception) or isinstance(result.exception, SystemExit)


LAND = Path(tasks.sites.__file__).parent / "land" / "najin.geojson"
AT = ("sites", "new", "--at", "130.285,42.226", "--coastline", LAND)


def test_sites_new_drafts_a_file_that_passes_and_says_what_to_do_next(tmp_path: Path) -> None:
    file = tmp_path / "draft.geojson"
    made = roadstead(*AT, "--name", "My port", "--out", file)
    assert made.exit_code == 0
    assert made.stdout.startswith(f"{file}: 1 harbour_water, 1 anchorage, 13 berth, 3 pier; ")
    assert "OpenStreetMap contributors, ODbL" in made.stdout
    assert "container_yard" in made.stdout
    assert f"roadstead sites check {file}" in made.stdout
    assert roadstead("sites", "check", file).stdout.startswith(f"{file}: good\n")
    shown = json.loads(roadstead("sites", "show", file, "--json").stdout)
    assert (shown["id"], shown["title"]) == ("my-port", "My port")


def test_sites_new_never_overwrites(tmp_path: Path) -> None:
    file = tmp_path / "mine.geojson"
    file.write_text("drawn by hand")
    result = roadstead(*AT, "--out", file)
    assert result.exit_code == 2
    assert "is there already and is not overwritten" in only_line(result.stderr)
    assert file.read_text() == "drawn by hand"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            ("--at", "42.226,130.285"),
            "latitude 130.285 is beyond 90; longitude comes first: --at 130.285,42.226",
        ),
        (("--at", "500,42"), "longitude is -180 to 180 and latitude -90 to 90"),
        (("--at", "nan,42"), "longitude is -180 to 180"),
        (("--at", "Najin"), "is no place; write longitude,latitude in degrees: 130.285,42.226"),
        (("--at", "1,2,3"), "is no place"),
        (("--at", "-130.285,42.226"), "no land within 3 km"),
        (("--radius", "50"), "0.5 to 10 km are possible"),
        (("--name", "Najin"), "makes the id 'najin', which Roadstead uses itself"),
        (("--name", "나진"), "has no letter or digit"),
        (("--coastline", "nowhere.geojson"), "nowhere.geojson cannot be read: No such file"),
    ],
)
def test_sites_new_refuses_with_the_reason(tmp_path: Path, asked: tuple[str, str], said: str) -> None:
    file = tmp_path / "draft.geojson"
    result = roadstead(*AT, "--out", file, *asked)  # the last of an option counts
    assert result.exit_code == 2
    assert said in only_line(result.stderr)
    assert not file.exists()


def test_sites_new_without_a_coastline_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "roaring_landmask", None)
    file = tmp_path / "draft.geojson"
    result = roadstead("sites", "new", "--at", "130.285,42.226", "--out", file, "--json")
    assert result.exit_code == 2
    assert "install the extra `sites`" in only_line(result.stderr)
    assert not file.exists()


def test_sites_new_as_json(tmp_path: Path) -> None:
    file = tmp_path / "draft.geojson"
    told = json.loads(roadstead(*AT, "--out", file, "--json").stdout)
    assert (told["file"], told["id"]) == (str(file), "port-at-130.285-42.226")
    assert told["zones"]["berth"] == 13
    assert 1900 < told["quay_m"] < 2100


def test_dry_run_changes_nothing(tmp_path: Path, place: tuple[str, Path]) -> None:
    out = tmp_path / "out"
    asked = ("backfill", place[0], "--catalog", place[1], *PERIOD, "--out", out, "--dry-run")
    said, result = roadstead(*asked), json.loads(roadstead(*asked, "--json").stdout)
    assert said.exit_code == 0
    assert said.stdout == "tiny: 1 new scenes, 0 archived already\n"
    assert (result["new"], result["known"], result["dry_run"]) == (1, 0, True)
    assert not out.exists()


def test_dry_run_reports_what_would_be_left_out(tmp_path: Path) -> None:
    made = [plain_scene(FIRST + timedelta(days=k), k) for k in range(2)]
    site, catalog = write_port(tmp_path, made)
    (tmp_path / "images" / "vv" / f"{made[1].scene_id}.tif").write_bytes(b"no")
    result = roadstead("backfill", site, "--catalog", catalog, *PERIOD, "--dry-run", "--json")
    assert result.exit_code == 3
    assert list(json.loads(result.stdout)["rejected"]) == [made[1].scene_id]


def test_in_a_process_of_its_own(tmp_path: Path, place: tuple[str, Path]) -> None:
    period = ("--start", "2023-12-31", "--end", "2023-01-01")
    done = in_own_process("backfill", place[0], "--catalog", place[1], *period, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "is before --start" in only_line(done.stderr)
    assert not (tmp_path / "out").exists()
