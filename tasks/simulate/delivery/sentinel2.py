"""Sentinel-2 as Earth Search v1's ``sentinel-2-l2a`` delivers it, by its answers for October 2023.

ESA adds 1000 to the numbers since processing baseline 04.00; Earth Search takes it off again, so that
number = reflectance × 10000, and sets ``earthsearch:boa_offset_applied``; yet ``raster:bands`` says offset
-0.1 all the same. That contradiction is real, and the flag is what holds
(github.com/Element84/earth-search/issues/9). `Defect.OFFSET` leaves the 1000 in and the item as it is,
which happens too (issue 66 there).
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox

from tasks.errors import InputError
from tasks.grid import cell_lonlat
from tasks.simulate.delivery.cog import colour_picture, numbers, write_cog, write_picture
from tasks.simulate.delivery.defects import cut_one, deliveries, spoilt_classes, spoilt_planes, swath_edge
from tasks.simulate.delivery.stac import (
    COG,
    epsg_of,
    image_href,
    image_path,
    item,
    simulated,
    thumbnail,
    transform_of,
    utc,
)
from tasks.simulate.sensors.calendar import Acquisition, Defect
from tasks.simulate.world.blocks import pooled

if TYPE_CHECKING:
    from tasks.simulate.sensors.optical import OpticalImage

Classes = npt.NDArray[np.uint8]

SCALE = 0.0001
WHITE = 0.30
"""Reflectance at full brightness in a thumbnail."""

SENTINEL_2 = "sentinel-2-l2a-simulated"
BASELINES = ("05.09", "05.10")
"""Processing baseline of a first and of a second delivery; 05.09 was in use from December 2022 on."""
STATED_OFFSET = -0.1
"""In every item; true of the numbers only where `Defect.OFFSET` left ESA's 1000 in."""

SENTINEL_2_BANDS = {
    "blue": ("B02", "Blue (band 2)", 0.49, 0.098, 1),
    "green": ("B03", "Green (band 3)", 0.56, 0.045, 1),
    "nir": ("B08", "NIR 1 (band 8)", 0.842, 0.145, 1),
    "red": ("B04", "Red (band 4)", 0.665, 0.038, 1),
    "swir16": ("B11", "SWIR 1 (band 11)", 1.61, 0.143, 2),
}
"""File, title, centre and width of the band in micrometres (as Earth Search spells them), and edge of a pixel
in pixels of the finest band."""

SCENE_CLASSES = {
    "saturated_defective_pixel": 1, "dark_features": 2, "cloud_shadow": 3, "vegetation": 4,
    "not_vegetated": 5, "water": 6, "unclassified": 7, "medium_proba_clouds": 8, "high_proba_clouds": 9,
    "thin_cirrus": 10, "snow_ice": 11,
}  # fmt: skip
"""Codes of Sentinel-2's scene classes by the item's word for their share; 0 is no data."""

LAG, REPROCESSING_LAG = timedelta(hours=7), timedelta(days=74)
"""From the acquisition to its first and its second delivery."""


def deliver_sentinel2(
    folder: Path, acquisition: Acquisition, image: OpticalImage, box: GeoBox
) -> list[dict[str, Any]]:
    """Write the files of one Sentinel-2 pass and describe them.

    Parameters
    ----------
    folder
        Of the whole catalogue.
    acquisition
        Its defect is put into the files or the items.
    image
        On `box`; ``swir16`` and the scene classes are delivered on pixels twice as wide.
    box
        Grid of 10 m pixels in UTM, an even number each way.

    Returns
    -------
    list of dict
        One item, or two if the pass was delivered twice.

    Raises
    ------
    InputError
        If the grid cannot be halved, or is not in UTM.
    """
    if box.shape[0] % 2 or box.shape[1] % 2:
        raise InputError(f"grid has {tuple(box.shape)} pixels; Sentinel-2's 20 m bands need an even number")
    return [_sentinel2(folder, acquisition, image, box, number) for number in range(deliveries(acquisition))]


def _sentinel2(
    folder: Path, acquisition: Acquisition, image: OpticalImage, box: GeoBox, number: int
) -> dict[str, Any]:
    tile = mgrs_tile(box)
    satellite = f"S2{acquisition.platform[-1:].upper()}"
    scene_id = simulated(acquisition, f"{satellite}_{tile}_{acquisition.acquired:%Y%m%d}_{number}_L2A")
    planes = spoilt_planes(image.bands, acquisition, number)
    classes = spoilt_classes(image.mask, acquisition)
    offset = STATED_OFFSET if acquisition.defect is Defect.OFFSET else 0.0
    assets, files = {}, []
    for band, (code, _, _, _, wide) in SENTINEL_2_BANDS.items():
        coarse = pooled(planes[band], wide) if wide > 1 else planes[band]
        name = f"{scene_id}_{code}.tif"
        files.append(image_path(folder, SENTINEL_2, name))
        write_cog(files[-1], numbers(coarse, SCALE, offset)[None], _coarser(box, wide), [code], 0)
        assets[band] = _sentinel2_asset(name, band, _coarser(box, wide))
    name = f"{scene_id}_SCL.tif"
    write_cog(image_path(folder, SENTINEL_2, name), classes[None, ::2, ::2], _coarser(box, 2), ["SCL"], 0)
    assets["scl"] = _sentinel2_asset(name, "scl", _coarser(box, 2))
    cut_one(files, acquisition)
    picture = f"{scene_id}_thumbnail.jpg"
    write_picture(image_path(folder, SENTINEL_2, picture), colour_picture(planes, WHITE))
    return item(
        scene_id,
        SENTINEL_2,
        ["grid/v1.0.0", "mgrs/v1.0.0", "projection/v1.1.0", "raster/v1.1.0", "view/v1.0.0", "eo/v1.1.0"],
        box,
        swath_edge(acquisition),
        _sentinel2_properties(acquisition, image, box, classes, number),
        dict(sorted(assets.items())) | {"thumbnail": thumbnail(picture)},
    )


def _coarser(box: GeoBox, wide: int) -> GeoBox:
    return box if wide == 1 else box.zoom_out(wide)


def _sentinel2_properties(
    acquisition: Acquisition, image: OpticalImage, box: GeoBox, classes: Classes, number: int
) -> dict[str, Any]:
    tile, at = mgrs_tile(box), acquisition.acquired
    baseline, made = BASELINES[number], at + (REPROCESSING_LAG if number else LAG)
    count = np.bincount(classes.ravel(), minlength=12)
    seen = max(int(count[1:].sum()), 1)
    shares = {f"s2:{k}_percentage": round(100 * int(count[c]) / seen, 4) for k, c in SCENE_CLASSES.items()}
    satellite = f"S2{acquisition.platform[-1:].upper()}"
    plain = f"N{baseline.replace('.', '')}_R{acquisition.orbit:03d}_T{tile}_{made:%Y%m%dT%H%M%S}"
    return {
        "datetime": utc(at),
        "created": utc(made),
        "updated": utc(made),
        "platform": acquisition.platform,
        "constellation": "sentinel-2",
        "instruments": ["msi"],
        "eo:cloud_cover": round(float(image.cloud_cover), 4),
        "proj:epsg": epsg_of(box),
        "mgrs:utm_zone": int(tile[:-3]),
        "mgrs:latitude_band": tile[-3],
        "mgrs:grid_square": tile[-2:],
        "grid:code": f"MGRS-{tile}",
        "view:sun_azimuth": round(float(image.sun_azimuth_deg), 4),
        "view:sun_elevation": round(float(image.sun_elevation_deg), 4),
        **shares,
        "s2:nodata_pixel_percentage": round(100 * int(count[0]) / classes.size, 4),
        "s2:product_type": "S2MSI2A",
        "s2:processing_baseline": baseline,
        "s2:product_uri": f"SIMULATED_{satellite}_MSIL2A_{at:%Y%m%dT%H%M%S}_{plain}.SAFE",
        "s2:generation_time": utc(made),
        "s2:sequence": str(number),
        "earthsearch:boa_offset_applied": True,
    }


def _sentinel2_asset(name: str, band: str, box: GeoBox) -> dict[str, Any]:
    wide = int(abs(float(box.affine.a)))
    asset: dict[str, Any] = {
        "href": image_href(name),
        "type": COG,
        "proj:shape": list(box.shape),
        "proj:transform": transform_of(box),
        "roles": ["data", "reflectance"],  # of the classes too, there
    }
    if band == "scl":
        pixel: dict[str, Any] = {"nodata": 0, "data_type": "uint8", "spatial_resolution": wide}
        return asset | {"title": "SIMULATED Scene classification map (SCL)", "raster:bands": [pixel]}
    _, title, centre, width, _ = SENTINEL_2_BANDS[band]
    about: dict[str, Any] = {"name": band, "common_name": band, "description": title}
    about |= {"center_wavelength": centre, "full_width_half_max": width}
    pixel = {"nodata": 0, "data_type": "uint16", "bits_per_sample": 15, "spatial_resolution": wide}
    pixel |= {"scale": SCALE, "offset": STATED_OFFSET}
    title = f"SIMULATED {title} - {wide}m"
    return asset | {"title": title, "gsd": wide, "eo:bands": [about], "raster:bands": [pixel]}


MGRS_COLUMNS = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")
MGRS_ROWS = "ABCDEFGHJKLMNPQRSTUV"
MGRS_BANDS = "CDEFGHJKLMNPQRSTUVWX"
"""Letters without I and O: columns by UTM zone modulo 3, rows repeating every 2000 km (even zones five
further on), bands of 8 degrees from 80 S (NGA.STND.0037, annex B)."""


def mgrs_tile(box: GeoBox) -> str:
    """Name the 100 km square in which the middle of a grid lies, as ``52TFM``.

    Raises
    ------
    InputError
        If the grid is not in UTM.
    """
    epsg = epsg_of(box)
    if epsg // 100 not in (326, 327):
        raise InputError(f"grid CRS EPSG:{epsg} is not UTM; Sentinel-2's tiles are, e.g. EPSG:32652")
    zone = epsg % 100
    x, y = (float(v) for v in box.extent.centroid.coords[0])
    latitude = float(cell_lonlat(box, box.shape[0] / 2 - 0.5, box.shape[1] / 2 - 0.5)[1])
    column = MGRS_COLUMNS[(zone - 1) % 3][int(x // 100_000) - 1]
    row = MGRS_ROWS[(int(y // 100_000) + (0 if zone % 2 else 5)) % 20]
    return f"{zone}{MGRS_BANDS[min(int((latitude + 80) // 8), 19)]}{column}{row}"
