"""What a piece of work costs a process and its children: time, CPU and memory.

CPU is what to compare on a machine that others use too. The meter's own share is taken off.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from tests.benchmarks.bench_foundation import tree_mb

EVERY_S = 0.25
"""Time between two looks at the memory; each costs a few milliseconds of CPU."""


@dataclass
class Cost:
    """Filled when the work is done."""

    wall_s: float = float("nan")
    cpu_s: float = float("nan")

    peak_mb: float = 0.0
    """Greatest sum of the proportional set sizes of all processes."""


@contextmanager
def metered(without: Sequence[int] = (), *, memory: bool = True) -> Iterator[Cost]:
    """Measure what is done inside.

    Parameters
    ----------
    without
        Processes among our children that are not part of the work, such as a server.
    memory
        Look at the memory too. For work of milliseconds it is better left alone.
    """
    cost, done, own_s = Cost(), threading.Event(), [0.0]

    def watch() -> None:
        others = [psutil.Process(pid) for pid in without]
        while True:
            cost.peak_mb = max(
                cost.peak_mb, tree_mb(psutil.Process()) - sum(tree_mb(other) for other in others)
            )
            own_s[0] = time.thread_time()
            if done.wait(EVERY_S):
                return

    watcher = threading.Thread(target=watch)
    before, began = cpu_s(without), time.perf_counter()
    if memory:
        watcher.start()
    try:
        yield cost
    finally:
        cost.wall_s = time.perf_counter() - began
        done.set()
        if memory:
            watcher.join()
        cost.cpu_s = cpu_s(without) - before - own_s[0]


def cpu_s(without: Sequence[int] = ()) -> float:
    """CPU seconds that this process and its living children have used so far."""
    total = time.process_time()
    for child in psutil.Process().children(recursive=True):
        if child.pid in without:
            continue
        try:
            used = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += used.user + used.system
    return total
