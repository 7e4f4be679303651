"""Gather and measure a period of one site, on demand; can be stopped and started again."""

from __future__ import annotations

from datetime import date
from typing import Any

from prefect import flow

from flows.chain import make_request, run_chain
from flows.settings import Settings


@flow(name="backfill", flow_run_name="backfill-{site}-{start}-{end}", validate_parameters=True)
def backfill(
    site: str,
    start: date,
    end: date,
    catalog: str,
    collections: list[str] | None = None,
    archive: str | None = None,
    out: str | None = None,
    cluster: str | None = None,
    retry_rejected: bool = False,
    repair: bool = False,
    public: bool = False,
) -> dict[str, Any]:
    """Bring a site's archive and publication up to a period's images.

    Parameters
    ----------
    site
        Bundled site id, or path of a site's GeoJSON file.
    start, end
        First and last day, UTC, both included.
    catalog
        STAC API, static catalogue or collection, or stac-geoparquet file: path or URL.
    collections
        Collections to take; all of a static catalogue if None.
    archive, out, cluster
        As in the settings if None.
    retry_rejected
        Try scenes again that an earlier run found broken.
    repair
        Read the archive back first, fetch damaged scenes again and estimate damaged backgrounds again.
    public
        Leave pictures out whose licence does not let everybody see them.

    Returns
    -------
    dict
        What was done: see `flows.chain.Outcome`.
    """
    request = make_request(
        site, start, end, catalog, collections, archive, out, retry_rejected, repair, public
    )
    return run_chain(request, cluster or Settings().cluster).as_dict()
