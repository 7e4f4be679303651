"""Where the sun stands, and how water mirrors it.

The position is NOAA's solar calculator (https://gml.noaa.gov/grad/solcalc/solareqns.PDF and its
spreadsheet, after Meeus, Astronomical Algorithms), good to a few hundredths of a degree. Refraction
is left out: it lifts the sun by less than 0.1 degrees wherever a satellite takes a useful image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from tasks.errors import InputError

J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)

VIEW_AWAY_DEG = 8.0
"""The camera looks from this far off the vertical, on the side away from the sun, as operators prefer."""

LOWEST_DEG = 5.0
"""Shadows are drawn as if the sun stood at least this high; below it no optical image is taken."""


@dataclass(frozen=True)
class Sun:
    """Position of the sun."""

    elevation_deg: float
    """Above the horizon, without refraction."""

    azimuth_deg: float
    """Clockwise from true north."""

    @property
    def zenith_rad(self) -> float:
        """Angle from the vertical."""
        return math.radians(90 - self.elevation_deg)

    @property
    def rise(self) -> float:
        """Metres that a ray of light climbs per metre over ground."""
        return math.tan(math.radians(max(self.elevation_deg, LOWEST_DEG)))


def sun_at(latitude: float, longitude: float, moment: datetime) -> Sun:
    """Find the sun.

    Parameters
    ----------
    latitude, longitude
        Degrees, north and east positive.
    moment
        Aware.

    Raises
    ------
    InputError
        If the moment has no time zone.

    Examples
    --------
    >>> noon = sun_at(0.0, 0.0, datetime(2023, 3, 20, 12, 7, tzinfo=UTC))
    >>> round(noon.elevation_deg)
    90
    """
    if moment.tzinfo is None:
        raise InputError(f"moment {moment.isoformat()} has no time zone; an aware UTC time is needed")
    century = (moment - J2000).total_seconds() / 86400 / 36525
    declination, minutes_fast = _declination_and_equation_of_time(century)
    utc = moment.astimezone(UTC)
    minutes = utc.hour * 60 + utc.minute + utc.second / 60
    hour_angle = math.radians((minutes + minutes_fast + 4 * longitude) / 4 - 180)
    phi = math.radians(latitude)
    up = math.sin(phi) * math.sin(declination) + math.cos(phi) * math.cos(declination) * math.cos(hour_angle)
    east = -math.cos(declination) * math.sin(hour_angle)
    north = math.cos(phi) * math.sin(declination) - math.sin(phi) * math.cos(declination) * math.cos(
        hour_angle
    )
    return Sun(math.degrees(math.asin(min(max(up, -1.0), 1.0))), math.degrees(math.atan2(east, north)) % 360)


def _declination_and_equation_of_time(century: float) -> tuple[float, float]:
    """Declination in radians, and the minutes by which the sundial is ahead of the mean sun."""
    mean_longitude = math.radians((280.46646 + century * (36000.76983 + century * 0.0003032)) % 360)
    anomaly = math.radians(357.52911 + century * (35999.05029 - 0.0001537 * century))
    eccentricity = 0.016708634 - century * (0.000042037 + 0.0000001267 * century)
    centre = (
        math.sin(anomaly) * (1.914602 - century * (0.004817 + 0.000014 * century))
        + math.sin(2 * anomaly) * (0.019993 - 0.000101 * century)
        + math.sin(3 * anomaly) * 0.000289
    )
    node = math.radians(125.04 - 1934.136 * century)
    longitude = mean_longitude + math.radians(centre - 0.00569 - 0.00478 * math.sin(node))
    tilt = math.radians(23.439291 - 0.0130042 * century + 0.00256 * math.cos(node))
    half = math.tan(tilt / 2) ** 2
    equation = (
        half * math.sin(2 * mean_longitude)
        - 2 * eccentricity * math.sin(anomaly)
        + 4 * eccentricity * half * math.sin(anomaly) * math.cos(2 * mean_longitude)
        - 0.5 * half**2 * math.sin(4 * mean_longitude)
        - 1.25 * eccentricity**2 * math.sin(2 * anomaly)
    )
    return math.asin(math.sin(tilt) * math.sin(longitude)), 4 * math.degrees(equation)


def glint(sun: Sun, wind_ms: float) -> float:
    """Reflectance that the sun's own image adds to water seen from above.

    Notes
    -----
    Cox and Munk (1954, doi:10.1364/JOSA.44.000838): wave slopes are normal with variance
    0.003 + 0.00512 U; seen straight down, the facet that mirrors the sun is tilted by half its zenith
    angle, and seen from the far side by a little more. 0.021 is what water mirrors near normal incidence.
    """
    tilt = (sun.zenith_rad + math.radians(VIEW_AWAY_DEG)) / 2
    variance = 0.003 + 0.00512 * wind_ms
    facets = math.exp(-(math.tan(tilt) ** 2) / variance) / (math.pi * variance)
    return math.pi * 0.021 * facets / (4 * max(math.cos(sun.zenith_rad), 0.05) * math.cos(tilt) ** 4)
