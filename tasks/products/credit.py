"""Whom a publication owes its images, as their licences ask for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

SENTINEL = re.compile(r"^S[12][A-D]_|sentinel-[12]", re.IGNORECASE)
"""In a scene's id or its collection's name."""


def credit(inputs: Iterable[Mapping[str, Any]], simulated: bool) -> str:
    """Name the owners of input images; empty where none of them asks for it.

    Parameters
    ----------
    inputs
        ``inputs`` of a manifest: with ``scene_id``, ``collection`` and ``acquired`` as ISO text.
    simulated
        Simulated images are nobody's.
    """
    if simulated:
        return ""
    named = [i for i in inputs if SENTINEL.search(i["scene_id"]) or SENTINEL.search(i["collection"])]
    years = sorted({str(i["acquired"])[:4] for i in named})
    if not years:
        return ""
    period = years[0] if len(years) == 1 else f"{years[0]}–{years[-1]}"
    return f"Contains modified Copernicus Sentinel data {period}."
