"""How many metres of track are taken by rail cars, at 5 m and finer.

Cars stand in straight files on tracks some five metres apart, of which no map is at hand. What tells them
from shade, wet ballast and a picture that lies a metre off is colour: these make all bands darker or lighter
together, while rust, paint and boxes change their ratios. So the ratios of the bands are compared with those
of the empty bundle, averaged along the axis, and read off in cross-sections: how far along the anomaly runs,
and how many tracks wide it is. Black and grey cars on grey ballast are missed; cross shade is not counted.

Light and slide are taken out first, as for stacks: they are not one sum over the port, and goods on the plots
are no part of the light. Coal beside the tracks is too dark for a ratio; it counts as not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.model import ZoneKind
from tasks.science.ashore.cars import find_files
from tasks.science.ashore.patches import DEFAULT_STACKS, StackOptions
from tasks.science.ashore.stacks import LIGHT_REACH_PX, Ground, around, slide_of
from tasks.science.flags import NOT_MEASURED, NOT_SEEN
from tasks.science.plots import TRACK_M, Plot
from tasks.science.registration import filled, slid

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Section = npt.NDArray[np.float64]


RIM_PX = 5
"""Around a bundle, what a slide and the rims of heaps bring in."""


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

    track_m: float = TRACK_M
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

    dark: float = 0.7
    """Share of the bundle's own ballast (upper quartile) below which remembered ground is a heap, with its
    blurred rim: coal has half the light of ballast, and twice the noise in a ratio."""

    least_known: float = 0.5
    """Share of a cell's surroundings that must be seen: a mean of few pixels is noise, not a train."""

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
    steady: Mask,
    pixel_m: float,
    options: RailOptions = DEFAULT_RAILS,
    lighting: StackOptions = DEFAULT_STACKS,
) -> dict[str, RailLook]:
    """Measure every bundle of tracks in one scene.

    Parameters
    ----------
    planes
        Each band, ``(y, x)`` reflectance.
    bare
        Planes of `learn_bare`, ``<band>`` and ``<band>_spread``, ``(y, x)`` reflectance; NaN where not known.
    plots
        Yards and tracks of the site: the tracks are measured.
    seen
        ``(y, x)`` pixels that the scene shows.
    steady
        ``(y, x)`` ground on which nothing stands: it tells the date's light around each bundle.
    pixel_m
        Edge of a pixel, metres.
    options
        Thresholds.
    lighting
        From when the light is too uneven, and steady ground too white, to tell anything.

    Returns
    -------
    dict
        By zone id.
    """
    bands = [band for band in planes if band in bare]
    tracks = [plot for plot in plots if plot.kind is ZoneKind.RAIL_YARD]
    if pixel_m > options.coarsest_m or len(bands) < 2:
        return {plot.zone_id: RailLook(NOT_MEASURED, None) for plot in tracks}
    known = seen & np.logical_and.reduce([np.isfinite(bare[b]) & np.isfinite(planes[b]) for b in bands])
    ground = Ground({b: planes[b] for b in bands}, bare, known, steady & known, pixel_m)
    slide = slide_of(ground, tracks)
    return {plot.zone_id: _measure(ground, plot, slide, options, lighting) for plot in tracks}


def _measure(
    ground: Ground, plot: Plot, slide: tuple[float, float], options: RailOptions, lighting: StackOptions
) -> RailLook:
    if not plot.rows.size:
        return RailLook(NOT_SEEN, None)
    window = around(plot.rows, plot.cols, LIGHT_REACH_PX)
    lights, white = ground.light(window, lighting)
    if lights is None or white > lighting.snow_lies:
        return RailLook(NOT_SEEN, None)
    window = around(plot.rows, plot.cols, RIM_PX)
    level = np.stack([light.on(slid(filled(ground.bare[b][window]), slide)) for b, light in lights.items()])
    place = plot.rows - window[0].start, plot.cols - window[1].start
    bare = level[:, *place]
    shown = np.stack([ground.planes[b][plot.rows, plot.cols] for b in lights]).astype(np.float64)
    known = ground.known[plot.rows, plot.cols] & ~_heaps(level, bare, options)[place]
    return _look(np.where(known, shown - bare, np.nan), bare, plot, ground.pixel_m, options)


def _heaps(level: npt.NDArray[np.float32], ballast: npt.NDArray[np.float32], options: RailOptions) -> Mask:
    """Tell where remembered ground is a dark heap or its blurred rim, ``(y, x)``."""
    usual = np.percentile(ballast, 75, axis=1)
    dark = (level / usual[:, None, None]).mean(axis=0) < options.dark
    return np.asarray(ndimage.binary_dilation(dark, np.ones((3, 3), bool)))


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
    if seen.mean() < options.min_seen or snow.mean() > options.most_snow:
        return RailLook(NOT_SEEN, None)
    change = ratio - ratio.mean(axis=0)
    if pixel_m <= options.finest_m:
        files = find_files(change[:, seen], plot.along_m[seen], plot.across_m[seen], plot)
        low, high = (sum(getattr(file, name) for file in files) for name in ("cars_low", "cars_high"))
        return RailLook("", float(sum(file.length_m for file in files)), low, high)
    contrast = cross_sections(np.where(seen, change, np.nan), plot, options)
    tracks = tracks_taken(contrast, options)
    return RailLook("", float(tracks.sum() * options.along_m))


def cross_sections(change: npt.NDArray[np.float64], plot: Plot, options: RailOptions) -> Section:
    """Average the change of colour in cells along and across, ``(section, cell)``; 0 if too little is seen.

    Parameters
    ----------
    change
        ``(band, pixel)`` of all pixels of the bundle; NaN where not seen.
    plot
        The bundle.
    options
        Cells, and how far they are averaged.
    """
    shape = int(plot.length_m // options.along_m) + 1, int(plot.width_m // options.across_m) + 1
    row = np.clip(plot.along_m // options.along_m, 0, shape[0] - 1).astype(np.intp)
    col = np.clip((plot.across_m + plot.width_m / 2) // options.across_m, 0, shape[1] - 1).astype(np.intp)
    spread = options.along_sd_m / options.along_m, options.across_sd_m / options.across_m

    def averaged(values: npt.NDArray[np.float64]) -> Section:
        sums = np.bincount(row * shape[1] + col, values, shape[0] * shape[1]).reshape(shape)
        return np.asarray(ndimage.gaussian_filter(sums, spread, mode="constant"))

    seen: Mask = np.asarray(np.isfinite(change).all(axis=0))
    weight, whole = averaged(seen.astype(np.float64)), averaged(np.ones(len(row)))
    means = [averaged(values) / np.maximum(weight, 1e-9) for values in np.where(seen, change, 0.0)]
    told = (whole > 1e-3) & (weight >= options.least_known * whole)
    return np.where(told, np.sqrt(np.mean(np.square(means), axis=0)), 0.0)


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
