"""The series cube opens with one line and no warning, says its units and times, and NaN is not zero."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr

from tasks.products.quay import OCCUPANCY_COLUMNS
from tasks.products.series import (
    LOOK_VARIABLES,
    MONTH_VARIABLES,
    PERIOD_VARIABLES,
    SHARE_VARIABLES,
    SITE_VARIABLES,
    series_dataset,
    write_series,
)
from tasks.science.series.utilisation import COLUMNS
from tests.products.test_tables import look, looks_table
from tests.scenes import small_site

LOOKS = looks_table(
    [
        look("c", "roads", 20, vessel_count=0, vessel_length_m=0.0),
        look(
            "c", "harbour", 20, vessel_count=3, vessel_length_m=300.0, occupied_m=80.0, occupied_fraction=0.4
        ),
        look("a", "roads", 1, vessel_count=2, vessel_length_m=240.0),
        look("a", "harbour", 1, vessel_count=None, vessel_length_m=None, seen_fraction=0.2, flags="not_seen"),
    ]
)


def period(kind: str, zone: str, start: str, end: str, mean: float) -> dict[str, object]:
    days = {"start": pd.Timestamp(start).date(), "end": pd.Timestamp(end).date()}
    seen = int(np.isfinite(mean))
    values = {"vessels_mean": mean, "vessels_low": mean, "vessels_high": mean, "vessels_max": mean}
    return {"zone_id": zone, "period": kind, "looks": 1, "looks_seen": seen, **days, **values}


UTILISATION = pd.DataFrame(
    [
        period("week", "roads", "2023-10-16", "2023-10-23", 0.0),
        period("week", "roads", "2023-09-25", "2023-10-02", 2.0),
        period("month", "roads", "2023-10-01", "2023-11-01", 1.0),
        period("month", "harbour", "2023-10-01", "2023-11-01", np.nan),
        period("month", "*", "2023-10-01", "2023-11-01", np.nan) | {"index": 40.0, "occupancy_mean": 0.2},
    ]
).reindex(columns=list(COLUMNS))


OCCUPANCY = pd.DataFrame(
    [
        ("2023-09-01", "2023-10-01", None, None, None, 0),
        ("2023-10-01", "2023-11-01", 0.2, 0.1, 0.4, 3),
        ("2023-11-01", "2023-12-01", 0.0, 0.0, 0.3, 2),
    ],
    columns=list(OCCUPANCY_COLUMNS),
)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    folder = tmp_path_factory.mktemp("series")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_series(folder, series_dataset(small_site(), LOOKS, UTILISATION, OCCUPANCY))
        return xr.open_zarr(folder / "series.zarr").load()


def test_dimensions(opened: xr.Dataset) -> None:
    assert dict(opened.sizes) == {"look": 2, "zone": 2, "period": 3, "month": 3}
    assert all(opened[name].dims == ("month",) for name in MONTH_VARIABLES)
    assert all(opened[name].dims == ("look", "zone") for name in LOOK_VARIABLES)
    assert all(opened[name].dims == ("period", "zone") for name in (*PERIOD_VARIABLES, *SHARE_VARIABLES))
    assert all(opened[name].dims == ("period",) for name in SITE_VARIABLES)
    assert opened["zone"].values.tolist() == ["harbour", "roads"]
    assert opened["zone_kind"].values.tolist() == ["harbour_water", "anchorage"]


def test_every_measure_has_a_name_and_units(opened: xr.Dataset) -> None:
    for name in (*LOOK_VARIABLES, *PERIOD_VARIABLES, *SHARE_VARIABLES, *SITE_VARIABLES, *MONTH_VARIABLES):
        assert opened[name].attrs["long_name"]
        units = "m2" if name.endswith("_m2") else "m" if name.endswith("_m") else "1"
        assert opened[name].attrs["units"] == units
    assert opened.attrs["Conventions"].startswith("CF-")


def test_times_are_decoded_and_in_order(opened: xr.Dataset) -> None:
    stamps = ["2023-10-01T21:31:12", "2023-10-20T21:31:12"]
    assert opened["time"].values.astype("datetime64[s]").astype(str).tolist() == stamps
    assert opened["time"].encoding["units"] == "seconds since 1970-01-01"
    assert opened["time"].attrs["standard_name"] == "time"
    assert opened["scene_id"].values.tolist() == ["a", "c"]
    starts = opened["period_start"].values.astype("datetime64[D]").astype(str).tolist()
    assert list(zip(opened["period_kind"].values, starts, strict=True)) == [
        ("week", "2023-09-25"),
        ("week", "2023-10-16"),
        ("month", "2023-10-01"),
    ]


def test_nan_is_not_zero(opened: xr.Dataset) -> None:
    counts = opened["vessel_count"].sel(zone="harbour").values
    assert np.isnan(counts[0])
    assert counts[1] == 3
    assert opened["vessel_count"].sel(zone="roads").values.tolist() == [2, 0]
    means = opened["vessels_mean"]
    assert means.sel(zone="roads").values.tolist() == [2, 0, 1]
    assert np.isnan(means.sel(zone="harbour").values).all()
    # The month in which the harbour was looked at and not seen keeps its denominators.
    month = opened.isel(period=2).sel(zone="harbour")
    assert (float(month["looks"]), float(month["looks_seen"])) == (1, 0)


def test_berths_and_their_months_come_back(opened: xr.Dataset) -> None:
    assert opened["occupied_m"].sel(zone="harbour").values.tolist()[1] == 80
    assert opened["occupied_fraction"].sel(zone="harbour").values.tolist()[1] == 0.4
    assert np.isnan(opened["occupied_m"].sel(zone="roads").values).all()
    october = opened.sel(month="2023-10-01")
    assert [float(october[name]) for name in MONTH_VARIABLES] == [0.2, 0.1, 0.4, 3]
    assert str(october["month_end"].values.astype("datetime64[D]")) == "2023-11-01"
    # A month that no look saw has no share, and says so; one in which the quay was free has 0.
    assert np.isnan(opened["quay_occupancy"].values).tolist() == [True, False, False]
    assert opened["quay_occupancy_n_looks"].values.tolist() == [0, 3, 2]


def test_same_tables_same_bytes(tmp_path: Path) -> None:
    dataset = series_dataset(small_site(), LOOKS, UTILISATION, OCCUPANCY)
    for name in ("one", "two"):
        write_series(tmp_path / name, dataset)
    files = {p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file()}
    assert files
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)


def test_no_period_at_all_still_opens(tmp_path: Path) -> None:
    unseen = LOOKS.assign(vessel_count=pd.array([None] * len(LOOKS), "Int32"))
    write_series(tmp_path, series_dataset(small_site(), unseen, UTILISATION.iloc[:0], OCCUPANCY.iloc[:0]))
    found = xr.open_zarr(tmp_path / "series.zarr")
    assert dict(found.sizes) == {"look": 2, "zone": 2, "period": 0, "month": 0}
    assert np.isnan(found["vessel_count"].values).all()


def test_the_site_as_a_whole_has_its_own_series(opened: xr.Dataset) -> None:
    october = opened.sel(period=(opened["period_kind"] == "month").values).isel(period=0)
    assert float(october["utilisation_index"]) == 40
    assert float(october["site_occupancy_mean"]) == 0.2
    assert np.isnan(october["calls_at_least"])
    assert "*" not in opened["zone"].values


def test_intervals_places_and_times_are_named_as_cf_has_it(opened: xr.Dataset) -> None:
    assert opened["vessels_mean"].attrs["ancillary_variables"] == "vessels_low vessels_high looks_seen"
    for name, variable in opened.variables.items():
        assert variable.attrs.get("long_name"), name
        for beside in variable.attrs.get("ancillary_variables", "").split():
            assert opened[beside].dims == opened[name].dims
    for name in ("longitude", "latitude"):
        assert opened[f"zone_{name}"].attrs["standard_name"] == name
    assert 130 < float(opened["zone_longitude"].sel(zone="roads")) < 131
    times = ("time", "period_start", "period_end", "month", "month_end")
    assert {opened[name].attrs["standard_name"] for name in times} == {"time"}
    assert "look" in opened["time"].dims
    assert opened.attrs["source"] == "satellite images: s1"


def test_zarr_alone_reads_it_without_a_warning(tmp_path: Path) -> None:
    write_series(tmp_path, series_dataset(small_site(), LOOKS, UTILISATION, OCCUPANCY))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        group = zarr.open_group(tmp_path / "series.zarr", mode="r")
        assert group["vessel_count"][:].shape == (2, 2)
        assert list(group["zone"][:]) == ["harbour", "roads"]
        assert dict(group["vessel_count"].attrs)["units"] == "1"
