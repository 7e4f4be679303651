"""How far simulated optical images are from real ones: water, land, vessels, sharpness.

The real ones are Sentinel-2 images of five ports with vessels outlined by hand. Ports differ more from
one another than from the simulation (mangroves at Klang, red earth at Hedland, haze and glint at
Cartagena), so the real value is the median of the five and the tolerance half their range.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import rasterio
import shapely
from affine import Affine
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rasterio.features import rasterize
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from tasks.simulate.sensors.calendar import Acquisition, Sensor
from tasks.simulate.sensors.optical import optical_ground, render_optical
from tasks.simulate.world.blocks import Block, Matter, solid
from tasks.simulate.world.palette import BANDS, BOXES, DECKS, paint
from tasks.simulate.world.port import Port, port_of
from tasks.simulate.world.seeds import generator
from tasks.simulate.world.weather import weather_at
from tasks.sites import load_site

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Row = tuple[str, float, float, float, bool]

DN_FULL = 65535.0
"""Reflectance of the real images is the number over this."""

RING_PX = 8
"""Water is taken this far from land and vessels, and around a vessel this wide."""

SEASON = tuple(datetime(2023, 5, 10, 2, 16, 51, tzinfo=UTC) + timedelta(days=25 * k) for k in range(5))
"""Four of the five real images are from April to July, the fifth from the tropics."""

LOOSE_M = 10.0
"""Hand-drawn outlines reach this far beyond the hull: theirs are 40 m wide and more."""


@dataclass(frozen=True)
class Scene:
    """One image with its vessels."""

    name: str
    bands: dict[str, Plane]
    vessels: tuple[Mask, ...]


@dataclass(frozen=True)
class Figures:
    """What is measured of one scene."""

    water: dict[str, Plane]
    land: dict[str, Plane]
    statistics: dict[str, float]


def compare_optical(figure_path: Path, sen2ships_root: Path) -> list[Row]:
    """Measure simulated and real scenes alike.

    Parameters
    ----------
    figure_path
        PNG to write: spectra, histograms and crops side by side.
    sen2ships_root
        Folder with a folder per port.

    Returns
    -------
    list of tuple
        Statistic, simulated (median of the scenes), real (median of the ports), tolerance (half their range,
        and at least a fifth of the median), whether it is within.
    """
    real_scenes, sim_scenes = list(real(sen2ships_root)), list(simulated())
    real_figures, sim_figures = [[measure(s) for s in group] for group in (real_scenes, sim_scenes)]
    rows: list[Row] = []
    for name in real_figures[0].statistics:
        ports = np.array([f.statistics[name] for f in real_figures])
        mine = float(np.nanmedian([f.statistics[name] for f in sim_figures]))
        middle = float(np.nanmedian(ports))
        tolerance = max(float(np.nanmax(ports) - np.nanmin(ports)) / 2, 0.2 * abs(middle))
        rows.append((name, mine, middle, tolerance, abs(mine - middle) <= tolerance))
    draw_figure(figure_path, (real_scenes, real_figures), (sim_scenes, sim_figures))
    return rows


def real(root: Path) -> Iterator[Scene]:
    """Read the real ports."""
    for folder in sorted(path.parent for path in root.glob("*/labels.geojson")):
        bands = {}
        for band in BANDS:
            with rasterio.open(folder / f"{band}.tif") as image:
                bands[band] = (image.read(1) / DN_FULL).astype(np.float32)
                to, crs = image.transform, image.crs
        outlines = gpd.read_file(folder / "labels.geojson").to_crs(crs).geometry
        yield Scene(folder.name, bands, tuple(drawn(shape, to, bands["red"].shape) for shape in outlines))


def simulated() -> Iterator[Scene]:
    """Render two ports with ships at most berths and in the roads, on cloudless days of the season."""
    for site_id in ("najin", "dunay"):
        port = port_of(load_site(site_id))
        ground = optical_ground(port, port.window(10.0, 1000.0), 7)
        for moment in SEASON:
            weather = weather_at(site_id, ground.latitude, moment, 7)
            clear = replace(weather, cloud=0.0)
            blocks = [
                block for ship in fleet(port, generator(7, site_id, moment.isoformat())) for block in ship
            ]
            pass_ = Acquisition(site_id, Sensor.SENTINEL_2, "sentinel-2a", moment)
            image = render_optical(ground, blocks, pass_, clear, 7, BANDS)
            hulls = [b.outline.buffer(LOOSE_M) for b in blocks if b.matter is Matter.HULL]
            masks = tuple(drawn(hull, ground.box.affine, image.mask.shape) for hull in hulls)
            bands = {**image.bands, "swir16": as_delivered(image.bands["swir16"])}
            yield Scene(f"{site_id} {moment:%b}", bands, masks)


def as_delivered(plane: Plane) -> Plane:
    """Average to 20 m and interpolate back, as the real images were made."""
    height, width = (n // 2 * 2 for n in plane.shape)
    coarse = plane[:height, :width].reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    fine = ndimage.zoom(coarse, 2, order=1, mode="nearest", grid_mode=True)
    missing = [(0, n - m) for n, m in zip(plane.shape, fine.shape, strict=True)]
    return np.asarray(np.pad(fine, missing, mode="edge"), dtype=np.float32)


def fleet(port: Port, rng: np.random.Generator) -> Iterator[list[Block]]:
    """Lay ships of 60 to 190 m at half the berths, and some in the roads."""
    for quay in port.quays.values():
        if rng.random() < 0.5:
            width = rng.uniform(12, 28)
            place = quay.at(quay.length_m / 2, 1.5 + width / 2)
            yield ship(*place, quay.heading_deg, min(rng.uniform(60, 190), quay.length_m), width, rng)
    for road in port.roads.values():
        west, south, east, north = road.bounds
        for x, y in zip(rng.uniform(west, east, 12), rng.uniform(south, north, 12), strict=True):
            if road.contains(shapely.Point(x, y)):
                yield ship(x, y, rng.uniform(0, 360), rng.uniform(60, 190), rng.uniform(12, 28), rng)


def ship(
    x: float, y: float, heading_deg: float, length_m: float, width_m: float, rng: np.random.Generator
) -> list[Block]:
    """Build a ship: deck, white bridge aft, and hatches or containers amidships."""
    turn = np.radians(heading_deg)

    def on(along: float, matter: Matter, length: float, top: float, colours: npt.NDArray[np.int16]) -> Block:
        at = x + along * np.sin(turn), y + along * np.cos(turn)
        return Block(matter, *at, heading_deg, length, 0.85 * width_m, top, colours)

    deck = Block(
        Matter.HULL, x, y, heading_deg, length_m, width_m, 8.0, solid(int(rng.choice(DECKS))), pointed=True
    )
    hatches = np.full((9, 3), deck.colours[0, 0], np.int16)
    hatches[::2, 1] = paint("hatch")
    boxes = rng.choice(BOXES, (int(length_m / 13), int(width_m / 2.6))).astype(np.int16)
    cargo = (Matter.CONTAINER, 0.5 * length_m, 14.0, boxes) if rng.random() < 0.5 else (
        Matter.SUPERSTRUCTURE, 0.55 * length_m, 9.0, hatches
    )  # fmt: skip
    bridge = on(-0.4 * length_m, Matter.SUPERSTRUCTURE, 14.0, 22.0, solid(paint("bridge-white")))
    return [deck, on(0.0, *cargo), bridge]


def drawn(shape: BaseGeometry, to: Affine, size: tuple[int, int]) -> Mask:
    """Draw an outline."""
    burnt = rasterize([(shape, 1)], out_shape=size, transform=to, all_touched=False, dtype="uint8")
    return np.asarray(burnt, dtype=np.bool_)


def measure(scene: Scene) -> Figures:
    """Measure one scene, real or not, by the same arithmetic."""
    bands = scene.bands
    wetness = (bands["green"] - bands["nir"]) / (bands["green"] + bands["nir"] + 1e-6)
    vessels = np.any(scene.vessels, axis=0)
    wet = (wetness > 0.05) & (bands["nir"] < 0.13) & (bands["swir16"] < 0.1)
    near_vessel = ndimage.maximum_filter(vessels, 2 * RING_PX + 1)
    water = ndimage.minimum_filter(wet, 2 * RING_PX + 1) & ~near_vessel
    land = ndimage.minimum_filter(~wet & (bands["nir"] > 0.05), 7) & ~near_vessel
    statistics: dict[str, float] = {}
    for band in BANDS:
        statistics[f"water {band}, median"] = float(np.median(bands[band][water]))
    for band in BANDS[:4]:
        statistics[f"water {band}, fine noise"] = fine_noise(bands[band], water)
    for band in BANDS:
        statistics[f"land {band}, median"] = float(np.median(bands[band][land]))
    for band in ("red", "nir"):
        statistics[f"land {band}, spread"] = float(
            np.subtract(*np.percentile(bands[band][land], [84, 16])) / 2
        )
    for band in ("red", "nir", "swir16"):
        statistics[f"vessel over water, {band}"] = float(
            np.nanmedian(contrasts(bands[band], scene.vessels, wet))
        )
    statistics["edge sharpness, red"] = sharpness(bands["red"])
    statistics["edge sharpness, swir16"] = sharpness(bands["swir16"])
    return Figures({b: bands[b][water] for b in BANDS}, {b: bands[b][land] for b in BANDS}, statistics)


def fine_noise(plane: Plane, where: Mask) -> float:
    """Spread of a pixel against its neighbour, without what varies slowly and without outliers."""
    both = where[:, 1:] & where[:, :-1]
    step = (plane[:, 1:] - plane[:, :-1])[both].astype(np.float64)
    return float(np.percentile(np.abs(step - np.median(step)), 68.3) / np.sqrt(2))


def contrasts(plane: Plane, vessels: tuple[Mask, ...], wet: Mask) -> list[float]:
    """Mean of each vessel's outline over the median of the water around it; NaN where there is little."""
    others = np.any(vessels, axis=0)
    found = []
    for vessel in vessels:
        rows, cols = (slice(max(i.min() - RING_PX, 0), i.max() + RING_PX + 1) for i in np.nonzero(vessel))
        ring = wet[rows, cols] & ~others[rows, cols]
        part = plane[rows, cols]
        enough = ring.sum() >= 20
        found.append(float(part[vessel[rows, cols]].mean() - np.median(part[ring])) if enough else np.nan)
    return found


def sharpness(plane: Plane) -> float:
    """Tell how much of the sharpest edges falls between a pixel and its next but one.

    A step blurred by a Gaussian of spread s pixels gives erf(0.7 / s): 0.95 for s = 0.5, 0.84 for 0.7. The
    real images have been resampled to Web Mercator, which costs some of it.
    """
    ratios = []
    for image in (plane, plane.T):
        high, low = (f(image, (1, 9)) for f in (ndimage.maximum_filter, ndimage.minimum_filter))
        step = np.abs(image[:, 2:] - image[:, :-2])
        span = (high - low)[:, 1:-1]
        sharp = span > max(np.percentile(span, 90), 0.05)
        ratios.append(step[sharp] / span[sharp])
    return float(np.percentile(np.concatenate(ratios), 95))


Group = tuple[list[Scene], list[Figures]]


def draw_figure(path: Path, real_group: Group, sim_group: Group) -> None:
    """Draw spectra, histograms and crops of both."""
    with mpl.rc_context({"font.size": 8}):
        figure = Figure(figsize=(13, 8), layout="constrained")
        axes = figure.subplots(2, 4)
        for axis, kind in ((axes[0, 0], "water"), (axes[0, 1], "land")):
            for (scenes, figures), colour in ((real_group, "tab:gray"), (sim_group, "tab:blue")):
                for scene, one in zip(scenes, figures, strict=True):
                    levels = [one.statistics[f"{kind} {band}, median"] for band in BANDS]
                    axis.plot(
                        BANDS, levels, color=colour, lw=1, label=scene.name if colour == "tab:gray" else None
                    )
            axis.set_title(f"{kind}, median of each scene")
            axis.set_ylabel("reflectance")
        histogram(axes[1, 0], "water", "nir", (real_group, sim_group), 0.12)
        histogram(axes[1, 1], "land", "red", (real_group, sim_group), 0.35)
        crops = [*[s for s in real_group[0] if s.name in ("gdynia", "klang")][:2], *sim_group[0][1:10:5]]
        for axis, scene in zip(axes[:, 2:].ravel(), crops, strict=False):
            axis.imshow(true_colour(scene))
            axis.set_title(scene.name)
            axis.set_axis_off()
        figure.savefig(path, dpi=110)


def histogram(axis: Axes, kind: str, band: str, groups: tuple[Group, Group], most: float) -> None:
    """Draw the distribution of one band over one kind of ground, every scene with the same weight."""
    edges = np.linspace(0.0, most, 60)
    for (_, figures), colour in zip(groups, ("tab:gray", "tab:blue"), strict=True):
        shares = [np.histogram(getattr(one, kind)[band], edges)[0] for one in figures]
        mean = np.mean([share / max(share.sum(), 1) for share in shares], axis=0)
        axis.stairs(mean, edges, color=colour)
    axis.set_title(f"{kind}, {band}: grey real, blue simulated")
    axis.set_xlabel("reflectance")


def true_colour(scene: Scene) -> Plane:
    """Stretch a crop of the scene for looking at it: the middle, where a simulated port lies."""
    height, width = scene.bands["red"].shape
    rows, cols = (
        slice(max(height // 2 - 200, 0), height // 2 + 200),
        slice(max(width // 2 - 200, 0), width // 2 + 200),
    )
    image = np.dstack([scene.bands[band][rows, cols] for band in ("red", "green", "blue")])
    high = max(float(np.percentile(image, 98.5)), 0.15)
    return np.asarray(np.clip(image / high, 0, 1) ** 0.75, dtype=np.float32)
