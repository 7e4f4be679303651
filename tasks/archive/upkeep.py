"""Forget old states and throw away what nothing refers to any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tasks.archive.store import ArchiveRef, alone, history, open_repository

GRACE = timedelta(hours=24)
"""Objects younger than this may belong to a transaction that is still under way in another process, which in
an object store nothing else tells."""


@dataclass(frozen=True)
class Tidied:
    """What tidying a repository did."""

    snapshots: int
    """States forgotten."""

    objects: int
    bytes: int
    """Thrown away."""

    kept: int
    """States that can still be visited."""


def tidy_repository(ref: ArchiveRef, older_than: datetime, now: datetime) -> Tidied:
    """Expire states written before a moment, and collect what only they referred to.

    The newest state always stays. On local disk this excludes every writer; in an object store objects
    younger than `GRACE` are left alone instead.

    Parameters
    ----------
    ref
        Which repository.
    older_than
        Readers may no longer go back beyond it.
    now
        The present moment, aware.
    """
    with alone(ref):
        repository = open_repository(ref)
        states = sum(1 for _ in history(ref))
        repository.expire_snapshots(older_than)  # its answer counts the empty first state, which stays
        before = now if ref.place.local is not None else now - GRACE
        summary: Any = repository.garbage_collect(before)
    objects = sum(
        int(getattr(summary, f"{kind}_deleted"))
        for kind in ("chunks", "manifests", "snapshots", "attributes", "transaction_logs")
    )
    kept = sum(1 for _ in history(ref))
    return Tidied(states - kept, objects, int(summary.bytes_deleted), kept)
