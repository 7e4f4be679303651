"""From a site's id or file to a `Site` whose zones are in order."""

from __future__ import annotations

import difflib
import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from tasks.errors import InputError, SiteError
from tasks.model import Site, Zone, ZoneKind
from tasks.sites.check import examine, file_problems
from tasks.sites.events import read_events
from tasks.sites.measure import long_side_m
from tasks.sites.problem import Problem
from tasks.sites.read import BUNDLED, land_beside, read_collection, site_id
from tasks.sites.weights import read_weights

logger = logging.getLogger(__name__)

DIGEST_STEPS_PER_DEG = 1e7
"""A step is about 1 cm: coordinates are shipped with seven decimals, and finer differences are noise."""


def bundled_sites() -> tuple[str, ...]:
    """Ids of the sites that come with Roadstead, sorted.

    Examples
    --------
    >>> bundled_sites()
    ('dunay', 'latakia', 'najin', 'tikhoretsk')
    """
    return tuple(sorted(path.stem for path in BUNDLED.glob("*.geojson")))


def load_site(ref: str) -> Site:
    """Load a site and hold it against every rule.

    Parameters
    ----------
    ref
        Id of a bundled site, or path of a GeoJSON file. A bundled id wins over a file of that name.

    Returns
    -------
    Site
        Zones in file order, EPSG:4326. A berth without ``length_m`` gets the long side of the smallest
        rectangle around it, metres. ``land`` is known for some bundled sites only.

    Raises
    ------
    InputError
        If there is no such site, or the file cannot be read or is not JSON.
    SiteError
        If the file breaks a rule; the message lists every rule broken, by zone and place.

    Examples
    --------
    >>> load_site("najin").title
    'Najin (Rajin), DPRK'
    """
    path = find_site(ref)
    collection = read_collection(path)
    land = land_beside(path)
    zones, problems = examine(collection, land)
    problems = [*file_problems(collection, path), *problems]
    _raise_errors(path, [p for p in problems if p.severity == "error"])
    assert isinstance(collection, Mapping)  # anything else is an error by now
    name = site_id(collection, path)
    for problem in problems:
        logger.debug("site %s: %s", name, problem)  # `sites check` is where one asks for these
    return Site(
        site_id=name,
        title=_text(collection, "title") or name,
        zones=tuple(map(_with_length, zones)),
        digest=zones_digest(zones, land),
        attribution=_text(collection, "attribution"),
        land=land,
        weights=read_weights(collection),
        events=read_events(collection),
    )


def zones_digest(zones: Iterable[Zone], land: BaseGeometry | None = None) -> str:
    """SHA-256 of the zones' ids, kinds, quay lengths and geometry, and of the land, in hexadecimal.

    Notes
    -----
    Two sites with one digest draw the same masks. Coordinates are rounded to 1e-7 degree and
    outlines normalised, so the digest is the same whatever the order of features, the corner at which a
    ring starts, its direction, and the white space and number format of the JSON. Names, provenance,
    weights and events do not enter; land does, since it decides which vessels lie free.
    """
    digest = hashlib.sha256()
    for zone in sorted(zones, key=lambda z: z.zone_id):
        outline = _outline_bytes(zone.geometry)
        digest.update(f"{zone.zone_id}\0{zone.kind.value}\0{zone.length_m}\0{len(outline)}\0".encode())
        digest.update(outline)
    if land is not None:
        digest.update(_outline_bytes(land))
    return digest.hexdigest()


def _outline_bytes(geometry: BaseGeometry) -> bytes:
    # Whole steps rather than rounded degrees: exact in binary, and no negative zero to tell apart.
    steps = shapely.transform(geometry, lambda xy: np.rint(xy * DIGEST_STEPS_PER_DEG) + 0.0)
    return bytes(shapely.to_wkb(shapely.normalize(steps), byte_order=1, output_dimension=2))


def find_site(ref: str) -> Path:
    """Path of a bundled site's file, or of any other; a bundled id wins over a file of that name.

    Raises
    ------
    InputError
        If it is neither; the message lists the bundled sites.
    """
    ids = bundled_sites()
    if ref in ids:
        return BUNDLED / f"{ref}.geojson"
    path = Path(ref)
    if path.suffix.lower() in (".geojson", ".json") or path.is_file():
        return path
    close = difflib.get_close_matches(ref.lower(), ids, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    raise InputError(
        f"unknown site {ref!r}{hint}; bundled sites are {', '.join(ids)}, "
        "and a path to a .geojson file also works"
    )


def _raise_errors(path: Path, errors: list[Problem]) -> None:
    if errors:
        count = "1 rule" if len(errors) == 1 else f"{len(errors)} rules"
        raise SiteError("\n  - ".join([f"site file {path} breaks {count}:", *map(str, errors)]))


def _with_length(zone: Zone) -> Zone:
    if zone.kind is not ZoneKind.BERTH or zone.length_m is not None:
        return zone
    return replace(zone, length_m=long_side_m(zone.geometry))


def _text(collection: Mapping[str, Any], key: str) -> str:
    value = collection.get(key)
    return "" if value is None else str(value)
