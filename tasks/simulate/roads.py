"""Write a simulated archive of radar scenes over a port's roads, with its truth.

The folder is written aside and renamed in at the end, so it is complete or not there. Same
arguments, same bytes: every random number comes from the seed and the day, nothing from the clock.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from affine import Affine

from tasks.errors import InputError
from tasks.grid import site_box
from tasks.model import Site, ZoneKind
from tasks.simulate.delivery import (
    COLLECTION,
    NOTICE,
    PIXEL_M,
    Pass,
    collection,
    item,
    passes,
    write_image,
    write_json,
)
from tasks.simulate.image import Ground, Plane, blank_half, draw_ground, render
from tasks.simulate.traffic import Stay, draw_stays, free_water, place_dolphins
from tasks.simulate.truth import COUNT_COLUMNS, VESSEL_COLUMNS, count_rows, vessel_row, write_csv

VERSION = 1
"""Raise it whenever the same arguments would give other bytes."""

MARGIN_M = 1000.0

SEA_DB = (-22.0, -14.0)
"""VV of a calm and of a windy sea."""

README = """{notice}

Scenes of {title}, {start} to {end}, every {every_days} days, seed {seed}; they only look like
Sentinel-1 RTC. No vessel, date or number in this folder says anything about the real port.

collection.json, items/   static STAC collection "{collection}"
vv/, vh/                  gamma0, linear power, float32, NaN where the swath ends
truth_vessels.csv         every vessel that lies there at a pass, with its outline (EPSG:4326)
truth_counts.csv          vessels per scene and water zone, and how many of them the swath covers
simulation.json           what this folder was made with
"""


@dataclass(frozen=True)
class Recipe:
    """What decides every byte of the folder."""

    site_id: str
    title: str
    site_digest: str
    land_digest: str
    seed: int
    start: str
    end: str
    every_days: int
    version: int = VERSION


def simulate_roads(
    site: Site,
    folder: Path,
    *,
    seed: int = 2023,
    start: date,
    end: date,
    every_days: int = 6,
    advance: Callable[[int], None] | None = None,
) -> Path:
    """Write simulated Sentinel-1-like scenes of a site, unless they are there already.

    Parameters
    ----------
    site
        Needs a water zone that keeps `tasks.simulate.traffic.CLEARANCE_M` clear of everything else.
    folder
        Where to write. A folder from an earlier simulation with other arguments is replaced.
    seed
        0 or more.
    start, end
        First and last day, UTC, both included.
    every_days
        Days between passes; two orbits take turns, so each repeats after twice as many.
    advance
        Called with 1 after each scene; not called if the folder is complete.

    Returns
    -------
    Path
        The collection's ``collection.json``.

    Raises
    ------
    InputError
        If the period, the seed, the interval or the site cannot be simulated, or if `folder` holds
        something else than a simulation.

    Notes
    -----
    The story is fixed to dates (`tasks.simulate.traffic`): few vessels until September 2023, many
    from October. With three scenes or more, the middle one covers only half of the window.
    """
    _check(start, end, every_days, seed)
    recipe = recipe_of(site, seed, start, end, every_days)
    folder = folder.resolve()
    collection_file = folder / "collection.json"
    if _recipe_in(folder) == asdict(recipe) and collection_file.is_file():
        return collection_file
    aside = folder.with_name(f"{folder.name}.tmp")
    for place in (folder, aside):
        _check_ours(place)
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        write_json(aside / "simulation.json", asdict(recipe))
        _write_scenes(site, aside, seed, start, end, every_days, advance)
        text = README.format(notice=NOTICE, collection=COLLECTION, **asdict(recipe))
        (aside / "README.txt").write_text(text, encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return collection_file


def recipe_of(site: Site, seed: int, start: date, end: date, every_days: int) -> Recipe:
    """Collect what decides the bytes; land and structures are drawn but no part of the site's digest."""
    shapes = [site.land] if site.land is not None else []
    shapes += [zone.geometry for zone in site.zones]
    digest = hashlib.sha256(b"".join(shapely.to_wkb(shape, byte_order=1) for shape in shapes)).hexdigest()
    return Recipe(site.site_id, site.title, site.digest, digest, seed, str(start), str(end), every_days)


def _check(start: date, end: date, every_days: int, seed: int) -> None:
    if start > end:
        raise InputError(f"period {start} to {end} is reversed; the first day must not be after the last")
    if every_days < 1:
        raise InputError(f"every_days is {every_days}; at least 1 day between passes is needed")
    if seed < 0:
        raise InputError(f"seed is {seed}; 0 or more is needed")


def _recipe_in(folder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((folder / "simulation.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _check_ours(folder: Path) -> None:
    if not folder.exists() or (folder / "simulation.json").is_file():
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise InputError(f"{folder} holds something else than a simulation; name a new or empty folder")


def _write_scenes(
    site: Site,
    folder: Path,
    seed: int,
    start: date,
    end: date,
    every_days: int,
    advance: Callable[[int], None] | None,
) -> None:
    crs = utm_of(site)
    free = free_water(site, crs)
    if not free:
        raise InputError(
            f"site {site.site_id} has no harbour_water or anchorage zone with room for a vessel "
            f"clear of quays and land; nothing to simulate among its {len(site.zones)} zones"
        )
    harbours = [z.zone_id for z in site.water_zones if z.kind is ZoneKind.HARBOUR_WATER and z.zone_id in free]
    dolphins = place_dolphins(free, [*harbours, *free][0], np.random.default_rng([seed, 0]))
    box = site_box(site, crs, Affine(PIXEL_M, 0, 0, 0, -PIXEL_M, 0), MARGIN_M)
    ground = draw_ground(site, box, dolphins)
    stays = draw_stays(free, dolphins, crs, start, end, seed)
    items: list[dict[str, Any]] = []
    vessels: list[dict[str, Any]] = []
    counts: list[dict[str, Any]] = []
    for moment in passes(start, end, every_days):
        there = [s for s in stays if s.arrives <= moment.acquired < s.leaves]
        planes = _planes(ground, there, moment, seed)
        for band, plane in planes.items():
            write_image(folder / band / f"{moment.scene_id}.tif", plane, box, band)
        seen = np.isfinite(planes["vv"])
        rows = [vessel_row(s, moment, seen, box) for s in there]
        vessels += rows
        counts += count_rows(site, moment, rows, seen, box)
        items.append(item(moment, box))
        write_json(folder / "items" / f"{moment.scene_id}.json", items[-1])
        if advance is not None:
            advance(1)
    write_csv(folder / "truth_vessels.csv", VESSEL_COLUMNS, vessels)
    write_csv(folder / "truth_counts.csv", COUNT_COLUMNS, counts)
    write_json(folder / "collection.json", collection(site.title, items))


def utm_of(site: Site) -> str:
    """UTM zone of the site's middle.

    Examples
    --------
    >>> from tasks.sites import load_site
    >>> utm_of(load_site("najin"))
    'EPSG:32652'
    """
    west, south, east, north = shapely.total_bounds([z.geometry for z in site.measured_zones])
    number = int(((west + east) / 2 + 180) // 6) + 1
    return f"EPSG:{(32600 if south + north >= 0 else 32700) + number}"


def _planes(ground: Ground, there: Sequence[Stay], moment: Pass, seed: int) -> dict[str, Plane]:
    day = moment.acquired.toordinal()
    sea_db = float(np.random.default_rng([seed, 4, day]).uniform(*SEA_DB))
    planes = render(ground, there, sea_db, moment.direction, moment.orbit, seed, day)
    return blank_half(planes) if moment.partial else planes
