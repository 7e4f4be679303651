"""``roadstead detect``: vessels in single images, without an archive."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from flows.terminal import EXIT_PARTLY, JsonOption, error_console, one_line_errors, out_console

LENGTH_CLASSES_M = (("under 50 m", 0, 50), ("50 to 100 m", 50, 100), ("100 to 200 m", 100, 200))
LONGEST_CLASS = "over 200 m"

LARGEST_SHOWN = 5
IMAGES_SHOWN = 20


@one_line_errors
def detect(
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE...",
            help="GeoTIFF, folder of GeoTIFFs, or STAC item: a path or URL. Files that differ only in the "
            "name of a band (blue.tif and nir.tif; x_VV.tif and x_VH.tif) are one image.",
        ),
    ],
    out: Annotated[
        str, typer.Option("--out", metavar="FILE", help="Where to: .geojson or .parquet (GeoParquet).")
    ] = "vessels.geojson",
    sensor: Annotated[
        str | None,
        typer.Option("--sensor", help="sentinel-1, sentinel-2 or optical; default: by the bands."),
    ] = None,
    units: Annotated[
        str,
        typer.Option("--units", help="auto, db, linear or reflectance; auto: by the file, else its numbers."),
    ] = "auto",
    bands: Annotated[
        str | None,
        typer.Option(
            "--bands", metavar="NAME,...", help="The file's bands in their order, - for one not used: vv,vh."
        ),
    ] = None,
    site: Annotated[
        str | None,
        typer.Option("--site", metavar="SITE", help="Look only on the water and at the berths of this port."),
    ] = None,
    picture: Annotated[
        str | None,
        typer.Option(
            "--picture", metavar="FILE.png|DIR", help="Draw what was found: one PNG, or a folder of them."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Find the vessels in images, without an archive.

    Bands are known by their descriptions (vv, vh; blue, green, red, nir, swir16), colours or the file's
    name; scale, offset and no-data are the file's. What has to be assumed is said and written down.
    Exit code 3 if some images could not be read; the others are done.

    Example: `roadstead detect s1_20231209.tif --out vessels.geojson --picture vessels.png`

    Example: `roadstead detect klang/ --sensor sentinel-2 --out klang.parquet`

    Example: `roadstead detect planet.tif --bands blue,green,red,nir --site najin`
    """
    from flows.progress import Reporter
    from tasks.detect import make_job, run
    from tasks.sites import load_site

    job = make_job(images, out, sensor, units, bands, load_site(site) if site else None, picture)
    reporter = Reporter(error_console)
    with reporter.running():
        advance, expect = reporter.stage("images")
        found = run(job, expect, advance)
    lengths = [row["length_m"] for row in found["rows"]]
    summary = {key: value for key, value in found.items() if key != "rows"} | {"lengths": by_class(lengths)}
    if as_json:
        print(json.dumps(summary, ensure_ascii=False, default=_plain))
    else:
        _print(found, summary["lengths"])
    if found["left_out"]:
        raise typer.Exit(EXIT_PARTLY)


def by_class(lengths_m: list[float]) -> dict[str, int]:
    """Count vessels by length."""
    counts = {name: sum(low <= v < high for v in lengths_m) for name, low, high in LENGTH_CLASSES_M}
    return counts | {LONGEST_CLASS: len(lengths_m) - sum(counts.values())}


def _print(found: Mapping[str, Any], lengths: Mapping[str, int]) -> None:
    _print_images(found["images"])
    for name, reason in found["left_out"].items():
        out_console.print(f"left out {name}: {reason}", style="yellow", markup=False, highlight=False)
    if any(image["simulated"] for image in found["images"]):
        out_console.print("simulated images: made by a program; nothing here happened", style="yellow")
    assumed = {text: None for image in found["images"] for text in image["assumed"]}
    for text in assumed:
        out_console.print(f"assumed: {text}", style="dim", markup=False, highlight=False)
    if found["rows"]:
        counted = ", ".join(f"{count} {name}" for name, count in lengths.items() if count)
        out_console.print(f"{found['vessels']} vessels: {counted}", markup=False, highlight=False)
        _print_largest(found["rows"], several=len(found["images"]) > 1)
    else:
        seen = any(image["vessels"] is not None for image in found["images"])
        out_console.print("no vessels" if seen else "nothing was seen: all is under cloud", highlight=False)
    out_console.print(f"written: {found['out']}", markup=False, highlight=False)
    for path in found.get("pictures", {}).values():
        out_console.print(f"picture: {path}", markup=False, highlight=False)


def _print_images(images: list[Mapping[str, Any]]) -> None:
    table = Table("image", "sensor", "taken (UTC)", "pixel", "searched", "seen", "vessels", box=None)
    for one in images[:IMAGES_SHOWN]:
        taken = f"{one['acquired']:%Y-%m-%d %H:%M}" if one["acquired"] else "?"
        table.add_row(
            Text(one["image"].rstrip("/").rsplit("/", 1)[-1], overflow="fold"),
            one["sensor"],
            taken,
            f"{one['pixel_m']:g} m",
            f"{one['searched_km2']:.1f} km²",
            "" if one["seen_share"] is None else f"{one['seen_share']:.0%}",
            "not seen" if one["vessels"] is None else str(one["vessels"]),
        )
    out_console.print(table)
    if (more := len(images) - IMAGES_SHOWN) > 0:
        out_console.print(f"and {more} more images; --json lists all", style="dim")


def _print_largest(rows: list[Mapping[str, Any]], *, several: bool) -> None:
    table = Table("longest", "width", "heading", "longitude", "latitude", "zone", box=None)
    if several:
        table.add_column("image")
    for row in sorted(rows, key=lambda r: -r["length_m"])[:LARGEST_SHOWN]:
        width = "?" if row["width_m"] is None else f"{row['width_m']:.0f} m"
        cells = [
            f"{row['length_m']:.0f} ± {row['length_sd_m']:.0f} m",
            width,
            f"{row['heading_deg']:.0f}°",
            f"{row['longitude']:.5f}",
            f"{row['latitude']:.5f}",
            row["zone_id"] or "",
        ]
        table.add_row(*cells, *([row["image"]] if several else []))
    out_console.print(table)


def _plain(value: Any) -> Any:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if hasattr(value, "strftime") else str(value)
