"""Chips come back as they were written, and a picture that was altered does not come back at all."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from tasks.products.chips import FOLDER, LISTING, Card, Chip, Earlier, Evidence, write_evidence

CHIP = Chip(
    name="tiny-20231209T020000Z-planetscope-site.webp",
    scene_id='20231209_</script><img src=x onerror="alert(1)">',
    acquired=datetime(2023, 12, 9, 2),
    collection="planetscope",
    sensor="optical",
    pixel_m=3.0,
    shows="site",
    west=607_000.0,
    south=4_673_000.0,
    east=607_600.0,
    north=4_673_600.0,
    epsg=32652,
    width_px=200,
    height_px=290,
    caption="what it shows",
    attribution="© somebody; CC-BY-4.0",
    public=True,
    outlines=(((1.0, 2.0), (3.5, 4.0), (5.0, 6.0), (1.0, 2.0)),),
    data=b"RIFF1234WEBP",
)
OTHER = replace(
    CHIP, name="tiny-20231209T020000Z-planetscope-yard.webp", shows="yard", data=b"", public=False
)
EVIDENCE = Evidence((CHIP, OTHER), (Card("k", "t", "c", (CHIP.name, OTHER.name), "u"),), ("made", "also"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_evidence(tmp_path, EVIDENCE)
    return tmp_path


def test_files_and_list(folder: Path) -> None:
    assert {p.name for p in (folder / FOLDER).iterdir()} == {LISTING, CHIP.name}
    listed = json.loads((folder / FOLDER / LISTING).read_text())
    assert [chip["left_out"] for chip in listed["chips"]] == [False, True]
    assert all("data" not in chip for chip in listed["chips"])
    assert listed["chips"][0]["acquired"] == "2023-12-09T02:00:00Z"
    assert listed["cards"] == [
        {"key": "k", "title": "t", "claim": "c", "chips": [CHIP.name, OTHER.name], "unknown": "u"}
    ]


def test_what_was_written_comes_back(folder: Path) -> None:
    earlier = Earlier(folder)
    assert list(earlier.chips()) == [CHIP]
    assert earlier.picture(CHIP.name, "made") == CHIP.data
    assert earlier.picture(CHIP.name, "made of something else") is None
    assert earlier.picture(OTHER.name, "also") is None


def test_an_altered_picture_is_not_taken_over(folder: Path) -> None:
    (folder / FOLDER / CHIP.name).write_bytes(b"RIFF1235WEBP")
    earlier = Earlier(folder)
    assert earlier.picture(CHIP.name, "made") is None
    assert list(earlier.chips()) == []


def test_a_list_that_points_outside_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(CHIP.data)
    listing = folder / FOLDER / LISTING
    listing.write_text(listing.read_text().replace(CHIP.name, "../secret"))
    assert Earlier(folder).picture("../secret", "made") is None
    assert list(Earlier(folder).chips()) == []


@pytest.mark.parametrize("text", [None, "", "[]", '{"chips": 3}', '{"chips": [{}]}'])
def test_without_a_list_there_is_nothing(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / FOLDER).mkdir()
        (tmp_path / FOLDER / LISTING).write_text(text)
    assert list(Earlier(tmp_path).chips()) == []


def test_no_chips_no_folder(tmp_path: Path) -> None:
    write_evidence(tmp_path, Evidence())
    assert not (tmp_path / FOLDER).exists()
