"""The gate before the archive on real images: all of them are fit, and displaced ones are not."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import rasterio

from tasks.catalog.records import relative_orbit
from tasks.model import BandAsset
from tasks.science.delivery.quality import Finding, Reference, compared_bands, inspect, prepare, stack_of

REAL = Path(os.environ.get("ROADSTEAD_REAL_DATA", Path(__file__).parents[3] / "shared" / "real"))

Planes = dict[str, npt.NDArray[Any]]

DB = [BandAsset("vv", "", "relative dB", 0)]
POWER = [BandAsset("vv", "", "1"), BandAsset("vh", "", "1")]
OPTICAL = ("blue", "green", "red", "nir", "swir16")
AS_DELIVERED = [BandAsset(name, "", "reflectance", 0, 1 / 65535) for name in OPTICAL]
ARCHIVED = [BandAsset(name, "", "reflectance", 0, 1e-4, -0.1) for name in OPTICAL]
PORTS = ("cartagena", "gdynia", "hedland", "honolulu", "klang")

STACK = 7
FOUND = 0.95
"""Share of the displaced images that must be found. Measured: all 136 of Latakia, all 50 of the ports."""


def folder(name: str) -> Path:
    if not (REAL / name).is_dir():
        text = f"{REAL / name} is not there; set ROADSTEAD_REAL_DATA to the folder that holds {name}"
        pytest.fail(f"{text}; in CI these tests must run") if os.environ.get("CI") else pytest.skip(text)
    return REAL / name


def pixels(path: Path) -> npt.NDArray[Any]:
    with rasterio.open(path) as image:
        return np.asarray(image.read(1))


def ids(collection: Path) -> list[str]:
    return sorted(json.loads(path.read_text())["id"] for path in (collection / "items").glob("*.json"))


def stacked(dates: Sequence[Planes], bands: list[BandAsset]) -> Reference:
    return prepare({name: stack_of([d[name] for d in dates]) for name in compared_bands(bands)[:3]}, bands)


def displaced(planes: Planes, rng: np.random.Generator) -> Planes:
    """Content 3 to 6 px away along its longer component; the edge is filled with its mirror image."""
    long, short = int(rng.integers(3, 7)) * int(rng.choice([-1, 1])), int(rng.integers(-3, 4))
    down, right = (long, short) if rng.integers(2) else (short, long)
    moved = {}
    for name, plane in planes.items():
        wide, (height, width) = np.pad(plane, 6, mode="symmetric"), plane.shape
        moved[name] = wide[6 - down : 6 - down + height, 6 - right : 6 - right + width]
    return moved


def share_found(found: Sequence[Finding]) -> float:
    return float(np.mean(["px right" in f.reason for f in found]))


def compared(dates: Sequence[Planes], bands: list[BandAsset]) -> Iterator[tuple[Planes, Reference]]:
    """Every date with a stack of others: its own speckle would draw it to where it lies."""
    for mine, others in ((dates[::2], dates[1::2]), (dates[1::2], dates[::2])):
        stack = stacked(others[:: -(-len(others) // STACK)], bands)
        yield from ((planes, stack) for planes in mine)


def test_latakia_is_fit_and_its_displaced_images_are_found() -> None:
    data, rng = folder("latakia-s1"), np.random.default_rng(4)
    tracks: dict[int, list[Planes]] = {}
    for scene_id in ids(data):
        planes = {"vv": pixels(data / "vv" / f"{scene_id}.tif")}
        tracks.setdefault(relative_orbit(scene_id, {}), []).append(planes)
    assert sorted(len(dates) for dates in tracks.values()) == [8, 14, 56, 58]
    good: list[Finding] = []
    bad: list[Finding] = []
    for dates in tracks.values():
        for planes, stack in compared(dates, DB):
            good.append(inspect(planes, DB, stack))
            bad.append(inspect(displaced(planes, rng), DB, stack))
    assert [f.reason for f in good if f.reason] == []
    assert all(0.8 < f.seen_share < 0.9 for f in good)  # land is masked
    assert np.median([f.shift_px for f in good]) < 0.2
    assert share_found(bad) >= FOUND


def test_open_sea_is_fit_and_tells_no_displacement() -> None:
    """Off Santa Barbara there is nothing to go by: nothing is told, and nothing refused."""
    data, rng = folder("opera-rtc"), np.random.default_rng(5)
    bursts: dict[str, list[Planes]] = {}
    for scene_id in ids(data):
        planes = {band.name: pixels(data / band.name / f"{scene_id}.tif") for band in POWER}
        burst = next(part for part in scene_id.split("_") if part.startswith("T137"))
        bursts.setdefault(burst, []).append(planes)
    found = []
    for dates in bursts.values():
        for planes, stack in compared(dates, POWER):
            found += [inspect(planes, POWER, stack), inspect(displaced(planes, rng), POWER, stack)]
    assert len(found) == 2 * 5 * 21
    assert all(f.reason == "" and math.isnan(f.shift_px) for f in found)


@pytest.fixture(scope="module", params=PORTS)
def port(request: pytest.FixtureRequest) -> tuple[str, Planes]:
    data = folder("sen2ships") / request.param
    return request.param, {name: pixels(data / f"{name}.tif") for name in OPTICAL}


def archived(planes: Planes) -> Planes:
    """The same in the archive's numbers."""
    return {
        name: np.where(v > 0, np.rint((v / 65535 + 0.1) * 1e4), 0).astype("uint16")
        for name, v in planes.items()
    }


def another_date(planes: Planes, rng: np.random.Generator) -> Planes:
    """The same place with the errors of another pass: 2 % in scale, 0.003 of noise."""
    result = {}
    for name, v in planes.items():
        noisy = (v - 1000.0) * rng.normal(1, 0.02) + 1000 + rng.normal(0, 30, v.shape)
        result[name] = np.where(v > 0, np.clip(noisy, 1, 65535), 0).astype("uint16")
    return result


def raised(planes: Planes, by: int) -> Planes:
    return {
        k: np.where(v > 0, np.clip(v.astype(int) + by, 1, 65535), 0).astype("uint16")
        for k, v in planes.items()
    }


def test_ports_are_fit_as_delivered(port: tuple[str, Planes]) -> None:
    """Cartagena lies 0.08 to 0.1 above black in every band and Honolulu lacks a quarter of the infrared."""
    found = inspect(port[1], AS_DELIVERED)
    assert found.reason == ""
    assert found.seen_share > (0.7 if port[0] == "honolulu" else 0.99)


def test_ports_with_a_wrong_offset_or_displaced_are_found(port: tuple[str, Planes]) -> None:
    """With 0.1 too little Cartagena's darkest pixels still lie above -0.06: not refused, on purpose."""
    name, rng = port[0], np.random.default_rng(6)
    planes = archived(port[1])
    stack = stacked([another_date(planes, rng) for _ in range(3)], ARCHIVED)
    scene = another_date(planes, rng)
    assert inspect(scene, ARCHIVED, stack).reason == ""
    assert inspect(scene, ARCHIVED, stack).shift_px < 0.1
    assert "above the stack" in inspect(raised(scene, 1000), ARCHIVED, stack).reason
    assert ("taken off" in inspect(raised(scene, -1000), ARCHIVED, stack).reason) == (name != "cartagena")
    assert share_found([inspect(displaced(scene, rng), ARCHIVED, stack) for _ in range(5)]) >= FOUND
