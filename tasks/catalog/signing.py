"""Signatures of Planetary Computer's files: made when a file is read, kept in this process, never shown.

Its blob storage gives nothing to an unsigned request, and a signature lasts under an hour: one made when the
catalogue was searched may be stale when the file's turn comes, and would lie around in records and logs.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from urllib.parse import urlsplit

from tasks.catalog.records import shown
from tasks.errors import SceneError

TOKEN_SERVICE = "https://planetarycomputer.microsoft.com/api/sas/v1/token"
BLOB_HOSTS = ".blob.core.windows.net"

RENEW_BEFORE = timedelta(minutes=5)
"""A token is renewed this long before it expires: reading a file takes seconds, clocks differ by more."""

RETRIES = 4
RETRY_PAUSE_S = 0.5
TIMEOUT_S = 30.0


@dataclass(frozen=True)
class _Token:
    query: str
    expires: datetime


@dataclass(eq=False)
class Signer:
    """Gives URLs of one kind of host the signature they need.

    Safe to share among threads: the service is asked once for each container, and again when the token
    is about to expire or was refused.
    """

    service: str = TOKEN_SERVICE
    """``<service>/<account>/<container>`` answers ``{"msft:expiry": …, "token": …}``."""

    hosts: str = BLOB_HOSTS
    """End of the names of the hosts whose URLs are signed."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    _tokens: dict[tuple[str, str], _Token] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def sign(self, href: str) -> str:
        """Sign a URL; one of another host, or signed already, comes back as it is.

        Raises
        ------
        SceneError
            If the service gives no token; not permanent.
        """
        if (container := self._container(href)) is None:
            return href
        with self._lock:
            token = self._tokens.get(container)
            if token is None or self.clock() >= token.expires - RENEW_BEFORE:
                token = self._tokens[container] = self._ask(container)
        return f"{href}{'&' if '?' in href else '?'}{token.query}" if token.query else href

    def forget(self, href: str) -> bool:
        """Drop the token of a URL that was refused; False if none was used."""
        container = self._container(href)
        with self._lock:
            return container is not None and self._tokens.pop(container, None) is not None

    def _container(self, href: str) -> tuple[str, str] | None:
        url = urlsplit(href)
        host, signed = url.hostname or "", "sig=" in url.query
        if url.scheme not in ("http", "https") or signed or not host.endswith(self.hosts):
            return None
        return host.split(".")[0], url.path.lstrip("/").split("/")[0]

    def _ask(self, container: tuple[str, str]) -> _Token:
        import urllib3  # late: planning imports this module and signs nothing

        url = "/".join((self.service, *container))
        retries = urllib3.Retry(
            RETRIES, backoff_factor=RETRY_PAUSE_S, status_forcelist=(429, 500, 502, 503, 504)
        )
        try:
            with urllib3.PoolManager(retries=retries, timeout=TIMEOUT_S) as http:
                answer = http.request("GET", url)
            if answer.status == 404:  # somebody else's storage, which may be public
                return _Token("", datetime.max.replace(tzinfo=UTC))
            if answer.status != 200:
                raise ValueError(f"answer {answer.status}")
            document = json.loads(answer.data)
            return _Token(str(document["token"]), datetime.fromisoformat(document["msft:expiry"]))
        except (urllib3.exceptions.HTTPError, ValueError, KeyError, TypeError) as fault:
            reason = getattr(fault, "reason", None) or fault
            raise SceneError(
                f"no signature from {url}: {type(reason).__name__}: {shown(str(reason))[:200]}",
                permanent=False,
            ) from None


PLANETARY_COMPUTER = Signer()
"""The signer of this process."""


def hide_signatures() -> None:
    """Keep the queries of URLs out of the logs of the libraries that are given signed ones."""
    for name in ("rasterio._base", "rasterio._err", "rasterio._env", "urllib3.connectionpool"):
        logger = logging.getLogger(name)
        if _without_queries not in logger.filters:
            logger.addFilter(_without_queries)


def _without_queries(record: logging.LogRecord) -> bool:
    record.msg, record.args = shown(record.getMessage()), ()
    return True
