"""What can be wrong with a site file, as a value: the loader joins them, the command line lists them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]

ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Ids of sites and zones become names of folders, files and arrays, so they stay this plain."""

ID_RULE = "1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or digit"


@dataclass(frozen=True)
class Problem:
    """One rule that a site file breaks."""

    zone_id: str
    """The zone at fault; empty when it has no usable id or the whole file is meant."""

    where: str
    """Place in the file and, where there is one, on the ground."""

    message: str
    """The value found and what would be right."""

    severity: Severity = "error"
    """An error keeps the site from loading, a warning is only logged."""

    def __str__(self) -> str:
        subject = f"zone {self.zone_id}, {self.where}" if self.zone_id else self.where
        return f"{subject}: {self.message}"
