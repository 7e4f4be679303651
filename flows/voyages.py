"""Voyages between two published sites: read both, tell the trips, put the links into both publications.

Seconds of work on small tables, so it is no Prefect flow; it can be run again after every run of the sites.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from tasks.errors import InputError
from tasks.infer import Trips, infer_voyages, sea_way, trips_between
from tasks.publish import publish_voyages


@dataclass(frozen=True)
class Told:
    """What is known of the voyages between two sites on a day."""

    names: tuple[str, str]
    trips: Trips
    links: pd.DataFrame
    """One row per link that may be, as in ``voyages.parquet``."""

    coast: str
    written: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain types; moments as ISO text."""
        trips = self.trips
        rows = self.links.astype(object).where(self.links.notna(), None).to_dict("records")
        return (
            summary(trips)
            | {"sites": list(self.names), "coast": self.coast, "written": list(self.written)}
            | {"links": [{k: _plain(v) for k, v in row.items()} for row in rows]}
        )


def summary(trips: Trips) -> dict[str, Any]:
    """Numbers of trips, and what they rest on."""
    return {
        "trips": asdict(trips.there),
        "trips_back": asdict(trips.back),
        "round_trips": asdict(trips.round),
        "probability": {"at_least": trips.options.sure, "at_most": trips.options.most},
        "distance_nm": round(trips.sea.distance_nm, 1),
        "distance_sd_nm": round(trips.sea.distance_sd_nm, 1),
        "great_circle_nm": round(trips.sea.great_circle_nm, 1),
        "over_water": trips.sea.over_water,
        "stays": [len(s) for s in trips.stays],
        "looks": list(trips.looks),
        "first_look": _plain(trips.first),
        "last_look": _plain(trips.last),
    }


def run_voyages(site_a: str, site_b: str, out: str, as_known_on: date | None = None) -> Told:
    """Tell the voyages between two sites; write them, unless an earlier day is asked for.

    Raises
    ------
    InputError
        If the sites are one and the same, unknown, or not published in `out`.
    """
    from tasks.sites import load_site

    sites = load_site(site_a), load_site(site_b)
    names = sites[0].site_id, sites[1].site_id
    if names[0] == names[1]:
        raise InputError(f"both sites are {names[0]}; voyages need two")
    folders = [Path(out) / name for name in names]
    for folder, ref in zip(folders, (site_a, site_b), strict=True):
        if not (folder / "looks.parquet").is_file():
            raise InputError(
                f"{folder.name} is not published in {out}; `roadstead backfill {ref} --catalog REF --start "
                f"DAY --end DAY --out {out}` makes one"
            )
    sea, coast = sea_way(*sites)
    trips = trips_between(folders[0], folders[1], sea, as_known_on)
    links = infer_voyages(*names, trips)
    written: list[Path] = []
    if as_known_on is None:
        told = summary(trips) | {"from": names[0], "to": names[1], "coast": coast}
        written = publish_voyages(folders, sites, links, told)
    return Told(names, trips, links, coast, tuple(str(path) for path in written))


def _plain(value: Any) -> Any:
    if value is None or value is pd.NaT:
        return None
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, pd.Timestamp) else value
