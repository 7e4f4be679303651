"""An HTTP client for catalogues that would rather fail than tell half.

pystac-client alone takes a page without features for the last one, so an error page sent with
status 200 makes a short list look complete; and it never asks again after a 500 or a 429.
Apart from `search` because pystac-client takes half a second to import.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pystac import Link
from pystac_client.stac_api_io import StacApiIO
from urllib3 import Retry

RETRY_STATUSES = (429, 500, 502, 503, 504)
RETRY_PAUSE_S = 0.5  # doubles with every try; a server's Retry-After goes first
RETRIES = 4
TIMEOUT_S = 60.0


class StrictApi(StacApiIO):
    """Pages through an API to the end or raises."""

    def get_pages(
        self, url: str, method: str | None = None, parameters: dict[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield pages of items or collections.

        Raises
        ------
        ValueError
            For an answer that is no page, and for a next link that was followed before.
        """
        page: Any = self.read_json(url, method=method, parameters=parameters)
        followed: set[str] = set()
        while True:
            if not isinstance(page, dict) or not isinstance(
                page.get("features", page.get("collections")), list
            ):
                raise ValueError(f"an answer without features: {json.dumps(page)[:80]}")
            yield page
            onward = next((link for link in page.get("links", []) if link["rel"] == "next"), None)
            if onward is None:
                return
            if (mark := json.dumps(onward, sort_keys=True)) in followed:
                raise ValueError(f"the link to page {len(followed) + 1} leads back to an earlier one")
            followed.add(mark)
            page = self.read_json(Link.from_dict(onward), parameters=parameters)


def strict_api() -> StrictApi:
    """Make a client that waits for what passes: broken connections, and statuses that say "later"."""
    retry = Retry(
        RETRIES,
        backoff_factor=RETRY_PAUSE_S,
        status_forcelist=RETRY_STATUSES,
        allowed_methods=None,
        raise_on_status=False,
    )
    return StrictApi(max_retries=retry, timeout=TIMEOUT_S)
