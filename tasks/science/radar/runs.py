"""Ships along a quay: where one begins and ends, and where one ends and the next begins.

The profile of a face is its brightness above the empty berth, cross-section by cross-section. A ship is a
run of it. Its ends are where the flank falls to a share of the ship's own brightness there, not of one very
bright spot elsewhere; moored bow to stern, ships are one run with a dip.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.science.quays import Slot

Profile = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RunOptions:
    """What counts as a ship in a profile; brightness in spreads of a pixel's noise on the date."""

    bright: float = 1.5
    """Brightness above the empty berth that a ship's cross-sections have; their noise is half a spread."""

    peak: float = 2.5
    """Brightness that some three cross-sections of it have."""

    gap_m: float = 20.0
    """Gaps in a run that are closed: a dark deck, not a free berth."""

    flank: float = 0.5
    """Share of the brightness just inside at which an end lies."""

    flank_m: float = 30.0
    """Apparent length of a point at that share, taken off in quadrature: it hardly lengthens a long ship."""

    inside_m: float = 40.0
    """How far inside "just inside" reaches."""

    blur_m: float = 20.0
    """Resolution cell; a run that reaches less than this into the next berth does not take it."""

    length_sd_m: float = 16.0
    """Standard error of a length, whatever it is: of 1,581 ships at simulated quays (two half-years each of
    `busy` and `random`, and `najin-2023`) two thirds were measured to 15 m."""

    min_length_m: float = 40.0
    """Detection limit: two resolution cells. A shorter run is a tug, a crane or a truck, or noise."""

    too_long: float = 1.15
    """A run longer than this many lengths of its berth is more than one ship: a berth is as long as the
    ships that use it."""

    dip: float = 0.35
    border_dip: float = 0.7
    border_m: float = 20.0
    """Share of the brightness on either side below which a run is parted; near the border of two berths,
    where ships end, less of a dip tells."""

    noise: float = 0.5
    """What a cross-section may be dark by chance: a dip is no dip without it. Dark hulls were parted into
    pieces too faint for ships."""


DEFAULT_RUNS = RunOptions()


@dataclass(frozen=True)
class Run:
    """A stretch of quay that is taken, metres along the face's axis."""

    start_m: float
    end_m: float

    @property
    def length_m(self) -> float:
        """Length."""
        return self.end_m - self.start_m

    def within(self, slot: Slot) -> float:
        """Metres of a berth that it takes."""
        return max(0.0, min(self.end_m, slot.end_m) - max(self.start_m, slot.start_m))


def find_runs(
    profile: Profile,
    origin_m: float,
    pixel_m: float,
    slots: tuple[Slot, ...],
    options: RunOptions = DEFAULT_RUNS,
) -> list[Run]:
    """Find the ships along a face.

    Parameters
    ----------
    profile
        ``(section,)`` brightness above the empty berth; NaN where it is not known or not seen.
    origin_m
        Where the first cross-section begins.
    pixel_m
        Width of a cross-section.
    slots
        The face's berths.
    options
        Thresholds.

    Returns
    -------
    list of Run
        From the start of the axis.
    """
    if not profile.size:
        return []
    values = np.nan_to_num(profile, nan=0.0)
    borders = [(slot.start_m - origin_m) / pixel_m for slot in slots]
    longest = max((slot.length_m for slot in slots), default=0.0)
    runs = []
    for first, last in _lit(values, pixel_m, options):
        for start, end in _parted(values, first, last, borders, longest / pixel_m, pixel_m, options):
            if _smooth(values)[start:end].max() < options.peak:
                continue
            low = _flank(values, start, end, start > first, pixel_m, options)
            turned = values[::-1], len(values) - end, len(values) - start
            high = len(values) - _flank(*turned, end < last, pixel_m, options)
            run = _sized(origin_m + low * pixel_m, origin_m + high * pixel_m, options)
            if run.length_m >= options.min_length_m:
                runs.append(run)
    return runs


def _smooth(values: Profile) -> Profile:
    padded = np.pad(values, 1, mode="edge")
    return np.asarray((padded[:-2] + padded[1:-1] + padded[2:]) / 3)


def _lit(values: Profile, pixel_m: float, options: RunOptions) -> list[tuple[int, int]]:
    """List stretches of bright cross-sections, gaps closed: first, and one beyond the last."""
    lit = np.flatnonzero(_smooth(values) > options.bright)
    if not lit.size:
        return []
    breaks = np.flatnonzero(np.diff(lit) - 1 > round(options.gap_m / pixel_m))
    return [(int(part[0]), int(part[-1]) + 1) for part in np.split(lit, breaks + 1)]


def _parted(
    values: Profile,
    first: int,
    last: int,
    borders: list[float],
    longest: float,
    pixel_m: float,
    options: RunOptions,
) -> list[tuple[int, int]]:
    """Part a stretch at its deepest dip, as long as a dip or its length says that there are two ships."""
    least = round(options.min_length_m / pixel_m)
    cuts = np.arange(first + least, last - least + 1)
    if not cuts.size:
        return [(first, last)]
    depth = np.array([_depth(values, first, last, int(cut), options.noise) for cut in cuts])
    apart = np.min([np.abs(cuts - border) for border in [*borders, np.inf]], axis=0)
    near = apart <= options.border_m / pixel_m
    # Of dips alike the one nearest the border.
    excess = depth / np.where(near, options.border_dip, options.dip) + 0.02 * np.minimum(apart, 10)
    k = int(np.argmin(excess))
    if excess[k] > 1 and last - first <= options.too_long * longest:
        return [(first, last)]
    cut = int(cuts[k])
    parts = [
        _parted(values, *part, borders, longest, pixel_m, options) for part in ((first, cut), (cut, last))
    ]
    return parts[0] + parts[1]


def _depth(values: Profile, first: int, last: int, cut: int, noise: float) -> float:
    """Brightness at a cut, between two cross-sections, as a share of that of the darker side."""
    sides = float(np.median(values[first:cut])), float(np.median(values[cut:last]))
    return (float(min(values[cut - 1], values[cut])) + noise) / max(min(sides), 1e-6)


def _sized(start_m: float, end_m: float, options: RunOptions) -> Run:
    """Take the blur off an apparent length."""
    middle, apparent = (start_m + end_m) / 2, end_m - start_m
    length = float(np.sqrt(max(apparent**2 - options.flank_m**2, 0.0)))
    return Run(float(middle - length / 2), float(middle + length / 2))


def _flank(values: Profile, start: int, end: int, is_cut: bool, pixel_m: float, options: RunOptions) -> float:
    """Find where a run begins, in cross-sections; what begins at a cut does not reach beyond it."""
    skirt = round(options.blur_m / pixel_m)
    reach = min(end, start + round(options.inside_m / pixel_m) + skirt)
    inside = float(np.median(values[min(start + skirt, reach - 1) : reach]))
    # A bridge at the very end shines further out than the hull.
    height = options.flank * max(inside, float(values[start : start + skirt + 1].max()))
    k = start + int(np.argmax(values[start:end] >= height))
    if k == 0 or values[k] < height:
        return float(k)
    before = min(values[k - 1], height - 1e-6)
    # Values belong to the middles of cross-sections.
    place = float(k + 0.5 - min(1.0, (values[k] - height) / (values[k] - before)))
    return max(place, float(start) if is_cut else start - 1.0)
