"""What goes wrong between the satellite and the catalogue, as `sensors.calendar.Defect` names it.

Each defect is drawn from the acquisition's own name: it does not depend on what else is delivered.
`Defect.OFFSET` is a matter of Sentinel-2 numbers alone and stands with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox

from tasks.simulate.delivery.cog import Plane
from tasks.simulate.sensors.calendar import Acquisition, Defect, Sensor
from tasks.simulate.world.seeds import generator

SHIFT_PX = (3, 6)
"""Least and greatest displacement of a shifted image along its longer component, pixels."""

REPROCESSED_GAIN = {Sensor.SENTINEL_1: 1.01}
"""What a reprocessing multiplies pixels with: 0.04 dB, a usual change of a calibration constant."""
REPROCESSED_OPTICAL_GAIN = 1.006
"""A usual change of an atmospheric correction."""


@dataclass(frozen=True)
class SwathEdge:
    """A straight edge across the image; places are shares of its width and height, from the upper left."""

    top: float
    bottom: float
    """Where the edge meets the first and the last row."""

    left_seen: bool
    """True if the image lies to the left of the edge."""

    @property
    def ring(self) -> tuple[tuple[float, float], ...]:
        """Corners of the part that was seen, ``(across, down)``."""
        side = 0.0 if self.left_seen else 1.0
        return ((side, 0.0), (self.top, 0.0), (self.bottom, 1.0), (side, 1.0))

    def seen(self, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """Pixels that were seen, ``(y, x)``."""
        height, width = shape
        down, across = (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width
        left = across[None, :] < (self.top + (self.bottom - self.top) * down)[:, None]
        return np.asarray(left == self.left_seen)


def _rng(acquisition: Acquisition) -> np.random.Generator:
    return generator(
        0, "defect", acquisition.site_id, acquisition.platform, acquisition.acquired.isoformat(),
        str(acquisition.defect),
    )  # fmt: skip


def deliveries(acquisition: Acquisition) -> int:
    """Count how often an acquisition is delivered."""
    return 2 if acquisition.defect is Defect.DUPLICATE else 1


def swath_edge(acquisition: Acquisition) -> SwathEdge | None:
    """Place the edge of the swath over the middle of the image; None if the image is whole."""
    if acquisition.defect is not Defect.HALF:
        return None
    rng = _rng(acquisition)
    middle, lean = rng.uniform(0.42, 0.58), rng.uniform(0.10, 0.22)  # orbits lean some 10 degrees,
    lean = -lean if acquisition.direction == "ascending" else lean  # downwards to the west, upwards too
    return SwathEdge(float(middle + lean / 2), float(middle - lean / 2), bool(rng.integers(2)))


def covered(acquisition: Acquisition, box: GeoBox) -> npt.NDArray[np.bool_]:
    """Find the pixels of a grid that a delivery shows at all, ``(y, x)``: those within the swath."""
    edge = swath_edge(acquisition)
    return np.ones(box.shape, bool) if edge is None else edge.seen((box.shape[0], box.shape[1]))


def shift_px(acquisition: Acquisition) -> tuple[int, int]:
    """Tell how many pixels right of and below their place things appear; ``(0, 0)`` unless shifted."""
    if acquisition.defect is not Defect.SHIFTED:
        return 0, 0
    rng = _rng(acquisition)
    long = int(rng.integers(SHIFT_PX[0], SHIFT_PX[1], endpoint=True)) * int(rng.choice([-1, 1]))
    short = int(rng.integers(-SHIFT_PX[0], SHIFT_PX[0], endpoint=True))
    return (long, short) if rng.integers(2) else (short, long)


def spoilt_planes(planes: Mapping[str, Plane], acquisition: Acquisition, number: int) -> dict[str, Plane]:
    """Give the planes of a delivery, with NaN beyond the edge of the swath.

    Parameters
    ----------
    planes
        ``(y, x)`` each, power or reflectance, as the sensor saw them.
    acquisition
        Its defect decides.
    number
        0 for the first delivery; later ones are reprocessed and differ a little.
    """
    gain = REPROCESSED_GAIN.get(acquisition.sensor, REPROCESSED_OPTICAL_GAIN) if number else 1.0
    edge = swath_edge(acquisition)
    spoilt = {}
    for name, plane in planes.items():
        moved = _moved(plane, shift_px(acquisition))
        moved = moved * np.float32(gain) if number else moved
        spoilt[name] = (
            moved
            if edge is None
            else np.where(edge.seen((moved.shape[0], moved.shape[1])), moved, np.float32(np.nan))
        )
    return spoilt


def spoilt_classes(classes: npt.NDArray[np.uint8], acquisition: Acquisition) -> npt.NDArray[np.uint8]:
    """Give a class map of a delivery, with 0 beyond the edge of the swath."""
    moved, edge = _moved(classes, shift_px(acquisition)), swath_edge(acquisition)
    return moved if edge is None else moved * edge.seen((moved.shape[0], moved.shape[1])).astype(np.uint8)


def _moved(plane: npt.NDArray[Any], shift: tuple[int, int]) -> npt.NDArray[Any]:
    """Displace the content; what comes in over the edge mirrors what is there, as ground goes on."""
    if shift == (0, 0):
        return plane
    reach = max(map(abs, shift))
    wide = np.pad(plane, reach, mode="symmetric")
    col, row = reach - shift[0], reach - shift[1]
    return wide[row : row + plane.shape[0], col : col + plane.shape[1]]


def cut_one(files: Sequence[Path], acquisition: Acquisition) -> None:
    """Cut one of the files off in its middle if the acquisition says so; its header stays whole."""
    if acquisition.defect is Defect.CORRUPT:
        path = files[int(_rng(acquisition).integers(len(files)))]
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
