"""The items behind a reference: an API's, a static catalogue's, a table's or a folder's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from tasks.catalog.documents import (
    MALFORMED,
    Documents,
    absolute,
    catalog_file,
    open_catalog,
    reason,
    with_absolute_assets,
)
from tasks.catalog.records import rights_of, shown
from tasks.errors import InputError
from tasks.model import PASS_GAP, Rejection, SceneRef

Box = tuple[float, float, float, float]
"""West, south, east, north, EPSG:4326."""


def items_of(
    ref: str,
    bbox: Box,
    start: date,
    end: date,
    collections: tuple[str, ...],
    threads: int,
    reader: Documents,
) -> tuple[Iterator[Mapping[str, Any] | SceneRef | Rejection], bool]:
    """Items, and whether the catalogue was asked for the collections (one may then have none here)."""
    if Path(ref).is_dir() and catalog_file(Path(ref)) is None:
        return _folder_items(Path(ref)), False
    if Path(urlparse(ref).path).suffix in (".parquet", ".geoparquet"):
        return _parquet_items(ref), False
    document = open_catalog(ref, reader)
    if searches := [link for link in document.get("links", []) if link.get("rel") == "search"]:
        methods = {str(link.get("method", "GET")).upper() for link in searches}
        method = "POST" if "POST" in methods else "GET"
        return _api_items(ref, bbox, start, end, collections, reader, method), True
    return _static_items(ref, document, threads, reader), False


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
    reader: Documents,
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
                f"catalogue {name} is an API: name --collection, one or more of {', '.join(available)}"
            )
        if unknown := sorted(set(collections) - set(available)):
            raise InputError(
                f"catalogue {name} has no collection {', '.join(unknown)}; it has {', '.join(available)}"
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
        raise InputError(f"catalogue {name}: the search broke off: {reason(fault)}") from fault
    if not items:
        raise InputError(
            f"catalogue {name} has no scene of {', '.join(collections)} over {box_text(bbox)} "
            f"between {start} and {end}"
        )
    return iter(items)


def _static_items(
    ref: str, document: Mapping[str, Any], threads: int, reader: Documents
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
            href = absolute(here, str(link.get("href", "")))
            if link.get("rel") == "item" and href not in seen:
                hrefs.append(href)
            elif link.get("rel") == "child" and href not in seen:
                queue.append((href, open_catalog(href, reader)))
            if link.get("rel") in ("item", "child"):
                seen.add(href)  # a catalogue that links back to itself must not loop

    def read(href: str) -> Mapping[str, Any] | Rejection:
        try:
            return with_absolute_assets(json.loads(reader.text(href)), href)
        except (OSError, *MALFORMED) as fault:
            fault_text = f"item {shown(href)} cannot be read: {reason(fault)}"
            return Rejection(Path(urlparse(href).path).stem, fault_text)

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
        raise InputError(
            f"catalogue {shown(ref)} is not stac-geoparquet: it has no column {', '.join(missing)}"
        )
    for item in stac_table_to_items(table):
        yield with_absolute_assets(dict(item), ref)


def box_text(box: Box) -> str:
    """Write a box as a message shows it."""
    return f"{box[0]:.3f},{box[1]:.3f} to {box[2]:.3f},{box[3]:.3f}"
