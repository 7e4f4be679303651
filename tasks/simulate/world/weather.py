"""Wind, cloud, haze, ice and snow over a port, from the seed and the date alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from tasks.simulate.world.seeds import generator

CLOUD_MEMORY = 0.55
"""Correlation of cloudiness from one day to the next."""

CLEARNESS = 0.58
"""Cloudiness, in spreads above the yearly mean, of a half covered sky. With it, cloud stays below 20 % on
about 60 % of the days, so that of the days with a 3 m image or without (`calendar.PLANET_DELIVERED`)
37 % bring a usable one."""

CLOUD_CONTRAST = 1.6
"""How fast cover grows with cloudiness: most days are either clear or overcast."""


@dataclass(frozen=True)
class Weather:
    """State of air, water and ground at one moment."""

    wind_ms: float
    """Mean wind speed 10 m above the water, m/s."""

    wind_from_deg: float
    """Where it comes from, clockwise from north."""

    cloud: float
    """Share of the sky under cloud, 0 to 1."""

    haze: float
    """0 is clear air, 1 very thick haze."""

    turbidity: float
    """0 is clear water, 1 brown."""

    ice: float
    """Share of sheltered water under thin ice, 0 to 1."""

    snow: float
    """Share of the land under snow, 0 to 1."""

    green: float
    """State of the vegetation, 0 in winter to 1 in high summer."""


def weather_at(site_id: str, latitude: float, moment: datetime, seed: int) -> Weather:
    """Draw the weather of a moment: the same for every sensor that looks on that day.

    Parameters
    ----------
    site_id
        Weather differs between sites (and seeds), not between sensors.
    latitude
        Degrees; seasons are turned round on the southern hemisphere, and there is no ice or snow
        within 35 degrees of the equator.
    moment
        Aware, UTC.
    seed
        0 or more.
    """
    day = moment.astimezone(UTC).toordinal()
    season = math.cos(2 * math.pi * (moment.timetuple().tm_yday - 20) / 365.25)  # 1 in mid-January
    season = season if latitude >= 0 else -season
    wind_rng = generator(seed, "wind", site_id, moment.date().isoformat(), moment.hour // 6)
    air = generator(seed, "air", site_id, moment.date().isoformat())
    cold = max(season, 0.0) if abs(latitude) > 35 else 0.0
    freeze = _wander(seed, f"freeze {site_id}", day, 0.85)
    return Weather(
        wind_ms=float(np.clip(wind_rng.weibull(2.0) * (5.8 + 1.5 * season), 0.5, 18.0)),
        wind_from_deg=float(wind_rng.normal(320 if season > 0 else 140, 35) % 360),
        cloud=_cloud(_wander(seed, f"cloud {site_id}", day, CLOUD_MEMORY), season),
        haze=float(air.beta(1.3, 5.0)),
        turbidity=float(air.beta(1.5, 4.0)),
        ice=float(min(max(cold - 0.75, 0.0) * 4 * max(0.5 + 0.5 * freeze, 0.0), 0.7)),
        snow=float(np.clip((cold - 0.5) * 1.6 + 0.25 * freeze, 0.0, 1.0)) if cold > 0.5 else 0.0,
        green=float(np.clip(0.5 - 0.62 * season, 0.0, 1.0)),
    )


def _cloud(state: float, season: float) -> float:
    """Turn a standard normal state into cloud cover: most days are either clear or overcast."""
    wet = 0.35 * max(-season, 0.0)  # the summer monsoon
    return float(np.clip(0.5 + CLOUD_CONTRAST * (state + wet - CLEARNESS), 0.0, 1.0))


def _wander(seed: int, name: str, day: int, memory: float, depth: int = 24) -> float:
    """Compute a standard normal series with a memory from its last `depth` shocks, whatever the day."""
    shocks = np.array([generator(seed, name, day - back).standard_normal() for back in range(depth)])
    weights = memory ** np.arange(depth)
    return float(shocks @ weights / np.sqrt((weights**2).sum()))
