"""How much a zone changed between two images of one series, beyond light, season and registration.

Two dates of the same ground differ by the light, by what the season does to all of it, by a fraction of a
pixel that one image lies off the other, and by noise; only what is left is change. The first three are one
least-squares fit per kind of ground (water, quayside, land): now = a · then + b + slide · gradient,
refitted without what came or went (Lucas & Kanade 1981 for the slide; relative normalisation after Canty &
Nielsen 2008). What is left is measured in that pair's own noise, and its energy is given less the noise's,
so that numbers of different dates can be laid side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from tasks.science.radiometry import MAD_TO_SD

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Column = npt.NDArray[np.float32]

FALSE_ALARM = 1e-4
"""Share of unchanged pixels that count as changed, were the noise Gaussian; its tails are heavier."""

FITTED_PX = 20_000
"""Pixels of a kind of ground from which light and slide are fitted; more do not change the fit."""

FEWEST_PX = 60
"""Common pixels without which two dates are not compared."""

OUTLIER = 3.0
"""Spreads beyond which a pixel has no part in the fit."""

TINY = 1e-9


@dataclass(frozen=True)
class Change:
    """What became of one zone between two dates."""

    fraction: float
    """Share of the pixels seen on both dates that changed."""

    energy: float
    """Mean squared difference of them all, less the noise's; squared units of the planes, 0 at least."""

    explained: float
    """Share of the raw mean squared difference, less the noise's, that light, season and slide explain."""


@dataclass(frozen=True)
class Ground:
    """Where a site is compared: the pixels of its zones, in one list."""

    rows: npt.NDArray[np.intp]
    cols: npt.NDArray[np.intp]

    kinds: tuple[npt.NDArray[np.intp], ...]
    """Members of the list, by kind of ground: open water, quayside, land."""

    zones: Mapping[str, npt.NDArray[np.intp]]
    """Members of the list, by zone id."""


def lay_ground(zones: Mapping[str, Mask], water: Mask, quayside: Mask) -> Ground:
    """List the pixels in which a site is compared.

    Parameters
    ----------
    zones
        ``(y, x)`` pixels of each zone.
    water, quayside
        ``(y, x)`` open water, and the strips of the berths, where a slide moves the echo of the wall. All
        else is land.
    """
    union = np.zeros(water.shape, bool)
    for mask in zones.values():
        union |= mask
    rows, cols = np.nonzero(union)
    number = np.full(water.shape, -1, np.intp)
    number[rows, cols] = np.arange(len(rows))
    kind = np.where(quayside, 1, np.where(water, 0, 2))[rows, cols]
    kinds = tuple(members for k in range(3) if (members := np.flatnonzero(kind == k)).size)
    return Ground(rows, cols, kinds, {name: number[mask] for name, mask in zones.items()})


@dataclass(frozen=True)
class View:
    """One date of a site, on the pixels of its `Ground`."""

    values: Mapping[str, Column]
    """By plane; NaN where not seen."""

    slopes: Mapping[str, tuple[Column, Column]]
    """By plane its gradient along rows and columns, per pixel; 0 where it cannot be told."""


def view_of(planes: Mapping[str, Plane], seen: Mask, ground: Ground) -> View:
    """Take what a date shows of a site.

    Parameters
    ----------
    planes
        ``(y, x)`` on one scale for all dates: reflectance, or spreads above the water.
    seen
        ``(y, x)``; what is not seen has no part.
    ground
        The site's pixels.
    """
    at = ground.rows, ground.cols
    shown = seen[at]
    values, slopes = {}, {}
    for name, plane in planes.items():
        values[name] = np.where(shown, plane[at], np.float32(np.nan))
        slopes[name] = _slope(plane, at[0], at[1], 0), _slope(plane, at[0], at[1], 1)
    return View(values, slopes)


def compare(now: View, then: View, ground: Ground) -> dict[str, Change | None]:
    """Tell of every zone how it changed between two dates; None where they have too little in common."""
    names = [name for name in now.values if name in then.values]
    raw = np.full((len(names), len(ground.rows)), np.nan, np.float32)
    left, noise = raw.copy(), np.full_like(raw, np.nan)
    for k, name in enumerate(names):
        raw[k] = now.values[name] - then.values[name]
        for members in ground.kinds:
            fit = _unexplained(now.values[name], then.values[name], then.slopes[name], members)
            if fit is not None:
                left[k, members], noise[k, members] = fit
    return {zone: _summary(raw[:, at], left[:, at], noise[:, at]) for zone, at in ground.zones.items()}


def _summary(raw: Plane, left: Plane, noise: Plane) -> Change | None:
    both = np.isfinite(left).all(axis=0)
    if both.sum() < min(FEWEST_PX, max(left.shape[1] // 2, 1)):
        return None
    raw, left, noise = raw[:, both], left[:, both], noise[:, both]
    limit = stats.chi2.isf(FALSE_ALARM, len(left)) / len(left)
    changed = ((left / noise) ** 2).mean(axis=0) > limit
    before, after = float((raw**2).mean()), float((left**2).mean())
    grain = float((noise.min(axis=1) ** 2).mean())
    energy = max(after - float((noise**2).mean()), 0.0)
    return Change(
        float(changed.mean()), energy, float(np.clip((before - after) / max(before - grain, TINY), 0, 1))
    )


def _unexplained(
    now: Column, then: Column, slopes: tuple[Column, Column], members: npt.NDArray[np.intp]
) -> tuple[Column, Column] | None:
    """Give what light and slide leave of a difference, and its noise, for some pixels."""
    design = np.stack([then[members], np.ones(members.size, np.float32), *(s[members] for s in slopes)], 1)
    target = now[members]
    usable = np.flatnonzero(np.isfinite(target) & np.isfinite(design[:, 0]))
    if usable.size < FEWEST_PX:
        return None
    used = usable[:: max(usable.size // FITTED_PX, 1)]
    # Raw differences begin: most of the ground is as it was, so their median and spread tell who differs.
    start = target[used] - design[used, 0]
    kept = used[_within(start)]
    for _ in range(3):
        weights = _solve(design[kept], target[kept])
        rest = np.asarray(target[used] - design[used] @ weights, np.float32)
        kept = used[_within(rest)]
    spread = max(MAD_TO_SD * float(np.median(np.abs(rest))), TINY)
    # A slide that is not the same everywhere, and blur that differs: a share of the slope is noise too.
    steep = np.hypot(design[:, 2], design[:, 3]) * np.float32(0.2)
    left = np.asarray(target - design @ weights, np.float32)
    return left, np.hypot(np.float32(spread), steep).astype(np.float32)


def _within(rest: Column) -> Mask:
    offset = rest - np.median(rest)
    return np.asarray(np.abs(offset) <= OUTLIER * max(MAD_TO_SD * float(np.median(np.abs(offset))), TINY))


def _solve(design: Plane, target: Column) -> Column:
    """Least squares by the normal equations, kept from ruin on flat ground by a whisper of a prior."""
    scale = np.maximum(np.abs(design).max(axis=0), TINY)
    wide = (design / scale).astype(np.float64)
    normal = wide.T @ wide
    normal[np.diag_indices_from(normal)] += 1e-6 * len(wide)
    return np.asarray(np.linalg.solve(normal, wide.T @ target) / scale, dtype=np.float32)


def _slope(plane: Plane, rows: npt.NDArray[np.intp], cols: npt.NDArray[np.intp], axis: int) -> Column:
    """Half the difference of the two neighbours along an axis, at some pixels only."""
    last = plane.shape[axis] - 1
    step = [rows, cols]
    at = step[axis]
    step[axis] = np.minimum(at + 1, last)
    ahead = plane[step[0], step[1]]
    step[axis] = np.maximum(at - 1, 0)
    return np.asarray(np.nan_to_num((ahead - plane[step[0], step[1]]) / 2), np.float32)
