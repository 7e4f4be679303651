"""Look after what is stored: say what is there, read it back, throw away what is old."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.archive.backgrounds import stored_epochs
from tasks.archive.ledger import ArchivedScene, Ledger, read_ledger
from tasks.archive.storage import Place, check_place, children
from tasks.archive.store import SUFFIX, ArchiveRef, history, snapshot_at
from tasks.archive.upkeep import Tidied, tidy_repository
from tasks.archive.verify import Verified, verify_repository
from tasks.errors import InputError
from tasks.products.manifest import NAME, damaged_files, publications_in
from tasks.products.stac_assets import damaged_assets
from tasks.products.tables import site_regimes

Advance = Callable[[int], None]


def _silent(_: int) -> None:
    """Progress for nobody."""


@dataclass(frozen=True)
class CollectionStatus:
    """One cube at a glance."""

    collection: str
    bands: tuple[str, ...]
    dates: int
    products: int
    """Delivered products in those dates: more where a pass has several tiles."""

    first: datetime
    last: datetime
    longest_gap_days: float
    """Longest time between two neighbouring dates; 0 with one date."""

    gap_from: datetime
    backgrounds: int


@dataclass(frozen=True)
class SiteStatus:
    """One site's archive and publication at a glance."""

    site: str
    snapshot: str
    written: datetime | None
    """When that state was committed."""

    states: int
    """States that can be visited with ``--as-of``."""

    collections: tuple[CollectionStatus, ...]
    quarantine: dict[str, str]
    bare: dict[str, str]
    """Scenes that show nothing of the site, and what tells so."""

    superseded: dict[str, str]
    regimes: tuple[dict[str, Any], ...] = ()
    """Of the whole site, as published; the last is the present one."""


@dataclass(frozen=True)
class Checked:
    """What reading one repository or publication back has shown."""

    ref: str
    kind: str
    """``archive`` or ``publication``."""

    read: int
    """Planes of an archive, files of a publication."""

    damaged: tuple[dict[str, str], ...] = field(default=())


def sites_in(archive: str) -> list[str]:
    """List the sites that have a repository in an archive."""
    check_place(archive)
    names = children(Place(archive))
    return [name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)]


def survey(archive: str, site_id: str, out: str, as_of: datetime | str | None = None) -> SiteStatus:
    """Say what a site's archive holds, now or at an earlier state.

    Parameters
    ----------
    archive, site_id
        Which repository.
    out
        Folder of publications; the site's regimes are read there.
    as_of
        Moment, aware, or snapshot id; None for the newest state.

    Raises
    ------
    InputError
        If the archive has no such site.
    ArchiveError
        If there was no such state.
    """
    ref = ArchiveRef(archive, site_id)
    if site_id not in (there := sites_in(archive)):
        raise InputError(
            f"archive {archive} has no site {site_id!r}; it has {', '.join(there) or 'none at all'}"
        )
    states = list(history(ref))
    at = snapshot_at(ref, as_of) if isinstance(as_of, datetime) else as_of
    ledger = read_ledger(ref, at)
    written = next((s.written for s in states if s.snapshot_id == ledger.snapshot), None)
    return SiteStatus(
        site_id,
        str(ledger.snapshot),
        written,
        len(states),
        tuple(_collection_status(ref, ledger, name) for name in ledger.collections),
        ledger.rejected,
        ledger.bare,
        ledger.superseded,
        tuple(site_regimes(Path(out) / site_id)) if as_of is None else (),
    )


def _collection_status(ref: ArchiveRef, ledger: Ledger, collection: str) -> CollectionStatus:
    scenes = ledger.of(collection)
    gap, start = _longest_gap(scenes)
    return CollectionStatus(
        collection,
        ledger.bands[collection],
        len(scenes),
        sum(len(s.deliveries) for s in scenes),
        scenes[0].acquired,
        scenes[-1].acquired,
        round(gap / timedelta(days=1), 2),
        start,
        len(stored_epochs(ref, collection, str(ledger.snapshot))),
    )


def _longest_gap(scenes: tuple[ArchivedScene, ...]) -> tuple[timedelta, datetime]:
    gaps = [(b.acquired - a.acquired, a.acquired) for a, b in pairwise(scenes)]
    return max(gaps, default=(timedelta(0), scenes[0].acquired), key=lambda one: one[0])


def verify(
    ref: str, as_of: datetime | str | None = None, expect: Advance = _silent, advance: Advance = _silent
) -> list[Checked]:
    """Read an archive, one of its repositories, a publication, or a folder of them (a run's OUT) back.

    Parameters
    ----------
    ref
        Path or URL.
    as_of
        State of a repository: moment, aware, or snapshot id; None for the newest.
    expect, advance
        Called with the number of planes there are, and with those read.

    Raises
    ------
    InputError
        If there is nothing at `ref` that could be verified.
    """
    check_place(ref)
    place = Place(ref)
    folder = place.local
    if ref.rstrip("/").endswith(SUFFIX):
        parent, _, name = ref.rstrip("/").rpartition("/")
        repositories = [ArchiveRef(parent or ".", name.removesuffix(SUFFIX))]
    else:
        beside = [f"{ref.rstrip('/')}/archive"] if folder else []  # where a run's OUT keeps it by default
        repositories = [ArchiveRef(at, site_id) for at in (ref, *beside) for site_id in sites_in(at)]
    publications = publications_in(folder) if folder else []
    if not repositories and not publications:
        raise InputError(
            f"nothing to verify at {ref}: an archive or a repository ({SUFFIX}), a publication "
            f"({NAME}) or a folder of them is needed"
        )
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        checked = [_verify_one(one, as_of, pool, expect, advance) for one in repositories]
    return checked + [_verify_publication(one) for one in publications]


def _verify_one(
    ref: ArchiveRef, as_of: datetime | str | None, pool: ThreadPoolExecutor, expect: Advance, advance: Advance
) -> Checked:
    at = snapshot_at(ref, as_of) if isinstance(as_of, datetime) else as_of
    verified: Verified = verify_repository(ref, pool, at, expect, advance)
    return Checked(ref.place.url, "archive", verified.planes, tuple(asdict(d) for d in verified.damaged))


def _verify_publication(folder: Path) -> Checked:
    read, damaged = damaged_files(folder)
    damaged = damaged_assets(folder) | damaged
    rows = tuple({"what": "file", "name": name, "reason": reason} for name, reason in sorted(damaged.items()))
    return Checked(str(folder), "publication", read, rows)


@task(task_run_name="tidy-{site_id}", cache_policy=NO_CACHE)
def tidy(archive: str, site_id: str, keep_days: int, now: datetime) -> Tidied:
    """Forget states of a repository older than some days, and throw away what only they referred to."""
    return tidy_repository(ArchiveRef(archive, site_id), now - timedelta(days=keep_days), now)
