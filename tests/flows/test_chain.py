"""The whole chain on a tiny port with known targets, against a real Prefect server."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from tasks.catalog.read import GDAL_OPTIONS
from tasks.science.epochs import ENOUGH_SCENES
from tests.flows.tiny import (
    DATES,
    FIRST,
    FIXED,
    HALF_SEEN,
    PERIOD,
    SHIP,
    SHIP_DATES,
    answer,
    cells,
    in_own_process,
    plain_scene,
    roadstead,
    row_of,
    scenes,
    tree,
    untouched,
    write_port,
)
from tests.scenes import make_collection

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server")]

MEASURED = ("looks.parquet", "vessels.parquet", "utilisation.csv", "utilisation.parquet")


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    return write_port(tmp_path_factory.mktemp("port"))


@pytest.fixture(scope="module")
def whole(port: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """One backfill of everything: its OUT folder and its answer. Tests only read it."""
    out = tmp_path_factory.mktemp("whole") / "out"
    return out, answer(backfill(port, out))


def backfill(port: tuple[str, Path], out: Path, *options: str | Path, period: Any = PERIOD) -> Any:
    return roadstead("backfill", port[0], "--catalog", port[1], *period, "--out", out, "--json", *options)


def monitor(port: tuple[str, Path], out: Path, until: Any, *options: str | Path) -> Any:
    given = ("--until", str(until.date()), "--out", out, "--json")
    return roadstead("monitor", port[0], "--catalog", port[1], *given, *options)


def manifest(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "tiny" / "manifest.json").read_text())
    return found


def measured(out: Path) -> dict[str, str]:
    found = tree(out / "tiny")
    return {name: found[name] for name in MEASURED}


def middle(corner: tuple[int, int]) -> npt.NDArray[np.int_]:
    """Middle of a vessel of 4 × 10 pixels."""
    return np.array(corner) + np.array([2, 5])


def dates() -> list[str]:
    return [f"tiny_{FIRST + timedelta(days=6 * k):%Y%m%dT%H%M%S}" for k in range(DATES)]


def test_what_is_published(whole: tuple[Path, dict[str, Any]]) -> None:
    out, said = whole
    files = set(tree(out / "tiny"))
    assert {"index.html", "manifest.json", "series.zarr/zarr.json", *MEASURED} <= files
    assert files == {"manifest.json", *manifest(out)["files"]}
    assert (said["ingested"], said["measured"], said["looks"]) == (DATES, DATES, 2 * DATES)
    assert Path(said["page"]).read_text().startswith("<!")
    assert sorted(p.name for p in out.iterdir()) == ["archive", "index.html", "tiny"]


def test_counts_are_the_truth(whole: tuple[Path, dict[str, Any]]) -> None:
    looks = pd.read_parquet(whole[0] / "tiny" / "looks.parquet")
    counts = looks.pivot(index="scene_id", columns="zone_id", values="vessel_count").loc[dates()]
    assert list(counts["harbour"]) == [0] * DATES
    expected = [pd.NA if k == HALF_SEEN else int(k in SHIP_DATES) for k in range(DATES)]
    assert list(counts["roads"].isna()) == [k == HALF_SEEN for k in range(DATES)]
    assert list(counts["roads"].dropna()) == [n for n in expected if n is not pd.NA]


def test_not_seen_is_null_and_says_so(whole: tuple[Path, dict[str, Any]]) -> None:
    looks = pd.read_parquet(whole[0] / "tiny" / "looks.parquet").set_index(["scene_id", "zone_id"])
    unseen, harbour = looks.loc[(dates()[HALF_SEEN], "roads")], looks.loc[(dates()[HALF_SEEN], "harbour")]
    assert unseen["flags"] == "not_seen"
    assert 0 < unseen["seen_fraction"] < 0.5
    assert unseen[["vessel_count", "vessel_length_m"]].isna().all()
    assert harbour["seen_fraction"] == 1
    assert harbour["vessel_count"] == 0
    assert "not_seen" not in harbour["flags"]


def test_vessels_lie_where_they_were_put(whole: tuple[Path, dict[str, Any]]) -> None:
    vessels = gpd.read_parquet(whole[0] / "tiny" / "vessels.parquet")
    found = cells(vessels.geometry.x, vessels.geometry.y)
    assert list(vessels["scene_id"]) == [dates()[k] for k in SHIP_DATES]
    assert np.abs(found - middle(SHIP)).max() <= 1
    assert vessels["length_m"].between(60, 140).all()
    assert (vessels["zone_id"] == "roads").all()
    assert vessels["outline"].contains(vessels.geometry).all()


def test_what_is_always_there_is_no_vessel_but_is_listed(whole: tuple[Path, dict[str, Any]]) -> None:
    listed = manifest(whole[0])["permanent_scatterers"]
    found = cells([s["longitude"] for s in listed], [s["latitude"] for s in listed])
    near = np.abs(found - middle(FIXED)).max(axis=1) <= 2
    assert near.any()
    assert all(s["share_of_dates"] >= 0.8 for s, is_near in zip(listed, near, strict=True) if is_near)
    vessels = gpd.read_parquet(whole[0] / "tiny" / "vessels.parquet")
    away = np.abs(cells(vessels.geometry.x, vessels.geometry.y) - middle(FIXED)).max(axis=1)
    assert away.min() > 6


def test_every_number_leads_back(whole: tuple[Path, dict[str, Any]]) -> None:
    found = manifest(whole[0])
    looks = pd.read_parquet(whole[0] / "tiny" / "looks.parquet")
    assert {i["scene_id"] for i in found["inputs"]} == set(looks["scene_id"]) == set(dates())
    assert found["archive"]["snapshot"] == whole[1]["snapshot"] == found["state"]["snapshot"]
    assert found["rejected"] == []


def test_a_second_run_changes_nothing(port: tuple[str, Path], whole: tuple[Path, dict[str, Any]]) -> None:
    before = untouched(whole[0])
    said = answer(backfill(port, whole[0]))
    assert (said["new"], said["known"], said["ingested"]) == (0, DATES, 0)
    assert untouched(whole[0]) == before


def test_a_second_run_never_loads_prefect(port: tuple[str, Path], whole: tuple[Path, dict[str, Any]]) -> None:
    import subprocess
    import sys

    before = untouched(whole[0])
    args = ["backfill", port[0], "--catalog", str(port[1]), *PERIOD, "--out", str(whole[0])]
    program = (
        "import sys; from flows.cli import app\n"
        f"try: app({args!r})\n"
        "except SystemExit as end: print(end.code, sorted({'prefect', 'distributed'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    headline, last_look, regime, months, page, loaded = done.stdout.splitlines()
    assert headline == f"tiny: nothing new: all {DATES} scenes are archived and published"
    assert last_look.startswith(
        f"tiny: last look 19 Oct 2023 21:31 UTC (radar); {DATES} looks since 1 Sep 2023"
    )
    assert regime == "  regime: too few looks to tell"
    assert months.startswith("  vessels per look in roads: ")
    assert page == f"page: {whole[0]}/tiny/index.html"
    assert loaded == "0 []"
    assert untouched(whole[0]) == before


def test_what_was_lost_of_a_publication_comes_back(port: tuple[str, Path], tmp_path: Path) -> None:
    answer(backfill(port, tmp_path / "out"))
    before = tree(tmp_path / "out" / "tiny")
    (tmp_path / "out" / "tiny" / "index.html").unlink()
    said = answer(backfill(port, tmp_path / "out"))
    assert (said["ingested"], said["measured"]) == (0, 0)
    assert tree(tmp_path / "out" / "tiny") == before


def test_publishing_twice_gives_the_same_bytes(
    port: tuple[str, Path], whole: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    said = answer(backfill(port, tmp_path / "again", "--archive", whole[0] / "archive"))
    assert (said["ingested"], said["measured"]) == (0, DATES)
    assert tree(tmp_path / "again" / "tiny") == tree(whole[0] / "tiny")


def test_a_public_edition_takes_the_place_of_the_full_one(port: tuple[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    answer(backfill(port, out))
    pictures = {k: v for k, v in tree(out / "tiny").items() if k.startswith("evidence/")}
    assert len(pictures) > 1
    said = answer(backfill(port, out, "--public"))
    assert (said["ingested"], said["measured"]) == (0, 0)
    assert manifest(out)["state"]["edition"] == "public"
    assert pictures.items() <= tree(out / "tiny").items()  # Sentinel's: everybody may see them
    before = untouched(out)
    answer(backfill(port, out, "--public"))
    assert untouched(out) == before


def test_later_half_first_gives_the_same(
    port: tuple[str, Path], whole: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    half = DATES // 2
    middle = (FIRST + timedelta(days=6 * half)).date()
    later = ("--start", str(middle), "--end", "2023-12-31")
    earlier = ("--start", "2023-01-01", "--end", str(middle - timedelta(days=1)))
    assert answer(backfill(port, tmp_path, period=later))["ingested"] == DATES - half
    assert measured(tmp_path) != measured(whole[0])
    assert answer(backfill(port, tmp_path, period=earlier))["ingested"] == half
    assert measured(tmp_path) == measured(whole[0])


def test_one_by_one_gives_the_same(
    port: tuple[str, Path], whole: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    answer(monitor(port, tmp_path, FIRST, "--since", str(FIRST.date())))
    for k in range(1, DATES):
        said = answer(monitor(port, tmp_path, FIRST + timedelta(days=6 * k)))
        assert said["ingested"] == 1
    assert measured(tmp_path) == measured(whole[0])
    assert answer(monitor(port, tmp_path, FIRST + timedelta(days=6 * DATES)))["new"] == 0


def test_a_late_scene_remeasures_its_epoch_and_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = [plain_scene(FIRST + timedelta(days=12 * k), k) for k in range(12)]
    late = made.pop(2)
    port = write_port(tmp_path, made)
    answer(backfill(port, tmp_path / "out"))
    make_collection(tmp_path / "images", *made, late)
    with caplog.at_level(logging.INFO):
        said = answer(backfill(port, tmp_path / "out"))
    assert said["ingested"] == 1
    assert said["measured"] > 1
    assert "corrected backgrounds 2023-07/61" in caplog.text

    answer(backfill(port, tmp_path / "fresh"))
    assert measured(tmp_path / "out") == measured(tmp_path / "fresh")


def test_a_new_scene_leaves_settled_epochs_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    # The newest is the first of its quarter, whose past is already long enough to settle.
    made = [plain_scene(FIRST + timedelta(days=6 * k), k) for k in range(22)]
    assert len(made) > ENOUGH_SCENES
    port = write_port(tmp_path, made[:-1])
    answer(backfill(port, tmp_path / "out"))
    make_collection(tmp_path / "images", *made)
    with caplog.at_level(logging.INFO):
        said = answer(backfill(port, tmp_path / "out"))
    assert (said["ingested"], said["measured"]) == (1, 1)
    assert "corrected" not in caplog.text


def spoil(image: Path, fault: str) -> None:
    data = image.read_bytes()
    if fault == "not a TIFF":
        image.write_text("<html>503 Service Unavailable</html>")
    elif fault == "cut":
        image.write_bytes(data[: len(data) // 2])
    else:
        image.write_bytes(data[:6])


@pytest.mark.parametrize(("fault", "bad"), [("not a TIFF", 4), ("cut", 0), ("cut", 4), ("header only", 0)])
def test_one_broken_scene_is_left_out_until_asked_for(tmp_path: Path, fault: str, bad: int) -> None:
    made = scenes(6)
    port = write_port(tmp_path, made)
    image = tmp_path / "images" / "vv" / f"{made[bad].scene_id}.tif"
    good = image.read_bytes()
    spoil(image, fault)
    out = tmp_path / "out"
    said = answer(backfill(port, out), 3)
    assert said["ingested"] == len(made) - 1
    assert list(said["rejected"]) == [made[bad].scene_id]
    assert [r["scene_id"] for r in manifest(out)["rejected"]] == [made[bad].scene_id]
    assert made[bad].scene_id in (out / "tiny" / "index.html").read_text()

    image.write_bytes(good)  # mended, but nobody asked for it to be read again
    before = untouched(out)
    again = answer(backfill(port, out), 3)
    assert again["rejected"] == said["rejected"]
    assert untouched(out) == before

    mended = answer(backfill(port, out, "--retry-rejected"))
    assert (mended["ingested"], mended["rejected"]) == (1, {})
    assert manifest(out)["rejected"] == []


@pytest.mark.parametrize("fault", ["not a TIFF", "cut", "header only"])
def test_a_broken_scene_that_comes_alone_is_settled_once(tmp_path: Path, fault: str) -> None:
    made = scenes(6)
    port = write_port(tmp_path, made[:5])
    out = tmp_path / "out"
    answer(backfill(port, out))
    counts = measured(out)
    make_collection(tmp_path / "images", *made)
    spoil(tmp_path / "images" / "vv" / f"{made[5].scene_id}.tif", fault)
    answer(backfill(port, out), 3)
    assert [r["scene_id"] for r in manifest(out)["rejected"]] == [made[5].scene_id]
    assert measured(out) == counts
    before = untouched(out)
    assert answer(backfill(port, out), 3)["new"] == 0
    assert untouched(out) == before


def test_a_scene_that_cannot_be_reached_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(GDAL_OPTIONS, "GDAL_HTTP_MAX_RETRY", "0")
    made = scenes(6)
    port = write_port(tmp_path, made)
    item_file = tmp_path / "images" / "items" / f"{made[5].scene_id}.json"
    item = json.loads(item_file.read_text())
    here = item["assets"]["vv"]["href"]
    item["assets"]["vv"]["href"] = "http://127.0.0.1:1/vv.tif"
    item_file.write_text(json.dumps(item))
    out = tmp_path / "out"
    for ingested in (5, 0):
        said = answer(backfill(port, out), 3)
        assert said["ingested"] == ingested
        assert list(said["rejected"]) == [made[5].scene_id]
        assert manifest(out)["rejected"] == []
    item["assets"]["vv"]["href"] = here
    item_file.write_text(json.dumps(item))
    assert answer(backfill(port, out))["ingested"] == 1


def test_masked_pixels_hold_no_vessel(tmp_path: Path) -> None:
    made = scenes()
    quay = slice(row_of(52), row_of(60)), slice(row_of(0), row_of(60))
    for k, scene in enumerate(made):
        plane = scene.planes["vv"].copy()
        if k in (2, 8):
            plane[row_of(50) : row_of(54), row_of(44) : row_of(54)] = 5.0  # alongside the masked quay
        plane[quay] = np.nan
        made[k] = replace(scene, planes={"vv": plane})
    port = write_port(tmp_path, made)
    answer(backfill(port, tmp_path / "out"))
    vessels = gpd.read_parquet(tmp_path / "out" / "tiny" / "vessels.parquet")
    planes = {s.scene_id: s.planes["vv"] for s in made}
    places = cells(vessels.geometry.x, vessels.geometry.y) + row_of(0)
    assert all(
        np.isfinite(planes[name][row, col])
        for name, (row, col) in zip(vessels["scene_id"], places, strict=True)
    )
    assert not {dates()[2], dates()[8]} & set(vessels["scene_id"])


@pytest.mark.parametrize("fault", [RuntimeError("the page cannot be drawn"), KeyboardInterrupt()])
def test_a_publish_that_breaks_off_leaves_the_old_one_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    made = scenes(6)
    port = write_port(tmp_path, made[:5])
    out = tmp_path / "out"
    answer(backfill(port, out))
    before = untouched(out / "tiny")
    make_collection(tmp_path / "images", *made)

    def broken(*_: Any) -> str:
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr("tasks.publish.render_page", broken)
        result = backfill(port, out)
    assert result.exit_code != 0
    assert untouched(out / "tiny") == before
    assert sorted(p.name for p in out.iterdir()) == ["archive", "index.html", "tiny"]

    assert answer(backfill(port, out))["new"] == 0
    assert [i["scene_id"] for i in manifest(out)["inputs"]] == [s.scene_id for s in made]


def test_removed_images_do_not_matter_once_archived(tmp_path: Path) -> None:
    port = write_port(tmp_path, scenes(6))
    out = tmp_path / "out"
    answer(backfill(port, out))
    before = measured(out)
    shutil.rmtree(tmp_path / "images" / "vv")
    shutil.rmtree(out / "tiny")
    said = answer(backfill(port, out))
    assert (said["known"], said["ingested"], said["measured"]) == (6, 0, 6)
    assert measured(out) == before


@pytest.mark.slow
def test_a_local_cluster_gives_the_same(
    port: tuple[str, Path], whole: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    from prefect.settings import PREFECT_API_URL

    given = ("--out", tmp_path / "out", "--cluster", "local", "--json")
    server = {"PREFECT_API_URL": str(PREFECT_API_URL.value())}
    done = in_own_process("backfill", port[0], "--catalog", port[1], *PERIOD, *given, **server)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ingested"] == DATES
    assert measured(tmp_path / "out") == measured(whole[0])
    assert "Traceback" not in done.stderr
