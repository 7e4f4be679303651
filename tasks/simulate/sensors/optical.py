"""What optical sensors make of a port at one moment.

A scene is composed on a fine grid by area (ground, blocks, their shadows), seen through the camera's
point spread, which also carries the registration error exactly, and then through cloud and haze.
Everything that the sea does (waves, glint, silt) is put on the pixels by the share of open water in
them. Random numbers belong to the site, the moment and what they decide, never to an order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.errors import InputError
from tasks.simulate.sensors.calendar import Acquisition, Sensor
from tasks.simulate.sensors.clouds import CLOUD_CODES, Plane, draw_sky, provider_mask, seen_through
from tasks.simulate.sensors.season import land_and_ice, sea_reflectance
from tasks.simulate.sensors.shade import SKY_LIGHT, draw_blocks
from tasks.simulate.sensors.sun import Sun, sun_at
from tasks.simulate.sensors.surface import EDGE_PX, OpticalGround, optical_ground
from tasks.simulate.world.blocks import Block
from tasks.simulate.world.palette import BANDS
from tasks.simulate.world.seeds import generator
from tasks.simulate.world.weather import Weather

__all__ = ["OpticalGround", "OpticalImage", "optical_ground", "render_optical"]

SUB_PIXEL_M = {Sensor.SENTINEL_2: 1.25, Sensor.PLANET: 0.75, Sensor.SUBMETRE: 0.25}
"""Grain to which blocks are drawn: eighths, quarters and halves of a pixel."""

SHADED_WATER = 0.3
"""Of the light that open water gives back, what is left in shadow: mostly sky, mirrored."""


@dataclass(frozen=True)
class Camera:
    """How a sensor blurs and errs."""

    fwhm_px: float
    """Width of the point spread at half its height, pixels, the pixel's own area included."""

    floor: float
    """Noise of a black scene, reflectance, in blue; the other bands go with `NOISE`."""

    gain: float
    """Noise that grows with the signal, as a share of it."""

    scene_gain: float
    """Spread of the error of calibration, per scene and band."""

    mask_px: int
    """Pixels along an edge of the provider's mask."""


CAMERAS = {
    Sensor.SENTINEL_2: Camera(1.25, 0.0005, 0.004, 0.01, 2),
    Sensor.PLANET: Camera(1.5, 0.002, 0.012, 0.025, 1),
    Sensor.SUBMETRE: Camera(1.4, 0.003, 0.015, 0.02, 4),
}
"""Sentinel-2: modulation 0.15-0.3 at Nyquist and signal-to-noise of the MPC data quality reports
(B2 154, B3 168, B4 142, B8 172 at the reference radiance). The others as published for SuperDove
and for half-metre satellites, rounded."""

SWIR_FWHM_PX = 2.3
"""Sentinel-2's 1.6 µm band has pixels of 20 m; in pixels of 10 m."""

NOISE = {"blue": 1.0, "green": 0.85, "red": 0.8, "nir": 0.7, "swir16": 0.25}

LEAST = 1e-4
"""Lowest reflectance: 0 is nodata in every product."""


@dataclass(frozen=True, eq=False)
class OpticalImage:
    """One look, with its truth: planes are ``(y, x)`` on the grid of the ground."""

    bands: dict[str, Plane]
    """Reflectance, 0 to about 1: what the product says."""

    cloud: Plane
    """True opacity of cloud, 0 to 1."""

    cloud_shadow: Plane
    """True share of the direct light that cloud shadow takes, 0 to 1."""

    mask: npt.NDArray[np.uint8]
    """What the provider says of each pixel, in the codes of Sentinel-2's scene classification
    (3 shadow, 4 vegetation, 5 bare, 6 water, 7 unclassified, 8 and 9 cloud, 10 cirrus, 11 snow or ice);
    sometimes wrong."""

    cloud_cover: float
    """Percent of the box, as the provider's mask has it."""

    sun_elevation_deg: float

    sun_azimuth_deg: float
    """Clockwise from true north."""

    shift_px: tuple[float, float]
    """Registration error: things appear this far right of and below (x, y) where they are."""


def render_optical(
    ground: OpticalGround,
    blocks: Sequence[Block],
    acquisition: Acquisition,
    weather: Weather,
    seed: int,
    bands: Sequence[str],
) -> OpticalImage:
    """Render one look at a port.

    Parameters
    ----------
    ground
        What never moves, on the grid of the image; its sheds are drawn too.
    blocks
        All that stands or floats there at that moment, in the CRS of the grid.
    acquisition
        When, and by which sensor.
    weather
        Of that moment.
    seed
        Of the simulation.
    bands
        Any of the palette's; the mask needs blue, green, red and nir, which are always rendered.

    Raises
    ------
    InputError
        If the sensor is a radar, a band unknown or the sun down.
    """
    camera = CAMERAS.get(acquisition.sensor)
    if camera is None:
        raise InputError(
            f"sensor {acquisition.sensor} takes no optical images; one of {', '.join(CAMERAS)} does"
        )
    if unknown := sorted(set(bands) - set(BANDS)):
        raise InputError(f"band {', '.join(unknown)} is unknown; optical bands are {', '.join(BANDS)}")
    sun = sun_at(ground.latitude, ground.longitude, acquisition.acquired)
    if sun.elevation_deg <= 0:
        raise InputError(
            f"the sun is {-sun.elevation_deg:.0f} degrees below the horizon of {acquisition.site_id} at "
            f"{acquisition.acquired.isoformat()}; optical images need daylight"
        )
    names = ("optical", acquisition.site_id, acquisition.acquired.isoformat(), acquisition.sensor)
    azimuth = sun.azimuth_deg - ground.convergence_deg
    shift = draw_shift(generator(seed, *names, "shift"))
    wanted = [band for band in BANDS if band in bands or band != "swir16"]
    sub = SUB_PIXEL_M[acquisition.sensor]
    scene = compose(ground, blocks, weather, sun, wanted, sub, seed, generator(seed, *names, "ice"))
    seen = [
        sampled(plane, ground.finer, SWIR_FWHM_PX if name == "swir16" else camera.fwhm_px, shift)
        for name, plane in scene.items()
    ]
    surface = dict(zip(scene, seen, strict=True))
    sea = sea_reflectance(ground, weather, sun, surface["open water"], wanted, generator(seed, *names, "sea"))
    sky = draw_sky(ground.box, weather, sun, azimuth, generator(seed, *names, "sky"))
    errors = generator(seed, *names, "noise")
    rendered = {
        band: _recorded(
            seen_through(surface[band] + sea[band], band, sky, SKY_LIGHT[band]), band, camera, errors
        )
        for band in wanted
    }
    mask = provider_mask(
        rendered,
        sky,
        surface["open water"],
        surface["frozen"],
        camera.mask_px,
        generator(seed, *names, "mask"),
    )
    return OpticalImage(
        bands={band: rendered[band] for band in bands},
        cloud=sky.cloud,
        cloud_shadow=sky.shadow,
        mask=mask,
        cloud_cover=float(100 * np.isin(mask, CLOUD_CODES).mean()),
        sun_elevation_deg=sun.elevation_deg,
        sun_azimuth_deg=sun.azimuth_deg,
        shift_px=shift,
    )


def draw_shift(rng: np.random.Generator) -> tuple[float, float]:
    """Draw a registration error in pixels: mostly 0.2 to 0.6, never above 1."""
    far, turn = rng.beta(2.2, 3.5), rng.uniform(0, 2 * np.pi)
    return float(far * np.cos(turn)), float(far * np.sin(turn))


def compose(
    ground: OpticalGround,
    blocks: Sequence[Block],
    weather: Weather,
    sun: Sun,
    bands: Sequence[str],
    sub_pixel_m: float,
    seed: int,
    rng: np.random.Generator,
) -> dict[str, Plane]:
    """Compose a scene on the fine grid, before any camera.

    Returns
    -------
    dict
        By band, reflectance × share of all but open water; ``open water``, its share, less in shadow;
        ``frozen``, the share of ice and snow.
    """
    planes, water, frozen = land_and_ice(ground, weather, bands, rng)
    drawn = draw_blocks(
        [*ground.fixtures, *blocks],
        ground.fine,
        round(ground.fine.affine.a / sub_pixel_m),
        bands,
        sun,
        sun.azimuth_deg - ground.convergence_deg,
        seed,
    )
    for k, (plane, band) in enumerate(zip(planes, bands, strict=True)):
        light = drawn.lit + np.float32(SKY_LIGHT[band]) * drawn.dark
        plane[drawn.touched] = plane[drawn.touched] * light + drawn.paint[:, k]
    water = water.copy()
    water[drawn.touched] *= drawn.lit + np.float32(SHADED_WATER) * drawn.dark
    frozen[drawn.touched] *= drawn.lit + drawn.dark
    return {**dict(zip(bands, planes, strict=True)), "open water": water, "frozen": frozen}


def sampled(fine: Plane, finer: int, fwhm_px: float, shift_px: tuple[float, float]) -> Plane:
    """See a fine grid through a camera that stands a little off.

    Parameters
    ----------
    fine
        Scene with an edge of `EDGE_PX` pixels of the image all round.
    finer
        Fine pixels along an edge of a pixel.
    fwhm_px
        Width of the point spread at half its height, pixels.
    shift_px
        The scene appears this far right and down.

    Returns
    -------
    numpy.ndarray
        ``(y, x)`` pixels of the image.

    Notes
    -----
    The kernel is moved, not the pixels. With two points a pixel it passes nothing that the fine grid
    cannot carry, so a shift by any fraction is exact to 1e-4 of the contrast.
    """
    height, width = (n // finer - 2 * EDGE_PX for n in fine.shape)
    first, weights = _kernel(finer, fwhm_px, shift_px[1])
    rows = np.zeros((height, fine.shape[1]), np.float32)
    for k, weight in enumerate(weights):
        rows += weight * fine[first + k : first + k + finer * height : finer]
    first, weights = _kernel(finer, fwhm_px, shift_px[0])
    out = np.zeros((height, width), np.float32)
    for k, weight in enumerate(weights):
        out += weight * rows[:, first + k : first + k + finer * width : finer]
    return out


def _kernel(finer: int, fwhm_px: float, shift_px: float) -> tuple[int, npt.NDArray[np.float32]]:
    """First fine pixel that the first pixel of an image looks at, and the weights from there on."""
    # The area of a fine pixel is part of the point spread: its variance is 1/12.
    spread = np.sqrt((fwhm_px * finer / 2.3548) ** 2 - 1 / 12)
    centre = EDGE_PX * finer + (finer - 1) / 2 - shift_px * finer
    first, last = int(np.floor(centre - 4 * spread)), int(np.ceil(centre + 4 * spread))
    weights = np.exp(-0.5 * ((np.arange(first, last + 1) - centre) / spread) ** 2)
    return first, (weights / weights.sum()).astype(np.float32)


def _recorded(radiance: Plane, band: str, camera: Camera, rng: np.random.Generator) -> Plane:
    """Add what the camera adds: an error of the scale, and noise."""
    scale = np.float32(
        np.clip(rng.normal(1.0, camera.scene_gain), 1 - 2 * camera.scene_gain, 1 + 2 * camera.scene_gain)
    )
    grain = rng.standard_normal(radiance.shape, dtype=np.float32)
    grain *= np.float32(camera.floor * NOISE[band]) + np.float32(camera.gain) * np.abs(radiance)
    return np.asarray(np.maximum(radiance * scale + grain, LEAST), dtype=np.float32)
