"""From looks to series: what the numbers say over weeks and months."""

from __future__ import annotations

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.science.indicators import utilisation


@task(cache_policy=NO_CACHE)
def infer_series(looks: pd.DataFrame) -> pd.DataFrame:
    """Summarise looks by week and month, with intervals and denominators."""
    return utilisation(looks)
