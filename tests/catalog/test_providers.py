"""Catalogues with a name: their recorded answers, replayed by a server on loopback."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import pytest

from tasks.catalog.optical import OPTICAL_BANDS
from tasks.catalog.providers import ACCESS, PROVIDERS, Provider, provider
from tasks.catalog.search import Found, search
from tasks.errors import InputError
from tests.catalog.servers import StacApi
from tests.catalog.test_records import recorded, sample

WHOLE_EARTH = (-180.0, -90.0, 180.0, 90.0)


def named(name: str) -> Provider:
    found = provider(name)
    assert found is not None
    return found


def whole(pattern: str, collection: str) -> list[dict[str, Any]]:
    return [one | {"collection": collection} for one in sample(pattern) if one.get("assets")]


def ask(which: Provider, items: list[dict[str, Any]], *collections: str) -> Found:
    with StacApi(items, page_size=5).running() as address:
        return search(
            replace(which, url=address), WHOLE_EARTH, date(2015, 1, 1), date(2026, 1, 1), collections
        )


@recorded
def test_planetary_computer() -> None:
    items = whole("planetary*sentinel-2-l2a.json", "sentinel-2-l2a")
    items += whole("sentinel-1/rtc/**/S1A*.json", "sentinel-1-rtc")
    items += whole("earth-search*sentinel-2-l1c.json", "sentinel-2-l1c")  # has more than is asked for
    found = ask(named("planetary-computer"), items)
    assert {s.collection for s in found.scenes} == {"sentinel-1-rtc", "sentinel-2-l2a"}
    for scene in found.scenes:
        if scene.collection == "sentinel-1-rtc":
            assert [b.name for b in scene.bands] == ["vv", "vh"]
            continue
        assert tuple(b.name for b in scene.bands) == OPTICAL_BANDS
        for band in scene.bands:
            url = urlsplit(band.href)
            assert url.hostname == "sentinel2l2a01.blob.core.windows.net"
            assert url.query == ""  # signed when it is read
            assert url.path.startswith("/sentinel2-l2/")
    assert not found.unreadable


@recorded
def test_earth_search() -> None:
    items = whole("earth-search*sentinel-2-l2a.json", "sentinel-2-l2a")
    items += whole("earth-search*c1-l2a.json", "sentinel-2-c1-l2a")
    found = ask(named("earth-search"), items)
    assert {s.collection for s in found.scenes} == {"sentinel-2-l2a"}
    for scene in found.scenes:
        assert all(ACCESS.url(b.href) == b.href for b in scene.bands)  # nothing to sign
        assert all(b.href.startswith("https://sentinel-cogs.s3.") for b in scene.bands)
    found = ask(named("earth-search"), items, "sentinel-2-c1-l2a")
    assert {s.collection for s in found.scenes} == {"sentinel-2-c1-l2a"}


@recorded
def test_a_collection_without_scenes_here_does_not_hide_the_others() -> None:
    items = whole("planetary*sentinel-2-l2a.json", "sentinel-2-l2a")
    items += whole("sentinel-1/rtc/**/S1B*.json", "sentinel-1-rtc")
    with StacApi(items, page_size=50).running() as address:
        which = replace(named("planetary-computer"), url=address)
        found = search(which, WHOLE_EARTH, date(2019, 1, 1), date(2019, 12, 31))
    assert {s.collection for s in found.scenes} == {"sentinel-2-l2a"}


@recorded
def test_a_catalogue_that_lost_a_collection() -> None:
    items = whole("planetary*sentinel-2-l2a.json", "sentinel-2-l2a")
    with pytest.raises(InputError, match="has no collection sentinel-1-rtc; it has sentinel-2-l2a"):
        ask(named("planetary-computer"), items)


def test_names() -> None:
    assert [p.name for p in PROVIDERS] == ["planetary-computer", "earth-search", "cdse"]
    assert all(provider(p.name) is p for p in PROVIDERS)
    assert provider("./planetary-computer") is None
    for one in PROVIDERS:
        assert one.url.startswith("https://")
        assert one.collections


def test_a_name_that_is_none() -> None:
    with pytest.raises(InputError, match="planetary cannot be read"):
        search("planetary", WHOLE_EARTH, date(2023, 1, 1), date(2023, 2, 1))


def test_keys_for_the_copernicus_store() -> None:
    href = "s3://eodata/Sentinel-1/SAR/x.tiff"
    assert "documentation.dataspace.copernicus.eu" in ACCESS.how_to_get_keys(href)
    assert ACCESS.s3_options(href)["AWS_S3_ENDPOINT"] == "eodata.dataspace.copernicus.eu"
    assert ACCESS.s3_options("s3://elsewhere/x.tif") == {}
