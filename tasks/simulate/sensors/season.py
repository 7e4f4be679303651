"""What a day makes of the ground: crops and leaves, snow, ice in the slips, and the sea's own light."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from tasks.simulate.sensors.clouds import Plane, axes_of, noise, ramp
from tasks.simulate.sensors.sun import Sun, glint
from tasks.simulate.sensors.surface import EDGE_PX, OpticalGround
from tasks.simulate.world.palette import BANDS, SPECTRA
from tasks.simulate.world.weather import Weather


def land_and_ice(
    ground: OpticalGround, weather: Weather, bands: Sequence[str], rng: np.random.Generator
) -> tuple[npt.NDArray[np.float32], Plane, Plane]:
    """Mix the ground of one day.

    Returns
    -------
    tuple
        Reflectance × share of all but open water ``(band, y, x)``, share of open water ``(y, x)``, and
        share of ice and snow ``(y, x)``, on the fine grid.
    """
    planes = np.empty((len(bands), *ground.fine.shape), np.float32)
    snow = _snow(ground, weather.snow)
    floes = _floes(ground, weather.ice, rng)
    for out, band in zip(planes, bands, strict=True):
        k = BANDS.index(band)
        green, bare = np.float32(weather.green), SPECTRA["dormant"][k]
        np.multiply(ground.soil, np.float32(SPECTRA["soil"][k]), out=out)
        for plane, kind in ((ground.field, "field"), (ground.forest, "forest")):
            # Bare woods in winter are as dark as their shade.
            rest = bare * (0.8 if kind == "forest" else 1.0)
            out += plane * np.float32(green * SPECTRA[kind][k] + (1 - green) * rest)
        out += ground.fixed[band]
        if snow is not None:
            out += snow * (np.float32(SPECTRA["snow"][k]) * (1 - ground.water) - out)
        if floes is not None:
            out += floes[0] * floes[1] * np.float32(SPECTRA["ice"][k])
    water = ground.water if floes is None else ground.water - floes[0]
    white = np.zeros(ground.fine.shape, np.float32) if snow is None else snow * (1 - ground.water)
    return planes, water, white if floes is None else white + floes[0]


def _snow(ground: OpticalGround, snow: float) -> Plane | None:
    """Share of the land in each pixel that is white; what is built is mostly swept or worn off."""
    if snow < 0.02:
        return None
    level = float(ndtri(1 - min(snow, 0.98)))
    lies = ramp(ground.drift, level - 0.9, level + 0.9)
    # Woods hide what lies under them; what is built is swept, driven over or warm.
    open_country = np.clip(ground.natural - 0.6 * ground.forest, 0, 1)
    return np.asarray(lies * (0.25 + 0.6 * open_country), dtype=np.float32)


def _floes(ground: OpticalGround, ice: float, rng: np.random.Generator) -> tuple[Plane, Plane] | None:
    """Share of ice and its brightness: sheltered water first, in floes that drift from day to day."""
    if ice < 0.02:
        return None
    x, y = axes_of(ground.fine)
    field = noise(rng, (180.0, 70.0, 28.0, 11.0, 5.0), 0.35).at(x, y)
    covered = np.clip(ice * (0.15 + 1.25 * ground.shelter), 0.0, 0.97)
    level = ndtri(1 - np.maximum(covered, 1e-3)).astype(np.float32)
    share = ramp(field - level, -0.15, 0.15) * ground.water
    tone = 0.75 + 0.35 * ramp(noise(rng, (60.0, 24.0)).at(x, y), -0.5, 1.5)
    return np.asarray(share, dtype=np.float32), np.asarray(tone, dtype=np.float32)


def sea_reflectance(
    ground: OpticalGround,
    weather: Weather,
    sun: Sun,
    open_water: Plane,
    bands: Sequence[str],
    rng: np.random.Generator,
) -> dict[str, Plane]:
    """Make the sea of one moment: silt, sun glint, foam and waves.

    Parameters
    ----------
    ground
        Where the shore is.
    weather
        Wind and turbidity.
    sun
        What glints.
    open_water
        Share of each pixel of the image, ``(y, x)``; less in shadow.
    bands
        Names from the palette.
    rng
        Makes plumes, slicks and waves.

    Returns
    -------
    dict
        Reflectance × share of open water, ``(y, x)`` by band.
    """
    box = ground.box
    x, y = axes_of(box)
    inner, step = EDGE_PX * ground.finer, ground.finer
    shore = ground.shore[inner:-inner:step, inner:-inner:step]
    plumes = noise(rng, (1500.0, 600.0, 200.0), 0.8).at(x, y)
    silt = np.clip(weather.turbidity**1.3 * (1 + 0.25 * plumes) + 0.12 * shore, 0, 1.2).astype(np.float32)
    slick = noise(rng, (900.0, 300.0, 100.0), 0.7).at(x, y)
    foam = np.float32(0.22 * 3.84e-6 * weather.wind_ms**3.41)  # Monahan & O'Muircheartaigh 1980; Koepke 1984
    mirror = np.float32(glint(sun, weather.wind_ms)) * (1 + 0.18 * slick) + foam
    # Waves are finer than any pixel here but the smallest; their unevenness averages out with area.
    rough = (0.0001 + 0.00002 * weather.wind_ms + 0.022 * mirror) * np.float32((10 / box.affine.a) ** 0.6)
    waves = rng.standard_normal(box.shape, dtype=np.float32)
    if box.affine.a < 5:
        waves = 0.6 * waves + 0.8 * noise(rng, (14.0, 7.0)).at(x, y)
    common = mirror + rough * waves
    sea = {}
    for band in bands:
        k = BANDS.index(band)
        clear, brown = SPECTRA["clear water"][k], SPECTRA["brown water"][k]
        sea[band] = open_water * (np.float32(clear) + np.float32(brown - clear) * silt + common)
    return sea
