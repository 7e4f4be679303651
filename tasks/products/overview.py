"""One page over many sites: where they are, how each has fared, and which is active now.

Written at the root of the publications from their own tables and manifests alone, so it can be made again
by whoever has the folder. A publication that cannot be read is listed as such and spoils nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from tasks.products.detections import write_whole
from tasks.products.document import document
from tasks.products.headline import Regime, names, read_regimes, within
from tasks.products.overview_map import Spot, overview_map
from tasks.products.site_months import SiteMonth, Told, read_site_months
from tasks.products.svg import bars, hatch, paper, tag, tenths
from tasks.products.wording import month_name, probability

log = logging.getLogger(__name__)

SPARK_PX = (180, 36)

NOT_TOLD = "not told"


@dataclass(frozen=True)
class Port:
    """What one publication says of its site in a line."""

    site_id: str
    title: str
    centre: tuple[float, float] | None
    """Longitude, latitude."""

    spells: list[Regime]
    months: list[SiteMonth]
    first: datetime | None
    last: datetime | None
    scenes: int
    simulated: bool
    broken: bool = False

    @property
    def state(self) -> str:
        """What it is now."""
        if self.broken:
            return "cannot be read"
        if not self.spells:
            return NOT_TOLD
        return names(self.spells)[-1] if all(s.established for s in self.spells) else "no change established"

    @property
    def since(self) -> str:
        """When that began, with its interval."""
        told = len(self.spells) > 1 and self.state in names(self.spells)
        return within(self.spells[-1]) if told else ""

    @property
    def began(self) -> float | str:
        """The same in seconds, to sort by."""
        return (self.spells[-1].start - datetime(1970, 1, 1)).total_seconds() if self.since else ""

    @property
    def sure(self) -> str:
        """How firmly it stands."""
        if not self.spells:
            return ""
        return f"{self.spells[-1].status}, {probability(self.spells[-1].probability)}"

    @property
    def newest(self) -> tuple[SiteMonth, Told] | None:
        """The newest month that told of the quay."""
        told = [(m, m.parts["occupancy"]) for m in self.months if m.parts["occupancy"].mean is not None]
        return told[-1] if told else None


def write_overview(out: Path) -> Path:
    """Write the overview of all publications in a folder, whole or not at all; same inputs, same bytes."""
    ports = [read_port(path.parent) for path in sorted(out.glob("[!.]*/manifest.json"))]
    path = out / "index.html"
    write_whole(path, render_overview(ports).encode())
    return path


def read_port(folder: Path) -> Port:
    """Read what a publication says of its site."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        regimes = pd.read_parquet(folder / "regimes.parquet")
        utilisation = pd.read_parquet(folder / "utilisation.parquet")
        return _port(folder.name, manifest, regimes, utilisation)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        log.warning("%s cannot be read for the overview: %s", folder, fault)
        return Port(folder.name, folder.name, None, [], [], None, None, 0, False, broken=True)


def _port(site_id: str, manifest: dict[str, Any], regimes: pd.DataFrame, utilisation: pd.DataFrame) -> Port:
    inputs = manifest.get("inputs", [])
    times = sorted(pd.Timestamp(item["acquired"]).tz_localize(None).to_pydatetime() for item in inputs)
    centre = manifest.get("centre")
    return Port(
        site_id=site_id,
        title=str(manifest.get("title") or site_id),
        centre=(float(centre[0]), float(centre[1])) if centre else None,
        spells=read_regimes(regimes),
        months=read_site_months(utilisation),
        first=times[0] if times else None,
        last=times[-1] if times else None,
        scenes=len(inputs),
        simulated=bool(manifest.get("simulated")),
    )


def render_overview(ports: Sequence[Port]) -> str:
    """Write the page over all sites."""
    months = sorted({month.start for port in ports for month in port.months})
    rows = []
    for number, port in enumerate(ports, 1):
        newest = port.newest
        rows.append(
            {
                "number": number,
                "port": port,
                "spark": Markup(_spark(port, months, f"spark-{number}")) if port.newest else "",
                "newest": f"{newest[1].mean:.0f} % in {month_name(newest[0].start)}" if newest else NOT_TOLD,
                "share": newest[1].mean if newest else "",
                "bounds": f"{newest[1].low:.0f}–{newest[1].high:.0f}"
                if newest and newest[1].low is not None and newest[1].high is not None
                else "",
            }
        )
    drawn = _map(ports)
    made = [port.simulated for port in ports]
    context = {"rows": rows, "map": Markup(drawn), "simulated": any(made), "all_simulated": all(made)}
    return document("overview.html.j2", context)


def _spark(port: Port, months: Sequence[datetime], key: str) -> str:
    """Draw the share of the quay taken by month; months without a value are hatched."""
    width, height = SPARK_PX
    step = width / len(months)
    known = {month.start: month.parts["occupancy"] for month in port.months}
    top = max((told.high or told.mean or 0.0) for told in known.values()) or 1.0
    bands, line, gap = [], [], []
    for k, start in enumerate(months):
        told, x = known.get(start), k * step
        if told is None or told.mean is None:
            gap.append((x, 0.0, step, float(height)))
            continue
        y, y0, y1 = (height * (1 - (v or 0.0) / top) for v in (told.mean, told.high, told.low))
        if told.low is not None and told.high is not None:
            bands.append((x, y0, step, max(0.5, y1 - y0)))
        line.append(f"M{tenths(x)} {tenths(min(y, height - 1.0))}h{tenths(step)}")
    body = [hatch(key)] + [tag("path", class_="interval", d=bars(bands))] * bool(bands)
    body += [tag("path", class_="mean", d="".join(line))]
    body += [tag("path", class_="gap", fill=f"url(#{key}-hatch)", d=bars(gap))] * bool(gap)
    text = f"Up to {top:.0f} %, from {month_name(months[0])} to {month_name(months[-1])}; hatched: no value."
    return paper(width, height, key, f"{port.title}: share of the quay taken, by month", text, body)


def _map(ports: Sequence[Port]) -> str:
    spots = [
        Spot(
            f"{number} {port.title}",
            f"{port.title}: {port.state}",
            *port.centre,
            active=port.state in ("active", "busier", "quieter"),
        )
        for number, port in enumerate(ports, 1)
        if port.centre
    ]  # the links are in the table
    return overview_map(spots) if spots else ""
