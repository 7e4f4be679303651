"""Files behind signatures and keys: a token service, a blob store and an S3 store on loopback."""

from __future__ import annotations

import logging
import threading
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.catalog.providers import ACCESS, Access, Store
from tasks.catalog.read import GDAL_OPTIONS, read_header, read_planes, read_scenes
from tasks.catalog.signing import Signer
from tasks.errors import SceneError
from tasks.model import BandAsset, SceneRef
from tests.catalog.servers import Answer, Files, as_json, serve
from tests.scenes import CRS, FIRST, grid, write_tiff

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SOURCE = grid(0, 0, 40, 50)
NOISE = np.random.default_rng(1).gamma(4, 1, (40, 50))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GDAL_OPTIONS, "GDAL_HTTP_RETRY_DELAY", "0.001")
    monkeypatch.setitem(GDAL_OPTIONS, "GDAL_HTTP_MAX_RETRY", "1")


@dataclass
class Azure:
    """A token service at ``/token`` and blobs beside it, which want the newest token."""

    folder: Path
    lifetime: timedelta = timedelta(minutes=45)
    now: datetime = NOW
    service_answer: Answer | None = None
    """What the service answers instead of a token."""

    refuses: int = 0
    """Tokens given from the first on that the store does not take."""

    issued: Counter[str] = field(default_factory=Counter)
    unsigned: int = 0
    address: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def running(self) -> Iterator[Access]:
        with serve(self) as self.address:
            yield Access(Signer(f"{self.address}/token", "127.0.0.1", lambda: self.now))

    def __call__(self, path: str, asked: dict[str, Any]) -> Answer:
        with self.lock:
            if path.startswith("/token/"):
                return self._token(path.removeprefix("/token/"))
            if "sig" not in asked:
                self.unsigned += 1
                return 409, "application/xml", b"PublicAccessNotPermitted"
        number = int(asked["sig"].removeprefix("SECRET"))
        if number <= self.refuses:
            return 403, "application/xml", b"AuthenticationFailed"
        return Files(self.folder)(path, asked)

    def _token(self, container: str) -> Answer:
        if self.service_answer is not None:
            return self.service_answer
        self.issued[container] += 1
        token = f"sv=2024-05-04&sp=rl&sig=SECRET{self.issued.total()}"
        return as_json({"msft:expiry": (self.now + self.lifetime).isoformat(), "token": token})


@pytest.fixture
def azure(tmp_path: Path) -> Azure:
    for name in "abc":
        write_tiff(tmp_path / "sentinel2" / f"{name}.tif", NOISE, CRS, SOURCE.affine)
        write_tiff(tmp_path / "sentinel1" / f"{name}.tif", NOISE, CRS, SOURCE.affine)
    return Azure(tmp_path)


def scene(*hrefs: str) -> SceneRef:
    bands = tuple(BandAsset(f"b{k}", href, "1") for k, href in enumerate(hrefs))
    return SceneRef("scene", "c", FIRST, bands)


def test_blobs_are_signed_when_they_are_read(azure: Azure) -> None:
    with azure.running() as access:
        hrefs = [f"{azure.address}/{c}/{n}.tif" for c in ("sentinel2", "sentinel1") for n in "abc"]
        wanted = [scene(*hrefs), scene(*hrefs[::-1])]
        for one, planes in read_scenes(wanted, SOURCE, access=access):
            assert isinstance(planes, dict)
            for plane in planes.values():
                np.testing.assert_array_equal(plane, NOISE)
            assert "SECRET" not in repr(one)
        assert read_header(wanted[0].bands[0], access).crs == CRS
    assert azure.issued == {
        "127/sentinel2": 1,
        "127/sentinel1": 1,
    }  # the first label of the host, the container
    assert azure.unsigned == 0


def test_tokens_are_renewed_before_they_expire(azure: Azure) -> None:
    with azure.running() as access:
        href = f"{azure.address}/sentinel2/a.tif"
        signed = []
        for minutes in (0, 39, 41, 41 + 39, 41 + 41):
            azure.now = NOW + timedelta(minutes=minutes)
            signed.append(access.signer.sign(href).rpartition("SECRET")[2])
    assert signed == ["1", "1", "2", "2", "3"]


def test_many_threads_ask_for_one_token(azure: Azure) -> None:
    with azure.running() as access:
        start = threading.Barrier(8)

        def run() -> None:
            start.wait()
            access.signer.sign(f"{azure.address}/sentinel2/a.tif")

        threads = [threading.Thread(target=run) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert azure.issued == {"127/sentinel2": 1}


@pytest.mark.parametrize(("refused", "fails"), [(1, False), (9, True)])
def test_a_refused_signature_is_made_anew_once(azure: Azure, refused: int, fails: bool) -> None:
    azure.refuses = refused
    with azure.running() as access:
        href = f"{azure.address}/sentinel2/a.tif"
        if fails:
            with pytest.raises(SceneError) as raised:
                read_planes(scene(href), SOURCE, access)
            assert str(raised.value) == f"b0 cannot be read: {href} is refused (403)"
            assert not raised.value.permanent
        else:
            np.testing.assert_array_equal(read_planes(scene(href), SOURCE, access)["b0"], NOISE)
    assert azure.issued == {"127/sentinel2": 2}


@pytest.mark.parametrize(
    "answer",
    [(400, "", b"no"), (200, "text/html", b"<html>"), (200, "", b"[]"), (200, "", b'{"token": "x"}')],
)
def test_no_token(azure: Azure, answer: Answer) -> None:
    azure.service_answer = answer
    with azure.running() as access:
        with pytest.raises(SceneError, match=r"no signature from http.*/token/127/sentinel2: ") as raised:
            read_planes(scene(f"{azure.address}/sentinel2/a.tif"), SOURCE, access)
        assert not raised.value.permanent
    assert azure.unsigned == 0


def test_storage_that_the_service_does_not_know_is_read_unsigned(azure: Azure) -> None:
    azure.service_answer = (404, "", b"")
    with azure.running() as access:
        href = f"{azure.address}/sentinel2/a.tif"
        assert access.signer.sign(href) == href
        with pytest.raises(SceneError, match=r"is refused \(409\)"):
            read_planes(scene(href), SOURCE, access)


def test_what_needs_no_signature() -> None:
    for href in (
        "https://example.com/a.tif",
        "https://x.blob.core.windows.net/c/a.tif?sp=r&sig=abc",
        "https://blob.core.windows.net.example.com/c/a.tif",
        "/data/a.tif",
        "s3://bucket/a.tif",
    ):
        assert ACCESS.signer.sign(href) == href


def test_no_log_holds_a_signature(azure: Azure, caplog: pytest.LogCaptureFixture) -> None:
    (azure.folder / "sentinel2" / "b.tif").write_bytes(b"II*\0 and no more")
    quiet = caplog.at_level(logging.DEBUG, logger="rasterio")  # the command line sets it higher
    with caplog.at_level(logging.DEBUG), quiet, azure.running() as access:
        read_planes(scene(f"{azure.address}/sentinel2/a.tif"), SOURCE, access)
        for name in ("b", "none"):
            with pytest.raises(SceneError) as raised:
                read_planes(scene(f"{azure.address}/sentinel2/{name}.tif"), SOURCE, access)
            assert "SECRET" not in "".join(traceback.format_exception(raised.value))
        assert "SECRET" not in repr(access)
    assert any(record.name.startswith("rasterio") for record in caplog.records)
    assert any(record.name.startswith("urllib3") for record in caplog.records)
    assert "SECRET" not in caplog.text


# S3


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment without any keys."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CPL_AWS_AUTODETECT_EC2", "NO")


@dataclass
class S3:
    """A store with one bucket; wants signed requests, and does not check the signature."""

    folder: Path
    keys: set[str] = field(default_factory=set)

    def __call__(self, path: str, asked: dict[str, Any]) -> Answer:
        signature = asked["Authorization"] or ""
        self.keys.add(signature.partition("Credential=")[2].partition("/")[0])
        if not signature.startswith("AWS4-HMAC-SHA256"):
            return 403, "application/xml", b"<Error><Code>AccessDenied</Code></Error>"
        return Files(self.folder)(path, asked)


@pytest.mark.usefixtures("nobody")
def test_buckets_with_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tiff(tmp_path / "eodata" / "a b" / "vv.tif", NOISE, CRS, SOURCE.affine)
    store = S3(tmp_path)
    wanted = scene("s3://eodata/a b/vv.tif")
    with serve(store) as address:
        host = address.removeprefix("http://")
        access = Access(stores={"eodata": Store(host, "default", "https://keys.example", https=False)})
        with pytest.raises(SceneError, match=r"s3://eodata/a b/vv\.tif: .*keys in AWS_ACC") as raised:
            read_planes(wanted, SOURCE, access)
        assert "get them at https://keys.example" in str(raised.value)
        assert not raised.value.permanent
        assert not store.keys  # nothing was sent
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "KEY")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "SECRET")
        np.testing.assert_array_equal(read_planes(wanted, SOURCE, access)["b0"], NOISE)
        assert store.keys == {"KEY"}
        with pytest.raises(SceneError, match=r"s3://eodata/none\.tif") as raised:
            read_planes(scene("s3://eodata/none.tif"), SOURCE, access)
        assert not raised.value.permanent
        write_tiff(tmp_path / "eodata" / "none.tif", NOISE, CRS, SOURCE.affine)
        np.testing.assert_array_equal(read_planes(scene("s3://eodata/none.tif"), SOURCE, access)["b0"], NOISE)


@pytest.mark.usefixtures("nobody")
def test_public_buckets_need_no_keys(tmp_path: Path) -> None:
    write_tiff(tmp_path / "a b" / "vv.tif", NOISE, CRS, SOURCE.affine)
    files = Files(tmp_path)
    with serve(files) as address:
        access = Access(public={"open": address})
        np.testing.assert_array_equal(read_planes(scene("s3://open/a b/vv.tif"), SOURCE, access)["b0"], NOISE)
        with pytest.raises(SceneError, match="is not there") as raised:
            read_planes(scene("s3://open/none.tif"), SOURCE, access)
        assert raised.value.permanent
