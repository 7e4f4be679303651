"""Which workers: one answer for every flow, closed whatever happens.

A plain Dask client opened by the flow and used as a standard executor. Prefect's Dask runner costs
112–226 ms a task here and reruns finished tasks when a worker dies; a future of our own costs 2 ms.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

from tasks.errors import InputError

LOCAL_PAYS_MPX = 400.0
"""Megapixels from which ``auto`` starts a local cluster; see infra/decisions/0002-executor.md."""

WORKER_MALLOC = {"MALLOC_TRIM_THRESHOLD_": str(256 << 20), "MALLOC_MMAP_THRESHOLD_": str(128 << 20)}
"""Dask's default trim threshold of 64 kB also stops glibc from keeping large blocks, so every array
of a detector is mapped and faulted anew: 4.7 looks a second instead of 13.6."""


LESS_WATCHING = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "200ms",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.worker.memory.monitor-interval": "1s",
}
"""Nobody looks at the profiles of a cluster that lives for one run: idle, its defaults take a tenth of a core
with two workers, these a fiftieth."""


def choose(cluster: str, megapixels: float) -> str:
    """Decide what ``auto`` means for a run of this size.

    Raises
    ------
    InputError
        If `cluster` is none of auto, none, local or an address.

    Examples
    --------
    >>> choose("auto", 3.0), choose("auto", 5000.0), choose("tcp://10.0.0.5:8786", 3.0)
    ('none', 'local', 'tcp://10.0.0.5:8786')
    """
    if cluster == "auto":
        return "local" if megapixels >= LOCAL_PAYS_MPX else "none"
    if cluster in ("none", "local") or "://" in cluster:
        return cluster
    raise InputError(f"--cluster {cluster!r} is not auto, none, local or an address such as tcp://host:8786")


SCHEDULER_ANSWERS_S = 30
"""How long a scheduler that was named may take to answer."""


@contextmanager
def workers(cluster: str, megapixels: float) -> Iterator[Executor]:
    """Open the workers of one run: threads, a local cluster or the one at an address."""
    kind = choose(cluster, megapixels)
    cores = os.cpu_count() or 1
    if kind == "none":
        with ThreadPoolExecutor(cores) as pool:
            yield pool
        return
    import dask
    from distributed import Client, LocalCluster

    if kind != "local":
        try:
            client = Client(kind, timeout=SCHEDULER_ANSWERS_S, name="roadstead")
        except (OSError, ValueError) as fault:
            raise InputError(f"--cluster {kind}: no Dask scheduler answers there ({fault})") from fault
        with client:
            yield client.get_executor(pure=False)
        return
    with (
        dask.config.set(
            {
                "distributed.worker.daemon": True,
                "distributed.nanny.pre-spawn-environ": WORKER_MALLOC,
                **LESS_WATCHING,
            }
        ),
        LocalCluster(
            n_workers=min(cores, 4),
            threads_per_worker=1,
            processes=True,
            memory_limit="1GiB",
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
        ) as local,
        Client(local) as client,
    ):
        yield client.get_executor(pure=False)
