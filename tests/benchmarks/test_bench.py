"""The benchmarks are imported by the tests, so that they cannot rot unseen."""

from __future__ import annotations

import psutil

from tests.benchmarks import bench_foundation


def test_the_benchmark_can_measure() -> None:
    assert bench_foundation.tree_mb(psutil.Process()) > 10
    assert callable(bench_foundation.bench_latakia)
