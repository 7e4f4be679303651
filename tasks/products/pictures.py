"""Arrays in, picture files out: colours of optical images, grey of radar, and the strip of facts beneath.

Every image of a kind is drawn on one fixed scale, never on its own: two dates can be compared by eye, and a
dark picture is a dark port. What was not seen is hatched, for black would be read as water.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont, features
from PIL import __version__ as pillow_version

Plane = npt.NDArray[np.floating]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Scale:
    """Values that become black and white, on every date alike."""

    low: float
    high: float
    gamma: float = 1.0
    """Above 1 what is dark is drawn brighter."""


REFLECTANCE = Scale(0.0, 0.32, 1.6)
"""Water reads 0.02 to 0.06, asphalt 0.1, concrete and bright decks 0.3; clouds and snow are white."""

DECIBELS: Mapping[str, Scale] = {
    "vv": Scale(-24.0, 6.0),
    "hh": Scale(-24.0, 6.0),
    "vh": Scale(-30.0, -4.0),
    "hv": Scale(-30.0, -4.0),
}
"""Calm water to the echoes of a ship's side; cross-polarised is 7 to 10 dB weaker."""

RELATIVE_DECIBELS = Scale(1.0, 255.0)
"""Bytes with unknown zero and step, as delivered."""

COLOURS = ("red", "green", "blue")
GREYS = ("nir", "red", "green", "blue", "swir16")
ECHOES = ("vv", "hh", "vh", "hv")
"""Co-polarised first: ships stand out most there."""

BUDGET_BYTES = 25_000
QUALITIES = (68, 55, 42, 30, 20, 10)
"""Of WebP: the first that keeps within the budget, else the last. At 68 ships look as in the original."""

WEBP = bool(features.check("webp"))
SUFFIX = "webp" if WEBP else "png"
ENCODER = f"pillow {pillow_version}, libwebp {features.version('webp') if WEBP else '-'}"
"""Decides the bytes of a file: with another one all pictures are drawn anew."""

DRAWING_VERSION = "1"
"""To be raised with every change of how pictures look."""

PAPER, INK, FAINT = (18, 22, 28), (236, 239, 243), (168, 177, 188)
HATCH = ((196, 200, 206), (150, 156, 164))
HATCH_PX = 10
EDGE_PX, LINE_PX, TEXT_PX = 6, 13, 11
MOST_LINES = 4
"""Of one text: the id of a pass of many tiles is longer, and stands in full in the list."""
LETTER_PX = 6.8
"""Width of a letter: the mean of capitals and digits, of which ids are made."""
LEAST_LINES = 4
"""Of text, so that strips of one width are mostly of one height: pictures are laid over one another."""


@dataclass(frozen=True)
class Facts:
    """What the strip under a picture says."""

    when: str
    image: str
    """Sensor, resolution, collection."""

    scene_id: str
    credit: str
    metres_per_px: float


def bands_drawn(bands: Sequence[str], units: str) -> tuple[str, ...]:
    """Choose what is drawn of an image: its colours, else its longest wave; of radar one polarisation."""
    if units != "reflectance":
        return tuple(band for band in ECHOES if band in bands)[:1]
    if all(colour in bands for colour in COLOURS):
        return COLOURS
    return tuple(band for band in GREYS if band in bands)[:1]


def scale_of(band: str, units: str) -> Scale:
    """Give the fixed scale of a band."""
    if units == "reflectance":
        return REFLECTANCE
    return RELATIVE_DECIBELS if units == "relative dB" else DECIBELS[band]


def scale_in_words(bands: Sequence[str], units: str) -> str:
    """Say what black and white are."""
    scale = scale_of(bands[0], units)
    if units == "reflectance":
        what = "Red, green and blue" if len(bands) > 1 else f"One band, {bands[0]}, in grey"
        return (
            f"{what}: surface reflectance {scale.low:g} to {scale.high:g} "
            f"(gamma {scale.gamma:g}), the same on every date."
        )
    if units == "relative dB":
        return f"Radar {bands[0].upper()}: relative decibels as delivered, the same scale on every date."
    low = f"{scale.low:g}".replace("-", "−")
    high = f"{scale.high:g}".replace("-", "−")
    return f"Radar {bands[0].upper()}: backscatter {low} to {high} dB, the same on every date."


def caption(bands: Sequence[str], units: str, pixel_m: float, edge_m: float) -> str:
    """Say what a picture shows, and what it does not.

    Parameters
    ----------
    bands, units
        What is drawn.
    pixel_m, edge_m
        Edge of a pixel of the image and of the picture, metres.
    """
    times = pixel_m / edge_m
    if times > 1.01:
        size = f"Each {pixel_m:.3g} m pixel is drawn {times:.3g} times enlarged, none added."
    elif times < 0.99:
        size = f"Pixels of {pixel_m:.3g} m are averaged to {edge_m:.3g} m."
    else:
        size = f"Pixels of {pixel_m:.3g} m are drawn as they are."
    radar = "" if units == "reflectance" else "Brightness is echo, not colour; speckle is no object. "
    return (
        f"{scale_in_words(bands, units)} {size} {radar}Nothing smaller than a pixel can be told apart, nor "
        "what ships, containers and wagons hold. Hatched: not seen."
    )


def render(planes: Mapping[str, Plane], units: str) -> Pixels:
    """Draw bands as ``(y, x, 3)`` bytes.

    Parameters
    ----------
    planes
        One band or three, in the order red, green, blue; ``(y, x)`` float: reflectance, linear power ("1"),
        dB or relative dB. NaN where not seen.
    units
        Of the planes.
    """
    layers = [_bytes(_decibels(plane, units), scale_of(band, units)) for band, plane in planes.items()]
    pixels = np.stack(layers if len(layers) == 3 else layers[:1] * 3, axis=-1)
    seen = np.logical_and.reduce([np.isfinite(plane) for plane in planes.values()])
    return np.where(seen[..., None], pixels, hatch(seen.shape))


def _decibels(plane: Plane, units: str) -> Plane:
    if units != "1":
        return plane
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(plane > 0, 10 * np.log10(plane), np.nan)


def _bytes(plane: Plane, scale: Scale) -> Pixels:
    share = np.clip((np.nan_to_num(plane, nan=scale.low) - scale.low) / (scale.high - scale.low), 0, 1)
    return np.asarray(np.rint(255 * share ** (1 / scale.gamma)), np.uint8)


def hatch(shape: tuple[int, ...]) -> Pixels:
    """Draw the pattern of what was not seen, ``(y, x, 3)``."""
    rows, cols = np.indices(shape)
    dark = (rows + cols) % HATCH_PX < 2
    return np.where(dark[..., None], *(np.array(c, np.uint8) for c in reversed(HATCH)))


def encode(pixels: Pixels, facts: Facts) -> bytes:
    """Write a picture with its strip beneath; the same bytes for the same input and `ENCODER`."""
    height, width = pixels.shape[:2]
    sheet = Image.new("RGB", (width, height + strip_height(width, facts)))
    sheet.paste(Image.fromarray(pixels), (0, 0))
    sheet.paste(_strip(width, facts), (0, height))
    file = io.BytesIO()
    if not WEBP:
        sheet.save(file, "PNG", optimize=True)
        return file.getvalue()
    for quality in QUALITIES:
        file = io.BytesIO()
        sheet.save(file, "WEBP", quality=quality, method=4)
        if file.tell() <= BUDGET_BYTES:
            break
    return file.getvalue()


def strip_height(width: int, facts: Facts) -> int:
    """Tell how high the strip under a picture is, pixels."""
    return (3 + max(len(_lines(width, facts)), LEAST_LINES)) * LINE_PX + 6


def _lines(width: int, facts: Facts) -> list[tuple[str, tuple[int, int, int]]]:
    letters = max(int((width - 2 * EDGE_PX) / LETTER_PX), 8)
    return [
        (line, ink)
        for text, ink in ((facts.image, INK), (facts.scene_id, FAINT), (facts.credit, FAINT))
        for line in textwrap.wrap(text, letters, max_lines=MOST_LINES, placeholder=" …")
    ]


def _strip(width: int, facts: Facts) -> Image.Image:
    font: Any = ImageFont.load_default(TEXT_PX)
    strip = Image.new("RGB", (width, strip_height(width, facts)), PAPER)
    pen = ImageDraw.Draw(strip)
    pen.text((EDGE_PX, 3), facts.when, INK, font)
    _north(pen, width - EDGE_PX - 6, 3, font)
    _scale_bar(pen, facts.metres_per_px, width, 2 * LINE_PX + 6, font)
    for k, (line, ink) in enumerate(_lines(width, facts)):
        pen.text((EDGE_PX, 3 * LINE_PX + 2 + k * LINE_PX), line, ink, font)
    return strip


def _scale_bar(pen: ImageDraw.ImageDraw, metres_per_px: float, width: int, y: int, font: Any) -> None:
    longest = 0.45 * width * metres_per_px
    metres = max(m * 10**e for e in range(6) for m in (1, 2, 5) if m * 10**e <= max(longest, 1))
    end = EDGE_PX + round(metres / metres_per_px)
    pen.line([(EDGE_PX, y - 5), (EDGE_PX, y), (end, y), (end, y - 5)], INK, 2)
    pen.text((end + 6, y - 9), f"{metres} m" if metres < 1000 else f"{metres // 1000} km", INK, font)


def _north(pen: ImageDraw.ImageDraw, x: int, y: int, font: Any) -> None:
    pen.polygon([(x, y), (x + 5, y + 16), (x, y + 12), (x - 5, y + 16)], INK)
    pen.text((x, y + 24), "N", INK, font, anchor="mm")
