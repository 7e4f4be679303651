"""Whose images these are, and whether they may be shown to everybody.

Numbers measured from an image may be published; the image itself only if its licence lets it. Where nobody
says under which licence an image is, it is not shown in public: silence is no permission.
"""

from __future__ import annotations

import re

from tasks.model import Rights

SENTINEL = re.compile(r"sentinel-?[1236]|^S[1-3][A-D]_|OPERA_L2_(RTC|CSLC)-S1", re.IGNORECASE)
"""In the names of collections, scenes and satellites."""

OPEN = re.compile(
    r"CC0|CC-BY(-SA|-NC|-NC-SA)?(-\d.*)?$|PDDL|ODC-BY|ODBL|APACHE|MIT$|BSD|OGL|ETALAB|DL-DE|PUBLIC.DOMAIN",
    re.IGNORECASE,
)
"""Licences, by their SPDX identifiers, under which a cut may be shown; not those without derivatives."""

VAGUE = {"proprietary", "other", "various"}
"""What STAC has for licences without an identifier. Copernicus data are listed so, and are free and open;
what somebody else made of them may not be, and then says so."""

SIMULATED = "SIMULATED: made by a program; nothing here happened"

UNSTATED = "licence not stated"


def is_simulated(collection: str) -> bool:
    """Tell whether a collection holds images made by a program."""
    return "simulated" in collection


def credit_line(collection: str, scene_id: str, platform: str, rights: Rights, year: int) -> str:
    """Credit an image as its licence asks."""
    if is_simulated(collection):
        return SIMULATED
    if _of_sentinel(collection, scene_id, platform):
        return f"contains modified Copernicus Sentinel data {year}"
    named = rights.credit or collection
    return f"© {named}; {rights.licence or UNSTATED}"


def may_be_shown(collection: str, scene_id: str, platform: str, rights: Rights) -> bool:
    """Tell whether pictures of an image may be shown to everybody."""
    if is_simulated(collection):
        return True
    stated = {one.strip() for one in rights.licence.split(";")} - {""}
    if _of_sentinel(collection, scene_id, platform):
        stated -= VAGUE
        return all(OPEN.match(one) or SENTINEL.match(one) for one in stated)
    return bool(stated) and all(OPEN.match(one) for one in stated)


def _of_sentinel(collection: str, scene_id: str, platform: str) -> bool:
    return any(SENTINEL.search(name) for name in (collection, scene_id, platform))
