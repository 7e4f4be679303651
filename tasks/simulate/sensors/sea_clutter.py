"""What the sea sends back to a C-band radar: level from the wind, gusts, waves, ice.

The level in VV is a fit to the geophysical model function CMOD5.N (Hersbach 2010, J. Atmos. Oceanic
Technol. 27, 10.1175/2009JTECHO698.1), taken to gamma0. VH, the texture and how it depends on the wind are
tuned to the open sea of OPERA RTC-S1 images; `tests/benchmarks/realism_radar.py` compares the two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks.simulate.sensors.calendar import Acquisition
from tasks.simulate.world.weather import Weather

Plane = npt.NDArray[np.float32]

HEADING_DEG = {"ascending": -12.0, "descending": -168.0}
"""Of the satellite's track over mid latitudes, clockwise from north; the antenna looks to its right."""

COARSE_PX = 8
"""Wind varies slowly: its field is drawn on every eighth pixel and filled in between."""

GUST_PX = 24.0
"""Correlation length of gusts and slicks: 240 m."""

WAVE_STEP_PX = 2
"""Waves that a 20 m resolution shows are longer than 40 m: drawn on every second pixel."""

CUTOFF_M = 150.0
"""Azimuth cut-off: shorter waves that travel along the track are smeared away by their own motion. A round
value for a moderate sea."""

CHOP_M = 28.0
"""Correlation of short wave groups in the look direction."""

SWELL_M = (110.0, 260.0)
"""Wavelength of the swell, from day to day."""

SWELL_SPREAD = 0.22
"""Of its wave number, relative: a train holds for a handful of crests."""

SWELL_VARIANCE = 0.03
SWELL_VARIANCE_SPREAD = 0.6
"""Of the texture, relative to the squared mean, and the spread of its logarithm from day to day."""

CHOP_VARIANCE = 0.045
CHOP_VARIANCE_PER_MS = 0.003
LULL_VARIANCE = 0.2
LULL_MS = 4.0
"""The rougher, the longer the tail; and near the wind at which ripples begin, water lies in patches."""

CALM_MS = 3.0
CALM_DB = 20.0
"""Extra fall for each decade of wind below `CALM_MS`."""

VH_DB = -29.0
VH_DB_PER_DECADE = 18.0
"""At 8 m/s, and its growth with wind: read from OPERA RTC-S1 at 34 degrees with the noise taken off.

The same for all directions and incidences, as Vachon and Wolfe (2011, 10.1109/LGRS.2010.2085417) find it.
"""

ICE_DB = 2.0
"""Of sheltered water under thin ice above open water, at most."""


@dataclass(frozen=True)
class Look:
    """From where a radar looks: unit vectors ``(x, y)`` on the ground."""

    azimuth: tuple[float, float]
    """Along the satellite's track."""

    away: tuple[float, float]
    """From the radar over the ground."""

    incidence_deg: float

    @classmethod
    def of(cls, acquisition: Acquisition) -> Look:
        """Read the geometry of a pass."""
        turn = math.radians(HEADING_DEG[acquisition.direction])
        azimuth = math.sin(turn), math.cos(turn)
        return cls(azimuth, (azimuth[1], -azimuth[0]), acquisition.incidence_deg)

    @property
    def away_deg(self) -> float:
        """Direction of `away`, clockwise from north."""
        return math.degrees(math.atan2(*self.away)) % 360

    @property
    def layover(self) -> float:
        """Metres towards the radar for each metre of height."""
        return 1 / math.tan(math.radians(self.incidence_deg))


def sea_vv_db(wind_ms: npt.ArrayLike, wind_from_deg: float, look: Look) -> npt.NDArray[np.float64]:
    """Level of open sea in VV, gamma0 in decibels.

    A least-squares fit to CMOD5.N for 2 to 18 m/s and 30 to 45 degrees, 0.4 dB rms off and 1.7 dB at most.
    Below `CALM_MS` it falls faster: ripples of 5 cm need a wind to stand (Donelan and Pierson
    1987, J. Geophys. Res. 92, 4971).
    """
    wind = np.maximum(np.asarray(wind_ms, float), 0.3)
    turn, steep = math.radians(wind_from_deg - look.away_deg), look.incidence_deg - 38.0
    force = np.log10(wind / 8.0)
    level = -14.84 - 0.415 * steep + (15.72 + 0.226 * steep) * force + 3.87 * force**2
    level = level + (1.79 + 1.65 * np.maximum(force, -0.6)) * math.cos(2 * turn) + 0.39 * math.cos(turn)
    return np.asarray(level - CALM_DB * np.maximum(np.log10(CALM_MS / wind), 0.0))


def sea_vh_db(wind_ms: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Level of open sea in VH, gamma0 in decibels, whatever the direction and the incidence."""
    wind = np.maximum(np.asarray(wind_ms, float), 0.3)
    calm = CALM_DB * np.maximum(np.log10(CALM_MS / wind), 0.0)
    return np.asarray(VH_DB + VH_DB_PER_DECADE * np.log10(wind / 8.0) - calm)


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], sigma_px: tuple[float, float]) -> Plane:
    """Gaussian field of mean 0 and spread 1, ``(y, x)``; opposite edges are alike."""
    reach = tuple(math.ceil(4 * s) for s in sigma_px)
    impulse = np.zeros((2 * reach[0] + 1, 2 * reach[1] + 1))
    impulse[reach] = 1
    spread = float(np.sqrt((ndimage.gaussian_filter(impulse, sigma_px) ** 2).sum()))
    field = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), sigma_px, mode="wrap")
    return np.asarray(field / np.float32(spread), dtype=np.float32)


def coarse_shape(shape: tuple[int, int]) -> tuple[int, int]:
    """Shape of the field that `fill` interpolates to `shape`."""
    return -(-shape[0] // COARSE_PX) + 1, -(-shape[1] // COARSE_PX) + 1


def fill(coarse: Plane, shape: tuple[int, int], step: int = COARSE_PX) -> Plane:
    """Interpolate a field on every `step`-th pixel linearly to `shape`."""
    lines = [np.arange(n, dtype=np.float32) / step for n in shape]
    index = [np.minimum(line.astype(np.intp), n - 2) for line, n in zip(lines, coarse.shape, strict=True)]
    row, col = ((line - i).astype(np.float32) for line, i in zip(lines, index, strict=True))
    upper, lower = coarse[index[0]], coarse[index[0] + 1]
    tall = upper + (lower - upper) * row[:, None]
    left, right = tall[:, index[1]], tall[:, index[1] + 1]
    return np.asarray(left + (right - left) * col, dtype=np.float32)


def sea(
    shape: tuple[int, int],
    pixel_m: float,
    shelter: Plane,
    near: Plane,
    weather: Weather,
    look: Look,
    rng: np.random.Generator,
) -> dict[str, Plane]:
    """Draw the mean of the sea before speckle, band by band.

    Parameters
    ----------
    shape, pixel_m
        Of the window; what lies under land is drawn too.
    shelter
        Share of the wind that the land upwind keeps off, 0 to 1, in `coarse_shape`.
    near
        Nearness of land, 0 to 1, in `coarse_shape`: where ice forms.
    weather
        Wind and ice.
    look
        Direction and incidence.
    rng
        Of this pass.

    Returns
    -------
    dict
        ``vv`` and ``vh``, ``(y, x)`` float32 linear gamma0.
    """
    gust, floes = (smooth_noise(rng, shelter.shape, (s, s)) for s in (GUST_PX / COARSE_PX, 2.0))
    wind = weather.wind_ms * (1 - shelter) * np.exp(gusty(weather.wind_ms) * gust)
    ice = ICE_DB * near * np.clip(1.6 * weather.ice + floes * math.sqrt(weather.ice) / 2, 0.0, 1.0)
    texture = waves(shape, pixel_m, weather.wind_ms, look, rng, fill((1 - shelter).astype(np.float32), shape))
    levels = {"vv": sea_vv_db(wind, weather.wind_from_deg, look), "vh": sea_vh_db(wind)}
    means = {band: (10 ** ((level + ice) / 10)).astype(np.float32) for band, level in levels.items()}
    return {band: fill(mean, shape) * texture for band, mean in means.items()}


def gusty(wind_ms: float) -> float:
    """Spread of the logarithm of the wind over a few hundred metres: light airs are patchy."""
    return 0.04 + 0.25 * math.exp(-wind_ms / 2.0)


def waves(
    shape: tuple[int, int],
    pixel_m: float,
    wind_ms: float,
    look: Look,
    rng: np.random.Generator,
    open_water: Plane,
) -> Plane:
    """Texture of the sea: short wave groups and a train of swell, ``(y, x)``, mean 1.

    Parameters
    ----------
    shape, pixel_m
        Of the window.
    wind_ms
        Raises the chop.
    look
        Waves along the track are smeared.
    rng
        Of the pass.
    open_water
        ``(y, x)`` 0 to 1: a sheltered basin has no swell.
    """
    step = WAVE_STEP_PX * pixel_m
    rows, cols = (-(-n // WAVE_STEP_PX) + 1 for n in shape)
    ky = -2 * np.pi * np.fft.fftfreq(rows, step).astype(np.float32)[:, None]
    kx = 2 * np.pi * np.fft.rfftfreq(cols, step).astype(np.float32)
    along = kx * np.float32(look.azimuth[0]) + ky * np.float32(look.azimuth[1])
    length, heading = rng.uniform(*SWELL_M), rng.uniform(0, np.pi)
    swell_variance = SWELL_VARIANCE * np.exp(rng.normal(0.0, SWELL_VARIANCE_SPREAD))
    chop_variance = CHOP_VARIANCE + CHOP_VARIANCE_PER_MS * min(wind_ms, 15.0)
    chop_variance += LULL_VARIANCE * math.exp(-((wind_ms / LULL_MS) ** 2))
    crest = 2 * math.pi / length
    px, py = crest * math.sin(heading), crest * math.cos(heading)
    k2 = kx**2 + ky**2
    smear = np.exp(-((along * np.float32(CUTOFF_M / (2 * np.pi))) ** 2))
    chop = np.exp(-k2 * np.float32(CHOP_M**2 / 4)) * smear
    apart = k2 + np.float32(crest**2) - 2 * np.abs(kx * np.float32(px) + ky * np.float32(py))
    swell = np.exp(-apart / np.float32(2 * (SWELL_SPREAD * crest) ** 2)) * smear
    power = _unit(chop, cols) * np.float32(chop_variance) + _unit(swell, cols) * np.float32(swell_variance)
    white = np.fft.rfft2(rng.standard_normal((rows, cols), dtype=np.float32))
    field = np.fft.irfft2(white * np.sqrt(power), (rows, cols))
    spread = math.sqrt(chop_variance + swell_variance)
    normal = fill((field / spread).astype(np.float32), shape, WAVE_STEP_PX) * open_water
    return gamma_of(normal, spread**2)


def _unit(power: Plane, cols: int) -> Plane:
    """Scale a half spectrum so that white noise filtered with its root has variance 1."""
    twice = np.full(power.shape[1], 2.0, np.float32)  # columns that stand for their mirror image, too
    twice[0] = 1.0
    if cols % 2 == 0:
        twice[-1] = 1.0
    return np.asarray(power / np.float32((power * twice).sum() / (power.shape[0] * cols)), dtype=np.float32)


def gamma_of(normal: Plane, variance: float) -> Plane:
    """Turn a Gaussian field into a gamma one of mean 1 (Wilson and Hilferty's cube): K-distributed clutter.

    A gamma texture under gamma speckle is the K distribution of rough sea (Ward 1981).
    """
    ninth = variance / 9
    cube = np.maximum(1 - ninth + normal * np.float32(math.sqrt(ninth)), 0.05)
    return np.asarray(cube * cube * cube, dtype=np.float32)
