"""Detection against truth: three sets of real images, simulated ports by stratum, and the ladder of steps.

The three real sets were looked at while the detectors were tuned; other ports are the real test.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from datetime import date
from io import StringIO
from pathlib import Path

import numpy as np
import rasterio

from tasks.science.radar.scene import detect_radar_scene
from tests.benchmarks.accuracy import Detected, Measured, berths, detection, make_case
from tests.benchmarks.bench_foundation import LATAKIA, count_errors
from tests.benchmarks.detect_ladder import Rung, climb
from tests.sen2ships import DATA as SEN2SHIPS
from tests.sen2ships import PORTS, match, read_port

Figure = tuple[str, float, str, bool]
"""What, measured, target, met."""

HALF_YEAR = date(2023, 3, 1), date(2023, 8, 31)
STORY = date(2023, 6, 1), date(2023, 12, 31)

RADAR = (("random", HALF_YEAR), ("busy", HALF_YEAR), ("najin-2023", STORY), ("quiet", HALF_YEAR))
OPTICAL = (("sentinel-2", "sentinel-2-l2a-simulated"), ("planet", "planetscope-simulated"))
AUTUMN = date(2023, 9, 1), date(2023, 10, 31)


def real_figures(folder: Path) -> Iterator[Figure]:
    """Measure on the real images."""
    yield from sen2ships_figures()
    yield opera_figure(LATAKIA.parent / "opera-rtc")
    yield from latakia_figures(folder)


def sen2ships_figures() -> Iterator[Figure]:
    """Recall and precision over the five ports, one setting; labels at berth and in open water apart."""
    hits, labels, claims = {True: 0, False: 0}, {True: 0, False: 0}, 0
    if not SEN2SHIPS.is_dir():
        return
    for name in PORTS:
        port = read_port(name)
        vessels = port.detect().vessels
        found = set(match(port, vessels).values())
        claims += len(vessels)
        for k, berth in enumerate(port.at_berth()):
            labels[berth] += 1
            hits[berth] += k in found
    recall, precision = sum(hits.values()) / sum(labels.values()), sum(hits.values()) / max(claims, 1)
    yield "sen2ships, recall", recall, ">= 0.80", recall >= 0.8
    yield "sen2ships, precision (a lower bound)", precision, ">= 0.60", precision >= 0.6
    yield "sen2ships, recall at berth", hits[True] / labels[True], "", True
    yield "sen2ships, recall in open water", hits[False] / labels[False], "", True


def opera_figure(folder: Path) -> Figure:
    """Vessels told where there is none, VV with VH, as any single image is searched."""
    vessels, km2 = 0, 0.0
    for path in sorted((folder / "vv").glob("*.tif")):
        bands = {}
        for band in ("vv", "vh"):
            with rasterio.open(folder / band / path.name) as image:
                bands[band], pixel_m = image.read(1).astype(np.float32), abs(image.transform.a)
        found = detect_radar_scene(bands, "1", pixel_m)
        share = 0.0 if found.searched is None else float(found.searched.mean())
        vessels, km2 = vessels + len(found.vessels), km2 + share * bands["vv"].size * pixel_m**2 / 1e6
    rate = 100 * vessels / max(km2, 1e-9)
    return f"opera-rtc, false alarms per 100 km² ({km2:.0f} km²)", rate, "<= 0.5", rate <= 0.5


def latakia_figures(folder: Path) -> Iterator[Figure]:
    """Mean absolute error of the counts on the dates that were read by eye."""
    from flows.backfill import backfill

    out = folder / "latakia"
    with redirect_stdout(StringIO()):
        backfill(
            str(LATAKIA / "site.geojson"), date(2022, 1, 1), date(2023, 12, 31),
            str(LATAKIA / "collection.json"), None, str(folder / "latakia-archive"), str(out),
        )  # fmt: skip
    anchorage, basin = count_errors(out)
    yield "latakia-s1, anchorage, mean absolute error", anchorage, "<= 0.8", anchorage <= 0.8
    yield "latakia-s1, basin, mean absolute error", basin, "<= 1.5", basin <= 1.5


def simulated(
    folder: Path, seeds: Sequence[int], *, brief: bool
) -> tuple[list[Detected], list[Measured], list[Rung]]:
    """Score simulated ports by sensor, place and length, and climb the ladder on the random and busy ones."""
    found: list[Detected] = []
    told: list[Measured] = []
    rungs: list[Rung] = []
    for scenario, (start, end) in RADAR[:1] if brief else RADAR:
        end = date(start.year, start.month + 1, 28) if brief else end
        cases = [make_case(folder, scenario, seed, start, end) for seed in seeds]
        lines, more = detection(cases)
        found, told = [*found, *lines], [*told, *more, *berths(cases)]
        if scenario in ("random", "busy"):
            rungs += climb(cases)
    for sensor, collection in () if brief else OPTICAL:
        cases = [make_case(folder, "busy", seed, *AUTUMN, sensors=[sensor]) for seed in seeds]
        lines, more = detection(cases, collection)
        found, told = [*found, *lines], [*told, *more]
    return found, told, rungs
