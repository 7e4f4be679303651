from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.science.epochs import ENOUGH_SCENES, MIN_SCENES, Epoch, Moment, epochs_of, quarter_of
from tasks.science.radar.background import (
    LINE,
    QUANTILE,
    Ground,
    low_quantile,
    permanent_scatterers,
    scatterer_list,
    standardise,
)
from tasks.science.radiometry import to_db
from tests.science.water import SIDE, background_of, block, put_ship, speckle

START = datetime(2022, 1, 1, 9, tzinfo=UTC)


def moments(days: list[int], orbits: list[int]) -> list[Moment]:
    return [
        Moment(f"d{day:04}o{orbit}", START + timedelta(days=day), orbit)
        for day, orbit in zip(days, orbits, strict=True)
    ]


def by_key(epochs: list[Epoch]) -> dict[tuple[datetime, int], Epoch]:
    return {(e.quarter, e.orbit): e for e in epochs}


scene_lists = st.lists(
    st.tuples(st.integers(0, 900), st.sampled_from([14, 87])), min_size=1, max_size=60, unique=True
)


@settings(max_examples=40)
@given(scene_lists, st.randoms(use_true_random=False))
def test_epochs_do_not_depend_on_the_order_of_arrival(scenes: list[tuple[int, int]], random: object) -> None:
    first = moments(*map(list, zip(*scenes, strict=True)))
    shuffled = list(first)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert epochs_of(first) == epochs_of(shuffled)


@settings(max_examples=40)
@given(scene_lists)
def test_every_scene_has_an_epoch_of_scenes_that_exist(scenes: list[tuple[int, int]]) -> None:
    given_scenes = moments(*map(list, zip(*scenes, strict=True)))
    epochs = by_key(epochs_of(given_scenes))
    ids = {s.scene_id for s in given_scenes}
    for scene in given_scenes:
        members = epochs[quarter_of(scene.acquired), scene.orbit].members
        assert members
        assert set(members) <= ids


def test_a_quarter_with_a_years_past_is_frozen() -> None:
    past = moments(list(range(0, 360, 12)), [87] * 30)
    later = moments([400, 410, 420, 500], [87] * 4)
    quarter = quarter_of(later[0].acquired)
    before = by_key(epochs_of([*past, later[0]]))[quarter, 87]
    after = by_key(epochs_of([*past, *later]))[quarter, 87]
    assert before == after
    assert before.settled
    assert all(m in {s.scene_id for s in past} for m in before.members)


def test_the_start_of_an_archive_takes_the_first_scenes_that_suffice() -> None:
    scenes = moments(list(range(0, 360, 12)), [87] * 30)
    first = by_key(epochs_of(scenes))[quarter_of(START), 87]
    assert first.members == tuple(s.scene_id for s in scenes[:ENOUGH_SCENES])
    assert first.settled


def test_a_rare_orbit_borrows_and_says_so() -> None:
    scenes = moments([*range(0, 120, 12), 5], [87] * 10 + [21])
    epoch = by_key(epochs_of(scenes))[quarter_of(START), 21]
    assert len(epoch.members) == 11
    assert not epoch.settled


def test_an_orbit_with_a_few_of_its_own_waits_for_more_but_not_for_ever() -> None:
    scenes = moments(list(range(0, 1000, 40)), [94] * 25)
    first = by_key(epochs_of(scenes))[quarter_of(START), 94]
    assert MIN_SCENES <= len(first.members) < ENOUGH_SCENES
    assert max(first.members) < "d0366"
    assert not first.settled


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.sampled_from([7, LINE - 1, 2 * LINE + 3]), st.integers(0, 2**32 - 1))
def test_low_quantile_equals_its_slow_twin(dates: int, pixels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    stack = rng.normal(size=(dates, pixels)).astype("float32")
    stack[rng.random(stack.shape) < 0.3] = np.nan
    found = low_quantile(stack, QUANTILE)
    for p in range(stack.shape[1]):
        seen = sorted(v for v in stack[:, p] if not np.isnan(v))
        if seen:
            assert found[p] == seen[int(QUANTILE * (len(seen) - 1))]
        else:
            assert np.isnan(found[p])


def test_standardising_in_chunks_equals_eager_and_stays_lazy() -> None:
    power = speckle(np.random.default_rng(0), (5, 40, 40))
    eager = xr.DataArray(power, dims=("time", "y", "x"), attrs={"units": "1"})
    water = np.ones((40, 40), bool)
    lazy = standardise(to_db(eager.chunk(time=1)), water, 1)
    assert lazy.chunks is not None
    xr.testing.assert_equal(lazy.compute(), standardise(to_db(eager), water, 1))


def test_what_is_always_there_is_remembered_and_what_comes_and_goes_is_not() -> None:
    rng = np.random.default_rng(5)
    power = speckle(rng, (12, SIDE, SIDE))
    for k in range(12):
        power[k] *= rng.uniform(0.3, 3)  # wind
        power[k, 50:53, 50:53] = 0.7  # a dolphin, on every date
        if k < 6:
            put_ship(power[k], 100, 100)  # a ship, on half of them
    everywhere = np.ones((SIDE, SIDE), bool)
    background = background_of(block(power), ("vv",), Ground(everywhere, everywhere, 1))
    permanent = permanent_scatterers(background["level"])
    assert permanent[50:53, 50:53].all()
    assert not permanent[98:106, 98:115].any()
    listed = scatterer_list(background, everywhere)
    assert len(listed) == 1
    assert abs(listed[0]["row"] - 51) < 1
    assert listed[0]["share"] == 1.0


def test_pixels_that_are_never_seen_are_known_as_such() -> None:
    power = speckle(np.random.default_rng(6), (9, 40, 40))
    power[:, :, 30:] = np.nan
    everywhere = np.ones((40, 40), bool)
    background = background_of(block(power), ("vv",), Ground(everywhere, everywhere, 1))
    assert (background["seen_share"][:, 30:] == 0).all()
    assert np.isnan(background["level"][:, 30:]).all()
    assert (background["seen_share"][:, :30] == 1).all()
