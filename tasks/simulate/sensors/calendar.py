"""When which satellite looks at a port, and which deliveries go wrong.

Sentinel-1A alone flew in 2023: each track repeats after 12 days; two see a port ascending, one descending.
Sentinel-2 passes every 5 days, PlanetScope-like satellites on most days, sometimes twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from tasks.errors import InputError
from tasks.simulate.world.seeds import generator


class Sensor(StrEnum):
    """What takes the image."""

    SENTINEL_1 = "sentinel-1"
    SENTINEL_2 = "sentinel-2"
    PLANET = "planet"
    """Optical, 3 m, blue green red nir."""

    SUBMETRE = "submetre"
    """Optical, 0.5 m, blue green red nir; only on request."""


class Defect(StrEnum):
    """What a provider can do wrong with a delivery."""

    OFFSET = "offset"
    """Sentinel-2 numbers with +1000 although the item says that the offset is applied."""

    DUPLICATE = "duplicate"
    """Delivered a second time under another id, with a later processing mark."""

    SHIFTED = "shifted"
    """The image lies several pixels away from where its georeference says."""

    HALF = "half"
    """The swath ends over the port."""

    CORRUPT = "corrupt"
    """A file cut off in the middle."""


@dataclass(frozen=True)
class Acquisition:
    """One pass over one site."""

    site_id: str
    sensor: Sensor
    platform: str
    """As catalogues write it: ``sentinel-1a``."""

    acquired: datetime
    """Aware, UTC, whole seconds."""

    orbit: int = 0
    """Relative orbit; 0 where the sensor has none."""

    direction: str = ""
    """``ascending`` or ``descending``; empty for optical images."""

    incidence_deg: float = 0.0
    """Radar incidence angle at the port; 0 for optical images."""

    defect: Defect | None = None

    clear: bool = False
    """True for a look that a report quotes: it was not lost to cloud."""

    world: str = ""
    """Mark of the world it shows, part of every id: two simulations must not pass for one another."""


PIXEL_M = {Sensor.SENTINEL_1: 10.0, Sensor.SENTINEL_2: 10.0, Sensor.PLANET: 3.0, Sensor.SUBMETRE: 0.5}

DEFAULT_SENSORS = (Sensor.SENTINEL_1, Sensor.SENTINEL_2, Sensor.PLANET)


def sensors_of(names: Iterable[str]) -> tuple[Sensor, ...]:
    """Read sensors by name; each once, in their usual order.

    Raises
    ------
    InputError
        If a name is not known.
    """
    wanted = set(names)
    if unknown := sorted(wanted - set(Sensor)):
        raise InputError(f"sensor {unknown[0]!r} is not known; there are {', '.join(Sensor)}")
    return tuple(s for s in Sensor if s in wanted)


HOME_LONGITUDE = 130.3
"""Where the times below hold, degrees east: Najin's."""

RADAR_EPOCH = date(2023, 1, 4)
RADAR_TRACKS = (
    ("descending", 61, time(21, 31, 12), 0, 38.6),
    ("ascending", 134, time(9, 22, 47), 5, 33.9),
    ("ascending", 32, time(9, 14, 33), 0, 43.4),
)
"""Direction, relative orbit (made up), UTC, days after `RADAR_EPOCH` modulo 12, incidence in degrees.

Tracks lie 170 km apart at 42 degrees and the swath is 250 km wide, so about half of all places are seen
from two neighbouring tracks of one direction, seven days apart; so is Latakia in the real archive."""

OPTICAL_EPOCH = date(2023, 1, 3)
OPTICAL_CLOCK = time(2, 16, 51)

PLANET_CLOCK_S = (1 * 3600 + 20 * 60, 2 * 3600 + 40 * 60)
"""Earliest and latest second of the day, UTC: mid-morning in the Far East."""

PLANET_DELIVERED = 0.58
"""Share of days with an image: 41.8 % had none in six years at one pier (Murata et al. 2024,
doi:10.3389/frsen.2024.1474468), where 37.1 % were usable."""

PLANET_SECOND = 0.06
"""Share of the days with an image that have a second one hours later."""

SUBMETRE_DELIVERED = 0.04
"""Share of days with an image of half a metre: such images are tasked, not routine."""

DEFECTS_OF = {
    Defect.OFFSET: Sensor.SENTINEL_2,
    Defect.DUPLICATE: Sensor.SENTINEL_2,
    Defect.SHIFTED: Sensor.PLANET,
    Defect.HALF: Sensor.SENTINEL_1,
    Defect.CORRUPT: Sensor.SENTINEL_1,
}
"""The sensor whose deliveries show each defect when there are few."""

DEFECT_CHOICES = ("few", "none", "many")

MANY_SHARE = 0.12
"""Share of the deliveries with a defect when there are many."""

FEW_NEED = 6
"""Deliveries of one sensor from which one of them may have a defect."""


def acquisitions(
    site_id: str,
    start: date,
    end: date,
    sensors: Iterable[Sensor],
    seed: int,
    *,
    longitude: float = HOME_LONGITUDE,
    extra: Iterable[datetime] = (),
    defects: str = "few",
    world: str = "",
) -> tuple[Acquisition, ...]:
    """List the passes over a site in a period.

    Parameters
    ----------
    site_id
        Decides on which day of a repeat cycle the satellites pass.
    start, end
        First and last day, UTC, both included.
    sensors
        Which to list.
    seed
        Decides on which days there is a 3 m image, and which deliveries go wrong.
    longitude
        Of the site, degrees east: satellites pass at one solar time everywhere.
    extra
        Moments at which there is a 3 m image in any case; others of the same day are left out.
    defects
        ``few``: one of each kind; ``none``; ``many``: an eighth of all deliveries.
    world
        Mark of the world, carried into every id.

    Returns
    -------
    tuple of Acquisition
        By time, then sensor. A longer period adds passes and changes none, except for where the few
        defects fall.
    """
    wanted = set(sensors)
    # A day more on either side: what passes at noon in one place passes at midnight, UTC, in another.
    days = [start + timedelta(days=k) for k in range(-1, (end - start).days + 2)]
    found: list[Acquisition] = []
    if Sensor.SENTINEL_1 in wanted:
        found += _radar(site_id, days)
    if Sensor.SENTINEL_2 in wanted:
        found += _every_five_days(site_id, days)
    fixed = {moment for moment in extra if start <= moment.date() <= end}
    for sensor in (Sensor.PLANET, Sensor.SUBMETRE):
        if sensor in wanted:
            found += _most_days(site_id, sensor, days, fixed, seed)
    later = timedelta(seconds=round((HOME_LONGITUDE - longitude) * 240))
    found = [
        replace(one, world=world, acquired=one.acquired + (timedelta() if one.clear else later))
        for one in found
    ]
    found = [one for one in found if start <= one.acquired.date() <= end]
    found.sort(key=lambda a: (a.acquired, a.sensor))
    return _with_defects(found, fixed, defects, seed)


def _phase(site_id: str, sensor: Sensor, cycle: int) -> int:
    return int(generator(0, "phase", site_id, sensor).integers(cycle))


def _radar(site_id: str, days: Sequence[date]) -> list[Acquisition]:
    phase = _phase(site_id, Sensor.SENTINEL_1, 12)
    return [
        Acquisition(
            site_id, Sensor.SENTINEL_1, "sentinel-1a", datetime.combine(day, clock, UTC), orbit, direction,
            incidence,
        )
        for day in days
        for direction, orbit, clock, offset, incidence in RADAR_TRACKS
        if (day - RADAR_EPOCH).days % 12 == (phase + offset) % 12
    ]  # fmt: skip


def _every_five_days(site_id: str, days: Sequence[date]) -> list[Acquisition]:
    phase = _phase(site_id, Sensor.SENTINEL_2, 5)
    return [
        Acquisition(
            site_id, Sensor.SENTINEL_2, f"sentinel-2{'ab'[(day - OPTICAL_EPOCH).days // 5 % 2]}",
            datetime.combine(day, OPTICAL_CLOCK, UTC), 89,
        )
        for day in days
        if (day - OPTICAL_EPOCH).days % 5 == phase
    ]  # fmt: skip


def _most_days(
    site_id: str, sensor: Sensor, days: Sequence[date], fixed: set[datetime], seed: int
) -> list[Acquisition]:
    found = []
    for day in days:
        reported = sorted(m for m in fixed if m.date() == day)
        moments = reported or _drawn_looks(site_id, sensor, day, seed)
        name = "planetscope" if sensor is Sensor.PLANET else "submetre"
        found += [Acquisition(site_id, sensor, name, m, clear=bool(reported)) for m in moments]
    return found


def _drawn_looks(site_id: str, sensor: Sensor, day: date, seed: int) -> list[datetime]:
    rng = generator(seed, "3 m look", site_id, sensor, day.isoformat())
    share = PLANET_DELIVERED if sensor is Sensor.PLANET else SUBMETRE_DELIVERED
    if rng.random() >= share:
        return []
    morning = datetime.combine(day, time(), UTC)
    first = morning + timedelta(seconds=int(rng.integers(*PLANET_CLOCK_S)))
    if sensor is Sensor.SUBMETRE or rng.random() >= PLANET_SECOND:
        return [first]
    return [first, first + timedelta(seconds=int(rng.integers(2 * 3600, 5 * 3600)))]


def _with_defects(
    found: Sequence[Acquisition], fixed: set[datetime], defects: str, seed: int
) -> tuple[Acquisition, ...]:
    if defects == "none":
        return tuple(found)
    if defects not in DEFECT_CHOICES:
        raise InputError(f"defects {defects!r} is not known; one of {', '.join(DEFECT_CHOICES)} is needed")
    result = list(found)
    if defects == "many":
        for k, one in enumerate(result):
            rng = generator(seed, "defect", one.site_id, one.sensor, one.acquired.isoformat())
            if rng.random() < MANY_SHARE:
                kinds = [d for d in Defect if d is not Defect.OFFSET or one.sensor is Sensor.SENTINEL_2]
                result[k] = replace(one, defect=kinds[int(rng.integers(len(kinds)))])
        return tuple(result)
    for number, (defect, sensor) in enumerate(DEFECTS_OF.items()):
        there = [k for k, a in enumerate(result) if a.sensor is sensor and a.acquired not in fixed]
        free = [k for k in there if result[k].defect is None]
        if len(there) >= FEW_NEED:
            k = free[int(generator(seed, "defect", number, len(there)).integers(len(free)))]
            result[k] = replace(result[k], defect=defect)
    return tuple(result)
