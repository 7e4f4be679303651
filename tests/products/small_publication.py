"""A publication of the small port, written by the code that publishes, without archive and orchestrator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import shapely

from tasks.infer import infer_tables
from tasks.model import Site
from tasks.products.manifest import state, write_manifest
from tasks.products.series import series_dataset, write_series
from tasks.products.stac import place_of, write_stac
from tasks.products.tables import (
    Rows,
    looks_table,
    stacks_table,
    vessels_table,
    write_tables,
)
from tests.products.test_tables import look, vessel
from tests.scenes import small_site

DAYS = (1, 3, 7, 13, 19, 25)


def scene_id(day: int) -> str:
    return f"S1A_tiny_2023{'10' if day <= 31 else '11'}{day:02d}"


def looks_of(days: tuple[int, ...] = DAYS, **harbour: Any) -> Rows:
    """Roads with as many ships as the day has digits; the harbour is not seen on the 7th."""
    rows = []
    for day in days:
        given = {"vessel_count": len(str(day)), "vessel_length_m": 100.0, "sensor": "radar", "pixel_m": 10.0}
        rows.append(look(scene_id(day), "roads", day, **given))
        unseen = {"vessel_count": None, "vessel_length_m": None, "seen_fraction": 0.2, "flags": "not_seen"}
        rows.append(look(scene_id(day), "harbour", day, **(given | (unseen if day == 7 else harbour))))
    return rows


def publish(
    folder: Path,
    looks: Rows | None = None,
    recipes: dict[str, str] | None = None,
    site: Site | None = None,
    **manifest: Any,
) -> Path:
    """Write tables, series, STAC and manifest of the small port."""
    folder.mkdir(parents=True, exist_ok=True)
    site, looks = site or small_site(), looks_of() if looks is None else looks
    ships = [vessel(scene_id(day), day, 130.2 + day / 1000, 42.2) | {"sensor": "radar"} for day in DAYS[:3]]
    stack = {
        "site": "tiny", "scene_id": scene_id(1), "collection": "s1", "sensor": "optical", "zone_id": "yard",
        "acquired": np.datetime64("2023-10-01T21:31:12", "s"), "area_m2": 300.0, "what": "stack",
        "outline": shapely.box(130.3, 42.2, 130.3001, 42.2001),
    }  # fmt: skip
    tables = infer_tables.fn(site, looks_table(looks), vessels_table(ships), stacks_table([stack]))
    write_tables(folder, tables)
    write_series(folder, series_dataset(site, tables.looks, tables.utilisation, tables.occupancy))
    (folder / "index.html").write_text("<!doctype html><title>Tiny port</title>", encoding="utf-8")
    scenes = sorted({row["scene_id"]: row["acquired"] for row in looks}.items())
    content = {
        "roadstead": "0.1.0",
        "site": site.site_id,
        "state": state("SNAP1", site, "1"),
        "catalog": "https://stac.example/v1",
        "simulated": True,
        "inputs": [
            {"scene_id": n, "collection": "s1", "acquired": f"{t}Z", "recipe": (recipes or {}).get(n, "r1")}
            for n, t in scenes
        ],
        "rejected": [],
        "superseded": {},
    } | manifest  # fmt: skip
    write_stac(folder, place_of(site), content)
    write_manifest(folder, content)
    return folder
