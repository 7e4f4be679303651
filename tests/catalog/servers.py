"""Real servers on loopback: a folder of files with byte ranges, and a small STAC API that can fail."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Answer = tuple[int, str, bytes]
"""Status, content type, body."""

Route = Callable[[str, dict[str, Any]], Answer]
"""Path and parameters (query, ``Range`` and ``Authorization``, or JSON body of a POST) to an answer."""


@contextmanager
def serve(route: Route, sent: Counter[str] | None = None) -> Iterator[str]:
    """Run a server in a thread; give its address without a trailing slash.

    `sent` counts the bytes of bodies by path.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            parameters = {k: v[0] for k, v in parse_qs(url.query).items()}
            headers = {name: self.headers.get(name) for name in ("Range", "Authorization")}
            self.answer(url.path, parameters | headers)

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(urlsplit(self.path).path, json.loads(body))

        def answer(self, path: str, parameters: dict[str, Any]) -> None:
            status, kind, body = route(path, parameters)
            wanted = self.headers.get("Range")
            if status == 200 and wanted:
                first, _, last = wanted.removeprefix("bytes=").partition("-")
                end = min(int(last or len(body)), len(body) - 1)
                status, whole, body = 206, len(body), body[int(first) : end + 1]
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Accept-Ranges", "bytes")
            if status == 206:
                self.send_header("Content-Range", f"bytes {first}-{end}/{whole}")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
                if sent is not None:
                    sent[path] += len(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Files:
    """A folder over HTTP; queries are ignored, as a store ignores a signature it accepts."""

    folder: Path
    asked: Counter[str] = field(default_factory=Counter)
    failing: dict[str, list[int]] = field(default_factory=dict)
    """Path to statuses that its next answers have, before it is served."""

    def __call__(self, path: str, _: dict[str, Any]) -> Answer:
        self.asked[path] += 1
        if self.failing.get(path):
            return self.failing[path].pop(0), "text/plain", b"not now"
        file = self.folder / unquote(path.lstrip("/"))
        if not file.is_file():
            return 404, "text/plain", b"no such file"
        return 200, "application/octet-stream", file.read_bytes()


def as_json(document: Any, status: int = 200) -> Answer:
    return status, "application/json", json.dumps(document).encode()


@dataclass
class StacApi:
    """Landing page, collections and paged item search; trusts its caller about box and time."""

    items: Sequence[dict[str, Any]]
    page_size: int = 2
    method: str = "POST"
    broken_page: int | None = None
    """Page (from 0) that never answers properly."""

    fault: Callable[[Answer], Answer] = lambda answer: answer
    """What becomes of the broken page's answer."""

    recovers_after: int | None = None
    """Number of broken answers after which the page is served."""

    asked: Counter[int] = field(default_factory=Counter)
    """Page to number of requests."""

    address: str = ""

    @contextmanager
    def running(self) -> Iterator[str]:
        with serve(self) as self.address:
            yield self.address

    def __call__(self, path: str, parameters: dict[str, Any]) -> Answer:
        if path == "/":
            return as_json(self._landing())
        if path == "/collections":
            links: list[Any] = []
            return as_json({"collections": [self._collection(c) for c in self._ids()], "links": links})
        if path == "/search":
            return self._search(parameters)
        return 404, "application/json", b"{}"

    def _ids(self) -> list[str]:
        return sorted({item["collection"] for item in self.items})

    def _landing(self) -> dict[str, Any]:
        core = "https://api.stacspec.org/v1.0.0"
        return {
            "type": "Catalog",
            "stac_version": "1.0.0",
            "id": "loopback",
            "description": "A STAC API for tests",
            "conformsTo": [f"{core}/core", f"{core}/collections", f"{core}/item-search"],
            "links": [
                {"rel": "self", "href": f"{self.address}/"},
                {"rel": "root", "href": f"{self.address}/"},
                {"rel": "data", "href": f"{self.address}/collections"},
                {
                    "rel": "search",
                    "href": f"{self.address}/search",
                    "method": self.method,
                    "type": "application/geo+json",
                },
            ],
        }

    def _collection(self, name: str) -> dict[str, Any]:
        return {
            "type": "Collection",
            "stac_version": "1.0.0",
            "id": name,
            "description": name,
            "license": "Apache-2.0",
            "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}},
            "links": [],
        }

    def _search(self, parameters: dict[str, Any]) -> Answer:
        wanted = parameters.get("collections", self._ids())
        wanted = wanted.split(",") if isinstance(wanted, str) else wanted
        matching = [item for item in self.items if item["collection"] in wanted]
        page = int(parameters.get("page", 0))
        first = page * self.page_size
        links: list[dict[str, Any]] = []
        if first + self.page_size < len(matching):
            link: dict[str, Any] = {"rel": "next", "method": self.method, "href": f"{self.address}/search"}
            if self.method == "POST":
                link |= {"merge": True, "body": {"page": page + 1}}
            else:
                link["href"] += f"?page={page + 1}&collections={','.join(wanted)}"
            links.append(link)
        here = matching[first : first + self.page_size]
        answer = as_json({"type": "FeatureCollection", "features": here, "links": links})
        self.asked[page] += 1
        recovered = self.recovers_after is not None and self.asked[page] > self.recovers_after
        return self.fault(answer) if page == self.broken_page and not recovered else answer
