"""The monthly share of the quay that publishing hands to the page: every month, null where nobody looked."""

from __future__ import annotations

import pandas as pd
import pytest

from tasks.model import Site, Zone, ZoneKind
from tasks.products.quay import OCCUPANCY_COLUMNS
from tasks.products.tables import looks_table
from tasks.science.series.stated import MONTHLY_COLUMNS, quay_months
from tasks.science.series.utilisation import utilisation
from tests.products.test_berths import BERTHS, FREE, TAKEN, UNKNOWN, UNSEEN, WATER_LOOKS, together

LENGTHS_M = {"b1": 300.0, "b2": 100.0}
SITE = Site(
    "port",
    "Port",
    tuple(Zone(z.zone_id, ZoneKind.BERTH, z.geometry, length_m=LENGTHS_M[z.zone_id]) for z in BERTHS),
    "digest",
)


def months(looks: pd.DataFrame) -> pd.DataFrame:
    looks = looks_table(looks.assign(sensor="radar").to_dict("records"))
    return quay_months(utilisation(SITE, looks), looks)


def test_every_month_between_the_first_and_the_last_look_has_its_row() -> None:
    found = months(together((TAKEN, FREE), (FREE, FREE), (UNSEEN, UNSEEN), (UNSEEN, UNSEEN), (TAKEN, TAKEN)))
    assert tuple(found.columns) == OCCUPANCY_COLUMNS == MONTHLY_COLUMNS
    assert [str(day) for day in found["start"]] == ["2023-01-01", "2023-02-01", "2023-03-01"]
    assert [str(day) for day in found["end"]] == ["2023-02-01", "2023-03-01", "2023-04-01"]
    assert found["looks"].tolist() == [2, 0, 1]
    # Half of 300 m in one of two looks at 400 m; half of both berths in the one look of March.
    assert found["mean"].iloc[[0, 2]].tolist() == pytest.approx([150 / 800, 200 / 400])
    assert found[["mean", "low", "high"]].iloc[1].isna().all()
    seen = found.iloc[[0, 2]]
    assert ((seen["low"] < seen["mean"]) & (seen["mean"] < seen["high"])).all()


@pytest.mark.parametrize("looks", [together(*[(UNKNOWN, UNSEEN)] * 6), WATER_LOOKS])
def test_without_a_berth_that_can_be_told_there_is_no_row(looks: pd.DataFrame) -> None:
    assert months(looks).empty
