from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import InputError, SiteError
from tasks.sites import bundled_sites, check_file, load_site, zones_digest
from tasks.sites.check import examine
from tests.sites.port import feature, port, set_box


def write(folder: Path, collection: object, name: str = "file.geojson", **dumps: Any) -> str:
    path = folder / name
    path.write_text(json.dumps(collection, **dumps), encoding="utf-8")
    return str(path)


def digest(collection: dict[str, Any]) -> str:
    zones, problems = examine(collection)
    assert problems == []
    return zones_digest(zones)


def test_a_file_becomes_a_site(tmp_path: Path) -> None:
    site = load_site(write(tmp_path, port()))
    assert (site.site_id, site.title, site.attribution) == ("testport", "Test port", "drawn for a test")
    assert site.land is None
    berth = next(z for z in site.zones if z.zone_id == "berth")
    assert (berth.length_m, berth.confidence, berth.name, berth.provenance) == (190.0, "high", "Quay", "")
    assert next(z for z in site.zones if z.zone_id == "yard").confidence == "unknown"


def test_a_file_without_name_is_called_by_its_stem(tmp_path: Path) -> None:
    collection = port()
    del collection["name"], collection["title"]
    site = load_site(write(tmp_path, collection, "lübeck-2.geojson".replace("ü", "u")))
    assert (site.site_id, site.title) == ("lubeck-2", "lubeck-2")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "bom.geojson"
    path.write_text(json.dumps(port()), encoding="utf-8-sig")
    assert load_site(str(path)).site_id == "testport"


@pytest.mark.parametrize(("ref", "meant"), [("rajin", "najin"), ("Najin", "najin"), ("lattakia", "latakia")])
def test_an_unknown_id_lists_the_bundled_and_guesses(ref: str, meant: str) -> None:
    with pytest.raises(InputError) as caught:
        load_site(ref)
    message = str(caught.value)
    assert message.startswith(f"unknown site {ref!r} (did you mean {meant!r}?)")
    assert ", ".join(bundled_sites()) in message
    assert "path to a .geojson file also works" in message


def test_an_unknown_id_like_no_other_gets_no_guess() -> None:
    with pytest.raises(InputError, match=r"^unknown site 'rotterdam'; bundled sites are dunay"):
        load_site("rotterdam")


def test_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "none.geojson"
    with pytest.raises(InputError, match="No such file") as caught:
        load_site(str(path))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe\x00", b"[" * 100_000])
def test_a_file_that_is_not_json(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.geojson"
    path.write_bytes(content)
    for read in (load_site, check_file):
        with pytest.raises(InputError, match="is not JSON: ") as caught:
            read(str(path))
        assert str(path) in str(caught.value)


def test_every_rule_broken_is_listed_with_zone_and_place(tmp_path: Path) -> None:
    collection = port()
    feature(collection, "yard")["properties"]["kind"] = "dock"
    feature(collection, "berth")["properties"]["length_m"] = -1
    with pytest.raises(SiteError) as caught:
        load_site(write(tmp_path, collection))
    head, *rules = str(caught.value).split("\n  - ")
    assert head.endswith("file.geojson breaks 2 rules:")
    assert rules[0].startswith("zone berth, lon 10.00152 lat 54.00058: length_m is -1")
    assert rules[1].startswith("zone yard, feature 3: kind is 'dock'")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a port", "site id is 'a port'; it must be 1 to 64 of"),
        ("../up", "site id is '../up'"),
        ("x" * 65, "it must be 1 to 64 of"),
        ("archive", "site id 'archive' is reserved for the archive folder"),
        ("Archive", "site id 'Archive' is reserved"),
    ],
)
def test_a_site_id_that_cannot_name_a_folder(tmp_path: Path, name: str, found: str) -> None:
    ref = write(tmp_path, {**port(), "name": name})
    with pytest.raises(SiteError, match="breaks 1 rule:") as caught:
        load_site(ref)
    assert found in str(caught.value)
    assert 'set the top-level "name"' in str(caught.value)
    assert [p.where for p in check_file(ref)] == ["name"]


def test_warnings_are_logged_and_do_not_stop(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    collection = port()
    del feature(collection, "berth")["properties"]["length_m"]
    with caplog.at_level(logging.DEBUG, "tasks.sites"):
        site = load_site(write(tmp_path, collection))
    assert "site testport: zone berth" in caplog.text
    assert "length_m is missing" in caplog.text
    berth = next(z for z in site.zones if z.zone_id == "berth")
    assert berth.length_m == pytest.approx(200, abs=0.1)


def test_check_file_puts_errors_first(tmp_path: Path) -> None:
    collection = port()
    del feature(collection, "berth")["properties"]["length_m"]
    feature(collection, "rail")["properties"]["kind"] = "tracks"
    assert [p.severity for p in check_file(write(tmp_path, collection))] == ["error", "warning"]


@settings(max_examples=50, deadline=None)
@given(st.permutations(port()["features"]), st.sampled_from([None, 4]))
def test_the_digest_ignores_order_and_white_space(features: list[Any], indent: int | None) -> None:
    shuffled = json.loads(json.dumps({**port(), "features": features}, indent=indent))
    assert digest(shuffled) == digest(port())


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 3), st.booleans())
def test_the_digest_ignores_where_a_ring_starts_and_its_direction(start: int, reverse: bool) -> None:
    collection = port()
    geometry = feature(collection, "yard")["geometry"]
    corners = geometry["coordinates"][0][:-1]
    turned = corners[start:] + corners[:start]
    turned = turned[::-1] if reverse else turned
    geometry["coordinates"] = [[*turned, turned[0]]]
    assert digest(collection) == digest(port())


def test_the_digest_ignores_noise_below_its_step_and_heights() -> None:
    collection = port()
    geometry = feature(collection, "yard")["geometry"]
    geometry["coordinates"] = [[[lon + 2e-8, lat - 2e-8, 5.0] for lon, lat in geometry["coordinates"][0]]]
    assert digest(collection) == digest(port())


def test_the_digest_changes_with_a_moved_vertex_a_kind_or_an_id() -> None:
    moved, kind, renamed = port(), port(), port()
    feature(moved, "yard")["geometry"]["coordinates"][0][1][0] += 1e-6
    feature(kind, "yard")["properties"]["kind"] = "rail_yard"
    feature(renamed, "yard")["properties"]["zone_id"] = "yard-2"
    assert len({digest(c) for c in (port(), moved, kind, renamed)}) == 4


def test_the_digest_depends_on_land_and_not_on_names() -> None:
    named = port()
    feature(named, "yard")["properties"]["name"] = "Coal yard"
    assert digest(named) == digest(port())
    site = load_site("najin")
    assert site.land is not None
    assert zones_digest(site.zones, site.land) == site.digest
    assert zones_digest(site.zones) != site.digest


def test_the_digest_of_najin_is_pinned() -> None:
    """A published series names its site by this: it may change only with the file."""
    assert load_site("najin").digest.startswith("0508adf09a3fcc5c")


def test_a_redrawn_zone_changes_the_sites_digest(tmp_path: Path) -> None:
    collection = port()
    before = load_site(write(tmp_path, collection)).digest
    set_box(collection, "yard", 5, 5, 190, 20)
    assert load_site(write(tmp_path, collection)).digest != before


def test_import_stays_light() -> None:
    """It runs at every start of the command line."""
    heavy = {"pandas", "geopandas", "rasterio", "prefect", "xarray", "dask"}
    code = "import sys, tasks.sites; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert heavy.isdisjoint(loaded.split())
