"""Pictures from the archive for what a publication says: few dates, few places, only the pixels needed.

Which looks are shown follows from the tables alone, and a picture from its scene alone; so the same inputs
give the same bytes, whatever was published before. The last publication only saves drawing them again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import geopandas as gpd
import pandas as pd
from shapely.geometry.base import BaseGeometry

from tasks.archive.ledger import Ledger
from tasks.drawing import draw
from tasks.grid import transformer
from tasks.model import Request
from tasks.products.cards import Claim, Sight, change_claims, settled, sights_of
from tasks.products.cards_ashore import fullest_day, turnover_claims
from tasks.products.cards_calls import stay_claims, voyage_claims
from tasks.products.chips import SITE, Chip, Earlier, Evidence
from tasks.products.dates import seen_scenes, site_dates
from tasks.products.tables import Tables, read_voyages
from tasks.science.series.turnover import DETECTION_M2


def gather_evidence(request: Request, ledger: Ledger, tables: Tables) -> Evidence:
    """Choose, draw or take over the pictures of a publication, and say what each is for."""
    if not len(tables.looks) or not ledger.scenes:
        return Evidence()
    scenes = seen_scenes(tables.looks)
    claims = _claims(request, tables, scenes)
    wanted = sights_of(claims) | _dates(scenes, claims)
    drawn = draw(request, ledger, wanted, tables.vessels, tables.stacks)
    made_of = {chip.name: digest for chip, digest in drawn.values()}
    made_of |= {chip.name: "" for claim in claims for chip in claim.elsewhere}
    chips = {chip.name: chip for claim in claims for chip in claim.elsewhere}
    chips |= {chip.name: chip for chip, _ in drawn.values()}
    ordered = sorted(chips.values(), key=lambda chip: (chip.acquired, chip.shows != SITE, chip.name))
    return Evidence(
        tuple(ordered),
        tuple(settled(claims, {sight: chip for sight, (chip, _) in drawn.items()})),
        tuple(made_of[chip.name] for chip in ordered),
    )


def pointed_to(vessels: gpd.GeoDataFrame, evidence: Evidence) -> gpd.GeoDataFrame:
    """Fill the column ``evidence``: the picture that shows a vessel, of its zone before the whole port's."""
    pictures = defaultdict(list)
    for chip in evidence.chips:
        if chip.data:
            pictures[chip.scene_id].append(chip)
    names = [
        _picture_of(row.geometry, str(row.zone_id), pictures.get(str(row.scene_id), ()))
        for row in vessels[["scene_id", "zone_id", "geometry"]].itertuples()
    ]
    return vessels.assign(evidence=pd.array(names, dtype="string"))


def _picture_of(point: BaseGeometry, zone_id: str, chips: Sequence[Chip]) -> str | None:
    for chip in sorted(chips, key=lambda c: (c.shows != zone_id, c.shows == SITE, c.name)):
        x, y = transformer(f"EPSG:{chip.epsg}").transform(point.x, point.y)
        if chip.west <= x <= chip.east and chip.south <= y <= chip.north:
            return chip.name
    return None


def _claims(request: Request, tables: Tables, scenes: pd.DataFrame) -> list[Claim]:
    site, looks = request.site, tables.looks
    claims = change_claims(site, tables.regimes, looks, scenes)
    claims += fullest_day(site, looks)
    claims += turnover_claims(site, looks, DETECTION_M2)
    claims += stay_claims(site, tables.stays, looks)
    voyages = read_voyages(Path(request.out) / site.site_id)
    if len(voyages):
        claims += voyage_claims(site, voyages, looks, _other_chips(request, voyages))
    return claims


def _other_chips(request: Request, voyages: pd.DataFrame) -> Iterator[Chip]:
    """Take the pictures of other ports that lie beside this publication."""
    for site_id in sorted({*voyages["origin"], *voyages["destination"]} - {request.site.site_id}):
        for chip in Earlier(Path(request.out) / str(site_id)).chips():
            if chip.public or not request.public:
                yield chip


def _dates(scenes: pd.DataFrame, claims: Sequence[Claim]) -> set[Sight]:
    """Choose the dates on which the whole port is shown: those of claims about it, the newest, and others."""
    needed = {sight.scene_id for sight in sights_of(claims) if sight.shows == SITE}
    needed |= set(scenes["scene_id"].tail(1))
    when = scenes.set_index("scene_id")["acquired"]
    changes = [when[s.scene_id] for c in claims if c.key.startswith("change-site") for s in c.sights]
    return {Sight(scene_id, SITE) for scene_id in site_dates(scenes, needed, changes)}
