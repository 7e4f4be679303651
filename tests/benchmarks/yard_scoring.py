"""How well stacks in yards are measured: a simulated archive of 3 m images against its truth tables.

Run: ``python -m tests.benchmarks.yard_scoring ARCHIVE TRUTH [SITE] [COLLECTION]`` with the folder of an
archive and the folder of truth tables that it was simulated with. Prints one line per
figure, and CPU time per scene.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from odc.geo.geobox import GeoBox

from tasks.archive.reading import cube_box, open_cube
from tasks.archive.store import ArchiveRef
from tasks.grid import pixel_size_m, project
from tasks.model import ZoneKind
from tasks.science.ashore.bare import learn_bare, steady_ground
from tasks.science.ashore.stacks import YardLook, find_stacks
from tasks.science.clouds import find_clouds
from tasks.science.epochs import Moment, quarter_of
from tasks.science.optical.clear_epochs import clear_epochs
from tasks.science.optical.looks import reflectance_of
from tasks.science.plots import Plot, draw_plots
from tasks.science.series.turnover import DETECTION_M2, Standing, turnover
from tasks.science.teu import teu_interval
from tasks.science.zones import draw_site
from tasks.sites import load_site

AROUND_M = 75.0
"""Ground around yards and tracks that is looked at with them."""

LARGE_M2 = 300.0
"""Stacks whose outline is judged: the detection limit."""

LOADING_M2 = 1000.0
"""Change of area between looks whose sign is judged."""

CLEAR = 0.99
"""Share of a yard that must be seen for its area to be judged."""

Looks = list[dict[str, YardLook]]


@dataclass(frozen=True)
class YardScore:
    """Figures of one archive; NaN where there was nothing to judge."""

    looks: int
    judged: int
    iou: float
    area_error: float
    """Median of the absolute error, as a share of the truth."""

    area_bias: float
    within_15_percent: float
    missed: int
    false_looks: int
    """Empty yards in which a stack was found."""

    loadings: int
    right_sign: float
    teu_coverage: float
    events_per_yard_year: float


def score_yards(
    looks: Looks,
    scene_ids: Sequence[str],
    times: npt.NDArray[np.datetime64],
    truth: pd.DataFrame,
    box: GeoBox,
) -> YardScore:
    """Compare looks with ``stacks.parquet``; ``looks`` are in order of time, as `find_stacks` gives them."""
    table = pd.concat(
        [_yard_table(zone, looks, scene_ids, times, truth, box) for zone in looks[0]], ignore_index=True
    )
    told = table[table["flag"] == ""]
    clear = told[told["seen"] > CLEAR]
    large = clear[clear["true_m2"] > LARGE_M2]
    error = large["area_m2"] / large["true_m2"] - 1
    moved = told[told["change_m2"].abs() > LOADING_M2]
    sign = np.sign(moved["gained_m2"] - moved["lost_m2"]) == np.sign(moved["change_m2"])
    covered = (told["boxes"] >= told["teu_low"]) & (told["boxes"] <= told["teu_high"])
    event = (told["gained_m2"] > DETECTION_M2) | (told["lost_m2"] > DETECTION_M2)
    years = (times.max() - times.min()) / np.timedelta64(365, "D")
    return YardScore(
        len(told), len(large), float(large["iou"].median()), float(error.abs().median()),
        float(error.median()), float((error.abs() <= 0.15).mean()),
        int((large["area_m2"] < 0.3 * large["true_m2"]).sum()),
        int((clear[clear["true_m2"] == 0]["area_m2"] > 0).sum()), len(moved), float(sign.mean()),
        float(covered.mean()), float(event.sum() / max(years, 1e-9) / len(looks[0])),
    )  # fmt: skip


def _yard_table(
    zone: str,
    looks: Looks,
    scene_ids: Sequence[str],
    times: npt.NDArray[np.datetime64],
    truth: pd.DataFrame,
    box: GeoBox,
) -> pd.DataFrame:
    here = truth[truth["zone_id"] == zone].drop_duplicates("scene_id").set_index("scene_id")
    standing = [
        None if each[zone].flag else Standing(each[zone].outlines, each[zone].hidden) for each in looks
    ]
    changes = turnover(standing, pixel_size_m(box))
    rows, before = [], None
    for each, scene, when, change in zip(looks, scene_ids, times, changes, strict=True):
        look = each[zone]
        known = scene in here.index and here.at[scene, "outline"] is not None
        outline = (
            project(shapely.from_wkb(here.at[scene, "outline"]), str(box.crs)) if known else shapely.Polygon()
        )
        found = shapely.union_all(list(look.outlines), grid_size=0.01)
        union = found.union(outline).area
        row = {"time": when, "flag": look.flag, "seen": look.seen_fraction, "area_m2": look.area_m2}
        row |= {"true_m2": outline.area, "boxes": here.at[scene, "boxes"] if known else 0}
        row |= {"iou": found.intersection(outline).area / union if union else np.nan} | asdict(change)
        if look.area_m2 is not None:
            low, high = teu_interval(look.area_m2, sum(part.area for part in look.hidden))
            row |= {"teu_low": low, "teu_high": high}
            row["change_m2"] = np.nan if before is None else outline.area - before
            before = outline.area
        rows.append(row)
    numbers = ["area_m2", "gained_m2", "lost_m2", "teu_low", "teu_high", "change_m2"]
    return pd.DataFrame(rows, columns=["time", "flag", "seen", "true_m2", "boxes", "iou", *numbers]).astype(
        dict.fromkeys(numbers, float)
    )


def measure_archive(
    archive: Path, site_id: str, collection: str
) -> tuple[Looks, list[str], npt.NDArray[np.datetime64], GeoBox, float]:
    """Learn the bare ground of every epoch and measure every scene; also CPU seconds a scene."""
    ref = ArchiveRef(str(archive), site_id)
    cube, whole, site = (
        open_cube(ref, collection).sortby("time"),
        cube_box(ref, collection),
        load_site(site_id),
    )
    layers = draw_site(site, whole)
    plots = draw_plots(site, whole, layers.zones)
    used = np.zeros(whole.shape, bool)
    for plot in plots:
        used[plot.rows, plot.cols] = True
    reach = round(AROUND_M / layers.pixel_m)
    window = tuple(slice(max(int(at.min()) - reach, 0), int(at.max()) + reach + 1) for at in np.nonzero(used))
    land, used, box = layers.land[window], used[window], whole[window]
    steady = steady_ground(used, land)
    yards = [_shifted(p, window) for p in plots if p.kind is ZoneKind.CONTAINER_YARD]
    bands = [b for b in cube.attrs["bands"] if b in ("blue", "green", "red", "nir")]
    scenes = [cube[bands].isel(time=k, y=window[0], x=window[1]).load() for k in range(cube.sizes["time"])]
    planes = [reflectance_of(scene, bands) for scene in scenes]
    ids, times = [str(i) for i in cube["scene_id"].values], cube["time"].values
    moments = [
        Moment(i, pd.Timestamp(t, tz=UTC).to_pydatetime(), 0, float(c))
        for i, t, c in zip(ids, times, cube["cloud_cover"].values, strict=True)
    ]
    bare = {}
    for epoch in clear_epochs(moments):
        members = [planes[ids.index(member)] for member in epoch.members]
        stack = {b: np.stack([_clear(each, layers.pixel_m)[b] for each in members]) for b in bands}
        flat = {b: values.reshape(len(members), -1) for b, values in stack.items()}
        learnt = learn_bare(flat, steady.ravel())
        bare[epoch.quarter] = {name: column.reshape(steady.shape) for name, column in learnt.items()}
    looks, spent = [], 0.0
    for shown, moment in zip(planes, moments, strict=True):
        known = bare[quarter_of(moment.acquired)]
        hidden = find_clouds(shown, layers.pixel_m, None, {b: known[b] for b in bands})
        seen = np.logical_and.reduce([np.isfinite(p) for p in shown.values()]) & ~hidden
        start = time.process_time()
        looks.append(find_stacks(shown, known, yards, seen, steady, box))
        spent += time.process_time() - start
    return looks, ids, times, box, spent / max(len(looks), 1)


def _clear(
    planes: Mapping[str, npt.NDArray[np.float32]], pixel_m: float
) -> dict[str, npt.NDArray[np.float32]]:
    hidden = find_clouds(planes, pixel_m)
    return {band: np.where(hidden, np.float32(np.nan), plane) for band, plane in planes.items()}


def _shifted(plot: Plot, window: tuple[slice, ...]) -> Plot:
    return replace(plot, rows=plot.rows - window[0].start, cols=plot.cols - window[1].start)


def main(archive: str, truth: str, site_id: str = "najin", collection: str = "planetscope-simulated") -> None:
    """Measure an archive and print its score."""
    looks, ids, times, box, cpu_s = measure_archive(Path(archive), site_id, collection)
    score = score_yards(looks, ids, times, pd.read_parquet(Path(truth) / "stacks.parquet"), box)
    flags = pd.Series([look.flag for each in looks for look in each.values()]).value_counts()
    print(f"flags                  {dict(flags)}")
    for name, value in asdict(score).items():
        print(f"{name:22} {value:.3f}" if isinstance(value, float) else f"{name:22} {value}")
    print(f"{'cpu_s_per_scene':22} {cpu_s:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
