"""What detection costs beside a copy of the scene: each method in a process of its own.

CPU time is divided by that of a copy of the same array, made in turn with it, so that figures hold from
machine to machine. Memory is the process's peak while it works, less what it held before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.science.seascape import Hull, echo, rugged

Plane = npt.NDArray[np.float32]

PEERS = ("strait-observatory==0.2.1", "opencv-python-headless")
TURNS = 3
PIXEL_M = 10.0


def make_scene(side: int, seed: int = 1) -> Plane:
    """Make a seeded sea with speckle of 4.4 looks, a coast, and six ships a hundred square kilometres."""
    rng = np.random.default_rng(seed)
    shape = side, side
    power = np.full(shape, 10**-1.7, np.float32)
    power *= np.linspace(1.5, 0.5, side, dtype=np.float32)
    wave = 0.2 * side + 0.05 * side * np.sin(np.arange(side) / side * 9)
    land = np.arange(side)[None] < wave[:, None]
    for _ in range(round(600 * (side / 10_000) ** 2)):
        length = float(np.clip(np.exp(rng.normal(4.75, 0.5)), 40, 350))
        half = round(length / PIXEL_M) + 8
        row, col = int(rng.integers(half, side - half)), int(rng.integers(0.3 * side + half, side - half))
        middle = half * PIXEL_M
        hull = Hull(middle, middle, length, length / 6.3, rng.uniform(0, 180), rng.normal(2, 3))
        power[row - half : row + half, col - half : col + half] += echo((2 * half, 2 * half), hull, rng)
    power[land] = 10 ** (rugged(shape, rng)[land] / 10)
    for top in range(0, side, 500):
        power[top : top + 500] *= rng.gamma(4.4, 1 / 4.4, power[top : top + 500].shape)
    return power


@dataclass(frozen=True)
class Cost:
    """What one method took."""

    copies: float
    """CPU time, in copies of the scene."""

    cpu_s: float
    extra_mb: float


def peak_mb() -> float:
    """Highest memory of this process since it was last reset."""
    return _status("VmHWM")


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) / 1e3 for line in lines if line.startswith(name + ":"))


def measure(work: Callable[[Plane], object], scene: Plane) -> Cost:
    """Time a method and a copy in turn; the least of each counts."""
    copy = np.empty_like(scene)
    np.copyto(copy, scene)
    spent, copied = [], []
    extra = 0.0
    for _ in range(TURNS):
        start = time.process_time()
        np.copyto(copy, scene)
        copied.append(time.process_time() - start)
        before = _status("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # peak memory starts anew
        start = time.process_time()
        work(scene)
        spent.append(time.process_time() - start)
        extra = max(extra, peak_mb() - before)
    return Cost(min(spent) / min(copied), min(spent), extra)


def work_limit(scene: Plane) -> object:
    """One read, and one byte written for each pixel: no detector can be faster."""
    return np.greater(scene, 0.5)


def scan_of(scene: Plane) -> Any:
    """Prepare our CFAR as `detect_radar_scene` does, over sea alone: the half of the scene without land."""
    from tasks.science.radar.cfar import Image, Scan, lay_ring
    from tasks.science.radar.scene import cut, describe_sea
    from tasks.science.radar.survey import survey

    half = scene[:, scene.shape[1] // 2 :]
    image = Image(lambda rows, cols: half[rows, cols], (half.shape[0], half.shape[1]), True, 1)
    everywhere = np.ones((1, 1), bool)
    sea = describe_sea(survey(image, cut(image.shape, (2048, 4096))), everywhere, scene.shape[0])
    assert sea is not None
    return Scan(image, sea, lay_ring(PIXEL_M), everywhere, scene.shape[0])


def work_cfar(scene: Plane) -> Callable[[], object]:
    """Our CFAR over as many pixels as the scene has: twice over its half without land."""
    from tasks.science.radar.cfar import exceeding

    scan = scan_of(scene)
    return lambda: [exceeding(scan, 4.0) for _ in range(2)]


def work_shapes(scene: Plane) -> Callable[[], object]:
    """Group and measure what our CFAR found."""
    from tasks.science.radar.cfar import exceeding
    from tasks.science.radar.hulls import find_hulls

    scan = scan_of(scene)
    found = exceeding(scan, 4.0)
    return lambda: [find_hulls(found.index, found.score, scan.image.shape[1], PIXEL_M) for _ in range(2)]


def work_opencv(scene: Plane) -> object:
    import cv2

    cv2.setNumThreads(1)
    outer, inner = (cv2.boxFilter(scene, -1, (k, k), normalize=False) for k in (41, 21))
    return scene > (outer - inner) * np.float32(5 / (41**2 - 21**2))


def work_scipy(scene: Plane) -> object:
    from scipy.ndimage import uniform_filter

    outer, inner = (uniform_filter(scene, k) * np.float32(k * k) for k in (41, 21))
    return scene > (outer - inner) * np.float32(5 / (41**2 - 21**2))


def work_detect(scene: Plane) -> object:
    from tasks.science.radar.scene import detect_radar_scene

    return detect_radar_scene({"vv": scene}, "1", PIXEL_M)


def work_strait(scene: Plane) -> object:
    from strait.detect import detect_vessels

    land = np.zeros(scene.shape, bool)
    land[:, : scene.shape[1] // 4] = True
    return detect_vessels([scene], ["20230101"], land, shape=scene.shape)


WORKS: dict[str, Callable[[Plane], object]] = {
    "limit": work_limit,
    "opencv": work_opencv,
    "scipy": work_scipy,
    "detect": work_detect,
    "strait": work_strait,
}


PREPARED: dict[str, Callable[[Plane], Callable[[], object]]] = {"cfar": work_cfar, "shapes": work_shapes}
"""What is timed without what comes before it."""


def run_one(name: str, path: Path) -> dict[str, float]:
    """Measure one method in this process; shapes are timed after the CFAR."""
    scene = np.load(path)
    if name in PREPARED:
        work = PREPARED[name](scene)
        work()
        return measure(lambda _: work(), scene).__dict__
    WORKS[name](np.ascontiguousarray(scene[:600, -900:]))  # compile, import
    return measure(WORKS[name], scene).__dict__


def cost_of(name: str, path: Path, python: Path | None = None) -> Cost | None:
    """Measure one method in a process of its own; None where what it needs cannot be had."""
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        [str(python or sys.executable), "-m", "tests.benchmarks.detect_speed", name, str(path)],
        env=os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ran.returncode:
        print(f"{name}: not measured ({ran.stderr.strip().splitlines()[-1]})", file=sys.stderr)
        return None
    return Cost(**json.loads(ran.stdout.splitlines()[-1]))


def python_with_peers(home: Path) -> Path | None:
    """Make an environment for the peers, whose dependencies are not ours; None where pip cannot."""
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
    done = subprocess.run(
        [str(python), "-m", "pip", "install", "-q", *PEERS], capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(f"{' and '.join(PEERS)} could not be installed; they are left out", file=sys.stderr)
        return None
    return python


if __name__ == "__main__":
    print(json.dumps(run_one(sys.argv[1], Path(sys.argv[2]))))
