"""How many containers a stack may hold, from the ground that it covers.

What a stack holds follows from its ground only within wide bounds: nobody sees from above how high it is.
"""

from __future__ import annotations

TEU_M2 = 14.9
"""Ground that a 20-foot container covers, 6.06 × 2.44 m."""

TIERS = (1.0, 5.0)
"""Containers on top of one another, fewest and most: reach stackers and yard cranes go to five."""

PACKING = (0.6, 0.85)
"""Share of a stack's outline that containers cover, least and most: the rest is gaps and lanes."""

AREA_ERROR = 0.15
"""Share by which the area of a large stack may be wrong."""

UNNOTICED_M2 = 300.0
"""Ground of small stacks that may go unnoticed in a yard: three rows of containers are the least that is told
from a lorry or a crane. The area of small stacks may be wrong by as much."""


def teu_interval(area_m2: float, hidden_m2: float = 0.0) -> tuple[float, float]:
    """Bound the containers in a yard, in 20-foot units.

    Parameters
    ----------
    area_m2
        Ground that stacks cover, as measured.
    hidden_m2
        Ground of the yard that was not seen; it may be full.

    Returns
    -------
    tuple of float
        Low and high: area / 14.9 m² × tiers × packing, each with the error of the area.
    """
    error = max(AREA_ERROR * area_m2, min(area_m2, UNNOTICED_M2) * 0.5)
    low = max(area_m2 - error, 0.0) / TEU_M2 * TIERS[0] * PACKING[0]
    most = area_m2 + max(AREA_ERROR * area_m2, UNNOTICED_M2) + hidden_m2
    return low, most / TEU_M2 * TIERS[1] * PACKING[1]
