"""Why a remote file cannot be read: every kind of answer, from real servers."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.catalog.faults import ask_again
from tasks.catalog.read import GDAL_OPTIONS, read_header, read_planes
from tasks.errors import SceneError
from tasks.model import BandAsset, SceneRef
from tests.catalog.servers import Answer, Files, serve
from tests.scenes import CRS, FIRST, grid, write_tiff

SOURCE = grid(0, 0, 40, 50)
NOISE = np.random.default_rng(1).gamma(4, 1, (40, 50))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GDAL_OPTIONS, "GDAL_HTTP_RETRY_DELAY", "0.001")
    monkeypatch.setitem(GDAL_OPTIONS, "GDAL_HTTP_MAX_RETRY", "1")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return write_tiff(tmp_path / "vv.tif", NOISE, CRS, SOURCE.affine)


def read(href: object) -> np.ndarray:
    return read_planes(SceneRef("scene", "c", FIRST, (BandAsset("vv", str(href), "1"),)), SOURCE)["vv"]


def refusal(href: object) -> SceneError:
    with pytest.raises(SceneError) as raised:
        read(f"{href}?sv=2023&sig=SECRET")
    assert "SECRET" not in str(raised.value)
    assert "\n" not in str(raised.value)
    return raised.value


@pytest.mark.parametrize(
    ("status", "reason", "permanent"),
    [
        (404, "is not there (404)", True),
        (410, "is not there (410)", True),
        (401, "is refused (401)", False),
        (403, "is refused (403)", False),
        (400, "is not given out now (400)", False),
        (429, "is not given out now (429)", False),
        (500, "is not given out now (500)", False),
        (503, "is not given out now (503)", False),
    ],
)
def test_statuses(image: Path, status: int, reason: str, permanent: bool) -> None:
    files = Files(image.parent, failing={"/vv.tif": [status] * 50})
    with serve(files) as address:
        fault = refusal(f"{address}/vv.tif")
        assert str(fault) == f"vv cannot be read: {address}/vv.tif {reason}"
        assert fault.permanent == permanent
        files.failing.clear()
        np.testing.assert_array_equal(read(f"{address}/vv.tif"), NOISE)  # nothing is held against it later


@pytest.mark.parametrize(
    ("body", "begins"),
    [
        (b"<html>please log in</html>", "b'<html>please log'"),
        (b"<?xml version='1.0'?><Error/>", 'b"<?xml version=\'1"'),
        (b"", "b''"),
    ],
)
def test_pages_instead_of_files(body: bytes, begins: str) -> None:
    with serve(lambda *_: (200, "text/html", body)) as address:
        fault = refusal(f"{address}/vv.tif")
        assert str(fault) == f"vv cannot be read: {address}/vv.tif is not a TIFF: it begins with {begins}"
        assert not fault.permanent


@contextmanager
def resetting() -> Iterator[str]:
    """A server that breaks every connection off."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_connections_that_break() -> None:
    with resetting() as address:
        fault = refusal(f"{address}/vv.tif")
        assert str(fault).startswith(f"vv cannot be read: {address}/vv.tif does not answer (")
        assert not fault.permanent


def test_nobody_listens() -> None:
    fault = refusal("http://127.0.0.1:1/vv.tif")
    reason = "http://127.0.0.1:1/vv.tif does not answer (NewConnectionError)"
    assert str(fault) == f"vv cannot be read: {reason}"
    assert not fault.permanent


PROBE = "bytes=0-15"
"""What `ask_again` asks for, and GDAL never does."""


@pytest.mark.parametrize("kept", [0.2, 0.9])
def test_a_file_that_stays_cut_is_broken_for_good(image: Path, kept: float) -> None:
    data = image.read_bytes()
    data = data[: int(len(data) * kept)]
    probes = []

    def route(_: str, asked: dict[str, Any]) -> Answer:
        if asked["Range"] == PROBE:
            probes.append(asked)
        return 200, "image/tiff", data

    with serve(route) as address:
        fault = refusal(f"{address}/vv.tif")
        assert str(fault).startswith(f"vv cannot be read: {address}/vv.tif: ")
        assert fault.permanent
    assert len(probes) == 2


@pytest.mark.parametrize("fault", ["cut", "busy"])
def test_a_file_that_is_whole_when_asked_again_is_read(image: Path, fault: str) -> None:
    whole = image.read_bytes()
    answers = {"cut": (200, "", whole[: len(whole) // 2]), "busy": (503, "", b"")}
    probed = threading.Event()

    def route(_: str, asked: dict[str, Any]) -> Answer:
        if asked["Range"] == PROBE:
            probed.set()
        return (200, "image/tiff", whole) if probed.is_set() else answers[fault]

    with serve(route) as address:
        np.testing.assert_array_equal(read(f"{address}/vv.tif"), NOISE)
    assert probed.is_set()


def test_a_server_without_ranges(image: Path) -> None:
    """It answers the question for 16 bytes with the whole file."""
    with serve(lambda *_: (200, "image/tiff", image.read_bytes())) as address:
        assert ask_again(f"{address}/vv.tif").is_tiff


@pytest.mark.parametrize(
    "href",
    [
        "/vsicurl/http://127.0.0.1:1/vv.tif",
        "//vsicurl/http://127.0.0.1:1/vv.tif",
        "/./vsimem/vv.tif",
        "file:///vsizip/vv.zip/vv.tif",
        "/VSICURL/http://127.0.0.1:1/vv.tif",
        "vrt:///data/vv.tif?bands=1",
        "http://127.0.0.1:1/vrt://vv.tif",
        "<VRTDataset/>",
        " <VRTDataset/>",
        "zip:///data/a.zip!vv.tif",
        "ftp://127.0.0.1/vv.tif",
        "gs://bucket/vv.tif",
        "data:image/tiff;base64,SUkqAA==",
    ],
)
def test_what_is_no_file_never_reaches_gdal(href: str) -> None:
    for call in (lambda: read(href), lambda: read_header(BandAsset("vv", href, "1"))):
        with pytest.raises(SceneError, match=r"vv cannot be read: .* is no file of a kind that is opened"):
            call()


def test_a_local_file_with_gdals_prefix_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tiff(tmp_path / "GTIFF_DIR:1:vv.tif", NOISE, CRS, SOURCE.affine)
    monkeypatch.chdir(tmp_path)
    np.testing.assert_array_equal(read("./GTIFF_DIR:1:vv.tif"), NOISE)
    write_tiff(tmp_path / "a%20b c.tif", NOISE, CRS, SOURCE.affine)
    np.testing.assert_array_equal(read("a%20b c.tif"), NOISE)
    np.testing.assert_array_equal(read((tmp_path / "a%20b c.tif").as_uri()), NOISE)
