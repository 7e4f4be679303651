"""Read one STAC document, by its path or its URL, and say in one line what is wrong with it."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlparse
from urllib.request import url2pathname

from tasks.catalog.records import scene_record, shown
from tasks.errors import InputError, SceneError
from tasks.model import Rights, SceneRef

MALFORMED = (ValueError, KeyError, TypeError, AttributeError)
"""What comes of a document that is cut short or built otherwise."""


class Documents:
    """Reads documents by path or URL, with time-outs and retries, which pystac's own reader lacks."""

    def __init__(self) -> None:
        self.rights: dict[str, Rights] = {}
        """Of the collections that it came by."""

    @cached_property
    def http(self) -> Any:
        """What asks servers, made when first needed."""
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
            raise OSError(reason(fault)) from fault


def read_item(ref: str) -> SceneRef:
    """Read one STAC item by its path or URL.

    Raises
    ------
    SceneError
        If it cannot be read, or is no item.
    """
    try:
        item = json.loads(Documents().text(ref))
        if not isinstance(item, dict) or not isinstance(item.get("assets"), dict):
            kind = item.get("type") if isinstance(item, dict) else type(item).__name__
            raise SceneError(f"{shown(ref)} is a {kind!r}; a STAC item, with its assets, is needed")
        return scene_record(with_absolute_assets(item, ref))
    except (OSError, *MALFORMED) as fault:
        raise SceneError(f"item {shown(ref)} cannot be read: {reason(fault)}") from fault


def open_catalog(ref: str, reader: Documents) -> dict[str, Any]:
    """Read a Catalog or Collection, by its file, URL or folder; anything else raises InputError."""
    if (inside := catalog_file(Path(ref))) is not None:
        ref = str(inside)
    try:
        document = json.loads(reader.text(ref))
    except (OSError, ValueError) as fault:
        raise InputError(f"catalogue {shown(ref)} cannot be read: {reason(fault)}") from fault
    if not isinstance(document, dict) or document.get("type") not in ("Catalog", "Collection"):
        kind = document.get("type") if isinstance(document, dict) else type(document).__name__
        raise InputError(f"catalogue {shown(ref)} is a {kind!r}; a STAC Catalog, Collection or API is needed")
    return document


def catalog_file(folder: Path) -> Path | None:
    """File that makes a folder a static catalogue; None where there is none."""
    files = (folder / name for name in ("collection.json", "catalog.json"))
    return next((file for file in files if file.is_file()), None)


def with_absolute_assets(item: dict[str, Any], base: str) -> dict[str, Any]:
    """Resolve the links of an item's assets against the file it stands in."""
    for asset in item.get("assets", {}).values():
        asset["href"] = absolute(base, asset["href"])
    return item


def absolute(base: str, href: str) -> str:
    """Resolve a link against the file it stands in, for URLs and for paths."""
    if urlparse(href).scheme or href.startswith("/"):
        return href
    if urlparse(base).scheme:
        return urljoin(base, href)
    return str((Path(base).parent / href).resolve())


def reason(fault: Exception) -> str:
    """One line that fits a message: a server's answer may be a page of HTML, and may hold a signature."""
    status = getattr(fault, "status_code", None)
    text = shown(" ".join(str(fault).split()))
    text = text if len(text) <= 300 else f"{text[:100]} … {text[-200:]}"
    if isinstance(fault, (KeyError, TypeError, AttributeError)):
        text = f"{type(fault).__name__}: {text}"  # their text alone says too little
    return f"HTTP {status}: {text}" if status else text
