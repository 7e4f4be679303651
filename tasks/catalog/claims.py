"""What an item says of its files' grids, and whether a file keeps to it.

An item whose ``proj:*`` or ``data_type`` is unlike the file belongs to another file: an older delivery, a
neighbouring tile, a band of another pixel size. Taking either side's word would put ships in the wrong
place, so the scene is refused. A claim that cannot be understood is none: catalogues may be careless, and
only a claim that is clear and wrong may cost a scene.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from affine import Affine
from pyproj import CRS
from pyproj.exceptions import CRSError

from tasks.grid import ALIGNMENT_TOLERANCE_PX
from tasks.model import Claim

DTYPES = frozenset(
    ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64")
)
"""Types that the raster extension, NumPy and GDAL spell alike; ``other`` or ``cint16`` claims nothing."""

GRID_KEYS = ("proj:transform", "proj:shape")
RESOLUTION_KEYS = ("raster:spatial_resolution", "spatial_resolution", "gsd")


def claim_of(
    asset: Mapping[str, Any], index: int, properties: Mapping[str, Any], assets: Mapping[str, Any]
) -> Claim:
    """Gather what an item says of one band's file.

    The asset's own word goes before the item's. The item's transform and shape are taken only where they
    can mean every file: no asset has its own, the asset states no other resolution, and the item is not
    Sentinel-2's, whose files have pixels of 10, 20 and 60 m.

    Parameters
    ----------
    asset, index
        The asset, and the number of the band within its file, from 1.
    properties, assets
        Of the whole item.

    Returns
    -------
    Claim
        None for everything that is not said, or said in no known spelling.
    """
    transform, shape = _transform(asset), _shape(asset)
    if not any(one.get(key) is not None for one in assets.values() for key in GRID_KEYS):
        shared = _transform(properties)
        if _means_every_file(asset, index, properties, shared):
            transform, shape = shared, _shape(properties)
    return Claim(_crs(asset) or _crs(properties), transform, shape, _dtype(asset, index))


def _means_every_file(
    asset: Mapping[str, Any],
    index: int,
    properties: Mapping[str, Any],
    transform: tuple[float, ...] | None,
) -> bool:
    band = _band(asset, "raster:bands", index) or _band(asset, "bands", index)
    stated = [
        number for where in (band, asset) for key in RESOLUTION_KEYS for number in _numbers([where.get(key)])
    ]
    if not stated:
        mission = str(properties.get("constellation") or properties.get("platform") or "")
        return not mission.lower().replace(" ", "-").startswith("sentinel-2")
    return transform is None or abs(stated[0] - abs(transform[0])) < 0.01 * stated[0]


def _crs(where: Mapping[str, Any]) -> str | None:
    code = where.get("proj:code")
    if isinstance(code, str) and code:
        return code
    epsg = where.get("proj:epsg")
    return f"EPSG:{int(epsg)}" if isinstance(epsg, int | float) and epsg == epsg else None


def _transform(where: Mapping[str, Any]) -> tuple[float, ...] | None:
    values = _numbers(where.get("proj:transform"))
    if len(values) not in (6, 9):
        return None
    # A pixel without height is no grid: these are GDAL's six numbers, whose order differs.
    return values[:6] if values[0] and values[4] else None


def _shape(where: Mapping[str, Any]) -> tuple[int, int] | None:
    values = _numbers(where.get("proj:shape"))
    return (int(values[0]), int(values[1])) if len(values) == 2 else None


def _numbers(values: Any) -> tuple[float, ...]:
    """Numbers of a list; nothing if it is none, or holds something else."""
    try:
        return tuple(float(v) for v in values)
    except (TypeError, ValueError):
        return ()


def _dtype(asset: Mapping[str, Any], index: int) -> str | None:
    stated = (
        _band(asset, "raster:bands", index).get("data_type")
        or _band(asset, "bands", index).get("data_type")
        or asset.get("data_type")
    )
    return stated if isinstance(stated, str) and stated in DTYPES else None


def _band(asset: Mapping[str, Any], field: str, index: int) -> Mapping[str, Any]:
    bands: Sequence[Any] = asset.get(field) or ()
    band = bands[index - 1] if index <= len(bands) else None
    return band if isinstance(band, Mapping) else {}


def contradiction(
    claim: Claim, crs: str, transform: Affine, shape: tuple[int, int], dtype: str
) -> str | None:
    """Say in what a file differs from what the item says; None if it keeps to it.

    Parameters
    ----------
    claim
        The item's word.
    crs, transform, shape, dtype
        The file's own.

    Returns
    -------
    str or None
        One clause with both values. Transforms differ if a corner of the image moves by more than
        `ALIGNMENT_TOLERANCE_PX` pixels.
    """
    if claim.crs is not None and not same_crs(claim.crs, crs):
        return f"the item says {claim.crs}, the file is in {crs}"
    if claim.shape is not None and claim.shape != tuple(shape):
        rows, cols = claim.shape
        return f"the item says {rows} × {cols} pixels, the file has {shape[0]} × {shape[1]}"
    if claim.transform is not None and not _same_corners(Affine(*claim.transform), transform, shape):
        said, found = (", ".join(f"{v:.12g}" for v in tuple(t)[:6]) for t in (claim.transform, transform))
        return f"the item says transform ({said}), the file has ({found})"
    if claim.dtype is not None and claim.dtype != dtype:
        return f"the item says {claim.dtype}, the file holds {dtype}"
    return None


def _same_corners(said: Affine, found: Affine, shape: tuple[int, int]) -> bool:
    rows, cols = shape
    for corner in ((0, 0), (cols, 0), (0, rows), (cols, rows)):
        there = ~found * (said * corner)
        if max(abs(there[0] - corner[0]), abs(there[1] - corner[1])) > ALIGNMENT_TOLERANCE_PX:
            return False
    return True


@lru_cache(maxsize=256)
def same_crs(said: str, found: str) -> bool:
    """Tell whether two spellings mean one CRS; a spelling that nobody knows contradicts nothing."""
    if said.upper() == found.upper():
        return True
    try:
        one, other = CRS.from_user_input(said), CRS.from_user_input(found)
    except CRSError:
        return True
    return one.equals(other, ignore_axis_order=True) or (
        one.to_epsg() is not None and one.to_epsg() == other.to_epsg()
    )
