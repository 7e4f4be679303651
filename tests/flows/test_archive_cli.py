"""``status``, ``verify`` and ``upkeep`` as a person types them."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from flows.cli import app
from tasks.archive.ledger import read_ledger
from tasks.archive.store import ArchiveRef
from tasks.errors import SceneError
from tests.archive.cubes import Reader, add, chunk_files, scene
from tests.archive.test_damage import files_of, flip, max_two


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(app, [str(a) for a in args])


def answer(*args: str | Path, code: int = 0) -> Any:
    result = run(*args, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    broken = Reader(failing={"day012_1": SceneError("vv cannot be read: it is cut off")})
    add(ArchiveRef(str(folder), "tiny"), *(scene(d) for d in (0, 6, 12, 40)), reader=broken)
    add(ArchiveRef(str(folder), "other"), scene(3))
    return folder


def test_status_of_an_archive(archive: Path) -> None:
    other, tiny = answer("status", "--archive", archive)
    assert (other["site"], tiny["site"]) == ("other", "tiny")
    (cube,) = tiny["collections"]
    assert (cube["collection"], cube["dates"], cube["bands"]) == ("tiny-s1", 3, ["vh", "vv"])
    assert cube["longest_gap_days"] == 34
    assert cube["gap_from"].startswith("2023-10-07")
    assert tiny["quarantine"] == {"day012_1": "vv cannot be read: it is cut off"}
    text = run("status", "tiny", "--archive", archive).output
    assert "34.0 d from 2023-10-07" in text
    assert "left out day012_1: vv cannot be read: it is cut off" in text


def test_status_of_an_earlier_state(archive: Path) -> None:
    ref = ArchiveRef(str(archive), "tiny")
    before = read_ledger(ref).snapshot
    add(ref, scene(60))
    (now,), (then,) = (
        answer("status", "tiny", "--archive", archive, *more) for more in ((), ("--as-of", str(before)))
    )
    assert now["collections"][0]["dates"] == then["collections"][0]["dates"] + 1
    assert then["snapshot"] == before
    result = run("status", "tiny", "--archive", archive, "--as-of", "2001-01-01")
    assert result.exit_code == 1
    assert "held nothing on 2001-01-01 23:59:59 UTC" in result.output
    assert run("status", "tiny", "--archive", archive, "--as-of", "yesterday").exit_code == 2


def test_what_is_not_there_is_said(tmp_path: Path, archive: Path) -> None:
    result = run("status", "narvik", "--archive", archive)
    assert result.exit_code == 2
    assert "has no site 'narvik'; it has other, tiny" in result.output
    result = run("status", "--archive", tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "has no site yet; `roadstead backfill SITE` makes one" in result.output
    (tmp_path / "empty").mkdir()
    result = run("verify", tmp_path / "empty")
    assert result.exit_code == 2
    assert "nothing to verify at" in result.output


def test_verify_names_the_damaged_scene(archive: Path) -> None:
    assert "6 planes read, all as they were written" in run("verify", archive).output
    ref = ArchiveRef(str(archive), "tiny")
    flip(max_two(files_of(ref, 70))[0], random.Random(3))
    result = run("verify", archive / "tiny.icechunk")
    assert result.exit_code == 1
    assert "8 planes read, 1 damaged" in result.output
    assert "tiny-s1 scene day070_1 (v" in result.output
    (checked,) = answer("verify", archive / "tiny.icechunk", code=1)
    assert [d["name"] for d in checked["damaged"]] == ["day070_1"]


def test_verify_reads_a_publication(tmp_path: Path) -> None:
    from tasks.products.manifest import write_manifest

    folder = tmp_path / "out" / "tiny"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("a page")
    (folder / "looks.parquet").write_text("looks")
    write_manifest(folder, {"site": "tiny"})
    for ref in (folder, folder.parent):
        (checked,) = answer("verify", ref)
        assert (checked["kind"], checked["read"], checked["damaged"]) == ("publication", 2, [])
    (folder / "index.html").write_text("another page")
    (folder / "looks.parquet").unlink()
    (folder / "note.txt").write_text("mine")
    (checked,) = answer("verify", folder, code=1)
    assert {d["name"]: d["reason"] for d in checked["damaged"]} == {
        "index.html": "has another SHA-256 than the manifest says",
        "looks.parquet": "is missing",
        "note.txt": "is not in the manifest",
    }


@pytest.mark.prefect
@pytest.mark.usefixtures("prefect_server")
def test_upkeep_forgets_old_states(archive: Path) -> None:
    ref = ArchiveRef(str(archive), "tiny")
    add(ref, scene(0, processing="2"))
    files = len(chunk_files(ref))
    done = answer("upkeep", "tiny", "--archive", archive, "--keep-days", "0")
    assert set(done) == {"tiny"}
    assert done["tiny"]["snapshots"] > 0
    assert len(chunk_files(ref)) < files
    assert answer("verify", archive / "tiny.icechunk")[0]["damaged"] == []
