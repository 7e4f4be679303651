"""From what a scene shows to one row per look: what each zone showed, and how much of it was seen.

A look that saw less than half of a zone gives null for that zone, never 0. So do measures that the
sensor cannot give.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

from tasks.grid import cell_lonlat, unproject
from tasks.model import WATER_KINDS, Site, Zone
from tasks.science.change import Ground, View, compare
from tasks.science.flags import ARTEFACT, DISAGREE, NO_MEMORY, NOT_MEASURED, NOT_SEEN
from tasks.science.moorings import BerthLook
from tasks.science.shapes import Detection, Vessel, described
from tasks.science.zones import Layers

LOOK_MEASURES = (
    "vessel_count",
    "vessel_length_m",
    "occupied_m",
    "occupied_fraction",
    "fill_fraction",
    "stack_area_m2",
    "gained_m2",
    "lost_m2",
    "teu_low",
    "teu_high",
    "rail_occupied_m",
    "rail_cars_low",
    "rail_cars_high",
    "change_fraction",
    "change_energy",
    "change_explained",
    "baseline_change_fraction",
)
"""Columns of a look; null where the sensor or the look cannot tell."""


LOOKS_BACK = 6
"""Earlier scenes of a series among which a zone's previous clear look is sought, however jobs are cut: at
60 % cloud all six are lost once in twenty."""

STACK, HIDDEN = "stack", "hidden"
"""What an outline in a yard is: goods, or ground that the look did not see."""

Rows = list[dict[str, Any]]


class Measured(NamedTuple):
    """Plain rows of a few scenes."""

    looks: Rows
    """One per scene × zone."""

    vessels: Rows
    """One per vessel inside a zone that was seen."""

    stacks: Rows
    """One per outline of what stands in a yard, and of what was not seen of it."""


@dataclass(frozen=True)
class GroundLook:
    """One yard or bundle of tracks in one scene; nothing is claimed where `flag` is set."""

    flag: str = ""

    values: Mapping[str, float | None] = field(default_factory=dict)
    """Columns of a look."""

    outlines: tuple[BaseGeometry, ...] = ()
    """What stands there, in the CRS of the grid."""

    hidden: tuple[BaseGeometry, ...] = ()
    """Parts of it that were not seen, likewise."""

    note: str = ""
    """What a value is, where its column alone does not tell: ``level``."""


@dataclass(frozen=True)
class Shown:
    """What one scene shows."""

    found: Detection
    """Vessels that lie freely."""

    berths: Mapping[str, BerthLook]
    """By zone id; a berth that is not among them is not measured."""

    ashore: Mapping[str, GroundLook] = field(default_factory=dict)
    """By zone id; a yard that is not among them is not measured."""


@dataclass(frozen=True)
class Seen:
    """One scene as far as it was looked at."""

    pixels: npt.NDArray[np.bool_]
    """``(y, x)`` pixels that it shows."""

    view: View
    """What it shows of the ground that is compared."""

    shown: Shown | None
    """What it tells; None where it is only compared with."""


@dataclass(frozen=True)
class Eye:
    """How scenes of one kind are looked at, against one background."""

    look: Callable[[xr.Dataset, bool], Seen]
    """Looks at a scene; wholly, or (False) only at what others are compared with."""

    empty: View | None
    """The background as a view; None where nothing is remembered."""

    ground: Ground
    sensor: str
    min_seen: float
    """Share of a zone that a look must see."""


def write_looks(
    block: xr.Dataset, first: int, site: Site, layers: Layers, eye: Eye, memory_flag: str
) -> Measured:
    """Read the scenes of a block one by one, and write down what they show.

    Parameters
    ----------
    block
        ``(time, y, x)`` per band in order of time, ``scene_id`` along time, ``collection`` in the attributes.
    first
        Number of the first scene that is written down; those before it are only what it is compared with.
    site, layers
        The zones, and where they lie on the grid.
    eye
        How the scenes are looked at.
    memory_flag
        Flag that every row carries when there was little to compare with.
    """
    written = Measured([], [], [])
    last: dict[str, tuple[int, View]] = {}
    behind = first
    for k in range(first, block.sizes["time"]):
        scene = block.isel(time=k).load()
        seen = eye.look(scene, True)
        shares, clear = _clear_zones(seen, layers, eye)
        while clear - last.keys() and behind > max(k - LOOKS_BACK, 0):  # backwards, as far as it takes
            behind -= 1
            earlier = eye.look(block.isel(time=behind).load(), False)
            known = _clear_zones(earlier, layers, eye)[1] - last.keys()
            last |= dict.fromkeys(known, (behind, earlier.view))
        if seen.shown is not None:
            header = {
                "site": site.site_id,
                "scene_id": str(scene["scene_id"].values),
                "collection": str(block.attrs["collection"]),
                "sensor": eye.sensor,
                "pixel_m": layers.pixel_m,
                "acquired": scene["time"].values.astype("datetime64[s]"),
            }
            recent = {zone: view for zone, (number, view) in last.items() if k - number <= LOOKS_BACK}
            changes = _changes(seen.view, recent, clear, eye)
            _write_scene(written, header, site, layers, shares, seen.shown, changes, memory_flag)
        last |= dict.fromkeys(clear, (k, seen.view))
    return written


def _clear_zones(seen: Seen, layers: Layers, eye: Eye) -> tuple[dict[str, float], set[str]]:
    """Tell what share of each zone a scene shows, and of which zones it shows enough."""
    pixels = seen.pixels.ravel()
    shares = {zone: float(pixels[at].mean()) if at.size else 0.0 for zone, at in layers.pixels.items()}
    return shares, {zone for zone, share in shares.items() if share >= eye.min_seen}


def _changes(view: View, last: Mapping[str, View], clear: set[str], eye: Eye) -> dict[str, dict[str, float]]:
    """Compare the zones that a look saw with when each was last seen, and with the empty place."""
    told: dict[str, dict[str, float]] = {zone: {} for zone in clear}
    for then in {id(v): v for zone, v in last.items() if zone in clear}.values():
        own = [zone for zone in clear if last.get(zone) is then]
        for zone, change in compare(view, then, eye.ground, own).items():
            if change is not None:
                told[zone] |= {
                    "change_fraction": change.fraction,
                    "change_energy": change.energy,
                    "change_explained": change.explained,
                }
    if eye.empty is not None:
        for zone, change in compare(view, eye.empty, eye.ground, clear).items():
            if change is not None:
                told[zone]["baseline_change_fraction"] = change.fraction
    return told


def _write_scene(
    written: Measured,
    header: dict[str, Any],
    site: Site,
    layers: Layers,
    shares: Mapping[str, float],
    shown: Shown,
    changes: Mapping[str, Mapping[str, float]],
    memory_flag: str,
) -> None:
    for zone in site.measured_zones:
        here = zone.zone_id
        row: dict[str, Any] = {"zone_id": here, "zone_kind": zone.kind.value, "seen_fraction": shares[here]}
        row |= dict.fromkeys(LOOK_MEASURES) | dict(changes.get(here, {}))
        ships: list[Vessel] = []
        if here in shown.berths:
            berth = shown.berths[here]
            row |= _berth_values(berth, memory_flag)
            ships = list(berth.ships) if row["vessel_count"] else []
        elif here not in changes:
            row["flags"] = NOT_SEEN
        elif zone.kind in WATER_KINDS:
            ships = [v for v in shown.found.vessels if layers.zones[here][round(v.row), round(v.col)]]
            row |= _water_values(ships, shown.found, layers.zones[here], memory_flag)
        else:
            ground = shown.ashore.get(here, GroundLook(NOT_MEASURED))
            row |= ground.values if not ground.flag else {}
            row["flags"] = _joined(ground.flag, ground.note, memory_flag if not ground.flag else "")
            for what, shapes in ((STACK, ground.outlines), (HIDDEN, ground.hidden)):
                written.stacks.extend(header | _stack_row(s, what, zone, layers.box) for s in shapes)
        written.looks.append(header | row)
        written.vessels.extend(header | _vessel_row(v, zone, layers.box) for v in ships)


def _joined(*flags: str) -> str:
    """Join flags, each of which may be several already; none twice."""
    return ";".join(dict.fromkeys(flag for some in flags for flag in some.split(";") if flag))


def _water_values(
    ships: list[Vessel], found: Detection, mask: npt.NDArray[np.bool_], memory_flag: str
) -> dict[str, Any]:
    artefact = any(mask[round(r), round(c)] for r, c in found.artefacts)
    return {
        "vessel_count": len(ships),
        "vessel_length_m": float(sum(v.length_m for v in ships)),
        "flags": _joined(memory_flag, ARTEFACT if artefact else ""),
    }


def _berth_values(berth: BerthLook, memory_flag: str) -> dict[str, Any]:
    if berth.flag or memory_flag == NO_MEMORY:
        # Against one to three dates a ship that stays is part of the quay: free would be a guess.
        return {"flags": _joined(berth.flag or NOT_MEASURED, memory_flag)}
    return {
        "occupied_m": berth.occupied_m,
        "occupied_fraction": berth.occupied_fraction,
        "vessel_count": len(berth.ships),
        "vessel_length_m": float(sum(ship.length_m for ship in berth.ships)),
        "flags": _joined(memory_flag, DISAGREE if berth.disagree else ""),
    }


def _vessel_row(vessel: Vessel, zone: Zone, box: GeoBox) -> dict[str, Any]:
    lon, lat = cell_lonlat(box, [vessel.row], [vessel.col])
    return {"zone_id": zone.zone_id} | described(vessel, float(lon[0]), float(lat[0]))


def _stack_row(shape: BaseGeometry, what: str, zone: Zone, box: GeoBox) -> dict[str, Any]:
    outline = unproject(shape, str(box.crs))
    return {"zone_id": zone.zone_id, "what": what, "area_m2": float(shape.area), "outline": outline}
