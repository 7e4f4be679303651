"""Files of a publication as STAC assets, with size and checksum; and whether the files still keep to them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pystac

from tasks.products.columns import TABLES, meaning
from tasks.products.spreadsheets import GUIDE

COLLECTION = "collection.json"
ITEMS = "items"

SHA256 = "1220"
"""Multihash prefix: SHA2-256, of 32 bytes."""

MEDIA = {
    ".parquet": pystac.MediaType.VND_APACHE_PARQUET,
    ".csv": "text/csv",
    ".html": pystac.MediaType.HTML,
    ".json": pystac.MediaType.JSON,
    ".webp": "image/webp",
    ".png": pystac.MediaType.PNG,
}
ZARR = "application/vnd.zarr; version=3"


def table_assets(folder: Path, name: str) -> dict[str, pystac.Asset]:
    """Describe a table's files: one for programs, one for spreadsheets if there is one."""
    paths = [p for p in (folder / f"{name}.parquet", folder / f"{name}.csv") if p.is_file()]
    return {p.suffix[1:]: _asset(p, p.name, TABLES.get(name), "data") for p in paths}


def page_assets(folder: Path) -> dict[str, pystac.Asset]:
    """Describe what people open first."""
    listed = (
        ("index.html", "What was found, drawn", "overview"),
        (GUIDE, "What the columns mean", "metadata"),
    )
    return {
        name.partition(".")[0]: _asset(folder / name, title, None, role)
        for name, title, role in listed
        if (folder / name).is_file()
    }


def cube_assets(folder: Path) -> dict[str, pystac.Asset]:
    """Describe the Zarr: a folder, for which no checksum is defined; its one table of contents has one."""
    cube = folder / "series.zarr"
    about = "Looks and periods by zone as arrays; a folder, its files' hashes are in manifest.json."
    extra = {
        "file:size": sum(p.stat().st_size for p in cube.rglob("*") if p.is_file()),
        "xarray:open_kwargs": {"engine": "zarr", "consolidated": True},
    }
    contents = cube / "zarr.json"
    return {
        "zarr": pystac.Asset("../series.zarr", "series.zarr", about, ZARR, ["data"], extra),
        "contents": pystac.Asset(
            "../series.zarr/zarr.json", "names, types and attributes", None, pystac.MediaType.JSON,
            ["metadata"], _fields(contents),
        ),
    }  # fmt: skip


def evidence_assets(folder: Path) -> dict[str, pystac.Asset]:
    """Describe the pictures, with what ``evidence.json`` says of each."""
    home = folder / "evidence"
    captions = dict(_captions(home / "evidence.json"))
    return {
        path.name: pystac.Asset(
            f"../evidence/{path.name}",
            captions.get(path.name, {}).get("caption") or path.name,
            None,
            MEDIA[path.suffix],
            ["metadata" if path.suffix == ".json" else "visual"],
            _fields(path) | _picture(captions.get(path.name, {})),
        )
        for path in sorted(p for p in home.iterdir() if p.suffix in MEDIA)
    }


def _captions(listing: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    if listing.is_file():
        for chip in json.loads(listing.read_text(encoding="utf-8")).get("chips", []):
            yield str(chip["name"]), chip


def _picture(chip: Mapping[str, Any]) -> dict[str, Any]:
    """Take from a picture's entry in evidence.json what a catalogue can say of it."""
    if not chip:
        return {}
    said = {"gsd": chip.get("pixel_m"), "attribution": chip.get("attribution")}
    return {k: v for k, v in said.items() if v} | {"roadstead:scene_id": chip.get("scene_id")}


def _fields(path: Path) -> dict[str, Any]:
    return {"file:size": path.stat().st_size, "file:checksum": _checksum(path)}


def _asset(path: Path, title: str, about: str | None, role: str) -> pystac.Asset:
    return pystac.Asset(f"../{path.name}", title, about, MEDIA[path.suffix], [role], _fields(path))


def table_fields(path: Path) -> dict[str, Any]:
    """Read a table's columns, with their meaning, and its length, as the table extension has them."""
    schema = pq.read_schema(path)
    columns = [
        {"name": f.name, "type": str(f.type)}
        | ({"description": said} if (said := meaning(path.stem, f.name)) else {})
        for f in schema
    ]
    extra = {"table:columns": columns, "table:row_count": pq.read_metadata(path).num_rows}
    return extra | ({"table:primary_geometry": "geometry"} if b"geo" in (schema.metadata or {}) else {})


def _checksum(path: Path) -> str:
    return SHA256 + hashlib.sha256(path.read_bytes()).hexdigest()


def damaged_assets(folder: Path) -> dict[str, str]:
    """Hold the files of a publication against the checksums in its STAC items.

    Returns
    -------
    dict
        File name to the reason; empty also where a publication has no STAC.
    """
    if not (folder / COLLECTION).is_file():
        return {}
    damaged: dict[str, str] = {}
    for path in sorted((folder / ITEMS).glob("*.json")):
        name = path.relative_to(folder).as_posix()
        try:
            assets = json.loads(path.read_text(encoding="utf-8"))["assets"].values()
            for asset in assets:
                damaged |= _damage(folder, path.parent / asset["href"], asset)
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            damaged[name] = f"is no STAC item: {fault}"
    return damaged


def _damage(folder: Path, path: Path, asset: Mapping[str, Any]) -> dict[str, str]:
    home, target = folder.resolve(), path.resolve()
    if home not in target.parents:
        return {asset["href"]: "leads out of the publication"}
    name = target.relative_to(home).as_posix()
    if not target.exists():
        return {name: "is missing"}
    expected = asset.get("file:checksum")
    if expected is not None and expected != _checksum(target):
        return {name: "has another checksum than its STAC item says"}
    return {}
