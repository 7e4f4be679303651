"""The benchmark of regimes runs, and says what it measures."""

from __future__ import annotations

from tests.benchmarks.bench_regimes import Row, change_rows, family_rows, flicker_row, replay_rows


def test_it_says_what_it_measures() -> None:
    rows = [*change_rows(0.05, 0.6, range(4), bound=True), *replay_rows(range(4)), flicker_row(range(1))]
    assert [row.met for row in rows[:3]] == [True, True, True]
    *_, score, held = family_rows(range(2))
    assert (score.met, held.met) == (True, True)
    assert "MISSED" in str(Row("a", "1", "2", met=False))
