"""Before and after an event: right on average with ships that stay, silent where looks cannot tell."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.science.regimes.effect import DEFAULT_EFFECT, Counted, EffectOptions, effect

ALONE = EffectOptions(placebo_days=1e4)
"""Without other dates, which take most of the time."""

ORIGIN = np.datetime64("2022-01-01", "s")


def day(number: float) -> np.datetime64:
    return ORIGIN + np.timedelta64(round(number * 86400), "s")


def ships(
    rng: np.random.Generator,
    ratio: float,
    *,
    days: int = 500,
    event: float = 300,
    rate: float = 1.5,
    stay: float = 3.0,
    surges: float = 0.0,
    season: float = 0.0,
) -> Counted:
    """Looks every four days, a third lost, at ships that come at random and stay."""
    come = rng.uniform(-60, days, rng.poisson(rate / stay * 12 * (days + 60)))
    surge = rng.gamma(1 / surges, surges, days // 10 + 7) if surges else np.ones(days // 10 + 7)
    weight = surge[((come + 60) // 10).astype(int)] * np.where(come >= event, ratio, 1.0)
    weight *= np.exp(season * np.sin(2 * np.pi * come / 365.25))
    come = come[rng.random(len(come)) * 12 < weight]
    leave = come + rng.exponential(stay, len(come))
    looks = np.arange(rng.uniform(0, 4), days, 4)
    looks = looks[rng.random(len(looks)) > 0.33]
    counts = ((come <= looks[:, None]) & (looks[:, None] < leave)).sum(axis=1)
    times = ORIGIN + (looks * 86400).astype("timedelta64[s]")
    return Counted(times, counts.astype(float), np.ones(len(looks)))


@pytest.mark.parametrize(
    ("ratio", "more"),
    [(1.0, {}), (0.5, {}), (0.6, {"surges": 0.5}), (3.0, {"rate": 0.4}), (0.7, {"days": 1000, "event": 600})],
)
def test_the_interval_covers_the_ratio(ratio: float, more: dict[str, float]) -> None:
    """90 % intervals of 40 series, ships seen again by look after look: 0.8 or more hold the truth."""
    held = []
    for seed in range(40):
        port = ships(np.random.default_rng(seed), ratio, **more)  # type: ignore[arg-type]
        found = effect(port, day(more.get("event", 300)), options=ALONE)
        assert found is not None
        held.append(found.low <= ratio <= found.high)
    assert np.mean(held) >= 0.8


def test_a_season_is_not_taken_for_an_effect() -> None:
    """A yearly wave of ±60 % and no effect, the event at its turn; a year and more before it."""
    far = [
        effect(
            ships(np.random.default_rng(s), 1.0, days=800, event=550, season=0.6, rate=4),
            day(550),
            options=ALONE,
        )
        for s in range(20)
    ]
    assert all(one is not None and one.season for one in far)
    assert np.mean([one.low <= 1 <= one.high for one in far if one]) >= 0.75


def test_what_all_ports_did_is_no_effect() -> None:
    alone, beside = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        port, *others = (ships(rng, 0.4, rate=4.0) for _ in range(3))
        for found, controls in ((alone, []), (beside, others)):
            told = effect(port, day(300), controls, ALONE)
            assert told is not None
            found.append(told)
    assert np.mean([one.high < 1 for one in alone]) >= 0.9
    assert np.mean([one.low <= 1 <= one.high for one in beside]) >= 0.8
    assert {one.controls for one in beside} == {2}


def test_unabated_is_said_only_where_a_fall_is_excluded() -> None:
    port = ships(np.random.default_rng(3), 1.0, rate=12.0, days=900, event=450)
    found = effect(port, day(450))
    assert found is not None
    assert (found.verdict, found.excluded) == ("unabated", True)
    assert found.low > 0.7
    few = effect(ships(np.random.default_rng(3), 1.0, rate=0.3), day(300))
    assert few is not None
    assert (few.verdict, few.excluded) == ("untold", False)
    stern = effect(port, day(450), options=EffectOptions(drop=0.01))
    assert stern is not None
    assert stern.excluded is (stern.low > 0.99)


def test_unabated_is_rarely_said_of_a_port_that_fell_by_as_much() -> None:
    said = [
        effect(ships(np.random.default_rng(s), 0.7, rate=3.0), day(300), options=ALONE) for s in range(40)
    ]
    assert np.mean([one.excluded for one in said if one]) <= 0.1


def test_a_port_that_falls_silent_fell_and_has_no_lower_limit_to_speak_of() -> None:
    port = ships(np.random.default_rng(1), 0.0)
    found = effect(port, day(315))
    assert found is not None
    assert found.verdict == "fell"
    assert found.after == 0
    assert 0 < found.low < 0.05


def test_placebo_dates_tell_how_much_chance_does() -> None:
    big = effect(ships(np.random.default_rng(2), 0.1), day(300))
    assert big is not None
    assert big.placebos >= 3
    assert big.placebo_share == pytest.approx(1 / (big.placebos + 1))


def test_rows_split_in_two_halves_of_exposure_tell_the_same() -> None:
    port = ships(np.random.default_rng(5), 0.6)
    half = np.random.default_rng(6).binomial(port.counts.astype(int), 0.5).astype(float)
    twice = Counted(
        np.repeat(port.times, 2),
        np.column_stack([half, port.counts - half]).ravel(),
        np.repeat(port.exposure / 2, 2),
    )
    one, two = effect(port, day(300)), effect(twice, day(300))
    assert one is not None
    assert two is not None
    assert (one.ratio, one.low, one.high) == pytest.approx((two.ratio, two.low, two.high))


@pytest.mark.parametrize("event", [-50.0, 40.0, 900.0])
def test_without_looks_on_both_sides_nothing_is_told(event: float) -> None:
    assert effect(ships(np.random.default_rng(1), 1.0), day(event), options=DEFAULT_EFFECT) is None
