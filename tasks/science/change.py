"""How much a zone changed between two images of one series, beyond light, season and registration.

Two dates of the same ground differ by the light, by what the season does to all of it, by a fraction of a
pixel that one image lies off the other, and by noise; only what is left is change. The first three are one
least-squares fit per kind of ground (water, quayside, land): now = a · then + b + slide · gradient,
refitted without what came or went (Lucas & Kanade 1981 for the slide; relative normalisation after Canty &
Nielsen 2008). What is left is measured in that pair's own noise, and its energy is given less the noise's,
so that numbers of different dates can be laid side by side.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from scipy import stats

from tasks.science.radiometry import MAD_TO_SD

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Column = npt.NDArray[np.float32]
Stack = npt.NDArray[np.float32]

FALSE_ALARM = 1e-4
"""Share of unchanged pixels that count as changed, were the noise Gaussian; its tails are heavier."""

KINDS = 3
"""Of ground: open water, quayside, land. Each has its own light and slide."""

FITTED_PX = 5_000
"""Pixels of a kind of ground from which light and slide are fitted; more do not change the fit."""

FEWEST_PX = 60
"""Common pixels without which two dates are not compared."""

OUTLIER = 3.0
"""Spreads beyond which a pixel has no part in the fit."""

UNSTEADY = np.float32(0.2)
"""Share of a slope that is noise too: a slide that is not the same everywhere, and blur that differs."""

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

    kind: npt.NDArray[np.intp]
    """Of each: 0 open water, 1 quayside, 2 land."""

    zones: Mapping[str, npt.NDArray[np.intp]]
    """Members of the list, by zone id."""

    @cached_property
    def members(self) -> list[npt.NDArray[np.intp]]:
        """Those of each kind."""
        return [np.flatnonzero(self.kind == kind) for kind in range(KINDS)]


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
    return Ground(rows, cols, kind, {name: number[mask] for name, mask in zones.items()})


@dataclass(frozen=True)
class View:
    """One date of a site, on the pixels of its `Ground`."""

    names: tuple[str, ...]
    """Of its planes."""

    taken: Stack
    """``(plane, 3, pixel)``: values, NaN where not seen, and their gradient along rows and along columns, 0
    where it cannot be told."""

    def of(self, names: tuple[str, ...]) -> Stack:
        """Give some of the planes."""
        return self.taken if names == self.names else self.taken[[self.names.index(n) for n in names]]


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
    taken = np.zeros((len(planes), 3, ground.rows.size), np.float32)
    for own, plane in zip(taken, planes.values(), strict=True):
        _take(plane, seen, ground.rows, ground.cols, own)
    return View(tuple(planes), taken)


def compare(
    now: View, then: View, ground: Ground, zones: Collection[str] | None = None
) -> dict[str, Change | None]:
    """Tell of zones, all or some, how they changed between two dates; None where too little is in common."""
    names = tuple(name for name in now.names if name in then.names)
    told: dict[str, Change | None] = dict.fromkeys(ground.zones if zones is None else zones)
    if not names:
        return told
    current, former = now.of(names), then.of(names)
    weights, spread = _fits(current, former, ground)
    limit = float(stats.chi2.isf(FALSE_ALARM, len(names)))
    for zone in told:
        at = ground.zones[zone]
        both, changed, *sums = _tally(current, former, weights, spread, ground.kind, at, limit)
        if both >= min(FEWEST_PX, max(len(at) // 2, 1)):
            raw, left, noise, grain = (total / both / len(names) for total in sums)
            explained = (raw - left) / max(raw - grain, TINY)
            told[zone] = Change(changed / both, max(left - noise, 0.0), float(np.clip(explained, 0, 1)))
    return told


def _fits(now: Stack, then: Stack, ground: Ground) -> tuple[Stack, Plane]:
    """Fit light and slide of every plane and kind of ground.

    Gives weights ``(plane, kind, 4)`` and their noise ``(plane, kind)``, NaN if not told.
    """
    weights = np.full((len(now), KINDS, 4), np.nan, np.float32)
    spread = np.full((len(now), KINDS), np.nan, np.float32)
    for kind, members in enumerate(ground.members):
        used = _common(now, then, members, FITTED_PX)
        if used.size < FEWEST_PX:
            continue
        for k in range(len(now)):
            target, (former, down, right) = now[k, 0, used], then[k][:, used]
            design = np.stack([former, np.ones(used.size, np.float32), down, right], axis=1)
            # Raw differences begin: most of the ground is as it was, so median and spread tell who differs.
            kept = _within(target - former)
            for _ in range(3):
                found = _solve(design, target, kept)
                rest = np.asarray(target - design @ found, np.float32)
                kept = _within(rest)
            weights[k, kind] = found
            spread[k, kind] = max(MAD_TO_SD * float(np.median(np.abs(rest))), TINY)
    return weights, spread


@numba.njit(cache=True, nogil=True)
def _common(now: Any, then: Any, members: Any, most: int) -> Any:
    """Take the pixels that all planes show on both dates; of more than `most` every nth."""
    usable = np.ones(members.size, np.bool_)
    for p in range(len(now)):
        for m in range(members.size):
            k = members[m]
            usable[m] &= np.isfinite(now[p, 0, k]) and np.isfinite(then[p, 0, k])
    both = members[usable]
    return both[:: max(both.size // most, 1)]


def _within(rest: Column) -> Mask:
    offset = np.abs(rest - np.median(rest))
    return np.asarray(offset <= OUTLIER * max(MAD_TO_SD * float(np.median(offset)), TINY))


def _solve(design: Plane, target: Column, kept: Mask) -> Column:
    """Least squares by the normal equations, kept from ruin on flat ground by a whisper of a prior."""
    normal, right, scale = _normal(design, target, kept)
    normal[np.diag_indices_from(normal)] += 1e-6 * kept.sum()
    return np.asarray(np.linalg.solve(normal, right) / scale, dtype=np.float32)


@numba.njit(cache=True, nogil=True)
def _normal(design: Any, target: Any, kept: Any) -> Any:
    """Set up the normal equations of the rows kept, each column brought to at most 1; also by what."""
    count, size = design.shape
    scale = np.full(size, np.float32(TINY))
    for k in range(count):
        if kept[k]:
            for i in range(size):
                scale[i] = max(scale[i], abs(design[k, i]))
    normal, right, row = np.zeros((size, size)), np.zeros(size), np.zeros(size)
    for k in range(count):
        if kept[k]:
            for i in range(size):
                row[i] = design[k, i] / scale[i]
                right[i] += row[i] * target[k]
                for j in range(i + 1):
                    normal[i, j] += row[i] * row[j]
    return normal + np.tril(normal, -1).T, right, scale


@numba.njit(cache=True, nogil=True)
def _take(plane: Any, seen: Any, rows: Any, cols: Any, taken: Any) -> None:
    """Write values and half the differences of neighbours, ``(3, pixel)``; NaN where not seen, slopes 0."""
    height, width = plane.shape
    for k in range(rows.size):
        r, c = rows[k], cols[k]
        taken[0, k] = plane[r, c] if seen[r, c] else np.float32(np.nan)
        down = plane[min(r + 1, height - 1), c] - plane[max(r - 1, 0), c]
        right = plane[r, min(c + 1, width - 1)] - plane[r, max(c - 1, 0)]
        taken[1, k] = down / 2 if np.isfinite(down) else 0
        taken[2, k] = right / 2 if np.isfinite(right) else 0


@numba.njit(cache=True, nogil=True)
def _tally(now: Any, then: Any, weights: Any, spread: Any, kind: Any, at: Any, limit: float) -> Any:
    """Count a zone's pixels seen by all planes and those changed; sum squares: raw, left, noise, grain."""
    both, changed = 0, 0
    raws = rests = noises = grains = 0.0
    for k in at:
        raw = rest = noise = grain = ratio = 0.0
        for p in range(len(now)):
            w, fine = weights[p, kind[k]], spread[p, kind[k]] ** 2
            shown, former, down, right = now[p, 0, k], then[p, 0, k], then[p, 1, k], then[p, 2, k]
            off = shown - former
            left = shown - (w[0] * former + w[1] + w[2] * down + w[3] * right)
            own = fine + UNSTEADY**2 * (down**2 + right**2)
            raw += off**2
            rest += left**2
            noise += own
            grain += fine
            ratio += left**2 / own
        if np.isfinite(ratio):
            both += 1
            changed += ratio > limit
            raws, rests, noises, grains = raws + raw, rests + rest, noises + noise, grains + grain
    return both, changed, raws, rests, noises, grains
