"""Sentinel-1 as Planetary Computer's ``sentinel-1-rtc`` delivers it.

Gamma naught in linear power, float32, -32768 where nothing was seen, one file a polarisation; fields
as in that collection's template (github.com/microsoft/planetary-computer-tasks). Its items carry no
date of processing; ``created`` and ``updated`` are added so that a second delivery can be told.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from odc.geo.geobox import GeoBox

from tasks.simulate.delivery.cog import Plane, grey_picture, rounded_power, write_cog, write_picture
from tasks.simulate.delivery.defects import cut_one, deliveries, spoilt_planes, swath_edge
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
from tasks.simulate.sensors.calendar import Acquisition

COLLECTION = "sentinel-1-rtc-simulated"

NODATA = -32768.0

SLICE_S = 25
"""Seconds that one product covers."""

PICTURE_DB = (-24.0, 3.0)
"""Black and white of the thumbnail: calm water and a ship."""

ORBITS_A_DAY = 175 / 12
ORBIT_AT = (datetime(2023, 12, 23, 15, 41, 52, tzinfo=UTC), 51784)
"""A real pass of Sentinel-1A with its absolute orbit, from which others are counted."""

RELATIVE_FROM_ABSOLUTE = {"A": 73, "B": 27, "C": 172}
"""Relative orbit = (absolute - this) mod 175 + 1."""

DESIGNATOR = {"A": "2014-016A", "B": "2016-025A", "C": "0000-000A"}
"""Of each satellite, as the collection spells them."""

LAG, REPROCESSING_LAG = timedelta(hours=9), timedelta(days=47)
"""From the acquisition to its first and its second delivery."""

POLARISATIONS = {"vv": "vertical transmit, vertical receive", "vh": "vertical transmit, horizontal receive"}


def deliver_radar(
    folder: Path, acquisition: Acquisition, box: GeoBox, planes: dict[str, Plane]
) -> list[dict[str, Any]]:
    """Write the files of one pass and describe them.

    Parameters
    ----------
    folder
        Of the whole catalogue.
    acquisition
        Its defect is put into the files or the items.
    box
        Grid of the planes, UTM.
    planes
        ``vv`` and ``vh``, ``(y, x)`` gamma0 in linear power, NaN where not seen.

    Returns
    -------
    list of dict
        One item, or two if the pass was delivered twice.
    """
    return [_deliver(folder, acquisition, box, planes, number) for number in range(deliveries(acquisition))]


def _deliver(
    folder: Path, acquisition: Acquisition, box: GeoBox, planes: dict[str, Plane], number: int
) -> dict[str, Any]:
    scene_id = _scene_id(acquisition, number)
    spoilt = spoilt_planes(planes, acquisition, number)
    names = {band: f"{scene_id}_iw-{band}.rtc.tiff" for band in spoilt}
    files = [image_path(folder, COLLECTION, name) for name in names.values()]
    for (band, plane), path in zip(spoilt.items(), files, strict=True):
        write_cog(path, rounded_power(plane, NODATA)[None], box, [band], NODATA)
    cut_one(files, acquisition)
    picture = f"{scene_id}_thumbnail.jpg"
    first = next(iter(spoilt.values()))
    write_picture(image_path(folder, COLLECTION, picture), grey_picture(first, *PICTURE_DB))
    assets = {band: _asset(band, name, box) for band, name in names.items()}
    return item(
        scene_id,
        COLLECTION,
        ["sar/v1.0.0", "sat/v1.0.0", "projection/v1.1.0", "raster/v1.1.0"],
        box,
        swath_edge(acquisition),
        _properties(acquisition, box, list(spoilt), number),
        assets | {"thumbnail": thumbnail(picture)},
    )


def _satellite(acquisition: Acquisition) -> str:
    return acquisition.platform[-1:].upper()


def absolute_orbit(acquisition: Acquisition) -> int:
    """Count the orbits of Sentinel-1A since launch; the nearest that fits the relative orbit."""
    moment, orbit = ORBIT_AT
    guess = orbit + (acquisition.acquired - moment) / timedelta(days=1) * ORBITS_A_DAY
    phase = acquisition.orbit - 1 + RELATIVE_FROM_ABSOLUTE.get(_satellite(acquisition), 0)
    return round((guess - phase) / 175) * 175 + phase


def _digest(acquisition: Acquisition, digits: int, *more: str) -> str:
    """Hexadecimal digits for what nobody can know: data take and checksum."""
    text = "|".join((acquisition.platform, acquisition.acquired.isoformat(), *more))
    return hashlib.sha256(text.encode()).hexdigest()[:digits].upper()


def _scene_id(acquisition: Acquisition, number: int) -> str:
    """Name as ESA does; a second delivery keeps the four digits of its checksum, which tell them apart."""
    start, end = acquisition.acquired, acquisition.acquired + timedelta(seconds=SLICE_S)
    take = _digest(acquisition, 6)
    again = f"_{_digest(acquisition, 4, str(number))}" if number else ""
    return simulated(
        acquisition,
        f"S1{_satellite(acquisition)}_IW_GRDH_1SDV_{start:%Y%m%dT%H%M%S}_{end:%Y%m%dT%H%M%S}"
        f"_{absolute_orbit(acquisition):06d}_{take}{again}_rtc",
    )


def _properties(acquisition: Acquisition, box: GeoBox, bands: list[str], number: int) -> dict[str, Any]:
    delivered = utc(acquisition.acquired + (REPROCESSING_LAG if number else LAG))
    height, width = box.shape
    west, south, east, north = box.extent.boundingbox.bbox
    return {
        "datetime": utc(acquisition.acquired),
        "start_datetime": utc(acquisition.acquired),
        "end_datetime": utc(acquisition.acquired + timedelta(seconds=SLICE_S)),
        "created": delivered,
        "updated": delivered,
        "platform": acquisition.platform.upper(),
        "constellation": "Sentinel-1",
        "s1:datatake_id": str(int(_digest(acquisition, 6), 16)),
        "s1:instrument_configuration_ID": "7",
        "s1:orbit_source": "POEORB" if number else "RESORB",
        "s1:processing_level": "1",
        "s1:product_timeliness": "Reprocessing" if number else "Fast-24h",
        "s1:resolution": "high",
        "s1:shape": [height, width],
        "s1:slice_number": "1",
        "s1:total_slices": "1",
        "sar:center_frequency": 5.405,
        "sar:frequency_band": "C",
        "sar:instrument_mode": "IW",
        "sar:looks_azimuth": 1,
        "sar:looks_equivalent_number": 4.4,
        "sar:looks_range": 5,
        "sar:observation_direction": "right",
        "sar:pixel_spacing_azimuth": 10,
        "sar:pixel_spacing_range": 10,
        "sar:polarizations": [band.upper() for band in bands],
        "sar:product_type": "GRD",
        "sar:resolution_azimuth": 22,
        "sar:resolution_range": 20,
        "sat:absolute_orbit": absolute_orbit(acquisition),
        "sat:orbit_state": acquisition.direction,
        "sat:platform_international_designator": DESIGNATOR.get(_satellite(acquisition), "0000-000A"),
        "sat:relative_orbit": acquisition.orbit,
        "proj:epsg": epsg_of(box),
        "proj:bbox": [west, south, east, north],
        "proj:shape": [height, width],
        "proj:transform": [*transform_of(box), 0.0, 0.0, 1.0],
    }


def _asset(band: str, name: str, box: GeoBox) -> dict[str, Any]:
    pixel = {"nodata": NODATA, "data_type": "float32", "spatial_resolution": abs(float(box.affine.a))}
    return {
        "href": image_href(name),
        "type": COG,
        "title": f"SIMULATED {band.upper()}: {POLARISATIONS.get(band, band)}",
        "description": f"SIMULATED gamma naught in linear power, {band.upper()}.",
        "raster:bands": [pixel],
        "roles": ["data"],
    }
