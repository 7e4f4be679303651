"""The chain where the archive has work to do: tiles, object stores, damage, optical images, a gate."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tasks.archive.ledger import read_ledger
from tasks.archive.reading import open_cube
from tasks.archive.store import ArchiveRef
from tests.archive.cubes import chunk_files, content
from tests.archive.stores import StoreServer, use
from tests.archive.test_damage import flip, verified
from tests.flows.test_chain import backfill, measured
from tests.flows.tiny import DATES, FIRST, answer, roadstead, scenes, tree, write_port
from tests.scenes import Scene, grid, make_collection, passes

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server")]

HEIGHT, OVERLAP = 80, 10


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    return write_port(tmp_path_factory.mktemp("port"))


@pytest.fixture(scope="module")
def whole(port: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The OUT folder of one backfill of everything; tests only read it."""
    out = tmp_path_factory.mktemp("whole") / "out"
    answer(backfill(port, out))
    return out


def archive_of(out: Path) -> ArchiveRef:
    return ArchiveRef(str(out / "archive"), "tiny")


def halves(scene: Scene) -> tuple[Scene, Scene]:
    """The two tiles as which a scene may be delivered: they overlap, and begin 25 s apart."""
    rows = scene.box.shape[0]
    north = {name: plane[:HEIGHT] for name, plane in scene.planes.items()}
    south = {name: plane[HEIGHT - OVERLAP :] for name, plane in scene.planes.items()}
    later = scene.acquired + timedelta(seconds=25)
    return (
        replace(scene, scene_id=f"{scene.scene_id}_N", planes=north, box=grid(-40, -40, HEIGHT, 140)),
        replace(
            scene,
            scene_id=f"{scene.scene_id}_S",
            acquired=later,
            planes=south,
            box=grid(-40 + HEIGHT - OVERLAP, -40, rows - HEIGHT + OVERLAP, 140),
        ),
    )


def looks(out: Path) -> pd.DataFrame:
    """What the looks say, without the names of the scenes."""
    table = pd.read_parquet(out / "tiny" / "looks.parquet")
    return table.drop(columns=["scene_id"]).reset_index(drop=True)


def test_tiles_measure_as_the_whole_scene_does_even_when_one_comes_late(
    whole: Path, port: tuple[str, Path], tmp_path: Path
) -> None:
    tiles = [halves(scene) for scene in scenes()]
    catalog = make_collection(tmp_path / "images", *(one for pair in tiles for one in pair))
    first = make_collection(
        tmp_path / "first", *(one for k, pair in enumerate(tiles) for one in pair[: 1 if k == 4 else 2])
    )
    together, late = tmp_path / "together", tmp_path / "late"
    said = answer(backfill((port[0], catalog), together))
    assert (said["ingested"], said["measured"]) == (2 * DATES, DATES)
    pd.testing.assert_frame_equal(looks(together), looks(whole))
    assert answer(backfill((port[0], first), late))["ingested"] == 2 * DATES - 1
    assert answer(backfill((port[0], catalog), late))["ingested"] == 2  # the pass is made anew, whole
    assert content(archive_of(late)) == content(archive_of(together))
    assert measured(late) == measured(together)
    (ids,) = {s.scene_id.count("+") for s in read_ledger(archive_of(late)).scenes}
    assert ids == 1


def test_an_archive_in_an_object_store_gives_the_same_numbers(
    whole: Path, port: tuple[str, Path], tmp_path: Path, moto: StoreServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, moto.env)
    place = f"{moto.bucket('ports')}/archive"
    said = answer(backfill(port, tmp_path, "--archive", place))
    assert said["ingested"] == DATES
    assert measured(tmp_path) == measured(whole)
    assert content(ArchiveRef(place, "tiny")) == content(archive_of(whole))
    assert answer(backfill(port, tmp_path, "--archive", place))["new"] == 0
    (status,) = json.loads(roadstead("status", "--archive", place, "--json").stdout)
    assert status["collections"][0]["dates"] == DATES
    (checked,) = json.loads(roadstead("verify", place, "--json").stdout)
    assert (checked["read"] > DATES, checked["damaged"]) == (True, [])
    (tidied,) = json.loads(
        roadstead("upkeep", "--archive", place, "--keep-days", "0", "--json").stdout
    ).values()
    assert tidied["objects"] == 0  # all is younger than a transaction may be


def test_a_store_that_ignores_conditions_is_refused(
    port: tuple[str, Path], tmp_path: Path, rclone: StoreServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, rclone.env)
    result = backfill(port, tmp_path / "out", "--archive", f"{rclone.bucket('ports')}/archive")
    assert result.exit_code == 2
    assert "ignores conditional writes (a second If-None-Match: * was accepted)" in result.stderr
    assert not (tmp_path / "out").exists()


def test_damage_is_found_and_only_what_is_damaged_is_fetched_again(
    port: tuple[str, Path], tmp_path: Path
) -> None:
    answer(backfill(port, tmp_path))
    ref = archive_of(tmp_path)
    before, published = content(ref), tree(tmp_path / "tiny")
    largest = sorted(chunk_files(ref), key=lambda path: (path.stat().st_size, path.name))
    scene_plane, background = planes_of(ref, largest)
    flip(scene_plane, random.Random(1))
    flip(background, random.Random(2))
    found = json.loads(roadstead("verify", tmp_path, "--json").stdout)
    kinds = sorted(d["what"] for one in found for d in one["damaged"])
    assert kinds == ["background", "scene"]
    said = answer(backfill(port, tmp_path, "--repair"))
    assert said["ingested"] == 1
    assert said["measured"] == 0
    assert json.loads(roadstead("verify", tmp_path / "archive", "--json").stdout)[0]["damaged"] == []
    assert content(ref) == before
    after = tree(tmp_path / "tiny")
    listing = {"manifest.json", "index.html", "collection.json"}  # a new state
    changed = {n for n in published if after[n] != published[n]}
    assert {n for n in changed if not n.startswith("items/")} <= listing
    assert answer(backfill(port, tmp_path, "--repair"))["ingested"] == 0


def planes_of(ref: ArchiveRef, files: list[Path]) -> tuple[Path, Path]:
    """One file of a scene's plane and one of a background's: found by trying."""
    found: dict[str, Path] = {}
    for path in reversed(files):
        whole = path.read_bytes()
        flip(path, random.Random(0))
        for one in verified(ref).damaged:
            found.setdefault(one.what, path)
        path.write_bytes(whole)
        if {"scene", "background"} <= set(found):
            return found["scene"], found["background"]
    raise AssertionError("no plane found")


def test_optical_images_are_archived_and_measured_by_name(port: tuple[str, Path], tmp_path: Path) -> None:
    made = [optical(one, number) for number, one in enumerate(passes(3, bands=("nir", "red")))]
    catalog = make_collection(tmp_path / "images", *made, collection="tiny-s2")
    option = ("--collection", "tiny-s2")
    said = answer(backfill((port[0], catalog), tmp_path / "out", *option))
    assert (said["ingested"], said["measured"]) == (3, 3)
    cube = open_cube(archive_of(tmp_path / "out"), "tiny-s2")
    assert cube["nir"].attrs["units"] == "reflectance"
    assert cube["nir"].dtype == np.uint16
    again = answer(backfill((port[0], catalog), tmp_path / "out", *option))
    assert (again["new"], again["known"]) == (0, 3)
    looks = pd.read_parquet(tmp_path / "out" / "tiny" / "looks.parquet")
    assert set(looks["sensor"]) == {"optical"}
    assert looks["flags"].str.contains("no_memory").all()


def optical(scene: Scene, seed: int) -> Scene:
    """Numbers of Sentinel-2 with the offset of baseline 04.00 in them."""
    rng = np.random.default_rng(seed)
    planes = {name: rng.integers(1100, 4000, scene.box.shape).astype("uint16") for name in scene.planes}
    properties: dict[str, Any] = {
        "constellation": "sentinel-2",
        "platform": "sentinel-2a",
        "s2:processing_baseline": "05.09",
    }
    return replace(scene, planes=planes, unit=None, nodata=0, properties=properties)


def test_a_displaced_image_stays_out_with_its_reason(port: tuple[str, Path], tmp_path: Path) -> None:
    ground = np.random.default_rng(5).choice([0.02, 0.3], (18, 18), p=[0.5, 0.5])
    quarter = np.kron(ground, np.ones((8, 8)))[:140, :140]
    good = passes(7, bands=("vv",), first=FIRST)
    good = [replace(s, planes={"vv": (s.planes["vv"] / 0.02 * quarter).astype("float32")}) for s in good]
    moved = replace(good[-1], planes={"vv": np.roll(good[-1].planes["vv"], (4, -3), (0, 1))})
    catalog = make_collection(tmp_path / "images", *good[:-1], moved)
    said = answer(backfill((port[0], catalog), tmp_path / "out"), 3)
    assert list(said["rejected"]) == [moved.scene_id]
    assert "image lies" in said["rejected"][moved.scene_id]
    assert read_ledger(archive_of(tmp_path / "out")).rejected == said["rejected"]
    make_collection(tmp_path / "images", *good)
    assert answer(backfill((port[0], catalog), tmp_path / "out"), 3)["ingested"] == 0
    assert answer(backfill((port[0], catalog), tmp_path / "out", "--retry-rejected"))["ingested"] == 1


def test_a_collection_of_which_nothing_can_be_read_leaves_nothing(
    port: tuple[str, Path], tmp_path: Path
) -> None:
    catalog = make_collection(tmp_path / "images", *passes(3, bands=("vv",)))
    for image in (tmp_path / "images" / "vv").iterdir():
        image.write_bytes(image.read_bytes()[:2000])  # a header, and no more
    result = backfill((port[0], catalog), tmp_path / "out")
    assert result.exit_code == 2
    assert "none of the 3 scenes can be used; tiny_20231001T213112: vv cannot be read" in result.stderr
    assert not (tmp_path / "out").exists()
