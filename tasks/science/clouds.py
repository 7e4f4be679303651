"""What cloud and its shadow hide of one optical image.

Where the scene classification comes along it is taken, except that white decks and container roofs are
often called cloud there: a small patch with clear ground or water all round is none. Without it a test
of our own: cloud is large, white in all visible bands, bright against both the land and the water of its
scene, and soft-edged; its shadow lies away from the sun, as large as the cloud.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.water import Mask, Plane, darkness

VISIBLE = ("blue", "green", "red")
EIGHT = np.ones((3, 3), bool)

NO_DATA = (0, 1)
SHADOW = 3
CLOUDS = (8, 9, 10, 11)
"""Classes of Sentinel-2's scene classification; 11 is snow, which over a harbour is cloud."""


@dataclass(frozen=True)
class CloudOptions:
    """What counts as cloud."""

    dilate_m: float = 30.0
    """Edges that the mask misses: three pixels of Sentinel-2."""

    ship_length_m: float = 450.0
    ship_width_m: float = 80.0
    """A patch within these is a ship or a roof if what surrounds it is clear."""

    clear_ring_m: float = 60.0
    clear_share: float = 0.8
    """Share of the ring around such a patch that is not flagged."""

    white: float = 0.35
    """Largest difference between visible bands, by their mean, that is white: thin cloud scatters some more
    blue, roofs of one colour have 0.5 and more."""

    over_land: float = 1.15
    """Brightness by the 95th percentile of the scene's clear ground."""

    min_area_m2: float = 30_000.0
    """A smaller one hides no more than a ship, and roofs are as large."""

    sharp: float = 0.1
    """Steepest usual step from one pixel to the next inside a patch's edge, by its brightness: a cloud's edge
    takes several pixels of Sentinel-2 (0.05 to 0.08 over Cartagena), a roof's one (0.2 at Gdynia)."""

    edge_m: float = 10.0
    """Distance over which that step is taken."""

    shadow_m: tuple[float, float] = (200.0, 4000.0)
    """Distances from a cloud to its shadow: bases of 200 m to 4 km at a sun of 45°."""

    dark: float = 0.6
    """Near-infrared by its median around, below which land lies in shadow."""


DEFAULT_CLOUDS = CloudOptions()


@dataclass(frozen=True)
class Clouds:
    """What is not seen of a scene."""

    hidden: Mask
    """``(y, x)`` cloud, shadow, no data."""

    share: float
    """Of the scene."""


def clouds_of_classes(
    classes: npt.NDArray[np.integer], pixel_m: float, options: CloudOptions = DEFAULT_CLOUDS
) -> Clouds:
    """Read Sentinel-2's scene classification.

    Parameters
    ----------
    classes
        ``(y, x)`` classes 0 to 11, on the grid of the image.
    pixel_m
        Edge of a pixel on the ground, metres.
    options
        What counts.
    """
    missing = np.isin(classes, NO_DATA)
    flagged = np.isin(classes, (SHADOW, *CLOUDS))
    flagged &= ~_ship_sized(flagged, pixel_m, options)
    hidden = missing | _grown(flagged, options.dilate_m / pixel_m)
    return Clouds(hidden, float(hidden.mean()))


def find_clouds(
    reflectance: Mapping[str, Plane],
    pixel_m: float,
    *,
    sun_azimuth_deg: float | None = None,
    options: CloudOptions = DEFAULT_CLOUDS,
) -> Clouds:
    """Find cloud in an image that comes without a classification.

    Parameters
    ----------
    reflectance
        Planes ``(y, x)`` by band; NaN where not seen. Needs two visible bands; without them nothing is found.
    pixel_m
        Edge of a pixel on the ground, metres.
    sun_azimuth_deg
        Where the sun stands, degrees clockwise from the grid's north; without it no shadow is looked for.
    options
        What counts.
    """
    visible = [reflectance[band] for band in VISIBLE if band in reflectance]
    seen = np.all([np.isfinite(plane) for plane in reflectance.values()], axis=0)
    if len(visible) < 2 or not seen.any():
        return Clouds(~seen, float((~seen).mean()))
    mean = np.where(seen, np.mean(visible, axis=0), 0).astype(np.float32)
    white = np.ptp(visible, axis=0) <= options.white * np.maximum(mean, 1e-3)
    bright = np.nan_to_num(darkness(reflectance)) >= 0.5 * mean  # foam and glint are dark in the infrared
    ground = float(np.percentile(mean[seen], 95))
    core = seen & white & bright & (mean > options.over_land * ground)
    patch = _soft_and_large(core, mean, pixel_m, options)
    hidden = _grown(patch, 2 * options.dilate_m / pixel_m)
    if sun_azimuth_deg is not None and patch.any():
        hidden |= _shadow(patch, reflectance, sun_azimuth_deg, pixel_m, options)
    hidden |= ~seen
    return Clouds(hidden, float(hidden.mean()))


def _ship_sized(flagged: Mask, pixel_m: float, options: CloudOptions) -> Mask:
    """Patches no larger than a ship with clear pixels all round."""
    labels, count = ndimage.label(flagged, EIGHT)
    small = np.zeros(count + 1, bool)
    reach = int(np.ceil(options.clear_ring_m / pixel_m))
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        rows, cols = (slice(max(0, side.start - reach), side.stop + reach) for side in box)
        own = labels[rows, cols] == label
        if not _fits_a_ship(own, pixel_m, options):
            continue
        ring = _grown(own, reach) & ~own
        small[label] = (~flagged[rows, cols][ring]).mean() >= options.clear_share
    return np.asarray(small[labels])


def _fits_a_ship(own: Mask, pixel_m: float, options: CloudOptions) -> bool:
    rows, cols = np.nonzero(own)
    centred = np.stack([rows - rows.mean(), cols - cols.mean()])
    short, long = np.sqrt(12 * np.linalg.eigvalsh(centred @ centred.T / len(rows)) + 1) * pixel_m
    return bool(long <= options.ship_length_m and short <= options.ship_width_m)


def _soft_and_large(core: Mask, mean: Plane, pixel_m: float, options: CloudOptions) -> Mask:
    labels, count = ndimage.label(ndimage.binary_closing(core, EIGHT), EIGHT)
    keep = np.zeros(count + 1, bool)
    steps = max(1, round(options.edge_m / pixel_m))
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        rows, cols = (slice(max(0, side.start - 2 * steps), side.stop + 2 * steps) for side in box)
        own = labels[rows, cols] == label
        if own.sum() * pixel_m**2 < options.min_area_m2:
            continue
        plane = mean[rows, cols]
        step = np.maximum(np.abs(plane - np.roll(plane, steps, 0)), np.abs(plane - np.roll(plane, steps, 1)))
        rim = own & ~ndimage.binary_erosion(own, EIGHT)
        keep[label] = np.median(step[rim] / np.maximum(plane[own].mean(), 1e-3)) <= options.sharp
    return np.asarray(keep[labels])


def _shadow(
    patch: Mask,
    reflectance: Mapping[str, Plane],
    sun_azimuth_deg: float,
    pixel_m: float,
    options: CloudOptions,
) -> Mask:
    """Dark ground away from the sun, at the distance at which the clouds' outline covers most of it."""
    dark = np.nan_to_num(darkness(reflectance), nan=1.0)
    size = 2 * int(np.ceil(500 / pixel_m)) + 1
    around = ndimage.uniform_filter(dark, size)
    shade = dark < options.dark * around
    if "nir" in reflectance and "red" in reflectance:  # water is dark without a shadow, and more so in nir
        shade &= np.nan_to_num(reflectance["nir"]) > np.nan_to_num(reflectance["red"])
    toward = np.radians(sun_azimuth_deg + 180)
    best, hidden = 0.0, np.zeros_like(patch)
    for distance in np.arange(options.shadow_m[0], options.shadow_m[1], 4 * pixel_m):
        shift = -np.cos(toward) * distance / pixel_m, np.sin(toward) * distance / pixel_m
        moved = _moved(patch, round(shift[0]), round(shift[1])) & ~patch
        cover = float(shade[moved].mean()) if moved.any() else 0.0
        if cover > max(best, 0.5):
            best, hidden = cover, moved
    return _grown(hidden, options.dilate_m / pixel_m) if best else hidden


def _moved(mask: Mask, rows: int, cols: int) -> Mask:
    out = np.zeros_like(mask)
    height, width = mask.shape
    if abs(rows) < height and abs(cols) < width:
        out[max(0, rows) : height + min(0, rows), max(0, cols) : width + min(0, cols)] = mask[
            max(0, -rows) : height + min(0, -rows), max(0, -cols) : width + min(0, -cols)
        ]
    return out


def _grown(mask: Mask, radius_px: float) -> Mask:
    if not mask.any():
        return mask
    return np.asarray(ndimage.distance_transform_edt(~mask) <= radius_px)
