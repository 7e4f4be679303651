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
from tasks.science.ashore.cars import find_files
from tasks.science.plots import Plot

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Section = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RailOptions:
    """How trains are told from bare tracks."""

    coarsest_m: float = 5.0
    """Pixel above which nothing is measured: a car is three metres wide."""

    finest_m: float = 0.7
    """Pixel from which cars are told one by one."""

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

    faint: float = 0.02
    """Change down to which a file is followed across, once it is found: noise stays below."""

    edge: float = 0.5
    """Share of the strongest change near by at which a file ends: halfway, where blur moves no edge."""

    track_m: float = 5.2
    """Between tracks: 4.8 to 5.3 m in yards. So wide is one file at half height after blur, too."""

    shortest_m: float = 24.0
    """Of a file: two cars. Lorries and cranes on the tracks are shorter."""

    rim_m: float = 2.0
    """Of the bundle, along its sides: the middle of a car stands further in, and neighbours blur over."""

    shade: float = 0.12
    """Fall of every band, in nepers, from which a pixel lies in shade, which is blue: not seen. Rust and
    paint are lighter than ballast in one band or the other."""

    most_snow: float = 0.15
    """Share of the bundle under snow: what lies between the patches is half under snow as well."""

    snow_rise: float = 0.03
    """Rise of reflectance in every band from which ground lies under snow; haze raises blue alone."""


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
    rises = {plot.zone_id: _rise(planes, bare, bands, plot, seen) for plot in plots}
    known = [rise for rise in rises.values() if np.isfinite(rise).any()]
    haze = np.nanmedian(np.concatenate(known, axis=1), axis=1) if known else np.full(len(bands), np.nan)
    if not haze.min() < options.snow_rise:
        return {plot.zone_id: RailLook("not_seen", None) for plot in tracks}
    looks = {}
    for plot in tracks:
        level = np.stack([bare[band][plot.rows, plot.cols] for band in bands])
        looks[plot.zone_id] = _look(rises[plot.zone_id] - haze[:, None], level, plot, pixel_m, options)
    return looks


def _rise(
    planes: Mapping[str, Plane], bare: Mapping[str, Plane], bands: Sequence[str], plot: Plot, seen: Mask
) -> npt.NDArray[np.float64]:
    """Take the empty place off each band, ``(band, pixel)``; NaN where one of them is not seen."""
    place = plot.rows, plot.cols
    rise = np.stack([planes[band][place] - bare[band][place] for band in bands]).astype(np.float64)
    rise[:, ~seen[place] | ~np.isfinite(rise).all(axis=0)] = np.nan
    return rise


def _look(
    rise: npt.NDArray[np.float64],
    bare: npt.NDArray[np.floating],
    plot: Plot,
    pixel_m: float,
    options: RailOptions,
) -> RailLook:
    ratio = np.log(np.maximum(1 + rise / bare, 0.05))
    seen = np.isfinite(ratio).all(axis=0)
    snow = seen & (rise > options.snow_rise).all(axis=0)
    seen &= ~(ratio < -options.shade).all(axis=0) & ~snow
    if not len(seen) or seen.mean() < options.min_seen or snow.mean() > options.most_snow:
        return RailLook("not_seen", None)
    change = ratio[:, seen] - ratio[:, seen].mean(axis=0)
    if pixel_m <= options.finest_m:
        files = find_files(change, plot.along_m[seen], plot.across_m[seen], plot)
        low, high = (sum(getattr(file, name) for file in files) for name in ("cars_low", "cars_high"))
        return RailLook("", float(sum(file.length_m for file in files)), low, high)
    contrast = cross_sections(change, plot.along_m[seen], plot.across_m[seen], plot, options)
    tracks = tracks_taken(contrast, options)
    return RailLook("", float(tracks.sum() * options.along_m))


def cross_sections(
    change: npt.NDArray[np.float64],
    along_m: npt.NDArray[np.float64],
    across_m: npt.NDArray[np.float64],
    plot: Plot,
    options: RailOptions,
) -> Section:
    """Average the change of colour in cells along and across, ``(section, cell)``; 0 if nothing is seen."""
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
    rim = int(np.ceil(options.rim_m / options.across_m))
    peak = contrast[:, rim : contrast.shape[1] - rim].max(axis=1, initial=0.0)
    # What is strongest at the rim stands outside: grass, an apron that has slid in.
    outside = np.maximum(
        contrast[:, :rim].max(axis=1, initial=0.0), contrast[:, -rim:].max(axis=1, initial=0.0)
    )
    peak = np.where(outside > peak, 0.0, peak)
    window = int(options.shortest_m / options.along_m) | 1
    # A file ends at half of its height near its end: loaded cars and empty ones follow one another.
    strongest = ndimage.maximum_filter1d(peak, int(3 * options.along_sd_m / options.along_m) | 1)
    level = np.maximum(options.least, options.edge * strongest)
    taken = ndimage.binary_opening(peak > level, np.ones(window, bool))
    # Each file ends at half of its own height: empty cars stand beside loaded ones.
    near = int(options.track_m / options.across_m) | 1
    height = ndimage.maximum_filter1d(contrast, near, axis=1)
    wide = (contrast > np.maximum(options.faint, options.edge * height)).sum(axis=1) * options.across_m
    count = np.where(taken, np.maximum(wide / options.track_m, 1), 0)
    smooth = ndimage.median_filter(count, 2 * window + 1)
    return np.where(taken, np.maximum(np.round(np.where(smooth > 0, smooth, count)), 1), 0).astype(np.intp)
