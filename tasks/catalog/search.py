"""Ask a catalogue what it has: an API, static files or a stac-geoparquet table, one answer.

Whatever the source, the same scenes come back in the same order. An API's answer is checked
again here (some return items outside the box or the time that was asked for), and a search that
breaks off raises: a short list must never pass for a complete one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlparse
from urllib.request import url2pathname

from tasks.catalog.providers import Provider, provider
from tasks.catalog.records import newest_of_each, rights_of, scene_record, shown
from tasks.errors import InputError, SceneError
from tasks.model import PASS_GAP, Rejection, Rights, SceneRef, passes_of

Box = tuple[float, float, float, float]

MALFORMED = (ValueError, KeyError, TypeError, AttributeError)
"""What comes of a document that is cut short or built otherwise."""


@dataclass(frozen=True)
class Found:
    """What a catalogue holds for one question."""

    scenes: tuple[SceneRef, ...]
    superseded: tuple[str, ...] = ()
    unreadable: tuple[Rejection, ...] = ()
    """Items that could not be read at all."""


def search(
    ref: str | Provider,
    bbox: Box,
    start: date,
    end: date,
    collections: Iterable[str] = (),
    *,
    threads: int = 8,
) -> Found:
    """Find the scenes over a box in a period.

    Parameters
    ----------
    ref
        Name of a known catalogue, STAC API, static catalogue or collection, stac-geoparquet file, or a
        folder of GeoTIFFs.
    bbox
        West, south, east, north, EPSG:4326.
    start, end
        First and last day, UTC, both included.
    collections
        Collection ids; empty takes all (a known catalogue: the ones it is known for; another API wants
        them named).

    Raises
    ------
    InputError
        If the catalogue cannot be opened, is empty, lacks a named collection, or has nothing
        over the box or in the period; the message tells which, with both extents.
    """
    wanted = tuple(collections)
    if (named := ref if isinstance(ref, Provider) else provider(ref)) is not None:
        wanted = wanted or named.collections
        ref = named.url
    assert isinstance(ref, str)
    rejected: list[Rejection] = []
    reader = _Reader()
    items, asked_for = _items(ref, bbox, start, end, wanted, threads, reader)
    scenes = [_with_rights(scene, reader.rights) for scene in _records(items, rejected)]
    ref = shown(ref)
    if not scenes:
        if rejected:
            raise InputError(f"catalogue {ref}: no readable item; first fault: {rejected[0].reason}")
        raise InputError(f"catalogue {ref} is empty: no item answers; at least one scene is needed")
    if not asked_for:
        _check_collections(ref, wanted, scenes)
    here = [s for s in scenes if not wanted or s.collection in wanted]
    over = [s for s in here if s.bbox is None or _overlap(s.bbox, bbox)]
    if not over:
        raise InputError(
            f"site box {_show(bbox)} lies outside all {len(here)} scenes of {ref}, "
            f"which cover {_show(_union([s.bbox for s in here if s.bbox]))}"
        )
    inside = [
        s for tiles in passes_of(over) if any(start <= s.acquired.date() <= end for s in tiles) for s in tiles
    ]
    if not inside:
        times = sorted(s.acquired.date() for s in over)
        raise InputError(
            f"catalogue {ref} has no scene between {start} and {end}; "
            f"its {len(over)} scenes here run from {times[0]} to {times[-1]}"
        )
    kept, superseded = newest_of_each(inside)
    return Found(kept, superseded, tuple(rejected))


def _with_rights(scene: SceneRef, known: Mapping[str, Rights]) -> SceneRef:
    """Add what the collection says of its licence where the item says nothing."""
    told, general = scene.rights, known.get(scene.collection, Rights())
    both = Rights(told.licence or general.licence, told.credit or general.credit)
    return scene if both == told else replace(scene, rights=both)


def _records(
    items: Iterable[Mapping[str, Any] | SceneRef | Rejection], rejected: list[Rejection]
) -> Iterator[SceneRef]:
    for item in items:
        if isinstance(item, SceneRef):
            yield item
            continue
        if isinstance(item, Rejection):
            rejected.append(item)
            continue
        try:
            yield scene_record(item)
        except SceneError as fault:
            rejected.append(Rejection(str(item.get("id") or "?"), str(fault)))


def _items(
    ref: str,
    bbox: Box,
    start: date,
    end: date,
    collections: tuple[str, ...],
    threads: int,
    reader: _Reader,
) -> tuple[Iterator[Mapping[str, Any] | SceneRef | Rejection], bool]:
    """Items, and whether the catalogue was asked for the collections (one may then have none here)."""
    if Path(ref).is_dir() and _catalog_file(Path(ref)) is None:
        return _folder_items(Path(ref)), False
    if Path(urlparse(ref).path).suffix in (".parquet", ".geoparquet"):
        return _parquet_items(ref), False
    document = _open_json(ref, reader)
    if searches := [link for link in document.get("links", []) if link.get("rel") == "search"]:
        methods = {str(link.get("method", "GET")).upper() for link in searches}
        method = "POST" if "POST" in methods else "GET"
        return _api_items(ref, bbox, start, end, collections, reader, method), True
    return _static_items(ref, document, threads, reader), False


class _Reader:
    """Reads documents by path or URL, with time-outs and retries, which pystac's own reader lacks."""

    def __init__(self) -> None:
        self.rights: dict[str, Rights] = {}
        """Of the collections that it came by."""

    @cached_property
    def http(self) -> Any:
        from tasks.catalog.paging import strict_api

        return strict_api()

    def text(self, ref: str) -> str:
        """Read a document; every failure is an OSError or a ValueError."""
        url = urlparse(ref)
        if url.scheme in ("", "file"):
            return Path(url2pathname(url.path) if url.scheme else ref).read_text(encoding="utf-8")

        from pystac_client.exceptions import APIError

        try:
            return str(self.http.read_text(ref))
        except APIError as fault:
            raise OSError(_reason(fault)) from fault


def read_item(ref: str) -> SceneRef:
    """Read one STAC item by its path or URL.

    Raises
    ------
    SceneError
        If it cannot be read, or is no item.
    """
    try:
        item = json.loads(_Reader().text(ref))
        if not isinstance(item, dict) or not isinstance(item.get("assets"), dict):
            kind = item.get("type") if isinstance(item, dict) else type(item).__name__
            raise SceneError(f"{shown(ref)} is a {kind!r}; a STAC item, with its assets, is needed")
        return scene_record(_with_absolute_assets(item, ref))
    except (OSError, *MALFORMED) as fault:
        raise SceneError(f"item {shown(ref)} cannot be read: {_reason(fault)}") from fault


def _open_json(ref: str, reader: _Reader) -> dict[str, Any]:
    if (inside := _catalog_file(Path(ref))) is not None:
        ref = str(inside)
    try:
        document = json.loads(reader.text(ref))
    except (OSError, ValueError) as fault:
        raise InputError(f"catalogue {shown(ref)} cannot be read: {_reason(fault)}") from fault
    if not isinstance(document, dict) or document.get("type") not in ("Catalog", "Collection"):
        kind = document.get("type") if isinstance(document, dict) else type(document).__name__
        raise InputError(f"catalogue {shown(ref)} is a {kind!r}; a STAC Catalog, Collection or API is needed")
    return document


def _catalog_file(folder: Path) -> Path | None:
    files = (folder / name for name in ("collection.json", "catalog.json"))
    return next((file for file in files if file.is_file()), None)


def _folder_items(folder: Path) -> Iterator[SceneRef | Rejection]:
    from tasks.catalog.folder import folder_scenes

    scenes = list(folder_scenes(folder))
    if not scenes:
        raise InputError(
            f"catalogue {folder}: the folder has neither collection.json nor catalog.json, nor any GeoTIFF"
        )
    return iter(scenes)


def _api_items(
    ref: str,
    bbox: Box,
    start: date,
    end: date,
    collections: tuple[str, ...],
    reader: _Reader,
    method: str,
) -> Iterator[Mapping[str, Any]]:
    from pystac_client import Client
    from pystac_client.exceptions import APIError

    name = shown(ref)
    try:
        client = Client.open(ref, stac_io=reader.http)
        listed = list(client.get_collections())
        reader.rights |= {c.id: rights_of(c.to_dict(include_self_link=False)) for c in listed}
        available = [c.id for c in listed]
        if not collections:
            raise InputError(
                f"catalogue {name} is an API: name --collection, one or more of {_list(available)}"
            )
        if unknown := sorted(set(collections) - set(available)):
            raise InputError(
                f"catalogue {name} has no collection {_list(unknown)}; it has {_list(available)}"
            )
        period = (
            datetime.combine(start, time.min, UTC) - PASS_GAP,  # tiles of a pass at midnight
            datetime.combine(end + timedelta(days=1), time.min, UTC) + PASS_GAP,
        )
        found = client.search(
            method=method, collections=list(collections), bbox=bbox, datetime=period, limit=250
        )
        # Not found.items_as_dicts(): it takes an empty page for the last one.
        pages = reader.http.get_pages(found.url, found.method, found.get_parameters())
        items = [item for page in pages for item in page["features"]]
    except (APIError, *MALFORMED) as fault:
        raise InputError(f"catalogue {name}: the search broke off: {_reason(fault)}") from fault
    if not items:
        raise InputError(
            f"catalogue {name} has no scene of {_list(collections)} over {_show(bbox)} "
            f"between {start} and {end}"
        )
    return iter(items)


def _static_items(
    ref: str, document: Mapping[str, Any], threads: int, reader: _Reader
) -> Iterator[Mapping[str, Any] | Rejection]:
    base = ref
    if Path(ref).is_dir():
        base = str(Path(ref) / ("collection.json" if document["type"] == "Collection" else "catalog.json"))
    queue, seen, hrefs = [(base, document)], {base}, []
    while queue:
        here, node = queue.pop()
        if node["type"] == "Collection":
            reader.rights[str(node.get("id"))] = rights_of(node)
        for link in node.get("links", []):
            href = _absolute(here, str(link.get("href", "")))
            if link.get("rel") == "item" and href not in seen:
                hrefs.append(href)
            elif link.get("rel") == "child" and href not in seen:
                queue.append((href, _open_json(href, reader)))
            if link.get("rel") in ("item", "child"):
                seen.add(href)  # a catalogue that links back to itself must not loop

    def read(href: str) -> Mapping[str, Any] | Rejection:
        try:
            return _with_absolute_assets(json.loads(reader.text(href)), href)
        except (OSError, *MALFORMED) as fault:
            reason = f"item {shown(href)} cannot be read: {_reason(fault)}"
            return Rejection(Path(urlparse(href).path).stem, reason)

    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(read, hrefs)


def _parquet_items(ref: str) -> Iterator[Mapping[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from stac_geoparquet.arrow import stac_table_to_items

    try:
        table = pq.read_table(ref)
    except (OSError, pa.ArrowInvalid) as fault:
        raise InputError(f"catalogue {shown(ref)} cannot be read as stac-geoparquet: {fault}") from fault
    if missing := sorted({"id", "assets", "datetime"} - set(table.column_names)):
        raise InputError(f"catalogue {shown(ref)} is not stac-geoparquet: it has no column {_list(missing)}")
    for item in stac_table_to_items(table):
        yield _with_absolute_assets(dict(item), ref)


def _with_absolute_assets(item: dict[str, Any], base: str) -> dict[str, Any]:
    for asset in item.get("assets", {}).values():
        asset["href"] = _absolute(base, asset["href"])
    return item


def _absolute(base: str, href: str) -> str:
    """Resolve a link against the file it stands in, for URLs and for paths."""
    if urlparse(href).scheme or href.startswith("/"):
        return href
    if urlparse(base).scheme:
        return urljoin(base, href)
    return str((Path(base).parent / href).resolve())


def _reason(fault: Exception) -> str:
    """One line that fits a message: a server's answer may be a page of HTML, and may hold a signature."""
    status = getattr(fault, "status_code", None)
    text = shown(" ".join(str(fault).split()))
    text = text if len(text) <= 300 else f"{text[:100]} … {text[-200:]}"
    if isinstance(fault, (KeyError, TypeError, AttributeError)):
        text = f"{type(fault).__name__}: {text}"  # their text alone says too little
    return f"HTTP {status}: {text}" if status else text


def _check_collections(ref: str, wanted: tuple[str, ...], scenes: list[SceneRef]) -> None:
    available = sorted({s.collection for s in scenes})
    if unknown := sorted(set(wanted) - set(available)):
        raise InputError(f"catalogue {ref} has no collection {_list(unknown)}; it has {_list(available)}")


def _overlap(a: Box, b: Box) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def _union(boxes: list[Box]) -> Box:
    return (
        min(b[0] for b in boxes),
        min(b[1] for b in boxes),
        max(b[2] for b in boxes),
        max(b[3] for b in boxes),
    )


def _show(box: Box) -> str:
    return f"{box[0]:.3f},{box[1]:.3f} to {box[2]:.3f},{box[3]:.3f}"


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
