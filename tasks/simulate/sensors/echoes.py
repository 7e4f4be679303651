"""Point echoes as a radar sees them on one pass: which are lit, where they fall, what they leave behind.

Layover draws an echo towards the radar; very bright ones leave a cross of sidelobes along track and
look; and whatever is bright leaves faint ghosts some 5 km up and down the track, where the sampling
along it folds the spectrum over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox

from tasks.simulate.sensors.calendar import Acquisition
from tasks.simulate.sensors.scatterers import BACKSIDE, Scatterers
from tasks.simulate.sensors.sea_clutter import Look, Plane
from tasks.simulate.world.seeds import generator

Column = npt.NDArray[np.float32]

FLICKER_DB = 1.0
"""Of a hard echo from pass to pass."""

ASPECT_DB = 1.2
"""Of everything within `ASPECT_PX` pixels together, from pass to pass: a ship swings and trims."""

ASPECT_PX = 12

CROSS_FROM = 30.0
"""Mean power of a pixel, before the blur, from which sidelobes are drawn: 15 dB; below, they would drown."""

CROSS_MOST = 60
"""Pixels with sidelobes at most, the brightest: bounds the cost of a window full of steel."""

CROSS_DB = -25.0
CROSS_REACH_M = 320.0
CROSS_NEAR_M = 25.0
"""The first sidelobe of the weighted response lies 25 dB under the peak and 25 m away; the next, of a
Hamming-like window, fall slowly, here as r to the −0.6: −32 dB at 300 m.

The longest rays over Latakia reach 300 to 400 m.
"""

GHOST_M = 4900.0
"""Along the track: λ · slant range · pulse rate / (2 · speed) for IW; 4.4 to 5.8 km over the swath."""

GHOST_DB = -27.0
"""Azimuth ambiguity ratio of IW where it is not at its best."""

GHOST_SMEAR_M = 60.0

GHOST_LEVEL_DB = (-21.0, -16.0)
"""Mean level of a ghost of something beyond the window: 3 to 8 dB above a calm sea in VV."""

GHOSTS_PER_100_KM2 = 14.0
STRAY_CHANCE = 0.25
"""Of one more ghost on a pass, from a ship far off."""


@dataclass(frozen=True, eq=False)
class Lit:
    """Echoes of one pass: where they fall, pixels (0 is the first pixel's centre), and how strong."""

    row: npt.NDArray[np.float64]
    col: npt.NDArray[np.float64]

    power: Column
    """Echo over the area of a pixel: the power that one pixel would have alone."""

    speckled: Column
    """Share that speckles."""


@dataclass(frozen=True, eq=False)
class Echoes:
    """Echoes on the grid before speckle and point response, ``(y, x)`` mean power."""

    speckled: Plane
    steady: Plane


def seen(
    fixed: Scatterers,
    moving: Scatterers,
    cover: Plane,
    look: Look,
    box: GeoBox,
    rng: np.random.Generator,
) -> Lit:
    """Find what a pass sees of all scatterers.

    Parameters
    ----------
    fixed, moving
        Scatterers in the CRS of `box`; hulls hide the fixed ones under them.
    cover
        ``(y, x)`` share of each pixel that hulls cover.
    look
        Direction and incidence.
    box
        Grid of the image.
    rng
        Of this pass: how aspects turn out.
    """
    still, passing = _lit(fixed, look, box), _lit(moving, look, box)
    inside = _inside(still, cover.shape)
    row, col = (np.where(inside, np.rint(v), 0).astype(np.intp) for v in (still.row, still.col))
    still = Lit(still.row, still.col, still.power * (1 - cover[row, col] * inside), still.speckled)
    both = together([still, passing])
    tall, wide = (n // ASPECT_PX + 1 for n in cover.shape)
    aspect = 10 ** (rng.normal(0.0, ASPECT_DB / 10, (tall, wide)))
    row = np.clip(both.row / ASPECT_PX, 0, tall - 1).astype(np.intp)
    col = np.clip(both.col / ASPECT_PX, 0, wide - 1).astype(np.intp)
    return Lit(both.row, both.col, (both.power * aspect[row, col]).astype(np.float32), both.speckled)


def _lit(points: Scatterers, look: Look, box: GeoBox) -> Lit:
    pixel = float(box.affine.a)
    back = look.layover * points.height_m
    x, y = points.x - back * look.away[0], points.y - back * look.away[1]
    towards = -(points.facing_x * look.away[0] + points.facing_y * look.away[1])
    walls = (points.facing_x != 0) | (points.facing_y != 0)
    facing = BACKSIDE + (1 - BACKSIDE) * np.maximum(towards, 0) ** points.lobe
    power = points.echo_m2 / pixel**2 * np.where(walls, facing, 1.0)
    row, col = (box.affine.f - y) / pixel - 0.5, (x - box.affine.c) / pixel - 0.5
    return Lit(row, col, power.astype(np.float32), points.speckled)


def _inside(lit: Lit, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    return np.asarray(
        (lit.row > -0.5) & (lit.row < shape[0] - 0.5) & (lit.col > -0.5) & (lit.col < shape[1] - 0.5)
    )


def together(parts: list[Lit]) -> Lit:
    """Put lists of echoes end to end."""
    return Lit(*(np.concatenate([getattr(p, n) for p in parts]) for n in ("row", "col", "power", "speckled")))


def folded(lit: Lit, look: Look, box: GeoBox) -> Lit:
    """Ghosts of the echoes themselves, up and down the track, smeared along it."""
    steps = np.array(
        [side * GHOST_M + smear for side in (-1, 1) for smear in (-GHOST_SMEAR_M, 0, GHOST_SMEAR_M)]
    )
    pixel = float(box.affine.a)
    row = (lit.row[:, None] - steps * look.azimuth[1] / pixel).ravel()
    col = (lit.col[:, None] + steps * look.azimuth[0] / pixel).ravel()
    power = np.repeat(lit.power * np.float32(10 ** (GHOST_DB / 10) / 3), len(steps))
    found = Lit(row, col, power, np.ones(len(row), np.float32))
    keep = _inside(found, (int(box.shape[0]), int(box.shape[1])))
    return Lit(row[keep], col[keep], power[keep], found.speckled[keep])


def strangers(look: Look, box: GeoBox, acquisition: Acquisition, seed: int) -> Lit:
    """Ghosts of what lies beyond the window: some stay with the orbit, now and then there is a ship's."""
    area_km2 = box.shape[0] * box.shape[1] * float(box.affine.a) ** 2 / 1e6
    orbit = generator(seed, "ghosts", acquisition.site_id, acquisition.orbit)
    parts = [_ghost(look, box, orbit) for _ in range(max(round(area_km2 / 100 * GHOSTS_PER_100_KM2), 1))]
    stray = generator(seed, "stray ghost", acquisition.site_id, acquisition.acquired.isoformat())
    if stray.random() < STRAY_CHANCE:
        parts.append(_ghost(look, box, stray))
    return together(parts)


def _ghost(look: Look, box: GeoBox, rng: np.random.Generator, points: int = 24) -> Lit:
    height, width = box.shape
    pixel, length = float(box.affine.a), rng.uniform(0.6, 1.6) * GHOST_SMEAR_M
    along, across = rng.normal(0, length, points), rng.normal(0, 15.0, points)
    x = along * look.azimuth[0] + across * look.away[0]
    y = along * look.azimuth[1] + across * look.away[1]
    spread_px = 2 * np.pi * length * np.hypot(15.0, 8.5) / pixel**2  # blur included
    power = 10 ** (rng.uniform(*GHOST_LEVEL_DB) / 10) * spread_px / points
    row, col = rng.uniform(0, height) - y / pixel, rng.uniform(0, width) + x / pixel
    return Lit(row, col, np.full(points, power, np.float32), np.ones(points, np.float32))


def sow(lit: Lit, look: Look, shape: tuple[int, int], pixel_m: float, rng: np.random.Generator) -> Echoes:
    """Let echoes flicker, put them on the grid and add the sidelobes of the brightest.

    Parameters
    ----------
    lit
        Echoes of the pass.
    look
        Direction of track and look.
    shape
        Of the image.
    pixel_m
        Edge of a pixel, metres.
    rng
        Of this pass and band.
    """
    # One flicker for each pixel, so that one more ship does not change what all others do.
    flicker = rng.standard_normal(shape, dtype=np.float32)
    row = np.clip(np.rint(lit.row), 0, shape[0] - 1).astype(np.intp)
    col = np.clip(np.rint(lit.col), 0, shape[1] - 1).astype(np.intp)
    power = lit.power * 10 ** (flicker[row, col] * np.float32(FLICKER_DB / 10))
    steady = scatter(lit.row, lit.col, power * (1 - lit.speckled), shape)
    speckled = scatter(lit.row, lit.col, power * lit.speckled, shape)
    return Echoes(speckled, steady + crosses(steady, look, pixel_m))


def scatter(
    row: npt.NDArray[np.float64],
    col: npt.NDArray[np.float64],
    power: npt.NDArray[np.floating],
    shape: tuple[int, int],
) -> Plane:
    """Share each point's power among the four pixels around it; what falls outside is lost.

    Parameters
    ----------
    row, col
        ``(n,)`` fractional pixels, 0 at the first pixel's centre.
    power
        ``(n,)``.
    shape
        Of the plane.

    Returns
    -------
    numpy.ndarray
        ``(y, x)`` float32.
    """
    height, width = shape
    top, left = np.floor(row), np.floor(col)
    plane = np.zeros(height * width)
    for r, c, share in (
        (top, left, (1 - row + top) * (1 - col + left)),
        (top, left + 1, (1 - row + top) * (col - left)),
        (top + 1, left, (row - top) * (1 - col + left)),
        (top + 1, left + 1, (row - top) * (col - left)),
    ):
        keep = (r >= 0) & (r < height) & (c >= 0) & (c < width)
        index = (r[keep] * width + c[keep]).astype(np.intp)
        plane += np.bincount(index, (share * power)[keep], height * width)
    return plane.reshape(shape).astype(np.float32)


def crosses(steady: Plane, look: Look, pixel_m: float) -> Plane:
    """Sidelobes of the brightest pixels along track and look, ``(y, x)`` power before the blur."""
    peaks = np.argwhere(steady > CROSS_FROM)
    if not len(peaks):
        return np.zeros_like(steady)
    bright = steady[peaks[:, 0], peaks[:, 1]]
    chosen = np.argsort(-bright, kind="stable")[:CROSS_MOST]
    # A line of points a pixel apart, once blurred, is lower than its points by one width of the response.
    away_m = np.arange(CROSS_NEAR_M, CROSS_REACH_M, pixel_m)
    fall = 10 ** (CROSS_DB / 10) * (CROSS_NEAR_M / away_m) ** 0.6 * 0.47
    row, col, power = [], [], []
    for (x, y), side in ((axis, side) for axis in (look.azimuth, look.away) for side in (-1, 1)):
        row.append(peaks[chosen, 0][:, None] - side * away_m * y / pixel_m)
        col.append(peaks[chosen, 1][:, None] + side * away_m * x / pixel_m)
        power.append(bright[chosen][:, None] * fall)
    rows, cols, powers = (np.concatenate(part).ravel() for part in (row, col, power))
    return scatter(rows, cols, powers, (steady.shape[0], steady.shape[1]))
