"""Quay faces on the pixel grid: berths that stand in one line, and the strip of water in front of them.

A ship does not know where one berth ends and the next begins. So berths are read by face: the slots of
one quay wall, laid along one axis, each pixel of water belonging to one slot of one face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from odc.geo.geobox import GeoBox
from scipy import ndimage, sparse
from shapely.geometry.base import BaseGeometry

from tasks.grid import project
from tasks.model import Site, Zone, ZoneKind
from tasks.sites.measure import long_side_m

Mask = npt.NDArray[np.bool_]

SAME_LINE_DEG = 10.0
"""Berths of one face differ in direction by less: a ship cannot lie around a corner."""

SAME_LINE_M = 25.0
"""Their middle lines stand off from one another by less: half a strip."""

SAME_FACE_GAP_M = 30.0
"""And less than this lies between their ends: a ship alongside spans it."""

SHIP_M = 40.0
"""What is shorter at a berth is no ship that takes it: a tug, a dolphin, a pontoon."""

CLEAR_PX = 5
"""Ships alongside shine this far beyond their strips: the flank of one 18 dB above the water."""


@dataclass(frozen=True)
class Slot:
    """One berth on its face."""

    zone_id: str

    start_m: float
    end_m: float
    """Where it lies along the face's axis, metres."""

    length_m: float
    """Usable quay metres."""


@dataclass(frozen=True)
class Face:
    """Berths in one line, and their pixels."""

    slots: tuple[Slot, ...]

    rows: npt.NDArray[np.intp]
    cols: npt.NDArray[np.intp]
    """Pixels of the strips."""

    slot: npt.NDArray[np.intp]
    """Index of each pixel's slot."""

    along_m: npt.NDArray[np.float64]
    """Where each pixel's centre lies along the axis, metres."""

    off_m: npt.NDArray[np.float64]
    """How far from the quay each pixel's centre lies, metres; NaN where the site has no ground on one side
    more than on the other."""

    axis: tuple[float, float]
    """Unit vector of the axis (x to the east of the grid, y to its north)."""


def cross_sections(face: Face, pixel_m: float) -> tuple[npt.NDArray[np.intp], float]:
    """Give each pixel of a face its cross-section's number, and say where along the axis the first begins."""
    if not face.along_m.size:
        return np.zeros(0, np.intp), 0.0
    origin = float(face.along_m.min()) - pixel_m / 2
    return ((face.along_m - origin) / pixel_m).astype(np.intp), origin


def number_sections(faces: tuple[Face, ...], shape: tuple[int, ...], pixel_m: float) -> npt.NDArray[np.intp]:
    """Give each pixel of the grid, ``(y, x)``, the number of its berth's cross-section; −1 where none is."""
    numbers = np.full(shape, -1, np.intp)
    first = 0
    for face in faces:
        bins, _ = cross_sections(face, pixel_m)
        numbers[face.rows, face.cols] = first + bins
        first += int(bins.max(initial=-1)) + 2  # no stretch of quay goes on from face to face
    return numbers


def clear_of(faces: tuple[Face, ...], shape: tuple[int, ...]) -> Mask:
    """Mark pixels, ``(y, x)``, that no ship alongside brightens: `CLEAR_PX` and more from the strips."""
    return _away_px(faces, shape)[0] > CLEAR_PX


Skirt = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.intp]]


def skirts(faces: tuple[Face, ...], shape: tuple[int, ...]) -> list[Skirt]:
    """List, of each face, what its ships brighten beyond its strips: rows, columns and nearest own pixel."""
    away, nearest = _away_px(faces, shape)
    owner, index = np.full(shape, -1), np.zeros(shape, np.intp)
    for k, face in enumerate(faces):
        owner[face.rows, face.cols] = k
        index[face.rows, face.cols] = np.arange(len(face.rows))
    near = (away > 0) & (away <= CLEAR_PX)
    rows, cols = np.nonzero(near)
    at = nearest[0][near], nearest[1][near]
    return [(rows[own], cols[own], index[at][own]) for k in range(len(faces)) for own in [owner[at] == k]]


def _away_px(
    faces: tuple[Face, ...], shape: tuple[int, ...]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Measure how far each pixel lies from the strips, and find the nearest of theirs."""
    beyond = np.ones(shape, bool)
    for face in faces:
        beyond[face.rows, face.cols] = False
    if beyond.all():
        return np.full(shape, np.inf), np.indices(shape)
    away, nearest = ndimage.distance_transform_edt(beyond, return_indices=True)
    return np.asarray(away, np.float64), np.asarray(nearest, np.intp)


@dataclass(frozen=True)
class _Rectangle:
    """A berth's strip: its middle, the direction of its quay, and its length along it."""

    zone: Zone
    middle: npt.NDArray[np.float64]
    axis: npt.NDArray[np.float64]
    length_m: float
    width_m: float

    @property
    def normal(self) -> npt.NDArray[np.float64]:
        """Unit vector across the strip."""
        return np.array([-self.axis[1], self.axis[0]])


def quay_metres(site: Site) -> dict[str, float]:
    """Usable metres of every berth by zone id: as stated, or else its strip's long side."""
    return {z.zone_id: z.length_m or long_side_m(z.geometry) for z in site.zones if z.kind is ZoneKind.BERTH}


def draw_faces(site: Site, box: GeoBox, masks: dict[str, Mask]) -> tuple[Face, ...]:
    """Lay a site's berths out as faces.

    Parameters
    ----------
    site
        Its berth zones count.
    box
        The grid, metres.
    masks
        ``(y, x)`` pixels of each berth by zone id. A pixel of several goes to the one whose middle line is
        nearest, so that nothing in it counts twice.

    Returns
    -------
    tuple of Face
        In the order of their first berth; none without berths.
    """
    strips = [
        _rectangle(z, project(z.geometry, str(box.crs))) for z in site.zones if z.kind is ZoneKind.BERTH
    ]
    if not strips:
        return ()
    owner = _owners(strips, box, masks)
    linked = [[_in_line(a, b) for b in strips] for a in strips]
    count, labels = sparse.csgraph.connected_components(sparse.csr_array(np.array(linked)), directed=False)
    ground = [project(z.geometry, str(box.crs)) for z in site.zones if z.kind is ZoneKind.PIER]
    ground += [project(site.land, str(box.crs))] if site.land is not None else []
    solid = shapely.union_all(ground)
    return tuple(_face(strips, np.flatnonzero(labels == k), owner, solid, box) for k in range(count))


def _rectangle(zone: Zone, shape: BaseGeometry) -> _Rectangle:
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(shape))[:3]
    sides = np.diff(corners, axis=0)
    metres = np.hypot(*sides.T)
    # A quay shorter than its strip is wide runs along the short side; the stated length tells.
    k = int(np.argmax(metres) if zone.length_m is None else np.argmin(np.abs(metres - zone.length_m)))
    middle = (corners[0] + corners[2]) / 2
    return _Rectangle(zone, middle, sides[k] / metres[k], float(metres[k]), float(metres[1 - k]))


def _in_line(a: _Rectangle, b: _Rectangle) -> bool:
    turn = abs(a.axis[0] * b.axis[1] - a.axis[1] * b.axis[0])
    offset = b.middle - a.middle
    across = abs(a.axis[0] * offset[1] - a.axis[1] * offset[0])
    gap = abs(a.axis @ offset) - (a.length_m + b.length_m) / 2
    return bool(turn < np.sin(np.radians(SAME_LINE_DEG)) and across < SAME_LINE_M and gap < SAME_FACE_GAP_M)


def _places(box: GeoBox, rows: npt.NDArray[np.intp], cols: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    to, col, row = box.affine, cols + 0.5, rows + 0.5
    return np.column_stack([to.a * col + to.b * row + to.c, to.d * col + to.e * row + to.f])


def _owners(strips: Sequence[_Rectangle], box: GeoBox, masks: dict[str, Mask]) -> npt.NDArray[np.intp]:
    nearest = np.full(box.shape, np.inf)
    owner = np.full(box.shape, -1, np.intp)
    for k, strip in enumerate(strips):
        rows, cols = np.nonzero(masks[strip.zone.zone_id])
        offset = _places(box, rows, cols) - strip.middle
        across = np.abs(offset @ strip.normal)
        closer = across < nearest[rows, cols]
        rows, cols = rows[closer], cols[closer]
        nearest[rows, cols], owner[rows, cols] = across[closer], k
    return owner


def _face(
    strips: Sequence[_Rectangle],
    members: npt.NDArray[np.intp],
    owner: npt.NDArray[np.intp],
    solid: BaseGeometry,
    box: GeoBox,
) -> Face:
    lead = strips[members[0]]
    slots = []
    for k in members:
        zone, half = strips[k].zone, strips[k].length_m / 2
        middle = float(lead.axis @ (strips[k].middle - lead.middle))
        slots.append(Slot(zone.zone_id, middle - half, middle + half, zone.length_m or 2 * half))
    rows, cols = np.nonzero(np.isin(owner, members))
    places = _places(box, rows, cols)
    along = (places - lead.middle) @ lead.axis
    slot = np.searchsorted(members, owner[rows, cols])
    off = np.full(len(rows), np.nan)
    for k, member in enumerate(members):
        strip, here = strips[member], slot == k
        off[here] = strip.width_m / 2 - _quay_side(strip, solid) * (
            (places[here] - strip.middle) @ strip.normal
        )
    return Face(tuple(slots), rows, cols, slot, along, off, (float(lead.axis[0]), float(lead.axis[1])))


def _quay_side(strip: _Rectangle, solid: BaseGeometry) -> float:
    """Tell on which side of a strip its quay is, by the ground's distance: 1, −1, or NaN for neither."""
    edges = [strip.middle + side * strip.width_m / 2 * strip.normal for side in (1, -1)]
    plus, minus = (solid.distance(shapely.Point(edge)) for edge in edges)
    return float(np.sign(minus - plus)) or np.nan
