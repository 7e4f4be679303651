"""A provider and its batches that can die at a chosen moment, as the process around them would."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from tasks.errors import SceneError
from tasks.model import BandAsset, SceneRef
from tests.archive.cubes import AtOnce
from tests.archive.model_archive import BANDS, BOX, ODD, UNFIT, Tile, delivered


class Killed(BaseException):
    """The process is gone: nothing after this runs."""


@dataclass
class Provider:
    """Reads and judges scenes by the model's rules; remembers the stacks that it was shown."""

    faults: Mapping[str, SceneError] = field(default_factory=dict)
    dies_reading: str = ""
    dies_judging: bool = False
    stacks: list[list[tuple[bytes, ...]]] = field(default_factory=list)
    judged: dict[Tile, bool] = field(default_factory=dict)

    def read(self, scenes: Sequence[SceneRef], box: Any) -> Iterator[tuple[SceneRef, Any]]:
        assert box == BOX
        for one in scenes:
            if one.scene_id == self.dies_reading:
                raise Killed
            yield one, self.faults.get(one.scene_id) or delivered(one)

    def compared(self, bands: Sequence[BandAsset]) -> list[str]:
        return [b.name for b in bands]

    def reference(self, dates: Sequence[Any], bands: Sequence[BandAsset]) -> int:
        assert {b.name for b in bands} == set(BANDS)
        self.stacks.append([tuple(d[band].tobytes() for band in sorted(d)) for d in dates])
        return len(dates)

    def inspect(self, planes: Mapping[str, Any], bands: Sequence[BandAsset], reference: int | None) -> None:
        assert {b.name for b in bands} == set(BANDS)
        if self.dies_judging:
            raise Killed
        self.judged[frozenset(plane.tobytes() for plane in planes.values())] = bool(reference)
        if reference and any((plane == ODD).any() for plane in planes.values()):
            raise SceneError(UNFIT)


@dataclass
class Submitting(AtOnce):
    """Tells when the first job comes: the batch has its room by then."""

    first: Callable[[], None]
    jobs: int = 0

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.jobs += 1
        if self.jobs == 1:
            self.first()
        return super().submit(function, *args, **kwargs)


class Listing(list[SceneRef]):
    """A batch whose reader dies on its way through it."""

    def __iter__(self) -> Iterator[SceneRef]:
        yield self[0]
        raise Killed
