"""Looks to series: what each zone, and the whole site, held week by week and month by month.

A period's value is the mean over the looks that could tell, with its 90 % interval and their number. A
period without such a look is null, with 0 looks beside it: it is not a quiet period. The site's own rows
(zone ``*``) carry its components (quay, yards, tracks, each as a share of what the site has) and one index
of 0 to 100 from them, null wherever one of its components is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from tasks.model import Site, ZoneKind
from tasks.science.basis import comparable, of_tracks, of_yards
from tasks.science.plots import track_metres
from tasks.science.quays import quay_metres
from tasks.science.regimes.levels import within
from tasks.science.series.activity import MIN_QUAY
from tasks.science.series.arrivals import came_surely
from tasks.science.series.indicators import LEVEL, mean_intervals, overdispersion
from tasks.science.series.periods import Spans, spans_of
from tasks.science.series.shares import NO_SHARE, Share, mean_shares, site_looks
from tasks.science.series.stated import Histories, Stated, histories
from tasks.science.series.stays import CARGO_SHIPS, Stay, stays
from tasks.sites.measure import area_m2

PERIODS = ("week", "month")
"""Calendar weeks from Monday, calendar months; UTC."""

Columns = dict[str, Any]
"""Of one zone, by name: one value, or one for every period."""

WHOLE = "*"
"""Zone id of the site as a whole."""

COLUMNS = (
    "site",
    "zone_id",
    "zone_kind",
    "period",
    "start",
    "end",
    "looks",
    "looks_seen",
    "seen_fraction",
    "vessels_mean",
    "vessels_low",
    "vessels_high",
    "vessels_max",
    *(f"{c}_{end}" for c in ("occupancy", "fill", "rail") for end in ("mean", "low", "high", "looks")),
    "occupancy_period",
    "gained_m2",
    "lost_m2",
    "calls_at_least",
    "calls_at_most",
    "index",
    "index_low",
    "index_high",
    "index_of",
)


SURE_CALL = 0.9
"""Probability from which a stay counts among the calls at least. Counting all that looks show, up to 6 a
month too many were told at Dunay; counting these, none (both ports of seed 1, Najin of seed 2023)."""

SHORTEST_STAY_DAYS = 1.0
"""A cargo ship is not loaded in less."""

TEXT = ("zone_id", "zone_kind", "period", "start", "end", "occupancy_period", "index_of")
"""Columns that are no numbers."""

USED = [
    "zone_id", "zone_kind", "scene_id", "collection", "sensor", "pixel_m", "acquired", "seen_fraction",
    "vessel_count",
    "vessel_length_m", "occupied_fraction", "fill_fraction", "stack_area_m2", "gained_m2", "lost_m2",
    "rail_occupied_m",
]  # fmt: skip
"""Columns of looks that are read here."""

TOLD = ("vessel_count", "fill_fraction", "rail_occupied_m")
"""Columns of looks without which there is nothing to summarise."""


class Component(NamedTuple):
    """One part of a site's utilisation."""

    name: str
    """Of its columns."""

    weight: str
    """Its name among the site's weights."""

    kind: ZoneKind
    column: str
    """Of looks: the share of a zone that is taken."""

    capacity: Mapping[str, float]
    """By zone: quay metres, square metres, track metres."""

    looks: pd.DataFrame
    """Those that may stand in one series."""


def utilisation(site: Site, looks: pd.DataFrame, vessels: pd.DataFrame | None = None) -> pd.DataFrame:
    """Summarise looks by week and month.

    Parameters
    ----------
    site
        Its zones with what they hold, and the weights of the index.
    looks
        One row per look × zone; null where a look could not tell.
    vessels
        As published: ships at berth are told apart by lengths and places; without them by less.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`: a row per zone that any look could tell, kind of period and period between the
        first and the last look, and of the site as a whole (``zone_id`` ``*``). ``looks_seen`` counts the
        looks that could tell. ``gained_m2`` and ``lost_m2`` are sums over looks: at least so much. ``end`` is
        the first day after the period. ``index_of`` names the components of the index.
    """
    if not any(looks[column].notna().any() for column in TOLD):
        return pd.DataFrame(columns=list(COLUMNS))
    looks = looks[[name for name in USED if name in looks]]
    parts, afloat = components(site, looks), comparable(looks)
    chain = histories(parts[0].looks, parts[0].capacity, looks["acquired"])
    found: list[Columns] = []
    came = [s for s in stays(afloat, vessels, CARGO_SHIPS) if came_surely(s, SURE_CALL)]
    for period in PERIODS:
        spans = spans_of(looks["acquired"], period)
        for zone_id, group in _told(afloat, "vessel_count"):
            found.append(_vessel_columns(group, zone_id, spans, parts[0], chain))
        for part in parts[1:]:
            own = part.looks[part.looks["zone_kind"] == part.kind.value]
            for zone_id, group in _told(own, part.column):
                found.append(_ground_columns(group, zone_id, spans, part))
        found.append(_site_columns(site, afloat, spans, parts, chain, came))
    table = _joined(found).assign(site=site.site_id)
    return table.sort_values(["period", "zone_id", "start"], ascending=[False, True, True], ignore_index=True)


def _joined(found: list[Columns]) -> pd.DataFrame:
    """Put the columns of all zones and periods one below another; what a zone has not is null."""
    tables = [pd.DataFrame(columns) for columns in found]
    data = {}
    for name in COLUMNS[1:]:
        kind, nothing = (object, None) if name in TEXT else (float, np.nan)
        pieces = [
            table[name].to_numpy(kind) if name in table else np.full(len(table), nothing, kind)
            for table in tables
        ]
        data[name] = np.concatenate(pieces)
    return pd.DataFrame(data, columns=list(COLUMNS)).astype({"looks": "int64", "looks_seen": "int64"})


def components(site: Site, looks: pd.DataFrame) -> tuple[Component, Component, Component]:
    """Lay out what a site's utilisation consists of: quay, yards and tracks."""
    yards = {z.zone_id: area_m2(z.geometry) for z in site.zones if z.kind is ZoneKind.CONTAINER_YARD}
    tracks = track_metres(site)
    on_tracks = of_tracks(looks)
    share = on_tracks["rail_occupied_m"].astype(float) / on_tracks["zone_id"].map(tracks).astype(float)
    on_tracks = on_tracks.assign(rail_share=share.clip(upper=1.0))
    return (
        Component(
            "occupancy", "berths", ZoneKind.BERTH, "occupied_fraction", quay_metres(site), comparable(looks)
        ),
        Component("fill", "yards", ZoneKind.CONTAINER_YARD, "fill_fraction", yards, of_yards(looks)),
        Component("rail", "rails", ZoneKind.RAIL_YARD, "rail_share", tracks, on_tracks),
    )


def _told(looks: pd.DataFrame, column: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Zones of which any look could tell something, with all their looks, in order of time."""
    for zone_id, group in looks.groupby("zone_id", sort=True):
        if group[column].notna().any():
            yield str(zone_id), group.sort_values("acquired", kind="stable")


def _header(group: pd.DataFrame, column: str, zone_id: str, zone_kind: str, spans: Spans) -> Columns:
    place = spans.place(group)
    seen = group["seen_fraction"].to_numpy("float64", na_value=np.nan)
    looks, known = spans.count(place), ~np.isnan(seen)
    with np.errstate(invalid="ignore"):
        mean_seen = spans.total(place[known], seen[known]) / spans.count(place[known])
    return {
        "zone_id": zone_id,
        "zone_kind": zone_kind,
        "period": spans.period,
        "start": spans.start.date,
        "end": spans.end.date,
        "looks": looks,
        "looks_seen": spans.count(place[group[column].notna().to_numpy()]),
        "seen_fraction": mean_seen,
    }


def _vessel_columns(
    group: pd.DataFrame, zone_id: str, spans: Spans, quay: Component, chain: Histories
) -> Columns:
    told = group[group["vessel_count"].notna()]
    counts, place = told["vessel_count"].to_numpy(float), spans.place(told)
    means = mean_intervals(spans.total(place, counts), spans.count(place), overdispersion(counts))
    most = np.full(len(spans), np.nan)
    np.fmax.at(most, place, counts)
    columns = _header(group, "vessel_count", zone_id, group["zone_kind"].iloc[0], spans) | {
        "vessels_low": means[0],
        "vessels_mean": means[1],
        "vessels_high": means[2],
        "vessels_max": most,
    }
    if zone_id not in quay.capacity:
        return columns
    taken = site_looks(group, quay.column, {zone_id: quay.capacity[zone_id]})
    return columns | _stated_columns(quay.name, chain.stated(taken, spans, zone_id))


def _ground_columns(group: pd.DataFrame, zone_id: str, spans: Spans, part: Component) -> Columns:
    taken = site_looks(group, part.column, {zone_id: part.capacity[zone_id]})
    shares = mean_shares(taken, spans.place(taken), len(spans))
    return (
        _header(group, part.column, zone_id, part.kind.value, spans)
        | _share_columns(part.name, shares)
        | _moved(group, spans)
    )


def _site_columns(
    site: Site,
    afloat: pd.DataFrame,
    spans: Spans,
    parts: tuple[Component, ...],
    chain: Histories,
    came: list[Stay],
) -> Columns:
    quay, yards = parts[0], parts[1]
    series = {part.name: site_looks(part.looks, part.column, part.capacity) for part in parts}
    present = [p for p in parts if len(series[p.name]) and site.weights.get(p.weight, 0.0) > 0]
    shares = {name: mean_shares(t, spans.place(t), len(spans)) for name, t in series.items()}
    occupied = chain.stated(series[quay.name], spans)
    # Of another period's occupancy no index is made.
    shares[quay.name] = [one.share if one.period == spans.period else NO_SHARE for one in occupied]
    looks = spans.count(spans.place(series[quay.name]))
    at_berths = afloat[afloat["zone_kind"] == ZoneKind.BERTH.value]
    moves = yards.looks[yards.looks["zone_kind"] == yards.kind.value]
    columns = _header(at_berths, quay.column, WHOLE, "site", spans) | {
        "looks": afloat.assign(span=spans.place(afloat)).groupby("span")["scene_id"].nunique()
        .reindex(range(len(spans)), fill_value=0).to_numpy(),
        "looks_seen": looks,
        "calls_at_least": np.where(looks > 0, _arrived(came, spans), np.nan),
        "calls_at_most": np.where(looks > 0, _most_calls(at_berths, spans), np.nan),
    }  # fmt: skip
    columns |= _moved(moves, spans)
    for name, told in shares.items():
        columns |= _share_columns(name, told)
    columns |= _stated_columns(quay.name, occupied)
    weights = {p.name: site.weights[p.weight] for p in present}
    each = [index_of({name: told[k] for name, told in shares.items()}, weights) for k in range(len(spans))]
    return columns | {name: [one[name] for one in each] for name in each[0]}


def _share_columns(name: str, shares: Sequence[Share]) -> Columns:
    columns: Columns = {
        f"{name}_{field}": np.array([getattr(share, field) for share in shares], float)
        for field in ("mean", "low", "high")
    }
    columns[f"{name}_looks"] = np.array([share.looks for share in shares])
    return columns


def _stated_columns(name: str, told: Sequence[Stated]) -> Columns:
    columns = _share_columns(name, [one.share for one in told])
    return columns | {f"{name}_period": np.array([one.period for one in told], object)}


def _moved(group: pd.DataFrame, spans: Spans) -> Columns:
    """Sum what was told to be gained and lost; null where nothing was."""
    sums = {}
    for name in ("gained_m2", "lost_m2"):
        told = group[group[name].notna()]
        place = spans.place(told)
        total = spans.total(place, told[name].to_numpy(float))
        sums[name] = np.where(spans.count(place) > 0, total, np.nan)
    return sums


def _arrived(came: list[Stay], spans: Spans) -> npt.NDArray[np.int64]:
    """Count the ships that surely arrived within each period: it had seen the berth without them before."""
    known = [(stay.free_before, stay.first_seen) for stay in came]
    free, seen = np.array(known, "datetime64[ns]").reshape(-1, 2).T
    pairs = zip(spans.start.to_numpy(), spans.end.to_numpy(), strict=True)
    return np.array([((start <= free) & (seen < end)).sum() for start, end in pairs])


def _most_calls(at_berths: pd.DataFrame, spans: Spans) -> npt.NDArray[np.float64]:
    """Bound the calls of each period by those that the ships lying there could make (Little's law).

    NaN without a look.
    """
    rows = at_berths[at_berths["vessel_count"].notna()]
    place = spans.place(rows)
    berths = rows.assign(span=place).groupby("span")["zone_id"].nunique()
    whole = berths.reindex(range(len(spans)), fill_value=1).to_numpy()
    table = pd.DataFrame(
        {
            "acquired": rows["acquired"].to_numpy("datetime64[s]"),
            "scene": rows["scene_id"].to_numpy(object),
            "vessels": rows["vessel_count"].to_numpy(float),
            "exposure": rows["seen_fraction"].to_numpy(float) / whole[place],
        }
    )
    looks = table.groupby(["acquired", "scene"], as_index=False, sort=True).sum()
    looks = looks[looks["exposure"] >= MIN_QUAY]
    ends = np.searchsorted(spans.place(looks), np.arange(1, len(spans)))
    parts = (np.split(looks[name].to_numpy(float), ends) for name in ("vessels", "exposure"))
    days = (spans.end - spans.start) / pd.Timedelta(days=1)
    most = np.full(len(spans), np.nan)
    for k, (counts, exposure) in enumerate(zip(*parts, strict=True)):
        if len(counts):
            inflation = within(counts, exposure, len(counts))
            high = special.gammaincinv(counts.sum() / inflation + 0.5, (1 + LEVEL) / 2) * inflation
            ships = max(high, counts.sum()) / exposure.sum()
            most[k] = math.ceil(ships * days[k] / SHORTEST_STAY_DAYS)
    return most


def index_of(shares: Mapping[str, Share], weights: Mapping[str, float]) -> dict[str, Any]:
    """Combine a period's components into one number from 0 to 100, with its interval.

    Parameters
    ----------
    shares
        Components by name, each a share of what the site has.
    weights
        Of the components that this archive can measure at all; they are brought to a sum of 1. A period that
        misses one of them has no index: with another mixture it could not be compared with its neighbours.

    Examples
    --------
    >>> half = Share(0.5, 0.4, 0.6, 9)
    >>> index_of({"occupancy": half, "fill": Share(0.1, 0.1, 0.1, 3)}, {"occupancy": 3, "fill": 1})["index"]
    40.0
    """
    named = "+".join(sorted(weights)) or None
    told = {name: shares[name] for name in weights if shares[name].mean is not None}
    if len(told) < len(weights) or not weights:
        return {"index": None, "index_low": None, "index_high": None, "index_of": named}
    total = sum(weights.values())
    parts = [(weights[n] / total, *_known(share)) for n, share in sorted(told.items())]
    mean = sum(w * m for w, m, _, _ in parts)
    # Components are measured apart, so their errors add in squares.
    below = math.sqrt(sum((w * (m - low)) ** 2 for w, m, low, _ in parts))
    above = math.sqrt(sum((w * (high - m)) ** 2 for w, m, _, high in parts))
    low, high = max(mean - below, 0.0), min(mean + above, 1.0)
    return {"index": 100 * mean, "index_low": 100 * low, "index_high": 100 * high, "index_of": named}


def _known(share: Share) -> tuple[float, float, float]:
    assert share.mean is not None
    assert share.low is not None
    assert share.high is not None
    return share.mean, share.low, share.high
