"""Publications as they stand: list them, and hold two of a site against each other.

Light to import: no orchestrator, no archive.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tasks.errors import InputError
from tasks.products.diff import Change, Edition, TableDiff, differences, largest
from tasks.products.manifest import publications_in, read_manifest

__all__ = ["Change", "TableDiff", "compare_publications", "largest", "publications_in"]


def compare_publications(before: Path, after: Path) -> tuple[list[str], list[TableDiff]]:
    """Say which numbers differ between two publications of a site, and why.

    Returns
    -------
    causes
        What of that which numbers follow from has changed.
    tables
        Tables that differ.

    Raises
    ------
    InputError
        If a folder holds no publication, or they are of two sites.
    """
    editions = [_read(folder) for folder in (before, after)]
    sites = [str(e.manifest.get("site")) for e in editions]
    if sites[0] != sites[1]:
        raise InputError(
            f"{before} is of site {sites[0]!r}, {after} of {sites[1]!r}; two of one site are needed"
        )
    return differences(*editions)


def _read(folder: Path) -> Edition:
    manifest = read_manifest(folder)
    if not manifest or not (folder / "looks.parquet").is_file():
        raise InputError(
            f"{folder} holds no publication (manifest.json, looks.parquet); its folder is needed"
        )
    tables = {}
    for path in sorted(folder.glob("*.parquet")):
        try:
            table = pd.read_parquet(path)
        except (OSError, ValueError) as fault:
            raise InputError(f"{path} cannot be read: {fault}") from fault
        tables[path.stem] = table.drop(columns=["geometry", "outline", "bbox"], errors="ignore")
    return Edition(manifest, tables)
