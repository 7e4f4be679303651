"""From a catalogue of files to the archive: what is broken, beside the site, or of other bands."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.archive.ledger import Ledger
from tasks.discover import ledger_of, plan
from tasks.ingest import ingest_batch
from tasks.model import Plan, Request
from tests.scenes import COLLECTION, FIRST, make_collection, passes, small_site


def request_of(catalog: Path, folder: Path) -> Request:
    day = FIRST.date()
    out = str(folder / "out")
    return Request(
        small_site(), day, day.replace(month=12), str(catalog), str(folder / "archive"), out, (COLLECTION,)
    )


def ingest(request: Request, todo: Plan) -> Ledger:
    with ThreadPoolExecutor(2) as pool:
        ingest_batch.fn(request, COLLECTION, list(todo.new), pool, lambda _: None)
    return ledger_of(request)


@pytest.mark.parametrize("projection", [True, False], ids=["items tell the grid", "a header tells it"])
@pytest.mark.parametrize("cut", [100, 20_000], ids=["no header", "no pixels"])
def test_a_broken_redelivery_gives_way_to_what_came_before(
    tmp_path: Path, projection: bool, cut: int
) -> None:
    one, other = passes(2)
    told = {"updated": "2024-01-01T00:00:00Z"}
    again = replace(one, scene_id=f"{one.scene_id}_again", properties=told)
    catalog = make_collection(tmp_path / "images", one, again, other, projection=projection)
    broken = tmp_path / "images" / "vv" / f"{again.scene_id}.tif"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:cut])
    request = request_of(catalog, tmp_path)

    todo = plan(request)
    assert [s.scene_id for s in todo.new] == [again.scene_id, other.scene_id]
    ledger = ingest(request, todo)
    assert sorted(s.scene_id for s in ledger.scenes) == [one.scene_id, other.scene_id]
    assert list(ledger.rejected) == [again.scene_id]

    later = plan(request)
    assert (later.new, later.known) == ((), 2)
    assert [r.scene_id for r in later.rejected] == [again.scene_id]

    broken.write_bytes(whole)
    mended = plan(replace(request, retry_rejected=True))
    assert [s.scene_id for s in mended.new] == [again.scene_id]
    ledger = ingest(request, mended)
    assert sorted(s.scene_id for s in ledger.scenes) == [again.scene_id, other.scene_id]
    assert ledger.superseded == {one.scene_id: again.scene_id}


def test_a_file_that_is_no_tiff_gives_way_before_it_is_read(tmp_path: Path) -> None:
    one, other = passes(2)
    again = replace(one, scene_id=f"{one.scene_id}_again", properties={"updated": "2024-01-01T00:00:00Z"})
    catalog = make_collection(tmp_path / "images", one, again, other)
    (tmp_path / "images" / "vv" / f"{again.scene_id}.tif").write_bytes(b"<html>")
    todo = plan(request_of(catalog, tmp_path))
    assert [s.scene_id for s in todo.new] == [one.scene_id, other.scene_id]
    assert [r.scene_id for r in todo.rejected] == [again.scene_id]


def test_a_tile_beside_the_site_is_asked_for_once_and_not_called_broken(tmp_path: Path) -> None:
    one, beside = passes(2)
    for plane in beside.planes.values():
        plane[:] = np.nan
    request = request_of(make_collection(tmp_path / "images", one, beside), tmp_path)
    ledger = ingest(request, plan(request))
    assert ([s.scene_id for s in ledger.scenes], list(ledger.bare)) == ([one.scene_id], [beside.scene_id])
    later = plan(request)
    assert (later.new, later.known, later.rejected) == ((), 1, ())
    assert [s.scene_id for s in plan(replace(request, retry_rejected=True)).new] == [beside.scene_id]


def test_bands_that_the_archive_was_not_begun_with_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = passes(2)
    first = replace(one, planes={"vv": one.planes["vv"]})
    folder = tmp_path / "images"
    request = request_of(make_collection(folder, first), tmp_path)
    with caplog.at_level("WARNING", "tasks.ingest"):
        ingest(request, plan(request))
        assert caplog.messages == []
        make_collection(folder, first, other)
        ledger = ingest(request, plan(request))
    assert (len(ledger.scenes), ledger.bands) == (2, {COLLECTION: ("vv",)})
    assert caplog.messages == [
        "tiny tiny-s1: vh left out, for this archive was begun with vv alone; "
        "to have all bands, gather the period into a new --archive"
    ]
