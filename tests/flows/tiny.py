"""A tiny port with known targets, and the command line run on it, in this process or in one of its own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from typer.testing import CliRunner, Result

from flows.cli import app
from tasks.model import Site, Zone, ZoneKind
from tasks.sites.load import zones_digest
from tests.scenes import (
    MARGIN_PX,
    SCENE_BOX,
    Scene,
    make_collection,
    passes,
    rectangle,
    sea,
    site_geojson,
    small_site,
    write_json,
)

FIRST = datetime(2023, 9, 1, 21, 31, 12, tzinfo=UTC)  # the scenes fall into two quarters
DATES = 9
FIXED = (40, 8)
"""A buoy, moored on every date: rows and columns from the zones' corner, 4 × 10 pixels."""

SHIP, SHIP_DATES = (48, 30), (3, 4, 5)
ON_MOLE, MOLE_DATES = (20, 30), (1, 6, 8)
"""Something bright that lies on the breakwater on three dates: no vessel."""

HALF_SEEN = 7
"""On this date the swath ends at row 36: the harbour is seen, the roads are not."""

PERIOD = ("--start", "2023-01-01", "--end", "2024-12-31")


def port() -> Site:
    """The small site with its breakwater reaching into the harbour."""
    site = small_site()
    mole = Zone("mole", ZoneKind.STRUCTURE, rectangle(18, 20, 8, 40), "Mole", "high", "drawn for a test")
    zones = (*(z for z in site.zones if z.zone_id != "mole"), mole)
    return replace(site, zones=zones, digest=zones_digest(zones))


def scenes(count: int = DATES) -> list[Scene]:
    """Scenes of two orbits in turn, each with its own speckle."""
    there = [[FIXED] for _ in range(count)]
    for dates, place in ((SHIP_DATES, SHIP), (MOLE_DATES, ON_MOLE)):
        for k in dates:
            if k < count:
                there[k].append(place)
    made = passes(count, first=FIRST, vessels=there, bands=("vv",))
    for k in range(1, count, 2):
        made[k] = replace(made[k], orbit=134, direction="ascending")
    if count > HALF_SEEN:
        plane = made[HALF_SEEN].planes["vv"].copy()
        plane[row_of(36) :] = np.nan
        made[HALF_SEEN] = replace(made[HALF_SEEN], planes={"vv": plane})
    return made


def row_of(row: int) -> int:
    """Row in a scene of a row counted from the zones' corner; columns alike."""
    return row + MARGIN_PX + 10


def plain_scene(moment: datetime, seed: int, *, orbit: int = 61) -> Scene:
    """One more scene, with nothing but the buoy in it."""
    return Scene(f"tiny_{moment:%Y%m%dT%H%M%S}", moment, {"vv": sea(seed, vessels=[FIXED])}, orbit=orbit)


def write_port(folder: Path, made: Sequence[Scene] | None = None) -> tuple[str, Path]:
    """Write the site's file and its scenes; return both paths."""
    site = write_json(folder / "tiny.geojson", site_geojson(port()))
    return str(site), make_collection(folder / "images", *(scenes() if made is None else made))


def roadstead(*args: str | Path) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(app, [str(a) for a in args])


def answer(result: Result, exit_code: int = 0) -> dict[str, Any]:
    """What a run printed with ``--json``; fails with its messages if it ended otherwise."""
    fault = "".join(traceback.format_exception(result.exception))
    assert result.exit_code == exit_code, f"{result.stdout}{result.stderr}{fault}"
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def in_own_process(*args: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does; Prefect, if it comes to that, starts a server of its own."""
    command = [sys.executable, "-m", "flows.cli", *map(str, args)]
    return subprocess.run(
        command, capture_output=True, text=True, env=os.environ | environment, timeout=300, check=False
    )


def tree(folder: Path) -> dict[str, str]:
    """SHA-256 of every file."""
    files = (p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def untouched(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of change of every file and folder: differs even if the same bytes are written anew."""
    found = ((p.relative_to(folder).as_posix(), p.stat()) for p in [folder, *folder.rglob("*")])
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in found}


def cells(lon: npt.ArrayLike, lat: npt.ArrayLike) -> npt.NDArray[np.int_]:
    """Rows and columns ``(n, 2)`` from the zones' corner of places in EPSG:4326."""
    from pyproj import Transformer

    to_utm = Transformer.from_crs("EPSG:4326", str(SCENE_BOX.crs), always_xy=True)
    x, y = to_utm.transform(np.atleast_1d(lon), np.atleast_1d(lat))
    to = SCENE_BOX.affine
    rows, cols = (y - to.f) / to.e, (x - to.c) / to.a
    return np.floor(np.column_stack([rows, cols])).astype(int) - row_of(0)
