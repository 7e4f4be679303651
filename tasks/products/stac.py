"""A publication as a STAC collection: what each file is, its checksum, its columns, and what it is made from.

``collection.json`` and its items stand for every file but the manifest, which lists them in turn. Static,
with relative links: the folder can be moved, or its collection linked into a catalogue. No clock time is
written, so the same content gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pystac
import shapely

from tasks.model import Site
from tasks.products.credit import credit
from tasks.products.stac_assets import (
    COLLECTION,
    ITEMS,
    cube_assets,
    evidence_assets,
    page_assets,
    table_assets,
    table_fields,
)

FILE = "https://stac-extensions.github.io/file/v2.1.0/schema.json"
TABLE = "https://stac-extensions.github.io/table/v1.2.0/schema.json"
PROCESSING = "https://stac-extensions.github.io/processing/v1.2.0/schema.json"


@dataclass(frozen=True)
class Place:
    """What STAC says of a site."""

    site_id: str
    title: str
    attribution: str
    bbox: tuple[float, float, float, float]
    """West, south, east, north of the zones, EPSG:4326."""


def place_of(site: Site) -> Place:
    """Take from a site what STAC says of it."""
    west, south, east, north = shapely.total_bounds([z.geometry for z in site.measured_zones])
    bbox = (round(float(west), 7), round(float(south), 7), round(float(east), 7), round(float(north), 7))
    return Place(site.site_id, site.title, site.attribution, bbox)


def read_place(folder: Path) -> Place:
    """Read it back from a publication, for a table that is added to it later."""
    collection = json.loads((folder / COLLECTION).read_text(encoding="utf-8"))
    said = collection["roadstead:site"]
    west, south, east, north = collection["extent"]["spatial"]["bbox"][0]
    return Place(said["id"], said["title"], said["attribution"], (west, south, east, north))


def write_stac(folder: Path, place: Place, manifest: Mapping[str, Any]) -> None:
    """Describe the finished files of a publication; before the manifest is written.

    Parameters
    ----------
    folder
        Holds the files.
    place
        What the publication is of: `place_of` a site, or `read_place`.
    manifest
        What the publication was made from: ``inputs``, ``simulated``, ``roadstead``, ``state``.
    """
    about = _About(place, manifest)
    items = [
        about.item(path.stem, f"Table {path.stem}", table_assets(folder, path.stem), table_fields(path))
        for path in sorted(folder.glob("*.parquet"))
    ]
    items.append(about.item("series", "Series as arrays", cube_assets(folder)))
    items.append(about.item("page", "The page, to read first", page_assets(folder)))
    if (folder / "evidence").is_dir():
        items.append(about.item("evidence", "Pictures that back the claims", evidence_assets(folder)))
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


class _About:
    """What all parts of one publication's STAC share."""

    def __init__(self, place: Place, manifest: Mapping[str, Any]) -> None:
        self.place, self.manifest = place, manifest
        self.simulated = bool(manifest.get("simulated"))
        self.inputs = list(manifest["inputs"])
        times = sorted(datetime.fromisoformat(i["acquired"]) for i in self.inputs)
        self.first, self.last = times[0].astimezone(UTC), times[-1].astimezone(UTC)
        self.collection_id = f"roadstead-{place.site_id}"
        zones = f"Zones: {place.attribution}." if place.attribution else ""
        self.attribution = " ".join(filter(None, [credit(self.inputs, self.simulated), zones]))

    @property
    def title(self) -> str:
        """Of the collection; says so if the images are simulated."""
        return f"Port utilisation of {self.place.title}" + (" (simulated images)" if self.simulated else "")

    def item(
        self,
        name: str,
        title: str,
        assets: Mapping[str, pystac.Asset],
        more: Mapping[str, Any] | None = None,
    ) -> pystac.Item:
        """Describe some of the files; every item tells what made it."""
        extensions = [FILE, PROCESSING, *([TABLE] if more else [])]
        item = pystac.Item(
            id=f"{self.collection_id}-{name}",
            geometry=shapely.geometry.mapping(shapely.box(*self.place.bbox)),
            bbox=list(self.place.bbox),
            datetime=None,
            start_datetime=self.first,
            end_datetime=self.last,
            properties={"title": f"{title}: {self.title}"} | self._provenance() | dict(more or {}),
            stac_extensions=extensions,
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
                pystac.SpatialExtent([list(self.place.bbox)]),
                pystac.TemporalExtent([[self.first, self.last]]),
            ),
            title=self.title,
            license="other",
            keywords=["port", "utilisation", *(["simulated"] if self.simulated else [])],
            providers=[pystac.Provider("Roadstead", roles=[pystac.ProviderRole.PROCESSOR])],
            extra_fields={
                "attribution": self.attribution,
                "roadstead:site": {
                    "id": self.place.site_id,
                    "title": self.place.title,
                    "attribution": self.place.attribution,
                },
                "roadstead:simulated": self.simulated,
                "roadstead:inputs": self._scenes(),
            },
        )
        collection.add_link(pystac.Link("root", f"./{COLLECTION}", pystac.MediaType.JSON, self.title))
        collection.add_link(pystac.Link("describedby", "./index.html", pystac.MediaType.HTML, "the page"))
        collection.add_link(
            pystac.Link("describedby", "./manifest.json", pystac.MediaType.JSON, "versions and hashes")
        )
        return collection

    def _scenes(self) -> dict[str, list[str]]:
        """Ids of the input scenes by collection."""
        scenes: dict[str, list[str]] = {}
        for one in self.inputs:
            scenes.setdefault(one["collection"], []).append(one["scene_id"])
        return {name: sorted(ids) for name, ids in sorted(scenes.items())}

    def _provenance(self) -> dict[str, Any]:
        collections = ", ".join(self._scenes())
        return {
            "attribution": self.attribution,
            "processing:software": {"roadstead": self.manifest["roadstead"]},
            "processing:lineage": f"Measured from {len(self.inputs)} scenes of {collections}; their ids "
            "are in the collection, recipes and what was left out in manifest.json.",
            "roadstead:simulated": self.simulated,
            "roadstead:measure_version": self.manifest["state"]["measure_version"],
            "roadstead:archive_snapshot": self.manifest["state"]["snapshot"],
        }


def _write(path: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
