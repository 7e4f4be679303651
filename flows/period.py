"""What "new" means for a monitoring run: the period that it asks the catalogue for.

A late scene is the rule, not the exception (radar arrives after hours, optical after a day), so
the period begins some days before the newest archived scene of the collection that is furthest behind.
"""

from __future__ import annotations

from datetime import date, timedelta

from flows.chain import make_request
from tasks.discover import ledger_of
from tasks.errors import InputError
from tasks.model import Request

OVERLAP = timedelta(days=30)
"""Asked for again on every run: catalogues list scenes late, and reprocess them."""


def monitoring_request(
    site: str,
    catalog: str,
    collections: list[str] | None,
    since: date | None,
    archive: str | None,
    out: str | None,
    today: date,
    public: bool = False,
) -> Request:
    """Turn "what is new" into a period.

    Raises
    ------
    InputError
        If nothing is archived yet and `since` is not given.
    """
    probe = make_request(site, today, today, catalog, collections, archive, out)
    scenes = ledger_of(probe).scenes
    if since is None and not scenes:
        raise InputError(
            f"nothing is archived for {probe.site.site_id} in {probe.archive}; "
            "give --since DATE, or run a backfill first"
        )
    newest = {
        s.collection: s.acquired.date() for s in scenes if not collections or s.collection in collections
    }
    start = since or min(newest.values(), default=scenes[-1].acquired.date()) - OVERLAP
    return make_request(site, start, today, catalog, collections, archive, out, public=public)
