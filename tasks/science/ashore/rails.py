"""How many metres of track are taken by rail cars, at 5 m and finer.

Cars stand in straight files on tracks some five metres apart, of which no map is at hand. What tells them
from shade, wet ballast and a picture that lies a metre off is colour: these make all bands darker or lighter
together, while rust, paint and boxes change their ratios. So the ratios of the bands are compared with those
of the empty bundle, averaged along the axis, and read off in cross-sections: how far along the anomaly runs,
and how many tracks wide it is. Black and grey cars on grey ballast are missed; cross shade is not counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.model import ZoneKind
from tasks.science.plots import Plot

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Section = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RailOptions:
    """How trains are told from bare tracks."""

    coarsest_m: float = 5.0
    """Pixel above which nothing is measured: a car is three metres wide."""

    min_seen: float = 0.5
    """Share of the bundle that must be seen."""

    along_m: float = 3.0
    across_m: float = 1.0
    """Cells into which pixels are sorted: the axis is oblique to the grid, so rows of pixels fall between."""

    along_sd_m: float = 6.0
    across_sd_m: float = 1.0
    """Of the average around each cell: files are long and narrow."""

    least: float = 0.03
    """Change of a band's ratio to the mean of all from which cells are taken."""

    edge: float = 0.5
    """Share of the strongest change near by at which a file ends: halfway, where blur moves no edge."""

    track_m: float = 5.2
    """Between tracks: 4.8 to 5.3 m in yards. So wide is one file at half height after blur, too."""

    shortest_m: float = 24.0
    """Of a file: two cars. Lorries and cranes on the tracks are shorter."""

    snow: float = 1.6
    """Times the bare blue from which a pixel lies under snow."""


DEFAULT_RAILS = RailOptions()


@dataclass(frozen=True)
class RailLook:
    """What one scene tells of one bundle of tracks."""

    flag: str
    """Empty, or why nothing is told: ``not_seen``, ``not_measured``."""

    occupied_m: float | None
    """Metres of track under cars, all tracks together."""

    cars_low: int | None = None
    cars_high: int | None = None
    """Least and most cars; None where pixels are too coarse to tell one from the next."""


def measure_rails(
    planes: Mapping[str, Plane],
    bare: Mapping[str, Plane],
    plots: Sequence[Plot],
    seen: Mask,
    pixel_m: float,
    options: RailOptions = DEFAULT_RAILS,
) -> dict[str, RailLook]:
    """Measure every bundle of tracks in one scene.

    Parameters
    ----------
    planes
        Each band, ``(y, x)`` reflectance.
    bare
        The same bands of the empty place, ``(y, x)`` reflectance; NaN where it is not known.
    plots
        Yards and tracks of the site: the tracks are measured, and all of them tell the date's light.
    seen
        ``(y, x)`` pixels that the scene shows.
    pixel_m
        Edge of a pixel, metres.
    options
        Thresholds.

    Returns
    -------
    dict
        By zone id.
    """
    bands = [band for band in planes if band in bare]
    tracks = [plot for plot in plots if plot.kind is ZoneKind.RAIL_YARD]
    if pixel_m > options.coarsest_m or len(bands) < 2:
        return {plot.zone_id: RailLook("not_measured", None) for plot in tracks}
    changes = {plot.zone_id: _change(planes, bare, bands, plot, seen, options) for plot in plots}
    known = [change for change in changes.values() if np.isfinite(change).any()]
    light = np.nanmedian(np.concatenate(known, axis=1), axis=1) if known else np.zeros(len(bands))
    return {plot.zone_id: _look(changes[plot.zone_id] - light[:, None], plot, options) for plot in tracks}


def _change(
    planes: Mapping[str, Plane],
    bare: Mapping[str, Plane],
    bands: Sequence[str],
    plot: Plot,
    seen: Mask,
    options: RailOptions,
) -> npt.NDArray[np.float64]:
    """Change of each band's ratio to the mean of all, ``(band, pixel)`` in nepers; NaN where not seen."""
    place = plot.rows, plot.cols
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(np.stack([planes[b][place] / bare[b][place] for b in bands]).astype(np.float64))
    blue = ratio[bands.index("blue")] if "blue" in bands else ratio.mean(axis=0)
    ratio[:, ~seen[place] | ~np.isfinite(ratio).all(axis=0) | (blue > np.log(options.snow))] = np.nan
    return np.asarray(ratio - ratio.mean(axis=0))


def _look(change: npt.NDArray[np.float64], plot: Plot, options: RailOptions) -> RailLook:
    seen = np.isfinite(change[0])
    if not len(seen) or seen.mean() < options.min_seen:
        return RailLook("not_seen", None)
    contrast = cross_sections(change[:, seen], plot.along_m[seen], plot.across_m[seen], plot, options)
    tracks = tracks_taken(contrast, options)
    return RailLook("", float(tracks.sum() * options.along_m))


def cross_sections(
    change: npt.NDArray[np.float64],
    along_m: npt.NDArray[np.float64],
    across_m: npt.NDArray[np.float64],
    plot: Plot,
    options: RailOptions,
) -> Section:
    """Average the change of colour in cells along and across, ``(section, cell)``; 0 where nothing is seen."""
    shape = int(plot.length_m // options.along_m) + 1, int(plot.width_m // options.across_m) + 1
    row = np.clip(along_m // options.along_m, 0, shape[0] - 1).astype(np.intp)
    col = np.clip((across_m + plot.width_m / 2) // options.across_m, 0, shape[1] - 1).astype(np.intp)
    spread = options.along_sd_m / options.along_m, options.across_sd_m / options.across_m

    def averaged(values: npt.NDArray[np.float64]) -> Section:
        sums = np.bincount(row * shape[1] + col, values, shape[0] * shape[1]).reshape(shape)
        return np.asarray(ndimage.gaussian_filter(sums, spread, mode="constant"))

    weight = averaged(np.ones(len(row)))
    means = [averaged(values) / np.maximum(weight, 1e-9) for values in change]
    return np.where(weight > 1e-3, np.sqrt(np.mean(np.square(means), axis=0)), 0.0)


def tracks_taken(contrast: Section, options: RailOptions) -> npt.NDArray[np.intp]:
    """Count the tracks taken in every section, ``(section,)``."""
    peak = contrast.max(axis=1)
    window = int(options.shortest_m / options.along_m) | 1
    strongest = ndimage.maximum_filter(peak, 2 * window + 1)
    level = np.maximum(options.least, options.edge * strongest)
    taken = ndimage.binary_opening(peak > level, np.ones(window, bool))
    wide = (contrast > (options.edge * peak)[:, None]).sum(axis=1) * options.across_m
    count = np.where(taken, np.maximum(wide / options.track_m, 1), 0)
    smooth = ndimage.median_filter(count, 2 * window + 1)
    return np.where(taken, np.maximum(np.round(np.where(smooth > 0, smooth, count)), 1), 0).astype(np.intp)
