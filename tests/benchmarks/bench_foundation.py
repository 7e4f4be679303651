"""The main job on real images against its targets: `make bench`.

Runs the Latakia backfill through the command line in an empty state, once cold and once more, and
prints every figure beside its bar. Walls are of this machine; memory is the proportional set size
of the whole process tree, sampled.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

REAL = Path(os.environ.get("ROADSTEAD_REAL_DATA", Path(__file__).parents[3] / "shared" / "real"))
LATAKIA = REAL / "latakia-s1"


def tree_mb(process: psutil.Process) -> float:
    """Memory of a process and all its children, shared pages counted once, megabytes."""
    total = 0
    try:
        for one in [process, *process.children(recursive=True)]:
            total += one.memory_full_info().pss
    except psutil.NoSuchProcess:
        pass
    return total / 1e6


def run(arguments: list[str], state: Path) -> tuple[float, float, int]:
    """Wall seconds, peak megabytes and exit code of one command."""
    environment = os.environ | {"ROADSTEAD_STATE": str(state), "NUMBA_CACHE_DIR": str(state / "numba")}
    start, peak = time.perf_counter(), 0.0
    with subprocess.Popen(
        [sys.executable, "-m", "flows.cli", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as command:
        process = psutil.Process(command.pid)
        while command.poll() is None:
            peak = max(peak, tree_mb(process))
            time.sleep(0.2)
        return time.perf_counter() - start, peak, command.returncode


def prefect_start(state: Path) -> float:
    """Wall seconds of an empty flow with a server of its own: what any first run pays Prefect."""
    program = "from prefect import flow\n@flow\ndef empty():\n    return 1\nempty()"
    home = state / "empty"
    home.mkdir(parents=True)
    quiet = {"PREFECT_HOME": str(home), "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120"}
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], env=os.environ | quiet, check=True, capture_output=True)
    return time.perf_counter() - start


def count_errors(out: Path) -> tuple[float, float]:
    """Mean absolute error of anchorage and basin counts against the eye."""
    looks = pd.read_parquet(out / "latakia" / "looks.parquet")
    counts = looks.pivot(index="scene_id", columns="zone_id", values="vessel_count").astype(float)
    eye = pd.read_csv(LATAKIA / "labels_by_eye_counts.csv").set_index("scene_id").join(counts)
    return (
        float((eye["ANCHORAGE"] - eye["anchorage_in_window"]).abs().mean()),
        float((eye["BASIN"] - eye["basin_transient_in_window"]).abs().mean()),
    )


@pytest.mark.skipif(not LATAKIA.is_dir(), reason=f"real images are not at {LATAKIA}")
def bench_latakia(benchmark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    arguments = ["backfill", str(LATAKIA / "site.geojson"), "--catalog", str(LATAKIA / "collection.json")]
    arguments += ["--start", "2022-01-01", "--end", "2023-12-31", "--out", str(out)]
    figures: dict[str, tuple[float, str, Callable[[float], bool]]] = {}

    cold_s, peak_mb, code = benchmark.pedantic(run, (arguments, tmp_path / "state"), rounds=1)
    assert code == 0
    again_s, _, code = run(arguments, tmp_path / "state")
    assert code == 0
    anchorage, basin = count_errors(out)
    figures["cold run of 136 dates, s"] = cold_s, "< 180", lambda v: v < 180
    figures["of which Prefect's own start, s"] = prefect_start(tmp_path / "state"), "10 to 17", lambda _: True
    figures["peak memory of all processes, MB"] = peak_mb, "< 2000", lambda v: v < 2000
    figures["second run, s"] = again_s, "< 5", lambda v: v < 5
    figures["anchorage, mean absolute error"] = anchorage, "<= 0.8", lambda v: v <= 0.8
    figures["basin, mean absolute error"] = basin, "<= 1.5", lambda v: v <= 1.5

    with capsys.disabled():
        print(f"\n{'figure':<36}{'measured':>10}  {'target':<10}")
        for name, (value, target, good) in figures.items():
            print(f"{name:<36}{value:>10.2f}  {target:<10}{'' if good(value) else 'MISSED'}")
