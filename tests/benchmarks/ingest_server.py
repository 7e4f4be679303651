"""A store of images over HTTP that is far away: byte ranges, a wait before every answer, and a record.

Runs as a process of its own, so that its work is not counted as the reader's:

    python -m tests.benchmarks.ingest_server FOLDER

It prints its port and serves until its input is closed. ``GET /-/record`` gives what was asked since it was
asked last, and begins a new record.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import urlopen

PORTS = range(21_400, 32_700)
"""Below those that the kernel hands out."""

RECORD = "/-/record"

LATENCY_S = (0.03, 0.08)
"""Least and most wait before an answer: an object store of another region, as most archives are."""

RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it."""

    method: str
    path: str
    first: int
    """First byte that was sent."""

    size: int
    """Bytes that were sent."""

    status: int


@dataclass(frozen=True)
class Record:
    """What a server was asked."""

    asked: tuple[Asked, ...]
    most_in_flight: int

    @property
    def heads(self) -> int:
        """Requests without a body."""
        return sum(one.method == "HEAD" for one in self.asked)

    @property
    def moved(self) -> int:
        """Bytes of all bodies."""
        return sum(one.size for one in self.asked)


def wait_s(path: str, first: int) -> float:
    """How long an answer takes to begin: the same for the same bytes, whenever they are asked for.

    Examples
    --------
    >>> 0.03 <= wait_s("/a.tif", 0) <= 0.08, wait_s("/a.tif", 0) == wait_s("/a.tif", 0)
    (True, True)
    """
    least, most = LATENCY_S
    return least + (most - least) * (zlib.crc32(f"{path}:{first}".encode()) % 1000) / 1000


@dataclass
class RangeServer:
    """Files of one folder; requests of one connection are answered in turn, as HTTP/1.1 has it."""

    folder: Path
    asked: list[Asked] = field(default_factory=list)
    in_flight: int = 0
    most: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it is closed."""
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                method, target, _ = head.split(" ", 2)
                wanted = re.search(r"^range: *(\S+)", head, re.IGNORECASE | re.MULTILINE)
                await self.answer(writer, method, urlsplit(target).path, wanted[1] if wanted else "")
        writer.close()

    async def answer(self, writer: asyncio.StreamWriter, method: str, path: str, wanted: str) -> None:
        """Send one file, a part of it, or the record."""
        if path == RECORD:
            told = {"asked": [list(vars(one).values()) for one in self.asked], "most": self.most}
            self.asked, self.most = [], 0
            await send(writer, 200, [], json.dumps(told).encode())
            return
        file = self.folder / unquote(path).lstrip("/")
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            if not file.is_file():
                await asyncio.sleep(wait_s(path, 0))
                self.asked.append(Asked(method, path, 0, 0, 404))
                await send(writer, 404, [], b"")
                return
            size = file.stat().st_size
            first, last = span(wanted, size)
            await asyncio.sleep(wait_s(path, first))
            status = 206 if wanted else 200
            sent = 0 if method == "HEAD" else last - first + 1
            self.asked.append(Asked(method, path, first, sent, status))
            more = [f"Content-Range: bytes {first}-{last}/{size}"] if wanted else []
            await send(writer, status, more, b"", size=last - first + 1)
            if sent:
                loop = asyncio.get_running_loop()
                with file.open("rb") as source:
                    await loop.sendfile(writer.transport, source, first, sent)
        finally:
            self.in_flight -= 1


async def send(
    writer: asyncio.StreamWriter, status: int, more: list[str], body: bytes, size: int | None = None
) -> None:
    """Send a head, and a body that is at hand."""
    lines = [
        f"HTTP/1.1 {status} -",
        "Content-Type: application/octet-stream",
        "Accept-Ranges: bytes",
        "Last-Modified: Sun, 01 Oct 2023 00:00:00 GMT",
        f"Content-Length: {len(body) if size is None else size}",
        *more,
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    await writer.drain()


def span(wanted: str, size: int) -> tuple[int, int]:
    """First and last byte of a Range header; all of the file without one.

    Examples
    --------
    >>> span("bytes=10-19", 100), span("bytes=90-", 100), span("bytes=-5", 100), span("", 100)
    ((10, 19), (90, 99), (95, 99), (0, 99))
    """
    match = RANGE.match(wanted)
    if match is None or match[1] == match[2] == "":
        return 0, size - 1
    if match[1] == "":
        return max(size - int(match[2]), 0), size - 1
    return int(match[1]), min(int(match[2] or size - 1), size - 1)


async def _run(folder: Path) -> None:
    server = RangeServer(folder)
    for port in PORTS:
        try:
            listening = await asyncio.start_server(server.serve, "127.0.0.1", port)
        except OSError:
            continue
        break
    print(port, flush=True)
    async with listening:
        await asyncio.to_thread(sys.stdin.read)
        listening.close()


@dataclass(frozen=True)
class Store:
    """A running server."""

    url: str
    pid: int

    def record(self) -> Record:
        """What was asked since this was asked last."""
        with urlopen(f"{self.url}{RECORD}", timeout=30) as answer:
            told = json.load(answer)
        return Record(tuple(Asked(*one) for one in told["asked"]), told["most"])


@contextmanager
def serving(folder: Path) -> Iterator[Store]:
    """Serve a folder from a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            yield Store(f"http://127.0.0.1:{port}", process.pid)
        finally:
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


if __name__ == "__main__":
    asyncio.run(_run(Path(sys.argv[1])))
