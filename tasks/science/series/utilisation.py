"""Looks to series: what each zone, and the whole site, held week by week and month by month.

A period's value is the mean over the looks that could tell, with its 90 % interval and their number. A
period without such a look is null, with 0 looks beside it: it is not a quiet period. The site's own rows
(zone ``*``) carry its components (quay, yards, tracks, each as a share of what the site has) and one index
of 0 to 100 from them, null wherever one of its components is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tasks.model import Site, ZoneKind
from tasks.science.basis import comparable, of_tracks, of_yards
from tasks.science.plots import track_metres
from tasks.science.quays import quay_metres
from tasks.science.series.calls import most_calls
from tasks.science.series.indicators import mean_interval, overdispersion
from tasks.science.series.shares import Share, cut, mean_share, site_looks
from tasks.science.series.stays import Stay, stays
from tasks.sites.measure import area_m2

PERIODS = {"week": "W-SUN", "month": "M"}
"""Calendar weeks from Monday, calendar months; UTC."""

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
    "gained_m2",
    "lost_m2",
    "calls_at_least",
    "calls_at_most",
    "index",
    "index_low",
    "index_high",
    "index_of",
)


USED = [
    "zone_id", "zone_kind", "scene_id", "collection", "sensor", "acquired", "seen_fraction", "vessel_count",
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


def utilisation(site: Site, looks: pd.DataFrame) -> pd.DataFrame:
    """Summarise looks by week and month.

    Parameters
    ----------
    site
        Its zones with what they hold, and the weights of the index.
    looks
        One row per look × zone; null where a look could not tell.

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
    looks = looks[USED]
    parts, afloat = components(site, looks), comparable(looks)
    rows: list[dict[str, Any]] = []
    for period, rule in PERIODS.items():
        spans = _spans(looks, rule)
        for zone_id, group in _told(afloat, "vessel_count"):
            rows += _vessel_rows(group, zone_id, period, spans, parts[0])
        for part in parts[1:]:
            own = part.looks[part.looks["zone_kind"] == part.kind.value]
            for zone_id, group in _told(own, part.column):
                rows += _ground_rows(group, zone_id, period, spans, part)
        rows += _site_rows(site, afloat, period, spans, parts)
    table = pd.DataFrame(rows, columns=list(COLUMNS)).assign(site=site.site_id)
    return table.sort_values(["period", "zone_id", "start"], ascending=[False, True, True], ignore_index=True)


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


class Span(NamedTuple):
    """One period: its first moment, and the first after it."""

    start: pd.Timestamp
    end: pd.Timestamp


def _spans(looks: pd.DataFrame, rule: str) -> list[Span]:
    when = looks["acquired"].dt.to_period(rule)
    labels = pd.period_range(when.min(), when.max(), freq=rule)
    return [Span(label.start_time, (label + 1).start_time) for label in labels]


def _told(looks: pd.DataFrame, column: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Zones of which any look could tell something, with all their looks."""
    for zone_id, group in looks.groupby("zone_id", sort=True):
        if group[column].notna().any():
            yield str(zone_id), group


def _header(group: pd.DataFrame, column: str, zone_id: str, period: str, span: Span) -> dict[str, Any]:
    return {
        "zone_id": zone_id,
        "zone_kind": group["zone_kind"].iloc[0] if len(group) else None,
        "period": period,
        "start": span.start.date(),
        "end": span.end.date(),
        "looks": len(group),
        "looks_seen": int(group[column].notna().sum()),
        "seen_fraction": group["seen_fraction"].astype(float).mean() if len(group) else np.nan,
    }


def _vessel_rows(
    group: pd.DataFrame, zone_id: str, period: str, spans: list[Span], quay: Component
) -> Iterator[dict[str, Any]]:
    inflation = overdispersion(group["vessel_count"].dropna().to_numpy(float))
    metres = {zone_id: quay.capacity[zone_id]} if zone_id in quay.capacity else {}
    taken = site_looks(group, quay.column, metres)
    kind = group["zone_kind"].iloc[0]
    for span, here, then in zip(spans, cut(group, spans), cut(taken, spans), strict=True):
        counts = here["vessel_count"].dropna().to_numpy(float)
        low, mean, high = mean_interval(counts, inflation)
        row = _header(here, "vessel_count", zone_id, period, span) | {
            "zone_kind": kind,
            "vessels_mean": mean,
            "vessels_low": low,
            "vessels_high": high,
            "vessels_max": counts.max() if len(counts) else np.nan,
        }
        yield row | (_share_columns(quay.name, mean_share(then)) if metres else {})


def _ground_rows(
    group: pd.DataFrame, zone_id: str, period: str, spans: list[Span], part: Component
) -> Iterator[dict[str, Any]]:
    taken = site_looks(group, part.column, {zone_id: part.capacity[zone_id]})
    for span, here, then in zip(spans, cut(group, spans), cut(taken, spans), strict=True):
        row = _header(here, part.column, zone_id, period, span) | {"zone_kind": part.kind.value}
        row |= _share_columns(part.name, mean_share(then))
        yield row | {name: _sum(here[name]) for name in ("gained_m2", "lost_m2")}


def _site_rows(
    site: Site, afloat: pd.DataFrame, period: str, spans: list[Span], parts: tuple[Component, ...]
) -> Iterator[dict[str, Any]]:
    series = {part.name: site_looks(part.looks, part.column, part.capacity) for part in parts}
    present = [p for p in parts if len(series[p.name]) and site.weights.get(p.weight, 0.0) > 0]
    weights = {p.name: site.weights[p.weight] for p in present}
    found = stays(afloat)
    quay, yards = parts[0], parts[1]
    at_berths = cut(afloat[afloat["zone_kind"] == ZoneKind.BERTH.value], spans)
    moves = cut(yards.looks[yards.looks["zone_kind"] == yards.kind.value], spans)
    taken = {name: cut(table, spans) for name, table in series.items()}
    for k, (span, here) in enumerate(zip(spans, cut(afloat, spans), strict=True)):
        shares = {name: mean_share(tables[k]) for name, tables in taken.items()}
        days = (span.end - span.start) / pd.Timedelta(days=1)
        row = _header(at_berths[k], quay.column, WHOLE, period, span) | {
            "zone_kind": "site",
            "looks": here["scene_id"].nunique(),
            "looks_seen": shares[quay.name].looks,
            "gained_m2": _sum(moves[k]["gained_m2"]),
            "lost_m2": _sum(moves[k]["lost_m2"]),
            "calls_at_least": _arrived(found, span) if shares[quay.name].looks else None,
            "calls_at_most": most_calls(here, days)[0] if shares[quay.name].looks else None,
        }
        for name, share in shares.items():
            row |= _share_columns(name, share)
        yield row | index_of(shares, weights)


def _share_columns(name: str, share: Share) -> dict[str, Any]:
    return {
        f"{name}_mean": share.mean,
        f"{name}_low": share.low,
        f"{name}_high": share.high,
        f"{name}_looks": share.looks,
    }


def _sum(values: pd.Series) -> float | None:
    """Sum of what was told; None where nothing was."""
    told = values.dropna()
    return float(told.sum()) if len(told) else None


def _arrived(found: list[Stay], span: Span) -> int:
    """Count the ships that surely arrived within a period: the berth was seen without them in it before."""
    return sum(
        stay.free_before is not None and span.start <= stay.free_before and stay.first_seen < span.end
        for stay in found
    )


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
