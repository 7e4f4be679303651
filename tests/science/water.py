"""A small sea with known contents, for the science tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import shapely
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from tasks.model import Site, Zone, ZoneKind
from tasks.science.ashore.memory import cover_planes
from tasks.science.radar.background import Ground, StandardDate, estimate_background

SIDE = 160
BOX = GeoBox((SIDE, SIDE), Affine(10, 0, 500_000, 0, -10, 4_700_000), "EPSG:32652")
LOOKS = 4.4


def speckle(rng: np.random.Generator, shape: tuple[int, ...], level: float = 0.02) -> np.ndarray:
    """Open sea: gamma speckle of a Sentinel-1 GRD's equivalent number of looks, linear power."""
    return (level * rng.gamma(LOOKS, 1 / LOOKS, shape)).astype("float32")


def put_ship(power: np.ndarray, row: int, col: int, length_px: int = 12, width_px: int = 3) -> None:
    """A hull 13 dB and more above the sea, its long side to the east."""
    power[row : row + width_px, col : col + length_px] = 0.6


def no_memory() -> dict[str, np.ndarray]:
    """A background that knows nothing: everything is seen, nothing is fixed."""
    return {
        "level": np.full((SIDE, SIDE), np.nan, "float32"),
        "seen_share": np.ones((SIDE, SIDE), "float32"),
        **{name: np.full((SIDE, SIDE), np.nan, "float32") for name in cover_planes(("vv",), radar=True)},
    }


def polygon(row0: int, col0: int, row1: int, col1: int) -> shapely.Polygon:
    """Pixel rectangle as longitude/latitude."""
    back = Transformer.from_crs("EPSG:32652", "EPSG:4326", always_xy=True)
    corners = [BOX.affine * (c, r) for r, c in ((row0, col0), (row0, col1), (row1, col1), (row1, col0))]
    return shapely.Polygon([back.transform(x, y) for x, y in corners])


def site(*extra: Zone) -> Site:
    """A harbour in the left half, roads in the right half."""
    zones = (
        Zone("harbour", ZoneKind.HARBOUR_WATER, polygon(0, 0, SIDE, 80)),
        Zone("roads", ZoneKind.ANCHORAGE, polygon(0, 80, SIDE, SIDE)),
        *extra,
    )
    return Site("test", "Test", zones, digest="0")


def block(power: np.ndarray, start: datetime = datetime(2023, 1, 1, 9, tzinfo=UTC)) -> xr.Dataset:
    """Dates every six days as the archive hands them out, ``(time, y, x)`` linear power."""
    times = [
        np.datetime64((start + timedelta(days=6 * k)).replace(tzinfo=None), "s") for k in range(len(power))
    ]
    return xr.Dataset(
        {"vv": (("time", "y", "x"), power, {"units": "1"})},
        {"time": times, "scene_id": ("time", np.array([f"s{k:02}" for k in range(len(power))], object))},
        {"collection": "sar"},
    )


def learn_one(
    learn: Callable[..., Iterator[dict[str, np.ndarray]]],
    scenes: xr.Dataset,
    bands: Sequence[str],
    site: Site,
    box: GeoBox,
) -> dict[str, np.ndarray]:
    """The background of all scenes of a block."""
    return next(learn(scenes, [range(scenes.sizes["time"])], bands, site, box))


def background_of(scenes: xr.Dataset, bands: Sequence[str], ground: Ground) -> dict[str, np.ndarray]:
    """The same of radar, without a site."""
    dates = [StandardDate.of(scenes.isel(time=k), bands, ground) for k in range(scenes.sizes["time"])]
    return estimate_background(dates, ground)
