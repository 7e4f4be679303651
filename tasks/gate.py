"""What workers do with a scene before it is archived: read it, and judge it.

Where the catalogue's reader and the gate of science meet. Apart from `ingest`, which knows Prefect:
a worker that had to import Prefect for this spent 2 s of CPU before its first pixel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from odc.geo.geobox import GeoBox

from tasks.archive.numbers import Planes
from tasks.catalog.read import read_scenes
from tasks.errors import SceneError
from tasks.model import BandAsset, SceneRef
from tasks.science.delivery.quality import compared_bands, inspect, prepare, sample, stack_of

COMPARED = 3
"""Bands of reflectance held against other dates: with three a step of all of them is told from haze."""


@dataclass(frozen=True)
class Gate:
    """Scenes as their files hold them, judged before they are archived; see `archive.jobs.Source`."""

    def read(self, scenes: Sequence[SceneRef], box: GeoBox) -> Iterator[tuple[SceneRef, Planes | SceneError]]:
        """Read every band of every scene on a grid."""
        return read_scenes(scenes, box)

    def compared(self, bands: Sequence[BandAsset]) -> list[str]:
        """Name the bands that are compared: the clearest of radar, three of reflectance."""
        ranked = compared_bands(bands)
        return ranked[:COMPARED] if any(b.units == "reflectance" for b in bands) else ranked[:1]

    def reference(self, dates: Sequence[Mapping[str, Any]], bands: Sequence[BandAsset]) -> Any:
        """Prepare the stack that new scenes are compared with: the median of a few dates."""
        first, *others = compared_bands([b for b in bands if b.name in dates[0]])
        stack = {first: stack_of([planes[first] for planes in dates])}
        # Of the others only every n-th pixel is looked at: no need to sort the rest.
        stack |= {name: stack_of([sample(planes[name]) for planes in dates]) for name in others}
        return prepare(stack, bands)

    def inspect(self, planes: Planes, bands: Sequence[BandAsset], reference: Any) -> None:
        """Refuse a scene whose pixels cannot be what they claim."""
        finding = inspect(planes, bands, reference)
        if finding.reason:
            raise SceneError(finding.reason)
