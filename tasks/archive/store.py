"""Open, lock and list a site's repository; light enough for the planning step.

Icechunk on a local file system loses acknowledged commits when two processes commit at once
(measured: 1 to 10 of 72), so every transaction here holds an exclusive file lock from its first
read to its commit.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

os.environ.setdefault("ICECHUNK_LOG", "error")  # its warning about local disk is answered by our lock

import icechunk

from tasks.archive.schema import open_group
from tasks.errors import ArchiveError, InputError
from tasks.model import Request

MANIFEST_SPLIT = 32
"""Dates per manifest: 300 commits then keep 4.9 MB of manifests instead of 41.8 MB."""


@dataclass(frozen=True)
class ArchiveRef:
    """One site's repository inside an archive folder."""

    folder: str
    site_id: str

    @property
    def path(self) -> Path:
        """Where the repository lies."""
        return self.root / f"{self.site_id}.icechunk"

    @property
    def root(self) -> Path:
        """The archive folder, also where it was given as a file:// URL."""
        url = urlparse(self.folder)
        return Path(url2pathname(url.path) if url.scheme == "file" else self.folder)


@dataclass(frozen=True)
class ArchivedScene:
    """One filled slot of a cube."""

    scene_id: str
    collection: str
    acquired: datetime
    orbit: int
    slot: int
    acquisition: str
    processing: str


@dataclass(frozen=True)
class Ledger:
    """What a site's repository holds, without its pixels."""

    snapshot: str | None = None
    """Snapshot id; None while there is no repository."""

    scenes: tuple[ArchivedScene, ...] = ()
    """In order of time, collection, id."""

    rejected: dict[str, str] = field(default_factory=dict)
    """Scene id to the reason for which it stays out."""

    superseded: dict[str, str] = field(default_factory=dict)
    """Replaced scene id to the id that took its slot."""

    def of(self, collection: str) -> tuple[ArchivedScene, ...]:
        """Scenes of one collection, in order of time."""
        return tuple(s for s in self.scenes if s.collection == collection)


def archive_ref(request: Request) -> ArchiveRef:
    """Where a request's site is archived."""
    return ArchiveRef(request.archive, request.site.site_id)


def check_folder(folder: str) -> None:
    """Refuse what cannot hold an archive, before anything is read.

    Raises
    ------
    InputError
        For a URL scheme other than a local path.
    """
    scheme = urlparse(folder).scheme
    if scheme not in ("", "file"):
        raise InputError(f"archive {folder}: {scheme}:// is not supported yet; a local folder is needed")


def exists(ref: ArchiveRef) -> bool:
    """Whether the site has a repository."""
    return ref.path.is_dir() and any(ref.path.iterdir())


def open_repository(ref: ArchiveRef) -> Any:
    """Open a site's repository.

    Raises
    ------
    ArchiveError
        If there is none or it cannot be opened.
    """
    if not exists(ref):
        raise ArchiveError(f"archive {ref.path} does not exist; `roadstead backfill {ref.site_id}` makes it")
    try:
        return icechunk.Repository.open(icechunk.local_filesystem_storage(str(ref.path)), config=_config())
    except icechunk.IcechunkError as fault:
        raise ArchiveError(f"archive {ref.path} cannot be opened: {fault}") from fault


def create_repository(ref: ArchiveRef) -> Any:
    """Create an empty repository, or open the one that is there."""
    if exists(ref):
        return open_repository(ref)
    ref.path.mkdir(parents=True, exist_ok=True)
    return icechunk.Repository.create(icechunk.local_filesystem_storage(str(ref.path)), config=_config())


def remove_if_empty(ref: ArchiveRef) -> None:
    """Take away a repository that never got a scene, so a failed first run leaves nothing."""
    if exists(ref) and not read_ledger(ref).scenes:
        shutil.rmtree(ref.path)
        _lock_path(ref).unlink(missing_ok=True)
        if not any(ref.root.iterdir()):
            ref.root.rmdir()


@contextmanager
def committing(ref: ArchiveRef) -> Iterator[None]:
    """Hold the site's lock: one committer per site, from first read to commit."""
    _lock_path(ref).parent.mkdir(parents=True, exist_ok=True)
    with _lock_path(ref).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def read_ledger(ref: ArchiveRef, snapshot: str | None = None) -> Ledger:
    """List what is in a site's repository; an empty ledger if there is none."""
    if not exists(ref):
        return Ledger()
    session = read_session(ref, snapshot)
    try:
        root = open_group(session.store, mode="r")
    except FileNotFoundError:  # killed between making the repository and its first commit
        return Ledger()
    scenes: list[ArchivedScene] = []
    rejected: dict[str, str] = json.loads(str(root.attrs.get("rejected", "{}")))
    superseded: dict[str, str] = json.loads(str(root.attrs.get("superseded", "{}")))
    for name, cube in root.groups():
        scenes.extend(_scenes_of(name, cube))
    scenes.sort(key=lambda s: (s.acquired, s.collection, s.scene_id))
    return Ledger(str(session.snapshot_id), tuple(scenes), rejected, superseded)


def read_session(ref: ArchiveRef, snapshot: str | None = None) -> Any:
    """Open a read-only session, at a snapshot or at the newest."""
    repository = open_repository(ref)
    return repository.readonly_session(**({"snapshot_id": snapshot} if snapshot else {"branch": "main"}))


def _scenes_of(collection: str, cube: Any) -> Iterator[ArchivedScene]:
    columns = [cube[k][:] for k in ("scene_id", "time", "orbit", "acquisition", "processing")]
    for slot, (scene_id, seconds, orbit, acquisition, processing) in enumerate(zip(*columns, strict=True)):
        if scene_id:
            acquired = datetime.fromtimestamp(int(seconds), UTC)
            yield ArchivedScene(
                str(scene_id), collection, acquired, int(orbit), slot, str(acquisition), str(processing)
            )


def _lock_path(ref: ArchiveRef) -> Path:
    return ref.root / f"{ref.site_id}.lock"


def _config() -> Any:
    config = icechunk.RepositoryConfig.default()
    config.manifest = icechunk.ManifestConfig(
        splitting=icechunk.ManifestSplittingConfig.from_dict(
            {
                icechunk.ManifestSplitCondition.AnyArray(): {
                    icechunk.ManifestSplitDimCondition.DimensionName("time"): MANIFEST_SPLIT
                }
            }
        )
    )
    # Local files: one read per object instead of five small ones (the default splits every 4 kB).
    config.storage = icechunk.StorageSettings(
        concurrency=icechunk.StorageConcurrencySettings(
            max_concurrent_requests_for_object=4, ideal_concurrent_request_size=16 << 20
        )
    )
    return config
