"""Open, lock and commit to a site's repository, wherever it lies.

Icechunk on a local file system loses acknowledged commits when two processes commit at once
(measured: 1 to 10 of 72), so there every transaction holds an exclusive file lock from its first
read to its commit. Object stores refuse the second of two rival commits; there the whole
transaction is done again on what the first one left. It is never rebased: a rebase would keep
slots that were chosen without knowledge of the rival's.
"""

from __future__ import annotations

import fcntl
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import icechunk

from tasks.archive.damage import first_line
from tasks.archive.schema import open_group
from tasks.archive.storage import Place, icechunk_storage, is_there, remove
from tasks.errors import ArchiveError
from tasks.model import Request

MANIFEST_SPLIT = 32
"""Dates per manifest: 300 commits then keep 4.9 MB of manifests instead of 41.8 MB."""

ATTEMPTS = 60
"""Times that a transaction is begun before rivals that always come first are called a fault."""

PAUSE_S = 0.05
"""Longest pause after a lost race, doubled with every further one up to `LONGEST_PAUSE_S`; drawn by chance,
or the same rivals meet again: without that one of six writers starved."""
LONGEST_PAUSE_S = 1.0

APPEARS_S = 5.0
"""How long a repository of which there is something may take to be whole: a rival is making it, or nobody."""

SUFFIX = ".icechunk"

SPLIT_LOCALLY, SPLIT_REMOTELY = 64 << 10, 16 << 20
"""Bytes from which an object is read in pieces, at most four. On local disk that is cheap: Icechunk streams a
whole object 8 kB at a time, 7 ms of CPU for a plane of 1.4 MB where four pieces take 1. In an object store
every piece is a request."""

WITH_CONTENT = ("chunks", "manifests")
OWN_NAMES = frozenset({*WITH_CONTENT, "overwritten", "refs", "snapshots", "transactions"})
"""Folders that Icechunk itself makes in a repository; those that hold content come with the first commit."""

Done = TypeVar("Done")


@dataclass(frozen=True)
class ArchiveRef:
    """One site's repository inside an archive."""

    folder: str
    """Of the archive: a path, a file:// URL or s3://bucket/prefix."""

    site_id: str

    @property
    def place(self) -> Place:
        """Where the repository lies."""
        return Place(self.folder).child(f"{self.site_id}{SUFFIX}")

    @property
    def path(self) -> Path:
        """Where the repository lies on local disk."""
        return self.root / f"{self.site_id}{SUFFIX}"

    @property
    def root(self) -> Path:
        """The archive's local folder, also where it was given as a file:// URL.

        Raises
        ------
        ArchiveError
            If the archive is in an object store.
        """
        folder = Place(self.folder).local
        if folder is None:
            raise ArchiveError(f"archive {self.folder} is not a local folder")
        return folder


def archive_ref(request: Request) -> ArchiveRef:
    """Where a request's site is archived."""
    return ArchiveRef(request.archive, request.site.site_id)


def exists(ref: ArchiveRef) -> bool:
    """Whether the site has a repository; what a killed creation left behind is none."""
    return is_there(ref.place) and not _is_ruin(ref)


def _is_ruin(ref: ArchiveRef) -> bool:
    """Whether a creation was killed before its last step; never so where there are chunks or manifests.

    Local only: in an object store a rival may be making it just now, and nothing would tell.
    """
    if ref.place.local is None or any((ref.path / name).exists() for name in WITH_CONTENT):
        return False
    names = {path.name for path in ref.path.iterdir()}
    begun = {name for name in names if name in OWN_NAMES or name.startswith("config.yaml")}
    return names == begun and not icechunk.Repository.exists(icechunk_storage(ref.place))


def open_repository(ref: ArchiveRef) -> Any:
    """Open a site's repository, in an object store also one that a rival is half way through making.

    Raises
    ------
    ArchiveError
        If there is none or it cannot be opened.
    """
    if not exists(ref):
        raise ArchiveError(
            f"archive {ref.place.url} does not exist; `roadstead backfill {ref.site_id}` makes it"
        )
    storage, config = icechunk_storage(ref.place), _config(ref.place)
    try:
        with suppress(icechunk.IcechunkError):
            return icechunk.Repository.open(storage, config=config)
        if ref.place.local is None:
            _appears(storage)
        return icechunk.Repository.open(storage, config=config)
    except icechunk.IcechunkError as fault:
        raise ArchiveError(f"archive {ref.place.url} cannot be opened: {first_line(fault)}") from fault


def create_repository(ref: ArchiveRef) -> Any:
    """Create an empty repository, or open the one that is there; on the ruins of a killed creation too."""
    storage = icechunk_storage(ref.place)
    if not is_there(ref.place) or _is_ruin(ref):
        if ref.place.local is not None:
            remove(ref.place)  # Icechunk creates in clean folders only
            ref.path.mkdir(parents=True, exist_ok=True)
        try:
            return icechunk.Repository.create(storage, config=_config(ref.place))
        except icechunk.IcechunkError as fault:
            if not _appears(storage):  # else a rival is just making it
                raise ArchiveError(
                    f"archive {ref.place.url} cannot be made: {first_line(fault)}; "
                    "what is there must go first"
                ) from fault
    return open_repository(ref)


def _appears(storage: Any) -> bool:
    """Wait a little for a repository that another process is making."""
    deadline = time.monotonic() + APPEARS_S
    while not (there := bool(icechunk.Repository.exists(storage))) and time.monotonic() < deadline:
        time.sleep(0.1)
    return there


def transact(ref: ArchiveRef, work: Callable[[Any], Done]) -> Done:
    """Carry a transaction out on a site's repository: from first read to commit, alone or again.

    Parameters
    ----------
    ref
        Which repository; made if it is not there.
    work
        Gets the repository, commits by itself, and can be done again from its start.

    Raises
    ------
    ArchiveError
        If rivals came first every time.
    """
    for attempt in range(ATTEMPTS):
        with alone(ref):
            try:
                return work(create_repository(ref))
            except (icechunk.ConflictError, RivalError):
                pass
            except icechunk.IcechunkError as fault:
                raise ArchiveError(
                    f"archive {ref.place.url}: the store failed ({first_line(fault)}); what was committed "
                    "before is there, run it again"
                ) from fault
        time.sleep(random.uniform(0, min(PAUSE_S * 2**attempt, LONGEST_PAUSE_S)))
    raise ArchiveError(
        f"archive {ref.place.url}: others committed first {ATTEMPTS} times in a row; "
        "let fewer runs write to one site at a time"
    )


class RivalError(Exception):
    """Another process committed between two steps of a transaction: it has to begin again."""


def session_at(repository: Any, snapshot: str) -> Any:
    """Open a session for writing on the state that was seen before.

    Raises
    ------
    RivalError
        If the newest state is another by now: what was chosen in that one may be taken.
    """
    session = repository.writable_session("main")
    if str(session.snapshot_id) != snapshot:
        raise RivalError(f"{session.snapshot_id} came after {snapshot}")
    return session


@contextmanager
def alone(ref: ArchiveRef) -> Iterator[None]:
    """Hold the site's lock on local disk; in an object store conditional writes stand in for it."""
    if ref.place.local is None:
        yield
        return
    while True:
        lock_path(ref).parent.mkdir(parents=True, exist_ok=True)
        with lock_path(ref).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is_the_lock(ref, file.fileno()):
                yield
                return


def _is_the_lock(ref: ArchiveRef, descriptor: int) -> bool:
    """Whether the file locked is the one others will lock: it may have been taken away meanwhile."""
    try:
        return os.path.samestat(os.fstat(descriptor), lock_path(ref).stat())
    except FileNotFoundError:
        return False


def read_session(ref: ArchiveRef, snapshot: str | None = None) -> Any:
    """Open a read-only session, at a snapshot or at the newest.

    Raises
    ------
    ArchiveError
        If the repository has no such snapshot.
    """
    repository = open_repository(ref)
    try:
        return repository.readonly_session(**({"snapshot_id": snapshot} if snapshot else {"branch": "main"}))
    except (icechunk.IcechunkError, ValueError) as fault:
        raise ArchiveError(f"archive {ref.place.url} has no snapshot {snapshot!r}") from fault


@dataclass(frozen=True)
class Snapshot:
    """One committed state of a repository."""

    snapshot_id: str
    written: datetime
    message: str


def history(ref: ArchiveRef) -> Iterator[Snapshot]:
    """List the committed states that are kept, the newest first."""
    for info in open_repository(ref).ancestry(branch="main"):
        yield Snapshot(str(info.id), info.written_at.astimezone(UTC), str(info.message))


def snapshot_at(ref: ArchiveRef, moment: datetime) -> str:
    """Find the state that readers saw at a moment.

    Raises
    ------
    ArchiveError
        If the archive is younger, or that far back is no longer kept.
    """
    oldest = None
    for snapshot in history(ref):
        if snapshot.written <= moment:
            break
        oldest = snapshot
    else:
        snapshot = None
    if snapshot is None or not _has_content(ref, snapshot.snapshot_id):
        began = f"; the oldest state kept is of {oldest.written:%Y-%m-%d %H:%M:%S} UTC" if oldest else ""
        raise ArchiveError(f"archive {ref.place.url} held nothing on {moment:%Y-%m-%d %H:%M:%S} UTC{began}")
    return snapshot.snapshot_id


def _has_content(ref: ArchiveRef, snapshot: str) -> bool:
    return open_root(ref, read_session(ref, snapshot)) is not None


def open_root(ref: ArchiveRef, session: Any) -> Any:
    """Open a repository's root group; None at the empty state that every repository begins with.

    Raises
    ------
    ArchiveError
        If there should be something and it cannot be read.
    """
    try:
        return open_group(session.store, mode="r")
    except (FileNotFoundError, icechunk.IcechunkError) as fault:
        if isinstance(fault, FileNotFoundError) and _is_first(ref, str(session.snapshot_id)):
            return None
        raise ArchiveError(
            f"archive {ref.place.url} is damaged: state {session.snapshot_id} cannot be read "
            f"({first_line(fault)}); `roadstead status --as-of` may find an earlier one"
        ) from fault


def _is_first(ref: ArchiveRef, snapshot: str) -> bool:
    try:
        return len([None for _ in open_repository(ref).ancestry(snapshot_id=snapshot)]) == 1
    except icechunk.IcechunkError:
        return False


def lock_path(ref: ArchiveRef) -> Path:
    """File whose lock makes a process the only committer; local archives only."""
    return ref.root / f"{ref.site_id}.lock"


def _config(place: Place) -> Any:
    config = icechunk.RepositoryConfig.default()
    config.manifest = icechunk.ManifestConfig(
        splitting=icechunk.ManifestSplittingConfig.from_dict(
            {
                icechunk.ManifestSplitCondition.AnyArray(): {
                    icechunk.ManifestSplitDimCondition.DimensionName("time"): MANIFEST_SPLIT
                }
            }
        ),
        # Opening a session loads the manifests of coordinates ahead: 30 ms of CPU at 1,000 dates, each time.
        preload=icechunk.ManifestPreloadConfig(
            max_total_refs=0, preload_if=icechunk.ManifestPreloadCondition.false()
        ),
    )
    pieces = SPLIT_LOCALLY if place.local is not None else SPLIT_REMOTELY
    config.storage = icechunk.StorageSettings(
        concurrency=icechunk.StorageConcurrencySettings(
            max_concurrent_requests_for_object=4, ideal_concurrent_request_size=pieces
        )
    )
    return config
