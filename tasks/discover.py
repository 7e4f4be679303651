"""Which scenes are new, and whether anything needs doing: a pure look before any orchestrator starts.

The one step without a Prefect task. A run with nothing to do, and a dry run, end here within
seconds; so this module and what it imports stay light.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import urlparse

import shapely

from tasks.archive.store import Ledger, archive_ref, check_folder, read_ledger
from tasks.catalog.read import not_a_tiff
from tasks.catalog.records import RADAR_BANDS
from tasks.catalog.search import search
from tasks.errors import InputError
from tasks.model import Plan, Rejection, Request, SceneRef
from tasks.products.manifest import is_current, state
from tasks.science import MEASURE_VERSION

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
        a radar band, a site outside all scenes, no readable scene at all.
    """
    _check(request)
    found = search(request.catalog, _bbox(request), request.start, request.end, request.collections)
    scenes, without_band = _with_radar(request, found.scenes)
    ledger = ledger_of(request)
    there = {(s.collection, s.acquisition): s for s in ledger.scenes}
    new, known = [], 0
    rejected = [
        replace(r, permanent=False) for r in (*found.unreadable, *without_band)
    ]  # items can be mended
    for scene in scenes:
        archived = there.get((scene.collection, scene.acquisition))
        reason = None if request.retry_rejected else ledger.rejected.get(scene.scene_id)
        if archived is not None and not _replaces(scene, archived.scene_id, archived.processing):
            known += 1
        elif reason is not None:
            rejected.append(Rejection(scene.scene_id, reason))
        elif (broken := _broken(scene)) is not None:
            rejected.append(broken)
        else:
            new.append(scene)
    if not new and not known:
        first = rejected[0]
        raise InputError(
            f"none of the {len(scenes) or len(rejected)} scenes can be used; {first.scene_id}: {first.reason}"
        )
    current = is_current(
        Path(request.out) / request.site.site_id,
        state(str(ledger.snapshot), request.site.digest, MEASURE_VERSION),
    )
    unrecorded = any(r.permanent and r.scene_id not in ledger.rejected for r in rejected)
    stale = bool(ledger.scenes) and (unrecorded or not current)
    return Plan(
        request,
        tuple(new),
        known,
        tuple(sorted(rejected, key=lambda r: r.scene_id)),
        found.superseded,
        stale or bool(new),
    )


def _check(request: Request) -> None:
    if request.end < request.start:
        raise InputError(f"--end {request.end} is before --start {request.start}; give the earlier day first")
    if not request.site.water_zones:
        raise InputError(
            f"site {request.site.site_id} has no harbour_water or anchorage zone; "
            "vessels are counted in those, so at least one is needed"
        )
    check_folder(request.archive)
    if urlparse(request.out).scheme:
        raise InputError(f"--out {request.out} is not a local folder; publications go to local folders yet")


def _bbox(request: Request) -> tuple[float, float, float, float]:
    west, south, east, north = shapely.total_bounds([z.geometry for z in request.site.measured_zones])
    return float(west), float(south), float(east), float(north)


def _with_radar(request: Request, scenes: tuple[SceneRef, ...]) -> tuple[list[SceneRef], list[Rejection]]:
    """Keep the radar bands of collections that have some; complain about others asked for by name."""
    optical = {s.collection: s.bands for s in scenes if s.bands}
    scenes = tuple(replace(s, bands=tuple(b for b in s.bands if b.name in RADAR_BANDS)) for s in scenes)
    usable = {s.collection for s in scenes if s.bands}
    for collection in request.collections or sorted({s.collection for s in scenes} if not usable else ()):
        if collection not in usable:
            assets = sorted({a for s in scenes if s.collection == collection for a in s.assets})
            unread = ", ".join(b.name for b in optical.get(collection, ()))
            raise InputError(
                f"collection {collection!r} has no radar band ({', '.join(RADAR_BANDS)}); "
                f"it has {', '.join(assets) or 'no assets'}"
                + (f": {unread} are optical bands, and no measure reads them yet" if unread else "")
            )
    here = [s for s in scenes if s.collection in usable]
    bare = [Rejection(s.scene_id, "has no radar band") for s in here if not s.bands]
    return [s for s in here if s.bands], bare


def _replaces(scene: SceneRef, archived_id: str, archived_processing: str) -> bool:
    """Whether the catalogue's delivery of an acquisition is newer than the archived one."""
    return (scene.processing, scene.scene_id) > (archived_processing, archived_id)


def _broken(scene: SceneRef) -> Rejection | None:
    """Say why a scene cannot be a GeoTIFF; a file that is not there may still come."""
    for band in scene.bands:
        if (reason := not_a_tiff(band.href)) is not None:
            return Rejection(scene.scene_id, reason, permanent=Path(urlparse(band.href).path).is_file())
    return None
