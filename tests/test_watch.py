from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from flows.monitor import tell
from tasks.watch import News, known_regimes, news

NOW = datetime(2023, 12, 1)


def regimes(status: str, start: str = "2023-08-20", state: str = "active") -> pd.DataFrame:
    day = pd.Timestamp(start)
    around = {"start_low": day - pd.Timedelta(days=9), "start_high": day + pd.Timedelta(days=9)}
    first = {"zone_id": "*", "measure": "vessels_at_berth", "state": "dormant", "status": status}
    rows = [
        first | {"start": pd.Timestamp("2023-06-01"), "start_low": pd.NaT, "start_high": pd.NaT},
        first | {"state": state, "start": day, "level": 0.8} | around,
    ]
    return pd.DataFrame(rows)


def told(folder: Path, before: pd.DataFrame | None, after: pd.DataFrame) -> list[str]:
    after.to_parquet(folder / "regimes.parquet")
    return [one.event for one in news("najin", folder, before, NOW)]


def test_a_change_is_told_when_it_becomes_likely_and_again_when_it_is_sure(tmp_path: Path) -> None:
    provisional, confirmed = regimes("provisional"), regimes("confirmed", "2023-08-23")
    assert told(tmp_path, None, provisional) == ["roadstead.regime.provisional"]
    assert told(tmp_path, provisional, regimes("provisional", "2023-08-22")) == []
    assert told(tmp_path, provisional, confirmed) == ["roadstead.regime.confirmed"]
    assert told(tmp_path, confirmed, provisional) == []


def test_another_change_is_other_news(tmp_path: Path) -> None:
    before = regimes("confirmed")
    assert told(tmp_path, before, regimes("confirmed", "2023-10-05")) == ["roadstead.regime.confirmed"]
    assert told(tmp_path, before, regimes("provisional", state="paused")) == ["roadstead.regime.provisional"]


def test_without_a_publication_there_is_no_news(tmp_path: Path) -> None:
    assert known_regimes(tmp_path) is None
    assert news("najin", tmp_path, None, NOW) == []


def test_silence_is_told_with_an_id_that_stays(tmp_path: Path) -> None:
    days = pd.date_range("2023-06-01", periods=15, freq="6D")
    looks = pd.DataFrame({"acquired": days, "zone_id": "quay", "zone_kind": "berth", "vessel_count": 1})
    looks.to_parquet(tmp_path / "looks.parquet")
    (first,) = news("najin", tmp_path, None, NOW)
    (later,) = news("najin", tmp_path, None, NOW.replace(day=2))
    assert first.event == "roadstead.silence"
    assert first.payload["since"] == "2023-08-24T00:00:00"
    assert first.key == later.key
    assert first.key != News(first.event, "dunay", first.payload).key


@pytest.mark.slow
@pytest.mark.prefect
@pytest.mark.usefixtures("prefect_server")
def test_news_reaches_a_server(tmp_path: Path) -> None:
    """An automation can only act on what the server has taken in."""
    import time

    import httpx
    from prefect import flow
    from prefect.settings import PREFECT_API_URL

    regimes("confirmed").to_parquet(tmp_path / "regimes.parquet")

    @flow
    def watcher() -> None:
        tell(news("najin", tmp_path, None, NOW))

    watcher()
    query = {"filter": {"event": {"prefix": ["roadstead."]}}}
    for _ in range(60):
        found = httpx.post(f"{PREFECT_API_URL.value()}/events/filter", json=query, timeout=30).json()[
            "events"
        ]
        if found:
            break
        time.sleep(0.5)
    assert [one["event"] for one in found] == ["roadstead.regime.confirmed"]
    assert found[0]["resource"]["prefect.resource.id"] == "roadstead.site.najin"
    assert found[0]["payload"]["state"] == "active"
