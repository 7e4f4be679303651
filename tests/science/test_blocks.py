"""However the dates of a series are cut into jobs, the rows are the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from tasks.model import Site, Zone, ZoneKind
from tasks.science.optical.looks import learn_optical, measure_optical
from tasks.science.radar.looks import learn_radar, measure_scenes
from tasks.science.rows import Measured
from tests.science.water import BOX, SIDE, block, learn_one, polygon, put_ship, speckle

DATES, BACK = 9, 3

YARD = Zone("yard", ZoneKind.CONTAINER_YARD, polygon(100, 20, 112, 60))
PIER = Zone("pier", ZoneKind.PIER, polygon(80, 10, 130, 75))
HARBOUR = Zone("harbour", ZoneKind.HARBOUR_WATER, polygon(0, 0, 78, 80))
ROADS = Zone("roads", ZoneKind.ANCHORAGE, polygon(0, 80, SIDE, SIDE))
PORT = Site("test", "Test", (HARBOUR, ROADS, PIER, YARD), digest="0")


def radar() -> xr.Dataset:
    power = speckle(np.random.default_rng(5), (DATES, SIDE, SIDE))
    power[:, 80:130, 10:75] *= 8
    for k in range(3, DATES):
        put_ship(power[k], 40, 100 + 2 * k)
        power[k, 102:110, 24 : 30 + 2 * k] *= 4
    return block(power)


def colours() -> xr.Dataset:
    rng = np.random.default_rng(6)
    planes = {}
    for band, water, ground, goods in (
        ("green", 0.05, 0.12, 0.3),
        ("red", 0.03, 0.14, 0.2),
        ("nir", 0.01, 0.18, 0.3),
    ):
        stack = np.full((DATES, SIDE, SIDE), water)
        stack[:, 80:130, 10:75] = ground
        for k in range(4, DATES):
            stack[k, 102:110, 24 : 30 + 2 * k] = goods
            stack[k, 40:43, 100 + 2 * k : 112 + 2 * k] = goods
        noisy = np.clip(stack + rng.normal(0, 0.004, stack.shape), 0.001, 1)
        planes[band] = (("time", "y", "x"), np.rint(noisy * 1e4).astype("uint16"), {"scale_factor": 1e-4})
    return xr.Dataset(planes, radar().coords, {"collection": "colours"})


def rows(measured: list[Measured]) -> list[list[dict[str, Any]]]:
    joined = [[row for part in measured for row in part[k]] for k in range(3)]
    return [[{name: str(value) for name, value in row.items()} for row in kind] for kind in joined]


def test_a_look_too_long_ago_is_compared_with_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what a look is compared with would follow from where a job begins."""
    monkeypatch.setattr("tasks.science.rows.LOOKS_BACK", BACK)
    stack = radar()
    stack["vv"][2 : 2 + BACK] = np.nan
    background = learn_one(learn_radar, stack, ("vv",), PORT, BOX)
    looks = measure_scenes(stack, background, ("vv",), PORT, BOX).looks
    after = [row for row in looks if row["scene_id"] == f"s{2 + BACK:02}"]
    assert after
    assert all(row["change_fraction"] is None for row in after)
    again = [row for row in looks if row["scene_id"] == f"s{3 + BACK:02}"]
    assert all(row["change_fraction"] is not None for row in again)


@pytest.mark.parametrize("step", [1, 2, 4])
@pytest.mark.parametrize("kind", ["radar", "optical"])
def test_jobs_of_any_length_tell_the_same(kind: str, step: int) -> None:
    learn, measure = (learn_radar, measure_scenes) if kind == "radar" else (learn_optical, measure_optical)
    stack = radar() if kind == "radar" else colours()
    bands = tuple(str(name) for name in stack.data_vars)
    background = learn_one(learn, stack, bands, PORT, BOX)
    whole = measure(stack, background, bands, PORT, BOX)
    parts = []
    for start in range(0, DATES, step):
        first = max(start - BACK, 0)
        part = stack.isel(time=slice(first, start + step))
        parts.append(measure(part, background, bands, PORT, BOX, "", start - first))
    assert rows(parts) == rows([whole])
    assert {row["zone_id"] for row in whole.looks} == {"harbour", "roads", "pier", "yard"}
    assert sum(row["change_fraction"] is not None for row in whole.looks) > 3 * DATES


@pytest.mark.parametrize("kind", ["radar", "optical"])
def test_epochs_learnt_together_are_those_learnt_alone(kind: str) -> None:
    learn = learn_radar if kind == "radar" else learn_optical
    stack = radar() if kind == "radar" else colours()
    bands = tuple(str(name) for name in stack.data_vars)
    epochs = [range(8), range(DATES - 2, 2, -1), range(4, DATES)]
    for found, members in zip(learn(stack, epochs, bands, PORT, BOX), epochs, strict=True):
        alone = learn_one(learn, stack.isel(time=list(members)), bands, PORT, BOX)
        assert {name: plane.tobytes() for name, plane in found.items()} == {
            name: plane.tobytes() for name, plane in alone.items()
        }
