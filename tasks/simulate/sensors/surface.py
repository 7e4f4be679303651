"""What a camera sees of a port that does not move: land, piers, yards, tracks, water, ice and snow.

Drawn once per site and grid from the zones and from fractal noise in the coordinates of the map, so
the same field lies in the same place at 10 m, 3 m and 0.5 m. What changes with the season is mixed
from a few spectra for each image.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.features import rasterize
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from tasks.grid import transformer
from tasks.simulate.sensors.clouds import Plane, axes_of, noise, ramp
from tasks.simulate.world.blocks import Block, pooled
from tasks.simulate.world.model import TRACK_M, tracks_of
from tasks.simulate.world.palette import BANDS, SPECTRA
from tasks.simulate.world.port import APRON_M, Port, Strip
from tasks.simulate.world.seeds import generator

EDGE_PX = 6
"""Ground drawn around the image, in its pixels: room for the blur and for a shift of one pixel."""

DRAWN_FINER = 4
"""Sub-pixels along an edge from which the shares of land and piers are counted."""

TOWN_M = 1000.0
"""The town ends about this far from the yards and tracks."""

BEACH_M = 14.0
SHORE_M = 120.0
"""Water brightens towards the shore over this distance: bottom, silt, light from the land."""

SHELTER_M = 400.0
"""Edge of the square in which nearby land is counted; where there is much, the water freezes first."""


@dataclass(frozen=True, eq=False)
class OpticalGround:
    """What never moves; planes are ``(y, x)`` on the fine grid, class planes are shares of the pixel."""

    port: Port
    box: GeoBox
    """Grid of the image."""

    fine: GeoBox
    """Grid of the planes: finer than the image by a whole number, and larger by `EDGE_PX` all round."""

    water: Plane
    fixed: dict[str, Plane]
    """Reflectance × share of all that looks the same all year, by band."""

    soil: Plane
    field: Plane
    forest: Plane
    """Brightness × share of what changes with the season."""

    natural: Plane
    """Share of open country, where snow lies longest."""

    drift: Plane
    """Standard normal: where snow falls first (low) and last (high)."""

    shore: Plane
    """1 at the shore, falling to 0 out at sea."""

    shelter: Plane
    """0 in the open, 1 deep inside a slip."""

    latitude: float
    longitude: float
    convergence_deg: float
    """Grid north minus true north, clockwise, at the middle of the box."""

    @property
    def finer(self) -> int:
        """Fine pixels along an edge of a pixel of the image."""
        return round(self.box.affine.a / self.fine.affine.a)

    @property
    def fixtures(self) -> tuple[Block, ...]:
        """Sheds ashore."""
        return self.port.fixtures


def fine_grid(box: GeoBox) -> GeoBox:
    """Lay the grid on which a scene is composed before the camera blurs it.

    With two points a pixel the camera's blur is sampled, and shifted, without error. Half-metre windows
    make do with one: they are large, and nobody registers them to a tenth of a pixel.
    """
    finer = 2 if box.affine.a > 1 else 1
    height, width = box.shape
    corner = box.affine * Affine.translation(-EDGE_PX, -EDGE_PX)
    shape = ((height + 2 * EDGE_PX) * finer, (width + 2 * EDGE_PX) * finer)
    return GeoBox(shape, corner * Affine.scale(1 / finer), box.crs)


def optical_ground(port: Port, box: GeoBox, seed: int) -> OpticalGround:
    """Draw a port's ground.

    Parameters
    ----------
    port
        In the CRS of `box`.
    box
        Grid of the images, north-up, metres.
    seed
        Makes fields, woods and town; not the port.
    """
    fine = fine_grid(box)
    land, piers = _share(fine, [port.land]), _share(fine, [port.piers])
    ground = np.maximum(land, piers)
    far, inland = _distance(fine, ground >= 0.5), _distance(fine, land < 0.5)
    reach = max(round(SHELTER_M / fine.affine.a), 3)
    crowded = ndimage.uniform_filter(ground, reach, mode="nearest")
    wild, fixed = _cover(port, fine, seed, land, piers, inland)
    middle = box.extent.centroid.coords[0]
    to = transformer(str(box.crs))
    lon, lat = to.transform(*middle, direction="INVERSE")
    east, north = to.transform(lon, lat + 0.01)
    drift = noise(generator(seed, "drift", port.site_id), (220.0, 70.0, 25.0)).at(*axes_of(fine))
    return OpticalGround(
        port=port,
        box=box,
        fine=fine,
        water=1 - ground,
        fixed=fixed,
        soil=wild["soil"],
        field=wild["field"],
        forest=wild["forest"],
        natural=wild["soil"] + wild["field"] + wild["forest"],
        drift=drift,
        shore=np.exp(-far / np.float32(SHORE_M)),
        shelter=ramp(crowded.astype(np.float32), 0.05, 0.4),
        latitude=float(lat),
        longitude=float(lon),
        convergence_deg=math.degrees(math.atan2(middle[0] - east, north - middle[1])),
    )


def _share(box: GeoBox, shapes: Iterable[BaseGeometry]) -> Plane:
    """Share of each pixel that shapes cover, counted on sub-pixels."""
    kept = [(s, 1) for s in shapes if not s.is_empty]
    height, width = box.shape
    if not kept:
        return np.zeros((height, width), np.float32)
    finer = DRAWN_FINER
    to = box.affine * Affine.scale(1 / finer)
    burnt = rasterize(kept, out_shape=(height * finer, width * finer), transform=to, dtype="uint8")
    return pooled(burnt.astype(np.float32), finer)


def _cover(
    port: Port, fine: GeoBox, seed: int, land: Plane, piers: Plane, inland: Plane
) -> tuple[dict[str, Plane], dict[str, Plane]]:
    """Cover the land: shares of soil, field and forest, and the reflectance of all else by band."""
    x, y = axes_of(fine)
    grain = noise(generator(seed, "grain", port.site_id), (60.0, 25.0, 11.0, 5.0, 2.2), 0.3).at(x, y)
    hills = noise(generator(seed, "hills", port.site_id), (1800.0, 800.0, 350.0, 150.0)).at(x, y)
    ashore = (*port.yards.values(), *port.tracks.values()) or port.quays.values()
    off = _distance(fine, _share(fine, [_rectangle(strip) for strip in ashore]) > 0) / np.float32(TOWN_M)
    town = ramp(1.6 * off + 0.6 * hills, 1.5, 0.9)
    town_parts = _town(port, fine, seed, grain)
    sandy = (inland < BEACH_M * np.clip(0.6 + hills, 0, 1.5)).astype(np.float32)
    beach = land * sandy * (off * TOWN_M > 60)
    parcel = _parcels(generator(seed, "fields", port.site_id), fine, 150.0, 85.0, 20.0)
    forest = ramp(hills + 0.12 * grain, 0.0, 0.2)
    open_land = land * (1 - town) * (1 - beach)
    layers: list[tuple[Plane, str, Plane]] = [
        (land * beach, "beach", 1 + 0.06 * grain),
        (land * town * (1 - beach) * town_parts["street"], "street", 1 + 0.1 * grain),
        (land * town * (1 - beach) * town_parts["roof"], "roof", town_parts["tone"]),
    ]
    garden = land * town * (1 - beach) * town_parts["garden"]
    wild = {
        "soil": open_land * (1 - forest) * (1 - parcel["crop"]) * parcel["tone"] + 0.5 * garden,
        "field": open_land * (1 - forest) * parcel["crop"] * parcel["tone"] + 0.2 * garden,
        "forest": open_land * forest * (1 + 0.17 * grain) + 0.3 * garden,
    }
    port_layers = _port_layers(port, fine, land, piers, grain)
    for share, name, tone in port_layers:
        layers = [(below * (1 - share), kind, old) for below, kind, old in layers] + [(share, name, tone)]
        wild = {kind: np.asarray(plane * (1 - share), dtype=np.float32) for kind, plane in wild.items()}
    fixed = {}
    for k, band in enumerate(BANDS):
        fixed[band] = np.zeros(fine.shape, np.float32)
        for share, name, tone in layers:
            fixed[band] += share * tone * np.float32(SPECTRA[name][k])
    return {kind: plane.astype(np.float32) for kind, plane in wild.items()}, fixed


def _distance(fine: GeoBox, place: npt.NDArray[np.bool_]) -> Plane:
    """Distance from marked pixels, metres; very far if there are none."""
    if not place.any():
        return np.full(fine.shape, 1e6, np.float32)
    return np.asarray(ndimage.distance_transform_edt(~place) * fine.affine.a, dtype=np.float32)


def _port_layers(
    port: Port, fine: GeoBox, land: Plane, piers: Plane, grain: Plane
) -> list[tuple[Plane, str, Plane]]:
    """Pave the port: each layer covers those before it."""
    x, y = axes_of(fine)
    stains = noise(generator(0, "stains", port.site_id), (90.0, 35.0, 14.0)).at(x, y)
    worn = np.asarray(1 + 0.05 * grain + 0.08 * stains, dtype=np.float32)
    ground = np.maximum(land, piers)
    yards = [_rectangle(s) for s in port.yards.values()]
    aprons = [_rectangle(s, -APRON_M / 2, APRON_M) for s in port.quays.values()]
    tracks = [_rectangle(s) for s in port.tracks.values()]
    sleepers = _track_lines(port.tracks.values(), fine)
    return [
        (np.minimum(_share(fine, [a.buffer(25) for a in yards]), land) * 0.8, "yard", worn),
        (np.minimum(_share(fine, [b.outline.buffer(9) for b in port.fixtures]), land), "street", worn),
        (piers, "concrete", worn),
        (np.minimum(_share(fine, yards), ground), "yard", worn),
        (np.minimum(_share(fine, aprons), ground), "apron", worn),
        (np.minimum(_share(fine, tracks), ground), "ballast", worn * sleepers),
    ]


def _rectangle(strip: Strip, across_m: float = 0.0, width_m: float | None = None) -> BaseGeometry:
    half = (strip.width_m if width_m is None else width_m) / 2
    ends = ((0.0, -half), (strip.length_m, -half), (strip.length_m, half), (0.0, half))
    return shapely.Polygon([strip.at(along, across_m + side) for along, side in ends])


def _track_lines(strips: Iterable[Strip], fine: GeoBox) -> Plane:
    """Brightness of ballast: polished rails and dark sleepers, where pixels can show them."""
    tone = np.ones(fine.shape, np.float32)
    if fine.affine.a > 2:
        return tone
    x, y = axes_of(fine)
    for strip in strips:
        turn = math.radians(strip.heading_deg)
        across = (x[None, :] - strip.x) * math.cos(turn) - (y[:, None] - strip.y) * math.sin(turn)
        along = (x[None, :] - strip.x) * math.sin(turn) + (y[:, None] - strip.y) * math.cos(turn)
        inside = (np.abs(across) <= strip.width_m / 2) & (along >= 0) & (along <= strip.length_m)
        phase = (across / TRACK_M + (tracks_of(strip) - 1) / 2 + 0.5) % 1 - 0.5
        off = np.abs(phase) * TRACK_M  # metres from the middle of the nearest track
        tone[inside] = np.where(np.abs(off - 0.72) < 0.25, 1.35, np.where(off < 1.4, 0.8, 1.08))[inside]
    return tone


def _parcels(
    rng: np.random.Generator, fine: GeoBox, long_m: float, wide_m: float, turned_deg: float
) -> dict[str, Plane]:
    """Cut the country into fields, each with its crop and tone."""
    table_crop, table_tone = rng.random((64, 64)), rng.normal(1, 0.17, (64, 64)).clip(0.6, 1.4)
    rows, cols = _rotated_cells(fine, long_m, wide_m, turned_deg)
    crop = np.array([0.95, 0.78, 0.5, 0.22, 0.04])[(table_crop[rows, cols] * 5).astype(np.intp)]
    return {"crop": crop.astype(np.float32), "tone": table_tone[rows, cols].astype(np.float32)}


def _town(port: Port, fine: GeoBox, seed: int, grain: Plane) -> dict[str, Plane]:
    """Fill the town: houses and gardens between streets, here and there a hall with a bright roof."""
    rng = generator(seed, "town", port.site_id)
    house, tone = rng.random((64, 64)), rng.gamma(6.0, 1 / 6.0, (64, 64))
    hall, bright = rng.random((64, 64)), rng.uniform(0.8, 2.7, (64, 64))
    heading = next((s.heading_deg for s in port.tracks.values()), 20.0)
    rows, cols = _rotated_cells(fine, 22.0, 13.0, heading)
    wide_rows, wide_cols = _rotated_cells(fine, 70.0, 34.0, heading)
    is_hall = hall[wide_rows, wide_cols] < 0.12
    is_roof = is_hall | (house[rows, cols] < 0.3)
    is_street = ~is_roof & (house[rows, cols] > 0.72)
    shade = np.where(is_hall, bright[wide_rows, wide_cols], 0.85 * tone[rows, cols])
    return {
        "roof": is_roof.astype(np.float32),
        "street": is_street.astype(np.float32),
        "garden": (~is_roof & ~is_street).astype(np.float32) * (1 + 0.1 * grain),
        "tone": shade.astype(np.float32),
    }


def _rotated_cells(
    fine: GeoBox, long_m: float, wide_m: float, turned_deg: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Row and column (modulo 64) of the rectangle that each pixel lies in, on a turned, bent chessboard."""
    x, y = axes_of(fine)
    turn = math.radians(turned_deg)
    bend = 0.35 * wide_m * noise(generator(0, "bend", round(long_m)), (3 * long_m, 1.2 * long_m)).at(x, y)
    along = x[None, :] * math.sin(turn) + y[:, None] * math.cos(turn) + bend
    across = x[None, :] * math.cos(turn) - y[:, None] * math.sin(turn) + bend
    return np.floor(along / long_m).astype(np.int64) % 64, np.floor(across / wide_m).astype(np.int64) % 64
