"""Pictures as the page shows them: the strip through time, and the sets that back a claim."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from tasks.products.chart import EPOCH
from tasks.products.chips import SITE, Card, Chip
from tasks.products.svg import tenths
from tasks.products.wording import minute

MOST_IN_STRIP = 40
"""Dates in the strip: more would make the page heavy, and nobody looks at them."""


def gallery_view(chips: Sequence[Chip], cards: Sequence[Card], names: dict[str, str]) -> dict[str, Any]:
    """Give what the template says of pictures.

    Parameters
    ----------
    chips, cards
        In any order; chips that no card names and that do not show the site are left to ``evidence/``.
    names
        Zone ids to names.
    """
    ordered = sorted(chips, key=lambda chip: (chip.acquired, chip.name))
    strip = _spread([chip for chip in ordered if chip.shows == SITE and chip.data])
    known = {chip.name: chip for chip in ordered}
    number = {chip.name: k for k, chip in enumerate(ordered)}
    in_strip = {chip.name for chip in strip}
    return {
        "strip": [_view(chip, number[chip.name], names) for chip in strip],
        "cards": [
            {
                "card": card,
                "chips": [
                    _view(known[n], number[n], names) | {"in_strip": n in in_strip}
                    for n in card.chips
                    if n in known
                ],
            }
            for card in cards
        ],
        "pair": _pair([chip.name for chip in strip], cards),
    }


def _pair(strip: list[str], cards: Sequence[Card]) -> tuple[int, int]:
    """Choose the two pictures compared first: those about the first claim on the site, or the ends."""
    for card in cards:
        ends = [strip.index(name) for name in card.chips if name in strip]
        if len(ends) > 1:
            return ends[0], ends[-1]
    return 0, len(strip) - 1


def _spread(chips: list[Chip]) -> list[Chip]:
    """Keep some of too many, evenly in their order, the first and the last among them."""
    if len(chips) <= MOST_IN_STRIP:
        return chips
    step = (len(chips) - 1) / (MOST_IN_STRIP - 1)
    return [chips[round(k * step)] for k in range(MOST_IN_STRIP)]


def _view(chip: Chip, number: int, names: dict[str, str]) -> dict[str, Any]:
    kind = "webp" if chip.data[8:12] == b"WEBP" else "png"
    shown = "the whole site" if chip.shows == SITE else names.get(chip.shows, chip.shows)
    return {
        "id": f"chip-{number}",
        "scene_id": chip.scene_id,
        "uri": f"data:image/{kind};base64,{base64.b64encode(chip.data).decode()}" if chip.data else "",
        "width": chip.width_px,
        "height": chip.height_px,
        "outlines": "".join(
            "M" + "L".join(f"{tenths(x)} {tenths(y)}" for x, y in ring) + "Z" for ring in chip.outlines
        ),
        "when": minute(chip.acquired),
        "seconds": int((chip.acquired.replace(tzinfo=None) - EPOCH).total_seconds()),
        "source": f"{chip.collection}, {chip.pixel_m:g} m, {chip.sensor}",
        "shows": shown,
        "caption": chip.caption,
        "attribution": chip.attribution,
    }
