"""The manifest: what a publication was made from, and whether it still is up to date.

Light to import: the planning step reads it before anything expensive starts. It holds no clock
time, so the same inputs give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tasks.model import Site

NAME = "manifest.json"


def code_version() -> str:
    """Version of the installed distribution."""
    return version("roadstead")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a publication's manifest; empty if there is none or it is not readable JSON."""
    try:
        found = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def publications_in(folder: Path) -> list[Path]:
    """List the publications in a folder: the folder itself, or those in it; none that is half written."""
    return sorted(p.parent for p in (*folder.glob(NAME), *folder.glob(f"[!.]*/{NAME}")))


def state(snapshot: str, site: Site, measure_version: str, public: bool = False) -> dict[str, str]:
    """Everything that a publication's content follows from."""
    return {
        "edition": "public" if public else "full",
        "roadstead": code_version(),
        "measure_version": measure_version,
        "site_digest": site.digest,
        "site_said": site.said,
        "snapshot": snapshot,
    }


def is_current(folder: Path, expected: dict[str, str]) -> bool:
    """Whether a publication shows that state, with all its files in place."""
    manifest = read_manifest(folder)
    files = manifest.get("files", {})
    return (
        manifest.get("state") == expected and bool(files) and all((folder / name).is_file() for name in files)
    )


def damaged_files(folder: Path) -> tuple[int, dict[str, str]]:
    """Hold a publication's files against its manifest.

    Returns
    -------
    read
        Number of files read.
    damaged
        File name to the reason: missing, changed, or not in the manifest.
    """
    listed = read_manifest(folder).get("files", {})
    damaged = {} if listed else {NAME: "is not readable JSON, or lists no file"}
    present = {
        p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file() and p.name != NAME
    }
    for name, expected in listed.items():
        if name not in present:
            damaged[name] = "is missing"
        elif hashlib.sha256(present[name].read_bytes()).hexdigest() != expected["sha256"]:
            damaged[name] = "has another SHA-256 than the manifest says"
    damaged |= dict.fromkeys(sorted(set(present) - set(listed)), "is not in the manifest") if listed else {}
    return len(present), damaged


def write_manifest(folder: Path, content: dict[str, Any]) -> dict[str, Any]:
    """Write the manifest of a finished folder, with the size and SHA-256 of every other file."""
    files = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != NAME):
        data = path.read_bytes()
        files[path.relative_to(folder).as_posix()] = {
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
    manifest = content | {"files": files}
    text = json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / NAME).write_text(text + "\n", encoding="utf-8")
    return manifest
