"""Simulated radar scenes of a port, with the truth beside them; never to be taken for real ones.

`simulate_roads` writes a small static STAC collection that looks like Sentinel-1 RTC: for
``make demo``, for tests and for a first look without a network. Everything it writes says that it
is simulated: collection, items, image tags and a README.txt in the folder.

    from tasks.simulate import simulate_roads
    simulate_roads(load_site("najin"), Path("sim"), start=date(2023, 5, 1), end=date(2023, 12, 31))

It knows nothing of the detectors that are judged by it: it shares no code with `tasks.science`.
"""

from __future__ import annotations

from tasks.simulate.delivery import COLLECTION
from tasks.simulate.roads import simulate_roads

__all__ = ["COLLECTION", "simulate_roads"]
