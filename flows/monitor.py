"""Gather and measure what is new at one site; made to be scheduled."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from prefect import flow

from flows.chain import run_chain
from flows.period import monitoring_request
from flows.settings import Settings


@flow(name="monitor", flow_run_name="monitor-{site}")
def monitor(
    site: str,
    catalog: str,
    collections: list[str] | None = None,
    since: date | None = None,
    until: date | None = None,
    archive: str | None = None,
    out: str | None = None,
    cluster: str | None = None,
    public: bool = False,
) -> dict[str, Any]:
    """Bring a site up to date.

    Parameters
    ----------
    site, catalog, collections, archive, out, cluster, public
        As for `flows.backfill.backfill`.
    since
        First day to ask for; a month before the newest archived scene if None.
    until
        Last day to ask for; today, UTC, if None.
    """
    today = until or datetime.now(UTC).date()
    request = monitoring_request(site, catalog, collections, since, archive, out, today, public)
    return run_chain(request, cluster or Settings().cluster).as_dict()
