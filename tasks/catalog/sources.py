"""Which files are one image: a band each, a folder of them, or one file with all.

Only names are looked at; what is in the files is told when they are opened (`image`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlparse, urlsplit, urlunsplit

from tasks.catalog import band_names
from tasks.catalog.folder import NO_IMAGE, SUFFIXES
from tasks.catalog.geotiff import local_path
from tasks.catalog.records import shown


@dataclass(frozen=True)
class Source:
    """One image before it is opened: files, or a STAC item."""

    name: str
    hrefs: tuple[str, ...]
    """One file, or several of one band each."""


def sources(refs: Iterable[str], *, one_by_one: bool = False) -> list[Source]:
    """Sort out which files are one image.

    A folder stands for the GeoTIFFs in it. Files whose paths differ in nothing but the name of a band (in the
    file's name, or as the whole name of its folder) are one image: ``klang/blue.tif`` and ``klang/nir.tif``;
    ``x_VV.tif`` and ``x_VH.tif``; ``vv/x.tif`` and ``vh/x.tif``.

    Parameters
    ----------
    refs
        Files, folders, STAC items: paths or URLs.
    one_by_one
        Every file stands for itself.

    Returns
    -------
    list of Source
        In the order given. A source without files is a folder that has none.
    """
    groups: dict[str, list[str]] = {}
    named: dict[str, str] = {}
    for ref in refs:
        hrefs = _in_folder(ref)
        keys = [href if one_by_one else _apart_from_band(href) for href in hrefs]
        for key, href in zip(keys, hrefs, strict=True):
            if href not in groups.setdefault(key, []):
                groups[key].append(href)
        if len(set(keys)) <= 1:
            named.setdefault(keys[0] if keys else ref, ref)
        if not keys:
            groups.setdefault(ref, [])
    return [Source(_name(named.get(key), key, hrefs), tuple(hrefs)) for key, hrefs in groups.items()]


def _in_folder(ref: str) -> list[str]:
    if urlparse(ref).scheme not in ("", "file") or not (folder := local_path(ref)).is_dir():
        return [ref]
    files = (p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not NO_IMAGE.search(p.stem))
    where = ref.rstrip("/")
    return [f"{where}/{path.name}" for path in sorted(files) if path.is_file()]


def _apart_from_band(href: str) -> str:
    """Put a star for the band in a path; one that names no band, or several, stays as it is."""
    url = urlsplit(href)
    path = PurePosixPath(url.path)
    if path.suffix.lower() not in SUFFIXES:
        return href
    stem, folder = path.stem, path.parent
    if band_names.in_file_name(stem):
        words = re.split(r"([^A-Za-z0-9]+)", stem)
        stem = "".join("*" if band_names.in_file_name(word) else word for word in words)
    elif band_names.in_file_name(folder.name) and len(band_names.words_of(folder.name)) == 1:
        folder = folder.parent / "*"
    else:
        return href
    return urlunsplit(url._replace(path=str(folder / (stem + path.suffix)), query=""))


def _name(given: str | None, key: str, hrefs: Sequence[str]) -> str:
    if given is not None and len(hrefs) != 1:
        several = len(hrefs) > 1 and given in hrefs
        return shown(key if several else given)
    return shown(given or (hrefs[0] if len(hrefs) == 1 else key))
