"""A picture of an image with what was found in it, for people who would rather look.

Radar is grey, in decibels; optical images are in their colours where they have red, green and blue. The
picture is about the outlines: they are drawn a little larger than the hulls, so that the ships stay visible.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from odc.geo.geobox import GeoBox
from PIL import Image, ImageDraw, ImageFont

from tasks.grid import project
from tasks.products.detections import write_whole

STRETCH = (2.0, 98.0)
"""Percentiles that become black and white."""

COLOUR_FLOOR = 0.06
"""Least reflectance between black and white: a calm sea alone is drawn dark, not as noise."""

CLOUD = 0.35
"""Reflectance that is white at least: hulls and piers are darker, and are to be told from one another."""

HEADROOM = 3.0
"""Of grey images: white is at least this many times as far above the median as black is below it, so that
speckle on an empty sea does not look like ships."""

SMALLEST_PX, ENLARGED_MOST = 700, 8
"""Images smaller than this are drawn in larger pixels, so that the words have room."""

GAP_PX = 3
"""Between a hull and its outline."""

SMOOTHER = 2
"""Lines are drawn at this many times the size: Pillow's own have steps."""

LABELS_AT_MOST = 40
"""Beyond this the lengths would cover the picture; the file has them."""

TOP_PX, BOTTOM_PX, EDGE_PX = 40, 46, 14
PAPER, INK, FAINT = (18, 22, 28), (236, 239, 243), (150, 160, 172)
ON_GREY, ON_COLOUR, LABEL = (255, 170, 0), (255, 60, 200), (255, 236, 170)
NOT_SEEN = (44, 50, 60)

Plane = npt.NDArray[Any]
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Look:
    """What is drawn."""

    planes: Mapping[str, Plane]
    """Band name to ``(y, x)``; NaN where not seen."""

    box: GeoBox
    pixel_m: float
    units: str
    """Of radar: "1" is brought to decibels."""

    searched: npt.NDArray[np.bool_] | None = None
    """``(y, x)`` water by which the contrast is set, of colours its dark end; all that is seen where None."""


def draw_look(path: Path, look: Look, rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> None:
    """Draw an image with the outlines of its vessels and write it as PNG.

    Parameters
    ----------
    path
        Where to; its folder is made.
    look
        The image.
    rows
        Its vessels: ``outline`` (EPSG:4326) and ``length_m``.
    about
        ``image``, ``sensor``, ``acquired``.
    """
    pixels, grey = render(look)
    short = min(pixels.shape[:2])
    times = min(ENLARGED_MOST, max(1, -(-SMALLEST_PX // short))) if short < SMALLEST_PX / 1.5 else 1
    picture = Image.fromarray(pixels)
    picture = picture.resize((picture.width * times, picture.height * times), Image.Resampling.NEAREST)
    shapes = [_in_pixels(row["outline"], look.box, times) for row in rows]
    picture = _outlined(picture, shapes, ON_GREY if grey else ON_COLOUR)
    lengths = [float(row["length_m"]) for row in rows]
    if len(rows) <= LABELS_AT_MOST:
        _label(picture, shapes, lengths)
    sheet = _sheet(picture, look.pixel_m / times, _title(about, len(rows)), _credit(about))
    file = io.BytesIO()
    sheet.save(file, "PNG", optimize=True)
    write_whole(path, file.getvalue())


def render(look: Look) -> tuple[npt.NDArray[np.uint8], bool]:
    """Give the image as ``(y, x, 3)`` bytes, and whether it is grey."""
    planes = dict(look.planes)
    if look.units == "reflectance" and all(band in planes for band in ("red", "green", "blue")):
        layers = [planes[band] for band in ("red", "green", "blue")]
        low = min(_percentile(layer, look, STRETCH[0]) for layer in layers)
        bright = [_percentile(layer, replace(look, searched=None), STRETCH[1]) for layer in layers]
        high = max(min(*bright, CLOUD), low + COLOUR_FLOOR)
        bytes_ = [_stretched(layer, low, high, gamma=2.0) for layer in layers]
        grey = False
    else:
        layer = planes.get("nir", next(iter(planes.values())))
        if look.units == "1":
            with np.errstate(divide="ignore", invalid="ignore"):
                layer = np.where(layer > 0, 10 * np.log10(layer), np.nan)
        low, middle, high = (_percentile(layer, look, q) for q in (STRETCH[0], 50.0, STRETCH[1]))
        high = max(high, middle + HEADROOM * (middle - low), low + 1e-3)
        bytes_ = [_stretched(layer, low, high, gamma=1.0)] * 3
        grey = True
    pixels = np.stack(bytes_, axis=-1)
    pixels[~np.logical_or.reduce([np.isfinite(p) for p in planes.values() if p.dtype.kind == "f"])] = NOT_SEEN
    return pixels, grey


def _percentile(layer: Plane, look: Look, share: float) -> float:
    values = layer[np.isfinite(layer)]
    if look.searched is not None and (water := layer[look.searched & np.isfinite(layer)]).size:
        values = water
    return float(np.percentile(values, share)) if values.size else 0.0


def _stretched(layer: Plane, low: float, high: float, gamma: float) -> npt.NDArray[np.uint8]:
    share = np.clip((np.nan_to_num(layer, nan=low) - low) / (high - low), 0, 1)
    return np.asarray(np.rint(255 * share ** (1 / gamma)), dtype=np.uint8)


def _in_pixels(outline: shapely.Geometry, box: GeoBox, times: int) -> shapely.Geometry:
    """Bring an outline to pixels of the picture, grown by the gap."""
    inverse = ~box.affine

    def place(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        col, row = inverse * (xy[:, 0], xy[:, 1])
        return np.column_stack([col, row]) * times

    shape = shapely.transform(project(outline, str(box.crs)), place)
    return shapely.buffer(shape, GAP_PX, join_style="mitre")


def _outlined(picture: Image.Image, shapes: Sequence[shapely.Geometry], colour: Colour) -> Image.Image:
    """Draw thin lines with a dark edge, so that they show on water and on roofs."""
    layer = Image.new("RGBA", (picture.width * SMOOTHER, picture.height * SMOOTHER), (*colour, 0))
    pen = ImageDraw.Draw(layer)
    rings = [[(x * SMOOTHER, y * SMOOTHER) for x, y in shape.exterior.coords] for shape in shapes]
    for width, ink in ((2.6, (0, 0, 0, 150)), (1.4, (*colour, 255))):
        for ring in rings:
            pen.line(ring, fill=ink, width=round(width * SMOOTHER), joint="curve")
    small = layer.resize(picture.size, Image.Resampling.BOX)
    return Image.alpha_composite(picture.convert("RGBA"), small).convert("RGB")


def _label(picture: Image.Image, shapes: Sequence[shapely.Geometry], lengths: Sequence[float]) -> None:
    """Write each length beside its outline, where neither another length nor another vessel is."""
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(13)
    taken: list[tuple[float, ...]] = [shape.bounds for shape in shapes]
    for shape, length_m in zip(shapes, lengths, strict=True):
        text = f"{length_m:.0f} m"
        wide, high = pen.textlength(text, font), 14.0
        west, north, east, south = shape.bounds
        middle = (north + south - high) / 2
        for x, y in (
            (east + 3, middle),
            (west - 3 - wide, middle),
            (west, north - high - 3),
            (west, south + 1),
        ):
            spot = (x, y, x + wide, y + high)
            inside = x >= 0 and y >= 0 and spot[2] <= picture.width and spot[3] <= picture.height
            if inside and not any(_overlap(spot, other) for other in taken):
                pen.text((x, y), text, fill=LABEL, font=font, stroke_width=2, stroke_fill=(0, 0, 0))
                taken.append(spot)
                break


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _title(about: Mapping[str, Any], count: int) -> str:
    when = about.get("acquired")
    date = f"{when:%Y-%m-%d %H:%M} UTC" if when is not None else "date unknown"
    vessels = "1 vessel" if count == 1 else f"{count} vessels"
    if about.get("vessels", count) is None:
        vessels = "not seen"
    name = Path(str(about["image"])).with_suffix("").name.strip("*") or Path(str(about["image"])).parent.name
    return f"{name}   {about['sensor']}   {date}   {vessels}"


def _credit(about: Mapping[str, Any]) -> str:
    if about.get("simulated"):
        return "SIMULATED: made by a program; nothing here happened"
    if not str(about["sensor"]).startswith("sentinel"):
        return ""
    year = f" {about['acquired']:%Y}" if about.get("acquired") is not None else ""
    return f"contains modified Copernicus Sentinel data{year}"


def _sheet(picture: Image.Image, metres_per_px: float, title: str, credit: str) -> Image.Image:
    """Put the picture between its title and its scale."""
    width = max(picture.width, 480)
    sheet = Image.new("RGB", (width, picture.height + TOP_PX + BOTTOM_PX), PAPER)
    sheet.paste(picture, ((width - picture.width) // 2, TOP_PX))
    pen = ImageDraw.Draw(sheet)
    pen.text((EDGE_PX, 11), _cut(pen, title, ImageFont.load_default(16), width - 2 * EDGE_PX), INK, _font(16))
    _scale(pen, metres_per_px, width, picture.height + TOP_PX)
    x = width - EDGE_PX - 30 - pen.textlength(credit, _font(12))
    pen.text((x, picture.height + TOP_PX + 18), credit, FAINT, _font(12))
    _north(pen, width - EDGE_PX - 8, picture.height + TOP_PX)
    return sheet


def _font(size: int) -> Any:
    return ImageFont.load_default(size)


def _cut(pen: ImageDraw.ImageDraw, text: str, font: Any, room: float) -> str:
    """Shorten a text in its first word, a file's name, until it has room."""
    while pen.textlength(text, font) > room and len(text) > 20:
        text = text[:8] + "..." + text[12:]
    return text


def _scale(pen: ImageDraw.ImageDraw, metres_per_px: float, width: int, top: int) -> None:
    longest = 0.28 * width * metres_per_px
    metres = max(m * 10**e for e in range(6) for m in (1, 2, 5) if m * 10**e <= max(longest, 1))
    x, y = EDGE_PX, top + 30
    end = x + metres / metres_per_px
    pen.line([(x, y - 6), (x, y), (end, y), (end, y - 6)], INK, 2)
    pen.text((x + 6, y - 18), f"{metres} m" if metres < 1000 else f"{metres // 1000} km", INK, _font(12))


def _north(pen: ImageDraw.ImageDraw, x: float, top: int) -> None:
    pen.polygon([(x, top + 5), (x + 6, top + 24), (x, top + 19), (x - 6, top + 24)], INK)
    pen.text((x, top + 36), "N", INK, _font(12), anchor="mm")
