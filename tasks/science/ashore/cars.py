"""Rail cars one by one, at 0.7 m and finer: between two cars one sees the ballast.

A file of cars is followed along its track, and gaps are looked for in its profile by what a gap looks like:
a metre of less colour between shoulders on both sides. Gaps that are surely there give the least number of
cars, those that may be there the most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.plots import Plot

Line = npt.NDArray[np.floating]


@dataclass(frozen=True)
class CarOptions:
    """How files and the gaps in them are found."""

    along_m: float = 0.5
    across_m: float = 0.5
    """Cells into which pixels are sorted."""

    file_sd_m: float = 3.0
    """Of the average along the track in which files are found: gaps close in it."""

    across_sd_m: float = 0.4
    """Across: two metres lie between cars on neighbouring tracks."""

    least: float = 0.03
    edge: float = 0.5
    track_m: float = 5.2
    shortest_m: float = 24.0
    """As in `RailOptions`."""

    half_width_m: float = 1.0
    """Of the strip along the middle of a file from which its profile is taken."""

    gap_m: float = 1.0
    shoulder_m: float = 2.0
    """Of a gap between couplings, and of what is compared with it on either side."""

    sure: float = 0.25
    possible: float = 0.12
    """Depth of a gap, of the height of its lower shoulder: a loaded flat's is 0.6, that between two empty
    hoppers 0.2 after blur."""

    narrowest_m: float = 1.8
    widest_m: float = 4.2
    """Of a file at half height: cars are 3 m wide. Wet ground, shade and the edge of a cloud are not."""

    shortest_car_m: float = 9.0
    longest_car_m: float = 26.0
    usual_car_m: float = 12.0
    """Four-axle hoppers are 12 to 15 m long over couplings, flats up to 26 m."""


DEFAULT_CARS = CarOptions()


@dataclass(frozen=True)
class File:
    """Cars one behind another on one track."""

    start_m: float
    end_m: float
    """Along the axis of the bundle."""

    across_m: float
    """Of its middle from that of the bundle."""

    cars_low: int
    cars_high: int

    @property
    def length_m(self) -> float:
        """Metres of track that it takes."""
        return self.end_m - self.start_m


def find_files(
    change: npt.NDArray[np.float64],
    along_m: Line,
    across_m: Line,
    plot: Plot,
    options: CarOptions = DEFAULT_CARS,
) -> list[File]:
    """Find the files of cars on a bundle of tracks.

    Parameters
    ----------
    change
        ``(band, pixel)`` change of each band's ratio to the mean of all, of the pixels seen.
    along_m, across_m
        Where they lie, as in `Plot`.
    plot
        The bundle.
    options
        Thresholds.
    """
    shape = int(plot.length_m // options.along_m) + 1, int(plot.width_m // options.across_m) + 1
    row = np.clip(along_m // options.along_m, 0, shape[0] - 1).astype(np.intp)
    col = np.clip((across_m + plot.width_m / 2) // options.across_m, 0, shape[1] - 1).astype(np.intp)
    cell = row * shape[1] + col
    count = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    sums = np.stack([np.bincount(cell, v, count.size).reshape(shape).astype(np.float64) for v in change])
    wide = options.file_sd_m / options.along_m, options.across_sd_m / options.across_m
    contrast = _averaged(sums, count, wide)
    near = int(options.track_m / options.across_m) | 1
    height = ndimage.maximum_filter1d(contrast, near, axis=1)
    labels, _ = ndimage.label(contrast > np.maximum(options.least, options.edge * height))
    fine = _averaged(sums, count, (0.5 * options.gap_m / options.along_m, wide[1]))
    files = []
    for label, place in enumerate(ndimage.find_objects(labels), start=1):
        if (place[0].stop - place[0].start) * options.along_m >= options.shortest_m:
            files += _file(labels[place] == label, fine[place], contrast[place], place, plot, options)
    return files


def _averaged(sums: Line, count: Line, spread: tuple[float, float]) -> Line:
    weight = ndimage.gaussian_filter(count, spread, mode="constant")
    means = [ndimage.gaussian_filter(s, spread, mode="constant") / np.maximum(weight, 1e-9) for s in sums]
    return np.where(weight > 1e-2, np.sqrt(np.mean(np.square(means), axis=0)), 0.0)


def _file(
    mask: npt.NDArray[np.bool_],
    fine: Line,
    smooth: Line,
    place: tuple[slice, ...],
    plot: Plot,
    options: CarOptions,
) -> list[File]:
    length = len(mask) * options.along_m
    if not options.narrowest_m <= mask.sum() / len(mask) * options.across_m <= options.widest_m:
        return []
    inside = np.where(mask, smooth, 0.0)
    middle = float((inside.sum(axis=0) @ np.arange(mask.shape[1])) / inside.sum())
    strip = np.abs(np.arange(mask.shape[1]) - middle) <= options.half_width_m / options.across_m
    low, high = count_cars(fine[:, strip].mean(axis=1), options)
    start = place[0].start * options.along_m
    across = (place[1].start + middle + 0.5) * options.across_m - plot.width_m / 2
    return [File(start, start + length, across, low, high)]


def count_cars(profile: Line, options: CarOptions = DEFAULT_CARS) -> tuple[int, int]:
    """Count the cars of a file by the gaps between them.

    Parameters
    ----------
    profile
        ``(place,)`` change of colour along a file, in cells of `CarOptions.along_m`.
    options
        What a gap looks like.

    Returns
    -------
    tuple of int
        Least: one more than the gaps that are surely there. Most: as many as fit between those that may be
        there.
    """
    from scipy import signal  # a fifth of a second, which only looks with trains need

    deep = gap_depths(profile, options)
    apart = int(options.shortest_car_m / options.along_m)
    inner = slice(apart, max(len(deep) - apart, apart))
    sure, possible = (
        signal.find_peaks(deep[inner], height=height, distance=apart)[0]
        for height in (options.sure, options.possible)
    )
    length = len(profile) * options.along_m
    low = max(len(sure) + 1, int(np.ceil(length / options.longest_car_m)))
    # Between gaps that may be there, as many cars as fit: gaps fade where empty cars stand.
    ends = np.concatenate([[0.0], (possible + apart) * options.along_m, [length]])
    fits = int(np.maximum(np.round(np.diff(ends) / _pitch(sure, options)), 1).sum())
    return low, max(min(fits, int(length / options.shortest_car_m)), low)


def _pitch(gaps: npt.NDArray[np.intp], options: CarOptions) -> float:
    """Length of a car over couplings: of this file where it is regular, else of a short usual one."""
    steps = np.diff(gaps) * options.along_m
    if len(steps) < 3 or np.ptp(np.quantile(steps, (0.25, 0.75))) > 0.15 * np.median(steps):
        return options.usual_car_m
    return float(np.median(steps))


def gap_depths(profile: Line, options: CarOptions = DEFAULT_CARS) -> Line:
    """Tell how far each place lies below the lower of its shoulders, as a share of it.

    Parameters
    ----------
    profile
        ``(place,)`` change of colour along a file.
    options
        Sizes of gaps and shoulders.
    """
    shoulder = max(round(options.shoulder_m / options.along_m), 1)
    mean = ndimage.uniform_filter1d(profile, shoulder, mode="nearest")
    away = shoulder + round(options.gap_m / options.along_m)
    padded = np.pad(mean, away, mode="constant")
    sides = np.minimum(padded[: -2 * away], padded[2 * away :])
    return np.asarray((sides - profile) / np.maximum(sides, options.least))
