"""Which scenes are new, and whether anything needs doing: a pure look before any orchestrator starts.

The one step without a Prefect task. A run with nothing to do, and a dry run, end here within
seconds; so this module and what it imports stay light.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlparse

import shapely

from tasks.archive.ledger import ArchivedScene, Ledger, match_passes, outdated, read_ledger
from tasks.archive.storage import check_place
from tasks.archive.store import archive_ref
from tasks.archive.verify import Verified, verify_repository
from tasks.catalog.geotiff import not_a_tiff
from tasks.catalog.search import search
from tasks.errors import InputError
from tasks.model import RADAR_BANDS, Pass, Plan, Rejection, Request, SceneRef, passes_of
from tasks.products.manifest import is_current, state
from tasks.science import MEASURE_VERSION

COLOURS = ("blue", "green", "red", "nir")
COLOURS_NEEDED = 2
"""Optical bands of which a scene needs so many: one alone cannot tell a ship from foam or haze."""

__all__ = ["Ledger", "ledger_of", "plan"]


def ledger_of(request: Request) -> Ledger:
    """List what the request's site has in the archive now."""
    return read_ledger(archive_ref(request))


def plan(request: Request) -> Plan:
    """Find out what a run would do.

    Raises
    ------
    InputError
        If the request cannot be carried out: reversed dates, an empty catalogue, a collection without
        a band that can be read, a site outside all scenes, no readable scene at all.
    """
    _check(request)
    found = search(request.catalog, _bbox(request), request.start, request.end, request.collections)
    scenes, without_band = _with_bands(request, found.scenes)
    ledger = ledger_of(request)
    verified = _verified(request, ledger)
    damaged = verified.scenes if verified else frozenset()
    rejected = [
        replace(r, permanent=False) for r in (*found.unreadable, *without_band)
    ]  # items can be mended
    usable, refused, bare = _usable(request, ledger, scenes)
    rejected += refused
    new: list[SceneRef] = []
    known = 0
    mended: set[str] = set()
    for archived, tiles in _against(ledger, usable):
        if archived is not None:
            mended.add(archived.scene_id)
        if archived is None or outdated(tiles, archived) or archived.scene_id in damaged:
            new += tiles
        else:
            known += len(tiles)
    rejected += [
        Rejection(one, f"is damaged, and {request.catalog.split('?')[0]} has it not in this period", False)
        for one in sorted(damaged - mended)
    ]
    if not new and not known:
        first = (rejected or bare)[0]
        raise InputError(
            f"none of the {len(scenes) or len(rejected)} scenes can be used; {first.scene_id}: {first.reason}"
        )
    current = is_current(
        Path(request.out) / request.site.site_id,
        state(str(ledger.snapshot), request.site, MEASURE_VERSION, request.public),
    )
    unrecorded = any(r.permanent and r.scene_id not in ledger.rejected for r in rejected)
    stale = bool(ledger.scenes) and (unrecorded or not current)
    stale = stale or bool(verified and verified.backgrounds)
    return Plan(
        request,
        tuple(sorted(new, key=lambda s: (s.acquired, s.collection, s.scene_id))),
        known,
        tuple(sorted(rejected, key=lambda r: r.scene_id)),
        tuple(sorted({old for s in usable for old in s.supersedes})),
        stale or bool(new),
        tuple((c, name) for c, names in sorted(verified.backgrounds.items()) for name in names)
        if verified
        else (),
    )


def _usable(
    request: Request, ledger: Ledger, scenes: Iterable[SceneRef]
) -> tuple[list[SceneRef], list[Rejection], list[Rejection]]:
    """Part scenes that may be read from those in quarantine or no GeoTIFF, and from those that show nothing.

    Where the newest delivery of an acquisition is among these, the newest older one takes its place.
    """
    held = {d.scene_id for s in ledger.scenes for d in s.deliveries}
    usable, refused, bare = [], [], []
    for scene in scenes:
        deliveries = (scene, *scene.older)
        for k, one in enumerate(deliveries):
            reason = None if request.retry_rejected else ledger.rejected.get(one.scene_id)
            if reason is not None:
                refused.append(Rejection(one.scene_id, reason))
            elif not request.retry_rejected and one.scene_id in ledger.bare:
                bare.append(Rejection(one.scene_id, ledger.bare[one.scene_id], bare=True))
            elif one.scene_id not in held and (broken := _broken(one)) is not None:
                refused.append(broken)
            else:
                usable.append(replace(one, older=deliveries[k + 1 :]))
                break
    return usable, refused, bare


def _against(ledger: Ledger, scenes: Iterable[SceneRef]) -> Iterable[tuple[ArchivedScene | None, Pass]]:
    """Every pass of the catalogue beside what the archive holds of it."""
    by_collection: dict[str, list[SceneRef]] = defaultdict(list)
    for scene in scenes:
        by_collection[scene.collection].append(scene)
    for collection, group in sorted(by_collection.items()):
        passes = passes_of(group)
        matched = match_passes(passes, ledger.of(collection))
        yield from ((matched.get(k), tiles) for k, tiles in enumerate(passes))


def _verified(request: Request, ledger: Ledger) -> Verified | None:
    """Read the archive back if a repair is asked for."""
    if not request.repair or ledger.snapshot is None:
        return None
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return verify_repository(archive_ref(request), pool)


def _check(request: Request) -> None:
    if request.end < request.start:
        raise InputError(f"--end {request.end} is before --start {request.start}; give the earlier day first")
    if not request.site.water_zones:
        raise InputError(
            f"site {request.site.site_id} has no harbour_water or anchorage zone; "
            "vessels are counted in those, so at least one is needed"
        )
    check_place(request.archive)
    if urlparse(request.out).scheme:
        raise InputError(f"--out {request.out} is not a local folder; publications go to local folders yet")


def _bbox(request: Request) -> tuple[float, float, float, float]:
    west, south, east, north = shapely.total_bounds([z.geometry for z in request.site.measured_zones])
    return float(west), float(south), float(east), float(north)


def _with_bands(request: Request, scenes: tuple[SceneRef, ...]) -> tuple[list[SceneRef], list[Rejection]]:
    """Keep the bands that are archived: of radar its own, of optical images those a vessel can be told by."""
    wanted = [_measurable(s) for s in scenes]
    usable = {s.collection for s in wanted if s.bands}
    for collection in request.collections or sorted({s.collection for s in scenes} if not usable else ()):
        if collection not in usable:
            assets = sorted({a for s in scenes if s.collection == collection for a in s.assets})
            raise InputError(
                f"collection {collection!r} has no band that can be measured: one of "
                f"{', '.join(RADAR_BANDS)} is needed, or {COLOURS_NEEDED} of {', '.join(COLOURS)}; "
                f"it has {', '.join(assets) or 'no assets'}"
            )
    here = [s for s in wanted if s.collection in usable]
    bare = [Rejection(s.scene_id, "has no band that can be read") for s in here if not s.bands]
    return [s for s in here if s.bands], bare


def _measurable(scene: SceneRef) -> SceneRef:
    radar = tuple(b for b in scene.bands if b.name in RADAR_BANDS)
    enough = sum(b.name in COLOURS for b in scene.bands) >= COLOURS_NEEDED
    return replace(scene, bands=radar or (scene.bands if enough else ()))


def _broken(scene: SceneRef) -> Rejection | None:
    """Say why a scene cannot be a GeoTIFF; a file that is not there may still come."""
    for band in scene.bands:
        if (reason := not_a_tiff(band.href)) is not None:
            return Rejection(scene.scene_id, reason, permanent=Path(urlparse(band.href).path).is_file())
    return None
