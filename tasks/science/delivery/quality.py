"""Whether one scene may enter the archive: what no sensor can have measured, and what lies elsewhere.

A scene that is refused is a look lost, one that is taken with a wrong offset or shift is a false event in
every series: each rule fires on what cannot be otherwise, and its limit stands far from all that real
images showed. Cloud, haze, glint, snow, ice, half a swath and calm sea are no faults.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tasks.model import BandAsset
from tasks.science.delivery.offset import Values, wrong_offset
from tasks.science.delivery.overlay import BETTER, Band, Mask, Structure, displacement, structure_of
from tasks.science.registration import MAX_SLIDE_PX

LEAST_SEEN = 0.01
"""Share of the window below which a scene shows nothing: the corner of a swath."""

MISSING = 0.5
"""Share of what the other bands see that one band may lack. Providers write 0 for water that reads darker
than black: 24 % of the near infrared at Honolulu; an empty or half-read band lacks more."""

SATURATED = 0.25
"""Share of pixels at the type's largest number; at most 0.2 % on real images, some 10 % over bright roofs in
pictures stretched to 8 bits."""

ENDLESS = 0.001
"""Share of infinite values that may be; minus infinity in decibels is power 0, and no data."""

BRIGHTEST_POWER = 100.0
"""Gamma naught, linear. Ships reach it in single pixels; a city's brightest hundredth is below 10."""
DB_RANGE = (-60.0, 40.0)
ALL_POSITIVE = 0.9
"""Share of pixels at 0 dB or more from which "decibels" are taken for linear power: water and fields lie at
-25 to -5 dB, and power is never negative."""

REFLECTANCE_RANGE = (-0.2, 2.0)
"""Sunlit cloud and snow reach 1.6 when the sun is low."""
OUTSIDE = 0.05
"""Share of pixels that may lie beyond these ranges: glints, edges, the brightest echoes."""

SHIFTED_PX = MAX_SLIDE_PX
"""From here on an image is displaced: up to here measures slide their reference themselves. Good images lie
up to 1.2 px off (simulated), 95 % of real ones within 0.2 px (radar of one track)."""

SAMPLE_PX = 150
"""Pixels along an edge from which shares and percentiles are taken: every n-th row and column."""

COMPARED = ("vv", "hh", "nir", "swir16", "red", "green", "blue", "vh", "hv")
"""Bands that are compared with other dates, the most telling first. The displacement is measured in the first
that is there; an offset in all, of which haze spoils blue most and cloud lifts nir and swir16 differently."""


@dataclass(frozen=True)
class Finding:
    """What the look at one scene found."""

    reason: str
    """Empty if the scene is fit; else one line naming the thing, its value and what would be right."""

    seen_share: float
    """Share of the window's pixels that hold data in every band, class bands aside."""

    shift_px: float
    """Length of the displacement against the stack, pixels; NaN where none could be told."""


@dataclass(frozen=True, eq=False)
class Reference:
    """What new scenes are compared with, prepared once for many."""

    band: str = ""
    """Band of `structure`; empty if there is none to compare."""

    structure: Structure | None = None

    reflectance: Mapping[str, Values] = field(default_factory=dict)
    """Band name to every n-th pixel's reflectance, NaN where unknown."""


def stack_of(planes: Sequence[Band]) -> Band:
    """Median of a few dates, pixel by pixel, over those that hold data.

    Whole planes are sorted by comparing them two at a time: 13 ms for seven of 1000² where NumPy's sort
    along the dates takes 78.

    Parameters
    ----------
    planes
        ``(y, x)`` of one band and type; no data is NaN or infinite (floats) or 0 (integers).

    Returns
    -------
    numpy.ndarray
        ``(y, x)`` of the same type, of an even number the lower middle one: a number that was measured.
    """
    first = planes[0]
    floating = first.dtype.kind == "f"
    last = np.array(np.inf if floating else np.iinfo(first.dtype).max, first.dtype)
    data = [np.isfinite(plane) if floating else plane != 0 for plane in planes]
    ordered = [np.where(there, plane, last) for there, plane in zip(data, planes, strict=True)]
    for end in range(len(ordered) - 1, 0, -1):
        for k in range(end):
            ordered[k], ordered[k + 1] = np.minimum(*ordered[k : k + 2]), np.maximum(*ordered[k : k + 2])
    count = np.sum(data, axis=0, dtype=np.uint8)
    middle = ordered[(len(ordered) - 1) // 2].copy()
    for some in range(len(ordered)):
        at = count == some
        if at.any():
            middle[at] = ordered[(some - 1) // 2][at] if some else (np.nan if floating else 0)
    return np.asarray(middle)


def compared_bands(bands: Sequence[BandAsset]) -> list[str]:
    """Names of the bands that can be compared with a stack, the most telling first."""
    return [b.name for b in sorted((b for b in bands if b.units != "class"), key=_rank)]


def prepare(stack: Mapping[str, Band], bands: Sequence[BandAsset]) -> Reference:
    """Prepare a stack for comparing many scenes with it.

    Parameters
    ----------
    stack
        Band name to ``(y, x)``, as `stack_of` makes it of one orbit's dates.
    bands
        What the stack's numbers mean; bands that it lacks are passed over.
    """
    there = [b for b in bands if b.name in stack and b.units != "class"]
    sampled = {b.name: _means(stack[b.name], b) for b in there if b.units == "reflectance"}
    best = min(there, key=_rank, default=None)
    if best is None:
        return Reference()
    return Reference(best.name, structure_of(stack[best.name], best.units), sampled)


def inspect(
    planes: Mapping[str, Band], bands: Sequence[BandAsset], stack: Reference | None = None
) -> Finding:
    """Look a scene over before it is kept.

    Parameters
    ----------
    planes
        Band name to ``(y, x)`` in the file's numbers; no data is NaN (floats) or 0 (integers).
    bands
        What the numbers mean. Classes are not looked at.
    stack
        What the same window looks like on other dates of the same orbit, the scene's own left out: its own
        speckle would draw it there. None while there are too few.
    """
    judged = [b for b in bands if b.name in planes and b.units != "class"]
    if not judged:
        return Finding(f"no band to measure among {[b.name for b in bands]}", 0.0, math.nan)
    data = {b.name: _data(planes[b.name], b) for b in judged}
    seen = np.logical_and.reduce(list(data.values()))
    share = np.count_nonzero(seen) / seen.size
    reason = next(_impossible(planes, judged, data), "")
    if not reason:
        optical = {b.name: _means(planes[b.name], b) for b in judged if b.units == "reflectance"}
        reason = wrong_offset(optical, {} if stack is None else stack.reflectance)
    if reason or stack is None or stack.structure is None:
        return Finding(reason, share, math.nan)
    return Finding(*_displaced(planes, judged, share, stack.band, stack.structure))


def _displaced(
    planes: Mapping[str, Band], bands: Sequence[BandAsset], share: float, name: str, structure: Structure
) -> tuple[str, float, float]:
    units = next((b.units for b in bands if b.name == name), None)
    lies = None if units is None else displacement(structure, planes[name], units)
    if lies is None or not lies.told:
        return "", share, math.nan
    if lies.length_px < SHIFTED_PX or lies.better < BETTER:
        return "", share, lies.length_px
    where = f"{lies.right_px:+.1f} px right and {lies.down_px:+.1f} px down"
    reason = f"image lies {where} of other dates on the same grid; less than {SHIFTED_PX:g} px is usual"
    return reason, share, lies.length_px


def _rank(band: BandAsset) -> int:
    return COMPARED.index(band.name) if band.name in COMPARED else len(COMPARED)


def _data(plane: Band, band: BandAsset) -> Mask:
    if plane.dtype.kind != "f":
        return np.asarray(plane != 0)
    return np.isfinite(plane) & (plane > 0) if band.units == "1" else np.isfinite(plane)


def sample(plane: Band) -> Band:
    """Take every n-th row and column, about `SAMPLE_PX` of the longer side."""
    step = max(1, max(plane.shape) // SAMPLE_PX)
    return plane[::step, ::step]


def _means(plane: Band, band: BandAsset) -> Values:
    """Every n-th pixel in the band's units, NaN where there is no data."""
    few = sample(plane)
    values = few.astype(np.float32) * np.float32(band.scale) + np.float32(band.offset)
    return np.where(_data(few, band), values, np.float32(np.nan))


def _impossible(
    planes: Mapping[str, Band], bands: Sequence[BandAsset], data: Mapping[str, Mask]
) -> Iterator[str]:
    """Give what cannot be, the plainest first."""
    for band in bands:
        yield from _impossible_numbers(planes[band.name], band)
    held = {name: int(np.count_nonzero(there)) for name, there in data.items()}
    either = int(np.count_nonzero(np.logical_or.reduce(list(data.values()))))
    size = next(iter(data.values())).size
    if either < LEAST_SEEN * size:
        yield f"scene shows {either / size:.1%} of the window; at least {LEAST_SEEN:.0%} is needed"
    for name, count in held.items():
        lacks = 1 - count / max(either, 1)
        if lacks > MISSING:
            yield f"{name} has no data on {lacks:.0%} of what other bands see; at most {MISSING:.0%} is usual"
    for band in bands:
        yield from _impossible_values(planes[band.name], band)


def _impossible_numbers(plane: Band, band: BandAsset) -> Iterator[str]:
    """Faults that hide as "no data", or are none of the units' business."""
    few = sample(plane)
    if few.dtype.kind == "f":
        endless = np.isposinf(few) if band.units == "dB" else np.isinf(few)
        if (share := float(endless.mean())) > ENDLESS:
            yield f"{band.name} is infinite on {share:.1%} of the window; numbers or NaN are needed"
        if band.units == "1" and (share := float((few < 0).mean())) > MISSING:
            yield f"{band.name} is negative on {share:.0%} of the window; linear power is not, decibels are"
    elif (share := float((few == np.iinfo(few.dtype).max).mean())) > SATURATED:
        full = np.iinfo(few.dtype).max
        yield f"{band.name} is saturated ({full}) on {share:.0%} of the window; {SATURATED:.0%} is much"


def _impossible_values(plane: Band, band: BandAsset) -> Iterator[str]:
    values = _means(plane, band)
    values = values[np.isfinite(values)]
    if values.size and values.min() == values.max():
        whole = plane[_data(plane, band)]
        if whole.size > 1 and whole.min() == whole.max():
            yield f"{band.name} is {whole[0]} wherever it holds data; real pixels differ"
    low, high = _range(band)
    for beyond, limit, word in ((values < low, low, "below"), (values > high, high, "above")):
        if values.size and (share := float(beyond.mean())) > OUTSIDE:
            yield f"{band.name} is {word} {limit:g} {_unit(band)} on {share:.0%} of what it shows: impossible"
    if band.units == "dB" and values.size and (share := float((values >= 0).mean())) > ALL_POSITIVE:
        yield f"{band.name} is 0 dB or more on {share:.0%} of what it shows; is it linear power?"


def _unit(band: BandAsset) -> str:
    return "in linear power" if band.units == "1" else band.units


def _range(band: BandAsset) -> tuple[float, float]:
    if band.units == "1":
        return 0.0, BRIGHTEST_POWER
    if band.units == "dB":
        return DB_RANGE
    return REFLECTANCE_RANGE if band.units == "reflectance" else (-math.inf, math.inf)
