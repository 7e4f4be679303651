"""The manifest lists every file by its hash, and a publication is current only if nothing has changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from tasks.model import Site
from tasks.products.manifest import NAME, is_current, read_manifest, state, write_manifest

SITE = Site("tiny", "Tiny", (), "d1")
STATE = state("SNAP1", SITE, "1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "series.zarr").mkdir()
    (tmp_path / "series.zarr" / "zarr.json").write_text("{}")
    (tmp_path / "index.html").write_text("<!doctype html>")
    write_manifest(tmp_path, {"site": "tiny", "state": STATE})
    return tmp_path


def test_lists_every_other_file(folder: Path) -> None:
    files = json.loads((folder / NAME).read_text())["files"]
    assert list(files) == ["index.html", "series.zarr/zarr.json"]
    for name, entry in files.items():
        data = (folder / name).read_bytes()
        assert entry == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def test_a_second_writing_gives_the_same_bytes(folder: Path) -> None:
    before = (folder / NAME).read_bytes()
    write_manifest(folder, {"site": "tiny", "state": STATE})
    assert (folder / NAME).read_bytes() == before


def test_a_public_edition_is_another_state(folder: Path) -> None:
    assert is_current(folder, STATE)
    assert not is_current(folder, state("SNAP1", SITE, "1", public=True))


def test_state_names_the_code() -> None:
    assert STATE["roadstead"] == version("roadstead")


def test_current(folder: Path) -> None:
    assert is_current(folder, STATE)


@pytest.mark.parametrize(
    "change",
    [
        ("SNAP2", SITE, "1"),
        ("SNAP1", replace(SITE, digest="d2"), "1"),
        ("SNAP1", replace(SITE, weights={"berths": 1.0}), "1"),
        ("SNAP1", replace(SITE, title="Other"), "1"),
        ("SNAP1", SITE, "2"),
    ],
)
def test_not_current_if_anything_it_follows_from_has_changed(
    folder: Path, change: tuple[str, Site, str]
) -> None:
    assert not is_current(folder, state(*change))


@pytest.mark.parametrize("name", ["index.html", "series.zarr/zarr.json", NAME])
def test_not_current_if_a_file_is_gone(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert not is_current(folder, STATE)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"files": {}}', "\ufeffnot json"])
def test_not_current_if_the_manifest_is_unreadable(folder: Path, text: str) -> None:
    (folder / NAME).write_text(text)
    assert not is_current(folder, STATE)
    assert isinstance(read_manifest(folder), dict)


def test_bytes_that_are_no_text(folder: Path) -> None:
    (folder / NAME).write_bytes(b"\xff\xfe\x00")
    assert read_manifest(folder) == {}


def test_without_files_nothing_is_current(tmp_path: Path) -> None:
    write_manifest(tmp_path, {"state": STATE})
    assert not is_current(tmp_path, STATE)
    assert not is_current(tmp_path / "none", STATE)


def test_numbers_that_json_does_not_know_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_manifest(tmp_path, {"share": float("nan")})
    assert not (tmp_path / NAME).exists()
