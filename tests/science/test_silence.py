from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.science.series.silence import find_silences

DAYS = pd.Timestamp("2023-06-01") + pd.to_timedelta(np.arange(0, 120, 6), unit="D")
"""A look every six days; the last on 23 September."""


def looks(counts: list[float | None], zone: str = "quay", kind: str = "berth") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "acquired": DAYS[: len(counts)],
            "zone_id": zone,
            "zone_kind": kind,
            "vessel_count": pd.array(counts, "Int32"),
        }
    )


def test_a_port_that_is_looked_at_and_used_as_ever_is_no_news() -> None:
    assert find_silences(looks([1] * 20), DAYS[-1] + pd.Timedelta(days=12)) == []


def test_no_look_for_long_is_news_and_counts_from_the_last_look_that_told() -> None:
    table = looks([1] * 18 + [None, None])
    (found,) = find_silences(table, DAYS[17] + pd.Timedelta(days=19))
    assert (found.kind, found.zone_id, found.since, found.usual) == ("no_looks", "*", DAYS[17], 6.0)


def test_later_looks_do_not_count() -> None:
    assert find_silences(looks([1] * 10 + [0] * 10), DAYS[9]) == []


def test_what_always_lay_there_and_is_gone_is_news_from_the_third_look_on() -> None:
    for gone, told in ((2, False), (3, True)):
        table = pd.concat([looks([1] * 15 + [0] * gone), looks([0] * 20, "other")])
        found = find_silences(table, DAYS[19])
        assert [(s.zone_id, s.since, s.looks) for s in found] == ([("quay", DAYS[14], 3)] if told else [])


def test_a_place_that_is_free_at_times_is_never_silent() -> None:
    assert find_silences(looks([1, 0, 1] * 5 + [0] * 5), DAYS[19]) == []


def test_nothing_told_is_nothing_to_miss() -> None:
    assert find_silences(looks([None] * 20), DAYS[-1] + pd.Timedelta(days=90)) == []
