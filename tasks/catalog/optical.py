"""Optical bands among an item's assets, and what their numbers mean.

A number becomes reflectance by a scale and an offset, and catalogues lie about the offset: since
processing baseline 04.00 (25 January 2022) ESA adds 1000 to the numbers of Sentinel-2. Planetary
Computer hands those on and says nothing. Earth Search's ``sentinel-2-l2a`` takes the 1000 off again,
says so in ``earthsearch:boa_offset_applied`` and leaves ``raster:bands`` at an offset of -0.1, so the
flag outranks the number (github.com/Element84/earth-search/issues/9). Its Collection 1 has no flag,
and there the number holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.catalog.claims import claim_of
from tasks.model import BandAsset, Claim

REFLECTANCE_BANDS = ("blue", "green", "red", "nir", "swir16")
OPTICAL_BANDS = (*REFLECTANCE_BANDS, "scl")

SENTINEL_2_KEYS = {"b02": "blue", "b03": "green", "b04": "red", "b08": "nir", "b11": "swir16"}

FILE_BANDS = {
    "analytic_4b": ("blue", "green", "red", "nir"),
    "analytic_sr": ("blue", "green", "red", "nir"),
    "analytic_8b": ("coastal", "blue", "green_i", "green", "yellow", "red", "rededge", "nir"),
}
"""Bands in the files of Planet, by a part of the asset's key or type; an item need not name them
(docs.planet.com/data/imagery/planetscope/psscene)."""

PICTURES = frozenset({"visual", "overview", "thumbnail", "preview", "rendered_preview"})
"""Keys and roles of pictures: their bands are called red, green and blue too."""

INTEGER_SCALE = 0.0001
"""Reflectance per number of Sentinel-2 L2A and of Planet's surface reflectance."""

BASELINE_WITH_OFFSET = 4.0
SENTINEL_2_OFFSET = -0.1


@dataclass(frozen=True)
class _Found:
    """One band of one asset that may be the one called `name`."""

    name: str
    key: str
    asset: Mapping[str, Any]
    index: int
    band: Mapping[str, Any]

    @property
    def rank(self) -> tuple[bool, bool, str]:
        """Smallest is best: a key that is the name, then a file of one band."""
        return self.key.lower() != self.name, self.index > 1, self.key


def optical_bands(assets: Mapping[str, Any], properties: Mapping[str, Any]) -> Iterator[BandAsset]:
    """Optical bands among the assets, in the order of `OPTICAL_BANDS`.

    Bands in files that are no GeoTIFF, bands of pictures, and bands whose scale nobody tells are left out.

    Parameters
    ----------
    assets, properties
        Of one STAC item, 1.0 (``eo:bands``, ``raster:bands``) or 1.1 (``bands``).
    """
    best: dict[str, _Found] = {}
    for key, asset in assets.items():
        for found in _named(key, asset):
            if found.name not in best or found.rank < best[found.name].rank:
                best[found.name] = found
    for name in OPTICAL_BANDS:
        if name in best and (scale := _scale(best[name], properties)) is not None:
            claim = claim_of(best[name].asset, best[name].index, properties, assets)
            yield _band_asset(best[name], scale, properties, claim)


def _band_asset(found: _Found, scale: float, properties: Mapping[str, Any], claim: Claim) -> BandAsset:
    nodata = _stated(found, "nodata")
    return BandAsset(
        found.name,
        str(found.asset["href"]),
        "class" if found.name == "scl" else "reflectance",
        None if nodata is None else float(nodata),
        scale,
        0.0 if found.name == "scl" else _offset(found, properties),
        found.index,
        claim,
    )


def _named(key: str, asset: Mapping[str, Any]) -> Iterator[_Found]:
    kind = str(asset.get("type") or "image/tiff")
    if not kind.startswith("image/tiff") or PICTURES & {key.lower(), *(asset.get("roles") or ())}:
        return
    many = [asset.get(field) or [] for field in ("raster:bands", "eo:bands", "bands")]
    bands = [
        {k: v for part in many if i < len(part) for k, v in part[i].items()}
        for i in range(max(map(len, many)))
    ]
    names = [_common_name(band) for band in bands]
    if len(bands) <= 1:
        own = SENTINEL_2_KEYS.get(key.lower(), key.lower())
        names = [own if own in OPTICAL_BANDS else names[0] if names else ""]
    if not any(names):
        text = f"{key} {asset.get('pl:asset_type', '')}"
        names = next((list(n) for part, n in FILE_BANDS.items() if part in text), [])
    for i, name in enumerate(names):
        if name in OPTICAL_BANDS:
            yield _Found(name, key, asset, i + 1, bands[i] if i < len(bands) else {})


def _common_name(band: Mapping[str, Any]) -> str:
    return str(band.get("common_name") or band.get("eo:common_name") or "").lower()


def _stated(found: _Found, field: str) -> Any:
    """Look up a field of a band, on the band or on the whole asset, in the words of STAC 1.0 or 1.1."""
    for where in (found.band, found.asset):
        for word in (f"raster:{field}", field):
            if where.get(word) is not None:
                return where[word]
    return None


def _scale(found: _Found, properties: Mapping[str, Any]) -> float | None:
    """Reflectance per number; None if neither the item nor the kind of product tells."""
    stated = _stated(found, "scale")
    if stated is not None:
        return float(stated)
    if found.name == "scl" or "float" in str(_stated(found, "data_type") or ""):
        return 1.0
    planet = any(kind.endswith("_sr") for kind in (found.key, str(found.asset.get("pl:asset_type"))))
    return INTEGER_SCALE if planet or _is_sentinel_2(properties) else None


def _is_sentinel_2(properties: Mapping[str, Any]) -> bool:
    names = [str(properties.get(key) or "").lower() for key in ("constellation", "platform")]
    return any(name.replace(" ", "-").startswith("sentinel-2") for name in names)


def _offset(found: _Found, properties: Mapping[str, Any]) -> float:
    """Reflectance of the number 0, by the rule at the head of this module."""
    stated = _stated(found, "offset")
    baseline = _first(properties, "s2:processing_baseline", "sentinel:processing_baseline")
    if not _is_sentinel_2(properties) or baseline is None:
        return float(stated or 0.0)
    applied = _first(properties, "earthsearch:boa_offset_applied", "sentinel:boa_offset_applied")
    if applied or float(baseline) < BASELINE_WITH_OFFSET:
        return 0.0
    if stated is None and "float" in str(_stated(found, "data_type") or ""):
        return 0.0  # reflectance already: the rule is one of integers
    return SENTINEL_2_OFFSET if stated is None or applied is not None else float(stated)


def _first(properties: Mapping[str, Any], *keys: str) -> Any:
    return next((properties[k] for k in keys if properties.get(k) is not None), None)
