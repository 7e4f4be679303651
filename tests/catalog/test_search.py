from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stac_geoparquet.arrow import parse_stac_items_to_arrow, to_parquet

from tasks.catalog import paging
from tasks.catalog.search import Found, search
from tasks.errors import InputError
from tasks.model import Rights, SceneRef
from tests.catalog.servers import Answer, Files, StacApi, as_json, serve
from tests.scenes import (
    COLLECTION,
    FIRST,
    Scene,
    collection_document,
    make_collection,
    make_item,
    passes,
    sea,
    site_bbox,
    write_json,
)

BOX = site_bbox()
START, END = date(2023, 9, 1), date(2023, 12, 31)
SHARED = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "RETRY_PAUSE_S", 0.001)


def scenes() -> list[Scene]:
    """Five passes that differ in what catalogues may leave out or spell differently."""
    first, second, third, fourth, fifth = passes(5)
    second = replace(second, planes={"vv": second.planes["vv"]}, properties={"eo:cloud_cover": 3})
    third = replace(third, unit="dB", nodata=None)
    fourth = replace(fourth, properties={"updated": "2023-11-02T03:04:05Z", "processing:version": "3.61"})
    fifth = replace(fifth, orbit=None, properties={"updated": "2023-11-02T03:04:05.678Z"})
    return [first, second, third, fourth, fifth]


def items_of(folder: Path) -> list[dict[str, Any]]:
    """Items with absolute hrefs, as an API serves them."""
    items = [json.loads(path.read_text()) for path in sorted((folder / "items").glob("*.json"))]
    for item in items:
        for asset in item["assets"].values():
            asset["href"] = str(folder / asset["href"].removeprefix("../"))
    return items


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_collection(tmp_path_factory.mktemp("static"), *scenes(), pixels=False).parent


def facts(found: Found) -> list[str]:
    """Everything about the scenes but where their files lie; as text, since NaN is not NaN."""
    plain = [replace(s, bands=tuple(replace(b, href="") for b in s.bands)) for s in found.scenes]
    return [repr(s) for s in plain]


@contextmanager
def as_file(folder: Path, _: Path) -> Iterator[str]:
    yield str(folder / "collection.json")


@contextmanager
def as_file_url(folder: Path, _: Path) -> Iterator[str]:
    yield (folder / "collection.json").as_uri()


@contextmanager
def as_folder(folder: Path, _: Path) -> Iterator[str]:
    yield str(folder)


@contextmanager
def as_nested_catalogue(folder: Path, work: Path) -> Iterator[str]:
    """A catalogue of two children, one a catalogue again, that link back to their root."""
    root = {"rel": "child", "href": "../catalog.json"}
    hrefs = [str(path) for path in sorted((folder / "items").iterdir())]

    def node(name: str, *links: dict[str, str]) -> dict[str, Any]:
        return {
            "type": "Catalog",
            "stac_version": "1.1.0",
            "id": name,
            "description": name,
            "links": [*links],
        }

    def child(href: str) -> dict[str, str]:
        return {"rel": "child", "href": href}

    deep = node("deep", root, *({"rel": "item", "href": href} for href in hrefs[2:]))
    write_json(work / "deep" / "catalog.json", deep)
    early = node("early", child("../deep/catalog.json"), *({"rel": "item", "href": h} for h in hrefs[:2]))
    write_json(work / "early" / "catalog.json", early)
    write_json(
        work / "catalog.json", node("root", child("./early/catalog.json"), child("./deep/catalog.json"))
    )
    yield str(work / "catalog.json")


@contextmanager
def over_http(folder: Path, _: Path) -> Iterator[str]:
    with serve(Files(folder)) as address:
        yield f"{address}/collection.json"


@contextmanager
def from_api(folder: Path, _: Path) -> Iterator[str]:
    api = StacApi(items_of(folder))
    with api.running() as address:
        yield address
    assert api.asked == {0: 1, 1: 1, 2: 1}


@contextmanager
def from_get_only_api(folder: Path, _: Path) -> Iterator[str]:
    with StacApi(items_of(folder), method="GET").running() as address:
        yield address


@contextmanager
def as_parquet(folder: Path, work: Path) -> Iterator[str]:
    path = work / "items.parquet"
    to_parquet(parse_stac_items_to_arrow(items_of(folder)), path)
    yield str(path)


SHAPES = (
    as_file,
    as_file_url,
    as_folder,
    as_nested_catalogue,
    over_http,
    from_api,
    from_get_only_api,
    as_parquet,
)

WITHOUT_COLLECTION = (as_nested_catalogue, as_parquet)
"""Shapes that hold items alone: the licence stands in a collection's document."""


def _without_rights(found: Found) -> Found:
    return replace(found, scenes=tuple(replace(s, rights=Rights()) for s in found.scenes))


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_catalogue_tells_the_same(shape: Any, folder: Path, tmp_path: Path) -> None:
    with shape(folder, tmp_path) as ref:
        found = search(ref, BOX, START, END, [COLLECTION])
    expected = search(str(folder / "collection.json"), BOX, START, END)
    assert facts(_without_rights(found)) == facts(_without_rights(expected))
    told = Rights() if shape in WITHOUT_COLLECTION else Rights("Apache-2.0")
    assert {s.rights for s in found.scenes} == {told}
    assert [s.scene_id for s in found.scenes] == [s.scene_id for s in scenes()]
    assert not found.unreadable
    first, second, third, fourth, fifth = found.scenes
    assert [b.name for b in first.bands] == ["vv", "vh"]
    assert [b.name for b in second.bands] == ["vv"]
    assert second.cloud_cover == 3
    assert {(b.units, b.nodata) for b in third.bands} == {("dB", None)}
    assert fourth.processing == "3.61|2023-11-02T03:04:05.000000+00:00"
    assert (first.orbit, fifth.orbit) == (61, 0)


def test_hrefs_point_at_the_files(tmp_path: Path) -> None:
    make_collection(tmp_path, *passes(1))
    found = search(str(tmp_path), BOX, START, END)
    with serve(Files(tmp_path)) as address:
        remote = search(f"{address}/collection.json", BOX, START, END)
        assert [b.href for b in remote.scenes[0].bands] == [
            f"{address}/{band}/{found.scenes[0].scene_id}.tif" for band in ("vv", "vh")
        ]
    assert all(Path(b.href).is_file() for b in found.scenes[0].bands)


def test_unlinked_items_are_not_part_of_a_catalogue(tmp_path: Path) -> None:
    write_json(tmp_path / "items" / "stray.json", make_item(passes(1)[0]))
    with pytest.raises(InputError, match="is empty: no item answers; at least one scene is needed"):
        search(
            str(write_json(tmp_path / "collection.json", collection_document(COLLECTION, [])).parent),
            BOX,
            START,
            END,
        )


@SHARED
@given(data=st.data())
def test_order_and_duplicates_do_not_matter(data: st.DataObject, folder: Path, tmp_path: Path) -> None:
    items = items_of(folder)
    again = make_item(
        replace(scenes()[0], scene_id="tiny_again", properties={"updated": "2024-01-01T00:00:00Z"})
    )
    items.append(again)
    listed = data.draw(st.permutations(items + data.draw(st.lists(st.sampled_from(items), max_size=4))))
    write_json(
        tmp_path / "collection.json",
        {
            **collection_document(COLLECTION, []),
            "links": [{"rel": "item", "href": f"./{number}.json"} for number in range(len(listed))],
        },
    )
    for number, item in enumerate(listed):
        write_json(tmp_path / f"{number}.json", item)
    found = search(str(tmp_path), BOX, START, END)
    expected = ["tiny_again", *(s.scene_id for s in scenes()[1:])]
    assert [s.scene_id for s in found.scenes] == expected
    assert found.superseded == (scenes()[0].scene_id,)


# An API that misbehaves


def api_answer(ref: str, *collections: str) -> Found:
    return search(ref, BOX, START, END, collections or (COLLECTION,))


FAULTS: dict[str, Callable[[Answer], Answer]] = {
    "500": lambda _: (500, "text/plain", b"out of order"),
    "503": lambda _: (503, "text/html", b"<html>" + b"busy " * 1000),
    "truncated": lambda answer: (200, answer[1], answer[2][:200]),
    "html": lambda _: (200, "text/html", b"<html>log in</html>"),
    "no features": lambda answer: (200, answer[1], b"{}"),
    "a list": lambda answer: (200, answer[1], b"[]"),
}


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_search_that_breaks_off_is_no_short_answer(folder: Path, fault: str, method: str) -> None:
    api = StacApi(items_of(folder), method=method, broken_page=1, fault=FAULTS[fault])
    with api.running() as ref, pytest.raises(InputError, match="the search broke off") as raised:
        api_answer(ref)
    assert ref in str(raised.value)
    assert len(str(raised.value)) < 500  # a page of HTML does not fill the screen


def test_a_next_link_that_leads_back_ends_the_search(folder: Path) -> None:
    items = items_of(folder)
    api = StacApi(items, broken_page=2)
    back = {"rel": "next", "method": "POST", "merge": True, "body": {"page": 1}}

    def lead_back(_: Answer) -> Answer:
        link = {**back, "href": f"{api.address}/search"}
        return as_json({"type": "FeatureCollection", "features": items[4:], "links": [link]})

    api.fault = lead_back
    with (
        api.running() as ref,
        pytest.raises(InputError, match="the link to page 3 leads back to an earlier one"),
    ):
        api_answer(ref)


def test_an_empty_page_is_not_the_last(folder: Path) -> None:
    api = StacApi(items_of(folder), broken_page=1)
    api.fault = lambda answer: as_json({**json.loads(answer[2]), "features": []})
    with api.running() as ref:
        assert len(api_answer(ref).scenes) == 3  # a filtered page: what comes after it still counts


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_fault_that_passes_is_waited_for(folder: Path, status: int) -> None:
    api = StacApi(items_of(folder), broken_page=1, recovers_after=2)
    api.fault = lambda _: (status, "text/plain", b"busy")
    with api.running() as ref:
        assert len(api_answer(ref).scenes) == 5
    assert api.asked == {0: 1, 1: 3, 2: 1}


def test_a_static_item_that_answers_late_is_waited_for(folder: Path) -> None:
    name = f"/items/{scenes()[0].scene_id}.json"
    files = Files(folder, failing={name: [503, 500]})
    with serve(files) as address:
        assert len(search(f"{address}/collection.json", BOX, START, END).scenes) == 5
    assert files.asked[name] == 3


def test_an_api_that_answers_too_much_is_checked(folder: Path) -> None:
    elsewhere = make_item(replace(scenes()[0], scene_id="elsewhere"))
    elsewhere["bbox"] = [10.0, 54.0, 11.0, 55.0]
    late = make_item(replace(scenes()[0], scene_id="late", acquired=FIRST + timedelta(days=400)))
    with StacApi([elsewhere, *items_of(folder), late], page_size=3).running() as ref:
        assert [s.scene_id for s in api_answer(ref).scenes] == [s.scene_id for s in scenes()]


def test_an_api_wants_a_collection_named(folder: Path) -> None:
    with StacApi(items_of(folder)).running() as ref:
        with pytest.raises(InputError, match=f"is an API: name --collection, one or more of {COLLECTION}"):
            search(ref, BOX, START, END)
        with pytest.raises(InputError, match=f"has no collection sentinel-9; it has {COLLECTION}"):
            api_answer(ref, "sentinel-9")


def test_an_api_without_a_scene_says_where_and_when(folder: Path) -> None:
    api = StacApi(items_of(folder))
    with api.running() as ref:
        api._search = lambda _: (200, "application/json", b'{"type": "FeatureCollection", "features": []}')  # type: ignore[method-assign]
        with pytest.raises(
            InputError, match=r"no scene of tiny-s1 over 130\.\d+,42\.\d+ to 130.* 2023-09-01 and"
        ):
            api_answer(ref)


# Errors, each naming the thing, its value and what is right


def test_a_catalogue_that_cannot_be_opened(tmp_path: Path) -> None:
    cases = {
        str(tmp_path / "none.json"): "cannot be read: .*No such file",
        str(tmp_path): "the folder has neither collection.json nor catalog.json",
        "http://127.0.0.1:9/collection.json": "cannot be read: .*refused",
        str(
            write_json(tmp_path / "item.json", make_item(passes(1)[0]))
        ): "is a 'Feature'; a STAC Catalog, Coll",
        str(
            write_json(tmp_path / "list.json", [1])
        ): "is a 'list'; a STAC Catalog, Collection or API is needed",
    }
    (tmp_path / "text.json").write_text("hello")
    cases[str(tmp_path / "text.json")] = "cannot be read: Expecting value"
    (tmp_path / "latin.json").write_bytes(b'{"type": "Catalog", "title": "\xe9"}')
    cases[str(tmp_path / "latin.json")] = "cannot be read: 'utf-8' codec"
    (tmp_path / "text.parquet").write_text("hello")
    cases[str(tmp_path / "text.parquet")] = "cannot be read as stac-geoparquet"
    cases[str(tmp_path / "none.parquet")] = "cannot be read as stac-geoparquet"
    for ref, message in cases.items():
        with pytest.raises(InputError, match=message) as raised:
            search(ref, BOX, START, END)
        assert ref in str(raised.value)


def test_a_table_of_something_else(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "t.parquet")
    with pytest.raises(InputError, match="is not stac-geoparquet: it has no column assets, datetime"):
        search(str(tmp_path / "t.parquet"), BOX, START, END)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusing_server_is_quoted_without_the_signature(folder: Path, status: int) -> None:
    files = Files(folder, failing={"/collection.json": [status] * 9})
    with serve(files) as address, pytest.raises(InputError, match=f"HTTP {status}") as raised:
        search(f"{address}/collection.json?sig=SECRET", BOX, START, END)
    assert "SECRET" not in str(raised.value)


def test_no_message_holds_a_signature(folder: Path, tmp_path: Path) -> None:
    write_json(tmp_path / "empty.json", collection_document(COLLECTION, []))
    write_json(tmp_path / "other.json", {"type": "Other"})
    gone = {"rel": "item", "href": "gone.json?sig=SECRET"}
    write_json(tmp_path / "gone.json.json", {})
    write_json(tmp_path / "holed.json", {**collection_document(COLLECTION, []), "links": [gone]})
    with ExitStack() as stack:
        here = stack.enter_context(serve(Files(tmp_path)))
        there = stack.enter_context(serve(Files(folder)))
        api = stack.enter_context(StacApi(items_of(folder), broken_page=0, fault=FAULTS["503"]).running())
        far = (10.0, 54.0, 11.0, 55.0)
        questions: list[tuple[Any, ...]] = [
            (f"{here}/empty.json?sig=SECRET", BOX, START, END),
            (f"{here}/other.json?sig=SECRET", BOX, START, END),
            (f"{here}/holed.json?sig=SECRET", BOX, START, END),
            (f"{there}/collection.json?sig=SECRET", far, START, END),
            (f"{there}/collection.json?sig=SECRET", BOX, date(2030, 1, 1), date(2030, 1, 2)),
            (f"{there}/collection.json?sig=SECRET", BOX, START, END, ["none"]),
            (f"{api}/?sig=SECRET", BOX, START, END),
            (f"{api}/?sig=SECRET", BOX, START, END, ["none"]),
            (f"{api}/?sig=SECRET", BOX, START, END, [COLLECTION]),
            ("http://127.0.0.1:9/collection.json?sig=SECRET", BOX, START, END),
        ]
        for question in questions:
            with pytest.raises(InputError, match=r"127\.0\.0\.1") as raised:
                search(*question)
            assert "SECRET" not in str(raised.value)


def test_an_unknown_collection(folder: Path) -> None:
    with pytest.raises(InputError, match="has no collection sentinel-9; it has tiny-s1"):
        search(str(folder), BOX, START, END, ["sentinel-9"])


def test_outside_all_scenes_names_both_boxes(folder: Path) -> None:
    with pytest.raises(InputError) as raised:
        search(str(folder), (10.0, 54.0, 11.0, 55.0), START, END)
    message = str(raised.value)
    assert "site box 10.000,54.000 to 11.000,55.000 lies outside all 5 scenes" in message
    assert "which cover 130.291,42.202 to 130.308,42.215" in message


def test_nothing_in_the_period_names_what_there_is(folder: Path) -> None:
    expected = (
        "no scene between 2022-01-01 and 2022-02-01; its 5 scenes here run from 2023-10-01 to 2023-10-25"
    )
    with pytest.raises(InputError, match=expected):
        search(str(folder), BOX, date(2022, 1, 1), date(2022, 2, 1))


def test_first_and_last_day_count(folder: Path) -> None:
    found = search(str(folder), BOX, date(2023, 10, 7), date(2023, 10, 13))
    assert [s.acquired.day for s in found.scenes] == [7, 13]


BROKEN_ITEMS: dict[str, tuple[str, str]] = {
    "not JSON": ("{", "cannot be read"),
    "a list": ("[]", "cannot be read"),
    "no id": ("{}", "item id is None; a non-empty string is needed"),
    "no time": ('{"id": "x", "properties": {}}', "datetime is None; an RFC 3339 time is needed"),
    "odd time": ('{"id": "x", "properties": {"datetime": "soon"}}', "datetime is 'soon'; an RFC 3339"),
    "assets without files": ('{"id": "x", "assets": {"vv": {}}}', "cannot be read: KeyError"),
    "assets as a list": ('{"id": "x", "assets": [1]}', "cannot be read"),
}
WRONG_PROPERTIES: dict[str, dict[str, Any]] = {
    "cloud cover in words": {"properties": {"datetime": "2023-10-01T00:00:00Z", "eo:cloud_cover": "much"}},
    "orbit in words": {"properties": {"datetime": "2023-10-01T00:00:00Z", "sat:relative_orbit": "low"}},
    "half a box": {"bbox": [1, 2]},
    "a box of words": {"bbox": ["a", "b", "c", "d"]},
    "bands as text": {"assets": {"vv": {"href": "a.tif", "raster:bands": "one"}}},
    "nodata in words": {"assets": {"vv": {"href": "a.tif", "raster:bands": [{"nodata": "none"}]}}},
    "properties as a list": {"properties": ["datetime"]},
}
for why, change in WRONG_PROPERTIES.items():
    document = {"id": "x", "properties": {"datetime": "2023-10-01T00:00:00Z"}, "assets": {}} | change
    BROKEN_ITEMS[why] = (json.dumps(document), "item x is not valid STAC: ")


@pytest.mark.parametrize("fault", BROKEN_ITEMS)
def test_a_broken_item_among_good_ones_is_left_out(fault: str, tmp_path: Path) -> None:
    text, reason = BROKEN_ITEMS[fault]
    path = make_collection(tmp_path, *passes(2), pixels=False)
    collection = json.loads(path.read_text())
    collection["links"].insert(1, {"rel": "item", "href": "./items/bad.json"})
    write_json(path, collection)
    (tmp_path / "items" / "bad.json").write_text(text)
    found = search(str(path), BOX, START, END)
    assert [s.scene_id for s in found.scenes] == [s.scene_id for s in passes(2)]
    assert len(found.unreadable) == 1
    assert reason in found.unreadable[0].reason


def test_nothing_but_broken_items(tmp_path: Path) -> None:
    path = make_collection(tmp_path, *passes(2), pixels=False)
    for item in (tmp_path / "items").iterdir():
        item.write_text("{")
    with pytest.raises(InputError, match=r"no readable item; first fault: item .* cannot be read"):
        search(str(path), BOX, START, END)


def test_a_child_that_cannot_be_opened_is_no_short_answer(folder: Path, tmp_path: Path) -> None:
    root = collection_document(COLLECTION, [])
    good = {"rel": "child", "href": str(folder / "collection.json")}
    write_json(
        tmp_path / "collection.json", {**root, "links": [good, {"rel": "child", "href": "./gone.json"}]}
    )
    with pytest.raises(InputError, match=r"gone\.json cannot be read"):
        search(str(tmp_path), BOX, START, END)


def test_scenes_without_a_box_are_taken_as_over_the_site(tmp_path: Path) -> None:
    path = make_collection(tmp_path, *passes(1), pixels=False)
    item = next((tmp_path / "items").iterdir())
    document = json.loads(item.read_text())
    del document["bbox"]
    write_json(item, document)
    (scene,) = search(str(path), BOX, START, END).scenes
    assert scene.bbox is None


def test_collections_are_kept_apart(tmp_path: Path) -> None:
    one, two = scenes()[:2]
    make_collection(tmp_path / "a", one, collection="a", pixels=False)
    make_collection(tmp_path / "b", replace(two, planes={"vv": sea(1)}), collection="b", pixels=False)
    children = [{"rel": "child", "href": f"./{name}/collection.json"} for name in "ab"]
    catalogue = {"type": "Catalog", "stac_version": "1.1.0", "id": "ab", "description": "", "links": children}
    ref = str(write_json(tmp_path / "catalog.json", catalogue))
    assert [s.collection for s in search(ref, BOX, START, END).scenes] == ["a", "b"]
    assert [s.scene_id for s in search(ref, BOX, START, END, ["b"]).scenes] == [two.scene_id]


def test_many_items_come_back_in_order_of_time(tmp_path: Path) -> None:
    many = passes(40, every_days=1)
    random.Random(3).shuffle(many)
    path = make_collection(tmp_path, *many, pixels=False)
    found: tuple[SceneRef, ...] = search(str(path), BOX, START, END).scenes
    times: list[datetime] = [s.acquired for s in found]
    assert len(times) == 40
    assert times == sorted(times)
