"""Keep archives small: forget old states, throw away what only they referred to; made to be scheduled."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from prefect import flow

from flows.settings import Settings
from tasks.errors import InputError

KEEP_DAYS = 90
"""A quarter back: time enough to notice that a reprocessing was a mistake."""


@flow(name="upkeep", flow_run_name="upkeep-{archive}", validate_parameters=True)
def upkeep(
    archive: str | None = None, sites: list[str] | None = None, keep_days: int = KEEP_DAYS
) -> dict[str, dict[str, Any]]:
    """Tidy the repositories of an archive, one after another.

    Parameters
    ----------
    archive
        Folder or s3://bucket/prefix; as in the settings if None.
    sites
        Sites to tidy; all that the archive has if None.
    keep_days
        States younger than this stay, and the newest always.

    Returns
    -------
    dict
        By site: states forgotten and kept, objects and bytes thrown away.
    """
    from dataclasses import asdict

    from tasks.upkeep import sites_in, tidy

    if keep_days < 0:
        raise InputError(f"keep_days is {keep_days}; a number of days from 0 is needed")
    settings = Settings()
    place = archive or settings.archive_for(settings.out)
    there = sites_in(place)
    if unknown := sorted(set(sites or ()) - set(there)):
        raise InputError(
            f"archive {place} has no site {', '.join(unknown)}; it has {', '.join(there) or 'none at all'}"
        )
    return {site: asdict(tidy(place, site, keep_days, datetime.now(UTC))) for site in sites or there}
