"""Looks and vessels of a world whose truth is known, without an image: when satellites pass, what they miss,
what they make up and how wrong their lengths are. Rows look like the published ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from tasks.model import ZoneKind
from tasks.simulate.scenarios.najin import najin_2023
from tasks.simulate.world.model import Stay, World
from tasks.sites import load_site

SITES = ("najin", "dunay")


@dataclass(frozen=True)
class Camera:
    """One kind of satellite over one port."""

    name: str
    sensor: str
    pixel_m: float
    every_days: Sequence[float]
    """Days of a cycle on which it passes."""

    cycle_days: float
    hour: float
    lost: float
    """Share of the passes that cloud or the provider takes."""

    recall: float
    false_per_look: float
    length_share: float
    length_m: float
    """Errors of a length: a share of it, and metres."""

    width_sd_m: float | None


RADAR = Camera("sentinel-1", "radar", 10.0, (0.0, 5.0, 0.5), 12.0, 21.5, 0.0, 0.95, 0.04, 0.15, 0.0, None)
TWO = Camera("sentinel-2", "optical", 10.0, (2.0,), 5.0, 2.3, 0.55, 0.6, 0.05, 0.0, 20.0, 3.0)
FINE = Camera(
    "planetscope", "optical", 3.0, tuple(np.arange(0, 7, 1.0)), 7.0, 2.0, 0.55, 0.97, 0.03, 0.0, 5.5, 1.5
)
CAMERAS = (RADAR, TWO, FINE)


class Sampled(NamedTuple):
    """What was seen of one port."""

    looks: pd.DataFrame
    vessels: pd.DataFrame


@lru_cache(maxsize=64)
def story(seed: int) -> World:
    """The world of ``najin-2023``."""
    return najin_2023({name: load_site(name) for name in SITES}, seed)


def sample(
    lying: Sequence[Stay],
    ships: Mapping[str, tuple[float, float]],
    berths: Sequence[str],
    start: pd.Timestamp,
    end: pd.Timestamp,
    rng: np.random.Generator,
    cameras: Sequence[Camera] = CAMERAS,
) -> Sampled:
    """Look at one port.

    Parameters
    ----------
    lying
        Stays at its berths.
    ships
        Length and width by ship.
    berths
        All berths of the port.
    start, end
        First and last moment.
    rng
        Draws everything.
    cameras
        Who looks.
    """
    arrives = np.array([np.datetime64(s.arrives.replace(tzinfo=None), "s") for s in lying])
    leaves = np.array([np.datetime64(s.leaves.replace(tzinfo=None), "s") for s in lying])
    looks, vessels = [], []
    for camera in cameras:
        phase = int(rng.integers(int(camera.cycle_days)))
        for cycle in np.arange(-1, (end - start).days / camera.cycle_days + 1):
            for day in camera.every_days:
                when = start.normalize() + pd.Timedelta(
                    days=float(cycle * camera.cycle_days + phase + day), hours=camera.hour
                )
                if not start <= when <= end or rng.random() < camera.lost:
                    continue
                scene = f"{camera.name}_{when:%Y%m%dT%H%M%S}"
                header = {
                    "site": lying[0].site_id if lying else "port", "scene_id": scene,
                    "collection": camera.name, "sensor": camera.sensor, "pixel_m": camera.pixel_m,
                    "acquired": when,
                }  # fmt: skip
                cloudy = set() if camera.sensor == "radar" else {b for b in berths if rng.random() < 0.1}
                moment = np.datetime64(when.to_datetime64(), "s")
                here: list[dict[str, object]] = []
                for k in np.flatnonzero((arrives <= moment) & (moment < leaves)):
                    stay = lying[int(k)]
                    if stay.zone_id not in cloudy and rng.random() < camera.recall:
                        here.append(_vessel(stay.zone_id, ships[stay.ship_id], stay.x, stay.y, camera, rng))
                if rng.random() < camera.false_per_look:
                    free = [b for b in berths if b not in cloudy]
                    if free:
                        zone = free[int(rng.integers(len(free)))]
                        size = float(rng.uniform(62, 130)), float(rng.uniform(10, 30))
                        spot = rng.uniform(-40, 40) + 1000 * berths.index(zone), -500.0
                        here.append(_vessel(zone, size, *spot, camera, rng))
                for zone in berths:
                    seen = zone not in cloudy
                    own = [v for v in here if v["zone_id"] == zone]
                    looks.append(
                        header
                        | {
                            "zone_id": zone,
                            "zone_kind": ZoneKind.BERTH.value,
                            "seen_fraction": 1.0 if seen else 0.1,
                            "vessel_count": len(own) if seen else None,
                            "vessel_length_m": sum(float(str(v["length_m"])) for v in own) if seen else None,
                            "occupied_fraction": 0.0 if seen else None,
                        }
                    )
                vessels += [header | v for v in here]
    columns = [
        "scene_id", "acquired", "zone_id", "length_m", "length_sd_m", "width_m", "width_sd_m", "longitude",
        "latitude",
    ]  # fmt: skip
    table = pd.DataFrame(looks).astype({"acquired": "datetime64[ms]", "vessel_count": "Int32"})
    return Sampled(table.sort_values(["acquired", "scene_id", "zone_id"], ignore_index=True), pd.DataFrame(
        vessels, columns=list(columns)
    ))  # fmt: skip


def _vessel(
    zone: str, size: tuple[float, float], x: float, y: float, camera: Camera, rng: np.random.Generator
) -> dict[str, object]:
    error = np.hypot(camera.length_share * size[0], camera.length_m)
    spread = 4.0 if camera.pixel_m < 5 else 8.0
    east, north = (x % 20_000) + rng.normal(0, spread), (y % 20_000) + rng.normal(0, spread)
    return {
        "zone_id": zone,
        "length_m": max(size[0] + rng.normal(0, error), 20.0),
        "length_sd_m": error,
        "width_m": size[1] + rng.normal(0, camera.width_sd_m) if camera.width_sd_m else np.nan,
        "width_sd_m": camera.width_sd_m or np.nan,
        "longitude": 130.1 + east / (111_320 * np.cos(np.radians(42.5))),
        "latitude": 42.1 + north / 111_320,
    }


@lru_cache(maxsize=8)
def sampled_story(seed: int, fine: bool = True) -> dict[str, Sampled]:
    """Look at both ports of the story for its fifteen months; `fine` says whether a camera at 3 m does."""
    world = story(seed)
    rng = np.random.default_rng([seed, 6])
    ships = {s.ship_id: (s.length_m, s.width_m) for s in world.ships.values()}
    start, end = (pd.Timestamp(m).tz_localize(None) for m in (world.start, world.end))
    found = {}
    for name in SITES:
        lying = [s for s in world.stays if s.site_id == name and s.along_m is not None]
        berths = [z.zone_id for z in load_site(name).zones if z.kind is ZoneKind.BERTH]
        found[name] = sample(lying, ships, berths, start, end, rng, CAMERAS if fine else CAMERAS[:2])
    return found


def crossings(world: World, origin: str, destination: str) -> pd.DataFrame:
    """List the true crossings between two ports: ship, when it left and when it arrived."""
    rows = [
        (v.ship_id, pd.Timestamp(v.departs).tz_localize(None), pd.Timestamp(v.arrives).tz_localize(None))
        for v in world.voyages
        if (v.origin, v.destination) == (origin, destination)
    ]
    return pd.DataFrame(rows, columns=["ship_id", "departs", "arrives"])
