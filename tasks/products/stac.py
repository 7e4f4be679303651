"""A publication as a STAC collection: what each file is, its checksum, its columns, and what it is made from.

``collection.json`` and its items stand for every file but the manifest, which lists them in turn. Static,
with relative links: the folder can be moved, or its collection linked into a catalogue. No clock time is
written, so the same content gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pystac
import shapely

from tasks.model import Site
from tasks.products.columns import TABLES, meaning
from tasks.products.credit import credit

COLLECTION = "collection.json"
ITEMS = "items"

FILE = "https://stac-extensions.github.io/file/v2.1.0/schema.json"
TABLE = "https://stac-extensions.github.io/table/v1.2.0/schema.json"
PROCESSING = "https://stac-extensions.github.io/processing/v1.2.0/schema.json"

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
GEOGRAPHIC = ("vessels", "stacks")


def write_stac(folder: Path, site: Site, manifest: Mapping[str, Any]) -> None:
    """Describe the finished files of a publication; before the manifest is written.

    Parameters
    ----------
    folder
        Holds the files.
    site
        Its zones give the extent.
    manifest
        What the publication was made from: ``inputs``, ``simulated``, ``roadstead``, ``state``.
    """
    about = _About(site, manifest)
    items = [about.item("series", "Series and tables", _series_assets(folder))]
    if (folder / "evidence").is_dir():
        items.append(about.item("evidence", "Pictures that back the claims", _evidence_assets(folder)))
    (folder / ITEMS).mkdir(exist_ok=True)
    for item in items:
        _write(folder / ITEMS / f"{item.id}.json", item.to_dict(transform_hrefs=False))
    collection = about.collection()
    for item in items:
        link = pystac.Link(
            "item", f"./{ITEMS}/{item.id}.json", pystac.MediaType.GEOJSON, item.properties["title"]
        )
        collection.add_link(link)
    _write(folder / COLLECTION, collection.to_dict(transform_hrefs=False))


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


class _About:
    """What all parts of one publication's STAC share."""

    def __init__(self, site: Site, manifest: Mapping[str, Any]) -> None:
        self.site, self.manifest = site, manifest
        self.simulated = bool(manifest.get("simulated"))
        self.inputs = list(manifest["inputs"])
        times = sorted(datetime.fromisoformat(i["acquired"]) for i in self.inputs)
        self.first, self.last = times[0].astimezone(UTC), times[-1].astimezone(UTC)
        bounds = shapely.total_bounds([z.geometry for z in site.measured_zones])
        self.bbox = [round(float(v), 7) for v in bounds]
        self.collection_id = f"roadstead-{site.site_id}"
        zones = f"Zones: {site.attribution}." if site.attribution else ""
        self.attribution = " ".join(filter(None, [credit(self.inputs, self.simulated), zones]))

    @property
    def title(self) -> str:
        """Of the collection; says so if the images are simulated."""
        return f"Port utilisation of {self.site.title}" + (" (simulated images)" if self.simulated else "")

    def item(self, name: str, title: str, assets: Mapping[str, pystac.Asset]) -> pystac.Item:
        """Describe some of the files; every item tells where all of it comes from."""
        item = pystac.Item(
            id=f"{self.collection_id}-{name}",
            geometry=shapely.geometry.mapping(shapely.box(*self.bbox)),
            bbox=self.bbox,
            datetime=None,
            start_datetime=self.first,
            end_datetime=self.last,
            properties={"title": f"{title}: {self.title}"} | self._provenance(),
            stac_extensions=[FILE, TABLE, PROCESSING],
            collection=self.collection_id,
            assets=dict(assets),
        )
        for rel in ("root", "parent", "collection"):
            item.add_link(pystac.Link(rel, f"../{COLLECTION}", pystac.MediaType.JSON, self.title))
        catalog = str(self.manifest.get("catalog", ""))
        if catalog.startswith("https://"):
            item.add_link(pystac.Link("derived_from", catalog, pystac.MediaType.JSON, "where the images are"))
        return item

    def collection(self) -> pystac.Collection:
        """Describe the publication as a whole."""
        collection = pystac.Collection(
            id=self.collection_id,
            description=f'{self.title}, told from {len(self.inputs)} satellite images. Null is "could not be '
            'told", never 0. Read index.html first; columns.csv says what every column means.',
            extent=pystac.Extent(
                pystac.SpatialExtent([[float(v) for v in self.bbox]]),
                pystac.TemporalExtent([[self.first, self.last]]),
            ),
            title=self.title,
            license="other",
            keywords=["port", "utilisation", *(["simulated"] if self.simulated else [])],
            providers=[pystac.Provider("Roadstead", roles=[pystac.ProviderRole.PROCESSOR])],
            extra_fields={"attribution": self.attribution, "roadstead:simulated": self.simulated},
        )
        collection.add_link(pystac.Link("root", f"./{COLLECTION}", pystac.MediaType.JSON, self.title))
        collection.add_link(pystac.Link("describedby", "./index.html", pystac.MediaType.HTML, "the page"))
        collection.add_link(
            pystac.Link("describedby", "./manifest.json", pystac.MediaType.JSON, "versions and hashes")
        )
        return collection

    def _provenance(self) -> dict[str, Any]:
        scenes: dict[str, list[str]] = {}
        for one in self.inputs:
            scenes.setdefault(one["collection"], []).append(one["scene_id"])
        return {
            "attribution": self.attribution,
            "processing:software": {"roadstead": self.manifest["roadstead"]},
            "processing:lineage": f"Measured from {len(self.inputs)} scenes of {', '.join(sorted(scenes))}; "
            "recipes, rejected and superseded scenes are in manifest.json.",
            "roadstead:simulated": self.simulated,
            "roadstead:measure_version": self.manifest["state"]["measure_version"],
            "roadstead:archive_snapshot": self.manifest["state"]["snapshot"],
            "roadstead:inputs": {name: sorted(ids) for name, ids in sorted(scenes.items())},
        }


def _series_assets(folder: Path) -> dict[str, pystac.Asset]:
    assets = {}
    for path in sorted(p for p in folder.iterdir() if p.is_file() and p.suffix in MEDIA):
        extra = _fields(path) | (_columns(path) if path.suffix == ".parquet" else {})
        role = "overview" if path.suffix == ".html" else "metadata" if path.stem == "columns" else "data"
        title = "The page: what was found, drawn" if path.name == "index.html" else path.name
        assets[path.name.replace(".", "-")] = pystac.Asset(
            f"../{path.name}", title, TABLES.get(path.stem), MEDIA[path.suffix], [role], extra
        )
    cube = folder / "series.zarr"
    if cube.is_dir():
        size = sum(p.stat().st_size for p in cube.rglob("*") if p.is_file())
        about = "Looks and periods by zone as arrays; a folder, its files' hashes are in manifest.json."
        extra = {"file:size": size, "xarray:open_kwargs": {"engine": "zarr", "consolidated": True}}
        assets["series-zarr"] = pystac.Asset(
            "../series.zarr", "series.zarr", about, "application/vnd.zarr; version=3", ["data"], extra
        )
    return assets


def _evidence_assets(folder: Path) -> dict[str, pystac.Asset]:
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


def _columns(path: Path) -> dict[str, Any]:
    schema = pq.read_schema(path)
    columns = [
        {
            "name": f.name,
            "type": str(f.type),
            **({"description": said} if (said := meaning(path.stem, f.name)) else {}),
        }
        for f in schema
    ]
    extra = {"table:columns": columns, "table:row_count": pq.read_metadata(path).num_rows}
    return extra | ({"table:primary_geometry": "geometry"} if path.stem in GEOGRAPHIC else {})


def _checksum(path: Path) -> str:
    return SHA256 + hashlib.sha256(path.read_bytes()).hexdigest()


def _write(path: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
