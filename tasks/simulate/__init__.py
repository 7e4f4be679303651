"""A port whose truth is known: simulated images as providers deliver them, never to be taken for real ones.

A world of ships, containers and trains is written by a scenario; sensors make images of its moments;
deliveries put them into files and a STAC catalogue; the truth stands beside them as tables.

    from tasks.simulate import simulate

    if __name__ == "__main__":  # images are made in processes of their own
        simulate("najin-2023", Path("sim"), seed=7)

It knows nothing of the detectors that are judged by it: it shares no code with `tasks.science`.
"""

from __future__ import annotations

from tasks.simulate.scenarios import SCENARIOS, sites_of
from tasks.simulate.sensors.calendar import DEFAULT_SENSORS, Sensor, sensors_of
from tasks.simulate.simulation import simulate, world_mark

__all__ = ["DEFAULT_SENSORS", "SCENARIOS", "Sensor", "sensors_of", "simulate", "sites_of", "world_mark"]
