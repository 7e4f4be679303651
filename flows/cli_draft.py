"""``roadstead sites new``: a draft of a site file around a place."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.terminal import JsonOption, one_line_errors, out_console
from tasks.errors import InputError

if TYPE_CHECKING:
    from tasks.sites.coastline import Coastline
    from tasks.sites.draft import Draft

AtOption = Annotated[
    str,
    typer.Option("--at", metavar="LON,LAT", help="Middle of the port: longitude, then latitude, degrees."),
]
RadiusOption = Annotated[float, typer.Option("--radius", metavar="KM", help="How far its waters reach.")]
NameOption = Annotated[str | None, typer.Option("--name", help="Name of the port; its id is made from it.")]
FileOption = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="File to write; default: the id, .geojson, here.")
]
CoastlineOption = Annotated[
    Path | None,
    typer.Option(
        "--coastline",
        metavar="FILE",
        help="GeoJSON of land polygons; default: OpenStreetMap's (extra `sites`).",
    ),
]

NEXT_STEPS = """\
Next, with the file over an image in any GIS program (QGIS, geojson.io):
  1. Delete berths that are no quays, move the others to theirs, and set length_m to the usable metres.
  2. Draw what a coastline does not show: container_yard (0.5 ha and more, one per block), rail_yard (one per
     bundle of tracks), structure (breakwaters and dolphins that stand in the water).
  3. Fit harbour and roads to the chart: the roads are a placeholder, their depth is not known.
  4. Give what you have looked at a confidence of medium or high.
Then: roadstead sites check {file}"""


@one_line_errors
def sites_new(
    at: AtOption,
    radius: RadiusOption = 3.0,
    name: NameOption = None,
    out: FileOption = None,
    coastline: CoastlineOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draft a site file around a place from a coastline: waters, berths at straight quays, known ground.

    Yards and tracks cannot be told from a coastline. An existing file is never overwritten.

    Example: `roadstead sites new --at 130.285,42.226 --name "My port"`
    """
    from tasks.sites.draft import box_around, draft_site

    lon, lat = parse_place("--at", at)
    title = name or f"Port at {lon:g}, {lat:g}"
    site_id = id_from(title)
    file = out or Path(f"{site_id}.geojson")
    if file.exists():
        raise InputError(f"{file} is there already and is not overwritten; name another with --out")
    coast = _coastline(coastline, box_around(lon, lat, radius), quiet=as_json)
    draft = draft_site(coast, lon, lat, radius, site_id, title)
    _write(file, draft)
    if as_json:
        counts = {"zones": draft.count, "quay_m": round(draft.quay_m)}
        print(json.dumps({"file": str(file), "id": site_id} | counts, ensure_ascii=False))
        return
    kinds = ", ".join(f"{number} {kind}" for kind, number in draft.count.items())
    out_console.print(f"{file}: {kinds}; {draft.quay_m:,.0f} m of quay", markup=False, highlight=False)
    out_console.print(coast.attribution, style="dim", markup=False, highlight=False)
    out_console.print(NEXT_STEPS.format(file=file), markup=False, highlight=False)


def parse_place(option: str, text: str) -> tuple[float, float]:
    """Read longitude and latitude from ``130.285,42.226``.

    Raises
    ------
    InputError
        If they are not two numbers of degrees; the message says when they look swapped.
    """
    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"{option} {text!r} is no place; write longitude,latitude in degrees: 130.285,42.226"
        ) from None
    if abs(lon) <= 180 and abs(lat) <= 90:
        return lon, lat
    if abs(lon) <= 90 and abs(lat) <= 180:
        raise InputError(
            f"{option} {text}: latitude {lat:g} is beyond 90; longitude comes first: {option} {lat:g},{lon:g}"
        )
    raise InputError(f"{option} {text}: longitude is -180 to 180 and latitude -90 to 90 degrees")


def id_from(title: str) -> str:
    """Make a site's id from its name: ``My port`` becomes ``my-port``.

    Raises
    ------
    InputError
        If nothing is left of it, or a bundled site has that id.
    """
    from tasks.sites import bundled_sites
    from tasks.sites.read import RESERVED_IDS

    plain = re.sub(r"[^a-z0-9.]+", "-", title.lower()).strip("-.")[:64]
    if not plain:
        raise InputError(f"--name {title!r} has no letter or digit of a to z, 0 to 9 for an id; add one")
    if plain in (*bundled_sites(), *RESERVED_IDS):
        raise InputError(
            f"--name {title!r} makes the id {plain!r}, which Roadstead uses itself; take another"
        )
    return plain


def _coastline(file: Path | None, box: tuple[float, float, float, float], quiet: bool) -> Coastline:
    from tasks.sites.coastline import openstreetmap_land, read_coastline

    if file is not None:
        return read_coastline(file, box)
    if not quiet:
        out_console.print("Reading OpenStreetMap's land polygons (20 s) …", style="dim")
    return openstreetmap_land(box)


def _write(file: Path, draft: Draft) -> None:
    # One zone a line: readable where it matters, and a change of one zone is a change of one line.
    zones = ",\n".join(json.dumps(feature, ensure_ascii=False) for feature in draft.collection["features"])
    head = json.dumps(draft.collection | {"features": []}, ensure_ascii=False)
    text = f"{head.removesuffix('[]}')}[\n{zones}\n]}}\n"
    try:
        with file.open("x", encoding="utf-8") as made:
            made.write(text)
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror or error}") from error
