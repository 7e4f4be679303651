"""Where pixels lie: a site's window on a sensor's native grid, and zones drawn onto it.

A cube keeps the sensor's own pixels: the site's box is snapped outwards to them, never
resampled, so a pixel in the archive is a pixel of the delivered image. Everything that turns
coordinates into rows and columns is here and nowhere else.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import CRS, Geod, Transformer
from rasterio.errors import NotGeoreferencedWarning
from rasterio.features import rasterize
from shapely.geometry.base import BaseGeometry

from tasks.errors import SceneError
from tasks.model import Site, Zone

# rasterio silences this for its own drawing buffer with `catch_warnings`, which threads undo for each other.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)

AOI_MARGIN_M = 300.0
"""Ground kept around the zones: room for a detector's ring and for context in pictures."""

ALIGNMENT_TOLERANCE_PX = 0.01
"""Two grids are one when their pixel corners agree to this; rounding in catalogues is ~1e-6."""

SQUARE_WITHIN = 0.02
"""Share by which a pixel's two edges on the ground may differ: Web-Mercator's do by 0.7 %."""

GEOD = Geod(ellps="WGS84")


def transformer(crs: str) -> Transformer:
    """Make a transformer from longitude, latitude to `crs`, always in (x, y) order."""
    return Transformer.from_crs("EPSG:4326", crs, always_xy=True)


def project(geometry: BaseGeometry, crs: str) -> BaseGeometry:
    """Project a longitude/latitude geometry to `crs`; z is dropped."""
    to = transformer(crs)
    return shapely.transform(
        shapely.force_2d(geometry), lambda xy: np.column_stack(to.transform(xy[:, 0], xy[:, 1]))
    )


def unproject(geometry: BaseGeometry, crs: str) -> BaseGeometry:
    """Bring a geometry of `crs` to longitude/latitude."""
    to = transformer(crs)
    return shapely.transform(
        geometry, lambda xy: np.column_stack(to.transform(xy[:, 0], xy[:, 1], direction="INVERSE"))
    )


def site_box(site: Site, crs: str, pixel: Affine, margin_m: float = AOI_MARGIN_M) -> GeoBox:
    """Lay a site's window on the grid that `pixel` belongs to.

    Parameters
    ----------
    site
        Its measured zones set the extent; structures may reach far beyond the port.
    crs
        Projected CRS of the grid, metres.
    pixel
        Affine transform of any image on the grid: only its pixel size and phase are used.
    margin_m
        Ground kept around the zones, metres.

    Returns
    -------
    GeoBox
        North-up window whose corners are pixel corners of the grid.

    Raises
    ------
    SceneError
        If the grid is rotated or not in metres.
    """
    if pixel.b or pixel.d or pixel.a <= 0 or pixel.e >= 0:
        raise SceneError(f"grid transform {tuple(pixel)[:6]} is rotated or not north-up; north-up is needed")
    if not CRS.from_user_input(crs).is_projected:
        raise SceneError(f"grid CRS {crs} is not projected; a CRS in metres is needed (e.g. UTM)")
    bounds = shapely.total_bounds([project(z.geometry, crs) for z in site.measured_zones])
    west, south, east, north = bounds + np.array([-margin_m, -margin_m, margin_m, margin_m])
    col0 = int(np.floor((west - pixel.c) / pixel.a))
    col1 = int(np.ceil((east - pixel.c) / pixel.a))
    row0 = int(np.floor((north - pixel.f) / pixel.e))
    row1 = int(np.ceil((south - pixel.f) / pixel.e))
    return GeoBox((row1 - row0, col1 - col0), pixel * Affine.translation(col0, row0), crs)


def window_of(box: GeoBox, site: Site, margin_m: float = AOI_MARGIN_M) -> GeoBox:
    """Cut an image's grid to a site's window.

    Raises
    ------
    SceneError
        If the site lies outside the image; the message has both extents.
    """
    wanted = site_box(site, str(box.crs), box.affine, margin_m)
    offset = pixel_offset(wanted, str(box.crs), box.affine)
    assert offset is not None  # laid on the image's own grid
    (r0, c0), (height, width) = offset, box.shape
    r1, c1 = min(r0 + wanted.shape[0], height), min(c0 + wanted.shape[1], width)
    r0, c0 = max(r0, 0), max(c0, 0)
    if r0 >= r1 or c0 >= c1:
        here, there = (_extent(one) for one in (box, wanted))
        raise SceneError(f"the image covers {here}; site {site.site_id}, at {there}, lies outside it")
    return box[r0:r1, c0:c1]


def _extent(box: GeoBox) -> str:
    lon, lat = rim_lonlat(box)
    return f"{lon.min():.3f},{lat.min():.3f} to {lon.max():.3f},{lat.max():.3f}"


def pixel_offset(box: GeoBox, crs: str, pixel: Affine) -> tuple[int, int] | None:
    """Row and column of `box`'s corner on another image's grid; None if the grids differ."""
    if CRS.from_user_input(crs) != CRS.from_user_input(str(box.crs)):
        return None
    if not np.allclose((pixel.a, pixel.e, pixel.b, pixel.d), (box.affine.a, box.affine.e, 0, 0), rtol=1e-6):
        return None
    col, row = ~pixel * (box.affine.c, box.affine.f)
    if max(abs(col - round(col)), abs(row - round(row))) > ALIGNMENT_TOLERANCE_PX:
        return None
    return round(row), round(col)


def pixel_size_m(box: GeoBox) -> float:
    """Mean edge of a pixel on the ground, metres.

    Web-Mercator pixels shrink with latitude; UTM's scale (within 0.1 %) is left alone.
    """
    nominal = (abs(box.affine.a) * abs(box.affine.e)) ** 0.5
    if CRS.from_user_input(str(box.crs)).to_epsg() != 3857:
        return float(nominal)
    return float(nominal * np.cos(np.radians(_middle(rim_lonlat(box)[1]))))


def pixel_edges_m(box: GeoBox) -> tuple[float, float]:
    """Edges of the middle pixel on the ground along its row and its column, metres, in any CRS."""
    row, col = (box.shape[0] - 1) / 2, (box.shape[1] - 1) / 2
    lon, lat = cell_lonlat(box, [row, row, row - 0.5, row + 0.5], [col - 0.5, col + 0.5, col, col])
    _, _, edges = GEOD.inv(lon[::2], lat[::2], lon[1::2], lat[1::2])
    return float(edges[0]), float(edges[1])


def ground_box(box: GeoBox) -> tuple[GeoBox, str]:
    """Find a grid on which an image can be measured in metres: its own, or one in its UTM zone.

    Returns
    -------
    GeoBox
        The image's own grid if it is projected and north-up with square pixels. Else one in UTM that covers
        the image, whose pixels are as large.
    str
        Why it is another; empty if it is not.
    """
    across, along = pixel_edges_m(box)
    to = box.affine
    if not CRS.from_user_input(str(box.crs)).is_projected:
        why = f"{box.crs} is in degrees"
    elif to.b or to.d or to.a <= 0 or to.e >= 0:
        why = "its grid is not north-up"
    elif abs(across - along) > SQUARE_WITHIN * along:
        why = f"its pixels are {across:.1f} × {along:.1f} m on the ground"
    else:
        return box, ""
    edge_m = float(f"{(across * along) ** 0.5:.4g}")
    lon, lat = rim_lonlat(box)
    zone = int((_middle(lon) + 180) // 6) % 60 + 1
    utm = f"EPSG:{32600 + zone if _middle(lat) >= 0 else 32700 + zone}"
    x, y = transformer(utm).transform(lon, lat)
    return GeoBox.from_bbox((x.min(), y.min(), x.max(), y.max()), utm, resolution=edge_m), why


def rim_lonlat(box: GeoBox, per_side: int = 17) -> tuple[np.ndarray, np.ndarray]:
    """Longitudes and latitudes along the rim of a grid."""
    height, width = box.shape
    share = np.linspace(0, 1, per_side)
    rows = np.concatenate([0 * share, share, 0 * share + 1, share]) * height - 0.5
    cols = np.concatenate([share, 0 * share + 1, share, 0 * share]) * width - 0.5
    return cell_lonlat(box, rows, cols)


def _middle(values: np.ndarray) -> float:
    return float((values.min() + values.max()) / 2)


def bearing_deg(box: GeoBox, row: float, col: float, axis: tuple[float, float]) -> float:
    """Direction from true north of an axis drawn on a grid, degrees clockwise, modulo 180.

    Parameters
    ----------
    box
        The grid; its north may be off true north by the meridian convergence.
    row, col
        Where on it, fractional pixels.
    axis
        (x to the east of the grid, y to its north).
    """
    lon, lat = cell_lonlat(box, [row + axis[1], row - axis[1]], [col - axis[0], col + axis[0]])
    forward, _, _ = GEOD.inv(lon[0], lat[0], lon[1], lat[1])
    return float(forward % 180)


@dataclass(frozen=True)
class Block:
    """A part of a grid that is worked on by itself."""

    box: GeoBox
    """With a margin that it shares with its neighbours."""

    row: int
    col: int
    """Of the box's first pixel in the whole grid."""

    core: tuple[slice, slice]
    """Rows and columns of the whole grid that are no other block's."""

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the whole grid that the box covers."""
        height, width = self.box.shape
        return slice(self.row, self.row + height), slice(self.col, self.col + width)

    @property
    def own(self) -> tuple[slice, slice]:
        """Rows and columns of the box that are its core."""
        (r0, c0), (rows, cols) = (self.row, self.col), self.core
        return slice(rows.start - r0, rows.stop - r0), slice(cols.start - c0, cols.stop - c0)


def blocks(box: GeoBox, side_px: int, margin_px: int) -> Iterator[Block]:
    """Cut a grid into blocks that overlap, so that each pixel is in the core of exactly one."""
    height, width = box.shape
    for top in range(0, height, side_px):
        for left in range(0, width, side_px):
            core = slice(top, min(top + side_px, height)), slice(left, min(left + side_px, width))
            r0, c0 = max(top - margin_px, 0), max(left - margin_px, 0)
            r1, c1 = min(core[0].stop + margin_px, height), min(core[1].stop + margin_px, width)
            yield Block(box[r0:r1, c0:c1], r0, c0, core)


def draw(box: GeoBox, geometries: Iterable[BaseGeometry], *, touched: bool = False) -> npt.NDArray[np.bool_]:
    """Draw longitude/latitude geometries onto a grid.

    Parameters
    ----------
    box
        The grid.
    geometries
        EPSG:4326.
    touched
        Mark every pixel touched rather than those whose centre is inside; for structures.

    Returns
    -------
    numpy.ndarray
        ``(y, x)`` bool.
    """
    shapes = [(project(g, str(box.crs)), 1) for g in geometries if not g.is_empty]
    if not shapes:
        return np.zeros(box.shape, bool)
    burnt = rasterize(shapes, out_shape=box.shape, transform=box.affine, all_touched=touched, dtype="uint8")
    return np.asarray(burnt, dtype=bool)


def zone_masks(box: GeoBox, zones: Iterable[Zone]) -> dict[str, npt.NDArray[np.bool_]]:
    """Pixels of each zone, by zone id; zones may overlap (a yard lies on its pier)."""
    return {zone.zone_id: draw(box, [zone.geometry]) for zone in zones}


def cell_lonlat(box: GeoBox, rows: npt.ArrayLike, cols: npt.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude of fractional pixel positions; (0, 0) is the first pixel's centre."""
    col, row, to = np.asarray(cols, float) + 0.5, np.asarray(rows, float) + 0.5, box.affine
    x, y = to.a * col + to.b * row + to.c, to.d * col + to.e * row + to.f
    back = Transformer.from_crs(str(box.crs), "EPSG:4326", always_xy=True)
    lon, lat = back.transform(x, y)
    return np.asarray(lon), np.asarray(lat)
