"""Images of 3 m and 0.5 m as Planet delivers them.

Items follow Planet's own (github.com/planetlabs/stac-extension), under Planet's asset types as keys: one
file of four bands, number = reflectance × 10000, and the usable data mask UDM 2 in eight bands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox

from tasks.errors import InputError
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
from tasks.simulate.sensors.calendar import Acquisition, Sensor
from tasks.simulate.world.seeds import generator

if TYPE_CHECKING:
    from tasks.simulate.sensors.optical import OpticalImage

Classes = npt.NDArray[np.uint8]

EXTENSION = "https://planetlabs.github.io/stac-extension/v1.0.0-beta.1/schema.json"

SCALE = 0.0001
STEP = 8
"""Numbers are multiples of 8, which is 0.0008 of reflectance and less than the noise of such an image; the
file is a third smaller."""

WHITE = 0.30
"""Reflectance at full brightness in a thumbnail."""

LAG, REPROCESSING_LAG = timedelta(hours=7), timedelta(days=21)
"""From the acquisition to its first delivery, and from that to the second."""


@dataclass(frozen=True)
class Product:
    """How one of Planet's item types is spelt."""

    collection: str
    item_type: str
    constellation: str
    instruments: tuple[str, ...]
    analytic: str
    """Asset type of the image; of the mask below."""
    mask: str
    analytic_file: str
    mask_file: str
    gsd: float
    ground_control: Mapping[str, Any]


PRODUCTS = {
    Sensor.PLANET: Product(
        "planetscope-simulated", "PSScene", "planetscope", ("PSB.SD",), "ortho_analytic_4b_sr", "ortho_udm2",
        "3B_AnalyticMS_SR", "3B_udm2", 3.8, {"pl:ground_control": True},
    ),
    Sensor.SUBMETRE: Product(
        "submetre-simulated", "SkySatCollect", "skysat", (), "ortho_analytic_sr", "ortho_analytic_udm2",
        "analytic_SR", "analytic_udm2", 0.57, {"pl:ground_control_ratio": 1.0},
    ),
}  # fmt: skip

BANDS = {
    "blue": (0.49, 0.05),
    "green": (0.565, 0.036),
    "red": (0.665, 0.031),
    "nir": (0.865, 0.04),
}
"""Centre and width in micrometres, in the order of the file."""

UDM2_BANDS = {
    "clear": (2, 4, 5, 6, 7),
    "snow": (11,),
    "shadow": (3,),
    "light_haze": (10,),
    "heavy_haze": (8,),
    "cloud": (9,),
}
"""Codes of Sentinel-2's scene classification in each of the first six bands; a pixel is in one at most. Then
come ``confidence`` (percent) and ``unusable`` (bit 0: nothing seen), see docs.planet.com on UDM 2."""

CONFIDENCE = {"clear": 92, "cloud": 88}
"""Percent that the mask claims; 74 for all else."""


def deliver_planet(
    folder: Path, acquisition: Acquisition, image: OpticalImage, box: GeoBox
) -> list[dict[str, Any]]:
    """Write the two files of one image of 3 m or 0.5 m and describe them.

    Parameters
    ----------
    folder
        Of the whole catalogue.
    acquisition
        Its sensor is PLANET or SUBMETRE; its defect is put into the files or the items.
    image
        On `box`: ``blue``, ``green``, ``red`` and ``nir``.
    box
        Grid in UTM.

    Returns
    -------
    list of dict
        One item, or two if the image was delivered twice.

    Raises
    ------
    InputError
        If the sensor is another one.
    """
    if acquisition.sensor not in PRODUCTS:
        raise InputError(f"sensor {acquisition.sensor} is not delivered so; {' or '.join(PRODUCTS)} is")
    return [_deliver(folder, acquisition, image, box, number) for number in range(deliveries(acquisition))]


def _deliver(
    folder: Path, acquisition: Acquisition, image: OpticalImage, box: GeoBox, number: int
) -> dict[str, Any]:
    product = PRODUCTS[acquisition.sensor]
    at = acquisition.acquired
    scene_id = simulated(acquisition, f"{at:%Y%m%d_%H%M%S}_{number:02d}_{acquisition.platform}")
    planes = spoilt_planes({band: image.bands[band] for band in BANDS}, acquisition, number)
    mask = usable_data_mask(spoilt_classes(image.mask, acquisition))
    pixels = np.stack([numbers(plane, SCALE, 0.0, STEP) for plane in planes.values()])
    names = [f"{scene_id}_{part}.tif" for part in (product.analytic_file, product.mask_file)]
    files = [image_path(folder, product.collection, name) for name in names]
    write_cog(files[0], pixels, box, list(BANDS), 0)
    write_cog(files[1], mask, box, [*UDM2_BANDS, "confidence", "unusable"], None)
    cut_one(files[:1], acquisition)
    picture = f"{scene_id}_thumbnail.jpg"
    write_picture(image_path(folder, product.collection, picture), colour_picture(planes, WHITE))
    assets = {
        product.analytic: _asset(product.analytic, names[0], box),
        product.mask: _asset(product.mask, names[1], box),
        "thumbnail": thumbnail(picture),
    }
    return item(
        scene_id,
        product.collection,
        [EXTENSION, "eo/v1.1.0", "view/v1.0.0", "projection/v1.1.0", "raster/v1.1.0"],
        box,
        swath_edge(acquisition),
        _properties(acquisition, image, box, mask, number),
        assets,
    )


def usable_data_mask(classes: Classes) -> Classes:
    """Turn scene classes into Planet's mask: ``(8, y, x)`` as `UDM2_BANDS` names them."""
    table = np.zeros((8, 256), np.uint8)
    for band, (name, codes) in enumerate(UDM2_BANDS.items()):
        table[band, list(codes)] = 1
        table[6, list(codes)] = CONFIDENCE.get(name, 74)
    table[7, 0] = 1
    return table[:, classes]


def _properties(
    acquisition: Acquisition, image: OpticalImage, box: GeoBox, mask: Classes, number: int
) -> dict[str, Any]:
    product = PRODUCTS[acquisition.sensor]
    published, updated = acquisition.acquired + LAG, acquisition.acquired + LAG + number * REPROCESSING_LAG
    view = generator(0, "view", acquisition.platform, acquisition.acquired.isoformat())
    seen = max(int((mask[7] == 0).sum()), 1)
    return {
        "datetime": utc(acquisition.acquired),
        "created": utc(published),
        "published": utc(published),
        "updated": utc(updated),
        "platform": acquisition.platform,
        "constellation": product.constellation,
        **({"instruments": list(product.instruments)} if product.instruments else {}),
        "gsd": product.gsd,
        "eo:cloud_cover": round(float(image.cloud_cover), 2),
        "eo:snow_cover": round(100 * int(mask[1].sum()) / seen, 2),
        "view:off_nadir": round(float(view.uniform(0, 5)), 1),
        "view:azimuth": round(float(view.uniform(0, 360)), 1),
        "view:sun_azimuth": round(float(image.sun_azimuth_deg), 1),
        "view:sun_elevation": round(float(image.sun_elevation_deg), 1),
        "proj:epsg": epsg_of(box),
        "proj:bbox": [float(v) for v in box.extent.boundingbox.bbox],
        "proj:shape": list(box.shape),
        "proj:transform": [*transform_of(box), 0.0, 0.0, 1.0],
        "pl:item_type": product.item_type,
        "pl:strip_id": str(int(view.integers(4_000_000, 8_000_000))),
        "pl:clear_percent": round(100 * int(mask[0].sum()) / seen, 2),
        **product.ground_control,
        "pl:publishing_stage": "finalized",
        "pl:quality_category": "standard",
        "pl:pixel_resolution": abs(float(box.affine.a)),
    }


def _asset(kind: str, name: str, box: GeoBox) -> dict[str, Any]:
    wide = abs(float(box.affine.a))
    asset = {"href": image_href(name), "type": COG, "title": f"SIMULATED {kind}", "pl:asset_type": kind}
    if "udm2" in kind:
        pixel: dict[str, Any] = {"data_type": "uint8", "spatial_resolution": wide}
        about: list[dict[str, Any]] = [
            {"name": f"B{k + 1}", "description": text}
            for k, text in enumerate((*UDM2_BANDS, "confidence", "unusable"))
        ]
        roles = ["data", "snow-ice", "cloud", "cloud-shadow"]
    else:
        pixel = {"nodata": 0, "data_type": "uint16", "spatial_resolution": wide, "scale": SCALE}
        about = [
            {"name": band.title(), "common_name": band, "center_wavelength": c, "full_width_half_max": w}
            for band, (c, w) in BANDS.items()
        ]
        roles = ["data", "reflectance"]
    return asset | {"raster:bands": [pixel] * len(about), "eo:bands": about, "roles": roles}
