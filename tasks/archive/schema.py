"""The cube on paper: dimensions, types, chunks, codecs and attributes.

``(time, y, x)`` per band on the sensor's native grid. One date is one shard (one writer, one
object), its inner chunks are 256 × 256. Every array carries a CRC: without one a flipped bit comes
back as another number, silently. A slot with an empty ``scene_id`` is free; readers skip it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import zarr
from odc.geo.geobox import GeoBox
from pyproj import CRS
from zarr.codecs import BloscCodec, Crc32cCodec

from tasks.archive.numbers import REFLECTANCE_OFFSET, REFLECTANCE_SCALE
from tasks.errors import ArchiveError
from tasks.model import BandAsset, Claim, Rights

CHUNK_PX = 256
COMPRESSION = 1
"""Level of zstd: 3 costs twice the time and saves 7 % of optical bytes."""
TIME_CHUNK = 1024
"""Coordinates are one chunk for decades; a first write of one date must not fix it to 1."""

BANDS = "bands"
"""Attribute of a cube: names of its bands. Finding them by opening every array takes ten times as long."""

LICENCE, CREDIT = "licence", "credit"
"""Attributes of a cube where the catalogue tells: the licence of its images, and whom to credit."""

TIME_ATTRS = {
    "standard_name": "time",
    "long_name": "start of acquisition",
    "units": "seconds since 1970-01-01",
    "calendar": "proleptic_gregorian",
}

COORDINATES: dict[str, tuple[Any, Any, str]] = {
    "time": (np.dtype("int64"), 0, "start of acquisition"),
    "scene_id": (str, "", "id of the delivered product; empty where the slot is free"),
    "platform": (str, "", "satellite"),
    "direction": (str, "", "orbit direction"),
    "processing": (str, "", "processing marks of the products, joined by spaces"),
    "deliveries": (str, "", "products of the pass as JSON: id, acquisition, processing mark of each"),
    "orbit": (np.dtype("int16"), 0, "relative orbit number; 0 where unknown"),
    "cloud_cover": (np.dtype("float32"), float("nan"), "cloud cover of the whole scene, percent"),
    "valid_share": (np.dtype("float32"), float("nan"), "share of the window's pixels that hold data"),
    "compared": (np.dtype("uint8"), 0, "1 once the pass was compared with a stack of other dates"),
}
"""Coordinates along time: dtype, fill value, long name."""


def open_group(store: Any, mode: Literal["r", "a"], path: str = "") -> Any:
    """Open a Zarr group, untyped: zarr's own types cannot tell a member array from a group."""
    return zarr.open_group(store, mode=mode, path=path)


def create_cube(root: Any, collection: str, box: GeoBox, bands: Mapping[str, tuple[str, str]]) -> Any:
    """Create an empty cube for one collection.

    Parameters
    ----------
    root
        The repository's root group.
    collection
        Name of the new group.
    box
        The site's window on the native grid.
    bands
        Band name to (dtype, units); units are "1" for linear power, "dB" or "relative dB".
    """
    about = {"Conventions": "CF-1.11", "collection": collection, BANDS: sorted(bands)}
    cube = root.create_group(collection, attributes=about)
    for name, (dtype, units) in bands.items():
        band = create_planes(cube, name, box, dtype)
        band.attrs.update({"units": units, "long_name": _long_name(name, units), **GRID_MAPPING})
        if units == "reflectance":
            band.attrs.update(
                {"scale_factor": REFLECTANCE_SCALE, "add_offset": REFLECTANCE_OFFSET, "_FillValue": 0}
            )
    for name, (dtype, fill, long_name) in COORDINATES.items():
        array = cube.create_array(
            name,
            shape=(0,),
            chunks=(TIME_CHUNK,),
            dtype=dtype,
            fill_value=fill,
            compressors=coordinate_codecs(),
            dimension_names=("time",),
        )
        array.attrs.update(TIME_ATTRS if name == "time" else {"long_name": long_name})
    write_axes(cube, box)
    return cube


def _long_name(band: str, units: str) -> str:
    if units == "class":
        return "scene classification"
    return f"{band} surface reflectance" if units == "reflectance" else f"{band.upper()} backscatter"


GRID_MAPPING = {"grid_mapping": "spatial_ref"}


def create_planes(group: Any, name: str, box: GeoBox, dtype: str, along: str = "time") -> Any:
    """Create a ``(along, y, x)`` array with no planes yet; one plane is one shard.

    Blosc takes an inner chunk as one block: with blocks of its own choice encoding takes a fifth more CPU,
    decoding half as much again, and there is 1 % more to store.
    """
    height, width = (-(-n // CHUNK_PX) * CHUNK_PX for n in box.shape)
    floating = np.issubdtype(np.dtype(dtype), np.floating)
    shuffle: Literal["bitshuffle", "shuffle"] = "bitshuffle" if floating else "shuffle"
    whole_chunk = CHUNK_PX**2 * np.dtype(dtype).itemsize
    return group.create_array(
        name,
        shape=(0, *box.shape),
        shards=(1, height, width),
        chunks=(1, CHUNK_PX, CHUNK_PX),
        dtype=dtype,
        fill_value=float("nan") if floating else 0,
        compressors=[
            BloscCodec(cname="zstd", clevel=COMPRESSION, shuffle=shuffle, blocksize=whole_chunk),
            Crc32cCodec(),
        ],
        dimension_names=(along, "y", "x"),
    )


def coordinate_codecs() -> list[Any]:
    """Codecs of small arrays: compressed, and checked like the pixels."""
    return [BloscCodec(cname="zstd", clevel=3, shuffle="shuffle"), Crc32cCodec()]


def write_axes(group: Any, box: GeoBox) -> None:
    """Write x, y and the CF grid mapping; pixel centres, metres."""
    for name, axis in (("y", box.coords["y"]), ("x", box.coords["x"])):
        array = group.create_array(
            name,
            shape=axis.values.shape,
            dtype="float64",
            dimension_names=(name,),
            compressors=coordinate_codecs(),
        )
        array[:] = axis.values
        array.attrs.update({"units": "m", "standard_name": f"projection_{name}_coordinate"})
    reference = group.create_array("spatial_ref", shape=(), dtype="int32")
    reference.attrs.update(
        {
            "crs_wkt": CRS.from_user_input(str(box.crs)).to_wkt(),
            "GeoTransform": " ".join(repr(float(v)) for v in box.affine.to_gdal()),
            "code": str(box.crs),
        }
    )


def box_of(group: Any) -> GeoBox:
    """Read back the grid that `write_axes` wrote."""
    from affine import Affine

    attrs = group["spatial_ref"].attrs
    transform = Affine.from_gdal(*(float(v) for v in str(attrs["GeoTransform"]).split()))
    return GeoBox((group["y"].shape[0], group["x"].shape[0]), transform, str(attrs["code"]))


def rights_of(cube: Any) -> Rights:
    """Read what is known of who may use a cube's images."""
    return Rights(str(cube.attrs.get(LICENCE, "")), str(cube.attrs.get(CREDIT, "")))


def write_rights(cube: Any, rights: Rights) -> None:
    """Note who may use a cube's images; what is known stays where nothing is said."""
    for name, told in ((LICENCE, rights.licence), (CREDIT, rights.credit)):
        if told and cube.attrs.get(name) != told:
            cube.attrs[name] = told


def bands_of(cube: Any) -> list[str]:
    """Names of a cube's bands, sorted."""
    check_layout(cube.basename, cube)
    return [str(name) for name in cube.attrs[BANDS]]


def check_layout(collection: str, cube: Any) -> None:
    """Refuse a cube that another version made.

    Raises
    ------
    ArchiveError
        If it lacks what this version writes.
    """
    if BANDS not in cube.attrs or "deliveries" not in cube:
        raise ArchiveError(
            f"{collection} was archived by an older version of Roadstead, which this one cannot read; "
            "gather the period into a new --archive"
        )


def band_arrays(cube: Any) -> dict[str, Any]:
    """Open a cube's bands; each costs a millisecond, so once for many planes."""
    return {name: cube[name] for name in bands_of(cube)}


def stored_assets(arrays: Mapping[str, Any]) -> dict[str, BandAsset]:
    """Describe opened bands as a catalogue describes a file's: name, units, scale, offset, dtype."""
    described = {}
    for name, array in arrays.items():
        attrs = array.attrs
        described[name] = BandAsset(
            name,
            "",
            str(attrs["units"]),  # type: ignore[arg-type]
            None,
            float(attrs.get("scale_factor", 1.0)),
            float(attrs.get("add_offset", 0.0)),
            claim=Claim(dtype=str(array.dtype)),
        )
    return described
