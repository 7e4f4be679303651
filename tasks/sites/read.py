"""Files of sites: where the bundled ones lie, what a site is called, and reading them with reasons."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from tasks.errors import InputError
from tasks.sites.problem import ID_PATTERN, ID_RULE, Problem

BUNDLED = Path(__file__).parent

RESERVED_IDS = frozenset({"archive"})
"""The archive folder's default name: a site called so would be published over the archive."""


def read_collection(path: Path) -> object:
    """Parse a site file.

    Raises
    ------
    InputError
        If the file cannot be read or is not JSON; the message names it and the reason.
    """
    try:
        # A byte order mark is what spreadsheets and some Windows editors put first.
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"site file {path} cannot be read: {reason}; a GeoJSON file is needed") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"site file {path} is not JSON: {error}; a GeoJSON file is needed") from error


def site_id(collection: object, path: Path) -> str:
    """Id of a site: the FeatureCollection's ``name``, else the file's stem."""
    name = collection.get("name") if isinstance(collection, Mapping) else None
    return str(name) if name not in (None, "") else path.stem


def id_problems(collection: object, path: Path) -> Iterator[Problem]:
    """Check the site's id, which becomes the name of folders."""
    given = site_id(collection, path)
    remedy = 'set the top-level "name"'
    if not ID_PATTERN.fullmatch(given):
        yield Problem("", "name", f"site id is {given!r}; it must be {ID_RULE}: {remedy}")
    elif given.lower() in RESERVED_IDS:
        yield Problem(
            "", "name", f"site id {given!r} is reserved for the archive folder; {remedy} to another"
        )


def land_beside(path: Path) -> BaseGeometry | None:
    """Land polygons around a bundled site, EPSG:4326; None for other files and where none are known."""
    land_path = BUNDLED / "land" / path.name
    if path.resolve().parent != BUNDLED.resolve() or not land_path.is_file():
        return None
    features = json.loads(land_path.read_text(encoding="utf-8"))["features"]
    return shapely.union_all([shape(f["geometry"]) for f in features])
