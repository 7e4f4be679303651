"""One STAC item, as any provider writes it, to one scene record.

Providers agree on little: asset keys, units, orbit numbers and re-delivery marks each have
several spellings. They are read here, once, so nothing downstream ever sees an item.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tasks.catalog.claims import claim_of
from tasks.catalog.optical import optical_bands
from tasks.errors import SceneError
from tasks.model import RADAR_BANDS, BandAsset, Rights, SceneRef, Units

S1_ORBIT = re.compile(r"^S1([ABC])_.*_(\d{6})_[0-9A-F]{6}(?:_|$)")
CALIBRATED = re.compile(r"^(?:gamma|sigma|beta)0[_-](?=[vh]{2}$)")
"""Some providers' keys name the calibration: ``gamma0_vv``."""

S2_ORBIT = re.compile(r"\bS2[A-D]_MSIL[12][AC]_\w*_R(\d{3})_")

MGRS = re.compile(r"\d{2}[A-Z]{3}")

DATASTRIP = re.compile(r"_S(\d{8}T\d{6})_")
"""Start of a Sentinel-2 datastrip: one tile may come in two parts, each a product of its own."""

QUERY = re.compile(r"\?[^\s?'\")]*=[^\s'\")]*")

S1_ORBIT_OFFSET = {"A": 73, "B": 27, "C": 172}
"""Relative orbit = (absolute − offset) mod 175 + 1, per satellite."""

PROCESSING_KEYS = (
    "s2:processing_baseline",
    "processing:version",
    "updated",
    "processing:datetime",
    "created",
)
PROCESSING_TIMES = ("updated", "processing:datetime", "created")


def scene_record(item: Mapping[str, Any]) -> SceneRef:
    """Read one STAC item.

    Parameters
    ----------
    item
        The item as a mapping; asset hrefs absolute.

    Returns
    -------
    SceneRef
        Radar bands first, then optical ones; there may be none: whether that matters is the
        caller's business.

    Raises
    ------
    SceneError
        If the item has no id or no usable time, or is not built as STAC has it.
    """
    scene_id = item.get("id")
    if not isinstance(scene_id, str) or not scene_id:
        raise SceneError(f"item id is {scene_id!r}; a non-empty string is needed")
    try:
        return _record(scene_id, item)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as fault:
        raise SceneError(f"item {scene_id} is not valid STAC: {type(fault).__name__}: {fault}") from fault


def _record(scene_id: str, item: Mapping[str, Any]) -> SceneRef:
    properties: Mapping[str, Any] = item.get("properties") or {}
    assets: Mapping[str, Any] = item.get("assets") or {}
    bbox = item.get("bbox")
    cloud = properties.get("eo:cloud_cover")
    return SceneRef(
        scene_id=scene_id,
        collection=str(item.get("collection") or "unnamed"),
        acquired=acquisition_time(scene_id, properties),
        bands=(*radar_bands(assets, properties), *optical_bands(assets, properties)),
        bbox=_flat_bbox(bbox) if bbox is not None else None,
        platform=str(properties.get("platform") or "").lower(),
        orbit=relative_orbit(scene_id, properties),
        direction=str(properties.get("sat:orbit_state") or "").lower(),
        tile=_tile(properties),
        processing="|".join(
            _mark(k, properties[k]) for k in PROCESSING_KEYS if properties.get(k) is not None
        ),
        cloud_cover=None if cloud is None else float(cloud),
        assets=tuple(sorted(assets)),
        rights=rights_of(properties),
    )


def rights_of(described: Mapping[str, Any]) -> Rights:
    """Read licence and providers of a collection, or of an item's properties; what is not told stays empty.

    Credit is due to those who license and make the images; to whoever only hosts or processes them where no
    other is named.
    """
    providers = described.get("providers")
    listed = [p for p in providers if isinstance(p, Mapping)] if isinstance(providers, list) else []
    makers = [p for p in listed if {"licensor", "producer"} & set(p.get("roles") or ())] or listed
    names = [" ".join(str(p["name"]).split()).replace(",", "") for p in makers if p.get("name")]
    licence = described.get("license")
    return Rights(licence.strip() if isinstance(licence, str) else "", ", ".join(dict.fromkeys(names)))


def shown(text: str) -> str:
    """Leave the queries of URLs out of a message: in a signed URL the query is a credential.

    Examples
    --------
    >>> shown("'https://store.example/vv.tif?sig=SECRET' not recognized")
    "'https://store.example/vv.tif' not recognized"
    """
    return QUERY.sub("", text)


def _mark(key: str, value: Any) -> str:
    """Spell a processing mark one way: moments sort as text and read alike from JSON and Parquet."""
    if key not in PROCESSING_TIMES:
        return str(value)
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return str(value)
    return _utc(moment).isoformat(timespec="microseconds")


def _utc(moment: datetime) -> datetime:
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)


def acquisition_time(scene_id: str, properties: Mapping[str, Any]) -> datetime:
    """Start of the acquisition, UTC; ``start_datetime`` where ``datetime`` is null, as STAC has it."""
    text = _first(properties, ("datetime", "start_datetime"))
    if isinstance(text, datetime):
        moment = text
    else:
        try:
            moment = datetime.fromisoformat(str(text))
        except ValueError:
            raise SceneError(f"item {scene_id}: datetime is {text!r}; an RFC 3339 time is needed") from None
    return _utc(moment)


def relative_orbit(scene_id: str, properties: Mapping[str, Any]) -> int:
    """Relative orbit number; 0 if neither the item nor the product name tells.

    Examples
    --------
    >>> relative_orbit("S1A_IW_GRDH_1SDV_20220102T154141_20220102T154206_041284_04E832", {})
    87
    """
    stated = properties.get("sat:relative_orbit")
    if stated is not None:
        return int(stated)
    if match := S1_ORBIT.match(scene_id):
        return (int(match[2]) - S1_ORBIT_OFFSET[match[1]]) % 175 + 1
    match = S2_ORBIT.search(f"{scene_id} {properties.get('s2:product_uri') or ''}")
    return int(match[1]) if match else 0


def radar_bands(assets: Mapping[str, Any], properties: Mapping[str, Any]) -> Iterable[BandAsset]:
    """Radar bands among the assets, in the order vv, vh, hh, hv."""
    plainest_last = sorted(assets.items(), key=lambda one: (one[0].lower() in RADAR_BANDS, one[0]))
    by_name = {_band_name(key, asset): asset for key, asset in plainest_last}
    for name in RADAR_BANDS:
        if (asset := by_name.get(name)) is not None:
            first = (asset.get("raster:bands") or asset.get("bands") or [{}])[0]
            yield BandAsset(
                name,
                str(asset["href"]),
                units_of(asset, first),
                _nodata(first, asset),
                claim=claim_of(asset, 1, properties, assets),
            )


def units_of(asset: Mapping[str, Any], band: Mapping[str, Any]) -> Units:
    """Tell what a radar pixel means: linear power unless the item says decibel.

    ``unit`` is free text in STAC; "relative" or "uncalibrated" beside dB mean that neither zero
    nor step of the scale can be trusted.

    Examples
    --------
    >>> units_of({}, {"unit": "relative dB (uncalibrated, 8 bit)"})
    'relative dB'
    >>> units_of({}, {"unit": "gamma0 linear power"})
    '1'
    """
    text = str(band.get("unit") or asset.get("unit") or "").lower()
    if not re.search(r"\bdb\b|decibel", text):
        return "1"
    return "relative dB" if re.search(r"relative|uncalibrated", text) else "dB"


def _tile(properties: Mapping[str, Any]) -> str:
    code = _first(properties, ("grid:code", "s2:mgrs_tile", "opera:burst_id"))
    if code is None and properties.get("mgrs:grid_square") is not None:
        parts = [
            str(properties.get(f"mgrs:{key}", "")) for key in ("utm_zone", "latitude_band", "grid_square")
        ]
        code = f"MGRS-{''.join(parts)}"  # as grid:code spells it
    code = f"MGRS-{code}" if MGRS.fullmatch(str(code)) else code  # one tile, whoever names it
    strip = DATASTRIP.search(str(properties.get("s2:datastrip_id") or ""))
    return f"{code or ''}{f'@{strip[1]}' if strip else ''}"


def _nodata(band: Mapping[str, Any], asset: Mapping[str, Any]) -> float | None:
    value = band.get("nodata", asset.get("nodata"))
    return None if value is None else float(value)


def _band_name(key: str, asset: Mapping[str, Any]) -> str:
    polarizations = asset.get("sar:polarizations")
    if isinstance(polarizations, list) and len(polarizations) == 1:
        return str(polarizations[0]).lower()
    return CALIBRATED.sub("", key.lower())


def _first(properties: Mapping[str, Any], keys: Iterable[str]) -> Any:
    return next((properties[k] for k in keys if properties.get(k) is not None), None)


def _flat_bbox(bbox: Any) -> tuple[float, float, float, float]:
    """Two-dimensional bbox, also from six numbers or a geoparquet struct."""
    if isinstance(bbox, Mapping):
        bbox = [bbox["xmin"], bbox["ymin"], bbox["xmax"], bbox["ymax"]]
    values = [float(v) for v in bbox]
    if len(values) == 6:
        values = [values[0], values[1], values[3], values[4]]
    return values[0], values[1], values[2], values[3]


def newest_of_each(scenes: Iterable[SceneRef]) -> tuple[tuple[SceneRef, ...], tuple[str, ...]]:
    """Sort scenes and keep the newest delivery of every acquisition.

    Returns
    -------
    scenes
        By time, then collection, then id; each with its older deliveries.
    superseded
        Ids that have something newer, sorted. Newest is the greatest processing mark, then the
        greatest id: a stated rule, so that any order of delivery gives the same choice.
    """
    seen: set[str] = set()
    deliveries: dict[tuple[str, str], dict[str, SceneRef]] = defaultdict(dict)
    for scene in scenes:
        seen.add(scene.scene_id)
        listed = deliveries[scene.collection, scene.acquisition]
        rival = listed.get(scene.scene_id)
        if rival is None or _rank(rival) < _rank(scene):
            listed[scene.scene_id] = scene
    kept = [_over_older(sorted(listed.values(), key=_rank)) for listed in deliveries.values()]
    kept.sort(key=lambda s: (s.acquired, s.collection, s.scene_id))
    return tuple(kept), tuple(sorted(seen - {s.scene_id for s in kept}))


def _over_older(deliveries: Sequence[SceneRef]) -> SceneRef:
    """Give the last of some deliveries, those before it noted in it as older."""
    newest = replace(deliveries[0], supersedes=(), older=())
    for scene in deliveries[1:]:
        older = (replace(newest, older=()), *newest.older)
        newest = replace(scene, supersedes=tuple(sorted(o.scene_id for o in older)), older=older)
    return newest


def _rank(scene: SceneRef) -> tuple[str, str, str]:
    # The last only matters for one id listed twice with different files: some order, but always the same.
    return scene.processing, scene.scene_id, repr(scene.bands)
