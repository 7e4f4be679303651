"""Why a remote file could not be read: GDAL words a 403, a 404, a 503 and a page of HTML alike.

So the server is asked once more, by a client that keeps the answer apart: what will never come back, what
needs other rights, what a later run will get. Only after a failure; a file that can be read costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from tasks.catalog.records import shown

TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

GONE = (404, 410)
REFUSED = (401, 403, 409)
"""Azure says 409 to an unsigned request for a file that is not public."""

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 30.0
REDIRECTS = 5


@dataclass(frozen=True)
class Verdict:
    """What a server said of a file that GDAL could not read."""

    reason: str
    """One clause with the URL, its query left out; empty if the server now gives a TIFF."""

    permanent: bool = False
    """True when a later run need not try."""

    refused: bool = False
    """True when other credentials may help."""

    @property
    def is_tiff(self) -> bool:
        """Whether the file is there: it is broken, or it was cut on the way."""
        return not self.reason


def ask_again(url: str) -> Verdict:
    """Ask for the first bytes of a file.

    Parameters
    ----------
    url
        With its signature, if it needs one.

    Returns
    -------
    Verdict
        Permanent for 404 and 410 alone: everything else may be mended without the file changing.
    """
    import urllib3  # late: planning imports this module for its constants

    retries = urllib3.Retry(None, connect=0, read=0, status=0, other=0, redirect=REDIRECTS)
    timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S)
    name = shown(url)
    with urllib3.PoolManager(retries=retries, timeout=timeout) as http:
        try:
            answer = http.request("GET", url, headers={"Range": "bytes=0-15"}, preload_content=False)
            status, head = answer.status, answer.read(16) if answer.status in (200, 206) else b""
            answer.close()
        except urllib3.exceptions.HTTPError as fault:
            cause = getattr(fault, "reason", None) or fault
            return Verdict(f"{name} does not answer ({type(cause).__name__})")
    if status in GONE:
        return Verdict(f"{name} is not there ({status})", permanent=True)
    if status in REFUSED:
        return Verdict(f"{name} is refused ({status})", refused=True)
    if status in (200, 206):
        return Verdict("" if head[:4] in TIFF_MAGIC else f"{name} is not a TIFF: it begins with {head!r}")
    if status == 416:
        return Verdict(f"{name} is not a TIFF: it begins with b''")
    return Verdict(f"{name} is not given out now ({status})")
