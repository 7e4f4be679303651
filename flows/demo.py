"""What the demo runs on: simulated radar images of Najin, made once and kept."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from rich.console import Console

START, END = date(2023, 5, 1), date(2023, 12, 31)


def simulated_catalog(folder: Path, console: Console) -> Path:
    """Make the simulated scene set, or reuse it; returns its collection file."""
    from flows.progress import Reporter
    from tasks.simulate.roads import simulate_roads
    from tasks.sites import load_site

    console.print(f"simulated images of Najin, {START} to {END}: {folder}", markup=False, highlight=False)
    reporter = Reporter(console)
    with reporter.running():
        advance, expect = reporter.stage("simulate")
        expect((END - START).days // 6 + 1)
        return simulate_roads(load_site("najin"), folder, start=START, end=END, advance=advance)
