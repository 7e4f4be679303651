"""Pictures of what is found in the real ports: hits green, misses magenta, false alarms red, refused orange.

Run as ``python -m tests.benchmarks.detect_pictures``; writes one PNG a port under ``.benchmarks/detect``.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tasks.science.shapes import Vessel
from tests.sen2ships import PORTS, Port, match, read_port

OUT = Path(".benchmarks") / "detect"
COMPOSITES = {"colour": ("red", "green", "blue"), "infrared": ("swir16", "nir", "red")}


def composite(port: Port, bands: tuple[str, ...]) -> npt.NDArray[np.float64]:
    layers = []
    for band in bands:
        layer = np.sqrt(np.maximum(np.nan_to_num(port.planes[band]), 0))
        low, high = np.percentile(layer, [0.5, 99])
        layers.append(np.clip((layer - low) / (high - low), 0, 1))
    return np.stack(layers, axis=-1)


def corners(vessel: Vessel, pixel_m: float) -> npt.NDArray[np.float64]:
    """Box of a vessel, (col, row), closed."""
    along = np.array([vessel.axis[0], -vessel.axis[1]]) * vessel.length_m / 2 / pixel_m
    across = np.array([vessel.axis[1], vessel.axis[0]]) * np.nan_to_num(vessel.width_m) / 2 / pixel_m
    signs = ((1, 1), (1, -1), (-1, -1), (-1, 1), (1, 1))
    return np.array([(vessel.col, vessel.row) + a * along + b * across for a, b in signs])


def draw(axes: Axes, port: Port) -> str:
    found = port.detect()
    pairs = match(port, found.vessels)
    for k, label in enumerate(port.labels):
        colour = "cyan" if k in pairs.values() else "magenta"
        axes.plot(*label.exterior.xy, color=colour, lw=0.8)
        axes.text(label.bounds[2] + 1, label.bounds[1], str(k), color=colour, fontsize=7)
    for k, vessel in enumerate(found.vessels):
        axes.plot(*corners(vessel, port.pixel_m).T, color="lime" if k in pairs else "red", lw=0.9)
    for row, col in found.artefacts:
        axes.plot(col, row, "x", color="orange", ms=2)
    return f"{port.name}: {len(pairs)} of {len(port.labels)} labels, {len(found.vessels)} claims"


def main() -> None:
    mpl.use("Agg")
    OUT.mkdir(parents=True, exist_ok=True)
    for name in PORTS:
        port = read_port(name)
        for kind, bands in COMPOSITES.items():
            image = composite(port, bands)
            height, width = image.shape[:2]
            scale = max(1.5, 1400 / max(height, width))
            figure = Figure(figsize=(width * scale / 100, height * scale / 100), dpi=100)
            axes = figure.add_axes((0, 0, 1, 1))
            axes.imshow(image, interpolation="nearest")
            axes.set_axis_off()
            title = draw(axes, port)
            axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
            figure.savefig(OUT / f"{name}-{kind}.png")
        print(title)


if __name__ == "__main__":
    main()
