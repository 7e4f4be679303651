"""Chips and cards: pictures cut from scenes, and which of them back which claim.

A chip is one picture, north up, with its strip of facts beneath. A card ties a sentence of the page to the
chips by which a reader can check it, and says what they cannot show. Chips are files in ``evidence/``;
``evidence.json`` lists them, with a digest of all that each was drawn from: one that would come out the same
is taken over from the last publication instead of being drawn again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

FOLDER, LISTING = "evidence", "evidence.json"

SITE = "site"
"""What a chip shows that is not about one zone."""


@dataclass(frozen=True)
class Chip:
    """One picture cut from one scene, north up."""

    name: str
    """File name in evidence/, unique."""

    scene_id: str
    acquired: datetime
    """UTC, naive as in the tables."""

    collection: str
    sensor: str
    """``radar`` or ``optical``."""

    pixel_m: float
    """Of the source image."""

    shows: str
    """``site``, or a zone's id."""

    west: float
    south: float
    east: float
    north: float
    """Ground that the picture covers; metres in `epsg`."""

    epsg: int
    width_px: int
    height_px: int
    """Of the file. The ground is its upper (north - south) / (east - west) × `width_px` rows; the rest is the
    strip of facts."""

    caption: str
    """What it shows, and what it does not."""

    attribution: str
    public: bool
    """False: the licence does not let the image be shown in a public bundle."""

    outlines: tuple[tuple[tuple[float, float], ...], ...]
    """Of vessels and stacks, in pixels of the picture from its upper left corner, x to the right, y down."""

    data: bytes
    """WebP (PNG where WebP is not at hand); empty where the picture is left out of a public bundle."""


@dataclass(frozen=True)
class Card:
    """Evidence of one claim: a change, a stay, a voyage, a day."""

    key: str
    """Anchor in the page."""

    title: str
    claim: str
    """The sentence of the page that it backs."""

    chips: tuple[str, ...]
    """Names, in order of time."""

    unknown: str
    """What it does not show."""


@dataclass(frozen=True)
class Evidence:
    """All pictures of a publication, and what they are for."""

    chips: tuple[Chip, ...] = ()
    cards: tuple[Card, ...] = ()
    made_of: tuple[str, ...] = ()
    """For each chip, a digest of all that its picture was drawn from."""


def write_evidence(folder: Path, evidence: Evidence) -> None:
    """Write the pictures and their lists into a publication; nothing where there are none."""
    if not evidence.chips:
        return
    home = folder / FOLDER
    home.mkdir()
    for chip in evidence.chips:
        if chip.data:
            (home / chip.name).write_bytes(chip.data)
    listed = {
        "chips": [
            _listed(chip) | {"made_of": digest}
            for chip, digest in zip(evidence.chips, evidence.made_of, strict=True)
        ],
        "cards": [asdict(card) for card in evidence.cards],
    }
    text = json.dumps(listed, indent=1, ensure_ascii=False, allow_nan=False)
    (home / LISTING).write_text(text + "\n", encoding="utf-8")


def _listed(chip: Chip) -> dict[str, Any]:
    entry = asdict(chip) | {"acquired": f"{chip.acquired:%Y-%m-%dT%H:%M:%SZ}"}
    data = entry.pop("data")
    return entry | {"left_out": not data, "sha256": hashlib.sha256(data).hexdigest() if data else None}


class Earlier:
    """Pictures of the last publication, read when asked for; one that was altered since is not given."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / FOLDER
        self.entries: dict[str, dict[str, Any]] = {}
        try:
            listed = json.loads((self.home / LISTING).read_text(encoding="utf-8"))
            self.entries = {str(e["name"]): e for e in listed["chips"]}
        except (OSError, ValueError, KeyError, TypeError):
            return

    def evidence(self) -> Evidence:
        """Give everything back as it was written; pictures that are not sound are left out."""
        if not self.entries:
            return Evidence()
        listed = json.loads((self.home / LISTING).read_text(encoding="utf-8"))
        chips = tuple(self.chips())
        cards = tuple(Card(**card | {"chips": tuple(card["chips"])}) for card in listed["cards"])
        return Evidence(chips, cards, tuple(self.made_of(chip.name) for chip in chips))

    def picture(self, name: str, made_of: str) -> bytes | None:
        """Give a picture if one of that name was drawn from the same."""
        entry = self.entries.get(name, {})
        if entry.get("made_of") != made_of or Path(name).name != name:
            return None
        return self._sound(name, entry)

    def chips(self) -> Iterable[Chip]:
        """Give all chips whose pictures are sound."""
        for name, entry in self.entries.items():
            if Path(name).name == name and (data := self._sound(name, entry)) is not None:
                yield _chip(entry, data)

    def made_of(self, name: str) -> str:
        """Digest of what a chip's picture was drawn from."""
        return str(self.entries[name]["made_of"])

    def _sound(self, name: str, entry: Mapping[str, Any]) -> bytes | None:
        try:
            data = (self.home / name).read_bytes()
        except OSError:
            return None
        return data if hashlib.sha256(data).hexdigest() == entry.get("sha256") else None


def _chip(entry: Mapping[str, Any], data: bytes) -> Chip:
    known = {k: v for k, v in entry.items() if k in Chip.__dataclass_fields__}
    acquired = datetime.strptime(entry["acquired"], "%Y-%m-%dT%H:%M:%SZ")
    outlines = tuple(tuple((float(x), float(y)) for x, y in ring) for ring in entry["outlines"])
    return Chip(**known | {"acquired": acquired, "outlines": outlines, "data": data})
