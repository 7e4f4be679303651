"""The series cube: looks and periods as arrays a notebook opens with one line.

``(look, zone)`` measures, ``(period, zone)`` utilisation and ``(month,)`` quay occupancy in plain Zarr v3
with CF attributes. NaN means "could not be told"; the denominators stand beside it.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from tasks.model import Site

LOOK_VARIABLES = {
    "vessel_count": {
        "long_name": "vessels in the zone: on water those lying freely, at a berth at least those alongside",
        "units": "1",
    },
    "vessel_length_m": {"long_name": "summed length of those vessels", "units": "m"},
    "occupied_m": {"long_name": "metres of the berth that ships take; NaN on water", "units": "m"},
    "occupied_fraction": {
        "long_name": "share of the berth's metres seen that ships take; NaN on water",
        "units": "1",
    },
    "fill_fraction": {
        "long_name": "share of a yard's ground under stacks; at 10 m a level on its own scale",
        "units": "1",
    },
    "stack_area_m2": {"long_name": "ground that stacks of containers cover", "units": "m2"},
    "gained_m2": {"long_name": "ground that stacks took up since the previous clear look", "units": "m2"},
    "lost_m2": {"long_name": "ground that stacks left since the previous clear look", "units": "m2"},
    "teu_low": {"long_name": "fewest 20-foot containers that the stacks hold", "units": "1"},
    "teu_high": {"long_name": "most 20-foot containers that the stacks hold", "units": "1"},
    "rail_occupied_m": {"long_name": "metres of track under rail cars", "units": "m"},
    "change_fraction": {
        "long_name": "share of the zone that changed since its previous clear look, beyond light and slide",
        "units": "1",
    },
    "change_energy": {
        "long_name": "mean squared difference from the previous clear look, beyond light, slide and noise",
        "units": "1",
        "comment": "reflectance squared for optical looks, spreads of speckle squared for radar looks",
    },
    "seen_fraction": {"long_name": "share of the zone that the look could see", "units": "1"},
}
_SHARES = {
    "occupancy": "share of the quay metres that ships took",
    "fill": "share of the yards' ground under stacks, or their level",
    "rail": "share of the track metres under rail cars",
}
_ENDS = {
    "mean": "mean over looks",
    "low": "lower end of its 90 % interval",
    "high": "upper end of its 90 % interval",
    "looks": "looks that could tell",
}
SHARE_VARIABLES = {
    f"{name}_{end}": {"long_name": f"{what}, {which}", "units": "1"}
    for name, what in _SHARES.items()
    for end, which in _ENDS.items()
}
SITE_VARIABLES = {
    f"site_{name}": {**attrs, "long_name": f"whole site: {attrs['long_name']}"}
    for name, attrs in SHARE_VARIABLES.items()
} | {
    "utilisation_index": {"long_name": "utilisation of the site, 0 to 100", "units": "1"},
    "utilisation_index_low": {"long_name": "lower end of its 90 % interval", "units": "1"},
    "utilisation_index_high": {"long_name": "upper end of its 90 % interval", "units": "1"},
    "calls_at_least": {"long_name": "ships that surely arrived at a quay", "units": "1"},
    "calls_at_most": {"long_name": "ships that can have arrived at a quay", "units": "1"},
}
"""Of the site's own rows of the table: ``utilisation_index`` from its ``index``, the rest by name."""

WHOLE = "*"
"""Zone id of those rows."""

PERIOD_VARIABLES = {
    "vessels_mean": {"long_name": "mean vessels per look that could see the zone", "units": "1"},
    "vessels_low": {"long_name": "lower end of the 90 % interval of vessels_mean", "units": "1"},
    "vessels_high": {"long_name": "upper end of the 90 % interval of vessels_mean", "units": "1"},
    "vessels_max": {"long_name": "most vessels seen at once", "units": "1"},
    "looks": {"long_name": "looks taken", "units": "1"},
    "looks_seen": {"long_name": "looks that could see the zone", "units": "1"},
}
MONTH_VARIABLES = {
    "quay_occupancy": {
        "long_name": "share of the site's quay metres taken, mean over the month",
        "units": "1",
    },
    "quay_occupancy_low": {"long_name": "lower end of the 90 % interval of quay_occupancy", "units": "1"},
    "quay_occupancy_high": {"long_name": "upper end of the 90 % interval of quay_occupancy", "units": "1"},
    "quay_occupancy_n_looks": {"long_name": "looks that saw enough of the quay", "units": "1"},
}
"""From the monthly occupancy: its columns ``mean``, ``low``, ``high`` and ``looks``, in this order."""

COMPANIONS = ("_low", "_high", "_looks", "_n_looks")
"""How variables end that say how sure another is."""

TIME = {"standard_name": "time"}

TIME_ENCODING = {"units": "seconds since 1970-01-01", "calendar": "proleptic_gregorian", "dtype": "int64"}


def series_dataset(
    site: Site, looks: pd.DataFrame, utilisation: pd.DataFrame, occupancy: pd.DataFrame
) -> xr.Dataset:
    """Arrange the tables as arrays.

    Parameters
    ----------
    site
        Names the zones.
    looks, utilisation
        As published.
    occupancy
        Share of the quay metres taken by month, `tasks.products.quay.OCCUPANCY_COLUMNS`; may be empty.

    Returns
    -------
    xr.Dataset
        Dims ``look``, ``period``, ``month`` and ``zone``; looks in order of time, weeks before months.
        ``month`` is the first day of each month, UTC.
    """
    zones = [z.zone_id for z in site.measured_zones]
    scenes = looks.drop_duplicates("scene_id")[["scene_id", "acquired", "collection"]]
    by_look = {
        name: (("look", "zone"), _spread(looks, "scene_id", scenes["scene_id"], zones, name), attrs)
        for name, attrs in LOOK_VARIABLES.items()
    }
    keyed = utilisation.assign(key=utilisation["period"] + utilisation["start"].astype("string"))
    periods = keyed.drop_duplicates("key").sort_values(["period", "start"], ascending=[False, True])
    by_period = {
        name: (("period", "zone"), _spread(keyed, "key", periods["key"], zones, name), attrs)
        for name, attrs in (PERIOD_VARIABLES | SHARE_VARIABLES).items()
    }
    by_site = {
        name: ("period", _spread(keyed, "key", periods["key"], [WHOLE], _column(name))[:, 0], attrs)
        for name, attrs in SITE_VARIABLES.items()
    }
    columns = zip(MONTH_VARIABLES.items(), ("mean", "low", "high", "looks"), strict=True)
    by_month = {
        name: ("month", occupancy[column].to_numpy("float64", na_value=np.nan), attrs)
        for (name, attrs), column in columns
    }
    month, month_end = (pd.to_datetime(occupancy[c]).to_numpy("datetime64[ns]") for c in ("start", "end"))
    start, end = (pd.to_datetime(periods[c]).to_numpy("datetime64[ns]") for c in ("start", "end"))
    return xr.Dataset(
        _with_companions(by_look | by_period | by_site | by_month),
        coords={
            "zone": ("zone", _text(zones), {"long_name": "zone id"}),
            "zone_kind": (
                "zone",
                _text([z.kind.value for z in site.measured_zones]),
                {"long_name": "what the zone's ground is used for"},
            ),
            **_places(site),
            "time": (
                "look",
                scenes["acquired"].to_numpy("datetime64[ns]"),
                TIME | {"long_name": "start of acquisition, UTC"},
            ),
            "scene_id": ("look", _text(scenes["scene_id"]), {"long_name": "id of the image"}),
            "collection": ("look", _text(scenes["collection"]), {"long_name": "collection of the image"}),
            "period_kind": ("period", _text(periods["period"]), {"long_name": "week or month"}),
            "period_start": ("period", start, TIME | {"long_name": "first day of the period, UTC"}),
            "period_end": ("period", end, TIME | {"long_name": "first day after the period, UTC"}),
            "month": ("month", month, TIME | {"long_name": "first day of the month, UTC"}),
            "month_end": ("month", month_end, TIME | {"long_name": "first day after the month, UTC"}),
        },
        attrs={
            "Conventions": "CF-1.11",
            "title": f"Port utilisation of {site.title}",
            "source": f"satellite images: {', '.join(sorted(set(scenes['collection'])))}",
            "comment": "NaN: could not be told (not seen, or not measurable with this sensor). Never zero.",
        },
    )


def write_series(folder: Path, dataset: xr.Dataset) -> None:
    """Write ``series.zarr``; consolidated, so that it opens in one read and without a warning."""
    encoding = dict.fromkeys(("time", "period_start", "period_end", "month", "month_end"), TIME_ENCODING)
    with warnings.catch_warnings():
        # Consolidated metadata is not yet in the Zarr v3 specification; xarray warns without it.
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        dataset.to_zarr(folder / "series.zarr", zarr_format=3, consolidated=True, encoding=encoding, mode="w")


def _with_companions(variables: dict[str, tuple[Any, Any, dict[str, str]]]) -> dict[str, Any]:
    """Name beside every mean its interval and its looks, as CF's ``ancillary_variables``."""
    told = {}
    for name, (dims, values, attrs) in variables.items():
        stem = name.removesuffix("_mean")
        beside = [n for end in COMPANIONS if (n := f"{stem}{end}") in variables and n != name]
        if name == "vessels_mean":
            beside.append("looks_seen")
        is_companion = name.endswith(COMPANIONS)
        more = {"ancillary_variables": " ".join(beside)} if beside and not is_companion else {}
        told[name] = (dims, values, attrs | more)
    return told


def _places(site: Site) -> dict[str, Any]:
    """Middle of every zone, as coordinates that mapping software knows."""
    middles = [z.geometry.representative_point() for z in site.measured_zones]
    named = (("longitude", "degrees_east", "x"), ("latitude", "degrees_north", "y"))
    return {
        f"zone_{name}": (
            "zone",
            np.round([getattr(p, axis) for p in middles], 6),
            {"standard_name": name, "long_name": f"{name} of a point in the zone, WGS 84", "units": units},
        )
        for name, units, axis in named
    }


def _column(variable: str) -> str:
    return variable.removeprefix("site_").removeprefix("utilisation_")


def _spread(table: pd.DataFrame, key: str, keys: pd.Series, zones: list[str], value: str) -> np.ndarray:
    wide = table.pivot(index=key, columns="zone_id", values=value)
    return wide.reindex(index=list(keys), columns=zones).to_numpy("float64", na_value=np.nan)


def _text(values: object) -> np.ndarray:
    return np.array(list(values), dtype=np.dtypes.StringDType())  # type: ignore[call-overload]
