"""Berth occupancy from radar: how many metres of a quay have a ship alongside.

The quay's own double bounce is as bright as a ship, so the test is in time: the water beside the quay must
stand out from what the epoch remembers of it empty (`empty`), slid onto this image and brought to this
date's wind. What stands out is averaged over each cross-section of the berth and read along the face as
ships (`runs`). Nothing shorter than `RunOptions.min_length_m` is claimed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.science.flags import NOT_MEASURED, NOT_SEEN
from tasks.science.moorings import BerthLook
from tasks.science.quays import CLEAR_PX, Face, Slot, clear_of, cross_sections
from tasks.science.radar.empty import DEFAULT_EMPTY, Date, EmptyOptions, section_means, smoothed
from tasks.science.radar.runs import DEFAULT_RUNS, Run, RunOptions, find_runs
from tasks.science.radiometry import MAD_TO_SD
from tasks.science.shapes import Vessel

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Column = npt.NDArray[np.float64]


LIT = replace(DEFAULT_RUNS, bright=3.0, peak=4.0)
"""Ships above a date's own water, nothing taken off: more is needed, for quays glow."""


@dataclass(frozen=True)
class BerthOptions:
    """What counts as a ship alongside."""

    empty: EmptyOptions = DEFAULT_EMPTY
    """How the empty berth was estimated; dates are brought to it in the same way."""

    runs: RunOptions = DEFAULT_RUNS

    lit: RunOptions = LIT
    lit_from_m: float = 10.0
    """Ships on the date alone, spreads above its own water, off the quay's own echo. Where one lies is told
    by the empty berth; how far it goes, by both: a ship that is part of the memory of a berth seldom free
    takes metres off every ship there (`busy`: 9 m a berth). By itself this tells one free berth in five for
    taken, at quays that shine; it is no second voice."""

    min_seen: float = 0.5
    """Share of a berth that must be known, and seen."""


DEFAULT_BERTHS = BerthOptions()


def measure_berths(
    standard: Plane,
    empty: Plane,
    faces: tuple[Face, ...],
    pixel_m: float,
    options: BerthOptions = DEFAULT_BERTHS,
) -> tuple[dict[str, BerthLook], Mask]:
    """Measure every berth in one scene.

    Parameters
    ----------
    standard
        ``(y, x)`` spreads above the date's own water, as the empty berths were made from; NaN where not seen.
    empty
        The epoch's empty berths and what lies around them, ``(y, x)``; NaN where not known.
    faces
        The site's berths, as `draw_faces` lays them out.
    pixel_m
        Edge of a pixel on the ground, metres.
    options
        Thresholds.

    Returns
    -------
    berths, hulls
        A look per berth by zone id, and ``(y, x)`` the pixels of the ships found.
    """
    # Twice: where the quays lie can be told once it is known which of them are free.
    excess = _excess(standard, empty, clear_of(faces, empty.shape), options, slides=False)
    excess = _excess(standard, empty, ~_taken(excess, faces, pixel_m, options), options, slides=True)
    berths: dict[str, BerthLook] = {}
    hulls = np.zeros(empty.shape, bool)
    for face in faces:
        at = face.rows, face.cols
        known = np.isfinite(empty[at])
        profile, origin_m = _profile(excess, face, pixel_m, options)
        runs = find_runs(profile, origin_m, pixel_m, face.slots, options.runs)
        runs = _lengthened(runs, standard, face, pixel_m, options)
        ships = [(run, _ship(run, face, excess[at], options)) for run in runs]
        for k, slot in enumerate(face.slots):
            here = face.slot == k
            seen = np.isfinite(excess[at][here])
            berths[slot.zone_id] = _look(slot, face.slots, ships, known[here], seen, options)
        for run in runs:
            reach = (face.along_m >= run.start_m - options.runs.blur_m) & (
                face.along_m <= run.end_m + options.runs.blur_m
            )
            hulls[face.rows[reach], face.cols[reach]] = True
    return berths, hulls


def _excess(standard: Plane, empty: Plane, usable: Mask, options: BerthOptions, *, slides: bool) -> Plane:
    """Brightness above the empty berth, spreads of a pixel's noise on this date; NaN where it is not known.

    What a date is like is learnt where no ship lies: a full quay would pass for a slide towards the water.
    """
    both = np.isfinite(standard) & np.isfinite(empty)
    usable = usable & both
    if usable.sum() < options.empty.enough_px:
        return np.full(empty.shape, np.nan, np.float32)
    date = Date.of(standard, empty, usable, options.empty, slides=slides)
    excess = np.where(both, standard - date.as_shown(empty), np.nan)
    noise = MAD_TO_SD * float(np.median(np.abs(excess[usable])))
    return (excess / max(noise, 1e-6)).astype(np.float32)


def _profile(excess: Plane, face: Face, pixel_m: float, options: BerthOptions) -> tuple[Column, float]:
    """Average what lies beside the quay, by cross-section; says where along the axis the first begins."""
    bins, origin_m = cross_sections(face, pixel_m)
    beside = ~(face.off_m > options.empty.alongside_m)
    values = excess[face.rows[beside], face.cols[beside]]
    return section_means(values[None], bins[beside], bins.max(initial=-1) + 1)[0], origin_m


def _lengthened(
    runs: list[Run], standard: Plane, face: Face, pixel_m: float, options: BerthOptions
) -> list[Run]:
    """Let runs reach as far as the date alone shows their ships, never into one another."""
    bins, origin_m = cross_sections(face, pixel_m)
    off_quay = (face.off_m > options.lit_from_m) & (face.off_m <= options.empty.alongside_m)
    if not runs or not off_quay.any():
        return runs
    values = standard[face.rows[off_quay], face.cols[off_quay]]
    profile = section_means(values[None], bins[off_quay], bins.max(initial=-1) + 1)[0]
    lit = find_runs(profile, origin_m, pixel_m, face.slots, options.lit)
    longer: list[Run] = []
    for k, run in enumerate(runs):
        shared = [min(run.end_m, ship.end_m) - max(run.start_m, ship.start_m) for ship in lit]
        own = [slot for slot in face.slots if run.within(slot) >= options.runs.blur_m]
        if not own or not shared or max(shared) < run.length_m / 2:
            longer.append(run)
            continue
        ship = lit[int(np.argmax(shared))]
        # Not into the next ship, nor the next berth: there the empty berth would have told.
        before = max(min(slot.start_m for slot in own), longer[-1].end_m if longer else -np.inf)
        after = min(max(slot.end_m for slot in own), runs[k + 1].start_m if k + 1 < len(runs) else np.inf)
        start, end = max(ship.start_m, before), min(ship.end_m, after)
        cell = options.runs.blur_m  # what lies nearer is the quay's own glow
        start = start if run.start_m - start > cell else run.start_m
        longer.append(Run(start, end if end - run.end_m > cell else run.end_m))
    return longer


def _taken(excess: Plane, faces: tuple[Face, ...], pixel_m: float, options: BerthOptions) -> Mask:
    """Mark where ships seem to lie, ``(y, x)``, and as far about them as they shine."""
    taken = np.zeros(excess.shape, bool)
    for face in faces:
        profile, _ = _profile(excess, face, pixel_m, options)
        bins, _ = cross_sections(face, pixel_m)
        bright = (smoothed(profile) > options.runs.bright)[bins]
        taken[face.rows[bright], face.cols[bright]] = True
    return np.asarray(ndimage.binary_dilation(taken, np.ones((3, 3), bool), iterations=CLEAR_PX))


def _look(
    slot: Slot,
    slots: tuple[Slot, ...],
    ships: list[tuple[Run, Vessel]],
    known: Mask,
    seen: Mask,
    options: BerthOptions,
) -> BerthLook:
    unknown_m = (1 - known.mean()) * slot.length_m if known.size else np.inf
    if unknown_m >= min(options.runs.min_length_m, options.min_seen * slot.length_m):
        return BerthLook(NOT_MEASURED)  # a ship could hide there
    if seen.mean() < options.min_seen:
        return BerthLook(NOT_SEEN)
    parts = [run.within(slot) for run, _ in ships]
    occupied = min(sum(part for part in parts if part >= options.runs.blur_m), slot.length_m)
    own = [ship for run, ship in ships if max(slots, key=run.within) is slot and run.within(slot) > 0]
    fraction = min(1.0, occupied / (slot.length_m * float(seen.mean())))
    return BerthLook("", occupied, fraction, tuple(own))


def _ship(run: Run, face: Face, excess: Plane, options: BerthOptions) -> Vessel:
    """Place a run on the grid: the middle of the water that it takes beside the quay."""
    inside = (face.along_m >= run.start_m) & (face.along_m <= run.end_m)
    inside &= ~(face.off_m > options.empty.alongside_m)
    middle = float(face.rows[inside].mean()), float(face.cols[inside].mean())
    peak = float(np.nanmax(excess[inside]))
    return Vessel(*middle, run.length_m, np.nan, options.runs.length_sd_m, np.nan, face.axis, peak)
