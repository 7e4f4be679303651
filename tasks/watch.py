"""What operators should be told: a change that became likely or sure, and silence where there was none.

Each piece of news has a name and an id that follows from what it says, so telling it twice is telling it
once. Who is told, and how, is the flow's affair.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from tasks.products.tables import read_looks, read_regimes
from tasks.science.basis import comparable
from tasks.science.series.silence import Silence, find_silences

RANK = {"provisional": 1, "confirmed": 2}

NAMESPACE = uuid.UUID("6f1d8a52-6b0f-5d0e-9a3c-0f3e6d1b7c11")
"""Of the ids of news; drawn once."""


IDENTITY = ("kind", "zone_id", "measure", "since", "start")
"""What makes two pieces of news the same."""


@dataclass(frozen=True)
class News:
    """One thing to tell."""

    event: str
    """``roadstead.regime.provisional``, ``roadstead.regime.confirmed`` or ``roadstead.silence``."""

    site: str
    payload: dict[str, Any]
    """Plain types."""

    @property
    def key(self) -> uuid.UUID:
        """Follows from what is told: the same change at the same zone has the same id however often."""
        told = [f"{name}={self.payload[name]}" for name in IDENTITY if name in self.payload]
        return uuid.uuid5(NAMESPACE, f"{self.event} {self.site} {told}")


def known_regimes(folder: Path) -> pd.DataFrame | None:
    """Read what a publication says of regimes; None if there is none yet."""
    return read_regimes(folder) if (folder / "regimes.parquet").is_file() else None


def news(site: str, folder: Path, before: pd.DataFrame | None, now: datetime) -> list[News]:
    """Tell what is new in a publication.

    Parameters
    ----------
    site
        Its id.
    folder
        The publication as it is now.
    before
        Its regimes as they were (`known_regimes`), or None.
    now
        UTC without a zone: how long no look came is counted to here.
    """
    after = known_regimes(folder)
    told = [] if after is None else _changes(site, before, after)
    if (folder / "looks.parquet").is_file():
        silences = find_silences(comparable(read_looks(folder)), pd.Timestamp(now))
        told += [_of_silence(site, silence) for silence in silences]
    return told


def _changes(site: str, before: pd.DataFrame | None, after: pd.DataFrame) -> list[News]:
    told = []
    for row in after[after["start_low"].notna()].to_dict("records"):
        status = str(row["status"])
        if status not in RANK or (before is not None and RANK[status] <= _told_before(before, row)):
            continue
        payload = {str(k): _plain(v) for k, v in row.items()}
        told.append(News(f"roadstead.regime.{status}", site, payload))
    return told


def _told_before(before: pd.DataFrame, row: dict[Any, Any]) -> int:
    """How surely the same change was told already: at the same zone, its dates overlapping."""
    same = before[
        (before["zone_id"] == row["zone_id"])
        & (before["measure"] == row["measure"])
        & (before["state"] == row["state"])
        & (before["start_low"] <= row["start_high"])
        & (before["start_high"] >= row["start_low"])
    ]
    return max((RANK.get(str(status), 0) for status in same["status"]), default=0)


def _of_silence(site: str, silence: Silence) -> News:
    return News(
        "roadstead.silence",
        site,
        {
            "kind": silence.kind,
            "zone_id": silence.zone_id,
            "since": silence.since.isoformat(),
            "usual": silence.usual,
            "looks": silence.looks,
        },
    )


def _plain(value: Any) -> Any:
    if pd.isna(value):
        return None
    return value.isoformat() if isinstance(value, (datetime, pd.Timestamp)) else value
