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


def test_fine_cameras_stand_beside_radar_at_berths_alone() -> None:
    looks = pd.DataFrame(
        [
            ("radar", 10.0, "berth"),
            ("optical", 3.0, "berth"),
            ("optical", 10.0, "berth"),
            ("radar", 10.0, "anchorage"),
            ("optical", 3.0, "anchorage"),
        ],
        columns=["sensor", "pixel_m", "zone_kind"],
    )
    assert list(comparable(looks).index) == [0, 1, 3]
    assert list(comparable(looks[looks["sensor"] == "optical"]).index) == [1, 4]
    assert list(comparable(looks[looks["pixel_m"] == 10.0]).index) == [0, 3]
