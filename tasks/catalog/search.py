"""Ask a catalogue what it has: an API, static files or a stac-geoparquet table, one answer.

Whatever the source, the same scenes come back in the same order. An API's answer is checked
again here (some return items outside the box or the time that was asked for), and a search that
breaks off raises: a short list must never pass for a complete one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from tasks.catalog.documents import Documents
from tasks.catalog.items import Box, box_text, items_of
from tasks.catalog.providers import Provider, provider
from tasks.catalog.records import newest_of_each, scene_record, shown
from tasks.errors import InputError, SceneError
from tasks.model import Rejection, Rights, SceneRef, passes_of


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
    reader = Documents()
    items, asked_for = items_of(ref, bbox, start, end, wanted, threads, reader)
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
            f"site box {box_text(bbox)} lies outside all {len(here)} scenes of {ref}, "
            f"which cover {box_text(_union([s.bbox for s in here if s.bbox]))}"
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


def _check_collections(ref: str, wanted: tuple[str, ...], scenes: list[SceneRef]) -> None:
    available = sorted({s.collection for s in scenes})
    if unknown := sorted(set(wanted) - set(available)):
        raise InputError(
            f"catalogue {ref} has no collection {', '.join(unknown)}; it has {', '.join(available)}"
        )


def _overlap(a: Box, b: Box) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def _union(boxes: list[Box]) -> Box:
    return (
        min(b[0] for b in boxes),
        min(b[1] for b in boxes),
        max(b[2] for b in boxes),
        max(b[3] for b in boxes),
    )
