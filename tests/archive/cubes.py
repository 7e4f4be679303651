"""Archive-side helpers: scenes without files, readers that hand out planes, and what an archive holds."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox

from tasks.archive.cube import CubeSpec, Ingested, add_scenes
from tasks.archive.numbers import stored_dtype
from tasks.archive.reading import open_cube
from tasks.archive.store import ArchiveRef
from tasks.errors import SceneError
from tasks.model import BandAsset, Rejection, SceneRef, Units
from tests.scenes import FIRST, grid

COLLECTION = "tiny-s1"
PLANES = {"level": "a level", "bright_share": "a share", "seen_share": "another share"}
BOX = grid(0, 0, 24, 30)
DAY_S = 86_400


class AtOnce(Executor):
    """Runs everything where it is submitted; tests of content need no threads."""

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as fault:
            future.set_exception(fault)
        return future


def scene(
    day: int,
    *,
    scene_id: str = "",
    processing: str = "1",
    bands: Sequence[str] = ("vv", "vh"),
    units: Units = "1",
    nodata: float | None = None,
    orbit: int = 61,
) -> SceneRef:
    """A scene whose acquisition is `day` days after the first."""
    return SceneRef(
        scene_id=scene_id or f"day{day:03d}_{processing}",
        collection=COLLECTION,
        acquired=FIRST.fromtimestamp(FIRST.timestamp() + day * DAY_S, FIRST.tzinfo),
        bands=tuple(BandAsset(band, f"{band}.tif", units, nodata) for band in bands),
        platform="sentinel-1a",
        orbit=orbit,
        direction="descending",
        processing=processing,
        cloud_cover=None,
    )


def pixels(scene_id: str, band: str, box: GeoBox = BOX, dtype: str = "float32") -> npt.NDArray[Any]:
    """Pixels that only depend on the names: power with a few zeros and NaN, or decibel bytes with zeros."""
    seed = int.from_bytes(hashlib.sha256(f"{scene_id}/{band}".encode()).digest()[:8])
    rng = np.random.default_rng(seed)
    if dtype == "uint8":
        return rng.integers(0, 256, box.shape, dtype="uint8")
    plane = rng.gamma(4.4, 0.01, box.shape).astype(dtype)
    plane.flat[rng.integers(0, plane.size, 5)] = 0
    plane.flat[rng.integers(0, plane.size, 5)] = np.nan
    return plane


@dataclass(frozen=True)
class Reader:
    """A source that reads scenes from their names; fails, or dies, where it is told to."""

    dtype: str = "float32"
    failing: Mapping[str, SceneError] = field(default_factory=dict)
    planes: Mapping[str, Any] = field(default_factory=dict)
    """Scene id to a plane that all its bands have."""

    dies_at: str = ""
    unlike: frozenset[float] = frozenset()
    """First values of planes that do not fit a stack."""

    def read(
        self, scenes: Sequence[SceneRef], box: GeoBox
    ) -> Iterator[tuple[SceneRef, dict[str, npt.NDArray[Any]] | SceneError]]:
        for one in scenes:
            if one.scene_id == self.dies_at:
                os._exit(9)
            if one.scene_id in self.failing:
                yield one, self.failing[one.scene_id]
            elif one.scene_id in self.planes:
                yield one, {band.name: self.planes[one.scene_id] for band in one.bands}
            else:
                yield one, {b.name: pixels(one.scene_id, b.name, box, self.dtype) for b in one.bands}

    def compared(self, bands: Sequence[BandAsset]) -> list[str]:
        return [b.name for b in bands]

    def reference(self, dates: Sequence[Any], bands: Sequence[BandAsset]) -> int:
        assert {b.name for b in bands} == set(dates[0])
        return len(dates)

    def inspect(self, planes: Any, bands: Sequence[BandAsset], reference: int | None) -> None:
        assert {b.name for b in bands} >= set(planes)
        first = float(next(iter(planes.values())).flat[0])
        if reference is not None and first in self.unlike:
            raise SceneError(f"unlike the {reference} dates of its stack")


def add(
    ref: ArchiveRef,
    *scenes: SceneRef,
    reader: Reader | None = None,
    executor: Executor | None = None,
    rejected: Sequence[Rejection] = (),
    box: GeoBox = BOX,
    collection: str = COLLECTION,
) -> Ingested:
    reader = reader or Reader()
    bands = scenes[0].bands if scenes else ()
    spec = CubeSpec(box, {b.name: (stored_dtype(reader.dtype, b.units), b.units) for b in bands})
    return add_scenes(ref, collection, scenes, spec, reader, executor or AtOnce(), rejected=rejected)


def content(ref: ArchiveRef, collection: str = COLLECTION, snapshot: str | None = None) -> dict[str, Any]:
    """Everything a reader sees, by scene id, as bytes and text: equal archives give equal contents.

    All but `compared`, which is bookkeeping: it is settled by `compare_early_passes`, whatever the order.
    """
    cube = open_cube(ref, collection, snapshot).load()
    found = {}
    for k, scene_id in enumerate(cube["scene_id"].values):
        one = cube.isel(time=k)
        planes = {str(name): one[name].values.tobytes() for name in sorted(cube.data_vars, key=str)}
        plain = {
            str(n): repr(c.values.tolist()) for n, c in one.coords.items() if n not in ("x", "y", "compared")
        }
        found[str(scene_id)] = (planes, plain)
    return found


def chunk_files(ref: ArchiveRef) -> list[Path]:
    return sorted(path for path in (ref.path / "chunks").rglob("*") if path.is_file())


def add_days(folder: str, days: Sequence[int], *, dies_at: str = "", one_by_one: bool = False) -> None:
    """Add scenes in a process of its own; each acknowledged one leaves a file ``acked-<id>``."""
    ref = ArchiveRef(folder, "tiny")
    batches = [[day] for day in days] if one_by_one else [list(days)]
    for batch in batches:
        done = add(ref, *(scene(day) for day in batch), reader=Reader(dies_at=dies_at))
        for scene_id in done.written:
            (Path(folder) / f"acked-{scene_id}").touch()
