"""Which band of a file is which: by what the file says of it, else by the file's name.

Programs write band names in many ways (``VV``, ``Sigma0_VV_db``, ``B8``, ``Blue (490 nm)``). A name that is
exactly one of ours goes before one that only holds it: ``green_i`` never takes the place of ``green``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from tasks.catalog.optical import FILE_BANDS, OPTICAL_BANDS, SENTINEL_2_KEYS
from tasks.catalog.records import CALIBRATED
from tasks.model import RADAR_BANDS

KNOWN = (*RADAR_BANDS, *OPTICAL_BANDS)

EARTH_ENGINE_KEYS = {"b2": "blue", "b3": "green", "b4": "red", "b8": "nir"}
"""Earth Engine leaves the zero of Sentinel-2's band numbers out; only in descriptions, where ``B4`` can
hardly be the fourth band of something else."""

OTHER_BANDS = re.compile(r"red[\s_-]*edge|coastal|green[\s_-]*i\b|narrow|b8a|swir[\s_-]*2", re.IGNORECASE)
"""Descriptions that hold a name of ours and mean another band."""

SPELLED_OUT = (
    (re.compile(r"short[\s_-]*wave|swir[\s_-]*1|\b16[01]\d\s*nm", re.IGNORECASE), "swir16"),
    (re.compile(r"near[\s_-]*infra[\s_-]*red|\bnir\d?\b", re.IGNORECASE), "nir"),
)

BAND_TAG = re.compile(r"^(band_?name|name|common_?name|polari[sz]ations?|description)$", re.IGNORECASE)

PLANET = re.compile(r"AnalyticMS(_SR)?", re.IGNORECASE)

COLOURS = ("red", "green", "blue", "nir")
"""Colour interpretations that are names of bands; ``swir`` may be any of two."""


def exact(text: str) -> str:
    """Read a description that begins with a name, or is one; empty if it does not.

    Examples
    --------
    >>> exact("gamma0_vv"), exact("B04 (665 nm)"), exact("coastal")
    ('vv', 'red', '')
    """
    word = CALIBRATED.sub("", re.split(r"[\s,;:(]", text.strip().lower(), maxsplit=1)[0])
    word = SENTINEL_2_KEYS.get(word, word)
    return word if word in KNOWN else ""


def within(text: str) -> str:
    """Find the one name that a text holds; empty if it holds none, several, or means another band.

    Examples
    --------
    >>> within("Sigma0_VV_db"), within("Near infrared"), within("B8"), within("Red edge 1"), within("VV / VH")
    ('vv', 'nir', 'nir', '', '')
    """
    if OTHER_BANDS.search(text):
        return ""
    keys = SENTINEL_2_KEYS | EARTH_ENGINE_KEYS
    found = {keys.get(word, word) for word in words_of(text)} & set(KNOWN)
    for pattern, name in SPELLED_OUT:
        if not found and pattern.search(text):
            return name
    return found.pop() if len(found) == 1 else ""


def words_of(text: str) -> list[str]:
    """Split a name into its words, lower case."""
    return [word for word in re.split(r"[^a-z0-9]+", text.lower()) if word]


def in_file_name(stem: str) -> str:
    """Find the one band that a file's name tells; empty if it tells none or several.

    Examples
    --------
    >>> in_file_name("S2_klang_B08"), in_file_name("s1_vv_vh"), in_file_name("blue")
    ('nir', '', 'blue')
    """
    found = {SENTINEL_2_KEYS.get(word, word) for word in words_of(stem)} & set(KNOWN)
    return found.pop() if len(found) == 1 else ""


def planet_names(stem: str, count: int) -> tuple[str, ...]:
    """Name the bands of a Planet image by its file's name; nothing if it is none."""
    if not PLANET.search(stem):
        return ()
    return {4: FILE_BANDS["analytic_4b"], 8: FILE_BANDS["analytic_8b"]}.get(count, ())


def from_descriptions(texts: Sequence[str]) -> list[str]:
    """Name each band by its description, or nothing; no name twice."""
    names = once(map(exact, texts))
    for index, text in enumerate(texts):
        if not names[index] and (name := within(text)) not in names:
            names[index] = name
    return names


def from_tags(per_band: Sequence[Mapping[str, str]], of_file: Mapping[str, str]) -> list[str]:
    """Name each band by its own tags, or by the file's ``Band_1``, ``Band_2`` … as ENVI has them."""
    lower = {key.lower(): text for key, text in of_file.items()}
    texts = []
    for number, tags in enumerate(per_band, start=1):
        own = [text for key, text in sorted(tags.items()) if BAND_TAG.match(key)]
        texts.append(next((t for t in own if exact(t) or within(t)), lower.get(f"band_{number}", "")))
    if len(texts) == 1 and not texts[0]:
        texts = [next((t for key, t in sorted(lower.items()) if BAND_TAG.match(key) and within(t)), "")]
    return from_descriptions(texts)


def from_colours(colours: Sequence[str]) -> list[str]:
    """Name each band by its colour interpretation, or nothing."""
    return once(colour if colour in COLOURS else "" for colour in colours)


def once(names: Iterable[str]) -> list[str]:
    """Keep the first of each name."""
    kept: list[str] = []
    for name in names:
        kept.append("" if name in kept else name)
    return kept
