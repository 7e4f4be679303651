"""What the benchmark of ingest found: its rows, its figures beside their targets, its tables."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

OURS, RASTERIO = "ours", "rasterio, plain Zarr"
ODC = ("odc-stac, a file per chunk", "odc-stac, sharded")


@dataclass(frozen=True)
class Run:
    """One filling of one store, or a limit."""

    way: str
    wall_s: float
    cpu_s: float
    peak_mb: float = float("nan")
    requests_per_file: float = float("nan")
    heads_per_file: float = float("nan")
    bytes_ratio: float = float("nan")
    """Bytes moved over those of the tiles that the window meets."""

    in_flight: int = 0
    stored_mb: float = float("nan")
    pixels: str = ""
    """Checksum of what was stored, date by date."""


@dataclass(frozen=True)
class Figure:
    """One measured number and what it should be."""

    name: str
    value: float
    detail: str = ""
    target: str = ""
    good: bool = True

    @property
    def verdict(self) -> str:
        """``met`` or ``MISSED``; nothing where no target is set."""
        return ("met" if self.good else "MISSED") if self.target else ""


@dataclass(frozen=True)
class Minimum:
    """The least that has to be moved."""

    files: list[Path]
    """By date, then by band."""

    ranges: list[Any]
    size: int


def paired(runs: Sequence[Run], above: str, below: str) -> list[float]:
    """CPU of one way over that of another, a value for every round."""
    ways = [[run.cpu_s for run in runs if run.way == way] for way in (above, below)]
    return [a / b for a, b in zip(*ways, strict=True)]


def spread(values: Sequence[float]) -> str:
    """Least to greatest value, and how many."""
    return f"{min(values):.2f} to {max(values):.2f}, n = {len(values)}"


def judged(runs: Sequence[Run], minimum: Minimum) -> list[Figure]:
    """Figures of the fillings beside their targets."""
    mine = [run for run in runs if run.way == OURS]
    theirs = {way: statistics.median(r.cpu_s for r in runs if r.way == way) for way in ODC}
    best = min(theirs, key=lambda way: theirs[way])
    against_odc, against_rasterio = paired(runs, OURS, best), paired(runs, OURS, RASTERIO)
    ratio = statistics.median(against_odc)
    moved, requests = max(run.bytes_ratio for run in mine), max(run.requests_per_file for run in mine)
    pixels = {run.pixels for run in runs if run.pixels}
    return [
        Figure(f"CPU, ours over {best} (its best)", ratio, spread(against_odc), "<= 0.8", ratio <= 0.8),
        Figure("CPU, ours over rasterio", statistics.median(against_rasterio), spread(against_rasterio)),
        Figure("bytes moved over the least", moved, f"{minimum.size / 1e6:.0f} MB", "<= 1.05", moved <= 1.05),
        Figure("requests per file", requests, f"{len(minimum.files)} files", "<= 5", requests <= 5),
        Figure("different answers among all ways", len(pixels), "", "1", len(pixels) == 1),
    ]


HEADINGS = (
    "way",
    "wall s",
    "CPU s",
    "peak MB",
    "requests a file",
    "HEADs",
    "bytes over least",
    "in flight",
    "stored MB",
)


def as_row(run: Run) -> str:
    """One run as a line of the table."""
    numbers = (run.wall_s, run.cpu_s, run.peak_mb, run.requests_per_file, run.heads_per_file)
    cells = [f"{n:.2f}" if n == n else "" for n in numbers]
    more = [f"{n:.{digits}f}" if n == n else "" for n, digits in ((run.bytes_ratio, 3), (run.stored_mb, 1))]
    return "| " + " | ".join([run.way, *cells, more[0], str(run.in_flight or ""), more[1]]) + " |"


def as_markdown(runs: Sequence[Run], figures: Sequence[Figure]) -> str:
    """Write both tables."""
    lines = [" | ".join(("", *HEADINGS, "")).strip(), "| --- |" + " ---: |" * (len(HEADINGS) - 1)]
    lines += [as_row(run) for run in sorted(runs, key=lambda run: run.way)]
    lines += ["", "| figure | measured | | target | |", "| --- | ---: | --- | --- | --- |"]
    lines += [f"| {f.name} | {f.value:.3g} | {f.detail} | {f.target} | {f.verdict} |" for f in figures]
    return "\n".join(lines)


def report(runs: Sequence[Run], figures: Sequence[Figure], folder: Path) -> str:
    """Keep the tables, as Markdown and as JSON; returns the first."""
    folder.mkdir(parents=True, exist_ok=True)
    table = as_markdown(runs, figures)
    rows = {
        "runs": [asdict(r) for r in runs],
        "figures": [asdict(f) | {"verdict": f.verdict} for f in figures],
    }
    (folder / "ingest.md").write_text(f"{table}\n", encoding="utf-8")
    (folder / "ingest.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return table
