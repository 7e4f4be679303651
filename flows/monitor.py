"""Gather and measure what is new at one site, and tell operators what it means; made to be scheduled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.events import emit_event

from flows.chain import run_chain
from flows.period import monitoring_request
from flows.settings import Settings
from tasks.watch import News, known_regimes, news


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

    Emits ``roadstead.regime.provisional`` and ``roadstead.regime.confirmed`` for changes that this run is the
    first to tell so, and ``roadstead.silence`` while no look comes, or nothing lies where something always
    did.

    Parameters
    ----------
    site, catalog, collections, archive, out, cluster, public
        As for `flows.backfill.backfill`.
    since
        First day to ask for; a month before the newest archived scene if None.
    until
        Last day to ask for; today, UTC, if None.
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    today = until or now.date()
    request = monitoring_request(site, catalog, collections, since, archive, out, today, public)
    folder = Path(request.out, request.site.site_id)
    before = known_regimes(folder)
    outcome = run_chain(request, cluster or Settings().cluster).as_dict()
    upto = now if until is None else datetime.combine(until, datetime.max.time())
    told = news(request.site.site_id, folder, before, upto)
    tell(told)
    return outcome | {"told": [one.event for one in told]}


def tell(told: Sequence[News]) -> None:
    """Emit news as Prefect events; an automation takes them from there."""
    for one in told:
        emit_event(
            event=one.event,
            resource={
                "prefect.resource.id": f"roadstead.site.{one.site}",
                "prefect.resource.name": one.site,
            },
            payload=one.payload,
            id=one.key,
        )
