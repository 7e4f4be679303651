from __future__ import annotations

import pandas as pd

from tasks.science.basis import comparable


def test_series_rest_on_radar_where_there_is_some() -> None:
    looks = pd.DataFrame({"sensor": ["radar", "optical", "radar"], "vessel_count": [1, 5, 2]})
    assert list(comparable(looks)["vessel_count"]) == [1, 2]


def test_optical_looks_alone_are_comparable_with_one_another() -> None:
    looks = pd.DataFrame({"sensor": ["optical", "optical"], "vessel_count": [1, 5]})
    assert list(comparable(looks)["vessel_count"]) == [1, 5]
    assert comparable(looks.drop(columns="sensor")).equals(looks.drop(columns="sensor"))
