"""What each step of the radar detector buys: the same scenes and the same shapes, one step more at a time.

Global threshold, ring (CA), censored ring, the site's memory, both polarisations. The first three look at
water and berths alike, as a detector without a memory must; the last two are the product's own looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox

from tasks.archive.reading import cube_bands, cube_box, open_cube
from tasks.archive.store import ArchiveRef
from tasks.grid import cell_lonlat
from tasks.model import Site
from tasks.science.radar.cfar import significance
from tasks.science.radar.clutter import multilook
from tasks.science.radar.hulls import find_hulls
from tasks.science.radar.looks import learn_radar, measure_scenes
from tasks.science.radar.vessels import DEFAULT_VESSELS, multilook_radius
from tasks.science.radiometry import level_and_spread, to_db
from tasks.science.zones import Layers, draw_site
from tasks.sites import load_site
from tests.benchmarks import scoring
from tests.benchmarks.accuracy import Case

COLLECTION = "sentinel-1-rtc-simulated"
DATES = 30
"""Scenes of each archive that are scored, evenly spread; all of them make the memory."""

PLACES = {"quay": ("berth", 80), "open water": ("harbour_water anchorage", 50)}
"""By place: kinds of zone, and the length from which ships are owed, metres."""

Plane = npt.NDArray[np.float32]
Score = Callable[[Plane, npt.NDArray[np.bool_], float], Plane]


@dataclass(frozen=True)
class Rung:
    """One step of the ladder at one place."""

    scenario: str
    step: str
    where: str
    ships: int
    false_alarms: int
    precision: float
    recall: float
    f1: float


def global_threshold(db: Plane, water: npt.NDArray[np.bool_], _: float) -> Plane:
    """Spreads above the whole scene's water."""
    level, spread = level_and_spread(db[water & np.isfinite(db)])
    return np.asarray((db - level) / max(spread, 1e-6), dtype=np.float32)


def uncensored(db: Plane, water: npt.NDArray[np.bool_], pixel_m: float) -> Plane:
    """Spreads above a ring in which targets stay."""
    plain = replace(DEFAULT_VESSELS.ring, censor=1e6, spread_range=(0.1, 1e6))
    return significance(db, water, pixel_m, plain)


SPATIAL: dict[str, Score] = {
    "global threshold": global_threshold,
    "ring (CA)": uncensored,
    "censored ring": significance,
}
MEMORY = {"+ memory of the site": 1, "+ both polarisations": 2}
"""Steps that use the stack, and how many bands they take."""


def climb(cases: Sequence[Case]) -> Iterator[Rung]:
    """Score every step on some archives of one scenario."""
    scenes = [_scenes(case, name) for case in cases for name in case.sites]
    for step, score in SPATIAL.items():
        yield from _rungs(step, scenes, [_in_space(one, score) for one in scenes])
    for step, bands in MEMORY.items():
        yield from _rungs(step, scenes, [_with_memory(one, bands) for one in scenes])


@dataclass(frozen=True)
class _Scenes:
    scenario: str
    site: Site
    box: GeoBox
    layers: Layers
    bands: tuple[str, ...]
    cube: xr.Dataset
    chosen: tuple[int, ...]
    truth: pd.DataFrame


def _scenes(case: Case, name: str) -> _Scenes:
    ref, site = ArchiveRef(str(case.out.parent / "archive"), name), load_site(name)
    box = cube_box(ref, COLLECTION)
    assert box is not None
    cube = open_cube(ref, COLLECTION).load()
    chosen = np.unique(np.linspace(0, cube.sizes["time"] - 1, DATES).round().astype(int))
    truth = case.truth("vessels")
    truth = truth[truth["site"] == name].assign(told=True)
    kinds = {z.zone_id: z.kind.value for z in site.measured_zones}
    truth = truth.assign(zone_kind=truth["zone_id"].map(kinds).astype("string"))
    bands = tuple(cube_bands(ref, COLLECTION))
    return _Scenes(
        case.scenario, site, box, draw_site(site, box), bands, cube, tuple(map(int, chosen)), truth
    )


def _in_space(scenes: _Scenes, score: Score) -> list[dict[str, Any]]:
    layers, found = scenes.layers, []
    where = layers.water | layers.strips
    radius = multilook_radius(layers.pixel_m)
    for k in scenes.chosen:
        scene = scenes.cube.isel(time=k)
        db = multilook(to_db(scene[scenes.bands[0]]).values, radius)
        scores = score(db, where, layers.pixel_m)
        index = np.flatnonzero(np.nan_to_num(scores) * where > DEFAULT_VESSELS.hulls.grow)
        hulls = find_hulls(
            index, scores.ravel()[index], scores.shape[1], layers.pixel_m, DEFAULT_VESSELS.hulls
        )
        for hull in hulls:
            if not hull.fits:
                continue
            vessel = hull.vessel
            kind = _kind_at(scenes, round(vessel.row), round(vessel.col))
            lon, lat = cell_lonlat(scenes.box, [vessel.row], [vessel.col])
            place = {"longitude": float(lon[0]), "latitude": float(lat[0]), "zone_kind": kind}
            lengths = {"length_m": vessel.length_m, "length_sd_m": vessel.length_sd_m}
            found.append({"scene_id": str(scene["scene_id"].values)} | place | lengths)
    return found


def _kind_at(scenes: _Scenes, row: int, col: int) -> str | None:
    for zone in scenes.site.measured_zones:
        if zone.kind.value in " ".join(k for k, _ in PLACES.values()).split():
            mask = scenes.layers.zones[zone.zone_id]
            if 0 <= row < mask.shape[0] and 0 <= col < mask.shape[1] and mask[row, col]:
                return zone.kind.value
    return None


def _with_memory(scenes: _Scenes, bands: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    used, orbits = scenes.bands[:bands], scenes.cube["orbit"].values
    kinds = {z.zone_id: z.kind.value for z in scenes.site.measured_zones}
    for orbit in sorted({int(o) for o in orbits}):
        own = np.flatnonzero(orbits == orbit)
        wanted = [k for k in scenes.chosen if k in set(own.tolist())]
        if not wanted:
            continue
        (memory,) = learn_radar(scenes.cube, [own.tolist()], used, scenes.site, scenes.box)
        block = scenes.cube.isel(time=wanted)
        _, vessels, _ = measure_scenes(block, memory, used, scenes.site, scenes.box)
        found += [row | {"zone_kind": kinds[row["zone_id"]]} for row in vessels]
    return found


def _rungs(step: str, scenes: Sequence[_Scenes], found: Sequence[list[dict[str, Any]]]) -> Iterator[Rung]:
    columns = ["scene_id", "longitude", "latitude", "length_m", "length_sd_m", "zone_kind"]
    results = []
    for one, rows in zip(scenes, found, strict=True):
        seen = [str(one.cube["scene_id"].values[k]) for k in one.chosen]
        results.append(scoring.outcomes(one.truth, pd.DataFrame(rows, columns=columns), seen))
    table = pd.concat(results, ignore_index=True)
    for where, (kinds, owed_m) in PLACES.items():
        here = table[table["zone_kind"].isin(kinds.split())]
        here = here[(here["kind"] == "false") | (here["length_m"] > owed_m)]
        hits, misses, alarms = (int((here["kind"] == kind).sum()) for kind in ("hit", "miss", "false"))
        precision, recall = hits / max(hits + alarms, 1), hits / max(hits + misses, 1)
        f1 = 2 * hits / max(2 * hits + misses + alarms, 1)
        yield Rung(scenes[0].scenario, step, where, hits + misses, alarms, precision, recall, f1)
