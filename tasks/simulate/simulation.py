"""Write a simulated archive: images, catalogue and truth, complete or not at all.

The folder is written aside and renamed in at the end. Same arguments, same bytes, on any number of
workers: every random number is named after what it decides, and nothing comes from the clock.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import shapely

from tasks.errors import InputError
from tasks.model import Site
from tasks.simulate.delivery.stac import NOTICE, write_catalog
from tasks.simulate.scenarios import SCENARIOS, scenario_world, sites_of
from tasks.simulate.sensors.calendar import DEFAULT_SENSORS, DEFECT_CHOICES, Acquisition, Sensor, acquisitions
from tasks.simulate.studio import Studio, Taken
from tasks.simulate.truth import write_truth
from tasks.simulate.world.model import World

VERSION = 2
"""Raise it whenever the same arguments would give other bytes."""

IMAGES_PER_JOB = 6

README = """{notice}

Scenario {scenario}, seed {seed}, {start} to {end}, sites {sites}. {what}
No vessel, container, date or number in this folder says anything about a real port.

catalog.json   static STAC catalogue, one collection per sensor
truth/         what there truly was, as Parquet; truth/COLUMNS.md says what each column means
simulation.json   what this folder was made with
"""


@dataclass(frozen=True)
class Recipe:
    """What decides every byte of the folder."""

    scenario: str
    seed: int
    start: str
    end: str
    sites: dict[str, str]
    """Site id to a digest of its outlines, land included."""

    sensors: tuple[str, ...]
    defects: str
    version: int = VERSION


def simulate(
    scenario: str,
    folder: Path,
    *,
    seed: int = 2023,
    start: date | None = None,
    end: date | None = None,
    site: Site | None = None,
    sensors: Sequence[Sensor] = DEFAULT_SENSORS,
    defects: str = "few",
    workers: int | None = None,
    expect: Callable[[int], None] | None = None,
    advance: Callable[[int], None] | None = None,
) -> Path:
    """Write the simulated archive of a scenario, unless it is there already.

    Parameters
    ----------
    scenario
        One of `tasks.simulate.scenarios.SCENARIOS`.
    folder
        Where to write; one that holds another simulation is refused.
    seed
        0 or more.
    start, end
        First and last day with images, UTC, both included; the scenario's own by default.
    site
        Site to simulate; only for scenarios that are not about a place of their own.
    sensors
        Which satellites look.
    defects
        ``few`` (one of each kind), ``none`` or ``many``: what goes wrong with deliveries.
    workers
        Processes; one per processor by default.
    expect, advance
        Called with the number of images to make, and with 1 after each.

    Returns
    -------
    Path
        The catalogue, ``catalog.json``.

    Raises
    ------
    InputError
        If an argument cannot be simulated, or if `folder` holds something else than a simulation.
    """
    first, last = _period(scenario, start, end)
    _check(seed, sensors, defects)
    sites = sites_of(scenario, site)
    recipe = Recipe(
        scenario, seed, str(first), str(last), {s: _digest(o) for s, o in sites.items()},
        tuple(s.value for s in sensors), defects,
    )  # fmt: skip
    folder = folder.resolve()
    catalog = folder / "catalog.json"
    if (there := _recipe_in(folder)) is not None:
        if there == json.loads(json.dumps(asdict(recipe))) and catalog.is_file():
            return catalog
        held = ", ".join(f"{k} {there.get(k)}" for k in ("scenario", "seed", "start", "end", "version"))
        raise InputError(f"{folder} holds another simulation ({held}); name another folder, or delete it")
    world = scenario_world(scenario, sites, first, last, seed)
    passes = [
        one
        for name in sites
        for one in acquisitions(
            name,
            first,
            last,
            sensors,
            seed,
            longitude=_longitude(sites[name]),
            extra=world.reported.get(name, ()),
            defects=defects,
            world=world_mark(scenario, sites, seed),
        )
    ]
    if not passes:
        raise InputError(f"no satellite passes between {first} and {last}; name a longer period")
    if expect is not None:
        expect(len(passes))
    with _aside(folder) as aside:
        _write(world, aside, passes, workers, advance)
        told = asdict(recipe) | {"sites": ", ".join(sites), "what": SCENARIOS[scenario].what}
        text = README.format(notice=NOTICE, **told)
        (aside / "README.txt").write_text(text, encoding="utf-8")
        (aside / "simulation.json").write_text(json.dumps(asdict(recipe), indent=1) + "\n", encoding="utf-8")
    return catalog


def world_mark(scenario: str, sites: Mapping[str, Site], seed: int) -> str:
    """Short mark of a world: the same for any period and any sensors, another for another world."""
    digests = sorted((name, _digest(site)) for name, site in sites.items())
    return hashlib.sha256(repr((scenario, seed, VERSION, digests)).encode()).hexdigest()[:6]


def _longitude(site: Site) -> float:
    west, _, east, _ = shapely.total_bounds([zone.geometry for zone in site.measured_zones])
    return float(west + east) / 2


def _period(scenario: str, start: date | None, end: date | None) -> tuple[date, date]:
    if scenario not in SCENARIOS:
        raise InputError(f"scenario {scenario!r} is not known; there are {', '.join(sorted(SCENARIOS))}")
    own = SCENARIOS[scenario]
    first, last = start or own.start, end or own.end
    if first > last:
        raise InputError(f"period {first} to {last} is reversed; the first day must not be after the last")
    if own.bounded and (first < own.start or last > own.end):
        raise InputError(f"period {first} to {last} leaves the story of {scenario}: {own.start} to {own.end}")
    return first, last


def _check(seed: int, sensors: Sequence[Sensor], defects: str) -> None:
    if seed < 0:
        raise InputError(f"seed is {seed}; 0 or more is needed")
    if not sensors:
        raise InputError(f"no sensor given; at least one of {', '.join(Sensor)} is needed")
    if defects not in DEFECT_CHOICES:
        raise InputError(f"defects {defects!r} is not known; one of {', '.join(DEFECT_CHOICES)} is needed")


def _digest(site: Site) -> str:
    shapes = [site.land] if site.land is not None else []
    shapes += [zone.geometry for zone in site.zones]
    wkb = b"".join(shapely.to_wkb(shape, byte_order=1) for shape in shapes)
    names = "\n".join(f"{z.zone_id} {z.kind}" for z in site.zones)
    return hashlib.sha256(wkb + names.encode()).hexdigest()[:16]


def _recipe_in(folder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((folder / "simulation.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


@contextmanager
def _aside(folder: Path) -> Iterator[Path]:
    """Give a folder to write into that becomes `folder` when all went well, and vanishes otherwise."""
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(f"{folder} holds something else than a simulation; name a new or empty folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield aside
        aside.chmod(0o755)  # mkdtemp makes it for its owner alone
        if folder.exists():
            folder.rmdir()
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write(
    world: World,
    folder: Path,
    passes: Sequence[Acquisition],
    workers: int | None,
    advance: Callable[[int], None] | None,
) -> None:
    taken: dict[int, Taken] = {}
    for number, one in _take_all(world, folder, passes, workers or _processors()):
        taken[number] = one
        if advance is not None:
            advance(1)
    in_order = [taken[k] for k in range(len(passes))]
    write_catalog(folder, SCENARIOS[world.scenario].title, [item for one in in_order for item in one.items])
    per_scene = {
        name: [row for one in in_order for row in getattr(one, name)]
        for name in ("scenes", "vessels", "stacks")
    }
    write_truth(folder / "truth", world, per_scene)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_studio: Studio | None = None
"""The studio of this worker process: a world is sent once, not with every image."""

Batch = list[tuple[int, Acquisition]]


def _open_studio(world: World, folder: Path) -> None:
    global _studio
    _studio = Studio(world, folder)


def _take_batch(batch: Batch) -> list[tuple[int, Taken]]:
    if _studio is None:
        raise RuntimeError("worker was started without a world")
    return [(number, _studio.take(one)) for number, one in batch]


def _take_all(
    world: World, folder: Path, passes: Sequence[Acquisition], workers: int
) -> Iterable[tuple[int, Taken]]:
    """Make all images; each comes with its place in `passes`."""
    batches = _batches(passes)
    if workers == 1 or len(batches) == 1:
        studio = Studio(world, folder)
        yield from ((number, studio.take(one)) for batch in batches for number, one in batch)
        return
    spawn = multiprocessing.get_context("spawn")  # forking a process with threads is not safe
    with ProcessPoolExecutor(workers, spawn, _open_studio, (world, folder)) as pool:
        for future in as_completed([pool.submit(_take_batch, batch) for batch in batches]):
            yield from future.result()


def _batches(passes: Sequence[Acquisition]) -> list[Batch]:
    """Cut the passes into jobs of one site and sensor each: the ground is then drawn once per worker."""
    order = sorted(range(len(passes)), key=lambda k: (passes[k].sensor, passes[k].site_id, k))
    batches: list[Batch] = []
    for k in order:
        last = batches[-1] if batches else []
        alike = last and (last[0][1].sensor, last[0][1].site_id) == (passes[k].sensor, passes[k].site_id)
        if alike and len(last) < IMAGES_PER_JOB:
            last.append((k, passes[k]))
        else:
            batches.append([(k, passes[k])])
    return batches
