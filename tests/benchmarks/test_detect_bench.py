"""The benchmark of detection runs on a scene as small as it can be, so that it cannot rot unseen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.science.radar.scene import detect_radar_scene
from tests.benchmarks import bench_detect, detect_speed


def test_the_scene_is_the_same_each_time_and_holds_ships() -> None:
    scene = detect_speed.make_scene(1200)
    np.testing.assert_array_equal(scene, detect_speed.make_scene(1200))
    assert len(detect_radar_scene({"vv": scene}, "1", 10).vessels) >= 6


@pytest.mark.parametrize("name", ["limit", "cfar", "shapes", "scipy", "detect"])
def test_each_method_is_measured(name: str, tmp_path: Path) -> None:
    np.save(tmp_path / "scene.npy", detect_speed.make_scene(1200))
    cost = detect_speed.cost_of(name, tmp_path / "scene.npy")
    assert cost is not None
    assert cost.copies > 0


def test_what_was_not_measured_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    lines = bench_detect.speed_lines({"cfar": detect_speed.Cost(14.0, 0.4, 30.0)})
    bench_detect.show(lines)
    assert "14.00" in capsys.readouterr().out
    assert np.isnan(next(line.value for line in lines if "SciPy" in line.what))
