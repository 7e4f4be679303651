"""The environment of the tests, set before Prefect is imported, and the one Prefect server they share."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

KEPT = {"ROADSTEAD_REAL_DATA", "ROADSTEAD_STAC_SAMPLES"}
STATE = Path(tempfile.mkdtemp(prefix="roadstead-tests-"))

for name in [n for n in os.environ if n.startswith(("ROADSTEAD_", "PREFECT_", "DASK_")) and n not in KEPT]:
    del os.environ[name]
os.environ |= {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_HOME": str(STATE / "prefect"),
    "DASK_LOGGING__DISTRIBUTED": "critical",
    "ROADSTEAD_STATE": str(STATE / "state"),
    "ROADSTEAD_OUT": str(STATE / "out"),
    "ROADSTEAD_CLUSTER": "none",
    "COLUMNS": "200",  # usage errors are boxed to the terminal's width
    "NO_COLOR": "1",
}
(STATE / "prefect").mkdir()  # Prefect does not make it, and its server then waits in vain

LONGEST = (
    "flows/test_chain.py",
    "real/test_latakia.py",
    "simulate/test_simulation.py",
    "flows/test_detect_cli.py",
    "real/test_sen2ships.py",
    "flows/test_archive_chain.py",
    "flows/test_cli.py",
    "science/test_assignments.py",
    "flows/test_voyages_cli.py",
    "archive/test_stateful.py",
    "science/test_voyages.py",
    "archive/test_chaos.py",
    "science/test_counts.py",
    "flows/test_demo.py",
    "archive/test_cube.py",
    "science/test_berths.py",
    "real/test_detect_real.py",
    "flows/test_schedule.py",
    "benchmarks/test_detect_bench.py",
    "science/test_detectability.py",
    "simulate/test_optical.py",
    "science/test_scene.py",
    "test_architecture.py",
    "archive/test_storage.py",
    "products/test_stac.py",
    "science/test_occupancy.py",
    "simulate/test_world.py",
)
"""Files that take longest, the longest first: one of them started last would leave the other worker idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tests = Path(__file__).parent
    rank = {tests / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


def pytest_unconfigure() -> None:
    shutil.rmtree(STATE, ignore_errors=True)


@pytest.fixture(autouse=True)
def console_of_this_test() -> None:
    """Take out Prefect's root handler: it keeps the console of the test that first imported Prefect."""
    root = logging.getLogger()
    root.handlers[:] = [h for h in root.handlers if type(h).__name__ != "PrefectConsoleHandler"]


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A real Prefect server with a database of its own; starting it takes seconds, so tests share it."""
    from prefect.logging.configuration import setup_logging
    from prefect.testing.utilities import prefect_test_harness

    setup_logging()  # now, not inside a test; later calls change levels only

    with prefect_test_harness(server_startup_timeout=120):
        yield
