"""A small server for published pages, for the person at this computer and nobody else.

Only files of publications are given out (and an overview page beside them), never what lies next to them:
archives, images, folders half written.
"""

from __future__ import annotations

import html
import sys
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

HOST = "127.0.0.1"
"""Not reachable from other computers."""

NAMES = frozenset({HOST, "localhost"})
"""What a browser may call it. Another name is a page of somebody else's that was pointed here."""

OVERVIEW = "index.html"

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
    ".webp": "image/webp",
    ".png": "image/png",
}
OTHER_TYPE = "application/octet-stream"


class Server(ThreadingHTTPServer):
    """Serves the publications in one folder, or one publication.

    Parameters
    ----------
    home
        Folder of publications, or a publication.
    publications
        Folders with a publication: `home` itself, or its children.
    port
        0 for any that is free.
    """

    daemon_threads = True

    def __init__(self, home: Path, publications: Sequence[Path], port: int) -> None:
        self.home = home.resolve()
        self.publications = tuple(folder.resolve() for folder in publications)
        super().__init__((HOST, port), _Handler)

    @property
    def url(self) -> str:
        """Where the pages are."""
        return f"http://{HOST}:{self.server_address[1]}/"

    def file_of(self, target: str) -> Path | None:
        """Find the file that a request's path names; None for all that is not published."""
        path = Path(self.home, *(p for p in unquote(urlsplit(target).path).split("/") if p))
        try:
            path = path.resolve()  # through links: a link out of a publication leads out of it
            path = path / OVERVIEW if path.is_dir() else path
            there = path.is_file()
        except (OSError, ValueError):
            return None
        inside = any(folder in path.parents for folder in self.publications)
        return path if there and (inside or path == self.home / OVERVIEW) else None

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a browser that went away in the middle of an answer."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def overview(self) -> bytes:
        """List the publications, where no overview page does."""
        links = "".join(
            f'<li><a href="{quote(folder.name)}/">{html.escape(folder.name)}</a></li>'
            for folder in self.publications
        )
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Ports</title>'
            f"<h1>Ports</h1><ul>{links}</ul></html>"
        ).encode()


class _Handler(BaseHTTPRequestHandler):
    server: Server
    server_version = "roadstead"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        if (self.headers.get("Host") or "").rsplit(":", 1)[0] not in NAMES:
            self.send_error(HTTPStatus.FORBIDDEN, "pages are served to this computer only")
            return
        asked = unquote(urlsplit(self.path).path)
        path = self.server.file_of(self.path)
        if path is not None and path.name == OVERVIEW and not asked.endswith(("/", OVERVIEW)):
            self._redirect(asked)  # else relative links of the page would lead beside it
            return
        if path is None and asked != "/":
            self.send_error(HTTPStatus.NOT_FOUND, "not published")
            return
        body = self.server.overview() if path is None else path.read_bytes()
        kind = TYPES[".html"] if path is None else TYPES.get(path.suffix, OTHER_TYPE)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def _redirect(self, asked: str) -> None:
        place = quote(asked.strip("/"))
        self.send_response(HTTPStatus.MOVED_PERMANENTLY)
        self.send_header("Location", f"/{place}/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: the terminal shows where the pages are."""
