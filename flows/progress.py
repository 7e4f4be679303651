"""Progress of long work: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Task as Bar
from rich.text import Text

log = logging.getLogger("roadstead")

LINE_EVERY_S = 10.0
"""Between two lines of one stage in a log."""


class RateColumn(TaskProgressColumn):
    """Work done per second."""

    def render(self, task: Bar) -> Text:
        """Show the rate once there is one."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f}/s" if speed else "", style="progress.data.speed")


class Reporter:
    """Stages of one run; `stage` gives a function that moves the current one on."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars: Progress | None = None
        if console.is_terminal:
            self._bars = Progress(
                TextColumn("{task.description:<22}"),
                BarColumn(bar_width=28),
                MofNCompleteColumn(),
                RateColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=console,
            )

    @contextmanager
    def running(self) -> Iterator[Reporter]:
        """Show the bars while the block runs."""
        if self._bars is None:
            yield self
            return
        with self._bars:
            yield self

    def stage(self, name: str, total: int = 0) -> tuple[Callable[[int], None], Callable[[int], None]]:
        """Begin a stage.

        Returns
        -------
        advance, expect
            Functions that add finished work, and work to be expected.
        """
        if self._bars is not None:
            bars, bar = self._bars, self._bars.add_task(name, total=total)
            counts = {"total": total}

            def expect(n: int) -> None:
                counts["total"] += n
                bars.update(bar, total=counts["total"])

            return lambda n: bars.advance(bar, n), expect
        line = _Lines(name, total)
        return line.advance, line.expect


class _Lines:
    """One stage as log lines: at most one every few seconds, and one at the end."""

    def __init__(self, name: str, total: int) -> None:
        self.name, self.total, self.done = name, total, 0
        self.start = self.last = time.monotonic()

    def expect(self, n: int) -> None:
        self.total += n

    def advance(self, n: int) -> None:
        self.done += n
        now = time.monotonic()
        if self.done < self.total and now - self.last < LINE_EVERY_S:
            return
        self.last = now
        rate = self.done / max(now - self.start, 1e-9)
        left = (self.total - self.done) / rate if rate else 0.0
        log.info("%s: %d/%d, %.1f/s, %.0f s left", self.name, self.done, self.total, rate, left)
